package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"postern.dev/postern"
)

// Row is a noun of a Directory on its way into it: one of PersonRow, EmploymentRow,
// AbsenceTypeRow, AbsenceRow and AttendanceRow.
type Row interface{ row() }

// PersonRow and its kin make rows of the nouns.
type (
	// PersonRow is a person, with the employments that it has.
	PersonRow struct{ postern.Person }
	// EmploymentRow is an employment of the person it names.
	EmploymentRow struct{ postern.Employment }
	// AbsenceTypeRow is a type of absence.
	AbsenceTypeRow struct{ postern.AbsenceType }
	// AbsenceRow is an absence.
	AbsenceRow struct{ postern.Absence }
	// AttendanceRow is a period of attendance.
	AttendanceRow struct{ postern.Attendance }
)

func (PersonRow) row()      {}
func (EmploymentRow) row()  {}
func (AbsenceTypeRow) row() {}
func (AbsenceRow) row()     {}
func (AttendanceRow) row()  {}

// ImportOptions says how rows are imported. The zero value stores all of them or none.
type ImportOptions struct {
	Write postern.Write
	// DryRun stores nothing, and reports as if it did.
	DryRun bool
	// Partial stores the rows that are good although others are not, 1,000 at a time.
	Partial bool
	// Progress, which may be nil, hears how many rows were looked at, now and then.
	Progress func(done int)
}

// ImportReport is what an import did, or would have done.
type ImportReport struct {
	Created, Updated int // rows that are good
	// Failed are the rows that are not, in the order of their lines, at most MaxRowErrors
	// of them; Bad counts all.
	Failed []RowError
	Bad    int
}

// MaxRowErrors bounds ImportReport.Failed.
const MaxRowErrors = 1000

// RowError is why a row cannot be stored.
type RowError struct {
	Line  int
	Param string // the field at fault, if one is
	Err   error  // an *Error that is safe for whoever asked
}

// Sizes of an import.
const (
	importBatch    = 1000    // rows of one transaction where some may fail
	importProgress = 200     // rows between two words of progress
	importKnown    = 2000000 // persons that are remembered to be there
)

// errDiscard ends a transaction that is to leave nothing.
var errDiscard = errors.New("the import is not to be stored")

// Import stores rows, each under the number of its line, by the rules that single writes
// have. A row that brings the id or the number of something that is there replaces it; any
// other is added, under the id and the number that it brings or new ones. Whom a row refers
// to comes before it, but a supervisor may also come later.
//
// Every row is looked at, and a bad one is in the report, not in the error. Unless
// opt.Partial is set, everything is one transaction and nothing is stored when a row is
// bad: on SQLite nobody else writes meanwhile. With it, a row whose supervisor never comes
// is stored without them. The error is that of the database, or NotFound when there is no
// such tenant.
func (d *Directory) Import(ctx context.Context, rows iter.Seq2[int, Row], opt ImportOptions) (ImportReport, error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	im := &importing{d: d, opt: opt, caller: ctx, next: next, known: map[postern.PersonID]bool{}}
	for more := true; more; {
		before := im.report
		err := d.change(ctx, opt.Write, func(ctx context.Context, tx *writing) (err error) {
			tx.known = im.known
			if more, err = im.some(ctx, tx); err != nil {
				return err
			}
			if !more {
				err = im.link(ctx, tx)
			}
			if err == nil && (opt.DryRun && !more || im.report.Bad > 0 && !opt.Partial) {
				return errDiscard
			}
			if created, updated := im.report.Created-before.Created, im.report.Updated-before.Updated; created+updated > 0 {
				tx.did(postern.ActImported, "hr data")
				tx.event.Detail = fmt.Sprintf("%d rows created, %d updated", created, updated)
			}
			return err
		})
		if err != nil && !errors.Is(err, errDiscard) {
			return im.report, d.db.fail(err, "row", "")
		}
	}
	if opt.Progress != nil {
		opt.Progress(im.done)
	}
	slices.SortStableFunc(im.report.Failed, func(a, b RowError) int { return cmp.Compare(a.Line, b.Line) })
	return im.report, nil
}

// importing is an import under way.
type importing struct {
	d      *Directory
	opt    ImportOptions
	caller context.Context // who may leave in the middle of a long transaction
	next   func() (int, Row, bool)
	done   int
	report ImportReport
	known  map[postern.PersonID]bool
	links  []link
}

// link is a supervisor who had not come yet.
type link struct {
	line       int
	person     postern.PersonID
	employment string
	supervisor postern.PersonID
}

// some imports the rows of one transaction and says whether there may be more.
func (im *importing) some(ctx context.Context, tx *writing) (more bool, err error) {
	if len(im.known) > importKnown {
		clear(im.known)
	}
	for n := 0; !im.opt.Partial || im.opt.DryRun || n < importBatch; n++ {
		if err := im.caller.Err(); err != nil {
			return false, err
		}
		line, row, ok := im.next()
		if !ok {
			return false, nil
		}
		created, err := im.put(ctx, tx, line, row)
		switch {
		case err == nil && created:
			im.report.Created++
		case err == nil:
			im.report.Updated++
		case !im.refused(line, err):
			return false, err
		}
		if im.done++; im.done%importProgress == 0 && im.opt.Progress != nil {
			im.opt.Progress(im.done)
		}
	}
	return true, nil
}

// put stores one row and says whether it was added.
func (im *importing) put(ctx context.Context, tx *writing, line int, row Row) (created bool, err error) {
	later := func(person postern.PersonID, employment string, supervisor postern.PersonID) {
		im.links = append(im.links, link{line, person, employment, supervisor})
	}
	switch r := row.(type) {
	case PersonRow:
		return tx.putPerson(ctx, &r.Person, later)
	case EmploymentRow:
		return tx.putEmployment(ctx, &r.Employment, later)
	case AbsenceTypeRow:
		return tx.putType(ctx, &r.AbsenceType)
	case AbsenceRow:
		return tx.putAbsence(ctx, &r.Absence)
	case AttendanceRow:
		return tx.putAttendance(ctx, &r.Attendance)
	}
	return false, fmt.Errorf("a %T is no row", row) // impossible: the interface is sealed
}

// refused reports a bad row, and says whether err is that and not of the database.
func (im *importing) refused(line int, err error) bool {
	e, ok := errors.AsType[*postern.Error](err)
	if !ok || e.Code != postern.Invalid && e.Code != postern.Conflict && e.Code != postern.NotFound {
		return false
	}
	if im.report.Bad++; len(im.report.Failed) < MaxRowErrors {
		im.report.Failed = append(im.report.Failed, RowError{Line: line, Param: e.Param, Err: e})
	}
	return true
}

// link gives employments the supervisors who came after them.
func (im *importing) link(ctx context.Context, tx *writing) error {
	for _, l := range im.links {
		if err := tx.needPerson(ctx, "supervisor", l.supervisor); err != nil {
			if im.refused(l.line, err) {
				continue
			}
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE employments SET supervisor = $4 WHERE tenant = $1 AND person = $2 AND id = $3`,
			im.d.tenant, int64(l.person), l.employment, int64(l.supervisor)); err != nil {
			return err
		}
	}
	return nil
}
