package hr

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// refused makes an error of an answer that is none. The status decides; the body, of
// whatever shape, tells more. What it says stands in the message only where it is about
// the call, for whoever made that can read it.
func refused(resp *http.Response, a ask, body []byte) error {
	said := complaintIn(body)
	e := &postern.Error{Param: postern.Shorten(said.param, 100)}
	e.Code, e.Reason = codeOfStatus(resp.StatusCode)
	what := resp.Request.Method + " " + a.path
	e.Msg = fmt.Sprintf("the HR API answered %d", resp.StatusCode)
	switch e.Code {
	case postern.Invalid, postern.Conflict:
		if said.text != "" {
			e.Msg += ": " + strconv.Quote(postern.Shorten(said.text, 300))
		}
		if said.hint != "" { // in quotes like the rest: whoever reads it is not to take it for ours
			e.Hint = "the API says: " + strconv.Quote(postern.Shorten(said.hint, 300))
		}
	case postern.NotFound:
		e.Msg = "the HR API has nothing there"
	case postern.Unauthenticated:
		e.Hint = "with a fresh token this means that the client lacks a right, such as the scope for it"
	case postern.Forbidden:
		if e.Param = postern.Shorten(said.scope, 100); strings.Contains(strings.ToLower(said.text), "scope") {
			e.Reason = postern.LowScope
		}
		e.Hint = "grant the client the scope that the call needs, and get a new token"
		if said.scope != "" {
			e.Msg += ": the token lacks the scope " + postern.Shorten(said.scope, 100)
		}
	case postern.TooMany, postern.Unavailable:
		e.Wait = retryAfter(resp.Header)
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Hint = "no redirect is followed; check the base address"
	}
	trace := said.trace
	if trace == "" {
		trace = resp.Header.Get("X-Request-Id")
	}
	why := ""
	if trace != "" {
		why = fmt.Sprintf(", trace id %q", postern.Shorten(trace, 100))
	}
	if said.text != "" {
		why += fmt.Sprintf(": %q", postern.Shorten(said.text, 300))
	}
	e.Err = fmt.Errorf("%s: %d%s", what, resp.StatusCode, why)
	if trace != "" && (e.Code == postern.Unavailable || e.Code == postern.Internal) {
		e.Hint = strings.TrimPrefix(e.Hint+"; its trace id is "+postern.Shorten(trace, 100), "; ")
	}
	return e
}

// codeOfStatus reads the table of problems from right to left: the last row of a status
// is the most general. A failure of the other side is for us a part that does not
// answer, and nothing of ours.
func codeOfStatus(status int) (postern.Code, postern.Reason) {
	for i := len(problemRows) - 1; i >= 0; i-- {
		switch r := &problemRows[i]; {
		case r.status != status:
		case status >= 500:
			return postern.Unavailable, ""
		case r.code == postern.Unauthenticated:
			return r.code, postern.BadToken
		case r.reason == brokenRule: // a directory says so by the code alone
			return r.code, ""
		default:
			return r.code, r.reason
		}
	}
	if status >= 400 && status < 500 {
		return postern.Invalid, ""
	}
	return postern.Unavailable, ""
}

// retryAfter reads the header in its form of seconds; the form of a date would need a
// clock that both sides share, and counts as unknown.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 86400)) * time.Second
}

// complaint is what a refusal says.
type complaint struct{ text, trace, param, scope, hint string }

// complaintIn reads a refusal of any shape that was met: a problem document, a list of
// errors by field, an error with a message, an envelope that says no, OAuth's, or text.
func complaintIn(body []byte) complaint {
	var c complaint
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		if s := strings.TrimSpace(string(body)); s != "" && s[0] != '<' && s[0] != '{' && s[0] != '[' {
			c.text = postern.Shorten(s, 300)
		}
		return c
	}
	c.trace = firstText(top, "personio_trace_id", "trace_id", "request_id")
	c.text = firstText(top, "error_description", "message", "detail", "title", "error")
	c.within(top["error"])
	var several []json.RawMessage
	if json.Unmarshal(top["errors"], &several) == nil {
		for i := len(several) - 1; i >= 0; i-- { // the first has the last word
			c.within(several[i])
		}
	}
	return c
}

// within reads one error of a refusal.
func (c *complaint) within(raw json.RawMessage) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return
	}
	if s := firstText(m, "detail", "message", "reason", "error_msg", "error_data", "title"); s != "" {
		c.text = s
	}
	if s := firstText(m, "field", "param"); s != "" {
		c.param = s
	}
	var inner []map[string]json.RawMessage
	if json.Unmarshal(m["errors"], &inner) == nil && len(inner) > 0 {
		if s := firstText(inner[0], "reason", "message", "detail"); s != "" {
			c.text = s
		}
	}
	var byField map[string][]string
	if json.Unmarshal(m["errors"], &byField) == nil {
		for field, messages := range byField {
			if len(messages) > 0 && (c.param == "" || field < c.param) {
				c.param = field
				c.text = messages[0]
			}
		}
	}
	var meta map[string]json.RawMessage
	if json.Unmarshal(m["_meta"], &meta) == nil {
		c.scope = firstText(meta, "required_scope")
		c.hint = firstText(meta, "hint")
		if s := firstText(meta, "parameter"); s != "" {
			c.param = s
		}
	}
}

func firstText(m map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(m[name], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}
