package mcptool

import (
	"time"

	"postern.dev/postern"
)

type createIn struct {
	PersonID      string `json:"person_id" jsonschema:"number of the person"`
	AbsenceTypeID string `json:"absence_type_id" jsonschema:"id of the absence type"`
	FirstDay      string `json:"first_day" jsonschema:"first day, YYYY-MM-DD"`
	LastDay       string `json:"last_day,omitempty" jsonschema:"last day, included"`
	SkipApproval  bool   `json:"skip_approval" jsonschema:"true books without approval"`
}

type createOut struct {
	Booked  bool   `json:"booked"`
	Summary string `json:"summary"`
}

// createAbsencePeriod books an absence, after it was confirmed.
func createAbsencePeriod() *Tool {
	return define(Tool{Name: "create_absence_period", Title: "Create Absence Period", Scope: writeAbsences, Write: true},
		func(c *call, in createIn) (*createOut, error) {
			id, err := personID("person_id", in.PersonID)
			if err != nil {
				return nil, err
			}
			c.about = []postern.PersonID{id}
			return &createOut{Summary: "nothing was booked"}, nil
		})
}

// spent remembers which confirmations were used.
type spent struct {
	now func() time.Time
}

func newSpent(now func() time.Time) *spent { return &spent{now: now} }
