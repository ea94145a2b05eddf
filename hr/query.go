package hr

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postern.dev/postern"
)

// Readers of query parameters. Each fails with Invalid and names its parameter; a
// parameter without a value is as one that is not there.

// maxList bounds how many values a list in a query has.
const maxList = 100

// badParam is a parameter that cannot be read.
func badParam(name, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = name
	return e
}

// text reads a parameter that may be there once, of at most so many bytes.
func (c *call) text(name string, most int) (string, error) {
	values := c.query[name]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", badParam(name, "%s is there more than once", name)
	case len(values[0]) > most || !utf8.ValidString(values[0]):
		return "", badParam(name, "%s is longer than %d bytes, or not UTF-8", name, most)
	}
	return values[0], nil
}

// limit reads how many items a page is to have.
func (c *call) limit(least, most, def int) (int, error) {
	if !c.query.Has("limit") {
		return def, nil
	}
	s, err := c.text("limit", 20)
	n, bad := strconv.Atoi(s)
	if err != nil || bad != nil || n < least || n > most {
		return 0, badParam("limit", "Provided value for limit is not valid").WithHint("use a number from %d to %d", least, most)
	}
	return n, nil
}

// ids reads a list: parted by commas, repeated, or both.
func (c *call) ids(name string) ([]string, error) {
	var out []string
	for _, v := range c.query[name] {
		for part := range strings.SplitSeq(v, ",") {
			part = strings.TrimSpace(part)
			switch {
			case part == "":
				continue
			case len(part) > postern.MaxName || !utf8.ValidString(part):
				return nil, badParam(name, "a value of %s is longer than %d bytes, or not UTF-8", name, postern.MaxName)
			case len(out) == maxList:
				return nil, badParam(name, "%s has more than %d values", name, maxList)
			}
			out = append(out, part)
		}
	}
	return out, nil
}

// people reads a list of persons' numbers.
func (c *call) people(name string) ([]postern.PersonID, error) {
	some, err := c.ids(name)
	if err != nil {
		return nil, err
	}
	var out []postern.PersonID
	for _, s := range some {
		id, ok := personID(s)
		if !ok {
			return nil, badParam(name, "%q is not the id of a person", postern.Shorten(s, 40)).WithHint("the ids of persons are numbers")
		}
		out = append(out, id)
	}
	return out, nil
}

// personID reads a person's number, as it stands in paths and bodies.
func personID(s string) (postern.PersonID, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return postern.PersonID(n), err == nil && n > 0 && s[0] != '+' && s[0] != '0'
}

// choice reads a parameter that is one of some values, "" when it is not there.
func (c *call) choice(name string, values ...string) (string, error) {
	s, err := c.text(name, postern.MaxName)
	if err != nil || s == "" {
		return "", err
	}
	for _, v := range values {
		if s == v {
			return s, nil
		}
	}
	return "", badParam(name, "%s cannot be %q", name, postern.Shorten(s, 40)).WithHint("it is one of %s", strings.Join(values, ", "))
}

// truth reads a parameter that is true or false.
func (c *call) truth(name string, def bool) (bool, error) {
	s, err := c.text(name, postern.MaxName)
	if err != nil || s == "" {
		return def, err
	}
	switch s {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, badParam(name, "%s is true or false, and not %q", name, postern.Shorten(s, 40))
}

// timeFilters lists the parameters that timeRange reads for a name.
func timeFilters(name string) []string {
	return []string{name, name + ".gt", name + ".gte", name + ".lt", name + ".lte"}
}

// timeRange reads the filters of a moment: the name itself for that moment or day, and
// with .gt, .gte, .lt and .lte. To be later than a moment is to be at least a
// millisecond later; to be later than a day is to be later than its first moment, so
// that nothing of it is lost, and a day as the end counts as a whole.
func (c *call) timeRange(name string) (postern.TimeRange, error) {
	var out postern.TimeRange
	for i, param := range timeFilters(name) {
		s, err := c.text(param, postern.MaxName)
		if err != nil {
			return out, err
		}
		if s == "" {
			continue
		}
		from, to, err := momentsOf(s, c.zone)
		if err != nil {
			return out, badParam(param, "%s: %s", param, postern.Public(err)).WithHint("%s", postern.AsError(err).Hint)
		}
		switch i {
		case 0:
			out.From, out.To = later(out.From, from), earlier(out.To, to)
		case 1:
			out.From = later(out.From, from.Add(time.Millisecond))
		case 2:
			out.From = later(out.From, from)
		case 3:
			out.To = earlier(out.To, from.Add(-time.Millisecond))
		case 4:
			out.To = earlier(out.To, to)
		}
	}
	return out, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// momentsOf reads a date, a date and time with an offset, or one without, which is on
// the walls of zone. It gives the first and the last millisecond that are meant.
func momentsOf(s string, zone *time.Location) (from, to time.Time, err error) {
	if d, err := postern.ParseDate(s); err == nil {
		return d.At(0).In(zone), (d + 1).At(0).In(zone).Add(-time.Millisecond), nil
	}
	s = strings.Replace(s, " ", "+", 1) // a plus that was not escaped
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= postern.MinYear && t.Year() <= postern.MaxYear {
			return momentOf(t, s)
		}
	}
	l, err := postern.ParseLocalTime(s)
	if err != nil {
		return from, to, postern.Errorf(postern.Invalid, "%q is neither a date nor a time", postern.Shorten(s, 40)).
			WithHint("write 2026-03-01, 2026-03-01T09:00:00, or the same with Z or an offset such as +01:00")
	}
	t := l.In(zone)
	if at := strings.IndexByte(s, '.'); at > 0 { // the wall has no fractions
		if f, err := time.ParseDuration("0" + s[at:] + "s"); err == nil {
			t = t.Add(f)
		}
	}
	return momentOf(t, s)
}

// momentOf is a moment as the database has it; one that is written without a fraction
// means its whole second.
func momentOf(t time.Time, written string) (from, to time.Time, err error) {
	from = t.Truncate(time.Millisecond)
	if !strings.Contains(written, ".") {
		return from, from.Add(time.Second - time.Millisecond), nil
	}
	return from, from, nil
}
