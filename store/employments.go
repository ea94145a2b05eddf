package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Employments gives the employments of a person, newest first. It fails with NotFound
// when there is no such person.
func (d *Directory) Employments(ctx context.Context, q postern.EmploymentQuery) (out postern.Page[postern.Employment], err error) {
	if err := checkPaging(q.Paging); err != nil {
		return out, err
	}
	if _, err := one(ctx, d.db.read, scanInt, `SELECT id FROM persons WHERE tenant = $1 AND id = $2`, d.tenant, int64(q.Person)); err != nil {
		return out, d.personErr(err, q.Person)
	}
	all, err := d.employments(ctx, d.db.read, []postern.PersonID{q.Person}, true)
	if err != nil {
		return out, d.db.fail(err, "employment", "")
	}
	from, to := times(q.Updated)
	for _, e := range all[q.Person] { // few: those of one person
		if at := millis(e.UpdatedAt); at < from || at > to || len(q.IDs) > 0 && !slices.Contains(q.IDs, e.ID) {
			continue
		}
		out.Items = append(out.Items, e)
	}
	out.Total = len(out.Items)
	if !q.Count {
		out.Total = 0
	}
	if q.After != "" {
		before, err := employmentAt(q.After)
		if err != nil {
			return postern.Page[postern.Employment]{}, err
		}
		out.Items = slices.DeleteFunc(out.Items, func(e postern.Employment) bool { return newestFirst(e, before) <= 0 })
	}
	out.Items = out.Items[min(q.Offset, len(out.Items)):]
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		last := out.Items[q.Limit-1]
		out.Next = "e" + strconv.FormatInt(int64(last.Start), 36) + "." + last.ID
	}
	return out, nil
}

// employmentAt reads a position among employments.
func employmentAt(s string) (postern.Employment, error) {
	if rest, ok := strings.CutPrefix(s, "e"); ok {
		if begins, id, ok := strings.Cut(rest, "."); ok {
			if n, err := strconv.ParseInt(begins, 36, 32); err == nil {
				return postern.Employment{Start: postern.Date(n), ID: id}, nil
			}
		}
	}
	return postern.Employment{}, badPosition(s)
}

// Employment gives one employment of a person, or NotFound.
func (d *Directory) Employment(ctx context.Context, person postern.PersonID, id string) (postern.Employment, error) {
	e, err := one(ctx, d.db.read, scanEmployment, `SELECT `+employmentColumns+` FROM employments
		WHERE tenant = $1 AND person = $2 AND id = $3`, d.tenant, int64(person), id)
	return e, d.employmentErr(err, person, id)
}

func (d *Directory) employmentErr(err error, person postern.PersonID, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return postern.Errorf(postern.NotFound, "person %d has no employment %q", person, postern.Shorten(id, 40))
	}
	return d.db.fail(err, "employment", id)
}

// ChangeEmployment changes what c says, and Person.Active with it. It fails with
// NotFound, and with Invalid for what an employment cannot be and for a supervisor who
// is not there.
func (d *Directory) ChangeEmployment(ctx context.Context, person postern.PersonID, id string, c postern.EmploymentChange, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		e, err := one(ctx, tx.session, scanEmployment, `SELECT `+employmentColumns+` FROM employments
			WHERE tenant = $1 AND person = $2 AND id = $3`, d.tenant, int64(person), id)
		if err != nil {
			return d.employmentErr(err, person, id)
		}
		if err := c.Apply(&e); err != nil {
			return err
		}
		if err := tx.checkEmployment(ctx, &e, false); err != nil {
			return err
		}
		e.UpdatedAt = tx.now
		if err := tx.storeEmployment(ctx, &e, false, nil); err != nil {
			return err
		}
		tx.did(postern.ActWorkChanged, "employment %s of person %d", id, person)
		return tx.settle(ctx, person)
	})
	return d.db.fail(err, "employment", id)
}

// checkEmployment holds an employment against the rules and looks for its supervisor,
// who may come later where the caller says so.
func (tx *writing) checkEmployment(ctx context.Context, e *postern.Employment, later bool) error {
	if err := e.Check(); err != nil {
		return err
	}
	if e.Holidays != "" && !tx.d.db.holidays.Known(e.Holidays) {
		return wrong("holidays", "there is no calendar of holidays %q", postern.Shorten(e.Holidays, 40)).
			WithHint("use one such as DE-BE or FR, or none")
	}
	if e.Supervisor == 0 || later {
		return nil
	}
	return tx.needPerson(ctx, "supervisor", e.Supervisor)
}

// prepareEmployments completes and checks the employments that a person brings, and
// gives all that the person will have, newest first.
func (tx *writing) prepareEmployments(ctx context.Context, p *postern.Person, later bool) ([]postern.Employment, error) {
	all, err := tx.d.employments(ctx, tx.session, []postern.PersonID{p.ID}, true)
	if err != nil {
		return nil, err
	}
	mine := all[p.ID]
	p.Employments = slices.Clone(p.Employments)
	for i := range p.Employments {
		e := &p.Employments[i]
		e.Person = p.ID
		if mine, err = tx.prepareEmployment(ctx, e, mine, later); err != nil {
			return nil, err
		}
	}
	return mine, nil
}

// prepareEmployment completes and checks an employment and puts it among the others of
// its person.
func (tx *writing) prepareEmployment(ctx context.Context, e *postern.Employment, mine []postern.Employment, later bool) ([]postern.Employment, error) {
	if e.ID == "" {
		e.ID = newID()
	}
	if err := checkID(e.ID); err != nil {
		return nil, err
	}
	if err := tx.checkEmployment(ctx, e, later); err != nil {
		return nil, err
	}
	stampRow(&e.CreatedAt, &e.UpdatedAt, tx.now)
	if i := slices.IndexFunc(mine, func(o postern.Employment) bool { return o.ID == e.ID }); i >= 0 {
		e.CreatedAt = mine[i].CreatedAt
		mine[i] = *e
	} else {
		mine = append(mine, *e)
	}
	slices.SortFunc(mine, newestFirst)
	return mine, nil
}

// storeEmployment writes an employment that was checked.
func (tx *writing) storeEmployment(ctx context.Context, e *postern.Employment, fresh bool, later func(postern.PersonID, string, postern.PersonID)) error {
	row := *e
	if later != nil && e.Supervisor != 0 {
		there, err := tx.isPerson(ctx, e.Supervisor)
		if err != nil {
			return err
		}
		if !there {
			later(e.Person, e.ID, e.Supervisor)
			row.Supervisor = 0
		}
	}
	args, err := employmentArgs(nil, tx.d.tenant, &row)
	if err != nil {
		return err
	}
	text := `INSERT INTO employments (tenant, ` + employmentColumns + `) VALUES ` + values(tx.d.db.name, 1, employmentWidth)
	if !fresh {
		text += ` ON CONFLICT (tenant, person, id) DO UPDATE SET begins = excluded.begins, supervisor = excluded.supervisor,
			created_at = excluded.created_at, updated_at = excluded.updated_at, doc = excluded.doc`
	}
	_, err = tx.exec(ctx, text, args...)
	return err
}

// putEmployment adds an employment to its person, or replaces the one with its id, and
// says whether it was added.
func (tx *writing) putEmployment(ctx context.Context, e *postern.Employment, later func(postern.PersonID, string, postern.PersonID)) (bool, error) {
	if e.Person > 0 {
		if err := tx.needPerson(ctx, "person", e.Person); err != nil {
			return false, err
		}
	}
	// One that brings its time was exported: its person is as the export says.
	touch := e.UpdatedAt.IsZero()
	all, err := tx.d.employments(ctx, tx.session, []postern.PersonID{e.Person}, true)
	if err != nil {
		return false, err
	}
	before := len(all[e.Person])
	mine, err := tx.prepareEmployment(ctx, e, all[e.Person], later != nil)
	if err != nil {
		return false, err
	}
	if err := tx.storeEmployment(ctx, e, false, later); err != nil {
		return false, err
	}
	return len(mine) > before, tx.activate(ctx, e.Person, mine, touch)
}

// settle sets Person.Active from the employments that are stored.
func (tx *writing) settle(ctx context.Context, person postern.PersonID) error {
	all, err := tx.d.employments(ctx, tx.session, []postern.PersonID{person}, true)
	if err != nil {
		return err
	}
	return tx.activate(ctx, person, all[person], true)
}

// activate sets Person.Active from all employments of a person, newest first. With touch
// the person has changed where it has.
func (tx *writing) activate(ctx context.Context, person postern.PersonID, mine []postern.Employment, touch bool) error {
	args := []any{tx.d.tenant, int64(person), len(mine) > 0 && mine[0].Works()}
	set := `active = $3`
	if touch {
		set, args = set+`, updated_at = $4`, append(args, millis(tx.now))
	}
	_, err := tx.exec(ctx, `UPDATE persons SET `+set+` WHERE tenant = $1 AND id = $2 AND active <> $3`, args...)
	return err
}

// stampRow gives a row the times that it lacks.
func stampRow(created, updated *time.Time, now time.Time) {
	if created.IsZero() {
		*created = now
	}
	if updated.IsZero() {
		*updated = now
	}
}
