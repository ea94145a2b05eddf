package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"postern.dev/postern"
)

// Directory is the people of one tenant, in the database: a postern.Directory. Every
// statement of it names the tenant.
//
// A write locks the tenant's row of hr_tenants first, which also counts its persons and
// the other numbers, and records its event last: writers of one tenant come one after
// the other, and nobody waits for them who only issues tokens.
type Directory struct {
	db     *DB
	tenant string
}

// Directory gives the directory of a tenant. It asks nothing: of a tenant that does
// not exist nothing is found, and writing fails with NotFound.
func (db *DB) Directory(tenant string) *Directory { return &Directory{db: db, tenant: tenant} }

// now is the time of every write.
func (d *Directory) now() time.Time { return fromMillis(time.Now().UnixMilli()) }

// zone gives the zone of the tenant's walls, with its name.
func (d *Directory) zone(ctx context.Context, s session) (*time.Location, string, error) {
	name, err := one(ctx, s, scanText, `SELECT zone FROM tenants WHERE id = $1`, d.tenant)
	switch {
	case err != nil:
		return nil, "", d.db.fail(err, "tenant", d.tenant)
	case name == "":
		return time.UTC, "UTC", nil
	}
	loc, err := postern.ParseZone(name)
	return loc, name, err
}

// today gives the day that the walls of the tenant show.
func (d *Directory) today(ctx context.Context) (postern.Date, error) {
	loc, _, err := d.zone(ctx, d.db.read)
	if err != nil {
		return 0, err
	}
	return postern.DateOf(d.now().In(loc)), nil
}

// holiday says whether a day is one of a calendar.
func (d *Directory) holiday(calendar string, day postern.Date) bool {
	return calendar != "" && d.db.holidays.Is(calendar, day.At(0).In(time.UTC))
}

// numbers are the last ones given of each noun.
type numbers struct{ persons, types, absences, attendances int64 }

func scanNumbers(r scanner) (n numbers, err error) {
	return n, r.Scan(&n.persons, &n.types, &n.absences, &n.attendances)
}

// writing is a write of a Directory under way.
type writing struct {
	session
	d     *Directory
	w     postern.Write
	now   time.Time
	last  numbers
	zone  string
	types *types // nil until they are asked for
	// known are persons that are there, remembered by an import.
	known map[postern.PersonID]bool
	event postern.Event // its action is empty where nothing changed
}

// change runs do in one transaction in which nobody else writes to the tenant, and
// records the event that do leaves.
func (d *Directory) change(ctx context.Context, w postern.Write, do func(ctx context.Context, tx *writing) error) error {
	return d.db.engine.write(ctx, func(ctx context.Context, s session) error {
		tx := &writing{session: s, d: d, w: w, now: d.now()}
		var err error
		if tx.last, err = one(ctx, s, scanNumbers, `INSERT INTO hr_tenants
			(tenant, persons, absence_types, absences, attendances) VALUES ($1, 0, 0, 0, 0)
			ON CONFLICT (tenant) DO UPDATE SET persons = hr_tenants.persons
			RETURNING persons, absence_types, absences, attendances`, d.tenant); err != nil {
			return err
		}
		before := tx.last
		if err := do(ctx, tx); err != nil {
			return err
		}
		if n := tx.last; n != before {
			if _, err := tx.exec(ctx, `UPDATE hr_tenants SET persons = $2, absence_types = $3, absences = $4,
				attendances = $5 WHERE tenant = $1`, d.tenant, n.persons, n.types, n.absences, n.attendances); err != nil {
				return err
			}
		}
		if tx.event.Action == "" {
			return nil
		}
		return d.db.record(ctx, s, d.tenant, tx.event)
	})
}

// did sets the event of the write. The object and the detail hold nothing of a person
// but their number.
func (tx *writing) did(action, object string, args ...any) {
	tx.event = postern.Event{At: tx.now, Action: action, Actor: tx.w.Actor, ClientID: tx.w.ClientID,
		RequestID: tx.w.RequestID, Object: fmt.Sprintf(object, args...)}
}

// clock gives the name of the tenant's zone.
func (tx *writing) clock(ctx context.Context) (string, error) {
	if tx.zone == "" {
		var err error
		if _, tx.zone, err = tx.d.zone(ctx, tx.session); err != nil {
			return "", err
		}
	}
	return tx.zone, nil
}

// wrong makes an Invalid error about a field.
func wrong(param, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = param
	return e
}

// newID makes a random UUID (RFC 9562 section 5.4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid(b)
}

func uuid(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// checkID fails with Invalid for what is no UUID in its canonical form. Ids are stored
// as they are written, and compared so.
func checkID(id string) error {
	for i := range len(id) {
		c := id[i]
		switch dash := i == 8 || i == 13 || i == 18 || i == 23; {
		case dash && c == '-', !dash && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f'):
		default:
			return wrong("id", "%q is no UUID", postern.Shorten(id, 40)).WithHint("write it with lower-case digits and dashes")
		}
	}
	if len(id) != 36 {
		return wrong("id", "%q is no UUID", postern.Shorten(id, 40)).WithHint("it has 36 characters")
	}
	return nil
}
