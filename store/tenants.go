package store

import (
	"context"
	"time"

	"postern.dev/postern"
)

const tenantColumns = `id, name, partner_id, disabled, refuse_query, not_before, created_at, updated_at, zone`

func scanTenant(r scanner) (t postern.Tenant, err error) {
	var notBefore, created, updated int64
	err = r.Scan(&t.ID, &t.Name, &t.PartnerID, &t.Disabled, &t.RefuseQuery, &notBefore, &created, &updated, &t.Zone)
	t.NotBefore, t.CreatedAt, t.UpdatedAt = fromMillis(notBefore), fromMillis(created), fromMillis(updated)
	return t, err
}

// Tenant gives a tenant by its id, NotFound when there is none.
func (db *DB) Tenant(ctx context.Context, id string) (postern.Tenant, error) {
	t, err := one(ctx, db.read, scanTenant, `SELECT `+tenantColumns+` FROM tenants WHERE id = $1`, id)
	return t, db.fail(err, "tenant", id)
}

// TenantByPartner gives a tenant by its partner id, NotFound when there is none
// and for 0, which means no partner.
func (db *DB) TenantByPartner(ctx context.Context, partnerID int64) (postern.Tenant, error) {
	t, err := one(ctx, db.read, scanTenant,
		`SELECT `+tenantColumns+` FROM tenants WHERE partner_id = $1 AND partner_id <> 0`, partnerID)
	return t, db.fail(err, "tenant with that partner id", "")
}

// Tenants gives at most limit tenants in order of id, after the given one.
func (db *DB) Tenants(ctx context.Context, after string, limit int) ([]postern.Tenant, error) {
	all, err := many(ctx, db.read, scanTenant,
		`SELECT `+tenantColumns+` FROM tenants WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return all, db.fail(err, "tenant", "")
}

// CreateTenant adds a tenant and begins its audit chain with ev. Times that are
// zero become the time of ev. It fails with Conflict when the id or the partner id
// is taken.
func (db *DB) CreateTenant(ctx context.Context, t postern.Tenant, ev postern.Event) error {
	if err := postern.CheckTenantID(t.ID); err != nil {
		return err
	}
	stamp(&ev, &t.CreatedAt, &t.UpdatedAt)
	c := postern.Change{Kind: postern.ChangeTenant, Tenant: t.ID, ID: t.ID}
	err := db.change(ctx, c, ev, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `INSERT INTO tenants (`+tenantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			t.ID, t.Name, t.PartnerID, t.Disabled, t.RefuseQuery, millis(t.NotBefore), millis(t.CreatedAt), millis(t.UpdatedAt), t.Zone)
		return err
	})
	return db.fail(err, "tenant, or its partner id,", t.ID)
}

// ChangeTenant lets fn change a tenant and stores and gives the result. An error
// of fn is given back and nothing is changed. The id and the time of creation stay;
// the time of change becomes that of ev, or is later. A tenant that is disabled, or
// whose NotBefore moves forward, loses its live tokens.
func (db *DB) ChangeTenant(ctx context.Context, id string, ev postern.Event, fn func(*postern.Tenant) error) (postern.Tenant, error) {
	var t postern.Tenant
	c := postern.Change{Kind: postern.ChangeTenant, Tenant: id, ID: id}
	stamp(&ev)
	err := db.change(ctx, c, ev, func(ctx context.Context, tx session) error {
		old, err := one(ctx, tx, scanTenant, // an update, so that the row is locked on both engines
			`UPDATE tenants SET updated_at = updated_at WHERE id = $1 RETURNING `+tenantColumns, id)
		if err != nil {
			return err
		}
		t = old
		if err := fn(&t); err != nil {
			return callerError{err}
		}
		t.ID, t.CreatedAt, t.UpdatedAt = old.ID, old.CreatedAt, later(ev.At, old.UpdatedAt)
		if _, err := tx.exec(ctx, `UPDATE tenants SET name = $2, partner_id = $3, disabled = $4, refuse_query = $5,
			not_before = $6, updated_at = $7, zone = $8 WHERE id = $1`,
			id, t.Name, t.PartnerID, t.Disabled, t.RefuseQuery, millis(t.NotBefore), millis(t.UpdatedAt), t.Zone); err != nil {
			return err
		}
		if t.NotBefore.After(old.NotBefore) || t.Disabled && !old.Disabled {
			_, err = tx.exec(ctx, `DELETE FROM live_tokens WHERE tenant = $1`, id)
		}
		return err
	})
	if err != nil {
		return postern.Tenant{}, db.fail(err, "tenant", id)
	}
	return t, nil
}

// stamp gives the event the time, if it has none, and that time to others that are
// zero.
func stamp(ev *postern.Event, times ...*time.Time) {
	if ev.At.IsZero() {
		ev.At = time.Now()
	}
	for _, t := range times {
		if t.IsZero() {
			*t = ev.At
		}
	}
}

// later gives at, to the millisecond, or the first moment after before: two changes never
// leave the same postern.Version behind.
func later(at, before time.Time) time.Time {
	if at = fromMillis(millis(at)); !at.After(before) {
		return before.Add(time.Millisecond)
	}
	return at
}
