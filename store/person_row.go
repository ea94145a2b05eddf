package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"postern.dev/postern"
)

const (
	personColumns = `id, email, first_name, last_name, preferred_name, active, created_at, updated_at, doc`
	personWidth   = 10 // with the tenant
)

// personDoc is what of a person is stored, and no more than that.
type personDoc struct {
	Gender   postern.Gender `json:"gender,omitempty"`
	Language string         `json:"language,omitempty"`
	Picture  bool           `json:"picture,omitempty"`
	Custom   []attributeDoc `json:"custom,omitempty"`
}

type attributeDoc struct {
	Key    string                `json:"key"`
	Label  string                `json:"label,omitempty"`
	Kind   postern.AttributeKind `json:"kind,omitempty"`
	Value  string                `json:"value,omitempty"`
	Values []string              `json:"values,omitempty"`
}

func personArgs(args []any, tenant string, p *postern.Person) ([]any, error) {
	doc := personDoc{Gender: p.Gender, Language: p.Language, Picture: p.Picture}
	for _, a := range p.Custom {
		doc.Custom = append(doc.Custom, attributeDoc(a))
	}
	text, err := document(doc)
	return append(args, tenant, int64(p.ID), p.Email, p.FirstName, p.LastName, p.PreferredName, p.Active,
		millis(p.CreatedAt), millis(p.UpdatedAt), text), err
}

func scanPerson(r scanner) (p postern.Person, err error) {
	var created, updated int64
	var text string
	if err := r.Scan(&p.ID, &p.Email, &p.FirstName, &p.LastName, &p.PreferredName, &p.Active, &created, &updated, &text); err != nil {
		return p, err
	}
	var doc personDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return p, fmt.Errorf("read person %d: %w", p.ID, err)
	}
	p.CreatedAt, p.UpdatedAt = fromMillis(created), fromMillis(updated)
	p.Gender, p.Language, p.Picture = doc.Gender, doc.Language, doc.Picture
	for _, a := range doc.Custom {
		p.Custom = append(p.Custom, postern.Attribute(a))
	}
	return p, nil
}

// document writes the JSON column of a row.
func document(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write a row: %w", err)
	}
	return string(text), nil
}

const (
	employmentColumns = `person, id, begins, supervisor, created_at, updated_at, doc`
	employmentWidth   = 8 // with the tenant
)

type employmentDoc struct {
	Position      string                   `json:"position,omitempty"`
	Status        postern.EmploymentStatus `json:"status,omitempty"`
	Type          string                   `json:"type,omitempty"`
	End           postern.Date             `json:"end,omitempty"`
	ProbationEnd  postern.Date             `json:"probation_end,omitempty"`
	ContractEnd   postern.Date             `json:"contract_end,omitempty"`
	WeeklyHours   float64                  `json:"weekly_hours,omitempty"`
	FullTimeHours float64                  `json:"full_time_hours,omitempty"`
	Office        refDoc                   `json:"office,omitzero"`
	Department    refDoc                   `json:"department,omitzero"`
	Team          refDoc                   `json:"team,omitzero"`
	LegalEntity   refDoc                   `json:"legal_entity,omitzero"`
	CostCenters   []costCenterDoc          `json:"cost_centers,omitempty"`
	Termination   terminationDoc           `json:"termination,omitzero"`
	Schedule      postern.Schedule         `json:"schedule,omitzero"`
	Holidays      string                   `json:"holidays,omitempty"`
}

type refDoc struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type costCenterDoc struct {
	refDoc
	Weight float64 `json:"weight,omitempty"`
}

type terminationDoc struct {
	Date           postern.Date `json:"date,omitempty"`
	LastWorkingDay postern.Date `json:"last_working_day,omitempty"`
	At             postern.Date `json:"at,omitempty"`
	Type           string       `json:"type,omitempty"`
	Reason         string       `json:"reason,omitempty"`
}

func employmentArgs(args []any, tenant string, e *postern.Employment) ([]any, error) {
	doc := employmentDoc{Position: e.Position, Status: e.Status, Type: e.Type, End: e.End, ProbationEnd: e.ProbationEnd,
		ContractEnd: e.ContractEnd, WeeklyHours: e.WeeklyHours, FullTimeHours: e.FullTimeHours, Office: refDoc(e.Office),
		Department: refDoc(e.Department), Team: refDoc(e.Team), LegalEntity: refDoc(e.LegalEntity),
		Termination: terminationDoc(e.Termination), Schedule: e.Schedule, Holidays: e.Holidays}
	for _, c := range e.CostCenters {
		doc.CostCenters = append(doc.CostCenters, costCenterDoc{refDoc(c.Ref), c.Weight})
	}
	text, err := document(doc)
	return append(args, tenant, int64(e.Person), e.ID, int64(e.Start), int64(e.Supervisor),
		millis(e.CreatedAt), millis(e.UpdatedAt), text), err
}

func scanEmployment(r scanner) (e postern.Employment, err error) {
	var created, updated int64
	var text string
	if err := r.Scan(&e.Person, &e.ID, &e.Start, &e.Supervisor, &created, &updated, &text); err != nil {
		return e, err
	}
	var doc employmentDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return e, fmt.Errorf("read employment %s of person %d: %w", e.ID, e.Person, err)
	}
	e.CreatedAt, e.UpdatedAt = fromMillis(created), fromMillis(updated)
	e.Position, e.Status, e.Type, e.End, e.ProbationEnd = doc.Position, doc.Status, doc.Type, doc.End, doc.ProbationEnd
	e.ContractEnd, e.WeeklyHours, e.FullTimeHours = doc.ContractEnd, doc.WeeklyHours, doc.FullTimeHours
	e.Office, e.Department = postern.Ref(doc.Office), postern.Ref(doc.Department)
	e.Team, e.LegalEntity = postern.Ref(doc.Team), postern.Ref(doc.LegalEntity)
	e.Termination, e.Schedule, e.Holidays = postern.Termination(doc.Termination), doc.Schedule, doc.Holidays
	for _, c := range doc.CostCenters {
		e.CostCenters = append(e.CostCenters, postern.CostCenter{Ref: postern.Ref(c.refDoc), Weight: c.Weight})
	}
	return e, nil
}

func scanEmploymentID(r scanner) (e postern.Employment, err error) {
	return e, r.Scan(&e.Person, &e.ID, &e.Start)
}

// newestFirst is the order of the employments of a person.
func newestFirst(a, b postern.Employment) int {
	return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(a.ID, b.ID))
}

// employments gives those of some persons, each newest first: whole, or nothing but
// their ids.
func (d *Directory) employments(ctx context.Context, s session, people []postern.PersonID, whole bool) (map[postern.PersonID][]postern.Employment, error) {
	all := make(map[postern.PersonID][]postern.Employment, len(people))
	if len(people) == 0 {
		return all, nil
	}
	ids := make([]int64, len(people))
	for i, id := range people {
		ids[i] = int64(id)
	}
	slices.Sort(ids)
	columns, scan := employmentColumns, scanEmployment
	if !whole {
		columns, scan = `person, id, begins`, scanEmploymentID
	}
	for part := range slices.Chunk(slices.Compact(ids), maxList) {
		f := filter{args: []any{d.tenant}}
		f.add(`SELECT ` + columns + ` FROM employments WHERE tenant = $1`)
		oneOf(&f, "person", part)
		rows, err := many(ctx, s, scan, f.text.String(), f.args...)
		if err != nil {
			return nil, err
		}
		for _, e := range rows {
			all[e.Person] = append(all[e.Person], e)
		}
	}
	for _, list := range all {
		slices.SortFunc(list, newestFirst)
		if !whole {
			for i := range list {
				list[i] = postern.Employment{ID: list[i].ID}
			}
		}
	}
	return all, nil
}
