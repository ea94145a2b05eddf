package main

import (
	"context"
	"strconv"
	"time"

	"postern.dev/postern"
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

// maxName is the longest name of a tenant or a client, in bytes.
const maxName = 200

// tenantView is a tenant as printed.
type tenantView struct {
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

func viewTenant(t postern.Tenant) tenantView {
	return tenantView{t.ID, t.Name, t.PartnerID, t.Disabled, t.RefuseQuery, t.Zone, stamp(t.NotBefore), stamp(t.CreatedAt), stamp(t.UpdatedAt)}
}

func (a *app) showTenant(t postern.Tenant, json bool) error {
	v := viewTenant(t)
	if json {
		return a.printJSON(v)
	}
	partner := ""
	if v.PartnerID != 0 {
		partner = strconv.FormatInt(v.PartnerID, 10)
	}
	return a.pairs("Tenant", v.ID, "Name", v.Name, "Partner id", partner, "State", yesNo(v.Disabled, "disabled", "active"),
		"Query credentials", yesNo(v.RefuseQuery, "refused", "accepted"), "Time zone", orDefault(v.Zone, "UTC"), "Tokens revoked until", v.NotBefore,
		"Created", v.CreatedAt, "Changed", v.UpdatedAt)
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
	p, err := a.openPlace(ctx, nil, true)
	if err != nil {
		return err
	}
	defer p.close()
	name := c.Name
	if name == "" {
		name = c.ID
	}
	if len(name) > maxName {
		return postern.Errorf(postern.Invalid, "a name has 1 to %d bytes", maxName)
	}
	now := p.now()
	t := postern.Tenant{ID: c.ID, Name: name, PartnerID: c.PartnerID, RefuseQuery: c.RefuseQuery, Zone: c.TimeZone, CreatedAt: now, UpdatedAt: now}
	if err := p.db.CreateTenant(ctx, t, p.event(t.ID, postern.ActTenantCreated, t.ID, "")); err != nil {
		if postern.CodeOf(err) == postern.Conflict {
			return postern.Errorf(postern.Conflict, "there is a tenant with the id %q or the partner id %d already", c.ID, c.PartnerID).
				WithHint("`postern tenant list` shows them")
		}
		return err
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
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	views, rows := []tenantView{}, [][]string{}
	err = pages(func(after string) (int, string, error) {
		page, err := p.db.Tenants(ctx, after, pageSize)
		for _, t := range page {
			views = append(views, viewTenant(t))
			rows = append(rows, []string{t.ID, t.Name, strconv.FormatInt(t.PartnerID, 10), yesNo(t.Disabled, "disabled", "active")})
			after = t.ID
		}
		return len(page), after, err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("ID|NAME|PARTNER|STATE", rows)
}

// pageSize is how many rows are read at once.
const pageSize = 500

// pages calls next until a page is not full.
func pages(next func(after string) (n int, last string, err error)) error {
	after := ""
	for {
		n, last, err := next(after)
		if err != nil || n < pageSize {
			return err
		}
		after = last
	}
}

type tenantShowCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantShowCmd) Help() string { return "Example:\n  postern tenant show demo --json" }

func (c *tenantShowCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	t, err := p.tenant(ctx, c.ID)
	if err != nil {
		return err
	}
	return a.showTenant(t, c.JSON)
}

// tenant looks a tenant up for a command.
func (p *place) tenant(ctx context.Context, id string) (postern.Tenant, error) {
	t, err := p.db.Tenant(ctx, id)
	if postern.CodeOf(err) == postern.NotFound {
		return t, postern.Errorf(postern.NotFound, "there is no tenant %q", postern.Shorten(id, 80)).
			WithHint("`postern tenant list` shows them, `postern tenant create` makes one")
	}
	return t, err
}

// changeTenant is what every change of a tenant does.
func (a *app) changeTenant(ctx context.Context, id, action, detail string, json bool, change func(*postern.Tenant) error) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.tenant(ctx, id); err != nil {
		return err
	}
	t, err := p.db.ChangeTenant(ctx, id, p.event(id, action, id, detail), change)
	if err != nil {
		return err
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
	if c.Name != nil && (*c.Name == "" || len(*c.Name) > maxName) {
		return postern.Errorf(postern.Invalid, "a name has 1 to %d bytes", maxName)
	}
	if c.TimeZone != nil {
		if err := checkZone(*c.TimeZone); err != nil {
			return err
		}
	}
	err := a.changeTenant(ctx, c.ID, postern.ActTenantChanged, "settings", c.JSON, func(t *postern.Tenant) error {
		if c.Name != nil {
			t.Name = *c.Name
		}
		if c.PartnerID != nil {
			t.PartnerID = *c.PartnerID
		}
		if c.RefuseQuery != nil {
			t.RefuseQuery = *c.RefuseQuery
		}
		if c.TimeZone != nil {
			t.Zone = *c.TimeZone
		}
		return nil
	})
	if postern.CodeOf(err) == postern.Conflict && c.PartnerID != nil { // the only thing that can clash
		return postern.Errorf(postern.Conflict, "another tenant has the partner id %d", *c.PartnerID).
			WithHint("`postern tenant list` shows them")
	}
	return err
}

type tenantDisableCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantDisableCmd) Help() string { return "Example:\n  postern tenant disable acme" }

func (c *tenantDisableCmd) Run(ctx context.Context, a *app) error {
	return a.changeTenant(ctx, c.ID, postern.ActTenantChanged, "disabled", c.JSON,
		func(t *postern.Tenant) error { t.Disabled = true; return nil })
}

type tenantEnableCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantEnableCmd) Help() string { return "Example:\n  postern tenant enable acme" }

func (c *tenantEnableCmd) Run(ctx context.Context, a *app) error {
	return a.changeTenant(ctx, c.ID, postern.ActTenantChanged, "enabled", c.JSON,
		func(t *postern.Tenant) error { t.Disabled = false; return nil })
}

type tenantRevokeCmd struct {
	ID string `arg:"" help:"The tenant."`
	asJSON
}

func (tenantRevokeCmd) Help() string { return "Example:\n  postern tenant revoke-tokens acme" }

func (c *tenantRevokeCmd) Run(ctx context.Context, a *app) error {
	return a.changeTenant(ctx, c.ID, postern.ActTenantRevoked, "all tokens", c.JSON,
		func(t *postern.Tenant) error { t.NotBefore = cutOffNow(a.now()); return nil })
}

// cutOffNow is now to the millisecond, which is what token ids count in.
func cutOffNow(now time.Time) time.Time { return now.Truncate(time.Millisecond) }
