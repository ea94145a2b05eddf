package store

import (
	"context"
	"time"

	"postern.dev/postern"
)

const userColumns = `tenant, id, email, role, agent_id, site_id, disabled, password_hash, failures, locked_until,
	not_before, created_at, updated_at`

func scanUser(r scanner) (u postern.User, err error) {
	var locked, notBefore, created, updated int64
	err = r.Scan(&u.Tenant, &u.ID, &u.Email, &u.Role, &u.AgentID, &u.SiteID, &u.Disabled, &u.PasswordHash, &u.Failures,
		&locked, &notBefore, &created, &updated)
	u.LockedUntil, u.NotBefore = fromMillis(locked), fromMillis(notBefore)
	u.CreatedAt, u.UpdatedAt = fromMillis(created), fromMillis(updated)
	return u, err
}

func userArgs(u *postern.User) []any {
	return []any{u.Tenant, u.ID, u.Email, u.Role, u.AgentID, u.SiteID, u.Disabled, u.PasswordHash, int64(u.Failures),
		millis(u.LockedUntil), millis(u.NotBefore), millis(u.CreatedAt), millis(u.UpdatedAt)}
}

func userChange(tenant, id string) postern.Change {
	return postern.Change{Kind: postern.ChangeUser, Tenant: tenant, ID: id}
}

// User gives a user by any spelling of its address, NotFound when there is none.
func (db *DB) User(ctx context.Context, tenant, email string) (postern.User, error) {
	u, err := one(ctx, db.read, scanUser, `SELECT `+userColumns+` FROM users WHERE tenant = $1 AND email = $2`,
		tenant, postern.CanonicalEmail(email))
	return u, db.fail(err, "user", email)
}

// UserByID gives a user by its id, NotFound when there is none.
func (db *DB) UserByID(ctx context.Context, tenant, id string) (postern.User, error) {
	u, err := one(ctx, db.read, scanUser, `SELECT `+userColumns+` FROM users WHERE tenant = $1 AND id = $2`, tenant, id)
	return u, db.fail(err, "user", id)
}

// Users gives at most limit users of a tenant in order of id, after the given one.
func (db *DB) Users(ctx context.Context, tenant, after string, limit int) ([]postern.User, error) {
	all, err := many(ctx, db.read, scanUser,
		`SELECT `+userColumns+` FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3`, tenant, after, limit)
	return all, db.fail(err, "user", "")
}

// CreateUser adds a user under the canonical form of its address. Times that are
// zero become the time of ev. It fails with Conflict when the id or the address is
// taken in the tenant, and with NotFound when there is no such tenant.
func (db *DB) CreateUser(ctx context.Context, u postern.User, ev postern.Event) error {
	u.Email = postern.CanonicalEmail(u.Email)
	stamp(&ev, &u.CreatedAt, &u.UpdatedAt)
	err := db.change(ctx, userChange(u.Tenant, u.ID), ev, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `INSERT INTO users (`+userColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, userArgs(&u)...)
		return err
	})
	return db.fail(err, "user", u.Email)
}

// ChangeUser lets fn change a user of a tenant and stores and gives the result. An
// error of fn is given back and nothing is changed. Id, tenant and the time of
// creation stay; the time of change becomes that of ev, or is later.
func (db *DB) ChangeUser(ctx context.Context, tenant, id string, ev postern.Event, fn func(*postern.User) error) (postern.User, error) {
	var u postern.User
	stamp(&ev)
	err := db.change(ctx, userChange(tenant, id), ev, func(ctx context.Context, tx session) error {
		old, err := one(ctx, tx, scanUser, // an update, so that the row is locked on both engines
			`UPDATE users SET updated_at = updated_at WHERE tenant = $1 AND id = $2 RETURNING `+userColumns, tenant, id)
		if err != nil {
			return err
		}
		u = old
		if err := fn(&u); err != nil {
			return callerError{err}
		}
		u.ID, u.Tenant, u.Email = old.ID, old.Tenant, postern.CanonicalEmail(u.Email)
		u.CreatedAt, u.UpdatedAt = old.CreatedAt, later(ev.At, old.UpdatedAt)
		_, err = tx.exec(ctx, `UPDATE users SET email = $3, role = $4, agent_id = $5, site_id = $6, disabled = $7,
			password_hash = $8, failures = $9, locked_until = $10, not_before = $11, created_at = $12, updated_at = $13
			WHERE tenant = $1 AND id = $2`, userArgs(&u)...)
		return err
	})
	if err != nil {
		return postern.User{}, db.fail(err, "user", id)
	}
	return u, nil
}

// CountFailure adds one wrong password to a user, however many arrive at once, and
// locks the account until the time that until gives for the new count, if that is
// later than the present lock. It gives the user as it is then, or NotFound. The
// caller records what it means.
func (db *DB) CountFailure(ctx context.Context, tenant, userID string, until func(failures int) time.Time) (postern.User, error) {
	var u postern.User
	err := db.engine.write(ctx, func(ctx context.Context, tx session) (err error) {
		u, err = one(ctx, tx, scanUser,
			`UPDATE users SET failures = failures + 1 WHERE tenant = $1 AND id = $2 RETURNING `+userColumns, tenant, userID)
		if err != nil {
			return err
		}
		lock := fromMillis(millis(until(u.Failures)))
		if !lock.After(u.LockedUntil) {
			return nil
		}
		u.LockedUntil = lock
		if _, err := tx.exec(ctx, `UPDATE users SET locked_until = $3 WHERE tenant = $1 AND id = $2`,
			tenant, userID, millis(lock)); err != nil {
			return err
		}
		return db.note(ctx, tx, userChange(tenant, userID))
	})
	if err != nil {
		return postern.User{}, db.fail(err, "user", userID)
	}
	return u, nil
}

// ClearFailures forgets the wrong passwords of a user and unlocks it. It fails with
// NotFound.
func (db *DB) ClearFailures(ctx context.Context, tenant, userID string) error {
	u, err := db.UserByID(ctx, tenant, userID)
	if err != nil || u.Failures == 0 && u.LockedUntil.IsZero() {
		return err // the usual case: nothing to forget, nothing to write
	}
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		n, err := tx.exec(ctx, `UPDATE users SET failures = 0, locked_until = 0
			WHERE tenant = $1 AND id = $2 AND (failures <> 0 OR locked_until <> 0)`, tenant, userID)
		if err != nil || n == 0 {
			return err
		}
		return db.note(ctx, tx, userChange(tenant, userID))
	})
	return db.fail(err, "user", userID)
}
