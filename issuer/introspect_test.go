package issuer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// active says whether the client that req proves is shown the token.
func (h *house) active(req postern.Request, raw string) bool {
	h.t.Helper()
	c, err := h.Introspect(h.t.Context(), req, raw)
	if err == nil {
		if c.ID == "" {
			h.t.Error("an active token has no id")
		}
		return true
	}
	e := postern.AsError(err)
	if e.Code != postern.NotFound || !cmp.Equal(c, postern.Claims{}) {
		h.t.Fatalf("Introspect: %v, with claims %+v", err, c)
	}
	// Whatever the reason, the answer is one.
	diff(h.t, "the answer for a token that is not active", publicOf(e),
		public{Code: postern.NotFound, Msg: "the token is not active", Text: "the token is not active"})
	return false
}

func TestTokensAreShownToTheirTenantsClientsAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	own, ownSecret := h.client()
	neighbour, neighbourSecret := h.client(func(c *postern.Client) { c.Dialects, c.Grants, c.Scopes = nil, nil, nil })
	other := h.tenant()
	stranger, strangerSecret := h.client(func(c *postern.Client) { c.Tenant, c.Tenants = other.ID, []string{testTenant} })
	app, u := h.app(), h.user("ann@example.com")
	tokens := map[string]postern.Token{"comm100": h.issue(login(app, u.Email, rightPassword))}
	for _, d := range machineDialects {
		tokens[d] = h.issue(request(d, own, ownSecret))
	}
	for d, tok := range tokens {
		raw := tok.Value.Reveal()
		for _, x := range []struct {
			who    string
			client postern.Client
			secret postern.Secret
			want   bool
		}{
			{"its own client", own, ownSecret, true},
			{"a client of the tenant", neighbour, neighbourSecret, true},
			{"a client of another tenant", stranger, strangerSecret, false},
		} {
			if got := h.active(request("oauth2", x.client, x.secret), raw); got != x.want {
				t.Errorf("a token of %s is shown to %s: %v, want %v", d, x.who, got, x.want)
			}
		}
		// What is shown is what the token says.
		shown, err := h.Introspect(t.Context(), request("oauth2", own, ownSecret), raw)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, d+": what is shown", shown, h.valid(tok))
		for name, req := range map[string]postern.Request{
			"a wrong secret":     request("oauth2", own, postern.GenerateSecret()),
			"no secret":          request("oauth2", own, postern.Secret{}),
			"a public client":    request("oauth2", app, postern.Secret{}),
			"nobody":             {},
			"an unknown client":  request("oauth2", postern.Client{ID: "nobody"}, ownSecret),
			"another's secret":   request("oauth2", own, strangerSecret),
			"a secret as its id": request("oauth2", postern.Client{ID: ownSecret.Reveal()}, ownSecret),
		} {
			if _, err := h.Introspect(t.Context(), req, raw); postern.ReasonOf(err) != postern.BadClient {
				t.Errorf("a token of %s, asked by %s: %v", d, name, err)
			}
		}
	}
}

func TestATokenThatIsNotActiveIsShownToNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	ask := request("oauth2", c, s)
	revoked, good := h.issue(request("oauth2", c, s)), h.issue(request("oauth2", c, s))
	if err := h.Revoke(t.Context(), ask, revoked.Value.Reveal()); err != nil {
		t.Fatal(err)
	}
	raw := good.Value.Reveal()
	f := newForger(t, h)
	header, payload, _ := parts(t, raw)
	for name, x := range map[string]string{"revoked": revoked.Value.Reveal(), "garbage": "garbage", "truncated": raw[:len(raw)-1],
		"a secret": s.Reveal(), "a real id in a forged token": f.token(postern.RS256, header, payload), "a space": " "} {
		if h.active(ask, x) {
			t.Errorf("%s is active", name)
		}
	}
	if _, err := h.Introspect(t.Context(), ask, ""); postern.ReasonOf(err) != postern.MissingParameter || postern.AsError(err).Param != "token" {
		t.Errorf("without a token: %v", err)
	}
	if !h.active(ask, raw) {
		t.Error("a good token is not active")
	}
	h.clock.Set(good.ExpiresAt)
	if h.active(ask, raw) {
		t.Error("an expired token is active")
	}
}

func TestRevocationEndsTheTokenOfItsOwnClientOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	own, ownSecret := h.client()
	neighbour, neighbourSecret := h.client()
	other := h.tenant()
	stranger, strangerSecret := h.client(func(c *postern.Client) { c.Tenant = other.ID })
	app, u := h.app(), h.user("ann@example.com")
	for _, d := range append([]string{"comm100"}, machineDialects...) {
		fresh := func() postern.Token {
			if d == "comm100" {
				return h.issue(login(app, u.Email, rightPassword))
			}
			return h.issue(request(d, own, ownSecret))
		}
		tok := fresh()
		raw := tok.Value.Reveal()
		for name, req := range map[string]postern.Request{
			"a client of the tenant": request("oauth2", neighbour, neighbourSecret),
			"a stranger":             request("oauth2", stranger, strangerSecret),
		} {
			if err := h.Revoke(t.Context(), req, raw); err != nil {
				t.Errorf("%s: revoked by %s: %v", d, name, err)
			}
			h.valid(tok)
		}
		if n := len(h.events(testTenant, postern.ActTokenRevoked)); n != 0 {
			t.Errorf("%s: %d revocations without effect are in the trail", d, n)
		}
		before := len(h.events(testTenant))
		if d != "comm100" {
			if err := h.Revoke(t.Context(), request("oauth2", own, ownSecret), raw); err != nil {
				t.Errorf("%s: revoked by its own client: %v", d, err)
			}
		} else if err := h.Revoke(t.Context(), postern.Request{}, raw); err != nil {
			t.Errorf("%s: revoked by itself: %v", d, err)
		}
		if cause := h.invalid(raw); cause != "revoked" {
			t.Errorf("%s: refused for %q", d, cause)
		}
		run := h.events(testTenant)[before:]
		if len(run) != 1 || run[0].Action != postern.ActTokenRevoked || run[0].TokenID != tok.ID {
			t.Fatalf("%s: in the trail: %+v", d, run)
		}
		if who := map[bool]string{true: app.ID, false: own.ID}[d == "comm100"]; run[0].ClientID != who {
			t.Errorf("%s: the trail says client %s, want %s", d, run[0].ClientID, who)
		}
		// The token itself is a proof too.
		second := fresh()
		if err := h.Revoke(t.Context(), postern.Request{}, second.Value.Reveal()); err != nil {
			t.Errorf("%s: revoked by itself: %v", d, err)
		}
		h.invalid(second.Value.Reveal())
		h.valid(fresh())
		// The next dialect begins without revocations in the trail.
		h = newHouse(t)
		own, ownSecret = h.client()
		neighbour, neighbourSecret = h.client()
		other = h.tenant()
		stranger, strangerSecret = h.client(func(c *postern.Client) { c.Tenant = other.ID })
		app, u = h.app(), h.user("ann@example.com")
	}
}

func TestRevokingWhatIsNotOursIsNoError(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	gone, goneSecret := h.client()
	tok := h.issue(request("oauth2", c, s))
	orphan := h.issue(request("oauth2", gone, goneSecret))
	if err := h.db.DeleteClient(t.Context(), testTenant, gone.ID, at(testTime, postern.ActClientDeleted)); err != nil {
		t.Fatal(err)
	}
	h.settle()
	before := len(h.events(testTenant))
	raw := tok.Value.Reveal()
	for name, x := range map[string]string{"garbage": "x", "a truncated token": raw[:len(raw)-2], "a JWT of others": "eyJhbGciOiJub25lIn0.e30.",
		"a deleted client's": orphan.Value.Reveal(), "a secret": s.Reveal(), "very long": raw + raw + raw + raw + raw + raw + raw + raw + raw + raw + raw + raw + raw + raw + raw} {
		for _, req := range []postern.Request{{}, request("oauth2", c, s)} {
			if err := h.Revoke(t.Context(), req, x); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, req := range []postern.Request{{}, request("oauth2", c, s)} {
		if err := h.Revoke(t.Context(), req, ""); postern.ReasonOf(err) != postern.MissingParameter {
			t.Errorf("without a token: %v", err)
		}
	}
	h.valid(tok)
	h.clock.Set(tok.ExpiresAt)
	if err := h.Revoke(t.Context(), postern.Request{}, raw); err != nil {
		t.Errorf("an expired token: %v", err)
	}
	if n := len(h.events(testTenant)) - before; n != 0 {
		t.Errorf("%d events for revocations without effect", n)
	}
}

// A token whose time has not come, by this node's clock, is revoked all the same.
func TestATokenFromTheFutureCanBeRevoked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fast := h.another(func(c *issuer.Config) { c.Now = func() time.Time { return h.clock.Now().Add(time.Minute) } })
	c, s := h.client()
	raw := fast.issue(request("oauth2", c, s)).Value.Reveal()
	if err := h.Revoke(t.Context(), postern.Request{}, raw); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(2 * time.Minute)
	if cause := h.invalid(raw); cause != "revoked" {
		t.Errorf("refused for %q", cause)
	}
}

func TestRevokingFiftyTimesAtOnceIsOneEvent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	second := h.another()
	c, s := h.client()
	tok := h.issue(request("personio-v2", c, s))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range 50 {
		n, req := []*house{h, second}[i%2], []postern.Request{{}, request("oauth2", c, s)}[i/2%2]
		all.Go(func() {
			<-start
			if err := n.Revoke(t.Context(), req, tok.Value.Reveal()); err != nil {
				t.Errorf("revocation %d: %v", i, err)
			}
		})
	}
	close(start)
	all.Wait()
	if err := h.Revoke(t.Context(), postern.Request{}, tok.Value.Reveal()); err != nil {
		t.Errorf("once more: %v", err)
	}
	if n := len(h.events(testTenant, postern.ActTokenRevoked)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	h.invalid(tok.Value.Reveal())
	second.invalid(tok.Value.Reveal())
}

func TestARevocationSurvivesARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	tok, other := h.issue(request("oauth2", c, s)), h.issue(request("oauth2", c, s))
	if err := h.Revoke(t.Context(), postern.Request{}, tok.Value.Reveal()); err != nil {
		t.Fatal(err)
	}
	h.Close()
	second := h.another()
	second.invalid(tok.Value.Reveal())
	second.valid(other)
}

type brokenRevoker struct{ issuer.Revoker }

func (brokenRevoker) Revoke(context.Context, postern.Revocation, postern.Event) (bool, error) {
	return false, errBroken
}

func TestARevocationThatIsNotDurableIsNoSuccess(t *testing.T) {
	t.Parallel()
	var seen []postern.Event
	h := newHouse(t, func(c *issuer.Config) {
		c.Revoker = brokenRevoker{c.Revoker}
		c.OnEvent = func(e postern.Event) { seen = append(seen, e) }
	})
	c, s := h.client()
	tok := h.issue(request("oauth2", c, s))
	seen = nil
	for _, req := range []postern.Request{{}, request("oauth2", c, s)} {
		if err := h.Revoke(t.Context(), req, tok.Value.Reveal()); postern.CodeOf(err) != postern.Unavailable {
			t.Errorf("Revoke = %v, want unavailable", err)
		}
	}
	h.valid(tok)
	if len(seen) != 0 {
		t.Errorf("metrics hear of %+v", seen)
	}
}

func TestRevocationsAreForgottenOnceTheirTokensHaveExpired(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	for range 3 {
		if err := h.Revoke(t.Context(), postern.Request{}, h.issue(request("oauth2", c, s)).Value.Reveal()); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.Sizes()["revocations"]; n != 3 {
		t.Errorf("%d revocations in memory, want 3", n)
	}
	issuer.Forget(h.Issuer, testTime.Add(time.Hour))
	if n := h.Sizes()["revocations"]; n != 3 {
		t.Errorf("%d revocations at the instant the tokens expire, want 3", n)
	}
	issuer.Forget(h.Issuer, testTime.Add(time.Hour+1))
	if n := h.Sizes()["revocations"]; n != 0 {
		t.Errorf("%d revocations after the tokens expired", n)
	}
}
