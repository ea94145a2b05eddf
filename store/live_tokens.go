package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"postern.dev/postern"
)

const liveColumns = `tenant, client_id, slot, token_id, sealed, issued_at, expires_at`

func scanLive(r scanner) (l postern.LiveToken, err error) {
	var issued, expires int64
	err = r.Scan(&l.Tenant, &l.ClientID, &l.Slot, &l.TokenID, &l.Sealed, &issued, &expires)
	l.IssuedAt, l.ExpiresAt = fromMillis(issued), fromMillis(expires)
	return l, err
}

// liveDead is true of a row whose token was revoked with all of its client or its
// tenant. A node whose cache was a moment old can have kept such a token after the
// revocation deleted its kind; without this it would fill its slot for its life.
const liveDead = `(live_tokens.issued_at <= COALESCE((SELECT c.not_before FROM clients c
		WHERE c.tenant = live_tokens.tenant AND c.id = live_tokens.client_id), 0)
	OR live_tokens.issued_at <= COALESCE((SELECT t.not_before FROM tenants t WHERE t.id = live_tokens.tenant), 0))`

// LiveToken gives the token that lives in a slot at now, NotFound when none does.
func (db *DB) LiveToken(ctx context.Context, tenant, clientID, slot string, now time.Time) (postern.LiveToken, error) {
	l, err := one(ctx, db.read, scanLive, `SELECT `+liveColumns+` FROM live_tokens
		WHERE tenant = $1 AND client_id = $2 AND slot = $3 AND expires_at > $4 AND NOT `+liveDead,
		tenant, clientID, slot, millis(now))
	return l, db.fail(err, "live token", "")
}

// putLive makes l the token of its slot unless one lives there at now, which it
// gives instead.
func putLive(ctx context.Context, tx session, l *postern.LiveToken, now int64) (other *postern.LiveToken, err error) {
	_, err = one(ctx, tx, scanText, `INSERT INTO live_tokens (`+liveColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant, client_id, slot) DO UPDATE SET token_id = excluded.token_id, sealed = excluded.sealed,
			issued_at = excluded.issued_at, expires_at = excluded.expires_at
		WHERE live_tokens.expires_at <= $8 OR `+liveDead+`
		RETURNING token_id`,
		l.Tenant, l.ClientID, l.Slot, l.TokenID, l.Sealed, millis(l.IssuedAt), millis(l.ExpiresAt), now)
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	live, err := one(ctx, tx, scanLive, `SELECT `+liveColumns+` FROM live_tokens
		WHERE tenant = $1 AND client_id = $2 AND slot = $3`, l.Tenant, l.ClientID, l.Slot)
	return &live, err
}

// dropLiveTokens forgets all live tokens of a client.
func dropLiveTokens(ctx context.Context, tx session, tenant, clientID string) error {
	_, err := tx.exec(ctx, `DELETE FROM live_tokens WHERE tenant = $1 AND client_id = $2`, tenant, clientID)
	return err
}

// pruneLiveTokens goes tenant by tenant and takes the tail of each chain first, as
// everything that touches live tokens does: so it never waits in a circle.
func (db *DB) pruneLiveTokens(ctx context.Context, now time.Time) error {
	tenants, err := many(ctx, db.read, scanText,
		`SELECT DISTINCT tenant FROM live_tokens WHERE expires_at <= $1`, millis(now))
	for i := 0; i < len(tenants) && err == nil; {
		var deleted int64
		err = db.engine.write(ctx, func(ctx context.Context, tx session) (err error) {
			if _, err := tx.exec(ctx, `UPDATE audit_tails SET seq = seq WHERE tenant = $1`, tenants[i]); err != nil {
				return err
			}
			deleted, err = tx.exec(ctx, `DELETE FROM live_tokens WHERE tenant = $1 AND (client_id, slot) IN (
				SELECT client_id, slot FROM live_tokens WHERE tenant = $1 AND expires_at <= $2 LIMIT $3)`,
				tenants[i], millis(now), int64(pruneRows))
			return err
		})
		if deleted < pruneRows {
			i++
		}
	}
	return err
}
