package mcptool_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
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

// An id is the same in either case of its letters.
func TestATypeIsFoundByItsIdInCapitalsToo(t *testing.T) {
	t.Parallel()
	a := must(t, toolsOver(firm(t), nil), clerk(), "list_absence_periods", args{"absence_type_id": strings.ToUpper(firmSick)})
	if got := column(t, a, "id"); !cmp.Equal(got, []any{uuid('b', 2)}) {
		t.Errorf("got %v, want the one absence of the type", got)
	}
}

// Nobody's absences are none, and so are those of a number that is wrong: the answer
// tells the two apart, as far as the caller may know.
func TestAnAnswerWithNothingInItTellsWhoOrWhatIsNotThere(t *testing.T) {
	t.Parallel()
	tools, blind := toolsOver(firm(t), nil), clerk()
	blind.Scopes = postern.NewScopes("personio:absences:read", "personio:attendances:read")
	for name, tt := range map[string]struct {
		who  mcptool.Caller
		tool string
		args args
		note string
	}{
		"nobody's absences":        {clerk(), "list_absence_periods", args{"person_id": 4711}, "there is no person 4711"},
		"nobody's times":           {clerk(), "list_attendance_periods", args{"person_id": 4711}, "there is no person 4711"},
		"somebody's, of no type":   {clerk(), "list_absence_periods", args{"person_id": 1, "absence_type_id": uuid('f', 1)}, "there is no absence type"},
		"somebody's, in no month":  {clerk(), "list_absence_periods", args{"person_id": 1, "from": "2031-01-01"}, ""},
		"somebody's times":         {clerk(), "list_attendance_periods", args{"person_id": 2}, ""},
		"everybody's, in no month": {clerk(), "list_absence_periods", args{"from": "2005-01-01", "to": "2005-01-31"}, ""},
		"who may not know":         {blind, "list_absence_periods", args{"person_id": 4711}, ""},
	} {
		a := must(t, tools, tt.who, tt.tool, tt.args)
		notes := fmt.Sprint(a.Data["notes"])
		if len(items(t, a)) != 0 || tt.note == "" && a.Data["notes"] != nil || !strings.Contains(notes, tt.note) {
			t.Errorf("%s: got %v and the notes %v, want %q", name, a.Data["items"], a.Data["notes"], tt.note)
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
