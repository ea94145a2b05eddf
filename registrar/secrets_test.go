package registrar_test

import (
	"testing"
	"time"

	"postern.dev/postern"
)

// live gives when each secret that works ends, newest first; 0 is never.
func (d *desk) live(id string) (ends []time.Duration) {
	d.t.Helper()
	c, err := d.db.Client(d.t.Context(), id)
	must(d.t, err)
	for _, s := range c.LiveSecrets(d.now()) {
		end := time.Duration(0)
		if !s.ExpiresAt.IsZero() {
			end = s.ExpiresAt.Sub(d.now())
		}
		ends = append(ends, end)
	}
	return ends
}

func TestTheOldSecretWorksOnForTheOverlap(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c := d.client("acme")
	for _, tt := range []struct {
		overlap, life time.Duration
		want          []time.Duration
	}{
		{time.Hour, 0, []time.Duration{0, time.Hour}},
		{2 * time.Hour, 48 * time.Hour, []time.Duration{48 * time.Hour, 2 * time.Hour}}, // of three the oldest ended
		{96 * time.Hour, 0, []time.Duration{0, 48 * time.Hour}},                         // no longer than it would have
		{0, time.Hour, []time.Duration{time.Hour}},
	} {
		_, secret, err := d.owner().RotateSecret(t.Context(), c.ID, tt.overlap, tt.life, postern.Edit{})
		must(t, err)
		got := d.live(c.ID)
		if len(got) != len(tt.want) || got[0] != tt.want[0] || got[len(got)-1] != tt.want[len(tt.want)-1] {
			t.Errorf("overlap %v, life %v: got %v, want %v", tt.overlap, tt.life, got, tt.want)
		}
		kept, err := d.db.Client(t.Context(), c.ID)
		must(t, err)
		if kept.Secrets[0].Hash != d.hash.Hash(secret) {
			t.Error("the newest secret is not the one that was given")
		}
	}
	if ev := d.last("acme"); ev.Action != postern.ActSecretAdded || ev.Detail != "the old one works for another 0s" {
		t.Errorf("got the record %+v", ev)
	}
}

func TestTheOnlySecretThatWorksIsNotEnded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c := d.client("acme")
	_, err := d.owner().EndSecret(t.Context(), c.ID, c.Secrets[0].ID, postern.Edit{})
	wantCode(t, err, postern.Conflict)
	c, _, err = d.owner().RotateSecret(t.Context(), c.ID, time.Hour, 0, postern.Edit{})
	must(t, err)
	_, err = d.owner().EndSecret(t.Context(), c.ID, "another", postern.Edit{})
	wantCode(t, err, postern.NotFound)
	c, err = d.owner().EndSecret(t.Context(), c.ID, c.Secrets[1].ID, postern.Edit{})
	must(t, err)
	if got := d.live(c.ID); len(got) != 1 {
		t.Errorf("%d secrets work, want 1", len(got))
	}
	if ev := d.last("acme"); ev.Action != postern.ActSecretEnded || ev.ClientID != c.ID {
		t.Errorf("got the record %+v", ev)
	}
}

func TestAPublicClientHasNoSecretToRotate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c, _, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Public: true}, time.Hour, postern.Edit{})
	must(t, err)
	_, _, err = d.owner().RotateSecret(t.Context(), c.ID, time.Hour, 0, postern.Edit{})
	wantCode(t, err, postern.Invalid)
	for _, span := range [][2]time.Duration{{-1, 0}, {0, -1}} {
		_, _, err = d.owner().RotateSecret(t.Context(), d.client("acme").ID, span[0], span[1], postern.Edit{})
		wantCode(t, err, postern.Invalid)
	}
}

func TestRevokingEndsEveryTokenUntilNow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tenant := d.tenant("acme")
	c := d.client("acme")
	d.pause(1500 * time.Microsecond)
	c, err := d.owner().RevokeClient(t.Context(), c.ID)
	must(t, err)
	tenant, err = d.owner().RevokeTenant(t.Context(), tenant.ID)
	must(t, err)
	want := d.now().Truncate(time.Millisecond)
	if !c.NotBefore.Equal(want) || !tenant.NotBefore.Equal(want) {
		t.Errorf("got %v and %v, want %v", c.NotBefore, tenant.NotBefore, want)
	}
	if ev := d.last("acme"); ev.Action != postern.ActTenantRevoked {
		t.Errorf("got the record %+v", ev)
	}
}
