package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

var sandboxTests = []test{
	{"a sandbox comes back whole, and is the default until then", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		got, err := db.Sandbox(ctx, "acme")
		must(t, err)
		same(t, got, postern.Sandbox{Tenant: "acme"})
		want := postern.Sandbox{Tenant: "acme", Switches: map[string]string{"rate-limit": "off"}, Log: true,
			Faults: []postern.Fault{{Path: "/v2/persons", Kind: "slow", Rate: 0.25, Delay: 3 * time.Second}, {Kind: "500", Rate: 1}}}
		must(t, db.SetSandbox(ctx, want, event(postern.ActSandbox)))
		acted(t, db, "acme", postern.ActSandbox)
		for range 2 {
			got, err = db.Sandbox(ctx, "acme")
			must(t, err)
			same(t, got, want)
			got.Switches["rate-limit"], got.Faults[0].Rate = "spoilt", 9 // the caller's own
		}
		other, err := db.Sandbox(ctx, "other")
		must(t, err)
		same(t, other, postern.Sandbox{Tenant: "other"})
		must(t, db.SetSandbox(ctx, postern.Sandbox{Tenant: "acme"}, event(postern.ActSandbox)))
		got, err = db.Sandbox(ctx, "acme")
		must(t, err)
		same(t, got, postern.Sandbox{Tenant: "acme"})
		unchanged(t, db, "acme", func() {
			wantCode(t, db.SetSandbox(ctx, postern.Sandbox{Tenant: "absent"}, event(postern.ActSandbox)), postern.NotFound)
		})
	})},
	{"another node sees a sandbox that was set", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			must(t, db.SetSandbox(t.Context(), postern.Sandbox{Tenant: "acme", Log: true}, event(postern.ActSandbox)))
			got, err := d.Open(t).Sandbox(t.Context(), "acme")
			must(t, err)
			same(t, got.Log, true)
		})(t, d)
	}},
	{"a visit comes back whole, newest first", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		want := postern.Visit{Tenant: "acme", At: at(5), ClientID: "c1", Method: "GET", Path: "/v2/persons?limit=1", Status: 200,
			Took: 3 * time.Millisecond, RequestID: "r1", Note: "slow"}
		foreign := postern.Visit{Tenant: "other", ClientID: "c1"}
		second := postern.Visit{Tenant: "acme", ClientID: "c2"}
		unchanged(t, db, "acme", func() { must(t, db.AddVisits(ctx, []postern.Visit{want, foreign, second})) })
		want.Seq, second.Seq = 1, 2
		got, err := db.Visits(ctx, "acme", "", 0, 10)
		must(t, err)
		same(t, got, []postern.Visit{second, want})
		got, err = db.Visits(ctx, "acme", "c1", 0, 10)
		must(t, err)
		same(t, got, []postern.Visit{want})
		got, err = db.Visits(ctx, "acme", "", 2, 10)
		must(t, err)
		same(t, got, []postern.Visit{want})
		for _, limit := range []int{0, -1, 1001} {
			_, err := db.Visits(ctx, "acme", "", 0, limit)
			wantCode(t, err, postern.Invalid)
		}
		wantCode(t, db.AddVisits(ctx, []postern.Visit{want, {Tenant: "absent"}}), postern.NotFound)
		must(t, db.AddVisits(ctx, nil))
	})},
	{"the newest two thousand visits are kept", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		visits := make([]postern.Visit, 1150)
		must(t, db.AddVisits(ctx, []postern.Visit{{Tenant: "other"}}))
		for i := range 3 {
			for n := range visits {
				visits[n] = postern.Visit{Tenant: "acme", ClientID: "c1", RequestID: fmt.Sprint(i, " ", n)}
			}
			must(t, db.AddVisits(ctx, visits))
		}
		must(t, db.AddVisits(ctx, slices.Concat(visits, visits, visits))) // more at once than are kept
		var all []postern.Visit
		for before := int64(0); ; {
			some, err := db.Visits(ctx, "acme", "", before, 1000)
			must(t, err)
			if len(some) == 0 {
				break
			}
			all = append(all, some...)
			before = some[len(some)-1].Seq
		}
		same(t, []any{len(all), all[0].RequestID, all[0].Seq - all[1999].Seq}, []any{2000, "2 1149", int64(1999)})
		rest, err := db.Visits(ctx, "other", "", 0, 10)
		must(t, err)
		same(t, len(rest), 1)
	})},
	{"visits from many at once are numbered without a gap", on(func(t *testing.T, db *store.DB) {
		for _, err := range together(6, func(int) error {
			return db.AddVisits(t.Context(), []postern.Visit{{Tenant: "other"}, {Tenant: "acme"}, {Tenant: "other"}})
		}) {
			must(t, err)
		}
		got, err := db.Visits(t.Context(), "other", "", 0, 100)
		must(t, err)
		same(t, []any{len(got), got[0].Seq, got[11].Seq}, []any{12, int64(12), int64(1)})
	})},
}
