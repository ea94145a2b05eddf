package storetest

import (
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

const upstreamKey = "0123456789abcdef0123456789abcdef"

func upstreamToken(version int64) postern.UpstreamToken {
	return postern.UpstreamToken{Key: upstreamKey, Upstream: "acme", Version: version, Sealed: "s1.sealed", ExpiresAt: at(60_000)}
}

var upstreamTests = []test{
	{"the token of an upstream is replaced by its next version only", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		_, err := db.UpstreamToken(ctx, upstreamKey)
		wantCode(t, err, postern.NotFound)
		wantCode(t, db.SaveUpstreamToken(ctx, upstreamToken(0)), postern.Invalid)
		wantCode(t, db.SaveUpstreamToken(ctx, upstreamToken(2)), postern.Conflict)
		for _, v := range []int64{1, 2, 3} {
			must(t, db.SaveUpstreamToken(ctx, upstreamToken(v)))
			got, err := db.UpstreamToken(ctx, upstreamKey)
			must(t, err)
			same(t, got, upstreamToken(v))
		}
		for _, v := range []int64{1, 2, 3, 5} {
			wantCode(t, db.SaveUpstreamToken(ctx, upstreamToken(v)), postern.Conflict)
		}
		big := upstreamToken(4)
		for len(big.Sealed) < 1<<20 {
			big.Sealed += big.Sealed
		}
		must(t, db.SaveUpstreamToken(ctx, big))
		got, err := db.UpstreamToken(ctx, upstreamKey)
		must(t, err)
		same(t, len(got.Sealed), len(big.Sealed))
	})},
	{"of twenty that save one version one does", on(func(t *testing.T, db *store.DB) {
		n := 0
		for _, err := range together(20, func(int) error { return db.SaveUpstreamToken(t.Context(), upstreamToken(1)) }) {
			if err == nil {
				n++
			} else {
				wantCode(t, err, postern.Conflict)
			}
		}
		same(t, n, 1)
	})},
	{"a lease is one owner's until it ends or is given back", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		lease := func(owner string, from, until int64, want bool) {
			t.Helper()
			got, err := db.LeaseUpstream(ctx, upstreamKey, owner, at(from), at(until))
			must(t, err)
			same(t, got, want)
		}
		lease("a", 0, 1000, true)
		_, err := db.UpstreamToken(ctx, upstreamKey) // a lease is no token
		wantCode(t, err, postern.NotFound)
		lease("b", 999, 2000, false)
		lease("a", 999, 1500, true) // and may be made longer
		lease("b", 1499, 2000, false)
		lease("b", 1500, 2000, true)
		must(t, db.FreeUpstream(ctx, upstreamKey, "a")) // which it is not
		lease("a", 1600, 2000, false)
		must(t, db.SaveUpstreamToken(ctx, upstreamToken(1))) // to save is not to give back
		lease("a", 1600, 2000, false)
		must(t, db.FreeUpstream(ctx, upstreamKey, "b"))
		lease("a", 1600, 2000, true)
		got, err := db.UpstreamToken(ctx, upstreamKey) // nor does a lease touch the token
		must(t, err)
		same(t, got, upstreamToken(1))
		// A lease by a clock that was a day ahead binds nobody.
		lease("c", 2000, 2000+24*3600_000, true)
		lease("d", 2001, 3000, true)
	})},
	{"of twenty that want a lease one gets it", on(func(t *testing.T, db *store.DB) {
		won := make(chan bool, 20)
		for _, err := range together(20, func(i int) error {
			got, err := db.LeaseUpstream(t.Context(), upstreamKey, string(rune('a'+i)), at(0), at(1000))
			won <- got
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
	{"tokens of upstreams that are over are forgotten, unless somebody has the lease", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.SaveUpstreamToken(ctx, upstreamToken(1)))
		must(t, db.Prune(ctx, at(59_999)))
		_, err := db.UpstreamToken(ctx, upstreamKey)
		must(t, err)
		_, err = db.LeaseUpstream(ctx, upstreamKey, "a", at(60_000), at(61_000))
		must(t, err)
		must(t, db.Prune(ctx, at(60_500)))
		_, err = db.UpstreamToken(ctx, upstreamKey)
		must(t, err)
		must(t, db.Prune(ctx, at(61_000)))
		_, err = db.UpstreamToken(ctx, upstreamKey)
		wantCode(t, err, postern.NotFound)
	})},
}
