package hr

import (
	"net/http"
	"slices"
	"strings"

	"postern.dev/postern"
)

// Types of absence, of both units. The list has no metadata.
//
//	GET /v1/company/time-off-types
//	200 {"success":true,"data":[{"type":"TimeOffType","attributes":{"id":9,"name":"Leave","category":"paid_vacation",
//	     "unit":"day","approval_required":true,"id_v2":"e1…"}}]}

// typeV1 is a type on the wire.
type typeV1 struct {
	ID       looseInt  `json:"id"`
	Name     looseText `json:"name"`
	Category looseText `json:"category"`
	Unit     string    `json:"unit"`
	Approval looseBool `json:"approval_required"`
	IDv2     string    `json:"id_v2"`
}

func listTypes(c *call) error {
	p, err := c.counted(maxPageV1, maxPageV1, false)
	if err != nil {
		return err
	}
	paging := p.paging()
	paging.Count = false
	page, err := c.dir.AbsenceTypes(c.ctx, paging)
	if err != nil {
		return err
	}
	out := []objectV1[typeV1]{}
	for _, t := range page.Items {
		out = append(out, objectV1[typeV1]{"TimeOffType", typeV1{
			ID: looseInt(t.Number), Name: looseText(t.Name), Category: looseText(t.Category),
			Unit: strings.ToLower(string(t.Unit)), Approval: looseBool(t.NeedsApproval), IDv2: t.ID,
		}})
	}
	return c.answer(http.StatusOK, out)
}

// absenceType reads a type.
func (t typeV1) absenceType() postern.AbsenceType {
	return postern.AbsenceType{
		ID: t.IDv2, Number: int64(t.ID), Name: string(t.Name), Category: string(t.Category),
		Unit: postern.Unit(strings.ToUpper(t.Unit)), NeedsApproval: bool(t.Approval),
	}
}

// absenceTypes gives every type of the tenant.
func (c *call) absenceTypes() ([]postern.AbsenceType, error) {
	var out []postern.AbsenceType
	for p := (postern.Paging{Limit: postern.MaxPage}); ; {
		page, err := c.dir.AbsenceTypes(c.ctx, p)
		out = append(out, page.Items...)
		if err != nil || page.Next == "" {
			return out, err
		}
		p.After = page.Next
	}
}

// typeNumbered finds the type with a number and a unit.
func (c *call) typeNumbered(n int64, u postern.Unit) (*postern.AbsenceType, error) {
	types, err := c.absenceTypes()
	i := slices.IndexFunc(types, func(t postern.AbsenceType) bool { return t.Number == n && t.Unit == u })
	if err != nil || i < 0 {
		return nil, err
	}
	return &types[i], nil
}
