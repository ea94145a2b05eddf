package store

import (
	"context"
	"math"
	"time"

	"postern.dev/postern"
)

// The counters.
const (
	counterChanges = "changes"         // the newest sequence number of the feed
	counterTrimmed = "changes_trimmed" // the newest that was forgotten
	counterPrune   = "prune"           // locks: one node prunes at a time
)

// changesKept is how far the feed reaches back. A cache that slept longer starts
// afresh.
const changesKept = time.Hour

// change runs do in one transaction, between the event that records it and the
// note that tells the caches. Events about a tenant's things belong to that
// tenant, whatever ev says.
func (db *DB) change(ctx context.Context, c postern.Change, ev postern.Event, do func(ctx context.Context, tx session) error) error {
	return db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := db.record(ctx, tx, c.Tenant, ev); err != nil {
			return err
		}
		if err := do(ctx, tx); err != nil {
			return err
		}
		return db.note(ctx, tx, c)
	})
}

// note adds c to the feed. It comes last in a transaction: whoever holds the
// counter commits before the next number is given, so numbers become visible in
// order and a reader never misses one.
func (db *DB) note(ctx context.Context, tx session, c postern.Change) error {
	seq, err := one(ctx, tx, scanInt,
		`UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, counterChanges)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `INSERT INTO changes (seq, kind, tenant, id, until, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		seq, c.Kind, c.Tenant, c.ID, millis(c.Until), time.Now().UnixMilli()); err != nil {
		return err
	}
	return db.engine.notify(ctx, tx)
}

// feedRow is a row of Changes: a change, if there is one, beside the counters.
type feedRow struct {
	newest, trimmed int64
	change          postern.Change
}

func scanFeed(r scanner) (f feedRow, err error) {
	var until int64
	err = r.Scan(&f.newest, &f.trimmed, &f.change.Seq, &f.change.Kind, &f.change.Tenant, &f.change.ID, &until)
	f.change.Until = fromMillis(until)
	return f, err
}

// Changes gives at most limit changes after seq, oldest first, and the sequence
// number of the newest one there is, read at the same instant. It fails with
// Conflict when some after seq are already forgotten, or when seq was never given,
// as after a restore: everything known must be forgotten then. A negative seq asks
// only for the newest number.
func (db *DB) Changes(ctx context.Context, seq int64, limit int) ([]postern.Change, int64, error) {
	after := seq
	if seq < 0 {
		after = math.MaxInt64
	}
	// SQLite plans a statement anew whenever a bare LIMIT parameter is bound, and this
	// one is asked all the time: hence the + 0.
	rows, err := many(ctx, db.read, scanFeed, `
		SELECT n.value, t.value, COALESCE(c.seq, 0), COALESCE(c.kind, ''), COALESCE(c.tenant, ''), COALESCE(c.id, ''),
			COALESCE(c.until, 0)
		FROM counters n
		JOIN counters t ON t.name = $3
		LEFT JOIN (SELECT seq, kind, tenant, id, until FROM changes WHERE seq > $1 ORDER BY seq LIMIT $4 + 0) c ON 1 = 1
		WHERE n.name = $2
		ORDER BY 3`, after, counterChanges, counterTrimmed, limit)
	if err != nil {
		return nil, 0, db.fail(err, "change", "")
	}
	if len(rows) == 0 { // impossible: the first migration writes the counters
		return nil, 0, postern.Errorf(postern.Internal, "the change feed has no counter")
	}
	newest := rows[0].newest
	if seq >= 0 && (seq < rows[0].trimmed || seq > newest) {
		return nil, newest, postern.Errorf(postern.Conflict, "the change feed does not reach back to %d", seq)
	}
	changes := make([]postern.Change, 0, len(rows))
	for _, r := range rows {
		if r.change.Seq > 0 {
			changes = append(changes, r.change)
		}
	}
	return changes, newest, nil
}

// Wake gives a channel that receives when something may have changed: at once, and
// after every change by any node. It is closed when ctx ends or the DB is closed.
// On SQLite it is nil: nobody tells, and the caller asks Changes from time to time.
func (db *DB) Wake(ctx context.Context) <-chan struct{} { return db.engine.wake(ctx) }

// trimChanges forgets what is older than changesKept at now.
func (db *DB) trimChanges(ctx context.Context, now time.Time) error {
	return db.engine.write(ctx, func(ctx context.Context, tx session) error {
		last, err := one(ctx, tx, scanInt, `SELECT COALESCE(MAX(seq), 0) FROM changes WHERE at < $1`,
			now.Add(-changesKept).UnixMilli())
		if err != nil || last == 0 {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE counters SET value = $2 WHERE name = $1 AND value < $2`,
			counterTrimmed, last); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `DELETE FROM changes WHERE seq <= $1`, last)
		return err
	})
}
