package hr

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"postern.dev/postern"
)

// Absence types of version 2.
//
//	GET /v2/absence-types/{id}
//	200 {"id":"e1…","name":"Leave","category":"paid_vacation","unit":"DAY"}

const absenceTypesPath = "/v2/absence-types"

// maxAbsenceTypes bounds a page of types, and is its size when none is asked for.
const maxAbsenceTypes = 100

// absenceType is a reason to be away, on the wire.
type absenceType struct {
	ID       openText         `json:"id"`
	Name     openText         `json:"name"`
	Category option[openText] `json:"category,omitzero"`
	Unit     openText         `json:"unit"`
}

func absenceTypeRoutes() []route {
	return []route{
		{http.MethodGet, absenceTypesPath, readAbsences, listAbsenceTypes},
		{http.MethodGet, absenceTypesPath + "/{id}", readAbsences, getAbsenceType},
	}
}

func listAbsenceTypes(c *call) error {
	paging, err := c.paging(maxAbsenceTypes, maxAbsenceTypes)
	if err != nil {
		return err
	}
	page, err := c.dir.AbsenceTypes(c.ctx, paging)
	if err != nil {
		return err
	}
	items := make([]absenceType, len(page.Items))
	for i := range page.Items {
		items[i] = encodeAbsenceType(&page.Items[i])
	}
	return c.list(items, page.Next)
}

func getAbsenceType(c *call) error {
	id, err := c.uuid()
	if err != nil {
		return err
	}
	t, err := c.dir.AbsenceType(c.ctx, id)
	if err != nil {
		return err
	}
	return c.object(encodeAbsenceType(&t))
}

func encodeAbsenceType(t *postern.AbsenceType) absenceType {
	return absenceType{ID: openText(t.ID), Name: openText(t.Name), Category: someIf(openText(t.Category)), Unit: openText(t.Unit)}
}

// decode reads what a remote answers. It does not tell whether half days can be taken
// nor whether somebody has to approve: the remote says so when it is asked to write.
func (w *absenceType) decode() postern.AbsenceType {
	t := postern.AbsenceType{ID: string(w.ID), Name: string(w.Name), Category: strings.ToLower(string(w.Category.v)), Unit: unitOf(w.Unit)}
	t.HalfDays = t.Unit == postern.Days
	return t
}

// unitOf reads a unit in any of its spellings: DAY, days, HOURLY.
func unitOf(s openText) postern.Unit {
	if strings.HasPrefix(strings.ToUpper(string(s)), "HOUR") {
		return postern.Hours
	}
	return postern.Days
}

// AbsenceTypes gives a page of types.
func (m *Remote) AbsenceTypes(ctx context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	var page postern.Page[postern.AbsenceType]
	a := ask{path: absenceTypesPath}
	a.limited(p, maxAbsenceTypes)
	items, next, err := many[absenceType](ctx, m, a, p)
	page.Next = next
	for i := range items {
		page.Items = append(page.Items, items[i].decode())
	}
	return page, err
}

// AbsenceType gives one type.
func (m *Remote) AbsenceType(ctx context.Context, id string) (postern.AbsenceType, error) {
	w, err := one[absenceType](ctx, m, ask{path: absenceTypesPath + "/" + url.PathEscape(id)})
	return w.decode(), err
}
