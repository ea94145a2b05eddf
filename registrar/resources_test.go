package registrar_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"postern.dev/postern"
)

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
	for _, url := range []string{"", "api", "https://", "https://a.test/#x", "https://a.test/?x=1", "https://user:pw@a.test/", "/x",
		"https://a.test/?", "https://a.test/x y", "https://ä.test", "https://tokens.test", "https://tokens.test/", "HTTPS://Tokens.Test:443/mcp", "https://tokens.test./MCP//"} {
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

// Whoever may make clients of one tenant must not have tokens made out to the API of
// another, which may look at nothing but the audience. Who manages both tenants may.
func TestAnAPIOfAnotherTenantIsNotForTheTakingOfATenant(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.tenant("other")
	const api = "https://api.acme.test/v1"
	must(t, second(d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: api})))
	seq := d.last("other").Seq
	for _, role := range []postern.Role{postern.Owner, postern.Admin} {
		for _, url := range []string{api, api + "/", "HTTPS://API.acme.test/v1"} {
			_, err := d.reg.Office(d.actor(role, "other")).CreateResource(t.Context(), postern.Resource{Tenant: "other", URL: url})
			wantCode(t, err, postern.Forbidden)
			if e := postern.AsError(err); strings.Contains(e.Msg+e.Hint, "tenant acme") || e.Hint == "" {
				t.Errorf("got %q, %q", e.Msg, e.Hint)
			}
		}
	}
	if d.last("other").Seq != seq {
		t.Errorf("a refusal left the record %+v", d.last("other"))
	}
	must(t, second(d.reg.Office(d.actor(postern.Admin, "acme")).CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: api + "/"})))
	must(t, second(d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "other", URL: api})))
	must(t, second(d.reg.Office(d.actor(postern.Admin, "other")).CreateResource(t.Context(), postern.Resource{Tenant: "other", URL: "https://api.other.test"})))
}

func TestOfTenantsThatTakeAnAPIAtOnceOneGetsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var all sync.WaitGroup
	ends := make([]error, 4)
	for i := range ends {
		tenant := d.tenant("t" + strconv.Itoa(i)).ID
		all.Go(func() {
			_, ends[i] = d.reg.Office(d.actor(postern.Owner, tenant)).CreateResource(t.Context(), postern.Resource{Tenant: tenant, URL: "https://api.test"})
		})
	}
	all.Wait()
	if won := slices.DeleteFunc(ends, func(err error) bool { return err != nil }); len(won) != 1 {
		t.Errorf("%d of them have it", len(won))
	}
}

func TestATenantHasABoundedNumberOfResources(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	for i := range 200 {
		must(t, d.db.AddResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://a" + strconv.Itoa(i) + ".test"}, postern.Event{Action: postern.ActResourceAdded}))
	}
	_, err := d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://one.more.test"})
	wantCode(t, err, postern.Conflict)
	must(t, d.owner().DeleteResource(t.Context(), "acme", "https://a7.test"))
	must(t, second(d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://one.more.test"})))
}
