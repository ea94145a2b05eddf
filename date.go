package postern

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, counted in days; the zero Date is no date. Dates
// compare with < and >, and two of them apart by a day differ by one.
type Date int32

// The years that a Date may have. What lies outside is a slip of the pen.
const (
	MinYear = 1900
	MaxYear = 2199
)

const dateLayout = "2006-01-02"

// daysTo1970 is the Date of 1970-01-01: the number of days from year 1, plus one.
const daysTo1970 = 719163

// NewDate gives a day by its numbers, normalised as time.Date does.
func NewDate(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()/86400 + daysTo1970)
}

// DateOf gives the day that t has in its own zone.
func DateOf(t time.Time) Date { return NewDate(t.Date()) }

// ParseDate reads YYYY-MM-DD. It fails with Invalid for anything else, for a day that
// does not exist and for a year beyond MinYear and MaxYear.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateLayout, s)
	if err != nil || t.Year() < MinYear || t.Year() > MaxYear {
		return 0, Errorf(Invalid, "%q is not a date", Shorten(s, 40)).
			WithHint("write YYYY-MM-DD, between %d and %d", MinYear, MaxYear)
	}
	return DateOf(t), nil
}

// utc gives the day's first moment as a time in UTC, to calculate with.
func (d Date) utc() time.Time { return time.Unix((int64(d)-daysTo1970)*86400, 0).UTC() }

// String writes YYYY-MM-DD, and nothing for no date.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.utc().Format(dateLayout)
}

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Year gives the year.
func (d Date) Year() int { return d.utc().Year() }

// At gives the moment of the day's wall that is so far from its midnight.
func (d Date) At(sinceMidnight time.Duration) LocalTime {
	return LocalTime(int64(d)*86400 + int64(sinceMidnight/time.Second))
}

// LocalTime is what a clock on a wall shows: a day and a time to the second, without a
// zone. The zero LocalTime is none. They compare with < and >.
type LocalTime int64

// noon is the half of a day for those who take half a day off.
const noon = 12 * time.Hour

// LocalOf gives what a wall clock in t's own zone shows.
func LocalOf(t time.Time) LocalTime {
	h, m, s := t.Clock()
	return DateOf(t).At(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
}

// ParseLocalTime reads YYYY-MM-DDTHH:MM, with :SS and a fraction of a second, which
// is dropped, or without. It fails with Invalid for anything else, a zone included. The
// midnight after the last day of MaxYear is one: a day ends there.
func ParseLocalTime(s string) (LocalTime, error) {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} { // a fraction is taken by itself
		t, err := time.Parse(layout, s)
		if err != nil || len(s) < len("2006-01-02T15:04") || s[13] != ':' { // an hour of one digit would pass
			continue
		}
		if l := LocalOf(t); t.Year() >= MinYear && l <= NewDate(MaxYear+1, 1, 1).At(0) {
			return l, nil
		}
	}
	return 0, Errorf(Invalid, "%q is not a local time", Shorten(s, 40)).
		WithHint("write YYYY-MM-DDTHH:MM:SS without a zone, between %d and %d", MinYear, MaxYear)
}

// Date gives the day.
func (l LocalTime) Date() Date { return Date(l / 86400) }

// SinceMidnight gives the time of the day, as the wall shows it.
func (l LocalTime) SinceMidnight() time.Duration { return time.Duration(l%86400) * time.Second }

// Midnight says whether the day just begins.
func (l LocalTime) Midnight() bool { return l%86400 == 0 }

// String writes YYYY-MM-DDTHH:MM:SS, and nothing for none.
func (l LocalTime) String() string {
	if l == 0 {
		return ""
	}
	t := l.SinceMidnight()
	return fmt.Sprintf("%sT%02d:%02d:%02d", l.Date(), int(t.Hours()), int(t.Minutes())%60, int(t.Seconds())%60)
}

// In gives the instant at which a clock in loc shows l. On the day on which clocks are
// put forward, a time that no clock shows is taken with the offset before the change;
// on the day on which they are put back, the first of the two instants is given.
func (l LocalTime) In(loc *time.Location) time.Time {
	u := l.Date().utc().Add(l.SinceMidnight())
	t := time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), 0, loc)
	switch shown := LocalOf(t); { // time.Date does not promise which side of a change it takes
	case shown > l: // a gap, with the offset before it
		return t
	case shown < l: // a gap, with the offset after it, at an instant before it
		_, offset := t.Zone()
		return u.Add(-time.Duration(offset) * time.Second).In(loc)
	}
	if start, _ := t.ZoneBounds(); !start.IsZero() {
		_, offset := start.Add(-time.Second).Zone()
		if first := u.Add(-time.Duration(offset) * time.Second).In(loc); first.Before(t) && LocalOf(first) == l {
			return first
		}
	}
	return t
}

// Span is a stretch on the wall: from From until To, which it does not include. A To
// of zero is an open end.
type Span struct{ From, To LocalTime }

// Overlaps says whether the two have a moment in common. One that ends where the
// other begins does not.
func (s Span) Overlaps(o Span) bool {
	return (o.To == 0 || s.From < o.To) && (s.To == 0 || o.From < s.To)
}

// Holds says whether o lies within s.
func (s Span) Holds(o Span) bool {
	return s.From <= o.From && (s.To == 0 || o.To != 0 && o.To <= s.To)
}

// Last gives the last day that the span touches, none with an open end.
func (s Span) Last() Date {
	if s.To == 0 {
		return 0
	}
	return (s.To - 1).Date()
}

// MaxZone bounds the name of a time zone, in bytes.
const MaxZone = 64

// ParseZone finds a time zone by its IANA name. It fails with Invalid for a name that
// is not in the database, for "Local" and for the empty one.
func ParseZone(name string) (*time.Location, error) {
	if name != "" && name != "Local" && len(name) <= MaxZone {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	return nil, Errorf(Invalid, "there is no time zone %q", Shorten(name, 40)).WithHint("use an IANA name such as Europe/Berlin")
}
