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

// Employees are persons with their newest employment. Offsets count employees.
//
//	GET /v1/company/employees?limit=1&email=ada@firm.test
//	200 {"success":true,"metadata":{"total_elements":1,"current_page":0,"total_pages":1},"offset":0,"limit":1,
//	     "data":[{"type":"Employee","attributes":{"id":{"label":"ID","value":12,"type":"integer","universal_id":"id"},…}}]}

// The paths of version 1.
const (
	employeesV1Path   = "/v1/company/employees"
	typesV1Path       = "/v1/company/time-off-types"
	timeOffsPath      = "/v1/company/time-offs"
	hourlyPath        = "/v1/company/absence-periods"
	attendancesV1Path = "/v1/company/attendances"
)

// The bounds of pages.
const (
	defEmployees, maxEmployees = 50, 100
	maxPageV1                  = 200 // of everything else, and the default
)

func employeeRoutes() []route {
	return []route{
		{"GET", employeesV1Path, readPersons, listEmployees},
		{"GET", employeesV1Path + "/attributes", readPersons, listAttributes},
		{"GET", employeesV1Path + "/custom-attributes", readPersons, listAttributes},
		{"GET", employeesV1Path + "/{id}", readPersons, getEmployee},
		{"GET", employeesV1Path + "/{id}/absences/balance", readAbsences, listBalances},
		{"GET", employeesV1Path + "/{id}/profile-picture", readPersons, getPicture},
		{"GET", employeesV1Path + "/{id}/profile-picture/{width}", readPersons, getPicture},
	}
}

func listEmployees(c *call) error {
	p, err := c.counted(defEmployees, maxEmployees, false)
	if err != nil {
		return err
	}
	q := postern.PersonQuery{Detail: true, Paging: p.paging()}
	if q.Updated, err = c.changed("updated_since", ""); err != nil {
		return err
	}
	email, err := c.text("email", postern.MaxName)
	if err != nil {
		return err
	}
	if err := c.mayFilter("email", "email"); err != nil {
		return err
	}
	if email != "" && q.Updated.From.IsZero() { // with updated_since it means nothing
		q.Emails = []string{postern.CanonicalEmail(email)}
	}
	fields, err := c.projection()
	if err != nil {
		return err
	}
	page, err := c.dir.Persons(c.ctx, q)
	if err != nil {
		return err
	}
	data, err := c.employees(page.Items, fields)
	if err != nil {
		return err
	}
	return c.page1(http.StatusOK, data, page.Total, p)
}

func getEmployee(c *call) error {
	p, err := c.employee()
	if err != nil {
		return err
	}
	data, err := c.employees([]postern.Person{p}, nil)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, data[0])
}

// employee finds the person that the path names.
func (c *call) employee() (postern.Person, error) {
	id, ok := personID(c.id())
	if !ok {
		return postern.Person{}, noEmployee()
	}
	return c.personV1(id)
}

func (c *call) personV1(id postern.PersonID) (postern.Person, error) {
	p, err := c.dir.Person(c.ctx, id)
	if postern.CodeOf(err) == postern.NotFound {
		return p, noEmployee()
	}
	return p, err
}

// projection reads which attributes are wanted; nil is all.
func (c *call) projection() ([]string, error) {
	c.gather("attributes")
	return c.ids("attributes")
}

// employees writes persons, with those of the fields that the client may see. Their
// number is always there.
func (c *call) employees(some []postern.Person, fields []string) ([]employeeV1, error) {
	wanted := func(key string) bool {
		return key == "id" || (len(fields) == 0 || slices.Contains(fields, key)) && c.shows(key)
	}
	rows := slices.DeleteFunc(fieldsV1(), func(f fieldV1) bool { return !wanted(f.key) })
	supervisors, err := c.supervisors(some, wanted)
	if err != nil {
		return nil, err
	}
	t := told{zone: c.zone, base: c.PublicURL, supervisor: func(id postern.PersonID) any {
		if p := supervisors[id]; p != nil {
			return c.shortEmployee(p)
		}
		return nil
	}}
	if wanted("absence_entitlement") {
		if t.types, err = c.absenceTypes(); err != nil {
			return nil, err
		}
	}
	out := make([]employeeV1, 0, len(some))
	for i := range some {
		t.p, t.e = &some[i], new(postern.Employment)
		if len(t.p.Employments) > 0 {
			t.e = &t.p.Employments[0]
		}
		out = append(out, t.employee(rows, wanted))
	}
	return out, nil
}

// employee writes one employee.
func (t *told) employee(rows []fieldV1, wanted func(string) bool) employeeV1 {
	out := employeeV1{Type: "Employee", Attributes: make(map[string]attributeV1, len(rows)+len(t.p.Custom))}
	for i := range rows {
		f := &rows[i]
		out.Attributes[f.key] = attributeV1{Label: f.label, Value: looseValue{it: f.write(t)}, Type: f.kind, UniversalID: &f.key}
	}
	for _, a := range t.p.Custom {
		if wanted(a.Key) {
			out.Attributes[a.Key] = customV1(a)
		}
	}
	return out
}

// supervisors finds those whom the newest employments name.
func (c *call) supervisors(some []postern.Person, wanted func(string) bool) (map[postern.PersonID]*postern.Person, error) {
	if !wanted("supervisor") {
		return nil, nil
	}
	var ids []postern.PersonID
	for i := range some {
		if e := some[i].Employments; len(e) > 0 && e[0].Supervisor != 0 {
			ids = append(ids, e[0].Supervisor)
		}
	}
	return c.persons(ids)
}

// persons finds some persons by their number.
func (c *call) persons(ids []postern.PersonID) (map[postern.PersonID]*postern.Person, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	out := make(map[postern.PersonID]*postern.Person, len(ids))
	for some := range slices.Chunk(ids, maxPageV1) {
		page, err := c.dir.Persons(c.ctx, postern.PersonQuery{IDs: some, Paging: postern.Paging{Limit: len(some)}})
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			out[page.Items[i].ID] = &page.Items[i]
		}
	}
	return out, nil
}

// shortFields are what is told of an employee in something else.
var shortFields = []string{"id", "first_name", "last_name", "email"}

// shortEmployee writes the little that is told of an employee elsewhere: no more than
// the client would be shown here.
func (c *call) shortEmployee(p *postern.Person) employeeV1 {
	wanted := func(key string) bool { return key == "id" || slices.Contains(shortFields, key) && c.shows(key) }
	t := told{p: p, e: new(postern.Employment), zone: c.zone}
	return t.employee(slices.DeleteFunc(personFields(), func(f fieldV1) bool { return !wanted(f.key) }), func(string) bool { return false })
}

// personOf reads an employee: a person with one employment, unless nothing is told of it.
func personOf(e *employeeV1) postern.Person {
	var p postern.Person
	job := postern.Employment{}
	t := told{p: &p, e: &job}
	known := map[string]bool{}
	for _, f := range fieldsV1() {
		known[f.key] = true
		if a, ok := e.Attributes[f.key]; ok {
			f.read(&t, a.Value)
		}
	}
	for key, a := range e.Attributes {
		if !known[key] {
			p.Custom = append(p.Custom, attributeOf(key, a))
		}
	}
	slices.SortFunc(p.Custom, func(a, b postern.Attribute) int { return compareKeys(a.Key, b.Key) })
	if job.Start != 0 || job.Status != "" || job.Position != "" {
		job.Person, job.UpdatedAt = p.ID, p.UpdatedAt
		p.Employments = []postern.Employment{job}
	}
	return p
}

// compareKeys puts dynamic_9 before dynamic_10.
func compareKeys(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	return 1
}

// Employees gives a page of persons, each with its newest employment. The wire has a
// filter for one e-mail address and for the time of change; at most 100 come at once.
func (r *RemoteV1) Employees(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	if len(q.IDs) > 0 {
		return r.employeesByID(ctx, q)
	}
	query := url.Values{}
	if len(q.Emails) == 1 {
		query.Set("email", q.Emails[0])
	}
	if from := q.Updated.From; !from.IsZero() {
		query.Set("updated_since", from.UTC().Add(-14*time.Hour).Format("2006-01-02T15:04:05")) // in whatever zone it is read
	}
	e, next, err := pageV1[employeeV1](ctx, r, employeesV1Path, query, q.Paging, maxEmployees, false)
	if err != nil {
		return postern.Page[postern.Person]{}, err
	}
	out := postern.Page[postern.Person]{Next: next, Total: e.total()}
	for i := range e.Data {
		if p := personOf(&e.Data[i]); p.ID != 0 && wantsPerson(&q, &p) {
			out.Items = append(out.Items, p)
		}
	}
	return out, nil
}

// employeesByID asks for each one: the wire has no list of some.
func (r *RemoteV1) employeesByID(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	var out postern.Page[postern.Person]
	for _, id := range q.IDs {
		p, err := r.Employee(ctx, id)
		switch {
		case postern.CodeOf(err) == postern.NotFound:
		case err != nil:
			return out, err
		case wantsPerson(&q, &p):
			out.Items = append(out.Items, p)
		}
	}
	return out, nil
}

// wantsPerson applies the filters to what came.
func wantsPerson(q *postern.PersonQuery, p *postern.Person) bool {
	return (len(q.Emails) == 0 || slices.ContainsFunc(q.Emails, func(s string) bool { return strings.EqualFold(s, p.Email) })) &&
		(q.FirstName == "" || q.FirstName == p.FirstName) && (q.LastName == "" || q.LastName == p.LastName) &&
		(q.PreferredName == "" || q.PreferredName == p.PreferredName) && (q.Active == nil || *q.Active == p.Active) &&
		inRange(q.Updated, p.UpdatedAt) && inRange(q.Created, p.CreatedAt)
}

// inRange says whether a moment lies in a range; one that is not known does.
func inRange(r postern.TimeRange, t time.Time) bool {
	return t.IsZero() || !t.Before(r.From) && (r.To.IsZero() || !t.After(r.To))
}

// Employee gives one person with the newest employment. It fails with NotFound.
func (r *RemoteV1) Employee(ctx context.Context, id postern.PersonID) (postern.Person, error) {
	var e envelopeV1[looseObject[employeeV1]]
	err := r.get(ctx, employeesV1Path+"/"+strconv.FormatInt(int64(id), 10), nil, &e)
	if err != nil {
		return postern.Person{}, err
	}
	if e.Data.it == nil {
		return postern.Person{}, unreadableV1("there is no employee in it")
	}
	p := personOf(e.Data.it)
	if p.ID != id {
		return p, unreadableV1("it is about another employee")
	}
	return p, nil
}
