package registrar_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
)

func TestTheSameKeyAndRequestGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := postern.Edit{Key: "k1"}
	for range 2 {
		tenant, err := d.owner().CreateTenant(t.Context(), postern.Tenant{ID: "acme"}, postern.Edit{Key: "tenant"})
		must(t, err)
		if tenant.ID != "acme" {
			t.Errorf("got %+v", tenant)
		}
		d.pause(time.Minute)
	}
	asked := postern.Client{Tenant: "acme", Name: "c", Scopes: postern.Scopes{"orders:read"}}
	c, secret, err := d.owner().CreateClient(t.Context(), asked, time.Hour, e)
	must(t, err)
	d.pause(time.Minute)
	again, same, err := d.owner().CreateClient(t.Context(), asked, time.Hour, e)
	must(t, err)
	if diff := cmp.Diff(c, again, cmpopts.EquateEmpty()); diff != "" || same.Reveal() != secret.Reveal() {
		t.Errorf("the second answer (-first +second), the same secret %t:\n%s", same.Reveal() == secret.Reveal(), diff)
	}
	rotate := postern.Edit{Key: "k2"}
	c, secret, err = d.owner().RotateSecret(t.Context(), c.ID, time.Hour, 0, rotate)
	must(t, err)
	again, same, err = d.owner().RotateSecret(t.Context(), c.ID, time.Hour, 0, rotate)
	must(t, err)
	if len(again.Secrets) != len(c.Secrets) || same.Reveal() != secret.Reveal() {
		t.Error("the second rotation gave another answer")
	}
	u := postern.User{Tenant: "acme", Email: "a@acme.test"}
	_, password, err := d.owner().CreateUser(t.Context(), u, postern.Secret{}, postern.Edit{Key: "k3"})
	must(t, err)
	_, same, err = d.owner().CreateUser(t.Context(), u, postern.Secret{}, postern.Edit{Key: "k3"})
	must(t, err)
	if same.Reveal() != password.Reveal() {
		t.Error("the second user has another password")
	}
	op := postern.Operator{Email: "a@ops.test", Role: postern.Admin}
	_, code, err := d.owner().CreateOperator(t.Context(), op, postern.Edit{Key: "k4"})
	must(t, err)
	_, same, err = d.owner().CreateOperator(t.Context(), op, postern.Edit{Key: "k4"})
	must(t, err)
	if same.Reveal() != code.Reveal() {
		t.Error("the second link is another one")
	}
	page, err := d.db.Clients(t.Context(), "acme", "", 10)
	must(t, err)
	if len(page) != 1 {
		t.Errorf("there are %d clients, want 1", len(page))
	}
}

func TestTheSameKeyForSomethingElseIsAConflict(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	e, asked := postern.Edit{Key: "k1"}, postern.Client{Tenant: "acme", Name: "c"}
	c, _, err := d.owner().CreateClient(t.Context(), asked, 0, e)
	must(t, err)
	other := asked
	other.Name = "another"
	_, _, err = d.owner().CreateClient(t.Context(), other, 0, e)
	wantCode(t, err, postern.Conflict)
	_, _, err = d.owner().CreateClient(t.Context(), asked, time.Hour, e)
	wantCode(t, err, postern.Conflict)
	_, _, err = d.owner().RotateSecret(t.Context(), c.ID, 0, 0, e)
	wantCode(t, err, postern.Conflict)
	_, _, err = d.owner().CreateClient(t.Context(), asked, 0, postern.Edit{Key: strings.Repeat("k", 256)})
	wantCode(t, err, postern.Invalid)
	// Somebody else's key is another one, and a day later so is one's own.
	theirs, secret, err := d.reg.Office(d.actor(postern.Admin, "")).CreateClient(t.Context(), other, 0, e)
	must(t, err)
	if theirs.ID == c.ID || secret.Empty() {
		t.Error("another actor got the answer")
	}
	d.pause(24*time.Hour + time.Second)
	fresh, _, err := d.owner().CreateClient(t.Context(), other, 0, e)
	must(t, err)
	if fresh.ID == c.ID {
		t.Error("after a day it is still the answer from then")
	}
}

func TestAKeyWhoseRequestFailedMayBeUsedAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	e, asked := postern.Edit{Key: "k1"}, postern.User{Tenant: "acme", Email: "a@acme.test"}
	taken, _, err := d.owner().CreateUser(t.Context(), asked, postern.Secret{}, postern.Edit{})
	must(t, err)
	_, _, err = d.owner().CreateUser(t.Context(), asked, postern.Secret{}, e)
	wantCode(t, err, postern.Conflict)
	asked.Email = "b@acme.test"
	u, _, err := d.owner().CreateUser(t.Context(), asked, postern.Secret{}, e)
	must(t, err)
	if u.ID == taken.ID {
		t.Error("got somebody else")
	}
}

func TestTwoAtOnceWithOneKeyMakeOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	var wg sync.WaitGroup
	var mu sync.Mutex
	secrets := map[string]bool{}
	for range 8 {
		wg.Go(func() {
			_, secret, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c"}, 0, postern.Edit{Key: "k"})
			if code := postern.CodeOf(err); code != "" && code != postern.Conflict && code != postern.Unavailable {
				t.Errorf("got %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				secrets[secret.Reveal()] = true
			}
		})
	}
	wg.Wait()
	all, err := d.db.Clients(t.Context(), "acme", "", 10)
	must(t, err)
	if len(all) != 1 || len(secrets) != 1 {
		t.Errorf("%d clients and %d secrets were made, want one", len(all), len(secrets))
	}
}

// Neither the secret of an answer nor a password that was sent is in the database.
func TestWhatIsKeptOfAKeyTellsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	_, secret, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c"}, 0, postern.Edit{Key: "k"})
	must(t, err)
	_, _, err = d.owner().CreateUser(t.Context(), postern.User{Tenant: "acme", Email: "a@acme.test"}, postern.NewSecret(goodPassword), postern.Edit{Key: "k2"})
	must(t, err)
	d.pass.compared()
	for _, file := range d.files() {
		for what, canary := range map[string]string{"the secret": secret.Reveal(), "the master key's answer": `"Secret":`} {
			if strings.Contains(file, canary) {
				t.Errorf("%s is in the database", what)
			}
		}
	}
}
