// Package proxy adds the token of an upstream to calls of its API.
//
// [Transport] is a http.RoundTripper: it carries the token, has it replaced when the
// API refuses it, and holds callers back before the API does. [Handler] is a reverse
// proxy on top of it, for programs that speak to a local address and know of no token.
//
// The token goes to the host of the API and nowhere else, whatever a redirect or a
// caller says.
package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
)

// Config is what a Transport is made of. Upstream, API and Tokens are needed.
type Config struct {
	Upstream string // its name, for Tokens and for people
	// API is where the token may go: its scheme, host and port.
	API    string
	Tokens postern.TokenSource
	// Carry puts the token, and whose data is wanted, on a call; nil writes a Bearer header.
	Carry func(h http.Header, tok postern.Token, tenant string)
	// Tenant is whose data is wanted where the context does not say; it may be empty.
	Tenant string
	// Need tells the scope that a call needs, "" if that is not known. It may be nil.
	Need func(method, path string) string
	// Base makes the calls; nil means a transport of its own.
	Base http.RoundTripper
	// Patience bounds how long a call is held back to keep the pace; 0 means 30 s. What
	// would take longer is refused at once.
	Patience time.Duration
	// Observe is told what happens, at once and by several goroutines. It may be nil.
	Observe func(Happening)
}

// Kind is what a Happening is.
type Kind string

// The kinds.
const (
	Held     Kind = "held"      // a call waited to keep the pace
	Limited  Kind = "limited"   // the API refused a call as one too many
	Repeated Kind = "repeated"  // a call was made again with another token
	LowScope Kind = "low_scope" // a call was refused with a new token
)

// Happening is something that happened to a call. It holds no token.
type Happening struct {
	Upstream string
	Kind     Kind
	Method   string
	Path     string // with what looks like an id folded
	Scope    string // that is missing, if that is known
	Wait     time.Duration
}

// Transport is a http.RoundTripper that carries the token of an upstream.
type Transport struct {
	c    Config
	api  *url.URL
	base http.RoundTripper
	pace pace

	mu sync.Mutex
	// refused are the calls that were refused with a new token, and until when that is
	// taken for an answer.
	refused map[string]time.Time
}

const (
	// defaultPatience is a time that a caller waits without asking what is wrong.
	defaultPatience = 30 * time.Second
	// refusedFor is how long a call that a new token did not help is passed on as it is:
	// a token costs more than the answer is worth.
	refusedFor = time.Minute
	// maxRefused bounds how many such calls are remembered.
	maxRefused = 1000
)

// New makes a Transport. It fails with Invalid for an API that a token must not be
// sent to.
func New(c Config) (*Transport, error) {
	if err := postern.CheckUpstreamURL(c.API); err != nil {
		e := postern.AsError(err)
		return nil, postern.Errorf(postern.Invalid, "upstream %q: the URL of the API %s", c.Upstream, e.Msg).WithHint("%s", e.Hint)
	}
	api, err := url.Parse(c.API)
	if err != nil { // impossible: it was just read
		return nil, err
	}
	t := &Transport{c: c, api: api, base: c.Base, refused: map[string]time.Time{}}
	if t.base == nil {
		t.base = NewBase()
	}
	if t.c.Patience <= 0 {
		t.c.Patience = defaultPatience
	}
	if t.c.Carry == nil {
		t.c.Carry = bearer
	}
	t.pace.lanes = map[string]*lane{}
	return t, nil
}

// NewBase gives a transport as Transport makes one for itself: connections are kept,
// bodies come as they were sent, certificates are checked.
func NewBase() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

func bearer(h http.Header, tok postern.Token, _ string) {
	h.Set("Authorization", "Bearer "+tok.Value.Reveal())
}

type tenantKey struct{}

// ForTenant gives a context whose calls are about that tenant, where the upstream
// serves several.
func ForTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

func (t *Transport) tenant(ctx context.Context) string {
	if s, ok := ctx.Value(tenantKey{}).(string); ok {
		return s
	}
	return t.c.Tenant
}

// RoundTrip makes a call with the token of the upstream. A call that is refused with
// 401 is made once more with another token, if its body can be sent again; what is
// refused again comes back marked, see MissingRight. Nothing else is repeated. A call
// that a redirect leads to another host is made without a token.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.home(r) {
		return t.abroad(r)
	}
	path := Fold(r.URL.Path)
	key := r.Method + " " + path
	done, err := t.turn(r, path)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	tok, err := t.c.Tokens.Token(r.Context(), t.c.Upstream, 0)
	if err != nil {
		done(nil)
		closeBody(r)
		return nil, err
	}
	resp, err := t.send(r, r.Body, tok)
	done(resp)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusUnauthorized {
		t.forgive(key)
		return resp, nil
	}
	if t.hopeless(key) {
		return t.mark(resp, r, path), nil
	}
	t.c.Tokens.Drop(t.c.Upstream, tok.Value)
	return t.again(r, resp, tok, key, path)
}

// again makes a refused call once more, if there is another token and the body can be
// sent again.
func (t *Transport) again(r *http.Request, resp *http.Response, old postern.Token, key, path string) (*http.Response, error) {
	body, ok := bodyAgain(r)
	if !ok {
		return resp, nil // the token was dropped: who calls again has another
	}
	tok, err := t.c.Tokens.Token(r.Context(), t.c.Upstream, 0)
	if err != nil {
		closeAll(resp.Body, body)
		return nil, err
	}
	if tok.Value.Reveal() == old.Value.Reveal() {
		closeAll(body)
		t.giveUp(key)
		return t.mark(resp, r, path), nil
	}
	// What is left of the answer is read, so that its connection can be used again.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	closeAll(resp.Body)
	done, err := t.turn(r, path)
	if err != nil {
		closeAll(body)
		return nil, err
	}
	t.tell(Happening{Kind: Repeated, Method: r.Method, Path: path})
	resp, err = t.send(r, body, tok)
	done(resp)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		t.giveUp(key)
		return t.mark(resp, r, path), nil
	}
	t.forgive(key)
	return resp, nil
}

// send makes one call: a copy of r, since a RoundTripper changes nothing of its
// caller's.
func (t *Transport) send(r *http.Request, body io.ReadCloser, tok postern.Token) (*http.Response, error) {
	out := *r
	out.Header = r.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	out.Body = body
	t.c.Carry(out.Header, tok, t.tenant(r.Context()))
	resp, err := t.base.RoundTrip(&out)
	if err != nil {
		return nil, t.unreachable(r, err)
	}
	resp.Request = r // the copy has the token
	clean(resp.Header)
	return resp, nil
}

// clean takes from an answer what only we may say, and the token, which some APIs
// repeat.
func clean(h http.Header) {
	delete(h, "Authorization")
	delete(h, missingRight)
	delete(h, missingScope)
}

// home says whether the token may go where r goes: to the API, by a way that never led
// elsewhere.
func (t *Transport) home(r *http.Request) bool {
	if !sameOrigin(t.api, r.URL) {
		return false
	}
	for from := r.Response; from != nil && from.Request != nil; from = from.Request.Response {
		if !sameOrigin(t.api, from.Request.URL) {
			return false
		}
	}
	return true
}

// abroad follows a redirect to another host, as a stranger. A call that begins
// elsewhere is a mistake.
func (t *Transport) abroad(r *http.Request) (*http.Response, error) {
	if r.Response == nil {
		closeBody(r)
		return nil, postern.Errorf(postern.Invalid, "upstream %q is at %s, and the call goes to %s", t.c.Upstream, t.api.Host, postern.Shorten(r.URL.Host, 100)).
			WithHint("call another host without the token of this upstream")
	}
	out := *r
	out.Header = r.Header.Clone()
	// Whatever header the token and the tenant would ride in, it is not theirs there.
	probe := http.Header{}
	t.c.Carry(probe, postern.Token{Value: postern.NewSecret("x")}, "x")
	for name := range probe {
		out.Header.Del(name)
	}
	out.Header.Del("Authorization")
	out.Header.Del("Cookie")
	return t.base.RoundTrip(&out)
}

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return "80"
}

// bodyAgain gives the body of r once more, if it can be had.
func bodyAgain(r *http.Request) (io.ReadCloser, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	return body, err == nil
}

func closeBody(r *http.Request) { closeAll(r.Body) }

func closeAll(bodies ...io.Closer) {
	for _, b := range bodies {
		if b != nil {
			_ = b.Close()
		}
	}
}

func (t *Transport) tell(h Happening) {
	if t.c.Observe != nil {
		h.Upstream = t.c.Upstream
		t.c.Observe(h)
	}
}
