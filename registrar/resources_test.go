package registrar_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

func TestResourcesAreTheTenantsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	r, err := d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://api.acme.test", Scopes: postern.Scopes{"orders:read"}}, postern.Edit{})
	must(t, err)
	_, err = d.owner().CreateResource(t.Context(), r, postern.Edit{})
	if postern.Public(err) != "https://api.acme.test is registered for tenant acme already" {
		t.Errorf("got %v", err)
	}
	for _, url := range []string{"", "api", "https://", "https://a.test/#x", "https://a.test/?x=1", "https://user:pw@a.test/", "/x",
		"https://a.test/?", "https://a.test/x y", "https://ä.test", "https://tokens.test", "https://tokens.test/", "HTTPS://Tokens.Test:443/mcp", "https://tokens.test./MCP//"} {
		_, err := d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: url}, postern.Edit{})
		wantCode(t, err, postern.Invalid)
	}
	_, err = d.owner().CreateResource(t.Context(), postern.Resource{Tenant: postern.SystemTenant, URL: "https://b.test"}, postern.Edit{})
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
	must(t, second(d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: api}, postern.Edit{})))
	seq := d.last("other").Seq
	for _, role := range []postern.Role{postern.Owner, postern.Admin} {
		for _, url := range []string{api, api + "/", "HTTPS://API.acme.test/v1"} {
			_, err := d.reg.Office(d.actor(role, "other")).CreateResource(t.Context(), postern.Resource{Tenant: "other", URL: url}, postern.Edit{})
			wantCode(t, err, postern.Forbidden)
			if e := postern.AsError(err); strings.Contains(e.Msg+e.Hint, "tenant acme") || e.Hint == "" {
				t.Errorf("got %q, %q", e.Msg, e.Hint)
			}
		}
	}
	if d.last("other").Seq != seq {
		t.Errorf("a refusal left the record %+v", d.last("other"))
	}
	must(t, second(d.reg.Office(d.actor(postern.Admin, "acme")).CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: api + "/"}, postern.Edit{})))
	must(t, second(d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "other", URL: api}, postern.Edit{})))
	must(t, second(d.reg.Office(d.actor(postern.Admin, "other")).CreateResource(t.Context(), postern.Resource{Tenant: "other", URL: "https://api.other.test"}, postern.Edit{})))
}

func TestOfTenantsThatTakeAnAPIAtOnceOneGetsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var all sync.WaitGroup
	ends := make([]error, 4)
	for i := range ends {
		tenant := d.tenant("t" + strconv.Itoa(i)).ID
		all.Go(func() {
			_, ends[i] = d.reg.Office(d.actor(postern.Owner, tenant)).CreateResource(t.Context(), postern.Resource{Tenant: tenant, URL: "https://api.test"}, postern.Edit{})
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
	_, err := d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://one.more.test"}, postern.Edit{})
	wantCode(t, err, postern.Conflict)
	must(t, d.owner().DeleteResource(t.Context(), "acme", "https://a7.test"))
	must(t, second(d.owner().CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://one.more.test"}, postern.Edit{})))
}

func TestAResourceIsRegisteredOnceWithOneKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	r, e := postern.Resource{Tenant: "acme", URL: "https://api.test", Scopes: postern.Scopes{"a"}}, postern.Edit{Key: "k"}
	first, err := d.owner().CreateResource(t.Context(), r, e)
	must(t, err)
	seq := d.last("acme").Seq
	d.pause(time.Minute)
	again, err := d.owner().CreateResource(t.Context(), r, e)
	must(t, err)
	if diff := cmp.Diff(first, again); diff != "" || d.last("acme").Seq != seq {
		t.Errorf("asked again (-first +again):\n%s", diff)
	}
	r.Scopes = postern.Scopes{"b"}
	wantCode(t, second(d.owner().CreateResource(t.Context(), r, e)), postern.Conflict)
}
