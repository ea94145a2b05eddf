package main

import (
	"slices"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// demoTypes are the absence types, in the order of their numbers.
var demoTypes = []postern.AbsenceType{
	{Name: "Paid vacation", Category: "paid_vacation", Unit: postern.Days, NeedsApproval: true, HalfDays: true, Entitlement: 30},
	{Name: "Sick leave", Category: "sick_leave", Unit: postern.Days, HalfDays: true},
	{Name: "Home office", Category: "offsite_work", Unit: postern.Days, HalfDays: true},
	{Name: "Unpaid leave", Category: "unpaid_vacation", Unit: postern.Days, NeedsApproval: true},
	{Name: "Parental leave", Category: "maternity_parental_leave", Unit: postern.Days, NeedsApproval: true},
	{Name: "Child sick", Category: "child_care", Unit: postern.Days, HalfDays: true, Entitlement: 15},
	{Name: "Business trip", Category: "offsite_work", Unit: postern.Days, NeedsApproval: true},
	{Name: "Training", Category: "other", Unit: postern.Days, NeedsApproval: true, HalfDays: true, Entitlement: 5},
	{Name: "Moving house", Category: "other", Unit: postern.Days, NeedsApproval: true, Entitlement: 1},
	{Name: "Sabbatical", Category: "unpaid_suspension", Unit: postern.Days, NeedsApproval: true},
	{Name: "Overtime compensation", Category: "other", Unit: postern.Hours, NeedsApproval: true},
	{Name: "Doctor's appointment", Category: "sick_leave", Unit: postern.Hours},
	{Name: "Jury and public duty", Category: "public_duty", Unit: postern.Hours},
}

// The places of demoTypes that absences are made of.
const (
	typeVacation = iota
	typeSick
	typeHome
	typeUnpaid
	typeParental
	typeChild
	typeTrip
	typeTraining
	typeMoving
	typeSabbatical
	typeOvertime
	typeDoctor
)

func demoTypeID(n int) string { return demoID("absence type", int64(n)) }

func (c *company) types() []postern.AbsenceType {
	out := make([]postern.AbsenceType, len(demoTypes))
	for i, t := range demoTypes {
		t.ID, t.Number = demoTypeID(i), int64(i+1)
		t.CreatedAt, t.UpdatedAt = c.ago(3600, dice("type", int64(i))), c.ago(300, dice("type", int64(i)))
		out[i] = t
	}
	return out
}

// leaveOf is one absence to be made.
type leaveOf struct {
	kind    int
	span    postern.Span
	status  postern.Approval
	comment string
	stand   postern.PersonID
	asked   int // days before its start that it was asked for
}

// monday gives the first day of the week that is so many weeks from this one.
func (c *company) monday(weeks int) postern.Date {
	return c.today - postern.Date((int(c.today.Weekday())+6)%7) + postern.Date(7*weeks)
}

// days is a span of whole days, counted from the Monday of a week.
func (c *company) days(week, first, last int) postern.Span {
	m := c.monday(week)
	return postern.DaySpan(m+postern.Date(first), m+postern.Date(last), false, false)
}

// away makes the absences of a person. They do not overlap: each has a week of its own.
func (c *company) away(p *demoPerson, yield func(store.Row) bool) bool {
	if len(p.employments) == 0 {
		return true
	}
	for _, l := range c.plan(p) {
		e := postern.EmploymentOn(p.employments, l.span.From.Date())
		if !e.Covers(l.span.From.Date()) || l.span.To != 0 && !e.Covers(l.span.Last()) {
			continue
		}
		c.absences++
		d := dice("absence", int64(p.ID)*1000+int64(l.span.From.Date()-c.today))
		from := int(c.today - l.span.From.Date())
		asked := from + l.asked
		if asked < 0 { // long before
			asked = 1 + d.IntN(30)
		}
		made := c.ago(asked, d)
		a := postern.Absence{ID: demoID("absence", int64(p.ID), int64(l.span.From-c.monday(0).At(0))), Number: c.absences, Person: p.ID,
			Type: demoTypeID(l.kind), Span: l.span, Zone: p.office.zone, Comment: l.comment, Status: l.status, Substitute: l.stand,
			Origin: []string{"web", "web", "mobile", "slack", "msteams"}[d.IntN(5)], CreatedBy: p.FirstName + " " + p.LastName,
			CreatedAt: made, UpdatedAt: made}
		if a.Substitute != 0 && c.isAway(a.Substitute, a.Span) {
			a.Substitute = 0
		}
		if l.status == postern.Approved {
			a.ApprovedAt = c.ago(max(0, asked-1-d.IntN(3)), d)
			a.UpdatedAt = a.ApprovedAt
		}
		if !yield(store.AbsenceRow{Absence: a}) {
			return false
		}
	}
	return true
}

// isAway says whether a person, who may be anybody, has something else to do.
func (c *company) isAway(id postern.PersonID, when postern.Span) bool {
	return slices.ContainsFunc(c.plan(&c.staff[id-1]), func(l leaveOf) bool {
		return l.status != postern.Rejected && l.span.Overlaps(when)
	})
}

// plan is what a person takes off: what somebody takes this week first, then what the
// rest of the year is made of.
func (c *company) plan(p *demoPerson) []leaveOf {
	e := p.employments[0]
	if e.Status == postern.EmploymentLeave {
		kind, span := typeParental, postern.DaySpan(c.today-100, c.today+265, false, false)
		if p.ID%2 == 0 {
			kind, span = typeSabbatical, postern.DaySpan(c.today-40, c.today+50, false, false)
		}
		return []leaveOf{{kind: kind, span: span, status: postern.Approved, asked: 120}}
	}
	var out []leaveOf
	if e.Status == postern.EmploymentActive {
		out = c.thisWeek(p)
	}
	d := dice("plan", int64(p.ID))
	for _, week := range []int{-44, -37, -31, -26, -19, -14, -9, -5, -3, 2, 3, 5, 8, 12, 19} {
		roll, length := d.IntN(100), 1+d.IntN(5)
		if week > 0 && slices.ContainsFunc(out, func(l leaveOf) bool { return l.span.To == 0 }) {
			break // nobody knows until when this one is away
		}
		start := d.IntN(6 - length)
		l := leaveOf{kind: typeVacation, span: c.days(week, start, start+length-1), status: postern.Approved, asked: 30}
		switch {
		case roll < 70:
			continue
		case roll < 78 && week < 0:
			l.kind, l.asked = typeSick, 0
		case roll < 82:
			l.kind, l.asked = typeTrip, 20
		case roll < 85:
			l.kind = typeTraining
		case roll < 88:
			l.kind, l.span, l.asked = typeHome, c.days(week, start, start), 2
		case roll < 91: // noon to noon
			m := c.monday(week)
			l.span, l.comment = postern.DaySpan(m, m+4, true, true), "from noon to noon"
		case roll < 94 && week < 0:
			l.kind, l.asked = typeDoctor, 3
			day := c.monday(week) + postern.Date(start)
			l.span = postern.Span{From: day.At(9 * time.Hour), To: day.At(11*time.Hour + 30*time.Minute)}
		case roll < 96:
			l.status, l.comment = postern.Rejected, "the release is that week"
		}
		if week > 0 && l.kind == typeVacation && l.status == postern.Approved && roll%2 == 0 {
			l.status, l.stand = postern.Pending, e.Supervisor
		}
		out = append(out, l)
	}
	return out
}

// thisWeek is why somebody is away in the days around today, whatever day it is.
func (c *company) thisWeek(p *demoPerson) []leaveOf {
	m := c.monday(0)
	work := c.today // the working day that is today, or that was last
	for work.Weekday() == time.Saturday || work.Weekday() == time.Sunday {
		work--
	}
	one := func(l leaveOf) []leaveOf { return []leaveOf{l} }
	switch p.ID {
	case 6, 31, 58, 83, 105: // all week
		return one(leaveOf{kind: typeVacation, span: c.days(0, 0, 4), status: postern.Approved, asked: 45, stand: p.employments[0].Supervisor})
	case 10, 72: // back in the middle of next week
		return one(leaveOf{kind: typeVacation, span: postern.DaySpan(m+1, m+9, false, false), status: postern.Approved, asked: 60})
	case 17: // from noon to noon
		return one(leaveOf{kind: typeVacation, span: postern.DaySpan(m, m+3, true, true), status: postern.Approved, asked: 20})
	case 22, 91: // the afternoon off
		return one(leaveOf{kind: typeVacation, span: postern.DaySpan(work, work, true, false), status: postern.Approved, asked: 9})
	case 38: // the morning at home
		return one(leaveOf{kind: typeHome, span: postern.DaySpan(work, work, false, true), status: postern.Approved, asked: 1})
	case 49: // ill, and nobody knows until when
		return one(leaveOf{kind: typeSick, span: postern.DaySpan(work-3, 0, false, false), status: postern.Approved})
	case 64:
		return one(leaveOf{kind: typeChild, span: postern.DaySpan(work, work, false, false), status: postern.Approved})
	case 27:
		return one(leaveOf{kind: typeDoctor, span: postern.Span{From: work.At(14 * time.Hour), To: work.At(16 * time.Hour)}, status: postern.Approved, asked: 6})
	case 96:
		return one(leaveOf{kind: typeOvertime, span: postern.Span{From: work.At(15 * time.Hour), To: work.At(17*time.Hour + 30*time.Minute)}, status: postern.Pending, asked: 2})
	case 44, 78: // asked for, from tomorrow on
		return one(leaveOf{kind: typeVacation, span: postern.DaySpan(c.today+1, c.today+5, false, false), status: postern.Pending, asked: 6})
	case 53:
		return one(leaveOf{kind: typeTrip, span: c.days(0, 1, 3), status: postern.Approved, asked: 14, comment: "trade fair"})
	case 115:
		return one(leaveOf{kind: typeVacation, span: c.days(0, 3, 4), status: postern.Rejected, asked: 3, comment: "the quarter closes on Friday"})
	case 13:
		return one(leaveOf{kind: typeUnpaid, span: c.days(1, 0, 4), status: postern.Pending, asked: 12})
	case 35:
		return one(leaveOf{kind: typeMoving, span: postern.DaySpan(work, work, false, false), status: postern.Approved, asked: 18})
	}
	return nil
}
