package mcptool_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/store"
)

// holiday is a week in which n persons are away.
func holiday(n int) []store.Row {
	rows := crowd(n)
	for i := 1; i <= n; i++ {
		rows = append(rows, store.AbsenceRow{Absence: postern.Absence{ID: uuid('d', i), Person: postern.PersonID(100 + i), Type: firmVacation, Zone: "Europe/Berlin",
			Span: postern.DaySpan(date("2027-02-01"), date("2027-02-03"), false, false), Status: postern.Approved}})
	}
	return rows
}

func TestFiveHundredAbsencesWithNamesTakeFewCalls(t *testing.T) {
	t.Parallel()
	dir := &counted{Directory: firm(t, holiday(499)...)}
	now := firmNow
	tools := toolsOver(dir, func(c *mcptool.Config) { c.Now = func() time.Time { return now } })
	week := args{"from": "2027-02-01", "to": "2027-02-07"}
	a := must(t, tools, clerk(), "list_absence_periods", week)
	if n := len(items(t, a)); n != 500 || a.Data["truncated"] != false {
		t.Fatalf("got %d absences, truncated %v", n, a.Data["truncated"])
	}
	if want := map[string]int{"Absences": 5, "AbsenceTypes": 1, "Persons": 10}; !cmp.Equal(dir.calls, want) {
		t.Errorf("got %v, want %v", dir.calls, want)
	}
	for _, name := range column(t, a, "person_name") {
		if s, _ := name.(string); !strings.HasPrefix(s, "Person ") && s != "Cleo Nile" {
			t.Fatalf("got a name %v", name)
		}
	}
	// What was asked is remembered for five minutes.
	must(t, tools, clerk(), "list_absence_periods", week)
	now = now.Add(5*time.Minute - 1)
	must(t, tools, clerk(), "list_absence_periods", week)
	if want := map[string]int{"Absences": 15, "AbsenceTypes": 1, "Persons": 10}; !cmp.Equal(dir.calls, want) {
		t.Errorf("within five minutes: got %v, want %v", dir.calls, want)
	}
	now = now.Add(1)
	must(t, tools, clerk(), "list_absence_periods", week)
	if want := map[string]int{"Absences": 20, "AbsenceTypes": 2, "Persons": 20}; !cmp.Equal(dir.calls, want) {
		t.Errorf("after five minutes: got %v, want %v", dir.calls, want)
	}
	// And not for anybody else.
	other := clerk()
	other.Tenant = "other"
	must(t, tools, other, "list_absence_periods", week)
	if dir.calls["Persons"] != 30 {
		t.Errorf("another tenant was given the names of the first")
	}
}

func TestAtMostFourCallsForNamesAreMadeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		for i := range 500 {
			l.booked = append(l.booked, postern.Absence{ID: uuid('b', i), Person: postern.PersonID(i + 1), Type: vacation, Span: postern.DaySpan(20_000, 20_001, false, false)})
		}
		dir := &counted{Directory: l, held: make(chan struct{})}
		done := make(chan error)
		go func() {
			_, err := toolsOver(dir, nil).Call(t.Context(), clerk(), "list_absence_periods", nil)
			done <- err
		}()
		synctest.Wait()
		if dir.now != 4 {
			t.Errorf("%d calls at once, want 4", dir.now)
		}
		close(dir.held)
		if err := <-done; err != nil || dir.atOnce != 4 || dir.calls["Persons"] != 10 {
			t.Errorf("got %v; %d at once, %v", err, dir.atOnce, dir.calls)
		}
	})
}

func TestNamesThatCannotBeHadAreANoteAndNoFailure(t *testing.T) {
	t.Parallel()
	low, shy, first := clerk(), clerk(), clerk()
	low.Scopes = postern.NewScopes("personio:absences:read")
	shy.Attributes, first.Attributes = []string{"position"}, []string{"first_name"}
	judged := clerk()
	judged.Scopes, judged.Judged = nil, true
	fails := func(method string, code postern.Code) func(string) error {
		return func(m string) error {
			if m == method {
				return postern.Errorf(code, "no")
			}
			return nil
		}
	}
	for _, tt := range []struct {
		what  string
		who   mcptool.Caller
		fail  func(string) error
		names []any
		note  string
	}{
		{"all scopes", clerk(), nil, []any{"Cleo Nile"}, ""},
		{"no permission", low, nil, []any{nil}, `personio:persons:read (Employees: Read)`},
		{"not shown", shy, nil, []any{nil}, "not shown"},
		{"first names only", first, nil, []any{"Cleo"}, ""},
		{"the API says no", judged, fails("Persons", postern.Forbidden), []any{nil}, "personio:persons:read"},
		{"the API does not know the token", judged, fails("Persons", postern.Unauthenticated), []any{nil}, "401"},
		{"the API is away", clerk(), fails("Persons", postern.Unavailable), []any{nil}, "names of persons are missing"},
		{"types cannot be read", clerk(), fails("AbsenceTypes", postern.Unavailable), []any{"Cleo Nile"}, "absence types could not be read"},
	} {
		dir := &counted{Directory: firm(t), fail: tt.fail}
		a := must(t, toolsOver(dir, nil), tt.who, "list_absence_periods", args{"from": "this-week", "person_id": 3})
		if got := column(t, a, "person_name"); !cmp.Equal(got, tt.names) {
			t.Errorf("%s: got %v, want %v", tt.what, got, tt.names)
		}
		notes, _ := a.Data["notes"].([]any)
		if tt.note == "" && len(notes) > 0 || tt.note != "" && (len(notes) != 1 || !strings.Contains(notes[0].(string), tt.note)) {
			t.Errorf("%s: got the notes %q, want %q", tt.what, notes, tt.note)
		}
	}
}

func TestNamesAreNotAskedForWhenNobodyWantsThem(t *testing.T) {
	t.Parallel()
	dir := &counted{Directory: firm(t)}
	tools := toolsOver(dir, func(c *mcptool.Config) {
		c.Withhold = map[string][]string{"list_attendance_periods": {"person_name"}, "list_employments": {"supervisor_name"}}
	})
	a := must(t, tools, clerk(), "list_absence_periods", args{"include_names": "false", "from": "this-week"})
	for _, field := range []string{"person_name", "absence_type_name"} {
		if got := column(t, a, field); got[0] != nil {
			t.Errorf("got %s %v", field, got)
		}
	}
	if got := column(t, a, "starts_at"); got[3] == nil {
		t.Error("without names hours are days")
	}
	must(t, tools, clerk(), "list_attendance_periods", nil)
	must(t, tools, clerk(), "list_employments", args{"person_id": 2})
	must(t, tools, clerk(), "get_person", args{"person_id": 2, "include_names": false})
	if dir.calls["Persons"] != 0 {
		t.Errorf("got %v", dir.calls)
	}
}
