package postern_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

func date(t testing.TB, s string) postern.Date {
	t.Helper()
	d, err := postern.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wall(t testing.TB, s string) postern.LocalTime {
	t.Helper()
	if s == "" {
		return 0
	}
	l, err := postern.ParseLocalTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// span makes one of two local times; an empty end is open.
func span(t testing.TB, from, to string) postern.Span {
	t.Helper()
	return postern.Span{From: wall(t, from), To: wall(t, to)}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := postern.ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestDaysAreCountedAsTheCalendarDoes(t *testing.T) {
	t.Parallel()
	first, last := postern.NewDate(postern.MinYear, 1, 1), postern.NewDate(postern.MaxYear, 12, 31)
	for d := first; d <= last; d++ {
		want := time.Date(postern.MinYear, 1, 1+int(d-first), 0, 0, 0, 0, time.UTC)
		if d.String() != want.Format(time.DateOnly) || d.Weekday() != want.Weekday() || d.Year() != want.Year() {
			t.Fatalf("day %d: got %s, %s, %d, want %s", d, d, d.Weekday(), d.Year(), want)
		}
		if again, err := postern.ParseDate(d.String()); err != nil || again != d {
			t.Fatalf("%s: read back as %d, want %d: %v", d, again, d, err)
		}
	}
	if postern.Date(0).String() != "" || postern.LocalTime(0).String() != "" {
		t.Error("no date is written as one")
	}
}

func TestADayIsThatOfTheZoneAskedFor(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	for name, want := range map[string]string{"UTC": "2026-11-22", "Europe/Berlin": "2026-11-23", "America/New_York": "2026-11-22"} {
		if got := postern.DateOf(late.In(zone(t, name))); got.String() != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestOnlyDatesAreDates(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026", "2026-1-02", "2026-01-2", "2026-02-29", "2026-00-10", "2026-13-01", "2026-04-31", "26-01-01",
		"01.02.2026", "2026/01/02", "2026-01-02T00:00:00", "2026-01-02 ", " 2026-01-02", "1899-12-31", "2200-01-01", "+2026-01-02", "２０２６-01-02"} {
		if d, err := postern.ParseDate(s); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Hint == "" {
			t.Errorf("%q: got %s, %v, want invalid and a hint", s, d, err)
		}
	}
	for _, s := range []string{"1900-01-01", "2024-02-29", "2199-12-31"} {
		if d, err := postern.ParseDate(s); err != nil || d.String() != s {
			t.Errorf("%q: got %s, %v", s, d, err)
		}
	}
}

func TestALocalTimeHasNoZoneAndAllItsDigits(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2026-11-22T08:05:09":        "2026-11-22T08:05:09",
		"2026-11-22T08:05":           "2026-11-22T08:05:00",
		"2026-11-22T23:59:59.999999": "2026-11-22T23:59:59",
		"1900-01-01T00:00:00":        "1900-01-01T00:00:00",
		"2200-01-01T00:00:00":        "2200-01-01T00:00:00", // where the last day ends
	} {
		if l, err := postern.ParseLocalTime(s); err != nil || l.String() != want {
			t.Errorf("%q: got %s, %v, want %s", s, l, err, want)
		}
	}
	for _, s := range []string{"", "2026-11-22", "2026-11-22T", "2026-11-22T08", "2026-11-22 08:05:09", "2026-11-22T8:05:09", "2026-11-22T8:05",
		"2026-11-22T24:00:00", "2026-11-22T08:60:00", "2026-11-22T08:05:60", "2026-11-22T08:05:09Z", "2026-11-22T08:05Z", "2026-11-22T08:05:09z",
		"2026-11-22T08:05:09+01:00", "2026-11-22T08:05:09-0100", "2026-11-22T08:05:09 Europe/Berlin", "2026-02-30T08:00:00", "2026-11-22t08:05:09",
		"2026-11-22T08:05:09.", "2026-11-22T08:05.5", "1899-12-31T23:59:59", "2200-01-01T00:00:01", "2026-11-22T08:05:9", "2026-11-22T08:05:09\n",
		strings.Repeat("9", 5000)} {
		l, err := postern.ParseLocalTime(s)
		if postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Hint == "" || len(postern.AsError(err).Msg) > 100 {
			t.Errorf("%.50q: got %s, %v, want invalid, short and with a hint", s, l, err)
		}
	}
}

func TestATimeIsADayAndWhatPassedOfIt(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	low, high := postern.NewDate(1900, 1, 1), postern.NewDate(2199, 12, 31)
	for range 5000 {
		d := low + postern.Date(dice.IntN(int(high-low)+1))
		since := time.Duration(dice.IntN(86400)) * time.Second
		l := d.At(since)
		if l.Date() != d || l.SinceMidnight() != since || l.Midnight() != (since == 0) {
			t.Fatalf("%s and %v: got %s and %v", d, since, l.Date(), l.SinceMidnight())
		}
		if again, err := postern.ParseLocalTime(l.String()); err != nil || again != l {
			t.Fatalf("%s: read back as %s, %v", l, again, err)
		}
		if back := postern.LocalOf(l.In(time.UTC)); back != l {
			t.Fatalf("%s: in UTC it is %s", l, back)
		}
	}
	if got := postern.NewDate(2026, 11, 22).At(24 * time.Hour); got.String() != "2026-11-23T00:00:00" {
		t.Errorf("24 hours after midnight: got %s", got)
	}
}

// The edges of every kind of change: an hour, half of one, two of them, a whole day
// left out, summer time that is the standard and winter time that is not, and none.
func TestAWallClockIsUnderstoodOnTheDayItChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, local, want string }{
		{"Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"}, // no clock shows it
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"},
		{"Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"}, // shown twice
		{"Europe/Berlin", "2026-10-25T02:59:59", "2026-10-25T00:59:59Z"},
		{"Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"Europe/London", "2026-03-29T01:30:00", "2026-03-29T01:30:00Z"},
		{"Europe/London", "2026-10-25T01:30:00", "2026-10-25T00:30:00Z"},
		{"Europe/Dublin", "2026-10-25T01:30:00", "2026-10-25T00:30:00Z"},
		{"America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00Z"},
		{"America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:29:59", "2026-04-04T14:29:59Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:30:00", "2026-04-04T14:30:00Z"}, // twice, half an hour
		{"Australia/Lord_Howe", "2026-04-05T01:59:59", "2026-04-04T14:59:59Z"},
		{"Australia/Lord_Howe", "2026-04-05T02:00:00", "2026-04-04T15:30:00Z"},
		{"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z"}, // not at all
		{"Antarctica/Troll", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"},    // two hours at once
		{"Antarctica/Troll", "2026-10-25T01:30:00", "2026-10-24T23:30:00Z"},
		{"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"}, // a day that was left out
		{"Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z"},
		{"America/Caracas", "2007-12-09T02:45:00", "2007-12-09T06:45:00Z"}, // half an hour, once and for all
		{"Asia/Kolkata", "2026-03-29T02:30:00", "2026-03-28T21:00:00Z"},
		{"UTC", "2026-10-25T02:30:00", "2026-10-25T02:30:00Z"},
		{"Pacific/Kiritimati", "2026-01-01T00:00:00", "2025-12-31T10:00:00Z"},
	} {
		got := wall(t, tt.local).In(zone(t, tt.zone))
		if got.UTC().Format(time.RFC3339) != tt.want {
			t.Errorf("%s in %s: got %s, want %s", tt.local, tt.zone, got.UTC().Format(time.RFC3339), tt.want)
		}
	}
}

func TestAnInstantShownTwiceIsItsFirst(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "Asia/Tokyo", "Pacific/Chatham"} {
		loc := zone(t, name)
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for m := 0; m < 366*24*60; m += 15 {
			at := start.Add(time.Duration(m) * time.Minute).In(loc)
			l := postern.LocalOf(at)
			if got := l.In(loc); postern.LocalOf(got) != l || got.After(at) {
				t.Fatalf("%s: %s gives %s, want what the clock shows, at %s or before", name, l, got, at)
			}
		}
	}
}

func TestAnEndThatIsExclusiveDoesNotTouchTheNextDay(t *testing.T) {
	t.Parallel()
	first := span(t, "2026-11-23T00:00", "2026-11-24T00:00")
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"2026-11-24T00:00", "2026-11-25T00:00", false},
		{"2026-11-22T00:00", "2026-11-23T00:00", false},
		{"2026-11-23T23:59:59", "2026-11-24T00:00", true},
		{"2026-11-22T00:00", "2026-11-23T00:00:01", true},
		{"2026-11-23T12:00", "2026-11-23T13:00", true},
		{"2026-11-01T00:00", "2026-12-01T00:00", true},
		{"2026-11-01T00:00", "", true},
		{"2026-11-23T23:59:59", "", true},
		{"2026-11-24T00:00", "", false},
	} {
		if got := first.Overlaps(span(t, tt.from, tt.to)); got != tt.want {
			t.Errorf("%s to %q: got %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
	if first.Last().String() != "2026-11-23" {
		t.Errorf("its last day is %s", first.Last())
	}
}

func TestWhatOverlapsSharesASecond(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(3, 4))
	base := postern.NewDate(2026, 11, 22).At(0)
	const horizon = 40
	draw := func() postern.Span {
		s := postern.Span{From: base + postern.LocalTime(dice.IntN(20))}
		if dice.IntN(4) > 0 {
			s.To = s.From + 1 + postern.LocalTime(dice.IntN(10))
		}
		return s
	}
	in := func(s postern.Span, l postern.LocalTime) bool { return s.From <= l && (s.To == 0 || l < s.To) }
	for range 20000 {
		a, b := draw(), draw()
		shared, all := false, true
		for l := base; l < base+horizon; l++ {
			shared = shared || in(a, l) && in(b, l)
			all = all && (!in(b, l) || in(a, l))
		}
		if a.Overlaps(b) != shared || b.Overlaps(a) != shared {
			t.Fatalf("%v and %v: got %v and %v, want %v", a, b, a.Overlaps(b), b.Overlaps(a), shared)
		}
		if a.Holds(b) != all {
			t.Fatalf("%v holds %v: got %v, want %v", a, b, a.Holds(b), all)
		}
		if !a.Holds(a) || !a.Overlaps(a) {
			t.Fatalf("%v is not itself", a)
		}
	}
}

func TestZonesAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} {
		if loc, err := postern.ParseZone(name); err != nil || loc.String() != name {
			t.Errorf("%q: got %v, %v", name, loc, err)
		}
	}
	for _, name := range []string{"", "Local", "local", "CEST", "+01:00", "Europe/Bielefeld", "../etc/passwd", "/etc/localtime", "Europe/../UTC", "Europe/Berlin\x00", strings.Repeat("a", 65)} {
		if loc, err := postern.ParseZone(name); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: got %v, %v, want invalid", name, loc, err)
		}
	}
}

func FuzzParseLocalTime(f *testing.F) {
	for _, s := range []string{"2026-11-22T08:05:09", "2026-11-22T08:05", "2026-11-22T08:05:09.5", "2026-11-22T24:00:00", "2026-11-22T08:05:09Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := postern.ParseLocalTime(s)
		if err != nil {
			if postern.CodeOf(err) != postern.Invalid || l != 0 {
				t.Errorf("%q: got %d, %v", s, l, err)
			}
			return
		}
		if !strings.HasPrefix(l.String(), s[:16]) {
			t.Errorf("%q is read as %s", s, l)
		}
	})
}
