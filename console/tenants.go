package console

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"postern.dev/postern"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// TenantsPage lists the tenants.
type TenantsPage struct {
	Rows []postern.Tenant
	Next string
}

func (TenantsPage) page() head {
	return head{Sheet: "tenants", Title: "Tenants", Section: inTenants, Crumbs: []Crumb{{Title: "Settings"}}}
}

// TenantPage is one tenant, and a form to change it. A new one is New.
type TenantPage struct {
	New                   bool
	ID, Name, Zone        string
	PartnerID             string
	RefuseQuery, Disabled bool
	Version               string
	CreatedAt, Revoked    time.Time
	Faults                []Fault
}

func (p TenantPage) page() head {
	h := head{Sheet: "tenant", Title: p.Name, Section: inTenants, Crumbs: []Crumb{{Title: "Settings"}, {"Tenants", "/console/tenants"}}}
	if p.New {
		h.Title = "New tenant"
	}
	return h
}

func tenantAt(id string) string { return "/console/tenants/" + url.PathEscape(id) }

func tenantsPages() []page {
	return []page{
		{pattern: "GET /console/tenants", do: (*call).tenantsPage},
		{pattern: "GET /console/new-tenant", do: (*call).tenantNewPage},
		{pattern: "POST /console/new-tenant", do: (*call).tenantNew},
		{pattern: "GET /console/tenants/{id}", do: (*call).tenantPage},
		{pattern: "POST /console/tenants/{id}", do: (*call).tenantChange},
		{pattern: "POST /console/tenants/{id}/disable", do: func(c *call) error { return c.tenantDisable(true, "is disabled: nobody of it gets a token.") }},
		{pattern: "POST /console/tenants/{id}/enable", do: func(c *call) error { return c.tenantDisable(false, "works again.") }},
		{pattern: "GET /console/tenants/{id}/revoke", to: managers, do: (*call).tenantRevokePage},
		{pattern: "POST /console/tenants/{id}/revoke", do: (*call).tenantRevoke},
	}
}

func (c *call) tenantsPage() error {
	list, err := c.office.Tenants(c.ctx, postern.Paging{Limit: perPage, After: c.query("after")})
	if err != nil {
		return err
	}
	p := TenantsPage{Rows: list.Items}
	if list.Next != "" {
		p.Next = "/console/tenants?after=" + url.QueryEscape(list.Next)
	}
	return c.show(p)
}

func (c *call) tenantNewPage() error {
	if m := c.may(); !m.Change || !m.Everybody {
		return postern.Errorf(postern.Forbidden, "your role makes no tenants")
	}
	return c.show(TenantPage{New: true})
}

func (c *call) tenantNew() error {
	p := TenantPage{New: true, ID: c.form.text("id")}
	partner, err := c.form.number("partner_id")
	if err == nil {
		err = at("id", postern.CheckTenantID(p.ID))
	}
	var t postern.Tenant
	if err == nil {
		t, err = c.office.CreateTenant(c.ctx, postern.Tenant{ID: p.ID, Name: c.form.text("name"), Zone: c.form.text("zone"), PartnerID: partner}, postern.Edit{})
	}
	if err != nil {
		return c.tenantAgain(p, err)
	}
	return c.done(clientsOf(t.ID), t.ID+" is there. What it needs next are API credentials.")
}

func clientsOf(tenant string) string { return "/console/clients?tenant=" + url.QueryEscape(tenant) }

// tenantAgain shows the form with what was typed and what is wrong with it.
func (c *call) tenantAgain(p TenantPage, err error) error {
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p.Faults, p.Name, p.Zone, p.PartnerID = faults, c.form.text("name"), c.form.text("zone"), c.form.text("partner_id")
	p.RefuseQuery = c.form.ticked("refuse_query")
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) tenantOf() (postern.Tenant, TenantPage, error) {
	t, err := c.office.Tenant(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return t, TenantPage{}, err
	}
	c.tenant = t.ID
	p := TenantPage{ID: t.ID, Name: t.Name, Zone: t.Zone, RefuseQuery: t.RefuseQuery, Disabled: t.Disabled, Version: postern.Version(t.UpdatedAt),
		CreatedAt: t.CreatedAt, Revoked: t.NotBefore}
	if t.PartnerID != 0 {
		p.PartnerID = decimal(t.PartnerID)
	}
	return t, p, nil
}

func (c *call) tenantPage() error {
	_, p, err := c.tenantOf()
	if err != nil {
		return err
	}
	return c.show(p)
}

func (c *call) tenantChange() error {
	t, p, err := c.tenantOf()
	if err != nil {
		return err
	}
	change := postern.TenantChange{Name: new(c.form.text("name")), Zone: new(c.form.text("zone")), RefuseQuery: new(c.form.ticked("refuse_query"))}
	if c.may().Everybody { // the number is of the installation, not of the tenant
		partner, nerr := c.form.number("partner_id")
		if change.PartnerID, err = &partner, nerr; partner == t.PartnerID {
			change.PartnerID = nil
		}
	}
	if err == nil {
		_, err = c.office.ChangeTenant(c.ctx, t.ID, change, postern.Edit{Match: c.form.text("version")})
	}
	if err != nil {
		return c.tenantAgain(p, err)
	}
	return c.done(tenantAt(t.ID), t.ID+" was changed.")
}

func (c *call) tenantDisable(off bool, said string) error {
	t, err := c.office.ChangeTenant(c.ctx, c.r.PathValue("id"), postern.TenantChange{Disabled: &off}, postern.Edit{Match: c.form.text("version")})
	if err != nil {
		return err
	}
	return c.done(tenantAt(t.ID), t.ID+" "+said)
}

func sureOfTenant(t postern.Tenant) SurePage {
	return SurePage{
		Section: inTenants, Crumbs: []Crumb{{Title: "Settings"}, {"Tenants", "/console/tenants"}, {t.ID, tenantAt(t.ID)}}, Title: "Revoke every token of " + t.ID,
		Text:   "Every token of every client and user of this tenant opens nothing from now on. They may ask for new ones at once.",
		Action: tenantAt(t.ID) + "/revoke", Back: tenantAt(t.ID), Button: "Revoke every token", Type: t.ID,
	}
}

func (c *call) tenantRevokePage() error {
	t, _, err := c.tenantOf()
	if err != nil {
		return err
	}
	return c.show(sureOfTenant(t))
}

func (c *call) tenantRevoke() error {
	t, _, err := c.tenantOf()
	if err != nil {
		return err
	}
	if err := c.typed(t.ID); err != nil {
		return c.again(sureOfTenant(t), err)
	}
	if _, err := c.office.RevokeTenant(c.ctx, t.ID); err != nil {
		return err
	}
	return c.done(tenantAt(t.ID), "Every token of "+t.ID+" is revoked.")
}
