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

func TestWhoIsOutThisWeekAndWhyIsOneCall(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), nil)
	a := must(t, tools, clerk(), "list_absence_periods", args{"from": "this-week"})
	const want = `List Absence Periods: 5 from 2026-11-23 to 2026-11-29 (Europe/Berlin)
- id=b0000000-0000-4000-8000-000000000001 person_id=1 person_name="Ada Lovelace" absence_type_id=aaaaaaaa-0000-4000-8000-000000000001 absence_type_name="Paid vacation" first_day=2026-11-16 last_day=2026-11-23 status=APPROVED
- id=b0000000-0000-4000-8000-000000000002 person_id=3 person_name="Cleo Nile" absence_type_id=aaaaaaaa-0000-4000-8000-000000000002 absence_type_name="Sick" first_day=2026-11-24 status=APPROVED
- id=b0000000-0000-4000-8000-000000000005 person_id=5 person_name="Eve Apple" absence_type_id=aaaaaaaa-0000-4000-8000-000000000001 absence_type_name="Paid vacation" first_day=2026-11-26 last_day=2026-11-27 start_half_day=true end_half_day=true status=APPROVED
- id=b0000000-0000-4000-8000-000000000006 person_id=2 person_name="Bob Noyce" absence_type_id=aaaaaaaa-0000-4000-8000-000000000003 absence_type_name="Overtime off" first_day=2026-11-27 last_day=2026-11-27 starts_at=2026-11-27T09:00:00+01:00 ends_at=2026-11-27T11:30:00+01:00 status=APPROVED
- id=b0000000-0000-4000-8000-000000000004 person_id=4 person_name="Dan Dare" absence_type_id=aaaaaaaa-0000-4000-8000-000000000001 absence_type_name="Paid vacation" first_day=2026-11-29 last_day=2026-12-13 status=APPROVED
withheld: comment
`
	if diff := cmp.Diff(want, a.Text()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	head, rows := a.Table()
	if got, want := strings.Join(head, "|"), "Person|Name|Why|From|Until|Half days|Status|ID"; got != want {
		t.Errorf("head: got %s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"5", "Eve Apple", "Paid vacation", "2026-11-26", "2026-11-27", "start, end", "APPROVED", uuid('b', 5)}, rows[2]); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("2026-11-27T11:30:00+01:00", rows[3][4]); diff != "" {
		t.Errorf("hours (-want +got):\n%s", diff)
	}
}

func TestTheProfileBehindAnAddressIsOneCall(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), nil)
	a := must(t, tools, clerk(), "list_persons", args{"email": " Bob@FIRM.example "})
	if got := column(t, a, "first_name"); !cmp.Equal(got, []any{"Bob"}) {
		t.Fatalf("got %v, want Bob alone", got)
	}
	job := items(t, a)[0]["employments"].([]any)[0].(map[string]any)
	for field, want := range map[string]any{"position": "Engineer", "department": "Research", "supervisor_id": "1", "supervisor_name": "Ada Lovelace",
		"status": "ACTIVE", "start_date": "2020-01-01", "weekly_hours": 40.0} {
		if job[field] != want {
			t.Errorf("%s: got %v, want %v", field, job[field], want)
		}
	}
	if text := a.Text(); strings.Count(text, "\n") != 3 || !strings.Contains(text, `employments=[{id=e0000000-0000-4000-8000-000000000002 position="Engineer"`) {
		t.Errorf("text: got\n%s", text)
	}
	_, rows := a.Table()
	if diff := cmp.Diff([][]string{{"2", "Bob", "Noyce", "bob@firm.example", "ACTIVE", "Engineer", "Research"}}, rows); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	nobody := must(t, tools, clerk(), "list_persons", args{"email": "nobody@firm.example"})
	if len(items(t, nobody)) != 0 || !strings.Contains(nobody.Text(), "nobody in the account has this e-mail address") {
		t.Errorf("nobody: got\n%s", nobody.Text())
	}
}

func TestEveryToolAnswersAsItsSchemaSays(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), func(c *mcptool.Config) {
		c.Withhold = map[string][]string{"list_persons": {}, "list_absence_periods": {}, "get_person": {}}
	})
	for _, tt := range []struct {
		tool string
		args args
	}{
		{"list_persons", nil}, {"list_persons", args{"limit": 2}}, {"list_persons", args{"email": "ada@firm.example"}},
		{"get_person", args{"person_id": 2}}, {"get_person", args{"person_id": "2", "include_names": false}},
		{"list_employments", args{"person_id": 2}}, {"list_employments", args{"person_id": 2, "limit": 1}},
		{"list_absence_types", nil}, {"list_absence_types", args{"limit": 1}},
		{"list_absence_periods", nil}, {"list_absence_periods", args{"limit": 1, "person_id": 4}}, {"list_absence_periods", args{"absence_type_id": firmSick, "to": "today"}},
		{"list_absence_periods", args{"from": "1999-01-01", "to": "1999-12-31"}},
		{"list_attendance_periods", nil}, {"list_attendance_periods", args{"from": "this-week", "updated_from": "2020-01-01", "limit": 1}},
		{"create_absence_period", args{"person_id": 1, "absence_type_id": firmVacation, "first_day": "2027-03-01", "last_day": "2027-03-02", "skip_approval": false}},
	} {
		a := must(t, tools, clerk(), tt.tool, tt.args)
		if a.Text() == "" || strings.Contains(a.Text(), "\n\n") {
			t.Errorf("%s %v: text %q", tt.tool, tt.args, a.Text())
		}
		head, rows := a.Table()
		for _, row := range rows {
			if len(row) != len(head) {
				t.Errorf("%s: a row of %d cells under %d heads", tt.tool, len(row), len(head))
			}
		}
		if a.Data["truncated"] == true && a.Data["next_cursor"] == nil {
			t.Errorf("%s %v: there is more, and no way to it", tt.tool, tt.args)
		}
	}
}

func TestTimesOfWorkCarryTheirZone(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), nil)
	a := must(t, tools, clerk(), "list_attendance_periods", args{"from": "this-week", "person_id": 1})
	if got := column(t, a, "starts_at"); !cmp.Equal(got, []any{"2026-11-23T08:00:00+01:00", "2026-11-23T12:00:00+01:00", "2026-11-25T08:00:00+01:00"}) {
		t.Errorf("got %v", got)
	}
	if got := column(t, a, "minutes"); !cmp.Equal(got, []any{510.0, 30.0, nil}) {
		t.Errorf("minutes: got %v", got)
	}
	if got := column(t, a, "ends_at"); got[2] != nil {
		t.Errorf("what still runs ends at %v", got[2])
	}
	if got := must(t, tools, clerk(), "list_attendance_periods", args{"updated_to": "2020-01-01"}); len(items(t, got)) != 0 {
		t.Errorf("got what was changed since: %v", got.Data)
	}
}

// zoneless is a directory that does not say whose walls its times are on.
type zoneless struct{ postern.Directory }

func (z zoneless) Attendances(ctx context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	p, err := z.Directory.Attendances(ctx, q)
	for i := range p.Items {
		p.Items[i].Zone = ""
	}
	return p, err
}

func (z zoneless) Absences(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	p, err := z.Directory.Absences(ctx, q)
	for i := range p.Items {
		p.Items[i].Zone = ""
	}
	return p, err
}

// The zone of a question is that of its words, such as today; who works in Berlin does
// not work in New York when somebody there asks.
func TestTimesWithoutAZoneAreThoseOfTheAccountAndTheAnswerSaysSo(t *testing.T) {
	t.Parallel()
	tools := toolsOver(zoneless{firm(t)}, nil)
	for tool, x := range map[string]struct {
		args args
		want string
	}{
		"list_attendance_periods": {args{"from": "2026-11-23", "to": "2026-11-23", "limit": 1, "time_zone": "America/New_York"}, "2026-11-23T08:00:00+01:00"},
		"list_absence_periods":    {args{"absence_type_id": firmHours, "time_zone": "America/New_York"}, "2026-11-27T09:00:00+01:00"},
	} {
		a := must(t, tools, clerk(), tool, x.args)
		if got := column(t, a, "starts_at"); !cmp.Equal(got, []any{x.want}) || a.Data["time_zone"] != "America/New_York" {
			t.Errorf("%s: got %v, want %s", tool, got, x.want)
		}
		if notes := fmt.Sprint(a.Data["notes"]); !strings.Contains(notes, "Europe/Berlin") || !strings.Contains(notes, "tools.time_zone") {
			t.Errorf("%s: the notes are %s", tool, notes)
		}
		if a = must(t, toolsOver(firm(t), nil), clerk(), tool, x.args); a.Data["notes"] != nil {
			t.Errorf("%s: with zones the notes are %v", tool, a.Data["notes"])
		}
	}
	// Days are nobody's guess.
	if a := must(t, tools, clerk(), "list_absence_periods", args{"absence_type_id": firmVacation}); a.Data["notes"] != nil {
		t.Errorf("of days the notes are %v", a.Data["notes"])
	}
}

// Schemas are plain, for every provider of models takes those: one type for each
// property, a description, a bound.
func TestArgumentsAreDescribedPlainly(t *testing.T) {
	t.Parallel()
	for _, tool := range mcptool.All() {
		if tool.Title == "" || tool.Description == "" || len(tool.Columns) == 0 || tool.In.Type != "object" || tool.Out.Type != "object" {
			t.Errorf("%s is not described", tool.Name)
		}
		for name, p := range tool.In.Properties {
			if p.Description == "" || p.Type == "" || len(p.Types) > 0 || p.Ref != "" {
				t.Errorf("%s: the argument %s is not described", tool.Name, name)
			}
			if p.Type == "string" && p.MaxLength == nil || p.Type == "integer" && (p.Minimum == nil || p.Maximum == nil) {
				t.Errorf("%s: the argument %s has no bound", tool.Name, name)
			}
		}
	}
}
