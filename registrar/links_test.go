package registrar_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/registrar"
)

func (d *desk) firstLink() postern.Secret {
	d.t.Helper()
	code, err := d.reg.FirstLink(d.t.Context())
	must(d.t, err)
	return code
}

func TestTheFirstLinkMakesTheOwnerOfTheInstallationOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	code := d.firstLink()
	op, err := d.reg.Invited(t.Context(), code)
	must(t, err)
	if op.Email != "" || op.Role != postern.Owner {
		t.Errorf("got %+v, want an owner without an address", op)
	}
	who := postern.Operator{ID: "chosen", Email: " Ada@Acme.test", Name: "Ada", Role: postern.Auditor, Tenant: "acme", Disabled: true, PasswordHash: "x"}
	cookie, got, err := d.reg.Accept(t.Context(), code, who, postern.NewSecret(goodPassword), home)
	must(t, err)
	if got.ID == "chosen" || got.Email != "ada@acme.test" || got.Name != "Ada" || got.Role != postern.Owner || got.Tenant != "" || got.Disabled {
		t.Errorf("got %+v", got)
	}
	if _, _, err := d.reg.SignedIn(t.Context(), cookie, home); err != nil {
		t.Error(err)
	}
	_, err = d.reg.Invited(t.Context(), code)
	wantCode(t, err, postern.NotFound)
	_, _, err = d.reg.Accept(t.Context(), code, who, postern.NewSecret(goodPassword), home)
	wantCode(t, err, postern.NotFound)
	if again := d.firstLink(); !again.Empty() {
		t.Error("there is an operator, and another first link was made")
	}
}

// A first link that somebody kept is worth nothing once there is an operator.
func TestAFirstLinkFromBeforeMakesNoSecondOwner(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first, second := d.firstLink(), d.firstLink()
	_, _, err := d.reg.Accept(t.Context(), second, postern.Operator{Email: "a@a.test"}, postern.NewSecret(goodPassword), home)
	must(t, err)
	_, _, err = d.reg.Accept(t.Context(), first, postern.Operator{Email: "b@b.test"}, postern.NewSecret(goodPassword), home)
	if code := postern.CodeOf(err); code != postern.NotFound && code != postern.Conflict {
		t.Errorf("got %v", err)
	}
	if all, err := d.db.Operators(t.Context(), "", 10); err != nil || len(all) != 1 {
		t.Errorf("got %d operators, %v", len(all), err)
	}
}

func TestLinksRunOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.firstLink()
	d.pause(registrar.FirstLinkLife)
	_, err := d.reg.Invited(t.Context(), first)
	wantCode(t, err, postern.NotFound)
	_, code, err := d.owner().CreateOperator(t.Context(), postern.Operator{Email: "a@a.test", Role: postern.Admin}, postern.Edit{})
	must(t, err)
	d.pause(registrar.LinkLife - time.Second)
	_, err = d.reg.Invited(t.Context(), code)
	must(t, err)
	d.pause(time.Second)
	_, err = d.reg.Invited(t.Context(), code)
	wantCode(t, err, postern.NotFound)
	_, _, err = d.reg.Accept(t.Context(), code, postern.Operator{}, postern.NewSecret(goodPassword), home)
	wantCode(t, err, postern.NotFound)
}

func TestALinkIsGoodOnceHoweverManyComeAtOnce(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]func(*desk) postern.Secret{
		"of the first": (*desk).firstLink,
		"of another": func(d *desk) postern.Secret {
			_, code, err := d.owner().CreateOperator(d.t.Context(), postern.Operator{Email: "a@a.test", Role: postern.Admin}, postern.Edit{})
			must(d.t, err)
			return code
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			code := link(d)
			var won atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, _, err := d.reg.Accept(t.Context(), code, postern.Operator{Email: d.fresh("a") + "@a.test"}, postern.NewSecret(goodPassword), home); err == nil {
						won.Add(1)
					}
				})
			}
			wg.Wait()
			all, err := d.db.Operators(t.Context(), "", 10)
			must(t, err)
			if won.Load() != 1 || len(all) != 1 {
				t.Errorf("%d were let in, and there are %d operators; want one", won.Load(), len(all))
			}
		})
	}
}

func TestAWeakPasswordLeavesTheLinkAsItIs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, code, err := d.owner().CreateOperator(t.Context(), postern.Operator{Email: "ada.lovelace@a.test", Name: "Countess Ada", Role: postern.Admin}, postern.Edit{})
	must(t, err)
	for _, weak := range []string{"", "short", "postern postern postern 1", "ada.lovelace is my name", "the countess of numbers"} {
		_, _, err := d.reg.Accept(t.Context(), code, postern.Operator{}, postern.NewSecret(weak), home)
		wantCode(t, err, postern.Invalid)
		if postern.AsError(err).Param != "password" {
			t.Errorf("%q: the error is about %q", weak, postern.AsError(err).Param)
		}
	}
	_, got, err := d.reg.Accept(t.Context(), code, postern.Operator{Email: "other@a.test", Role: postern.Owner}, postern.NewSecret(goodPassword), home)
	must(t, err)
	if got.ID != op.ID || got.Email != op.Email || got.Role != postern.Admin {
		t.Errorf("got %+v, want what the link was made for", got)
	}
}

func TestTheLinkOfADisabledOrDeletedOperatorLeadsNowhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	off, code, err := d.owner().CreateOperator(t.Context(), postern.Operator{Email: "a@a.test", Role: postern.Admin}, postern.Edit{})
	must(t, err)
	must(t, second(d.owner().ChangeOperator(t.Context(), off.ID, postern.OperatorChange{Disabled: at(true)}, postern.Edit{})))
	_, _, err = d.reg.Accept(t.Context(), code, postern.Operator{}, postern.NewSecret(goodPassword), home)
	wantCode(t, err, postern.NotFound)
	must(t, d.owner().DeleteOperator(t.Context(), off.ID, postern.Edit{}))
	_, err = d.reg.Invited(t.Context(), code)
	wantCode(t, err, postern.NotFound)
}
