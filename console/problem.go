package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"postern.dev/postern"
)

// ProblemPage says what went wrong, and what to do.
type ProblemPage struct {
	Title, Text, Hint string
	RequestID         string
	Back              string // where to go on
	Wait              string
}

func (p ProblemPage) page() head { return head{Sheet: "problem", Title: p.Title} }

// problems has the status and the heading of each code, and what to do when an error does
// not say.
var problems = map[postern.Code]struct {
	status      int
	title, hint string
}{
	postern.Invalid:         {http.StatusBadRequest, "That did not work", ""},
	postern.Unauthenticated: {http.StatusUnauthorized, "Please sign in", ""},
	postern.Forbidden:       {http.StatusForbidden, "Not allowed", "ask an operator whose role allows it"},
	postern.NotFound:        {http.StatusNotFound, "Not found", "it may have been deleted, or belong to a tenant that is not yours"},
	postern.Conflict:        {http.StatusConflict, "Not as things stand", "look at how it is now, then decide again"},
	postern.TooMany:         {http.StatusTooManyRequests, "Too many attempts", ""},
	postern.Unavailable:     {http.StatusServiceUnavailable, "Not now", "try again in a moment; if it lasts, the server's log says why"},
	postern.Internal:        {http.StatusInternalServerError, "Something broke", ""},
}

// fail answers with what went wrong.
func (c *call) fail(err error) {
	e := postern.AsError(err)
	if e.Reason == postern.StaleProof && c.signedIn {
		if err = c.askProof(""); err == nil {
			return
		}
		e = postern.AsError(err)
	}
	on := postern.CallFrom(c.ctx)
	on.Code, on.Cause, on.Err = e.Code, e.Cause, e.Err
	if e.Code == postern.Unauthenticated && c.signedIn {
		c.signedIn = false // the session is over meanwhile
	}
	p := ProblemPage{Title: problems[e.Code].title, Text: sentence(postern.Public(err)), Hint: sentence(cmp.Or(e.Hint, problems[e.Code].hint)),
		RequestID: on.ID, Back: home}
	switch {
	case c.inClear():
		p.Back = "" // no page of ours would say anything else
	case !c.signedIn:
		p.Back = "/console/sign-in"
	case c.r.Method == http.MethodPost && e.Code != postern.NotFound:
		p.Back = c.wayBack()
	}
	if e.Code == postern.Internal {
		p.Text, p.Hint = "Something of ours broke. It is in the server's log.", ""
	}
	status := problems[e.Code].status
	if e.Reason == postern.TooLarge {
		status = http.StatusRequestEntityTooLarge
	}
	if e.Wait > 0 {
		p.Wait = span(e.Wait.Round(time.Second))
		c.w.Header().Set("Retry-After", strconv.FormatInt(int64((e.Wait+time.Second-1)/time.Second), 10))
	}
	if err := c.showAs(status, p); err != nil {
		on.Err = errors.Join(on.Err, err)
		http.Error(c.w, "internal error", http.StatusInternalServerError)
	}
}

// wayBack gives the page that has the form that was sent: the one at its address, or the
// nearest above.
func (c *call) wayBack() string {
	for at := c.r.URL.Path; len(at) >= len(home); at = path.Dir(at) {
		r := http.Request{Method: http.MethodGet, Host: c.base.Host, URL: &url.URL{Path: at}}
		if _, pattern := c.mux.Handler(&r); pattern == "" || pattern == home {
			continue
		}
		r.URL.RawQuery = c.r.URL.RawQuery
		if tenant := c.query("tenant"); at != c.r.URL.Path {
			r.URL.RawQuery = ""
			if tenant != "" {
				r.URL.RawQuery = url.Values{"tenant": {tenant}}.Encode()
			}
		}
		return r.URL.String()
	}
	return home
}

// sentence makes a message begin and end like one.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if s[0] >= 'a' && s[0] <= 'z' {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	switch s[len(s)-1] {
	case '.', '!', '?', ':':
		return s
	}
	return s + "."
}

// Fault is what is wrong with a field of a form.
type Fault struct {
	Field string // its id; "" is about the form as a whole
	Text  string
}

// fieldNames are the parameters of the Office by the ids of the fields here, where these are
// others; "" is about the form as a whole.
var fieldNames = map[string]string{
	"ip_ranges": "ranges", "token_life_seconds": "token_life", "call_into": "tenants", "expires": "ends", "time_zone": "zone", "uri": "",
}

// faultsOf gives what a person can put right about a form, by the parameter at fault. The
// error comes back where it cannot be put right there.
func faultsOf(err error) ([]Fault, error) {
	e := postern.AsError(err)
	if e == nil || e.Code != postern.Invalid && e.Code != postern.Conflict {
		return nil, err
	}
	text := sentence(postern.Public(err))
	if e.Hint != "" {
		text += " " + sentence(e.Hint)
	}
	field, ok := fieldNames[e.Param]
	if !ok {
		field = e.Param
	}
	return []Fault{{field, text}}, nil
}

// about gives what is wrong with a field.
func about(faults []Fault, field string) string {
	for _, f := range faults {
		if f.Field == field {
			return f.Text
		}
	}
	return ""
}
