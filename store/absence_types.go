package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"postern.dev/postern"
)

const (
	typeColumns = `number, id, created_at, updated_at, doc`
	typeWidth   = 6 // with the tenant
	selectTypes = `SELECT ` + typeColumns + ` FROM absence_types WHERE tenant = $1`
)

type typeDoc struct {
	Name          string       `json:"name"`
	Category      string       `json:"category,omitempty"`
	Unit          postern.Unit `json:"unit"`
	NeedsApproval bool         `json:"needs_approval,omitempty"`
	HalfDays      bool         `json:"half_days,omitempty"`
	Entitlement   float64      `json:"entitlement,omitempty"`
}

func typeArgs(args []any, tenant string, t *postern.AbsenceType) ([]any, error) {
	text, err := document(typeDoc{t.Name, t.Category, t.Unit, t.NeedsApproval, t.HalfDays, t.Entitlement})
	return append(args, tenant, t.Number, t.ID, millis(t.CreatedAt), millis(t.UpdatedAt), text), err
}

func scanType(r scanner) (t postern.AbsenceType, err error) {
	var created, updated int64
	var text string
	if err := r.Scan(&t.Number, &t.ID, &created, &updated, &text); err != nil {
		return t, err
	}
	var doc typeDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return t, fmt.Errorf("read absence type %s: %w", t.ID, err)
	}
	t.Name, t.Category, t.Unit = doc.Name, doc.Category, doc.Unit
	t.NeedsApproval, t.HalfDays, t.Entitlement = doc.NeedsApproval, doc.HalfDays, doc.Entitlement
	t.CreatedAt, t.UpdatedAt = fromMillis(created), fromMillis(updated)
	return t, nil
}

// AbsenceTypes gives the types of absence in the order of their number.
func (d *Directory) AbsenceTypes(ctx context.Context, p postern.Paging) (postern.Page[postern.AbsenceType], error) {
	w := d.walk("absence_types", typeColumns, 't', "number")
	w.branch(farPast, farFuture)
	out, err := page(ctx, d, w, p, scanType, func(t *postern.AbsenceType) position { return position{t.Number} })
	return out, d.db.fail(err, "absence type", "")
}

// AbsenceType gives a type by its id, or NotFound.
func (d *Directory) AbsenceType(ctx context.Context, id string) (postern.AbsenceType, error) {
	t, err := one(ctx, d.db.read, scanType, selectTypes+` AND id = $2`, d.tenant, id)
	return t, d.db.fail(err, "absence type", id)
}

// types are the types of a tenant, of which there are few.
type types struct {
	list     []postern.AbsenceType
	byNumber map[int64]*postern.AbsenceType
	byID     map[string]*postern.AbsenceType
}

func (d *Directory) types(ctx context.Context, s session) (*types, error) {
	list, err := many(ctx, s, scanType, selectTypes, d.tenant)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b postern.AbsenceType) int { return cmp.Compare(a.Number, b.Number) })
	t := &types{list: list, byNumber: map[int64]*postern.AbsenceType{}, byID: map[string]*postern.AbsenceType{}}
	for i := range list {
		t.byNumber[list[i].Number], t.byID[list[i].ID] = &list[i], &list[i]
	}
	return t, nil
}

// kinds gives the types of the tenant, as this transaction knows them.
func (tx *writing) kinds(ctx context.Context) (*types, error) {
	if tx.types == nil {
		var err error
		if tx.types, err = tx.d.types(ctx, tx.session); err != nil {
			return nil, err
		}
	}
	return tx.types, nil
}

// needType gives the type that an absence is of, or Invalid.
func (tx *writing) needType(ctx context.Context, id string) (*postern.AbsenceType, error) {
	all, err := tx.kinds(ctx)
	if err != nil {
		return nil, err
	}
	if t := all.byID[id]; t != nil {
		return t, nil
	}
	return nil, wrong("absence_type", "there is no absence type %q", postern.Shorten(id, 40)).
		WithHint("use the id of an absence type of this tenant")
}

// putType adds a type, or replaces the one with its id or else its number, and says
// whether it was added. Its unit stays once there are absences of it.
func (tx *writing) putType(ctx context.Context, t *postern.AbsenceType) (created bool, err error) {
	if err := t.Check(); err != nil {
		return false, err
	}
	if t.Number < 0 {
		return false, wrong("number", "%d is no number of an absence type", t.Number)
	}
	if t.ID != "" {
		if err := checkID(t.ID); err != nil {
			return false, err
		}
	}
	all, err := tx.kinds(ctx)
	if err != nil {
		return false, err
	}
	old := all.byID[t.ID]
	if old == nil && t.ID == "" {
		old = all.byNumber[t.Number]
	}
	if other := all.byNumber[t.Number]; other != nil && other != old {
		return false, conflict("number", "the absence type %s has the number %d", other.ID, t.Number)
	}
	stampRow(&t.CreatedAt, &t.UpdatedAt, tx.now)
	if old != nil {
		return false, tx.replaceType(ctx, t, old)
	}
	if t.ID == "" {
		t.ID = newID()
	}
	if t.Number == 0 {
		t.Number = tx.last.types + 1
	}
	args, err := typeArgs(nil, tx.d.tenant, t)
	if err == nil {
		_, err = tx.exec(ctx, `INSERT INTO absence_types (tenant, `+typeColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`, args...)
	}
	tx.last.types, tx.types = max(tx.last.types, t.Number), nil
	return true, err
}

func (tx *writing) replaceType(ctx context.Context, t, old *postern.AbsenceType) error {
	if t.Unit != old.Unit {
		_, err := one(ctx, tx.session, scanInt, `SELECT number FROM absences WHERE tenant = $1 AND type = $2 LIMIT 1`,
			tx.d.tenant, old.Number)
		if err == nil {
			return conflict("unit", "there are absences of the type %s, which are counted in %s", old.ID, old.Unit)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	t.ID, t.Number, t.CreatedAt = old.ID, old.Number, old.CreatedAt
	args, err := typeArgs(nil, tx.d.tenant, t)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE absence_types SET id = $3, created_at = $4, updated_at = $5, doc = $6
			WHERE tenant = $1 AND number = $2`, args...)
	}
	tx.types = nil
	return err
}

// conflict makes a Conflict error about a field.
func conflict(param, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Conflict, format, args...)
	e.Param = param
	return e
}
