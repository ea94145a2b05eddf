package mcptool_test

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

func TestADryRunSaysWhatWouldBeBooked(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tools := over(l, func(c *mcptool.Config) {
		c.Now = func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }
	})
	data, err := book(t, tools, agent(), wish("start_half", true, "skip_approval", true, "comment", "sailing", "idempotency_key", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"Ada Number7"`, "person 7", `"Paid vacation"`, "2026-12-01", "2026-12-02", "beginning at noon", "Approval is skipped", `"sailing"`} {
		if s := data["summary"].(string); !strings.Contains(s, part) {
			t.Errorf("the summary %q does not say %s", s, part)
		}
	}
	if data["idempotency_key"] != "k1" || data["expires_at"] != "2026-11-22T09:10:00Z" || l.count() != 0 {
		t.Errorf("got %v and %d writes", data, l.count())
	}
}

func TestWhatCannotBeBookedIsSaidBeforeAConfirmationIsGiven(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.booked = []postern.Absence{
		{ID: "there", Person: 7, Type: training, Span: postern.DaySpan(day(2026, 12, 24), day(2026, 12, 31), false, false), Status: postern.Pending},
		{ID: "open", Person: 8, Type: training, Span: postern.DaySpan(day(2026, 11, 1), 0, false, false), Status: postern.Approved},
		{ID: "no", Person: 9, Type: training, Span: postern.DaySpan(day(2026, 12, 1), day(2026, 12, 9), false, false), Status: postern.Rejected},
		{ID: "same", Person: 10, Type: vacation, Span: postern.DaySpan(day(2026, 12, 1), day(2026, 12, 2), false, false), Status: postern.Pending},
	}
	tools := over(l, nil)
	for name, c := range map[string]struct {
		args map[string]any
		code postern.Code
		says string
	}{
		"nobody":           {wish("person_id", "4711"), postern.NotFound, "no person 4711"},
		"no number":        {wish("person_id", "Ada"), postern.Invalid, "person_id"},
		"no type":          {wish("absence_type_id", "vacation"), postern.NotFound, `"vacation"`},
		"no half days":     {wish("absence_type_id", training, "end_half", true), postern.Invalid, "half a day"},
		"backwards":        {wish("last_day", "2026-11-30"), postern.Invalid, "before the first"},
		"noon to noon":     {wish("last_day", "2026-12-01", "start_half", true, "end_half", true), postern.Invalid, "noon"},
		"a week":           {wish("first_day", "this-week"), postern.Invalid, "more than a day"},
		"no day":           {wish("first_day", "2026-02-30"), postern.Invalid, "first_day"},
		"ten years":        {wish("last_day", "2037-01-01"), postern.Invalid, "longer than"},
		"away":             {wish("first_day", "2026-12-20", "last_day", "2026-12-24"), postern.Conflict, `absence "there"`},
		"away without end": {wish("person_id", "8"), postern.Conflict, "without an end"},
		"there already":    {wish("person_id", "10"), postern.Conflict, `absence "same"`},
		"approval open":    {func() map[string]any { m := wish(); delete(m, "skip_approval"); return m }(), postern.Invalid, "skip_approval is missing"},
		"unknown":          {wish("approve", true), postern.Invalid, "approve"},
	} {
		_, err := book(t, tools, agent(), c.args)
		if e := postern.AsError(err); postern.CodeOf(err) != c.code || !strings.Contains(e.Msg, c.says) || l.count() != 0 {
			t.Errorf("%s: got %v, want %s that says %q", name, err, c.code, c.says)
		}
	}
	rehearsed(t, tools, wish("person_id", "9"))                                    // what was rejected is not in the way
	rehearsed(t, tools, wish("first_day", "2026-12-23", "last_day", "2026-12-23")) // nor what begins the day after
	rehearsed(t, tools, wish("absence_type_id", strings.ToUpper(vacation)))
}

func TestACallerWhoMayOnlyWriteIsToldNothingAboutPeople(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.booked = []postern.Absence{{ID: "there", Person: 8, Type: training, Span: postern.DaySpan(day(2026, 12, 1), day(2026, 12, 1), false, false), Status: postern.Pending}}
	tools, who := over(l, nil), agent()
	who.Scopes = postern.NewScopes("personio:absences:write")
	data, err := book(t, tools, who, wish())
	if s, _ := data["summary"].(string); err != nil || !strings.Contains(s, "person 7") || strings.Contains(s, "Ada") {
		t.Errorf("got %v, %v, want a summary with the number and without the name", data, err)
	}
	if _, err := book(t, tools, who, wish("person_id", "8")); postern.CodeOf(err) != postern.Conflict || strings.Contains(postern.AsError(err).Msg, "there") {
		t.Errorf("got %v, want a conflict that does not name the other absence", err)
	}
}

// Whoever says yes has to know that the person has left; the API would book it.
func TestTheSummaryTellsThatAPersonIsNotActive(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.people[6].Active = false
	tools, blind := over(l, nil), agent()
	blind.Attributes = []string{"first_name", "last_name"}
	for name, tt := range map[string]struct {
		who    mcptool.Caller
		person string
		tells  bool
	}{"who left": {agent(), "7", true}, "who is there": {agent(), "8", false}, "whose status is withheld": {blind, "7", false}} {
		data, err := book(t, tools, tt.who, wish("person_id", tt.person))
		if s, _ := data["summary"].(string); err != nil || data["booked"] != false || strings.Contains(s, "INACTIVE") != tt.tells {
			t.Errorf("%s: got %v, %v, want INACTIVE in the summary %t", name, data, err, tt.tells)
		}
	}
}

func TestTheWholeCommentIsInTheSummary(t *testing.T) {
	t.Parallel()
	tools := over(newLedger(), nil)
	comment := strings.Repeat("é", 1999) + "!"
	data, err := book(t, tools, agent(), wish("comment", comment))
	if s, _ := data["summary"].(string); err != nil || !strings.Contains(s, comment) {
		t.Errorf("got %v, %v, want all that is kept with the absence", data, err)
	}
	if _, err := book(t, tools, agent(), wish("comment", comment+"!")); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Param != "comment" {
		t.Errorf("one character more: got %v, want Invalid", err)
	}
}

func TestACredentialThatMayNotReadPersonsBooksByNumber(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tools, who := toolsOver(nameless{l}, nil), mcptool.Caller{Tenant: "acme", ClientID: "k", Judged: true}
	data, err := book(t, tools, who, wish())
	if err != nil || data["booked"] != false || len(data["notes"].([]any)) < 2 {
		t.Fatalf("got %v, %v, want a dry run with notes", data, err)
	}
	if data, err = book(t, tools, who, wish("confirm", data["confirm"])); err != nil || data["booked"] != true {
		t.Errorf("got %v, %v, want it booked", data, err)
	}
}

// Nobody says yes to a booking of which nobody knows what it is, and which would fail.
func TestACredentialThatMayNotReadAbsencesIsToldBeforeAnybodyConfirms(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.refuses = postern.Errorf(postern.Forbidden, "the permission is missing")
	data, err := book(t, over(l, nil), mcptool.Caller{Tenant: "acme", ClientID: "k", Judged: true}, wish())
	if e := postern.AsError(err); postern.CodeOf(err) != postern.Forbidden || e.Param != "personio:absences:read" || !strings.Contains(e.Msg, `"Absences: Read"`) || strings.Contains(e.Hint, "create_absence_period") {
		t.Errorf("got %v, %v, want to be told of absences", data, err)
	}
}
