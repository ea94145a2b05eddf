package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
)

// crowd asks for a token n times at once and gives what each was told.
func crowd(ctx context.Context, b *broker.Broker, n int) (tokens map[string]int, errs map[string]int) {
	type answer struct {
		tok postern.Token
		err error
	}
	all := make(chan answer, n)
	for range n {
		go func() {
			tok, err := b.Token(ctx, "acme", 0)
			all <- answer{tok, err}
		}()
	}
	tokens, errs = map[string]int{}, map[string]int{}
	for range n {
		if a := <-all; a.err != nil {
			errs[a.err.Error()]++
		} else {
			tokens[a.tok.Value.Reveal()]++
		}
	}
	return tokens, errs
}

func TestTenThousandCallersMakeOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen told
		s := &server{takes: 500 * time.Millisecond, life: time.Hour}
		b := open(t, broker.Config{Fetch: s, Observe: seen.observe})
		for round := 1; round <= 3; round++ {
			start := time.Now()
			tokens, errs := crowd(t.Context(), b, 10_000)
			if len(tokens) != 1 || len(errs) != 0 || time.Since(start) != s.takes {
				t.Fatalf("round %d: %d tokens, errors %v, after %v", round, len(tokens), errs, time.Since(start))
			}
			wantAsked(t, s, round)
			time.Sleep(2 * time.Hour) // until it is over
		}
		if seen.count(broker.Joined) != 3*9999 || seen.count(broker.Fetched) != 3 {
			t.Errorf("got %v", seen.kind)
		}
	})
}

func TestTheFailureOfARequestIsSharedByAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Second, answer: func(int, postern.Request) (broker.Answer, error) {
			return broker.Answer{}, &postern.Error{Code: postern.TooMany, Msg: "the server says slow down", Wait: 30 * time.Second}
		}}
		b := open(t, broker.Config{Fetch: s})
		tokens, errs := crowd(t.Context(), b, 20)
		if len(tokens) != 0 || len(errs) != 1 {
			t.Fatalf("got %v and %v", tokens, errs)
		}
		wantAsked(t, s, 1)
		// The server's wait is kept, and callers are told what is left of it.
		time.Sleep(20 * time.Second)
		_, err := b.Token(t.Context(), "acme", 0)
		if e := wantCode(t, err, postern.TooMany); e.Wait != 10*time.Second {
			t.Errorf("told to wait %v, want 10s", e.Wait)
		}
		wantAsked(t, s, 1)
		time.Sleep(10 * time.Second)
		_, _ = b.Token(t.Context(), "acme", 0)
		wantAsked(t, s, 2)
	})
}

func TestACallerLeavesWithItsContextAndHarmsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: 3 * time.Second, life: time.Hour}
		b := open(t, broker.Config{Fetch: s})
		start := time.Now()
		// The first, who began the request, and 18 others leave.
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		patient := make(chan string)
		go func() {
			time.Sleep(100 * time.Millisecond)
			tok, err := b.Token(t.Context(), "acme", 0)
			patient <- tok.Value.Reveal()
			if err != nil {
				t.Error(err)
			}
		}()
		_, errs := crowd(ctx, b, 19)
		if d := time.Since(start); d != 200*time.Millisecond || len(errs) != 1 {
			t.Errorf("they left after %v with %v", d, errs)
		}
		for text := range errs {
			if !strings.Contains(text, `"acme"`) {
				t.Errorf("%q does not name the upstream", text)
			}
		}
		if got := <-patient; got != "t1" || time.Since(start) != 3*time.Second {
			t.Errorf("who stayed got %q after %v", got, time.Since(start))
		}
		wantAsked(t, s, 1)

		// A context that is over is no reason not to take what is there.
		if _, err := b.Token(ctx, "acme", 0); err != nil {
			t.Error(err)
		}
		if _, err := b.Token(ctx, "acme", time.Hour-time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		wantAsked(t, s, 1)
	})
}

func TestARequestEndsAtItsOwnTimeLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Hour}
		up := acme()
		up.Timeout = 5 * time.Second
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}})
		start := time.Now()
		_, err := b.Token(t.Context(), "acme", 0)
		e := wantCode(t, err, postern.Unavailable)
		if d := time.Since(start); d != 5*time.Second || e.Hint == "" || !strings.Contains(e.Msg, `"acme"`) {
			t.Errorf("after %v: %+v", d, e)
		}
	})
}

func TestATokenHasAsMuchLifeLeftAsWasAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Second, life: 10 * time.Minute}
		b := open(t, broker.Config{Fetch: s})
		wantToken(t, b, 0, "t1")
		wantToken(t, b, 9*time.Minute, "t1")
		time.Sleep(2 * time.Minute)
		wantToken(t, b, 7*time.Minute, "t1")
		wantToken(t, b, 9*time.Minute, "t2")
		wantAsked(t, s, 2)
		// The server gives no such token: that is known without asking.
		for range 3 {
			_, err := b.Token(t.Context(), "acme", time.Hour)
			if e := wantCode(t, err, postern.Invalid); !strings.Contains(e.Msg, "10m0s") {
				t.Errorf("got %q, want the life of its tokens in it", e.Msg)
			}
		}
		wantAsked(t, s, 2)
		wantToken(t, b, -time.Hour, "t2")
	})
}

func TestATokenThatComesTooLateForWhatWasAskedIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Second, life: time.Minute}
		b := open(t, broker.Config{Fetch: s})
		_, err := b.Token(t.Context(), "acme", time.Minute-time.Millisecond)
		wantCode(t, err, postern.Invalid)
		wantAsked(t, s, 1)
	})
}

func TestAServerThatGivesTheSameTokenAgainIsNotAskedForAsLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ends time.Time
		s := &server{}
		s.answer = func(int, postern.Request) (broker.Answer, error) {
			if ends.IsZero() || !time.Now().Before(ends) {
				ends = time.Now().Add(24 * time.Hour)
			}
			return token("shared until "+ends.Format(time.TimeOnly), max(time.Second, time.Until(ends).Truncate(time.Second))), nil
		}
		b := open(t, broker.Config{Fetch: s})
		// A caller every second for two days.
		for range 2 * 24 * 3600 {
			if _, err := b.Token(t.Context(), "acme", 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := s.asked(); n > 30 {
			t.Errorf("two days cost %d requests", n)
		}
	})
}

func TestAnUnknownUpstreamIsNamedWithThoseThatThereAre(t *testing.T) {
	t.Parallel()
	b := open(t, broker.Config{Fetch: &server{}})
	_, err := b.Token(t.Context(), "acmee", 0)
	if e := wantCode(t, err, postern.NotFound); !strings.Contains(e.Hint, "acme") {
		t.Errorf("got hint %q", e.Hint)
	}
	b.Drop("nobody", postern.NewSecret("x"))
	if _, err := b.Stats("nobody"); postern.CodeOf(err) != postern.NotFound {
		t.Error(err)
	}
}

func TestWhatCannotBeAskedIsRefusedBeforeItIs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*postern.Upstream){
		"no name":         func(u *postern.Upstream) { u.Name = "" },
		"a name in caps":  func(u *postern.Upstream) { u.Name = "Acme" },
		"no dialect":      func(u *postern.Upstream) { u.Dialect = "" },
		"clear text":      func(u *postern.Upstream) { u.BaseURL = "http://acme.test" },
		"every address":   func(u *postern.Upstream) { u.BaseURL = "http://0.0.0.0:8080" },
		"a user":          func(u *postern.Upstream) { u.BaseURL = "https://u:p@acme.test" },
		"a query":         func(u *postern.Upstream) { u.BaseURL = "https://acme.test?client_secret=x" },
		"a clear API":     func(u *postern.Upstream) { u.APIURL = "http://api.acme.test" },
		"a negative life": func(u *postern.Upstream) { u.Life = -1 },
		"a long timeout":  func(u *postern.Upstream) { u.Timeout = time.Hour },
	} {
		up := acme()
		change(&up)
		if _, err := broker.New(broker.Config{Fetch: &server{}, Upstreams: []postern.Upstream{up}}); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s: got %v, want invalid", name, err)
		} else if e := postern.AsError(err); e.Hint == "" || strings.Contains(e.Error(), "u:p@") {
			t.Errorf("%s: %v, hint %q", name, e, e.Hint)
		}
	}
	for _, url := range []string{"http://127.0.0.1:1", "http://[::1]", "http://localhost:80", "http://127.9.9.9", "https://0.0.0.0"} {
		up := acme()
		up.BaseURL = url
		if err := up.Check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := broker.New(broker.Config{Upstreams: []postern.Upstream{acme(), acme()}}); postern.CodeOf(err) != postern.Invalid {
		t.Errorf("two of one name: got %v", err)
	}
}

func TestClosingEndsEveryGoroutineAndTellsWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		s := &server{takes: time.Minute, life: time.Hour}
		b := open(t, broker.Config{Fetch: s})
		failed := make(chan error)
		go func() {
			_, err := b.Token(t.Context(), "acme", 0)
			failed <- err
		}()
		synctest.Wait()
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		wantCode(t, <-failed, postern.Unavailable)
		_, err := b.Token(t.Context(), "acme", 0)
		wantCode(t, err, postern.Unavailable)
		_ = b.Close()
		if time.Since(start) != 0 {
			t.Errorf("it took %v", time.Since(start))
		}
		wantAsked(t, s, 1)
	})
}

func TestAPanicOfSomebodyElsesCodeIsAFailureLikeOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int, postern.Request) (broker.Answer, error) { panic("driver") }}
		b := open(t, broker.Config{Fetch: s})
		_, err := b.Token(t.Context(), "acme", 0)
		wantCode(t, err, postern.Internal)
		if strings.Contains(postern.Public(err), "driver") {
			t.Errorf("told %q", postern.Public(err))
		}
	})
}
