package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

var cli = postern.Write{Actor: "cli:test", ClientID: "c1", RequestID: "r1"}

// skip approves what is written.
var skip = postern.Write{Actor: "cli:test", SkipApproval: true}

// company is a directory with some people and a few types of absence.
type company struct {
	*store.Directory
	db              *store.DB
	vacation, visit postern.AbsenceType // by days, with approval; by hours, without
	people          []postern.PersonID
}

// inCompany makes a test of one that needs a company of so many people.
func inCompany(n int, run func(t *testing.T, c *company)) func(t *testing.T, d Database) {
	return on(func(t *testing.T, db *store.DB) { run(t, newCompany(t, db, "acme", n)) })
}

func newCompany(t testing.TB, db *store.DB, tenant string, n int) *company {
	t.Helper()
	c := &company{Directory: db.Directory(tenant), db: db}
	rows := []store.Row{
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{Name: "Vacation", Category: "paid_vacation", Unit: postern.Days,
			NeedsApproval: true, HalfDays: true, Entitlement: 30}},
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{Name: "Doctor", Unit: postern.Hours}},
	}
	for i := range n {
		rows = append(rows, store.PersonRow{Person: somebody(i)})
	}
	report, err := c.Import(t.Context(), lines(rows...), store.ImportOptions{Write: cli})
	must(t, err)
	same(t, report, store.ImportReport{Created: len(rows)})
	types, err := c.AbsenceTypes(t.Context(), postern.Paging{Limit: 10})
	must(t, err)
	c.vacation, c.visit = types.Items[0], types.Items[1]
	for _, p := range c.everyone(t) {
		c.people = append(c.people, p.ID)
	}
	return c
}

func lines(rows ...store.Row) func(func(int, store.Row) bool) { return slices.All(rows) }

// somebody is a person who works 8 hours from Monday to Friday.
func somebody(i int) postern.Person {
	return postern.Person{Email: "p" + itoa(i) + "@example.com", FirstName: "First" + itoa(i%3), LastName: "Last" + itoa(i%5),
		Employments: []postern.Employment{work(i)}}
}

func work(i int) postern.Employment {
	return postern.Employment{Start: postern.NewDate(2020, 1, 1+i%28), Status: postern.EmploymentActive, Type: "INTERNAL",
		Schedule: postern.Schedule{480, 480, 480, 480, 480}, Holidays: "DE-BE"}
}

func (c *company) everyone(t testing.TB) []postern.Person {
	t.Helper()
	return everything(t, 7, func(ctx context.Context, p postern.Paging) (postern.Page[postern.Person], error) {
		return c.Persons(ctx, postern.PersonQuery{Detail: true, Paging: p})
	})
}

// everything walks to the end with pages of a size, and checks that one big page, and
// offsets, say the same.
func everything[T any](t testing.TB, size int, ask func(ctx context.Context, p postern.Paging) (postern.Page[T], error)) []T {
	t.Helper()
	var all []T
	for p := (postern.Paging{Limit: size}); ; {
		page, err := ask(t.Context(), p)
		must(t, err)
		all = append(all, page.Items...)
		if p.After = page.Next; p.After == "" {
			break
		}
		if len(page.Items) != size || len(all) > 10_000 {
			t.Fatalf("a page of %d of %d with another behind it, after %d", len(page.Items), size, len(all))
		}
	}
	big, err := ask(t.Context(), postern.Paging{Limit: postern.MaxPage, Count: true})
	must(t, err)
	if len(all) <= postern.MaxPage {
		same(t, big.Items, all)
	}
	same(t, big.Total, len(all))
	if n := len(all) / 3; n > 0 {
		part, err := ask(t.Context(), postern.Paging{Limit: 2, Offset: n})
		must(t, err)
		same(t, part.Items, all[n:min(n+2, len(all))])
	}
	return all
}

func date(s string) postern.Date {
	d, err := postern.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func wall(s string) postern.LocalTime {
	l, err := postern.ParseLocalTime(s)
	if err != nil {
		panic(err)
	}
	return l
}

// nearNow leaves out times that the store set, and fails unless they are recent.
func nearNow(t testing.TB, times ...*time.Time) {
	t.Helper()
	for _, at := range times {
		if d := time.Since(*at); d < -time.Second || d > time.Minute {
			t.Errorf("the time %v was not set", *at)
		}
		*at = time.Time{}
	}
}

func ptr[T any](v T) *T { return &v }

// param checks that an error is about a field.
func wantParam(t testing.TB, err error, code postern.Code, param string) {
	t.Helper()
	wantCode(t, err, code)
	if e := postern.AsError(err); e != nil && e.Param != param {
		t.Errorf("got %q at fault (%v), want %q", e.Param, err, param)
	}
}
