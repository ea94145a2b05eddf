package store

import (
	"context"
	"math/bits"
	"time"

	"postern.dev/postern"
)

// batch is what one Append works with. It is used again and again, because it is
// on the way of every token.
type batch struct {
	inserts *[7]string       // see auditInserts
	order   []*postern.Entry // by tenant
	buf     []byte           // entries as appendEntry writes them
	marks   []mark
	args    []any
	saved   []saved
}

// mark is where in buf an entry's body begins, and where it ends and its hash
// begins.
type mark struct{ body, end int }

// saved is an entry as it came, before a live token replaced its own.
type saved struct {
	entry *postern.Entry
	event postern.Event
	live  *postern.LiveToken
}

// write appends the batch to its chains.
func (b *batch) write(ctx context.Context, tx session) error {
	for rest := b.order; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Event.Tenant == rest[0].Event.Tenant {
			n++
		}
		if err := b.chain(ctx, tx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func scanTail(r scanner) (t tail, err error) { return t, r.Scan(&t.seq, &t.hash) }

// tail is the end of a chain: the number and the hash of its newest entry.
type tail struct {
	seq  int64
	hash string
}

// chain appends entries of one tenant.
func (b *batch) chain(ctx context.Context, tx session, entries []*postern.Entry) error {
	tenant := cleanText(entries[0].Event.Tenant)
	n := int64(len(entries))
	// This takes the chain for the rest of the transaction. The hash it gives is
	// still that of the entry before.
	t, err := one(ctx, tx, scanTail, `INSERT INTO audit_tails (tenant, seq, hash) VALUES ($1, $2, '')
		ON CONFLICT (tenant) DO UPDATE SET seq = audit_tails.seq + excluded.seq RETURNING seq, hash`, tenant, n)
	if err != nil {
		return err
	}
	if err := b.putLive(ctx, tx, entries); err != nil {
		return err
	}
	hash := b.encode(tenant, t.seq-n, t.hash, entries)
	if err := b.insert(ctx, tx); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE audit_tails SET hash = $2 WHERE tenant = $1`, tenant, hash)
	return err
}

// putLive keeps the live tokens of entries, or replaces them by the ones that live.
func (b *batch) putLive(ctx context.Context, tx session, entries []*postern.Entry) error {
	for _, e := range entries {
		if e.Event.At.IsZero() {
			e.Event.At = time.Now()
		}
		if e.Live == nil {
			continue
		}
		other, err := putLive(ctx, tx, e.Live, e.Event.At.UnixMilli())
		if err != nil {
			return err
		}
		if other != nil {
			b.saved = append(b.saved, saved{e, e.Event, e.Live})
			e.Live, e.Event.Action, e.Event.TokenID = other, postern.ActTokenReused, other.TokenID
		}
	}
	return nil
}

// encode numbers and hashes entries that follow the entry number last, prepares
// the arguments of their insert, and gives the hash of the newest.
func (b *batch) encode(tenant string, last int64, hash string, entries []*postern.Entry) string {
	b.buf, b.marks, b.args = b.buf[:0], b.marks[:0], b.args[:0]
	before := []byte(hash)
	for i, e := range entries {
		ev := &e.Event
		// These are columns as well, and the body must say the same.
		ev.Action, ev.ClientID = cleanText(ev.Action), cleanText(ev.ClientID)
		var m mark
		b.buf, m.body, m.end = appendEntry(b.buf, tenant, last+1+int64(i), before, ev)
		b.marks = append(b.marks, m)
		before = b.buf[m.end:]
	}
	text := string(b.buf) // one copy for all bodies and hashes
	var tenantArg any = tenant
	for i, e := range entries {
		ev, m := &e.Event, b.marks[i]
		ev.Seq, ev.Hash = last+1+int64(i), text[m.end:m.end+hashLength]
		b.args = append(b.args, tenantArg, ev.Seq, ev.At.UnixMilli(), ev.Action, ev.ClientID, text[m.body:m.end], ev.Hash)
	}
	return entries[len(entries)-1].Event.Hash
}

// Statements insert a power of two of rows, so that a few prepared ones do for
// every size.
const (
	auditWidth   = 7
	auditMaxRows = 64
)

// auditInserts makes the statements for 1, 2, 4 … auditMaxRows rows.
func auditInserts(engine string) (texts [7]string) {
	for i := range texts {
		texts[i] = `INSERT INTO audit (tenant, seq, at, action, client_id, body, hash) VALUES ` + values(engine, 1<<i, auditWidth)
	}
	return texts
}

// insert writes the rows that encode prepared.
func (b *batch) insert(ctx context.Context, tx session) error {
	for args, rows := b.args, auditMaxRows; len(args) > 0; {
		for rows*auditWidth > len(args) {
			rows /= 2
		}
		// Not tx.exec: encode makes nothing but storable text.
		if _, err := tx.ExecContext(ctx, b.inserts[bits.TrailingZeros(uint(rows))], args[:rows*auditWidth]...); err != nil {
			return err
		}
		args = args[rows*auditWidth:]
	}
	return nil
}

// undo gives the entries back as they came.
func (b *batch) undo() {
	for _, e := range b.order {
		e.Event.Seq, e.Event.Hash = 0, ""
	}
	for _, s := range b.saved {
		s.entry.Event, s.entry.Live = s.event, s.live
	}
}

// reset lets go of everything but the room it took.
func (b *batch) reset() {
	clear(b.order)
	clear(b.args[:cap(b.args)])
	clear(b.saved)
	b.order, b.args, b.saved = b.order[:0], b.args[:0], b.saved[:0]
	if cap(b.buf) > 1<<20 { // one day's odd giant is not kept forever
		b.buf = nil
	}
}
