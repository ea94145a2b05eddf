package storetest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// away is an absence of whole days.
func (c *company) away(who int, first, last string) postern.Absence {
	a := postern.Absence{Person: c.people[who], Type: c.vacation.ID}
	a.Span = postern.DaySpan(date(first), 0, false, false)
	if last != "" {
		a.Span = postern.DaySpan(date(first), date(last), false, false)
	}
	return a
}

func (c *company) takes(t testing.TB, a postern.Absence, w postern.Write) postern.Absence {
	t.Helper()
	made, err := c.CreateAbsence(t.Context(), a, w)
	must(t, err)
	return made
}

// absences walks through the answer to a query, a few at a time.
func (c *company) absences(t testing.TB, q postern.AbsenceQuery) []postern.Absence {
	t.Helper()
	return everything(t, 3, func(ctx context.Context, p postern.Paging) (postern.Page[postern.Absence], error) {
		q.Paging = p
		return c.Absences(ctx, q)
	})
}

var absenceTests = []test{
	{"types of absence come back whole, in order of their number", on(typesOfAbsence)},
	{"an absence comes back whole", inCompany(2, wholeAbsence)},
	{"an absence gets what it lacks", inCompany(2, completedAbsence)},
	{"an absence that breaks a rule is refused and leaves nothing", inCompany(3, refusedAbsences)},
	{"absences of one person do not overlap, those of others may", inCompany(3, overlapping)},
	{"of absences that overlap and are made at once, one is made", inCompany(2, func(t *testing.T, c *company) {
		made := 0
		for _, err := range together(8, func(i int) error {
			_, err := c.CreateAbsence(t.Context(), c.away(0, "2026-05-0"+itoa(1+i%4), "2026-05-08"), cli)
			return err
		}) {
			if err == nil {
				made++
			} else {
				wantParam(t, err, postern.Conflict, "starts_from")
			}
		}
		same(t, made, 1)
		same(t, len(c.absences(t, postern.AbsenceQuery{})), 1)
	})},
	{"an absence made twice with one key exists once", inCompany(2, idempotent)},
	{"an absence changes, and is decided about anew when its times do", inCompany(3, changeAbsence)},
	{"another tenant's absence is not there", inCompany(1, func(t *testing.T, c *company) {
		a, other := c.takes(t, c.away(0, "2026-03-02", "2026-03-03"), cli), newCompany(t, c.db, "other", 1)
		unchanged(t, c.db, "other", func() {
			_, err := other.Absence(t.Context(), a.ID)
			wantCode(t, err, postern.NotFound)
			_, err = other.Breakdown(t.Context(), a.ID)
			wantCode(t, err, postern.NotFound)
			wantCode(t, other.ChangeAbsence(t.Context(), a.ID, postern.AbsenceChange{}, cli), postern.NotFound)
			wantCode(t, other.DeleteAbsence(t.Context(), a.ID, cli), postern.NotFound)
			same(t, len(other.absences(t, postern.AbsenceQuery{IDs: []string{a.ID}})), 0)
			same(t, len(other.absences(t, postern.AbsenceQuery{Numbers: []int64{a.Number}})), 0)
			foreign := other.away(0, "2026-03-02", "")
			foreign.Type = c.vacation.ID
			_, err = other.CreateAbsence(t.Context(), foreign, cli)
			wantParam(t, err, postern.Invalid, "absence_type")
		})
		must(t, c.DeleteAbsence(t.Context(), a.ID, cli))
		acted(t, c.db, "acme", postern.ActAbsenceDeleted)
		wantCode(t, c.DeleteAbsence(t.Context(), a.ID, cli), postern.NotFound)
	})},
	{"every window finds what a look at every absence finds", inCompany(12, windows)},
	{"every filter of absences selects what it says", inCompany(5, filterAbsences)},
	{"a breakdown follows the schedule and the holidays, a balance the breakdowns", inCompany(2, breakdownsAndBalances)},
}

func typesOfAbsence(t *testing.T, db *store.DB) {
	ctx, d := t.Context(), db.Directory("acme")
	want := postern.AbsenceType{ID: "0b0c1d2e-3f40-4152-8364-758697a8b9ca", Number: 7, Name: "Sick \"ü\"", Category: "sick_leave", Unit: postern.Days,
		NeedsApproval: true, HalfDays: true, Entitlement: 12.5, CreatedAt: at(1), UpdatedAt: at(2)}
	bare := postern.AbsenceType{Name: "Bare", Unit: postern.Hours}
	report, err := d.Import(ctx, lines(store.AbsenceTypeRow{AbsenceType: want}, store.AbsenceTypeRow{AbsenceType: bare},
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{Name: "No unit"}}), store.ImportOptions{Partial: true})
	must(t, err)
	same(t, []int{report.Created, report.Bad}, []int{2, 1})
	got, err := d.AbsenceType(ctx, want.ID)
	must(t, err)
	same(t, got, want)
	all := everything(t, 1, d.AbsenceTypes)
	same(t, []int64{all[0].Number, all[1].Number}, []int64{7, 8})
	want.Name = "Renamed"
	report, err = d.Import(ctx, lines(store.AbsenceTypeRow{AbsenceType: want}), store.ImportOptions{})
	must(t, err)
	same(t, report, store.ImportReport{Updated: 1})
	_, err = d.AbsenceType(ctx, "none")
	wantCode(t, err, postern.NotFound)
}

func wholeAbsence(t *testing.T, c *company) {
	want := postern.Absence{ID: "11111111-2222-4333-8444-555555555555", Number: 99, Person: c.people[0], Type: c.vacation.ID,
		Span: postern.DaySpan(date("2026-07-01"), date("2026-07-03"), true, true), Zone: "Europe/Madrid", Comment: "Ü \"x\"",
		Status: postern.DeletionPending, Substitute: c.people[1], Origin: "slack", CreatedBy: "Jo", CreatedAt: at(1), UpdatedAt: at(2), ApprovedAt: at(3)}
	_, err := c.Import(t.Context(), lines(store.AbsenceRow{Absence: want}), store.ImportOptions{})
	must(t, err)
	got, err := c.Absence(t.Context(), want.ID)
	must(t, err)
	same(t, got, want)
	next := c.takes(t, c.away(0, "2026-08-03", ""), cli)
	same(t, next.Number, int64(100))
}

func completedAbsence(t *testing.T, c *company) {
	ctx, asked := t.Context(), c.away(0, "2026-03-02", "2026-03-03")
	asked.ID, asked.Number, asked.Status, asked.Origin = "given", 55, postern.Rejected, "web"
	got := c.takes(t, asked, cli)
	acted(t, c.db, "acme", postern.ActAbsenceCreated)
	stored, err := c.Absence(ctx, got.ID)
	must(t, err)
	same(t, stored, got)
	nearNow(t, &got.CreatedAt, &got.UpdatedAt)
	want := asked
	want.ID, want.Number, want.Status, want.Origin, want.Zone, want.CreatedBy = got.ID, 1, postern.Pending, "api", "UTC", "API"
	same(t, got, want)
	events, err := c.db.Events(ctx, postern.EventFilter{Tenant: "acme", Limit: 1})
	must(t, err)
	ev := events[0]
	same(t, []string{ev.Object, ev.Actor, ev.ClientID, ev.RequestID}, []string{"absence " + got.ID + " of person 1", "cli:test", "c1", "r1"})

	_, err = c.db.ChangeTenant(ctx, "acme", event(postern.ActTenantChanged), func(v *postern.Tenant) error { v.Zone = "Europe/Berlin"; return nil })
	must(t, err)
	approved := c.takes(t, c.away(0, "2026-04-02", ""), skip)
	nearNow(t, &approved.ApprovedAt)
	same(t, []string{approved.Zone, string(approved.Status)}, []string{"Europe/Berlin", string(postern.Approved)})
	hours := postern.Absence{Person: c.people[0], Type: c.visit.ID, Span: postern.Span{From: wall("2026-03-05T09:00"), To: wall("2026-03-05T10:30")}}
	same(t, c.takes(t, hours, cli).Status, postern.Approved)
}

func refusedAbsences(t *testing.T, c *company) {
	good := c.away(0, "2026-03-02", "2026-03-03")
	for param, spoil := range map[string]func(a *postern.Absence){
		"person":       func(a *postern.Absence) { a.Person = 99 },
		"absence_type": func(a *postern.Absence) { a.Type = "none" },
		"substitute":   func(a *postern.Absence) { a.Substitute = 99 },
		"ends_at":      func(a *postern.Absence) { a.To = a.From },
		"starts_from":  func(a *postern.Absence) { a.From = 0 },
		"comment":      func(a *postern.Absence) { a.Comment = "a\x00" },
	} {
		a := good
		spoil(&a)
		unchanged(t, c.db, "acme", func() {
			_, err := c.CreateAbsence(t.Context(), a, cli)
			wantParam(t, err, postern.Invalid, param)
		})
	}
	zone := good
	zone.Zone = "Europe/Nowhere"
	_, err := c.CreateAbsence(t.Context(), zone, cli)
	wantCode(t, err, postern.Invalid)
	for _, id := range []string{"none", "", "\x00", "\xff"} {
		_, err := c.Absence(t.Context(), id)
		wantCode(t, err, postern.NotFound)
	}
	same(t, c.takes(t, good, cli).Number, int64(1)) // the refused ones took no number
}

func overlapping(t *testing.T, c *company) {
	ctx := t.Context()
	c.takes(t, c.away(0, "2026-03-02", "2026-03-06"), cli)
	open := c.takes(t, c.away(1, "2026-03-02", ""), cli)
	half := c.away(0, "2026-03-09", "2026-03-09")
	half.Span = postern.DaySpan(date("2026-03-09"), date("2026-03-09"), false, true)
	c.takes(t, half, cli)
	for _, a := range []postern.Absence{c.away(0, "2026-03-06", "2026-03-06"), c.away(0, "2026-02-01", ""), c.away(0, "2026-02-01", "2026-04-01"),
		c.away(0, "2026-03-09", "2026-03-09"), c.away(1, "2027-01-01", "2027-01-01")} {
		_, err := c.CreateAbsence(ctx, a, cli)
		wantParam(t, err, postern.Conflict, "starts_from")
	}
	rest := half
	rest.Span = postern.DaySpan(date("2026-03-09"), date("2026-03-10"), true, false)
	c.takes(t, rest, cli) // the other half of the day
	c.takes(t, c.away(0, "2026-03-07", "2026-03-08"), cli)
	c.takes(t, c.away(1, "2026-02-01", "2026-03-01"), cli)
	c.takes(t, c.away(2, "2026-03-02", "2026-03-06"), cli)
	stand := c.away(2, "2026-05-01", "2026-05-05")
	stand.Substitute = c.people[1]
	_, err := c.CreateAbsence(ctx, stand, cli)
	wantParam(t, err, postern.Conflict, "substitute")
	must(t, c.DeleteAbsence(ctx, open.ID, cli))
	c.takes(t, stand, cli)
	_, err = c.CreateAbsence(ctx, c.away(1, "2026-05-05", "2026-05-06"), cli)
	wantParam(t, err, postern.Conflict, "person")
}

func idempotent(t *testing.T, c *company) {
	ctx, w, a := t.Context(), cli, c.away(0, "2026-03-02", "2026-03-03")
	w.Key = "key \"1\""
	first := c.takes(t, a, w)
	unchanged(t, c.db, "acme", func() {
		same(t, c.takes(t, a, w), first)
		other := a
		other.Comment = "x"
		_, err := c.CreateAbsence(ctx, other, w)
		wantParam(t, err, postern.Conflict, "Idempotency-Key")
		_, err = c.CreatePerson(ctx, somebody(8), w)
		wantParam(t, err, postern.Conflict, "Idempotency-Key")
		long := w
		long.Key = string(make([]byte, postern.MaxIdempotencyKey+1))
		_, err = c.CreateAbsence(ctx, other, long)
		wantParam(t, err, postern.Invalid, "Idempotency-Key")
	})
	stranger := w
	stranger.ClientID = "c2" // whose keys are others
	_, err := c.CreateAbsence(ctx, a, stranger)
	wantParam(t, err, postern.Conflict, "starts_from")
	w.Key = "key2" // a failure is not remembered
	_, err = c.CreateAbsence(ctx, a, w)
	wantParam(t, err, postern.Conflict, "starts_from")
	must(t, c.DeleteAbsence(ctx, first.ID, cli))
	c.takes(t, a, w)
	w.Key = "key \"1\""
	_, err = c.CreateAbsence(ctx, a, w)
	wantParam(t, err, postern.Conflict, "Idempotency-Key")
	w.Key = "many"
	for _, err := range together(6, func(int) error {
		_, err := c.CreateAbsence(ctx, c.away(1, "2026-03-02", "2026-03-03"), w)
		return err
	}) {
		must(t, err)
	}
	same(t, len(c.absences(t, postern.AbsenceQuery{People: c.people[1:2]})), 1)

	id, err := c.CreatePerson(ctx, somebody(70), postern.Write{Key: "p"})
	must(t, err)
	again, err := c.CreatePerson(ctx, somebody(70), postern.Write{Key: "p"})
	must(t, err)
	same(t, again, id)
}

func changeAbsence(t *testing.T, c *company) {
	ctx := t.Context()
	a := c.takes(t, c.away(0, "2026-03-02", "2026-03-03"), skip)
	c.takes(t, c.away(0, "2026-03-09", "2026-03-10"), skip)
	must(t, c.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{Comment: ptr("new"), Substitute: &c.people[1]}, cli))
	acted(t, c.db, "acme", postern.ActAbsenceChanged)
	got, err := c.Absence(ctx, a.ID)
	must(t, err)
	want := a
	want.Comment, want.Substitute, want.UpdatedAt = "new", c.people[1], got.UpdatedAt
	same(t, got, want) // still approved
	must(t, c.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{To: ptr(date("2026-03-07").At(0))}, cli))
	got, err = c.Absence(ctx, a.ID)
	must(t, err)
	same(t, []any{got.Status, got.ApprovedAt.IsZero(), got.Last()}, []any{postern.Pending, true, date("2026-03-06")})
	must(t, c.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{From: ptr(date("2026-03-01").At(0))}, skip))
	got, err = c.Absence(ctx, a.ID)
	must(t, err)
	same(t, got.Status, postern.Approved)
	unchanged(t, c.db, "acme", func() {
		wantParam(t, c.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{To: ptr(postern.LocalTime(0))}, cli), postern.Conflict, "starts_from")
		wantParam(t, c.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{To: ptr(a.From - 86400)}, cli), postern.Invalid, "ends_at")
		wantParam(t, c.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{Substitute: ptr(postern.PersonID(99))}, cli), postern.Invalid, "substitute")
		wantCode(t, c.ChangeAbsence(ctx, "none", postern.AbsenceChange{}, cli), postern.NotFound)
	})
	// What was changed is found where it is now.
	same(t, len(c.absences(t, postern.AbsenceQuery{Within: postern.LocalRange{From: date("2026-03-01").At(0), To: date("2026-03-01").At(time.Hour)}})), 1)
}

// windows compares the index with a look at every absence.
func windows(t *testing.T, c *company) {
	dice := rand.New(rand.NewPCG(1, 2))
	var rows []store.Row
	lengths := []int{1, 1, 2, 3, 5, 6, 9, 13, 20, 30, 61, 100, 247, 249, 499, 501, 3000}
	for range 250 {
		a := c.away(dice.IntN(12), "2020-01-01", "")
		a.Status = postern.Rejected // which may overlap
		a.From = (date("2015-01-01") + postern.Date(dice.IntN(4000))).At(0)
		switch dice.IntN(10) {
		case 0:
		case 1:
			a.From, a.To = a.From+43200, a.From+86400
		default:
			a.To = a.From + 86400*postern.LocalTime(lengths[dice.IntN(len(lengths))])
		}
		rows = append(rows, store.AbsenceRow{Absence: a})
	}
	report, err := c.Import(t.Context(), lines(rows...), store.ImportOptions{})
	must(t, err)
	same(t, report, store.ImportReport{Created: len(rows)})
	all := c.absences(t, postern.AbsenceQuery{})
	same(t, len(all), 250)
	if !slices.IsSortedFunc(all, func(a, b postern.Absence) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Number, b.Number))
	}) {
		t.Error("absences do not come in the order of their start")
	}
	for range 60 {
		q := postern.AbsenceQuery{Contained: dice.IntN(4) == 0}
		pick := all[dice.IntN(len(all))]
		if dice.IntN(10) > 0 {
			q.Within.From = []postern.LocalTime{pick.From, pick.From - 1, max(pick.To, 1), max(pick.To-1, 1), pick.From + 3*86400}[dice.IntN(5)]
		}
		if dice.IntN(10) > 0 {
			q.Within.To = q.Within.From + postern.LocalTime(dice.IntN(3)*dice.IntN(400)*43200)
		}
		if dice.IntN(4) == 0 {
			q.People = []postern.PersonID{c.people[dice.IntN(12)], c.people[dice.IntN(12)]}
		}
		var want []postern.Absence
		for _, a := range all {
			if finds(&q, &a) {
				want = append(want, a)
			}
		}
		got := everything(t, 17, func(ctx context.Context, p postern.Paging) (postern.Page[postern.Absence], error) {
			q.Paging = p
			return c.Absences(ctx, q)
		})
		if same(t, got, want); t.Failed() {
			t.Fatalf("window %s to %s, contained %t, of %v", q.Within.From, q.Within.To, q.Contained, q.People)
		}
	}
}

// finds is what the index has to agree with.
func finds(q *postern.AbsenceQuery, a *postern.Absence) bool {
	from, to := q.Within.From, q.Within.To
	if len(q.People) > 0 && !slices.Contains(q.People, a.Person) {
		return false
	}
	if q.Contained {
		return (from == 0 || a.From >= from) && (to == 0 || a.From <= to && a.To != 0 && a.To <= to+1)
	}
	return (to == 0 || a.From <= to) && (from == 0 || a.To == 0 || a.To > from)
}

func filterAbsences(t *testing.T, c *company) {
	for who := range 5 {
		c.takes(t, c.away(who, "2026-03-02", "2026-03-0"+itoa(3+who)), cli)
		hours := postern.Absence{Person: c.people[who], Type: c.visit.ID, Span: postern.Span{From: wall("2026-04-05T09:00"), To: wall("2026-04-05T10:30")}}
		c.takes(t, hours, cli)
	}
	old := c.away(0, "2025-01-01", "2025-01-02")
	old.UpdatedAt, old.CreatedAt = at(50), at(40)
	_, err := c.Import(t.Context(), lines(store.AbsenceRow{Absence: old}), store.ImportOptions{})
	must(t, err)
	all := c.absences(t, postern.AbsenceQuery{})
	same(t, len(all), 11)
	week := postern.LocalRange{From: date("2026-03-01").At(0), To: date("2026-03-08").At(0)}
	for name, tt := range map[string]struct {
		q    postern.AbsenceQuery
		want func(a *postern.Absence) bool
	}{
		"ids":              {postern.AbsenceQuery{IDs: []string{all[2].ID, all[5].ID, all[2].ID, "none", "\x00"}}, func(a *postern.Absence) bool { return a.ID == all[2].ID || a.ID == all[5].ID }},
		"numbers":          {postern.AbsenceQuery{Numbers: []int64{2, 4, 4, 99}}, func(a *postern.Absence) bool { return a.Number == 2 || a.Number == 4 }},
		"people":           {postern.AbsenceQuery{People: []postern.PersonID{c.people[1], c.people[3]}}, func(a *postern.Absence) bool { return a.Person == c.people[1] || a.Person == c.people[3] }},
		"numbers of one":   {postern.AbsenceQuery{Numbers: []int64{1, 2, 3}, People: c.people[:1]}, func(a *postern.Absence) bool { return a.Number <= 2 }},
		"types":            {postern.AbsenceQuery{Types: []string{c.visit.ID, "none"}}, func(a *postern.Absence) bool { return a.Type == c.visit.ID }},
		"no type":          {postern.AbsenceQuery{Types: []string{"none"}}, func(*postern.Absence) bool { return false }},
		"unit":             {postern.AbsenceQuery{Unit: postern.Hours}, func(a *postern.Absence) bool { return a.Type == c.visit.ID }},
		"unit in a window": {postern.AbsenceQuery{Unit: postern.Hours, Within: week}, func(*postern.Absence) bool { return false }},
		"window":           {postern.AbsenceQuery{Within: week}, func(a *postern.Absence) bool { return a.From == date("2026-03-02").At(0) }},
		"changed":          {postern.AbsenceQuery{Updated: postern.TimeRange{From: at(50), To: at(50)}}, func(a *postern.Absence) bool { return a.Number == 11 }},
		"changed since":    {postern.AbsenceQuery{Updated: postern.TimeRange{From: at(51)}, Unit: postern.Days}, func(a *postern.Absence) bool { return a.Number != 11 && a.Type == c.vacation.ID }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []postern.Absence
			for _, a := range all {
				if tt.want(&a) {
					want = append(want, a)
				}
			}
			got := c.absences(t, tt.q)
			if tt.q.Updated != (postern.TimeRange{}) {
				slices.SortFunc(got, func(a, b postern.Absence) int {
					return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Number, b.Number))
				})
			}
			same(t, got, want)
		})
	}
	_, err = c.Absences(t.Context(), postern.AbsenceQuery{Paging: postern.Paging{Limit: 1, After: "n1"}})
	wantParam(t, err, postern.Invalid, "after")
}

func breakdownsAndBalances(t *testing.T, c *company) {
	ctx := t.Context()
	a := c.takes(t, c.away(0, "2026-03-06", "2026-03-09"), skip) // Women's Day is a Sunday then
	days, err := c.Breakdown(ctx, a.ID)
	must(t, err)
	day := func(s string, amount float64) postern.AbsenceDay {
		return postern.AbsenceDay{Date: date(s), Unit: postern.Days, Amount: amount}
	}
	want := []postern.AbsenceDay{day("2026-03-06", 1), day("2026-03-07", 0), day("2026-03-08", 0), day("2026-03-09", 1)}
	same(t, days, want)
	page, err := c.Absences(ctx, postern.AbsenceQuery{Detail: true, Paging: postern.Paging{Limit: 5}})
	must(t, err)
	same(t, page.Items[0].Days, want)
	easter := c.takes(t, c.away(0, "2026-04-02", "2026-04-07"), skip)
	days, err = c.Breakdown(ctx, easter.ID)
	must(t, err)
	same(t, days, []postern.AbsenceDay{day("2026-04-02", 1), day("2026-04-03", 0), day("2026-04-04", 0), day("2026-04-05", 0), day("2026-04-06", 0), day("2026-04-07", 1)})

	first := postern.DateOf(time.Now().UTC()) - 1
	running := c.takes(t, c.away(1, first.String(), ""), cli)
	days, err = c.Breakdown(ctx, running.ID)
	must(t, err)
	if n := len(days); n != 2 && n != 3 { // the day may have changed since
		t.Errorf("%d days since yesterday", n)
	}
	must(t, c.DeleteAbsence(ctx, a.ID, cli))
	must(t, c.DeleteAbsence(ctx, easter.ID, cli))
	taken := postern.NewDate(first.Year(), time.March, 9) // no holiday, nor the week after it
	for taken.Weekday() != time.Tuesday {
		taken++
	}
	c.takes(t, c.away(0, taken.String(), (taken+1).String()), skip)
	c.takes(t, c.away(0, (taken+2).String(), (taken+2).String()), cli)
	balances, err := c.Balances(ctx, c.people[0])
	must(t, err)
	same(t, balances, []postern.Balance{{Type: c.vacation, Balance: 28, Available: 27}})
	_, err = c.Balances(ctx, 99)
	wantCode(t, err, postern.NotFound)
}
