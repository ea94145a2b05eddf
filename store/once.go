package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"postern.dev/postern"
)

// onceBusy is how long something is taken to be still in the making.
const onceBusy = time.Minute

// Once takes an idempotency key of an actor for what digest names, and gives "", or gives
// the sealed answer that was kept for it within a day. Whoever got "" makes it and calls
// KeepOnce. It fails with Conflict when the key was used for something else, and while
// its first use has no answer: the actor has to look what became of it, because doing it
// again could do it twice.
func (db *DB) Once(ctx context.Context, actor, key, digest string, now time.Time) (sealed string, err error) {
	if len(key) > postern.MaxIdempotencyKey || !isText(key) {
		return "", wrong("Idempotency-Key", "an idempotency key has 1 to %d bytes of text", postern.MaxIdempotencyKey)
	}
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := one(ctx, tx, scanText, `INSERT INTO office_keys (actor, name, content, sealed, at) VALUES ($1, $2, $3, '', $4)
			ON CONFLICT (actor, name) DO UPDATE SET content = excluded.content, sealed = '', at = excluded.at
			WHERE office_keys.at < $5 RETURNING name`,
			actor, key, digest, millis(now), millis(now.Add(-keysLast)))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		k, err := one(ctx, tx, scanOnce, `SELECT content, sealed, at FROM office_keys WHERE actor = $1 AND name = $2`, actor, key)
		if err != nil {
			return err
		}
		sealed = k.sealed
		return k.check(digest, now)
	})
	if err != nil {
		return "", db.fail(err, "idempotency key", "")
	}
	return sealed, nil
}

type onceRow struct {
	content, sealed string
	at              int64
}

func scanOnce(r scanner) (k onceRow, err error) { return k, r.Scan(&k.content, &k.sealed, &k.at) }

// check says why a key that was used before cannot be used now.
func (k onceRow) check(digest string, now time.Time) error {
	const param = "Idempotency-Key"
	switch {
	case k.content != digest:
		return conflict(param, "the idempotency key was used for something else").
			WithHint("use a new key for each thing to be made")
	case k.sealed != "":
		return nil
	case now.Before(fromMillis(k.at).Add(onceBusy)):
		return conflict(param, "what this idempotency key was used for is being made").WithHint("ask again in a moment")
	}
	return conflict(param, "nobody knows what became of what this idempotency key was used for").
		WithHint("look whether it was made, and use a new key if it was not")
}

// KeepOnce keeps the sealed answer of what Once was asked for; "" gives the key back,
// because nothing was made. A key that was not taken, or has an answer, stays as it is.
func (db *DB) KeepOnce(ctx context.Context, actor, key, sealed string) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) (err error) {
		if sealed == "" {
			_, err = tx.exec(ctx, `DELETE FROM office_keys WHERE actor = $1 AND name = $2 AND sealed = ''`, actor, key)
		} else {
			_, err = tx.exec(ctx, `UPDATE office_keys SET sealed = $3 WHERE actor = $1 AND name = $2 AND sealed = ''`, actor, key, sealed)
		}
		return err
	})
	return db.fail(err, "idempotency key", "")
}

// pruneOnce forgets keys that were used more than a day ago.
func (db *DB) pruneOnce(ctx context.Context, now time.Time) error {
	return db.pruneSome(ctx, counterPrune, `DELETE FROM office_keys WHERE (actor, name) IN (
		SELECT actor, name FROM office_keys WHERE at < $1 ORDER BY at LIMIT $2)`, millis(now.Add(-keysLast)))
}
