package hr_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

// step is one question to a Directory, and its answer.
type step struct {
	Call  string   `json:"call"`           // the method
	With  []any    `json:"with,omitempty"` // its arguments, as plain writes them
	Gives any      `json:"gives,omitempty"`
	Fails *failing `json:"fails,omitempty"`
}

// failing is an error in a script.
type failing struct {
	Code   postern.Code   `json:"code"`
	Reason postern.Reason `json:"reason,omitempty"`
	Param  string         `json:"param,omitempty"`
	Msg    string         `json:"msg,omitempty"`
	Hint   string         `json:"hint,omitempty"`
	Wait   int            `json:"wait,omitempty"` // seconds
}

// scripted is a Directory that expects the steps of a transcript, in their order, and
// answers as they say. It knows nothing about people.
type scripted struct {
	mu    sync.Mutex
	t     testing.TB
	steps []step
	asked []step
}

// play answers one call.
func play[T any](s *scripted, name string, args ...any) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Helper()
	var zero T
	done := step{Call: name}
	for _, a := range args {
		done.With = append(done.With, plain(a))
	}
	s.asked = append(s.asked, done)
	n := len(s.asked)
	if n > len(s.steps) {
		return zero, postern.Errorf(postern.Internal, "the script does not expect %s", name)
	}
	want := s.steps[n-1]
	if f := want.Fails; f != nil {
		return zero, f.err()
	}
	v, err := unplain[T](want.Gives)
	if err != nil {
		s.t.Errorf("step %d, %s: %v", n, name, err)
	}
	return v, err
}

// end holds what was asked against the script.
func (s *scripted) end() {
	s.t.Helper()
	want := []step{}
	for _, w := range s.steps {
		want = append(want, step{Call: w.Call, With: w.With})
	}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(append([]step{}, s.asked...))); diff != "" {
		s.t.Errorf("asked of the directory (-want +got):\n%s", diff)
	}
}

type nothing struct{}

func (s *scripted) Persons(_ context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	return play[postern.Page[postern.Person]](s, "Persons", q)
}
func (s *scripted) Person(_ context.Context, id postern.PersonID) (postern.Person, error) {
	return play[postern.Person](s, "Person", id)
}
func (s *scripted) CreatePerson(_ context.Context, p postern.Person, w postern.Write) (postern.PersonID, error) {
	return play[postern.PersonID](s, "CreatePerson", p, w)
}
func (s *scripted) ChangePerson(_ context.Context, id postern.PersonID, c postern.PersonChange, w postern.Write) error {
	_, err := play[nothing](s, "ChangePerson", id, c, w)
	return err
}
func (s *scripted) DeletePerson(_ context.Context, id postern.PersonID, w postern.Write) error {
	_, err := play[nothing](s, "DeletePerson", id, w)
	return err
}
func (s *scripted) Employments(_ context.Context, q postern.EmploymentQuery) (postern.Page[postern.Employment], error) {
	return play[postern.Page[postern.Employment]](s, "Employments", q)
}
func (s *scripted) Employment(_ context.Context, p postern.PersonID, id string) (postern.Employment, error) {
	return play[postern.Employment](s, "Employment", p, id)
}
func (s *scripted) ChangeEmployment(_ context.Context, p postern.PersonID, id string, c postern.EmploymentChange, w postern.Write) error {
	_, err := play[nothing](s, "ChangeEmployment", p, id, c, w)
	return err
}
func (s *scripted) AbsenceTypes(_ context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	return play[postern.Page[postern.AbsenceType]](s, "AbsenceTypes", p)
}
func (s *scripted) AbsenceType(_ context.Context, id string) (postern.AbsenceType, error) {
	return play[postern.AbsenceType](s, "AbsenceType", id)
}
func (s *scripted) Balances(_ context.Context, id postern.PersonID) ([]postern.Balance, error) {
	return play[[]postern.Balance](s, "Balances", id)
}
func (s *scripted) Absences(_ context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	return play[postern.Page[postern.Absence]](s, "Absences", q)
}
func (s *scripted) Absence(_ context.Context, id string) (postern.Absence, error) {
	return play[postern.Absence](s, "Absence", id)
}
func (s *scripted) CreateAbsence(_ context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	return play[postern.Absence](s, "CreateAbsence", a, w)
}
func (s *scripted) ChangeAbsence(_ context.Context, id string, c postern.AbsenceChange, w postern.Write) error {
	_, err := play[nothing](s, "ChangeAbsence", id, c, w)
	return err
}
func (s *scripted) DeleteAbsence(_ context.Context, id string, w postern.Write) error {
	_, err := play[nothing](s, "DeleteAbsence", id, w)
	return err
}
func (s *scripted) Breakdown(_ context.Context, id string) ([]postern.AbsenceDay, error) {
	return play[[]postern.AbsenceDay](s, "Breakdown", id)
}
func (s *scripted) Attendances(_ context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	return play[postern.Page[postern.Attendance]](s, "Attendances", q)
}
func (s *scripted) Attendance(_ context.Context, id string) (postern.Attendance, error) {
	return play[postern.Attendance](s, "Attendance", id)
}
func (s *scripted) CreateAttendance(_ context.Context, a postern.Attendance, w postern.Write) (postern.Attendance, error) {
	return play[postern.Attendance](s, "CreateAttendance", a, w)
}
func (s *scripted) ChangeAttendance(_ context.Context, id string, c postern.AttendanceChange, w postern.Write) error {
	_, err := play[nothing](s, "ChangeAttendance", id, c, w)
	return err
}
func (s *scripted) DeleteAttendance(_ context.Context, id string, w postern.Write) error {
	_, err := play[nothing](s, "DeleteAttendance", id, w)
	return err
}
