// Package holidays knows on which days of a year nobody works, by calendars named as
// DE-BE or FR.
package holidays

import (
	"sync"
	"time"
)

// yearsKept bounds what a Book remembers: a calendar of a year is 48 bytes.
const yearsKept = 2048

// Book answers whether a day is a public holiday, and remembers the years it was asked
// for. Its methods may be called by any number of goroutines.
type Book struct {
	calendars map[string]calendar
	mu        sync.RWMutex
	years     map[key]*year
}

type key struct {
	calendar string
	year     int
}

// year has a bit for each day, by its number.
type year [6]uint64

// New makes a Book.
func New() *Book {
	b := &Book{calendars: map[string]calendar{}, years: map[key]*year{}}
	for _, c := range all() {
		b.calendars[c.name] = c
	}
	return b
}

// Calendars lists the names of every calendar, sorted.
func Calendars() []string {
	var names []string
	for _, c := range all() {
		names = append(names, c.name)
	}
	return names
}

// Known says whether there is a calendar of that name.
func (b *Book) Known(calendar string) bool {
	_, ok := b.calendars[calendar]
	return ok
}

// Is says whether the day that t has in its own zone is a public holiday of a
// calendar; of one that is not known none is. A holiday that falls on a weekend and is
// kept on another day counts on both.
func (b *Book) Is(calendar string, t time.Time) bool {
	c, ok := b.calendars[calendar]
	if !ok {
		return false
	}
	k := key{calendar, t.Year()}
	b.mu.RLock()
	y := b.years[k]
	b.mu.RUnlock()
	if y == nil {
		y = c.year(k.year)
		b.mu.Lock()
		if len(b.years) >= yearsKept {
			clear(b.years)
		}
		b.years[k] = y
		b.mu.Unlock()
	}
	day := t.YearDay()
	return y[day/64]&(1<<(day%64)) != 0
}

// year finds the holidays of a year. One of its neighbours may be kept in it: New
// Year's Day on a Saturday is kept on the Friday before.
func (c calendar) year(number int) *year {
	var y year
	for n := number - 1; n <= number+1; n++ {
		for _, h := range c.days {
			actual, observed := h.Calc(n)
			for _, day := range []time.Time{actual, observed} {
				if !day.IsZero() && day.Year() == number {
					y[day.YearDay()/64] |= 1 << (day.YearDay() % 64)
				}
			}
		}
	}
	return &y
}
