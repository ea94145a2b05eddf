package server

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// chain is the middleware, in this order and no other:
//
//  1. recover: a panic below becomes 500, or a broken connection if the answer had
//     begun
//  2. record: one log record and one observation per request, at its end
//  3. identity: request id and client address
//  4. headers: X-Request-Id, X-Content-Type-Options, Strict-Transport-Security
//  5. connection: closed after requests whose framing could be read in two ways, and
//     while stopping
//  6. bounds: TRACE and CONNECT 405, long target 414, large header 431
//  7. path: anything not in its one clean spelling 404
//  8. mux: unknown path 404, other method 405, never a redirect
//  9. deadline: the context carries the Call and an end
//  10. the handler
//
// Steps 1 to 8 are here, 9 and 10 in route. They are one function rather than
// nested handlers because they are on the way of every token: one allocation holds
// the state of all.
type chain struct {
	mux      *http.ServeMux
	none     *route // stands for requests that no route took
	log      slog.Handler
	trusted  []netip.Prefix
	hsts     bool // also without TLS of our own
	draining atomic.Bool

	// Header values, shared by all answers; capacity 1, so that an append copies.
	noSniff, hstsValue, closeValue, noStore, jsonType []string
}

func newChain(cfg Config) *chain {
	return &chain{
		mux:        http.NewServeMux(),
		log:        cfg.Log.Handler(),
		trusted:    cfg.TrustedProxies,
		none:       &route{pattern: "unmatched", durations: cfg.Metrics.route("unmatched")},
		noSniff:    []string{"nosniff"},
		hstsValue:  []string{"max-age=31536000"},
		closeValue: []string{"close"},
		noStore:    []string{"no-store"},
		jsonType:   []string{"application/json"},
	}
}

// ServeHTTP runs the chain.
func (c *chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, chain: c, route: c.none, start: time.Now()}
	defer x.end(r) // steps 1 and 2
	c.identify(x, r)
	c.setHeaders(x, r)
	if !c.admit(x, r) {
		return
	}
	c.mux.ServeHTTP(x, r)
	if x.route == c.none {
		x.unmatched(r)
	}
}

func (c *chain) identify(x *exchange, r *http.Request) {
	peer := peerOf(r)
	trusted := contains(c.trusted, peer)
	x.peerTrusted = trusted
	x.call.Source = peer
	if trusted {
		x.call.Source = forwardedFor(r.Header["X-Forwarded-For"], peer, c.trusted)
		if id := r.Header["X-Request-Id"]; len(id) == 1 && validID(id[0]) {
			x.call.ID = id[0]
		}
	}
	if x.call.ID == "" {
		x.call.ID = newID()
	}
}

func (c *chain) setHeaders(x *exchange, r *http.Request) {
	h := x.ResponseWriter.Header()
	x.id[0] = x.call.ID
	h["X-Request-Id"] = x.id[:]
	h["X-Content-Type-Options"] = c.noSniff
	if c.hsts || r.TLS != nil {
		h["Strict-Transport-Security"] = c.hstsValue
	}
	// RFC 9112 section 6.1: a request with both Transfer-Encoding and
	// Content-Length, or with Transfer-Encoding in HTTP/1.0, must be the last of its
	// connection. net/http keeps the connection and hides the second header, so every
	// request that could have been one is the last.
	if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0) || c.draining.Load() {
		h["Connection"] = c.closeValue
	}
}

// admit answers what must not reach the mux.
func (c *chain) admit(x *exchange, r *http.Request) bool {
	switch {
	case r.Method == http.MethodTrace || r.Method == http.MethodConnect:
		x.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		x.refuse(http.StatusMethodNotAllowed, "method_not_allowed", "this method is not served")
	case len(r.RequestURI) > MaxURI:
		x.refuse(http.StatusRequestURITooLong, "invalid_request", "the request target is too long")
	case headerSize(r.Header) > MaxHeader:
		x.refuse(http.StatusRequestHeaderFieldsTooLarge, "invalid_request", "the header fields are too large")
	case r.Method == http.MethodOptions && r.RequestURI == "*":
		x.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		x.open = true
		x.WriteHeader(http.StatusNoContent)
	case !clean(r.URL):
		x.notFound()
	default:
		return true
	}
	return false
}

// headerSize counts what the fields take on an HTTP/1.1 wire.
func headerSize(h http.Header) (n int) {
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// exchange is one request and its answer. As a ResponseWriter it counts, and it
// swallows what the mux says by itself.
type exchange struct {
	http.ResponseWriter
	chain       *chain
	route       *route
	call        postern.Call
	start       time.Time
	id          [1]string // the value of X-Request-Id
	bytes       int64
	status      int  // 0 until the answer begins
	open        bool // answers reach the caller; false while the mux decides
	peerTrusted bool
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.status = status
	}
	if !x.open {
		return
	}
	if status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout {
		x.Header()["Connection"] = x.chain.closeValue // the rest of the body is not worth reading
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if !x.open {
		return len(p), nil
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// FlushError sends what is buffered; it begins the answer.
func (x *exchange) FlushError() error {
	if !x.open {
		return nil
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Flush is FlushError for code that knows http.Flusher only.
func (x *exchange) Flush() { _ = x.FlushError() }

// unmatched turns what the mux said by itself into an answer of ours: 405 keeps its
// Allow, everything else, redirects among it, is 404.
func (x *exchange) unmatched(r *http.Request) {
	status := x.status
	x.status = 0
	h := x.Header()
	h.Del("Location")
	switch {
	case status == http.StatusMethodNotAllowed && r.Method == http.MethodOptions:
		h["Allow"] = []string{h.Get("Allow") + ", OPTIONS"}
		h.Del("Content-Type")
		x.open = true
		x.WriteHeader(http.StatusNoContent)
	case status == http.StatusMethodNotAllowed:
		h["Allow"] = []string{h.Get("Allow") + ", OPTIONS"}
		x.refuse(status, "method_not_allowed", "this method is not served here")
	default:
		x.notFound()
	}
}

func (x *exchange) notFound() {
	x.refuse(http.StatusNotFound, "not_found", "there is nothing at this address")
}

// refuse answers with a JSON object; code and text are ours and need no escaping.
func (x *exchange) refuse(status int, code, text string) {
	h := x.ResponseWriter.Header()
	h["Content-Type"] = x.chain.jsonType
	h["Cache-Control"] = x.chain.noStore
	delete(h, "Content-Length")
	body := `{"error":"` + code + `"`
	if text != "" {
		body += `,"error_description":"` + text + `"`
	}
	body += `,"request_id":"` + x.call.ID + "\"}\n"
	x.open = true
	x.WriteHeader(status)
	_, _ = x.Write([]byte(body)) // the caller may be gone
}
