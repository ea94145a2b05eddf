package hr

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern.dev/postern"
)

// form is a body of version 1: fields with text. The document asks for a form; clients
// send JSON too, with numbers and booleans or with text. Everything that is wrong with
// it is told at once.
type form struct {
	fields map[string]string
	wrong  map[string][]string
}

const formType = "application/x-www-form-urlencoded"

// form reads the body.
func (c *call) form() (*form, error) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if enc := c.r.Header.Get("Content-Encoding"); err != nil || enc != "" && !strings.EqualFold(enc, "identity") {
		kind = ""
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, postern.Errorf(postern.Invalid, "the body is longer than %d bytes", maxBody).Because(postern.TooLarge)
		}
		return nil, postern.Errorf(postern.Invalid, "the body broke off").Because(postern.TooSlow)
	}
	f := &form{wrong: map[string][]string{}}
	switch kind {
	case "application/json":
		f.fields, err = formOfJSON(body)
	case formType:
		f.fields, err = formOfText(string(body))
	default:
		err = postern.Errorf(postern.Invalid, "the body has to be a form or JSON").Because(postern.BadMediaType).
			WithHint("send the header Content-Type: " + formType + " or application/json")
	}
	return f, err
}

func badForm(format string, args ...any) error {
	return postern.Errorf(postern.Invalid, format, args...).Because(postern.BadRequest)
}

// formOfText reads a form, with each field once.
func formOfText(body string) (map[string]string, error) {
	values, err := url.ParseQuery(body)
	if err != nil || !utf8.ValidString(body) {
		return nil, badForm("the body is not a form")
	}
	out := map[string]string{}
	for name, v := range values {
		if len(v) > 1 {
			return nil, badForm("%s is there twice", postern.Shorten(name, 100))
		}
		if !utf8.ValidString(v[0]) {
			return nil, badForm("%s is not UTF-8", postern.Shorten(name, 100))
		}
		out[name] = v[0]
	}
	return out, nil
}

// formOfJSON reads one object, with each name once.
func formOfJSON(body []byte) (map[string]string, error) {
	var members map[string]json.RawMessage
	if err := decodeStrictly(body, &members); err != nil {
		return nil, badForm("%s", postern.Public(err))
	}
	out := map[string]string{}
	for name, raw := range members {
		switch {
		case string(raw) == "null":
		case raw[0] == '{' || raw[0] == '[':
			return nil, badForm("%s is an object or a list", postern.Shorten(name, 100))
		case raw[0] == '"':
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, badForm("%s cannot be read", postern.Shorten(name, 100))
			}
			out[name] = s
		default:
			out[name] = string(raw)
		}
	}
	return out, nil
}

// complain notes what is wrong with a field.
func (f *form) complain(name, format string) {
	f.wrong[name] = append(f.wrong[name], strings.ReplaceAll(format, ":field", strings.ReplaceAll(name, "_", " ")))
}

// err refuses the form, if anything is wrong with it.
func (f *form) err() error {
	if len(f.wrong) > 0 {
		return invalid(f.wrong)
	}
	return nil
}

// required gives a field that has to be there.
func (f *form) required(name string) (string, bool) {
	s := strings.TrimSpace(f.fields[name])
	if s == "" {
		f.complain(name, "The :field field is required.")
	}
	return s, s != ""
}

// number reads a required number from 1.
func (f *form) number(name string) int64 {
	s, ok := f.required(name)
	n, err := strconv.ParseInt(s, 10, 64)
	if ok && (err != nil || n < 1) {
		f.complain(name, "The :field must be an integer.")
	}
	return n
}

// date reads a required day.
func (f *form) date(name string) postern.Date {
	s, ok := f.required(name)
	d, err := postern.ParseDate(s)
	if ok && err != nil {
		f.complain(name, "The :field does not match the format Y-m-d.")
	}
	return d
}

// truth reads true or false.
func (f *form) truth(name string, def bool) bool {
	switch s := strings.ToLower(strings.TrimSpace(f.fields[name])); s {
	case "":
		return def
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	f.complain(name, "The :field field must be true or false.")
	return def
}

// clock reads a time of the day in minutes, -1 when it is not there.
func (f *form) clock(name string) int {
	s := strings.TrimSpace(f.fields[name])
	if s == "" {
		return -1
	}
	minutes, ok := clockOf(s)
	if !ok {
		f.complain(name, "The :field does not match the format H:i.")
	}
	return minutes
}
