package mcptool

import (
	"context"
	"time"

	"postern.dev/postern"
)

type listEmploymentsIn struct {
	PersonID     string `json:"person_id" jsonschema:"number of the person, as in id of list_persons"`
	Limit        int    `json:"limit,omitempty" jsonschema:"how many employments to answer with at most, 1 to 500; 50 when left out"`
	Cursor       string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before, to get what comes next"`
	IncludeNames *bool  `json:"include_names,omitempty" jsonschema:"whether to look up the names of supervisors; true when left out"`
}

type costCenterItem struct {
	ID      string  `json:"id,omitempty"`
	Name    string  `json:"name,omitempty"`
	Percent float64 `json:"percent,omitempty"`
}

// employmentItem is an employment in an answer. An API may know an office, a department
// and so on by id alone. Why an employment ended is in no answer.
type employmentItem struct {
	ID               string           `json:"id" jsonschema:"id of the employment"`
	Position         string           `json:"position,omitempty" attribute:"position"`
	Status           string           `json:"status,omitempty" attribute:"status" jsonschema:"ACTIVE, INACTIVE, ONBOARDING or LEAVE"`
	Type             string           `json:"type,omitempty" attribute:"employment_type" jsonschema:"INTERNAL or EXTERNAL"`
	StartDate        string           `json:"start_date,omitempty" attribute:"hire_date" jsonschema:"first day, YYYY-MM-DD"`
	EndDate          string           `json:"end_date,omitempty" attribute:"termination_date" jsonschema:"last day, YYYY-MM-DD, included; without one the employment goes on"`
	ProbationEndDate string           `json:"probation_end_date,omitempty" attribute:"probation_period_end"`
	ContractEndDate  string           `json:"contract_end_date,omitempty" attribute:"contract_end_date"`
	LastWorkingDay   string           `json:"last_working_day,omitempty" attribute:"last_working_day"`
	DepartmentID     string           `json:"department_id,omitempty" attribute:"department"`
	Department       string           `json:"department,omitempty" attribute:"department"`
	TeamID           string           `json:"team_id,omitempty" attribute:"team"`
	Team             string           `json:"team,omitempty" attribute:"team"`
	OfficeID         string           `json:"office_id,omitempty" attribute:"office"`
	Office           string           `json:"office,omitempty" attribute:"office"`
	LegalEntityID    string           `json:"legal_entity_id,omitempty" attribute:"subcompany"`
	LegalEntity      string           `json:"legal_entity,omitempty" attribute:"subcompany"`
	SupervisorID     string           `json:"supervisor_id,omitempty" attribute:"supervisor" jsonschema:"number of the person who supervises this one"`
	SupervisorName   string           `json:"supervisor_name,omitempty" attribute:"supervisor"`
	WeeklyHours      float64          `json:"weekly_hours,omitempty" attribute:"weekly_working_hours"`
	FullTimeHours    float64          `json:"full_time_hours,omitempty" attribute:"weekly_working_hours" jsonschema:"hours of a week in full time"`
	CostCenters      []costCenterItem `json:"cost_centers,omitempty" attribute:"cost_centers"`
	CreatedAt        string           `json:"created_at,omitempty" attribute:"created_at"`
	UpdatedAt        string           `json:"updated_at,omitempty" attribute:"last_modified_at"`
}

type employmentList struct {
	PersonID string           `json:"person_id" jsonschema:"number of the person"`
	Items    []employmentItem `json:"items"`
	listed
}

func listEmployments() *Tool {
	return define(Tool{
		Name: "list_employments", Title: "List Employments", Scope: readPersons,
		Columns: []Column{{"ID", "id"}, {"Position", "position"}, {"Department", "department|department_id"}, {"Team", "team|team_id"},
			{"Supervisor", "supervisor_name|supervisor_id"}, {"Status", "status"}, {"From", "start_date"}, {"Until", "end_date"}},
		Description: "Lists the employments of one person, newest first: position, department, team, office, supervisor, status, working hours and dates.",
	}, func(c *call, in listEmploymentsIn) (*employmentList, error) {
		id, err := c.personID("person_id", in.PersonID)
		if err != nil {
			return nil, err
		}
		in.Limit = limitOf(in.Limit, personsLimit)
		found, rest, err := walk(c, in.Limit, personsPage, "employments", func(ctx context.Context, p postern.Paging) (postern.Page[postern.Employment], error) {
			return c.dir.Employments(ctx, postern.EmploymentQuery{Person: id, Paging: p})
		}, nil)
		if err != nil {
			return nil, missing(err, "there is no person %d", id)
		}
		out := &employmentList{PersonID: numberOf(id), Items: []employmentItem{}}
		for i := range found {
			out.Items = append(out.Items, c.employmentItem(&found[i]))
		}
		if yes(in.IncludeNames) {
			c.nameSupervisors(pointers(out.Items))
		}
		return out, c.cut(&out.listed, rest, in)
	})
}

// employmentItem makes the item of an employment, as far as the caller is shown it.
func (c *call) employmentItem(e *postern.Employment) employmentItem {
	item := employmentItem{
		ID: e.ID, Position: e.Position, Status: string(e.Status), Type: e.Type, StartDate: e.Start.String(), EndDate: e.End.String(),
		ProbationEndDate: e.ProbationEnd.String(), ContractEndDate: e.ContractEnd.String(), LastWorkingDay: e.Termination.LastWorkingDay.String(),
		DepartmentID: e.Department.ID, Department: e.Department.Name, TeamID: e.Team.ID, Team: e.Team.Name, OfficeID: e.Office.ID, Office: e.Office.Name,
		LegalEntityID: e.LegalEntity.ID, LegalEntity: e.LegalEntity.Name, WeeklyHours: e.WeeklyHours, FullTimeHours: e.FullTimeHours,
		CreatedAt: utc(e.CreatedAt), UpdatedAt: utc(e.UpdatedAt),
	}
	if e.Supervisor != 0 {
		item.SupervisorID = numberOf(e.Supervisor)
	}
	for _, cc := range e.CostCenters {
		item.CostCenters = append(item.CostCenters, costCenterItem{cc.ID, cc.Name, cc.Weight})
	}
	strip(c, &item)
	return item
}

// nameSupervisors looks up the names of those who supervise.
func (c *call) nameSupervisors(items []*employmentItem) {
	if c.withholds("supervisor_name") {
		return
	}
	ids := map[string]postern.PersonID{}
	var all []postern.PersonID
	for _, item := range items {
		if id := asPerson(item.SupervisorID); id != 0 {
			ids[item.SupervisorID] = id
			all = append(all, id)
		}
	}
	if len(all) == 0 {
		return
	}
	names := c.persons(all)
	for _, item := range items {
		item.SupervisorName = names[ids[item.SupervisorID]]
	}
}

// utc writes a moment that is on no wall, and nothing for none.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
