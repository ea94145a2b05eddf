package hr

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Absences of the types that are counted in days. The offset counts pages, from 1, and 0
// is the first page too; dates are inclusive.
//
//	GET /v1/company/time-offs?start_date=2026-03-01&end_date=2026-03-31&limit=2&offset=1
//	200 {"success":true,"metadata":{"total_elements":3,"current_page":1,"total_pages":2},"offset":1,"limit":2,
//	     "data":[{"type":"TimeOffPeriod","attributes":{"id":71,"id_v2":"7d0c…","status":"approved",
//	       "start_date":"2026-03-02T00:00:00+0100","end_date":"2026-03-04T00:00:00+0100","days_count":3,…}}]}

func timeOffRoutes() []route {
	return []route{
		{"GET", typesV1Path, readAbsences, listTypes},
		{"GET", timeOffsPath, readAbsences, listTimeOffs},
		{"POST", timeOffsPath, writeAbsences, createTimeOff},
		{"GET", timeOffsPath + "/{id}", readAbsences, getTimeOff},
		{"DELETE", timeOffsPath + "/{id}", writeAbsences, deleteTimeOff},
	}
}

func listTimeOffs(c *call) error {
	p, err := c.counted(maxPageV1, maxPageV1, true)
	if err != nil {
		return err
	}
	q := postern.AbsenceQuery{Unit: postern.Days, Detail: true, Paging: p.paging()}
	dates, err := c.window("start_date", "end_date")
	if err != nil {
		return err
	}
	q.Within, q.Contained = withinDays(dates), c.is("time-off-window", "contained")
	if q.Updated, err = c.changed("updated_from", "updated_to"); err != nil {
		return err
	}
	c.gather("employees")
	if q.People, err = c.people("employees"); err != nil {
		return err
	}
	page, err := c.dir.Absences(c.ctx, q)
	if err != nil {
		return err
	}
	data, err := c.timeOffs(page.Items)
	if err != nil {
		return err
	}
	return c.page1(http.StatusOK, data, page.Total, p)
}

// withinDays is the range of the wall from the first moment of a day to the last of
// another.
func withinDays(dates postern.DateRange) postern.LocalRange {
	var out postern.LocalRange
	if dates.From != 0 {
		out.From = dates.From.At(0)
	}
	if dates.To != 0 {
		out.To = (dates.To + 1).At(0) - 1
	}
	return out
}

func getTimeOff(c *call) error {
	a, err := c.timeOff()
	if err != nil {
		return err
	}
	data, err := c.timeOffs([]postern.Absence{a})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, data[0])
}

// timeOff finds the absence whose number is in the path.
func (c *call) timeOff() (postern.Absence, error) {
	n, ok := personID(c.id())
	if !ok {
		return postern.Absence{}, badPeriodID().hint("the id of a time-off is a number")
	}
	page, err := c.dir.Absences(c.ctx, postern.AbsenceQuery{
		Numbers: []int64{int64(n)}, Unit: postern.Days, Detail: true, Paging: postern.Paging{Limit: 1}})
	switch {
	case err != nil:
		return postern.Absence{}, err
	case len(page.Items) == 0:
		return postern.Absence{}, noPeriod()
	}
	return page.Items[0], nil
}

func deleteTimeOff(c *call) error {
	a, err := c.timeOff()
	if err != nil {
		return err
	}
	return c.deleteAbsence(a.ID)
}

func (c *call) deleteAbsence(id string) error {
	if err := c.dir.DeleteAbsence(c.ctx, id, c.write()); err != nil {
		if postern.CodeOf(err) == postern.NotFound {
			return noPeriod()
		}
		return err
	}
	return c.answer(http.StatusOK, said{periodDeleted})
}

func createTimeOff(c *call) error {
	f, err := c.form()
	if err != nil {
		return err
	}
	person, number := postern.PersonID(f.number("employee_id")), f.number("time_off_type_id")
	first, last := f.date("start_date"), f.date("end_date")
	for _, name := range []string{"half_day_start", "half_day_end"} {
		_, _ = f.required(name)
	}
	halfStart, halfEnd := f.truth("half_day_start", false), f.truth("half_day_end", false)
	skip := f.truth("skip_approval", true)
	if first != 0 && last != 0 && last < first {
		f.complain("end_date", "The :field must be a date after or equal to start date.")
	}
	if err := f.err(); err != nil {
		return err
	}
	if first == last && halfStart && halfEnd {
		return refuse(postern.Invalid, http.StatusBadRequest, http.StatusBadRequest,
			"Invalid absence day. Reason: Both half day start and half day end are true for a single-day period").
			hint("send half_day_start for the afternoon, or half_day_end for the morning")
	}
	a := postern.Absence{Person: person, Span: postern.DaySpan(first, last, halfStart, halfEnd), Comment: f.fields["comment"]}
	a, err = c.createAbsence(a, number, postern.Days, skip)
	if err != nil {
		return err
	}
	data, err := c.timeOffs([]postern.Absence{a})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, data[0])
}

// createAbsence makes an absence of the type with a number.
func (c *call) createAbsence(a postern.Absence, number int64, unit postern.Unit, skip bool) (postern.Absence, error) {
	if err := c.checkKey(); err != nil {
		return a, err
	}
	if _, err := c.personV1(a.Person); err != nil {
		return a, err
	}
	t, err := c.typeNumbered(number, unit)
	if err != nil {
		return a, err
	}
	if t == nil {
		message := "Time-off type not found."
		if unit == postern.Hours {
			message = "Absence type not found."
		}
		return a, refuse(postern.NotFound, http.StatusNotFound, 0, message).
			hint("GET %s lists the types; this path takes those with unit %s", typesV1Path, strings.ToLower(string(unit)))
	}
	a.Type, a.Origin, a.CreatedBy = t.ID, "api", "API"
	w := c.write()
	w.SkipApproval = skip
	made, err := c.dir.CreateAbsence(c.ctx, a, w)
	if postern.CodeOf(err) == postern.Conflict {
		e := postern.AsError(err)
		r := refuse(postern.Conflict, http.StatusBadRequest, http.StatusBadRequest, periodNotMade)
		r.fields = map[string][]string{fieldOf(e.Param): {postern.Public(e)}}
		return made, r.hint("%s", e.Hint)
	}
	return made, err
}

// zoneOf gives the zone with a name, and the tenant's where it has none.
func (c *call) zoneOf(name string) *time.Location {
	if zone, err := c.zones.get(name); err == nil && name != "" {
		return zone
	}
	return c.zone
}

// TimeOffs gives a page of the absences counted in days, at most 200. Those that overlap
// the window are found by widening it and looking at what comes (Reach), unless the
// query asks for what lies within it.
func (r *RemoteV1) TimeOffs(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	if len(q.Numbers) > 0 {
		return r.timeOffsByNumber(ctx, q)
	}
	query := url.Values{}
	reach := postern.Date(r.Reach)
	if q.Contained {
		reach = 0
	}
	setDay(query, "start_date", q.Within.From, -reach)
	setDay(query, "end_date", q.Within.To, reach)
	setUpdated(query, q.Updated)
	setPeople(query, q.People)
	e, next, err := pageV1[objectV1[timeOffV1]](ctx, r, timeOffsPath, query, q.Paging, maxPageV1, true)
	if err != nil {
		return postern.Page[postern.Absence]{}, err
	}
	out := postern.Page[postern.Absence]{Next: next}
	for i := range e.Data {
		a, err := r.named(ctx, e.Data[i].Attributes.absence())
		if err != nil {
			return out, err
		}
		if a.From != 0 && wantsAbsence(&q, &a) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

func (r *RemoteV1) timeOffsByNumber(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	var out postern.Page[postern.Absence]
	for _, n := range q.Numbers {
		var e envelopeV1[looseObject[objectV1[timeOffV1]]]
		err := r.get(ctx, timeOffsPath+"/"+strconv.FormatInt(n, 10), nil, &e)
		if postern.CodeOf(err) == postern.NotFound {
			continue
		}
		if err == nil && e.Data.it == nil {
			err = unreadableV1("there is no time-off in it")
		}
		if err != nil {
			return out, err
		}
		a, err := r.named(ctx, e.Data.it.Attributes.absence())
		if err != nil {
			return out, err
		}
		if wantsAbsence(&q, &a) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

// named puts the id of a type in the place of its number, where the service has ids.
func (r *RemoteV1) named(ctx context.Context, a postern.Absence) (postern.Absence, error) {
	n := int64(wholeOf(a.Type))
	t, err := r.typeBy(ctx, func(t *postern.AbsenceType) bool { return t.Number == n })
	if err == nil && t != nil && t.ID != "" {
		a.Type = t.ID
	}
	return a, err
}

// wantsAbsence applies the filters to what came.
func wantsAbsence(q *postern.AbsenceQuery, a *postern.Absence) bool {
	within := postern.Span{From: q.Within.From, To: q.Within.To}
	if within.To != 0 {
		within.To++ // the last moment of the range is part of it
	}
	fits := a.Overlaps(within)
	if q.Contained {
		fits = within.Holds(a.Span)
	}
	return fits && inRange(q.Updated, a.UpdatedAt) && (len(q.IDs) == 0 || slices.Contains(q.IDs, a.ID)) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, a.Type)) && (len(q.People) == 0 || slices.Contains(q.People, a.Person))
}

// CreateTimeOff makes an absence counted in days and gives it as it was made. It fails
// with Conflict when it could not be inserted, which is mostly an overlap.
func (r *RemoteV1) CreateTimeOff(ctx context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	t, err := r.typeBy(ctx, func(t *postern.AbsenceType) bool { return t.ID == a.Type || strconv.FormatInt(t.Number, 10) == a.Type })
	if err != nil {
		return a, err
	}
	if t == nil {
		return a, postern.Errorf(postern.NotFound, "there is no absence type %q", postern.Shorten(a.Type, 40))
	}
	if a.To == 0 {
		return a, postern.Errorf(postern.Invalid, "an absence without an end cannot be made by this API").WithHint("give the last day")
	}
	form := url.Values{
		"employee_id": {strconv.FormatInt(int64(a.Person), 10)}, "time_off_type_id": {strconv.FormatInt(t.Number, 10)},
		"start_date": {a.From.Date().String()}, "end_date": {a.Last().String()},
		"half_day_start": {strconv.FormatBool(a.StartHalf())}, "half_day_end": {strconv.FormatBool(a.EndHalf())},
		"skip_approval": {strconv.FormatBool(w.SkipApproval)},
	}
	if a.Comment != "" {
		form.Set("comment", a.Comment)
	}
	var e envelopeV1[looseObject[objectV1[timeOffV1]]]
	if err := r.do(ctx, ask{method: http.MethodPost, path: timeOffsPath, write: &w}, form, &e); err != nil {
		return a, err
	}
	if e.Data.it == nil || e.Data.it.Attributes.ID == 0 {
		return a, unreadableV1("there is no time-off in it")
	}
	return r.named(ctx, e.Data.it.Attributes.absence())
}

// DeleteTimeOff deletes an absence counted in days by its number. It fails with NotFound.
func (r *RemoteV1) DeleteTimeOff(ctx context.Context, n int64, w postern.Write) error {
	var e envelopeV1[json.RawMessage]
	return r.do(ctx, ask{method: http.MethodDelete, path: timeOffsPath + "/" + strconv.FormatInt(n, 10), write: &w}, nil, &e)
}
