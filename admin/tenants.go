package admin

import (
	"context"
	"net/http"
	"time"

	"postern.dev/postern"
)

// Tenant is a tenant on the wire.
type Tenant struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	PartnerID   int64  `json:"partner_id,omitempty"`
	Disabled    bool   `json:"disabled"`
	RefuseQuery bool   `json:"refuse_query_credentials"`
	Zone        string `json:"time_zone,omitempty"`
	NotBefore   string `json:"tokens_revoked_until,omitempty"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
}

// TenantOf writes a tenant.
func TenantOf(t postern.Tenant) Tenant {
	return Tenant{t.ID, t.Name, t.PartnerID, t.Disabled, t.RefuseQuery, t.Zone, stamp(t.NotBefore), stamp(t.CreatedAt), stamp(t.UpdatedAt)}
}

func (t Tenant) noun() postern.Tenant {
	return postern.Tenant{ID: t.ID, Name: t.Name, PartnerID: t.PartnerID, Disabled: t.Disabled, RefuseQuery: t.RefuseQuery, Zone: t.Zone,
		NotBefore: moment(t.NotBefore), CreatedAt: moment(t.CreatedAt), UpdatedAt: moment(t.UpdatedAt)}
}

// newTenant is what a tenant is made of.
type newTenant struct {
	ID          string `json:"id"`
	Name        string `json:"name,omitempty"`
	PartnerID   int64  `json:"partner_id,omitempty"`
	RefuseQuery bool   `json:"refuse_query_credentials,omitempty"`
	Zone        string `json:"time_zone,omitempty"`
}

// tenantChange is what can be changed of one; what is absent stays.
type tenantChange struct {
	Name        *string `json:"name,omitempty"`
	PartnerID   *int64  `json:"partner_id,omitempty"`
	RefuseQuery *bool   `json:"refuse_query_credentials,omitempty"`
	Zone        *string `json:"time_zone,omitempty"`
	Disabled    *bool   `json:"disabled,omitempty"`
}

func tenantRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/tenants", query: paged, do: (*call).listTenants},
		{method: http.MethodPost, path: base + "/tenants", key: true, do: (*call).createTenant},
		{method: http.MethodGet, path: base + "/tenants/{tenant}", do: (*call).getTenant},
		{method: http.MethodPatch, path: base + "/tenants/{tenant}", match: true, do: (*call).changeTenant},
		{method: http.MethodPost, path: base + "/tenants/{tenant}/tokens/revoke-all", do: (*call).revokeTenant},
	}
}

func (c *call) listTenants() error {
	p, err := c.paging()
	if err != nil {
		return err
	}
	all, err := c.office.Tenants(c.ctx, p)
	if err != nil {
		return err
	}
	return page(c, all, TenantOf)
}

func (c *call) createTenant() error {
	var w newTenant
	if err := c.read(&w); err != nil {
		return err
	}
	t, err := c.office.CreateTenant(c.ctx, postern.Tenant{ID: w.ID, Name: w.Name, PartnerID: w.PartnerID, RefuseQuery: w.RefuseQuery, Zone: w.Zone}, c.edit)
	if err != nil {
		return err
	}
	return c.made("/tenants/"+t.ID, TenantOf(t), t.UpdatedAt)
}

func (c *call) getTenant() error {
	t, err := c.office.Tenant(c.ctx, c.id("tenant"))
	if err != nil {
		return err
	}
	return c.noun(http.StatusOK, TenantOf(t), t.UpdatedAt)
}

func (c *call) changeTenant() error {
	var w tenantChange
	if err := c.read(&w); err != nil {
		return err
	}
	id := c.id("tenant")
	t, err := c.office.ChangeTenant(c.ctx, id, postern.TenantChange{Name: w.Name, Zone: w.Zone, PartnerID: w.PartnerID, RefuseQuery: w.RefuseQuery, Disabled: w.Disabled}, c.edit)
	if err != nil {
		return c.changed(err, func() (time.Time, error) { t, err := c.office.Tenant(c.ctx, id); return t.UpdatedAt, err })
	}
	return c.noun(http.StatusOK, TenantOf(t), t.UpdatedAt)
}

func (c *call) revokeTenant() error {
	t, err := c.office.RevokeTenant(c.ctx, c.id("tenant"))
	if err != nil {
		return err
	}
	return c.noun(http.StatusOK, TenantOf(t), t.UpdatedAt)
}

// Tenants implements postern.Tenancy.
func (m *Remote) Tenants(ctx context.Context, p postern.Paging) (postern.Page[postern.Tenant], error) {
	return many(ctx, m, ask{path: at("tenants")}, p, Tenant.noun)
}

// Tenant implements postern.Tenancy.
func (m *Remote) Tenant(ctx context.Context, id string) (postern.Tenant, error) {
	w, err := one[Tenant](ctx, m, ask{path: at("tenants", id)})
	return w.noun(), err
}

// CreateTenant implements postern.Tenancy.
func (m *Remote) CreateTenant(ctx context.Context, t postern.Tenant, e postern.Edit) (postern.Tenant, error) {
	w, err := one[Tenant](ctx, m, ask{method: http.MethodPost, path: at("tenants"), edit: e,
		body: newTenant{t.ID, t.Name, t.PartnerID, t.RefuseQuery, t.Zone}})
	return w.noun(), err
}

// ChangeTenant implements postern.Tenancy.
func (m *Remote) ChangeTenant(ctx context.Context, id string, c postern.TenantChange, e postern.Edit) (postern.Tenant, error) {
	w, err := one[Tenant](ctx, m, ask{method: http.MethodPatch, path: at("tenants", id), edit: e,
		body: tenantChange{c.Name, c.PartnerID, c.RefuseQuery, c.Zone, c.Disabled}})
	return w.noun(), err
}

// RevokeTenant implements postern.Tenancy.
func (m *Remote) RevokeTenant(ctx context.Context, id string) (postern.Tenant, error) {
	w, err := one[Tenant](ctx, m, ask{method: http.MethodPost, path: at("tenants", id, "tokens", "revoke-all")})
	return w.noun(), err
}
