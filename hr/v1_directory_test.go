package hr_test

import (
	"context"
	"slices"
	"time"

	"postern.dev/postern"
)

// Ids in the firm.
const (
	leaveV1  = "0e000000-0000-4000-8000-000000000009"
	doctorV1 = "0e000000-0000-4000-8000-000000000010"
	nobodyV1 = "0e000000-0000-4000-8000-00000000dead"
)

func idOfAbsence(n string) string { return "7d000000-0000-4000-8000-0000000000" + n }
func idOfPeriod(n string) string  { return "c4000000-0000-4000-8000-0000000000" + n }

// firm is a directory of three persons in which nothing depends on the clock, for
// transcripts. What it does not have it does not answer.
type firm struct {
	postern.Directory
	persons  []postern.Person
	types    []postern.AbsenceType
	absences []postern.Absence
	times    []postern.Attendance
	fails    error             // what every question is answered with
	wrote    *postern.Write    // the last write
	made     []postern.Absence // by it
}

func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func dayV1(s string) postern.Date {
	d, err := postern.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func wallV1(s string) postern.LocalTime {
	l, err := postern.ParseLocalTime(s)
	if err != nil {
		panic(err)
	}
	return l
}

func aFirm() *firm {
	made, changed := instant("2024-01-02T08:00:00Z"), instant("2026-02-01T08:00:00Z")
	full := postern.Schedule{480, 480, 480, 480, 480}
	ada := postern.Employment{
		ID: "0b000000-0000-4000-8000-000000000012", Person: 12, Position: "Engineer", Status: postern.EmploymentActive, Type: "INTERNAL",
		Start: dayV1("2024-01-15"), ProbationEnd: dayV1("2024-07-14"), WeeklyHours: 38.5, FullTimeHours: 40, Supervisor: 7,
		Office: postern.Ref{ID: "1", Name: "Berlin"}, Department: postern.Ref{ID: "21", Name: "Product"}, Team: postern.Ref{ID: "22", Name: "Core"},
		LegalEntity: postern.Ref{ID: "3", Name: "Firm GmbH"}, Schedule: full, Holidays: "DE-BE",
		CostCenters: []postern.CostCenter{{Ref: postern.Ref{ID: "5", Name: "R and D"}, Weight: 60}, {Ref: postern.Ref{ID: "6", Name: "Support"}, Weight: 40}},
		CreatedAt:   made, UpdatedAt: changed,
	}
	bob := postern.Employment{
		ID: "0b000000-0000-4000-8000-000000000031", Person: 31, Position: "Clerk", Status: postern.EmploymentInactive, Type: "EXTERNAL",
		Start: dayV1("2020-03-01"), End: dayV1("2025-06-30"), ContractEnd: dayV1("2025-06-30"), WeeklyHours: 20, Supervisor: 7, Schedule: postern.Schedule{240, 240, 240, 240, 240},
		Termination: postern.Termination{Date: dayV1("2025-06-30"), LastWorkingDay: dayV1("2025-06-20"), Type: "EMPLOYEE", Reason: "moved away"},
	}
	return &firm{
		persons: []postern.Person{
			{ID: 7, FirstName: "Grace", LastName: "Boss", Email: "grace@firm.test", Gender: postern.GenderFemale, CreatedAt: made, UpdatedAt: made, Active: true,
				Employments: []postern.Employment{{Person: 7, Status: postern.EmploymentActive, Type: "INTERNAL", Start: dayV1("2019-10-01"), WeeklyHours: 40, Schedule: full, Holidays: "FR"}}},
			{ID: 12, FirstName: "Ada", LastName: "Test", PreferredName: "Ada", Email: "ada@firm.test", Gender: postern.GenderDiverse, Picture: true,
				CreatedAt: made, UpdatedAt: changed, Active: true, Employments: []postern.Employment{ada},
				Custom: []postern.Attribute{
					{Key: "dynamic_5", Label: "Badge", Kind: postern.AttributeText, Value: "B7"},
					{Key: "dynamic_6", Label: "Floor", Kind: postern.AttributeInt, Value: "3"},
					{Key: "dynamic_7", Label: "First aid until", Kind: postern.AttributeDate, Value: "2027-01-01"},
					{Key: "dynamic_8", Label: "Languages", Kind: postern.AttributeList, Values: []string{"de", "en"}},
					{Key: "dynamic_9", Label: "Hobbies", Kind: postern.AttributeList, Values: []string{"chess, blind", "go"}},
					{Key: "dynamic_10", Label: "Parking", Kind: postern.AttributeBool, Value: "true"},
					{Key: "dynamic_11", Label: "Bonus", Kind: postern.AttributeDouble, Value: "0.25"},
				}},
			{ID: 31, FirstName: "Bob", LastName: "Old", Gender: postern.GenderUnspecified, CreatedAt: made, UpdatedAt: made, Employments: []postern.Employment{bob}},
		},
		types: []postern.AbsenceType{
			{ID: leaveV1, Number: 9, Name: "Leave", Category: "paid_vacation", Unit: postern.Days, NeedsApproval: true, HalfDays: true, Entitlement: 30},
			{ID: doctorV1, Number: 10, Name: "Doctor", Category: "other", Unit: postern.Hours},
			{ID: "0e000000-0000-4000-8000-000000000011", Number: 11, Name: "Sick", Category: "sick_leave", Unit: postern.Days},
		},
		absences: firmAbsences(changed),
		times: []postern.Attendance{
			{ID: idOfPeriod("05"), Number: 5, Person: 12, Type: postern.Work, Span: postern.Span{From: wallV1("2026-03-06T09:00:00"), To: wallV1("2026-03-06T17:30:00")},
				Zone: "Europe/Berlin", Date: dayV1("2026-03-06"), Project: "4", Comment: "release", Status: postern.Confirmed, UpdatedAt: changed},
			{ID: idOfPeriod("06"), Number: 6, Person: 12, Type: postern.Break, Span: postern.Span{From: wallV1("2026-03-06T12:00:00"), To: wallV1("2026-03-06T12:30:00")},
				Zone: "Europe/Berlin", Date: dayV1("2026-03-06"), Status: postern.Confirmed, UpdatedAt: changed},
			{ID: idOfPeriod("07"), Number: 7, Person: 12, Type: postern.Work, Span: postern.Span{From: wallV1("2026-03-09T22:00:00"), To: wallV1("2026-03-10T00:00:00")},
				Zone: "Europe/Berlin", Date: dayV1("2026-03-09"), Status: postern.Pending, UpdatedAt: changed},
			{ID: idOfPeriod("08"), Number: 8, Person: 12, Type: postern.Work, Span: postern.Span{From: wallV1("2026-03-12T09:00:00")},
				Zone: "Europe/Berlin", Date: dayV1("2026-03-12"), Status: postern.Confirmed, UpdatedAt: changed},
		},
	}
}

func firmAbsences(changed time.Time) []postern.Absence {
	day := func(n string, number int64, s postern.Span) postern.Absence {
		return postern.Absence{ID: idOfAbsence(n), Number: number, Person: 12, Type: leaveV1, Span: s, Zone: "Europe/Berlin", Status: postern.Approved,
			Origin: "web", CreatedBy: "Grace Boss", CreatedAt: changed, UpdatedAt: changed, ApprovedAt: changed}
	}
	hour := func(n string, number int64, from, to string) postern.Absence {
		a := day(n, number, postern.Span{From: wallV1(from), To: wallV1(to)})
		a.Type = doctorV1
		return a
	}
	half := day("72", 72, postern.DaySpan(dayV1("2026-03-10"), dayV1("2026-03-10"), true, false))
	half.Comment, half.Status, half.ApprovedAt = "afternoon off", postern.Pending, time.Time{}
	return []postern.Absence{
		day("71", 71, postern.DaySpan(dayV1("2026-03-02"), dayV1("2026-03-04"), false, false)),
		hour("81", 81, "2026-03-05T09:00:00", "2026-03-05T12:30:00"),
		half,
		hour("82", 82, "2026-03-23T12:00:00", "2026-03-25T00:00:00"),
		day("73", 73, postern.DaySpan(dayV1("2026-03-30"), 0, false, false)), // over the day on which clocks were put forward
	}
}

// partOf gives the part of a list that paging asks for.
func partOf[T any](p postern.Paging, all []T, wanted func(*T) bool) postern.Page[T] {
	var some []T
	for i := range all {
		if wanted(&all[i]) {
			some = append(some, all[i])
		}
	}
	from := min(len(some), p.Offset)
	return postern.Page[T]{Items: some[from:min(len(some), from+p.Limit)], Total: len(some)}
}

func among[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func (s *firm) Persons(_ context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	return partOf(q.Paging, s.persons, func(p *postern.Person) bool {
		return among(q.IDs, p.ID) && among(q.Emails, p.Email) && !p.UpdatedAt.Before(q.Updated.From)
	}), s.fails
}

func (s *firm) Person(_ context.Context, id postern.PersonID) (postern.Person, error) {
	for _, p := range s.persons {
		if p.ID == id {
			return p, s.fails
		}
	}
	return postern.Person{}, postern.Errorf(postern.NotFound, "there is no person %d", id)
}

func (s *firm) AbsenceTypes(_ context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	return partOf(p, s.types, func(*postern.AbsenceType) bool { return true }), s.fails
}

func (s *firm) Balances(_ context.Context, person postern.PersonID) ([]postern.Balance, error) {
	return []postern.Balance{{Type: s.types[0], Balance: 27, Available: 26.5}}, s.fails
}

func (s *firm) typeOf(a *postern.Absence) *postern.AbsenceType {
	i := slices.IndexFunc(s.types, func(t postern.AbsenceType) bool { return t.ID == a.Type })
	return &s.types[i]
}

func (s *firm) Absences(_ context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	within := postern.Span{From: q.Within.From, To: q.Within.To + 1}
	if q.Within.To == 0 {
		within.To = 0
	}
	page := partOf(q.Paging, s.absences, func(a *postern.Absence) bool {
		fits := within.Overlaps(a.Span)
		if q.Contained {
			fits = within.Holds(a.Span)
		}
		return fits && among(q.IDs, a.ID) && among(q.Numbers, a.Number) && among(q.People, a.Person) && among(q.Types, a.Type) && (q.Unit == "" || q.Unit == s.typeOf(a).Unit)
	})
	if q.Detail {
		for i := range page.Items {
			page.Items[i].Days, _ = s.Breakdown(context.Background(), page.Items[i].ID)
		}
	}
	return page, s.fails
}

func (s *firm) Breakdown(_ context.Context, id string) ([]postern.AbsenceDay, error) {
	for _, a := range slices.Concat(s.absences, s.made) {
		if a.ID == id {
			p, _ := s.Person(context.Background(), a.Person)
			return postern.Breakdown(&a, s.typeOf(&a), p.Employments, func(string, postern.Date) bool { return false }, dayV1("2026-04-01")), nil
		}
	}
	return nil, postern.Errorf(postern.NotFound, "there is no absence %s", id)
}

func (s *firm) CreateAbsence(_ context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	s.wrote = &w
	t := s.typeOf(&a)
	a.ID, a.Number, a.Zone, a.Status = idOfAbsence("90"), 90, "Europe/Berlin", t.InitialStatus(w.SkipApproval)
	a.CreatedAt, a.UpdatedAt = instant("2026-02-01T08:00:00Z"), instant("2026-02-01T08:00:00Z")
	if err := a.Check(t); err != nil {
		return a, err
	}
	if err := a.Fits(s.absences); err != nil {
		return a, err
	}
	s.made = append(s.made, a)
	return a, s.fails
}

func (s *firm) DeleteAbsence(_ context.Context, id string, w postern.Write) error {
	s.wrote = &w
	return s.fails
}

func (s *firm) Attendances(_ context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	return partOf(q.Paging, s.times, func(a *postern.Attendance) bool {
		return among(q.People, a.Person) && among(q.Statuses, a.Status) && (q.Type == "" || q.Type == a.Type) &&
			a.Date >= q.Dates.From && (q.Dates.To == 0 || a.Date <= q.Dates.To) && (q.End.From == 0 || a.To >= q.End.From)
	}), s.fails
}
