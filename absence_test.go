package postern_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

func leave() *postern.AbsenceType {
	return &postern.AbsenceType{ID: "leave", Number: 1, Name: "Leave", Category: "paid_vacation", Unit: postern.Days, HalfDays: true, Entitlement: 30}
}

func errands() *postern.AbsenceType {
	return &postern.AbsenceType{ID: "errands", Number: 2, Name: "Errands", Unit: postern.Hours}
}

// away is an absence of person 12 that can be.
func away(t testing.TB, from, to string) *postern.Absence {
	t.Helper()
	return &postern.Absence{ID: from, Person: 12, Type: "leave", Span: span(t, from, to), Zone: "Europe/Berlin", Status: postern.Approved}
}

func TestASpanOfDaysHasItsHalves(t *testing.T) {
	t.Parallel()
	monday, wednesday := date(t, "2026-11-23"), date(t, "2026-11-25")
	for _, tt := range []struct {
		first, last        postern.Date
		startHalf, endHalf bool
		want               postern.Span
	}{
		{monday, monday, false, false, span(t, "2026-11-23T00:00", "2026-11-24T00:00")},
		{monday, monday, true, false, span(t, "2026-11-23T12:00", "2026-11-24T00:00")},
		{monday, monday, false, true, span(t, "2026-11-23T00:00", "2026-11-23T12:00")},
		{monday, wednesday, true, true, span(t, "2026-11-23T12:00", "2026-11-25T12:00")},
		{monday, 0, true, true, span(t, "2026-11-23T12:00", "")},
	} {
		got := postern.DaySpan(tt.first, tt.last, tt.startHalf, tt.endHalf)
		if got != tt.want {
			t.Errorf("%s to %s, %v, %v: got %v, want %v", tt.first, tt.last, tt.startHalf, tt.endHalf, got, tt.want)
		}
	}
}

func TestASpanOfDaysIsReadBackAsItWasMade(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(5, 6))
	low := postern.NewDate(1900, 1, 1)
	for range 5000 {
		first := low + postern.Date(dice.IntN(100000))
		last := first + postern.Date(dice.IntN(40))
		startHalf, endHalf := dice.IntN(2) == 0, dice.IntN(2) == 0
		if dice.IntN(5) == 0 {
			last, endHalf = 0, false
		}
		s := postern.DaySpan(first, last, startHalf, endHalf)
		if s.From.Date() != first || s.Last() != last || s.StartHalf() != startHalf || s.EndHalf() != endHalf {
			t.Fatalf("%s to %s, %v, %v: read as %s to %s, %v, %v", first, last, startHalf, endHalf, s.From.Date(), s.Last(), s.StartHalf(), s.EndHalf())
		}
		a := postern.Absence{Person: 1, Span: s}
		err := a.Check(leave())
		if impossible := first == last && startHalf && endHalf; (err != nil) != impossible {
			t.Fatalf("%s to %s, %v, %v: got %v", first, last, startHalf, endHalf, err)
		}
	}
}

func TestBothHalvesOfADayCanBeTakenApart(t *testing.T) {
	t.Parallel()
	d := date(t, "2026-11-23")
	morning, afternoon := postern.DaySpan(d, d, false, true), postern.DaySpan(d, d, true, false)
	if morning.Overlaps(afternoon) || afternoon.Overlaps(morning) {
		t.Error("the morning overlaps the afternoon")
	}
	for _, half := range []postern.Span{morning, afternoon} {
		if whole := postern.DaySpan(d, d, false, false); !whole.Overlaps(half) || !half.Overlaps(half) {
			t.Errorf("%v does not overlap its day", half)
		}
	}
}

func TestAnAbsenceThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	whole := leave()
	whole.HalfDays = false
	for _, tt := range []struct {
		name  string
		typ   *postern.AbsenceType
		wrong func(*postern.Absence)
		param string
	}{
		{"nobody", leave(), func(a *postern.Absence) { a.Person = 0 }, "person"},
		{"a person below nobody", leave(), func(a *postern.Absence) { a.Person = -1 }, "person"},
		{"no start", leave(), func(a *postern.Absence) { a.From = 0 }, "starts_from"},
		{"an end before the start", leave(), func(a *postern.Absence) { a.To = a.From - 86400 }, "ends_at"},
		{"an end at the start", leave(), func(a *postern.Absence) { a.To = a.From }, "ends_at"},
		{"hours that end at their start", errands(), func(a *postern.Absence) { a.To = a.From }, "ends_at"},
		{"both halves of one day left out", leave(), func(a *postern.Absence) { a.Span = span(t, "2026-11-23T12:00", "2026-11-23T12:00") }, "ends_at"},
		{"an hour of a day", leave(), func(a *postern.Absence) { a.From += 3600 }, "starts_from"},
		{"an end in the middle of a morning", leave(), func(a *postern.Absence) { a.To -= 3 * 3600 }, "ends_at"},
		{"a second past midnight", leave(), func(a *postern.Absence) { a.From++ }, "starts_from"},
		{"a half of what has none", whole, func(a *postern.Absence) { a.From += 12 * 3600 }, "starts_from"},
		{"a half at the end of what has none", whole, func(a *postern.Absence) { a.To -= 12 * 3600 }, "ends_at"},
		{"longer than anyone is away", leave(), func(a *postern.Absence) { a.To = a.From + (postern.MaxAbsence+1)*86400 }, "ends_at"},
		{"three hundred years", errands(), func(a *postern.Absence) { a.Span = span(t, "1900-01-01T00:00", "2199-12-31T00:00") }, "ends_at"},
		{"one who stands in for themselves", leave(), func(a *postern.Absence) { a.Substitute = a.Person }, "substitute"},
		{"a long comment", leave(), func(a *postern.Absence) { a.Comment = strings.Repeat("ü", postern.MaxComment+1) }, "comment"},
		{"a comment with NUL", errands(), func(a *postern.Absence) { a.Comment = "a\x00b" }, "comment"},
		{"a comment that is no text", leave(), func(a *postern.Absence) { a.Comment = "\xff" }, "comment"},
	} {
		a := away(t, "2026-11-23T00:00", "2026-11-26T00:00")
		if err := a.Check(tt.typ); err != nil {
			t.Fatalf("%s: before: %v", tt.name, err)
		}
		tt.wrong(a)
		if err := a.Check(tt.typ); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Param != tt.param {
			t.Errorf("%s: got %v, want invalid by %s", tt.name, err, tt.param)
		}
	}
}

func TestWhatAnAbsenceMayBe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, from, to string
		typ            *postern.AbsenceType
	}{
		{"a day", "2026-11-23T00:00", "2026-11-24T00:00", leave()},
		{"half a day", "2026-11-23T12:00", "2026-11-24T00:00", leave()},
		{"no end known", "2026-11-23T00:00", "", leave()},
		{"from noon, no end known", "2026-11-23T12:00", "", leave()},
		{"an hour", "2026-11-23T09:30", "2026-11-23T10:30", errands()},
		{"a night", "2026-11-23T22:00", "2026-11-24T06:00", errands()},
		{"until midnight", "2026-11-23T22:00", "2026-11-24T00:00", errands()},
		{"days and an hour", "2026-11-23T00:00", "2026-11-25T09:00", errands()},
		{"hours, no end known", "2026-11-23T09:00", "", errands()},
		{"the longest", "2016-01-01T00:00", "2026-01-08T00:00", leave()},
		{"the last day there is", "2199-12-31T00:00", "2200-01-01T00:00", leave()},
	} {
		a := away(t, tt.from, tt.to)
		a.Comment = strings.Repeat("ü", postern.MaxComment)
		if err := a.Check(tt.typ); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAnAbsenceFitsWhereNobodyIsInItsWay(t *testing.T) {
	t.Parallel()
	// Person 12 is away from Monday to Wednesday, and 14 stands in.
	a := away(t, "2026-11-23T00:00", "2026-11-26T00:00")
	a.ID, a.Substitute = "a", 14
	other := func(id string, person, substitute postern.PersonID, from, to string) postern.Absence {
		return postern.Absence{ID: id, Person: person, Substitute: substitute, Span: span(t, from, to), Status: postern.Approved}
	}
	for _, tt := range []struct {
		name  string
		o     postern.Absence
		param string
	}{
		{"the same days", other("b", 12, 0, "2026-11-23T00:00", "2026-11-26T00:00"), "starts_from"},
		{"half of the last day", other("b", 12, 0, "2026-11-25T12:00", "2026-11-26T00:00"), "starts_from"},
		{"an hour within", other("b", 12, 0, "2026-11-24T09:00", "2026-11-24T10:00"), "starts_from"},
		{"without an end", other("b", 12, 0, "2026-11-01T00:00", ""), "starts_from"},
		{"the day after", other("b", 12, 0, "2026-11-26T00:00", "2026-11-27T00:00"), ""},
		{"the day before", other("b", 12, 0, "2026-11-22T00:00", "2026-11-23T00:00"), ""},
		{"itself", other("a", 12, 14, "2026-11-23T00:00", "2026-11-26T00:00"), ""},
		{"somebody else", other("b", 13, 0, "2026-11-23T00:00", "2026-11-26T00:00"), ""},
		{"somebody else with the same substitute", other("b", 13, 14, "2026-11-23T00:00", "2026-11-26T00:00"), ""},
		{"one for whom 12 stands in", other("b", 13, 12, "2026-11-25T00:00", "2026-11-27T00:00"), "person"},
		{"one for whom 12 stands in later", other("b", 13, 12, "2026-11-26T00:00", "2026-11-27T00:00"), ""},
		{"the substitute is away", other("b", 14, 0, "2026-11-25T12:00", "2026-11-27T00:00"), "substitute"},
		{"the substitute is away later", other("b", 14, 0, "2026-11-26T00:00", ""), ""},
	} {
		for _, status := range postern.AbsenceApprovals {
			tt.o.Status = status
			err := a.Fits([]postern.Absence{tt.o})
			if tt.param == "" || status == postern.Rejected {
				if err != nil {
					t.Errorf("%s, %s: %v", tt.name, status, err)
				}
			} else if e := postern.AsError(err); postern.CodeOf(err) != postern.Conflict || e.Param != tt.param {
				t.Errorf("%s, %s: got %v, want conflict by %s", tt.name, status, err, tt.param)
			}
		}
	}
	a.Status = postern.Rejected
	if err := a.Fits([]postern.Absence{other("b", 12, 0, "2026-11-23T00:00", "")}); err != nil {
		t.Errorf("one that was rejected: %v", err)
	}
}

func TestAChangeKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	a := away(t, "2026-11-23T00:00", "2026-11-26T00:00")
	a.Comment, a.Substitute = "at sea", 14
	before := *a
	if err := (&postern.AbsenceChange{}).Apply(a, leave()); err != nil || !cmp.Equal(*a, before) {
		t.Errorf("nothing: got %+v, %v", *a, err)
	}
	open, none, nobody := postern.LocalTime(0), "", postern.PersonID(0)
	if err := (&postern.AbsenceChange{To: &open, Comment: &none, Substitute: &nobody}).Apply(a, leave()); err != nil {
		t.Fatal(err)
	}
	want := before
	want.To, want.Comment, want.Substitute = 0, "", 0
	if diff := cmp.Diff(want, *a); diff != "" {
		t.Errorf("cleared (-want +got):\n%s", diff)
	}
	for param, c := range map[string]postern.AbsenceChange{
		"starts_from": {From: &open}, "ends_at": {To: new(wall(t, "2026-11-23T00:00"))}, "substitute": {Substitute: new(postern.PersonID(12))},
	} {
		b := before
		if err := c.Apply(&b, leave()); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Param != param {
			t.Errorf("got %v, want invalid by %s", err, param)
		}
	}
}

func TestAnAbsenceWaitsForApprovalWhereItsTypeSaysSo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		needs, skip bool
		want        postern.Approval
	}{{true, false, postern.Pending}, {true, true, postern.Approved}, {false, false, postern.Approved}, {false, true, postern.Approved}} {
		typ := leave()
		typ.NeedsApproval = tt.needs
		if got := typ.InitialStatus(tt.skip); got != tt.want {
			t.Errorf("needs %v, skip %v: got %s, want %s", tt.needs, tt.skip, got, tt.want)
		}
	}
}

func TestATypeThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	if err := leave().Check(); err != nil {
		t.Fatal(err)
	}
	inHours := errands()
	inHours.Entitlement = 400
	if err := inHours.Check(); err != nil {
		t.Errorf("400 hours of a year: %v", err)
	}
	for _, tt := range []struct {
		param string
		wrong func(*postern.AbsenceType)
	}{
		{"name", func(a *postern.AbsenceType) { a.Name = "" }},
		{"name", func(a *postern.AbsenceType) { a.Name = strings.Repeat("a", postern.MaxName+1) }},
		{"unit", func(a *postern.AbsenceType) { a.Unit = "" }},
		{"unit", func(a *postern.AbsenceType) { a.Unit = "day" }},
		{"category", func(a *postern.AbsenceType) { a.Category = "holiday" }},
		{"half_days", func(a *postern.AbsenceType) { a.Unit = postern.Hours }},
		{"entitlement", func(a *postern.AbsenceType) { a.Entitlement = -1 }},
		{"entitlement", func(a *postern.AbsenceType) { a.Entitlement = 367 }},
		{"entitlement", func(a *postern.AbsenceType) { a.Entitlement = math.NaN() }},
		{"entitlement", func(a *postern.AbsenceType) { a.Unit, a.HalfDays, a.Entitlement = postern.Hours, false, 366*24+1 }},
	} {
		typ := leave()
		tt.wrong(typ)
		if err := typ.Check(); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Param != tt.param {
			t.Errorf("%+v: got %v, want invalid by %s", typ, err, tt.param)
		}
	}
}

func TestAnAbsenceOfDaysIsRefusedInTheDaysThatWereWritten(t *testing.T) {
	t.Parallel()
	a := away(t, "2026-11-26T00:00", "2026-11-26T00:00") // from the 26th to the 25th
	err := a.Check(leave())
	if got, want := postern.Public(err), "the last day, 2026-11-25, is before the first, 2026-11-26"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
