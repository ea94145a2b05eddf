package store

import (
	"context"
	"errors"
	"time"

	"postern.dev/postern"
)

// Revoke records r and ev in one transaction and forgets the live token that r
// names. It says whether r was new; ev is recorded only then.
func (db *DB) Revoke(ctx context.Context, r postern.Revocation, ev postern.Event) (fresh bool, err error) {
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		n, err := tx.exec(ctx, `INSERT INTO revocations (token_id, tenant, client_id, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (token_id) DO NOTHING`, r.TokenID, r.Tenant, r.ClientID, millis(r.Until))
		if fresh = n > 0; err != nil || !fresh {
			return err
		}
		if err := db.record(ctx, tx, r.Tenant, ev); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM live_tokens WHERE tenant = $1 AND client_id = $2 AND token_id = $3`,
			r.Tenant, r.ClientID, r.TokenID); err != nil {
			return err
		}
		return db.note(ctx, tx, postern.Change{
			Kind: postern.ChangeRevoked, Tenant: r.Tenant, ID: r.TokenID, Until: r.Until})
	})
	return fresh && err == nil, db.fail(err, "token", "")
}

// Revoked says whether a token is revoked. Token ids are random and so globally
// unique: a verifier may know no more of the token than its id.
func (db *DB) Revoked(ctx context.Context, tokenID string) (bool, error) {
	_, err := one(ctx, db.read, scanText, `SELECT token_id FROM revocations WHERE token_id = $1`, tokenID)
	err = db.fail(err, "token", "")
	if postern.CodeOf(err) == postern.NotFound {
		return false, nil
	}
	return err == nil, err
}

func scanRevocation(row scanner) (r postern.Revocation, err error) {
	var until int64
	err = row.Scan(&r.TokenID, &r.Tenant, &r.ClientID, &until)
	r.Until = fromMillis(until)
	return r, err
}

// Revocations gives at most limit revocations of all tenants that have not expired
// at now, in order of token id after the given one. It fills the cache of a node.
func (db *DB) Revocations(ctx context.Context, now time.Time, after string, limit int) ([]postern.Revocation, error) {
	all, err := many(ctx, db.read, scanRevocation, `SELECT token_id, tenant, client_id, until FROM revocations
		WHERE token_id > $1 AND until > $2 ORDER BY token_id LIMIT $3`, after, millis(now), limit)
	return all, db.fail(err, "revocation", "")
}

// pruneRows is how many rows one transaction deletes, so that no token waits long
// for its turn to write.
const pruneRows = 1000

// Prune forgets what has no meaning after now: expired revocations, expired live
// tokens, and changes older than an hour. It is to be called from time to time, by
// any number of nodes.
func (db *DB) Prune(ctx context.Context, now time.Time) error {
	err := errors.Join(db.pruneRevocations(ctx, now), db.pruneLiveTokens(ctx, now), db.pruneUpstreamTokens(ctx, now), db.trimChanges(ctx, now),
		db.pruneSessions(ctx, now), db.pruneNodes(ctx, now), db.pruneOnce(ctx, now), db.pruneUsage(ctx, now))
	return db.fail(err, "database", "")
}

func (db *DB) pruneRevocations(ctx context.Context, now time.Time) error {
	return db.pruneSome(ctx, counterPrune, `DELETE FROM revocations WHERE token_id IN (
		SELECT token_id FROM revocations WHERE until <= $1 ORDER BY until LIMIT $2)`, millis(now))
}

// pruneSome runs a statement again and again that deletes at most so many rows as its
// last argument says, which is added to args.
func (db *DB) pruneSome(ctx context.Context, counter, text string, args ...any) error {
	args = append(args, int64(pruneRows))
	for deleted := int64(pruneRows); deleted == pruneRows; {
		err := db.engine.write(ctx, func(ctx context.Context, tx session) (err error) {
			// Two nodes that delete the same rows in another order would wait for each
			// other; the counter makes them take turns.
			if err := takeCounter(ctx, tx, counter); err != nil {
				return err
			}
			deleted, err = tx.exec(ctx, text, args...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
