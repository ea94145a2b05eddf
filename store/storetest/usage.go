package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// noon is the middle of a day, so that hours around it are of the same one.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func token(tenant, client, action, dialect string, when time.Time) *postern.Entry {
	e := &postern.Entry{Event: postern.Event{Tenant: tenant, At: when, Action: action, ClientID: client, Dialect: dialect, Via: postern.ViaForm,
		Source: "192.0.2.1"}}
	if action == postern.ActTokenRefused || action == postern.ActThrottled {
		e.Event.Cause = "wrong secret"
	}
	return e
}

// tallied counts until there is no more.
func tallied(t testing.TB, db *store.DB) {
	t.Helper()
	for more, n := true, 0; more; n++ {
		var err error
		more, err = db.Tally(t.Context(), noon.Add(time.Hour))
		must(t, err)
		if n > 1000 {
			t.Fatal("it counts for ever")
		}
	}
}

func usage(t testing.TB, db *store.DB, q postern.UsageQuery) postern.Usage {
	t.Helper()
	if q.Step == 0 {
		q.Step = 24 * time.Hour
	}
	u, err := db.Usage(t.Context(), q)
	must(t, err)
	return u
}

// sums gives what was issued and refused since the day of noon.
func sums(t testing.TB, db *store.DB, tenant string) (issued, refused int64) {
	t.Helper()
	for _, s := range usage(t, db, postern.UsageQuery{Tenant: tenant, Since: noon}).Steps {
		issued, refused = issued+s.Issued, refused+s.Refused
	}
	return issued, refused
}

var usageTests = []test{
	{"tokens are counted by hour, dialect and tenant", on(usageByHour)},
	{"tokens are counted by day and client, the busiest first", on(usageByClient)},
	{"each record is counted once, however many nodes count at the same time", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			const writers, rounds, batch = 4, 12, 40
			nodes := []*store.DB{db, d.Open(t), d.Open(t)}
			for _, err := range together(writers+len(nodes), func(i int) error {
				for n := range rounds {
					if i < writers {
						var all []*postern.Entry
						for k := range batch {
							all = append(all, token([]string{"acme", "other"}[k%2], "c"+itoa(k%7), postern.ActTokenIssued, "d", noon.Add(time.Duration(n)*time.Second)))
						}
						if err := nodes[i%2].Append(t.Context(), all); err != nil {
							return err
						}
						continue
					}
					if _, err := nodes[i-writers].Tally(t.Context(), noon); err != nil {
						return err
					}
				}
				return nil
			}) {
				must(t, err)
			}
			tallied(t, nodes[2])
			tallied(t, nodes[0])
			for tenant, want := range map[string]int64{"": writers * rounds * batch, "acme": writers * rounds * batch / 2, "other": writers * rounds * batch / 2} {
				issued, _ := sums(t, db, tenant)
				same(t, issued, want)
				var clients int64
				for _, c := range usage(t, db, postern.UsageQuery{Tenant: tenant, Since: noon}).Clients {
					clients += c.Issued
				}
				same(t, clients, want)
			}
		})(t, d)
	}},
	{"counting that fails half way counts nothing, and all of it the next time", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			must(t, db.Append(t.Context(), []*postern.Entry{token("acme", "c1", postern.ActTokenIssued, "d", noon),
				token("acme", "c1", postern.ActTokenRefused, "d", noon)}))
			_, err := d.SQL.ExecContext(t.Context(), `ALTER TABLE refusals RENAME TO hidden`)
			must(t, err)
			for range 3 {
				if _, err := db.Tally(t.Context(), noon); err == nil {
					t.Fatal("no error")
				}
			}
			_, err = d.SQL.ExecContext(t.Context(), `ALTER TABLE hidden RENAME TO refusals`)
			must(t, err)
			issued, refused := sums(t, db, "acme")
			same(t, []int64{issued, refused}, []int64{0, 0})
			tallied(t, d.Open(t))
			issued, refused = sums(t, db, "acme")
			same(t, []int64{issued, refused}, []int64{1, 1})
		})(t, d)
	}},
	{"much is counted in parts, and little does not wait for it", on(func(t *testing.T, db *store.DB) {
		many := make([]*postern.Entry, 10_000)
		for i := range many {
			many[i] = token("acme", "c"+itoa(i%3), postern.ActTokenIssued, "d", noon)
		}
		must(t, db.Append(t.Context(), many))
		must(t, db.Append(t.Context(), []*postern.Entry{token("other", "c9", postern.ActTokenIssued, "d", noon)}))
		more, err := db.Tally(t.Context(), noon)
		must(t, err)
		issued, _ := sums(t, db, "other")
		part, _ := sums(t, db, "acme")
		if !more || issued != 1 || part == 0 || part >= 5000 {
			t.Errorf("the first time: more %v, %d of other and %d of acme", more, issued, part)
		}
		u := usage(t, db, postern.UsageQuery{Tenant: "acme", Since: noon})
		same(t, u.Through, noon)
		tallied(t, db)
		part, _ = sums(t, db, "acme")
		same(t, part, int64(10_000))
	})},
	{"the clients of a part are bounded as well", on(func(t *testing.T, db *store.DB) {
		many := make([]*postern.Entry, 2000)
		for i := range many {
			many[i] = token("acme", "c"+itoa(i), postern.ActTokenIssued, "d", noon)
		}
		must(t, db.Append(t.Context(), many))
		more, err := db.Tally(t.Context(), noon)
		must(t, err)
		part, _ := sums(t, db, "acme")
		if !more || part == 0 || part > 600 {
			t.Errorf("more %v after %d clients", more, part)
		}
		tallied(t, db)
		part, _ = sums(t, db, "acme")
		same(t, part, int64(2000))
	})},
	{"of clients that nobody has only the hour is counted", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			var all []*postern.Entry
			for i := range 300 {
				all = append(all, token(postern.SystemTenant, "guess"+itoa(i), postern.ActTokenRefused, "d", noon))
			}
			must(t, db.Append(t.Context(), all))
			tallied(t, db)
			_, refused := sums(t, db, postern.SystemTenant)
			_, together := sums(t, db, "")
			same(t, []int64{refused, together}, []int64{300, 300})
			var rows int
			must(t, d.SQL.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM usage_days) + (SELECT COUNT(*) FROM refusals)`).Scan(&rows))
			same(t, rows, 0)
		})(t, d)
	}},
	{"refusals are grouped by hour and cause, and the last fifty are kept", on(refusals)},
	{"what is older than four hundred days is neither counted nor kept", on(oldUsage)},
	{"events are searched as they are listed", on(searchLikeList)},
	{"a search reads a part of a long trail at a time", on(searchInParts)},
	{"a time is found where it is, even when clocks went back", on(searchByTime)},
}

func usageByHour(t *testing.T, db *store.DB) {
	ctx := t.Context()
	issued, reused, refused, throttled := postern.ActTokenIssued, postern.ActTokenReused, postern.ActTokenRefused, postern.ActThrottled
	must(t, db.Append(ctx, []*postern.Entry{
		token("acme", "c1", issued, "a", noon), token("acme", "c1", reused, "a", noon.Add(59*time.Minute)),
		token("acme", "c2", refused, "b", noon.Add(time.Hour)), token("acme", "c2", throttled, "b", noon.Add(time.Hour)),
		token("acme", "c2", issued, "a", noon.Add(-time.Millisecond)), token("acme", "c2", issued, "quote\"\\", noon),
		token("other", "c3", issued, "a", noon), token(postern.SystemTenant, "", refused, "a", noon), token("acme", "c1", postern.ActToolCalled, "a", noon),
		token("acme", "c1", issued, "a", noon.Add(-24*time.Hour)),
	}))
	before := usage(t, db, postern.UsageQuery{Since: noon.Add(-time.Hour), Step: time.Hour})
	same(t, len(before.Steps), 0)
	tallied(t, db)
	step := func(at time.Time, dialect string, issued, refused int64) postern.UsageStep {
		return postern.UsageStep{At: at, Dialect: dialect, Issued: issued, Refused: refused}
	}
	day := noon.Truncate(24 * time.Hour)
	for _, tt := range []struct {
		q    postern.UsageQuery
		want []postern.UsageStep
	}{
		{postern.UsageQuery{Tenant: "acme", Since: noon.Add(5 * time.Minute), Step: time.Hour}, []postern.UsageStep{
			step(noon, "a", 2, 0), step(noon, "quote\"\\", 1, 0), step(noon.Add(time.Hour), "b", 0, 2)}},
		{postern.UsageQuery{Tenant: "acme", Since: noon}, []postern.UsageStep{
			step(day, "a", 3, 0), step(day, "b", 0, 2), step(day, "quote\"\\", 1, 0)}},
		{postern.UsageQuery{Since: noon, Step: time.Hour}, []postern.UsageStep{
			step(noon, "a", 3, 1), step(noon, "quote\"\\", 1, 0), step(noon.Add(time.Hour), "b", 0, 2)}},
		{postern.UsageQuery{Tenant: postern.SystemTenant, Since: noon}, []postern.UsageStep{step(day, "a", 0, 1)}},
		{postern.UsageQuery{Tenant: "other", Since: noon.Add(time.Hour), Step: time.Hour}, nil},
		{postern.UsageQuery{Tenant: "acme", ClientID: "c1", Step: time.Hour}, []postern.UsageStep{step(day.Add(-24*time.Hour), "a", 1, 0), step(day, "a", 2, 0)}},
	} {
		same(t, usage(t, db, tt.q).Steps, tt.want)
	}
	if u := usage(t, db, postern.UsageQuery{}); time.Since(u.Through) > time.Minute {
		t.Errorf("everything is counted through %v", u.Through)
	}
	for _, step := range []time.Duration{0, time.Minute, 48 * time.Hour} {
		_, err := db.Usage(ctx, postern.UsageQuery{Step: step})
		wantCode(t, err, postern.Invalid)
	}
}

func usageByClient(t *testing.T, db *store.DB) {
	ctx, all := t.Context(), []*postern.Entry(nil)
	for i := range 60 { // c00 is the least busy
		for n := range i + 1 {
			all = append(all, token("acme", fmt.Sprintf("c%02d", i), postern.ActTokenIssued, "a", noon.Add(time.Duration(n)*time.Second)))
		}
	}
	late := token("acme", "c59", postern.ActTokenRefused, "b", noon.Add(time.Minute))
	late.Event.Via = postern.ViaQuery
	yesterday := token("acme", "c00", postern.ActTokenIssued, "a", noon.Add(-24*time.Hour))
	must(t, db.CreateClient(ctx, postern.Client{ID: "c59", Tenant: "acme", Subject: "s"}, event(postern.ActClientCreated)))
	must(t, db.Append(ctx, append(all, late, yesterday, token("other", "x", postern.ActTokenReused, "a", noon))))
	tallied(t, db)
	first := postern.ClientUsage{ClientID: "c59", Issued: 60, Refused: 1, Query: 1, Last: noon.Add(time.Minute)}
	u := usage(t, db, postern.UsageQuery{Tenant: "acme", Since: noon})
	same(t, len(u.Clients), 20)
	same(t, u.Clients[0], first)
	same(t, u.Clients[19], postern.ClientUsage{ClientID: "c40", Issued: 41, Last: noon.Add(40 * time.Second)})
	odd := []postern.ClientUsage{{ClientID: "c01", Issued: 2, Refused: 3, Last: noon.Add(time.Second)}, // less busy than most, and behind them
		{ClientID: "c02", Issued: 4, Query: 1, Last: noon.Add(2 * time.Second)}}
	query := token("acme", "c02", postern.ActTokenIssued, "a", noon)
	query.Event.Via = postern.ViaQuery
	must(t, db.Append(ctx, []*postern.Entry{query, token("acme", "c01", postern.ActTokenRefused, "a", noon),
		token("acme", "c01", postern.ActTokenRefused, "a", noon), token("acme", "c01", postern.ActThrottled, "a", noon)}))
	tallied(t, db)
	for _, tenant := range []string{"acme", ""} {
		u = usage(t, db, postern.UsageQuery{Tenant: tenant, Since: noon})
		same(t, u.Clients[0], first)
		same(t, u.Clients[20:], odd)
	}
	for range 200 { // c00 becomes the busiest, over two days
		must(t, db.Append(ctx, []*postern.Entry{token("acme", "c00", postern.ActTokenIssued, "a", noon.Add(-24*time.Hour))}))
	}
	must(t, db.Append(ctx, []*postern.Entry{token("other", "x", postern.ActTokenReused, "a", noon),
		token("other", "x", postern.ActTokenReused, "a", noon.Add(-24*time.Hour))}))
	tallied(t, db)
	u = usage(t, db, postern.UsageQuery{Since: noon.Add(-24 * time.Hour)})
	same(t, u.Clients[0], postern.ClientUsage{ClientID: "c00", Issued: 202, Last: noon}) // not among the fifty of today
	same(t, u.Clients[1], first)
	same(t, usage(t, db, postern.UsageQuery{Tenant: "other", Since: noon}).Clients, []postern.ClientUsage{{ClientID: "x", Issued: 2, Last: noon}})
	for _, tenant := range []string{"acme", ""} {
		same(t, usage(t, db, postern.UsageQuery{Tenant: tenant, ClientID: "c59", Since: noon}).Clients, []postern.ClientUsage{first})
	}
	same(t, len(usage(t, db, postern.UsageQuery{Tenant: "other", ClientID: "c59", Since: noon}).Clients), 0)
	_, err := db.Usage(ctx, postern.UsageQuery{ClientID: "absent", Step: time.Hour})
	wantCode(t, err, postern.NotFound)
}

func refusals(t *testing.T, db *store.DB) {
	ctx := t.Context()
	refuse := func(client, cause string, when time.Time, source string) *postern.Entry {
		e := token("acme", client, postern.ActTokenRefused, "a", when)
		e.Event.Cause, e.Event.Source = cause, source
		return e
	}
	list := func(tenant, client string) []postern.Refusal {
		all, err := db.Refusals(ctx, tenant, client)
		must(t, err)
		return all
	}
	must(t, db.Append(ctx, []*postern.Entry{refuse("c1", "expired", noon.Add(3*time.Second), "s3"), refuse("c1", "odd\u2028\"", noon, "s1"),
		refuse("c1", "expired", noon.Add(time.Second), "s2"), refuse("c1", "expired", noon.Add(-time.Second), "s0"), refuse("c2", "expired", noon, "s4")}))
	tallied(t, db)
	must(t, db.Append(ctx, []*postern.Entry{refuse("c1", "expired", noon.Add(2*time.Second), "late")}))
	tallied(t, db)
	same(t, list("acme", "c1"), []postern.Refusal{
		{At: noon.Add(3 * time.Second), Dialect: "a", Cause: "expired", Source: "s3", Count: 3},
		{At: noon, Dialect: "a", Cause: "odd\u2028\"", Source: "s1", Count: 1},
		{At: noon.Add(-time.Second), Dialect: "a", Cause: "expired", Source: "s0", Count: 1},
	})
	same(t, len(list("other", "c1")), 0)
	var all []*postern.Entry
	for i := range 70 {
		all = append(all, refuse("c1", "expired", noon.Add(time.Duration(i)*time.Hour), "s"))
	}
	must(t, db.Append(ctx, all))
	tallied(t, db)
	got := list("acme", "c1")
	same(t, []any{len(got), got[0].At, got[49].At}, []any{50, noon.Add(69 * time.Hour), noon.Add(20 * time.Hour)})
	same(t, len(list("acme", "c2")), 1)
}

func oldUsage(t *testing.T, db *store.DB) {
	ctx, day := t.Context(), 24*time.Hour
	must(t, db.Append(ctx, []*postern.Entry{token("acme", "c1", postern.ActTokenRefused, "a", noon.Add(-401*day)),
		token("acme", "c1", postern.ActTokenRefused, "a", noon.Add(-399*day)), token(postern.SystemTenant, "", postern.ActTokenRefused, "a", noon.Add(-399*day)),
		token("acme", "c1", postern.ActTokenRefused, "a", noon)}))
	tallied(t, db)
	count := func(tenant string) (n int64) {
		for _, s := range usage(t, db, postern.UsageQuery{Tenant: tenant}).Steps {
			n += s.Refused
		}
		return n
	}
	same(t, []int64{count("acme"), count("")}, []int64{2, 3})
	must(t, db.Prune(ctx, noon))
	same(t, []int64{count("acme"), count("")}, []int64{2, 3})
	must(t, db.Prune(ctx, noon.Add(3*day)))
	same(t, []int64{count("acme"), count(postern.SystemTenant), count("")}, []int64{1, 0, 1})
	u := usage(t, db, postern.UsageQuery{Tenant: "acme"})
	same(t, []any{len(u.Clients), u.Clients[0].Refused}, []any{1, int64(1)})
	got, err := db.Refusals(ctx, "acme", "c1")
	must(t, err)
	same(t, len(got), 1)
	same(t, whole(t, db, "acme"), []int64{4}) // the trail keeps what is not counted
}

// searched follows a search to its end.
func searched(t testing.TB, db *store.DB, f postern.EventFilter) (all []postern.Event, calls int) {
	t.Helper()
	for {
		p, err := db.SearchEvents(t.Context(), f)
		must(t, err)
		all = append(all, p.Events...)
		calls++
		if p.Next == 0 {
			return all, calls
		}
		if f.Before > 0 && p.Next >= f.Before || calls > 1000 {
			t.Fatalf("from %d the next is %d", f.Before, p.Next)
		}
		f.Before = p.Next
	}
}

func searchLikeList(t *testing.T, db *store.DB) {
	all := entries(25, "acme")
	for i, e := range all {
		e.Event.ClientID = "c" + itoa(i%2)
		if i%5 == 0 {
			e.Event.Action = postern.ActTokenRefused
		}
	}
	must(t, db.Append(t.Context(), all))
	must(t, db.Append(t.Context(), entries(5, "other")))
	for range 2 { // and again when they are counted
		for _, f := range []postern.EventFilter{
			{}, {Action: postern.ActTokenRefused}, {ClientID: "c1"}, {ClientID: "c%"}, {Since: at(17), Until: at(19)}, {Since: at(100)},
			{Until: at(3)}, {Action: postern.ActTokenRefused, ClientID: "c1", Since: at(5), Until: at(15)}, {Before: 7}, {Before: 100}, {Before: 1},
			{Since: at(1).Add(time.Hour)}, {Until: at(0).Add(-time.Hour)},
		} {
			f.Tenant = "acme"
			want, err := db.Events(t.Context(), f)
			must(t, err)
			for _, limit := range []int{1, 3, 0} {
				f.Limit = limit
				got, _ := searched(t, db, f)
				same(t, got, want)
			}
		}
		tallied(t, db)
	}
	got, _ := searched(t, db, postern.EventFilter{Tenant: "absent"})
	same(t, len(got), 0)
	for _, f := range []postern.EventFilter{{}, {Tenant: "acme", Limit: -1}, {Tenant: "acme", Limit: 1001}} {
		_, err := db.SearchEvents(t.Context(), f)
		wantCode(t, err, postern.Invalid)
	}
}

func searchInParts(t *testing.T, db *store.DB) {
	all := entries(45_000, "acme")
	for i, e := range all {
		e.Event.ClientID, e.Event.At = "c", noon
		if i == 5 {
			e.Event.ClientID = "rare"
		}
	}
	for some := range slices.Chunk(all, 5000) {
		must(t, db.Append(t.Context(), some))
	}
	p, err := db.SearchEvents(t.Context(), postern.EventFilter{Tenant: "acme", ClientID: "rare"})
	must(t, err)
	if len(p.Events) != 0 || p.Next == 0 || p.Next < 10_000 {
		t.Errorf("one call found %d and is at %d", len(p.Events), p.Next)
	}
	got, calls := searched(t, db, postern.EventFilter{Tenant: "acme", ClientID: "rare"})
	if len(got) != 1 || got[0].ClientID != "rare" || calls < 3 {
		t.Errorf("found %d in %d calls", len(got), calls)
	}
}

func searchByTime(t *testing.T, db *store.DB) {
	// Seven days of 4,000 records, among them one of another day.
	var all []*postern.Entry
	for i := range 28_000 {
		e := entries(1, "acme")[0]
		e.Event.At = noon.Add(time.Duration(i/4000)*24*time.Hour + time.Duration(i%4000)*time.Millisecond)
		all = append(all, e)
	}
	all[27_900].Event.At = noon.Add(time.Second)
	for some := range slices.Chunk(all, 4000) {
		must(t, db.Append(t.Context(), some))
	}
	tallied(t, db)
	late := entries(1, "acme")[0] // not counted yet
	late.Event.At = noon.Add(2 * time.Second)
	must(t, db.Append(t.Context(), []*postern.Entry{late}))
	got, _ := searched(t, db, postern.EventFilter{Tenant: "acme", Since: noon, Until: noon.Add(time.Hour), Limit: 1000})
	same(t, []any{len(got), got[0].Seq, got[1].Seq, got[4001].Seq}, []any{4002, late.Event.Seq, all[27_900].Event.Seq, all[0].Event.Seq})
	// Without those that are out of order a day in the middle is found by the first call.
	p, err := db.SearchEvents(t.Context(), postern.EventFilter{Tenant: "acme", Since: noon.Add(48 * time.Hour), Until: noon.Add(49 * time.Hour)})
	must(t, err)
	same(t, []any{len(p.Events), p.Events[0].Seq}, []any{100, all[11_999].Event.Seq})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.SearchEvents(ctx, postern.EventFilter{Tenant: "acme"})
	wantCode(t, err, postern.Unavailable)
}
