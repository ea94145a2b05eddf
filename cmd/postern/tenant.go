package main

import (
	"context"
	"strconv"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type tenantCmd struct {
	Create  tenantCreateCmd  `cmd:"" help:"Make a tenant."`
	List    tenantListCmd    `cmd:"" help:"List the tenants."`
	Show    tenantShowCmd    `cmd:"" help:"Show one tenant."`
	Update  tenantUpdateCmd  `cmd:"" help:"Change a tenant's name, partner id, time zone or switches."`
	Disable tenantDisableCmd `cmd:"" help:"Refuse everything of a tenant, its live tokens too."`
	Enable  tenantEnableCmd  `cmd:"" help:"Take a tenant back."`
	Revoke  tenantRevokeCmd  `cmd:"" name:"revoke-tokens" help:"End every token of a tenant."`
}

func (a *app) showTenant(t postern.Tenant, json bool) error {
	if json {
		return a.printJSON(admin.TenantOf(t))
	}
	partner := ""
	if t.PartnerID != 0 {
		partner = strconv.FormatInt(t.PartnerID, 10)
	}
	return a.pairs("Tenant", t.ID, "Name", t.Name, "Partner id", partner, "State", yesNo(t.Disabled, "disabled", "active"),
		"Query credentials", yesNo(t.RefuseQuery, "refused", "accepted"), "Time zone", orDefault(t.Zone, "UTC"), "Tokens revoked until", stamp(t.NotBefore),
		"Created", stamp(t.CreatedAt), "Changed", stamp(t.UpdatedAt))
}

type tenantCreateCmd struct {
	ID          string `arg:"" help:"Its id: 1 to 63 of a-z, 0-9 and '-'. It is the value of X-Tenant-Id and cannot change."`
	Name        string `help:"A name for people; the id if not given." placeholder:"N"`
	PartnerID   int64  `name:"partner-id" help:"Its number where a provider names tenants by number." placeholder:"N"`
	RefuseQuery bool   `name:"refuse-query" help:"Refuse credentials in a query string with 403."`
	TimeZone    string `name:"time-zone" help:"Where its clocks hang, such as Europe/Berlin; UTC if not given." placeholder:"ZONE"`
	asJSON
}

func (tenantCreateCmd) Help() string {
	return "Example:\n  postern tenant create acme --name 'Acme GmbH' --partner-id 10000 --time-zone Europe/Berlin"
}

func (c *tenantCreateCmd) Run(ctx context.Context, a *app) error {
	if err := postern.CheckTenantID(c.ID); err != nil {
		return err
	}
	if c.PartnerID < 0 {
		return errMisused{postern.Errorf(postern.Invalid, "a partner id is a positive number")}
	}
	if err := checkZone(c.TimeZone); err != nil {
		return err
	}
	o, err := a.openOffice(ctx, true)
	if err != nil {
		return err
	}
	defer o.close()
	t, err := o.CreateTenant(ctx, postern.Tenant{ID: c.ID, Name: c.Name, PartnerID: c.PartnerID, RefuseQuery: c.RefuseQuery, Zone: c.TimeZone}, postern.Edit{})
	if err != nil {
		return hinted(err, postern.Conflict, "`postern tenant list` shows them")
	}
	return a.showTenant(t, c.JSON)
}

// checkZone fails for a time zone that does not exist; none is UTC.
func checkZone(name string) error {
	if name == "" {
		return nil
	}
	_, err := postern.ParseZone(name)
	return err
}

type tenantListCmd struct{ asJSON }

func (tenantListCmd) Help() string { return "Example:\n  postern tenant list" }

func (c *tenantListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	views, rows := []admin.Tenant{}, [][]string{}
	err = everyPage(func(p postern.Paging) (postern.Page[postern.Tenant], error) { return o.Tenants(ctx, p) }, func(t postern.Tenant) {
		views = append(views, admin.TenantOf(t))
		rows = append(rows, []string{t.ID, t.Name, strconv.FormatInt(t.PartnerID, 10), yesNo(t.Disabled, "disabled", "active")})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("ID|NAME|PARTNER|STATE", rows)
}

type tenantShowCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantShowCmd) Help() string { return "Example:\n  postern tenant show demo --json" }

func (c *tenantShowCmd) Run(ctx context.Context, a *app) error {
	return a.withTenant(ctx, c.JSON, func(o *clerk) (postern.Tenant, error) { return o.Tenant(ctx, c.ID) })
}

// withTenant shows the tenant that something was done with.
func (a *app) withTenant(ctx context.Context, json bool, do func(*clerk) (postern.Tenant, error)) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	t, err := do(o)
	if err != nil {
		return noTenant(err)
	}
	return a.showTenant(t, json)
}

type tenantUpdateCmd struct {
	ID          string  `arg:"" help:"The tenant."`
	Name        *string `help:"A name for people." placeholder:"N"`
	PartnerID   *int64  `name:"partner-id" help:"Its number; 0 takes it away." placeholder:"N"`
	RefuseQuery *bool   `name:"refuse-query" negatable:"" help:"Refuse credentials in a query string with 403."`
	TimeZone    *string `name:"time-zone" help:"Where its clocks hang, such as Europe/Berlin." placeholder:"ZONE"`
	asJSON
}

func (tenantUpdateCmd) Help() string {
	return "Example:\n  postern tenant update acme --refuse-query\n  postern tenant update acme --no-refuse-query"
}

func (c *tenantUpdateCmd) Run(ctx context.Context, a *app) error {
	if c.Name == nil && c.PartnerID == nil && c.RefuseQuery == nil && c.TimeZone == nil {
		return errMisused{postern.Errorf(postern.Invalid, "there is nothing to change").WithHint("try `postern tenant update --help`")}
	}
	if c.PartnerID != nil && *c.PartnerID < 0 {
		return errMisused{postern.Errorf(postern.Invalid, "a partner id is a positive number")}
	}
	return a.withTenant(ctx, c.JSON, func(o *clerk) (postern.Tenant, error) {
		t, err := o.ChangeTenant(ctx, c.ID, postern.TenantChange{Name: c.Name, Zone: c.TimeZone, PartnerID: c.PartnerID, RefuseQuery: c.RefuseQuery}, postern.Edit{})
		return t, hinted(err, postern.Conflict, "`postern tenant list` shows them")
	})
}

type tenantDisableCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantDisableCmd) Help() string { return "Example:\n  postern tenant disable acme" }

func (c *tenantDisableCmd) Run(ctx context.Context, a *app) error {
	return a.switchTenant(ctx, c.ID, true, c.JSON)
}

// switchTenant disables a tenant or takes one back.
func (a *app) switchTenant(ctx context.Context, id string, disabled, json bool) error {
	return a.withTenant(ctx, json, func(o *clerk) (postern.Tenant, error) {
		return o.ChangeTenant(ctx, id, postern.TenantChange{Disabled: &disabled}, postern.Edit{})
	})
}

type tenantEnableCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantEnableCmd) Help() string { return "Example:\n  postern tenant enable acme" }

func (c *tenantEnableCmd) Run(ctx context.Context, a *app) error {
	return a.switchTenant(ctx, c.ID, false, c.JSON)
}

type tenantRevokeCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantRevokeCmd) Help() string { return "Example:\n  postern tenant revoke-tokens acme" }

func (c *tenantRevokeCmd) Run(ctx context.Context, a *app) error {
	return a.withTenant(ctx, c.JSON, func(o *clerk) (postern.Tenant, error) { return o.RevokeTenant(ctx, c.ID) })
}
