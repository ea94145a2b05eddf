package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Options are what a Handler is made of. Transport is needed.
type Options struct {
	Transport *Transport
	// Methods are those that may be used; nil means GET, HEAD and OPTIONS: reading.
	Methods []string
	// Prefixes are the paths that may be called, each with everything below it; nil means
	// all.
	Prefixes []string
	// Never are the paths at which tokens are given and ended, each with everything below
	// it. They may not be called whatever Prefixes says.
	Never []string
	// Upgrades allows a call to become a WebSocket, inside which no rule holds. Without
	// it such calls are refused.
	Upgrades bool
	// Bearer is what callers must show; empty means that no one need, and then only
	// callers on this machine are served.
	Bearer postern.Secret
	// MaxBody bounds the body of a call in bytes; 0 means 64 MiB, below zero no bound.
	MaxBody int64
	// MaxCalls bounds the calls that are under way; 0 means 512.
	MaxCalls int
	Log      *slog.Logger // of accesses; nil discards them
}

// reading are the methods that change nothing.
var reading = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

const (
	defaultMaxBody  = 64 << 20
	defaultMaxCalls = 512
	// keptBody is how long a body may be to be kept, so that it can be sent again.
	keptBody = 64 << 10
)

// Handler is a reverse proxy to the API of an upstream, which adds the token.
type Handler struct {
	o     Options
	turns chan struct{}
	proof [sha256.Size]byte
	rp    *httputil.ReverseProxy
}

// NewHandler makes a Handler.
func NewHandler(o Options) *Handler {
	if o.Methods == nil {
		o.Methods = reading
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.MaxCalls <= 0 {
		o.MaxCalls = defaultMaxCalls
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{o: o, turns: make(chan struct{}, o.MaxCalls), proof: sha256.Sum256([]byte(o.Bearer.Reveal()))}
	h.rp = &httputil.ReverseProxy{
		Rewrite:   h.rewrite,
		Transport: o.Transport,
		// What the API sends without saying how much it will be is passed on at once; to
		// do so with everything would cost a system call more for every answer.
		ModifyResponse: h.modify,
		ErrorHandler:   func(w http.ResponseWriter, r *http.Request, err error) { h.fail(w, r, err) },
		ErrorLog:       log.New(io.Discard, "", 0), // the access record has it
		BufferPool:     &buffers{},
	}
	return h
}

// ServeHTTP passes a call on, if the rules allow it, and writes its access record.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &record{ResponseWriter: w, began: time.Now()}
	defer func() {
		p := recover() // http.ErrAbortHandler, when the answer breaks off half-way
		h.log(rec, r, p != nil)
		if p != nil {
			panic(p)
		}
	}()
	if err := h.admit(r); err != nil {
		h.fail(rec, r, err)
		return
	}
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	default:
		e := postern.Errorf(postern.TooMany, "%d calls are under way already", h.o.MaxCalls).WithHint("try again in a moment")
		e.Wait = time.Second
		h.fail(rec, r, e)
		return
	}
	if err := h.body(rec, r); err != nil {
		h.fail(rec, r, err)
		return
	}
	h.rp.ServeHTTP(rec, r)
}

// body bounds the body of a call, and keeps a short one so that it can be sent again.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if h.o.MaxBody > 0 {
		if r.ContentLength > h.o.MaxBody {
			return tooLarge(h.o.MaxBody)
		}
		r.Body = http.MaxBytesReader(w, r.Body, h.o.MaxBody)
	}
	if r.ContentLength <= 0 || r.ContentLength > keptBody {
		// The answer may begin before the body has ended.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 always does
		return nil
	}
	b := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, b); err != nil {
		return postern.Errorf(postern.Invalid, "the body of the call broke off").WithHint("send as many bytes as announced")
	}
	_ = r.Body.Close()
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(b))), nil }
	r.Body, _ = r.GetBody()
	return nil
}

func tooLarge(limit int64) error {
	return postern.Errorf(postern.Invalid, "the body of the call is longer than %d bytes", limit).Because(postern.TooLarge)
}

// rewrite turns the call into one of the API's. Headers in which a caller could name
// somebody, or smuggle another method past the rules, are taken away; the token comes
// later, in the transport.
func (h *Handler) rewrite(pr *httputil.ProxyRequest) {
	pr.SetURL(h.o.Transport.api)
	pr.Out.Host = ""
	for name := range pr.Out.Header {
		if strings.Contains(name, "_") || slices.Contains(notPassed, name) {
			delete(pr.Out.Header, name)
		}
	}
	if _, ok := pr.Out.Header["User-Agent"]; !ok {
		pr.Out.Header["User-Agent"] = nil // or net/http names itself
	}
}

// notPassed are headers of a caller that the API does not see.
var notPassed = []string{"Authorization", "Proxy-Authorization", "Dpop", "Cookie", "Origin", "Referer", "X-Real-Ip",
	"X-Http-Method", "X-Http-Method-Override", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url",
	"Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User"}

// modify makes an answer one of ours: a refusal that a new token did not help becomes
// a missing right, and an address of the API one of the proxy.
func (h *Handler) modify(resp *http.Response) error {
	if e := MissingRight(resp); e != nil {
		_ = resp.Body.Close()
		return e
	}
	resp.Header.Del("Set-Cookie") // there are no cookies behind a token
	if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" && sameOrigin(h.o.Transport.api, to) {
		to.Scheme, to.Host, to.User = "", "", nil
		to.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(to.Path, strings.TrimRight(h.o.Transport.api.Path, "/")), "/")
		resp.Header.Set("Location", to.String())
	}
	return nil
}

// admit says whether the rules allow a call.
func (h *Handler) admit(r *http.Request) error {
	if err := h.caller(r); err != nil {
		return err
	}
	p := r.URL.Path
	if p == "" || p[0] != '/' || r.URL.IsAbs() || strings.ContainsAny(p, "\\\x00") || path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" ||
		strings.Contains(strings.ToLower(r.URL.EscapedPath()), "%2f") {
		return postern.Errorf(postern.Invalid, "the path has more than one spelling").WithHint("use one without //, . and .. segments and encoded slashes")
	}
	if !slices.Contains(h.o.Methods, r.Method) {
		return postern.Errorf(postern.Forbidden, "%s is not allowed here, only %s", postern.Shorten(r.Method, 20), strings.Join(h.o.Methods, ", ")).
			WithHint("start the proxy with the methods that are needed, as by --write or --allow").Because(postern.BadMethod)
	}
	if within(h.o.Never, p) {
		return postern.Errorf(postern.Forbidden, "the path %s is never passed on", postern.Shorten(p, 100)).
			WithHint("tokens are given and ended there, and the proxy adds its own to every call")
	}
	if h.o.Prefixes != nil && !within(h.o.Prefixes, p) {
		return postern.Errorf(postern.Forbidden, "the path %s is not allowed here", postern.Shorten(p, 100)).
			WithHint("start the proxy with the paths that are needed, as by --allow")
	}
	if r.Header.Get("Upgrade") != "" && !h.o.Upgrades {
		return postern.Errorf(postern.Forbidden, "a call may not become a WebSocket here").
			WithHint("start the proxy so that it may, as by --write: no rule holds inside it")
	}
	return nil
}

// within says whether p is one of the paths or below one.
func within(prefixes []string, p string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		prefix = strings.TrimRight(prefix, "/")
		return p == prefix || strings.HasPrefix(p, prefix+"/")
	})
}

// caller says whether somebody may call at all: who has the bearer, or where none is
// wanted, a program on this machine. A page that a browser shows is neither, wherever
// the browser is.
func (h *Handler) caller(r *http.Request) error {
	if !h.o.Bearer.Empty() {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(raw))
		if !ok || subtle.ConstantTimeCompare(sum[:], h.proof[:]) != 1 {
			return postern.Errorf(postern.Unauthenticated, "this proxy asks for a bearer of its own").
				WithHint("send the one it was started with, in the Authorization header").Because(postern.NoToken)
		}
		return nil
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if !postern.Loopback(host) {
		return postern.Errorf(postern.Forbidden, "this proxy serves callers on its own machine, by a name of this machine").
			WithHint("call it as 127.0.0.1 or localhost")
	}
	if from, err := hostOf(r.RemoteAddr); err == nil && !postern.Loopback(from) {
		return postern.Errorf(postern.Forbidden, "this proxy serves callers on its own machine").
			WithHint("start it with a bearer to serve others")
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" || r.Header.Get("Origin") != "" && !ownOrigin(r) {
		return postern.Errorf(postern.Forbidden, "this proxy does not serve pages of other sites").
			WithHint("call it from a program, or start it with a bearer")
	}
	return nil
}

// hostOf gives the address of a caller without its port; what has none is no address.
func hostOf(remote string) (string, error) {
	host, _, err := net.SplitHostPort(remote)
	if err == nil {
		host, _, _ = strings.Cut(host, "%")
	}
	return host, err
}

func ownOrigin(r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// problem is what a caller of the proxy is told (RFC 9457).
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Hint     string `json:"hint,omitempty"`
	Code     string `json:"code"`
	Upstream string `json:"upstream"`
	Scope    string `json:"missing_scope,omitempty"`
}

// fail answers for a call that came to nothing.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = tooLarge(big.Limit)
	}
	e := postern.AsError(err)
	if rec, ok := w.(*record); ok {
		rec.code = e.Code
		rec.err = err
	}
	status := statusOf(e, r)
	head := w.Header()
	head.Set("Content-Type", "application/problem+json")
	head.Set("Cache-Control", "no-store")
	if e.Wait > 0 {
		head.Set("Retry-After", strconv.Itoa(int((e.Wait+time.Second-1)/time.Second)))
	}
	if status == http.StatusMethodNotAllowed {
		head.Set("Allow", strings.Join(h.o.Methods, ", "))
	}
	if status == http.StatusUnauthorized {
		head.Set("WWW-Authenticate", `Bearer realm="postern proxy"`)
	}
	w.WriteHeader(status)
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: postern.Public(e), Hint: e.Hint,
		Code: string(e.Code), Upstream: h.o.Transport.c.Upstream}
	if e.Reason == postern.LowScope {
		p.Scope = e.Param
	}
	_ = json.NewEncoder(w).Encode(p)
}

// statusOf is the table from codes to statuses. What the upstream has against us is
// not the caller's fault: a refused credential is 502.
func statusOf(e *postern.Error, r *http.Request) int {
	switch {
	case e.Code == postern.Unauthenticated && e.Reason == postern.NoToken:
		return http.StatusUnauthorized
	case e.Reason == postern.BadMethod:
		return http.StatusMethodNotAllowed
	case e.Reason == postern.TooLarge:
		return http.StatusRequestEntityTooLarge
	case e.Code == postern.Forbidden:
		return http.StatusForbidden
	case e.Code == postern.Invalid:
		return http.StatusBadRequest
	case e.Code == postern.TooMany:
		return http.StatusTooManyRequests
	case e.Code == postern.Internal:
		return http.StatusInternalServerError
	case r.Context().Err() != nil:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
