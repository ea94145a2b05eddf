package mcptool_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

// careless is a directory that knows no filters: it gives everything to everybody.
type careless struct{ postern.Directory }

func (c careless) Persons(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	return c.Directory.Persons(ctx, postern.PersonQuery{Paging: q.Paging})
}

func (c careless) Absences(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	return c.Directory.Absences(ctx, postern.AbsenceQuery{Paging: q.Paging})
}

func (c careless) Attendances(ctx context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	return c.Directory.Attendances(ctx, postern.AttendanceQuery{Paging: q.Paging})
}

// A filter that an API does not know, and leaves out, is applied here: the answer is
// never about more people than were asked about.
func TestAFilterThatTheAPILeavesOutIsAppliedAllTheSame(t *testing.T) {
	t.Parallel()
	tools := toolsOver(careless{firm(t)}, nil)
	for _, tt := range []struct {
		tool string
		args args
		want []any
	}{
		{"list_absence_periods", args{"from": "this-week"}, []any{uuid('b', 1), uuid('b', 2), uuid('b', 5), uuid('b', 6), uuid('b', 4)}},
		{"list_absence_periods", args{"from": "2026-11-23", "to": "2026-11-23"}, []any{uuid('b', 1)}},
		{"list_absence_periods", args{"from": "2026-11-22", "to": "2026-11-22"}, []any{uuid('b', 1), uuid('b', 3)}},
		{"list_absence_periods", args{"to": "2026-11-15"}, []any{}},
		{"list_absence_periods", args{"from": "2027-01-01"}, []any{uuid('b', 2)}}, // which has no end
		{"list_absence_periods", args{"person_id": 4}, []any{uuid('b', 3), uuid('b', 4)}},
		{"list_absence_periods", args{"absence_type_id": firmSick}, []any{uuid('b', 2)}},
		{"list_attendance_periods", args{"from": "2026-11-24"}, []any{uuid('c', 3)}},
		{"list_attendance_periods", args{"to": "2026-11-23"}, []any{uuid('c', 1), uuid('c', 2)}},
		{"list_attendance_periods", args{"person_id": 2}, []any{}},
		{"list_attendance_periods", args{"updated_to": "2020-01-01"}, []any{}},
		{"list_attendance_periods", args{"updated_from": "2150-01-01"}, []any{}},
		{"list_persons", args{"email": "eve@firm.example"}, []any{"5"}},
	} {
		got := append([]any{}, column(t, must(t, tools, clerk(), tt.tool, tt.args), "id")...)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", tt.tool, tt.args, diff)
		}
	}
}

// The types of an account may not be known: then the edges of an absence tell whether
// hours or days are counted.
func TestHoursAreToldFromDaysWithoutTheTypesToo(t *testing.T) {
	t.Parallel()
	dir := &counted{Directory: firm(t), fail: func(m string) error {
		if m == "AbsenceTypes" {
			return postern.Errorf(postern.Forbidden, "no")
		}
		return nil
	}}
	a := must(t, toolsOver(dir, nil), clerk(), "list_absence_periods", args{"from": "2026-11-26", "to": "2026-11-27"})
	if diff := cmp.Diff([]any{nil, nil, "2026-11-27T09:00:00+01:00"}, column(t, a, "starts_at")); diff != "" {
		t.Errorf("starts_at (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{nil, true, nil}, column(t, a, "start_half_day")); diff != "" {
		t.Errorf("start_half_day (-want +got):\n%s", diff)
	}
}
