package issuer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

func TestAResourceGetsWhatItWantsOrARefusal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	app, u := h.app(), h.user("ann@example.com")
	machine := h.issue(request("oauth2", c, s)).Value.Reveal()
	person := h.issue(login(app, u.Email, rightPassword)).Value.Reveal()
	low, bad := postern.LowScope, postern.BadToken
	for _, x := range []struct {
		name   string
		raw    string
		want   postern.Want
		reason postern.Reason
		param  string
	}{
		{"nothing", machine, postern.Want{}, "", ""},
		{"all of it", machine, postern.Want{Audience: []string{testURL}, Kind: postern.Machine, Tenant: testTenant, Scope: "a"}, "", ""},
		{"one of two audiences", machine, postern.Want{Audience: []string{"https://x", testURL}}, "", ""},
		{"another audience", machine, postern.Want{Audience: []string{testURL + "/mcp"}}, bad, ""},
		{"a person", machine, postern.Want{Kind: postern.Human}, low, ""},
		{"another tenant", machine, postern.Want{Tenant: "other"}, bad, ""},
		{"another scope", machine, postern.Want{Scope: "c"}, low, "c"},
		{"half a scope", machine, postern.Want{Scope: ""}, "", ""},
		{"two scopes in one", machine, postern.Want{Scope: "a b"}, low, "a b"},
		{"a machine", person, postern.Want{Kind: postern.Machine}, low, ""},
		{"a machine's audience", person, postern.Want{Audience: []string{testURL}}, bad, ""},
		{"a person's scope", person, postern.Want{Kind: postern.Human, Scope: "profile"}, "", ""},
		{"a person's last scope", person, postern.Want{Kind: postern.Human, Scope: "offline_access"}, "", ""},
		{"a machine's scope", person, postern.Want{Scope: "a"}, low, "a"},
	} {
		claims, err := h.Verify(t.Context(), x.raw, x.want)
		e := postern.AsError(err)
		if (err == nil) != (x.reason == "") || err != nil && (e.Reason != x.reason || e.Param != x.param) {
			t.Errorf("wanting %s: %v", x.name, err)
			continue
		}
		switch {
		case x.reason == "" && claims.ID == "":
			t.Errorf("wanting %s: no claims", x.name)
		case x.reason == low && e.Code != postern.Forbidden, x.reason == bad && e.Code != postern.Unauthenticated:
			t.Errorf("wanting %s: code %s", x.name, e.Code)
		}
	}
}

func TestClaimsOfARefusedTokenAreNotGiven(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	raw := h.issue(request("oauth2", c, s)).Value.Reveal()
	for _, want := range []postern.Want{{Audience: []string{"x"}}, {Kind: postern.Human}, {Tenant: "x"}, {Scope: "x"}} {
		if claims, err := h.Verify(t.Context(), raw, want); err == nil || claims.ID != "" || claims.ClientID != "" {
			t.Errorf("wanting %+v: %v with claims %+v", want, err, claims)
		}
	}
}

func TestScopesTakenFromAClientAreTakenFromItsTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	tokens := map[string]postern.Token{}
	for _, d := range machineDialects {
		tokens[d] = h.issue(request(d, c, s))
	}
	for _, x := range []struct {
		scopes postern.Scopes
		want   string
	}{{postern.NewScopes("b"), "b"}, {nil, ""}, {postern.NewScopes("c"), ""}, {postern.NewScopes("a", "b", "c"), "a b"}} {
		h.changeClient(c, func(c *postern.Client) { c.Scopes = x.scopes })
		for d, tok := range tokens {
			want := x.want
			if d == "personio-v1" { // its tokens carry no scope: they have what the client has
				want = x.scopes.String()
			}
			if got := h.valid(tok).Scope.String(); got != want {
				t.Errorf("%s: the client has %q, its token %q, want %q", d, x.scopes, got, want)
			}
		}
	}
}

// What a caller does with its claims is its own affair.
func TestClaimsAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	for _, d := range machineDialects {
		tok := h.issue(request(d, c, s))
		for range 2 {
			claims := h.valid(tok)
			if claims.Scope.String() != "a b" {
				t.Errorf("%s: a caller changed everyone's scopes to %q", d, claims.Scope)
			}
			for i := range claims.Scope {
				claims.Scope[i] = "root"
			}
			for i := range claims.Audience {
				claims.Audience[i] = "root"
			}
		}
		got := h.issue(request(d, c, s))
		if got.Scope.String() != "a b" {
			t.Errorf("%s: a caller changed what is granted to %q", d, got.Scope)
		}
	}
}

func TestATokenEndsWithWhatItRestsOn(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		end   func(h *house, c postern.Client, u postern.User)
		cause string
		only  string // dialect
	}{
		"client disabled":   {func(h *house, c postern.Client, _ postern.User) { h.changeClient(c, disable) }, "disabled client", ""},
		"tenant disabled":   {func(h *house, _ postern.Client, _ postern.User) { h.changeTenant(testTenant, disableTenant) }, "disabled tenant", ""},
		"all of the client": {func(h *house, c postern.Client, _ postern.User) { h.changeClient(c, cutOffAt(h.clock.Now())) }, "revoked with all others", ""},
		"all of the tenant": {func(h *house, _ postern.Client, _ postern.User) {
			h.changeTenant(testTenant, cutOffTenant(h.clock.Now()))
		}, "revoked with all others", ""},
		"user disabled": {func(h *house, _ postern.Client, u postern.User) {
			h.changeUser(u, func(u *postern.User) { u.Disabled = true })
		}, "disabled user", "comm100"},
		"user's new password": {func(h *house, _ postern.Client, u postern.User) {
			h.changeUser(u, func(u *postern.User) { u.NotBefore = h.clock.Now() })
		}, "user's tokens are revoked", "comm100"},
		"another partner id": {func(h *house, _ postern.Client, _ postern.User) {
			h.changeTenant(testTenant, func(t *postern.Tenant) { t.PartnerID = 5 })
		}, "partner", "comm100"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c, s := h.client(func(c *postern.Client) {
				c.Dialects, c.Grants = append([]string{"comm100"}, machineDialects...), []string{postern.GrantClientCredentials, postern.GrantPassword}
			})
			u := h.user("ann@example.com")
			tokens := map[string]postern.Token{}
			for _, d := range c.Dialects {
				req := request(d, c, s)
				if d == "comm100" {
					req = login(c, u.Email, rightPassword)
					req.Secret = s
				}
				tokens[d] = h.issue(req)
				h.valid(tokens[d])
			}
			x.end(h, c, u)
			for d, tok := range tokens {
				if x.only != "" && d != x.only {
					h.valid(tok)
				} else if cause := h.invalid(tok.Value.Reveal()); cause != x.cause {
					t.Errorf("%s: refused for %q, want %q", d, cause, x.cause)
				}
			}
		})
	}
}

func disable(c *postern.Client)       { c.Disabled = true }
func disableTenant(t *postern.Tenant) { t.Disabled = true }

func cutOffAt(at time.Time) func(*postern.Client) {
	return func(c *postern.Client) { c.NotBefore = at }
}

func cutOffTenant(at time.Time) func(*postern.Tenant) {
	return func(t *postern.Tenant) { t.NotBefore = at }
}

// Cut-offs count milliseconds although iat counts seconds: the token of the
// millisecond is revoked, that of the next is not.
func TestCutOffsAreExactToTheMillisecond(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	h.clock.Set(testTime.Add(500 * time.Millisecond))
	var at []postern.Token
	for range 3 {
		at = append(at, h.issue(request("oauth2", c, s)))
		h.clock.Add(time.Millisecond)
	}
	h.changeClient(c, cutOffAt(testTime.Add(501*time.Millisecond)))
	h.invalid(at[0].Value.Reveal())
	h.invalid(at[1].Value.Reveal())
	h.valid(at[2])
}

// brokenRegistry fails.
type brokenRegistry struct{ issuer.Registry }

var errBroken = &postern.Error{Code: postern.Unavailable, Msg: "the database does not answer"}

func (brokenRegistry) Client(context.Context, string) (postern.Client, error) {
	return postern.Client{}, errBroken
}

func (brokenRegistry) ClientBySubject(context.Context, string) (postern.Client, error) {
	return postern.Client{}, errBroken
}

func (brokenRegistry) UserByID(context.Context, string, string) (postern.User, error) {
	return postern.User{}, errBroken
}

func TestADatabaseThatDoesNotAnswerIsNoBadToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	all := goodTokens(t, h)
	c, s := h.client()
	down := h.another(func(c *issuer.Config) { c.Registry = brokenRegistry{c.Registry} })
	for _, g := range all {
		if _, err := down.Verify(t.Context(), g.raw, postern.Want{}); postern.CodeOf(err) != postern.Unavailable {
			t.Errorf("%s: %v", g.dialect, err)
		}
		if _, err := down.Verify(t.Context(), g.raw[:len(g.raw)-4], postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
			t.Errorf("%s, forged: %v", g.dialect, err)
		}
		if err := down.Revoke(t.Context(), postern.Request{}, g.raw); postern.CodeOf(err) != postern.Unavailable {
			t.Errorf("%s, revoking: %v", g.dialect, err)
		}
	}
	if e := down.refused(request("oauth2", c, s)); e.Code != postern.Unavailable {
		t.Errorf("issuing: %v", e)
	}
	if _, err := down.Introspect(t.Context(), request("oauth2", c, s), all[0].raw); postern.CodeOf(err) != postern.Unavailable {
		t.Errorf("introspecting: %v", err)
	}
}

// When more tokens are revoked than memory holds, the database is asked.
func TestRevocationsBeyondMemoryAreLookedUp(t *testing.T) {
	t.Parallel()
	rev := &countedRevoker{}
	h := newHouse(t, func(c *issuer.Config) { rev.Revoker, c.Revoker = c.Revoker, rev })
	c, s := h.client()
	tok, other := h.issue(request("oauth2", c, s)), h.issue(request("oauth2", c, s))
	h.valid(tok)
	if rev.asked != 0 {
		t.Errorf("the database is asked %d times although memory knows all", rev.asked)
	}
	issuer.FillRevoked(h.Issuer, testTime.Add(time.Hour))
	if err := h.Revoke(t.Context(), postern.Request{}, tok.Value.Reveal()); err != nil {
		t.Fatal(err)
	}
	if cause := h.invalid(tok.Value.Reveal()); cause != "revoked" {
		t.Errorf("refused for %q", cause)
	}
	h.valid(other)
	if rev.asked != 2 {
		t.Errorf("the database was asked %d times, want 2", rev.asked)
	}
	rev.err = errors.New("disk full")
	if _, err := h.Verify(t.Context(), other.Value.Reveal(), postern.Want{}); err == nil || postern.CodeOf(err) == postern.Unauthenticated {
		t.Errorf("when the database fails: %v", err)
	}
	if n, most := h.Sizes()["revocations"], issuer.MaxRevoked; n > most {
		t.Errorf("%d revocations in memory, want at most %d", n, most)
	}
}

type countedRevoker struct {
	issuer.Revoker
	asked int
	err   error
}

func (r *countedRevoker) Revoked(ctx context.Context, id string) (bool, error) {
	r.asked++
	if r.err != nil {
		return false, r.err
	}
	return r.Revoker.Revoked(ctx, id)
}
