package admin

import (
	"bytes"
	"encoding/json"
	"errors"
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
	maxDepth = 8        // of lists and objects in each other
)

// badParam says what is wrong with a parameter, a member or a header.
func badParam(name, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = name
	return e
}

// read decodes the body of the call into v, a pointer to a struct: one JSON object in
// UTF-8, with no name twice, none that v does not know in that letter case, and no null.
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

// decodeStrictly decodes one JSON object. The standard decoder takes names in any letter
// case, the last of two equal ones and, unless told, names that mean nothing; an
// operator who misspells a member should hear of it.
func decodeStrictly(body []byte, v any) error {
	if !utf8.Valid(body) || !json.Valid(body) {
		return postern.Errorf(postern.Invalid, "the body is not JSON").WithHint("send one JSON object in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkValue(d, reflect.TypeOf(v).Elem(), "", 0); err != nil {
		return err
	}
	err := json.Unmarshal(body, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return badParam(e.Field, "%s cannot be a %s", e.Field, postern.Shorten(e.Value, 40))
	}
	if err != nil {
		return postern.Errorf(postern.Invalid, "the body is not of the documented form")
	}
	return nil
}

// checkValue walks the next value beside the type that it is meant for.
func checkValue(d *json.Decoder, t reflect.Type, path string, depth int) error {
	if depth > maxDepth {
		return postern.Errorf(postern.Invalid, "the body has more than %d lists and objects in each other", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return postern.Errorf(postern.Invalid, "the body is not JSON") // not reached: it was valid
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := t.Kind(); {
	case token == json.Delim('{') && (kind == reflect.Struct || kind == reflect.Map):
		return checkObject(d, t, path, depth)
	case token == json.Delim('[') && kind == reflect.Slice:
		for d.More() {
			if err := checkValue(d, t.Elem(), path+"[]", depth+1); err != nil {
				return err
			}
		}
		_, _ = d.Token() // the end, of what was valid
		return nil
	case depth == 0:
		return postern.Errorf(postern.Invalid, "the body is not a JSON object")
	case token == nil:
		return badParam(path, "%s cannot be null", path).WithHint("leave out what is not to change")
	case token == json.Delim('{'):
		return badParam(path, "%s cannot be an object", path)
	case token == json.Delim('['):
		return badParam(path, "%s cannot be a list", path)
	case kind == reflect.Slice:
		return badParam(path, "%s has to be a list", path)
	case kind == reflect.Struct || kind == reflect.Map:
		return badParam(path, "%s has to be an object", path)
	}
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
		if !ok {
			e := badParam(at, "there is no member %s", at)
			if best := near.Of(name, slices.Sorted(maps.Keys(known))); best != "" {
				return e.WithHint("did you mean %s?", best)
			}
			return e.WithHint("the members are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := checkValue(d, of, at, depth+1); err != nil {
			return err
		}
	}
	_, _ = d.Token()
	return nil
}

// fieldsOf lists the names that a struct has in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			out[name] = t.Field(i).Type
		}
	}
	return out
}
