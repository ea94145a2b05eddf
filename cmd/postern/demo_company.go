package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// company makes the people of the demo tenant. Who they are comes from a seed and is
// the same everywhere; when things happen is counted from today.
type company struct {
	now   time.Time
	today postern.Date // in the zone of the company
	free  func(calendar string, d postern.Date) bool
	staff []demoPerson

	absences int64 // how many were made, which numbers them
	times    int64
}

// demoZone is where the company's clocks hang.
const demoZone = "Europe/Berlin"

// demoSeed can be any number; another one makes another company.
const demoSeed = 0x9057e4

// demoPerson is a person with what the absences and the attendance depend on.
type demoPerson struct {
	postern.Person
	employments []postern.Employment // newest first
	office      demoOffice
	team        int
}

// newCompany makes the company as it is at a moment; free says which days are public
// holidays.
func newCompany(now time.Time, free func(calendar string, d postern.Date) bool) (*company, error) {
	loc, err := postern.ParseZone(demoZone)
	if err != nil {
		return nil, err
	}
	c := &company{now: now.In(loc), free: free}
	c.today = postern.DateOf(c.now)
	leads := []postern.PersonID{}
	c.hire(-1, 0, 0)
	for t, team := range demoTeams {
		for seat := range team.size {
			boss := postern.PersonID(1)
			if seat > 0 {
				boss = leads[t]
			} else {
				leads = append(leads, postern.PersonID(len(c.staff)+1))
			}
			c.hire(t, seat, boss)
		}
	}
	c.exceptions()
	return c, nil
}

// rows gives everything, in an order in which nothing refers to what comes later but
// supervisors.
func (c *company) rows() iter.Seq[store.Row] {
	return func(yield func(store.Row) bool) {
		c.absences, c.times = 0, 0
		for _, t := range c.types() {
			if !yield(store.AbsenceTypeRow{AbsenceType: t}) {
				return
			}
		}
		for i := range c.staff {
			if !yield(store.PersonRow{Person: c.staff[i].Person}) {
				return
			}
		}
		for i := range c.staff {
			for _, e := range c.staff[i].employments {
				if !yield(store.EmploymentRow{Employment: e}) {
					return
				}
			}
		}
		for i := range c.staff {
			if !c.away(&c.staff[i], yield) || !c.working(&c.staff[i], yield) {
				return
			}
		}
	}
}

// dice gives a stream of numbers of its own to whatever a label names, so that none
// depends on how many another has drawn.
func dice(label string, n int64) *rand.Rand {
	sum := sha256.Sum256([]byte(label + ":" + strconv.FormatInt(n, 10)))
	return rand.New(rand.NewPCG(demoSeed, binary.BigEndian.Uint64(sum[:8]))) //nolint:gosec // nobody is to be surprised by it
}

// demoID makes the UUID of whatever the label and the numbers name.
func demoID(label string, n ...int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%x %s %v", demoSeed, label, n))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ago gives the moment so many days back, at an hour of work.
func (c *company) ago(days int, d *rand.Rand) time.Time {
	hour := time.Duration(8*60+d.IntN(9*60)) * time.Minute
	at := (c.today - postern.Date(days)).At(hour).In(c.now.Location())
	if at.After(c.now) {
		return c.now.Truncate(time.Millisecond)
	}
	return at
}

// hire adds the next person, to a seat of a team; team -1 is who leads the company.
func (c *company) hire(team, seat int, boss postern.PersonID) {
	id := postern.PersonID(len(c.staff) + 1)
	d := dice("person", int64(id))
	first, last, gender := demoName(int(id) - 1)
	p := demoPerson{team: team, Person: postern.Person{ID: id, FirstName: first, LastName: last, Gender: gender,
		Email: demoAddress(first, last), Picture: d.IntN(3) > 0}}
	p.office = demoOffices[0]
	if team >= 0 {
		p.office = demoOffices[demoTeams[team].office]
		if seat > 0 && d.IntN(4) == 0 {
			p.office = demoOffices[d.IntN(len(demoOffices))]
		}
	}
	p.Language = p.office.language
	if d.IntN(3) == 0 {
		p.Language = "en"
	}
	if d.IntN(6) == 0 {
		p.PreferredName = string([]rune(first)[:3])
	}
	since := 200 + d.IntN(2600)
	if team < 0 {
		since = 3650
	} else if seat == 0 {
		since += 900
	}
	p.CreatedAt = c.ago(since+20, d)
	p.UpdatedAt = c.ago(d.IntN(min(90, since)), d)
	p.Custom = c.attributes(&p, d)
	p.employments = c.employ(&p, boss, team, seat, since, d)
	c.staff = append(c.staff, p)
}
