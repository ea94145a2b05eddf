package hr

import (
	"slices"
	"strings"

	"postern.dev/postern"
)

// What may be set of an employment, as both ends of version 2 write it.

// employmentFields is what an employment has on both ways.
type employmentFields struct {
	Position      option[positionV2]     `json:"position,omitzero"`
	Status        option[openText]       `json:"status,omitzero"`
	Type          option[openText]       `json:"type,omitzero"`
	WeeklyHours   option[openNumber]     `json:"weekly_working_hours,omitzero"`
	FullTimeHours option[openNumber]     `json:"full_time_weekly_working_hours,omitzero"`
	Start         option[day]            `json:"employment_start_date,omitzero"`
	End           option[day]            `json:"employment_end_date,omitzero"`
	ProbationEnd  option[day]            `json:"probation_end_date,omitzero"`
	ContractEnd   option[day]            `json:"contract_end_date,omitzero"`
	Supervisor    option[ref]            `json:"supervisor,omitzero"`
	Office        option[ref]            `json:"office,omitzero"`
	OrgUnits      option[[]orgUnitV2]    `json:"org_units,omitzero"`
	CostCenters   option[[]costCenterV2] `json:"cost_centers,omitzero"`
	LegalEntity   option[ref]            `json:"legal_entity,omitzero"`
}

type positionV2 struct {
	Title openText `json:"title"`
}

// orgUnitV2 is a team or a department.
type orgUnitV2 struct {
	Type openText `json:"type"`
	ID   openText `json:"id"`
}

type costCenterV2 struct {
	ID     openText   `json:"id"`
	Weight openNumber `json:"weight"`
}

// encodeEmploymentFields writes what both ways have in common.
func encodeEmploymentFields(e *postern.Employment) employmentFields {
	w := employmentFields{
		Status: some(openText(e.Status)), Type: some(openText(e.Type)),
		WeeklyHours: some(openNumber(e.WeeklyHours)), FullTimeHours: some(openNumber(e.FullTimeHours)),
		Start: someIf(day(e.Start)), End: someIf(day(e.End)), ProbationEnd: someIf(day(e.ProbationEnd)), ContractEnd: someIf(day(e.ContractEnd)),
		Supervisor: refToPerson(e.Supervisor), Office: refTo(e.Office.ID), LegalEntity: refTo(e.LegalEntity.ID),
		Position: some(positionV2{openText(e.Position)}), OrgUnits: some(orgUnitsOf(e.Team.ID, e.Department.ID)),
	}
	centers := []costCenterV2{}
	for _, cc := range e.CostCenters {
		centers = append(centers, costCenterV2{openText(cc.ID), openNumber(cc.Weight)})
	}
	w.CostCenters = some(centers)
	return w
}

func orgUnitsOf(team, department string) []orgUnitV2 {
	units := []orgUnitV2{}
	if team != "" {
		units = append(units, orgUnitV2{unitTeam, openText(team)})
	}
	if department != "" {
		units = append(units, orgUnitV2{unitDepartment, openText(department)})
	}
	return units
}

// decodeChange reads what is to change; null takes a value away.
func (w *employmentFields) decodeChange() (postern.EmploymentChange, error) {
	var c postern.EmploymentChange
	change(&c.Position, w.Position, func(p positionV2) string { return string(p.Title) })
	change(&c.Type, w.Type, func(t openText) string { return string(t) })
	change(&c.Status, w.Status, func(t openText) postern.EmploymentStatus { return postern.EmploymentStatus(t) })
	for _, f := range []struct {
		to   **postern.Date
		from option[day]
	}{{&c.Start, w.Start}, {&c.End, w.End}, {&c.ProbationEnd, w.ProbationEnd}, {&c.ContractEnd, w.ContractEnd}} {
		change(f.to, f.from, func(d day) postern.Date { return postern.Date(d) })
	}
	change(&c.WeeklyHours, w.WeeklyHours, func(n openNumber) float64 { return float64(n) })
	change(&c.FullTimeHours, w.FullTimeHours, func(n openNumber) float64 { return float64(n) })
	change(&c.Office, w.Office, refOf)
	change(&c.LegalEntity, w.LegalEntity, refOf)
	if w.Supervisor.given() {
		id, ok := w.Supervisor.v.person()
		if !ok && w.Supervisor.v.ID != "" {
			return c, badParam("supervisor.id", "%q is not the id of a person", postern.Shorten(string(w.Supervisor.v.ID), 40))
		}
		c.Supervisor = &id
	}
	if w.OrgUnits.given() { // the list is all of them: what is not in it is taken away
		team, department, err := splitUnits(w.OrgUnits.v)
		if err != nil {
			return c, err
		}
		c.Team, c.Department = &team, &department
	}
	change(&c.CostCenters, w.CostCenters, decodeCostCenters)
	return c, nil
}

// keepNames gives what a change refers to the name that it had, for this wire has ids
// alone: who sends back what they read has not changed a name.
func keepNames(change *postern.EmploymentChange, old *postern.Employment) {
	for _, r := range []struct{ to, from *postern.Ref }{
		{change.Office, &old.Office}, {change.LegalEntity, &old.LegalEntity}, {change.Team, &old.Team}, {change.Department, &old.Department},
	} {
		if r.to != nil && r.to.ID == r.from.ID {
			r.to.Name = r.from.Name
		}
	}
	if change.CostCenters == nil {
		return
	}
	for i := range *change.CostCenters {
		to := &(*change.CostCenters)[i]
		if at := slices.IndexFunc(old.CostCenters, func(from postern.CostCenter) bool { return from.ID == to.ID }); at >= 0 {
			to.Name = old.CostCenters[at].Name
		}
	}
}

// change sets to when the member was given; null is the zero value.
func change[W, T any](to **T, from option[W], read func(W) T) {
	if from.given() {
		v := read(from.v)
		*to = &v
	}
}

func refOf(r ref) postern.Ref { return postern.Ref{ID: string(r.ID)} }

func decodeCostCenters(all []costCenterV2) []postern.CostCenter {
	var out []postern.CostCenter
	for _, w := range all {
		out = append(out, postern.CostCenter{Ref: postern.Ref{ID: string(w.ID)}, Weight: float64(w.Weight)})
	}
	return out
}

// splitUnits finds the team and the department.
func splitUnits(units []orgUnitV2) (team, department postern.Ref, err error) {
	for _, u := range units {
		switch strings.ToLower(string(u.Type)) {
		case unitTeam:
			team.ID = string(u.ID)
		case unitDepartment:
			department.ID = string(u.ID)
		default:
			return team, department, badParam("org_units[].type", "there is no unit of type %q", postern.Shorten(string(u.Type), 40)).
				WithHint("use %s or %s", unitTeam, unitDepartment)
		}
	}
	return team, department, nil
}

// offer is change the other way round.
func offer[T, W any](to *option[W], from *T, write func(T) W) {
	if from != nil {
		*to = some(write(*from))
	}
}
