package store

import (
	"context"

	"postern.dev/postern"
)

const (
	operatorColumns = `id, email, name, role, tenant, password_hash, totp, totp_step, disabled, failures, locked, seen_at,
		created_at, updated_at`
	selectOperator = `SELECT ` + operatorColumns + ` FROM operators WHERE `
)

// counterOperators locks who the operators are, and what is theirs: whoever changes more
// than one row of it takes the counter first. So there is one first operator and always a
// last owner, and none can wait in a circle.
const counterOperators = "operators"

func scanOperator(r scanner) (o postern.Operator, err error) {
	var locked, seen, created, updated int64
	err = r.Scan(&o.ID, &o.Email, &o.Name, &o.Role, &o.Tenant, &o.PasswordHash, &o.TOTP, &o.TOTPStep, &o.Disabled, &o.Failures,
		&locked, &seen, &created, &updated)
	o.Locked, o.SeenAt, o.CreatedAt, o.UpdatedAt = fromMillis(locked), fromMillis(seen), fromMillis(created), fromMillis(updated)
	return o, err
}

func operatorArgs(o *postern.Operator) []any {
	return []any{o.ID, o.Email, o.Name, string(o.Role), o.Tenant, o.PasswordHash, o.TOTP, o.TOTPStep, o.Disabled, int64(o.Failures),
		millis(o.Locked), millis(o.SeenAt), millis(o.CreatedAt), millis(o.UpdatedAt)}
}

// Operators gives at most limit operators of all tenants in order of id, after the given
// one.
func (db *DB) Operators(ctx context.Context, after string, limit int) ([]postern.Operator, error) {
	all, err := many(ctx, db.read, scanOperator, selectOperator+`id > $1 ORDER BY id LIMIT $2`, after, limit)
	return all, db.fail(err, "operator", "")
}

// Operator gives an operator by its id, NotFound when there is none.
func (db *DB) Operator(ctx context.Context, id string) (postern.Operator, error) {
	o, err := one(ctx, db.read, scanOperator, selectOperator+`id = $1`, id)
	return o, db.fail(err, "operator", id)
}

// OperatorByEmail gives an operator by any spelling of its address, NotFound when there
// is none.
func (db *DB) OperatorByEmail(ctx context.Context, email string) (postern.Operator, error) {
	o, err := one(ctx, db.read, scanOperator, selectOperator+`email = $1`, postern.CanonicalEmail(email))
	return o, db.fail(err, "operator", email)
}

// CreateOperator adds an operator under the canonical form of its address. Times that
// are zero become the time of ev, which is kept in the trail of the operator's tenant.
// It fails with Conflict when the id or the address is taken, and with NotFound when
// there is no such tenant.
func (db *DB) CreateOperator(ctx context.Context, o postern.Operator, ev postern.Event) error {
	return db.createOperator(ctx, o, ev, false)
}

// FirstOperator is CreateOperator while there is no operator; it fails with Conflict
// when there is one. Of many at once one wins.
func (db *DB) FirstOperator(ctx context.Context, o postern.Operator, ev postern.Event) error {
	return db.createOperator(ctx, o, ev, true)
}

func (db *DB) createOperator(ctx context.Context, o postern.Operator, ev postern.Event, first bool) error {
	o.Email = postern.CanonicalEmail(o.Email)
	stamp(&ev, &o.CreatedAt, &o.UpdatedAt)
	err := db.changeOperators(ctx, o.Tenant, ev, func(ctx context.Context, tx session) error {
		if first {
			n, err := one(ctx, tx, scanInt, `SELECT COUNT(*) FROM operators`)
			if err != nil {
				return err
			}
			if n > 0 {
				return postern.Errorf(postern.Conflict, "there is an operator already").
					WithHint("sign in, or have an owner make another with postern operator create")
			}
		}
		if o.Tenant != "" { // tenants are never deleted
			if _, err := one(ctx, tx, scanText, `SELECT id FROM tenants WHERE id = $1`, o.Tenant); err != nil {
				return db.fail(err, "tenant", o.Tenant)
			}
		}
		_, err := tx.exec(ctx, `INSERT INTO operators (`+operatorColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, operatorArgs(&o)...)
		return err
	})
	return db.fail(err, "operator", o.Email)
}

// changeOperators runs do in one transaction after the event that records it, while
// nobody else changes who the operators are.
func (db *DB) changeOperators(ctx context.Context, tenant string, ev postern.Event, do func(ctx context.Context, tx session) error) error {
	if tenant == "" {
		tenant = postern.SystemTenant
	}
	return db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := db.record(ctx, tx, tenant, ev); err != nil {
			return err
		}
		if err := takeCounter(ctx, tx, counterOperators); err != nil {
			return err
		}
		return do(ctx, tx)
	})
}

// amongOperators is changeOperators for what leaves no record.
func (db *DB) amongOperators(ctx context.Context, do func(ctx context.Context, tx session) error) error {
	return db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := takeCounter(ctx, tx, counterOperators); err != nil {
			return err
		}
		return do(ctx, tx)
	})
}

// ChangeOperator lets fn change an operator and stores and gives the result. An error of
// fn is given back and nothing is changed. Id, address, tenant and the time of creation
// stay; the time of change becomes that of ev, or is later. When ev has no action
// nothing is recorded, the time of change stays, and all that is kept of what fn did is
// what belongs to signing in: Failures, Locked, TOTPStep and SeenAt. It fails with
// NotFound, and with Conflict when no owner of the installation would be left.
func (db *DB) ChangeOperator(ctx context.Context, id string, ev postern.Event, fn func(*postern.Operator) error) (postern.Operator, error) {
	stamp(&ev)
	o, err := db.Operator(ctx, id) // for its tenant, which never changes
	if err != nil {
		return postern.Operator{}, err
	}
	change := func(ctx context.Context, tx session) (err error) {
		o, err = changeOperator(ctx, tx, id, ev, fn)
		return err
	}
	if ev.Action == "" {
		err = db.engine.write(ctx, change)
	} else {
		err = db.changeOperators(ctx, o.Tenant, ev, change)
	}
	if err != nil {
		return postern.Operator{}, db.fail(err, "operator", id)
	}
	return o, nil
}

func changeOperator(ctx context.Context, tx session, id string, ev postern.Event, fn func(*postern.Operator) error) (o postern.Operator, err error) {
	old, err := one(ctx, tx, scanOperator, // an update, so that the row is locked on both engines
		`UPDATE operators SET updated_at = updated_at WHERE id = $1 RETURNING `+operatorColumns, id)
	if err != nil {
		return o, err
	}
	o = old
	if err := fn(&o); err != nil {
		return o, callerError{err}
	}
	if ev.Action == "" {
		kept := old
		kept.Failures, kept.Locked, kept.TOTPStep, kept.SeenAt = o.Failures, o.Locked, o.TOTPStep, o.SeenAt
		o = kept
	} else {
		o.ID, o.Email, o.Tenant, o.CreatedAt, o.UpdatedAt = old.ID, old.Email, old.Tenant, old.CreatedAt, later(ev.At, old.UpdatedAt)
	}
	if _, err = tx.exec(ctx, `UPDATE operators SET email = $2, name = $3, role = $4, tenant = $5, password_hash = $6, totp = $7,
		totp_step = $8, disabled = $9, failures = $10, locked = $11, seen_at = $12, created_at = $13, updated_at = $14
		WHERE id = $1`, operatorArgs(&o)...); err != nil {
		return o, err
	}
	if owns(&old) && !owns(&o) {
		err = ownerLeft(ctx, tx)
	}
	return o, err
}

// DeleteOperator forgets an operator, its sessions and its one-time links. It fails with
// NotFound, with Conflict for the last owner of the installation, and with what a check
// fails with, which sees the operator as it is then: it stays.
func (db *DB) DeleteOperator(ctx context.Context, id string, ev postern.Event, checks ...func(*postern.Operator) error) error {
	o, err := db.Operator(ctx, id) // for its tenant, which never changes
	if err != nil {
		return err
	}
	stamp(&ev)
	err = db.changeOperators(ctx, o.Tenant, ev, func(ctx context.Context, tx session) error {
		old, err := one(ctx, tx, scanOperator, `DELETE FROM operators WHERE id = $1 RETURNING `+operatorColumns, id)
		if err != nil {
			return err
		}
		for _, check := range checks {
			if err := check(&old); err != nil {
				return callerError{err}
			}
		}
		if owns(&old) {
			if err := ownerLeft(ctx, tx); err != nil {
				return err
			}
		}
		if _, err := tx.exec(ctx, `DELETE FROM operator_sessions WHERE operator = $1`, id); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `DELETE FROM operator_links WHERE operator = $1`, id)
		return err
	})
	return db.fail(err, "operator", id)
}

// owns says whether an operator can do everything, and make others who can.
func owns(o *postern.Operator) bool { return o.Role == postern.Owner && o.Tenant == "" && !o.Disabled }

func ownerLeft(ctx context.Context, tx session) error {
	n, err := one(ctx, tx, scanInt, `SELECT COUNT(*) FROM operators WHERE role = $1 AND tenant = '' AND disabled = $2`,
		string(postern.Owner), false)
	if err == nil && n == 0 {
		err = postern.Errorf(postern.Conflict, "this is the last owner of the installation").
			WithHint("make another owner first")
	}
	return err
}

// takeCounter makes this the only transaction that works on what a counter stands for,
// until it ends.
func takeCounter(ctx context.Context, tx session, name string) error {
	_, err := tx.exec(ctx, `UPDATE counters SET value = value + 1 WHERE name = $1`, name)
	return err
}
