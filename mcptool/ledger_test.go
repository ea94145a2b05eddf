package mcptool_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

const (
	vacation = "6f7c1d7e-0000-4000-8000-000000000001"
	hourly   = "6f7c1d7e-0000-4000-8000-000000000002"
	training = "6f7c1d7e-0000-4000-8000-000000000003"
)

var allScopes = postern.NewScopes("personio:persons:read", "personio:absences:read", "personio:absences:write", "personio:attendances:read")

// ledger is a directory that counts what is written into it.
type ledger struct {
	postern.Directory // what no tool calls

	mu      sync.Mutex
	people  []postern.Person
	kinds   []postern.AbsenceType
	booked  []postern.Absence
	writes  int            // calls of CreateAbsence
	last    postern.Write  // of the last
	asked   int            // calls of all kinds
	forgets bool           // it knows no idempotency keys, and lets absences overlap
	keys    map[string]int // idempotency key to position in booked
	loses   int            // so many answers to a booking are lost
	hold    chan struct{}  // bookings wait until it is closed
	holding chan struct{}  // is told of each that waits
	stuck   chan struct{}  // Persons waits for its context to end, and tells here twice
	loose   bool           // it does not know the filter by persons
	refuses error          // of every read
}

func newLedger() *ledger {
	l := &ledger{keys: map[string]int{}, kinds: []postern.AbsenceType{
		{ID: vacation, Name: "Paid vacation", Unit: postern.Days, HalfDays: true, NeedsApproval: true},
		{ID: hourly, Name: "Overtime off", Unit: postern.Hours},
		{ID: training, Name: "Training", Unit: postern.Days},
	}}
	for i := 1; i <= 130; i++ {
		l.people = append(l.people, postern.Person{ID: postern.PersonID(i), FirstName: "Ada", LastName: fmt.Sprintf("Number%d", i),
			Email: fmt.Sprintf("ada%d@demo.example", i), Active: true,
			Employments: []postern.Employment{{ID: strconv.Itoa(1000 + i), Person: postern.PersonID(i), Position: "Engineer"}}})
	}
	return l
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}

func (l *ledger) reads() error {
	l.asked++
	return l.refuses
}

func paged[T any](all []T, p postern.Paging) postern.Page[T] {
	from, _ := strconv.Atoi(p.After)
	to := min(len(all), from+p.Limit)
	page := postern.Page[T]{Items: slices.Clone(all[from:to])}
	if to < len(all) {
		page.Next = strconv.Itoa(to)
	}
	return page
}

func (l *ledger) Persons(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	if l.stuck != nil {
		l.stuck <- struct{}{}
		<-ctx.Done()
		l.stuck <- struct{}{}
		return postern.Page[postern.Person]{}, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []postern.Person
	for _, p := range l.people {
		if (len(q.IDs) == 0 || slices.Contains(q.IDs, p.ID)) && (len(q.Emails) == 0 || slices.Contains(q.Emails, p.Email)) {
			out = append(out, p)
		}
	}
	return paged(out, q.Paging), l.reads()
}

func (l *ledger) Person(_ context.Context, id postern.PersonID) (postern.Person, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.people {
		if p.ID == id {
			return p, l.reads()
		}
	}
	return postern.Person{}, postern.Errorf(postern.NotFound, "there is no person %d", id)
}

func (l *ledger) Employments(_ context.Context, q postern.EmploymentQuery) (postern.Page[postern.Employment], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return paged(l.people[0].Employments, q.Paging), l.reads()
}

func (l *ledger) AbsenceTypes(_ context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return paged(l.kinds, p), l.reads()
}

func (l *ledger) AbsenceType(_ context.Context, id string) (postern.AbsenceType, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.kinds {
		if t.ID == id {
			return t, l.reads()
		}
	}
	return postern.AbsenceType{}, postern.Errorf(postern.NotFound, "there is no absence type")
}

func (l *ledger) Absences(_ context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []postern.Absence
	for _, a := range l.booked {
		if l.loose || len(q.People) == 0 || slices.Contains(q.People, a.Person) {
			out = append(out, a)
		}
	}
	return paged(out, q.Paging), l.reads()
}

func (l *ledger) Attendances(_ context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return postern.Page[postern.Attendance]{}, l.reads()
}

func (l *ledger) CreateAbsence(ctx context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	if l.hold != nil {
		l.holding <- struct{}{}
		<-l.hold
	}
	if err := ctx.Err(); err != nil {
		return a, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes, l.last = l.writes+1, w
	if i, known := l.keys[w.Key]; known && !l.forgets {
		return l.booked[i], nil
	}
	for _, o := range l.booked {
		if o.Person == a.Person && o.Overlaps(a.Span) && !l.forgets {
			return a, postern.Errorf(postern.Conflict, "another absence of the person overlaps")
		}
	}
	a.ID, a.Zone, a.Status = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(l.booked)+1), "Europe/Berlin", postern.Pending
	if w.SkipApproval {
		a.Status = postern.Approved
	}
	l.keys[w.Key] = len(l.booked)
	l.booked = append(l.booked, a)
	if l.loses > 0 {
		l.loses--
		return postern.Absence{}, postern.Errorf(postern.Unavailable, "the HR API could not be reached")
	}
	return a, nil
}

// books gives how many absences there are.
func (l *ledger) books() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.booked)
}

// over makes the tools over a ledger. change may be nil.
func over(l *ledger, change func(*mcptool.Config)) *mcptool.Tools {
	cfg := mcptool.Config{
		Directory: func(mcptool.Caller) (postern.Directory, error) { return l, nil },
		Record:    func(context.Context, postern.Event) error { return nil },
		Zone:      func(context.Context, mcptool.Caller) (string, error) { return "Europe/Berlin", nil },
		Key:       [32]byte{1},
		Writes:    true,
	}
	if change != nil {
		change(&cfg)
	}
	return mcptool.New(cfg)
}

func agent() mcptool.Caller {
	return mcptool.Caller{Tenant: "demo", ClientID: "agent", Actor: "client:agent", RequestID: "r1", Scopes: allScopes}
}

// wish gives the arguments of a booking that can be made.
func wish(more ...any) map[string]any {
	m := map[string]any{"person_id": "7", "absence_type_id": vacation, "first_day": "2026-12-01", "last_day": "2026-12-02", "skip_approval": false}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}
