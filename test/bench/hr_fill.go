package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// hrTenant is the tenant of population.tenant(0).
const hrTenant = "bench-0"

// hrFirst is the Monday on which the first of the weeks begins that are asked about.
var hrFirst = postern.NewDate(2024, time.January, 1)

// Days over which absences and attendance are spread: two years.
const hrDays = 730

// hrAsk is a token with every scope that the client has.
var hrAsk = ask{"/oauth2/token", true, func(b []byte, _ *credential) []byte {
	return append(b, "grant_type=client_credentials"...)
}, `"access_token":"`}

// prepareTenant makes a database with one client and a tenant of so many persons, whose
// calls are not paced.
func (h *house) prepareTenant(ctx context.Context, postgres bool, people int) (d *database, who credential, err error) {
	p := machines(1, postern.ES256)
	if d, err = h.prepare(ctx, row{people: p, postgres: postgres, empty: !postgres && people >= bulk}); err != nil {
		return nil, who, err
	}
	defer func() {
		if err != nil {
			d.drop()
		}
	}()
	if !postgres && people >= bulk {
		keep := h.dir
		if h.settings.dir != "" {
			keep = h.settings.dir
		}
		err = h.copyKept(d, filepath.Join(keep, fmt.Sprintf("pristine-hr-%d", people)), func(half *database) error {
			if err := h.fill(ctx, half, p); err != nil {
				return err
			}
			return h.fillTenant(ctx, half, people)
		})
		return d, p.credential(0), err
	}
	return d, p.credential(0), h.fillTenant(ctx, d, people)
}

// fillTenant loads the tenant's rows.
func (h *house) fillTenant(ctx context.Context, d *database, people int) error {
	db, err := store.Open(ctx, d.dsn, store.Options{})
	if err != nil {
		return err
	}
	sandbox := postern.Sandbox{Tenant: hrTenant, Switches: map[string]string{"rate-limit": "off"}}
	err = db.SetSandbox(ctx, sandbox, postern.Event{At: time.Now(), Tenant: hrTenant, Action: postern.ActSandbox, Actor: "bench"})
	if err == nil {
		err = db.Directory(hrTenant).Load(ctx, h.company(people))
	}
	return errors.Join(err, db.Close())
}

// company gives the rows of a tenant: persons with one employment, two absences and ten
// attendance periods each, spread evenly over the days, and saying so while it is loaded.
func (h *house) company(people int) iter.Seq[store.Row] {
	const types = 4
	return func(yield func(store.Row) bool) {
		for i := range types {
			t := postern.AbsenceType{ID: hrID("type", i), Number: int64(i + 1), Name: fmt.Sprintf("Type %d", i+1), Unit: postern.Days, HalfDays: true}
			if !yield(store.AbsenceTypeRow{AbsenceType: t}) {
				return
			}
		}
		for i := range people {
			if i%10_000 == 0 {
				h.say("loading %s of %s persons", thousands(i), thousands(people))
			}
			if !yield(store.PersonRow{Person: hrPerson(i + 1)}) {
				return
			}
		}
		for n := range 2 * people {
			if n%20_000 == 0 {
				h.say("loading absences: %s", thousands(n))
			}
			first := hrFirst + postern.Date(int64(n)*hrDays/int64(2*people))
			a := postern.Absence{Person: postern.PersonID(n%people + 1), Type: hrID("type", n%types), Zone: "Europe/Berlin", Status: postern.Approved,
				Span: postern.DaySpan(first, first+postern.Date(n%14), n%5 == 0, false), Origin: "web", CreatedBy: "Bench"}
			if !yield(store.AbsenceRow{Absence: a}) {
				return
			}
		}
		for n := range 10 * people {
			if n%100_000 == 0 {
				h.say("loading attendance: %s", thousands(n))
			}
			day := hrFirst + postern.Date(int64(n)*hrDays/int64(10*people))
			a := postern.Attendance{Person: postern.PersonID(n%people + 1), Type: postern.Work, Zone: "Europe/Berlin", Status: postern.Confirmed, Date: day,
				Span: postern.Span{From: day.At(8*time.Hour + time.Duration(n%120)*time.Minute), To: day.At(16 * time.Hour)}}
			if !yield(store.AttendanceRow{Attendance: a}) {
				return
			}
		}
	}
}

func hrPerson(n int) postern.Person {
	id := postern.PersonID(n)
	return postern.Person{
		ID: id, Email: hrEmail(n), FirstName: fmt.Sprintf("First%d", n%997), LastName: fmt.Sprintf("Last%d", n%7919),
		PreferredName: fmt.Sprintf("First%d", n%997), Gender: postern.Genders[n%len(postern.Genders)], Picture: true, Active: true,
		Custom: []postern.Attribute{{Key: "dynamic_1", Label: "Badge", Kind: postern.AttributeText, Value: fmt.Sprintf("B-%d", n)}},
		Employments: []postern.Employment{{Person: id, Position: "Clerk", Status: postern.EmploymentActive, Type: "INTERNAL",
			Start: hrFirst - postern.Date(n%3000), WeeklyHours: 40, FullTimeHours: 40,
			Schedule: postern.Schedule{480, 480, 480, 480, 480}, Holidays: "DE-BE", Office: postern.Ref{ID: "1", Name: "Berlin"}}},
	}
}

// hrID makes an id that is the same every time.
func hrID(what string, i int) string {
	b := digest(what, i)
	return fmt.Sprintf("%x-%x-4%03x-a%03x-%x", b[:4], b[4:6], int(b[6])<<4, int(b[7])<<4, b[10:16])
}
