package storetest

import (
	"slices"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func fullEvent(tenant string) postern.Event {
	return postern.Event{Tenant: tenant, At: at(60), Action: postern.ActTokenRefused, Actor: "client:c1", ClientID: "c1", UserID: "u1",
		Dialect: "d", Grant: "g", TokenID: "t1", Scope: "a b", Audience: "https://x", KeyID: "k1", Via: postern.ViaForm,
		Source: "2001:db8::1", RequestID: "r1", Code: postern.Unauthenticated, Cause: "wrong secret", Object: "o",
		Detail: "line\nquote\" \u2028 ü \x01 " + strings.Repeat("x", 70_000)}
}

var auditTests = []test{
	{"an event comes back whole, numbered and hashed", on(func(t *testing.T, db *store.DB) {
		e := &postern.Entry{Event: fullEvent("acme")}
		must(t, db.Append(t.Context(), []*postern.Entry{e}))
		want := fullEvent("acme")
		want.Seq, want.Hash = 2, e.Event.Hash
		if len(want.Hash) != 43 {
			t.Errorf("hash %q", want.Hash)
		}
		got, err := db.Events(t.Context(), postern.EventFilter{Tenant: "acme", Limit: 1})
		must(t, err)
		same(t, got, []postern.Event{want})
		must(t, db.Append(t.Context(), nil))
	})},
	{"bytes that are no text do not stop the batch they came in", on(func(t *testing.T, db *store.DB) {
		odd := postern.Event{At: at(1), Tenant: "acme", Action: postern.ActTokenRefused, ClientID: "a\x00b\xff", Detail: "a\x00b\xff"}
		nowhere := postern.Event{At: at(1), Action: postern.ActTokenRefused}
		must(t, db.Append(t.Context(), []*postern.Entry{{Event: odd}, {Event: nowhere}}))
		got, err := db.Events(t.Context(), postern.EventFilter{Tenant: "acme", Limit: 1})
		must(t, err)
		same(t, []string{got[0].ClientID, got[0].Detail}, []string{"a\uFFFDb\uFFFD", "a\x00b\uFFFD"})
		got, err = db.Events(t.Context(), postern.EventFilter{Tenant: postern.SystemTenant})
		must(t, err)
		same(t, len(got), 1)
		whole(t, db, "acme", postern.SystemTenant)
	})},
	{"a batch of any size and of many tenants is kept in order", on(func(t *testing.T, db *store.DB) {
		want := map[string]int64{"acme": 1, "other": 1}
		for _, n := range []int{1, 2, 3, 63, 64, 65, 127, 256} {
			all := append(entries(n, "acme"), entries(n/2, "other")...)
			mixed := slices.Clone(all)
			slices.SortStableFunc(mixed, func(a, b *postern.Entry) int { return a.Event.At.Compare(b.Event.At) })
			must(t, db.Append(t.Context(), mixed))
			for _, e := range all {
				if want[e.Event.Tenant]++; e.Event.Seq != want[e.Event.Tenant] {
					t.Fatalf("batch of %d: entry of %s has number %d, want %d", n, e.Event.Tenant, e.Event.Seq, want[e.Event.Tenant])
				}
			}
		}
		whole(t, db, "acme", "other")
	})},
	{"events are read newest first, page by page, for one tenant", on(func(t *testing.T, db *store.DB) {
		must(t, db.Append(t.Context(), entries(25, "acme")))
		must(t, db.Append(t.Context(), entries(5, "other")))
		f := postern.EventFilter{Tenant: "acme", Limit: 10}
		for next := int64(26); next > 0; {
			got, err := db.Events(t.Context(), f)
			must(t, err)
			if len(got) != int(min(10, next)) {
				t.Fatalf("page of %d before %d", len(got), next)
			}
			for _, ev := range got {
				if ev.Seq != next || ev.Tenant != "acme" {
					t.Fatalf("got entry %d of %s, want %d of acme", ev.Seq, ev.Tenant, next)
				}
				next--
			}
			f.Before = next + 1
			if next == 0 {
				f.Before = 1
				got, err := db.Events(t.Context(), f)
				must(t, err)
				same(t, len(got), 0)
			}
		}
	})},
	{"events are filtered by action, client and time, together", on(func(t *testing.T, db *store.DB) {
		all := entries(20, "acme")
		for i, e := range all {
			e.Event.ClientID = "c" + itoa(i%2)
			if i%5 == 0 {
				e.Event.Action = postern.ActTokenRefused
			}
		}
		must(t, db.Append(t.Context(), all))
		for _, tt := range []struct {
			f    postern.EventFilter
			want []int64 // their number in the batch
		}{
			{postern.EventFilter{Action: postern.ActTokenRefused}, []int64{15, 10, 5, 0}},
			{postern.EventFilter{ClientID: "c1", Limit: 2}, []int64{19, 17}},
			{postern.EventFilter{ClientID: "c1", Limit: 2, Before: 19}, []int64{15, 13}},
			{postern.EventFilter{Since: at(17), Until: at(19)}, []int64{18, 17}},
			{postern.EventFilter{Action: postern.ActTokenRefused, ClientID: "c1", Since: at(5), Until: at(15)}, []int64{5}},
			{postern.EventFilter{ClientID: "c%"}, nil},
		} {
			tt.f.Tenant = "acme"
			got, err := db.Events(t.Context(), tt.f)
			must(t, err)
			var found []int64
			for _, ev := range got {
				found = append(found, ev.Seq-2)
			}
			same(t, found, tt.want)
		}
		for _, f := range []postern.EventFilter{{}, {Tenant: "acme", Limit: -1}, {Tenant: "acme", Limit: 1001}} {
			_, err := db.Events(t.Context(), f)
			wantCode(t, err, postern.Invalid)
		}
	})},
	{"many nodes that append at once keep every chain whole", func(t *testing.T, d Database) {
		on(func(t *testing.T, one *store.DB) {
			nodes := []*store.DB{one, d.Open(t)}
			for _, err := range together(16, func(i int) error {
				for range 5 {
					all := append(entries(3, "acme"), entries(2, "other")...)
					if i%3 == 0 {
						slices.Reverse(all)
					}
					if err := nodes[i%2].Append(t.Context(), all); err != nil {
						return err
					}
				}
				return nil
			}) {
				must(t, err)
			}
			same(t, whole(t, one, "acme", "other"), []int64{1 + 16*5*3, 1 + 16*5*2})
		})(t, d)
	}},
	{"appending, revoking and changing at once never wait in a circle", onClient(func(t *testing.T, db *store.DB) {
		for _, err := range together(24, func(i int) error {
			for n := range 5 {
				id := "t" + itoa(i*5+n)
				var err error
				switch i % 4 {
				case 0:
					err = db.Append(t.Context(), []*postern.Entry{
						withLive(10, live("a", id, 10, 11)), withLive(10, live("b", id, 10, 11)), entries(1, "other")[0]})
				case 1:
					_, err = db.Revoke(t.Context(), revocation("acme", id), event(postern.ActTokenRevoked))
				case 2:
					_, err = db.ChangeClient(t.Context(), "acme", "c1", event(postern.ActClientRevoked),
						func(c *postern.Client) error { c.NotBefore = at(int64(n)); return nil })
				case 3:
					err = db.Prune(t.Context(), at(20))
				}
				if err != nil {
					return err
				}
			}
			return nil
		}) {
			must(t, err)
		}
		whole(t, db, "acme", "other")
	})},
}

// whole checks that chains are whole and gives their lengths.
func whole(t testing.TB, db *store.DB, tenants ...string) (counts []int64) {
	t.Helper()
	for _, tenant := range tenants {
		r, err := db.VerifyChain(t.Context(), tenant, nil)
		must(t, err)
		if r.Problem != "" || r.BadSeq != 0 || r.Tenant != tenant || len(r.Head) != 43 {
			t.Errorf("chain of %s: %+v", tenant, r)
		}
		counts = append(counts, r.Count)
	}
	return counts
}
