package test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/dialect"
	"postern.dev/postern/proxy"
)

// asker is the client's end of every dialect, for a broker.
type asker struct {
	hc    *http.Client
	asked atomic.Int64
}

func (a *asker) Fetch(ctx context.Context, up postern.Upstream, req postern.Request) (broker.Answer, error) {
	a.asked.Add(1)
	d, ok := dialect.Named(up.Dialect)
	if !ok {
		return broker.Answer{}, fmt.Errorf("there is no dialect %q", up.Dialect)
	}
	tok, err := dialect.Fetch(ctx, a.hc, d, up.BaseURL, req)
	return broker.Answer{Token: tok}, err
}

func fixed(s string) postern.SecretSource {
	return func(context.Context) (postern.Secret, error) { return postern.NewSecret(s), nil }
}

// upstreams are a node as a foreign server would be configured, one for each dialect,
// by the dialect's name.
func upstreams(base string, c credentials) (all []postern.Upstream) {
	for _, d := range dialect.All {
		up := postern.Upstream{Name: d.Name(), Dialect: d.Name(), BaseURL: base, ClientID: c.ID, Secret: fixed(c.Secret), PerMinute: 6000}
		if wayOf(d.Name()).person {
			up.ClientID, up.Secret, up.Email, up.Password, up.PartnerID = c.PublicID, nil, c.Email, fixed(c.Password), c.Partner
		}
		all = append(all, up)
	}
	return all
}

func newBroker(t testing.TB, c broker.Config) *broker.Broker {
	t.Helper()
	b, err := broker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestTheBrokerGetsTokensOfOurOwnServerInEveryDialect(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10007")
	n := p.serve(t)
	a := &asker{hc: &http.Client{}}
	b := newBroker(t, broker.Config{Upstreams: upstreams(n.url, c), Fetch: a})
	for _, d := range dialect.All {
		tok, err := b.Token(t.Context(), d.Name(), time.Minute)
		if err != nil {
			t.Errorf("%s: %v", d.Name(), err)
			continue
		}
		life := d.(dialect.Profiler).Profile().Life
		if left := time.Until(tok.ExpiresAt); left > life || left < life-time.Minute {
			t.Errorf("%s: the token lives for %v, want %v", d.Name(), left, life)
		}
		if !active(t, n, c, tok.Value.Reveal()) {
			t.Errorf("%s: the token is not active", d.Name())
		}
		// What an API would do with a token that was revoked: another is asked for.
		b.Drop(d.Name(), tok.Value)
		if again, err := b.Token(t.Context(), d.Name(), 0); err != nil || again.Value.Empty() {
			t.Errorf("%s: after a drop: %v", d.Name(), err)
		}
	}
	// A wrong secret is told as such, once, however often it is asked for.
	wrong := upstreams(n.url, credentials{ID: c.ID, Secret: "wrong", PublicID: c.PublicID, Email: c.Email, Password: "wrong", Partner: c.Partner})
	before := a.asked.Load()
	b = newBroker(t, broker.Config{Upstreams: wrong, Fetch: a})
	for range 5 {
		for _, up := range wrong {
			_, err := b.Token(t.Context(), up.Name, 0)
			e := postern.AsError(err)
			if e == nil || e.Code != postern.Unauthenticated || e.Hint == "" || !strings.Contains(e.Msg, `"`+up.Name+`"`) {
				t.Errorf("%s with a wrong secret: %v", up.Name, err)
			}
		}
	}
	if got := a.asked.Load() - before; got != int64(len(wrong)) {
		t.Errorf("%d requests for five refused credentials", got)
	}
}

// The transport gets over a revocation between two calls without its caller noticing.
func TestATokenThatWasRevokedIsReplacedWithoutNotice(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10008")
	n := p.serve(t)
	// An API that asks the node about every token.
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !active(t, n, c, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(api.Close)
	b := newBroker(t, broker.Config{Upstreams: upstreams(n.url, c), Fetch: &asker{hc: &http.Client{}}})
	for _, name := range []string{"personio-v2", "oauth2", "personify"} {
		tr, err := proxy.New(proxy.Config{Upstream: name, API: api.URL, Tokens: b})
		if err != nil {
			t.Fatal(err)
		}
		hc := &http.Client{Transport: tr}
		for round := range 3 {
			resp, err := hc.Get(api.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s, round %d: got %d", name, round, resp.StatusCode)
			}
			tok, err := b.Token(t.Context(), name, 0)
			if err != nil {
				t.Fatal(err)
			}
			if a := post(t, n, "/oauth2/revoke", c, "token", tok.Value.Reveal()); a.status != http.StatusOK {
				t.Fatalf("revoke: %v", a)
			}
			eventually(t, patience, "the token is revoked", func() error {
				if active(t, n, c, tok.Value.Reveal()) {
					return fmt.Errorf("%s still active", name)
				}
				return nil
			})
		}
	}
}

// lossy is a way to a server on which things go wrong.
type lossy struct {
	net.Listener
	to string
	mu sync.Mutex
	// spoil is what happens to the bytes that the server sends; false ends the
	// connection after them.
	spoil func(b []byte) ([]byte, bool)
}

func newLossy(t testing.TB, to string) *lossy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &lossy{Listener: l, to: to}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	return w
}

func (w *lossy) set(spoil func([]byte) ([]byte, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spoil = spoil
}

func (w *lossy) carry(conn net.Conn) {
	defer conn.Close()
	back, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer back.Close()
	go func() { _, _ = io.Copy(back, conn) }()
	b := make([]byte, 4096)
	for {
		n, err := back.Read(b)
		if err != nil {
			return
		}
		w.mu.Lock()
		spoil := w.spoil
		w.mu.Unlock()
		out, on := b[:n], true
		if spoil != nil {
			out, on = spoil(b[:n])
		}
		if _, err := conn.Write(out); err != nil || !on {
			return
		}
	}
}

// Whatever happens on the way, the caller is told what happened and what to do, no
// token that works is lost, and when the way is good again so is everything.
func TestNoFaultOnTheWayLosesATokenOrLastsLongerThanItself(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"good","token_type":"Bearer","expires_in":3600}`)
	}))
	t.Cleanup(server.Close)
	for name, fault := range map[string]func([]byte) ([]byte, bool){
		"cut before the first byte": func([]byte) ([]byte, bool) { return nil, false },
		"cut in the status":         func(b []byte) ([]byte, bool) { return b[:9], false },
		"cut in the body":           func(b []byte) ([]byte, bool) { return b[:len(b)-20], false },
		"corrupt status":            func(b []byte) ([]byte, bool) { return append([]byte("HTTP/9.9 abc"), b[12:]...), false },
		"corrupt header": func(b []byte) ([]byte, bool) {
			return []byte(strings.Replace(string(b), "Content-Length", "Content\x00Length", 1)), false
		},
		"corrupt body": func(b []byte) ([]byte, bool) {
			return []byte(strings.Replace(string(b), `"access_token"`, `"access\token"`, 1)), false
		},
		"a page instead": func([]byte) ([]byte, bool) {
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>"), false
		},
		"200 and no token": func([]byte) ([]byte, bool) { return []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), false },
		"ten megabytes": func([]byte) ([]byte, bool) {
			return []byte("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"access_token\":\"" + strings.Repeat("x", 10<<20)), false
		},
		"an answer that never ends": func([]byte) ([]byte, bool) { return []byte("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"), true },
		"no answer":                 func([]byte) ([]byte, bool) { return nil, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way := newLossy(t, strings.TrimPrefix(server.URL, "http://"))
			base := &http.Transport{DisableKeepAlives: true}
			up := postern.Upstream{Name: "acme", Dialect: "oauth2", BaseURL: "http://" + way.Addr().String(), ClientID: "c",
				Secret: fixed("marker-secret"), Timeout: 500 * time.Millisecond}
			b := newBroker(t, broker.Config{Upstreams: []postern.Upstream{up}, Fetch: &asker{hc: &http.Client{Transport: base}}})
			way.set(fault)
			_, err := b.Token(t.Context(), "acme", 0)
			e := postern.AsError(err)
			if e == nil || e.Code != postern.Unavailable || !strings.Contains(e.Msg, `"acme"`) || e.Hint == "" || strings.Contains(e.Error(), "marker") {
				t.Errorf("got %+v", e)
			}
			way.set(nil)
			var tok postern.Token
			eventually(t, patience, "the way is good again", func() (err error) {
				tok, err = b.Token(t.Context(), "acme", 0)
				return err
			})
			way.set(fault)
			b.Drop("acme", tok.Value) // an API that refused it for a missing right
			if again, err := b.Token(t.Context(), "acme", 0); err != nil || again.Value.Reveal() != "good" {
				t.Errorf("a token that works was lost: %v", err)
			}
		})
	}
}

// The other things that can stand in the way, with nobody who answers.
func TestWhatCannotBeReachedIsNamed(t *testing.T) {
	t.Parallel()
	unknown := httptest.NewTLSServer(http.NotFoundHandler()) // whose certificate nobody knows
	t.Cleanup(unknown.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, base := range map[string]string{
		"refused connection": "http://" + closed.Addr().String(),
		"unknown host":       "https://nobody.invalid",
		"TLS failure":        unknown.URL,
		"no TLS":             "https://" + closed.Addr().String(),
	} {
		up := postern.Upstream{Name: "acme", Dialect: "oauth2", BaseURL: base, ClientID: "c", Secret: fixed("s"), Timeout: 5 * time.Second}
		b := newBroker(t, broker.Config{Upstreams: []postern.Upstream{up}, Fetch: &asker{hc: &http.Client{}}})
		_, err := b.Token(t.Context(), "acme", 0)
		if e := postern.AsError(err); e == nil || e.Code != postern.Unavailable || !strings.Contains(e.Msg, `"acme"`) || e.Hint == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
