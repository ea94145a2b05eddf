package hr

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Types of wire structs, which write what is documented and read what was met: numbers
// as strings and the other way round, truth as 0 and 1, nothing as "" or [], times in
// any of the notations. An option that cannot be read at all is as if it were not there,
// since a list of a hundred persons is worth more than one odd field of one of them;
// bodies that we are sent are looked at before (decodeStrictly), for whoever sent them
// should mend them.

// option is a member that can be absent, null or there. The zero option is absent; it
// needs omitzero in its tag.
type option[T any] struct {
	v    T
	has  bool
	null bool
}

func some[T any](v T) option[T] { return option[T]{v: v, has: true} }
func null[T any]() option[T]    { return option[T]{null: true} }

// someIf is v, or null when it is the zero value.
func someIf[T comparable](v T) option[T] {
	var zero T
	if v == zero {
		return null[T]()
	}
	return some(v)
}

// given says whether the member was there, be it null.
func (m option[T]) given() bool { return m.has || m.null }

// IsZero is for omitzero.
func (m option[T]) IsZero() bool { return !m.has && !m.null }

// within gives the type that the option is of.
func (option[T]) within() reflect.Type { return reflect.TypeFor[T]() }

// MarshalJSON writes null, or the value.
func (m option[T]) MarshalJSON() ([]byte, error) {
	if !m.has {
		return []byte("null"), nil
	}
	return json.Marshal(m.v)
}

// UnmarshalJSON reads null, or the value. An empty string or list in place of an
// object, and an empty string or object in place of a list, is null; what is no value at
// all is absent.
func (m *option[T]) UnmarshalJSON(b []byte) error {
	*m = option[T]{}
	if string(b) == "null" || emptyFor(reflect.TypeFor[T]().Kind(), b) {
		*m = null[T]()
		return nil
	}
	var v T
	if json.Unmarshal(b, &v) == nil {
		*m = some(v)
	}
	return nil
}

func emptyFor(kind reflect.Kind, b []byte) bool {
	switch s := string(bytes.Join(bytes.Fields(b), nil)); kind {
	case reflect.Struct, reflect.Map:
		return s == `""` || s == "[]"
	case reflect.Slice:
		return s == `""` || s == "{}"
	}
	return false
}

// openText is a string, which others write as a number or a truth.
type openText string

// UnmarshalJSON reads any scalar.
func (t *openText) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		*t = openText(s)
		return err
	case string(b) == "null" || len(b) > 0 && (b[0] == '{' || b[0] == '['):
		*t = ""
	default:
		*t = openText(b)
	}
	return nil
}

// openNumber is a number, which others write as a string.
type openNumber float64

// UnmarshalJSON reads a number, a number in a string, and nothing as 0.
func (n *openNumber) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "" || s == "null" {
		*n = 0
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return postern.Errorf(postern.Invalid, "%s is not a number", postern.Shorten(string(b), 40))
	}
	*n = openNumber(f)
	return nil
}

// whole is a whole number, which others write as a string.
type whole int64

// UnmarshalJSON reads what openNumber reads and is whole.
func (n *whole) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = whole(i)
		return nil
	}
	var f openNumber
	if err := f.UnmarshalJSON(b); err != nil {
		return err
	}
	if float64(f) != math.Trunc(float64(f)) || math.Abs(float64(f)) > 1<<53 {
		return postern.Errorf(postern.Invalid, "%s is not a whole number", postern.Shorten(string(b), 40))
	}
	*n = whole(f)
	return nil
}

// truth is true or false, which others write as 1 and 0, and those as strings.
type truth bool

// UnmarshalJSON reads all of them.
func (t *truth) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1", "yes":
		*t = true
	case "false", "0", "no", "", "null":
		*t = false
	default:
		return postern.Errorf(postern.Invalid, "%s is neither true nor false", postern.Shorten(string(b), 40))
	}
	return nil
}

// day is a day, which others write with a time after it.
type day postern.Date

// MarshalJSON writes YYYY-MM-DD, and null for none.
func (d day) MarshalJSON() ([]byte, error) {
	if d == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + postern.Date(d).String() + `"`), nil
}

// UnmarshalJSON reads a date, with or without a time, and nothing as none.
func (d *day) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	*d = 0
	if s == "" || s == "null" || strings.HasPrefix(s, "0000") {
		return nil
	}
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') {
		if _, _, err := momentsOf(s[:10]+"T"+s[11:], time.UTC); err == nil {
			s = s[:10]
		}
	}
	date, err := postern.ParseDate(s)
	*d = day(date)
	return err
}

// wall is a time on a wall, which others write with an offset; it is dropped, for it
// says in which zone the wall is and not that the wall shows something else.
type wall postern.LocalTime

// MarshalJSON writes YYYY-MM-DDTHH:MM:SS, and null for none.
func (w wall) MarshalJSON() ([]byte, error) {
	if w == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + postern.LocalTime(w).String() + `"`), nil
}

// UnmarshalJSON reads a time or a date, which is its midnight, and nothing as none.
func (w *wall) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	*w = 0
	if s == "" || s == "null" {
		return nil
	}
	if d, err := postern.ParseDate(s); err == nil {
		*w = wall(d.At(0))
		return nil
	}
	s = strings.Replace(s, " ", "T", 1)
	if l, err := postern.ParseLocalTime(s); err == nil {
		*w = wall(l)
		return nil
	}
	if len(s) > 19 { // with a zone or more digits than the clock has
		if l, err := postern.ParseLocalTime(s[:19]); err == nil {
			if _, _, err := momentsOf(s, time.UTC); err == nil {
				*w = wall(l)
				return nil
			}
		}
	}
	return postern.Errorf(postern.Invalid, "%q is not a local time", postern.Shorten(s, 40)).
		WithHint("write YYYY-MM-DDTHH:MM:SS without a zone")
}

// moment is an instant, written in UTC.
type moment time.Time

func (m moment) time() time.Time { return time.Time(m) }

// IsZero is for omitzero.
func (m moment) IsZero() bool { return time.Time(m).IsZero() }

// MarshalJSON writes it to the millisecond, without a fraction that is nothing, and
// null for none.
func (m moment) MarshalJSON() ([]byte, error) {
	if m.IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(m).UTC().Format(`"2006-01-02T15:04:05.999Z07:00"`)), nil
}

// UnmarshalJSON reads an instant in any notation that was met, one without an offset as
// UTC, and what cannot be read as none.
func (m *moment) UnmarshalJSON(b []byte) error {
	*m = moment{}
	s := strings.Trim(string(b), `"`)
	if from, _, err := momentsOf(s, time.UTC); err == nil {
		*m = moment(from.UTC())
	}
	return nil
}

// at is an instant, absent when it is none.
func at(t time.Time) option[moment] {
	if t.IsZero() {
		return option[moment]{}
	}
	return some(moment(t))
}

// ref points to another object by its id.
type ref struct {
	ID openText `json:"id"`
}

// refTo makes a ref, null for none.
func refTo(id string) option[ref] {
	if id == "" {
		return null[ref]()
	}
	return some(ref{ID: openText(id)})
}

// refToPerson makes a ref to a person, null for nobody.
func refToPerson(id postern.PersonID) option[ref] {
	if id == 0 {
		return null[ref]()
	}
	return refTo(strconv.FormatInt(int64(id), 10))
}

// person reads the number of a person that a ref points to, 0 when it points to none.
func (r ref) person() (postern.PersonID, bool) { return personID(string(r.ID)) }
