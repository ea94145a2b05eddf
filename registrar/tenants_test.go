package registrar_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

func TestANewTenantHasWhatItIsGivenAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	got, err := d.owner().CreateTenant(t.Context(), postern.Tenant{ID: "acme", PartnerID: 7, RefuseQuery: true, Zone: "Europe/Berlin",
		NotBefore: day, CreatedAt: day, UpdatedAt: day}, postern.Edit{})
	must(t, err)
	want := postern.Tenant{ID: "acme", Name: "acme", PartnerID: 7, RefuseQuery: true, Zone: "Europe/Berlin", CreatedAt: d.now(), UpdatedAt: d.now()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tenant (-want +got):\n%s", diff)
	}
	kept, err := d.owner().Tenant(t.Context(), "acme")
	must(t, err)
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("what was kept (-want +got):\n%s", diff)
	}
	if ev := d.last("acme"); ev.Action != postern.ActTenantCreated || ev.Actor != "operator:owner-" || ev.Object != "acme" {
		t.Errorf("got the record %+v", ev)
	}
}

func TestTenantsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	_, err := d.owner().CreateTenant(t.Context(), postern.Tenant{ID: "seven", PartnerID: 7}, postern.Edit{})
	must(t, err)
	for _, tt := range []struct {
		tenant postern.Tenant
		code   postern.Code
		msg    string
	}{
		{postern.Tenant{ID: "Acme"}, postern.Invalid, `"Acme" cannot be a tenant id`},
		{postern.Tenant{ID: "-"}, postern.Invalid, `"-" cannot be a tenant id`},
		{postern.Tenant{ID: "acme"}, postern.Conflict, `there is a tenant with the id "acme" or the partner id 0 already`},
		{postern.Tenant{ID: "b", PartnerID: 7}, postern.Conflict, `there is a tenant with the id "b" or the partner id 7 already`},
		{postern.Tenant{ID: "b", PartnerID: -1}, postern.Invalid, "a partner id is a positive number"},
		{postern.Tenant{ID: "b", Zone: "Berlin"}, postern.Invalid, `there is no time zone "Berlin"`},
		{postern.Tenant{ID: "b", Name: "a\x1b[31m"}, postern.Invalid, "a name is one line, without control characters"},
	} {
		_, err := d.owner().CreateTenant(t.Context(), tt.tenant, postern.Edit{})
		if e := postern.AsError(err); e == nil || e.Code != tt.code || e.Msg != tt.msg {
			t.Errorf("%+v: got %v", tt.tenant, err)
		}
	}
	_, err = d.owner().ChangeTenant(t.Context(), "acme", postern.TenantChange{PartnerID: at(int64(7))}, postern.Edit{})
	if e := postern.AsError(err); e == nil || e.Code != postern.Conflict || e.Msg != "another tenant has the partner id 7" {
		t.Errorf("got %v", err)
	}
	_, err = d.owner().ChangeTenant(t.Context(), "acme", postern.TenantChange{PartnerID: at(int64(8))}, postern.Edit{Match: "old"})
	if e := postern.AsError(err); e == nil || e.Code != postern.Conflict || e.Msg != "it was changed meanwhile" {
		t.Errorf("got %v", err)
	}
	_, err = d.owner().ChangeTenant(t.Context(), "acme", postern.TenantChange{Name: at("")}, postern.Edit{})
	wantCode(t, err, postern.Invalid)
	_, err = d.owner().ChangeTenant(t.Context(), "acme", postern.TenantChange{}, postern.Edit{})
	wantCode(t, err, postern.Invalid)
}

func TestPagesOfTenantsFollowEachOther(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, id := range []string{"c", "a", "b", "e", "d"} {
		d.tenant(id)
	}
	var got []string
	for after, pages := "", 0; ; pages++ {
		page, err := d.owner().Tenants(t.Context(), postern.Paging{Limit: 2, After: after})
		must(t, err)
		for _, v := range page.Items {
			got = append(got, v.ID)
		}
		if after = page.Next; after == "" || pages > 5 {
			break
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, got); diff != "" {
		t.Errorf("the tenants (-want +got):\n%s", diff)
	}
	for _, p := range []postern.Paging{{Limit: -1}, {Limit: postern.MaxPage + 1}, {Offset: 1}} {
		_, err := d.owner().Tenants(t.Context(), p)
		wantCode(t, err, postern.Invalid)
		_, err = d.reg.Office(d.actor(postern.Admin, "a")).Tenants(t.Context(), p)
		wantCode(t, err, postern.Invalid)
	}
	own := d.reg.Office(d.actor(postern.Admin, "c"))
	page, err := own.Tenants(t.Context(), postern.Paging{After: "b"})
	must(t, err)
	if len(page.Items) != 1 || page.Items[0].ID != "c" || page.Next != "" {
		t.Errorf("got %+v", page)
	}
	if page, err := own.Tenants(t.Context(), postern.Paging{After: "c"}); err != nil || len(page.Items) != 0 {
		t.Errorf("after its own: %+v, %v", page, err)
	}
}
