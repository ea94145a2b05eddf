package store

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern"
)

const keyColumns = `id, alg, generation, created_at, sign_from, remove_at, sealed, public_der`

func scanKey(r scanner) (k postern.Key, err error) {
	var created, signFrom, removeAt int64
	if err := r.Scan(&k.ID, &k.Alg, &k.Generation, &created, &signFrom, &removeAt, &k.Sealed, &k.PublicDER); err != nil {
		return k, err
	}
	k.CreatedAt, k.SignFrom, k.RemoveAt = fromMillis(created), fromMillis(signFrom), fromMillis(removeAt)
	if k.PublicDER == "" {
		return k, nil
	}
	der, err := base64.StdEncoding.DecodeString(k.PublicDER)
	if err == nil {
		k.Public, err = x509.ParsePKIXPublicKey(der)
	}
	if err != nil {
		return k, fmt.Errorf("read the public part of key %s: %w", k.ID, err)
	}
	return k, nil
}

// Keys are no tenant's: their events are in the chain of the system.
func keyChange(id string) postern.Change {
	return postern.Change{Kind: postern.ChangeKey, Tenant: postern.SystemTenant, ID: id}
}

// Keys gives all keys, by algorithm and generation.
func (db *DB) Keys(ctx context.Context) ([]postern.Key, error) {
	all, err := many(ctx, db.read, scanKey, `SELECT `+keyColumns+` FROM keys`)
	slices.SortFunc(all, func(a, b postern.Key) int {
		return cmp.Or(cmp.Compare(a.Alg, b.Alg), cmp.Compare(a.Generation, b.Generation))
	})
	return all, db.fail(err, "key", "")
}

// AddKey keeps a key; its Public is read again from PublicDER. It fails with
// Conflict when the algorithm has a key of that generation, so that of any number
// of nodes that rotate at once one succeeds.
func (db *DB) AddKey(ctx context.Context, k postern.Key, ev postern.Event) error {
	stamp(&ev, &k.CreatedAt)
	err := db.change(ctx, keyChange(k.ID), ev, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `INSERT INTO keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			k.ID, string(k.Alg), k.Generation, millis(k.CreatedAt), millis(k.SignFrom), millis(k.RemoveAt), k.Sealed, k.PublicDER)
		return err
	})
	return db.fail(err, "key of that generation", "")
}

// RetireKey sets when a key is removed and, with wipe, destroys its private part.
// It fails with NotFound.
func (db *DB) RetireKey(ctx context.Context, id string, removeAt time.Time, wipe bool, ev postern.Event) error {
	err := db.change(ctx, keyChange(id), ev, func(ctx context.Context, tx session) error {
		_, err := one(ctx, tx, scanText, `UPDATE keys SET remove_at = $2, sealed = CASE WHEN $3 THEN '' ELSE sealed END
			WHERE id = $1 RETURNING id`, id, millis(removeAt), wipe)
		return err
	})
	return db.fail(err, "key", id)
}

// DeleteKey forgets a key whose time of removal has passed, which the caller has
// checked by its own clock. It fails with NotFound, which another node that was
// faster can cause, and with Conflict for a key that was never retired.
func (db *DB) DeleteKey(ctx context.Context, id string) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		removeAt, err := one(ctx, tx, scanInt, `DELETE FROM keys WHERE id = $1 RETURNING remove_at`, id)
		if err != nil {
			return err
		}
		if removeAt == 0 {
			return postern.Errorf(postern.Conflict, "the key is not retired").WithHint("retire it first")
		}
		return db.note(ctx, tx, keyChange(id))
	})
	return db.fail(err, "key", id)
}
