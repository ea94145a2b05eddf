package hr

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Attendance is work, with the minutes of the breaks in it. Both dates are required and
// inclusive; without includePending only what is confirmed and over is told. Offsets
// count periods. This answer repeats no token on the live service.
//
//	GET /v1/company/attendances?start_date=2026-03-06&end_date=2026-03-06
//	200 {"success":true,…,"data":[{"id":5,"type":"AttendancePeriod","attributes":{"employee":12,"date":"2026-03-06",
//	     "start_time":"09:00","end_time":"17:30","break":30,"status":"confirmed","id_v2":"c4…",…}}]}

// periodV1 is a period on the wire.
type periodV1 struct {
	ID         looseInt         `json:"id"`
	Type       string           `json:"type"`
	Attributes periodAttributes `json:"attributes"`
}

type periodAttributes struct {
	Employee  looseInt               `json:"employee"`
	Date      string                 `json:"date"`
	Start     string                 `json:"start_time"`
	End       looseText              `json:"end_time"`
	Break     looseInt               `json:"break"` // minutes
	Comment   looseText              `json:"comment"`
	Holiday   looseBool              `json:"is_holiday"`
	TimeOff   looseBool              `json:"is_on_time_off"`
	UpdatedAt string                 `json:"updated_at"`
	Status    string                 `json:"status"`
	Project   looseObject[projectV1] `json:"project"`
	IDv2      string                 `json:"id_v2"`
}

type projectV1 struct {
	ID         looseInt `json:"id"`
	Type       string   `json:"type"`
	Attributes struct {
		Name   looseText `json:"name"`
		Active looseBool `json:"active"`
	} `json:"attributes"`
}

func timeRoutes() []route {
	return []route{{"GET", attendancesV1Path, readAttendances, listPeriods}}
}

func listPeriods(c *call) error {
	p, err := c.counted(maxPageV1, maxPageV1, false)
	if err != nil {
		return err
	}
	q := postern.AttendanceQuery{Type: postern.Work, Statuses: []postern.Approval{postern.Confirmed}, Paging: p.paging()}
	if q.Dates, err = c.requiredWindow(); err != nil {
		return err
	}
	q.End.From = q.Dates.From.At(0) // which leaves out what has no end
	pending, err := c.truth("includePending", false)
	if err != nil {
		return err
	}
	if pending {
		q.Statuses, q.End = nil, postern.LocalRange{}
	}
	if q.Updated, err = c.changed("updated_from", "updated_to"); err != nil {
		return err
	}
	c.gather("employees")
	if q.People, err = c.people("employees"); err != nil {
		return err
	}
	page, err := c.dir.Attendances(c.ctx, q)
	if err != nil {
		return err
	}
	data, err := c.periods(page.Items)
	if err != nil {
		return err
	}
	return c.page1(http.StatusOK, data, page.Total, p)
}

// requiredWindow reads the dates, of which both have to be there.
func (c *call) requiredWindow() (postern.DateRange, error) {
	missing := map[string][]string{}
	for _, name := range []string{"start_date", "end_date"} {
		if c.query.Get(name) == "" {
			missing[name] = []string{"The " + strings.ReplaceAll(name, "_", " ") + " field is required."}
		}
	}
	if len(missing) > 0 {
		return postern.DateRange{}, invalid(missing).hint("send both dates as YYYY-MM-DD; they are inclusive")
	}
	return c.window("start_date", "end_date")
}

// periods writes work.
func (c *call) periods(work []postern.Attendance) ([]periodV1, error) {
	breaks, err := c.breaks(work)
	if err != nil {
		return nil, err
	}
	away, err := c.away(work)
	if err != nil {
		return nil, err
	}
	people, err := c.workers(work)
	if err != nil {
		return nil, err
	}
	out := make([]periodV1, 0, len(work))
	for i := range work {
		a := &work[i]
		p := periodV1{ID: looseInt(a.Number), Type: "AttendancePeriod", Attributes: periodAttributes{
			Employee: looseInt(a.Person), Date: a.Date.String(), Start: clockText(int(a.From.SinceMidnight() / time.Minute)),
			Break: looseInt(breakMinutes(a, breaks[a.Person], c.zoneOf(a.Zone))), Comment: looseText(a.Comment),
			Holiday: looseBool(c.isHoliday(people[a.Person], a.Date)),
			TimeOff: looseBool(slices.ContainsFunc(away[a.Person], a.Overlaps)), UpdatedAt: a.UpdatedAt.In(c.zone).Format(isoTime),
			Status: strings.ToLower(string(a.Status)), Project: projectOf(a.Project), IDv2: a.ID,
		}}
		if a.To != 0 {
			p.Attributes.End = looseText(clockText(int(a.To.SinceMidnight() / time.Minute)))
		}
		out = append(out, p)
	}
	return out, nil
}

// projectOf writes a project, of which the directory has only the id.
func projectOf(id string) looseObject[projectV1] {
	n := wholeOf(id)
	if n == 0 {
		return looseObject[projectV1]{}
	}
	p := projectV1{ID: n, Type: "Project"}
	p.Attributes.Name, p.Attributes.Active = looseText("Project "+id), true
	return looseObject[projectV1]{&p}
}

// rangeOf gives whom some attendance is of, and the days from the first to the last on
// which it lies.
func rangeOf(work []postern.Attendance) (people []postern.PersonID, dates postern.DateRange) {
	for i := range work {
		a := &work[i]
		people = append(people, a.Person)
		if dates.From == 0 || a.From.Date() < dates.From {
			dates.From = a.From.Date()
		}
		last := a.Last()
		if last == 0 { // it runs
			last = a.From.Date() + postern.Date(postern.MaxAttendance/(24*time.Hour))
		}
		dates.To = max(dates.To, last)
	}
	slices.Sort(people)
	return slices.Compact(people), dates
}

// workers finds the people who work, with their employments.
func (c *call) workers(work []postern.Attendance) (map[postern.PersonID][]postern.Employment, error) {
	out := map[postern.PersonID][]postern.Employment{}
	people, _ := rangeOf(work)
	for some := range slices.Chunk(people, maxPageV1) {
		page, err := c.dir.Persons(c.ctx, postern.PersonQuery{IDs: some, Detail: true, Paging: postern.Paging{Limit: len(some)}})
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			out[p.ID] = p.Employments
		}
	}
	return out, nil
}

// isHoliday says whether a day is a public holiday where someone is employed.
func (c *call) isHoliday(employments []postern.Employment, d postern.Date) bool {
	e := postern.EmploymentOn(employments, d)
	return e != nil && e.Holidays != "" && c.holidays.Is(e.Holidays, d.At(0).In(time.UTC))
}

// breaks finds the breaks of the people who work, by person.
func (c *call) breaks(work []postern.Attendance) (map[postern.PersonID][]postern.Attendance, error) {
	out := map[postern.PersonID][]postern.Attendance{}
	if len(work) == 0 {
		return out, nil
	}
	people, dates := rangeOf(work)
	q := postern.AttendanceQuery{Type: postern.Break, People: people, Start: withinDays(dates), Paging: postern.Paging{Limit: postern.MaxPage}}
	for {
		page, err := c.dir.Attendances(c.ctx, q)
		if err != nil {
			return nil, err
		}
		for _, b := range page.Items {
			out[b.Person] = append(out[b.Person], b)
		}
		if page.Next == "" {
			return out, nil
		}
		q.After = page.Next
	}
}

// breakMinutes adds up the breaks within a period of work; one that still runs is not
// counted.
func breakMinutes(work *postern.Attendance, breaks []postern.Attendance, zone *time.Location) int {
	sum := time.Duration(0)
	for i := range breaks {
		if b := &breaks[i]; b.Status != postern.Rejected && b.To != 0 && work.Holds(b.Span) {
			sum += b.Elapsed(zone)
		}
	}
	return int(sum / time.Minute)
}

// away finds when the people who work are away, by person: absences of either unit that
// are not refused and not still asked for.
func (c *call) away(work []postern.Attendance) (map[postern.PersonID][]postern.Span, error) {
	out := map[postern.PersonID][]postern.Span{}
	if len(work) == 0 {
		return out, nil
	}
	people, dates := rangeOf(work)
	q := postern.AbsenceQuery{People: people, Within: withinDays(dates), Paging: postern.Paging{Limit: postern.MaxPage}}
	for {
		page, err := c.dir.Absences(c.ctx, q)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Items {
			if a.Status != postern.Rejected && a.Status != postern.Pending {
				out[a.Person] = append(out[a.Person], a.Span)
			}
		}
		if page.Next == "" {
			return out, nil
		}
		q.After = page.Next
	}
}

// attendance reads a period of work. The breaks in it are a number of minutes, which
// has no place in it.
func (p *periodV1) attendance() postern.Attendance {
	a := p.Attributes
	out := postern.Attendance{
		ID: a.IDv2, Number: int64(p.ID), Person: postern.PersonID(a.Employee), Type: postern.Work, Date: dayOf(a.Date),
		Comment: string(a.Comment), Status: approvalV1(a.Status), UpdatedAt: momentV1(a.UpdatedAt),
	}
	if out.ID == "" { // before version 2
		out.ID = strconv.FormatInt(out.Number, 10)
	}
	if a.Project.it != nil && a.Project.it.ID != 0 {
		out.Project = strconv.FormatInt(int64(a.Project.it.ID), 10)
	}
	from, ok := clockOf(a.Start)
	if !ok || out.Date == 0 {
		return out
	}
	out.From = out.Date.At(time.Duration(from) * time.Minute)
	if to, ok := clockOf(string(a.End)); ok {
		if to <= from { // it ends on the next day
			to += 24 * 60
		}
		out.To = out.Date.At(time.Duration(to) * time.Minute)
	}
	return out
}

// Attendances gives a page of work, at most 200. Both dates of the query are required;
// it fails with Invalid without them. Breaks are no periods of their own here.
func (r *RemoteV1) Attendances(ctx context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	var out postern.Page[postern.Attendance]
	if q.Dates.From == 0 || q.Dates.To == 0 {
		return out, postern.Errorf(postern.Invalid, "attendance can be asked for only between two dates").WithHint("give the first and the last day")
	}
	if q.Type == postern.Break {
		return out, nil
	}
	query := url.Values{"start_date": {q.Dates.From.String()}, "end_date": {q.Dates.To.String()}}
	if len(q.Statuses) != 1 || q.Statuses[0] != postern.Confirmed {
		query.Set("includePending", "true")
	}
	setUpdated(query, q.Updated)
	setPeople(query, q.People)
	e, next, err := pageV1[periodV1](ctx, r, attendancesV1Path, query, q.Paging, maxPageV1, false)
	if err != nil {
		return out, err
	}
	out.Next, out.Total = next, e.total()
	for i := range e.Data {
		a := e.Data[i].attendance()
		if a.From != 0 && inRange(q.Updated, a.UpdatedAt) && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, a.Status)) &&
			(len(q.IDs) == 0 || slices.Contains(q.IDs, a.ID)) && (len(q.People) == 0 || slices.Contains(q.People, a.Person)) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}
