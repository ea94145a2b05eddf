package hr

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// v2 is what version 2 does around a call: refusals are problem documents, and every
// answer tells how much more may be asked.
//
//	404 application/problem+json
//	{"personio_trace_id":"a1b2","timestamp":"2026-03-01T10:00:00Z","errors":[{
//	  "title":"Resource not found","detail":"There is no resource for the specified id.",
//	  "type":"https://developer.personio.de/reference/errors#common.resource_not_found","_meta":{}}]}
type v2 struct{}

func (v2) rest() string { return "/v2/" }

// before says that nothing here may be cached, for it is about people, and what is left
// in the bucket of the client.
func (v2) before(c *call) {
	h := c.w.Header()
	h["Cache-Control"] = []string{"no-store"}
	h["X-Ratelimit-Replenish-Rate"] = []string{strconv.Itoa(c.level.rate)}
	h["X-Ratelimit-Burst-Capacity"] = []string{strconv.Itoa(c.level.burst)}
	h["X-Ratelimit-Requested-Tokens"] = []string{"1"}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(c.level.left)}
}

// The places that the type of a problem points to.
const (
	problemDocs    = "https://developer.personio.de/reference/errors#common."
	problemDocsOld = "https://developer.personio.de/v2.0/page/public-api-error-codes#"
)

// Reasons of this wire alone.
const (
	brokenRule      postern.Reason = "broken_rule"      // Invalid: could be read, and breaks a rule of the noun
	badTenant       postern.Reason = "bad_tenant"       // Invalid: the header that names the tenant
	unknownEndpoint postern.Reason = "unknown_endpoint" // NotFound: there is no such path
	badGateway      postern.Reason = "bad_gateway"      // Unavailable: 502
)

// problemRow translates between one kind of failure and its problem document.
type problemRow struct {
	code   postern.Code
	reason postern.Reason // "" stands for every reason
	status int
	title  string
	detail string
	kind   string // the type
	say    bool   // the message of the error stands in place of detail
}

// problemRows is ordered: the server takes the first row that fits the error, the
// remote the first that fits the status.
var problemRows = []problemRow{
	{postern.Invalid, postern.BadMethod, 405, "Method not allowed", "", problemDocs + "method_not_allowed", true},
	{postern.Invalid, postern.TooLarge, 413, "Payload too large", "", problemDocs + "payload_too_large", true},
	{postern.Invalid, postern.TooSlow, 408, "Request timeout", "", problemDocs + "request_timeout", true},
	{postern.Invalid, postern.BadMediaType, 415, "Unsupported media type", "", problemDocs + "unsupported_media_type", true},
	{postern.Invalid, brokenRule, 422, "Unprocessable content", "", problemDocs + "unprocessable_content", true},
	{postern.Invalid, "", 400, "Bad request", "Provided request parameters are invalid.", problemDocs + "bad_request", true},
	{postern.Unauthenticated, "", 401, "Unauthorized", "Unauthorized Request", problemDocs + "unauthorized", false},
	{postern.Forbidden, postern.LowScope, 403, "Insufficient access scope", "Client scope insufficient to access resource", problemDocsOld + "commonforbidden", false},
	{postern.Forbidden, "", 403, "Forbidden", "", problemDocs + "forbidden", true},
	{postern.NotFound, unknownEndpoint, 404, "Not Found", "", problemDocsOld + "apinot_found", true},
	{postern.NotFound, "", 404, "Resource not found", "There is no resource for the specified id.", problemDocs + "resource_not_found", false},
	{postern.Conflict, "", 409, "Conflict", "", problemDocs + "conflict", true},
	{postern.TooMany, "", 429, "Too many requests", "The rate limit is exceeded. Please try again later.", problemDocs + "too_many_requests", false},
	{postern.Unavailable, badGateway, 502, "Bad Gateway", "The server is temporarily unavailable. Please try again later.", problemDocs + "bad_gateway", false},
	{postern.Unavailable, "", 503, "Service Unavailable", "The server is temporarily unavailable. Please try again later.", problemDocs + "service_unavailable", false},
	{postern.Internal, "", 500, "Internal Server Error", "There was a problem while processing this request. Please try again later.", problemDocs + "internal_server_error", false},
}

func rowOf(e *postern.Error) *problemRow {
	for i := range problemRows {
		if r := &problemRows[i]; r.code == e.Code && (r.reason == "" || r.reason == e.Reason) {
			return r
		}
	}
	return &problemRows[len(problemRows)-1] // every code has a row, as a test checks
}

// problem is a refusal on the wire.
type problem struct {
	TraceID   string         `json:"personio_trace_id"`
	Timestamp string         `json:"timestamp"`
	Errors    []problemEntry `json:"errors"`
	// The next two are there for callers that name their tenant in a header.
	Error       string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`
}

type problemEntry struct {
	Title  string            `json:"title"`
	Detail string            `json:"detail"`
	Type   string            `json:"type"`
	Meta   map[string]string `json:"_meta"`
}

// fail answers with a problem document.
func (v2) fail(c *call, err error) {
	e := postern.AsError(err)
	r := rowOf(e)
	entry := problemEntry{Title: r.title, Detail: r.detail, Type: r.kind, Meta: problemMeta(c, e)}
	if r.say && e.Msg != "" {
		entry.Detail = e.Msg
	}
	status := r.status
	if e.Reason == postern.LowScope && e.Cause == "scope" {
		entry.Detail += ": the token lacks " + e.Param + "."
		if c.is("missing-right", "live") && strings.HasPrefix(c.r.URL.Path, "/v2/persons") {
			r = rowOf(&postern.Error{Code: postern.Unauthenticated})
			status, entry.Title, entry.Detail, entry.Type = r.status, r.title, r.detail, r.kind
		}
	}
	p := problem{TraceID: c.note.ID, Timestamp: c.Now().UTC().Format(time.RFC3339), Errors: []problemEntry{entry}}
	if e.Reason == badTenant {
		p.Error, p.Description = "invalid_request", e.Msg
	}
	h := c.w.Header()
	h["Cache-Control"] = []string{"no-store"}
	challenge(h, e)
	if e.Code == postern.TooMany && c.is("retry-after", "on") {
		h["Retry-After"] = []string{waitSeconds(e)}
	}
	body, _ := encode(p) // of strings alone
	c.send(status, "application/problem+json", body)
}

func problemMeta(c *call, e *postern.Error) map[string]string {
	meta := map[string]string{}
	switch {
	case e.Reason == unknownEndpoint:
		meta["path"] = postern.Shorten(c.r.URL.Path, 200)
	case e.Reason == postern.LowScope && e.Cause == "scope":
		meta["required_scope"] = e.Param
	case e.Param != "" && e.Code != postern.Internal:
		meta["parameter"] = postern.Shorten(e.Param, 100)
	}
	switch {
	case e.Code == postern.Internal:
	case e.Hint != "":
		meta["hint"] = e.Hint
	case e.Code == postern.Unauthenticated:
		meta["hint"] = "the token has expired, was revoked, or is not for this API: get a new one"
	case e.Reason == postern.LowScope:
		meta["hint"] = "the token is a person's: ask for one with a client's credentials"
	}
	return meta
}

// challenge tells how to be let in (RFC 6750 section 3): a call without a token is not
// told of an error, since it made none.
func challenge(h http.Header, e *postern.Error) {
	switch {
	case e.Code == postern.Unauthenticated && e.Reason == postern.NoToken:
		h["Www-Authenticate"] = []string{"Bearer"}
	case e.Code == postern.Unauthenticated:
		h["Www-Authenticate"] = []string{`Bearer error="invalid_token"`}
	case e.Reason == postern.LowScope && e.Cause == "scope":
		h["Www-Authenticate"] = []string{`Bearer error="insufficient_scope", scope="` + e.Param + `"`}
	case e.Reason == postern.LowScope: // a person's token, which no scope would help
		h["Www-Authenticate"] = []string{`Bearer error="insufficient_scope"`}
	}
}

// waitSeconds is when to come back, in whole seconds, at least one (RFC 9110 section
// 10.2.3).
func waitSeconds(e *postern.Error) string {
	return strconv.FormatInt(max(1, int64((e.Wait+time.Second-1)/time.Second)), 10)
}

// unprocessable marks that a directory refused to write what it was given, which could
// be read and breaks a rule: 422 and not 400.
func unprocessable(err error) error {
	if e := postern.AsError(err); e != nil && e.Code == postern.Invalid && e.Reason == "" {
		marked := *e
		marked.Reason = brokenRule
		return &marked
	}
	return err
}
