package store

import (
	"context"
	"database/sql"
	"errors"

	"postern.dev/postern"
)

const selectPerson = `SELECT ` + personColumns + ` FROM persons WHERE tenant = $1 AND `

// Persons gives persons in the order of their number; of those that were created or
// changed in a stretch of time, in the order in which they were. It fails with Invalid
// for bounds and positions that cannot be.
func (d *Directory) Persons(ctx context.Context, q postern.PersonQuery) (out postern.Page[postern.Person], err error) {
	w, err := d.personWalk(&q)
	if err != nil {
		return out, err
	}
	out, err = page(ctx, d, w, q.Paging, scanPerson, func(p *postern.Person) position {
		switch w.letter {
		case 'u':
			return position{millis(p.UpdatedAt), int64(p.ID)}
		case 'c':
			return position{millis(p.CreatedAt), int64(p.ID)}
		}
		return position{int64(p.ID)}
	})
	if err == nil {
		err = d.employ(ctx, out.Items, q.Detail)
	}
	return out, d.db.fail(err, "person", "")
}

// employ gives persons their employments, in one further query.
func (d *Directory) employ(ctx context.Context, persons []postern.Person, whole bool) error {
	ids := make([]postern.PersonID, len(persons))
	for i := range persons {
		ids[i] = persons[i].ID
	}
	all, err := d.employments(ctx, d.db.read, ids, whole)
	for i := range persons {
		persons[i].Employments = all[persons[i].ID]
	}
	return err
}

// personWalk chooses the index that leaves the fewest rows to look at.
func (d *Directory) personWalk(q *postern.PersonQuery) (*walk, error) {
	if err := checkLists(len(q.IDs), len(q.Emails)); err != nil {
		return nil, err
	}
	emails := make([]string, len(q.Emails))
	for i, e := range q.Emails {
		emails[i] = postern.CanonicalEmail(e)
	}
	updatedFrom, updatedTo := times(q.Updated)
	createdFrom, createdTo := times(q.Created)
	byNumber := func() *walk { return d.walk("persons", personColumns, 'n', "id") }
	var w *walk
	one := func(column, value string) {
		w = byNumber()
		branches(w, column, farPast, farFuture, []string{value})
	}
	switch {
	case len(q.IDs) > 0:
		w = byNumber()
		branches(w, "id", farPast, farFuture, q.IDs)
	case len(emails) > 0:
		w = byNumber()
		w.also = " AND email <> ''" // of the index
		branches(w, "email", farPast, farFuture, emails)
	case q.LastName != "":
		one("last_name", q.LastName)
	case q.FirstName != "":
		one("first_name", q.FirstName)
	case q.PreferredName != "":
		one("preferred_name", q.PreferredName)
		w.also = " AND preferred_name <> ''"
	case updatedFrom != farPast || updatedTo != farFuture:
		w = d.walk("persons", personColumns, 'u', "updated_at", "id")
		w.branch(updatedFrom, updatedTo)
	case createdFrom != farPast || createdTo != farFuture:
		w = d.walk("persons", personColumns, 'c', "created_at", "id")
		w.branch(createdFrom, createdTo)
	case q.Active != nil:
		w = byNumber()
		w.equal = []string{"active"}
		w.branch(farPast, farFuture, *q.Active)
	default:
		w = byNumber()
		w.branch(farPast, farFuture)
	}
	f := &w.filter
	if w.letter != 'u' {
		f.between("updated_at", updatedFrom, updatedTo)
	}
	if w.letter != 'c' {
		f.between("created_at", createdFrom, createdTo)
	}
	for _, name := range []struct{ column, value string }{
		{"first_name", q.FirstName}, {"last_name", q.LastName}, {"preferred_name", q.PreferredName}} {
		if !f.lean || name.value != "" {
			f.also("(? = '' OR "+name.column+" || '' = ?)", cleanText(name.value), cleanText(name.value))
		}
	}
	if !f.lean || q.Active != nil {
		f.also("(active AND ? OR NOT active AND ?)", q.Active == nil || *q.Active, q.Active == nil || !*q.Active)
	}
	if len(q.IDs) > 0 {
		oneOf(f, "email", emails)
	}
	return w, nil
}

// Person gives one person, with whole employments, or NotFound.
func (d *Directory) Person(ctx context.Context, id postern.PersonID) (postern.Person, error) {
	p, err := one(ctx, d.db.read, scanPerson, selectPerson+`id = $2`, d.tenant, int64(id))
	if err != nil {
		return postern.Person{}, d.personErr(err, id)
	}
	whole := []postern.Person{p}
	err = d.employ(ctx, whole, true)
	return whole[0], d.db.fail(err, "person", "")
}

func (d *Directory) personErr(err error, id postern.PersonID) error {
	if errors.Is(err, sql.ErrNoRows) {
		return postern.Errorf(postern.NotFound, "there is no person %d", id)
	}
	return d.db.fail(err, "person", "")
}

// CreatePerson adds a person and their employments, and gives the number, whatever the
// person brought. It fails with Invalid for a person or an employment that cannot be
// and for a supervisor who is not there, and with Conflict when the address is taken.
func (d *Directory) CreatePerson(ctx context.Context, p postern.Person, w postern.Write) (postern.PersonID, error) {
	p.ID = 0
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		number, err := tx.once(ctx, "person", p, func() (int64, error) {
			if _, err := tx.putPerson(ctx, &p, nil); err != nil {
				return 0, err
			}
			tx.did(postern.ActPersonCreated, "person %d", p.ID)
			return int64(p.ID), nil
		})
		p.ID = postern.PersonID(number)
		return err
	})
	return p.ID, d.db.fail(err, "person", "")
}

// putPerson adds a person, or replaces the one of that number, and says whether it was
// added. Employments replace those with their id; others stay. Supervisors who may come
// later are given to later, where there is one.
func (tx *writing) putPerson(ctx context.Context, p *postern.Person, later func(person postern.PersonID, employment string, supervisor postern.PersonID)) (created bool, err error) {
	var old *postern.Person
	if p.ID != 0 {
		if old, err = tx.person(ctx, p.ID); err != nil {
			return false, err
		}
	}
	if p.ID < 0 {
		return false, wrong("id", "%d is no number of a person", p.ID)
	}
	if err := tx.checkPerson(ctx, p); err != nil {
		return false, err
	}
	created = old == nil
	if p.ID == 0 {
		p.ID = postern.PersonID(tx.last.persons + 1)
	}
	mine, err := tx.prepareEmployments(ctx, p, later != nil)
	if err != nil {
		return false, err
	}
	tx.last.persons = max(tx.last.persons, int64(p.ID))
	if tx.known != nil {
		tx.known[p.ID] = true
	}
	stampRow(&p.CreatedAt, &p.UpdatedAt, tx.now)
	if old != nil {
		p.CreatedAt = old.CreatedAt
	}
	p.Active = len(mine) > 0 && mine[0].Works()
	args, err := personArgs(nil, tx.d.tenant, p)
	if err != nil {
		return false, err
	}
	if created {
		_, err = tx.exec(ctx, `INSERT INTO persons (tenant, `+personColumns+`) VALUES `+values(tx.d.db.name, 1, personWidth), args...)
	} else {
		err = tx.updatePerson(ctx, args)
	}
	for i := range p.Employments {
		if err != nil {
			return false, err
		}
		err = tx.storeEmployment(ctx, &p.Employments[i], created, later)
	}
	return created, err
}

func (tx *writing) updatePerson(ctx context.Context, args []any) error {
	_, err := tx.exec(ctx, `UPDATE persons SET email = $3, first_name = $4, last_name = $5, preferred_name = $6,
		active = $7, created_at = $8, updated_at = $9, doc = $10 WHERE tenant = $1 AND id = $2`, args...)
	return err
}

// person gives a person without employments, nil when there is none.
func (tx *writing) person(ctx context.Context, id postern.PersonID) (*postern.Person, error) {
	p, err := one(ctx, tx.session, scanPerson, selectPerson+`id = $2`, tx.d.tenant, int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}

// checkPerson holds a person against the rules, and their address against the others'.
func (tx *writing) checkPerson(ctx context.Context, p *postern.Person) error {
	if err := p.Check(); err != nil || p.Email == "" {
		return err
	}
	other, err := one(ctx, tx.session, scanInt,
		`SELECT id FROM persons WHERE tenant = $1 AND email = $2 AND email <> ''`, tx.d.tenant, p.Email)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err == nil && other != int64(p.ID):
		e := postern.Errorf(postern.Conflict, "person %d has that e-mail address", other)
		e.Param = "email"
		return e.WithHint("change that person, or use another address")
	}
	return err
}

// isPerson says whether a person is there.
func (tx *writing) isPerson(ctx context.Context, id postern.PersonID) (bool, error) {
	if tx.known[id] {
		return true, nil
	}
	n, err := one(ctx, tx.session, scanInt, `SELECT COUNT(*) FROM persons WHERE tenant = $1 AND id = $2`, tx.d.tenant, int64(id))
	if tx.known != nil && n > 0 {
		tx.known[id] = true
	}
	return n > 0, err
}

// needPerson fails with Invalid unless a person that something refers to is there.
func (tx *writing) needPerson(ctx context.Context, param string, id postern.PersonID) error {
	there, err := tx.isPerson(ctx, id)
	if err == nil && !there {
		return wrong(param, "there is no person %d", id).WithHint("use the id of a person of this tenant")
	}
	return err
}

// ChangePerson changes what c says. It fails with NotFound, with Invalid for what a
// person cannot be, and with Conflict when the address is taken.
func (d *Directory) ChangePerson(ctx context.Context, id postern.PersonID, c postern.PersonChange, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		p, err := tx.person(ctx, id)
		switch {
		case err != nil:
			return err
		case p == nil:
			return d.personErr(sql.ErrNoRows, id)
		}
		if err := c.Apply(p); err != nil {
			return err
		}
		if err := tx.checkPerson(ctx, p); err != nil {
			return err
		}
		p.UpdatedAt = tx.now
		args, err := personArgs(nil, d.tenant, p)
		if err != nil {
			return err
		}
		tx.did(postern.ActPersonChanged, "person %d", id)
		return tx.updatePerson(ctx, args)
	})
	return d.db.fail(err, "person", "")
}

// DeletePerson forgets a person and everything about them: employments, absences and
// attendance, and that they supervise or stand in for others. It fails with NotFound.
func (d *Directory) DeletePerson(ctx context.Context, id postern.PersonID, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		n, err := tx.exec(ctx, `DELETE FROM persons WHERE tenant = $1 AND id = $2`, d.tenant, int64(id))
		if err != nil {
			return err
		}
		if n == 0 {
			return d.personErr(sql.ErrNoRows, id)
		}
		for _, text := range []string{
			`DELETE FROM employments WHERE tenant = $1 AND person = $2`,
			`DELETE FROM absences WHERE tenant = $1 AND person = $2`,
			`DELETE FROM attendances WHERE tenant = $1 AND person = $2`,
		} {
			if _, err := tx.exec(ctx, text, d.tenant, int64(id)); err != nil {
				return err
			}
		}
		for _, text := range []string{
			`UPDATE employments SET supervisor = 0, updated_at = $3 WHERE tenant = $1 AND supervisor = $2 AND supervisor <> 0`,
			`UPDATE absences SET substitute = 0, updated_at = $3 WHERE tenant = $1 AND substitute = $2 AND substitute <> 0`,
		} {
			if _, err := tx.exec(ctx, text, d.tenant, int64(id), millis(tx.now)); err != nil {
				return err
			}
		}
		tx.did(postern.ActPersonDeleted, "person %d", id)
		return nil
	})
	return d.db.fail(err, "person", "")
}
