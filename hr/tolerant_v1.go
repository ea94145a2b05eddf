package hr

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// What version 1 writes in one way was seen in others: numbers as text, booleans as 0
// and 1, "" or [] where an object is empty, one object in a list. These types write the
// one and read them all. What cannot be read is as if it were not there, so that one odd
// field does not lose a page of people.

// looseInt is a whole number.
type looseInt int64

// UnmarshalJSON reads 7, 7.0 and "7".
func (n *looseInt) UnmarshalJSON(b []byte) error {
	text := plain(b)
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = looseInt(v)
		return nil
	}
	*n = 0
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		*n = looseInt(v)
	}
	return nil
}

// looseFloat is a number with a fraction.
type looseFloat float64

// UnmarshalJSON reads 7.5 and "7.5".
func (d *looseFloat) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseFloat(plain(b), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	*d = looseFloat(v)
	return nil
}

// looseBool is a boolean.
type looseBool bool

// UnmarshalJSON reads true, 1, "1" and "true" as true.
func (f *looseBool) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(plain(b)) {
	case "true", "1":
		*f = true
	default:
		*f = false
	}
	return nil
}

// looseText is text that may be missing: empty text is written as null.
type looseText string

// MarshalJSON writes null for none.
func (t looseText) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// UnmarshalJSON reads text, and a number as text.
func (t *looseText) UnmarshalJSON(b []byte) error {
	*t = looseText(plain(b))
	return nil
}

// plain gives a JSON string without its quotes and a number or a boolean as it stands;
// "" for null and for what has members.
func plain(b []byte) string {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[' || string(b) == "null":
		return ""
	case b[0] == '"':
		var s string
		if json.Unmarshal(b, &s) != nil {
			return ""
		}
		return strings.TrimSpace(s)
	}
	return string(b)
}

// looseObject is an object that may be missing.
type looseObject[T any] struct{ it *T }

// MarshalJSON writes null for none.
func (m looseObject[T]) MarshalJSON() ([]byte, error) { return json.Marshal(m.it) }

// UnmarshalJSON reads an object, and the first of a list of them.
func (m *looseObject[T]) UnmarshalJSON(b []byte) error {
	m.it = nil
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(b, &list) != nil || len(list) == 0 {
			return nil
		}
		b = bytes.TrimSpace(list[0])
	}
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	it := new(T)
	if json.Unmarshal(b, it) == nil {
		m.it = it
	}
	return nil
}

// looseList is a list of objects; what stands in it and cannot be read is left out.
type looseList[T any] []T

// UnmarshalJSON reads a list, one object as a list of it, and everything else as an
// empty list.
func (l *looseList[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '{' {
		b = append(append([]byte{'['}, b...), ']')
	}
	var raw []json.RawMessage
	if len(b) == 0 || b[0] != '[' || json.Unmarshal(b, &raw) != nil {
		return nil
	}
	for _, r := range raw {
		var it T
		if json.Unmarshal(r, &it) == nil {
			*l = append(*l, it)
		}
	}
	return nil
}

// looseValue is the value of an attribute: anything.
type looseValue struct {
	it  any    // to be written
	raw []byte // as read
}

// MarshalJSON writes what is to be written.
func (v looseValue) MarshalJSON() ([]byte, error) { return json.Marshal(v.it) }

// UnmarshalJSON keeps what is read for whoever knows what it is.
func (v *looseValue) UnmarshalJSON(b []byte) error {
	v.raw = bytes.Clone(b)
	return nil
}

// text gives text, and a number or a boolean as text.
func (v looseValue) text() string { return plain(v.raw) }

// into reads v into a value of one of the types above.
func into[T any](v looseValue) T {
	var it T
	if len(v.raw) > 0 && json.Unmarshal(v.raw, &it) != nil {
		var none T
		return none
	}
	return it
}
