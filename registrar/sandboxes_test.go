package registrar_test

import (
	"testing"
	"time"

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

func TestKeysShowNothingThatIsSealed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k, err := d.owner().RotateKey(t.Context(), postern.HS256, -1)
	must(t, err)
	// One that waits for years would keep the schedule from making another.
	_, err = d.owner().RotateKey(t.Context(), postern.ES256, 90*24*time.Hour+1)
	wantCode(t, err, postern.Invalid)
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
