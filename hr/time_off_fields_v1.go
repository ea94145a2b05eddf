package hr

import (
	"encoding/json"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// A time off of version 1 as it is read, of which time_offs_v1.go shows both ends.

// timeOffTime is how time-offs have a time: the offset has no colon.
const timeOffTime = "2006-01-02T15:04:05-0700"

// timeOffV1 is an absence on the wire.
type timeOffV1 struct {
	ID          looseInt                       `json:"id"`
	IDv2        string                         `json:"id_v2"`
	Status      string                         `json:"status"`
	Start       string                         `json:"start_date"`
	End         looseText                      `json:"end_date"`
	Days        looseFloat                     `json:"days_count"`
	HalfStart   half                           `json:"half_day_start"`
	HalfEnd     half                           `json:"half_day_end"`
	Type        looseObject[objectV1[typeRef]] `json:"time_off_type"`
	Employee    looseObject[employeeV1]        `json:"employee"`
	Certificate looseObject[certificateV1]     `json:"certificate"`
	Comment     looseText                      `json:"comment"`
	CreatedBy   looseText                      `json:"created_by"`
	CreatedAt   string                         `json:"created_at"`
	UpdatedAt   string                         `json:"updated_at"`
}

type typeRef struct {
	ID       looseInt  `json:"id"`
	Name     looseText `json:"name"`
	Category looseText `json:"category"`
}

type certificateV1 struct {
	Status string `json:"status"`
}

// noCertificate is what we say of every absence: none is asked for.
var noCertificate = certificateV1{Status: "not-required"}

// half says whether half a day is taken, as 0 and 1 or as false and true.
type half struct{ is, asNumber bool }

// MarshalJSON writes what the tenant has chosen.
func (h half) MarshalJSON() ([]byte, error) {
	switch {
	case !h.asNumber:
		return strconv.AppendBool(nil, h.is), nil
	case h.is:
		return []byte("1"), nil
	}
	return []byte("0"), nil
}

// UnmarshalJSON reads both.
func (h *half) UnmarshalJSON(b []byte) error {
	var is looseBool
	err := json.Unmarshal(b, &is)
	h.is = bool(is)
	return err
}

// absenceContext is what absences are written with.
type absenceContext struct {
	people map[postern.PersonID]*postern.Person
	types  map[string]*postern.AbsenceType
}

// contextOf finds the people and the types of absences, and what the absences take.
func (c *call) contextOf(some []postern.Absence) (absenceContext, error) {
	ctx := absenceContext{types: map[string]*postern.AbsenceType{}}
	var ids []postern.PersonID
	for i := range some {
		ids = append(ids, some[i].Person)
		if a := &some[i]; a.Days == nil {
			days, err := c.dir.Breakdown(c.ctx, a.ID)
			if err != nil && postern.CodeOf(err) != postern.NotFound { // deleted meanwhile
				return ctx, err
			}
			a.Days = days
		}
	}
	types, err := c.absenceTypes()
	if err != nil {
		return ctx, err
	}
	for i := range types {
		ctx.types[types[i].ID] = &types[i]
	}
	ctx.people, err = c.persons(ids)
	return ctx, err
}

// whose writes the employee of an absence.
func (c *call) whose(ctx absenceContext, id postern.PersonID) looseObject[employeeV1] {
	p := ctx.people[id]
	if p == nil {
		return looseObject[employeeV1]{}
	}
	e := c.shortEmployee(p)
	return looseObject[employeeV1]{&e}
}

// timeOffs writes absences counted in days.
func (c *call) timeOffs(some []postern.Absence) ([]objectV1[timeOffV1], error) {
	ctx, err := c.contextOf(some)
	if err != nil {
		return nil, err
	}
	asNumber := c.is("half-day", "number")
	out := make([]objectV1[timeOffV1], 0, len(some))
	for i := range some {
		a := &some[i]
		zone := c.zoneOf(a.Zone)
		t := timeOffV1{
			ID: looseInt(a.Number), IDv2: a.ID, Status: strings.ToLower(string(a.Status)),
			Start: a.From.Date().At(0).In(zone).Format(timeOffTime), Days: looseFloat(sumOf(a.Days)),
			HalfStart: half{a.StartHalf(), asNumber}, HalfEnd: half{a.EndHalf(), asNumber},
			Employee: c.whose(ctx, a.Person), Certificate: looseObject[certificateV1]{&noCertificate},
			Comment: looseText(a.Comment), CreatedBy: looseText(a.CreatedBy),
			CreatedAt: a.CreatedAt.In(zone).Format(timeOffTime), UpdatedAt: a.UpdatedAt.In(zone).Format(timeOffTime),
		}
		if last := a.Last(); last != 0 {
			t.End = looseText(last.At(0).In(zone).Format(timeOffTime))
		}
		if of := ctx.types[a.Type]; of != nil {
			t.Type.it = &objectV1[typeRef]{"TimeOffType", typeRef{looseInt(of.Number), looseText(of.Name), looseText(of.Category)}}
		}
		out = append(out, objectV1[timeOffV1]{"TimeOffPeriod", t})
	}
	return out, nil
}

func sumOf(days []postern.AbsenceDay) float64 {
	sum := 0.0
	for _, d := range days {
		sum += d.Amount
	}
	return sum
}

// absence reads an absence counted in days. Its Type is the number of the type, which
// is all that the wire has of it.
func (t *timeOffV1) absence() postern.Absence {
	a := postern.Absence{
		ID: t.IDv2, Number: int64(t.ID), Person: whoOf(t.Employee), Status: approvalV1(t.Status),
		Span:    postern.DaySpan(dayOf(t.Start), dayOf(string(t.End)), t.HalfStart.is, t.HalfEnd.is),
		Comment: string(t.Comment), CreatedBy: string(t.CreatedBy),
		CreatedAt: momentV1(t.CreatedAt), UpdatedAt: momentV1(t.UpdatedAt),
	}
	if a.ID == "" { // before version 2
		a.ID = strconv.FormatInt(a.Number, 10)
	}
	if t.Type.it != nil {
		a.Type = strconv.FormatInt(int64(t.Type.it.Attributes.ID), 10)
	}
	return a
}

func whoOf(e looseObject[employeeV1]) postern.PersonID {
	if e.it == nil {
		return 0
	}
	return postern.PersonID(into[looseInt](e.it.Attributes["id"].Value))
}

// approvalV1 reads a status; requested was seen for what is pending.
func approvalV1(s string) postern.Approval {
	if s == "requested" {
		return postern.Pending
	}
	return postern.Approval(strings.ToUpper(s))
}
