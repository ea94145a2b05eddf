package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"postern.dev/postern"
)

// longestLease is longer than any lease that is asked for: what ends later was written
// by a clock that was wrong, and binds nobody.
const longestLease = time.Hour

func scanUpstreamToken(r scanner) (t postern.UpstreamToken, err error) {
	var expires int64
	err = r.Scan(&t.Key, &t.Upstream, &t.Version, &t.Sealed, &expires)
	t.ExpiresAt = fromMillis(expires)
	return t, err
}

// UpstreamToken gives the token that was saved under a key, NotFound when none was.
// It may be over.
func (db *DB) UpstreamToken(ctx context.Context, key string) (postern.UpstreamToken, error) {
	t, err := one(ctx, db.read, scanUpstreamToken, `SELECT key, upstream, version, sealed, expires_at
		FROM upstream_tokens WHERE key = $1 AND version > 0`, key)
	return t, db.fail(err, "upstream token", "")
}

// SaveUpstreamToken keeps t in place of the version before it. It fails with Conflict
// when another version is there, and with Invalid for a version below 1.
func (db *DB) SaveUpstreamToken(ctx context.Context, t postern.UpstreamToken) error {
	if t.Version < 1 {
		return postern.Errorf(postern.Invalid, "the version of an upstream token counts from 1")
	}
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		n, err := tx.exec(ctx, `INSERT INTO upstream_tokens (key, upstream, version, sealed, expires_at, owner, until)
			SELECT $1, $2, $3, $4, $5, '', 0 WHERE CAST($3 AS BIGINT) = 1
				OR EXISTS (SELECT 1 FROM upstream_tokens u WHERE u.key = $1)
			ON CONFLICT (key) DO UPDATE SET upstream = excluded.upstream, version = excluded.version,
				sealed = excluded.sealed, expires_at = excluded.expires_at
			WHERE upstream_tokens.version = excluded.version - 1`,
			t.Key, t.Upstream, t.Version, t.Sealed, millis(t.ExpiresAt))
		if err == nil && n == 0 {
			err = postern.Errorf(postern.Conflict, "another version of the upstream token was saved meanwhile")
		}
		return err
	})
	return db.fail(err, "upstream token", "")
}

// LeaseUpstream makes owner the only one to ask for the token of key until then, and
// says whether it did: not while the lease of another lasts at now. It lasts an hour
// at most.
func (db *DB) LeaseUpstream(ctx context.Context, key, owner string, now, until time.Time) (bool, error) {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := one(ctx, tx, scanText, `INSERT INTO upstream_tokens (key, upstream, version, sealed, expires_at, owner, until)
			VALUES ($1, '', 0, '', 0, $2, $4)
			ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
			WHERE upstream_tokens.until <= $3 OR upstream_tokens.until > $5 OR upstream_tokens.owner = excluded.owner
			RETURNING key`, key, owner, millis(now), millis(until), millis(now.Add(longestLease)))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, db.fail(err, "upstream token", "")
}

// FreeUpstream ends the lease of owner. It does nothing to that of another.
func (db *DB) FreeUpstream(ctx context.Context, key, owner string) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `UPDATE upstream_tokens SET owner = '', until = 0 WHERE key = $1 AND owner = $2`, key, owner)
		return err
	})
	return db.fail(err, "upstream token", "")
}

// pruneUpstreamTokens forgets what is over and leased by nobody. There is a row for
// each credential in use, so they are few.
func (db *DB) pruneUpstreamTokens(ctx context.Context, now time.Time) error {
	return db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if _, err := tx.exec(ctx, `UPDATE counters SET value = value + 1 WHERE name = $1`, counterPrune); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM upstream_tokens WHERE expires_at <= $1 AND until <= $1`, millis(now))
		return err
	})
}
