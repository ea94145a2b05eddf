package hr

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"postern.dev/postern"
)

// v1 is what version 1 does around a call: every answer is an envelope, a refusal too,
// and some repeat the token in a header of their own.
//
//	404 {"success":false,"error":{"code":404,"message":"The absence period was not found.",
//	     "trace_id":"a1b2"}}
type v1 struct{}

func (v1) rest() string { return "/v1/company/" }

// before says that nothing here may be cached, for it is about people.
func (v1) before(c *call) { c.w.Header()["Cache-Control"] = []string{"no-store"} }

// envelopeV1 is every answer of version 1 but a picture.
type envelopeV1[T any] struct {
	Success  looseBool   `json:"success"`
	Metadata *metadataV1 `json:"metadata,omitempty"`
	Offset   *looseInt   `json:"offset,omitempty"`
	Limit    *looseInt   `json:"limit,omitempty"`
	Data     T           `json:"data"`
}

// metadataV1 counts the pages of a list, from 0 or from 1, as the endpoint does.
type metadataV1 struct {
	Total looseInt `json:"total_elements"`
	Page  looseInt `json:"current_page"`
	Pages looseInt `json:"total_pages"`
}

// objectV1 is how version 1 wraps most of what has attributes.
type objectV1[T any] struct {
	Type       string `json:"type"`
	Attributes T      `json:"attributes"`
}

// answer gives data in the envelope.
func (c *call) answer(status int, data any) error {
	return c.enveloped(status, envelopeV1[any]{Success: true, Data: data})
}

// said is data that is a sentence.
type said struct {
	Message string `json:"message"`
}

// enveloped answers, and repeats the token where the tenant wants that: clients from the
// time when every answer brought a new token still look for it.
func (c *call) enveloped(status int, v any) error {
	if c.is("v1-header", "all") || c.is("v1-header", "live") && c.route.path != attendancesV1Path {
		if token, err := bearer(c.r); err == nil {
			c.w.Header()["Authorization"] = []string{"Bearer " + token}
		}
	}
	return c.json(status, v)
}

// failure is the envelope of a refusal.
type failure struct {
	Success looseBool    `json:"success"`
	Error   failureError `json:"error"`
}

// failureError says what went wrong. Code is often 0, and says nothing.
type failureError struct {
	Code    int                 `json:"code"`
	Message string              `json:"message"`
	Data    string              `json:"error_data,omitempty"`
	Errors  map[string][]string `json:"errors,omitempty"` // by field
	Hint    string              `json:"hint,omitempty"`
	TraceID string              `json:"trace_id"`
}

// refusal is an error with words of this wire.
type refusal struct {
	err     *postern.Error
	status  int
	code    int // on the wire
	message string
	fields  map[string][]string // what is wrong with each field
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refuse makes a refusal that the caller understands by its message alone.
func refuse(code postern.Code, status, number int, message string) *refusal {
	return &refusal{err: postern.Errorf(code, "%s", message), status: status, code: number, message: message}
}

func (r *refusal) hint(format string, args ...any) *refusal {
	_ = r.err.WithHint(format, args...)
	return r
}

// The words of more than one endpoint. Codes of 0 and the German are the live service's.
const (
	aProblem         = "Es ist ein Problem aufgetreten"
	failedValidation = "The given data failed to pass validation."
	periodNotFound   = "The absence period was not found."
	periodBadID      = "The absence period id is invalid."
	periodNotMade    = "Error when trying to insert absence period"
	periodDeleted    = "The absence period was deleted."
)

func noEmployee() *refusal {
	return refuse(postern.NotFound, http.StatusNotFound, 0, aProblem).
		hint("there is no employee with this id; GET /v1/company/employees lists them")
}

func noPeriod() *refusal {
	return refuse(postern.NotFound, http.StatusNotFound, http.StatusNotFound, periodNotFound)
}

func badPeriodID() *refusal {
	return refuse(postern.Invalid, http.StatusBadRequest, http.StatusBadRequest, periodBadID)
}

// invalid makes the refusal of fields that cannot be read or break a rule.
func invalid(fields map[string][]string) *refusal {
	r := refuse(postern.Invalid, http.StatusUnprocessableEntity, 0, failedValidation)
	r.fields = fields
	return r
}

// invalidField is invalid for one field.
func invalidField(name, message string) *refusal {
	return invalid(map[string][]string{name: {message}})
}

// failureRow translates one kind of failure. Rules are what an operation refuses, which
// some callers get with a status of 200.
type failureRow struct {
	code   postern.Code
	reason postern.Reason // "" stands for every reason
	status int
	number int // the code on the wire
	word   string
	say    bool // the message of the error stands in place of word
	rule   bool
}

// failureRows is ordered: the first row that fits the error is taken.
var failureRows = []failureRow{
	{code: postern.Invalid, reason: postern.BadMethod, status: 405, number: 405, say: true},
	{code: postern.Invalid, reason: postern.TooLarge, status: 413, number: 413, say: true},
	{code: postern.Invalid, reason: postern.TooSlow, status: 408, number: 408, say: true},
	{code: postern.Invalid, reason: postern.BadMediaType, status: 415, number: 415, say: true},
	{code: postern.Invalid, reason: postern.BadRequest, status: 400, number: 400, say: true},
	{code: postern.Invalid, reason: badTenant, status: 400, number: 400, say: true},
	{code: postern.Invalid, status: 422, word: failedValidation, rule: true},
	{code: postern.Unauthenticated, reason: postern.NoToken, status: 401, number: 401, word: "Authorization is not provided"},
	{code: postern.Unauthenticated, status: 403, number: 403, word: "Provided authorization is not valid"},
	{code: postern.Forbidden, status: 403, say: true},
	{code: postern.NotFound, reason: unknownEndpoint, status: 404, number: 404, say: true},
	{code: postern.NotFound, status: 404, word: aProblem, rule: true},
	{code: postern.Conflict, status: 400, number: 400, say: true, rule: true},
	{code: postern.TooMany, status: 429, number: 429, word: "Too many requests. Please try again later."},
	{code: postern.Unavailable, reason: badGateway, status: 502, number: 502, word: "The server is temporarily unavailable. Please try again later."},
	{code: postern.Unavailable, status: 503, number: 503, word: "The server is temporarily unavailable. Please try again later."},
	{code: postern.Internal, status: 500, number: 500, word: "There was a problem while processing this request. Please try again later."},
}

func failureRowOf(e *postern.Error) failureRow {
	i := slices.IndexFunc(failureRows, func(r failureRow) bool {
		return r.code == e.Code && (r.reason == "" || r.reason == e.Reason)
	})
	if i < 0 {
		i = len(failureRows) - 1 // not reached: every code has a row, as a test checks
	}
	return failureRows[i]
}

// fail answers with the envelope of a refusal.
func (v1) fail(c *call, err error) {
	e := postern.AsError(err)
	row := failureRowOf(e)
	f := failureError{Code: row.number, Message: row.word, TraceID: c.note.ID}
	if row.say && e.Msg != "" {
		f.Message = e.Msg
	}
	status := row.status
	if own, ok := errors.AsType[*refusal](err); ok {
		status, f.Code, f.Message, f.Errors = own.status, own.code, own.message, own.fields
		row.rule = true
	} else if row.word == failedValidation {
		f.Errors = map[string][]string{fieldOf(e.Param): {postern.Public(e)}}
	}
	f.Data = errorData(f.Errors)
	if e.Code != postern.Internal {
		f.Hint = e.Hint
	}
	if e.Reason == postern.LowScope && c.is("missing-right", "live") {
		f.Message = "personio.core.api.exceptions.api.forbidden.http.exception"
	}
	if row.rule && c.is("failure-status", "ok") {
		status = http.StatusOK
	}
	h := c.w.Header()
	h["Cache-Control"] = []string{"no-store"}
	challenge(h, e)
	if e.Code == postern.TooMany && c.is("retry-after", "on") {
		h["Retry-After"] = []string{waitSeconds(e)}
	}
	body, _ := json.Marshal(failure{Error: f}) // of strings and numbers alone
	c.send(status, "application/json", body)
}

// wireFields names the fields of this wire that a noun calls otherwise.
var wireFields = []struct{ noun, wire string }{
	{"person", "employee_id"}, {"starts_from", "start_date"}, {"ends_at", "end_date"}, {"absence_type", "time_off_type_id"},
}

func fieldOf(param string) string {
	for _, f := range wireFields {
		if f.noun == param {
			return f.wire
		}
	}
	if param == "" {
		return "request"
	}
	return postern.Shorten(param, 100)
}

// errorData puts in one text what is wrong with the fields, in order of their names.
func errorData(fields map[string][]string) string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []string
	for _, name := range names {
		parts = append(parts, fields[name]...)
	}
	return strings.Join(parts, " ")
}
