package store

import (
	"context"
	"time"
)

// SaveInvite keeps a one-time link until then, by a hash of its code. An operator of ""
// is the first of all, who may have several links: each node prints one when it starts.
// A new link of an operator ends the older ones. It fails with NotFound when there is no
// such operator.
func (db *DB) SaveInvite(ctx context.Context, codeHash, operator string, until time.Time) error {
	err := db.amongOperators(ctx, func(ctx context.Context, tx session) error {
		if operator != "" {
			if err := db.knownOperator(ctx, tx, operator); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, `DELETE FROM operator_links WHERE operator = $1`, operator); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, `INSERT INTO operator_links (code, operator, until) VALUES ($1, $2, $3)`,
			codeHash, operator, millis(until))
		return err
	})
	return db.fail(err, "one-time link", "")
}

// knownOperator fails with NotFound unless there is such an operator.
func (db *DB) knownOperator(ctx context.Context, tx session, id string) error {
	_, err := one(ctx, tx, scanText, `SELECT id FROM operators WHERE id = $1`, id)
	return db.fail(err, "operator", id)
}

// Invite gives whom a one-time link is for, without using it up: an id, or "" for the
// first operator of all. It fails with NotFound when the link was used or is over at now.
func (db *DB) Invite(ctx context.Context, codeHash string, now time.Time) (operator string, err error) {
	operator, err = one(ctx, db.read, scanText, `SELECT operator FROM operator_links WHERE code = $1 AND until > $2`,
		codeHash, millis(now))
	return operator, db.fail(err, "such one-time link", "")
}

// TakeInvite is Invite, and uses the link up with all others of the operator. Of many at
// once one is given it.
func (db *DB) TakeInvite(ctx context.Context, codeHash string, now time.Time) (operator string, err error) {
	err = db.amongOperators(ctx, func(ctx context.Context, tx session) (err error) {
		if operator, err = one(ctx, tx, scanText, `DELETE FROM operator_links WHERE code = $1 AND until > $2 RETURNING operator`,
			codeHash, millis(now)); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `DELETE FROM operator_links WHERE operator = $1`, operator)
		return err
	})
	if err != nil {
		operator = ""
	}
	return operator, db.fail(err, "such one-time link", "")
}
