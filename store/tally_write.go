package store

import "context"

// write keeps the counts and how far they go, or fails with errCounted.
func (t *tally) write(ctx context.Context, tx session, engine string) error {
	mark, err := one(ctx, tx, scanInt, `UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, counterTally)
	if err != nil {
		return err
	}
	for _, c := range t.chains {
		n, err := tx.exec(ctx, `INSERT INTO tallies (tenant, seq) VALUES ($1, $2)
			ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq WHERE tallies.seq = $3`, c.tenant, c.end, c.seq)
		if err != nil {
			return err
		}
		if n == 0 {
			return errCounted
		}
	}
	u := upserts{tx: tx, engine: engine}
	t.putHours(&u)
	t.putDays(&u, mark)
	t.putRefusals(&u)
	if err := u.run(ctx); err != nil {
		return err
	}
	return t.trimRefusals(ctx, tx)
}

// upserts are rows to be put into tables, table by table.
type upserts struct {
	tx     session
	engine string
	all    []*upsert
}

// upsertRows bounds the rows of a statement; they are powers of two, so that a few
// prepared ones do for every number.
const upsertRows = 64

type upsert struct {
	head, tail string
	width      int
	args       []any
}

// table begins another table.
func (u *upserts) table(width int, head, tail string) *upsert {
	t := &upsert{head: head, tail: tail, width: width}
	u.all = append(u.all, t)
	return t
}

func (u *upsert) row(args ...any) { u.args = append(u.args, args...) }

// run writes the rows, many to a statement where that saves journeys.
func (u *upserts) run(ctx context.Context) error {
	for _, t := range u.all {
		rows, text := 0, ""
		for args := t.args; len(args) > 0; args = args[rows*t.width:] {
			n := 1
			for u.engine != SQLite && n < upsertRows && 2*n*t.width <= len(args) {
				n *= 2
			}
			if n != rows {
				rows, text = n, t.head+" VALUES "+values(u.engine, n, t.width)+t.tail
			}
			if _, err := u.tx.exec(ctx, text, args[:rows*t.width]...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tally) putHours(u *upserts) {
	spans := u.table(4, `INSERT INTO audit_hours (tenant, hour, first_seq, last_seq)`, ` ON CONFLICT (tenant, hour) DO UPDATE SET
		first_seq = CASE WHEN excluded.first_seq < audit_hours.first_seq THEN excluded.first_seq ELSE audit_hours.first_seq END,
		last_seq = CASE WHEN excluded.last_seq > audit_hours.last_seq THEN excluded.last_seq ELSE audit_hours.last_seq END`)
	for k, v := range t.spans {
		spans.row(k.tenant, k.hour, v.first, v.last)
	}
	hours := u.table(5, `INSERT INTO usage_hours (tenant, hour, dialect, issued, refused)`,
		` ON CONFLICT (tenant, hour, dialect) DO UPDATE SET
		issued = usage_hours.issued + excluded.issued, refused = usage_hours.refused + excluded.refused`)
	for k, v := range t.hours {
		hours.row(k.tenant, k.hour, k.dialect, v.issued, v.refused)
	}
}

func (t *tally) putDays(u *upserts, mark int64) {
	type place struct {
		tenant string
		day    int64
	}
	stale := map[place]bool{}
	days := u.table(8, `INSERT INTO usage_days (tenant, client_id, day, dialect, issued, refused, query, last_at)`,
		` ON CONFLICT (tenant, client_id, day, dialect) DO UPDATE SET
		issued = usage_days.issued + excluded.issued, refused = usage_days.refused + excluded.refused,
		query = usage_days.query + excluded.query,
		last_at = CASE WHEN excluded.last_at > usage_days.last_at THEN excluded.last_at ELSE usage_days.last_at END`)
	for k, v := range t.days {
		days.row(k.tenant, k.clientID, k.day, k.dialect, v.issued, v.refused, v.query, v.last)
		stale[place{k.tenant, k.day}], stale[place{"", k.day}] = true, true
	}
	for k := range t.hours { // also of those that have no clients: pruneUsage finds them by it
		stale[place{k.tenant, dayOf(k.hour * hourMillis)}] = true
	}
	tops := u.table(4, `INSERT INTO usage_tops (tenant, day, doc, stale)`, ` ON CONFLICT (tenant, day) DO UPDATE SET stale = excluded.stale`)
	for k := range stale {
		tops.row(k.tenant, k.day, "[]", mark)
	}
}

// refusalsKept is how many refusals are kept of a client.
const refusalsKept = 50

func (t *tally) putRefusals(u *upserts) {
	rows := u.table(8, `INSERT INTO refusals (tenant, client_id, hour, dialect, cause, source, last_at, count)`,
		` ON CONFLICT (tenant, client_id, hour, dialect, cause) DO UPDATE SET count = refusals.count + excluded.count,
		source = CASE WHEN excluded.last_at >= refusals.last_at THEN excluded.source ELSE refusals.source END,
		last_at = CASE WHEN excluded.last_at > refusals.last_at THEN excluded.last_at ELSE refusals.last_at END`)
	for k, v := range t.refusals {
		rows.row(k.tenant, k.clientID, k.hour, k.dialect, k.cause, v.source, v.last, v.count)
	}
}

// trimRefusals forgets the oldest refusals of those who got new ones.
func (t *tally) trimRefusals(ctx context.Context, tx session) error {
	type client struct{ tenant, id string }
	done := map[client]bool{}
	for k := range t.refusals {
		c := client{k.tenant, k.clientID}
		if done[c] {
			continue
		}
		done[c] = true
		if _, err := tx.exec(ctx, `DELETE FROM refusals WHERE tenant = $1 AND client_id = $2 AND last_at < (
			SELECT MIN(last_at) FROM (SELECT last_at FROM refusals WHERE tenant = $1 AND client_id = $2
				ORDER BY last_at DESC LIMIT $3 + 0) newest)`, c.tenant, c.id, refusalsKept); err != nil {
			return err
		}
	}
	return nil
}
