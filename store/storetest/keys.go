package storetest

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func fullKey(t testing.TB, id string, generation int64) postern.Key {
	t.Helper()
	public := ed25519.NewKeyFromSeed(make([]byte, 32)).Public()
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	return postern.Key{ID: id, Alg: postern.EdDSA, Generation: generation, CreatedAt: at(30), SignFrom: at(31), RemoveAt: at(32),
		Public: public, Sealed: "sealed", PublicDER: base64.StdEncoding.EncodeToString(der)}
}

func keyChange(id string) postern.Change {
	return postern.Change{Kind: postern.ChangeKey, Tenant: postern.SystemTenant, ID: id}
}

var keyTests = []test{
	{"a key comes back whole, with its public part", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullKey(t, "k1", 1)
		must(t, db.AddKey(ctx, want, event(postern.ActKeyCreated)))
		acted(t, db, postern.SystemTenant, postern.ActKeyCreated)
		noted(t, db, keyChange("k1"))
		symmetric := postern.Key{ID: "k0", Alg: postern.HS256, Generation: 1, Sealed: "sealed", CreatedAt: at(1)}
		must(t, db.AddKey(ctx, symmetric, event(postern.ActKeyCreated)))
		must(t, db.AddKey(ctx, fullKey(t, "k2", 2), event(postern.ActKeyCreated)))
		got, err := db.Keys(ctx)
		must(t, err)
		same(t, got, []postern.Key{want, fullKey(t, "k2", 2), symmetric})
	})},
	{"of twenty that add one generation one wins", on(func(t *testing.T, db *store.DB) {
		won := 0
		for _, err := range together(20, func(i int) error {
			return db.AddKey(t.Context(), fullKey(t, "k"+itoa(i), 7), event(postern.ActKeyCreated))
		}) {
			if err == nil {
				won++
			} else {
				wantCode(t, err, postern.Conflict)
			}
		}
		keys, err := db.Keys(t.Context())
		must(t, err)
		if won != 1 || len(keys) != 1 {
			t.Errorf("%d won and %d keys are there, want one of each", won, len(keys))
		}
		evs, err := db.Events(t.Context(), postern.EventFilter{Tenant: postern.SystemTenant})
		must(t, err)
		same(t, len(evs), 1)
	})},
	{"a key retires, is wiped, and is deleted once retired", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullKey(t, "k1", 1)
		want.RemoveAt = at(0)
		fresh := fullKey(t, "k2", 2)
		fresh.RemoveAt = time.Time{}
		must(t, db.AddKey(ctx, want, event(postern.ActKeyCreated)))
		must(t, db.AddKey(ctx, fresh, event(postern.ActKeyCreated)))
		must(t, db.RetireKey(ctx, "k1", at(40), false, event(postern.ActKeyRetired)))
		acted(t, db, postern.SystemTenant, postern.ActKeyRetired)
		noted(t, db, keyChange("k1"))
		want.RemoveAt = at(40)
		got, err := db.Keys(ctx)
		must(t, err)
		same(t, got, []postern.Key{want, fresh})
		must(t, db.RetireKey(ctx, "k1", at(41), true, event(postern.ActKeyRetired)))
		want.RemoveAt, want.Sealed = at(41), ""
		got, err = db.Keys(ctx)
		must(t, err)
		same(t, got, []postern.Key{want, fresh})
		unchanged(t, db, postern.SystemTenant, func() {
			wantCode(t, db.RetireKey(ctx, "absent", at(1), true, event(postern.ActKeyRetired)), postern.NotFound)
			wantCode(t, db.DeleteKey(ctx, "k2"), postern.Conflict)
			wantCode(t, db.DeleteKey(ctx, "absent"), postern.NotFound)
		})
		must(t, db.DeleteKey(ctx, "k1"))
		noted(t, db, keyChange("k1"))
		got, err = db.Keys(ctx)
		must(t, err)
		same(t, got, []postern.Key{fresh})
	})},
}

var resourceTests = []test{
	{"a resource comes back whole, for its tenant", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		mine := postern.Resource{URL: "https://b.example/api?x=1", Tenant: "acme", Scopes: postern.NewScopes("b", "a"), CreatedAt: at(50)}
		theirs := postern.Resource{URL: "https://c.example", Tenant: "other", CreatedAt: at(51)}
		ours := postern.Resource{URL: "https://B.example", Tenant: postern.SystemTenant, CreatedAt: at(52)}
		for _, r := range []postern.Resource{mine, theirs, ours} {
			must(t, db.AddResource(ctx, r, event(postern.ActResourceAdded)))
			acted(t, db, r.Tenant, postern.ActResourceAdded)
			noted(t, db, postern.Change{Kind: postern.ChangeResource, Tenant: r.Tenant, ID: r.URL})
		}
		got, err := db.Resources(ctx, "acme")
		must(t, err)
		same(t, got, []postern.Resource{ours, mine})
		got, err = db.Resources(ctx, postern.SystemTenant)
		must(t, err)
		same(t, got, []postern.Resource{ours})
		unchanged(t, db, "acme", func() {
			wantCode(t, db.AddResource(ctx, mine, event(postern.ActResourceAdded)), postern.Conflict)
			wantCode(t, db.DeleteResource(ctx, "acme", theirs.URL, event(postern.ActResourceGone)), postern.NotFound)
			wantCode(t, db.DeleteResource(ctx, "acme", ours.URL, event(postern.ActResourceGone)), postern.NotFound)
		})
		must(t, db.DeleteResource(ctx, "acme", mine.URL, event(postern.ActResourceGone)))
		acted(t, db, "acme", postern.ActResourceGone)
		noted(t, db, postern.Change{Kind: postern.ChangeResource, Tenant: "acme", ID: mine.URL})
		got, err = db.Resources(ctx, "acme")
		must(t, err)
		same(t, got, []postern.Resource{ours})
	})},
	{"a resource that others have is there when the checks let it be", on(func(t *testing.T, db *store.DB) {
		ctx, ev, no := t.Context(), event(postern.ActResourceAdded), errors.New("no")
		var seen []string
		check := func(err error) func([]string) error {
			return func(others []string) error {
				slices.Sort(others)
				seen = others
				return err
			}
		}
		add := func(tenant, url string, err error) error {
			seen = []string{"not asked"}
			return db.AddResource(ctx, postern.Resource{URL: url, Tenant: tenant}, ev, check(err))
		}
		must(t, add("acme", "https://api.example/A", nil))
		same(t, len(seen), 0)
		must(t, add("acme", "https://api.example/a/", nil)) // its own do not count
		same(t, len(seen), 0)
		must(t, add(postern.SystemTenant, "https://api.example/a", nil))
		same(t, seen, []string{"acme"})
		must(t, add("blue", "https://API.example/a//", nil))
		same(t, seen, []string{"acme"})
		unchanged(t, db, "red", func() {
			if err := add("red", "https://api.example/A", no); !errors.Is(err, no) {
				t.Errorf("got %v", err)
			}
			same(t, seen, []string{"acme", "blue"})
		})
		got, err := db.Resources(ctx, "red")
		must(t, err)
		same(t, len(got), 1)
		for i, err := range together(4, func(i int) error {
			return db.AddResource(ctx, postern.Resource{URL: "https://one.example", Tenant: string(rune('a' + i))}, ev, func(others []string) error {
				if len(others) > 0 {
					return no
				}
				return nil
			})
		}) {
			if err != nil && !errors.Is(err, no) {
				t.Errorf("%d: %v", i, err)
			}
		}
		must(t, add("z", "https://one.example", nil))
		same(t, len(seen), 1)
	})},
}
