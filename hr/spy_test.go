package hr_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// The ids of what the spy knows.
const (
	leaveID   = "e1000000-0000-4000-8000-000000000001"
	errandsID = "e1000000-0000-4000-8000-000000000002"
	absenceID = "7d0c0000-0000-4000-8000-000000000001"
	hourlyID  = "7d0c0000-0000-4000-8000-000000000002"
	periodID  = "c4000000-0000-4000-8000-000000000001"
	unknownID = "00000000-0000-4000-8000-000000000000"
)

// spy is a directory that keeps what it was asked and told, and answers as it is set.
type spy struct {
	postern.Directory // nil: the rest is not asked for here

	mu         sync.Mutex
	types      []postern.AbsenceType
	absence    postern.Absence
	hourly     postern.Absence
	attendance postern.Attendance
	days       []postern.AbsenceDay
	refusal    error // of the next write

	asked any // the last query, without its paging
	page  postern.Paging
	told  any // what was written last
	write postern.Write
}

func aSpy() *spy {
	berlin := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	s := &spy{
		types: []postern.AbsenceType{
			{ID: leaveID, Number: 1, Name: "Leave", Category: "paid_vacation", Unit: postern.Days, HalfDays: true},
			{ID: errandsID, Number: 2, Name: "Errands", Unit: postern.Hours},
		},
		absence: postern.Absence{ID: absenceID, Person: 12, Type: leaveID, Zone: "Europe/Berlin", Status: postern.Approved,
			CreatedAt: berlin(2026, 2, 1, 8), UpdatedAt: berlin(2026, 2, 1, 8)},
		attendance: postern.Attendance{ID: periodID, Person: 12, Type: postern.Work, Zone: "Europe/Berlin", Status: postern.Confirmed,
			CreatedAt: berlin(2026, 3, 6, 12), UpdatedAt: berlin(2026, 3, 6, 12)},
	}
	s.absence.Span = postern.DaySpan(postern.NewDate(2026, 3, 2), postern.NewDate(2026, 3, 4), false, false)
	s.hourly = s.absence
	s.hourly.ID, s.hourly.Type = hourlyID, errandsID
	s.hourly.Span = postern.Span{From: postern.NewDate(2026, 3, 2).At(9 * time.Hour), To: postern.NewDate(2026, 3, 2).At(10*time.Hour + 30*time.Minute)}
	s.attendance.Span = postern.Span{From: postern.NewDate(2026, 3, 6).At(9 * time.Hour), To: postern.NewDate(2026, 3, 6).At(12 * time.Hour)}
	s.attendance.Date = postern.NewDate(2026, 3, 6)
	return s
}

func missing(what string) error { return postern.Errorf(postern.NotFound, "there is no such %s", what) }

func (s *spy) asks(q any, p postern.Paging) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.page = q, p
}

func (s *spy) tells(what any, w postern.Write) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told, s.write = what, w
	err := s.refusal
	s.refusal = nil
	return err
}

func (s *spy) AbsenceTypes(_ context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	all := s.types
	if p.After != "" {
		all = all[1:]
	}
	if p.Limit < len(all) {
		return postern.Page[postern.AbsenceType]{Items: all[:p.Limit], Next: "1"}, nil
	}
	return postern.Page[postern.AbsenceType]{Items: all}, nil
}

func (s *spy) AbsenceType(_ context.Context, id string) (postern.AbsenceType, error) {
	for _, t := range s.types {
		if t.ID == id {
			return t, nil
		}
	}
	return postern.AbsenceType{}, missing("type")
}

func (s *spy) Absences(_ context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	p := q.Paging
	q.Paging = postern.Paging{}
	s.asks(q, p)
	if p.Limit == 1 && p.After == "" {
		return postern.Page[postern.Absence]{Items: []postern.Absence{s.absence}, Next: "one"}, nil
	}
	if p.After == "one" {
		return postern.Page[postern.Absence]{Items: []postern.Absence{s.hourly}}, nil
	}
	return postern.Page[postern.Absence]{Items: []postern.Absence{s.absence, s.hourly}}, nil
}

func (s *spy) Absence(_ context.Context, id string) (postern.Absence, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch id {
	case s.absence.ID:
		return s.absence, nil
	case s.hourly.ID:
		return s.hourly, nil
	}
	return postern.Absence{}, missing("absence")
}

func (s *spy) CreateAbsence(_ context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	err := s.tells(a, w)
	a.ID, a.Status = absenceID, postern.Approved
	if t, _ := s.AbsenceType(context.Background(), a.Type); err == nil {
		err = a.Check(&t)
	}
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.absence = a
	}
	return a, err
}

func (s *spy) ChangeAbsence(_ context.Context, id string, c postern.AbsenceChange, w postern.Write) error {
	if id != absenceID && id != hourlyID {
		return missing("absence")
	}
	return s.tells(c, w)
}

func (s *spy) DeleteAbsence(_ context.Context, id string, w postern.Write) error {
	if id != absenceID {
		return missing("absence")
	}
	return s.tells(id, w)
}

func (s *spy) Breakdown(_ context.Context, id string) ([]postern.AbsenceDay, error) {
	if id != absenceID {
		return nil, missing("absence")
	}
	return s.days, nil
}

func (s *spy) Attendances(_ context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	p := q.Paging
	q.Paging = postern.Paging{}
	s.asks(q, p)
	return postern.Page[postern.Attendance]{Items: []postern.Attendance{s.attendance}}, nil
}

func (s *spy) Attendance(_ context.Context, id string) (postern.Attendance, error) {
	if id != periodID {
		return postern.Attendance{}, missing("attendance")
	}
	return s.attendance, nil
}

func (s *spy) CreateAttendance(_ context.Context, a postern.Attendance, w postern.Write) (postern.Attendance, error) {
	err := s.tells(a, w)
	a.ID, a.Status = periodID, postern.Pending
	if err == nil {
		err = a.Check()
	}
	return a, err
}

func (s *spy) ChangeAttendance(_ context.Context, id string, c postern.AttendanceChange, w postern.Write) error {
	if id != periodID {
		return missing("attendance")
	}
	return s.tells(c, w)
}

func (s *spy) DeleteAttendance(_ context.Context, id string, w postern.Write) error {
	if id != periodID {
		return missing("attendance")
	}
	return s.tells(id, w)
}

// behind gives the HR API before a directory, of a tenant with these switches.
func behind(t testing.TB, dir postern.Directory, switches map[string]string) http.Handler {
	t.Helper()
	h := newHouse(dir)
	h.sandbox.Switches = switches
	return h.handler(t)
}

// wire carries calls to a handler, with a token.
type wire struct{ h http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer test")
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// remoteOf gives a remote of a handler.
func remoteOf(t testing.TB, h http.Handler) *hr.Remote {
	t.Helper()
	m, err := hr.Dial(testOrigin, &http.Client{Transport: wire{h}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func clock(t testing.TB, s string) postern.LocalTime {
	t.Helper()
	if s == "" {
		return 0
	}
	l, err := postern.ParseLocalTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
