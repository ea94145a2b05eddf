package issuer_test

import (
	"bytes"
	"os"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// sharedDialects answer the same live token again within its life.
var sharedDialects = []string{"personio-v1", "personio-v2"}

// sameToken fails unless both answers are one token.
func sameToken(t testing.TB, what string, a, b postern.Token) {
	t.Helper()
	if a.Value.Reveal() != b.Value.Reveal() || a.ID != b.ID || !a.ExpiresAt.Equal(b.ExpiresAt) || !a.IssuedAt.Equal(b.IssuedAt) {
		t.Fatalf("%s: another token: %s of %v, then %s of %v", what, a.ID, a.IssuedAt, b.ID, b.IssuedAt)
	}
}

func otherToken(t testing.TB, what string, a, b postern.Token) {
	t.Helper()
	if a.Value.Reveal() == b.Value.Reveal() || a.ID == b.ID {
		t.Errorf("%s: the same token %s", what, a.ID)
	}
}

// shared runs a test for each dialect that shares tokens.
func shared(t *testing.T, test func(t *testing.T, h *house, req postern.Request, c postern.Client)) {
	t.Helper()
	for _, d := range sharedDialects {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c, s := h.client()
			test(t, h, request(d, c, s), c)
		})
	}
}

func TestTheLiveTokenIsAnsweredAgainWithItsLifeFalling(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, _ postern.Client) {
		first := h.issue(req)
		if first.ExpiresIn != 24*time.Hour {
			t.Errorf("a new token lives %v", first.ExpiresIn)
		}
		for _, x := range []struct{ later, left time.Duration }{
			{0, 24 * time.Hour}, {time.Second, 24*time.Hour - time.Second},
			{1500 * time.Millisecond, 24*time.Hour - 2*time.Second}, // whole seconds, never more than there is
			{12 * time.Hour, 12 * time.Hour}, {24*time.Hour - 2*time.Second, 2 * time.Second},
			{24*time.Hour - 1001*time.Millisecond, time.Second},
		} {
			h.clock.Set(testTime.Add(x.later))
			tok := h.issue(req)
			sameToken(t, x.later.String(), first, tok)
			if tok.ExpiresIn != x.left {
				t.Errorf("after %v it has %v left, want %v", x.later, tok.ExpiresIn, x.left)
			}
			h.valid(tok)
		}
		ev := h.events(testTenant, postern.ActTokenIssued, postern.ActTokenReused)
		if len(ev) != 7 || ev[0].Action != postern.ActTokenIssued {
			t.Fatalf("%d events, the first is %s", len(ev), ev[0].Action)
		}
		for _, e := range ev[1:] {
			if e.Action != postern.ActTokenReused || e.TokenID != first.ID {
				t.Errorf("the event of a token answered again is %s of %s", e.Action, e.TokenID)
			}
		}
	})
}

func TestATokenWithLessThanASecondIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		left time.Duration
		same bool
	}{
		{time.Second + time.Millisecond, true}, {time.Second, false}, {time.Second - time.Millisecond, false},
		{time.Second / 2, false}, {time.Millisecond, false}, {0, false}, {-time.Millisecond, false}, {-time.Hour, false},
	} {
		t.Run(x.left.String(), func(t *testing.T) {
			t.Parallel()
			shared(t, func(t *testing.T, h *house, req postern.Request, _ postern.Client) {
				first := h.issue(req)
				h.clock.Set(first.ExpiresAt.Add(-x.left))
				for name, n := range map[string]*house{"the same node": h, "another": h.another()} {
					tok := n.issue(req)
					if same := tok.ID == first.ID; same != x.same {
						t.Errorf("with %v left %s gives the same token: %v", x.left, name, same)
					}
					if left := tok.ExpiresAt.Sub(h.clock.Now()); left < time.Second || tok.ExpiresIn > left {
						t.Errorf("with %v left %s gives a token with %v left, and says %v", x.left, name, left, tok.ExpiresIn)
					}
				}
			})
		})
	}
}

func TestTheLiveTokenSurvivesARestart(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, _ postern.Client) {
		first := h.issue(req)
		h.Close()
		h.clock.Add(time.Hour)
		second := h.another()
		tok := second.issue(req)
		sameToken(t, "after a restart", first, tok)
		if tok.ExpiresIn != 23*time.Hour {
			t.Errorf("after a restart and an hour it has %v left", tok.ExpiresIn)
		}
		second.valid(tok)
	})
}

func TestTheLiveTokenIsSealedAtRest(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, _ postern.Client) {
		tok := h.issue(req)
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(h.path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range bytes.Split([]byte(tok.Value.Reveal()), []byte(".")) {
				if bytes.Contains(data, part) {
					t.Errorf("the database%s holds a part of the token", suffix)
				}
			}
		}
	})
}

// together asks n times at once on each house and gives the answers.
func together(t *testing.T, n int, req postern.Request, houses ...*house) []postern.Token {
	t.Helper()
	got := make([]postern.Token, n*len(houses))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			<-start
			tok, err := houses[i%len(houses)].Issue(t.Context(), req)
			if err != nil {
				t.Errorf("request %d: %v", i, err)
			}
			got[i] = tok
		})
	}
	close(start)
	all.Wait()
	return got
}

func TestFirstRequestsOnTwoNodesGetOneToken(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, c postern.Client) {
		second := h.another()
		one := func(what string) postern.Token {
			t.Helper()
			all := together(t, 50, req, h, second)
			issued := 0
			for _, tok := range all {
				sameToken(t, what, all[0], tok)
			}
			for _, e := range h.events(testTenant, postern.ActTokenIssued) {
				if e.TokenID == all[0].ID {
					issued++
				}
			}
			if issued != 1 {
				t.Errorf("%s: the token was issued %d times, by the trail", what, issued)
			}
			h.valid(all[0])
			second.valid(all[0])
			return all[0]
		}
		first := one("the first time")
		if n := len(h.events(testTenant, postern.ActTokenIssued, postern.ActTokenReused)); n != 100 {
			t.Errorf("%d events for 100 requests", n)
		}
		// All tokens are revoked in the middle of a second: those of the same second
		// that follow are as good as any.
		h.clock.Add(500 * time.Millisecond)
		h.changeClient(c, func(c *postern.Client) { c.NotBefore = h.clock.Now() })
		second.settle()
		h.clock.Add(100 * time.Millisecond)
		after := one("after all were revoked")
		otherToken(t, "after all were revoked", first, after)
		h.invalid(first.Value.Reveal())
		third := h.another()
		sameToken(t, "after a restart in that second", after, third.issue(req))
	})
}

func TestARevokedLiveTokenIsReplaced(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, _ postern.Client) {
		first := h.issue(req)
		if err := h.Revoke(t.Context(), postern.Request{}, first.Value.Reveal()); err != nil {
			t.Fatal(err)
		}
		second := h.issue(req)
		otherToken(t, "after it was revoked", first, second)
		h.valid(second)
		if cause := h.invalid(first.Value.Reveal()); cause != "revoked" {
			t.Errorf("the revoked token is refused for %q", cause)
		}
		sameToken(t, "and again", second, h.issue(req))
	})
}

func TestRevokingAllTokensReplacesTheLiveOne(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(*house, postern.Client, time.Time){
		"of the client": func(h *house, c postern.Client, at time.Time) {
			h.changeClient(c, func(c *postern.Client) { c.NotBefore = at })
		},
		"of the tenant": func(h *house, c postern.Client, at time.Time) {
			h.changeTenant(c.Tenant, func(t *postern.Tenant) { t.NotBefore = at })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared(t, func(t *testing.T, h *house, req postern.Request, c postern.Client) {
				first := h.issue(req)
				revoke(h, c, h.clock.Now()) // in the same millisecond
				if cause := h.invalid(first.Value.Reveal()); cause != "revoked with all others" {
					t.Errorf("the old token is refused for %q", cause)
				}
				second := h.issue(req)
				otherToken(t, "after all were revoked", first, second)
				h.valid(second)
				sameToken(t, "and again", second, h.issue(req))
			})
		})
	}
}

func TestAnotherScopeOrClientIsAnotherToken(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, c postern.Client) {
		all := h.issue(req)
		narrow := req
		narrow.Scope = postern.NewScopes("a")
		if req.Dialect != "personio-v1" { // its requests name no scope
			otherToken(t, "another scope", all, h.issue(narrow))
		}
		named := req
		named.Scope = postern.NewScopes("b", "a")
		sameToken(t, "the same scope, named", all, h.issue(named))
		sameToken(t, "the same scope as before", all, h.issue(req))
		other, s := h.client()
		otherToken(t, "another client", all, h.issue(request(req.Dialect, other, s)))

		h.changeClient(c, func(c *postern.Client) { c.Scopes = postern.NewScopes("a", "b", "c") })
		more := h.issue(req)
		otherToken(t, "after the client got more scopes", all, more)
		if got := h.valid(more).Scope.String(); got != "a b c" {
			t.Errorf("the new token has scope %q", got)
		}
	})
}

// The parts of a slot cannot run into each other, whatever is in them.
func TestSlotsOfDifferentGrantsDiffer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, url := range []string{"https://x|y", "y"} {
		r := postern.Resource{URL: url, Tenant: testTenant}
		if err := h.db.AddResource(t.Context(), r, at(testTime, postern.ActResourceAdded)); err != nil {
			t.Fatal(err)
		}
	}
	c, s := h.client(func(c *postern.Client) { c.Scopes = postern.NewScopes("a", "a|https://x") })
	one, other := request("personio-v2", c, s), request("personio-v2", c, s)
	one.Scope, one.Resources = postern.NewScopes("a"), []string{"https://x|y"}
	other.Scope, other.Resources = postern.NewScopes("a|https://x"), []string{"y"}
	otherToken(t, "another scope and audience", h.issue(one), h.issue(other))
}

func TestRetiringTheKeyEndsItsLiveTokens(t *testing.T) {
	t.Parallel()
	shared(t, func(t *testing.T, h *house, req postern.Request, _ postern.Client) {
		first := h.issue(req)
		keys := issuer.Keys{Store: h.db, Box: testBox, Now: h.clock.Now}
		if err := keys.Retire(t.Context(), h.valid(first).KeyID); err != nil {
			t.Fatal(err)
		}
		h.settle()
		h.invalid(first.Value.Reveal())
		second := h.issue(req)
		otherToken(t, "after its key was retired", first, second)
		h.valid(second)
		sameToken(t, "and again", second, h.issue(req))
	})
}

func TestOtherDialectsIssueANewTokenEachTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	for _, d := range []string{"personify", "oauth2"} {
		otherToken(t, d, h.issue(request(d, c, s)), h.issue(request(d, c, s)))
	}
}

func TestTokenIDsNeverRepeat(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *issuer.Config) { c.Journal = discard{c.Journal} })
	second := h.another(func(c *issuer.Config) { c.Journal = discard{c.Journal} })
	c, s := h.client(func(c *postern.Client) { c.Alg = postern.EdDSA })
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for _, n := range []*house{h, second, h, second} {
		all.Go(func() {
			for range 500 {
				tok, err := n.Issue(t.Context(), request("oauth2", c, s))
				mu.Lock()
				if err != nil || seen[tok.ID] {
					t.Errorf("token %s repeats, or %v", tok.ID, err)
				}
				seen[tok.ID] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
}
