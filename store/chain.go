package store

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	"postern.dev/postern"
)

// Chains gives the tenants that have an audit chain, or should have one, sorted by
// bytes.
func (db *DB) Chains(ctx context.Context) ([]string, error) {
	// The recursion jumps from tenant to tenant in the key of audit: it finds chains
	// whose tail was removed, without reading every entry.
	all, err := many(ctx, db.read, scanText, `
		WITH RECURSIVE t (tenant) AS (
			SELECT MIN(tenant) FROM audit
			UNION ALL
			SELECT (SELECT MIN(a.tenant) FROM audit a WHERE a.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL)
		SELECT tenant FROM t WHERE tenant IS NOT NULL
		UNION SELECT tenant FROM audit_tails
		UNION SELECT id FROM tenants`)
	slices.Sort(all)
	return all, db.fail(err, "audit chain", "")
}

// verifyPage is how many entries are read at once. Between pages nothing is held,
// so that verifying stops nobody from writing.
const verifyPage = 1000

// VerifyChain proves the chain of a tenant as it stands at the beginning: that no
// entry was changed, removed, inserted, moved or repeated, and that none is missing
// at its end. progress, which may be nil, hears the number of good entries after
// every page. A broken chain is a report, not an error; the error is NotFound when
// there is no such tenant, or that of the database.
func (db *DB) VerifyChain(ctx context.Context, tenant string, progress func(done int64)) (postern.Chain, error) {
	report := postern.Chain{Tenant: tenant}
	ends, err := one(ctx, db.read, scanEnds, `SELECT
			COALESCE((SELECT seq FROM audit_tails WHERE tenant = $1), 0),
			COALESCE((SELECT hash FROM audit_tails WHERE tenant = $1), ''),
			COALESCE((SELECT MAX(seq) FROM audit WHERE tenant = $1), 0),
			(SELECT COUNT(*) FROM tenants WHERE id = $1)`, tenant)
	if err != nil {
		return report, db.fail(err, "tenant", tenant)
	}
	if ends.tail.seq == 0 && ends.newest == 0 {
		switch {
		case ends.tenants > 0:
			return bad(report, 1, "the chain is empty, and every tenant's begins with its creation"), nil
		case tenant != postern.SystemTenant:
			return report, postern.Errorf(postern.NotFound, "there is no audit chain of %q", postern.Shorten(tenant, 100))
		}
	}
	v := verifier{report: report}
	for after := int64(math.MinInt64); v.report.Problem == ""; {
		rows, err := many(ctx, db.read, scanEntry, `SELECT seq, at, action, client_id, body, hash FROM audit
			WHERE tenant = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4`, tenant, after, ends.newest, verifyPage)
		if err != nil {
			return v.report, db.fail(err, "audit chain", "")
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			if v.check(&rows[i], ends.tail.seq); v.report.Problem != "" {
				return v.report, nil
			}
		}
		after = rows[len(rows)-1].seq
		if progress != nil {
			progress(v.report.Count)
		}
	}
	return v.finish(ends.tail), nil
}

func bad(r postern.Chain, seq int64, problem string, args ...any) postern.Chain {
	r.BadSeq, r.Problem = seq, fmt.Sprintf(problem, args...)
	return r
}

// chainEnds is both ends of the truth: what the tail says and what is there, read
// at the same instant, because others append meanwhile.
type chainEnds struct {
	tail    tail
	newest  int64
	tenants int64 // 1 when the tenant exists
}

func scanEnds(r scanner) (e chainEnds, err error) {
	return e, r.Scan(&e.tail.seq, &e.tail.hash, &e.newest, &e.tenants)
}

type entryRow struct {
	seq, at                      int64
	action, clientID, body, hash string
}

func scanEntry(r scanner) (e entryRow, err error) {
	return e, r.Scan(&e.seq, &e.at, &e.action, &e.clientID, &e.body, &e.hash)
}

type verifier struct {
	report postern.Chain
	buf    []byte
}

// check compares one entry with the one before and with its own columns.
func (v *verifier) check(e *entryRow, last int64) {
	r, want := &v.report, v.report.Count+1
	switch {
	case e.seq < want:
		*r = bad(*r, e.seq, "entry %d should not be there: entries are numbered from 1", e.seq)
		return
	case e.seq > last:
		if want <= last {
			*r = bad(*r, want, "entry %d is missing", want)
		} else {
			*r = bad(*r, e.seq, "entry %d was put behind the end of the chain, which is at %d", e.seq, last)
		}
		return
	case e.seq > want:
		*r = bad(*r, want, "entry %d is missing", want)
		return
	}
	var end int
	v.buf, end = appendStored(v.buf[:0], r.Tenant, e.seq, r.Head, e.body)
	if string(v.buf[end:]) != e.hash {
		*r = bad(*r, e.seq, "the hash of entry %d does not follow from the entry and the one before it", e.seq)
		return
	}
	if !v.columnsAgree(e) {
		*r = bad(*r, e.seq, "entry %d is filed under another time, action or client than it says", e.seq)
		return
	}
	r.Count, r.Head = e.seq, e.hash
}

// columnsAgree says whether the columns that events are found by repeat the body.
// Every body begins with them, so it need not be decoded.
func (v *verifier) columnsAgree(e *entryRow) bool {
	ev := postern.Event{At: fromMillis(e.at), Action: e.action, ClientID: e.clientID}
	v.buf = appendEvent(v.buf[:0], &ev)
	begin := v.buf[:len(v.buf)-1]
	rest, ok := bytes.CutPrefix([]byte(e.body), begin)
	if !ok || len(rest) == 0 || rest[0] != ',' && rest[0] != '}' {
		return false
	}
	return e.clientID != "" || !bytes.HasPrefix(rest, []byte(`,"client_id":`))
}

// finish compares the last entry with the tail.
func (v *verifier) finish(t tail) postern.Chain {
	r := v.report
	switch {
	case r.Problem != "":
	case r.Count < t.seq:
		return bad(r, r.Count+1, "entry %d is missing: the chain was cut; it had %d", r.Count+1, t.seq)
	case r.Head != t.hash:
		return bad(r, r.Count, "entry %d is not the one the chain ended with", r.Count)
	}
	return r
}
