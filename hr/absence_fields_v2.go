package hr

import (
	"strings"

	"postern.dev/postern"
)

// An absence period of version 2 as it is read and as it is written, of which
// absences_v2.go shows both ends.

// approval is how far something is decided.
type approval struct {
	Status openText `json:"status"`
}

// absencePeriod is an absence on the wire, as it is read.
type absencePeriod struct {
	ID         openText         `json:"id"`
	Person     option[ref]      `json:"person,omitzero"`
	Type       option[ref]      `json:"absence_type,omitzero"`
	Start      option[edge]     `json:"starts_from,omitzero"`
	End        option[edge]     `json:"ends_at,omitzero"`
	Zone       option[openText] `json:"timezone_id,omitzero"`
	Comment    option[openText] `json:"comment,omitzero"`
	Approval   option[approval] `json:"approval,omitzero"`
	Substitute option[ref]      `json:"substitute,omitzero"`
	CreatedAt  moment           `json:"created_at,omitzero"`
	UpdatedAt  moment           `json:"updated_at,omitzero"`
}

// absenceWrite is an absence on the wire, as it is made or changed.
type absenceWrite struct {
	Person     option[ref]      `json:"person,omitzero"`
	Type       option[ref]      `json:"absence_type,omitzero"`
	Start      option[edge]     `json:"starts_from,omitzero"`
	End        option[edge]     `json:"ends_at,omitzero"`
	Comment    option[openText] `json:"comment,omitzero"`
	Substitute option[ref]      `json:"substitute,omitzero"`
	Zone       option[openText] `json:"timezone_id,omitzero"` // refused
}

// absenceOf reads what a new absence needs, but for its edges.
func (c *call) absenceOf(body *absenceWrite) (postern.Absence, error) {
	a := postern.Absence{Zone: c.zone.String(), Origin: "api", CreatedBy: "API"}
	person, ok := body.Person.v.person()
	switch {
	case !body.Person.has:
		return a, badParam("person", "person is missing")
	case !ok:
		return a, badParam("person.id", "%q is not the id of a person", postern.Shorten(string(body.Person.v.ID), 40))
	case !body.Type.has || body.Type.v.ID == "":
		return a, badParam("absence_type", "absence_type is missing")
	case !body.Start.has:
		return a, badParam("starts_from", "starts_from is missing")
	}
	a.Person, a.Type, a.Comment = person, strings.ToLower(string(body.Type.v.ID)), string(body.Comment.v)
	if !isUUID(a.Type) {
		return a, unknownInBody(postern.Errorf(postern.NotFound, ""), "absence_type", "there is no absence type %q", postern.Shorten(a.Type, 40))
	}
	var err error
	a.Substitute, err = substituteOf(body.Substitute)
	return a, err
}

func substituteOf(to option[ref]) (postern.PersonID, error) {
	id, ok := to.v.person()
	if to.has && !ok {
		return 0, badParam("substitute.id", "%q is not the id of a person", postern.Shorten(string(to.v.ID), 40))
	}
	return id, nil
}

// absenceChange reads what a body says about an absence of type t.
func (c *call) absenceChange(body *absenceWrite, t *postern.AbsenceType) (change postern.AbsenceChange, err error) {
	if body.Zone.given() {
		return change, badParam("timezone_id", "timezone_id cannot be sent").WithHint("times are in the zone of the tenant, %s", c.zone)
	}
	if body.Start.has {
		from, err := startOf(body.Start.v, t)
		if err != nil {
			return change, err
		}
		change.From = &from
	}
	if body.End.given() {
		to, err := c.endOf(body.End, t)
		if err != nil {
			return change, err
		}
		change.To = &to
	}
	if body.Comment.given() {
		comment := string(body.Comment.v)
		change.Comment = &comment
	}
	if body.Substitute.given() {
		substitute, err := substituteOf(body.Substitute)
		if err != nil {
			return change, err
		}
		change.Substitute = &substitute
	}
	return change, nil
}

// encodeAbsence writes an absence whose type is counted in unit; "" is not known, and
// told by the edges.
func encodeAbsence(a *postern.Absence, unit postern.Unit) absencePeriod {
	w := absencePeriod{
		ID: openText(a.ID), Person: refToPerson(a.Person), Type: refTo(a.Type), Start: some(edge{DateTime: openText(a.From.String())}),
		End: null[edge](), Zone: someIf(openText(a.Zone)), Comment: someIf(openText(a.Comment)),
		Approval: some(approval{openText(a.Status)}), Substitute: refToPerson(a.Substitute),
		CreatedAt: moment(a.CreatedAt), UpdatedAt: moment(a.UpdatedAt),
	}
	start, end := &w.Start.v, edge{DateTime: openText(a.To.String()), Half: null[openText]()}
	start.Half = null[openText]()
	if unit == postern.Days || unit == "" && wholeHalves(a.Span) {
		start.Half, end.Half = some[openText](firstHalf), some[openText](secondHalf)
		if a.StartHalf() {
			start.Half = some[openText](secondHalf)
		}
		if a.EndHalf() {
			end.Half = some[openText](firstHalf)
		}
	}
	if a.To != 0 {
		w.End = some(end)
	}
	return w
}

// wholeHalves says whether a span could be one of days.
func wholeHalves(s postern.Span) bool {
	return s.From.SinceMidnight()%noon == 0 && s.To.SinceMidnight()%noon == 0
}

// decode reads what a remote answers. An absence that names no zone is taken to be in UTC.
func (w *absencePeriod) decode() postern.Absence {
	a := postern.Absence{
		ID: string(w.ID), Type: string(w.Type.v.ID), Zone: string(w.Zone.v), Comment: string(w.Comment.v),
		Status: statusOf(w.Approval.v.Status), CreatedAt: w.CreatedAt.time(), UpdatedAt: w.UpdatedAt.time(),
	}
	a.Person, _ = w.Person.v.person()
	a.Substitute, _ = w.Substitute.v.person()
	if len(a.Zone) > postern.MaxZone {
		a.Zone = ""
	}
	a.From = w.Start.v.start()
	if w.End.has {
		a.To = w.End.v.end(a.From)
	}
	return a
}

// statusOf reads a status, be it one that we do not know.
func statusOf(s openText) postern.Approval {
	return postern.Approval(strings.ToUpper(postern.Shorten(string(s), 40)))
}

// encodeAbsenceWrite writes a new absence of type t.
func encodeAbsenceWrite(a *postern.Absence, t *postern.AbsenceType) absenceWrite {
	w := absenceWrite{Person: refToPerson(a.Person), Type: refTo(a.Type), Start: some(startEdge(a.From, t)), End: endEdge(a.To, t)}
	if a.Comment != "" {
		w.Comment = some(openText(a.Comment))
	}
	if a.Substitute != 0 {
		w.Substitute = refToPerson(a.Substitute)
	}
	return w
}

// encodeAbsenceChange writes a change of an absence of type t.
func encodeAbsenceChange(c *postern.AbsenceChange, t *postern.AbsenceType) absenceWrite {
	var w absenceWrite
	if c.From != nil {
		w.Start = some(startEdge(*c.From, t))
	}
	if c.To != nil {
		w.End = endEdge(*c.To, t)
	}
	if c.Comment != nil {
		w.Comment = someIf(openText(*c.Comment))
	}
	if c.Substitute != nil {
		w.Substitute = refToPerson(*c.Substitute)
	}
	return w
}
