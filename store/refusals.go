package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"postern.dev/postern"
)

func scanRefusal(r scanner) (f postern.Refusal, err error) {
	var at int64
	err = r.Scan(&at, &f.Dialect, &f.Cause, &f.Source, &f.Count)
	f.At = fromMillis(at)
	return f, err
}

// Refusals gives the last refusals of a client as far as Tally has counted, newest first,
// at most 50: those of an hour with the same dialect and cause are one, with the time and
// the source of the last. There are none of a client that is not there.
func (db *DB) Refusals(ctx context.Context, tenant, clientID string) ([]postern.Refusal, error) {
	all, err := many(ctx, db.read, scanRefusal, `SELECT last_at, dialect, cause, source, count FROM refusals
		WHERE tenant = $1 AND client_id = $2 ORDER BY last_at DESC LIMIT $3 + 0`, tenant, clientID, refusalsKept)
	slices.SortStableFunc(all, func(a, b postern.Refusal) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(a.Dialect, b.Dialect), strings.Compare(a.Cause, b.Cause))
	})
	return all, db.fail(err, "refusal", "")
}
