package hr

import (
	"strconv"
	"strings"

	"postern.dev/postern"
)

// Version 1 counts its pages, each endpoint in its own way.

// maxOffset bounds how far a list can be entered: beyond it nothing is looked for.
const maxOffset = 1_000_000_000

// counted is a page of a list that is counted.
type counted struct {
	limit, offset int  // as asked
	pages         bool // offset counts pages, from 1, and not items, from 0
}

// counted reads limit and offset. A limit that is too large is refused, since a caller
// who steps by the limit it asked for would skip what was left out.
func (c *call) counted(def, most int, pages bool) (counted, error) {
	limit, err := c.whole("limit", def, 1, most)
	if err != nil {
		return counted{}, err
	}
	offset, err := c.whole("offset", 0, 0, maxOffset)
	return counted{limit: limit, offset: offset, pages: pages}, err
}

// whole reads a number.
func (c *call) whole(name string, def, least, most int) (int, error) {
	s, err := c.text(name, postern.MaxName)
	if err != nil || s == "" {
		return def, err
	}
	if n, err := strconv.Atoi(s); err == nil && n >= least && n <= most {
		return n, nil
	}
	message := "The " + name + " must be between " + strconv.Itoa(least) + " and " + strconv.Itoa(most) + "."
	r := invalidField(name, message)
	r.message, r.code, r.err.Msg = message, r.status, message
	return 0, r.hint("leave %s out for %d", name, def)
}

// page gives the number of the page, as the endpoint counts.
func (p counted) page() int {
	if p.pages {
		return max(1, p.offset) // 0 is the first page too
	}
	return p.offset / p.limit
}

// paging is how a Directory is asked for it.
func (p counted) paging() postern.Paging {
	out := postern.Paging{Limit: p.limit, Offset: p.offset, Count: true}
	if p.pages {
		out.Offset = (p.page() - 1) * p.limit
	}
	return out
}

// page1 answers with one page of a list.
func (c *call) page1(status int, data any, total int, p counted) error {
	limit, offset := looseInt(p.limit), looseInt(p.offset)
	return c.enveloped(status, envelopeV1[any]{
		Success: true, Data: data, Offset: &offset, Limit: &limit,
		Metadata: &metadataV1{
			Total: looseInt(total), Page: looseInt(p.page()), Pages: looseInt(max(1, (total+p.limit-1)/p.limit)),
		},
	})
}

// gather puts the values of name[] and name[3], as forms of old write lists, to those
// of name.
func (c *call) gather(names ...string) {
	for key, values := range c.query {
		name, rest, ok := strings.Cut(key, "[")
		if !ok || !strings.HasSuffix(rest, "]") {
			continue
		}
		for _, n := range names {
			if n == name {
				c.query[n] = append(c.query[n], values...)
			}
		}
	}
}

// window reads a day and the day until which, both included; zero is open.
func (c *call) window(from, to string) (postern.DateRange, error) {
	var out postern.DateRange
	for _, f := range []struct {
		name string
		to   *postern.Date
	}{{from, &out.From}, {to, &out.To}} {
		s, err := c.text(f.name, postern.MaxName)
		if err != nil {
			return out, err
		}
		if s == "" {
			continue
		}
		if *f.to, err = postern.ParseDate(s); err != nil {
			return out, badParam(f.name, "%s: %s", f.name, postern.Public(err)).WithHint("%s", postern.AsError(err).Hint)
		}
	}
	if out.To != 0 && out.To < out.From {
		return out, badParam(to, "%s is before %s", to, from)
	}
	return out, nil
}

// changed reads since and until when something was changed; a day counts as a whole.
func (c *call) changed(since, until string) (postern.TimeRange, error) {
	var out postern.TimeRange
	for _, name := range []string{since, until} {
		if name == "" {
			continue
		}
		s, err := c.text(name, postern.MaxName)
		if err != nil {
			return out, err
		}
		if s == "" {
			continue
		}
		from, to, err := momentsOf(s, c.zone)
		if err != nil {
			return out, badParam(name, "%s: %s", name, postern.Public(err)).WithHint("%s", postern.AsError(err).Hint)
		}
		if name == since {
			out.From = from
		} else {
			out.To = to
		}
	}
	return out, nil
}
