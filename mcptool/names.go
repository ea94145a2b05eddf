package mcptool

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"postern.dev/postern"
)

const (
	nameLife  = 5 * time.Minute
	maxNames  = 50_000 // persons that are remembered
	maxBooks  = 1_000  // accounts whose types are
	nameBatch = 50     // persons of one call
	nameCalls = 4      // calls at once
	maxTypes  = 2_000  // of an account
)

// nameBook remembers the names of persons and the types of absence for a while, by whose
// they are. It is safe for concurrent use.
type nameBook struct {
	now func() time.Time

	mu      sync.Mutex
	persons map[personKey]remembered[personName]
	types   map[bookKey]remembered[map[string]postern.AbsenceType]
}

// bookKey is whose names they are: a tenant's, or those behind an upstream.
type bookKey struct {
	tenant string
	judged bool
}

type personKey struct {
	bookKey
	id postern.PersonID
}

type personName struct{ first, last string }

type remembered[T any] struct {
	is    T
	until time.Time
}

func newNameBook(now func() time.Time) *nameBook {
	return &nameBook{now: now, persons: map[personKey]remembered[personName]{}, types: map[bookKey]remembered[map[string]postern.AbsenceType]{}}
}

// person gives a name that is remembered; nobody's is remembered too.
func (b *nameBook) person(k personKey) (personName, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.persons[k]
	return r.is, ok && b.now().Before(r.until)
}

func (b *nameBook) keep(k bookKey, names map[postern.PersonID]personName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	makeRoom(b.persons, maxNames-len(names), b.now())
	for id, name := range names {
		b.persons[personKey{k, id}] = remembered[personName]{name, b.now().Add(nameLife)}
	}
}

func (b *nameBook) typesOf(k bookKey) (map[string]postern.AbsenceType, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.types[k]
	return r.is, ok && b.now().Before(r.until)
}

func (b *nameBook) keepTypes(k bookKey, types map[string]postern.AbsenceType) {
	b.mu.Lock()
	defer b.mu.Unlock()
	makeRoom(b.types, maxBooks-1, b.now())
	b.types[k] = remembered[map[string]postern.AbsenceType]{types, b.now().Add(nameLife)}
}

// makeRoom forgets what is too old, and everything when that is not enough.
func makeRoom[K comparable, T any](m map[K]remembered[T], most int, now time.Time) {
	if len(m) <= most {
		return
	}
	for k, r := range m {
		if !now.Before(r.until) {
			delete(m, k)
		}
	}
	if len(m) > most {
		clear(m)
	}
}

func (c *call) book() bookKey { return bookKey{c.who.Tenant, c.who.Judged} }

// persons gives the names of persons, as far as the caller may know them. What it may
// not know, and what cannot be read now, is said in a note: an answer with numbers is
// better than none.
func (c *call) persons(ids []postern.PersonID) map[postern.PersonID]string {
	out := map[postern.PersonID]string{}
	if len(ids) == 0 {
		return out
	}
	if !c.who.may(readPersons) {
		c.note("names of persons are left out: the caller lacks the permission " + readPersons + " (" + permission(readPersons) + ")")
		return out
	}
	if !c.shows("first_name") && !c.shows("last_name") {
		c.note("names of persons are left out: the caller is not shown them")
		return out
	}
	slices.Sort(ids)
	names, missing := map[postern.PersonID]personName{}, []postern.PersonID(nil)
	for _, id := range slices.Compact(ids) {
		if name, ok := c.names.person(personKey{c.book(), id}); ok {
			names[id] = name
		} else if id > 0 {
			missing = append(missing, id)
		}
	}
	if err := c.askNames(missing, names); err != nil {
		c.note("names of persons are missing: " + line(postern.Public(c.explainOf(readPersons, err))))
	}
	for id, name := range names {
		if s := c.nameOf(name); s != "" {
			out[id] = s
		}
	}
	return out
}

// nameOf writes a name as far as the caller is shown it.
func (c *call) nameOf(n personName) string {
	if !c.shows("first_name") {
		n.first = ""
	}
	if !c.shows("last_name") {
		n.last = ""
	}
	if n.first != "" && n.last != "" {
		return n.first + " " + n.last
	}
	return n.first + n.last
}

// askNames asks for the names of persons, in batches and a few at once, and puts them
// into names.
func (c *call) askNames(ids []postern.PersonID, names map[postern.PersonID]personName) error {
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	var mu sync.Mutex
	var first error
	var all sync.WaitGroup
	room := make(chan struct{}, nameCalls)
	for batch := range slices.Chunk(ids, nameBatch) {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			if ctx.Err() != nil {
				return
			}
			got, err := c.namesIn(ctx, batch)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if first == nil || errors.Is(first, context.Canceled) {
					first = err
				}
				stop()
				return
			}
			for id, name := range got {
				names[id] = name
			}
			c.names.keep(c.book(), got)
		})
	}
	all.Wait()
	return first
}

// namesIn asks for the names of one batch. Whoever is not there has none.
func (c *call) namesIn(ctx context.Context, ids []postern.PersonID) (map[postern.PersonID]personName, error) {
	out := map[postern.PersonID]personName{}
	for _, id := range ids {
		out[id] = personName{}
	}
	p := postern.Paging{Limit: nameBatch}
	for seen := map[string]bool{}; !seen[p.After]; { // one page, unless the API gives fewer than it was asked for
		seen[p.After] = true
		page, err := again(c, func() (postern.Page[postern.Person], error) {
			return c.dir.Persons(ctx, postern.PersonQuery{IDs: ids, Paging: p})
		})
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			if person := &page.Items[i]; slices.Contains(ids, person.ID) {
				out[person.ID] = personName{person.FirstName, person.LastName}
			}
		}
		if p.After = page.Next; p.After == "" || len(seen) == nameBatch {
			break
		}
	}
	return out, nil
}

// types gives the account's types of absence by their ids, with a note when they cannot
// be read.
func (c *call) types() map[string]postern.AbsenceType {
	if types, ok := c.names.typesOf(c.book()); ok {
		return types
	}
	types := map[string]postern.AbsenceType{}
	sub := &call{Tools: c.Tools, ctx: c.ctx, tool: c.tool, who: c.who, dir: c.dir}
	items, _, err := walk(sub, maxTypes, typesPage, "absence types", c.dir.AbsenceTypes, nil)
	if err != nil {
		c.note("absence types could not be read: " + line(postern.Public(c.explainOf(readAbsences, err))))
		return types
	}
	for _, t := range items {
		types[t.ID] = t
	}
	c.names.keepTypes(c.book(), types)
	return types
}

// notePerson says of an answer with nothing in it that who was asked about is not there,
// as far as the caller may know: else a number that is wrong looks like one without
// absences. What cannot be found out is not said.
func (c *call) notePerson(asked []postern.PersonID) {
	if len(asked) != 1 || !c.who.may(readPersons) {
		return
	}
	page, err := c.dir.Persons(c.ctx, postern.PersonQuery{IDs: asked, Paging: postern.Paging{Limit: 1}})
	if err == nil && !slices.ContainsFunc(page.Items, func(p postern.Person) bool { return p.ID == asked[0] }) {
		c.note("there is no person " + numberOf(asked[0]) + "; list_persons gives the numbers")
	}
}

// noteType is notePerson for a type of absence, "" for none.
func (c *call) noteType(id string) {
	if id == "" {
		return
	}
	types := c.types()
	if _, ok := types[id]; !ok && len(types) > 0 {
		c.note("there is no absence type " + cited(id) + "; list_absence_types gives the ids")
	}
}
