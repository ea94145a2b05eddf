package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern"
)

// keysLast is how long an idempotency key is remembered, and keysPruned how many are
// forgotten by one write: more than it adds.
const (
	keysLast   = 24 * time.Hour
	keysPruned = 20
)

type keyRow struct {
	content string
	number  int64
	at      int64
}

func scanKeyRow(r scanner) (k keyRow, err error) { return k, r.Scan(&k.content, &k.number, &k.at) }

// once lets make make something, unless the client made it with the same key within a
// day: then it gives the number that it got. For something else than before, or what is
// no longer there, it fails with Conflict.
func (tx *writing) once(ctx context.Context, noun string, content any, make func() (int64, error)) (int64, error) {
	name := tx.w.Key
	switch {
	case name == "":
		return make()
	case len(name) > postern.MaxIdempotencyKey || !isText(name):
		return 0, wrong("Idempotency-Key", "an idempotency key has 1 to %d bytes of text", postern.MaxIdempotencyKey)
	}
	text, err := json.Marshal(content)
	if err != nil {
		return 0, fmt.Errorf("hash what was asked: %w", err)
	}
	hash := sha256.Sum256(fmt.Appendf(text, " %s %t", noun, tx.w.SkipApproval))
	sum := hex.EncodeToString(hash[:])
	oldest := millis(tx.now.Add(-keysLast))
	k, err := one(ctx, tx.session, scanKeyRow, `SELECT content, number, at FROM hr_keys
		WHERE tenant = $1 AND client_id = $2 AND name = $3`, tx.d.tenant, cleanText(tx.w.ClientID), name)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return 0, err
	case err != nil || k.at < oldest: // never used, or long ago
	case k.content != sum:
		return 0, conflict("Idempotency-Key", "the idempotency key was used for something else").
			WithHint("use a new key for each thing to be made")
	default:
		return k.number, nil
	}
	number, err := make()
	if err != nil {
		return 0, err
	}
	if _, err := tx.exec(ctx, `INSERT INTO hr_keys (tenant, client_id, name, content, number, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant, client_id, name) DO UPDATE SET content = excluded.content, number = excluded.number, at = excluded.at`,
		tx.d.tenant, cleanText(tx.w.ClientID), name, sum, number, millis(tx.now)); err != nil {
		return 0, err
	}
	_, err = tx.exec(ctx, `DELETE FROM hr_keys WHERE tenant = $1 AND at < $2 AND at <= (
		SELECT MAX(at) FROM (SELECT at FROM hr_keys WHERE tenant = $1 ORDER BY at LIMIT $3 + 0) oldest)`,
		tx.d.tenant, oldest, keysPruned)
	return number, err
}

// gone is the error for what an idempotency key made and someone deleted since.
func gone(noun string) error {
	return conflict("Idempotency-Key", "the %s that was made with this idempotency key has been deleted", noun).
		WithHint("use a new key to make another")
}
