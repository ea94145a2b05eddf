package hr

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Employments of version 2, which are found below their person, the newest first. There
// is no list of all.
//
//	GET /v2/persons/12/employments/0b7e…
//	200 {"id":"0b7e…","position":{"title":"Engineer"},"status":"ACTIVE","type":"INTERNAL",
//	  "weekly_working_hours":40,"employment_start_date":"2024-01-02","employment_end_date":null,
//	  "supervisor":{"id":"3"},"office":{"id":"1"},"org_units":[{"type":"department","id":"2"}],
//	  "cost_centers":[{"id":"7","weight":100}],"legal_entity":{"id":"1"},"person":{"id":"12"},
//	  "termination":{"termination_date":null,…},"created_at":"…","updated_at":"…","_meta":{"links":{…}}}

func employmentRoutes() []route {
	const list = personsPath + "/{id}/employments"
	const one = list + "/{employment}"
	return []route{
		{"GET", list, readPersons, listEmployments},
		{"GET", one, readPersons, getEmployment},
		{"PATCH", one, writePersons, changeEmployment},
	}
}

// employmentV2 is an employment as it is read.
type employmentV2 struct {
	ID openText `json:"id"`
	employmentFields
	SubCompany  option[ref]           `json:"sub_company,omitzero"` // the older name of legal_entity
	Person      option[ref]           `json:"person,omitzero"`
	Termination option[terminationV2] `json:"termination,omitzero"`
	CreatedAt   option[moment]        `json:"created_at,omitzero"`
	UpdatedAt   option[moment]        `json:"updated_at,omitzero"`
	Meta        *links                `json:"_meta,omitempty"`
}

// employmentNew is an employment as it comes with a new person.
type employmentNew struct {
	employmentFields
	ProbationMonths option[whole] `json:"probation_period_length,omitzero"`
}

// terminationV2 has two names for one day, since documents and examples differ.
type terminationV2 struct {
	Date            option[day]      `json:"termination_date,omitzero"`
	LastWorkingDay  option[day]      `json:"last_working_day,omitzero"`
	LastWorkingDate option[day]      `json:"last_working_date,omitzero"`
	At              option[day]      `json:"terminated_at,omitzero"`
	Type            option[openText] `json:"type,omitzero"`
	Reason          option[openText] `json:"reason,omitzero"`
}

// The types of organisational units.
const (
	unitTeam       = "team"
	unitDepartment = "department"
)

// encodeEmployment writes what the client is shown of e.
func (c *call) encodeEmployment(e *postern.Employment) employmentV2 {
	person := strconv.FormatInt(int64(e.Person), 10)
	w := employmentV2{
		ID: openText(e.ID), employmentFields: encodeEmploymentFields(e), SubCompany: refTo(e.LegalEntity.ID), Person: refTo(person),
		Termination: some(c.encodeTermination(&e.Termination)), CreatedAt: at(e.CreatedAt), UpdatedAt: at(e.UpdatedAt),
		Meta: linked("person", c.url(personsPath+"/"+person)),
	}
	if e.Supervisor != 0 && c.shows("supervisor") {
		w.Meta.Links["supervisor"] = href{c.url(personPath(e.Supervisor))}
	}
	hide(c, "position", &w.Position)
	hide(c, "status", &w.Status)
	hide(c, "employment_type", &w.Type)
	hide(c, "weekly_working_hours", &w.WeeklyHours)
	hide(c, "weekly_working_hours", &w.FullTimeHours)
	hide(c, "hire_date", &w.Start)
	hide(c, "termination_date", &w.End)
	hide(c, "probation_period_end", &w.ProbationEnd)
	hide(c, "contract_end_date", &w.ContractEnd)
	hide(c, "supervisor", &w.Supervisor)
	hide(c, "office", &w.Office)
	hide(c, "cost_centers", &w.CostCenters)
	hide(c, "subcompany", &w.LegalEntity)
	hide(c, "subcompany", &w.SubCompany)
	hide(c, "created_at", &w.CreatedAt)
	hide(c, "last_modified_at", &w.UpdatedAt)
	team, department := e.Team.ID, e.Department.ID
	seesTeam, seesDepartment := c.shows("team"), c.shows("department")
	if !seesTeam {
		team = ""
	}
	if !seesDepartment {
		department = ""
	}
	w.OrgUnits = option[[]orgUnitV2]{}
	if seesTeam || seesDepartment {
		w.OrgUnits = some(orgUnitsOf(team, department))
	}
	return w
}

// hide leaves out what the client is not shown.
func hide[T any](c *call, attribute string, field *option[T]) {
	if !c.shows(attribute) {
		*field = option[T]{}
	}
}

// encodeTermination writes every member, null where there is nothing: the object is
// always there, since clients demand it.
func (c *call) encodeTermination(t *postern.Termination) terminationV2 {
	w := terminationV2{
		Date: someIf(day(t.Date)), At: someIf(day(t.At)),
		Type: someIf(openText(t.Type)), Reason: someIf(openText(t.Reason)),
	}
	last := &w.LastWorkingDay
	if c.is("last-working-day", "date") {
		last = &w.LastWorkingDate
	}
	*last = someIf(day(t.LastWorkingDay))
	hide(c, "last_working_day", last)
	hide(c, "termination_date", &w.Date)
	hide(c, "termination_date", &w.At)
	hide(c, "termination_type", &w.Type)
	hide(c, "termination_reason", &w.Reason)
	return w
}

// listEmployments answers GET /v2/persons/{id}/employments.
func listEmployments(c *call) error {
	id, err := c.personInPath()
	if err != nil {
		return err
	}
	p, err := c.paging(defaultPersons, maxPersons, append(timeFilters("updated_at"), "id")...)
	if err != nil {
		return err
	}
	q := postern.EmploymentQuery{Person: id, Paging: p}
	for _, param := range timeFilters("updated_at") {
		if err := c.mayFilter(param, "last_modified_at"); err != nil {
			return err
		}
	}
	if q.IDs, err = c.ids("id"); err != nil {
		return err
	}
	if q.Updated, err = c.timeRange("updated_at"); err != nil {
		return err
	}
	page, err := c.dir.Employments(c.ctx, q)
	if err != nil {
		return err
	}
	items := make([]employmentV2, len(page.Items))
	for i := range page.Items {
		items[i] = c.encodeEmployment(&page.Items[i])
	}
	return c.list(items, page.Next)
}

// getEmployment answers GET /v2/persons/{id}/employments/{employment}.
func getEmployment(c *call) error {
	id, err := c.personInPath()
	if err != nil {
		return err
	}
	e, err := c.dir.Employment(c.ctx, id, c.r.PathValue("employment"))
	if err != nil {
		return err
	}
	return c.object(c.encodeEmployment(&e))
}

// changeEmployment answers PATCH /v2/persons/{id}/employments/{employment}.
func changeEmployment(c *call) error {
	id, err := c.personInPath()
	if err != nil {
		return err
	}
	var w employmentFields
	if err := c.read(&w); err != nil {
		return err
	}
	change, err := w.decodeChange()
	if err != nil {
		return err
	}
	employment := c.r.PathValue("employment")
	if change.Office != nil || change.LegalEntity != nil || change.Team != nil || change.CostCenters != nil {
		old, err := c.dir.Employment(c.ctx, id, employment)
		if err != nil {
			return err
		}
		keepNames(&change, &old)
	}
	if err := c.dir.ChangeEmployment(c.ctx, id, employment, change, c.write()); err != nil {
		return unprocessable(err)
	}
	return c.empty(204)
}

// fullTime is the week of those who are not asked how long they work.
const fullTime = 40

// decode reads an employment of a new person. Without a status it is one that has begun,
// or one that is to begin; hours are spread over Monday to Friday.
func (w *employmentNew) decode(today postern.Date) (postern.Employment, error) {
	var e postern.Employment
	c, err := w.decodeChange()
	if err != nil {
		return e, err
	}
	start := postern.Date(w.Start.v)
	if start == 0 {
		return e, missing("employments[].employment_start_date")
	}
	if w.ProbationMonths.has {
		months := int(w.ProbationMonths.v)
		if w.ProbationEnd.has || months < 0 || months > 120 {
			return e, badParam("employments[].probation_period_length", "a probation has an end or a length of 0 to 120 months, and not both")
		}
		end := start.At(0).In(time.UTC).AddDate(0, months, -1)
		e.ProbationEnd = postern.DateOf(end)
	}
	e.Type, e.Status = "INTERNAL", postern.EmploymentActive
	if start > today {
		e.Status = postern.EmploymentOnboarding
	}
	e.FullTimeHours = fullTime
	e.WeeklyHours = cmp.Or(float64(w.WeeklyHours.v), fullTime)
	for i := range 5 {
		e.Schedule[i] = int(e.WeeklyHours * 60 / 5)
	}
	e.Person = 1 // Check wants one; the store gives the number
	err = c.Apply(&e)
	e.Person = 0
	return e, unprocessable(err)
}

// Employments asks GET /v2/persons/{id}/employments.
func (m *Remote) Employments(ctx context.Context, q postern.EmploymentQuery) (postern.Page[postern.Employment], error) {
	a := ask{path: employmentsOf(q.Person)}
	a.limited(q.Paging, maxPersons)
	a.add("id", strings.Join(q.IDs, ","))
	a.between(q.Updated, "updated_at.gt", "updated_at.lt", time.Millisecond)
	items, next, err := many[employmentV2](ctx, m, a, q.Paging)
	page := postern.Page[postern.Employment]{Next: next}
	for i := range items {
		page.Items = append(page.Items, items[i].decode(q.Person))
	}
	return page, err
}

// allEmployments asks for every employment of a person.
func (m *Remote) allEmployments(ctx context.Context, person postern.PersonID) ([]postern.Employment, error) {
	a := ask{path: employmentsOf(person)}
	a.limited(postern.Paging{}, maxPersons)
	items, err := everything[employmentV2](ctx, m, a, 20)
	if err != nil {
		return nil, err
	}
	var out []postern.Employment
	for i := range items {
		out = append(out, items[i].decode(person))
	}
	return out, nil
}

// decode reads an employment of a person.
func (w *employmentV2) decode(person postern.PersonID) postern.Employment {
	e := postern.Employment{
		ID: string(w.ID), Person: person, Position: string(w.Position.v.Title),
		Status: postern.EmploymentStatus(strings.ToUpper(string(w.Status.v))), Type: strings.ToUpper(string(w.Type.v)),
		Start: postern.Date(w.Start.v), End: postern.Date(w.End.v), ProbationEnd: postern.Date(w.ProbationEnd.v), ContractEnd: postern.Date(w.ContractEnd.v),
		WeeklyHours: float64(w.WeeklyHours.v), FullTimeHours: float64(w.FullTimeHours.v),
		Office: refOf(w.Office.v), LegalEntity: refOf(w.LegalEntity.v), CostCenters: decodeCostCenters(w.CostCenters.v),
		CreatedAt: w.CreatedAt.v.time(), UpdatedAt: w.UpdatedAt.v.time(),
	}
	if id, ok := w.Person.v.person(); ok {
		e.Person = id
	}
	e.Supervisor, _ = w.Supervisor.v.person()
	if e.LegalEntity.ID == "" {
		e.LegalEntity = refOf(w.SubCompany.v)
	}
	for _, u := range w.OrgUnits.v { // units of other types are not ours to know
		switch strings.ToLower(string(u.Type)) {
		case unitTeam:
			e.Team.ID = string(u.ID)
		case unitDepartment:
			e.Department.ID = string(u.ID)
		}
	}
	t := &w.Termination.v
	e.Termination = postern.Termination{
		Date: postern.Date(t.Date.v), LastWorkingDay: postern.Date(cmp.Or(t.LastWorkingDay.v, t.LastWorkingDate.v)),
		At: postern.Date(t.At.v), Type: string(t.Type.v), Reason: string(t.Reason.v),
	}
	return e
}

// Employment asks GET /v2/persons/{id}/employments/{employment}.
func (m *Remote) Employment(ctx context.Context, person postern.PersonID, id string) (postern.Employment, error) {
	w, err := one[employmentV2](ctx, m, ask{path: employmentsOf(person) + "/" + url.PathEscape(id)})
	if err != nil {
		return postern.Employment{}, err
	}
	return w.decode(person), nil
}

// ChangeEmployment asks PATCH /v2/persons/{id}/employments/{employment}.
func (m *Remote) ChangeEmployment(ctx context.Context, person postern.PersonID, id string, c postern.EmploymentChange, wr postern.Write) error {
	w, err := m.encodeEmploymentChange(ctx, person, id, &c)
	if err != nil {
		return err
	}
	_, err = m.do(ctx, ask{method: "PATCH", path: employmentsOf(person) + "/" + url.PathEscape(id), body: &w, write: &wr})
	return err
}

// encodeEmploymentChange writes a change. Units are written as a whole, so where only
// one of the two changes the other is asked for.
func (m *Remote) encodeEmploymentChange(ctx context.Context, person postern.PersonID, id string, c *postern.EmploymentChange) (employmentFields, error) {
	var w employmentFields
	offer(&w.Position, c.Position, func(s string) positionV2 { return positionV2{openText(s)} })
	offer(&w.Type, c.Type, func(s string) openText { return openText(s) })
	offer(&w.Status, c.Status, func(s postern.EmploymentStatus) openText { return openText(s) })
	for _, f := range []struct {
		to   *option[day]
		from *postern.Date
	}{{&w.Start, c.Start}, {&w.End, c.End}, {&w.ProbationEnd, c.ProbationEnd}, {&w.ContractEnd, c.ContractEnd}} {
		if f.from != nil {
			*f.to = someIf(day(*f.from))
		}
	}
	offer(&w.WeeklyHours, c.WeeklyHours, func(n float64) openNumber { return openNumber(n) })
	offer(&w.FullTimeHours, c.FullTimeHours, func(n float64) openNumber { return openNumber(n) })
	if c.Supervisor != nil {
		w.Supervisor = refToPerson(*c.Supervisor)
	}
	if c.Office != nil {
		w.Office = refTo(c.Office.ID)
	}
	if c.LegalEntity != nil {
		w.LegalEntity = refTo(c.LegalEntity.ID)
	}
	offer(&w.CostCenters, c.CostCenters, func(all []postern.CostCenter) []costCenterV2 {
		e := encodeEmploymentFields(&postern.Employment{CostCenters: all})
		return e.CostCenters.v
	})
	if c.Team == nil && c.Department == nil {
		return w, nil
	}
	team, department := c.Team, c.Department
	if team == nil || department == nil {
		now, err := m.Employment(ctx, person, id)
		if err != nil {
			return w, err
		}
		if team == nil {
			team = &now.Team
		}
		if department == nil {
			department = &now.Department
		}
	}
	w.OrgUnits = some(orgUnitsOf(team.ID, department.ID))
	return w, nil
}
