package mcptool

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// People ask about this-week, and mean the week of the place where they are. Words are
// read on the wall of a time zone; from there on there are only days.

// days are the words for one day, by how far it is from today.
var days = []struct {
	word string
	off  postern.Date
}{{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}}

// periods are the words for more: each of them after last-, this- or next-.
var (
	periods   = []string{"week", "month", "year"}
	direction = []string{"last-", "this-", "next-"}
)

// words lists every word.
func words() (all []string) {
	for _, d := range days {
		all = append(all, d.word)
	}
	for _, d := range direction {
		for _, p := range periods {
			all = append(all, d+p)
		}
	}
	return all
}

// stretch is the days from first to last, both included.
type stretch struct{ first, last postern.Date }

func (s stretch) many() bool { return s.first != s.last }

// stretchOf reads a date or a word as it is meant on the day today. It fails with
// Invalid, and Param naming the argument, for anything else.
func stretchOf(param, text string, today postern.Date) (stretch, error) {
	word := strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(strings.TrimSpace(text)))
	for _, d := range days {
		if d.word == word {
			return stretch{today + d.off, today + d.off}, nil
		}
	}
	for i, prefix := range direction {
		if period, ok := strings.CutPrefix(word, prefix); ok && slices.Contains(periods, period) {
			return periodOf(period, i-1, today), nil
		}
	}
	d, err := postern.ParseDate(strings.TrimSpace(text))
	if err == nil {
		return stretch{d, d}, nil
	}
	if _, err := time.Parse(time.DateOnly, strings.TrimSpace(text)); err == nil {
		return stretch{}, argument(param, "%s is %s, and years go from %d to %d", param, strings.TrimSpace(text), postern.MinYear, postern.MaxYear).
			WithHint("leave %s out for an open end, or write YYYY-MM-DD within those years", param)
	}
	if day, ok := weekdayOf(word); ok {
		return stretch{}, weekday(param, text, day, today)
	}
	e := argument(param, "%s is %q, neither a date nor a word for one", param, postern.Shorten(text, 40))
	hint := "write YYYY-MM-DD, or one of " + strings.Join(words(), ", ")
	if meant := near.Of(word, words()); meant != "" {
		hint = "did you mean " + meant + "? Else " + hint
	}
	return stretch{}, e.WithHint("%s", hint)
}

// weekdayOf reads the name of a weekday, or its beginning, also after last-, this- or next-.
func weekdayOf(word string) (time.Weekday, bool) {
	for _, prefix := range direction {
		word = strings.TrimPrefix(word, prefix)
	}
	for day := time.Sunday; day <= time.Saturday && len(word) >= len("mon"); day++ {
		if strings.HasPrefix(strings.ToLower(day.String()), word) {
			return day, true
		}
	}
	return 0, false
}

// weekday is the error for a weekday. People mean the one before or the one after by the
// same word, so that both are told and none is taken.
func weekday(param, text string, day time.Weekday, today postern.Date) error {
	from := postern.Date((int(today.Weekday())-int(day)+6)%7 + 1) // days since the one before
	hint := fmt.Sprintf("write its date: the %s after today is %s, the one before is %s", day, today-from+7, today-from)
	if from == 7 {
		hint = fmt.Sprintf("write its date: the %s after today is %s, the one before is %s, and today is one", day, today+7, today-7)
	}
	return argument(param, "%s is %q, which is a weekday and no date", param, postern.Shorten(text, 40)).WithHint("%s", hint)
}

// periodOf gives the week, month or year that is n after the one of today. Weeks begin
// on Monday.
func periodOf(period string, n int, today postern.Date) stretch {
	year, month, _ := monthOf(today)
	switch period {
	case "week":
		monday := today - postern.Date((today.Weekday()+6)%7) + postern.Date(7*n)
		return stretch{monday, monday + 6}
	case "month":
		return stretch{postern.NewDate(year, month+time.Month(n), 1), postern.NewDate(year, month+time.Month(n)+1, 1) - 1}
	}
	return stretch{postern.NewDate(year+n, 1, 1), postern.NewDate(year+n+1, 1, 1) - 1}
}

func monthOf(d postern.Date) (int, time.Month, int) { return d.At(0).In(time.UTC).Date() }

// wall is a time zone in which a call is read and answered.
type wall struct {
	name string
	*time.Location
	today postern.Date
	home  string // the account's own zone
	// guessed says that a time was read in the account's own zone, because the API does
	// not say in which it is.
	guessed bool
}

// wall gives the time zone that an argument names, or else the caller's own. It fails
// with Invalid for one that does not exist.
func (c *call) wall(name string) (*wall, error) {
	home, err := c.Zone(c.ctx, c.who)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = home
	}
	loc, err := postern.ParseZone(name)
	if err != nil {
		e := *postern.AsError(err)
		e.Param = "time_zone"
		return nil, &e
	}
	return &wall{name: name, Location: loc, today: postern.DateOf(c.Now().In(loc)), home: home}, nil
}

// of gives the zone of a time that the API says is in zone, or does not say where it is:
// then it is on the walls of the account, wherever the question is asked.
func (w *wall) of(zone string) *time.Location {
	if loc, err := postern.ParseZone(zone); zone != "" && err == nil {
		return loc
	}
	w.guessed = true
	if loc, err := postern.ParseZone(w.home); err == nil {
		return loc
	}
	return time.UTC
}

// noteZone says of an answer whose times were read in a zone that nobody named.
func (c *call) noteZone(w *wall) {
	if w.guessed {
		c.note("The API does not say in which time zone these times are; they are read as those of " + w.home +
			", which tools.time_zone of the configuration sets.")
	}
}

// day reads an argument that is one day.
func (w *wall) day(param, text string) (postern.Date, error) {
	s, err := stretchOf(param, text, w.today)
	if err == nil && s.many() {
		err = argument(param, "%s is %s, which is more than a day", param, postern.Shorten(text, 40)).WithHint("write YYYY-MM-DD, today, yesterday or tomorrow")
	}
	return s.first, err
}

// between reads two arguments as the days that they bound, both included, zero where an
// end is open. A word for a period alone is all of that period.
func (w *wall) between(fromParam, from, toParam, to string) (r postern.DateRange, err error) {
	var first, last stretch
	if from != "" {
		if first, err = stretchOf(fromParam, from, w.today); err != nil {
			return r, err
		}
	}
	if to != "" {
		if last, err = stretchOf(toParam, to, w.today); err != nil {
			return r, err
		}
	}
	switch {
	case to == "" && first.many():
		last = first
	case from == "" && last.many():
		first = last
	}
	r = postern.DateRange{From: first.first, To: last.last}
	if r.From != 0 && r.To != 0 && r.To < r.From {
		return r, argument(toParam, "%s is %s, before %s, which is %s", toParam, r.To, fromParam, r.From).
			WithHint("%s and %s are the first and the last day", fromParam, toParam)
	}
	return r, nil
}

// instants gives the moments from the first of a range of days to its last.
func (w *wall) instants(r postern.DateRange) (t postern.TimeRange) {
	if r.From != 0 {
		t.From = r.From.At(0).In(w.Location)
	}
	if r.To != 0 {
		t.To = (r.To + 1).At(0).In(w.Location).Add(-time.Millisecond)
	}
	return t
}

// moments reads two arguments as a range of time: dates and words as above, and moments
// in RFC 3339, with an offset or as the wall shows them.
func (w *wall) moments(fromParam, from, toParam, to string) (t postern.TimeRange, err error) {
	exactFrom, isFrom := w.moment(from)
	exactTo, isTo := w.moment(to)
	if isFrom {
		from = ""
	}
	if isTo {
		to = ""
	}
	days, err := w.between(fromParam, from, toParam, to)
	if err != nil {
		return t, err
	}
	t = w.instants(days)
	if isFrom {
		t.From = exactFrom
	}
	if isTo {
		t.To = exactTo
	}
	if !t.From.IsZero() && !t.To.IsZero() && t.To.Before(t.From) {
		return t, argument(toParam, "%s is before %s", toParam, fromParam).WithHint("%s and %s are the first and the last moment", fromParam, toParam)
	}
	return t, nil
}

// moment reads a point in time, to the millisecond.
func (w *wall) moment(text string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.Year() >= postern.MinYear && t.Year() <= postern.MaxYear {
		return t.Truncate(time.Millisecond), true
	}
	if l, err := postern.ParseLocalTime(text); err == nil {
		return l.In(w.Location), true
	}
	return time.Time{}, false
}

// stamp writes a moment as the wall shows it, with its offset, and nothing for none.
func (w *wall) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(w.Location).Format("2006-01-02T15:04:05.999Z07:00")
}
