package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

// A page is only as cheap as the index it comes from: each way into a table has the index
// that was made for it, and nothing is sorted.
func TestEachWayIntoATableHasItsIndex(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	d, now, no := db.Directory("acme"), time.Now(), false
	kinds := &types{list: []postern.AbsenceType{{ID: "a", Number: 1, Unit: postern.Days}, {ID: "b", Number: 2, Unit: postern.Hours}}}
	person := func(q postern.PersonQuery) *walk {
		w, err := d.personWalk(&q)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	absence := func(q postern.AbsenceQuery) *walk { return d.absenceWalk(&q, kinds) }
	attendance := func(q postern.AttendanceQuery) *walk { return d.attendanceWalk(&q) }
	week := postern.LocalRange{From: postern.NewDate(2026, 1, 1).At(0), To: postern.NewDate(2026, 1, 8).At(0)}
	changed := postern.TimeRange{From: now}
	for _, tt := range []struct {
		walk *walk
		want string
	}{
		{person(postern.PersonQuery{}), "sqlite_autoindex_persons_1"},
		{person(postern.PersonQuery{IDs: []postern.PersonID{1}}), "sqlite_autoindex_persons_1"},
		{person(postern.PersonQuery{Emails: []string{"a@b", "c@d"}}), "persons_email"},
		{person(postern.PersonQuery{FirstName: "a"}), "persons_first_name"},
		{person(postern.PersonQuery{LastName: "a", FirstName: "b"}), "persons_last_name"},
		{person(postern.PersonQuery{PreferredName: "a"}), "persons_preferred_name"},
		{person(postern.PersonQuery{Active: &no}), "persons_active"},
		{person(postern.PersonQuery{Created: changed}), "persons_created"},
		{person(postern.PersonQuery{Updated: changed}), "persons_updated"},
		{absence(postern.AbsenceQuery{}), "absences_length"},
		{absence(postern.AbsenceQuery{Within: week}), "absences_length"},
		{absence(postern.AbsenceQuery{Within: week, Contained: true}), "absences_length"},
		{absence(postern.AbsenceQuery{IDs: []string{"a", "b"}}), "sqlite_autoindex_absences_2"},
		{absence(postern.AbsenceQuery{Numbers: []int64{1, 2}}), "sqlite_autoindex_absences_1"},
		{absence(postern.AbsenceQuery{People: []postern.PersonID{1, 2}, Within: week}), "absences_person"},
		{absence(postern.AbsenceQuery{Unit: postern.Hours}), "absences_type"},
		{absence(postern.AbsenceQuery{Updated: changed}), "absences_updated"},
		{attendance(postern.AttendanceQuery{}), "attendances_kind"},
		{attendance(postern.AttendanceQuery{Start: week}), "attendances_kind"},
		{attendance(postern.AttendanceQuery{IDs: []string{"a"}}), "sqlite_autoindex_attendances_2"},
		{attendance(postern.AttendanceQuery{People: []postern.PersonID{1, 2}, Start: week}), "attendances_person"},
		{attendance(postern.AttendanceQuery{ByPerson: true}), "attendances_person"},
		{attendance(postern.AttendanceQuery{ByPerson: true, People: []postern.PersonID{1, 2}}), "attendances_person"},
		{attendance(postern.AttendanceQuery{Projects: []string{"1", "2"}}), "attendances_project"},
		{attendance(postern.AttendanceQuery{Statuses: []postern.Approval{postern.Pending}}), "attendances_undecided"},
		{attendance(postern.AttendanceQuery{Updated: changed}), "attendances_updated"},
	} {
		err := tt.walk.groups(func(first, size int) error {
			text, args := tt.walk.statement(first, size, position{farPast, farPast, farPast}, func(f *filter) {
				f.add(" ORDER BY " + strings.Join(tt.walk.order, ", "))
				f.limit(51, 0)
			})
			plan, err := many(t.Context(), db.read, func(r scanner) (s string, err error) {
				var id, parent, unused int
				return s, r.Scan(&id, &parent, &unused, &s)
			}, "EXPLAIN QUERY PLAN "+text, args...)
			for _, step := range plan {
				if strings.Contains(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") ||
					strings.Contains(step, "SEARCH") && !strings.Contains(step, " "+tt.want+" ") {
					t.Errorf("%s by %v, want %s: %s", tt.walk.table, tt.walk.equal, tt.want, step)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// PostgreSQL looks at a column in the index only where no sign keeps it from that; else it
// fetches every absence of weeks before the window to see when it ends.
func TestEndsAreLookedAtWhereTheIndexHasThem(t *testing.T) {
	t.Parallel()
	d := (&DB{name: PostgreSQL}).Directory("acme")
	kinds := &types{list: []postern.AbsenceType{{ID: "a", Number: 1, Unit: postern.Days}}}
	week := postern.LocalRange{From: postern.NewDate(2026, 1, 1).At(0), To: postern.NewDate(2026, 1, 8).At(0)}
	for want, q := range map[string]postern.AbsenceQuery{
		" ends >= ":  {Within: week},
		" +ends >= ": {Within: week, People: []postern.PersonID{1}},
	} {
		w := d.absenceWalk(&q, kinds)
		if err := w.groups(func(first, size int) error {
			if text, _ := w.statement(first, size, position{farPast, farPast, farPast}, func(*filter) {}); !strings.Contains(text, want) {
				t.Errorf("by %v there is no %q in %s", w.equal, want, text)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
