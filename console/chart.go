package console

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"postern.dev/postern"
)

// Chart is bars over time: what was given stands on the line, by dialect, and what was
// refused hangs below it. It is drawn here, so that it needs no script, and the same
// figures stand in Rows for a table. Across it is as wide as there is room, in percent;
// heights are pixels: so letters keep their size on a phone.
type Chart struct {
	Title, Summary string
	Height, Zero   int // Zero is where the line is
	Bars           []Bar
	Ticks          []Tick  // of the scale
	Labels         []Label // of the time
	Legend         []Legend
	Rows           []ChartRow
	Issued         int64
	Refused        int64
}

// Bar is a rectangle; X and W are percentages.
type Bar struct {
	X, W        string
	Y, H        int
	Class, Text string
}

// Label is a mark of the time, at a percentage. There is room for the minor ones where
// the window is wide.
type Label struct {
	At, Text string
	Minor    bool
}

// Tick is a mark of the scale.
type Tick struct {
	At   int
	Text string
}

// Legend says what a colour is.
type Legend struct{ Class, Text string }

// ChartRow is a cut of time in the table.
type ChartRow struct {
	At      time.Time
	Hours   bool // the time of the day is worth showing
	Issued  []int64
	Refused int64
}

// The drawing, in pixels.
const (
	chartHeight = 230
	chartTop    = 10
	chartBottom = 24
	leastBad    = 4 // what was refused is seen, however little it is
)

// period is a stretch of time that a chart shows, and how it is cut.
type period struct {
	Since time.Time
	Step  time.Duration
	Cuts  int
}

// lately is the last days until now, in hours where these are few.
func lately(now time.Time, days int) period {
	if days <= 2 {
		return period{now.Truncate(time.Hour).Add(-time.Duration(24*days-1) * time.Hour), time.Hour, 24 * days}
	}
	return period{now.Truncate(24*time.Hour).AddDate(0, 0, 1-days), 24 * time.Hour, days}
}

// draw makes a chart of how tokens were given and refused, with the dialects in their
// order.
func draw(title string, u postern.Usage, p period, dialects []Dialect) Chart {
	c := Chart{Title: title, Height: chartHeight}
	var used []string
	for _, d := range dialects {
		if slices.ContainsFunc(u.Steps, func(s postern.UsageStep) bool { return s.Dialect == d.Name && s.Issued > 0 }) {
			used = append(used, d.Name)
			c.Legend = append(c.Legend, Legend{classOf(len(used)), d.Title})
		}
	}
	c.Rows = make([]ChartRow, p.Cuts)
	for i := range c.Rows {
		c.Rows[i] = ChartRow{At: p.Since.Add(time.Duration(i) * p.Step), Hours: p.Step < 24*time.Hour, Issued: make([]int64, len(used))}
	}
	for _, s := range u.Steps {
		i := int(s.At.Sub(p.Since) / p.Step)
		if s.At.Before(p.Since) || i >= p.Cuts {
			continue
		}
		if d := slices.Index(used, s.Dialect); d >= 0 {
			c.Rows[i].Issued[d] += s.Issued
		}
		c.Rows[i].Refused += s.Refused
		c.Issued += s.Issued
		c.Refused += s.Refused
	}
	if c.Refused > 0 {
		c.Legend = append(c.Legend, Legend{"cbad", "Refused"})
	}
	c.Summary = thousands(c.Issued) + plural(c.Issued, " token", " tokens") + " given and " + thousands(c.Refused) + " refused in " + span(time.Duration(p.Cuts)*p.Step)
	c.paint(p)
	return c
}

func classOf(n int) string { return "c" + string(rune('0'+min(n, 6))) }

// paint makes the rectangles of the rows.
func (c *Chart) paint(p period) {
	var up, down int64
	for _, r := range c.Rows {
		up, down = max(up, total(r.Issued)), max(down, r.Refused)
	}
	height := int64(chartHeight - chartTop - chartBottom)
	most := round(max(up, 1))
	low := down
	if down > 0 { // enough to be seen, and in scale where there is room
		low = max(down, most/12)
	}
	unit := float64(height) / float64(most+low)
	c.Zero = chartTop + int(float64(most)*unit)
	for i := range int64(3) {
		v := most * i / 2
		c.Ticks = append(c.Ticks, Tick{c.Zero - int(float64(v)*unit), scaled(v, most)})
	}
	if below := int(float64(down) * unit); below >= 20 { // room for letters
		c.Ticks = append(c.Ticks, Tick{c.Zero + below, scaled(down, most)})
	}
	slot := 100 / float64(len(c.Rows))
	width := percent(slot * .74)
	every := max(1, (len(c.Rows)+6)/7)
	for i, r := range c.Rows {
		x := percent((float64(i) + .13) * slot)
		y := c.Zero
		for d, n := range r.Issued {
			h := int(float64(n) * unit)
			if n > 0 && h == 0 {
				h = 1
			}
			if h > 0 {
				y -= h
				c.Bars = append(c.Bars, Bar{x, width, y, h, classOf(d + 1), r.name() + ": " + thousands(n) + " · " + c.Legend[d].Text})
			}
		}
		if r.Refused > 0 {
			c.Bars = append(c.Bars, Bar{x, width, c.Zero + 1, max(leastBad, int(float64(r.Refused)*unit)), "cbad", r.name() + ": " + thousands(r.Refused) + " refused"})
		}
		if back := len(c.Rows) - 1 - i; back%every == 0 {
			text := r.At.Format("2 Jan")
			if p.Step < 24*time.Hour {
				text = r.At.Format("15:04")
			}
			c.Labels = append(c.Labels, Label{percent((float64(i) + .5) * slot), text, back/every%2 == 1})
		}
	}
}

func percent(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

// scaled writes a number of a scale that goes up to most in little room.
func scaled(v, most int64) string {
	switch {
	case v > 0 && most >= 1_000_000:
		return strconv.FormatFloat(float64(v)/1e6, 'f', -1, 64) + " M"
	case v > 0 && most >= 10_000:
		return strconv.FormatFloat(float64(v)/1e3, 'f', -1, 64) + " k"
	}
	return thousands(v)
}

// Share says which part of all was refused, where there is anything.
func (c Chart) Share() string {
	part := float64(c.Refused) / float64(max(1, c.Issued+c.Refused)) * 100
	if part > 0 && part < .1 {
		return "below 0.1 %"
	}
	return strconv.FormatFloat(part, 'f', 1, 64) + " %"
}

func (r ChartRow) name() string {
	if r.Hours {
		return r.At.Format("2 Jan 15:04")
	}
	return r.At.Format("2 Jan")
}

func total(list []int64) (n int64) {
	for _, v := range list {
		n += v
	}
	return n
}

// round gives a number for the top of a scale, whose half is one too.
func round(n int64) int64 {
	for unit := int64(1); ; unit *= 10 {
		for _, v := range []int64{2, 4, 6, 8, 10, 12, 16} {
			if v*unit >= n {
				return v * unit
			}
		}
	}
}

// ClientBar is what one client did, as a row with a bar.
type ClientBar struct {
	ID, Name        string // no name: it is gone
	Issued, Refused int64
	Good, Bad       int // widths, of barWidth
	Last            time.Time
}

const barWidth = 200

// clientBars makes rows of the busiest clients.
func clientBars(list []postern.ClientUsage, names map[string]string) (out []ClientBar) {
	var most int64 = 1
	for _, u := range list {
		most = max(most, u.Issued+u.Refused)
	}
	for _, u := range list {
		out = append(out, ClientBar{ID: u.ClientID, Name: names[u.ClientID], Issued: u.Issued, Refused: u.Refused, Last: u.Last,
			Good: int(u.Issued * barWidth / most), Bad: int(u.Refused * barWidth / most)})
	}
	slices.SortStableFunc(out, func(a, b ClientBar) int { return cmp.Compare(b.Issued+b.Refused, a.Issued+a.Refused) })
	return out
}

// plural gives the word for one, or for any other number.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
