package hr

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// Absence periods of version 2.
//
//	GET /v2/absence-periods/{id}     three whole days, 2 to 4 March
//	200 {"id":"7d0c…","person":{"id":"12"},"absence_type":{"id":"e1…"},
//	     "starts_from":{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"},
//	     "ends_at":{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"},
//	     "timezone_id":"Europe/Berlin","comment":null,"approval":{"status":"APPROVED"},…}
//
// An end that is read is exclusive, the midnight after the last day; one that is written
// names the last day. So what was read must not be written back: DIVERGENCES.md tells
// why, and which switch makes both exclusive.

const absencesPath = "/v2/absence-periods"

// maxAbsences bounds a page of absences, and is its size when none is asked for.
const maxAbsences = 100

func absenceRoutes() []route {
	return slices.Concat([]route{
		{http.MethodGet, absencesPath, readAbsences, listAbsences},
		{http.MethodPost, absencesPath, writeAbsences, createAbsence},
		{http.MethodGet, absencesPath + "/{id}", readAbsences, getAbsence},
		{http.MethodPatch, absencesPath + "/{id}", writeAbsences, changeAbsence},
		{http.MethodDelete, absencesPath + "/{id}", writeAbsences, deleteAbsence},
	}, breakdownRoutes())
}

// absenceBounds gives the filters of the window that absences overlap: the lower bounds
// of it and the upper ones. Which of the two edges a filter names makes no difference.
func absenceBounds() (lower, upper []string) {
	for _, name := range []string{"starts_from.date_time", "ends_at.date_time", "starts_from", "ends_at"} {
		lower, upper = append(lower, name+".gte"), append(upper, name+".lte")
	}
	return lower, upper
}

func listAbsences(c *call) error {
	lower, upper := absenceBounds()
	filters := slices.Concat([]string{"id", "person.id", "absence_type.id"}, lower, upper, timeFilters("updated_at"))
	paging, err := c.paging(maxAbsences, maxAbsences, filters...)
	if err != nil {
		return err
	}
	q := postern.AbsenceQuery{Paging: paging}
	if q.IDs, err = c.uuids("id"); err != nil {
		return err
	}
	if q.Types, err = c.uuids("absence_type.id"); err != nil {
		return err
	}
	if q.People, err = c.people("person.id"); err != nil {
		return err
	}
	if q.Within, err = c.walls(lower, upper, true); err != nil {
		return err
	}
	if q.Updated, err = c.updated(true); err != nil {
		return err
	}
	page, err := c.dir.Absences(c.ctx, q)
	if err != nil {
		return err
	}
	units, err := c.units()
	if err != nil {
		return err
	}
	items := make([]absencePeriod, len(page.Items))
	for i := range page.Items {
		items[i] = encodeAbsence(&page.Items[i], units[page.Items[i].Type])
	}
	return c.list(items, page.Next)
}

// units tells what the absences of each type are counted in.
func (c *call) units() (map[string]postern.Unit, error) {
	units := map[string]postern.Unit{}
	for paging := (postern.Paging{Limit: postern.MaxPage}); ; {
		page, err := c.dir.AbsenceTypes(c.ctx, paging)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			units[page.Items[i].ID] = page.Items[i].Unit
		}
		if page.Next == "" {
			return units, nil
		}
		paging.After = page.Next
	}
}

func getAbsence(c *call) error {
	a, t, err := c.absence()
	if err != nil {
		return err
	}
	return c.object(encodeAbsence(&a, t.Unit))
}

// absence gives the absence that the path names, and its type.
func (c *call) absence() (a postern.Absence, t postern.AbsenceType, err error) {
	id, err := c.uuid()
	if err != nil {
		return a, t, err
	}
	if a, err = c.dir.Absence(c.ctx, id); err != nil {
		return a, t, err
	}
	t, err = c.dir.AbsenceType(c.ctx, a.Type)
	return a, t, err
}

func createAbsence(c *call) error {
	if err := c.checkKey(); err != nil {
		return err
	}
	w, err := c.withApproval(c.write())
	if err != nil {
		return err
	}
	var body absenceWrite
	if err := c.read(&body); err != nil {
		return err
	}
	a, err := c.absenceOf(&body)
	if err != nil {
		return err
	}
	t, err := c.dir.AbsenceType(c.ctx, a.Type)
	if err != nil {
		return unknownInBody(err, "absence_type", "there is no absence type %q", a.Type)
	}
	change, err := c.absenceChange(&body, &t)
	if err != nil {
		return err
	}
	a.From = *change.From
	if change.To != nil {
		a.To = *change.To
	}
	made, err := c.dir.CreateAbsence(c.ctx, a, w)
	if err != nil {
		return refusedAbsence(unknownInBody(err, "person", "there is no person %d", a.Person))
	}
	return c.created(made.ID, absencesPath+"/"+made.ID)
}

// withApproval reads skip_approval, which this version takes as false when it is not
// there.
func (c *call) withApproval(w postern.Write) (postern.Write, error) {
	var err error
	w.SkipApproval, err = c.truth("skip_approval", false)
	return w, err
}

// rewrite is write for what exists: a key makes creating happen once, and nothing else.
func (c *call) rewrite() postern.Write {
	w := c.write()
	w.Key = ""
	return w
}

func changeAbsence(c *call) error {
	w, err := c.withApproval(c.rewrite())
	if err != nil {
		return err
	}
	a, t, err := c.absence()
	if err != nil {
		return err
	}
	var body absenceWrite
	if err := c.read(&body); err != nil {
		return err
	}
	switch {
	case body.Person.given():
		return badParam("person", "the person of an absence cannot be changed").WithHint("delete the absence and make another one")
	case body.Type.given():
		return badParam("absence_type", "the type of an absence cannot be changed").WithHint("delete the absence and make another one")
	case body.Start.null:
		return badParam("starts_from", "an absence has a start")
	}
	change, err := c.absenceChange(&body, &t)
	if err != nil {
		return err
	}
	if err := c.dir.ChangeAbsence(c.ctx, a.ID, change, w); err != nil {
		return refusedAbsence(err)
	}
	return c.empty(http.StatusNoContent)
}

func deleteAbsence(c *call) error {
	id, err := c.uuid()
	if err != nil {
		return err
	}
	if err := c.dir.DeleteAbsence(c.ctx, id, c.rewrite()); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// unknownInBody makes of what a directory does not find a body that breaks a rule: what
// was not found is not what the path names.
func unknownInBody(err error, param, format string, args ...any) error {
	e := postern.AsError(err)
	if e.Code != postern.NotFound {
		return err
	}
	if e.Param != "" && e.Msg != "" {
		return unprocessable(badParam(e.Param, "%s", e.Msg))
	}
	unknown := badParam(param, format, args...)
	if param == "absence_type" {
		unknown.Hint = "GET " + absenceTypesPath + " lists the types"
	}
	return unprocessable(unknown)
}

// refusedAbsence is why a directory refused an absence: what is wrong with a substitute
// stands in its way, and the rest breaks a rule.
func refusedAbsence(err error) error {
	e := postern.AsError(err)
	if e.Param == "substitute" && (e.Code == postern.Invalid || e.Code == postern.NotFound) {
		conflict := postern.Errorf(postern.Conflict, "%s", e.Msg).WithHint("%s", e.Hint)
		conflict.Param = e.Param
		return conflict
	}
	return unprocessable(err)
}

func absencePath(id string) string { return absencesPath + "/" + url.PathEscape(id) }

// Absences gives a page of absences. The older numbers and the unit of the type cannot
// be asked for; Detail asks for each absence on its own.
func (m *Remote) Absences(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	var page postern.Page[postern.Absence]
	if len(q.Numbers) > 0 || q.Unit != "" {
		return page, postern.Errorf(postern.Invalid, "an HR API elsewhere cannot find absences by number or by unit").WithHint("use their ids and types")
	}
	a := ask{path: absencesPath}
	a.limited(q.Paging, maxAbsences)
	a.add("id", strings.Join(q.IDs, ","))
	a.add("absence_type.id", strings.Join(q.Types, ","))
	a.add("person.id", idList(q.People))
	a.add("starts_from.date_time.gte", q.Within.From.String())
	a.add("ends_at.date_time.lte", q.Within.To.String())
	a.between(q.Updated, "updated_at.gte", "updated_at.lte", 0)
	items, next, err := many[absencePeriod](ctx, m, a, q.Paging)
	page.Next = next
	for i := range items {
		absence := items[i].decode()
		if q.Contained && !contained(absence.Span, q.Within) {
			continue
		}
		if q.Detail {
			if absence.Days, err = m.Breakdown(ctx, absence.ID); err != nil {
				return page, err
			}
		}
		page.Items = append(page.Items, absence)
	}
	return page, err
}

func contained(s postern.Span, r postern.LocalRange) bool {
	return s.From >= r.From && (r.To == 0 || s.To != 0 && s.To <= r.To+1)
}

// Absence gives one absence.
func (m *Remote) Absence(ctx context.Context, id string) (postern.Absence, error) {
	w, err := one[absencePeriod](ctx, m, ask{path: absencePath(id)})
	return w.decode(), err
}

// CreateAbsence makes an absence, and asks for its type before and for itself after.
func (m *Remote) CreateAbsence(ctx context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	t, err := m.AbsenceType(ctx, a.Type)
	if err != nil {
		return a, err
	}
	made, err := one[created](ctx, m, ask{
		method: http.MethodPost, path: absencesPath, query: skipping(w), body: encodeAbsenceWrite(&a, &t), write: &w,
	})
	if err != nil {
		return a, err
	}
	a.ID = string(made.ID)
	if stored, err := m.Absence(ctx, a.ID); err == nil { // a client that may only write gets what it sent
		return stored, nil
	}
	return a, nil
}

// skipping is the query of a write that may have to be approved.
func skipping(w postern.Write) url.Values {
	return url.Values{"skip_approval": {strconv.FormatBool(w.SkipApproval)}}
}

// ChangeAbsence changes an absence. For new days it asks for its type first.
func (m *Remote) ChangeAbsence(ctx context.Context, id string, c postern.AbsenceChange, w postern.Write) error {
	var t postern.AbsenceType
	if c.From != nil || c.To != nil {
		a, err := m.Absence(ctx, id)
		if err != nil {
			return err
		}
		if t, err = m.AbsenceType(ctx, a.Type); err != nil {
			return err
		}
	}
	_, err := m.do(ctx, ask{method: http.MethodPatch, path: absencePath(id), query: skipping(w), body: encodeAbsenceChange(&c, &t), write: &w})
	return err
}

// DeleteAbsence deletes an absence.
func (m *Remote) DeleteAbsence(ctx context.Context, id string, w postern.Write) error {
	_, err := m.do(ctx, ask{method: http.MethodDelete, path: absencePath(id), write: &w})
	return err
}
