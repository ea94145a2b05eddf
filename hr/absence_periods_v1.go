package hr

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// Absences of the types that are counted in hours. Dates select what overlaps them,
// times are in UTC, amounts in minutes, and the offset counts pages.
//
//	GET /v1/company/absence-periods?start_date=2022-06-01
//	200 {"success":true,…,"data":[{"type":"AbsencePeriod","attributes":{"id":"9b…","measurement_unit":"hour",
//	     "effective_duration":960,"start":"2022-05-31T22:00:00.0Z","end":"2022-06-02T22:00:00.0Z",
//	     "breakdowns":[{"date":"2022-06-01","effective_duration":480},…],…}}]}

// How absence periods have a time.
const (
	hourlyTime = "2006-01-02T15:04:05.0Z"
	stampTime  = "2006-01-02T15:04:05.000Z"
)

// hourlyV1 is an absence on the wire.
type hourlyV1 struct {
	ID          string                               `json:"id"`
	Unit        string                               `json:"measurement_unit"`
	Duration    looseInt                             `json:"effective_duration"`
	Employee    looseObject[employeeV1]              `json:"employee"`
	Type        looseObject[objectV1[hourlyTypeRef]] `json:"absence_type"`
	Certificate looseObject[certificateV1]           `json:"certificate"`
	Start       string                               `json:"start"`
	End         looseText                            `json:"end"`
	HalfStart   looseBool                            `json:"half_day_start"`
	HalfEnd     looseBool                            `json:"half_day_end"`
	Comment     looseText                            `json:"comment"`
	Origin      looseText                            `json:"origin"`
	Status      string                               `json:"status"`
	Zone        string                               `json:"timezone"`
	CreatedBy   looseInt                             `json:"created_by"`
	CreatedAt   string                               `json:"created_at"`
	UpdatedAt   string                               `json:"updated_at"`
	ApprovedAt  looseText                            `json:"approved_at"`
	Breakdowns  looseList[hourlyDay]                 `json:"breakdowns"`
}

type hourlyTypeRef struct {
	ID     string    `json:"id"`
	Name   looseText `json:"name"`
	Number looseInt  `json:"time_off_type_id"`
}

type hourlyDay struct {
	Date     string   `json:"date"`
	Duration looseInt `json:"effective_duration"`
}

func hourlyRoutes() []route {
	return []route{
		{"GET", hourlyPath, readAbsences, listHourly},
		{"POST", hourlyPath, writeAbsences, createHourly},
		{"DELETE", hourlyPath + "/{id}", writeAbsences, deleteHourly},
	}
}

func listHourly(c *call) error {
	p, err := c.counted(maxPageV1, maxPageV1, true)
	if err != nil {
		return err
	}
	q := postern.AbsenceQuery{Unit: postern.Hours, Detail: true, Paging: p.paging()}
	dates, err := c.window("start_date", "end_date")
	if err != nil {
		return err
	}
	q.Within = withinDays(dates)
	if q.Updated, err = c.changed("updated_from", "updated_to"); err != nil {
		return err
	}
	c.gather("employees", "absence_types", "absence_periods")
	if q.People, err = c.people("employees"); err != nil {
		return err
	}
	if q.IDs, err = c.ids("absence_periods"); err != nil {
		return err
	}
	if q.Types, err = c.knownTypes(); err != nil {
		return err
	}
	page, err := c.dir.Absences(c.ctx, q)
	if err != nil {
		return err
	}
	data, err := c.hourly(page.Items)
	if err != nil {
		return err
	}
	return c.page1(http.StatusOK, data, page.Total, p)
}

// knownTypes reads which types are asked for; an unknown one is refused.
func (c *call) knownTypes() ([]string, error) {
	asked, err := c.ids("absence_types")
	if err != nil || len(asked) == 0 {
		return nil, err
	}
	types, err := c.absenceTypes()
	if err != nil {
		return nil, err
	}
	for i, id := range asked {
		asked[i] = strings.ToLower(id)
		if !slices.ContainsFunc(types, func(t postern.AbsenceType) bool { return t.ID == asked[i] }) {
			return nil, refuse(postern.NotFound, http.StatusNotFound, http.StatusNotFound, "models.absence-types.not-found").
				hint("GET %s lists the types; absence_types takes their id_v2", typesV1Path)
		}
	}
	return asked, nil
}

func deleteHourly(c *call) error {
	if !isUUID(c.id()) {
		return badPeriodID().hint("the id of an absence period is a UUID")
	}
	page, err := c.dir.Absences(c.ctx, postern.AbsenceQuery{
		IDs: []string{strings.ToLower(c.id())}, Unit: postern.Hours, Paging: postern.Paging{Limit: 1}})
	switch {
	case err != nil:
		return err
	case len(page.Items) == 0:
		return noPeriod()
	}
	return c.deleteAbsence(page.Items[0].ID)
}

func createHourly(c *call) error {
	f, err := c.form()
	if err != nil {
		return err
	}
	person, number := postern.PersonID(f.number("employee_id")), f.number("time_off_type_id")
	span := f.hours()
	skip := f.truth("skip_approval", true)
	if err := f.err(); err != nil {
		return err
	}
	a := postern.Absence{Person: person, Span: span, Comment: f.fields["comment"]}
	a, err = c.createAbsence(a, number, postern.Hours, skip)
	if err != nil {
		return err
	}
	data, err := c.hourly([]postern.Absence{a})
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, data[0])
}

// hours reads the span of an absence counted in hours: some of one day, the whole of it,
// or several days, which may begin and end with half of one.
func (f *form) hours() postern.Span {
	first, last := f.date("start_date"), f.date("end_date")
	from, to := f.clock("start_time"), f.clock("end_time")
	halfStart, halfEnd := f.truth("half_day_start", false), f.truth("half_day_end", false)
	if first == 0 || last == 0 {
		return postern.Span{}
	}
	timed := from >= 0 || to >= 0
	switch {
	case last < first:
		f.complain("end_date", "The :field must be a date after or equal to start date.")
	case first != last && timed:
		f.complain("start_time", "The :field is for periods of one day.")
	case first == last && (halfStart || halfEnd):
		f.complain("half_day_start", "Half days are for periods of several days; send start_time and end_time.")
	case !timed:
		return postern.DaySpan(first, last, halfStart, halfEnd)
	case from < 0:
		f.complain("start_time", "The :field field is required when end time is present.")
	case to < 0:
		f.complain("end_time", "The :field field is required when start time is present.")
	case to <= from:
		f.complain("end_time", "The :field must be after start time.")
	}
	return postern.Span{From: first.At(time.Duration(from) * time.Minute), To: first.At(time.Duration(to) * time.Minute)}
}

// hourly writes absences counted in hours.
func (c *call) hourly(some []postern.Absence) ([]objectV1[hourlyV1], error) {
	ctx, err := c.contextOf(some)
	if err != nil {
		return nil, err
	}
	out := make([]objectV1[hourlyV1], 0, len(some))
	for i := range some {
		a := &some[i]
		zone := c.zoneOf(a.Zone)
		from, to := a.From, a.To
		h := hourlyV1{
			ID: a.ID, Unit: "hour", Employee: c.whose(ctx, a.Person), Certificate: looseObject[certificateV1]{&noCertificate},
			Comment: looseText(a.Comment), Origin: looseText(a.Origin), Status: strings.ToLower(string(a.Status)), Zone: zone.String(),
			CreatedBy: looseInt(a.Person), CreatedAt: a.CreatedAt.UTC().Format(stampTime), UpdatedAt: a.UpdatedAt.UTC().Format(stampTime),
			Breakdowns: looseList[hourlyDay]{},
		}
		if a.Last() > a.From.Date() { // half of a day shows in the flags alone
			if half := a.From.Date().At(12 * time.Hour); from == half {
				h.HalfStart, from = true, from.Date().At(0)
			}
			if half := a.To.Date().At(12 * time.Hour); to == half {
				h.HalfEnd, to = true, (to.Date() + 1).At(0)
			}
		}
		h.Start = from.In(zone).UTC().Format(hourlyTime)
		if to != 0 {
			h.End = looseText(to.In(zone).UTC().Format(hourlyTime))
		}
		if !a.ApprovedAt.IsZero() {
			h.ApprovedAt = looseText(a.ApprovedAt.UTC().Format(stampTime))
		}
		if of := ctx.types[a.Type]; of != nil {
			h.Type.it = &objectV1[hourlyTypeRef]{"AbsenceType", hourlyTypeRef{of.ID, looseText(of.Name), looseInt(of.Number)}}
		}
		for _, d := range a.Days {
			minutes := looseInt(d.Amount*60 + 0.5)
			h.Duration += minutes
			h.Breakdowns = append(h.Breakdowns, hourlyDay{d.Date.String(), minutes})
		}
		out = append(out, objectV1[hourlyV1]{"AbsencePeriod", h})
	}
	return out, nil
}

// absence reads an absence counted in hours, onto the wall of its zone, or of one that
// is given where it has none.
func (h *hourlyV1) absence(zone *time.Location) postern.Absence {
	a := postern.Absence{
		ID: h.ID, Person: whoOf(h.Employee), Zone: h.Zone, Comment: string(h.Comment), Origin: string(h.Origin),
		Status: approvalV1(h.Status), CreatedAt: momentV1(h.CreatedAt), UpdatedAt: momentV1(h.UpdatedAt), ApprovedAt: momentV1(string(h.ApprovedAt)),
	}
	if own, err := postern.ParseZone(h.Zone); err == nil {
		zone = own
	}
	if from := momentV1(h.Start); !from.IsZero() {
		a.From = postern.LocalOf(from.In(zone))
	}
	if to := momentV1(string(h.End)); !to.IsZero() {
		a.To = postern.LocalOf(to.In(zone))
	}
	if bool(h.HalfStart) && a.From.Midnight() {
		a.From = a.From.Date().At(12 * time.Hour)
	}
	if bool(h.HalfEnd) && a.To != 0 && a.To.Midnight() {
		a.To = a.Last().At(12 * time.Hour)
	}
	if h.Type.it != nil {
		a.Type = h.Type.it.Attributes.ID
	}
	for _, d := range h.Breakdowns {
		a.Days = append(a.Days, postern.AbsenceDay{Date: dayOf(d.Date), Unit: postern.Hours, Amount: float64(d.Duration) / 60})
	}
	return a
}

// AbsencePeriods gives a page of the absences counted in hours, at most 200, those that
// overlap the window.
func (r *RemoteV1) AbsencePeriods(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	query := url.Values{}
	setDay(query, "start_date", q.Within.From, 0)
	setDay(query, "end_date", q.Within.To, 0)
	setUpdated(query, q.Updated)
	setPeople(query, q.People)
	query["absence_types[]"], query["absence_periods[]"] = q.Types, q.IDs
	e, next, err := pageV1[objectV1[hourlyV1]](ctx, r, hourlyPath, query, q.Paging, maxPageV1, true)
	if err != nil {
		return postern.Page[postern.Absence]{}, err
	}
	out := postern.Page[postern.Absence]{Next: next}
	for i := range e.Data {
		if a := e.Data[i].Attributes.absence(time.UTC); a.From != 0 && wantsAbsence(&q, &a) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}
