package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// Upstream is a row about a token server elsewhere. What its settings mean is known to
// who wrote them; its secrets are sealed before they come here.
type Upstream struct {
	Name      string
	Settings  string            // a document
	Sealed    map[string]string // by the name of the secret
	CreatedAt time.Time
}

func scanUpstream(r scanner) (u Upstream, err error) {
	var sealed string
	var created int64
	if err := r.Scan(&u.Name, &u.Settings, &sealed, &created); err != nil {
		return u, err
	}
	u.CreatedAt = fromMillis(created)
	return u, json.Unmarshal([]byte(sealed), &u.Sealed)
}

// Upstreams gives every row, by name.
func (db *DB) Upstreams(ctx context.Context) ([]Upstream, error) {
	all, err := many(ctx, db.read, scanUpstream, `SELECT name, settings, sealed, created_at FROM upstreams`)
	slices.SortFunc(all, func(a, b Upstream) int { return strings.Compare(a.Name, b.Name) })
	return all, db.fail(err, "upstream", "")
}

// SaveUpstream keeps a row in place of what the name had, and records ev. A zero time
// becomes that of ev.
func (db *DB) SaveUpstream(ctx context.Context, u Upstream, ev postern.Event) error {
	stamp(&ev, &u.CreatedAt)
	sealed, err := json.Marshal(u.Sealed)
	if err != nil {
		return db.fail(err, "upstream", u.Name) // impossible: strings
	}
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := db.record(ctx, tx, postern.SystemTenant, ev); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO upstreams (name, settings, sealed, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET settings = $2, sealed = $3`, u.Name, u.Settings, string(sealed), millis(u.CreatedAt))
		return err
	})
	return db.fail(err, "upstream", u.Name)
}

// DeleteUpstream forgets a row and its secrets, and records ev. It fails with NotFound.
func (db *DB) DeleteUpstream(ctx context.Context, name string, ev postern.Event) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := db.record(ctx, tx, postern.SystemTenant, ev); err != nil {
			return err
		}
		_, err := one(ctx, tx, scanText, `DELETE FROM upstreams WHERE name = $1 RETURNING name`, name)
		return err
	})
	return db.fail(err, "upstream", name)
}
