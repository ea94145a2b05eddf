package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The busiest clients of a time are found among those of its days, because adding up all
// clients of a month takes too long for a page. Of each day topClients are kept, and
// topOdd each of those that were refused most and that had most credentials in a query.
const (
	topClients = 50
	topOdd     = 20
	// topsAtOnce is how many rows of counts one refresh reads, or those of one day more.
	topsAtOnce = 20_000
	// topsQuick is how many may be read each time; when it was more there is a pause of
	// topsPause for each, so that the refresh of a busy day costs next to nothing.
	topsQuick = 1000
	topsPause = time.Millisecond
)

// topRow is a client and its tokens of a day: all that were asked for, those refused, and
// those with credentials in a query.
type topRow struct {
	Tenant   string `json:"t,omitempty"` // among those of all tenants
	ClientID string `json:"c"`
	Count    int64  `json:"n"`
	Refused  int64  `json:"r,omitempty"`
	Query    int64  `json:"q,omitempty"`
	rows     int64  // of counts that were read for it
}

// topsClock says when the busiest clients may be looked for again.
type topsClock struct {
	mu   sync.Mutex
	next time.Time
}

type staleTop struct {
	tenant string
	day    int64
	mark   int64
}

func scanStaleTop(r scanner) (s staleTop, err error) { return s, r.Scan(&s.tenant, &s.day, &s.mark) }

func scanTop(r scanner) (t topRow, err error) {
	return t, r.Scan(&t.ClientID, &t.Count, &t.Refused, &t.Query, &t.rows)
}

// refreshTops looks for the busiest clients of the days that were counted since the last
// time, the newest first, and says whether there is more to be done now.
func (db *DB) refreshTops(ctx context.Context, now time.Time) (more bool, err error) {
	db.tops.mu.Lock()
	defer db.tops.mu.Unlock()
	if now.Before(db.tops.next) && db.tops.next.Sub(now) < time.Hour { // a clock that was set back waits for nothing
		return false, nil
	}
	// Those of all tenants, whose tenant is empty, come last: they are made of the others.
	stale, err := many(ctx, db.read, scanStaleTop,
		`SELECT tenant, day, stale FROM usage_tops WHERE stale <> 0 ORDER BY day DESC, tenant DESC LIMIT $1 + 0`, tallyChains)
	read := int64(0)
	for i := 0; i < len(stale) && err == nil && read < topsAtOnce; i++ {
		var rows int64
		rows, err = db.refreshTop(ctx, stale[i])
		read += rows
		more = i+1 < len(stale) || len(stale) == tallyChains
	}
	if read > topsQuick && !more {
		db.tops.next = now.Add(time.Duration(read) * topsPause)
	}
	return more && err == nil, err
}

// refreshTop looks for the busiest clients of a day and gives how many rows it read.
func (db *DB) refreshTop(ctx context.Context, s staleTop) (read int64, err error) {
	var top []topRow
	if s.tenant == "" {
		top, read, err = db.topOfAll(ctx, s.day)
	} else {
		top, err = many(ctx, db.read, scanTop, `SELECT client_id, SUM(issued) + SUM(refused), SUM(refused), SUM(query), COUNT(*)
			FROM usage_days
			WHERE tenant = $1 AND day = $2 GROUP BY client_id`, s.tenant, s.day)
		for _, t := range top {
			read += t.rows
		}
		top = notable(top, topClients, topOdd)
	}
	if err != nil {
		return read, err
	}
	doc, err := json.Marshal(top)
	if err != nil {
		return read, err // impossible: texts and numbers
	}
	// What was counted meanwhile has left another mark, and is looked at the next time.
	return read, db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := takeCounter(ctx, tx, counterTally); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE usage_tops SET doc = $3, stale = 0 WHERE tenant = $1 AND day = $2 AND stale = $4`,
			s.tenant, s.day, string(doc), s.mark)
		return err
	})
}

// topOfAll gives the busiest clients of a day in all tenants.
func (db *DB) topOfAll(ctx context.Context, day int64) (all []topRow, read int64, err error) {
	docs, err := many(ctx, db.read, scanTopDoc, `SELECT tenant, doc FROM usage_tops WHERE day = $1 AND tenant <> ''`, day)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range docs {
		rows, err := d.read()
		if err != nil {
			return nil, read, err
		}
		read += int64(len(rows))
		all = append(all, rows...)
	}
	return notable(all, topClients, topOdd), read, nil
}

type topDoc struct{ tenant, doc string }

func scanTopDoc(r scanner) (d topDoc, err error) { return d, r.Scan(&d.tenant, &d.doc) }

// read gives the clients of a day, each with its tenant.
func (d topDoc) read() ([]topRow, error) {
	rows, err := list[topRow](d.doc)
	if err != nil {
		return nil, fmt.Errorf("read the busiest clients of %s: %w", d.tenant, err)
	}
	for i := range rows {
		if rows[i].Tenant == "" {
			rows[i].Tenant = d.tenant
		}
	}
	return rows, nil
}

// notable gives the rows with the most tokens, so many, and then so many each of those
// that were refused most and that had most credentials in a query, if they are not among
// the first. They are in order of their tokens.
func notable(rows []topRow, busy, odd int) []topRow {
	by := func(count func(*topRow) int64) {
		slices.SortFunc(rows, func(a, b topRow) int {
			return cmp.Or(cmp.Compare(count(&b), count(&a)), strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Tenant, b.Tenant))
		})
	}
	type client struct{ tenant, id string }
	seen := map[client]bool{}
	var out []topRow
	for _, w := range []struct {
		limit int
		count func(*topRow) int64
	}{
		{odd, func(r *topRow) int64 { return r.Refused }},
		{odd, func(r *topRow) int64 { return r.Query }},
		{busy, func(r *topRow) int64 { return r.Count }},
	} {
		by(w.count)
		for i := range rows[:min(w.limit, len(rows))] {
			if c := (client{rows[i].Tenant, rows[i].ClientID}); w.count(&rows[i]) > 0 && !seen[c] {
				seen[c] = true
				out = append(out, rows[i])
			}
		}
	}
	rows = out
	by(func(r *topRow) int64 { return r.Count })
	return out
}
