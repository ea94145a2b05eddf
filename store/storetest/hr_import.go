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

var importTests = []test{
	{"an import is stored whole or not at all", inCompany(2, importWhole)},
	{"a partial import stores what is good", inCompany(2, importPartial)},
	{"a dry run reports and stores nothing", inCompany(2, func(t *testing.T, c *company) {
		unchanged(t, c.db, "acme", func() {
			for _, partial := range []bool{false, true} {
				report, err := c.Import(t.Context(), mixed(c), store.ImportOptions{DryRun: true, Partial: partial})
				must(t, err)
				same(t, []int{report.Created, report.Updated, report.Bad}, []int{4, 1, 3})
			}
		})
		same(t, len(c.everyone(t)), 2)
	})},
	{"a supervisor may come after those they supervise", inCompany(1, importSupervisors)},
	{"a row that is there is replaced, by id or number", inCompany(1, replaceRows)},
	{"many rows are imported and loaded, and are found", inCompany(0, loadMany)},
	{"a reset forgets everything of one tenant", inCompany(3, resetAll)},
	{"what was written is a chain of events that holds", inCompany(3, func(t *testing.T, c *company) {
		c.takes(t, c.away(0, "2026-03-02", ""), cli)
		report, err := c.db.VerifyChain(t.Context(), "acme", nil)
		must(t, err)
		if report.Problem != "" || report.Count != 3 {
			t.Errorf("%+v", report)
		}
	})},
}

// mixed is four rows to be added, one to be replaced and three that are bad.
func mixed(c *company) func(func(int, store.Row) bool) {
	changed := somebody(0)
	changed.ID, changed.LastName = c.people[0], "Changed"
	twice := somebody(0) // whose address is taken
	clash := c.away(0, "2026-03-03", "2026-03-03")
	return lines(
		store.PersonRow{Person: somebody(10)},
		store.PersonRow{Person: twice},
		store.PersonRow{Person: changed},
		store.AbsenceRow{Absence: c.away(0, "2026-03-02", "2026-03-04")},
		store.AbsenceRow{Absence: clash},
		store.AttendanceRow{Attendance: c.period(1, postern.Work, "2026-03-02T09:00", "")},
		store.AttendanceRow{Attendance: c.period(1, postern.Break, "2026-03-02T08:00", "2026-03-02T08:30")},
		store.PersonRow{Person: somebody(11)},
	)
}

func faults(report store.ImportReport) (all []string) {
	for _, f := range report.Failed {
		all = append(all, fmt.Sprint(f.Line, " ", f.Param, " ", postern.CodeOf(f.Err)))
	}
	return all
}

var mixedFaults = []string{"1 email conflict", "4 starts_from conflict", "6 start invalid"}

func importWhole(t *testing.T, c *company) {
	before := c.everyone(t)
	unchanged(t, c.db, "acme", func() {
		report, err := c.Import(t.Context(), mixed(c), store.ImportOptions{Write: cli})
		must(t, err)
		same(t, faults(report), mixedFaults)
	})
	same(t, c.everyone(t), before)
	same(t, len(c.absences(t, postern.AbsenceQuery{})), 0)
	_, err := c.db.Directory("absent").Import(t.Context(), mixed(c), store.ImportOptions{})
	wantCode(t, err, postern.NotFound)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.Import(ctx, func(yield func(int, store.Row) bool) {
		for i := 0; yield(i, store.PersonRow{Person: somebody(100 + i)}); i++ {
			if i == 3 {
				cancel()
			}
		}
	}, store.ImportOptions{Partial: true})
	wantCode(t, err, postern.Unavailable)
	same(t, c.everyone(t), before)
}

func importPartial(t *testing.T, c *company) {
	last := 0
	report, err := c.Import(t.Context(), mixed(c), store.ImportOptions{Write: cli, Partial: true, Progress: func(done int) { last = done }})
	must(t, err)
	acted(t, c.db, "acme", postern.ActImported)
	same(t, faults(report), mixedFaults)
	same(t, []int{report.Created, report.Updated, report.Bad, last}, []int{4, 1, 3, 8})
	people := c.everyone(t)
	same(t, []any{len(people), people[0].LastName, people[0].CreatedAt.IsZero()}, []any{4, "Changed", false})
	same(t, len(c.absences(t, postern.AbsenceQuery{})), 1)
	same(t, len(c.attendances(t, postern.AttendanceQuery{})), 1)

	many := func(yield func(int, store.Row) bool) { // several transactions, and more bad rows than are told
		for i := range 2500 {
			p := postern.Person{FirstName: "x", LastName: "y"}
			if i%2 == 0 {
				p.LastName = ""
			}
			if !yield(i, store.PersonRow{Person: p}) {
				return
			}
		}
	}
	report, err = c.Import(t.Context(), many, store.ImportOptions{Partial: true})
	must(t, err)
	same(t, []int{report.Created, report.Bad, len(report.Failed)}, []int{1250, 1250, store.MaxRowErrors})
}

func importSupervisors(t *testing.T, c *company) {
	boss := func(n postern.PersonID) store.Row {
		p := postern.Person{ID: n, FirstName: "x", LastName: "y", Employments: []postern.Employment{work(1)}}
		p.Employments[0].Supervisor = n + 1
		return store.PersonRow{Person: p}
	}
	unchanged(t, c.db, "acme", func() {
		report, err := c.Import(t.Context(), lines(boss(10), boss(11)), store.ImportOptions{})
		must(t, err)
		same(t, faults(report), []string{"1 supervisor invalid"})
	})
	report, err := c.Import(t.Context(), lines(boss(10), boss(11), store.PersonRow{Person: postern.Person{ID: 12, FirstName: "top", LastName: "boss"}}), store.ImportOptions{})
	must(t, err)
	same(t, report, store.ImportReport{Created: 3})
	for id := postern.PersonID(10); id < 12; id++ {
		p, err := c.Person(t.Context(), id)
		must(t, err)
		same(t, p.Employments[0].Supervisor, id+1)
	}
}

func replaceRows(t *testing.T, c *company) {
	ctx := t.Context()
	a := c.takes(t, c.away(0, "2026-03-02", "2026-03-04"), cli)
	w := c.records(t, c.period(0, postern.Work, "2026-03-02T09:00", "2026-03-02T17:00"))
	p, err := c.Person(ctx, c.people[0])
	must(t, err)
	e := p.Employments[0]
	a2, w2, e2 := a, w, e
	a2.To, a2.Comment = a.To+86400, "changed"
	w2.To, w2.ID = w.To+3600, "" // by its number
	e2.Status, e2.Position = postern.EmploymentInactive, "changed"
	rows := lines(store.AbsenceRow{Absence: a2}, store.AttendanceRow{Attendance: w2}, store.EmploymentRow{Employment: e2})
	report, err := c.Import(ctx, rows, store.ImportOptions{})
	must(t, err)
	same(t, report, store.ImportReport{Updated: 3})
	w2.ID = w.ID
	gotA, err := c.Absence(ctx, a.ID)
	must(t, err)
	same(t, gotA, a2)
	gotW, err := c.Attendance(ctx, w.ID)
	must(t, err)
	same(t, gotW, w2)
	gotP, err := c.Person(ctx, c.people[0])
	must(t, err)
	same(t, []any{gotP.Active, gotP.Employments}, []any{false, []postern.Employment{e2}})
	wrong := a2
	wrong.Number = 77
	ugly := w2
	ugly.ID = "not a uuid"
	report, err = c.Import(ctx, lines(store.AbsenceRow{Absence: wrong}, store.AttendanceRow{Attendance: ugly}), store.ImportOptions{})
	must(t, err)
	same(t, faults(report), []string{"0 number conflict", "1 id invalid"})
}

func loadMany(t *testing.T, c *company) {
	const people = 230
	ctx, start := t.Context(), date("2026-01-01")
	must(t, c.Load(ctx, func(yield func(store.Row) bool) {
		for i := range people {
			p := somebody(i)
			p.ID = postern.PersonID(i + 1)
			a := postern.Absence{Person: p.ID, Type: c.vacation.ID, Span: postern.DaySpan(start+postern.Date(i), start+postern.Date(i+3), false, false)}
			w := postern.Attendance{Person: p.ID, Type: postern.Work, Span: postern.Span{From: (start + 9).At(9 * time.Hour), To: (start + 9).At(17 * time.Hour)}}
			for _, row := range []store.Row{store.PersonRow{Person: p}, store.AbsenceRow{Absence: a}, store.AttendanceRow{Attendance: w}} {
				if !yield(row) {
					return
				}
			}
		}
	}))
	all := c.everyone(t)
	same(t, len(all), people)
	same(t, []any{all[100].Active, len(all[100].Employments)}, []any{true, 1})
	same(t, len(c.attendances(t, postern.AttendanceQuery{})), people)
	q := postern.AbsenceQuery{Within: postern.LocalRange{From: (start + 50).At(0), To: (start + 50).At(time.Hour)}}
	same(t, len(c.absences(t, q)), 4)
	got := c.absences(t, q)[0]
	same(t, []any{got.Status, got.Zone, got.Origin}, []any{postern.Pending, "UTC", "api"})
	id, err := c.CreatePerson(ctx, somebody(people), cli)
	must(t, err)
	same(t, id, postern.PersonID(people+1))
	wantCode(t, c.Load(ctx, slices.Values([]store.Row{store.PersonRow{Person: all[0]}})), postern.Conflict)
	wantCode(t, c.Load(ctx, slices.Values([]store.Row{store.AbsenceRow{Absence: postern.Absence{Type: "none"}}})), postern.Invalid)
	wantCode(t, c.db.Directory("absent").Load(ctx, slices.Values([]store.Row{store.PersonRow{Person: somebody(1)}})), postern.NotFound)
	must(t, c.Load(ctx, func(func(store.Row) bool) {}))
}

func resetAll(t *testing.T, c *company) {
	other := newCompany(t, c.db, "other", 2)
	c.takes(t, c.away(0, "2026-03-02", ""), postern.Write{Key: "k"})
	c.records(t, c.period(0, postern.Work, "2026-03-02T09:00", ""))
	must(t, c.Reset(t.Context(), cli))
	acted(t, c.db, "acme", postern.ActReset)
	types, err := c.AbsenceTypes(t.Context(), postern.Paging{Limit: 5})
	must(t, err)
	same(t, []int{len(c.everyone(t)), len(c.absences(t, postern.AbsenceQuery{})), len(c.attendances(t, postern.AttendanceQuery{})), len(types.Items)}, []int{0, 0, 0, 0})
	same(t, len(other.everyone(t)), 2)
	id, err := c.CreatePerson(t.Context(), somebody(1), postern.Write{Key: "k"})
	must(t, err)
	same(t, id, postern.PersonID(1))
	wantCode(t, c.db.Directory("absent").Reset(t.Context(), cli), postern.NotFound)
}
