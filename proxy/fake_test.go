package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/proxy"
)

// The end of an httptest.Server closes the idle connections of http.DefaultTransport, and
// with them now and then a request of a test beside it; of this one it cannot.
func init() { http.DefaultTransport = struct{ http.RoundTripper }{http.DefaultTransport} }

// tokens is a TokenSource that gives t1 until it is dropped, then t2, …
type tokens struct {
	mu      sync.Mutex
	n       int
	same    bool // the next one is the one before
	err     error
	drops   []string
	upsteam string
}

func (s *tokens) Token(_ context.Context, upstream string, _ time.Duration) (postern.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upsteam = upstream
	if s.err != nil {
		return postern.Token{}, s.err
	}
	return postern.Token{Value: postern.NewSecret(fmt.Sprintf("t%d", s.n+1)), Type: "Bearer"}, nil
}

func (s *tokens) Drop(_ string, token postern.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops = append(s.drops, token.Reveal())
	if !s.same && token.Reveal() == fmt.Sprintf("t%d", s.n+1) {
		s.n++
	}
}

// api answers calls without a network.
type api struct {
	mu     sync.Mutex
	calls  []string // "GET /path Bearer t1 body"
	seen   []*http.Request
	at     []time.Time
	answer func(n int, r *http.Request) *http.Response
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		body = " " + string(b)
	}
	a.mu.Lock()
	a.calls = append(a.calls, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+body))
	a.seen = append(a.seen, r)
	a.at = append(a.at, time.Now())
	n := len(a.calls)
	a.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return a.answer(n, r), nil
}

func reply(status int, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("body"))}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// statuses answers with these in turn, and then with the last for ever.
func statuses(list ...int) func(int, *http.Request) *http.Response {
	return func(n int, _ *http.Request) *http.Response { return reply(list[min(n, len(list))-1]) }
}

func transport(t testing.TB, c proxy.Config) *proxy.Transport {
	t.Helper()
	if c.Upstream == "" {
		c.Upstream = "acme"
	}
	if c.API == "" {
		c.API = "https://api.test"
	}
	tr, err := proxy.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// call makes a call and gives the status.
func call(t testing.TB, tr http.RoundTripper, method, url string) *http.Response {
	t.Helper()
	resp, err := tr.RoundTrip(request(t, method, url, nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}
