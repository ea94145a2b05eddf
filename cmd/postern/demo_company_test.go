package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func noHoliday(string, postern.Date) bool { return false }

// made is a company, by nouns.
type made struct {
	types       []postern.AbsenceType
	persons     []postern.Person
	employments map[postern.PersonID][]postern.Employment
	absences    []postern.Absence
	times       []postern.Attendance
}

func makeCompany(t *testing.T, now time.Time) (m made) {
	t.Helper()
	c, err := newCompany(now, noHoliday)
	if err != nil {
		t.Fatal(err)
	}
	m.employments = map[postern.PersonID][]postern.Employment{}
	for row := range c.rows() {
		switch row := row.(type) {
		case store.AbsenceTypeRow:
			m.types = append(m.types, row.AbsenceType)
		case store.PersonRow:
			m.persons = append(m.persons, row.Person)
		case store.EmploymentRow:
			m.employments[row.Person] = append(m.employments[row.Person], row.Employment)
		case store.AbsenceRow:
			m.absences = append(m.absences, row.Absence)
		case store.AttendanceRow:
			m.times = append(m.times, row.Attendance)
		default:
			t.Fatalf("a %T", row)
		}
	}
	return m
}

// someDays are moments on which a company that is counted from today could be odd: each
// day of a week, the ends of a year, days when clocks change, the minutes after midnight.
func someDays() (out []time.Time) {
	for d := range 7 {
		out = append(out, time.Date(2026, 11, 20+d, 10, 17, 31, 5e6, time.UTC))
	}
	for _, s := range []string{"2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2027-03-28T00:59:00Z", "2027-03-28T12:00:00Z",
		"2027-10-31T01:30:00Z", "2027-11-01T09:00:00Z", "2028-02-29T22:59:00Z", "2026-07-05T22:01:00Z"} {
		at, _ := time.Parse(time.RFC3339, s) // well formed
		out = append(out, at)
	}
	return out
}

func TestTheDemoCompanyBreaksNoRuleOnAnyDay(t *testing.T) {
	t.Parallel()
	for _, now := range someDays() {
		t.Run(now.Format(time.RFC3339), func(t *testing.T) {
			t.Parallel()
			m := makeCompany(t, now)
			types := map[string]*postern.AbsenceType{}
			seen := map[string]bool{}
			once := func(kind, id string) {
				if id == "" || seen[kind+id] {
					t.Errorf("the %s %q is there twice, or empty", kind, id)
				}
				seen[kind+id] = true
			}
			for i := range m.types {
				types[m.types[i].ID] = &m.types[i]
				once("type", m.types[i].ID)
				if err := m.types[i].Check(); err != nil {
					t.Errorf("%s: %v", m.types[i].Name, err)
				}
			}
			for _, p := range m.persons {
				checkPerson(t, &p, m.employments[p.ID], now, once)
			}
			checkAbsences(t, m, types, once)
			checkTimes(t, m, now, once)
		})
	}
}

func checkPerson(t *testing.T, p *postern.Person, es []postern.Employment, now time.Time, once func(kind, id string)) {
	t.Helper()
	before := *p
	if err := p.Check(); err != nil || !cmp.Equal(before, *p) {
		t.Errorf("%s %s: %v, or not in the form that is stored", p.FirstName, p.LastName, err)
	}
	once("person", fmt.Sprint(p.ID))
	once("name", p.FirstName+" "+p.LastName)
	if p.Email != "" {
		once("address", p.Email)
	}
	if p.CreatedAt.IsZero() || p.UpdatedAt.Before(p.CreatedAt) || p.UpdatedAt.After(now) {
		t.Errorf("%s: created %v, updated %v, now %v", p.Email, p.CreatedAt, p.UpdatedAt, now)
	}
	for i := range es {
		once("employment", es[i].ID)
		if err := es[i].Check(); err != nil {
			t.Errorf("%s: %v", p.Email, err)
		}
		if i > 0 && es[i].End >= es[i-1].Start || i > 0 && es[i].End == 0 {
			t.Errorf("%s: employment %d ends on %s, the one after it starts on %s", p.Email, i, es[i].End, es[i-1].Start)
		}
	}
	if want := len(es) > 0 && es[0].Works(); p.Active != want {
		t.Errorf("%s: active is %v, want %v", p.Email, p.Active, want)
	}
}

func checkAbsences(t *testing.T, m made, types map[string]*postern.AbsenceType, once func(kind, id string)) {
	t.Helper()
	of := map[postern.PersonID][]postern.Absence{}
	for _, a := range m.absences {
		for _, o := range m.absences {
			if a.Substitute == o.Person && a.Blocks() && o.Blocks() && a.Overlaps(o.Span) {
				t.Errorf("person %d stands in for %d and is away", o.Person, a.Person)
			}
		}
	}
	for _, a := range m.absences {
		once("absence", a.ID)
		once("absence number", fmt.Sprint(a.Number))
		if err := a.Check(types[a.Type]); err != nil {
			t.Errorf("person %d: %v", a.Person, err)
		}
		for _, o := range of[a.Person] {
			if o.Blocks() && a.Blocks() && o.Overlaps(a.Span) {
				t.Errorf("person %d: %v overlaps %v", a.Person, a.Span, o.Span)
			}
		}
		of[a.Person] = append(of[a.Person], a)
	}
}

func checkTimes(t *testing.T, m made, now time.Time, once func(kind, id string)) {
	t.Helper()
	of := map[postern.PersonID][]postern.Attendance{}
	for _, a := range m.times {
		once("attendance", a.ID)
		once("attendance number", fmt.Sprint(a.Number))
		loc, err := postern.ParseZone(a.Zone)
		if err != nil {
			t.Fatal(err)
		}
		before := a
		if err := a.Check(); err != nil || !cmp.Equal(before, a) {
			t.Errorf("person %d: %v", a.Person, err)
		}
		if err := a.Fits(of[a.Person]); err != nil {
			t.Errorf("person %d on %s: %v", a.Person, a.Date, err)
		}
		if a.From.In(loc).After(now) || a.To != 0 && a.To.In(loc).After(now) {
			t.Errorf("person %d works from %s to %s, and it is %v", a.Person, a.From, a.To, now)
		}
		of[a.Person] = append(of[a.Person], a)
	}
}

func TestTheDemoCompanyHasWhatAProgramHasToCopeWith(t *testing.T) {
	t.Parallel()
	for _, now := range someDays() {
		t.Run(now.Format(time.RFC3339), func(t *testing.T) {
			t.Parallel()
			m := makeCompany(t, now)
			n := count(m, now)
			for what, least := range map[string]int{
				"person": 110, "several employments": 20, "three employments": 3, "part-time": 10, "left": 6, "leaves": 1, "onboarding": 3, "on leave": 3,
				"nobody above": 3, "no employment": 1, "no address": 2, "external": 2, "two cost centers": 3, "office Berlin": 10, "office Munich": 10, "office Madrid": 10,
				"office Barcelona": 10, "attribute string": 50, "attribute int": 50, "attribute double": 50, "attribute date": 50,
				"attribute boolean": 50, "attribute string_list": 50, "preferred name": 5, "gender DIVERSE": 2, "gender UNSPECIFIED": 2,
				"type": 9, "absence": 205, "absence PENDING": 10, "absence APPROVED": 100, "absence REJECTED": 3, "both halves": 3, "one half": 3, "hours": 5, "open end": 1,
				"away this week": 12, "away all week": 4, "asked for, next days": 2,
				"attendance": 260, "attendance BREAK": 80, "attendance PENDING": 20, "attendance CONFIRMED": 100, "attendance REJECTED": 3, "running": 2, "clocks change": 1,
			} {
				if n[what] < least {
					t.Errorf("%s: got %d, want %d at least", what, n[what], least)
				}
			}
		})
	}
}

// count says how often there is what.
func count(m made, now time.Time) map[string]int {
	n := map[string]int{"person": len(m.persons), "type": len(m.types), "absence": len(m.absences), "attendance": len(m.times)}
	loc, _ := postern.ParseZone(demoZone) // it is there
	today := postern.DateOf(now.In(loc))
	monday := today - postern.Date((int(today.Weekday())+6)%7)
	add := func(what string, when bool) {
		if when {
			n[what]++
		}
	}
	for _, p := range m.persons {
		es := m.employments[p.ID]
		add("several employments", len(es) > 1)
		add("three employments", len(es) > 2)
		add("no employment", len(es) == 0)
		add("no address", p.Email == "")
		add("preferred name", p.PreferredName != "")
		n["gender "+string(p.Gender)]++
		for _, a := range p.Custom {
			n["attribute "+string(a.Kind)]++
		}
		if len(es) > 0 {
			e := es[0]
			add("part-time", e.WeeklyHours > 0 && e.WeeklyHours < e.FullTimeHours)
			add("left", e.Status == postern.EmploymentInactive && e.Termination.Type != "")
			add("leaves", e.Status == postern.EmploymentActive && e.End > today)
			add("onboarding", e.Status == postern.EmploymentOnboarding && e.Start > today)
			add("on leave", e.Status == postern.EmploymentLeave)
			add("nobody above", e.Supervisor == 0)
			add("external", e.Type == "EXTERNAL")
			add("two cost centers", len(e.CostCenters) > 1)
			n["office "+e.Office.Name]++
		}
	}
	week := postern.Span{From: monday.At(0), To: (monday + 7).At(0)}
	units := map[string]postern.Unit{}
	for _, t := range m.types {
		units[t.ID] = t.Unit
	}
	for _, a := range m.absences {
		n["absence "+string(a.Status)]++
		days := units[a.Type] == postern.Days
		add("both halves", days && a.StartHalf() && a.EndHalf())
		add("one half", days && a.StartHalf() != a.EndHalf())
		add("hours", !days)
		add("open end", a.To == 0)
		add("away this week", a.Status == postern.Approved && a.Overlaps(week))
		add("away all week", a.Status == postern.Approved && a.From <= week.From && a.To >= (monday+5).At(0))
		add("asked for, next days", a.Status == postern.Pending && a.From > today.At(0) && a.From < (today+10).At(0))
	}
	for _, a := range m.times {
		n["attendance "+string(a.Type)]++
		n["attendance "+string(a.Status)]++
		add("running", a.To == 0 && a.Date == today)
		zone, _ := postern.ParseZone(a.Zone) // checked elsewhere
		add("clocks change", a.To != 0 && a.Elapsed(zone) != time.Duration(a.To-a.From)*time.Second)
	}
	return n
}

func TestTheDemoCompanyIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	now := someDays()[0]
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(makeCompany(t, now), makeCompany(t, now.In(tokyo)), cmp.AllowUnexported(made{})); diff != "" {
		t.Errorf("on another machine: %s", diff)
	}
	// Who is who does not depend on the day.
	later := makeCompany(t, now.AddDate(0, 0, 100))
	for i, p := range makeCompany(t, now).persons {
		if l := later.persons[i]; l.Email != p.Email || l.FirstName != p.FirstName || l.Gender != p.Gender {
			t.Errorf("person %d is %s, and later %s", p.ID, p.Email, l.Email)
		}
	}
}
