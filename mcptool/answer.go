package mcptool

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// answer is the answer to one message. Nobody keeps it, whatever it is; and where the
// SDK answers in plain text, it is JSON.
type answer struct {
	http.ResponseWriter
	id    any // of the message, once it is known
	began bool
	plain bool // what is written is a sentence
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	if a.began {
		return
	}
	a.began = true
	h := a.Header()
	h.Set("Cache-Control", "no-store") // it is about people
	kind := h.Get("Content-Type")
	if strings.HasPrefix(kind, "text/event-stream") {
		h.Set("X-Accel-Buffering", "no") // proxies would else wait for its end
		h.Del("Connection")              // is the server's to say
	}
	if a.plain = status >= 400 && strings.HasPrefix(kind, "text/plain"); a.plain {
		h.Set("Content-Type", "application/json")
		h.Del("Content-Length")
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the answer.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.plain {
		_, err := a.ResponseWriter.Write(problem(a.id, notMessage, strings.TrimSpace(string(p))))
		return len(p), err
	}
	return a.ResponseWriter.Write(p)
}

// FlushError sends what is buffered.
func (a *answer) FlushError() error {
	a.WriteHeader(http.StatusOK)
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush is FlushError for code that knows http.Flusher only.
func (a *answer) Flush() { _ = a.FlushError() }

// refuse answers a message that is not passed on.
func (a *answer) refuse(r *http.Request, status int, err error) {
	note := postern.CallFrom(r.Context())
	code, text := notMessage, ""
	if bad, ok := errors.AsType[*illFormed](err); ok {
		code, text = bad.code, bad.why
		note.Code, note.Cause = postern.Invalid, "no message"
	} else {
		e := postern.AsError(err)
		note.Code, note.Cause, note.Err = e.Code, e.Cause, e.Err
		if text = postern.Public(e); e.Hint != "" {
			text += "\nhint: " + e.Hint
		}
		if status >= 500 {
			code = -32603 // internal error
		}
		if e.Wait > 0 {
			a.Header().Set("Retry-After", strconv.FormatInt(int64((e.Wait+time.Second-1)/time.Second), 10))
		}
	}
	a.Header().Set("Content-Type", "application/json")
	a.WriteHeader(status)
	_, _ = a.ResponseWriter.Write(problem(a.id, code, text)) // the caller may be gone
}

// refuseToken answers a message whose sender is not known (MCP authorization; RFC 6750
// section 3).
func (h *HTTP) refuseToken(a *answer, r *http.Request, err error) {
	status, word := http.StatusUnauthorized, invalidToken
	switch e := postern.AsError(err); {
	case e.Reason == postern.NoToken:
		word = ""
	case e.Code == postern.Invalid:
		status, word = http.StatusBadRequest, invalidRequest
	case e.Code == postern.Unavailable:
		if e.Wait == 0 {
			e.Wait = time.Second
		}
		a.refuse(r, http.StatusServiceUnavailable, e)
		return
	case e.Code != postern.Unauthenticated:
		a.refuse(r, http.StatusInternalServerError, err)
		return
	}
	a.Header().Set("WWW-Authenticate", h.challenge(word, basicScopes()))
	a.refuse(r, status, err)
}

// problem is an answer of JSON-RPC that is an error.
func problem(id any, code int, text string) []byte {
	type failure struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	b, err := json.Marshal(struct {
		Version string  `json:"jsonrpc"`
		ID      any     `json:"id"`
		Error   failure `json:"error"`
	}{"2.0", id, failure{code, text}})
	if err != nil { // not reached: an id is text or a number
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}}`)
	}
	return append(b, '\n')
}
