package store

import (
	"context"

	"postern.dev/postern"
)

const selectClient = `SELECT ` + clientColumns + ` FROM clients WHERE `

// Client gives a client by its id, NotFound when there is none. The id alone is
// globally unique: a token endpoint learns the tenant from it.
func (db *DB) Client(ctx context.Context, id string) (postern.Client, error) {
	c, err := one(ctx, db.read, scanClient, selectClient+`id = $1`, id)
	return c, db.fail(err, "client", id)
}

// ClientBySubject gives a client by its subject, which is globally unique for the
// same reason: tokens carry it instead of the id. It fails with NotFound.
func (db *DB) ClientBySubject(ctx context.Context, subject string) (postern.Client, error) {
	c, err := one(ctx, db.read, scanClient, selectClient+`subject = $1`, subject)
	return c, db.fail(err, "client with that subject", "")
}

// Clients gives at most limit clients of a tenant in order of id, after the given
// one.
func (db *DB) Clients(ctx context.Context, tenant, after string, limit int) ([]postern.Client, error) {
	all, err := many(ctx, db.read, scanClient, selectClient+`tenant = $1 AND id > $2 ORDER BY id LIMIT $3`,
		tenant, after, limit)
	return all, db.fail(err, "client", "")
}

// CreateClient adds a client. Times that are zero become the time of ev. It fails
// with Conflict when the id or the subject is taken, and with NotFound when there
// is no such tenant.
func (db *DB) CreateClient(ctx context.Context, c postern.Client, ev postern.Event) error {
	stamp(&ev, &c.CreatedAt, &c.UpdatedAt)
	args, err := clientArgs(nil, &c)
	if err != nil {
		return db.fail(err, "client", c.ID)
	}
	err = db.change(ctx, clientChange(c.Tenant, c.ID), ev, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, insertClients(db.name, 1), args...)
		return err
	})
	return db.fail(err, "client", c.ID)
}

func clientChange(tenant, id string) postern.Change {
	return postern.Change{Kind: postern.ChangeClient, Tenant: tenant, ID: id}
}

// ChangeClient lets fn change a client of a tenant and stores and gives the result.
// An error of fn is given back and nothing is changed. Id, tenant, subject and the
// time of creation stay; the time of change becomes that of ev, or is later. A client
// that is disabled, or whose NotBefore moves forward, loses its live tokens.
func (db *DB) ChangeClient(ctx context.Context, tenant, id string, ev postern.Event, fn func(*postern.Client) error) (postern.Client, error) {
	var c postern.Client
	stamp(&ev)
	err := db.change(ctx, clientChange(tenant, id), ev, func(ctx context.Context, tx session) error {
		old, err := one(ctx, tx, scanClient, // an update, so that the row is locked on both engines
			`UPDATE clients SET updated_at = updated_at WHERE tenant = $1 AND id = $2 RETURNING `+clientColumns, tenant, id)
		if err != nil {
			return err
		}
		c = old
		if err := fn(&c); err != nil {
			return callerError{err}
		}
		c.ID, c.Tenant, c.Subject = old.ID, old.Tenant, old.Subject
		c.CreatedAt, c.UpdatedAt = old.CreatedAt, later(ev.At, old.UpdatedAt)
		args, err := clientArgs(nil, &c)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE clients SET subject = $3, name = $4, public = $5, grants = $6, scopes = $7,
			dialects = $8, tenants = $9, token_life = $10, alg = $11, ranges = $12, secrets = $13, disabled = $14,
			not_before = $15, created_at = $16, updated_at = $17, attributes = $18, search = $19, secrets_end = $20
			WHERE tenant = $1 AND id = $2`, args...); err != nil {
			return err
		}
		if c.NotBefore.After(old.NotBefore) || c.Disabled && !old.Disabled {
			return dropLiveTokens(ctx, tx, tenant, id)
		}
		return nil
	})
	if err != nil {
		return postern.Client{}, db.fail(err, "client", id)
	}
	return c, nil
}

// DeleteClient forgets a client and its live tokens. It fails with NotFound, and with
// what a check fails with, which sees the client as it is then: it stays.
func (db *DB) DeleteClient(ctx context.Context, tenant, id string, ev postern.Event, checks ...func(*postern.Client) error) error {
	err := db.change(ctx, clientChange(tenant, id), ev, func(ctx context.Context, tx session) error {
		old, err := one(ctx, tx, scanClient, `DELETE FROM clients WHERE tenant = $1 AND id = $2 RETURNING `+clientColumns, tenant, id)
		if err != nil {
			return err
		}
		for _, check := range checks {
			if err := check(&old); err != nil {
				return callerError{err}
			}
		}
		return dropLiveTokens(ctx, tx, tenant, id)
	})
	return db.fail(err, "client", id)
}
