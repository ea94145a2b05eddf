package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"postern.dev/postern"
)

const (
	absenceColumns = `number, id, person, type, begins, ends, length, status, substitute, updated_at, doc`
	absenceWidth   = 12 // with the tenant
	selectAbsence  = `SELECT ` + absenceColumns + ` FROM absences WHERE tenant = $1`
)

// openEnd is how an open end is stored: after everything.
const openEnd = 1 << 62

func endColumn(to postern.LocalTime) int64 {
	if to == 0 {
		return openEnd
	}
	return int64(to)
}

func fromEnd(ends int64) postern.LocalTime {
	if ends == openEnd {
		return 0
	}
	return postern.LocalTime(ends)
}

// lengths are the classes of absences by how long they are: one of class i lasts at most
// lengths[i] days. The last class is open. With the usual lengths as bounds, hardly an
// absence that is looked at for a window lies before it.
var lengths = [...]int64{1, 2, 3, 4, 5, 7, 10, 14, 21, 31, 62, 124, 248, 500, 1 << 20}

const secondsOfDay = 24 * 60 * 60

// lengthOf gives the class of a span.
func lengthOf(s postern.Span) int64 {
	if s.To == 0 {
		return int64(len(lengths))
	}
	for i, days := range lengths {
		if int64(s.To-s.From) <= days*secondsOfDay {
			return int64(i)
		}
	}
	return int64(len(lengths)) // impossible: no span is that long
}

type absenceDoc struct {
	Zone       string `json:"zone,omitempty"`
	Comment    string `json:"comment,omitempty"`
	Origin     string `json:"origin,omitempty"`
	CreatedBy  string `json:"created_by,omitempty"`
	CreatedAt  int64  `json:"created_at,omitempty"`
	ApprovedAt int64  `json:"approved_at,omitempty"`
}

func absenceArgs(args []any, tenant string, a *postern.Absence, typ int64) ([]any, error) {
	text, err := document(absenceDoc{a.Zone, a.Comment, a.Origin, a.CreatedBy, millis(a.CreatedAt), millis(a.ApprovedAt)})
	return append(args, tenant, a.Number, a.ID, int64(a.Person), typ, int64(a.From), endColumn(a.To), lengthOf(a.Span),
		string(a.Status), int64(a.Substitute), millis(a.UpdatedAt), text), err
}

// scanAbsence reads absences of the types that a tenant has.
func (t *types) scanAbsence(r scanner) (a postern.Absence, err error) {
	var typ, ends, length, updated int64
	var text string
	if err := r.Scan(&a.Number, &a.ID, &a.Person, &typ, &a.From, &ends, &length, &a.Status, &a.Substitute, &updated, &text); err != nil {
		return a, err
	}
	var doc absenceDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return a, fmt.Errorf("read absence %s: %w", a.ID, err)
	}
	if kind := t.byNumber[typ]; kind != nil { // a type made meanwhile has no absences that were asked for
		a.Type = kind.ID
	}
	a.To, a.UpdatedAt = fromEnd(ends), fromMillis(updated)
	a.Zone, a.Comment, a.Origin, a.CreatedBy = doc.Zone, doc.Comment, doc.Origin, doc.CreatedBy
	a.CreatedAt, a.ApprovedAt = fromMillis(doc.CreatedAt), fromMillis(doc.ApprovedAt)
	return a, nil
}

// absence reads an absence and its type, or fails with NotFound.
func (d *Directory) absence(ctx context.Context, s session, t *types, id string) (postern.Absence, error) {
	a, err := one(ctx, s, t.scanAbsence, selectAbsence+` AND id = $2`, d.tenant, id)
	if err != nil {
		return postern.Absence{}, d.db.fail(err, "absence", id)
	}
	return a, nil
}

// absenceByNumber reads an absence, nil when there is none.
func (tx *writing) absenceByNumber(ctx context.Context, t *types, number int64) (*postern.Absence, error) {
	a, err := one(ctx, tx.session, t.scanAbsence, selectAbsence+` AND number = $2`, tx.d.tenant, number)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &a, err
}
