package main

import (
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// form is how a column's values are written.
type form int

// The forms. Whole and number are numbers in JSON too, boolean is true or false, list
// an array; everything else is text.
const (
	formText form = iota
	formWhole
	formNumber
	formBoolean
	formList
)

// field is one value as it stands in a file.
type field struct {
	text string
	list []string // of formList
	// pairs are the attributes of a person, where a file has them as objects.
	pairs []postern.Attribute
}

func (f field) empty() bool { return f.text == "" && len(f.list) == 0 && len(f.pairs) == 0 }

// draft is a row that is being read.
type draft struct {
	noun any // a pointer to the noun
	// email and absenceType name what the row belongs to where it has no number for it.
	email, absenceType string
}

// column is one thing that rows of a kind have.
type column struct {
	name     string
	form     form
	required bool
	// instead is the column that this one stands in for when a file is read. It is
	// never written.
	instead string
	get     func(noun any) field
	set     func(d *draft, f field) error // of a field that is not empty
}

// on makes a column that is a member of R.
func on[R any, V any](name string, at func(*R) *V, form form, write func(V) field, read func(field) (V, error)) column {
	return column{name: name, form: form,
		get: func(noun any) field { return write(*at(noun.(*R))) },
		set: func(d *draft, f field) (err error) {
			v, err := read(f)
			if err == nil {
				*at(d.noun.(*R)) = v
			}
			return err
		}}
}

func (c column) needed() column { c.required = true; return c }

func text[R any, V ~string](name string, at func(*R) *V) column {
	return on(name, at, formText, func(v V) field { return field{text: string(v)} },
		func(f field) (V, error) { return V(f.text), nil })
}

func whole[R any, V ~int64](name string, at func(*R) *V) column {
	return on(name, at, formWhole,
		func(v V) field {
			if v == 0 {
				return field{}
			}
			return field{text: strconv.FormatInt(int64(v), 10)}
		},
		func(f field) (V, error) {
			n, err := strconv.ParseInt(f.text, 10, 64)
			if err != nil || n < 1 {
				return 0, bad("%q is not a whole number from 1 on", f.text)
			}
			return V(n), nil
		})
}

func decimal[R any](name string, at func(*R) *float64) column {
	return on(name, at, formNumber,
		func(v float64) field {
			if v == 0 {
				return field{}
			}
			return field{text: strconv.FormatFloat(v, 'f', -1, 64)}
		},
		func(f field) (float64, error) { return parseNumber(f.text) })
}

func parseNumber(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xXnN_") { // hexadecimal, infinity and what is no number
		return 0, bad("%q is not a number such as 38.5", s)
	}
	return v, nil
}

func boolean[R any](name string, at func(*R) *bool) column {
	return on(name, at, formBoolean, func(v bool) field { return field{text: strconv.FormatBool(v)} },
		func(f field) (bool, error) {
			switch strings.ToLower(f.text) {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
			return false, bad("%q is neither true nor false", f.text)
		})
}

func date[R any](name string, at func(*R) *postern.Date) column {
	return on(name, at, formText, func(v postern.Date) field { return field{text: v.String()} },
		func(f field) (postern.Date, error) { return postern.ParseDate(f.text) })
}

func local[R any](name string, at func(*R) *postern.LocalTime) column {
	return on(name, at, formText, func(v postern.LocalTime) field { return field{text: v.String()} },
		func(f field) (postern.LocalTime, error) { return postern.ParseLocalTime(f.text) })
}

// edge is an end of an absence: a day, which is meant as a whole, or a time. The day
// that an absence ends with is its last.
func edge[R any](name string, at func(*R) *postern.LocalTime, last bool) column {
	return on(name, at, formText,
		func(v postern.LocalTime) field {
			switch {
			case v == 0 || !v.Midnight():
				return field{text: v.String()}
			case last:
				return field{text: (v.Date() - 1).String()}
			}
			return field{text: v.Date().String()}
		},
		func(f field) (postern.LocalTime, error) {
			if d, err := postern.ParseDate(f.text); err == nil {
				if last {
					d++
				}
				return d.At(0), nil
			}
			v, err := postern.ParseLocalTime(f.text)
			if err != nil {
				return 0, bad("%q is neither a day nor a time", f.text).WithHint("write 2026-11-23, or 2026-11-23T12:00:00 without a zone")
			}
			return v, nil
		})
}

// instant is a moment, to the millisecond, as what is stored.
func instant[R any](name string, at func(*R) *time.Time) column {
	return on(name, at, formText,
		func(v time.Time) field {
			if v.IsZero() {
				return field{}
			}
			return field{text: v.UTC().Format("2006-01-02T15:04:05.000Z")}
		},
		func(f field) (time.Time, error) {
			v, err := time.Parse(time.RFC3339, f.text)
			if err != nil || v.Year() < postern.MinYear || v.Year() > postern.MaxYear {
				return v, bad("%q is not a time with a zone", f.text).WithHint("write 2026-11-23T09:30:00Z")
			}
			return v.UTC().Truncate(time.Millisecond), nil
		})
}

// schedule is seven lengths of a day, Monday first, in hours and minutes.
func schedule[R any](name string, at func(*R) *postern.Schedule) column {
	return on(name, at, formList,
		func(v postern.Schedule) (f field) {
			if v == (postern.Schedule{}) {
				return f
			}
			for _, m := range v {
				f.list = append(f.list, strconv.Itoa(m/60)+":"+strconv.Itoa(m%60/10)+strconv.Itoa(m%10))
			}
			return f
		},
		func(f field) (v postern.Schedule, err error) {
			if len(f.list) != len(v) {
				return v, bad("a week has seven days, not %d", len(f.list)).WithHint("write 8:00;8:00;8:00;8:00;8:00;0:00;0:00, from Monday on")
			}
			for i, s := range f.list {
				hours, minutes, _ := strings.Cut(s, ":")
				h, err := strconv.Atoi(hours)
				m := 0
				if err == nil && minutes != "" {
					m, err = strconv.Atoi(minutes)
				}
				if err != nil || h < 0 || h > 24 || m < 0 || m > 59 {
					return v, bad("%q is not a length of time", s).WithHint("write hours and minutes, such as 7:30")
				}
				v[i] = 60*h + m
			}
			return v, nil
		})
}

// centers is a list of cost centers, each as ID:WEIGHT:NAME.
func centers[R any](name string, at func(*R) *[]postern.CostCenter) column {
	return on(name, at, formList,
		func(v []postern.CostCenter) (f field) {
			for _, c := range v {
				f.list = append(f.list, c.ID+":"+strconv.FormatFloat(c.Weight, 'f', -1, 64)+":"+c.Name)
			}
			return f
		},
		func(f field) (v []postern.CostCenter, err error) {
			for _, s := range f.list {
				id, rest, ok := strings.Cut(s, ":")
				weight, name, _ := strings.Cut(rest, ":")
				w, err := parseNumber(weight)
				if !ok || err != nil || w < 0 || w > 100 {
					return nil, bad("%q is not a cost center", s).WithHint("write ID:PERCENT:NAME, such as 900:40:General")
				}
				v = append(v, postern.CostCenter{Ref: postern.Ref{ID: id, Name: name}, Weight: w})
			}
			return v, nil
		})
}

// bad is a value that cannot be read. What it quotes is shortened.
func bad(format string, args ...any) *postern.Error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = postern.Shorten(s, 40)
		}
	}
	return postern.Errorf(postern.Invalid, format, args...)
}
