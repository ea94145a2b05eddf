package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func fullEmployment() postern.Employment {
	return postern.Employment{
		ID: "9d2c7a10-5f5e-4b8a-8a44-0d6e0f1b2c3d", Position: "Engineer", Status: postern.EmploymentLeave, Type: "EXTERNAL",
		Start: date("2021-02-03"), End: date("2030-01-31"), ProbationEnd: date("2021-08-03"), ContractEnd: date("2030-02-01"),
		WeeklyHours: 32.5, FullTimeHours: 40, Office: postern.Ref{ID: "1", Name: "Berlin"}, Department: postern.Ref{ID: "2", Name: "R&D"},
		Team: postern.Ref{ID: "3", Name: "Ü"}, LegalEntity: postern.Ref{ID: "4", Name: "Acme GmbH"},
		CostCenters: []postern.CostCenter{{Ref: postern.Ref{ID: "5", Name: "CC"}, Weight: 62.5}},
		Termination: postern.Termination{Date: date("2030-01-31"), LastWorkingDay: date("2030-01-15"), At: date("2029-10-01"), Type: "t", Reason: "r"},
		Schedule:    postern.Schedule{480, 470, 460, 450, 90, 0, 1}, Holidays: "DE-BY", CreatedAt: at(5), UpdatedAt: at(6),
	}
}

func fullPerson() postern.Person {
	return postern.Person{Email: "Jo.Doe@Example.com", FirstName: "Jo", LastName: "Döe \"x\"", PreferredName: "J", Gender: postern.GenderDiverse,
		Language: "de", Picture: true, CreatedAt: at(3), UpdatedAt: at(4),
		Custom: []postern.Attribute{{Key: "dynamic_1", Label: "Shoe", Kind: postern.AttributeInt, Value: "42"},
			{Key: "dynamic_2", Label: "Tags", Kind: postern.AttributeList, Values: []string{"a", "b"}}},
		Employments: []postern.Employment{fullEmployment()}}
}

var personTests = []test{
	{"a person comes back whole", inCompany(1, wholePerson)},
	{"persons are paged to the end and back, in order of their number", inCompany(23, func(t *testing.T, c *company) {
		all := c.everyone(t)
		if len(all) != 23 || !slices.IsSortedFunc(all, func(a, b postern.Person) int { return cmp.Compare(a.ID, b.ID) }) {
			t.Errorf("%d persons, or not in order", len(all))
		}
		page, err := c.Persons(t.Context(), postern.PersonQuery{Paging: postern.Paging{Limit: 1}})
		must(t, err)
		same(t, page.Items[0].Employments, []postern.Employment{{ID: all[0].Employments[0].ID}})
	})},
	{"every filter of persons selects what it says", inCompany(23, filterPersons)},
	{"a page of persons that cannot be is refused", inCompany(1, func(t *testing.T, c *company) {
		for param, p := range map[string]postern.Paging{"limit": {}, "offset": {Limit: 1, Offset: -1}, "after": {Limit: 1, After: "zz"}} {
			_, err := c.Persons(t.Context(), postern.PersonQuery{Paging: p})
			wantParam(t, err, postern.Invalid, param)
		}
		for _, after := range []string{"b1.2", "n", "n1.1", "u1.1", "nä", "n99999999999999999999999"} {
			_, err := c.Persons(t.Context(), postern.PersonQuery{Paging: postern.Paging{Limit: 1, After: after}})
			wantParam(t, err, postern.Invalid, "after")
		}
		_, err := c.Persons(t.Context(), postern.PersonQuery{IDs: make([]postern.PersonID, 1001), Paging: postern.Paging{Limit: 1}})
		wantCode(t, err, postern.Invalid)
		none, err := c.Persons(t.Context(), postern.PersonQuery{Emails: []string{"\xff"}, Paging: postern.Paging{Limit: 1, Count: true}})
		must(t, err)
		same(t, none, postern.Page[postern.Person]{})
	})},
	{"pages stay apart while persons are added and deleted", inCompany(9, func(t *testing.T, c *company) {
		seen := map[postern.PersonID]int{}
		for p, n := (postern.Paging{Limit: 2}), 0; ; n++ {
			page, err := c.Persons(t.Context(), postern.PersonQuery{Paging: p})
			must(t, err)
			for _, item := range page.Items {
				seen[item.ID]++
			}
			if p.After = page.Next; p.After == "" {
				break
			}
			if n < 3 {
				must(t, c.DeletePerson(t.Context(), page.Items[0].ID, cli))
				_, err = c.CreatePerson(t.Context(), somebody(100+n), cli)
				must(t, err)
			}
		}
		same(t, len(seen), 12)
		for id, n := range seen {
			if n != 1 {
				t.Errorf("person %d came %d times", id, n)
			}
		}
	})},
	{"an address belongs to one person", inCompany(2, func(t *testing.T, c *company) {
		p := somebody(7)
		p.Email = " P1@example.COM"
		unchanged(t, c.db, "acme", func() {
			_, err := c.CreatePerson(t.Context(), p, cli)
			wantParam(t, err, postern.Conflict, "email")
			err = c.ChangePerson(t.Context(), c.people[0], postern.PersonChange{Email: &p.Email}, cli)
			wantParam(t, err, postern.Conflict, "email")
		})
		other := newCompany(t, c.db, "other", 2) // who have the same addresses
		same(t, len(other.people), 2)
		for range 2 { // and many may have none
			p.Email = ""
			_, err := c.CreatePerson(t.Context(), p, cli)
			must(t, err)
		}
		for _, err := range together(4, func(int) error {
			_, err := c.CreatePerson(t.Context(), postern.Person{FirstName: "a", LastName: "b", Email: "same@example.com"}, cli)
			return err
		})[1:] {
			if err != nil {
				wantParam(t, err, postern.Conflict, "email")
			}
		}
		got, err := c.Persons(t.Context(), postern.PersonQuery{Emails: []string{"same@example.com"}, Paging: postern.Paging{Limit: 9}})
		must(t, err)
		same(t, len(got.Items), 1)
	})},
	{"a person changes whole or not at all", inCompany(2, changePerson)},
	{"a deleted person is gone with everything about them", inCompany(3, deletePerson)},
	{"another tenant's person is not there", inCompany(1, foreignPerson)},
	{"employments are those of their person, newest first", inCompany(1, listEmployments)},
	{"an employment changes, and whether its person is active", inCompany(2, changeEmployment)},
}

func wholePerson(t *testing.T, c *company) {
	want := fullPerson()
	want.ID = 4711
	want.Employments[0].Supervisor = c.people[0]
	_, err := c.Import(t.Context(), lines(store.PersonRow{Person: want}), store.ImportOptions{Write: cli})
	must(t, err)
	acted(t, c.db, "acme", postern.ActImported)
	want.Email, want.Active, want.Employments[0].Person = "jo.doe@example.com", true, want.ID
	got, err := c.Person(t.Context(), want.ID)
	must(t, err)
	same(t, got, want)
	e, err := c.Employment(t.Context(), want.ID, want.Employments[0].ID)
	must(t, err)
	same(t, e, want.Employments[0])

	id, err := c.CreatePerson(t.Context(), postern.Person{ID: 1, FirstName: "Bare", LastName: "One"}, cli)
	must(t, err)
	acted(t, c.db, "acme", postern.ActPersonCreated)
	got, err = c.Person(t.Context(), id)
	must(t, err)
	nearNow(t, &got.CreatedAt, &got.UpdatedAt)
	same(t, got, postern.Person{ID: 4712, FirstName: "Bare", LastName: "One", Gender: postern.GenderUnspecified})
}

func filterPersons(t *testing.T, c *company) {
	ctx := t.Context()
	inactive := c.everyone(t)[20]
	must(t, c.ChangeEmployment(ctx, inactive.ID, inactive.Employments[0].ID, postern.EmploymentChange{Status: ptr(postern.EmploymentInactive)}, cli))
	report, err := c.Import(ctx, lines(
		store.PersonRow{Person: postern.Person{FirstName: "First1", LastName: "Old", PreferredName: "Oldie", CreatedAt: at(10), UpdatedAt: at(20)}},
		store.PersonRow{Person: postern.Person{FirstName: "First1", LastName: "Older", CreatedAt: at(0), UpdatedAt: at(30)}}), store.ImportOptions{})
	must(t, err)
	same(t, report.Created, 2)
	all := c.everyone(t)
	for name, tt := range map[string]struct {
		q    postern.PersonQuery
		want func(p *postern.Person) bool
	}{
		"ids": {postern.PersonQuery{IDs: []postern.PersonID{3, 9, 3, 999, -1, 4, 5, 6, 7}}, func(p *postern.Person) bool { return p.ID >= 3 && p.ID <= 7 || p.ID == 9 }},
		"emails": {postern.PersonQuery{Emails: []string{"P3@Example.com", "none@example.com", "p4@example.com", "\x00"}},
			func(p *postern.Person) bool { return p.Email == "p3@example.com" || p.Email == "p4@example.com" }},
		"ids and emails":    {postern.PersonQuery{IDs: []postern.PersonID{4, 5}, Emails: []string{"p3@example.com"}}, func(p *postern.Person) bool { return p.Email == "p3@example.com" }},
		"first name":        {postern.PersonQuery{FirstName: "First1"}, func(p *postern.Person) bool { return p.FirstName == "First1" }},
		"both names":        {postern.PersonQuery{FirstName: "First1", LastName: "Last2"}, func(p *postern.Person) bool { return p.FirstName == "First1" && p.LastName == "Last2" }},
		"preferred name":    {postern.PersonQuery{PreferredName: "Oldie"}, func(p *postern.Person) bool { return p.LastName == "Old" }},
		"created":           {postern.PersonQuery{Created: postern.TimeRange{From: at(0), To: at(10)}}, func(p *postern.Person) bool { return p.CreatedAt.Before(at(11)) }},
		"created until":     {postern.PersonQuery{Created: postern.TimeRange{To: at(9)}}, func(p *postern.Person) bool { return p.LastName == "Older" }},
		"changed":           {postern.PersonQuery{Updated: postern.TimeRange{From: at(21), To: at(30)}}, func(p *postern.Person) bool { return p.LastName == "Older" }},
		"changed since":     {postern.PersonQuery{Updated: postern.TimeRange{From: at(31)}}, func(p *postern.Person) bool { return p.UpdatedAt.After(at(30)) }},
		"changed and named": {postern.PersonQuery{FirstName: "First1", Updated: postern.TimeRange{From: at(31)}}, func(p *postern.Person) bool { return p.FirstName == "First1" && p.UpdatedAt.After(at(30)) }},
		"active":            {postern.PersonQuery{Active: ptr(true)}, func(p *postern.Person) bool { return p.Active }},
		"inactive":          {postern.PersonQuery{Active: ptr(false)}, func(p *postern.Person) bool { return !p.Active }},
		"inactive named":    {postern.PersonQuery{Active: ptr(false), FirstName: "First2"}, func(p *postern.Person) bool { return !p.Active && p.FirstName == "First2" }},
		"nobody":            {postern.PersonQuery{LastName: "last2"}, func(*postern.Person) bool { return false }},
		"unstorable":        {postern.PersonQuery{FirstName: "First1", LastName: "\x00"}, func(*postern.Person) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			tt.q.Detail = true
			got := everything(t, 2, func(ctx context.Context, p postern.Paging) (postern.Page[postern.Person], error) {
				tt.q.Paging = p
				return c.Persons(ctx, tt.q)
			})
			slices.SortFunc(got, func(a, b postern.Person) int { return cmp.Compare(a.ID, b.ID) })
			var want []postern.Person
			for _, p := range all {
				if tt.want(&p) {
					want = append(want, p)
				}
			}
			same(t, got, want)
		})
	}
}

func changePerson(t *testing.T, c *company) {
	ctx, id := t.Context(), c.people[1]
	before, err := c.Person(ctx, id)
	must(t, err)
	must(t, c.ChangePerson(ctx, id, postern.PersonChange{LastName: ptr("New"), Email: ptr("NEW@example.com"), Gender: ptr(postern.GenderFemale),
		Custom: []postern.Attribute{{Key: "dynamic_1", Value: "x"}}}, cli))
	acted(t, c.db, "acme", postern.ActPersonChanged)
	want := before
	want.LastName, want.Email, want.Gender = "New", "new@example.com", postern.GenderFemale
	want.Custom = []postern.Attribute{{Key: "dynamic_1", Kind: postern.AttributeText, Value: "x"}}
	got, err := c.Person(ctx, id)
	must(t, err)
	nearNow(t, &got.UpdatedAt, &want.UpdatedAt)
	same(t, got, want)
	unchanged(t, c.db, "acme", func() {
		wantParam(t, c.ChangePerson(ctx, id, postern.PersonChange{FirstName: ptr("")}, cli), postern.Invalid, "first_name")
		wantCode(t, c.ChangePerson(ctx, id, postern.PersonChange{FirstName: ptr("a\x00")}, cli), postern.Invalid)
		wantCode(t, c.ChangePerson(ctx, 999, postern.PersonChange{}, cli), postern.NotFound)
		_, err := c.CreatePerson(ctx, postern.Person{FirstName: "x", LastName: "y", Employments: []postern.Employment{{Start: 1, Status: "ACTIVE", Type: "INTERNAL", Supervisor: 999}}}, cli)
		wantParam(t, err, postern.Invalid, "supervisor")
		_, err = c.db.Directory("absent").CreatePerson(ctx, somebody(1), cli)
		wantCode(t, err, postern.NotFound)
	})
}

func deletePerson(t *testing.T, c *company) {
	ctx, id, other := t.Context(), c.people[0], c.people[1]
	p, err := c.Person(ctx, other)
	must(t, err)
	must(t, c.ChangeEmployment(ctx, other, p.Employments[0].ID, postern.EmploymentChange{Supervisor: &id}, cli))
	day := date("2026-03-02")
	mine, err := c.CreateAbsence(ctx, postern.Absence{Person: id, Type: c.vacation.ID, Span: postern.DaySpan(day, day, false, false)}, cli)
	must(t, err)
	theirs, err := c.CreateAbsence(ctx, postern.Absence{Person: other, Substitute: id, Type: c.vacation.ID, Span: postern.DaySpan(day+7, day+7, false, false)}, cli)
	must(t, err)
	worked, err := c.CreateAttendance(ctx, postern.Attendance{Person: id, Type: postern.Work, Span: postern.Span{From: day.At(9 * time.Hour), To: day.At(17 * time.Hour)}}, cli)
	must(t, err)
	must(t, c.DeletePerson(ctx, id, cli))
	acted(t, c.db, "acme", postern.ActPersonDeleted)
	_, err = c.Person(ctx, id)
	wantCode(t, err, postern.NotFound)
	_, err = c.Absence(ctx, mine.ID)
	wantCode(t, err, postern.NotFound)
	_, err = c.Attendance(ctx, worked.ID)
	wantCode(t, err, postern.NotFound)
	_, err = c.Employments(ctx, postern.EmploymentQuery{Person: id, Paging: postern.Paging{Limit: 1}})
	wantCode(t, err, postern.NotFound)
	e, err := c.Employment(ctx, other, p.Employments[0].ID)
	must(t, err)
	a, err := c.Absence(ctx, theirs.ID)
	must(t, err)
	if e.Supervisor != 0 || a.Substitute != 0 {
		t.Errorf("person %d is still named: %d, %d", id, e.Supervisor, a.Substitute)
	}
	wantCode(t, c.DeletePerson(ctx, id, cli), postern.NotFound)
	next, err := c.CreatePerson(ctx, somebody(50), cli)
	must(t, err)
	same(t, next, postern.PersonID(4)) // no number is given twice
}

func foreignPerson(t *testing.T, c *company) {
	ctx, id, other := t.Context(), c.people[0], c.db.Directory("other")
	p, err := c.Person(ctx, id)
	must(t, err)
	unchanged(t, c.db, "other", func() {
		_, err := other.Person(ctx, id)
		wantCode(t, err, postern.NotFound)
		_, err = other.Employment(ctx, id, p.Employments[0].ID)
		wantCode(t, err, postern.NotFound)
		_, err = other.Employments(ctx, postern.EmploymentQuery{Person: id, Paging: postern.Paging{Limit: 1}})
		wantCode(t, err, postern.NotFound)
		_, err = other.Balances(ctx, id)
		wantCode(t, err, postern.NotFound)
		_, err = other.AbsenceType(ctx, c.vacation.ID)
		wantCode(t, err, postern.NotFound)
		wantCode(t, other.ChangePerson(ctx, id, postern.PersonChange{}, cli), postern.NotFound)
		wantCode(t, other.ChangeEmployment(ctx, id, p.Employments[0].ID, postern.EmploymentChange{}, cli), postern.NotFound)
		wantCode(t, other.DeletePerson(ctx, id, cli), postern.NotFound)
		none, err := other.Persons(ctx, postern.PersonQuery{Emails: []string{p.Email}, Paging: postern.Paging{Limit: 1}})
		must(t, err)
		same(t, len(none.Items), 0)
	})
	still, err := c.Person(ctx, id)
	must(t, err)
	same(t, still, p)
}

func listEmployments(t *testing.T, c *company) {
	ctx, id := t.Context(), c.people[0]
	for i := range 6 {
		e := work(i / 2) // two begin on the same day
		e.Person = id
		_, err := c.Import(ctx, lines(store.EmploymentRow{Employment: e}), store.ImportOptions{})
		must(t, err)
	}
	q := postern.EmploymentQuery{Person: id}
	ask := func(ctx context.Context, p postern.Paging) (postern.Page[postern.Employment], error) {
		q.Paging = p
		return c.Employments(ctx, q)
	}
	all := everything(t, 2, ask)
	same(t, len(all), 7)
	if !slices.IsSortedFunc(all, func(a, b postern.Employment) int {
		return cmp.Or(cmp.Compare(b.Start, a.Start), strings.Compare(a.ID, b.ID))
	}) {
		t.Errorf("not newest first: %v", all)
	}
	q.IDs = []string{all[3].ID, "none"}
	same(t, everything(t, 2, ask), all[3:4])
	q.IDs, q.Updated = nil, postern.TimeRange{To: at(1)}
	same(t, len(everything(t, 2, ask)), 0)
	_, err := c.Employments(ctx, postern.EmploymentQuery{Person: id, Paging: postern.Paging{Limit: 1, After: "x"}})
	wantParam(t, err, postern.Invalid, "after")
}

func changeEmployment(t *testing.T, c *company) {
	ctx, id := t.Context(), c.people[0]
	before, err := c.Person(ctx, id)
	must(t, err)
	e := before.Employments[0]
	for _, step := range []struct {
		status postern.EmploymentStatus
		want   bool
	}{{postern.EmploymentInactive, false}, {postern.EmploymentLeave, true}, {postern.EmploymentInactive, false}, {postern.EmploymentOnboarding, true}} {
		must(t, c.ChangeEmployment(ctx, id, e.ID, postern.EmploymentChange{Status: &step.status}, cli))
		acted(t, c.db, "acme", postern.ActWorkChanged)
		p, err := c.Person(ctx, id)
		must(t, err)
		if p.Active != step.want || p.Employments[0].Status != step.status {
			t.Errorf("%s: active is %t", step.status, p.Active)
		}
	}
	unchanged(t, c.db, "acme", func() {
		wantParam(t, c.ChangeEmployment(ctx, id, e.ID, postern.EmploymentChange{Supervisor: ptr(postern.PersonID(99))}, cli), postern.Invalid, "supervisor")
		wantParam(t, c.ChangeEmployment(ctx, id, e.ID, postern.EmploymentChange{End: ptr(date("1999-01-01"))}, cli), postern.Invalid, "employment_end_date")
		wantCode(t, c.ChangeEmployment(ctx, c.people[1], e.ID, postern.EmploymentChange{}, cli), postern.NotFound)
		wantCode(t, c.ChangeEmployment(ctx, id, "\x00", postern.EmploymentChange{}, cli), postern.NotFound)
	})
}
