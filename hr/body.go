package hr

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
	"postern.dev/postern/internal/strict"
)

// Bounds of the bodies we read.
const (
	maxBody  = 64 << 10 // bytes
	maxDepth = 16       // of lists and objects in each other
)

// bodyRules are those of every body in JSON.
var bodyRules = strict.Rules{MaxBytes: maxBody, MaxDepth: maxDepth, StandsFor: standsFor, Value: checkScalar,
	Cite: func(s string) string { return postern.Shorten(s, 100) },
	Unknown: func(path, name string, known []string) error {
		e := badParam(path, "there is no field %s", path)
		if best := near.Of(name, known); best != "" {
			return e.WithHint("did you mean %s?", best)
		}
		return e
	}}

// read decodes the body of the call into v, a pointer to a struct.
func (c *call) read(v any) error {
	h, body := c.r.Header, http.MaxBytesReader(c.w, c.r.Body, maxBody)
	return refusedBody(bodyRules.Read(h.Get("Content-Type"), h.Get("Content-Encoding"), body, v))
}

func decodeStrictly(body []byte, v any) error { return refusedBody(bodyRules.Decode(body, v)) }

// reasons are those of bodies that cannot be read at all.
var reasons = map[strict.Kind]postern.Reason{
	strict.MediaType: postern.BadMediaType, strict.TooLarge: postern.TooLarge, strict.BrokenOff: postern.TooSlow}

// refusedBody gives what is wrong with a body as an error of ours.
func refusedBody(err error) error {
	if wrong, ok := errors.AsType[*strict.Error](err); ok {
		return &postern.Error{Code: postern.Invalid, Reason: reasons[wrong.Kind], Param: wrong.At, Msg: wrong.Msg, Hint: wrong.Hint}
	}
	return err
}

// optional is a type that stands for another one in JSON.
type optional interface{ within() reflect.Type }

func standsFor(t reflect.Type) reflect.Type {
	if t == reflect.TypeFor[json.RawMessage]() {
		return nil // anything
	}
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		if o, ok := reflect.Zero(t).Interface().(optional); ok {
			return o.within()
		}
	}
	return t
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

// checkScalar looks at a value that is neither an object nor a list.
func checkScalar(token json.Token, t reflect.Type, path string) error {
	switch {
	case t == nil || token == nil:
		return nil
	case token != "" && t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		return badParam(path, "%s has to be an object", path)
	case token != "" && t.Kind() == reflect.Slice:
		return badParam(path, "%s has to be a list", path)
	case t == reflect.TypeFor[openText]() && !textFor(token, path):
		return badParam(path, "%s is a text, and cannot be %v", path, postern.Shorten(fmt.Sprint(token), 40))
	}
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
