package main

import (
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// demoDays is how many days back attendance goes.
const demoDays = 16

// demoClocks is one in how many persons records attendance.
const demoClocks = 3

// working makes the attendance of a person: every third records it.
func (c *company) working(p *demoPerson, yield func(store.Row) bool) bool {
	if len(p.employments) == 0 || p.ID%demoClocks != 0 {
		return true
	}
	off := c.plan(p)
	for back := demoDays; back >= 0; back-- {
		day := c.today - postern.Date(back)
		e := postern.EmploymentOn(p.employments, day)
		minutes := e.Schedule.On(day.Weekday())
		support := back == 0 && e.Team.Name == "Support" // somebody is there on every day
		if !e.Covers(day) || e.Status != postern.EmploymentActive || minutes == 0 && !support || c.free(e.Holidays, day) && !support || gone(off, day) {
			continue
		}
		if !c.day(p, day, minutes, yield) {
			return false
		}
	}
	if p.ID == 3 {
		return c.night(p, yield)
	}
	return true
}

// gone says whether any of the absences touches the day.
func gone(off []leaveOf, day postern.Date) bool {
	whole := postern.Span{From: day.At(0), To: (day + 1).At(0)}
	for _, l := range off {
		if l.status != postern.Rejected && l.span.Overlaps(whole) {
			return true
		}
	}
	return false
}

// day makes one day of work with the break in it. Today's is running.
func (c *company) day(p *demoPerson, day postern.Date, minutes int, yield func(store.Row) bool) bool {
	d := dice("day", int64(p.ID)*100_000+int64(c.today-day))
	start := time.Duration(8*60+15*d.IntN(8)) * time.Minute
	work := postern.Attendance{Person: p.ID, Type: postern.Work, Zone: p.office.zone, Date: day, Status: postern.Confirmed,
		CreatedAt: c.ago(int(c.today-day), d)}
	work.UpdatedAt = work.CreatedAt
	if d.IntN(3) == 0 {
		work.Project, work.Comment = []string{"501", "502", "503"}[d.IntN(3)], []string{"", "workshop", "review"}[d.IntN(3)]
	}
	if day == c.today {
		at := postern.LocalOf(c.now)
		work.From = min(day.At(start), max(day.At(0), at-at%900-3600))
		work.Status, work.Date = postern.Pending, day
		return c.time(work, yield)
	}
	work.From = day.At(start)
	work.To = work.From + postern.LocalTime(60*(minutes+15*d.IntN(3)-15))
	switch roll := d.IntN(12); {
	case c.today-day < 4 && roll < 6:
		work.Status = postern.Pending
	case roll == 11:
		work.Status = postern.Rejected
	}
	if minutes < 360 || work.Status == postern.Rejected {
		return c.time(work, yield)
	}
	work.To += 1800
	rest := work
	rest.Type, rest.Project, rest.Comment = postern.Break, "", ""
	rest.From = day.At(12*time.Hour + time.Duration(15*d.IntN(4))*time.Minute)
	rest.To = rest.From + 1800
	return c.time(work, yield) && c.time(rest, yield)
}

// time numbers a period and gives it away.
func (c *company) time(a postern.Attendance, yield func(store.Row) bool) bool {
	c.times++
	a.Number = c.times
	a.ID = demoID("attendance", int64(a.Person), int64(a.From-c.today.At(0)), int64(len(a.Type)))
	return yield(store.AttendanceRow{Attendance: a})
}

// night makes a shift through the night in which clocks were last changed.
func (c *company) night(p *demoPerson, yield func(store.Row) bool) bool {
	sunday := lastSunday(c.today)
	a := postern.Attendance{Person: p.ID, Type: postern.Work, Zone: p.office.zone, Date: sunday - 1, Status: postern.Confirmed,
		Comment: "release night; the clocks change", Project: "501"}
	a.From, a.To = (sunday - 1).At(22*time.Hour), sunday.At(6*time.Hour)
	a.CreatedAt = a.To.In(c.now.Location())
	a.UpdatedAt = a.CreatedAt
	return c.time(a, yield)
}

// lastSunday gives the last day before today on which clocks changed in Europe: the
// last Sunday of March or October.
func lastSunday(today postern.Date) postern.Date {
	for d := today - 1; ; d-- {
		month := time.March
		if d > postern.NewDate(d.Year(), time.June, 1) {
			month = time.October
		}
		end := postern.NewDate(d.Year(), month, 31)
		if d.Weekday() == time.Sunday && d <= end && d > end-7 {
			return d
		}
	}
}
