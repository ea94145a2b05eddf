package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// CreateAbsence adds an absence with a new id and number, and gives it as it is stored.
// What it lacks it gets: the zone of the tenant, the status that its type begins with,
// "API" as its author. It fails with Invalid for an absence that cannot be and for a
// person, type or substitute who is not there, and with Conflict for one that does not
// fit beside the others.
func (d *Directory) CreateAbsence(ctx context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		a.ID, a.Number, a.Status, a.Origin, a.ApprovedAt, a.Days = "", 0, "", "api", time.Time{}, nil
		a.CreatedAt, a.UpdatedAt = time.Time{}, time.Time{}
		number, err := tx.once(ctx, "absence", a, func() (int64, error) {
			if _, err := tx.putAbsence(ctx, &a); err != nil {
				return 0, err
			}
			tx.did(postern.ActAbsenceCreated, "absence %s of person %d", a.ID, a.Person)
			return a.Number, nil
		})
		if err != nil || a.Number == number {
			return err
		}
		return tx.again(ctx, &a, number)
	})
	if err != nil {
		return postern.Absence{}, d.db.fail(err, "absence", "")
	}
	return a, nil
}

// again reads the absence that an idempotency key made before.
func (tx *writing) again(ctx context.Context, a *postern.Absence, number int64) error {
	all, err := tx.kinds(ctx)
	if err != nil {
		return err
	}
	old, err := tx.absenceByNumber(ctx, all, number)
	switch {
	case err != nil:
		return err
	case old == nil:
		return gone("absence")
	}
	*a = *old
	return nil
}

// putAbsence adds an absence, or replaces the one with its id or else its number, and
// says whether it was added.
func (tx *writing) putAbsence(ctx context.Context, a *postern.Absence) (created bool, err error) {
	t, err := tx.needType(ctx, a.Type)
	if err != nil {
		return false, err
	}
	old, err := tx.sameAbsence(ctx, a)
	if err != nil {
		return false, err
	}
	if old != nil {
		a.ID, a.Number, a.CreatedAt = old.ID, old.Number, old.CreatedAt
	}
	if err := tx.completeAbsence(ctx, a, t); err != nil {
		return false, err
	}
	if err := tx.checkAbsence(ctx, a, t); err != nil {
		return false, err
	}
	if old != nil {
		return false, tx.updateAbsence(ctx, a, t)
	}
	if a.ID == "" {
		a.ID = newID()
	}
	if a.Number == 0 {
		a.Number = tx.last.absences + 1
	}
	tx.last.absences = max(tx.last.absences, a.Number)
	args, err := absenceArgs(nil, tx.d.tenant, a, t.Number)
	if err == nil {
		_, err = tx.exec(ctx, insertAbsences(tx.d.db.name, 1), args...)
	}
	return true, err
}

func insertAbsences(engine string, rows int) string {
	return `INSERT INTO absences (tenant, ` + absenceColumns + `) VALUES ` + values(engine, rows, absenceWidth)
}

// sameAbsence gives the stored absence that a is a new version of, nil when a is new.
func (tx *writing) sameAbsence(ctx context.Context, a *postern.Absence) (old *postern.Absence, err error) {
	all, err := tx.kinds(ctx)
	if err != nil {
		return nil, err
	}
	if a.Number < 0 {
		return nil, wrong("number", "%d is no number of an absence", a.Number)
	}
	if a.ID != "" {
		if err := checkID(a.ID); err != nil {
			return nil, err
		}
		found, err := tx.d.absence(ctx, tx.session, all, a.ID)
		if err == nil {
			old = &found
		} else if postern.CodeOf(err) != postern.NotFound {
			return nil, err
		}
	}
	if a.Number == 0 || old != nil && old.Number == a.Number {
		return old, nil
	}
	byNumber, err := tx.absenceByNumber(ctx, all, a.Number)
	switch {
	case err != nil || byNumber == nil && old == nil:
		return nil, err
	case byNumber != nil && a.ID == "":
		return byNumber, nil
	}
	return nil, conflict("number", "the number %d and the id %q are not of one absence", a.Number, a.ID)
}

// completeAbsence gives an absence what it lacks.
func (tx *writing) completeAbsence(ctx context.Context, a *postern.Absence, t *postern.AbsenceType) (err error) {
	if a.Zone == "" {
		if a.Zone, err = tx.clock(ctx); err != nil {
			return err
		}
	} else if _, err := postern.ParseZone(a.Zone); err != nil {
		return err
	}
	if a.CreatedBy == "" {
		a.CreatedBy = "API"
	}
	if a.Origin == "" {
		a.Origin = "api"
	}
	stampRow(&a.CreatedAt, &a.UpdatedAt, tx.now)
	if a.Status == "" {
		tx.decide(a, t)
	}
	if !slices.Contains(postern.AbsenceApprovals, a.Status) {
		return wrong("status", "there is no status %q of absences", postern.Shorten(string(a.Status), 40))
	}
	return nil
}

// decide sets the status that an absence has after its times were set.
func (tx *writing) decide(a *postern.Absence, t *postern.AbsenceType) {
	a.Status, a.ApprovedAt = t.InitialStatus(tx.w.SkipApproval), time.Time{}
	if a.Status == postern.Approved {
		a.ApprovedAt = tx.now
	}
}

// checkAbsence holds an absence against the rules and against the absences beside it.
func (tx *writing) checkAbsence(ctx context.Context, a *postern.Absence, t *postern.AbsenceType) error {
	if err := a.Check(t); err != nil {
		return err
	}
	if len(a.Origin) > postern.MaxName || len(a.CreatedBy) > postern.MaxName {
		return wrong("created_by", "the origin or the author is longer than %d bytes", postern.MaxName)
	}
	if err := tx.needPerson(ctx, "person", a.Person); err != nil {
		return err
	}
	if a.Substitute != 0 {
		if err := tx.needPerson(ctx, "substitute", a.Substitute); err != nil {
			return err
		}
	}
	all, err := tx.kinds(ctx)
	if err != nil {
		return err
	}
	var others []postern.Absence
	ask := func(column string, person postern.PersonID) error {
		some, err := many(ctx, tx.session, all.scanAbsence, selectAbsence+` AND `+column+` AND begins < $3 AND ends > $4`,
			tx.d.tenant, int64(person), endColumn(a.To), int64(a.From))
		others = append(others, some...)
		return err
	}
	if err := ask("person = $2", a.Person); err != nil {
		return err
	}
	if err := ask("substitute = $2 AND substitute <> 0", a.Person); err != nil {
		return err
	}
	if a.Substitute != 0 {
		if err := ask("person = $2", a.Substitute); err != nil {
			return err
		}
	}
	return a.Fits(others)
}

func (tx *writing) updateAbsence(ctx context.Context, a *postern.Absence, t *postern.AbsenceType) error {
	args, err := absenceArgs(nil, tx.d.tenant, a, t.Number)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE absences SET id = $3, person = $4, type = $5, begins = $6, ends = $7, length = $8,
		status = $9, substitute = $10, updated_at = $11, doc = $12 WHERE tenant = $1 AND number = $2`, args...)
	return err
}

// ChangeAbsence changes what c says. Where that is the times, it is decided about anew.
// It fails as CreateAbsence does, and with NotFound.
func (d *Directory) ChangeAbsence(ctx context.Context, id string, c postern.AbsenceChange, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		all, err := tx.kinds(ctx)
		if err != nil {
			return err
		}
		a, err := d.absence(ctx, tx.session, all, id)
		if err != nil {
			return err
		}
		t, before := all.byID[a.Type], a
		if t == nil {
			return postern.Errorf(postern.Internal, "the absence %s has no type", id) // impossible: types are not deleted
		}
		if err := c.Apply(&a, t); err != nil {
			return err
		}
		if a.Span != before.Span {
			tx.decide(&a, t)
		}
		if err := tx.checkAbsence(ctx, &a, t); err != nil {
			return err
		}
		a.UpdatedAt = tx.now
		tx.did(postern.ActAbsenceChanged, "absence %s of person %d", a.ID, a.Person)
		tx.event.Detail = changed(a.Span != before.Span, "times", a.Comment != before.Comment, "comment",
			a.Substitute != before.Substitute, "substitute", a.Status != before.Status, "status")
		return tx.updateAbsence(ctx, &a, t)
	})
	return d.db.fail(err, "absence", id)
}

// changed lists the names that follow a true.
func changed(pairs ...any) string {
	var names []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].(bool) {
			names = append(names, pairs[i+1].(string))
		}
	}
	return strings.Join(names, ", ")
}

// DeleteAbsence forgets an absence. It fails with NotFound.
func (d *Directory) DeleteAbsence(ctx context.Context, id string, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		person, err := one(ctx, tx.session, scanInt,
			`DELETE FROM absences WHERE tenant = $1 AND id = $2 RETURNING person`, d.tenant, id)
		if err != nil {
			return err
		}
		tx.did(postern.ActAbsenceDeleted, "absence %s of person %d", id, person)
		return nil
	})
	return d.db.fail(err, "absence", id)
}
