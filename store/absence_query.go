package store

import (
	"context"
	"slices"

	"postern.dev/postern"
)

// Absences gives absences in the order of their start, and then of their number; those
// that were changed in a stretch of time in the order in which they were. It fails with
// Invalid for bounds and positions that cannot be.
func (d *Directory) Absences(ctx context.Context, q postern.AbsenceQuery) (out postern.Page[postern.Absence], err error) {
	if err := checkLists(len(q.IDs), len(q.Numbers), len(q.People), len(q.Types)); err != nil {
		return out, err
	}
	all, err := d.types(ctx, d.db.read)
	if err != nil {
		return out, d.db.fail(err, "absence type", "")
	}
	w := d.absenceWalk(&q, all)
	out, err = page(ctx, d, w, q.Paging, all.scanAbsence, func(a *postern.Absence) position {
		if w.letter == 'u' {
			return position{millis(a.UpdatedAt), a.Number}
		}
		return position{int64(a.From), a.Number}
	})
	if err == nil && q.Detail {
		err = d.breakDown(ctx, all, out.Items)
	}
	return out, d.db.fail(err, "absence", "")
}

// window is the bounds of the columns begins and ends, all included.
type window struct{ beginsFrom, beginsTo, endsFrom, endsTo int64 }

// within gives the bounds that a query sets.
func within(q *postern.AbsenceQuery) window {
	b := window{farPast, farFuture, farPast, farFuture}
	from, to := int64(q.Within.From), int64(q.Within.To)
	if to != 0 {
		b.beginsTo = to
	}
	switch {
	case q.Contained:
		if from != 0 {
			b.beginsFrom = from
		}
		if to != 0 {
			b.endsTo = to + 1 // its last moment lies within
		}
	case from != 0:
		b.endsFrom = from + 1
	}
	return b
}

// absenceWalk chooses the index that leaves the fewest rows to look at.
func (d *Directory) absenceWalk(q *postern.AbsenceQuery, all *types) *walk {
	b, kinds := within(q), all.chosen(q)
	updatedFrom, updatedTo := times(q.Updated)
	w := d.walk("absences", absenceColumns, 'b', "begins", "number")
	filterKinds := len(kinds) < len(all.list)
	switch {
	case len(kinds) == 0: // no branch, no absence
		return w
	case len(q.IDs) > 0:
		branches(w, "id", b.beginsFrom, b.beginsTo, q.IDs)
	case len(q.Numbers) > 0:
		branches(w, "number", b.beginsFrom, b.beginsTo, q.Numbers)
	case len(q.People) > 0:
		branches(w, "person", b.beginsFrom, b.beginsTo, q.People)
	case updatedFrom != farPast || updatedTo != farFuture:
		w = d.walk("absences", absenceColumns, 'u', "updated_at", "number")
		w.branch(updatedFrom, updatedTo)
	case filterKinds && q.Within == (postern.LocalRange{}):
		branches(w, "type", b.beginsFrom, b.beginsTo, kinds)
		filterKinds = false
	default:
		w.equal = []string{"length"}
		for class := range len(lengths) + 1 {
			w.branch(max(b.beginsFrom, earliest(b.endsFrom, class)), b.beginsTo, int64(class))
		}
	}
	f := &w.filter
	if w.letter == 'u' {
		f.between("begins", b.beginsFrom, b.beginsTo)
	} else {
		f.between("updated_at", updatedFrom, updatedTo)
	}
	if slices.Equal(w.equal, []string{"length"}) {
		// The index has the ends too, and what ends before the window is passed over there.
		f.bounds("ends", b.endsFrom, b.endsTo)
	} else {
		f.between("ends", b.endsFrom, b.endsTo)
	}
	for _, list := range []struct {
		column string
		values []int64
		set    bool
	}{
		{"number", q.Numbers, len(q.IDs) > 0}, {"person", numbersOf(q.People), len(q.IDs)+len(q.Numbers) > 0}, {"type", kinds, filterKinds},
	} {
		if list.set {
			oneOf(f, "+"+list.column, list.values)
		}
	}
	return w
}

// earliest gives when an absence of a class can have begun that ends at a moment or after.
func earliest(ends int64, class int) int64 {
	if class == len(lengths) {
		return farPast
	}
	return max(farPast, ends-lengths[class]*secondsOfDay)
}

func numbersOf(people []postern.PersonID) []int64 {
	all := make([]int64, len(people))
	for i, p := range people {
		all[i] = int64(p)
	}
	return all
}

// chosen gives the numbers of the types that a query is about.
func (t *types) chosen(q *postern.AbsenceQuery) (kinds []int64) {
	for i := range t.list {
		k := &t.list[i]
		if (q.Unit == "" || k.Unit == q.Unit) && (len(q.Types) == 0 || slices.Contains(q.Types, k.ID)) {
			kinds = append(kinds, k.Number)
		}
	}
	return kinds
}

// Absence gives an absence by its id, or NotFound.
func (d *Directory) Absence(ctx context.Context, id string) (postern.Absence, error) {
	all, err := d.types(ctx, d.db.read)
	if err != nil {
		return postern.Absence{}, d.db.fail(err, "absence", id)
	}
	return d.absence(ctx, d.db.read, all, id)
}

// Breakdown gives what an absence takes of each of its days. One without end is counted
// until today in the zone of the tenant. It fails with NotFound.
func (d *Directory) Breakdown(ctx context.Context, id string) ([]postern.AbsenceDay, error) {
	all, err := d.types(ctx, d.db.read)
	if err != nil {
		return nil, d.db.fail(err, "absence", id)
	}
	a, err := d.absence(ctx, d.db.read, all, id)
	if err != nil {
		return nil, err
	}
	one := []postern.Absence{a}
	if err := d.breakDown(ctx, all, one); err != nil {
		return nil, d.db.fail(err, "absence", id)
	}
	return one[0].Days, nil
}

// breakDown sets the days of absences.
func (d *Directory) breakDown(ctx context.Context, all *types, absences []postern.Absence) error {
	if len(absences) == 0 {
		return nil
	}
	today, err := d.today(ctx)
	if err != nil {
		return err
	}
	people := make([]postern.PersonID, len(absences))
	for i := range absences {
		people[i] = absences[i].Person
	}
	employments, err := d.employments(ctx, d.db.read, people, true)
	if err != nil {
		return err
	}
	for i := range absences {
		a := &absences[i]
		if t := all.byID[a.Type]; t != nil {
			a.Days = postern.Breakdown(a, t, employments[a.Person], d.holiday, today)
		}
	}
	return nil
}

// Balances gives what a person has left of every entitlement in this year of the
// tenant's zone, in the order of the types' numbers. It fails with NotFound.
func (d *Directory) Balances(ctx context.Context, person postern.PersonID) ([]postern.Balance, error) {
	balances, err := d.balances(ctx, person)
	return balances, d.db.fail(err, "person", "")
}

func (d *Directory) balances(ctx context.Context, person postern.PersonID) ([]postern.Balance, error) {
	if _, err := one(ctx, d.db.read, scanInt, `SELECT id FROM persons WHERE tenant = $1 AND id = $2`, d.tenant, int64(person)); err != nil {
		return nil, d.personErr(err, person)
	}
	today, err := d.today(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.types(ctx, d.db.read)
	if err != nil {
		return nil, err
	}
	employments, err := d.employments(ctx, d.db.read, []postern.PersonID{person}, true)
	if err != nil {
		return nil, err
	}
	first, last := postern.NewDate(today.Year(), 1, 1), postern.NewDate(today.Year(), 12, 31)
	absences, err := many(ctx, d.db.read, all.scanAbsence, selectAbsence+` AND person = $2 AND begins < $3 AND ends > $4`,
		d.tenant, int64(person), int64((last + 1).At(0)), int64(first.At(0)))
	if err != nil {
		return nil, err
	}
	var balances []postern.Balance
	for i := range all.list {
		if t := &all.list[i]; t.Entitlement > 0 {
			balances = append(balances, postern.BalanceOf(t, today.Year(), employments[person], absences, d.holiday))
		}
	}
	return balances, nil
}
