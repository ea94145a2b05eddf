package holidays_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/holidays"
)

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 23, 59, 0, 0, time.UTC)
}

func TestEachCalendarKeepsItsOwnHolidays(t *testing.T) {
	t.Parallel()
	b := holidays.New()
	for _, tt := range []struct {
		calendar string
		day      time.Time
		want     bool
	}{
		{"DE-BE", day(2026, 3, 8), true},    // Women's Day, in Berlin
		{"DE-BY", day(2026, 3, 8), false},   // and not in Bavaria
		{"DE-BY", day(2026, 1, 6), true},    // Epiphany
		{"DE-BE", day(2026, 1, 6), false},   //
		{"DE-NW", day(2026, 6, 4), true},    // Corpus Christi follows Easter
		{"DE", day(2026, 10, 3), true},      // Unity
		{"DE", day(2024, 12, 31), false},    //
		{"DE", day(2024, 12, 26), true},     // the last days of a leap year
		{"AT", day(2026, 10, 26), true},     //
		{"FR", day(2026, 7, 14), true},      //
		{"ES", day(2026, 12, 8), true},      //
		{"GB", day(2021, 12, 28), true},     // Boxing Day of a weekend
		{"US", day(2021, 12, 31), true},     // New Year's Day of the year after
		{"US", day(2026, 11, 26), true},     // Thanksgiving
		{"NL", day(2026, 4, 27), true},      // King's Day
		{"IT", day(2026, 6, 2), true},       //
		{"CH-ZH", day(2026, 5, 1), true},    //
		{"XX", day(2026, 1, 1), false},      // not known
		{"", day(2026, 1, 1), false},        // keeps none
		{"de-be", day(2026, 1, 1), false},   // another name
		{"DE", day(1900, 1, 1), true},       // the edges of what a date may be
		{"DE", day(2199, 12, 25), true},     //
		{"DE-BE", day(2019, 3, 8), true},    // the first
		{"JP", day(2026, 11, 23), true},     //
		{"AU-VIC", day(2026, 11, 3), true},  // Melbourne Cup
		{"AU-NSW", day(2026, 11, 3), false}, //
	} {
		if got := b.Is(tt.calendar, tt.day); got != tt.want {
			t.Errorf("%q on %s: got %t, want %t", tt.calendar, tt.day.Format(time.DateOnly), got, tt.want)
		}
	}
}

func TestCalendarsAreSortedAndKnown(t *testing.T) {
	t.Parallel()
	b, names := holidays.New(), holidays.Calendars()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%q is not sorted, or repeats itself", names)
	}
	for _, name := range names {
		holidaysOf := 0
		for d := day(2026, 1, 1); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
			if b.Is(name, d) {
				holidaysOf++
			}
		}
		if !b.Known(name) || holidaysOf < 5 || holidaysOf > 25 {
			t.Errorf("%s: known is %t, and 2026 has %d holidays", name, b.Known(name), holidaysOf)
		}
	}
	if b.Known("") || b.Known("DE-XX") {
		t.Error("a calendar that does not exist is known")
	}
}

func TestAnyNumberMayAskForAnyYear(t *testing.T) {
	t.Parallel()
	b := holidays.New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, name := range []string{"DE-BE", "FR", "US", "GB", "AT", "CH", "IT", "ES"} {
				for y := 1900; y < 2200; y++ { // more than are remembered
					if !b.Is(name, day(y, 12, 25)) {
						t.Errorf("%s has no Christmas in %d", name, y)
					}
				}
			}
		})
	}
	wg.Wait()
}
