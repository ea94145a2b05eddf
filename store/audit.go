package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"postern.dev/postern"
)

// Append makes entries durable in one transaction and in order; when it returns
// nil they survive a crash. It sets the time of an event that has none, and Seq and
// Hash of every event. Where a Live token meets another that lives, it replaces it
// by that one and makes the event say so (see postern.Entry). After an error the
// entries are as they came and none of them is kept, unless the connection was lost
// while committing.
func (db *DB) Append(ctx context.Context, entries []*postern.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	b := db.batches.Get().(*batch)
	defer func() {
		b.reset()
		db.batches.Put(b)
	}()
	for _, e := range entries {
		if e.Event.Tenant == "" {
			e.Event.Tenant = postern.SystemTenant
		}
		b.order = append(b.order, e)
	}
	// Chains are locked in one order, so that two nodes never wait for each other.
	slices.SortStableFunc(b.order, func(x, y *postern.Entry) int { return cmp.Compare(x.Event.Tenant, y.Event.Tenant) })
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error { return b.write(ctx, tx) })
	if err != nil {
		b.undo()
	}
	return db.fail(err, "audit trail", "")
}

// record adds one event to the chain of a tenant.
func (db *DB) record(ctx context.Context, tx session, tenant string, ev postern.Event) error {
	ev.Tenant = tenant
	b := db.batches.Get().(*batch)
	defer func() {
		b.reset()
		db.batches.Put(b)
	}()
	b.order = append(b.order, &postern.Entry{Event: ev})
	return b.write(ctx, tx)
}

// Events gives events of one tenant, newest first. To go on, set Before to the Seq
// of the last one. A page without other filters costs the same however long the
// chain is; a filter reads the chain backwards until the page is full, because an
// index would cost every token. It fails with Invalid for a filter out of bounds.
func (db *DB) Events(ctx context.Context, f postern.EventFilter) ([]postern.Event, error) {
	if f.Limit == 0 {
		f.Limit = 100
	}
	if f.Tenant == "" || f.Limit < 1 || f.Limit > 1000 {
		return nil, postern.Errorf(postern.Invalid, "events are read for one tenant, 1 to 1000 at a time")
	}
	if f.Before <= 0 {
		f.Before = math.MaxInt64
	}
	args := []any{f.Tenant, f.Before, f.Limit}
	var where strings.Builder
	also := func(condition string, v any) {
		args = append(args, v)
		fmt.Fprintf(&where, " AND %s $%d", condition, len(args))
	}
	if f.Action != "" {
		also("action =", f.Action)
	}
	if f.ClientID != "" {
		also("client_id =", f.ClientID)
	}
	if !f.Since.IsZero() {
		also("at >=", f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		also("at <", f.Until.UnixMilli())
	}
	all, err := many(ctx, db.read, scanEvent, `SELECT tenant, seq, body, hash FROM audit
		WHERE tenant = $1 AND seq < $2`+where.String()+` ORDER BY seq DESC LIMIT $3`, args...)
	return all, db.fail(err, "event", "")
}

// eventRow is the body of an event. appendEvent writes it.
type eventRow struct {
	At        int64  `json:"at,omitempty"`
	Action    string `json:"action,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Actor     string `json:"actor,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	Dialect   string `json:"dialect,omitempty"`
	Grant     string `json:"grant,omitempty"`
	TokenID   string `json:"token_id,omitempty"`
	Scope     string `json:"scope,omitempty"`
	Audience  string `json:"audience,omitempty"`
	KeyID     string `json:"key_id,omitempty"`
	Via       string `json:"via,omitempty"`
	Source    string `json:"source,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Code      string `json:"code,omitempty"`
	Cause     string `json:"cause,omitempty"`
	Object    string `json:"object,omitempty"`
	Detail    string `json:"detail,omitempty"`
}

func scanEvent(r scanner) (ev postern.Event, err error) {
	var body string
	if err := r.Scan(&ev.Tenant, &ev.Seq, &body, &ev.Hash); err != nil {
		return ev, err
	}
	var e eventRow
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return ev, fmt.Errorf("read event %d of %s: %w", ev.Seq, ev.Tenant, err)
	}
	ev.At, ev.Action, ev.ClientID, ev.Actor, ev.UserID = fromMillis(e.At), e.Action, e.ClientID, e.Actor, e.UserID
	ev.Dialect, ev.Grant, ev.TokenID, ev.Scope, ev.Audience = e.Dialect, e.Grant, e.TokenID, e.Scope, e.Audience
	ev.KeyID, ev.Via, ev.Source, ev.RequestID = e.KeyID, e.Via, e.Source, e.RequestID
	ev.Code, ev.Cause, ev.Object, ev.Detail = postern.Code(e.Code), e.Cause, e.Object, e.Detail
	return ev, nil
}
