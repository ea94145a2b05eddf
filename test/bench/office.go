package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// The office with all that it may have to show: what the pages of operators ask of the
// database, and then the pages as a browser gets them from the real server.
const (
	officeClients = 10_000
	officeDays    = 30
	officeBurst   = 16 // tokens that a client gets one after the other
	officeBatch   = 4096
	officeAsked   = 60 // times that each question is asked
)

// officeRecords is how many records the audit trail has.
func (s settings) officeRecords() int {
	if s.quick {
		return million
	}
	return 10 * million
}

// officeAsk is a question of the office's.
type officeAsk struct {
	name string
	ask  func(ctx context.Context, db *store.DB, n int) (rows int, err error)
}

const (
	officeFirst = "first page of 50 events"
	ofShort     = ", of a short trail"
)

// officeRun is a question with how long it took.
type officeRun struct {
	Engine, Ask   string
	Records, Rows int
	Bytes         int     `json:",omitempty"` // of a page
	P50, P99      float64 // ms
}

// officeName names the rows of an engine, for the flag.
func officeName(engine string) string { return "office, " + engine }

func (s settings) wantsOffice() bool {
	return slices.ContainsFunc(engines, func(e string) bool { return s.only.MatchString(officeName(e)) })
}

var engines = []string{"SQLite", "PostgreSQL"}

// measureOffice asks what the console asks, on each engine.
func (h *house) measureOffice(ctx context.Context, rep *report) error {
	for _, engine := range engines {
		if !h.only.MatchString(officeName(engine)) || engine == "PostgreSQL" && h.settings.postgres == "" {
			continue
		}
		if err := h.measureOfficeOn(ctx, engine, rep); err != nil {
			return fmt.Errorf("%s: %w", officeName(engine), err)
		}
	}
	return nil
}

func (h *house) measureOfficeOn(ctx context.Context, engine string, rep *report) (err error) {
	d, err := h.prepare(ctx, row{people: machines(officeClients, postern.ES256), postgres: engine == "PostgreSQL"})
	if err != nil {
		return err
	}
	defer d.drop()
	db, err := store.Open(ctx, d.dsn, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	begun := time.Now()
	if err := h.fillTrail(ctx, db, 0, officeBatch); err != nil {
		return err
	}
	if err := h.askOffice(ctx, db, engine, officeBatch, officeAsk{officeFirst + ofShort, firstEvents}, rep); err != nil {
		return err
	}
	short := []officePage{{auditFirst + ofShort, fixed("/console/audit?tenant=" + hrTenant)}}
	if err := h.askPages(ctx, d, engine, officeBatch, short, rep); err != nil {
		return err
	}
	records := h.officeRecords()
	if err := h.fillTrail(ctx, db, officeBatch, records); err != nil {
		return err
	}
	filled := time.Since(begun)
	counting, err := h.count(ctx, db)
	if err != nil {
		return err
	}
	if h.admin != nil && engine == "PostgreSQL" { // as autovacuum does after a while
		if _, err := h.admin.ExecContext(ctx, "VACUUM ANALYZE"); err != nil {
			return err
		}
	}
	rep.Counts = append(rep.Counts, officeCount{Engine: engine, Records: records, Seconds: counting.Seconds(), Filled: filled.Seconds()})
	for _, a := range officeAsks {
		if err := h.askOffice(ctx, db, engine, records, a, rep); err != nil {
			return err
		}
	}
	return h.askPages(ctx, d, engine, records, officePages(), rep)
}

// officeCount is how long it took to count a trail.
type officeCount struct {
	Engine          string
	Records         int
	Seconds, Filled float64
}

// count counts everything, as a server that was just brought up to date does.
func (h *house) count(ctx context.Context, db *store.DB) (time.Duration, error) {
	begun := time.Now()
	for n := 0; ; n++ {
		more, err := db.Tally(ctx, officeEnd())
		if err != nil || !more {
			return time.Since(begun), err
		}
		if n%100 == 0 {
			h.say("counting: part %d", n)
		}
	}
}

// officeEnd is when the last record was made: the end of a day, and the same all day.
func officeEnd() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }

// officeStart is when the first was made.
func officeStart() time.Time { return officeEnd().Add(-officeDays * 24 * time.Hour) }

// fillTrail writes the records from one number to another. One of a hundred is a refusal.
func (h *house) fillTrail(ctx context.Context, db *store.DB, from, to int) error {
	p, all := machines(officeClients, postern.ES256), make([]string, officeClients)
	for i := range all {
		all[i] = p.credential(i).id
	}
	step := officeDays * 24 * time.Hour / time.Duration(h.officeRecords())
	entries := make([]*postern.Entry, 0, officeBatch)
	for i := from; i < to; i++ {
		ev := postern.Event{Tenant: hrTenant, At: officeStart().Add(time.Duration(i) * step), Action: postern.ActTokenIssued,
			ClientID: all[i/officeBurst*7919%officeClients], Dialect: []string{"oauth2", "personio-v2", "personio-v1", "personify"}[i/officeBurst%4],
			Grant: postern.GrantClientCredentials, TokenID: "0193550a1b2c7d3e4f5061728394a5b6", Scope: "personio:absences:read personio:persons:read",
			Audience: "https://hr.example.com/api", KeyID: "5f3c1a9be2d04877", Via: postern.ViaForm, Source: "192.0.2.17", RequestID: "01j9zq4t7m3k8v5x2c6b1n0d"}
		ev.Actor = "client:" + ev.ClientID
		if i%100 == 99 {
			ev.Action, ev.TokenID, ev.Scope, ev.Code, ev.Cause = postern.ActTokenRefused, "", "", postern.Unauthenticated, "wrong secret"
		}
		if entries = append(entries, &postern.Entry{Event: ev}); len(entries) < officeBatch && i+1 < to {
			continue
		}
		if i/officeBatch%100 == 0 {
			h.say("writing the audit trail: %s of %s records", thousands(i), thousands(h.officeRecords()))
		}
		if err := db.Append(ctx, entries); err != nil {
			return err
		}
		entries = entries[:0]
	}
	return nil
}

// askOffice asks one question again and again.
func (h *house) askOffice(ctx context.Context, db *store.DB, engine string, records int, a officeAsk, rep *report) error {
	h.say("%s: %s", officeName(engine), a.name)
	took, rows := make([]float64, 0, officeAsked), 0
	for n := range officeAsked + 3 {
		begun := time.Now()
		some, err := a.ask(ctx, db, n)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		if n >= 3 { // warm
			took = append(took, millis(time.Since(begun)))
			rows = max(rows, some)
		}
	}
	slices.Sort(took)
	rep.Office = append(rep.Office, officeRun{Engine: engine, Ask: a.name, Records: records, Rows: rows, P50: median(took), P99: took[len(took)*99/100]})
	return nil
}

func firstEvents(ctx context.Context, db *store.DB, _ int) (int, error) {
	return events(ctx, db, postern.EventFilter{})
}

func events(ctx context.Context, db *store.DB, f postern.EventFilter) (int, error) {
	f.Tenant, f.Limit = hrTenant, 50
	p, err := db.SearchEvents(ctx, f)
	return len(p.Events), err
}

// client gives one of the clients.
func officeClient(n int) string {
	return machines(officeClients, postern.ES256).credential(n * 997 % officeClients).id
}

var officeAsks = []officeAsk{
	{officeFirst, firstEvents},
	{"50 refusals", func(ctx context.Context, db *store.DB, _ int) (int, error) {
		return events(ctx, db, postern.EventFilter{Action: postern.ActTokenRefused})
	}},
	{"50 events of a client", func(ctx context.Context, db *store.DB, n int) (int, error) {
		return events(ctx, db, postern.EventFilter{ClientID: officeClient(n)})
	}},
	{"events of an action there is none of", func(ctx context.Context, db *store.DB, _ int) (int, error) {
		return events(ctx, db, postern.EventFilter{Action: postern.ActImported})
	}},
	{"refusals of an hour in the middle", func(ctx context.Context, db *store.DB, n int) (int, error) {
		at := officeStart().Add(time.Duration(n) * 11 * time.Hour)
		return events(ctx, db, postern.EventFilter{Action: postern.ActTokenRefused, Since: at, Until: at.Add(time.Hour)})
	}},
	{"a page of 50 clients", func(ctx context.Context, db *store.DB, n int) (int, error) {
		return clients(ctx, db, postern.ClientQuery{Paging: postern.Paging{Limit: 50, After: officeClient(n)[:2]}})
	}},
	{"a search that finds 50 clients", func(ctx context.Context, db *store.DB, _ int) (int, error) {
		return clients(ctx, db, postern.ClientQuery{Text: "CLIENT 1", Paging: postern.Paging{Limit: 50}})
	}},
	{"a search that finds one client", func(ctx context.Context, db *store.DB, n int) (int, error) {
		return clients(ctx, db, postern.ClientQuery{Text: fmt.Sprint("client ", 1000+n), Paging: postern.Paging{Limit: 50}})
	}},
	{"usage of a day by the hour", usageOf(postern.UsageQuery{Tenant: hrTenant, Step: time.Hour}, 1)},
	{"usage of 30 days by the hour", usageOf(postern.UsageQuery{Tenant: hrTenant, Step: time.Hour}, officeDays)},
	{"usage of 30 days by the day, all tenants", usageOf(postern.UsageQuery{Step: 24 * time.Hour}, officeDays)},
	{"usage of a client", func(ctx context.Context, db *store.DB, n int) (int, error) {
		return usageOf(postern.UsageQuery{Tenant: hrTenant, ClientID: officeClient(n), Step: 24 * time.Hour}, officeDays)(ctx, db, n)
	}},
	{"refusals of a client", func(ctx context.Context, db *store.DB, n int) (int, error) {
		all, err := db.Refusals(ctx, hrTenant, officeClient(n))
		return len(all), err
	}},
	{"secrets that end soon", func(ctx context.Context, db *store.DB, _ int) (int, error) {
		all, err := db.ExpiringSecrets(ctx, "", time.Now(), time.Now().Add(officeDays*24*time.Hour), 50)
		return len(all), err
	}},
}

func clients(ctx context.Context, db *store.DB, q postern.ClientQuery) (int, error) {
	q.Tenant = hrTenant
	p, err := db.SearchClients(ctx, q)
	return len(p.Items), err
}

func usageOf(q postern.UsageQuery, days int) func(ctx context.Context, db *store.DB, _ int) (int, error) {
	return func(ctx context.Context, db *store.DB, _ int) (int, error) {
		q.Since = officeEnd().Add(-time.Duration(days) * 24 * time.Hour)
		u, err := db.Usage(ctx, q)
		return len(u.Steps) + len(u.Clients), err
	}
}

// office writes the table of questions.
func (r *report) office(b *strings.Builder) {
	b.WriteString("What the office asks of the database, and pages of the console from the real server, one at a time.\n\n")
	for _, o := range r.Office {
		if o.Bytes > 0 {
			fmt.Fprintf(b, "%-66s  %10s records  %4d KiB  p50 %7.2f ms  p99 %7.2f ms\n", officeName(o.Engine)+": "+o.Ask, thousands(o.Records), o.Bytes>>10, o.P50, o.P99)
			continue
		}
		fmt.Fprintf(b, "%-66s  %10s records  %4d rows  p50 %7.2f ms  p99 %7.2f ms\n", officeName(o.Engine)+": "+o.Ask, thousands(o.Records), o.Rows, o.P50, o.P99)
	}
	for _, c := range r.Counts {
		fmt.Fprintf(b, "%s: counted %s records in %.0f s, %.1f µs each, after they were written in %.0f s\n", officeName(c.Engine),
			thousands(c.Records), c.Seconds, c.Seconds*1e6/float64(c.Records), c.Filled)
	}
}

// requiredOffice compares each question and each page with its bound, and the first page
// of a long trail with that of a short one.
func (r *report) requiredOffice() (out []string) {
	short := map[string]float64{}
	for _, o := range r.Office {
		if before, ok := strings.CutSuffix(o.Ask, ofShort); ok {
			short[o.Engine+before] = o.P50
			continue
		}
		out = append(out, verdict(o.P50 < maxOffice, "%s: %s: %.2f ms with %s records (under %d)", officeName(o.Engine), o.Ask, o.P50, thousands(o.Records), maxOffice))
		if before := short[o.Engine+o.Ask]; before > 0 {
			// Of what takes a millisecond or two, another is the neighbours'.
			out = append(out, verdict(o.P50 <= maxGrowth*before+1, "%s: %s takes %.2f times as long with %s records as with %s (at most %.1f)",
				officeName(o.Engine), o.Ask, o.P50/before, thousands(o.Records), thousands(officeBatch), maxGrowth))
		}
	}
	return out
}
