package registrar_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
)

func TestANewOperatorHasWhatItIsGivenAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	asked := postern.Operator{ID: "chosen", Email: " Ada@Acme.test", Name: "Ada", Role: postern.Admin, Tenant: "acme", PasswordHash: "plain:x", TOTP: "x",
		TOTPStep: 9, Disabled: true, Failures: -100, Locked: day, SeenAt: day, CreatedAt: day, UpdatedAt: day}
	got, code, err := d.owner().CreateOperator(t.Context(), asked, postern.Edit{})
	must(t, err)
	want := postern.Operator{Email: "ada@acme.test", Name: "Ada", Role: postern.Admin, Tenant: "acme", CreatedAt: d.now(), UpdatedAt: d.now()}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(postern.Operator{}, "ID")); diff != "" {
		t.Errorf("the operator (-want +got):\n%s", diff)
	}
	if got.ID == "chosen" || len(code.Reveal()) != 43 {
		t.Errorf("the id is %q, the code has %d characters", got.ID, len(code.Reveal()))
	}
	if ev := d.last("acme"); ev.Action != postern.ActOperatorCreated || ev.Object != got.ID || ev.Detail != "ada@acme.test, admin" {
		t.Errorf("got the record %+v", ev)
	}
}

func TestOperatorsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Owner, "")
	for _, tt := range []struct {
		op   postern.Operator
		code postern.Code
	}{
		{postern.Operator{Email: "eve", Role: postern.Admin}, postern.Invalid},
		{postern.Operator{Email: "a@a.test", Role: "root"}, postern.Invalid},
		{postern.Operator{Email: "a@a.test"}, postern.Invalid},
		{postern.Operator{Email: "a@a.test", Role: postern.Admin, Name: "a\nb"}, postern.Invalid},
		{postern.Operator{Email: "a@a.test", Role: postern.Admin, Tenant: "red"}, postern.NotFound},
		{postern.Operator{Email: op.Email, Role: postern.Admin}, postern.Conflict},
	} {
		_, _, err := d.owner().CreateOperator(t.Context(), tt.op, postern.Edit{})
		if postern.CodeOf(err) != tt.code {
			t.Errorf("%+v: got %v, want %s", tt.op, err, tt.code)
		}
	}
	_, err := d.owner().ChangeOperator(t.Context(), op.ID, postern.OperatorChange{Role: at(postern.Role("root"))}, postern.Edit{})
	wantCode(t, err, postern.Invalid)
	_, err = d.owner().ChangeOperator(t.Context(), op.ID, postern.OperatorChange{Name: at("x")}, postern.Edit{Match: "old"})
	wantCode(t, err, postern.Conflict)
	_, err = d.owner().ChangeOperator(t.Context(), op.ID, postern.OperatorChange{Unlock: at(false)}, postern.Edit{})
	wantCode(t, err, postern.Invalid)
	wantCode(t, d.owner().DeleteOperator(t.Context(), op.ID, postern.Edit{Match: "old"}), postern.Conflict)
}

// There is always somebody who can do everything.
func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	last, _ := d.operator(postern.Owner, "")
	d.operator(postern.Owner, "acme")
	d.operator(postern.Admin, "")
	off, _ := d.operator(postern.Owner, "")
	must(t, second(d.owner().ChangeOperator(t.Context(), off.ID, postern.OperatorChange{Disabled: at(true)}, postern.Edit{})))
	_, err := d.owner().ChangeOperator(t.Context(), last.ID, postern.OperatorChange{Disabled: at(true)}, postern.Edit{})
	wantCode(t, err, postern.Conflict)
	_, err = d.owner().ChangeOperator(t.Context(), last.ID, postern.OperatorChange{Role: at(postern.Admin)}, postern.Edit{})
	wantCode(t, err, postern.Conflict)
	wantCode(t, d.owner().DeleteOperator(t.Context(), last.ID, postern.Edit{}), postern.Conflict)
	if all, err := d.db.Sessions(t.Context(), last.ID); err != nil || len(all) != 1 {
		t.Errorf("after a refusal %d sessions are left, %v", len(all), err)
	}
}

func TestOwnersWhoDemoteEachOtherLeaveOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var ids []string
	for range 4 {
		op, _ := d.operator(postern.Owner, "")
		ids = append(ids, op.ID)
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			_, _ = d.owner().ChangeOperator(t.Context(), id, postern.OperatorChange{Role: at(postern.Auditor)}, postern.Edit{})
		})
	}
	wg.Wait()
	owners := 0
	for _, id := range ids {
		op, err := d.db.Operator(t.Context(), id)
		must(t, err)
		if op.Role == postern.Owner {
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d owners are left, want 1", owners)
	}
}

func TestATenantsOwnerHasOperatorsOfTheTenantAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	whole, _ := d.operator(postern.Owner, "")
	own, _ := d.operator(postern.Admin, "acme")
	o := d.reg.Office(d.actor(postern.Owner, "acme"))
	page, err := o.Operators(t.Context(), postern.Paging{})
	must(t, err)
	if len(page.Items) != 1 || page.Items[0].ID != own.ID {
		t.Errorf("got %+v", page.Items)
	}
	wantCode(t, o.DeleteOperator(t.Context(), whole.ID, postern.Edit{}), postern.NotFound)
	_, err = o.Sessions(t.Context(), whole.ID)
	wantCode(t, err, postern.NotFound)
	op, _, err := o.CreateOperator(t.Context(), postern.Operator{Email: "new@acme.test", Role: postern.Owner}, postern.Edit{})
	must(t, err)
	if op.Tenant != "acme" {
		t.Errorf("the operator is of %q", op.Tenant)
	}
}
