package hr

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Persons of version 2.
//
//	GET /v2/persons?email=ada@firm.test
//	200 {"_data":[{"id":"12","email":"ada@firm.test","first_name":"Ada","last_name":"Test",
//	  "preferred_name":"Ada","gender":"FEMALE","status":"ACTIVE","created_at":"2024-01-02T08:00:00Z",
//	  "updated_at":"2026-02-01T08:00:00Z","profile_picture":{"url":"…/v1/company/employees/12/profile-picture"},
//	  "custom_attributes":[{"id":"dynamic_5","type":"string","global_id":"dynamic_5","label":"Badge","value":"B7"}],
//	  "employments":[{"id":"0b7e…"}],"_meta":{"links":{"employments":{"href":"…/v2/persons/12/employments"}}}}],
//	 "_meta":{"links":{"self":{"href":"…"},"next":{"href":"…"}}}}
//
// Transcripts in testdata/v2. What a client is not shown is absent.

const personsPath = "/v2/persons"

func personRoutes() []route {
	const byID = personsPath + "/{id}"
	return []route{
		{"GET", personsPath, readPersons, listPersons},
		{"POST", personsPath, writePersons, createPerson},
		{"GET", byID, readPersons, getPerson},
		{"PATCH", byID, writePersons, changePerson},
		{"DELETE", byID, writePersons, deletePerson},
	}
}

// Bounds of a page of persons, and of employments.
const (
	defaultPersons = 10
	maxPersons     = 50
)

// The statuses of persons.
const (
	personActive   = "ACTIVE"
	personInactive = "INACTIVE"
)

// listPersons answers GET /v2/persons.
func listPersons(c *call) error {
	filters := []string{"id", "email", "first_name", "last_name", "preferred_name", "status"}
	filters = slices.Concat(filters, timeFilters("created_at"), timeFilters("updated_at"))
	p, err := c.paging(defaultPersons, maxPersons, filters...)
	if err != nil {
		return err
	}
	q, err := c.personQuery()
	if err != nil {
		return err
	}
	q.Paging = p
	page, err := c.dir.Persons(c.ctx, q)
	if err != nil {
		return err
	}
	items := make([]personV2, len(page.Items))
	for i := range page.Items {
		items[i] = c.encodePerson(&page.Items[i])
	}
	return c.list(items, page.Next)
}

func (c *call) personQuery() (q postern.PersonQuery, err error) {
	for _, f := range []struct {
		attribute string
		params    []string
	}{
		{"email", []string{"email"}}, {"first_name", []string{"first_name"}}, {"last_name", []string{"last_name"}},
		{"preferred_name", []string{"preferred_name"}}, {"status", []string{"status"}},
		{"created_at", timeFilters("created_at")}, {"last_modified_at", timeFilters("updated_at")},
	} {
		for _, param := range f.params {
			if err := c.mayFilter(param, f.attribute); err != nil {
				return q, err
			}
		}
	}
	if q.IDs, err = c.people("id"); err != nil {
		return q, err
	}
	if q.Emails, err = c.ids("email"); err != nil {
		return q, err
	}
	for i := range q.Emails {
		q.Emails[i] = postern.CanonicalEmail(q.Emails[i])
	}
	for _, f := range []struct {
		to   *string
		name string
	}{{&q.FirstName, "first_name"}, {&q.LastName, "last_name"}, {&q.PreferredName, "preferred_name"}} {
		if *f.to, err = c.text(f.name, postern.MaxName); err != nil {
			return q, err
		}
	}
	if q.Created, err = c.timeRange("created_at"); err != nil {
		return q, err
	}
	if q.Updated, err = c.timeRange("updated_at"); err != nil {
		return q, err
	}
	status, err := c.choice("status", personActive, personInactive)
	if status != "" {
		active := status == personActive
		q.Active = &active
	}
	return q, err
}

// personInPath reads the id in the path. One that cannot be is one that is not there.
func (c *call) personInPath() (postern.PersonID, error) {
	id, ok := personID(c.id())
	if !ok {
		return 0, postern.Errorf(postern.NotFound, "there is no person %q", postern.Shorten(c.id(), 40)).
			WithHint("the ids of persons are numbers")
	}
	return id, nil
}

// getPerson answers GET /v2/persons/{id}.
func getPerson(c *call) error {
	id, err := c.personInPath()
	if err != nil {
		return err
	}
	p, err := c.dir.Person(c.ctx, id)
	if err != nil {
		return err
	}
	return c.object(c.encodePerson(&p))
}

// createPerson answers POST /v2/persons.
func createPerson(c *call) error {
	var w personWrite
	if err := c.read(&w); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value option[openText]
	}{{"first_name", w.FirstName}, {"last_name", w.LastName}} {
		if f.value.v == "" {
			return missing(f.name)
		}
	}
	change, err := decodePersonChange(&w)
	if err != nil {
		return err
	}
	var p postern.Person
	if err := change.Apply(&p); err != nil {
		return unprocessable(err)
	}
	today := postern.DateOf(c.Now().In(c.zone))
	for i := range w.Employments.v {
		e, err := w.Employments.v[i].decode(today)
		if err != nil {
			return err
		}
		p.Employments = append(p.Employments, e)
	}
	id, err := c.dir.CreatePerson(c.ctx, p, c.write())
	if err != nil {
		return unprocessable(err)
	}
	s := strconv.FormatInt(int64(id), 10)
	return c.created(s, personsPath+"/"+s)
}

// missing is a member that has to be there.
func missing(name string) error {
	return badParam(name, "%s is missing", name)
}

// changePerson answers PATCH /v2/persons/{id}.
func changePerson(c *call) error {
	id, err := c.personInPath()
	if err != nil {
		return err
	}
	var w personWrite
	if err := c.read(&w); err != nil {
		return err
	}
	if w.Employments.given() {
		return badParam("employments", "employments are not changed together with their person").
			WithHint("PATCH %s/{id}", employmentsOf(id))
	}
	change, err := decodePersonChange(&w)
	if err != nil {
		return err
	}
	if err := c.dir.ChangePerson(c.ctx, id, change, c.write()); err != nil {
		return unprocessable(err)
	}
	return c.empty(204)
}

// deletePerson answers DELETE /v2/persons/{id}.
func deletePerson(c *call) error {
	id, err := c.personInPath()
	if err != nil {
		return err
	}
	if err := c.dir.DeletePerson(c.ctx, id, c.write()); err != nil {
		return err
	}
	return c.empty(204)
}

// Persons asks GET /v2/persons, and in detail for the employments of each, for which
// there is no list.
func (m *Remote) Persons(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	var page postern.Page[postern.Person]
	items, next, err := many[personV2](ctx, m, encodePersonQuery(&q), q.Paging)
	if err != nil {
		return page, err
	}
	for i := range items {
		p, err := items[i].decode()
		if err != nil {
			return page, err
		}
		if q.Detail {
			if p.Employments, err = m.allEmployments(ctx, p.ID); err != nil {
				return page, err
			}
		}
		page.Items = append(page.Items, p)
	}
	page.Next = next
	return page, nil
}

func encodePersonQuery(q *postern.PersonQuery) ask {
	a := ask{path: personsPath}
	a.limited(q.Paging, maxPersons)
	a.add("id", idList(q.IDs))
	a.add("email", strings.Join(q.Emails, ","))
	a.add("first_name", q.FirstName)
	a.add("last_name", q.LastName)
	a.add("preferred_name", q.PreferredName)
	a.between(q.Created, "created_at.gt", "created_at.lt", time.Millisecond)
	a.between(q.Updated, "updated_at.gt", "updated_at.lt", time.Millisecond)
	if q.Active != nil {
		status := personInactive
		if *q.Active {
			status = personActive
		}
		a.add("status", status)
	}
	return a
}

// Person asks GET /v2/persons/{id}, and for the employments.
func (m *Remote) Person(ctx context.Context, id postern.PersonID) (postern.Person, error) {
	w, err := one[personV2](ctx, m, ask{path: personPath(id)})
	if err != nil {
		return postern.Person{}, err
	}
	p, err := w.decode()
	if err == nil {
		p.Employments, err = m.allEmployments(ctx, id)
	}
	return p, err
}

func personPath(id postern.PersonID) string {
	return personsPath + "/" + strconv.FormatInt(int64(id), 10)
}

// CreatePerson asks POST /v2/persons.
func (m *Remote) CreatePerson(ctx context.Context, p postern.Person, wr postern.Write) (postern.PersonID, error) {
	w := personWrite{FirstName: some(openText(p.FirstName)), LastName: some(openText(p.LastName)), Custom: encodeAttributes(p.Custom)}
	for _, f := range []struct {
		to   *option[openText]
		from string
	}{{&w.Email, p.Email}, {&w.Preferred, p.PreferredName}, {&w.Gender, string(p.Gender)}, {&w.Language, p.Language}} {
		if f.from != "" {
			*f.to = some(openText(f.from))
		}
	}
	if len(p.Employments) > 0 {
		var all []employmentNew
		for i := range p.Employments {
			all = append(all, employmentNew{employmentFields: encodeEmploymentFields(&p.Employments[i])})
		}
		w.Employments = some(all)
	}
	a := ask{method: "POST", path: personsPath, body: &w, write: &wr}
	made, err := one[struct {
		ID openText `json:"id"`
	}](ctx, m, a)
	if err != nil {
		return 0, err
	}
	id, ok := personID(string(made.ID))
	if !ok {
		return 0, notUnderstood(a)
	}
	return id, nil
}

// ChangePerson asks PATCH /v2/persons/{id}.
func (m *Remote) ChangePerson(ctx context.Context, id postern.PersonID, c postern.PersonChange, wr postern.Write) error {
	w := personWrite{Custom: encodeAttributes(c.Custom)}
	for _, f := range []struct {
		to   *option[openText]
		from *string
	}{{&w.Email, c.Email}, {&w.FirstName, c.FirstName}, {&w.LastName, c.LastName}, {&w.Preferred, c.PreferredName}, {&w.Language, c.Language}, {&w.Gender, (*string)(c.Gender)}} {
		if f.from != nil {
			*f.to = someIf(openText(*f.from))
		}
	}
	_, err := m.do(ctx, ask{method: "PATCH", path: personPath(id), body: &w, write: &wr})
	return err
}

// DeletePerson asks DELETE /v2/persons/{id}.
func (m *Remote) DeletePerson(ctx context.Context, id postern.PersonID, wr postern.Write) error {
	_, err := m.do(ctx, ask{method: "DELETE", path: personPath(id), write: &wr})
	return err
}

// employmentsOf is where the employments of a person are.
func employmentsOf(id postern.PersonID) string {
	return personsPath + "/" + url.PathEscape(strconv.FormatInt(int64(id), 10)) + "/employments"
}
