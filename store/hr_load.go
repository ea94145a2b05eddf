package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"iter"
	"time"

	"postern.dev/postern"
)

// hrTransaction is how many rows of a load are one transaction.
const hrTransaction = 100_000

// Load adds rows fast, for a demo or a benchmark: it trusts them. No rule is checked,
// nothing is recorded in the audit trail, and nothing that is there is replaced. Rows get
// the numbers, ids and times that they lack; Person.Active is that of the employments that
// the person brings, if it brings any. A type of absence comes before its absences. Every
// 100,000 rows are one transaction, and those before a failure stay. It fails with
// Conflict for a number, an id or an address that is taken, with Invalid for an absence
// whose type is not there, and with NotFound when there is no such tenant.
func (d *Directory) Load(ctx context.Context, rows iter.Seq[Row]) (err error) {
	if e, ok := d.db.engine.(*sqliteEngine); ok {
		if err := e.setCache(ctx, loadCache); err != nil {
			return d.db.fail(err, "database", "")
		}
		defer func() {
			err = errors.Join(err, d.db.fail(e.setCache(context.WithoutCancel(ctx), sqliteWriterCache), "database", ""))
		}()
	}
	next, stop := iter.Pull(rows)
	defer stop()
	for more := true; more; {
		err := d.change(ctx, postern.Write{}, func(txCtx context.Context, tx *writing) error {
			l := newLoading(tx)
			for n := 0; n < hrTransaction; n++ {
				if err := ctx.Err(); err != nil { // a long transaction: the caller may leave in the middle
					return err
				}
				var row Row
				if row, more = next(); !more {
					break
				}
				if err := l.add(txCtx, row); err != nil {
					return err
				}
			}
			return l.flush(txCtx)
		})
		if err != nil {
			return d.db.fail(err, "row", "")
		}
	}
	if d.db.name == PostgreSQL { // it would choose by what it knew of the tables before
		return d.db.fail(d.analyze(ctx), "database", "")
	}
	return nil
}

// analyze lets PostgreSQL look at what was loaded.
func (d *Directory) analyze(ctx context.Context) error {
	return d.db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `ANALYZE persons, employments, absence_types, absences, attendances`)
		return err
	})
}

// bulk is rows of one table that wait for their statement.
type bulk struct {
	insert string // up to the values
	width  int
	text   string // of a whole statement
	args   []any
}

// loading is a transaction of a load.
type loading struct {
	tx      *writing
	rows    int // of a statement; see LoadClients
	id      [6]byte
	counter uint32
	persons, employments, types,
	absences, attendances bulk
}

func newLoading(tx *writing) *loading {
	l := &loading{tx: tx, rows: loadRows,
		persons:     bulk{insert: `INSERT INTO persons (tenant, ` + personColumns + `) VALUES `, width: personWidth},
		employments: bulk{insert: `INSERT INTO employments (tenant, ` + employmentColumns + `) VALUES `, width: employmentWidth},
		types:       bulk{insert: `INSERT INTO absence_types (tenant, ` + typeColumns + `) VALUES `, width: typeWidth},
		absences:    bulk{insert: `INSERT INTO absences (tenant, ` + absenceColumns + `) VALUES `, width: absenceWidth},
		attendances: bulk{insert: `INSERT INTO attendances (tenant, ` + attendanceColumns + `) VALUES `, width: attendanceWidth},
	}
	if tx.d.db.name == SQLite {
		l.rows = 1
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(l.id[:], ms[2:])
	return l
}

// nextID makes an id that follows the ones before (RFC 9562 section 5.7), so that the
// index of a big table grows at its end and not all over.
func (l *loading) nextID() string {
	var b [16]byte
	_, _ = rand.Read(b[11:]) // never fails
	copy(b[:], l.id[:])
	l.counter++
	n := l.counter
	b[6], b[7] = 0x70|byte(n>>28), byte(n>>20)
	b[8], b[9], b[10] = 0x80|byte(n>>14)&0x3f, byte(n>>6), byte(n<<2)
	return uuid(b)
}

// add prepares one row, and writes those that wait once they are enough.
func (l *loading) add(ctx context.Context, row Row) (err error) {
	switch r := row.(type) {
	case PersonRow:
		return l.person(ctx, &r.Person)
	case EmploymentRow:
		return l.employment(ctx, &r.Employment)
	case AbsenceTypeRow:
		t := &r.AbsenceType
		l.identify(&t.ID, &t.Number, &l.tx.last.types)
		stampRow(&t.CreatedAt, &t.UpdatedAt, l.tx.now)
		l.types.args, err = typeArgs(l.types.args, l.tx.d.tenant, t)
		if err == nil {
			err = l.types.send(ctx, l.tx, 1) // the next row may be of it
		}
		l.tx.types = nil
		return err
	case AbsenceRow:
		return l.absence(ctx, &r.Absence)
	case AttendanceRow:
		a := &r.Attendance
		l.identify(&a.ID, &a.Number, &l.tx.last.attendances)
		stampRow(&a.CreatedAt, &a.UpdatedAt, l.tx.now)
		if a.Date == 0 {
			a.Date = a.From.Date()
		}
		if a.Zone == "" {
			if a.Zone, err = l.tx.clock(ctx); err != nil {
				return err
			}
		}
		if a.Status == "" {
			a.Status = postern.Confirmed
		}
		if l.attendances.args, err = attendanceArgs(l.attendances.args, l.tx.d.tenant, a); err != nil {
			return err
		}
		return l.attendances.send(ctx, l.tx, l.rows)
	}
	return nil
}

// identify gives a row the id and the number that it lacks.
func (l *loading) identify(id *string, number, last *int64) {
	if *id == "" {
		*id = l.nextID()
	}
	if *number == 0 {
		*number = *last + 1
	}
	*last = max(*last, *number)
}

func (l *loading) person(ctx context.Context, p *postern.Person) (err error) {
	if p.ID == 0 {
		p.ID = postern.PersonID(l.tx.last.persons + 1)
	}
	l.tx.last.persons = max(l.tx.last.persons, int64(p.ID))
	stampRow(&p.CreatedAt, &p.UpdatedAt, l.tx.now)
	var newest *postern.Employment
	for i := range p.Employments {
		e := &p.Employments[i]
		e.Person = p.ID
		if newest == nil || newestFirst(*e, *newest) < 0 {
			newest = e
		}
		if err := l.employment(ctx, e); err != nil {
			return err
		}
	}
	if newest != nil {
		p.Active = newest.Works()
	}
	if l.persons.args, err = personArgs(l.persons.args, l.tx.d.tenant, p); err != nil {
		return err
	}
	return l.persons.send(ctx, l.tx, l.rows)
}

func (l *loading) employment(ctx context.Context, e *postern.Employment) (err error) {
	if e.ID == "" {
		e.ID = l.nextID()
	}
	stampRow(&e.CreatedAt, &e.UpdatedAt, l.tx.now)
	if l.employments.args, err = employmentArgs(l.employments.args, l.tx.d.tenant, e); err != nil {
		return err
	}
	return l.employments.send(ctx, l.tx, l.rows)
}

func (l *loading) absence(ctx context.Context, a *postern.Absence) error {
	t, err := l.tx.needType(ctx, a.Type)
	if err != nil {
		return err
	}
	l.identify(&a.ID, &a.Number, &l.tx.last.absences)
	if err := l.tx.completeAbsence(ctx, a, t); err != nil {
		return err
	}
	if l.absences.args, err = absenceArgs(l.absences.args, l.tx.d.tenant, a, t.Number); err != nil {
		return err
	}
	return l.absences.send(ctx, l.tx, l.rows)
}

// flush writes what waits.
func (l *loading) flush(ctx context.Context) error {
	for _, b := range []*bulk{&l.persons, &l.employments, &l.types, &l.absences, &l.attendances} {
		for len(b.args) > 0 {
			if err := b.send(ctx, l.tx, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// send writes the rows that wait if they are so many, in one statement. What is left at
// the end goes row by row: texts of every size would be kept for nothing.
func (b *bulk) send(ctx context.Context, tx *writing, rows int) error {
	if len(b.args) < rows*b.width {
		return nil
	}
	text := b.text
	if text == "" || rows == 1 {
		text = b.insert + values(tx.d.db.name, rows, b.width)
	}
	if rows > 1 {
		b.text = text
	}
	if _, err := tx.exec(ctx, text, b.args[:rows*b.width]...); err != nil {
		return err
	}
	b.args = append(b.args[:0], b.args[rows*b.width:]...)
	return nil
}

// Reset forgets everything of the tenant that the HR API knows, and begins its numbers
// anew. The sandbox and its request log stay. It fails with NotFound when there is no
// such tenant.
func (d *Directory) Reset(ctx context.Context, w postern.Write) error {
	err := d.change(ctx, w, func(ctx context.Context, tx *writing) error {
		for _, table := range []string{"attendances", "absences", "absence_types", "employments", "persons", "hr_keys"} {
			if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE tenant = $1`, d.tenant); err != nil {
				return err
			}
		}
		tx.last = numbers{}
		tx.did(postern.ActReset, "hr data")
		return nil
	})
	return d.db.fail(err, "tenant", d.tenant)
}
