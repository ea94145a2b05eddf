package store

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// counterTally locks what is counted: one node counts at a time, and it is taken before
// any row of the counts.
const counterTally = "tally"

// Bounds of one Tally.
const (
	tallyChains  = 256
	tallyRecords = 4096
	tallyPage    = 512 // records that are read at once
	// tallyRows is how many rows of counts it changes, or a few more: SQLite's only
	// writer must not be held for long.
	tallyRows = 256
)

// usageKept is how long counts are kept.
const usageKept = 400 * 24 * time.Hour

// errCounted says that another node has counted meanwhile.
var errCounted = errors.New("counted by another node")

// Tally counts the next records of the audit trails, so that Usage and Refusals need not
// read them, and says whether there are more to be counted now. It is to be called from
// time to time, by any number of nodes, and again while there is more. Each record is
// counted once, whatever happens: how far a trail was counted is kept in the same
// transaction as the counts, and two nodes that count the same do it once. What is older
// than 400 days at now is not counted.
func (db *DB) Tally(ctx context.Context, now time.Time) (more bool, err error) {
	t, err := db.tallyNext(ctx, now)
	if err == nil && len(t.chains) > 0 {
		err = db.engine.write(ctx, func(ctx context.Context, tx session) error { return t.write(ctx, tx, db.name) })
	}
	switch {
	case errors.Is(err, errCounted):
		return true, nil
	case err != nil || t.more:
		return err == nil, db.fail(err, "usage", "")
	}
	more, err = db.refreshTops(ctx, now)
	return more, db.fail(err, "usage", "")
}

// tally is what was counted of some trails, and not yet written.
type tally struct {
	chains   []tallyChain
	more     bool
	oldest   int64 // older ones are not counted
	spans    map[spanKey]*span
	hours    map[hourKey]*hourCount
	days     map[dayKey]*dayCount
	refusals map[refusalKey]*refusalCount
}

// tallyChain is a trail that is counted from after one record to another.
type tallyChain struct {
	tenant   string
	seq, end int64
}

type (
	spanKey struct {
		tenant string
		hour   int64
	}
	span struct{ first, last int64 }

	hourKey struct {
		tenant  string
		hour    int64
		dialect string
	}
	hourCount struct{ issued, refused int64 }

	dayKey struct {
		tenant, clientID string
		day              int64
		dialect          string
	}
	dayCount struct{ issued, refused, query, last int64 }

	refusalKey struct {
		tenant, clientID string
		hour             int64
		dialect, cause   string
	}
	refusalCount struct {
		count, last int64
		source      string
	}
)

func scanTallyChain(r scanner) (c tallyChain, err error) { return c, r.Scan(&c.tenant, &c.seq, &c.end) }

// tallyNext counts the next records. Trails with little to be counted come first, so that
// none waits for a busy one.
func (db *DB) tallyNext(ctx context.Context, now time.Time) (*tally, error) {
	t := &tally{oldest: millis(now.Add(-usageKept)), spans: map[spanKey]*span{}, hours: map[hourKey]*hourCount{},
		days: map[dayKey]*dayCount{}, refusals: map[refusalKey]*refusalCount{}}
	behind, err := many(ctx, db.read, scanTallyChain, `SELECT t.tenant, COALESCE(c.seq, 0), t.seq
		FROM audit_tails t LEFT JOIN tallies c ON c.tenant = t.tenant WHERE t.seq > COALESCE(c.seq, 0)
		ORDER BY t.seq - COALESCE(c.seq, 0), t.tenant LIMIT $1 + 0`, tallyChains+1)
	if err != nil {
		return t, err
	}
	room := tallyRecords
	for i, c := range behind {
		if i == tallyChains || room == 0 || t.rows() >= tallyRows {
			t.more = true
			break
		}
		n, err := db.tallyChain(ctx, t, &c, room)
		if err != nil {
			return t, err
		}
		room -= n
		t.chains = append(t.chains, c)
	}
	return t, nil
}

// tallyRecord is a record as it is counted. What columns say is in the body too.
type tallyRecord struct {
	seq  int64
	body string
}

func scanTallyRecord(r scanner) (v tallyRecord, err error) { return v, r.Scan(&v.seq, &v.body) }

// tallyChain counts at most so many records of a trail, sets its end to the last one, and
// gives how many they were.
func (db *DB) tallyChain(ctx context.Context, t *tally, c *tallyChain, room int) (n int, err error) {
	for end, after := c.end, c.seq; ; {
		records, err := many(ctx, db.read, scanTallyRecord, `SELECT seq, body FROM audit
			WHERE tenant = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4 + 0`, c.tenant, after, end, tallyPage)
		if err != nil {
			return n, err
		}
		for i := range records {
			t.add(c.tenant, &records[i])
			n++
			if after = records[i].seq; after < end && (n == room || t.rows() >= tallyRows) {
				c.end, t.more = after, true
				return n, nil
			}
		}
		if len(records) < tallyPage || after == end {
			return n, nil // all there is, even if somebody took records away
		}
	}
}

// rows is how many rows are changed.
func (t *tally) rows() int { return len(t.spans) + len(t.hours) + len(t.days) + len(t.refusals) }

// add counts a record.
func (t *tally) add(tenant string, r *tallyRecord) {
	var ev eventRow
	if !ev.glance(r.body) {
		ev = eventRow{}
		if json.Unmarshal([]byte(r.body), &ev) != nil {
			return // whoever wrote that has broken the chain, which is for VerifyChain to say
		}
	}
	hour := hourOf(ev.At)
	s := entry(t.spans, spanKey{tenant, hour})
	if s.first == 0 || r.seq < s.first {
		s.first = r.seq
	}
	s.last = max(s.last, r.seq)
	var refused bool
	switch ev.Action {
	case postern.ActTokenIssued, postern.ActTokenReused:
	case postern.ActTokenRefused, postern.ActThrottled:
		refused = true
	default:
		return
	}
	if ev.At < t.oldest {
		return
	}
	issued, refusals := int64(1), int64(0)
	if refused {
		issued, refusals = 0, 1
	}
	for _, of := range []string{tenant, ""} {
		h := entry(t.hours, hourKey{of, hour, cleanText(ev.Dialect)})
		h.issued, h.refused = h.issued+issued, h.refused+refusals
	}
	// Of nobody's clients there can be any number.
	if tenant == postern.SystemTenant || ev.ClientID == "" {
		return
	}
	d := entry(t.days, dayKey{tenant, cleanText(ev.ClientID), dayOf(ev.At), cleanText(ev.Dialect)})
	d.issued, d.refused, d.last = d.issued+issued, d.refused+refusals, max(d.last, ev.At)
	if ev.Via == postern.ViaQuery {
		d.query++
	}
	if refused {
		c := entry(t.refusals, refusalKey{tenant, cleanText(ev.ClientID), hour, cleanText(ev.Dialect), cleanText(ev.Cause)})
		c.count++
		if ev.At >= c.last {
			c.last, c.source = ev.At, cleanText(ev.Source)
		}
	}
}

func entry[K comparable, V any](m map[K]*V, key K) *V {
	v := m[key]
	if v == nil {
		v = new(V)
		m[key] = v
	}
	return v
}

// glance reads what is counted of a body without reading all of it, because this is done
// for every token, and says whether it could. Inside a value a quote is written \", so
// that the name of a field can stand nowhere else.
func (e *eventRow) glance(body string) bool {
	rest, ok := strings.CutPrefix(body, `{"at":`)
	at, _, more := strings.Cut(rest, ",")
	if !ok || !more {
		return false
	}
	var err error
	if e.At, err = strconv.ParseInt(at, 10, 64); err != nil {
		return false
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{`,"action":"`, &e.Action}, {`,"client_id":"`, &e.ClientID}, {`,"dialect":"`, &e.Dialect}, {`,"via":"`, &e.Via},
		{`,"source":"`, &e.Source}, {`,"cause":"`, &e.Cause}} {
		if e.Action == postern.ActTokenIssued && f.to == &e.Source {
			break // the usual one, of which nothing else is counted
		}
		if *f.to, ok = glance(body, f.name); !ok {
			return false
		}
	}
	return true
}

// glance gives the value of a field, "" when it is not there, and whether it can be read
// so: not when something in it is escaped.
func glance(body, name string) (string, bool) {
	i := strings.Index(body, name)
	if i < 0 {
		return "", true
	}
	value, _, ok := strings.Cut(body[i+len(name):], `"`)
	return value, ok && strings.IndexByte(value, '\\') < 0
}
