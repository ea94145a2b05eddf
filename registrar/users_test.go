package registrar_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
)

func TestANewUserHasWhatItIsGivenAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	asked := postern.User{ID: "chosen", Tenant: "acme", Email: " Ada@Acme.test", SiteID: 9, PasswordHash: "plain:x", Failures: -100, LockedUntil: day,
		NotBefore: day, CreatedAt: day, UpdatedAt: day}
	got, password, err := d.owner().CreateUser(t.Context(), asked, postern.Secret{}, postern.Edit{})
	must(t, err)
	want := postern.User{Tenant: "acme", Email: "ada@acme.test", Role: "AGENT", SiteID: 9, CreatedAt: d.now(), UpdatedAt: d.now()}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(postern.User{}, "ID", "AgentID")); diff != "" {
		t.Errorf("the user (-want +got):\n%s", diff)
	}
	if len(got.ID) != 36 || len(got.AgentID) != 36 || len(password.Reveal()) != 27 {
		t.Errorf("the ids are %q and %q, the password has %d characters", got.ID, got.AgentID, len(password.Reveal()))
	}
	kept, err := d.db.UserByID(t.Context(), "acme", got.ID)
	must(t, err)
	if kept.PasswordHash != "plain:"+password.Reveal() {
		t.Error("the password that was given is not the one that was kept")
	}
	if ev := d.last("acme"); ev.Action != postern.ActUserCreated || ev.UserID != got.ID || ev.Detail != "ada@acme.test" {
		t.Errorf("got the record %+v", ev)
	}
	_, again, err := d.owner().CreateUser(t.Context(), postern.User{Tenant: "acme", Email: "eve@acme.test", AgentID: "none"}, postern.NewSecret(goodPassword), postern.Edit{})
	must(t, err)
	if !again.Empty() {
		t.Error("a password that was given came back")
	}
	if u, err := d.owner().User(t.Context(), "acme", "EVE@acme.test"); err != nil || u.AgentID != "" {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestUsersThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	u := d.user("acme")
	for _, tt := range []struct {
		user     postern.User
		password string
		code     postern.Code
		msg      string
	}{
		{postern.User{Tenant: "red", Email: "a@acme.test"}, "", postern.NotFound, `there is no tenant "red"`},
		{postern.User{Tenant: "acme", Email: "eve"}, "", postern.Invalid, `"eve" is not an e-mail address`},
		{postern.User{Tenant: "acme", Email: u.Email}, "", postern.Conflict, "tenant acme has a user " + u.Email + " already"},
		{postern.User{Tenant: "acme", Email: "a@acme.test"}, "too-short", postern.Invalid, "the password has 9 characters; at least 15 are needed"},
		{postern.User{Tenant: "acme", Email: "a@acme.test"}, "what acme is made of", postern.Invalid,
			"the password contains a name that belongs to the account, the tenant or the product"},
		{postern.User{Tenant: "acme", Email: "a@acme.test", Role: "a\nb"}, "", postern.Invalid, "a role has 1 to 60 bytes, without control characters"},
		{postern.User{Tenant: "acme", Email: "a@acme.test", SiteID: -1}, "", postern.Invalid, "a site is a positive number"},
	} {
		_, _, err := d.owner().CreateUser(t.Context(), tt.user, postern.NewSecret(tt.password), postern.Edit{})
		if e := postern.AsError(err); e == nil || e.Code != tt.code || e.Msg != tt.msg {
			t.Errorf("%+v: got %v", tt.user, err)
		}
	}
	_, err := d.owner().User(t.Context(), "acme", "nobody@acme.test")
	if postern.Public(err) != "tenant acme has no user nobody@acme.test" {
		t.Errorf("got %v", err)
	}
}

func TestAnotherPasswordUnlocksAndEndsTokens(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	u := d.user("acme")
	_, err := d.db.CountFailure(t.Context(), "acme", u.ID, func(int) time.Time { return d.now().Add(time.Hour) })
	must(t, err)
	got, password, err := d.owner().SetPassword(t.Context(), "acme", u.ID, postern.Secret{})
	must(t, err)
	if got.Failures != 0 || !got.LockedUntil.IsZero() || !got.NotBefore.Equal(d.now()) || password.Empty() {
		t.Errorf("got %+v", got)
	}
	_, err = d.db.CountFailure(t.Context(), "acme", u.ID, func(int) time.Time { return d.now().Add(time.Hour) })
	must(t, err)
	got, err = d.owner().ChangeUser(t.Context(), "acme", u.ID, postern.UserChange{Unlock: at(true), Role: at("LEAD"), AgentID: at("none")}, postern.Edit{})
	must(t, err)
	if got.Failures != 0 || !got.LockedUntil.IsZero() || got.Role != "LEAD" || got.AgentID != "" {
		t.Errorf("got %+v", got)
	}
	if ev := d.last("acme"); ev.Action != postern.ActUserChanged || ev.Detail != "role, agent, unlocked" {
		t.Errorf("got the record %+v", ev)
	}
	_, _, err = d.owner().SetPassword(t.Context(), "acme", u.ID, postern.NewSecret("short"))
	wantCode(t, err, postern.Invalid)
	_, err = d.owner().ChangeUser(t.Context(), "acme", u.ID, postern.UserChange{Role: at("x")}, postern.Edit{Match: "old"})
	wantCode(t, err, postern.Conflict)
	_, err = d.owner().ChangeUser(t.Context(), "acme", u.ID, postern.UserChange{}, postern.Edit{})
	wantCode(t, err, postern.Invalid)
}
