package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"postern.dev/postern"
)

// ResourcesPage lists the APIs that tokens of a tenant may be made out to (RFC 8707), and
// registers another.
type ResourcesPage struct {
	Tenant      string
	Rows        []ResourceRow
	URL, Scopes string // what was typed
	Faults      []Fault
}

// ResourceRow is an API in the list.
type ResourceRow struct {
	URL       string
	Scopes    []string // none is every scope
	CreatedAt time.Time
}

func (p ResourcesPage) page() head {
	return head{Sheet: "resources", Title: "APIs of " + p.Tenant, Section: inTenants, Crumbs: tenantCrumbs(p.Tenant)}
}

func tenantCrumbs(id string) []Crumb {
	return []Crumb{{Title: "Settings"}, {"Tenants", "/console/tenants"}, {id, tenantAt(id)}}
}

func resourcesPages() []page {
	return []page{
		{pattern: "GET /console/tenants/{id}/resources", do: (*call).resourcesPage},
		{pattern: "POST /console/tenants/{id}/resources", do: (*call).resourceNew},
		{pattern: "GET /console/tenants/{id}/resources/drop", to: managers, do: (*call).resourceDropPage},
		{pattern: "POST /console/tenants/{id}/resources/drop", do: (*call).resourceDrop},
	}
}

func (c *call) resourcesPage() error {
	p, err := c.resourcesOf()
	if err != nil {
		return err
	}
	return c.show(p)
}

func (c *call) resourcesOf() (ResourcesPage, error) {
	c.tenant = c.r.PathValue("id")
	p := ResourcesPage{Tenant: c.tenant}
	list, err := c.office.Resources(c.ctx, c.tenant)
	for _, r := range list {
		p.Rows = append(p.Rows, ResourceRow{URL: r.URL, Scopes: r.Scopes, CreatedAt: r.CreatedAt})
	}
	return p, err
}

func (c *call) resourceNew() error {
	r := postern.Resource{Tenant: c.r.PathValue("id"), URL: c.form.text("url"), Scopes: c.form.words("scopes")}
	_, err := c.office.CreateResource(c.ctx, r, postern.Edit{})
	if err == nil {
		return c.done(tenantAt(r.Tenant)+"/resources", "Tokens may be made out to "+r.URL+".")
	}
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p, err := c.resourcesOf()
	if err != nil {
		return err
	}
	p.Faults, p.URL, p.Scopes = faults, c.form.text("url"), c.form.text("scopes")
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func sureOfResource(tenant, at string) SurePage {
	back := tenantAt(tenant) + "/resources"
	return SurePage{
		Section: inTenants, Crumbs: append(tenantCrumbs(tenant), Crumb{"APIs", back}), Title: "Take " + at + " away",
		Text:   "No token is made out to it from now on. Those that are there live on until they end.",
		Action: back + "/drop?url=" + url.QueryEscape(at), Back: back, Button: "Take it away",
	}
}

func (c *call) resourceDropPage() error {
	p, err := c.resourcesOf()
	if err != nil {
		return err
	}
	at := c.query("url")
	if !slices.ContainsFunc(p.Rows, func(r ResourceRow) bool { return r.URL == at }) {
		return postern.Errorf(postern.NotFound, "%q is not registered for tenant %s", postern.Shorten(at, 80), c.tenant)
	}
	return c.show(sureOfResource(c.tenant, at))
}

func (c *call) resourceDrop() error {
	tenant, at := c.r.PathValue("id"), c.query("url")
	if err := c.office.DeleteResource(c.ctx, tenant, at); err != nil {
		return err
	}
	return c.done(tenantAt(tenant)+"/resources", "No token is made out to "+at+" any more.")
}
