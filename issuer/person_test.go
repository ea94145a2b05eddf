package issuer_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

func TestAPersonGetsATokenThatNamesThem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app := h.app()
	u := h.user("ann@example.com", func(u *postern.User) { u.AgentID, u.SiteID = "11111111-0000-4000-8000-000000000001", 7 })
	tok := h.issue(login(app, "ann@example.com", rightPassword))
	c := h.valid(tok)
	if c.Kind != postern.Human || c.Subject != u.ID || c.ClientID != app.ID || c.Tenant != testTenant || c.PartnerID != testPartner {
		t.Errorf("the token says kind %s, subject %s, client %s, tenant %s, partner %d", c.Kind, c.Subject, c.ClientID, c.Tenant, c.PartnerID)
	}
	if !c.AuthTime.Equal(testTime) || !c.ExpiresAt.Equal(testTime.Add(12*time.Hour)) {
		t.Errorf("the token says login at %v, end at %v", c.AuthTime, c.ExpiresAt)
	}
	if strings.Join(tok.Scope, " ") != agentScope {
		t.Errorf("the answer says scope %q, want %q", tok.Scope, agentScope)
	}
	if c.User == nil || c.User.Role != "Agent" || c.User.AgentID != u.AgentID || c.User.SiteID != 7 {
		t.Fatalf("the token is not that of the person: %+v", c.User)
	}
	if c.User.PasswordHash != "" {
		t.Error("the claims carry the password hash")
	}
	c.User.Role = "Administrator"
	if got := h.valid(tok).User.Role; got != "Agent" {
		t.Errorf("a caller that changes its claims changes everyone's: role %q", got)
	}
	ev := h.last(testTenant)
	if ev.UserID != u.ID || ev.ClientID != app.ID || ev.TokenID != tok.ID || ev.Scope != agentScope || ev.Grant != "password" {
		t.Errorf("the event is %+v", ev)
	}
}

func TestAConfidentialClientOfPeopleNeedsItsSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client(func(c *postern.Client) { c.Grants, c.Dialects = []string{postern.GrantPassword}, []string{"comm100"} })
	h.user("ann@example.com")
	req := login(c, "ann@example.com", rightPassword)
	if e := h.refused(req); e.Reason != postern.BadClient || e.Cause != "no secret sent" {
		t.Errorf("without a secret: %v", e)
	}
	req.Secret = postern.GenerateSecret()
	if e := h.refused(req); e.Reason != postern.BadClient || e.Cause != "wrong secret" {
		t.Errorf("with a wrong secret: %v", e)
	}
	req.Secret = s
	h.issue(req)
}

// stranger is one way of not being the person.
type stranger struct {
	name, cause string
	req         postern.Request
}

func strangers(h *house) []stranger {
	app, n := h.app(), func(s string) string { return fmt.Sprint(h.user(s).Email) }
	other := h.tenant()
	ann := n("ann@example.com")
	h.user("disabled@example.com", func(u *postern.User) { u.Disabled = true })
	h.user("locked@example.com", func(u *postern.User) { u.LockedUntil = h.clock.Now().Add(time.Nanosecond * 2e6) })
	h.user("foreign@example.com", func(u *postern.User) { u.Tenant = other.ID })
	partner := func(p string) postern.Request {
		r := login(app, ann, rightPassword)
		r.PartnerID = p
		return r
	}
	return []stranger{
		{"wrong password", "wrong password", login(app, ann, "wrong")},
		{"no password", "wrong password", login(app, ann, "")},
		{"password in another case", "wrong password", login(app, ann, strings.ToUpper(rightPassword))},
		{"password with a space", "wrong password", login(app, ann, rightPassword+" ")},
		{"hash as password", "wrong password", login(app, ann, cheap(rightPassword))},
		{"unknown user", "unknown user", login(app, "nobody@example.com", rightPassword)},
		{"user of another tenant", "unknown user", login(app, "foreign@example.com", rightPassword)},
		{"no address at all", "unknown user", login(app, "ann", rightPassword)},
		{"address with a quote", "unknown user", login(app, "' OR 1=1 --@example.com", rightPassword)},
		{"address with NUL", "unknown user", login(app, "ann@example.com\x00", rightPassword)},
		{"very long address", "unknown user", login(app, strings.Repeat("a", 50_000)+"@example.com", rightPassword)},
		{"disabled user", "disabled user", login(app, "disabled@example.com", rightPassword)},
		{"disabled user, wrong password", "disabled user", login(app, "disabled@example.com", "wrong")},
		{"locked user", "locked user", login(app, "locked@example.com", rightPassword)},
		{"locked user, wrong password", "locked user", login(app, "locked@example.com", "wrong")},
		{"unknown partner", "unknown partner", partner("99999")},
		{"partner 0", "unknown partner", partner("0")},
		{"partner that is no number", "unknown partner", partner("acme")},
		{"partner beyond numbers", "unknown partner", partner(strings.Repeat("9", 30))},
		{"another tenant's partner", "client of another partner", partner(fmt.Sprint(other.PartnerID))},
	}
}

func TestWrongPasswordAndUnknownUserLookAlike(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	all := strangers(h)
	want := publicOf(h.refused(all[0].req))
	if want.Code != postern.Unauthenticated || want.Reason != postern.BadGrant || want.Msg == "" {
		t.Fatalf("a wrong password is told %+v", want)
	}
	for i, s := range all {
		s.req.Source = netip.AddrFrom4([4]byte{198, 51, byte(i), 1}) // near locks are another test's
		diff(t, s.name, publicOf(h.refused(s.req)), want)
		ev := h.last(testTenant)
		if ev.Action != postern.ActTokenRefused || ev.Cause != s.cause || ev.ClientID != s.req.ClientID {
			t.Errorf("%s: the trail says %s %q of %s, want %q", s.name, ev.Action, ev.Cause, ev.ClientID, s.cause)
		}
		if text := fmt.Sprint(ev); strings.Contains(text, rightPassword) || strings.Contains(text, "wrong!") {
			t.Errorf("%s: the trail holds the password: %+v", s.name, ev)
		}
	}
}

// Whatever is wrong, one password hash is computed, after waiting for a turn: with a
// dummy that cannot be computed, everyone but the one with a hash of their own fails.
func TestEveryRefusedPersonCostsOnePasswordHash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		all := strangers(h)
		issuer.SetDummy(h.Issuer, "not a hash")
		for i, s := range all {
			s.req.Source = netip.AddrFrom4([4]byte{198, 51, byte(i), 1})
			if e := h.refused(s.req); (e.Code == postern.Internal) == (s.cause == "wrong password") {
				t.Errorf("%s: the dummy was used or not, and it is the other way round: %v", s.name, e)
			}
		}
		release := issuer.TakeTurns(h.Issuer)
		for _, s := range all {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := h.Issue(ctx, s.req)
			cancel()
			if e := postern.AsError(err); e.Code != postern.Unavailable || e.Msg != "the request was given up" {
				t.Errorf("%s: decided without a turn: %v", s.name, err)
			}
		}
		release()
	})
}

func TestRequestsWithoutAnyoneToProveAreRefusedWithoutAHash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.user("ann@example.com")
		app := h.app()
		release := issuer.TakeTurns(h.Issuer)
		defer release()
		start := time.Now()
		for name, req := range map[string]postern.Request{
			"no e-mail":         login(app, "", rightPassword),
			"too long password": login(app, "ann@example.com", strings.Repeat("x", postern.MaxPassword+1)),
		} {
			if e := h.refused(req); e.Reason != postern.BadGrant {
				t.Errorf("%s: %v", name, e)
			}
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("a request that proves nobody waited %v for a hash", waited)
		}
	})
}

func TestTooManyPasswordsAtOnceAreTurnedAwayAndMachinesAreNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c, s := h.client()
		u, app := h.user("ann@example.com"), h.app()
		release := issuer.TakeTurns(h.Issuer)
		start := time.Now()
		_, err := h.Issue(t.Context(), login(app, u.Email, rightPassword))
		if e := postern.AsError(err); e.Code != postern.Unavailable || e.Wait <= 0 || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v, wait %v", time.Since(start), err, e.Wait)
		}
		waiting := make(chan error, 1)
		go func() {
			_, err := h.Issue(t.Context(), login(app, u.Email, rightPassword))
			waiting <- err
		}()
		synctest.Wait()
		start = time.Now()
		h.issue(request("oauth2", c, s))
		if took := time.Since(start); took > 0 {
			t.Errorf("a machine waited %v for people", took)
		}
		release()
		if err := <-waiting; err != nil {
			t.Errorf("once there was a turn: %v", err)
		}
	})
}

func TestLongPasswordsAreTakenWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app := h.app()
	long := strings.Repeat("0123456789abcdef", postern.MaxPassword/16)
	h.user("long@example.com", func(u *postern.User) { u.PasswordHash = cheap(long) })
	h.issue(login(app, "long@example.com", long))
	if e := h.refused(login(app, "long@example.com", long[:len(long)-1])); e.Cause != "wrong password" {
		t.Errorf("a shortened password: %v", e)
	}
	if e := h.refused(login(app, "long@example.com", long+"x")); e.Reason != postern.BadGrant {
		t.Errorf("a longer password: %v", e)
	}
	odd := "pässwörd \u00a0 ﬁ \x00 with 世界 in it"
	h.user("odd@example.com", func(u *postern.User) { u.PasswordHash = cheap(odd) })
	h.issue(login(app, "odd@example.com", odd))
}

func TestPasswordsAreStoredAsArgon2idUnderThePepper(t *testing.T) {
	t.Parallel()
	p, pw := issuer.NewPasswords(testBox), postern.NewSecret(rightPassword)
	stored, err := p.Hash(t.Context(), pw)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") || len(strings.Split(stored, "$")) != 6 {
		t.Errorf("stored as %q", stored)
	}
	if again, _ := p.Hash(t.Context(), pw); again == stored {
		t.Error("two hashes of one password are equal")
	}
	for _, x := range []struct {
		p      *issuer.Passwords
		stored string
		pw     string
		want   bool
	}{
		{p, stored, rightPassword, true},
		{p, stored, "wrong", false},
		{p, stored, "", false},
		{issuer.NewPasswords(boxOf('x')), stored, rightPassword, false},
		{p, cheap(rightPassword), rightPassword, true}, // parameters come from the stored form
		{p, "", "", false},
		{p, "", rightPassword, false},
	} {
		if ok, err := x.p.Check(t.Context(), x.stored, postern.NewSecret(x.pw)); ok != x.want || err != nil {
			t.Errorf("Check(%.20q, %q) = %v, %v, want %v", x.stored, x.pw, ok, err, x.want)
		}
	}
	for _, bad := range []string{"x", "$2a$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=16$m=8,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=99999999,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=8,t=0,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=1,p=0$AAAA$AAAA", "$argon2id$v=19$m=8,t=1,p=1$AAAA$!",
		"$argon2id$v=19$m=8,t=99,p=1$AAAA$AAAA"} {
		if ok, err := p.Check(t.Context(), bad, postern.NewSecret("")); ok || err == nil {
			t.Errorf("Check(%q) = %v, %v, want an error", bad, ok, err)
		}
	}
}

func TestPeopleKeepTheirTokensUntilSomethingEndsThem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app, u := h.app(), h.user("ann@example.com")
	tok := h.issue(login(app, u.Email, rightPassword))
	h.valid(tok)

	h.clock.Add(time.Millisecond)
	h.changeUser(u, func(u *postern.User) { u.PasswordHash, u.NotBefore = cheap("another one, as long"), h.clock.Now() })
	if cause := h.invalid(tok.Value.Reveal()); cause != "user's tokens are revoked" {
		t.Errorf("after a new password the token is refused for %q", cause)
	}
	h.refused(login(app, u.Email, rightPassword))
	tok = h.issue(login(app, u.Email, "another one, as long")) // in the same millisecond
	h.valid(tok)

	h.changeUser(u, func(u *postern.User) { u.Disabled = true })
	if cause := h.invalid(tok.Value.Reveal()); cause != "disabled user" {
		t.Errorf("the token of a disabled user is refused for %q", cause)
	}
	h.changeUser(u, func(u *postern.User) { u.Disabled = false })
	h.valid(tok)
	// A lock is for passwords, not for tokens: a stranger must not end them.
	h.changeUser(u, func(u *postern.User) { u.LockedUntil = h.clock.Now().Add(time.Hour) })
	h.valid(tok)
	h.changeTenant(testTenant, func(t *postern.Tenant) { t.PartnerID = 4711 })
	if cause := h.invalid(tok.Value.Reveal()); cause != "partner" {
		t.Errorf("the token of another partner id is refused for %q", cause)
	}
}

func TestPeopleAreRefusedBeforeAHashWhenTheirNetworkGuesses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *issuer.Config) { c.Limits.FailuresPerSource = 3 })
	app, u := h.app(), h.user("ann@example.com")
	for range 3 {
		h.refused(login(app, "nobody@example.com", "x"))
	}
	before := len(h.events(testTenant))
	for range 5 {
		e := h.refused(login(app, u.Email, rightPassword))
		if e.Code != postern.TooMany || e.Wait < time.Second {
			t.Fatalf("a guessing network is told %v, wait %v", e, e.Wait)
		}
	}
	run := h.events(testTenant)[before:]
	if len(run) != 1 || run[0].Action != postern.ActThrottled {
		t.Errorf("the run of refusals is in the trail as %+v, want one %s", run, postern.ActThrottled)
	}
	away := login(app, u.Email, rightPassword)
	away.Source = netip.MustParseAddr("203.0.113.1")
	h.issue(away)
}
