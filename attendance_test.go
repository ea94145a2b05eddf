package postern_test

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

// period is one of person 12 that can be.
func period(t testing.TB, kind postern.AttendanceType, from, to string) *postern.Attendance {
	t.Helper()
	return &postern.Attendance{Person: 12, Type: kind, Span: span(t, from, to), Zone: "Europe/Berlin", Status: postern.Confirmed}
}

func TestAPeriodLastsAsLongAsTheClockRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, from, to string
		want           time.Duration
	}{
		{"Europe/Berlin", "2026-11-23T09:00", "2026-11-23T17:30", 8*time.Hour + 30*time.Minute},
		{"Europe/Berlin", "2026-11-23T22:00", "2026-11-24T06:00", 8 * time.Hour},
		{"Europe/Berlin", "2026-03-28T22:00", "2026-03-29T06:00", 7 * time.Hour},
		{"Europe/Berlin", "2026-10-24T22:00", "2026-10-25T06:00", 9 * time.Hour},
		{"Australia/Lord_Howe", "2026-04-04T22:00", "2026-04-05T06:00", 8*time.Hour + 30*time.Minute},
		{"Australia/Lord_Howe", "2026-10-03T22:00", "2026-10-04T06:00", 7*time.Hour + 30*time.Minute},
		{"Asia/Tokyo", "2026-03-28T22:00", "2026-03-29T06:00", 8 * time.Hour},
		{"Europe/Berlin", "2026-03-29T02:30", "2026-03-29T03:15", 0}, // from an hour that was not
		{"Europe/Berlin", "2026-11-23T09:00", "", 0},
	} {
		if got := period(t, postern.Work, tt.from, tt.to).Elapsed(zone(t, tt.zone)); got != tt.want {
			t.Errorf("%s to %q in %s: got %v, want %v", tt.from, tt.to, tt.zone, got, tt.want)
		}
	}
}

func TestAttendanceThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		wrong func(*postern.Attendance)
		param string
	}{
		{"nobody", func(a *postern.Attendance) { a.Person = 0 }, "person"},
		{"no type", func(a *postern.Attendance) { a.Type = "" }, "type"},
		{"a type in lower case", func(a *postern.Attendance) { a.Type = "work" }, "type"},
		{"no start", func(a *postern.Attendance) { a.From = 0 }, "start"},
		{"an end before the start", func(a *postern.Attendance) { a.To = a.From - 1 }, "end"},
		{"an end at the start", func(a *postern.Attendance) { a.To = a.From }, "end"},
		{"a second more than a day", func(a *postern.Attendance) { a.To = a.From + 86401 }, "end"},
		{"three hundred years", func(a *postern.Attendance) { a.Span = span(t, "1900-01-01T00:00", "2199-12-31T23:59:59") }, "end"},
		{"a break with a project", func(a *postern.Attendance) { a.Type, a.Project = postern.Break, "3" }, "project"},
		{"a project without end", func(a *postern.Attendance) { a.Project = strings.Repeat("3", 1000) }, "project"},
		{"a long comment", func(a *postern.Attendance) { a.Comment = strings.Repeat("ü", postern.MaxAttendanceComment+1) }, "comment"},
		{"a comment with NUL", func(a *postern.Attendance) { a.Comment = "\x00" }, "comment"},
	} {
		a := period(t, postern.Work, "2026-11-23T09:00", "2026-11-23T17:00")
		tt.wrong(a)
		if err := a.Check(); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Param != tt.param {
			t.Errorf("%s: got %v, want invalid by %s", tt.name, err, tt.param)
		}
	}
	for _, to := range []string{"2026-11-23T09:00:01", "2026-11-24T06:00", "2026-11-24T09:00", ""} {
		a := period(t, postern.Work, "2026-11-23T09:00", to)
		a.Comment, a.Project = strings.Repeat("ü", postern.MaxAttendanceComment), "3"
		if err := a.Check(); err != nil || a.Date != date(t, "2026-11-23") {
			t.Errorf("until %q: got %v, counted for %s", to, err, a.Date)
		}
	}
}

func TestABreakLiesWithinWorkAndWorkBesideWork(t *testing.T) {
	t.Parallel()
	put := func(id string, status postern.Approval, kind postern.AttendanceType, from, to string) postern.Attendance {
		a := *period(t, kind, from, to)
		a.ID, a.Status = id, status
		return a
	}
	others := []postern.Attendance{
		put("morning", postern.Confirmed, postern.Work, "2026-11-23T08:00", "2026-11-23T12:00"),
		put("coffee", postern.Pending, postern.Break, "2026-11-23T10:00", "2026-11-23T10:15"),
		put("refused", postern.Rejected, postern.Work, "2026-11-23T13:00", "2026-11-23T15:00"),
		put("nap", postern.Rejected, postern.Break, "2026-11-23T11:00", "2026-11-23T11:30"),
		put("night", postern.Confirmed, postern.Work, "2026-11-23T22:00", "2026-11-24T06:00"),
		put("running", postern.Pending, postern.Work, "2026-11-25T09:00", ""),
	}
	for _, tt := range []struct {
		name string
		a    postern.Attendance
		fits bool
	}{
		{"work in the afternoon", put("", "", postern.Work, "2026-11-23T12:00", "2026-11-23T17:00"), true},
		{"work into the morning", put("", "", postern.Work, "2026-11-23T11:59:59", "2026-11-23T17:00"), false},
		{"work around the morning", put("", "", postern.Work, "2026-11-23T07:00", "2026-11-23T17:00"), false},
		{"work that runs into the night", put("", "", postern.Work, "2026-11-23T17:00", ""), false},
		{"work after midnight", put("", "", postern.Work, "2026-11-24T05:00", "2026-11-24T07:00"), false},
		{"work beside what runs", put("", "", postern.Work, "2026-11-26T09:00", "2026-11-26T17:00"), false},
		{"work before what runs", put("", "", postern.Work, "2026-11-25T08:00", "2026-11-25T09:00"), true},
		{"a break in the morning", put("", "", postern.Break, "2026-11-23T11:00", "2026-11-23T11:15"), true},
		{"a break of all the morning's end", put("", "", postern.Break, "2026-11-23T11:30", "2026-11-23T12:00"), true},
		{"a break past the morning", put("", "", postern.Break, "2026-11-23T11:30", "2026-11-23T12:01"), false},
		{"a break over a break", put("", "", postern.Break, "2026-11-23T10:10", "2026-11-23T10:30"), false},
		{"a break after a break", put("", "", postern.Break, "2026-11-23T10:15", "2026-11-23T10:30"), true},
		{"a break across midnight", put("", "", postern.Break, "2026-11-23T23:45", "2026-11-24T00:15"), true},
		{"a break in work that was rejected", put("", "", postern.Break, "2026-11-23T13:30", "2026-11-23T14:00"), false},
		{"a break of someone at home", put("", "", postern.Break, "2026-11-22T10:00", "2026-11-22T10:30"), false},
		{"a break in what runs", put("", "", postern.Break, "2026-11-25T12:00", "2026-11-25T12:30"), true},
		{"a break that runs in what runs", put("", "", postern.Break, "2026-11-25T12:00", ""), true},
		{"a break that runs in what does not", put("", "", postern.Break, "2026-11-23T11:00", ""), false},
		{"the morning, an hour longer", put("morning", "", postern.Work, "2026-11-23T08:00", "2026-11-23T13:00"), true},
		{"the morning, ending at the coffee", put("morning", "", postern.Work, "2026-11-23T08:00", "2026-11-23T10:00"), false},
		{"the morning, beginning in the coffee", put("morning", "", postern.Work, "2026-11-23T10:10", "2026-11-23T12:00"), false},
		{"the coffee, a little later", put("coffee", "", postern.Break, "2026-11-23T10:05", "2026-11-23T10:20"), true},
		{"what runs, ended", put("running", "", postern.Work, "2026-11-25T09:00", "2026-11-25T17:00"), true},
	} {
		err := tt.a.Fits(others)
		if tt.fits && err != nil || !tt.fits && postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s: got %v, want fits to be %v", tt.name, err, tt.fits)
		}
	}
}

func TestAChangedStartChangesTheDayItCountsFor(t *testing.T) {
	t.Parallel()
	a := period(t, postern.Work, "2026-11-23T09:00", "2026-11-23T17:00")
	a.Date = date(t, "2026-11-22") // somebody said so
	comment := "late"
	if err := (&postern.AttendanceChange{Comment: &comment}).Apply(a); err != nil || a.Date != date(t, "2026-11-22") || a.Comment != "late" {
		t.Errorf("a comment: got %+v, %v", a, err)
	}
	open := postern.LocalTime(0)
	if err := (&postern.AttendanceChange{From: new(wall(t, "2026-11-24T09:00")), To: &open}).Apply(a); err != nil || a.Date != date(t, "2026-11-24") || a.To != 0 {
		t.Errorf("a start: got %+v, %v", a, err)
	}
	if err := (&postern.AttendanceChange{From: &open}).Apply(a); postern.CodeOf(err) != postern.Invalid {
		t.Errorf("no start: got %v", err)
	}
}
