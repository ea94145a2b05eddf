package dialect

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"postern.dev/postern"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// contentEncoding is the Param of the one BadMediaType that every dialect answers
// with 415.
const contentEncoding = "Content-Encoding"

func errEncoding() error {
	e := postern.Errorf(postern.Invalid, "the body must not be compressed").Because(postern.BadMediaType)
	e.Param, e.Cause = contentEncoding, "content encoding"
	return e
}

func errTooLarge() error {
	e := postern.Errorf(postern.Invalid, "the request is too large").Because(postern.TooLarge)
	e.Cause = "body too large"
	return e
}

func badRequest(msg string) *postern.Error {
	e := postern.Errorf(postern.Invalid, "%s", msg).Because(postern.BadRequest)
	e.Cause = msg
	return e
}

func badMethod() *postern.Error {
	e := postern.Errorf(postern.Invalid, "this endpoint answers POST only").Because(postern.BadMethod)
	e.Cause = "method"
	return e
}

func badMediaType(msg string) *postern.Error {
	e := postern.Errorf(postern.Invalid, "%s", msg).Because(postern.BadMediaType)
	e.Cause = "media type"
	return e
}

func missing(param string) *postern.Error {
	e := postern.Errorf(postern.Invalid, "%s is missing", param).Because(postern.MissingParameter)
	e.Param, e.Cause = param, "missing "+param
	return e
}

func badClient(cause string) *postern.Error {
	e := postern.Errorf(postern.Unauthenticated, "client authentication failed").Because(postern.BadClient)
	e.Cause = cause
	return e
}

// readBody reads a body whose size and time the handler has bounded.
func readBody(r *http.Request) (string, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return "", nil
	}
	var b []byte
	var err error
	if n := r.ContentLength; n > 0 && n <= 64<<10 {
		b = make([]byte, n)
		_, err = io.ReadFull(r.Body, b)
	} else {
		b, err = io.ReadAll(r.Body)
	}
	if err != nil {
		return "", bodyError(err)
	}
	return string(b), nil
}

func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge()
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		e := postern.Errorf(postern.Invalid, "the body did not arrive in time").Because(postern.TooSlow)
		e.Cause = "body too slow"
		return e
	}
	return badRequest("the body did not arrive whole")
}

// mediaType gives the media type in lower case and its charset parameter, and
// whether the header could be read.
func mediaType(h http.Header) (kind, charset string, ok bool) {
	switch v := h["Content-Type"]; {
	case len(v) == 0:
		return "", "", true
	case len(v) > 1:
		return "", "", false
	case v[0] == formType || v[0] == jsonType:
		return v[0], "", true
	default:
		kind, params, err := mime.ParseMediaType(v[0])
		if err != nil {
			return "", "", false
		}
		return kind, params["charset"], true
	}
}

func utf8Charset(charset string) bool {
	return charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// postedForm reads the body of a POST that must be a form (RFC 6749 section 4.4.2
// and appendix B), after the checks that come before everything else.
func postedForm(r *http.Request, fold bool) (form, error) {
	if r.Method != http.MethodPost {
		return form{}, badMethod()
	}
	kind, charset, ok := mediaType(r.Header)
	switch {
	case !ok || kind != formType:
		return form{}, badMediaType("the body must be " + formType)
	case !utf8Charset(charset):
		return form{}, badMediaType("the body must be UTF-8")
	}
	body, err := readBody(r)
	if err != nil {
		return form{}, err
	}
	return parseForm(body, fold)
}
