package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// How many clients an answer has: so many of the busiest, and of those that were refused
// most and that had most credentials in a query. More are added up exactly, to find them.
const (
	usageClients  = 20
	usageOdd      = 10
	usageAddedUp  = 34
	usageOddAdded = 15 // each
)

// Usage gives how tokens were given and refused, as far as Tally has counted. Days are
// those of UTC; the first hour or day is the one that Since falls into. Those of a client
// are counted by the day, whatever the step, and Clients is that client alone. Of the
// clients of a tenant, or of all, there are the 20 busiest, and behind them up to 10 each
// of those that were refused most and that sent most credentials in a query. They are
// looked for among those who were so on a day; their figures are of whole days. It fails
// with Invalid for a step that is neither an hour nor a day.
func (db *DB) Usage(ctx context.Context, q postern.UsageQuery) (u postern.Usage, err error) {
	if q.Step != time.Hour && q.Step != dayHours*time.Hour {
		return u, wrong("step", "usage is counted by the hour or by the day")
	}
	since := millis(q.Since)
	if q.ClientID != "" {
		u.Steps, u.Clients, err = db.usageOfClient(ctx, q, dayOf(since))
	} else {
		if u.Steps, err = db.usageSteps(ctx, q, since); err == nil {
			u.Clients, err = db.usageOfBusiest(ctx, q.Tenant, dayOf(since))
		}
	}
	if err == nil {
		u.Through, err = db.usageThrough(ctx, q.Tenant)
	}
	if err != nil {
		return postern.Usage{}, db.fail(err, "usage", "")
	}
	return u, nil
}

// stepOf makes a scan of steps that are counted in so many hours from 1970.
func stepOf(hours int64) func(scanner) (postern.UsageStep, error) {
	return func(r scanner) (s postern.UsageStep, err error) {
		var n int64
		err = r.Scan(&n, &s.Dialect, &s.Issued, &s.Refused)
		s.At = time.UnixMilli(n * hours * hourMillis).UTC()
		return s, err
	}
}

func sortSteps(steps []postern.UsageStep) []postern.UsageStep {
	slices.SortFunc(steps, func(a, b postern.UsageStep) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Dialect, b.Dialect))
	})
	return steps
}

func (db *DB) usageSteps(ctx context.Context, q postern.UsageQuery, since int64) ([]postern.UsageStep, error) {
	if q.Step == time.Hour {
		steps, err := many(ctx, db.read, stepOf(1), `SELECT hour, dialect, issued, refused FROM usage_hours
			WHERE tenant = $1 AND hour >= $2`, q.Tenant, hourOf(since))
		return sortSteps(steps), err
	}
	// Whole numbers are divided into whole ones by both engines.
	steps, err := many(ctx, db.read, stepOf(dayHours), `SELECT hour / 24, dialect, SUM(issued), SUM(refused) FROM usage_hours
		WHERE tenant = $1 AND hour >= $2 GROUP BY hour / 24, dialect`, q.Tenant, dayOf(since)*dayHours)
	return sortSteps(steps), err
}

func scanClientUsage(r scanner) (c postern.ClientUsage, err error) {
	var last int64
	err = r.Scan(&c.ClientID, &c.Issued, &c.Refused, &c.Query, &last)
	c.Last = fromMillis(last)
	return c, err
}

const selectClientUsage = `SELECT client_id, SUM(issued), SUM(refused), SUM(query), MAX(last_at) FROM usage_days WHERE `

// usageOfClient gives the days of a client, and their sum.
func (db *DB) usageOfClient(ctx context.Context, q postern.UsageQuery, day int64) ([]postern.UsageStep, []postern.ClientUsage, error) {
	if q.Tenant == "" {
		c, err := db.Client(ctx, q.ClientID)
		if err != nil {
			return nil, nil, err
		}
		q.Tenant = c.Tenant
	}
	steps, err := many(ctx, db.read, stepOf(dayHours), `SELECT day, dialect, issued, refused FROM usage_days
		WHERE tenant = $1 AND client_id = $2 AND day >= $3`, q.Tenant, q.ClientID, day)
	if err != nil {
		return nil, nil, err
	}
	sum, err := many(ctx, db.read, scanClientUsage, selectClientUsage+`tenant = $1 AND client_id = $2 AND day >= $3 GROUP BY client_id`,
		q.Tenant, q.ClientID, day)
	return sortSteps(steps), sum, err
}

// usageOfBusiest gives the busiest clients since a day.
func (db *DB) usageOfBusiest(ctx context.Context, tenant string, day int64) ([]postern.ClientUsage, error) {
	docs, err := many(ctx, db.read, scanTopDoc, `SELECT tenant, doc FROM usage_tops WHERE tenant = $1 AND day >= $2`, tenant, day)
	if err != nil {
		return nil, err
	}
	type client struct{ tenant, id string }
	sums := map[client]*topRow{}
	for _, d := range docs {
		rows, err := d.read()
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			s := entry(sums, client{r.Tenant, r.ClientID})
			s.Count, s.Refused, s.Query = s.Count+r.Count, s.Refused+r.Refused, s.Query+r.Query
		}
	}
	candidates := make([]topRow, 0, len(sums))
	for c, s := range sums {
		s.Tenant, s.ClientID = c.tenant, c.id
		candidates = append(candidates, *s)
	}
	of := map[string][]string{}
	for _, c := range notable(candidates, usageAddedUp, usageOddAdded) {
		of[c.Tenant] = append(of[c.Tenant], c.ClientID)
	}
	all := map[client]postern.ClientUsage{}
	candidates = candidates[:0]
	for tenant, ids := range of {
		f := filter{}
		f.add(selectClientUsage+`tenant = ? AND day >= ? AND `, tenant, day)
		f.in("client_id", fill(ids))
		f.add(" GROUP BY client_id")
		some, err := many(ctx, db.read, scanClientUsage, f.text.String(), f.args...)
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			all[client{tenant, c.ClientID}] = c
			candidates = append(candidates, topRow{Tenant: tenant, ClientID: c.ClientID, Count: c.Issued + c.Refused, Refused: c.Refused, Query: c.Query})
		}
	}
	var out []postern.ClientUsage
	for _, c := range notable(candidates, usageClients, usageOdd) {
		out = append(out, all[client{c.Tenant, c.ClientID}])
	}
	return out, nil
}

// usageThrough is until when a trail, or all, was counted: the time of the first record
// that was not, and now when there is none.
func (db *DB) usageThrough(ctx context.Context, tenant string) (time.Time, error) {
	now := millis(time.Now())
	text := `SELECT COALESCE(MIN((SELECT a.at FROM audit a WHERE a.tenant = t.tenant AND a.seq = COALESCE(c.seq, 0) + 1)), $1)
		FROM audit_tails t LEFT JOIN tallies c ON c.tenant = t.tenant WHERE t.seq > COALESCE(c.seq, 0)`
	args := []any{now}
	if tenant != "" {
		text, args = text+` AND t.tenant = $2`, append(args, tenant)
	}
	at, err := one(ctx, db.read, scanInt, text, args...)
	return fromMillis(at), err
}

// pruneUsage forgets counts that are older than 400 days.
func (db *DB) pruneUsage(ctx context.Context, now time.Time) error {
	oldest := millis(now.Add(-usageKept))
	tenants, err := many(ctx, db.read, scanText, `SELECT DISTINCT tenant FROM usage_tops WHERE day < $1`, dayOf(oldest))
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		for _, step := range []struct {
			text string
			old  int64
		}{
			{`DELETE FROM usage_hours WHERE tenant = $1 AND (hour, dialect) IN (
				SELECT hour, dialect FROM usage_hours WHERE tenant = $1 AND hour < $2 LIMIT $3)`, dayOf(oldest) * dayHours},
			{`DELETE FROM usage_days WHERE tenant = $1 AND (client_id, day, dialect) IN (
				SELECT client_id, day, dialect FROM usage_days WHERE tenant = $1 AND day < $2 LIMIT $3)`, dayOf(oldest)},
			{`DELETE FROM usage_tops WHERE tenant = $1 AND day IN (
				SELECT day FROM usage_tops WHERE tenant = $1 AND day < $2 LIMIT $3)`, dayOf(oldest)}, // last: it led here
		} {
			if err := db.pruneSome(ctx, counterTally, step.text, tenant, step.old); err != nil {
				return err
			}
		}
	}
	return db.pruneSome(ctx, counterTally, `DELETE FROM refusals WHERE (tenant, client_id, hour, dialect, cause) IN (
		SELECT tenant, client_id, hour, dialect, cause FROM refusals WHERE last_at < $1 ORDER BY last_at LIMIT $2)`, oldest)
}
