package store

import (
	"context"
	"time"

	"postern.dev/postern"
)

// Bounds of one call of SearchEvents: how many records it looks at, and for how long; so
// many at once.
const (
	searchRecords = 20_000
	searchAtOnce  = 2000
	searchFor     = 20 * time.Millisecond
)

// SearchEvents gives a page of events of one tenant, newest first. A page without filters
// costs the same however long the trail is. With a filter a call looks at no more than
// 20,000 records and stops after 20 ms, and may find few or none of those there are: Next
// says where to go on. A time is found at once as far as the trail was counted (see
// Tally). It fails with Invalid for a filter out of bounds.
func (db *DB) SearchEvents(ctx context.Context, f postern.EventFilter) (page postern.EventPage, err error) {
	if f.Limit == 0 {
		f.Limit = 100
	}
	if f.Tenant == "" || f.Limit < 1 || f.Limit > 1000 {
		return page, postern.Errorf(postern.Invalid, "events are read for one tenant, 1 to 1000 at a time")
	}
	parts, err := db.searchParts(ctx, &f)
	if err != nil {
		return page, db.fail(err, "event", "")
	}
	begun, looked := time.Now(), int64(0)
	for i := 0; i < len(parts); {
		p := &parts[i]
		if len(page.Events) == f.Limit || looked >= searchRecords || looked > 0 && time.Since(begun) > searchFor {
			page.Next = p.to
			return page, nil
		}
		// What has no filter is full long before.
		from := max(p.from, p.to-max(searchAtOnce, int64(f.Limit)))
		some, err := db.searchPart(ctx, &f, part{from, p.to}, f.Limit-len(page.Events))
		if err != nil {
			return page, db.fail(err, "event", "")
		}
		page.Events = append(page.Events, some...)
		if len(page.Events) == f.Limit { // the rest may have more
			from = some[len(some)-1].Seq
		}
		looked += p.to - from
		if p.to = from; p.to <= p.from {
			i++
		}
	}
	return page, nil
}

// part is the records of a trail from a number on, up to one before another.
type part struct{ from, to int64 }

type trailRow struct{ tail, counted, first, last int64 }

func scanTrail(r scanner) (t trailRow, err error) {
	return t, r.Scan(&t.tail, &t.counted, &t.first, &t.last)
}

// searchParts gives the parts of a trail in which there can be what is looked for, the
// newest first: where the trail was counted, the hours that the filter names, and
// everything behind.
func (db *DB) searchParts(ctx context.Context, f *postern.EventFilter) ([]part, error) {
	since, until := int64(farPast), int64(farFuture)
	if !f.Since.IsZero() {
		since = hourOf(f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		until = hourOf(f.Until.UnixMilli() - 1)
	}
	var t trailRow
	var err error
	if f.Since.IsZero() && f.Until.IsZero() {
		t, err = one(ctx, db.read, scanTrail, `SELECT COALESCE((SELECT seq FROM audit_tails WHERE tenant = $1), 0), 0, 0, 0`, f.Tenant)
	} else {
		t, err = one(ctx, db.read, scanTrail, `SELECT
			COALESCE((SELECT seq FROM audit_tails WHERE tenant = $1), 0), COALESCE((SELECT seq FROM tallies WHERE tenant = $1), 0),
			COALESCE((SELECT MIN(first_seq) FROM audit_hours WHERE tenant = $1 AND hour >= $2 AND hour <= $3), 0),
			COALESCE((SELECT MAX(last_seq) FROM audit_hours WHERE tenant = $1 AND hour >= $2 AND hour <= $3), 0)`,
			f.Tenant, since, until)
	}
	if err != nil {
		return nil, err
	}
	parts := []part{{t.counted + 1, t.tail + 1}}
	if t.last > 0 {
		parts = append(parts, part{t.first, t.last + 1})
	}
	var out []part
	for _, p := range parts {
		if f.Before > 0 {
			p.to = min(p.to, f.Before)
		}
		if p.from < p.to {
			out = append(out, p)
		}
	}
	return out, nil
}

// searchPart gives at most limit of the events of a part that the filter lets pass.
func (db *DB) searchPart(ctx context.Context, f *postern.EventFilter, p part, limit int) ([]postern.Event, error) {
	w := filter{}
	w.add(`SELECT tenant, seq, body, hash FROM audit WHERE tenant = ? AND seq >= ? AND seq < ?`, f.Tenant, p.from, p.to)
	if f.Action != "" {
		w.also("action = ?", f.Action)
	}
	if f.ClientID != "" {
		w.also("client_id = ?", f.ClientID)
	}
	if !f.Since.IsZero() {
		w.also("at >= ?", f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		w.also("at < ?", f.Until.UnixMilli())
	}
	w.add(" ORDER BY seq DESC")
	w.limit(limit, 0)
	all, err := many(ctx, db.read, scanEvent, w.text.String(), w.args...)
	return all[:min(limit, len(all))], err
}

const (
	hourMillis = int64(time.Hour / time.Millisecond)
	dayHours   = 24
)

// hourOf gives the hour, counted from 1970, of a time in milliseconds.
func hourOf(ms int64) int64 {
	if ms < 0 {
		ms -= hourMillis - 1
	}
	return ms / hourMillis
}

// dayOf gives the day of it, in UTC.
func dayOf(ms int64) int64 {
	h := hourOf(ms)
	if h < 0 {
		h -= dayHours - 1
	}
	return h / dayHours
}
