package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"postern.dev/postern"
)

// Attendance gives a period by its id, or NotFound.
func (d *Directory) Attendance(ctx context.Context, id string) (postern.Attendance, error) {
	a, err := one(ctx, d.db.read, scanAttendance, selectAttendance+` AND id = $2`, d.tenant, id)
	return a, d.db.fail(err, "attendance", id)
}

// CreateAttendance adds a period with a new id and number, and gives it as it is stored:
// in the zone of the tenant where it names none, and waiting for approval unless w skips
// that. It fails with Invalid for a period that cannot be, does not fit beside the others
// or is of a person who is not there.
func (d *Directory) CreateAttendance(ctx context.Context, a postern.Attendance, w postern.Write) (postern.Attendance, error) {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		a.ID, a.Number, a.Status = "", 0, ""
		a.CreatedAt, a.UpdatedAt = time.Time{}, time.Time{}
		number, err := tx.once(ctx, "attendance", a, func() (int64, error) {
			if _, err := tx.putAttendance(ctx, &a); err != nil {
				return 0, err
			}
			tx.did(postern.ActTimeCreated, "attendance %s of person %d", a.ID, a.Person)
			return a.Number, nil
		})
		if err != nil || a.Number == number {
			return err
		}
		old, err := tx.attendanceBy(ctx, `number = $2`, number)
		if err == nil && old == nil {
			err = gone("attendance")
		}
		if err != nil {
			return err
		}
		a = *old
		return nil
	})
	if err != nil {
		return postern.Attendance{}, d.db.fail(err, "attendance", "")
	}
	return a, nil
}

// putAttendance adds a period, or replaces the one with its id or else its number, and
// says whether it was added.
func (tx *writing) putAttendance(ctx context.Context, a *postern.Attendance) (created bool, err error) {
	old, err := tx.sameAttendance(ctx, a)
	if err != nil {
		return false, err
	}
	if old != nil {
		a.ID, a.Number, a.CreatedAt = old.ID, old.Number, old.CreatedAt
	}
	if a.Zone == "" {
		if a.Zone, err = tx.clock(ctx); err != nil {
			return false, err
		}
	} else if _, err := postern.ParseZone(a.Zone); err != nil {
		return false, err
	}
	if a.Status == "" {
		a.Status = tx.confirmation()
	}
	if !slices.Contains(postern.AttendanceApprovals, a.Status) {
		return false, wrong("status", "there is no status %q of attendance", postern.Shorten(string(a.Status), 40))
	}
	stampRow(&a.CreatedAt, &a.UpdatedAt, tx.now)
	if err := tx.checkAttendance(ctx, a, old); err != nil {
		return false, err
	}
	if old != nil {
		return false, tx.updateAttendance(ctx, a)
	}
	if a.ID == "" {
		a.ID = newID()
	}
	if a.Number == 0 {
		a.Number = tx.last.attendances + 1
	}
	tx.last.attendances = max(tx.last.attendances, a.Number)
	args, err := attendanceArgs(nil, tx.d.tenant, a)
	if err == nil {
		_, err = tx.exec(ctx, insertAttendances(tx.d.db.name, 1), args...)
	}
	return true, err
}

func insertAttendances(engine string, rows int) string {
	return `INSERT INTO attendances (tenant, ` + attendanceColumns + `) VALUES ` + values(engine, rows, attendanceWidth)
}

// confirmation is the status of a period whose times were just set.
func (tx *writing) confirmation() postern.Approval {
	if tx.w.SkipApproval {
		return postern.Confirmed
	}
	return postern.Pending
}

// sameAttendance gives the stored period that a is a new version of, nil when a is new.
func (tx *writing) sameAttendance(ctx context.Context, a *postern.Attendance) (old *postern.Attendance, err error) {
	if a.Number < 0 {
		return nil, wrong("number", "%d is no number of a period", a.Number)
	}
	if a.ID != "" {
		if err := checkID(a.ID); err != nil {
			return nil, err
		}
		if old, err = tx.attendanceBy(ctx, `id = $2`, a.ID); err != nil {
			return nil, err
		}
	}
	if a.Number == 0 || old != nil && old.Number == a.Number {
		return old, nil
	}
	byNumber, err := tx.attendanceBy(ctx, `number = $2`, a.Number)
	switch {
	case err != nil || byNumber == nil && old == nil:
		return nil, err
	case byNumber != nil && a.ID == "":
		return byNumber, nil
	}
	return nil, conflict("number", "the number %d and the id %q are not of one period", a.Number, a.ID)
}

// checkAttendance holds a period against the rules and against the periods beside it,
// of which old is what it was before, or nil.
func (tx *writing) checkAttendance(ctx context.Context, a, old *postern.Attendance) error {
	if err := a.Check(); err != nil {
		return err
	}
	if apart := a.Date - a.From.Date(); apart < -1 || apart > 1 {
		return wrong("date", "the period from %s cannot count for %s", a.From, a.Date).
			WithHint("it counts for the day of its start, or the one before or after")
	}
	if old == nil {
		if err := tx.needPerson(ctx, "person", a.Person); err != nil {
			return err
		}
	} else if old.Person != a.Person {
		return wrong("person", "the period %s is of person %d", a.ID, old.Person).WithHint("delete it and record another")
	}
	around := a.Span
	if old != nil {
		around.From = min(around.From, old.From)
		if old.To == 0 || around.To != 0 && around.To < old.To {
			around.To = old.To
		}
	}
	beside, err := tx.beside(ctx, a.Person, around)
	if err != nil {
		return err
	}
	return a.Fits(beside)
}

// beside gives the periods of a person that overlap a span, or lie in one that does.
func (tx *writing) beside(ctx context.Context, person postern.PersonID, s postern.Span) ([]postern.Attendance, error) {
	from, to := int64(s.From)-int64(postern.MaxAttendance/time.Second), endColumn(s.To)
	if s.To == 0 {
		to = math.MaxInt64
	}
	// What began before and still runs has an index of its own.
	return many(ctx, tx.session, scanAttendance, selectAttendance+` AND person = $2 AND begins >= $3 AND begins < $4
		UNION ALL `+selectAttendance+` AND person = $2 AND begins < $3 AND ends = 4611686018427387904`,
		tx.d.tenant, int64(person), from, to)
}

func (tx *writing) updateAttendance(ctx context.Context, a *postern.Attendance) error {
	args, err := attendanceArgs(nil, tx.d.tenant, a)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE attendances SET id = $3, person = $4, kind = $5, begins = $6, ends = $7, day = $8,
		project = $9, status = $10, updated_at = $11, doc = $12 WHERE tenant = $1 AND number = $2`, args...)
	return err
}

// ChangeAttendance changes what c says. Where that is the times, the period waits for
// approval again unless w skips that. It fails as CreateAttendance does, with Invalid
// when breaks would lie outside the work, and with NotFound.
func (d *Directory) ChangeAttendance(ctx context.Context, id string, c postern.AttendanceChange, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		a, err := one(ctx, tx.session, scanAttendance, selectAttendance+` AND id = $2`, d.tenant, id)
		if err != nil {
			return err
		}
		before := a
		if err := c.Apply(&a); err != nil {
			return err
		}
		if a.Span != before.Span {
			a.Status = tx.confirmation()
		}
		if err := tx.checkAttendance(ctx, &a, &before); err != nil {
			return err
		}
		a.UpdatedAt = tx.now
		tx.did(postern.ActTimeChanged, "attendance %s of person %d", a.ID, a.Person)
		tx.event.Detail = changed(a.Span != before.Span, "times", a.Comment != before.Comment, "comment",
			a.Project != before.Project, "project", a.Status != before.Status, "status")
		return tx.updateAttendance(ctx, &a)
	})
	return d.db.fail(err, "attendance", id)
}

// DeleteAttendance forgets a period, and with work the breaks that lie in no other. It
// fails with NotFound.
func (d *Directory) DeleteAttendance(ctx context.Context, id string, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		a, err := one(ctx, tx.session, scanAttendance, selectAttendance+` AND id = $2`, d.tenant, id)
		if err != nil {
			return err
		}
		doomed := []int64{a.Number}
		if a.Type == postern.Work {
			beside, err := tx.beside(ctx, a.Person, a.Span)
			if err != nil {
				return err
			}
			doomed = append(doomed, orphans(&a, beside)...)
		}
		for _, number := range doomed {
			if _, err := tx.exec(ctx, `DELETE FROM attendances WHERE tenant = $1 AND number = $2`, d.tenant, number); err != nil {
				return err
			}
		}
		tx.did(postern.ActTimeDeleted, "attendance %s of person %d", a.ID, a.Person)
		if n := len(doomed) - 1; n > 0 {
			tx.event.Detail = fmt.Sprintf("with %d breaks in it", n)
		}
		return nil
	})
	return d.db.fail(err, "attendance", id)
}

// orphans gives the numbers of the breaks in work that lie in no other of beside.
func orphans(work *postern.Attendance, beside []postern.Attendance) (numbers []int64) {
	for i := range beside {
		b := &beside[i]
		if b.Type == postern.Break && work.Holds(b.Span) && !slices.ContainsFunc(beside, func(o postern.Attendance) bool {
			return o.ID != work.ID && o.Type == postern.Work && o.Status != postern.Rejected && o.Holds(b.Span)
		}) {
			numbers = append(numbers, b.Number)
		}
	}
	return numbers
}
