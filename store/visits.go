package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// Bounds of the request log.
const (
	visitsKept  = 2000 // of a tenant
	visitsAsked = 1000 // at once
	visitsRows  = 64   // of a statement
	visitWidth  = 4
)

type visitDoc struct {
	At        int64         `json:"at"`
	Method    string        `json:"method,omitempty"`
	Path      string        `json:"path,omitempty"`
	Status    int64         `json:"status,omitempty"`
	Took      time.Duration `json:"took,omitempty"`
	RequestID string        `json:"request_id,omitempty"`
	Note      string        `json:"note,omitempty"`
}

func scanVisit(r scanner) (v postern.Visit, err error) {
	var text string
	if err := r.Scan(&v.Tenant, &v.Seq, &v.ClientID, &text); err != nil {
		return v, err
	}
	var doc visitDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return v, fmt.Errorf("read visit %d of %s: %w", v.Seq, v.Tenant, err)
	}
	v.At, v.Method, v.Path, v.Status = fromMillis(doc.At), doc.Method, doc.Path, doc.Status
	v.Took, v.RequestID, v.Note = doc.Took, doc.RequestID, doc.Note
	return v, nil
}

// AddVisits keeps calls in the request logs of their tenants, in one transaction and in
// order, and forgets the oldest beyond the newest 2,000 of each. It fails with NotFound
// when one of the tenants is not there.
func (db *DB) AddVisits(ctx context.Context, visits []postern.Visit) error {
	if len(visits) == 0 {
		return nil
	}
	// Tenants are locked in one order, as in Append.
	sorted := slices.Clone(visits)
	slices.SortStableFunc(sorted, func(a, b postern.Visit) int { return strings.Compare(a.Tenant, b.Tenant) })
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		for len(sorted) > 0 {
			n := 1
			for n < len(sorted) && sorted[n].Tenant == sorted[0].Tenant {
				n++
			}
			some := sorted[:n]
			// More than are kept need not be written first.
			if err := db.addVisits(ctx, tx, some[max(0, n-visitsKept):]); err != nil {
				return err
			}
			sorted = sorted[n:]
		}
		return nil
	})
	return db.fail(err, "tenant", "")
}

// addVisits keeps calls of one tenant.
func (db *DB) addVisits(ctx context.Context, tx session, visits []postern.Visit) error {
	tenant := visits[0].Tenant
	last, err := one(ctx, tx, scanInt, `INSERT INTO visit_tails (tenant, seq) VALUES ($1, $2)
		ON CONFLICT (tenant) DO UPDATE SET seq = visit_tails.seq + excluded.seq RETURNING seq`, tenant, len(visits))
	if err != nil {
		return err
	}
	seq := last - int64(len(visits))
	for len(visits) > 0 {
		rows := visitsRows
		for rows > len(visits) {
			rows /= 2
		}
		args := make([]any, 0, rows*visitWidth)
		for i := range visits[:rows] {
			v := &visits[i]
			seq++
			text, err := document(visitDoc{millis(v.At), v.Method, v.Path, v.Status, v.Took, v.RequestID, v.Note})
			if err != nil {
				return err
			}
			args = append(args, tenant, seq, cleanText(v.ClientID), text)
		}
		if _, err := tx.exec(ctx, `INSERT INTO visits (tenant, seq, client_id, doc) VALUES `+values(db.name, rows, visitWidth), args...); err != nil {
			return err
		}
		visits = visits[rows:]
	}
	_, err = tx.exec(ctx, `DELETE FROM visits WHERE tenant = $1 AND seq <= $2`, tenant, last-visitsKept)
	return err
}

// Visits gives at most limit calls of a tenant, newest first: those of one client, or of
// all where it is empty. To go on, set before to the Seq of the last one; 0 begins with
// the newest. It fails with Invalid for a limit beyond 1 to 1000.
func (db *DB) Visits(ctx context.Context, tenant, clientID string, before int64, limit int) ([]postern.Visit, error) {
	if limit < 1 || limit > visitsAsked {
		return nil, wrong("limit", "calls are read 1 to %d at a time", visitsAsked)
	}
	if before <= 0 {
		before = math.MaxInt64
	}
	text, args := `SELECT tenant, seq, client_id, doc FROM visits WHERE tenant = $1 AND seq < $2`, []any{tenant, before, limit}
	if clientID != "" {
		text, args = text+` AND client_id = $4`, append(args, clientID)
	}
	all, err := many(ctx, db.read, scanVisit, text+` ORDER BY seq DESC LIMIT $3 + 0`, args...)
	return all, db.fail(err, "visit", "")
}
