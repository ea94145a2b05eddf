package postern

import (
	"math"
	"time"
)

// AbsenceDay is what an absence takes of one day: days or hours.
type AbsenceDay struct {
	Date   Date
	Unit   Unit
	Amount float64
}

// MaxBreakdown bounds how many days Breakdown gives.
const MaxBreakdown = MaxAbsence + 1

// Breakdown gives what an absence takes of each of its days, days on which nobody
// works included with nothing. The schedule is that of the employment which holds on
// the day; where none does, nothing is worked. An absence without end is counted until
// the given day, and its first day at least.
func Breakdown(a *Absence, t *AbsenceType, employments []Employment, holiday func(calendar string, d Date) bool, until Date) []AbsenceDay {
	first, last := a.From.Date(), a.Last()
	if last == 0 {
		last = max(until, first)
	}
	return breakdown(a, t, employments, holiday, first, last)
}

// breakdown gives the days from first to last, which are days of the absence.
func breakdown(a *Absence, t *AbsenceType, employments []Employment, holiday func(string, Date) bool, first, last Date) []AbsenceDay {
	last = min(last, first+MaxBreakdown-1)
	var zone *time.Location
	if t.Unit == Hours {
		zone, _ = ParseZone(a.Zone)
	}
	days := make([]AbsenceDay, 0, max(0, last-first+1))
	for d := first; d <= last; d++ {
		work := 0
		if e := EmploymentOn(employments, d); e != nil && e.Covers(d) && !holiday(e.Holidays, d) {
			work = e.Schedule.On(d.Weekday())
		}
		day := AbsenceDay{Date: d, Unit: t.Unit}
		if t.Unit == Days {
			day.Amount = a.partOf(d, work)
		} else {
			day.Amount = a.hoursOf(d, work, zone)
		}
		days = append(days, day)
	}
	return days
}

// partOf gives the part of a day on which work is done that a takes: 0, 0.5 or 1.
func (a *Absence) partOf(d Date, work int) float64 {
	part := 1.0
	if d == a.From.Date() && a.StartHalf() {
		part -= 0.5
	}
	if a.EndHalf() && d == a.To.Date() {
		part -= 0.5
	}
	if work == 0 {
		return 0
	}
	return part
}

// hoursOf gives the hours that a takes of a day: those between its edges, by the clock
// of the zone where it is known, and no more than are worked. From noon to the end of a
// day, and from its beginning to noon, is half of the work, whenever that is done.
func (a *Absence) hoursOf(d Date, work int, zone *time.Location) float64 {
	from, to := max(a.From, d.At(0)), (d + 1).At(0)
	if a.To != 0 {
		to = min(a.To, to)
	}
	if from == d.At(noon) && to == (d+1).At(0) || from == d.At(0) && to == d.At(noon) {
		work /= 2
	}
	hours := float64(to-from) / 3600
	if zone != nil {
		hours = max(0, to.In(zone).Sub(from.In(zone)).Hours())
	}
	return hundredths(min(hours, float64(work)/60))
}

func hundredths(v float64) float64 { return math.Round(v*100) / 100 }

// Balance is what is left of an entitlement, in the unit of its type.
type Balance struct {
	Type      AbsenceType
	Balance   float64 // entitlement of the year less what was approved
	Available float64 // and less what is asked for
}

// BalanceOf gives what a person has left of an entitlement in a year, in the unit of
// the type and rounded to hundredths: the entitlement for the months on whose 15th they
// are employed, less what absences take of the year. One without end takes all of it.
func BalanceOf(t *AbsenceType, year int, employments []Employment, absences []Absence, holiday func(string, Date) bool) Balance {
	first, last := NewDate(year, time.January, 1), NewDate(year, time.December, 31)
	months := 0
	for m := time.January; m <= time.December; m++ {
		middle := NewDate(year, m, 15)
		if e := EmploymentOn(employments, middle); e != nil && e.Covers(middle) {
			months++
		}
	}
	b := Balance{Type: *t, Balance: t.Entitlement * float64(months) / 12}
	b.Available = b.Balance
	for i := range absences {
		a := &absences[i]
		if a.Type != t.ID || a.Status == Rejected {
			continue
		}
		to := last
		if end := a.Last(); end != 0 {
			to = min(to, end)
		}
		for _, day := range breakdown(a, t, employments, holiday, max(first, a.From.Date()), to) {
			b.Available -= day.Amount
			if a.Status != Pending {
				b.Balance -= day.Amount
			}
		}
	}
	b.Balance, b.Available = hundredths(b.Balance), hundredths(b.Available)
	return b
}
