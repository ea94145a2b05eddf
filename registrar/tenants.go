package registrar

import (
	"context"
	"strings"
	"time"
	"unicode"

	"postern.dev/postern"
)

func (o *office) Tenants(ctx context.Context, p postern.Paging) (postern.Page[postern.Tenant], error) {
	none := postern.Page[postern.Tenant]{}
	if err := o.may(ReadTenants); err != nil {
		return none, err
	}
	if o.actor.Tenant != "" {
		if p, err := paging(p); err != nil || p.After >= o.actor.Tenant {
			return none, err
		}
		t, err := o.tenant(ctx, o.actor.Tenant)
		return postern.Page[postern.Tenant]{Items: []postern.Tenant{t}}, err
	}
	return onePage(p, func(t postern.Tenant) string { return t.ID }, func(after string, limit int) ([]postern.Tenant, error) {
		return o.store().Tenants(ctx, after, limit)
	})
}

func (o *office) Tenant(ctx context.Context, id string) (postern.Tenant, error) {
	if err := o.may(ReadTenants); err != nil {
		return postern.Tenant{}, err
	}
	return o.tenant(ctx, id)
}

// tenant looks a tenant up that the actor may know of.
func (o *office) tenant(ctx context.Context, id string) (postern.Tenant, error) {
	none := postern.Errorf(postern.NotFound, "there is no tenant %q", postern.Shorten(id, 80))
	if !o.sees(id) { // whether it is there is not looked at
		return postern.Tenant{}, caused(causeForeign, none)
	}
	t, err := o.store().Tenant(ctx, id)
	if postern.CodeOf(err) == postern.NotFound {
		return t, none
	}
	return t, err
}

func (o *office) CreateTenant(ctx context.Context, t postern.Tenant, e postern.Edit) (postern.Tenant, error) {
	if err := o.may(CreateTenant); err != nil {
		return postern.Tenant{}, err
	}
	now := o.r.now()
	t = postern.Tenant{ID: t.ID, Name: t.Name, PartnerID: t.PartnerID, RefuseQuery: t.RefuseQuery, Disabled: t.Disabled, Zone: t.Zone,
		CreatedAt: now, UpdatedAt: now}
	if err := postern.CheckTenantID(t.ID); err != nil {
		return t, err
	}
	if t.Name == "" {
		t.Name = t.ID
	}
	if err := checkTenant(&t); err != nil {
		return t, err
	}
	asked := t
	asked.CreatedAt, asked.UpdatedAt = time.Time{}, time.Time{}
	t, _, err := once(ctx, o, CreateTenant, e, asked, func() (postern.Tenant, postern.Secret, error) {
		err := o.store().CreateTenant(ctx, t, o.event(t.ID, postern.ActTenantCreated, t.ID, ""))
		if postern.CodeOf(err) == postern.Conflict {
			err = postern.Errorf(postern.Conflict, "there is a tenant with the id %q or the partner id %d already", t.ID, t.PartnerID)
		}
		return t, postern.Secret{}, err
	})
	return t, err
}

// checkTenant fails with Invalid for a tenant that cannot be.
func checkTenant(t *postern.Tenant) error {
	if err := checkName(t.Name); err != nil {
		return err
	}
	if t.PartnerID < 0 {
		return invalid("partner_id", "a partner id is a positive number")
	}
	if t.Zone == "" {
		return nil
	}
	if _, err := postern.ParseZone(t.Zone); err != nil {
		e := postern.AsError(err)
		e.Param = "time_zone"
		return e
	}
	return nil
}

// checkName fails with Invalid for what is no name of a tenant or a client.
func checkName(name string) error {
	if name == "" || len(name) > postern.MaxName {
		return invalid("name", "a name has 1 to %d bytes", postern.MaxName)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return invalid("name", "a name is one line, without control characters")
	}
	return nil
}

func (o *office) ChangeTenant(ctx context.Context, id string, c postern.TenantChange, e postern.Edit) (postern.Tenant, error) {
	if err := o.may(ChangeTenant); err != nil {
		return postern.Tenant{}, err
	}
	if c.PartnerID != nil || c.Disabled != nil {
		if err := o.may(PlaceTenant); err != nil {
			return postern.Tenant{}, err
		}
	}
	if _, err := o.tenant(ctx, id); err != nil {
		return postern.Tenant{}, err
	}
	var done words
	done.set("name", c.Name != nil)
	done.set("time zone", c.Zone != nil)
	done.set("partner id", c.PartnerID != nil)
	done.choose(c.RefuseQuery, "query credentials refused", "query credentials accepted")
	done.choose(c.Disabled, "disabled", "enabled")
	if len(done) == 0 {
		return postern.Tenant{}, nothingToChange()
	}
	stale := false // of two Conflicts one is ours
	t, err := o.store().ChangeTenant(ctx, id, o.event(id, postern.ActTenantChanged, id, done.String()), func(t *postern.Tenant) error {
		if err := match(e, t.UpdatedAt); err != nil {
			stale = true
			return err
		}
		set(&t.Name, c.Name)
		set(&t.Zone, c.Zone)
		set(&t.PartnerID, c.PartnerID)
		set(&t.RefuseQuery, c.RefuseQuery)
		set(&t.Disabled, c.Disabled)
		return checkTenant(t)
	})
	if postern.CodeOf(err) == postern.Conflict && c.PartnerID != nil && !stale {
		err = postern.Errorf(postern.Conflict, "another tenant has the partner id %d", *c.PartnerID)
	}
	return t, err
}

func (o *office) RevokeTenant(ctx context.Context, id string) (postern.Tenant, error) {
	if err := o.may(RevokeTenant); err != nil {
		return postern.Tenant{}, err
	}
	if _, err := o.tenant(ctx, id); err != nil {
		return postern.Tenant{}, err
	}
	return o.store().ChangeTenant(ctx, id, o.event(id, postern.ActTenantRevoked, id, "all tokens"), func(t *postern.Tenant) error {
		t.NotBefore = o.r.now()
		return nil
	})
}
