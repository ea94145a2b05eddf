// Package strict decodes bodies of requests that have to be what is documented, to the
// letter. The standard decoder takes names in any letter case, the last of two equal
// ones and, unless told, names that mean nothing; who misspells an optional member
// should hear of it.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kind is what is wrong with a body.
type Kind int

// The kinds there are.
const (
	Invalid   Kind = iota // it is not of the documented form
	MediaType             // it is not JSON, not in UTF-8, or compressed
	TooLarge              // it is longer than Rules.MaxBytes
	BrokenOff             // it ended before its end, or did not come in time
)

// Error says what is wrong with a body, in words for whoever sent it.
type Error struct {
	Kind Kind
	At   string // the member, such as "ends_at.type" or "tags[]"; "" for the whole body
	Msg  string
	Hint string // what to do, "" where nothing helps
}

// Error gives the message without the hint.
func (e *Error) Error() string { return e.Msg }

// Rules say what a body may be.
type Rules struct {
	MaxBytes int // of a body that Read reads
	MaxDepth int // of lists and objects in each other

	// Cite makes text that was sent fit to be repeated: short, and without characters that
	// steer a terminal.
	Cite func(s string) string
	// StandsFor gives the type that another one stands for in JSON, t itself if it stands
	// for none, and nil for one that may be anything. Rules without it know pointers.
	StandsFor func(t reflect.Type) reflect.Type
	// Value looks at a value that is neither an object nor a list, before it is decoded; t
	// is nil where it may be anything. What it finds wrong is given back as it is.
	Value func(token json.Token, t reflect.Type, path string) error
	// Unknown says that there is no such name. The known ones are sorted.
	Unknown func(path, name string, known []string) error
}

// Read decodes what came with these values of Content-Type and Content-Encoding into v,
// a pointer to a struct: one JSON object in UTF-8, with no name twice and none that v
// does not know, in the letter case that v has. The reader has to fail after MaxBytes,
// as that of http.MaxBytesReader does.
func (s *Rules) Read(contentType, encoding string, r io.Reader, v any) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/json" {
		return &Error{MediaType, "", "the body has to be JSON", "send the header Content-Type: application/json"}
	}
	if set, ok := params["charset"]; ok && !strings.EqualFold(set, "utf-8") {
		return &Error{Kind: MediaType, Msg: "the body has to be in UTF-8"}
	}
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &Error{Kind: MediaType, Msg: "the body must not be compressed"}
	}
	body, err := io.ReadAll(r)
	if err != nil && len(body) >= s.MaxBytes {
		return &Error{Kind: TooLarge, Msg: fmt.Sprintf("the body is longer than %d bytes", s.MaxBytes)}
	}
	if err != nil {
		return &Error{Kind: BrokenOff, Msg: "the body broke off"}
	}
	return s.Decode(body, v)
}

// Decode is Read for a body that is there.
func (s *Rules) Decode(body []byte, v any) error {
	if !utf8.Valid(body) || !json.Valid(body) {
		return &Error{Msg: "the body is not JSON", Hint: "send one JSON object in UTF-8"}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := s.check(d, reflect.TypeOf(v).Elem(), "", 0); err != nil {
		return err
	}
	err := json.Unmarshal(body, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrong(e.Field, "cannot be a "+s.Cite(e.Value))
	}
	if err != nil {
		return &Error{Msg: "the body is not of the documented form"}
	}
	return nil
}

// wrong says what is wrong with a member.
func wrong(path, what string) *Error { return &Error{At: path, Msg: path + " " + what} }

// check walks the next value beside the type that it is meant for, nil for any.
func (s *Rules) check(d *json.Decoder, t reflect.Type, path string, depth int) error {
	if depth > s.MaxDepth {
		return &Error{Msg: fmt.Sprintf("the body has more than %d lists and objects in each other", s.MaxDepth)}
	}
	token, err := d.Token()
	if err != nil {
		return &Error{Msg: "the body is not JSON"} // not reached: it was valid
	}
	t = s.standsFor(t)
	var kind reflect.Kind
	if t != nil {
		kind = t.Kind()
	}
	switch {
	case token == json.Delim('{') && (t == nil || kind == reflect.Struct || kind == reflect.Map):
		return s.object(d, t, path, depth)
	case token == json.Delim('[') && depth > 0 && (t == nil || kind == reflect.Slice):
		return s.list(d, t, path, depth)
	case depth == 0:
		return &Error{Msg: "the body is not a JSON object"}
	case token == json.Delim('{'):
		return wrong(path, "cannot be an object")
	case token == json.Delim('['):
		return wrong(path, "cannot be a list")
	}
	return s.Value(token, t, path)
}

func (s *Rules) standsFor(t reflect.Type) reflect.Type {
	for t != nil {
		of := t
		if s.StandsFor != nil {
			of = s.StandsFor(t)
		}
		if of == t && t.Kind() == reflect.Pointer {
			of = t.Elem()
		}
		if of == t {
			break
		}
		t = of
	}
	return t
}

func (s *Rules) list(d *json.Decoder, t reflect.Type, path string, depth int) error {
	if t != nil {
		t = t.Elem()
	}
	for d.More() {
		if err := s.check(d, t, path+"[]", depth+1); err != nil {
			return err
		}
	}
	_, _ = d.Token() // the end, of what was valid
	return nil
}

func (s *Rules) object(d *json.Decoder, t reflect.Type, path string, depth int) error {
	known := fieldsOf(t)
	seen := map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string) // of a valid object
		at := s.Cite(strings.TrimPrefix(path+"."+name, "."))
		if seen[name] {
			return wrong(at, "is there twice")
		}
		seen[name] = true
		of, ok := known[name]
		switch {
		case t != nil && t.Kind() == reflect.Map:
			of = t.Elem()
		case !ok && t != nil:
			return s.Unknown(at, name, slices.Sorted(maps.Keys(known)))
		}
		if err := s.check(d, of, at, depth+1); err != nil {
			return err
		}
	}
	_, _ = d.Token()
	return nil
}

// fieldsOf lists the names that a struct has in JSON, nil for what is not a struct.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			maps.Copy(out, fieldsOf(f.Type))
		case name != "" && name != "-":
			out[name] = f.Type
		}
	}
	return out
}
