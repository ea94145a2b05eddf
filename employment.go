package postern

import (
	"math"
	"slices"
	"time"
)

// EmploymentStatus is how an employment stands.
type EmploymentStatus string

// The statuses of employments.
const (
	EmploymentActive     EmploymentStatus = "ACTIVE"
	EmploymentInactive   EmploymentStatus = "INACTIVE"
	EmploymentOnboarding EmploymentStatus = "ONBOARDING"
	EmploymentLeave      EmploymentStatus = "LEAVE"
)

// EmploymentStatuses lists every status.
var EmploymentStatuses = []EmploymentStatus{EmploymentActive, EmploymentInactive, EmploymentOnboarding, EmploymentLeave}

// EmploymentTypes lists the types of employments.
var EmploymentTypes = []string{"INTERNAL", "EXTERNAL"}

// Employment is one contract of a person.
type Employment struct {
	ID            string // UUID
	Person        PersonID
	Position      string
	Status        EmploymentStatus
	Type          string // INTERNAL or EXTERNAL
	Start, End    Date   // End is the last day, or none
	ProbationEnd  Date
	ContractEnd   Date
	WeeklyHours   float64
	FullTimeHours float64
	Supervisor    PersonID // 0 is nobody
	Office        Ref
	Department    Ref
	Team          Ref
	LegalEntity   Ref
	CostCenters   []CostCenter
	Termination   Termination
	Schedule      Schedule
	// Holidays names the public holidays that are kept, as DE-BE; "" keeps none.
	Holidays  string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// CostCenter bears a part of what an employment costs.
type CostCenter struct {
	Ref
	Weight float64 // percent
}

// Termination is how an employment ends or ended; zero while it does not.
type Termination struct {
	Date, LastWorkingDay, At Date // At is when notice was given
	Type                     string
	Reason                   string
}

// Schedule is how many minutes are worked on each day of a week, Monday first.
type Schedule [7]int

// On gives the minutes of a day of the week.
func (s Schedule) On(day time.Weekday) int { return s[(int(day)+6)%7] }

// Hours gives the hours of a week.
func (s Schedule) Hours() float64 {
	sum := 0
	for _, m := range s {
		sum += m
	}
	return float64(sum) / 60
}

// Covers says whether the employment holds on a day.
func (e *Employment) Covers(d Date) bool {
	return e.Start != 0 && e.Start <= d && (e.End == 0 || d <= e.End)
}

// Works says whether the person is one that Person.Active calls active.
func (e *Employment) Works() bool { return e.Status != EmploymentInactive && e.Status != "" }

// Check fails with Invalid, and Param naming the field, for an employment that cannot
// be.
func (e *Employment) Check() error {
	switch {
	case e.Person <= 0:
		return Errorf(Invalid, "the person is missing").at("person")
	case e.Start == 0:
		return Errorf(Invalid, "employment_start_date is missing").at("employment_start_date")
	case e.End != 0 && e.End < e.Start:
		return Errorf(Invalid, "the employment ends on %s, before it starts on %s", e.End, e.Start).at("employment_end_date")
	case !slices.Contains(EmploymentStatuses, e.Status):
		return Errorf(Invalid, "there is no employment status %q", Shorten(string(e.Status), 40)).at("status").WithHint("it is one of %s", listed(EmploymentStatuses))
	case !slices.Contains(EmploymentTypes, e.Type):
		return Errorf(Invalid, "there is no employment type %q", Shorten(e.Type, 40)).at("type").WithHint("it is one of %s", listed(EmploymentTypes))
	case len(e.Position) > MaxName:
		return Errorf(Invalid, "the position is longer than %d bytes", MaxName).at("position")
	case !hoursOfWeek(e.WeeklyHours) || !hoursOfWeek(e.FullTimeHours):
		return Errorf(Invalid, "a week has 0 to 168 hours").at("weekly_working_hours")
	case slices.ContainsFunc(e.CostCenters, func(c CostCenter) bool { return !(c.Weight >= 0 && c.Weight <= 100) }):
		return Errorf(Invalid, "a cost center bears 0 to 100 percent").at("cost_centers")
	case e.Supervisor == e.Person:
		return Errorf(Invalid, "person %d cannot supervise themselves", e.Person).at("supervisor")
	}
	for _, m := range e.Schedule {
		if m < 0 || m > 24*60 {
			return Errorf(Invalid, "a day of the work schedule has 0 to 24 hours").at("work_schedule")
		}
	}
	return nil
}

func hoursOfWeek(h float64) bool { return !math.IsNaN(h) && h >= 0 && h <= 168 }

// EmploymentQuery asks for the employments of one person, newest first: by start, and
// then by id.
type EmploymentQuery struct {
	Person  PersonID
	IDs     []string
	Updated TimeRange
	Paging
}

// EmploymentChange changes what is not nil of an employment.
type EmploymentChange struct {
	Position, Type                        *string
	Status                                *EmploymentStatus
	Start, End, ProbationEnd, ContractEnd *Date
	WeeklyHours, FullTimeHours            *float64
	Supervisor                            *PersonID
	Office, LegalEntity, Department, Team *Ref
	CostCenters                           *[]CostCenter
}

// Apply changes e and checks it.
func (c *EmploymentChange) Apply(e *Employment) error {
	set(&e.Position, c.Position)
	set(&e.Type, c.Type)
	set(&e.Status, c.Status)
	set(&e.Start, c.Start)
	set(&e.End, c.End)
	set(&e.ProbationEnd, c.ProbationEnd)
	set(&e.ContractEnd, c.ContractEnd)
	set(&e.WeeklyHours, c.WeeklyHours)
	set(&e.FullTimeHours, c.FullTimeHours)
	set(&e.Supervisor, c.Supervisor)
	set(&e.Office, c.Office)
	set(&e.LegalEntity, c.LegalEntity)
	set(&e.Department, c.Department)
	set(&e.Team, c.Team)
	set(&e.CostCenters, c.CostCenters)
	return e.Check()
}

// EmploymentOn gives the one of employments, newest first, that holds on a day, else
// the newest; nil when there is none.
func EmploymentOn(employments []Employment, d Date) *Employment {
	for i := range employments {
		if employments[i].Covers(d) {
			return &employments[i]
		}
	}
	if len(employments) == 0 {
		return nil
	}
	return &employments[0]
}
