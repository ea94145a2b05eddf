package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// nodesKept is how long a node is remembered that is seen no more.
const nodesKept = 24 * time.Hour

func scanNode(r scanner) (n postern.Node, err error) {
	var started, seen int64
	err = r.Scan(&n.Name, &n.URL, &n.Version, &started, &seen)
	n.StartedAt, n.SeenAt = fromMillis(started), fromMillis(seen)
	return n, err
}

// Beat says that a node serves. Its name is its own: what it said before is replaced.
func (db *DB) Beat(ctx context.Context, n postern.Node) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `INSERT INTO nodes (name, url, version, started_at, seen_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET url = excluded.url, version = excluded.version, started_at = excluded.started_at,
				seen_at = excluded.seen_at`, n.Name, n.URL, n.Version, millis(n.StartedAt), millis(n.SeenAt))
		return err
	})
	return db.fail(err, "node", n.Name)
}

// LeaveNode forgets a node that stops serving, unless another has taken its name since
// it started.
func (db *DB) LeaveNode(ctx context.Context, name string, startedAt time.Time) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `DELETE FROM nodes WHERE name = $1 AND started_at = $2`, name, millis(startedAt))
		return err
	})
	return db.fail(err, "node", name)
}

// Nodes gives the nodes that were seen at or after since, in order of their names.
func (db *DB) Nodes(ctx context.Context, since time.Time) ([]postern.Node, error) {
	all, err := many(ctx, db.read, scanNode,
		`SELECT name, url, version, started_at, seen_at FROM nodes WHERE seen_at >= $1`, millis(since))
	slices.SortFunc(all, func(a, b postern.Node) int { return strings.Compare(a.Name, b.Name) })
	return all, db.fail(err, "node", "")
}

// pruneNodes forgets nodes that were not seen for a day.
func (db *DB) pruneNodes(ctx context.Context, now time.Time) error {
	return db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := takeCounter(ctx, tx, counterPrune); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM nodes WHERE seen_at < $1`, millis(now.Add(-nodesKept)))
		return err
	})
}
