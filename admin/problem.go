package admin

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Problem is a refusal on the wire (RFC 9457). What it is about stands in code and
// reason, which are ours; the type says nothing more than the status.
//
//	{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no client \"x\"",
//	 "code":"not_found","hint":"`postern client list --tenant T` shows them","request_id":"…"}
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      postern.Code   `json:"code"`
	Reason    postern.Reason `json:"reason,omitempty"`
	Param     string         `json:"param,omitempty"`
	Hint      string         `json:"hint,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
}

// stale is the reason of a Conflict with the version that was to be changed.
const stale postern.Reason = "stale"

// problemRow translates between a kind of failure and its status.
type problemRow struct {
	code   postern.Code
	reason postern.Reason // "" stands for every reason
	status int
}

// problemRows is ordered: the server takes the first row that fits the error, the remote
// the last that fits the status of an answer that is no problem of ours.
var problemRows = []problemRow{
	{postern.Invalid, postern.BadMethod, 405},
	{postern.Invalid, postern.TooLarge, 413},
	{postern.Invalid, postern.TooSlow, 408},
	{postern.Invalid, postern.BadMediaType, 415},
	{postern.Invalid, "", 400},
	{postern.Unauthenticated, "", 401},
	{postern.Forbidden, "", 403},
	{postern.NotFound, "", 404},
	{postern.Conflict, stale, 412},
	{postern.Conflict, "", 409},
	{postern.TooMany, "", 429},
	{postern.Unavailable, "", 503},
	{postern.Internal, "", 500},
}

func statusOf(code postern.Code, reason postern.Reason) int {
	for _, r := range problemRows {
		if r.code == code && (r.reason == "" || r.reason == reason) {
			return r.status
		}
	}
	return http.StatusInternalServerError // every code has a row, as a test checks
}

// fail answers with a problem.
func (c *call) fail(e *postern.Error) {
	status := statusOf(e.Code, e.Reason)
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: postern.Public(e), Code: e.Code, RequestID: c.note.ID}
	if e.Code != postern.Internal {
		p.Reason, p.Param, p.Hint = e.Reason, postern.Shorten(e.Param, 200), e.Hint
	}
	h := c.w.Header()
	c.challenge(h, e)
	if e.Wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(max(1, seconds(e.Wait)), 10))
	}
	h.Del("Etag")
	h.Del("Location")
	body, _ := encode(p) // of strings and a number
	c.send(status, "application/problem+json", body)
}

// challenge tells how to be let in (RFC 6750 section 3, RFC 9470 section 3): a call
// without a token is not told of an error, since it made none. A role that is too narrow
// is a scope that is missing.
func (c *call) challenge(h http.Header, e *postern.Error) {
	scope := e.Param
	if e.Code == postern.Forbidden && e.Reason == "" && strings.HasPrefix(c.actor.Name, "client:") && c.actor.Role != postern.Owner {
		scope = ScopeAdmin
	}
	switch {
	case e.Code == postern.Unauthenticated && e.Reason == postern.NoToken:
		h.Set("Www-Authenticate", "Bearer")
	case e.Code == postern.Unauthenticated && e.Reason == postern.StaleProof:
		h.Set("Www-Authenticate", `Bearer error="insufficient_user_authentication"`)
	case e.Code == postern.Unauthenticated:
		h.Set("Www-Authenticate", `Bearer error="invalid_token"`)
	case e.Code == postern.Forbidden && slices.Contains(Scopes(), scope):
		h.Set("Www-Authenticate", `Bearer error="insufficient_scope", scope="`+scope+`"`)
	case e.Reason == postern.LowScope: // a person's token, which no scope would help
		h.Set("Www-Authenticate", `Bearer error="insufficient_scope"`)
	}
}

// changed is the failure of a change. A Conflict with a version that is no longer the one
// of now is about the version; now gives that of now.
func (c *call) changed(err error, now func() (time.Time, error)) error {
	if c.edit.Match == "" || postern.CodeOf(err) != postern.Conflict || postern.ReasonOf(err) != "" {
		return err
	}
	if at, nerr := now(); nerr != nil || postern.Version(at) == c.edit.Match {
		return err
	}
	e := *postern.AsError(err)
	e.Reason = stale
	return &e
}

// refused makes an error of an answer that is none.
func refused(resp *http.Response, host string, body []byte) error {
	var p Problem
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	trace := resp.Header.Get("X-Request-Id")
	if kind != "application/problem+json" || json.Unmarshal(body, &p) != nil || !slices.Contains(postern.Codes, p.Code) ||
		statusOf(p.Code, p.Reason) != resp.StatusCode {
		return strange(resp, host, trace)
	}
	e := &postern.Error{Code: p.Code, Reason: p.Reason, Msg: postern.Shorten(p.Detail, 1000), Hint: postern.Shorten(p.Hint, 1000),
		Param: postern.Shorten(p.Param, 200)}
	if e.Reason == stale {
		e.Reason = ""
	}
	if e.Code == postern.TooMany || e.Code == postern.Unavailable {
		if n, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After"))); err == nil && n > 0 {
			e.Wait = time.Duration(min(n, 86400)) * time.Second
		}
	}
	if e.Code == postern.Internal {
		if p.RequestID != "" {
			trace = p.RequestID
		}
		e.Msg = "the server at " + host + " failed"
		e.Hint = "its log says why, under the request id " + postern.Shorten(trace, 100)
	}
	return e
}

// strange is an answer that no operator API of ours gives.
func strange(resp *http.Response, host, trace string) error {
	e := &postern.Error{Code: postern.Unavailable, Msg: fmt.Sprintf("%s answered %d, and not as an operator API does", host, resp.StatusCode),
		Hint: "check the address of the server; what answers there may be something else"}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Hint = "no redirect is followed, for the token would follow it; check the address of the server"
	case resp.StatusCode == http.StatusNotFound:
		e.Code, e.Msg = postern.NotFound, "there is no operator API at "+host
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Code = postern.TooMany
	}
	e.Err = fmt.Errorf("%s: %d, request id %q", resp.Request.Method, resp.StatusCode, postern.Shorten(trace, 100))
	return e
}
