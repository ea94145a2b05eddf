package admin

import (
	"encoding/json"
	"errors"
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
	maxDepth = 8        // of lists and objects in each other
)

// badParam says what is wrong with a parameter, a member or a header.
func badParam(name, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = name
	return e
}

// bodyRules are those of every body.
var bodyRules = strict.Rules{MaxBytes: maxBody, MaxDepth: maxDepth, Value: checkScalar,
	Cite: func(s string) string { return postern.Shorten(s, 100) },
	Unknown: func(path, name string, known []string) error {
		e := badParam(path, "there is no member %s", path)
		if best := near.Of(name, known); best != "" {
			return e.WithHint("did you mean %s?", best)
		}
		return e.WithHint("the members are %s", strings.Join(known, ", "))
	}}

// read decodes the body of the call into v, a pointer to a struct, in which nothing is
// null.
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

// checkScalar looks at a value that is neither an object nor a list.
func checkScalar(token json.Token, t reflect.Type, path string) error {
	switch kind := t.Kind(); {
	case token == nil:
		return badParam(path, "%s cannot be null", path).WithHint("leave out what is not to change")
	case kind == reflect.Slice:
		return badParam(path, "%s has to be a list", path)
	case kind == reflect.Struct || kind == reflect.Map:
		return badParam(path, "%s has to be an object", path)
	}
	return nil
}
