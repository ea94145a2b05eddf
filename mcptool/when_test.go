package mcptool_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// empty is a directory in which nobody is away, and which remembers what it was asked.
type empty struct {
	postern.Directory
	absences    postern.AbsenceQuery
	attendances postern.AttendanceQuery
}

func (e *empty) Absences(_ context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	e.absences = q
	return postern.Page[postern.Absence]{}, nil
}

func (e *empty) Attendances(_ context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	e.attendances = q
	return postern.Page[postern.Attendance]{}, nil
}

// at makes the tools at a moment.
func at(now string, dir postern.Directory) *mcptool.Tools {
	return toolsOver(dir, func(c *mcptool.Config) {
		c.Now = func() time.Time {
			t, err := time.Parse(time.RFC3339, now)
			if err != nil {
				panic(err)
			}
			return t
		}
	})
}

func TestWordsForDaysAreReadOnTheWallOfTheTimeZone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		now, zone, from, to string
		wantFrom, wantTo    string
	}{
		{"2026-11-25T08:00:00Z", "", "today", "today", "2026-11-25", "2026-11-25"},
		{"2026-11-25T08:00:00Z", "", "yesterday", "tomorrow", "2026-11-24", "2026-11-26"},
		{"2026-11-25T08:00:00Z", "", "today", "", "2026-11-25", ""}, // a day alone begins an open range
		{"2026-11-25T08:00:00Z", "", "", "today", "", "2026-11-25"},
		{"2026-11-25T08:00:00Z", "", "", "", "", ""},
		{"2026-11-25T08:00:00Z", "", "2026-01-05", "", "2026-01-05", ""},
		{"2026-11-25T08:00:00Z", "", "this-week", "", "2026-11-23", "2026-11-29"}, // a period alone is all of it
		{"2026-11-25T08:00:00Z", "", "", "this-week", "2026-11-23", "2026-11-29"},
		{"2026-11-25T08:00:00Z", "", "last-week", "next-week", "2026-11-16", "2026-12-06"},
		{"2026-11-25T08:00:00Z", "", "this-week", "2026-12-31", "2026-11-23", "2026-12-31"},
		{"2026-11-25T08:00:00Z", "", "2026-11-01", "this-month", "2026-11-01", "2026-11-30"},
		{"2026-11-25T08:00:00Z", "", "next-month", "", "2026-12-01", "2026-12-31"},
		{"2026-12-25T08:00:00Z", "", "next-month", "", "2027-01-01", "2027-01-31"},
		{"2026-01-31T08:00:00Z", "", "next-month", "", "2026-02-01", "2026-02-28"},
		{"2028-03-31T08:00:00Z", "", "last-month", "", "2028-02-01", "2028-02-29"},
		{"2026-11-25T08:00:00Z", "", "last-year", "", "2025-01-01", "2025-12-31"},
		{"2026-11-25T08:00:00Z", "", "next-year", "", "2027-01-01", "2027-12-31"},
		{"2026-11-25T08:00:00Z", "", "This Week", "", "2026-11-23", "2026-11-29"},
		{"2026-11-25T08:00:00Z", "", "THIS_MONTH", "", "2026-11-01", "2026-11-30"},
		// The week that goes over the end of a year, from both sides, and its first and last day.
		{"2026-12-31T22:30:00Z", "", "this-week", "", "2026-12-28", "2027-01-03"},
		{"2026-12-31T22:30:00Z", "", "today", "", "2026-12-31", ""},
		{"2026-12-31T23:30:00Z", "", "today", "", "2027-01-01", ""}, // in Berlin the year is new
		{"2026-12-31T23:30:00Z", "", "this-week", "", "2026-12-28", "2027-01-03"},
		{"2026-12-31T23:30:00Z", "", "this-year", "", "2027-01-01", "2027-12-31"},
		{"2026-12-31T23:30:00Z", "America/New_York", "this-year", "", "2026-01-01", "2026-12-31"},
		{"2026-11-22T22:59:59Z", "", "this-week", "", "2026-11-16", "2026-11-22"}, // Sunday
		{"2026-11-22T23:00:00Z", "", "this-week", "", "2026-11-23", "2026-11-29"}, // Monday
		// The nights in which clocks change.
		{"2026-03-28T23:30:00Z", "", "today", "", "2026-03-29", ""},
		{"2026-03-29T21:59:59Z", "", "today", "", "2026-03-29", ""},
		{"2026-03-29T22:00:00Z", "", "today", "", "2026-03-30", ""},
		{"2026-10-24T22:00:00Z", "", "yesterday", "today", "2026-10-24", "2026-10-25"},
		{"2026-10-25T22:59:59Z", "", "today", "", "2026-10-25", ""},
		{"2026-10-25T23:00:00Z", "", "tomorrow", "", "2026-10-27", ""},
		// The other side of the world, and a day that a country left out (2011-12-30).
		{"2026-11-25T11:00:00Z", "Pacific/Kiritimati", "today", "", "2026-11-26", ""},
		{"2026-11-25T11:00:00Z", "Pacific/Pago_Pago", "today", "", "2026-11-25", ""},
		{"2011-12-31T08:00:00Z", "Pacific/Apia", "today", "", "2011-12-31", ""},
	} {
		a := args{}
		for name, v := range map[string]string{"from": tt.from, "to": tt.to, "time_zone": tt.zone} {
			if v != "" {
				a[name] = v
			}
		}
		got := must(t, at(tt.now, &empty{}), clerk(), "list_absence_periods", a).Data
		from, _ := got["from"].(string)
		to, _ := got["to"].(string)
		if from != tt.wantFrom || to != tt.wantTo {
			t.Errorf("%s %q to %q in %q: got %s to %s, want %s to %s", tt.now, tt.from, tt.to, tt.zone, from, to, tt.wantFrom, tt.wantTo)
		}
		if zone := got["time_zone"]; tt.zone != "" && zone != tt.zone || tt.zone == "" && zone != "Europe/Berlin" {
			t.Errorf("the answer is in %v", zone)
		}
	}
}

func TestWhatIsNoDayIsRefusedWithWhatWasMeant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, value, hint string }{
		{"from", "tody", "today"}, {"from", "thisweek", "this-week"}, {"to", "next-wek", "next-week"}, {"from", "2026-02-30", "YYYY-MM-DD"},
		{"to", "25.11.2026", "YYYY-MM-DD"}, {"from", "1899-12-31", "YYYY-MM-DD"}, {"from", "0001-01-01", ""}, {"from", "2026-11-25T00:00:00Z", ""},
		{"time_zone", "Berlin", "Europe/Berlin"}, {"time_zone", "Local", "Europe/Berlin"}, {"from", "'; drop table", ""},
	} {
		_, err := try(t, at("2026-11-25T08:00:00Z", &empty{}), clerk(), "list_absence_periods", args{tt.name: tt.value})
		e := postern.AsError(err)
		if postern.CodeOf(err) != postern.Invalid || e.Param != tt.name || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("%s %q: got %v of %s, hint %q", tt.name, tt.value, err, e.Param, e.Hint)
		}
	}
	for _, far := range []string{"0001-01-01", "1899-12-31", "9999-12-31"} {
		_, err := try(t, at("2026-11-25T08:00:00Z", &empty{}), clerk(), "list_absence_periods", args{"from": far})
		if e := postern.AsError(err); !strings.Contains(e.Msg, strconv.Itoa(postern.MinYear)) || !strings.Contains(e.Msg, strconv.Itoa(postern.MaxYear)) {
			t.Errorf("%s: got %q, want the years that there are", far, e.Msg)
		}
	}
	// A weekday could be that of last week or of next week, and both dates are told.
	for word, dates := range map[string]string{"monday": "Monday after today is 2026-11-30, the one before is 2026-11-23", "Next Friday": "Friday after today is 2026-11-27, the one before is 2026-11-20",
		"last_sun": "2026-11-29, the one before is 2026-11-22", "tues": "2026-12-01", "wednesday": "2026-12-02, the one before is 2026-11-18, and today is one"} {
		_, err := try(t, at("2026-11-25T08:00:00Z", &empty{}), clerk(), "list_absence_periods", args{"from": word})
		if e := postern.AsError(err); postern.CodeOf(err) != postern.Invalid || e.Param != "from" || !strings.Contains(e.Msg, "weekday") || !strings.Contains(e.Hint, dates) {
			t.Errorf("%s: got %v, hint %q, want %s", word, err, e.Hint, dates)
		}
	}
	_, err := try(t, at("2026-11-25T08:00:00Z", &empty{}), clerk(), "list_absence_periods", args{"from": "tomorrow", "to": "today"})
	if e := postern.AsError(err); postern.CodeOf(err) != postern.Invalid || e.Param != "to" || !strings.Contains(e.Msg, "2026-11-25") {
		t.Errorf("an end before the start: got %v", err)
	}
}

// A day of change is as long as its clocks make it.
func TestADayOfChangeLastsFromMidnightToMidnight(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to, wantFrom, wantTo string
		hours                      float64
	}{
		{"2026-03-29", "2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59.999+02:00", 23},
		{"2026-10-25", "2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59.999+01:00", 25},
		{"today", "today", "2026-11-25T00:00:00+01:00", "2026-11-25T23:59:59.999+01:00", 24},
		{"2026-11-25T07:00:00Z", "2026-11-25T09:00:00+01:00", "2026-11-25T08:00:00+01:00", "2026-11-25T09:00:00+01:00", 1},
		{"2026-11-25T08:00", "2026-11-25T09:30:15", "2026-11-25T08:00:00+01:00", "2026-11-25T09:30:15+01:00", 1.504},
	} {
		dir := &empty{}
		got := must(t, at("2026-11-25T08:00:00Z", dir), clerk(), "list_attendance_periods", args{"updated_from": tt.from, "updated_to": tt.to}).Data
		if got["updated_from"] != tt.wantFrom || got["updated_to"] != tt.wantTo {
			t.Errorf("%s to %s: got %v to %v, want %s to %s", tt.from, tt.to, got["updated_from"], got["updated_to"], tt.wantFrom, tt.wantTo)
		}
		r := dir.attendances.Updated
		if h := r.To.Sub(r.From).Hours(); h < tt.hours-0.001 || h > tt.hours+0.001 {
			t.Errorf("%s to %s: %v hours, want %v", tt.from, tt.to, h, tt.hours)
		}
	}
}

// A range of days asks for what overlaps it, and never for what lies within it.
func TestARangeMeansOverlap(t *testing.T) {
	t.Parallel()
	dir := &empty{}
	must(t, at("2026-11-25T08:00:00Z", dir), clerk(), "list_absence_periods", args{"from": "this-week"})
	want := postern.LocalRange{From: wallAt("2026-11-23T00:00:00"), To: wallAt("2026-11-29T23:59:59")}
	if dir.absences.Within != want || dir.absences.Contained {
		t.Errorf("got %+v", dir.absences)
	}
}
