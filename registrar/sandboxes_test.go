package registrar_test

import (
	"testing"

	"postern.dev/postern"
)

func TestASandboxChangesAndSaysWhatChanged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	s := postern.Sandbox{Tenant: "acme", Switches: map[string]string{"missing-right": "live"}, Log: true, Faults: []postern.Fault{{Kind: "500", Rate: 0.5}}}
	must(t, d.owner().SetSandbox(t.Context(), s))
	if ev := d.last("acme"); ev.Action != postern.ActSandbox || ev.Detail != "missing-right=live, log=on, faults: 1" {
		t.Errorf("got the record %+v", ev)
	}
	must(t, d.owner().SetSandbox(t.Context(), postern.Sandbox{Tenant: "acme"}))
	if ev := d.last("acme"); ev.Detail != "missing-right as by default, log=off, faults: 0" {
		t.Errorf("got the record %+v", ev)
	}
	for _, bad := range []postern.Sandbox{
		{Tenant: "acme", Switches: map[string]string{"no": "yes"}},
		{Tenant: "acme", Faults: []postern.Fault{{Kind: "600", Rate: 1}}},
		{Tenant: "acme", Faults: []postern.Fault{{Kind: "500", Rate: 2}}},
	} {
		wantCode(t, d.owner().SetSandbox(t.Context(), bad), postern.Invalid)
	}
	wantCode(t, d.owner().SetSandbox(t.Context(), postern.Sandbox{Tenant: "red"}), postern.NotFound)
	for _, limit := range []int{-1, 1001} {
		_, err := d.owner().Visits(t.Context(), postern.VisitQuery{Tenant: "acme", Limit: limit})
		wantCode(t, err, postern.Invalid)
	}
}

func TestResettingForgetsOneTenant(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	n, err := d.owner().ResetTenant(t.Context(), "acme")
	must(t, err)
	if n != 7 || d.resets.Load() != 1 {
		t.Errorf("got %d persons after %d resets", n, d.resets.Load())
	}
	_, err = d.owner().ResetTenant(t.Context(), "red")
	wantCode(t, err, postern.NotFound)
}

func TestResourcesAreTheTenantsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	r, err := d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://api.acme.test", Scopes: postern.Scopes{"orders:read"}})
	must(t, err)
	_, err = d.owner().CreateResource(t.Context(), r)
	if postern.Public(err) != "https://api.acme.test is registered for tenant acme already" {
		t.Errorf("got %v", err)
	}
	for _, url := range []string{"", "api", "https://", "https://a.test/#x", "https://a.test/?x=1", "https://user:pw@a.test/", "/x"} {
		_, err := d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: url})
		wantCode(t, err, postern.Invalid)
	}
	_, err = d.owner().CreateResource(t.Context(), postern.Resource{Tenant: postern.SystemTenant, URL: "https://b.test"})
	wantCode(t, err, postern.NotFound)
	for who, want := range map[postern.Actor][2]bool{
		d.actor(postern.Owner, ""): {true, true}, d.actor(postern.Owner, "acme"): {true, false}, d.actor(postern.Admin, ""): {false, false},
	} {
		scopes, err := d.reg.Office(who).Scopes(t.Context(), "acme")
		must(t, err)
		if !scopes.Has("orders:read") || !scopes.Has("idp_api") || scopes.Has("postern:admin:tenant") != want[0] || scopes.Has("postern:admin") != want[1] {
			t.Errorf("%s: got %v", who.Name, scopes)
		}
	}
	wantCode(t, d.owner().DeleteResource(t.Context(), "red", r.URL), postern.NotFound)
	must(t, d.owner().DeleteResource(t.Context(), "acme", r.URL))
	wantCode(t, d.owner().DeleteResource(t.Context(), "acme", r.URL), postern.NotFound)
}

func TestKeysShowNothingThatIsSealed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k, err := d.owner().RotateKey(t.Context(), postern.HS256, -1)
	must(t, err)
	_, err = d.owner().RotateKey(t.Context(), "none", -1)
	wantCode(t, err, postern.Invalid)
	all, err := d.owner().Keys(t.Context())
	must(t, err)
	for _, v := range append(all, k) {
		if v.Sealed != "" || v.State == "" {
			t.Errorf("got %+v", v)
		}
	}
	if ev := d.last(postern.SystemTenant); ev.Action != postern.ActKeyCreated || ev.Actor != "operator:owner-" || ev.RequestID != "req-1" {
		t.Errorf("got the record %+v", ev)
	}
	must(t, d.owner().RetireKey(t.Context(), k.ID))
}
