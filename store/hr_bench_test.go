package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// BenchmarkDirectory is what a page costs with 10,000 and with 100,000 persons, each with
// two absences and ten days of attendance: at the front, in the middle and at the end. The
// two sizes should hardly differ.
func BenchmarkDirectory(b *testing.B) {
	engines := map[string]func(b *testing.B) string{
		"sqlite":   func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "postern.db") },
		"postgres": func(b *testing.B) string { return schema(b, postgres(b)) },
	}
	for name, dsn := range engines {
		for _, persons := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", name, persons), func(b *testing.B) {
				db := open(b, dsn(b))
				if err := db.CreateTenant(b.Context(), postern.Tenant{ID: "acme"}, postern.Event{}); err != nil {
					b.Fatal(err)
				}
				d, begun := db.Directory("acme"), time.Now()
				if err := d.Load(b.Context(), crowd(persons)); err != nil {
					b.Fatal(err)
				}
				b.Logf("%d persons: loaded in %v", persons, time.Since(begun).Round(time.Millisecond))
				benchmarkPages(b, d, persons)
			})
		}
	}
}

var benchStart = postern.NewDate(2020, 1, 1)

// crowd is persons with what they do over six years.
func crowd(persons int) func(func(store.Row) bool) {
	const vacation = "0b0c1d2e-3f40-4152-8364-758697a8b9ca"
	return func(yield func(store.Row) bool) {
		if !yield(store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{ID: vacation, Name: "Vacation", Unit: postern.Days}}) {
			return
		}
		for i := range persons {
			p := postern.Person{ID: postern.PersonID(i + 1), Email: fmt.Sprintf("p%d@example.com", i), FirstName: fmt.Sprint("F", i%1000),
				LastName: fmt.Sprint("L", i%5000), Employments: []postern.Employment{{Start: benchStart, Status: postern.EmploymentActive, Type: "INTERNAL"}}}
			rows := []store.Row{store.PersonRow{Person: p}}
			for n := range 2 {
				first := benchStart + postern.Date((i*7919+n*1097)%2190)
				rows = append(rows, store.AbsenceRow{Absence: postern.Absence{Person: p.ID, Type: vacation,
					Span: postern.DaySpan(first, first+postern.Date([]int{0, 1, 4, 4, 11, 19}[(i+n)%6]), false, false)}})
			}
			for n := range 10 {
				day := benchStart + postern.Date((i+n*219)%2190)
				rows = append(rows, store.AttendanceRow{Attendance: postern.Attendance{Person: p.ID, Type: postern.Work,
					Span: postern.Span{From: day.At(9 * time.Hour), To: day.At(17 * time.Hour)}}})
			}
			for _, r := range rows {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func benchmarkPages(b *testing.B, d *store.Directory, persons int) {
	page := postern.Paging{Limit: 50}
	week := func(n postern.Date) postern.LocalRange {
		return postern.LocalRange{From: (benchStart + n).At(0), To: (benchStart + n + 6).At(24*time.Hour - time.Second)}
	}
	deep := page
	deep.After = positionAfter(b, d, postern.PersonID(persons-100))
	for _, tt := range []struct {
		name string
		ask  func(ctx context.Context) (int, error)
	}{
		{"persons", asking(d.Persons, postern.PersonQuery{Paging: page})},
		{"personsEnd", asking(d.Persons, postern.PersonQuery{Paging: deep})},
		{"email", asking(d.Persons, postern.PersonQuery{Emails: []string{"p4711@example.com"}, Paging: page})},
		{"weekOld", asking(d.Absences, postern.AbsenceQuery{Within: week(100), Paging: page})},
		{"weekNew", asking(d.Absences, postern.AbsenceQuery{Within: week(2100), Paging: page})},
		{"attendance", asking(d.Attendances, postern.AttendanceQuery{Start: week(1000), Paging: page})},
		{"attendanceOf", asking(d.Attendances, postern.AttendanceQuery{People: []postern.PersonID{17, 4711, 9000}, Paging: page})},
		{"changed", asking(d.Attendances, postern.AttendanceQuery{Updated: postern.TimeRange{From: time.Unix(1, 0)}, Paging: page})},
	} {
		b.Run(tt.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				var err error
				if n, err = tt.ask(b.Context()); err != nil || n == 0 {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
}

func asking[Q, T any](ask func(context.Context, Q) (postern.Page[T], error), q Q) func(ctx context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		p, err := ask(ctx, q)
		return len(p.Items), err
	}
}

// positionAfter gives the position behind a person.
func positionAfter(b *testing.B, d *store.Directory, id postern.PersonID) string {
	b.Helper()
	p, err := d.Persons(b.Context(), postern.PersonQuery{Paging: postern.Paging{Limit: 1, Offset: int(id) - 1}})
	if err != nil || len(p.Items) != 1 || p.Items[0].ID != id || p.Next == "" {
		b.Fatalf("the position of person %d: %+v (%v)", id, p, err)
	}
	return p.Next
}
