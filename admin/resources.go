package admin

import (
	"context"
	"net/http"

	"postern.dev/postern"
)

// Resource is an API that tokens may be made out to, on the wire.
type Resource struct {
	URL       string   `json:"url"`
	Tenant    string   `json:"tenant"`
	Scopes    []string `json:"scopes"`
	CreatedAt string   `json:"created_at"`
}

// ResourceOf writes a resource.
func ResourceOf(r postern.Resource) Resource {
	return Resource{r.URL, r.Tenant, list(r.Scopes), stamp(r.CreatedAt)}
}

func (r Resource) noun() postern.Resource {
	return postern.Resource{URL: r.URL, Tenant: r.Tenant, Scopes: scopes(r.Scopes), CreatedAt: moment(r.CreatedAt)}
}

// newResource is what a resource is made of.
type newResource struct {
	URL    string   `json:"url"`
	Scopes []string `json:"scopes,omitempty"`
}

func resourceRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/tenants/{tenant}/resources", do: (*call).listResources},
		{method: http.MethodPost, path: base + "/tenants/{tenant}/resources", key: true, do: (*call).createResource},
		{method: http.MethodDelete, path: base + "/tenants/{tenant}/resources", query: []string{"url"}, do: (*call).deleteResource},
		{method: http.MethodGet, path: base + "/scopes", query: []string{"tenant"}, do: (*call).listScopes},
	}
}

func (c *call) listResources() error {
	all, err := c.office.Resources(c.ctx, c.id("tenant"))
	if err != nil {
		return err
	}
	return whole(c, all, ResourceOf)
}

func (c *call) createResource() error {
	var w newResource
	if err := c.read(&w); err != nil {
		return err
	}
	s, err := scopesIn(w.Scopes)
	if err != nil {
		return err
	}
	r, err := c.office.CreateResource(c.ctx, postern.Resource{URL: w.URL, Tenant: c.id("tenant"), Scopes: s}, c.edit)
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, ResourceOf(r))
}

func (c *call) deleteResource() error {
	url := c.query.Get("url")
	if url == "" {
		return badParam("url", "the parameter url is missing").Because(postern.MissingParameter)
	}
	if err := c.office.DeleteResource(c.ctx, c.id("tenant"), url); err != nil {
		return err
	}
	return c.empty()
}

// listScopes gives the scopes that are known, without a tenant those of every tenant.
func (c *call) listScopes() error {
	s, err := c.office.Scopes(c.ctx, c.query.Get("tenant"))
	if err != nil {
		return err
	}
	return whole(c, s, func(s string) string { return s })
}

// Resources implements postern.Resources.
func (m *Remote) Resources(ctx context.Context, tenant string) ([]postern.Resource, error) {
	return all(ctx, m, ask{path: at("tenants", tenant, "resources")}, Resource.noun)
}

// CreateResource implements postern.Resources.
func (m *Remote) CreateResource(ctx context.Context, r postern.Resource, e postern.Edit) (postern.Resource, error) {
	w, err := one[Resource](ctx, m, ask{method: http.MethodPost, path: at("tenants", r.Tenant, "resources"), edit: e, body: newResource{r.URL, r.Scopes}})
	return w.noun(), err
}

// DeleteResource implements postern.Resources.
func (m *Remote) DeleteResource(ctx context.Context, tenant, url string) error {
	a := ask{method: http.MethodDelete, path: at("tenants", tenant, "resources")}
	a.set("url", url)
	return m.do(ctx, a, nil)
}

// Scopes implements postern.Resources.
func (m *Remote) Scopes(ctx context.Context, tenant string) (postern.Scopes, error) {
	a := ask{path: at("scopes")}
	a.set("tenant", tenant)
	s, err := all(ctx, m, a, func(s string) string { return s })
	return scopes(s), err
}
