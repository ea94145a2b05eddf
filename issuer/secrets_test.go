package issuer_test

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

func TestTwoSecretsOverlapUntilOneExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, first := h.client()
	second := postern.GenerateSecret()
	handover := h.clock.Now().Add(time.Hour)

	// Rotation: a new secret beside the old one, which gets an end.
	h.changeClient(c, func(c *postern.Client) {
		c.Secrets[0].ExpiresAt = handover
		c.Secrets = append([]postern.StoredSecret{h.stored(second, time.Time{})}, c.Secrets...)
	})
	for _, s := range []postern.Secret{first, second} {
		h.issue(request("oauth2", c, s))
	}
	for _, x := range []struct {
		at   time.Time
		live bool
	}{
		{handover.Add(-time.Nanosecond), true},
		{handover, false},
		{handover.Add(time.Nanosecond), false},
		{handover.Add(-time.Millisecond), true}, // it is the time that decides, not the history
	} {
		h.clock.Set(x.at)
		_, err := h.Issue(t.Context(), request("oauth2", c, first))
		if (err == nil) != x.live {
			t.Errorf("%v after the end of the old secret: %v", x.at.Sub(handover), err)
		}
		if err != nil && h.last(testTenant).Cause != "expired secret" {
			t.Errorf("%v after the end: the trail says %q", x.at.Sub(handover), h.last(testTenant).Cause)
		}
		h.issue(request("oauth2", c, second))
	}
	h.clock.Set(handover.Add(24 * time.Hour))
	h.issue(request("oauth2", c, second))

	// Removing one does not touch the other, and tokens outlive their secret.
	tok := h.issue(request("oauth2", c, second))
	third := postern.GenerateSecret()
	h.changeClient(c, func(c *postern.Client) { c.Secrets = []postern.StoredSecret{h.stored(third, time.Time{})} })
	if e := h.refused(request("oauth2", c, second)); e.Cause != "wrong secret" {
		t.Errorf("a removed secret: %v", e)
	}
	h.issue(request("oauth2", c, third))
	h.valid(tok)
}

// The same secret stored twice, once expired, is live.
func TestALiveSecretIsNotHiddenByAnExpiredOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client(func(c *postern.Client) {
		old := c.Secrets[0]
		old.ID, old.ExpiresAt = "old", testTime.Add(-time.Hour)
		c.Secrets = append([]postern.StoredSecret{old}, c.Secrets...)
	})
	h.issue(request("oauth2", c, s))
}

func TestManyExpiredSecretsDoNotHideTheLiveOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client(func(c *postern.Client) {
		for range 10 {
			c.Secrets = append([]postern.StoredSecret{h.stored(postern.GenerateSecret(), testTime)}, c.Secrets...)
		}
	})
	h.issue(request("oauth2", c, s))
	if e := h.refused(request("oauth2", c, postern.GenerateSecret())); e.Cause != "wrong secret" {
		t.Errorf("a wrong secret beside expired ones: %v", e)
	}
}

// A stored secret of a form that this version does not know matches nothing, and
// does no harm.
func TestUnreadableStoredSecretsMatchNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := postern.GenerateSecret()
	good := issuer.NewHasher(testBox).Hash(s)
	for _, stored := range []string{"", "v1:", "v1:AAAA", "v2:" + strings.TrimPrefix(good, "v1:"), "v1:!!!", good + "A",
		strings.TrimPrefix(good, "v1:"), s.Reveal(), strings.ToUpper(good)} {
		c, _ := h.client(func(c *postern.Client) { c.Secrets[0].Hash = stored })
		if e := h.refused(request("oauth2", c, s)); e.Cause != "wrong secret" {
			t.Errorf("stored as %q: %v", stored, e)
		}
	}
}

func TestHashesDependOnTheMasterKeyAndAreNotTheSecret(t *testing.T) {
	t.Parallel()
	s := postern.GenerateSecret()
	one, other := issuer.NewHasher(testBox).Hash(s), issuer.NewHasher(boxOf('x')).Hash(s)
	if one == other {
		t.Error("another master key gives the same hash")
	}
	if one != issuer.NewHasher(testBox).Hash(s) {
		t.Error("the same master key gives another hash")
	}
	if strings.Contains(one, s.Reveal()) || one == issuer.NewHasher(testBox).Hash(postern.GenerateSecret()) {
		t.Error("a hash is not one")
	}
}

func TestDisablingAndEnablingTakesEffectAtTheNextRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	req := request("personio-v2", c, s)
	old := h.issue(req)
	for name, set := range map[string]func(bool){
		"client": func(off bool) { h.changeClient(c, func(c *postern.Client) { c.Disabled = off }) },
		"tenant": func(off bool) { h.changeTenant(testTenant, func(t *postern.Tenant) { t.Disabled = off }) },
	} {
		set(true)
		if e := h.refused(req); e.Cause != "disabled "+name {
			t.Errorf("disabled %s: %v", name, e)
		}
		if cause := h.invalid(old.Value.Reveal()); cause != "disabled "+name {
			t.Errorf("a token of a disabled %s is refused for %q", name, cause)
		}
		set(false)
		now := h.issue(req)
		h.valid(now)
		if now.ID == old.ID {
			t.Errorf("the live token of a disabled %s came back", name)
		}
		old = now
	}
}

func TestADeletedClientIsUnknown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	tokens := map[string]postern.Token{}
	for _, d := range machineDialects {
		tokens[d] = h.issue(request(d, c, s))
	}
	if err := h.db.DeleteClient(t.Context(), c.Tenant, c.ID, at(testTime, postern.ActClientDeleted)); err != nil {
		t.Fatal(err)
	}
	h.settle()
	for _, d := range machineDialects {
		if e := h.refused(request(d, c, s)); e.Cause != "unknown client" {
			t.Errorf("%s: %v", d, e)
		}
		if cause := h.invalid(tokens[d].Value.Reveal()); cause != "client is gone" {
			t.Errorf("%s: the token is refused for %q", d, cause)
		}
	}
}
