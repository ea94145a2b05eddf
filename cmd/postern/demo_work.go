package main

import (
	"math/rand/v2"
	"strconv"

	"postern.dev/postern"
)

// attributes gives a person fields that the tenant added: one of each kind, and of
// some persons not all.
func (c *company) attributes(p *demoPerson, d *rand.Rand) []postern.Attribute {
	sizes, tongues := []string{"XS", "S", "M", "L", "XL"}, []string{"Arabic", "Catalan", "English", "French", "German", "Polish", "Spanish", "Turkish"}
	d.Shuffle(len(tongues), func(i, j int) { tongues[i], tongues[j] = tongues[j], tongues[i] })
	all := []postern.Attribute{
		{Key: "dynamic_101", Label: "T-shirt size", Kind: postern.AttributeText, Value: sizes[d.IntN(len(sizes))]},
		{Key: "dynamic_102", Label: "Desk", Kind: postern.AttributeInt, Value: strconv.Itoa(100 + d.IntN(300))},
		{Key: "dynamic_103", Label: "Way to work (km)", Kind: postern.AttributeDouble, Value: strconv.FormatFloat(float64(5+d.IntN(400))/10, 'f', 1, 64)},
		{Key: "dynamic_104", Label: "First-aid training valid until", Kind: postern.AttributeDate, Value: (c.today + postern.Date(d.IntN(700)-100)).String()},
		{Key: "dynamic_105", Label: "Company car", Kind: postern.AttributeBool, Value: strconv.FormatBool(p.team == 5 || d.IntN(9) == 0)},
		{Key: "dynamic_106", Label: "Languages", Kind: postern.AttributeList, Values: tongues[:1+d.IntN(3)]},
	}
	var out []postern.Attribute
	for i, a := range all {
		if i == 0 || d.IntN(5) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// employ gives the employments of a person who came since days ago, newest first: one
// for each position held.
func (c *company) employ(p *demoPerson, boss postern.PersonID, team, seat, since int, d *rand.Rand) []postern.Employment {
	e := postern.Employment{Person: p.ID, Position: "Managing Director", Status: postern.EmploymentActive, Type: "INTERNAL",
		Start: c.today - postern.Date(since), WeeklyHours: float64(p.office.day) * 5 / 60, FullTimeHours: float64(p.office.day) * 5 / 60,
		Supervisor: boss, Office: p.office.ref, LegalEntity: p.office.entity, Holidays: p.office.holidays, Schedule: week(p.office.day, 5)}
	e.CostCenters = []postern.CostCenter{{Ref: postern.Ref{ID: "900", Name: "General"}, Weight: 100}}
	if team >= 0 {
		t := demoTeams[team]
		e.Position = t.lead
		if seat > 0 {
			e.Position = t.positions[d.IntN(len(t.positions))]
		}
		e.Department, e.Team = t.department, t.team
		e.CostCenters = costs(t, d)
	}
	if seat > 0 && d.IntN(6) == 0 {
		part(&e, p.office.day, d)
	}
	e.ProbationEnd = e.Start + 181
	out := []postern.Employment{e}
	if seat == 0 || since < 700 || d.IntN(5) < 2 {
		out[0] = c.finish(out[0], 0, d)
		return out
	}
	// Promoted: the position before ended the day before this one began.
	cut := c.today - postern.Date(since/3+d.IntN(since/4))
	before := e
	before.Position, before.Status, before.End = "Junior "+e.Position, postern.EmploymentInactive, cut-1
	out[0].Start, out[0].ProbationEnd = cut, 0
	if since > 1800 { // and as a working student before that
		first := before
		first.Position, first.End, first.WeeklyHours, first.Schedule = "Working Student", before.Start+239, 20, week(240, 5)
		before.Start, before.ProbationEnd = first.End+1, 0
		return []postern.Employment{c.finish(out[0], 0, d), c.finish(before, 1, d), c.finish(first, 2, d)}
	}
	return []postern.Employment{c.finish(out[0], 0, d), c.finish(before, 1, d)}
}

// finish gives an employment its id and its times.
func (c *company) finish(e postern.Employment, nth int64, d *rand.Rand) postern.Employment {
	e.ID = demoID("employment", int64(e.Person), nth)
	e.CreatedAt = c.ago(int(c.today-e.Start)+14, d)
	e.UpdatedAt = c.ago(d.IntN(60), d)
	return e
}

func costs(t demoTeam, d *rand.Rand) []postern.CostCenter {
	own := postern.CostCenter{Ref: postern.Ref{ID: "9" + t.team.ID, Name: t.team.Name}, Weight: 100}
	if d.IntN(8) > 0 {
		return []postern.CostCenter{own}
	}
	own.Weight = 60
	return []postern.CostCenter{own, {Ref: postern.Ref{ID: "900", Name: "General"}, Weight: 40}}
}

// week is a schedule of so many equal days from Monday on.
func week(minutes, days int) (s postern.Schedule) {
	for i := range days {
		s[i] = minutes
	}
	return s
}

// part makes an employment part-time, in one of four ways.
func part(e *postern.Employment, day int, d *rand.Rand) {
	switch d.IntN(4) {
	case 0:
		e.Schedule = week(day, 4)
	case 1:
		e.Schedule = week(300, 5)
	case 2:
		e.Schedule = week(day, 3)
	default:
		e.Schedule = postern.Schedule{day, day / 2, day, day / 2, 0, 0, 0}
	}
	e.WeeklyHours = e.Schedule.Hours()
}

// The crew are those who lead nobody; some of them are the exceptions that a program
// has to cope with.
var (
	demoLeavers    = []int{3, 14, 25, 36, 47, 58, 69, 80}
	demoLeaving    = []int{9, 52}
	demoOnboarding = []int{7, 29, 61, 90}
	demoOnLeave    = []int{12, 45, 77}
	demoExternals  = []int{33, 66}
	demoLead0      = []int{40} // nobody's report for now
	demoRehired    = []int{20}
)

// crew gives those who lead nobody.
func (c *company) crew() (all []*demoPerson) {
	for i := range c.staff {
		if c.staff[i].employments[0].Supervisor > 1 {
			all = append(all, &c.staff[i])
		}
	}
	return all
}

// exceptions makes some of the crew exceptional.
func (c *company) exceptions() {
	all := c.crew()
	for i, n := range demoLeavers {
		kind := []string{"EMPLOYEE", "FIRED", "CONTRACT_EXPIRED", "AGREEMENT", "RETIREMENT"}[i%5]
		c.leave(all[n], c.today-postern.Date(20+i*37), kind)
	}
	for i, n := range demoLeaving {
		c.leave(all[n], c.today+postern.Date(30+i*25), "EMPLOYEE")
	}
	for i, n := range demoOnboarding {
		e := all[n].employments[0]
		e.Start = c.today + postern.Date(5+i*12)
		e.Status, e.ProbationEnd = postern.EmploymentOnboarding, e.Start+181
		e.CreatedAt, e.UpdatedAt = c.ago(40, dice("onboarding", int64(n))), c.ago(3, dice("onboarding", int64(n)))
		all[n].employments = []postern.Employment{e}
		all[n].CreatedAt, all[n].UpdatedAt = e.CreatedAt, e.UpdatedAt
	}
	for _, n := range demoOnLeave {
		all[n].employments[0].Status = postern.EmploymentLeave
	}
	for _, n := range demoExternals {
		e := &all[n].employments[0]
		e.Type, e.ContractEnd = "EXTERNAL", c.today+180
	}
	for _, n := range demoLead0 {
		all[n].employments[0].Supervisor = 0
	}
	for _, n := range demoRehired { // two years elsewhere
		p := all[n]
		now := &p.employments[0]
		old := *now
		now.Start, now.ProbationEnd = c.today-400, c.today-219
		old.ID, old.Status, old.Start, old.End = demoID("employment", int64(p.ID), 9), postern.EmploymentInactive, c.today-2500, c.today-1130
		old.ProbationEnd = old.Start + 181
		old.Termination = postern.Termination{Date: old.End, LastWorkingDay: old.End - 10, At: old.End - 90, Type: "QUIT", Reason: "a year abroad, and then another"}
		p.employments = []postern.Employment{*now, old}
	}
	c.bare()
	for i := range c.staff {
		p := &c.staff[i]
		p.Active = len(p.employments) > 0 && p.employments[0].Works()
	}
}

// leave ends the employment of a person on a day.
func (c *company) leave(p *demoPerson, last postern.Date, kind string) {
	e := &p.employments[0]
	e.End = last
	if e.Start > last-200 { // who came late leaves late
		e.Start, e.ProbationEnd = last-400, last-219
		p.employments = p.employments[:1]
	}
	if last < c.today {
		e.Status = postern.EmploymentInactive
	}
	e.Termination = postern.Termination{Date: last, LastWorkingDay: last - 7, At: min(last-60, c.today-5), Type: kind}
	if kind == "EMPLOYEE" {
		e.Termination.Reason = "moves on"
	}
}

// bare leaves two persons with little: one with nothing but a name and the least that
// an employment has, one with nothing but a name.
func (c *company) bare() {
	for i := range 2 {
		p := &c.staff[len(c.staff)-2+i]
		p.Person = postern.Person{ID: p.ID, FirstName: p.FirstName, LastName: p.LastName, Gender: postern.GenderUnspecified,
			CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
		e := p.employments[0]
		p.employments = []postern.Employment{{ID: e.ID, Person: p.ID, Status: e.Status, Type: e.Type, Start: e.Start,
			CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt}}
		if i == 1 {
			p.employments = nil
		}
	}
}
