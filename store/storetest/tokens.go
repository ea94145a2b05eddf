package storetest

import (
	"context"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func revocation(tenant, id string) postern.Revocation {
	return postern.Revocation{Tenant: tenant, ClientID: "c1", TokenID: id, Until: at(1000)}
}

var revocationTests = []test{
	{"a token is revoked once", on(func(t *testing.T, db *store.DB) {
		ctx, r := t.Context(), revocation("acme", "t1")
		was, err := db.Revoked(ctx, "t1")
		must(t, err)
		fresh, err := db.Revoke(ctx, r, event(postern.ActTokenRevoked))
		must(t, err)
		is, err := db.Revoked(ctx, "t1")
		must(t, err)
		if was || !fresh || !is {
			t.Errorf("before %v, new %v, after %v; want false, true, true", was, fresh, is)
		}
		acted(t, db, "acme", postern.ActTokenRevoked)
		noted(t, db, postern.Change{Kind: postern.ChangeRevoked, Tenant: "acme", ID: "t1", Until: r.Until})
		unchanged(t, db, "acme", func() {
			fresh, err := db.Revoke(ctx, r, event(postern.ActTokenRevoked))
			must(t, err)
			same(t, fresh, false)
		})
		is, err = db.Revoked(ctx, "t\x00")
		must(t, err)
		same(t, is, false)
	})},
	{"of twenty that revoke one token one is told so", on(func(t *testing.T, db *store.DB) {
		won := make(chan bool, 20)
		for _, err := range together(20, func(int) error {
			fresh, err := db.Revoke(t.Context(), revocation("acme", "t1"), event(postern.ActTokenRevoked))
			won <- fresh
			return err
		}) {
			must(t, err)
		}
		n := 0
		for range 20 {
			if <-won {
				n++
			}
		}
		same(t, n, 1)
	})},
	{"revocations are listed in order while they matter, and then forgotten", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for _, id := range []string{"b", "9", "10", "a"} {
			_, err := db.Revoke(ctx, revocation("acme", id), event(postern.ActTokenRevoked))
			must(t, err)
		}
		old := revocation("other", "old")
		old.Until = at(500)
		_, err := db.Revoke(ctx, old, event(postern.ActTokenRevoked))
		must(t, err)
		list := func(now time.Time) []string {
			return pages(t, func(ctx context.Context, after string, n int) ([]postern.Revocation, error) {
				return db.Revocations(ctx, now, after, n)
			}, func(r postern.Revocation) string { return r.TokenID })
		}
		same(t, list(at(499)), []string{"10", "9", "a", "b", "old"})
		same(t, list(at(500)), []string{"10", "9", "a", "b"})
		got, err := db.Revocations(ctx, at(0), "b", 1)
		must(t, err)
		same(t, got, []postern.Revocation{old})
		must(t, db.Prune(ctx, at(500)))
		same(t, list(at(0)), []string{"10", "9", "a", "b"})
		must(t, db.Prune(ctx, at(1000)))
		same(t, list(at(0)), []string(nil))
	})},
}

func live(slot, id string, issued, expires int64) *postern.LiveToken {
	return &postern.LiveToken{Tenant: "acme", ClientID: "c1", Slot: slot, TokenID: id, Sealed: "sealed " + id,
		IssuedAt: at(issued), ExpiresAt: at(expires)}
}

func withLive(now int64, l *postern.LiveToken) *postern.Entry {
	return &postern.Entry{Live: l, Event: postern.Event{
		Tenant: "acme", At: at(now), Action: postern.ActTokenIssued, ClientID: "c1", TokenID: l.TokenID}}
}

// onClient is on, with a client c1 of acme.
func onClient(run func(t *testing.T, db *store.DB)) func(t *testing.T, d Database) {
	return on(func(t *testing.T, db *store.DB) {
		must(t, db.CreateClient(t.Context(), postern.Client{ID: "c1", Tenant: "acme", Subject: "s1"}, event(postern.ActClientCreated)))
		run(t, db)
	})
}

func wantLive(t testing.TB, db *store.DB, slot string, now int64, want *postern.LiveToken) {
	t.Helper()
	got, err := db.LiveToken(t.Context(), "acme", "c1", slot, at(now))
	if want == nil {
		wantCode(t, err, postern.NotFound)
		return
	}
	must(t, err)
	same(t, got, *want)
}

var liveTests = []test{
	{"a live token is kept with its event and answered until it expires", onClient(func(t *testing.T, db *store.DB) {
		first := live("s", "t1", 10, 100)
		e := withLive(10, first)
		must(t, db.Append(t.Context(), []*postern.Entry{e}))
		same(t, e.Live, first)
		same(t, e.Event.Action, postern.ActTokenIssued)
		wantLive(t, db, "s", 99, first)
		wantLive(t, db, "s", 100, nil)
		wantLive(t, db, "s2", 50, nil)
		_, err := db.LiveToken(t.Context(), "other", "c1", "s", at(50))
		wantCode(t, err, postern.NotFound)
	})},
	{"a slot that lives answers for the newcomer, and gives way when it has expired", onClient(func(t *testing.T, db *store.DB) {
		ctx, first := t.Context(), live("s", "t1", 10, 100)
		twin := withLive(10, live("s", "t2", 10, 100)) // in the same batch
		must(t, db.Append(ctx, []*postern.Entry{withLive(10, first), twin}))
		late := withLive(99, live("s", "t3", 99, 200))
		must(t, db.Append(ctx, []*postern.Entry{late}))
		for _, e := range []*postern.Entry{twin, late} {
			same(t, e.Live, first)
			same(t, []string{e.Event.Action, e.Event.TokenID}, []string{postern.ActTokenReused, "t1"})
		}
		evs, err := db.Events(ctx, postern.EventFilter{Tenant: "acme", Limit: 2})
		must(t, err)
		same(t, evs, []postern.Event{late.Event, twin.Event})
		next := live("s", "t4", 100, 200)
		must(t, db.Append(ctx, []*postern.Entry{withLive(100, next)}))
		wantLive(t, db, "s", 150, next)
		report, err := db.VerifyChain(ctx, "acme", nil)
		must(t, err)
		same(t, report.Problem, "")
	})},
	{"of twenty live tokens for one slot one wins", onClient(func(t *testing.T, db *store.DB) {
		all := make([]*postern.Entry, 20)
		for i := range all {
			all[i] = withLive(10, live("s", "t"+itoa(i), 10, 100))
		}
		for _, err := range together(len(all), func(i int) error {
			return db.Append(t.Context(), []*postern.Entry{all[i]})
		}) {
			must(t, err)
		}
		issued := 0
		for _, e := range all {
			if e.Event.Action == postern.ActTokenIssued {
				issued++
			}
			same(t, e.Live, all[0].Live)
			same(t, e.Event.TokenID, e.Live.TokenID)
		}
		same(t, issued, 1)
	})},
	{"an append that fails leaves its entries as they came", onClient(func(t *testing.T, db *store.DB) {
		must(t, db.Append(t.Context(), []*postern.Entry{withLive(10, live("s", "t1", 10, 100))}))
		mine := live("s", "t2", 20, 100)
		reused, bad := withLive(20, mine), withLive(20, live("broken\x00", "t3", 20, 100))
		want := reused.Event
		if err := db.Append(t.Context(), []*postern.Entry{reused, bad}); err == nil {
			t.Fatal("no error")
		}
		same(t, reused.Event, want)
		same(t, reused.Live, mine)
		report, err := db.VerifyChain(t.Context(), "acme", nil)
		must(t, err)
		same(t, report.Problem, "")
	})},
	{"revoking, disabling and deleting forget live tokens", forgetLive()},
	{"a live token that was revoked before it was kept does not live", onClient(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		_, err := db.ChangeClient(ctx, "acme", "c1", event(postern.ActClientRevoked), func(c *postern.Client) error {
			c.NotBefore = at(20)
			return nil
		})
		must(t, err)
		stale := live("s", "t1", 20, 100) // issued by a node that did not know yet
		must(t, db.Append(ctx, []*postern.Entry{withLive(20, stale)}))
		wantLive(t, db, "s", 21, nil)
		next := live("s", "t2", 21, 100)
		e := withLive(21, next)
		must(t, db.Append(ctx, []*postern.Entry{e}))
		same(t, e.Event.Action, postern.ActTokenIssued)
		wantLive(t, db, "s", 22, next)
	})},
	{"expired live tokens are pruned", func(t *testing.T, d Database) {
		onClient(func(t *testing.T, db *store.DB) {
			must(t, db.Append(t.Context(), []*postern.Entry{
				withLive(10, live("a", "t1", 10, 100)), withLive(10, live("b", "t2", 10, 101))}))
			must(t, db.Prune(t.Context(), at(100)))
			var left string
			must(t, d.SQL.QueryRowContext(t.Context(), `SELECT MIN(slot) FROM live_tokens`).Scan(&left))
			same(t, left, "b")
			wantLive(t, db, "b", 50, live("b", "t2", 10, 101))
		})(t, d)
	}},
}

func forgetLive() func(t *testing.T, d Database) {
	ways := map[string]func(ctx context.Context, db *store.DB) error{
		"token": func(ctx context.Context, db *store.DB) error {
			_, err := db.Revoke(ctx, revocation("acme", "t1"), event(postern.ActTokenRevoked))
			return err
		},
		"client revoked": func(ctx context.Context, db *store.DB) error {
			_, err := db.ChangeClient(ctx, "acme", "c1", event(postern.ActClientRevoked),
				func(c *postern.Client) error { c.NotBefore = at(5); return nil })
			return err
		},
		"client disabled": func(ctx context.Context, db *store.DB) error {
			_, err := db.ChangeClient(ctx, "acme", "c1", event(postern.ActClientChanged),
				func(c *postern.Client) error { c.Disabled = true; return nil })
			return err
		},
		"client deleted": func(ctx context.Context, db *store.DB) error {
			return db.DeleteClient(ctx, "acme", "c1", event(postern.ActClientDeleted))
		},
		"tenant revoked": func(ctx context.Context, db *store.DB) error {
			_, err := db.ChangeTenant(ctx, "acme", event(postern.ActTenantRevoked),
				func(t *postern.Tenant) error { t.NotBefore = at(5); return nil })
			return err
		},
		"tenant disabled": func(ctx context.Context, db *store.DB) error {
			_, err := db.ChangeTenant(ctx, "acme", event(postern.ActTenantChanged),
				func(t *postern.Tenant) error { t.Disabled = true; return nil })
			return err
		},
	}
	return onClient(func(t *testing.T, db *store.DB) {
		_, err := db.ChangeClient(t.Context(), "acme", "c1", event(postern.ActClientChanged),
			func(c *postern.Client) error { c.Name = "kept"; return nil })
		must(t, err)
		for name, way := range ways {
			reset(t, db)
			kept := live("s", "t1", 10, 100)
			must(t, db.Append(t.Context(), []*postern.Entry{withLive(10, kept)}))
			wantLive(t, db, "s", 50, kept)
			must(t, way(t.Context(), db))
			if _, err := db.LiveToken(t.Context(), "acme", "c1", "s", at(50)); postern.CodeOf(err) != postern.NotFound {
				t.Errorf("%s: the live token is still there (%v)", name, err)
			}
		}
	})
}

// reset makes acme and c1 as they were.
func reset(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.CreateClient(t.Context(), postern.Client{ID: "c1", Tenant: "acme", Subject: "s1"}, event(postern.ActClientCreated))
	if postern.CodeOf(err) != postern.Conflict {
		must(t, err)
	}
	_, err = db.ChangeClient(t.Context(), "acme", "c1", event(postern.ActClientChanged),
		func(c *postern.Client) error { c.Disabled, c.NotBefore = false, time.Time{}; return nil })
	must(t, err)
	_, err = db.ChangeTenant(t.Context(), "acme", event(postern.ActTenantChanged),
		func(t *postern.Tenant) error { t.Disabled, t.NotBefore = false, time.Time{}; return nil })
	must(t, err)
}
