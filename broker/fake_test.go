package broker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
)

// server is a token server without a network.
type server struct {
	takes time.Duration // to answer
	life  time.Duration // told with each token; 0 is not told
	// answer replaces the token t1, t2, … of the n-th request.
	answer func(n int, req postern.Request) (broker.Answer, error)

	n    atomic.Int64
	mu   sync.Mutex
	reqs []postern.Request
	at   []time.Time
}

func (s *server) Fetch(ctx context.Context, _ postern.Upstream, req postern.Request) (broker.Answer, error) {
	n := int(s.n.Add(1))
	s.mu.Lock()
	s.reqs, s.at = append(s.reqs, req), append(s.at, time.Now())
	s.mu.Unlock()
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return broker.Answer{}, &postern.Error{Code: postern.Unavailable, Msg: "the token server could not be reached", Err: ctx.Err()}
		}
	}
	if s.answer != nil {
		return s.answer(n, req)
	}
	return token(fmt.Sprintf("t%d", n), s.life), nil
}

func (s *server) asked() int { return int(s.n.Load()) }

func token(value string, life time.Duration) broker.Answer {
	return broker.Answer{Token: postern.Token{Value: postern.NewSecret(value), Type: "Bearer", ExpiresIn: life}}
}

// told collects what happened.
type told struct {
	mu   sync.Mutex
	kind map[broker.Kind]int
	all  []broker.Happening
}

func (o *told) observe(h broker.Happening) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kind == nil {
		o.kind = map[broker.Kind]int{}
	}
	o.kind[h.Kind]++
	o.all = append(o.all, h)
}

func (o *told) count(k broker.Kind) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kind[k]
}

func secret(s string) postern.SecretSource {
	return func(context.Context) (postern.Secret, error) { return postern.NewSecret(s), nil }
}

func acme() postern.Upstream {
	return postern.Upstream{Name: "acme", Dialect: "oauth2", BaseURL: "https://acme.test", ClientID: "c1", Secret: secret("s1"), PerMinute: 6000}
}

// open makes a broker that ends with the test. The zero dice makes every pause and
// every renewal exact.
func open(t testing.TB, c broker.Config) *broker.Broker {
	t.Helper()
	if c.Upstreams == nil {
		c.Upstreams = []postern.Upstream{acme()}
	}
	if c.Dice == nil {
		c.Dice = func() float64 { return 0 }
	}
	b, err := broker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// wantToken asks for a token that is ready to be given or comes.
func wantToken(t testing.TB, b *broker.Broker, goodFor time.Duration, want string) postern.Token {
	t.Helper()
	tok, err := b.Token(t.Context(), "acme", goodFor)
	if err != nil {
		t.Fatalf("got %v, want %s", err, want)
	}
	if got := tok.Value.Reveal(); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	return tok
}

func wantCode(t testing.TB, err error, want postern.Code) *postern.Error {
	t.Helper()
	if got := postern.CodeOf(err); got != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
	return postern.AsError(err)
}

func wantAsked(t testing.TB, s *server, want int) {
	t.Helper()
	if got := s.asked(); got != want {
		t.Fatalf("the server was asked %d times, want %d", got, want)
	}
}

var (
	down    = &postern.Error{Code: postern.Unavailable, Msg: "the token server could not be reached"}
	badPair = &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadClient, Msg: "the client was refused"}
)
