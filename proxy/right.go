package proxy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"postern.dev/postern"
)

// An answer that was refused for a missing right carries these. They are ours: what an
// API sends under these names is taken away.
const (
	missingRight = "Postern-Missing-Right"
	missingScope = "Postern-Missing-Scope"
)

// MissingRight says why resp, an answer of a Transport, was refused although the token
// was new: the credential lacks the right to the call. It gives an error with
// Forbidden, LowScope, Param naming the scope where it is known, and nil for any other
// answer.
func MissingRight(resp *http.Response) *postern.Error {
	call := resp.Header.Get(missingRight)
	if call == "" {
		return nil
	}
	e := postern.Errorf(postern.Forbidden, "%s", call).Because(postern.LowScope)
	if e.Param = resp.Header.Get(missingScope); e.Param != "" {
		return e.WithHint("give the credential the right %s at the provider, or use another credential", e.Param)
	}
	return e.WithHint("give the credential the right to this call at the provider, or use another credential")
}

// mark says in the answer that a new token did not help.
func (t *Transport) mark(resp *http.Response, r *http.Request, path string) *http.Response {
	scope := ""
	if t.c.Need != nil {
		scope = t.c.Need(r.Method, r.URL.Path)
	}
	text := `upstream "` + t.c.Upstream + `" refuses ` + postern.Shorten(r.Method+" "+path, 200) + " also with a token it has just given"
	if scope != "" {
		text += ": the scope " + scope + " is missing"
		resp.Header.Set(missingScope, scope)
	}
	resp.Header.Set(missingRight, text)
	t.tell(Happening{Kind: LowScope, Method: r.Method, Path: path, Scope: scope})
	return resp
}

// hopeless says whether a call like this was refused with a new token a moment ago.
func (t *Transport) hopeless(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.refused[key]
	if ok && !time.Now().Before(until) {
		delete(t.refused, key)
		return false
	}
	return ok
}

func (t *Transport) giveUp(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.refused) >= maxRefused {
		clear(t.refused)
	}
	t.refused[key] = time.Now().Add(refusedFor)
}

// forgive forgets that calls like this were refused.
func (t *Transport) forgive(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.refused) > 0 {
		delete(t.refused, key)
	}
}

// unreachable is for a call without an answer. Its address may name a person and is
// left out; the host is not.
func (t *Transport) unreachable(r *http.Request, err error) error {
	if cause := context.Cause(r.Context()); cause != nil && !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	return &postern.Error{Code: postern.Unavailable, Msg: `upstream "` + t.c.Upstream + `": the API at ` + t.api.Host + " could not be reached",
		Hint: "check the address of the API and the way to it", Err: err}
}
