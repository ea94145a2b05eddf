package console

import (
	"slices"
	"strconv"
	"time"

	"postern.dev/postern"
)

// Month is who is away in a month: people by days.
type Month struct {
	Title      string
	Prev, Next string // months, as 2026-11
	Days       []MonthDay
	People     []MonthPerson
	Types      []MonthType // those that are shown
	More       string      // where the people go on; "" when they do not
	Cut        bool        // there are more absences than are shown
}

// MonthDay is a column.
type MonthDay struct {
	Number      int
	Weekday     string
	Rest, Today bool
	At          string // as 2026-11-22
}

// MonthPerson is a row.
type MonthPerson struct {
	Name  string
	Cells []MonthCell
}

// MonthCell is a day of a person.
type MonthCell struct {
	Rest, Today bool
	Class       string // of the type; "" is at work
	Mark, Text  string
}

// MonthType is what a colour and a letter stand for.
type MonthType struct{ Class, Mark, Name string }

// Bounds of a month.
const (
	monthPeople   = 40
	monthAbsences = 4 // pages
)

// parseMonth reads a month as 2026-11, and takes that of now for anything else.
func parseMonth(text string, now time.Time) time.Time {
	if t, err := time.Parse("2006-01", text); err == nil && t.Year() >= postern.MinYear && t.Year() <= postern.MaxYear {
		return t
	}
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// month asks a directory who is away. Now is in the zone of the tenant.
func (c *call) month(d postern.Directory, first, now time.Time, after string) (Month, error) {
	m := Month{Title: first.Format("January 2006"), Prev: first.AddDate(0, -1, 0).Format("2006-01"), Next: first.AddDate(0, 1, 0).Format("2006-01")}
	begin, end := postern.DateOf(first), postern.DateOf(first.AddDate(0, 1, 0))
	today := postern.DateOf(now)
	for day := begin; day < end; day++ {
		wd := day.Weekday()
		m.Days = append(m.Days, MonthDay{Number: int(day-begin) + 1, Weekday: wd.String()[:2], Rest: wd == time.Saturday || wd == time.Sunday, Today: day == today, At: day.String()})
	}
	people, err := d.Persons(c.ctx, postern.PersonQuery{Paging: postern.Paging{Limit: monthPeople, After: after}})
	if err != nil || len(people.Items) == 0 {
		return m, err
	}
	m.More = people.Next
	rows := map[postern.PersonID]int{}
	q := postern.AbsenceQuery{Within: postern.LocalRange{From: begin.At(0), To: end.At(0) - 1}, Paging: postern.Paging{Limit: postern.MaxPage}}
	for i, p := range people.Items {
		rows[p.ID] = i
		q.People = append(q.People, p.ID)
		m.People = append(m.People, m.row(p))
	}
	names, err := c.typeNames(d)
	if err != nil {
		return m, err
	}
	for range monthAbsences {
		page, err := d.Absences(c.ctx, q)
		if err != nil {
			return m, err
		}
		for i := range page.Items {
			a := &page.Items[i]
			if row, ok := rows[a.Person]; ok && a.Status != postern.Rejected {
				m.mark(&m.People[row], a, m.kind(a.Type, names), begin, end)
			}
		}
		if q.After = page.Next; q.After == "" {
			return m, nil
		}
	}
	m.Cut = true
	return m, nil
}

func (m *Month) row(p postern.Person) MonthPerson {
	row := MonthPerson{Name: p.FirstName + " " + p.LastName, Cells: make([]MonthCell, len(m.Days))}
	for i, d := range m.Days {
		row.Cells[i].Rest, row.Cells[i].Today = d.Rest, d.Today
	}
	return row
}

func (c *call) typeNames(d postern.Directory) (map[string]string, error) {
	page, err := d.AbsenceTypes(c.ctx, postern.Paging{Limit: postern.MaxPage})
	names := map[string]string{}
	for _, t := range page.Items {
		names[t.ID] = t.Name
	}
	return names, err
}

// kind gives the colour and the letter of a type, which it gets when it is met first.
func (m *Month) kind(id string, names map[string]string) MonthType {
	name := names[id]
	if name == "" {
		name = "Away"
	}
	if i := slices.IndexFunc(m.Types, func(t MonthType) bool { return t.Name == name }); i >= 0 {
		return m.Types[i]
	}
	n := len(m.Types)
	t := MonthType{Class: "a" + strconv.Itoa(n%6+1), Mark: string([]rune(name)[:1]), Name: name}
	if slices.ContainsFunc(m.Types, func(o MonthType) bool { return o.Mark == t.Mark }) {
		t.Mark = strconv.Itoa(n + 1) // a letter that is taken
	}
	m.Types = append(m.Types, t)
	return t
}

// mark fills the days of an absence.
func (m *Month) mark(row *MonthPerson, a *postern.Absence, t MonthType, begin, end postern.Date) {
	last := end - 1
	if a.To != 0 {
		last = a.Last()
	}
	from := a.From.Date()
	for day := max(from, begin); day <= min(last, end-1); day++ {
		cell := &row.Cells[day-begin]
		cell.Class, cell.Mark, cell.Text = "away "+t.Class, t.Mark, t.Name
		if day == from {
			cell.Class += " begin"
			if a.StartHalf() {
				cell.Class, cell.Text = cell.Class+" half-from", cell.Text+", from noon on"
			}
		}
		if day == last && a.To != 0 {
			cell.Class += " end"
			if a.EndHalf() {
				cell.Class, cell.Text = cell.Class+" half-to", cell.Text+", until noon"
			}
		}
		if a.Status != postern.Approved {
			cell.Class, cell.Text = cell.Class+" pending", cell.Text+", not approved yet"
		}
	}
}
