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

// TimeOffTypes gives every type of absence, of both units.
func (r *RemoteV1) TimeOffTypes(ctx context.Context) ([]postern.AbsenceType, error) {
	var out []postern.AbsenceType
	for {
		query := url.Values{"limit": {strconv.Itoa(maxPageV1)}, "offset": {strconv.Itoa(len(out))}}
		var e envelopeV1[looseList[objectV1[typeV1]]]
		if err := r.get(ctx, typesV1Path, query, &e); err != nil {
			return nil, err
		}
		fresh := 0
		for _, t := range e.Data {
			if n := int64(t.Attributes.ID); !slices.ContainsFunc(out, func(o postern.AbsenceType) bool { return o.Number == n }) {
				out = append(out, t.Attributes.absenceType())
				fresh++
			}
		}
		if len(e.Data) < maxPageV1 || fresh == 0 {
			break
		}
	}
	r.mu.Lock()
	r.types = slices.Clone(out)
	r.mu.Unlock()
	return out, nil
}

// typeBy finds a type, in what was read last or, when it is not there, anew.
func (r *RemoteV1) typeBy(ctx context.Context, is func(*postern.AbsenceType) bool) (*postern.AbsenceType, error) {
	find := func(types []postern.AbsenceType) *postern.AbsenceType {
		for i := range types {
			if is(&types[i]) {
				return &types[i]
			}
		}
		return nil
	}
	r.mu.Lock()
	known := slices.Clone(r.types)
	r.mu.Unlock()
	if t := find(known); t != nil {
		return t, nil
	}
	types, err := r.TimeOffTypes(ctx)
	return find(types), err
}
