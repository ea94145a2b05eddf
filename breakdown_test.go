package postern_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"postern.dev/postern"
)

// fullTime works eight hours from Monday to Friday.
var fullTime = postern.Schedule{480, 480, 480, 480, 480, 0, 0}

func employed(t testing.TB, from, to string, s postern.Schedule, holidays string) postern.Employment {
	t.Helper()
	e := postern.Employment{Person: 12, Start: date(t, from), Schedule: s, Holidays: holidays}
	if to != "" {
		e.End = date(t, to)
	}
	return e
}

func noHoliday(string, postern.Date) bool { return false }

// amounts writes a breakdown in one line: the first date and what each day takes.
func amounts(days []postern.AbsenceDay) string {
	if len(days) == 0 {
		return ""
	}
	out := []string{days[0].Date.String()}
	for i, d := range days {
		if d.Date != days[0].Date+postern.Date(i) {
			out = append(out, "not in order")
		}
		out = append(out, fmt.Sprint(d.Amount))
	}
	return strings.Join(out, " ")
}

func TestADayTakesWhatWouldHaveBeenWorked(t *testing.T) {
	t.Parallel()
	// Christmas is kept in Berlin; the first of May is too.
	holiday := func(calendar string, d postern.Date) bool {
		return calendar == "DE-BE" && (strings.HasSuffix(d.String(), "-12-25") || strings.HasSuffix(d.String(), "-05-01"))
	}
	halfWeek := postern.Schedule{480, 480, 240, 0, 0, 0, 0}
	full := []postern.Employment{employed(t, "2020-01-01", "", fullTime, "DE-BE")}
	for _, tt := range []struct {
		name, from, to string
		typ            *postern.AbsenceType
		employments    []postern.Employment
		want           string
	}{
		{"a week, and the days nobody works", "2026-11-23T00:00", "2026-11-30T00:00", leave(), full, "2026-11-23 1 1 1 1 1 0 0"},
		{"halves at both ends", "2026-11-23T12:00", "2026-11-25T12:00", leave(), full, "2026-11-23 0.5 1 0.5"},
		{"an afternoon", "2026-11-23T12:00", "2026-11-24T00:00", leave(), full, "2026-11-23 0.5"},
		{"a morning", "2026-11-23T00:00", "2026-11-23T12:00", leave(), full, "2026-11-23 0.5"},
		{"half a Saturday", "2026-11-28T12:00", "2026-11-29T00:00", leave(), full, "2026-11-28 0"},
		{"a public holiday", "2026-12-24T00:00", "2026-12-29T00:00", leave(), full, "2026-12-24 1 0 0 0 1"},
		{"where it is none", "2026-12-24T00:00", "2026-12-26T00:00", leave(),
			[]postern.Employment{employed(t, "2020-01-01", "", fullTime, "")}, "2026-12-24 1 1"},
		{"a part-timer", "2026-11-23T00:00", "2026-11-28T00:00", leave(),
			[]postern.Employment{employed(t, "2020-01-01", "", halfWeek, "")}, "2026-11-23 1 1 1 0 0"},
		{"a change of the week on Wednesday", "2026-11-23T00:00", "2026-11-28T00:00", leave(),
			[]postern.Employment{employed(t, "2026-11-25", "", fullTime, ""), employed(t, "2020-01-01", "2026-11-24", postern.Schedule{480}, "")}, "2026-11-23 1 0 1 1 1"},
		{"a move to where the day is a holiday", "2026-04-30T00:00", "2026-05-02T00:00", leave(),
			[]postern.Employment{employed(t, "2026-05-01", "", fullTime, "DE-BE"), employed(t, "2020-01-01", "2026-04-30", fullTime, "")}, "2026-04-30 1 0"},
		{"after the last day", "2026-11-23T00:00", "2026-11-26T00:00", leave(),
			[]postern.Employment{employed(t, "2020-01-01", "2026-11-24", fullTime, "")}, "2026-11-23 1 1 0"},
		{"before the first day", "2026-11-23T00:00", "2026-11-26T00:00", leave(),
			[]postern.Employment{employed(t, "2026-11-25", "", fullTime, "")}, "2026-11-23 0 0 1"},
		{"nobody's employee", "2026-11-23T00:00", "2026-11-24T00:00", leave(), nil, "2026-11-23 0"},
		{"hours from noon to the end of a day", "2026-11-23T12:00", "2026-11-25T12:00", errands(), full, "2026-11-23 4 8 4"},
		{"hours from noon for a while", "2026-11-23T12:00", "2026-11-23T17:00", errands(), full, "2026-11-23 5"},
		{"no end known", "2026-11-23T00:00", "", leave(), full, "2026-11-23 1 1 1"},
		{"no end known and not begun", "2026-12-07T12:00", "", leave(), full, "2026-12-07 0.5"},
		{"hours", "2026-11-23T09:30", "2026-11-23T11:00", errands(), full, "2026-11-23 1.5"},
		{"twenty minutes", "2026-11-23T09:30", "2026-11-23T09:50", errands(), full, "2026-11-23 0.33"},
		{"more hours than are worked", "2026-11-23T06:00", "2026-11-23T20:00", errands(), full, "2026-11-23 8"},
		{"hours of days", "2026-11-23T15:00", "2026-11-25T09:00", errands(), full, "2026-11-23 8 8 8"},
		{"hours until midnight", "2026-11-23T22:00", "2026-11-24T00:00", errands(), full, "2026-11-23 2"},
		{"hours of a night", "2026-11-23T22:00", "2026-11-24T06:00", errands(), full, "2026-11-23 2 6"},
		{"hours of a Sunday", "2026-11-29T09:00", "2026-11-29T11:00", errands(), full, "2026-11-29 0"},
		{"hours of a part-timer", "2026-11-25T00:00", "2026-11-27T00:00", errands(),
			[]postern.Employment{employed(t, "2020-01-01", "", halfWeek, "")}, "2026-11-25 4 0"},
		{"hours, no end known", "2026-11-23T22:00", "", errands(), full, "2026-11-23 2 8 8"},
	} {
		a := away(t, tt.from, tt.to)
		got := postern.Breakdown(a, tt.typ, tt.employments, holiday, date(t, "2026-11-25"))
		if amounts(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, amounts(got), tt.want)
		}
		for _, d := range got {
			if d.Unit != tt.typ.Unit {
				t.Errorf("%s: counted in %s", tt.name, d.Unit)
			}
		}
	}
}

func TestHoursAreThoseOfTheClock(t *testing.T) {
	t.Parallel()
	always := []postern.Employment{employed(t, "2020-01-01", "", postern.Schedule{1440, 1440, 1440, 1440, 1440, 1440, 1440}, "")}
	for _, tt := range []struct{ zone, from, to, want string }{
		{"Europe/Berlin", "2026-03-29T01:00", "2026-03-29T04:00", "2026-03-29 2"},
		{"Europe/Berlin", "2026-03-29T02:15", "2026-03-29T03:10", "2026-03-29 0"}, // in the hour that is left out
		{"Europe/Berlin", "2026-10-25T01:00", "2026-10-25T04:00", "2026-10-25 4"},
		{"Europe/Berlin", "2026-03-29T00:00", "2026-03-30T00:00", "2026-03-29 23"},
		{"Australia/Lord_Howe", "2026-04-05T01:00", "2026-04-05T03:00", "2026-04-05 2.5"},
		{"Asia/Kolkata", "2026-03-29T01:00", "2026-03-29T04:00", "2026-03-29 3"},
		{"", "2026-03-29T01:00", "2026-03-29T04:00", "2026-03-29 3"}, // not known
	} {
		a := away(t, tt.from, tt.to)
		a.Zone = tt.zone
		if got := amounts(postern.Breakdown(a, errands(), always, noHoliday, 0)); got != tt.want {
			t.Errorf("%s in %s: got %s, want %s", tt.from, tt.zone, got, tt.want)
		}
	}
}

func TestABreakdownIsBounded(t *testing.T) {
	t.Parallel()
	full := []postern.Employment{employed(t, "1990-01-01", "", fullTime, "")}
	if got := postern.Breakdown(away(t, "2000-01-01T00:00", ""), leave(), full, noHoliday, date(t, "2026-11-25")); len(got) != postern.MaxBreakdown {
		t.Errorf("got %d days, want %d", len(got), postern.MaxBreakdown)
	}
	backwards := &postern.Absence{Span: span(t, "2026-11-25T00:00", "2026-11-20T00:00")}
	if got := postern.Breakdown(backwards, leave(), full, noHoliday, 0); len(got) != 0 {
		t.Errorf("backwards: got %v", got)
	}
}

// Whatever the absence, its days are all there, and it takes no more than is worked.
func TestABreakdownAddsUp(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(7, 8))
	base := date(t, "2026-01-01")
	for range 3000 {
		var schedule postern.Schedule
		for i := range schedule {
			schedule[i] = dice.IntN(3) * 240
		}
		e := postern.Employment{Person: 12, Start: base + postern.Date(dice.IntN(10)), Schedule: schedule, Holidays: "X"}
		e.End = e.Start + postern.Date(dice.IntN(30))
		free := base + postern.Date(dice.IntN(30))
		holiday := func(c string, d postern.Date) bool { return c == "X" && d == free }
		first := base + postern.Date(dice.IntN(30))
		last := first + postern.Date(dice.IntN(20))
		startHalf, endHalf := dice.IntN(2) == 0, dice.IntN(2) == 0
		if first == last && startHalf {
			endHalf = false
		}
		a := &postern.Absence{Person: 12, Span: postern.DaySpan(first, last, startHalf, endHalf)}
		works := func(d postern.Date) bool { return e.Covers(d) && d != free && schedule.On(d.Weekday()) > 0 }
		want := 0.0
		for d := first; d <= last; d++ {
			if works(d) {
				want++
			}
		}
		if startHalf && works(first) {
			want -= 0.5
		}
		if endHalf && works(last) {
			want -= 0.5
		}
		got := 0.0
		days := postern.Breakdown(a, leave(), []postern.Employment{e}, holiday, 0)
		for _, d := range days {
			got += d.Amount
		}
		if got != want || len(days) != int(last-first+1) {
			t.Fatalf("%v: got %v in %d days, want %v in %d", a.Span, got, len(days), want, last-first+1)
		}
	}
}

func TestABalanceIsTheYearsEntitlementLessWhatWasTaken(t *testing.T) {
	t.Parallel()
	full := []postern.Employment{employed(t, "2020-01-01", "", fullTime, "")}
	pending := func(a *postern.Absence) { a.Status = postern.Pending }
	for _, tt := range []struct {
		name               string
		employments        []postern.Employment
		from, to           string
		change             func(*postern.Absence)
		balance, available float64
	}{
		{"a week", full, "2026-11-23T00:00", "2026-11-30T00:00", nil, 25, 25},
		{"half a day", full, "2026-11-23T12:00", "2026-11-24T00:00", nil, 29.5, 29.5},
		{"asked for", full, "2026-11-23T00:00", "2026-11-25T00:00", pending, 30, 28},
		{"asked for and half", full, "2026-11-23T00:00", "2026-11-24T12:00", pending, 30, 28.5},
		{"refused", full, "2026-11-23T00:00", "2026-11-25T00:00", func(a *postern.Absence) { a.Status = postern.Rejected }, 30, 30},
		{"to be taken back", full, "2026-11-23T00:00", "2026-11-25T00:00", func(a *postern.Absence) { a.Status = postern.DeletionPending }, 28, 28},
		{"of another type", full, "2026-11-23T00:00", "2026-11-25T00:00", func(a *postern.Absence) { a.Type = "other" }, 30, 30},
		{"from the year before", full, "2025-12-29T00:00", "2026-01-03T00:00", nil, 28, 28},
		{"into the next year", full, "2026-12-30T00:00", "2027-01-09T00:00", nil, 28, 28},
		{"half of the last day of the year", full, "2026-12-31T12:00", "2027-01-02T00:00", nil, 29.5, 29.5},
		{"all in the next year", full, "2027-01-01T00:00", "2027-01-09T00:00", nil, 30, 30},
		{"all in the year before", full, "2025-12-01T00:00", "2026-01-01T00:00", nil, 30, 30},
		{"no end known", full, "2026-12-28T00:00", "", nil, 26, 26},
		{"no end known for twelve years", full, "2014-01-01T00:00", "", nil, 30 - 261, 30 - 261},
		{"no end known, from the next year", full, "2027-01-01T00:00", "", nil, 30, 30},
		{"from May on", []postern.Employment{employed(t, "2026-05-01", "", fullTime, "")}, "2026-11-23T00:00", "2026-11-24T00:00", nil, 19, 19},
		{"from the 15th", []postern.Employment{employed(t, "2026-12-15", "", fullTime, "")}, "2027-11-23T00:00", "2027-11-24T00:00", nil, 2.5, 2.5},
		{"from the 16th", []postern.Employment{employed(t, "2026-12-16", "", fullTime, "")}, "2027-11-23T00:00", "2027-11-24T00:00", nil, 0, 0},
		{"until February", []postern.Employment{employed(t, "2020-01-01", "2026-02-28", fullTime, "")}, "2026-02-02T00:00", "2026-02-04T00:00", nil, 3, 3},
		{"with a gap between two", []postern.Employment{employed(t, "2026-07-01", "", fullTime, ""), employed(t, "2020-01-01", "2026-03-31", fullTime, "")},
			"2026-05-04T00:00", "2026-05-09T00:00", nil, 22.5, 22.5}, // nothing is worked in May
		{"never employed", nil, "2026-02-02T00:00", "2026-02-04T00:00", nil, 0, 0},
	} {
		a := away(t, tt.from, tt.to)
		if tt.change != nil {
			tt.change(a)
		}
		b := postern.BalanceOf(leave(), 2026, tt.employments, []postern.Absence{*a}, noHoliday)
		if b.Balance != tt.balance || b.Available != tt.available || b.Type != *leave() {
			t.Errorf("%s: got %v and %v, want %v and %v", tt.name, b.Balance, b.Available, tt.balance, tt.available)
		}
	}
}

func TestABalanceIsRoundedToHundredthsAndCountsHoursAsSuch(t *testing.T) {
	t.Parallel()
	typ := leave()
	typ.Entitlement = 25
	since := []postern.Employment{employed(t, "2026-09-01", "", fullTime, "")}
	if b := postern.BalanceOf(typ, 2026, since, nil, noHoliday); b.Balance != 8.33 || b.Available != 8.33 {
		t.Errorf("four months of 25 days: got %v and %v, want 8.33", b.Balance, b.Available)
	}
	overtime := errands()
	overtime.Entitlement = 60
	a := away(t, "2026-11-23T09:00", "2026-11-23T11:30")
	a.Type = overtime.ID
	if b := postern.BalanceOf(overtime, 2026, since, []postern.Absence{*a}, noHoliday); b.Balance != 17.5 {
		t.Errorf("four months of 60 hours less two and a half: got %v", b.Balance)
	}
}
