package mcptool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/store"
)

// The firm is a small company in a database. It is Wednesday, 2026-11-25, 09:00 in
// Berlin.
var firmNow = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

const (
	firmVacation = "aaaaaaaa-0000-4000-8000-000000000001"
	firmSick     = "aaaaaaaa-0000-4000-8000-000000000002"
	firmHours    = "aaaaaaaa-0000-4000-8000-000000000003"
)

func uuid(kind byte, n int) string { return fmt.Sprintf("%c0000000-0000-4000-8000-%012d", kind, n) }

func date(s string) postern.Date {
	d, err := postern.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func wallAt(s string) postern.LocalTime {
	l, err := postern.ParseLocalTime(s)
	if err != nil {
		panic(err)
	}
	return l
}

// firmRows are everything in the firm.
func firmRows() []store.Row {
	person := func(id postern.PersonID, first, last string, boss postern.PersonID) store.Row {
		return store.PersonRow{Person: postern.Person{ID: id, FirstName: first, LastName: last, Email: fmt.Sprintf("%s@firm.example", first), Gender: postern.GenderDiverse,
			Custom: []postern.Attribute{{Key: "shoe_size", Label: "Shoe size", Kind: postern.AttributeText, Value: "44"}},
			Employments: []postern.Employment{{ID: uuid('e', int(id)), Person: id, Position: "Engineer", Status: postern.EmploymentActive, Type: "INTERNAL",
				Start: date("2020-01-01"), WeeklyHours: 40, FullTimeHours: 40, Supervisor: boss, Department: postern.Ref{ID: "7", Name: "Research"},
				Schedule: postern.Schedule{480, 480, 480, 480, 480}}}}}
	}
	absence := func(n int, id postern.PersonID, kind, first, last, comment string) store.Row {
		var end postern.Date
		if last != "" {
			end = date(last)
		}
		return store.AbsenceRow{Absence: postern.Absence{ID: uuid('b', n), Person: id, Type: kind, Span: postern.DaySpan(date(first), end, false, false),
			Zone: "Europe/Berlin", Status: postern.Approved, Comment: comment}}
	}
	half := absence(5, 5, firmVacation, "2026-11-26", "2026-11-27", "").(store.AbsenceRow)
	half.Span = postern.DaySpan(date("2026-11-26"), date("2026-11-27"), true, true)
	hours := absence(6, 2, firmHours, "2026-11-27", "2026-11-27", "").(store.AbsenceRow)
	hours.Span = postern.Span{From: wallAt("2026-11-27T09:00"), To: wallAt("2026-11-27T11:30")}
	work := func(n int, kind postern.AttendanceType, from, to string) store.Row {
		a := postern.Attendance{ID: uuid('c', n), Person: 1, Type: kind, Zone: "Europe/Berlin", Status: postern.Confirmed, Comment: "at home", Span: postern.Span{From: wallAt(from)}}
		if to != "" {
			a.To = wallAt(to)
		}
		a.Date = a.From.Date()
		return store.AttendanceRow{Attendance: a}
	}
	return []store.Row{
		person(1, "Ada", "Lovelace", 0), person(2, "Bob", "Noyce", 1), person(3, "Cleo", "Nile", 1), person(4, "Dan", "Dare", 2), person(5, "Eve", "Apple", 2),
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{ID: firmVacation, Name: "Paid vacation", Category: "paid_vacation", Unit: postern.Days, HalfDays: true}},
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{ID: firmSick, Name: "Sick", Category: "sick_leave", Unit: postern.Days}},
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{ID: firmHours, Name: "Overtime off", Category: "other", Unit: postern.Hours}},
		absence(1, 1, firmVacation, "2026-11-16", "2026-11-23", "Madeira"), // ends on the Monday
		absence(2, 3, firmSick, "2026-11-24", "", "flu"),                   // open
		absence(3, 4, firmVacation, "2026-11-16", "2026-11-22", ""),        // ends on the Sunday before
		absence(4, 4, firmVacation, "2026-11-29", "2026-12-13", ""),        // begins on the Sunday
		half, hours,
		absence(7, 2, firmVacation, "2026-11-30", "2026-12-04", ""), // begins on the Monday after
		work(1, postern.Work, "2026-11-23T08:00", "2026-11-23T16:30"), work(2, postern.Break, "2026-11-23T12:00", "2026-11-23T12:30"),
		work(3, postern.Work, "2026-11-25T08:00", ""),
	}
}

// firm opens a database with the firm in it.
func firm(t testing.TB, rows ...store.Row) *store.Directory {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.CreateTenant(t.Context(), postern.Tenant{ID: "firm", Zone: "Europe/Berlin"}, postern.Event{Action: postern.ActTenantCreated}); err != nil {
		t.Fatal(err)
	}
	dir := db.Directory("firm")
	report, err := dir.Import(t.Context(), slices.All(append(firmRows(), rows...)), store.ImportOptions{Write: postern.Write{Actor: "test"}})
	if err != nil || len(report.Failed) > 0 {
		t.Fatalf("import: %v, %+v", err, report.Failed)
	}
	return dir
}

// clerk is who asks in these tests, with every scope.
func clerk() mcptool.Caller {
	return mcptool.Caller{Tenant: "firm", ClientID: "agent", Actor: "client:agent", Scopes: allScopes}
}

// toolsOver makes the tools over any directory, on the firm's clock. change may be nil.
func toolsOver(dir postern.Directory, change func(*mcptool.Config)) *mcptool.Tools {
	cfg := mcptool.Config{
		Directory: func(mcptool.Caller) (postern.Directory, error) { return dir, nil },
		Record:    func(context.Context, postern.Event) error { return nil },
		Zone:      func(context.Context, mcptool.Caller) (string, error) { return "Europe/Berlin", nil },
		Key:       [32]byte{7}, Writes: true, Now: func() time.Time { return firmNow },
	}
	if change != nil {
		change(&cfg)
	}
	return mcptool.New(cfg)
}

// args is what a caller gives.
type args map[string]any

// try calls a tool.
func try(t testing.TB, tools *mcptool.Tools, who mcptool.Caller, name string, a args) (mcptool.Answer, error) {
	t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return tools.Call(t.Context(), who, name, raw)
}

// must calls a tool that answers, and holds the answer against the tool's schema.
func must(t testing.TB, tools *mcptool.Tools, who mcptool.Caller, name string, a args) mcptool.Answer {
	t.Helper()
	answer, err := try(t, tools, who, name, a)
	if err != nil {
		t.Fatalf("%s %v: %v, hint: %s", name, a, err, postern.AsError(err).Hint)
	}
	valid(t, answer)
	return answer
}

// valid holds an answer against the schema that its tool declares.
func valid(t testing.TB, a mcptool.Answer) {
	t.Helper()
	schema, err := a.Tool.Out.Resolve(nil)
	if err != nil {
		t.Fatalf("%s: %v", a.Tool.Name, err)
	}
	if err := schema.Validate(a.Data); err != nil {
		t.Errorf("%s does not answer as it declares: %v\n%v", a.Tool.Name, err, a.Data)
	}
}

// items gives the items of an answer.
func items(t testing.TB, a mcptool.Answer) (out []map[string]any) {
	t.Helper()
	list, ok := a.Data["items"].([]any)
	if !ok {
		t.Fatalf("%s: no items in %v", a.Tool.Name, a.Data)
	}
	for _, v := range list {
		out = append(out, v.(map[string]any))
	}
	return out
}

// column gives one field of every item.
func column(t testing.TB, a mcptool.Answer, field string) (out []any) {
	t.Helper()
	for _, m := range items(t, a) {
		out = append(out, m[field])
	}
	return out
}

// counted counts the calls of a directory, by method, and how many are made at once.
type counted struct {
	postern.Directory
	fail func(method string) error // before each call; may be nil

	mu     sync.Mutex
	calls  map[string]int
	now    int
	atOnce int
	held   chan struct{} // calls of Persons wait for it
}

func (c *counted) call(method string) (func(), error) {
	c.mu.Lock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[method]++
	c.now++
	c.atOnce = max(c.atOnce, c.now)
	c.mu.Unlock()
	done := func() { c.mu.Lock(); c.now--; c.mu.Unlock() }
	if c.held != nil && method == "Persons" {
		<-c.held
	}
	if c.fail != nil {
		return done, c.fail(method)
	}
	return done, nil
}

func through[T any](c *counted, method string, do func() (T, error)) (T, error) {
	done, err := c.call(method)
	defer done()
	if err != nil {
		var none T
		return none, err
	}
	return do()
}

func (c *counted) Persons(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	return through(c, "Persons", func() (postern.Page[postern.Person], error) { return c.Directory.Persons(ctx, q) })
}

func (c *counted) Person(ctx context.Context, id postern.PersonID) (postern.Person, error) {
	return through(c, "Person", func() (postern.Person, error) { return c.Directory.Person(ctx, id) })
}

func (c *counted) Employments(ctx context.Context, q postern.EmploymentQuery) (postern.Page[postern.Employment], error) {
	return through(c, "Employments", func() (postern.Page[postern.Employment], error) { return c.Directory.Employments(ctx, q) })
}

func (c *counted) AbsenceTypes(ctx context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	return through(c, "AbsenceTypes", func() (postern.Page[postern.AbsenceType], error) { return c.Directory.AbsenceTypes(ctx, p) })
}

func (c *counted) Absences(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	return through(c, "Absences", func() (postern.Page[postern.Absence], error) { return c.Directory.Absences(ctx, q) })
}

func (c *counted) Attendances(ctx context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	return through(c, "Attendances", func() (postern.Page[postern.Attendance], error) { return c.Directory.Attendances(ctx, q) })
}
