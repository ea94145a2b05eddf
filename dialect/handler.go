package dialect

import (
	"io"
	"net/http"
	"strings"
	"time"

	"postern.dev/postern"
)

// Options bound what a handler reads. The zero value is the documented default.
type Options struct {
	BodyLimit int64         // bytes; 0 means 64 KiB
	BodyTime  time.Duration // for the whole body; 0 leaves it to the server's read timeout
}

func (o Options) limit() int64 {
	if o.BodyLimit > 0 {
		return o.BodyLimit
	}
	return 64 << 10
}

// The methods of an endpoint that is posted to, and of one that is read (RFC 9110
// section 10.2.1).
const (
	allowPost = "POST, OPTIONS"
	allowGet  = "GET, HEAD, OPTIONS"
)

// Handler is the server's end of d: bound the body, decode, issue or record the
// refusal, encode.
func Handler(d Dialect, iss postern.Issuer, opt Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answeredOptions(w, r, allowPost) {
			return
		}
		x := begin(w, r, d.Name(), opt)
		req, err := decodeBounded(x, d.DecodeRequest)
		x.identify(&req)
		var tok postern.Token
		if err == nil {
			tok, err = iss.Issue(x.r.Context(), req)
		} else {
			err = refused(iss, x, req, err)
		}
		if err == nil {
			x.call.TokenID = tok.ID
		}
		x.note(err)
		d.EncodeResponse(w, tok, err)
	})
}

// revokeHandler is the server's end of a revocation endpoint.
func revokeHandler(name string, v Revoker, iss postern.Issuer, opt Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answeredOptions(w, r, allowPost) {
			return
		}
		x := begin(w, r, name, opt)
		p, err := decodeBounded(x, asked(v.DecodeRevoke))
		x.identify(&p.req)
		if err == nil {
			err = iss.Revoke(x.r.Context(), p.req, p.token.Reveal())
		} else {
			err = refused(iss, x, p.req, err)
		}
		x.note(err)
		v.EncodeRevoked(w, err)
	})
}

// introspectHandler is the server's end of an introspection endpoint.
func introspectHandler(name string, in Introspector, iss postern.Issuer, opt Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answeredOptions(w, r, allowPost) {
			return
		}
		x := begin(w, r, name, opt)
		p, err := decodeBounded(x, asked(in.DecodeIntrospect))
		x.identify(&p.req)
		var c postern.Claims
		if err == nil {
			c, err = iss.Introspect(x.r.Context(), p.req, p.token.Reveal())
		} else {
			err = refused(iss, x, p.req, err)
		}
		if postern.CodeOf(err) != postern.NotFound { // an inactive token is an answer, not a refusal
			x.note(err)
		}
		in.EncodeIntrospection(w, c, err)
	})
}

// question is a request about a token: who asks, and about which.
type question struct {
	req   postern.Request
	token postern.Secret
}

func asked(f func(*http.Request) (postern.Request, postern.Secret, error)) func(*http.Request) (question, error) {
	return func(r *http.Request) (q question, err error) {
		q.req, q.token, err = f(r)
		return q, err
	}
}

// exchange is one request on its way through a handler.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	call    *postern.Call
	dialect string
	opt     Options
}

// begin says that nothing here may be cached (RFC 6749 section 5.1) and puts the
// request id where every refusal can be matched to its log record by it.
func begin(w http.ResponseWriter, r *http.Request, dialect string, opt Options) exchange {
	call := postern.CallFrom(r.Context())
	call.Dialect = dialect
	h := w.Header()
	h["Cache-Control"] = []string{"no-store"}
	if _, ok := h[requestIDHeader]; !ok && call.ID != "" {
		h[requestIDHeader] = []string{call.ID}
	}
	return exchange{w: w, r: r, call: call, dialect: dialect, opt: opt}
}

// requestIDHeader carries the request id, in canonical spelling.
const requestIDHeader = "X-Request-Id"

// decodeBounded runs decode over a body that can neither be endless nor slow. Once
// the body is read the deadline is lifted: the server goes on reading the connection
// to learn that the caller left, and must not take the deadline for that. If some of
// the body is unread it stays, for the server has yet to get past the rest.
func decodeBounded[T any](x exchange, decode func(*http.Request) (T, error)) (T, error) {
	var zero T
	r := x.r
	if r.Body != nil && r.Body != http.NoBody {
		body := &watchedBody{ReadCloser: http.MaxBytesReader(x.w, r.Body, x.opt.limit()), left: r.ContentLength}
		r = new(http.Request)
		*r = *x.r
		r.Body = body
		if x.opt.BodyTime > 0 {
			defer x.deadline(body)()
		}
	}
	switch {
	case !identityOnly(r.Header["Content-Encoding"]):
		return zero, errEncoding()
	case r.ContentLength > x.opt.limit():
		return zero, errTooLarge()
	}
	return decode(r)
}

// deadline sets one for the body and gives what lifts it.
func (x exchange) deadline(body *watchedBody) (lift func()) {
	conn := http.NewResponseController(x.w)
	if conn.SetReadDeadline(time.Now().Add(x.opt.BodyTime)) != nil {
		return func() {} // a test's writer cannot
	}
	return func() {
		if body.ended {
			_ = conn.SetReadDeadline(time.Time{})
		}
	}
}

// watchedBody knows whether it was read to its end.
type watchedBody struct {
	io.ReadCloser
	left  int64 // negative when unknown
	ended bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left >= 0 {
		b.left -= int64(n)
	}
	b.ended = b.ended || err == io.EOF || b.left == 0
	return n, err
}

func identityOnly(encodings []string) bool {
	for _, v := range encodings {
		if v = strings.TrimSpace(v); v != "" && !strings.EqualFold(v, "identity") {
			return false
		}
	}
	return true
}

// identify completes req from the call, and the call from req. What looks like one
// of our secrets stands in the wrong field and is not to be logged.
func (x exchange) identify(req *postern.Request) {
	req.Dialect, req.Source, req.RequestID = x.dialect, x.call.Source, x.call.ID
	if !postern.LooksGenerated(req.ClientID) {
		x.call.ClientID = postern.Shorten(req.ClientID, maxClientID)
	}
}

// note leaves what the log needs in the call, unless the issuer, who knows more,
// has done so.
func (x exchange) note(err error) {
	e := postern.AsError(err)
	if e == nil {
		return
	}
	x.call.Code = e.Code
	if x.call.Cause == "" {
		x.call.Cause = e.Cause
	}
	if x.call.Err == nil && (e.Code == postern.Internal || e.Code == postern.Unavailable) {
		x.call.Err = err
	}
}

func refused(iss postern.Issuer, x exchange, req postern.Request, err error) error {
	if said := iss.Refuse(x.r.Context(), req, err); said != nil {
		return said
	}
	return err // an issuer that has nothing to add
}

// answeredOptions answers OPTIONS without any cross-origin permission: these
// endpoints are not for browsers (RFC 9700 section 2.6).
func answeredOptions(w http.ResponseWriter, r *http.Request, allow string) bool {
	if r.Method != http.MethodOptions {
		return false
	}
	w.Header().Set("Allow", allow)
	w.WriteHeader(http.StatusNoContent)
	return true
}
