package hr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// Bounds of the bodies we read.
const (
	maxBody  = 64 << 10 // bytes
	maxDepth = 16       // of lists and objects in each other
)

// read decodes the body of the call into v, a pointer to a struct: one JSON object in UTF-8, with
// no name twice and none that v does not know, in the letter case that v has.
func (c *call) read(v any) error {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return postern.Errorf(postern.Invalid, "the body has to be JSON").Because(postern.BadMediaType).
			WithHint("send the header Content-Type: application/json")
	}
	if s, ok := params["charset"]; ok && !strings.EqualFold(s, "utf-8") {
		return postern.Errorf(postern.Invalid, "the body has to be in UTF-8").Because(postern.BadMediaType)
	}
	if enc := c.r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return postern.Errorf(postern.Invalid, "the body must not be compressed").Because(postern.BadMediaType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return postern.Errorf(postern.Invalid, "the body is longer than %d bytes", maxBody).Because(postern.TooLarge)
		}
		return postern.Errorf(postern.Invalid, "the body broke off").Because(postern.TooSlow)
	}
	return decodeStrictly(body, v)
}

// decodeStrictly decodes one JSON object. The standard decoder takes names in any
// letter case, the last of two equal ones and, unless told, names that mean nothing; a
// caller who misspells an optional field should hear of it.
func decodeStrictly(body []byte, v any) error {
	if !utf8.Valid(body) || !json.Valid(body) {
		return postern.Errorf(postern.Invalid, "the body is not JSON").WithHint("send one JSON object in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkNames(d, reflect.TypeOf(v).Elem(), "", 0); err != nil {
		return err
	}
	if json.Unmarshal(body, v) != nil {
		return postern.Errorf(postern.Invalid, "the body is not of the documented form")
	}
	return nil
}

// optional is a type that stands for another one in JSON.
type optional interface{ within() reflect.Type }

// checkNames walks the next value beside the type that it is meant for.
func checkNames(d *json.Decoder, t reflect.Type, path string, depth int) error {
	if depth > maxDepth {
		return postern.Errorf(postern.Invalid, "the body has more than %d lists and objects in each other", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return postern.Errorf(postern.Invalid, "the body is not JSON") // not reached: it was valid
	}
	for t != nil && t.Kind() != reflect.Interface {
		if o, ok := reflect.Zero(t).Interface().(optional); ok && t.Kind() != reflect.Pointer {
			t = o.within()
		} else if t.Kind() == reflect.Pointer {
			t = t.Elem()
		} else {
			break
		}
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		t = nil // anything
	}
	switch {
	case token == json.Delim('{') && (t == nil || t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		return checkObject(d, t, path, depth)
	case token == json.Delim('[') && (t == nil && depth > 0 || t != nil && t.Kind() == reflect.Slice):
		return checkList(d, t, path, depth)
	case depth == 0:
		return postern.Errorf(postern.Invalid, "the body is not a JSON object")
	case token == json.Delim('{'):
		return badParam(path, "%s cannot be an object", path)
	case token == json.Delim('['):
		return badParam(path, "%s cannot be a list", path)
	case t == nil || token == nil:
		return nil
	case token != "" && t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		return badParam(path, "%s has to be an object", path)
	case token != "" && t.Kind() == reflect.Slice:
		return badParam(path, "%s has to be a list", path)
	case t == reflect.TypeFor[openText]() && !textFor(token, path):
		return badParam(path, "%s is a text, and cannot be %v", path, postern.Shorten(fmt.Sprint(token), 40))
	}
	return checkScalar(token, t, path)
}

// textFor says whether a value can stand for a text. Ids that are digits are written as
// numbers by many; elsewhere a number or a truth is a slip.
func textFor(token json.Token, path string) bool {
	switch token.(type) {
	case string:
		return true
	case json.Number:
		return path == "id" || strings.HasSuffix(path, ".id")
	}
	return false
}

func checkScalar(token json.Token, t reflect.Type, path string) error {
	b, err := json.Marshal(token)
	if err != nil {
		return err
	}
	err = json.Unmarshal(b, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*postern.Error](err); ok {
		return badParam(path, "%s: %s", path, e.Msg).WithHint("%s", e.Hint)
	}
	return badParam(path, "%s cannot be %s", path, postern.Shorten(string(b), 40))
}

func checkList(d *json.Decoder, t reflect.Type, path string, depth int) error {
	if t != nil {
		t = t.Elem()
	}
	for d.More() {
		if err := checkNames(d, t, path+"[]", depth+1); err != nil {
			return err
		}
	}
	_, _ = d.Token() // the end, of what was valid
	return nil
}

func checkObject(d *json.Decoder, t reflect.Type, path string, depth int) error {
	known := fieldsOf(t)
	seen := map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string) // of a valid object
		at := postern.Shorten(strings.TrimPrefix(path+"."+name, "."), 100)
		if seen[name] {
			return badParam(at, "%s is there twice", at)
		}
		seen[name] = true
		of, ok := known[name]
		if !ok && known != nil {
			return unknownField(at, name, known)
		}
		if err := checkNames(d, of, at, depth+1); err != nil {
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
			for n, of := range fieldsOf(f.Type) {
				out[n] = of
			}
		case name != "" && name != "-":
			out[name] = f.Type
		}
	}
	return out
}

func unknownField(at, name string, known map[string]reflect.Type) error {
	e := badParam(at, "there is no field %s", at)
	best := near.Of(name, slices.Collect(maps.Keys(known)))
	if best != "" {
		return e.WithHint("did you mean %s?", best)
	}
	return e
}
