package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/dialect"
)

// fetcher asks token servers, for the broker and for commands that look closely.
type fetcher struct {
	upstreams map[string]*named
	transport http.RoundTripper
	now       func() time.Time
}

// Fetch implements broker.Fetcher.
func (f *fetcher) Fetch(ctx context.Context, up postern.Upstream, req postern.Request) (broker.Answer, error) {
	tok, look, err := f.ask(ctx, up, req)
	return broker.Answer{Token: tok, Date: look.date}, err
}

// ask makes one request, and tells what the answer was like.
func (f *fetcher) ask(ctx context.Context, up postern.Upstream, req postern.Request) (postern.Token, look, error) {
	u, d := f.upstreams[up.Name], dialect.Dialect(nil)
	if u != nil {
		d, _ = dialect.Named(up.Dialect)
	}
	if d == nil {
		return postern.Token{}, look{}, postern.Errorf(postern.Internal, "there is no dialect %q", up.Dialect)
	}
	s := &sight{next: f.transport, now: f.now}
	tok, err := dialect.Fetch(ctx, &http.Client{Transport: s}, d, up.BaseURL, req)
	return tok, s.last(), u.explain(err, s)
}

// sight is a transport that remembers of the last answer what explains a failure.
type sight struct {
	next http.RoundTripper
	now  func() time.Time
	mu   sync.Mutex
	seen look
}

// look is what an answer was like.
type look struct {
	status int
	html   bool
	date   time.Time // of the server's clock, zero when it did not say
	sent   time.Time
	came   time.Time
	tls    *tls.ConnectionState
}

// skew is how far the server's clock is ahead of ours, as far as whole seconds and the
// time on the way let that be known.
func (l look) skew() time.Duration {
	if l.date.IsZero() {
		return 0
	}
	return l.date.Add(time.Second / 2).Sub(l.sent.Add(l.came.Sub(l.sent) / 2)).Round(time.Second)
}

// RoundTrip implements http.RoundTripper.
func (s *sight) RoundTrip(r *http.Request) (*http.Response, error) {
	l := look{sent: s.now()}
	resp, err := s.next.RoundTrip(r)
	l.came = s.now()
	if err == nil {
		l.status, l.tls = resp.StatusCode, resp.TLS
		l.date, _ = http.ParseTime(resp.Header.Get("Date"))
		l.html = strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html")
		if !l.html {
			l.html = beginsHTML(resp)
		}
	}
	s.mu.Lock()
	s.seen = l
	s.mu.Unlock()
	return resp, err
}

// beginsHTML looks at the first bytes of a body and puts them back.
func beginsHTML(resp *http.Response) bool {
	head := make([]byte, 64)
	n, err := resp.Body.Read(head)
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head[:n]), rest), resp.Body}
	return strings.HasPrefix(strings.TrimSpace(string(head[:n])), "<")
}

// failing is a reader that has come to its end, good or bad.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (s *sight) last() look {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// upstreamTransport is how upstreams are reached: by TLS 1.2 at least, through the
// proxy that the environment names, with a bound on every step.
func upstreamTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns: 100, MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, ExpectContinueTimeout: time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// profileOf gives what the dialect's tokens look like; a zero profile for a dialect
// that we only call.
func profileOf(d dialect.Dialect) postern.Profile {
	if p, ok := d.(dialect.Profiler); ok {
		return p.Profile()
	}
	return postern.Profile{}
}
