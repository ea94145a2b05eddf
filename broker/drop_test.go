package broker_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
)

func TestTenLateRefusalsOfOneTokenCostOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen told
		s := &server{takes: 100 * time.Millisecond, life: time.Hour}
		b := open(t, broker.Config{Fetch: s, Observe: seen.observe})
		old := wantToken(t, b, 0, "t1")
		got := make(chan string)
		for i := range 10 {
			go func() {
				time.Sleep(time.Duration(i) * 30 * time.Millisecond) // some before the new one is there, some after
				b.Drop("acme", old.Value)
				tok, _ := b.Token(t.Context(), "acme", 0)
				got <- tok.Value.Reveal()
			}()
		}
		for range 10 {
			if v := <-got; v != "t2" {
				t.Errorf("got %s", v)
			}
		}
		wantAsked(t, s, 2)
		if seen.count(broker.Dropped) != 1 {
			t.Errorf("dropped %d times", seen.count(broker.Dropped))
		}
	})
}

func TestOnlyTheTokenInMemoryIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{life: time.Hour}
		b := open(t, broker.Config{Fetch: s})
		b.Drop("acme", postern.NewSecret("t1")) // not there yet
		wantToken(t, b, 0, "t1")
		for _, v := range []string{"", "t0", "t11", "T1"} {
			b.Drop("acme", postern.NewSecret(v))
		}
		wantToken(t, b, 0, "t1")
		wantAsked(t, s, 1)
	})
}

func TestAnAPIThatRefusesEveryTokenDoesNotCostOneForEachCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{life: time.Hour}
		b := open(t, broker.Config{Fetch: s})
		for start := time.Now(); time.Since(start) < 10*time.Minute; time.Sleep(time.Second) {
			tok, err := b.Token(t.Context(), "acme", 0)
			if err != nil {
				t.Fatal(err)
			}
			b.Drop("acme", tok.Value)
		}
		if n := s.asked(); n > 5+60+1 {
			t.Errorf("600 refusals cost %d tokens", n)
		}
	})
}

// A missing right looks like a token that is over. When the server is down just then,
// the token is not lost for everything else.
func TestADroppedTokenIsTakenBackWhenThereIsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fail error
		s := &server{}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			return token(fmt.Sprintf("t%d", n), time.Hour), fail
		}
		b := open(t, broker.Config{Fetch: s})
		old := wantToken(t, b, 0, "t1")
		fail = down
		b.Drop("acme", old.Value)
		wantToken(t, b, 0, "t1")
		b.Drop("acme", old.Value) // within the pause after the failure
		wantToken(t, b, 0, "t1")
		wantAsked(t, s, 2)
		fail = nil
		time.Sleep(2 * time.Second)
		wantToken(t, b, 0, "t1")
		synctest.Wait()
		wantToken(t, b, 0, "t3")

		// But not when the server says that the credential is over.
		fail = badPair
		b.Drop("acme", postern.NewSecret("t3"))
		_, err := b.Token(t.Context(), "acme", 0)
		wantCode(t, err, postern.Unauthenticated)
	})
}

func TestAServerThatGivesADroppedTokenAgainIsBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int, postern.Request) (broker.Answer, error) { return token("same", time.Hour), nil }}
		b := open(t, broker.Config{Fetch: s})
		tok := wantToken(t, b, 0, "same")
		b.Drop("acme", tok.Value)
		wantToken(t, b, 0, "same")
		wantAsked(t, s, 2)
	})
}

func TestNewSettingsKeepTheTokensTheyDoNotTouch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{life: time.Hour}
		other := acme()
		other.Name = "other"
		b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{acme(), other}})
		wantToken(t, b, 0, "t1")
		same := acme()
		same.Timeout = time.Minute // changes no token
		reload := func(up ...postern.Upstream) {
			t.Helper()
			if err := b.Reload(t.Context(), up); err != nil {
				t.Fatal(err)
			}
		}
		reload(same)
		wantToken(t, b, 0, "t1")
		if _, err := b.Token(t.Context(), "other", 0); postern.CodeOf(err) != postern.NotFound {
			t.Errorf("an upstream that went: %v", err)
		}
		time.Sleep(59 * time.Minute) // it is still renewed
		synctest.Wait()
		wantToken(t, b, 0, "t2")
		secrets := acme()
		secrets.Secret = secret("s2")
		reload(secrets)
		wantToken(t, b, 0, "t3")
		scope := secrets
		scope.Scope = postern.NewScopes("a")
		reload(scope)
		wantToken(t, b, 0, "t4")
		bad := scope
		bad.BaseURL = "http://acme.test"
		if err := b.Reload(t.Context(), []postern.Upstream{bad}); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("got %v", err)
		}
		wantToken(t, b, 0, "t4")
	})
}
