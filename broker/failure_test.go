package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
)

// asks calls every 100 ms for a time and gives when the server was asked.
func asks(t *testing.T, b *broker.Broker, s *server, d time.Duration) (at []time.Duration) {
	t.Helper()
	start := time.Now()
	for time.Since(start) < d {
		_, _ = b.Token(t.Context(), "acme", 0)
		time.Sleep(100 * time.Millisecond)
	}
	for _, a := range s.at {
		at = append(at, a.Sub(start))
	}
	return at
}

func TestFailuresAreRememberedForGrowingPauses(t *testing.T) {
	t.Parallel()
	const sec = time.Second
	for _, tt := range []struct {
		name string
		err  error
		want []time.Duration
	}{
		{"a server that is down", down, []time.Duration{0, 1 * sec, 3 * sec, 7 * sec, 15 * sec, 31 * sec, 61 * sec, 91 * sec, 121 * sec}},
		{"an error without a code", errors.New("x"), []time.Duration{0, 1 * sec, 3 * sec, 7 * sec, 15 * sec, 31 * sec, 61 * sec, 91 * sec, 121 * sec}},
		{"a server that says when", &postern.Error{Code: postern.Unavailable, Wait: 50 * sec}, []time.Duration{0, 50 * sec, 100 * sec}},
		{"a server that says at once", &postern.Error{Code: postern.TooMany, Wait: 1}, []time.Duration{0, 1 * sec, 2 * sec, 3 * sec}},
		{"a credential that is refused", badPair, []time.Duration{0}},
		{"a person who is refused", &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadGrant}, []time.Duration{0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: func(int, postern.Request) (broker.Answer, error) { return broker.Answer{}, tt.err }}
			b := open(t, broker.Config{Fetch: s})
			got := asks(t, b, s, 2*time.Minute+5*sec)
			if len(got) < len(tt.want) || fmt.Sprint(got[:len(tt.want)]) != fmt.Sprint(tt.want) || len(tt.want) == 1 && len(got) > 1 {
				t.Errorf("%s: asked at %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

func TestARefusedCredentialIsAskedWithAgainWhenItChangesOrAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := "wrong"
		up := acme()
		up.Secret = func(context.Context) (postern.Secret, error) { return postern.NewSecret(now), nil }
		s := &server{answer: func(n int, req postern.Request) (broker.Answer, error) {
			if req.Secret.Reveal() != "right" {
				return broker.Answer{}, badPair
			}
			return token(fmt.Sprintf("t%d", n), time.Hour), nil
		}}
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}})
		_ = asks(t, b, s, 5*time.Minute)
		wantAsked(t, s, 1)
		_, err := b.Token(t.Context(), "acme", 0)
		if e := wantCode(t, err, postern.Unauthenticated); !strings.Contains(e.Msg, `"acme"`) || !strings.Contains(e.Hint, "secret") {
			t.Errorf("got %q, hint %q", e.Msg, e.Hint)
		}
		now = "right"
		start := time.Now()
		for {
			if _, err := b.Token(t.Context(), "acme", 0); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if d := time.Since(start); d > 31*time.Second {
			t.Errorf("the new secret was noticed after %v", d)
		}
		wantAsked(t, s, 2)
	})
	synctest.Test(t, func(t *testing.T) { // the same secret, switched on again
		s := &server{answer: func(n int, _ postern.Request) (broker.Answer, error) {
			if n == 1 {
				return broker.Answer{}, badPair
			}
			return token("t", time.Hour), nil
		}}
		b := open(t, broker.Config{Fetch: s})
		_ = asks(t, b, s, 9*time.Minute)
		wantAsked(t, s, 1)
		time.Sleep(2 * time.Minute)
		wantToken(t, b, 0, "t")
	})
}

func TestTheSpareSecretIsTriedOnceWhenTheOtherIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen told
		up := acme()
		up.Spare = secret("s2")
		good := "s2"
		s := &server{answer: func(n int, req postern.Request) (broker.Answer, error) {
			if req.Secret.Reveal() != good { // most wires do not tell why it is refused
				return broker.Answer{}, &postern.Error{Code: postern.Unauthenticated, Msg: "the token server answered 401 invalid_client"}
			}
			return token(fmt.Sprintf("t%d", n), time.Hour), nil
		}}
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}, Observe: seen.observe})
		wantToken(t, b, 0, "t2")
		if seen.count(broker.Spared) != 1 {
			t.Errorf("got %v", seen.kind)
		}
		good = "s3"
		time.Sleep(2 * time.Hour)
		_, err := b.Token(t.Context(), "acme", 0)
		wantCode(t, err, postern.Unauthenticated)
		wantAsked(t, s, 4)
	})
	synctest.Test(t, func(t *testing.T) { // and not for another failure
		up := acme()
		up.Spare = secret("s2")
		s := &server{answer: func(int, postern.Request) (broker.Answer, error) { return broker.Answer{}, down }}
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}})
		_, err := b.Token(t.Context(), "acme", 0)
		wantCode(t, err, postern.Unavailable)
		wantAsked(t, s, 1)
	})
}

func TestASecretThatCannotBeReadIsNamedAndNothingIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := acme()
		up.Secret = func(context.Context) (postern.Secret, error) {
			return postern.Secret{}, errors.New("open /x: no such file")
		}
		s := &server{}
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}})
		_, err := b.Token(t.Context(), "acme", 0)
		e := wantCode(t, err, postern.Unavailable)
		if !strings.Contains(e.Msg, `"acme"`) || !strings.Contains(e.Msg, "secret") || e.Hint == "" {
			t.Errorf("got %q, hint %q", e.Msg, e.Hint)
		}
		wantAsked(t, s, 0)
	})
}

func TestRequestsStayBelowTheLimitOfTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{life: time.Second} // as short as it can be: a request for every second
		up := acme()
		up.PerMinute = 60
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}})
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			_, _ = b.Token(t.Context(), "acme", 0)
			time.Sleep(10 * time.Millisecond)
		}
		for i := range s.at {
			n := 0
			for _, a := range s.at[i:] {
				if a.Sub(s.at[i]) < time.Minute {
					n++
				}
			}
			if n > 63 { // a full bucket and a minute
				t.Fatalf("%d requests within a minute", n)
			}
		}
	})
}

func TestNothingThatIsToldHoldsATokenOrASecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var seen told
		up := acme()
		up.Secret, up.Spare = secret("marker-secret"), secret("marker-spare")
		s := &server{}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			switch n % 3 {
			case 0:
				return broker.Answer{}, badPair
			case 1:
				return broker.Answer{}, down
			}
			return token(fmt.Sprintf("marker-token-%d", n), time.Minute), nil
		}
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}, Observe: seen.observe,
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		for i := range 400 {
			tok, _ := b.Token(t.Context(), "acme", 0)
			if i%100 == 50 {
				b.Drop("acme", tok.Value)
			}
			time.Sleep(time.Second)
		}
		_ = b.Close()
		text := log.String() + fmt.Sprintf("%+v %#v", seen.all, seen.all)
		if strings.Contains(text, "marker") {
			t.Error("a token or a secret was told")
		}
		for _, want := range []string{"what=fetched", "what=kept", "what=dropped", "upstream=acme"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %s", want)
			}
		}
	})
}
