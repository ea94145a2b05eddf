package hr

import (
	"strings"
	"time"

	"postern.dev/postern"
)

// Times of absences and attendance are those of a wall clock, without an offset
// (2026-03-06T09:00:00). In filters other notations are met as well.

// bound reads a filter of a time on the wall: a date, which begins and ends with its
// day, or a time. One with Z or an offset is moved to the walls of the tenant where
// zoned says so, and refused in the live service's words where not. It gives the first
// and the last second that are meant; zeros when there is no filter.
func (c *call) bound(name string, zoned bool) (first, last postern.LocalTime, err error) {
	s, err := c.text(name, postern.MaxName)
	if err != nil || s == "" {
		return 0, 0, err
	}
	if d, err := postern.ParseDate(s); err == nil {
		return d.At(0), d.At(24*time.Hour) - 1, nil
	}
	if l, err := postern.ParseLocalTime(s); err == nil {
		return l, l, nil
	}
	at, _, err := momentsOf(s, c.zone)
	switch {
	case err != nil:
		return 0, 0, badParam(name, "%s: %s", name, postern.Public(err)).WithHint("%s", postern.AsError(err).Hint)
	case !zoned:
		return 0, 0, c.zoneRefused(name)
	}
	l := postern.LocalOf(at.In(c.zone))
	return l, l, nil
}

func (c *call) zoneRefused(name string) error {
	return badParam(name, "Invalid request content.").
		WithHint("write %s without Z or an offset, as 2026-03-06T09:00:00; it is a time in %s", name, c.zone)
}

// walls reads filters of a time on the wall: of several lower bounds the latest holds,
// of several upper ones the earliest.
func (c *call) walls(lower, upper []string, zoned bool) (postern.LocalRange, error) {
	var out postern.LocalRange
	for _, name := range lower {
		first, _, err := c.bound(name, zoned)
		if err != nil {
			return out, err
		}
		out.From = max(out.From, first)
	}
	for _, name := range upper {
		_, last, err := c.bound(name, zoned)
		switch {
		case err != nil:
			return out, err
		case last != 0 && last < out.From:
			return out, backwards(name)
		case last != 0 && (out.To == 0 || last < out.To):
			out.To = last
		}
	}
	return out, nil
}

// dates reads the filters NAME.gte and NAME.lte of a day.
func (c *call) dates(name string) (postern.DateRange, error) {
	var out postern.DateRange
	for i, to := range []*postern.Date{&out.From, &out.To} {
		param := name + []string{".gte", ".lte"}[i]
		s, err := c.text(param, postern.MaxName)
		if err != nil {
			return out, err
		}
		if s == "" {
			continue
		}
		if *to, err = postern.ParseDate(s); err != nil {
			return out, badParam(param, "%s: %s", param, postern.Public(err)).WithHint("%s", postern.AsError(err).Hint)
		}
	}
	if out.To != 0 && out.To < out.From {
		return out, backwards(name + ".lte")
	}
	return out, nil
}

// updated reads the filters of updated_at. Where zoned says so they may have an offset.
func (c *call) updated(zoned bool) (postern.TimeRange, error) {
	const name = "updated_at"
	out, err := c.timeRange(name)
	if err != nil {
		return out, err
	}
	for _, param := range timeFilters(name) {
		if s := c.query.Get(param); !zoned && s != "" {
			_, noDate := postern.ParseDate(s)
			if _, err := postern.ParseLocalTime(s); err != nil && noDate != nil {
				return out, c.zoneRefused(param)
			}
		}
	}
	if !out.To.IsZero() && out.To.Before(out.From) {
		return out, backwards(name)
	}
	return out, nil
}

func backwards(name string) error {
	return badParam(name, "%s is before the time that the range begins with", name).
		WithHint("the time with .gte comes first, the one with .lte last")
}

// wallOf reads a time of a body: on the wall, with all its digits and without an offset.
func wallOf(name string, s openText) (postern.LocalTime, error) {
	if s == "" {
		return 0, badParam(name, "%s is missing", name)
	}
	l, err := postern.ParseLocalTime(string(s))
	if err != nil {
		return 0, badParam(name, "%s: %s", name, postern.Public(err)).WithHint("%s", postern.AsError(err).Hint)
	}
	return l, nil
}

// openWall reads a time of an answer as wall does; none when it cannot.
func openWall(s openText) postern.LocalTime {
	var w wall
	if w.UnmarshalJSON([]byte(`"`+s+`"`)) != nil {
		return 0
	}
	return postern.LocalTime(w)
}

// isUUID says whether s could be the id of an absence, of attendance or of a type. What
// could not is not looked for.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

// uuid gives the id in the path, which is NotFound when it cannot be one.
func (c *call) uuid() (string, error) {
	id := c.id()
	if !isUUID(id) {
		return "", postern.Errorf(postern.NotFound, "%q is not an id", postern.Shorten(id, 40))
	}
	return strings.ToLower(id), nil
}

// uuids reads a list of ids.
func (c *call) uuids(name string) ([]string, error) {
	list, err := c.ids(name)
	for i, s := range list {
		if !isUUID(s) {
			return nil, badParam(name, "%q is not an id", postern.Shorten(s, 40)).WithHint("the ids in %s are UUIDs", name)
		}
		list[i] = strings.ToLower(s)
	}
	return list, err
}
