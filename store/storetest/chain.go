package storetest

import (
	"context"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// length is that of the chain that is tampered with; more than one page of a
// verification would be slow to make for every case, and one test has that.
const length = 12

var chainTests = []test{
	{"a long chain is verified, and says how far it is", on(func(t *testing.T, db *store.DB) {
		for range 9 {
			must(t, db.Append(t.Context(), entries(256, "acme")))
		}
		var heard []int64
		r, err := db.VerifyChain(t.Context(), "acme", func(done int64) { heard = append(heard, done) })
		must(t, err)
		same(t, heard, []int64{1000, 2000, 2305})
		evs, err := db.Events(t.Context(), postern.EventFilter{Tenant: "acme", Limit: 1})
		must(t, err)
		same(t, r, postern.Chain{Tenant: "acme", Count: 2305, Head: evs[0].Hash})
		_, err = db.VerifyChain(t.Context(), "absent", nil)
		wantCode(t, err, postern.NotFound)
	})},
	{"the chains of all tenants are known, the system's too", func(t *testing.T, d Database) {
		db := d.Open(t)
		r, err := db.VerifyChain(t.Context(), postern.SystemTenant, nil)
		must(t, err)
		same(t, r, postern.Chain{Tenant: postern.SystemTenant})
		got, err := db.Chains(t.Context())
		must(t, err)
		same(t, got, []string(nil))
		on(func(*testing.T, *store.DB) {})(t, d)
		must(t, db.Append(t.Context(), entries(1, postern.SystemTenant)))
		got, err = db.Chains(t.Context())
		must(t, err)
		same(t, got, []string{postern.SystemTenant, "acme", "other"})
		_, err = d.SQL.ExecContext(t.Context(), `DELETE FROM audit_tails WHERE tenant = 'acme'`)
		must(t, err)
		got, err = db.Chains(t.Context())
		must(t, err)
		same(t, got, []string{postern.SystemTenant, "acme", "other"})
	}},
	tampering("nothing", 0),
	tampering("a changed byte", 5, `UPDATE audit SET body = REPLACE(body, 'client3', 'client4') WHERE tenant = 'acme' AND seq = 5`),
	tampering("a changed hash", 5, `UPDATE audit SET hash = REPLACE(hash, SUBSTR(hash, 1, 4), '----') WHERE tenant = 'acme' AND seq = 5`),
	tampering("a changed time", 5, `UPDATE audit SET at = at + 1 WHERE tenant = 'acme' AND seq = 5`),
	tampering("a changed action", 5, `UPDATE audit SET action = 'token.reused' WHERE tenant = 'acme' AND seq = 5`),
	tampering("a hidden client", 5, `UPDATE audit SET client_id = '' WHERE tenant = 'acme' AND seq = 5`),
	tampering("a shortened client", 5, `UPDATE audit SET client_id = 'client' WHERE tenant = 'acme' AND seq = 5`),
	tampering("a removed entry", 7, `DELETE FROM audit WHERE tenant = 'acme' AND seq = 7`),
	tampering("a removed beginning", 1, `DELETE FROM audit WHERE tenant = 'acme' AND seq = 1`),
	tampering("a cut end", 12, `DELETE FROM audit WHERE tenant = 'acme' AND seq = 12`),
	tampering("a cut end with a tail to match", 11, `DELETE FROM audit WHERE tenant = 'acme' AND seq = 12`,
		`UPDATE audit_tails SET seq = 11 WHERE tenant = 'acme'`),
	tampering("a removed tail", 1, `DELETE FROM audit_tails WHERE tenant = 'acme'`),
	tampering("a removed chain", 1, `DELETE FROM audit WHERE tenant = 'acme'`, `DELETE FROM audit_tails WHERE tenant = 'acme'`),
	tampering("a removed body of entries", 1, `DELETE FROM audit WHERE tenant = 'acme'`),
	tampering("swapped entries", 4, `UPDATE audit SET seq = 99 WHERE tenant = 'acme' AND seq = 4`,
		`UPDATE audit SET seq = 4 WHERE tenant = 'acme' AND seq = 6`, `UPDATE audit SET seq = 6 WHERE tenant = 'acme' AND seq = 99`),
	tampering("an entry put before the first", 0, copyEntry+`0, at, action, client_id, body, hash FROM audit WHERE tenant = 'acme' AND seq = 1`),
	tampering("an entry put behind the last", 13, copyEntry+`13, at, action, client_id, body, hash FROM audit WHERE tenant = 'acme' AND seq = 12`),
	tampering("a repeated entry", 13, copyEntry+`13, at, action, client_id, body, hash FROM audit WHERE tenant = 'acme' AND seq = 12`,
		`UPDATE audit_tails SET seq = 13 WHERE tenant = 'acme'`),
	tampering("an inserted entry", 9, `UPDATE audit SET seq = seq + 100 WHERE tenant = 'acme' AND seq >= 9`,
		`UPDATE audit SET seq = seq - 99 WHERE tenant = 'acme' AND seq >= 100`,
		copyEntry+`9, at, action, client_id, body, hash FROM audit WHERE tenant = 'acme' AND seq = 3`,
		`UPDATE audit_tails SET seq = 13 WHERE tenant = 'acme'`),
	tampering("another tenant's chain", 1, `DELETE FROM audit WHERE tenant = 'acme'`, `DELETE FROM audit_tails WHERE tenant = 'acme'`,
		`UPDATE audit SET tenant = 'acme' WHERE tenant = 'other'`, `UPDATE audit_tails SET tenant = 'acme' WHERE tenant = 'other'`),
}

const copyEntry = `INSERT INTO audit (tenant, seq, at, action, client_id, body, hash) SELECT tenant, `

// tampering makes a test that a verification finds what the statements did, at this
// entry and no other; first is 0 when nothing is wrong, and for entry 0.
func tampering(what string, first int64, statements ...string) test {
	claim := what + " is found in a chain"
	return test{claim, func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			must(t, db.Append(t.Context(), entries(length-1, "acme")))
			must(t, db.Append(t.Context(), entries(length-1, "other")))
			same(t, whole(t, db, "acme", "other"), []int64{length, length})
			for _, s := range statements {
				res, err := d.SQL.ExecContext(t.Context(), s)
				must(t, err)
				if n, _ := res.RowsAffected(); n == 0 {
					t.Fatalf("%s: no row", s)
				}
			}
			r, err := db.VerifyChain(t.Context(), "acme", nil)
			must(t, err)
			if r.BadSeq != first || (r.Problem != "") != (len(statements) > 0) {
				t.Errorf("got %+v, want a first bad entry %d", r, first)
			}
		})(t, d)
	}}
}

var changeTests = []test{
	{"changes are numbered and read in order", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		got, newest, err := db.Changes(ctx, 0, 10)
		must(t, err)
		want := []postern.Change{{Seq: 1, Kind: postern.ChangeTenant, Tenant: "acme", ID: "acme"},
			{Seq: 2, Kind: postern.ChangeTenant, Tenant: "other", ID: "other"}}
		same(t, got, want)
		same(t, newest, int64(2))
		got, newest, err = db.Changes(ctx, 0, 1)
		must(t, err)
		same(t, got, want[:1])
		same(t, newest, int64(2))
		for _, after := range []int64{2, -1} {
			got, newest, err = db.Changes(ctx, after, 10)
			must(t, err)
			same(t, len(got), 0)
			same(t, newest, int64(2))
		}
		_, _, err = db.Changes(ctx, 3, 10) // of a database that this one replaced
		wantCode(t, err, postern.Conflict)
	})},
	{"a reader of the feed misses nothing", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			const writers, each = 8, 5
			done, nodes := make(chan []error, 1), []*store.DB{db, d.Open(t)}
			go func() {
				done <- together(writers, func(i int) error {
					for n := range each {
						r := revocation("acme", "t"+itoa(i*each+n))
						if _, err := nodes[i%2].Revoke(t.Context(), r, event(postern.ActTokenRevoked)); err != nil {
							return err
						}
					}
					return nil
				})
			}()
			var errs []error
			for last := int64(2); last < 2+writers*each; {
				if errs == nil {
					select {
					case errs = <-done:
						for _, err := range errs { // without all of them, this would wait for ever
							must(t, err)
						}
					default:
					}
				}
				got, _, err := db.Changes(t.Context(), last, 3)
				must(t, err)
				for _, c := range got {
					if c.Seq != last+1 {
						t.Fatalf("change %d follows %d", c.Seq, last)
					}
					last = c.Seq
				}
			}
			if errs == nil {
				errs = <-done
			}
			for _, err := range errs {
				must(t, err)
			}
		})(t, d)
	}},
	{"a feed that was trimmed says so", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.Prune(ctx, time.Now())) // nothing is old
		got, _, err := db.Changes(ctx, 0, 10)
		must(t, err)
		same(t, len(got), 2)
		must(t, db.Prune(ctx, time.Now().Add(2*time.Hour)))
		_, newest, err := db.Changes(ctx, 1, 10)
		wantCode(t, err, postern.Conflict)
		same(t, newest, int64(2))
		got, _, err = db.Changes(ctx, 2, 10)
		must(t, err)
		same(t, len(got), 0)
		_, err = db.Revoke(ctx, revocation("acme", "t1"), event(postern.ActTokenRevoked))
		must(t, err)
		got, _, err = db.Changes(ctx, 2, 10)
		must(t, err)
		same(t, len(got), 1)
	})},
	{"a node is woken by what another changed, where the engine can", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			wake := d.Open(t).Wake(ctx)
			if db.Engine() == store.SQLite {
				if wake != nil {
					t.Error("SQLite cannot tell")
				}
				cancel()
				return
			}
			<-wake // it listens
			_, err := db.Revoke(t.Context(), revocation("acme", "t1"), event(postern.ActTokenRevoked))
			must(t, err)
			<-wake
			cancel()
			for range wake { // it ends
			}
		})(t, d)
	}},
}
