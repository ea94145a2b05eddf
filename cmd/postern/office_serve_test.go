package main

import (
	"testing"
	"time"

	"postern.dev/postern"
)

// What a server gives its operator API: a pace by the configuration, and the knowledge of
// which addresses are its own.
func TestAServersOfficeIsPacedAndKnowsItsOwnAddresses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ok(t, "tenant", "create", "acme")
	a := &app{env: d.env, cli: &cli{}}
	p, err := a.openPlace(t.Context(), map[string]string{"listen": "127.0.0.1:0"}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	h, err := p.build(t.Context(), newLog(d.err, "json", "error"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	defer func() { _ = h.server.Close() }()
	now := time.Now()
	for factor, most := range map[int]int{0: 600, 1: 600, 2: 1200, -1: 2000} {
		p.cfg.Limits.RequestsPerClient = factor
		pace := h.adminConfig().Pace
		n := 0
		for n < 2000 && pace("client:c", now) == 0 {
			n++
		}
		if n != most {
			t.Errorf("with requests_per_client %d: %d calls at once, want %d", factor, n, most)
		}
	}
	office := h.registrar.Office(p.commander())
	for _, own := range []string{h.url, h.url + "/mcp", h.url + "/admin/v1"} {
		if _, err := office.CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: own}, postern.Edit{}); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s is registered: %v", own, err)
		}
	}
}
