package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"time"

	"postern.dev/postern"
)

// readyTimeout is how long Config.Ready may take.
const readyTimeout = 2 * time.Second

// health holds the routes that are the server's own.
type health struct {
	chain  *chain
	ready  func(context.Context) error
	from   []netip.Prefix
	expose http.Handler // of the metrics
}

func (h *health) routes() []Route {
	return []Route{
		{Pattern: "GET /healthz", Handler: http.HandlerFunc(h.alive)},
		{Pattern: "GET /readyz", Handler: http.HandlerFunc(h.readiness)},
		// Without a method: a caller who may not see it is not told which ones it takes.
		{Pattern: "/metrics", Handler: http.HandlerFunc(h.metrics)},
	}
}

// alive answers 200 while the process lives.
func (h *health) alive(w http.ResponseWriter, _ *http.Request) {
	h.answer(w, http.StatusOK, `{"status":"ok"}`)
}

// readiness answers 200 while requests can be served, and 503 when not or soon not.
func (h *health) readiness(w http.ResponseWriter, r *http.Request) {
	reason := ""
	if h.chain.draining.Load() {
		reason = "draining"
	} else if h.ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := h.ready(ctx); err != nil {
			reason = postern.Public(err)
			call := postern.CallFrom(r.Context())
			call.Code, call.Cause, call.Err = postern.Unavailable, "not ready", err
		}
	}
	if reason == "" {
		h.answer(w, http.StatusOK, `{"status":"ok"}`)
		return
	}
	text, _ := json.Marshal(reason) // a string always can be
	w.Header().Set("Retry-After", "1")
	h.answer(w, http.StatusServiceUnavailable, `{"status":"unavailable","reason":`+string(text)+`}`)
}

func (h *health) answer(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Type"] = h.chain.jsonType
	w.Header()["Cache-Control"] = h.chain.noStore
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body + "\n")) // the caller may be gone
}

// metrics answers the configured addresses and does not exist for others. A caller
// behind a proxy that we were not told of has the proxy's address, perhaps a loopback
// one; what gives it away is the proxy's header.
func (h *health) metrics(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	hidden := !x.peerTrusted && (r.Header["X-Forwarded-For"] != nil || r.Header["Forwarded"] != nil || r.Header["Via"] != nil)
	switch {
	case hidden || !contains(h.from, x.call.Source):
		x.notFound()
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		x.refuse(http.StatusMethodNotAllowed, "method_not_allowed", "this method is not served here")
	default:
		h.expose.ServeHTTP(w, r)
	}
}
