package mcptool

import (
	"time"

	"postern.dev/postern"
)

// nameBook remembers the names of persons and the types of absence for a while, by
// whose they are.
type nameBook struct {
	now func() time.Time
}

func newNameBook(now func() time.Time) *nameBook { return &nameBook{now: now} }

// persons gives the names of persons, as far as the caller may know them; what it may
// not know is said in a note.
func (c *call) persons(ids []postern.PersonID) (map[postern.PersonID]string, error) {
	return map[postern.PersonID]string{}, nil
}

// types gives the account's types of absence by their ids.
func (c *call) types() (map[string]postern.AbsenceType, error) {
	return map[string]postern.AbsenceType{}, nil
}
