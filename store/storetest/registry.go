package storetest

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

var openTests = []test{
	{"an open database answers and is opened again", func(t *testing.T, d Database) {
		db := d.Open(t)
		must(t, db.Ping(t.Context()))
		got, err := db.SetMeta(t.Context(), "instance", "one")
		must(t, err)
		again := d.Open(t)
		other, err := again.SetMeta(t.Context(), "instance", "two")
		must(t, err)
		if got != "one" || other != "one" {
			t.Errorf("got %q and %q: the first writer does not win", got, other)
		}
		kept, err := again.Meta(t.Context(), "instance")
		must(t, err)
		same(t, kept, "one")
		_, err = again.Meta(t.Context(), "absent")
		wantCode(t, err, postern.NotFound)
	}},
	{"many open a new database at once", func(t *testing.T, d Database) {
		for _, err := range together(6, func(int) error { return d.Open(t).Ping(t.Context()) }) {
			must(t, err)
		}
	}},
	{"a closed database is unavailable", on(func(t *testing.T, db *store.DB) {
		must(t, db.Close())
		must(t, db.Close())
		ctx := t.Context()
		wantCode(t, db.Ping(ctx), postern.Unavailable)
		wantCode(t, db.Append(ctx, entries(1, "acme")), postern.Unavailable)
		_, err := db.Client(ctx, "x")
		wantCode(t, err, postern.Unavailable)
		_, err = db.SetMeta(ctx, "a", "b")
		wantCode(t, err, postern.Unavailable)
		_, _, err = db.Changes(ctx, 0, 1)
		wantCode(t, err, postern.Unavailable)
		if msg := postern.Public(err); strings.Contains(msg, "sql") || msg == "internal error" {
			t.Errorf("message %q", msg)
		}
	})},
	{"a caller who left gets no answer", on(func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := db.Append(ctx, entries(1, "acme"))
		wantCode(t, err, postern.Unavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that the caller left", err)
		}
		_, err = db.Tenant(ctx, "acme")
		wantCode(t, err, postern.Unavailable)
		must(t, db.Append(t.Context(), entries(1, "acme")))
	})},
	{"many may write while others read", on(func(t *testing.T, db *store.DB) {
		for _, err := range together(16, func(i int) error {
			if i%2 == 0 {
				return db.Append(t.Context(), entries(3, "acme"))
			}
			_, err := db.Events(t.Context(), postern.EventFilter{Tenant: "acme"})
			return err
		}) {
			must(t, err)
		}
	})},
}

func fullTenant(id string) postern.Tenant {
	return postern.Tenant{ID: id, Name: "Acme Ü " + strings.Repeat("x", 5000), PartnerID: 10000, Disabled: true,
		RefuseQuery: true, Zone: "Europe/Berlin", NotBefore: at(10), CreatedAt: at(2), UpdatedAt: at(3)}
}

var tenantTests = []test{
	{"a tenant comes back whole", func(t *testing.T, d Database) {
		db, ctx, want := d.Open(t), t.Context(), fullTenant("ten-ant")
		must(t, db.CreateTenant(ctx, want, event(postern.ActTenantCreated)))
		acted(t, db, want.ID, postern.ActTenantCreated)
		noted(t, db, postern.Change{Kind: postern.ChangeTenant, Tenant: want.ID, ID: want.ID})
		got, err := db.Tenant(ctx, want.ID)
		must(t, err)
		same(t, got, want)
		got, err = db.TenantByPartner(ctx, want.PartnerID)
		must(t, err)
		same(t, got, want)
		all, err := db.Tenants(ctx, "", 10)
		must(t, err)
		same(t, all, []postern.Tenant{want})
	}},
	{"tenants are listed in order, page by page", func(t *testing.T, d Database) {
		db := d.Open(t)
		for _, id := range []string{"b", "a9", "9z", "a10", "ab"} {
			must(t, db.CreateTenant(t.Context(), postern.Tenant{ID: id}, event(postern.ActTenantCreated)))
		}
		same(t, pages(t, db.Tenants, func(v postern.Tenant) string { return v.ID }), []string{"9z", "a10", "a9", "ab", "b"})
		// Where a "-" stands is for the engine's collation to say, but none is lost.
		for _, id := range []string{"a-b", "a-9", "aa", "a--z", "ac"} {
			must(t, db.CreateTenant(t.Context(), postern.Tenant{ID: id}, event(postern.ActTenantCreated)))
		}
		got := pages(t, db.Tenants, func(v postern.Tenant) string { return v.ID })
		slices.Sort(got)
		same(t, got, []string{"9z", "a--z", "a-9", "a-b", "a10", "a9", "aa", "ab", "ac", "b"})
	}},
	{"a tenant's id and partner id are its own", on(func(t *testing.T, db *store.DB) {
		ctx, ev := t.Context(), event(postern.ActTenantCreated)
		must(t, db.CreateTenant(ctx, postern.Tenant{ID: "p", PartnerID: 7}, ev))
		unchanged(t, db, "acme", func() {
			wantCode(t, db.CreateTenant(ctx, postern.Tenant{ID: "acme"}, ev), postern.Conflict)
			wantCode(t, db.CreateTenant(ctx, postern.Tenant{ID: "q", PartnerID: 7}, ev), postern.Conflict)
			wantCode(t, db.CreateTenant(ctx, postern.Tenant{ID: postern.SystemTenant}, ev), postern.Invalid)
		})
		for _, id := range []string{"absent", "q", "", "\x00", "\xff"} {
			_, err := db.Tenant(ctx, id)
			wantCode(t, err, postern.NotFound)
		}
		_, err := db.TenantByPartner(ctx, 0)
		wantCode(t, err, postern.NotFound)
	})},
	{"a tenant changes whole or not at all", func(t *testing.T, d Database) {
		db, ctx := d.Open(t), t.Context()
		must(t, db.CreateTenant(ctx, postern.Tenant{ID: "acme", CreatedAt: at(2)}, event(postern.ActTenantCreated)))
		want := fullTenant("acme")
		ev := event(postern.ActTenantChanged)
		ev.At = at(55)
		got, err := db.ChangeTenant(ctx, "acme", ev, func(v *postern.Tenant) error {
			*v = want
			v.ID, v.CreatedAt = "renamed", at(99)
			return nil
		})
		must(t, err)
		want.UpdatedAt = at(55)
		same(t, got, want)
		acted(t, db, "acme", postern.ActTenantChanged)
		noted(t, db, postern.Change{Kind: postern.ChangeTenant, Tenant: "acme", ID: "acme"})
		refusal := errors.New("no")
		unchanged(t, db, "acme", func() {
			_, err := db.ChangeTenant(ctx, "acme", ev, func(v *postern.Tenant) error { v.Name = "lost"; return refusal })
			if err != refusal {
				t.Errorf("got %v, want the refusal itself", err)
			}
			_, err = db.ChangeTenant(ctx, "absent", ev, func(*postern.Tenant) error { return nil })
			wantCode(t, err, postern.NotFound)
		})
		got, err = db.Tenant(ctx, "acme")
		must(t, err)
		same(t, got, want)
	}},
}

func fullClient(tenant, id string) postern.Client {
	return postern.Client{
		ID: id, Tenant: tenant, Name: "client \"ü\" " + id, Subject: "subject" + id, Public: true,
		Grants: []string{postern.GrantPassword, postern.GrantClientCredentials}, Scopes: postern.NewScopes("b", "a"),
		Dialects: []string{"one", "two"}, Tenants: []string{"other"}, TokenLife: 90 * time.Second, Alg: postern.RS256,
		Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
		Secrets: []postern.StoredSecret{{ID: "s2", Hash: "v1:b", CreatedAt: at(5)},
			{ID: "s1", Hash: "v1:a", CreatedAt: at(4), ExpiresAt: at(6)}},
		Attributes: []string{"first_name", "dynamic_5"}, Disabled: true, NotBefore: at(7), CreatedAt: at(8), UpdatedAt: at(9),
	}
}

var clientTests = []test{
	{"a client comes back whole", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullClient("acme", "c1")
		want.Scopes = append(want.Scopes, strings.Repeat("z", 100_000))
		must(t, db.CreateClient(ctx, want, event(postern.ActClientCreated)))
		acted(t, db, "acme", postern.ActClientCreated)
		noted(t, db, postern.Change{Kind: postern.ChangeClient, Tenant: "acme", ID: "c1"})
		got, err := db.Client(ctx, "c1")
		must(t, err)
		same(t, got, want)
		got, err = db.ClientBySubject(ctx, want.Subject)
		must(t, err)
		same(t, got, want)
		bare := postern.Client{ID: "bare", Tenant: "acme", Subject: "s"}
		must(t, db.CreateClient(ctx, bare, event(postern.ActClientCreated)))
		got, err = db.Client(ctx, "bare")
		must(t, err)
		bare.CreatedAt, bare.UpdatedAt = at(1), at(1)
		same(t, got, bare)
	})},
	{"an id and a subject belong to one client of all tenants", on(func(t *testing.T, db *store.DB) {
		ctx, ev := t.Context(), event(postern.ActClientCreated)
		must(t, db.CreateClient(ctx, fullClient("acme", "c1"), ev))
		unchanged(t, db, "other", func() {
			wantCode(t, db.CreateClient(ctx, fullClient("other", "c1"), ev), postern.Conflict)
			twin := fullClient("other", "c2")
			twin.Subject = "subjectc1"
			wantCode(t, db.CreateClient(ctx, twin, ev), postern.Conflict)
		})
		wantCode(t, db.CreateClient(ctx, fullClient("absent", "c3"), ev), postern.NotFound)
		for _, id := range []string{"absent", "c2", "C1", "c1\x00", "\xff", "c%", ""} {
			_, err := db.Client(ctx, id)
			wantCode(t, err, postern.NotFound)
		}
	})},
	{"clients are listed in order, page by page, for their tenant", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			for _, id := range []string{"b", "9", "10", "a"} {
				must(t, db.CreateClient(t.Context(), fullClient("acme", id), event(postern.ActClientCreated)))
			}
			must(t, db.CreateClient(t.Context(), fullClient("other", "foreign"), event(postern.ActClientCreated)))
			same(t, pages(t, func(ctx context.Context, after string, n int) ([]postern.Client, error) {
				return db.Clients(ctx, "acme", after, n)
			}, func(c postern.Client) string { return c.ID }), []string{"10", "9", "a", "b"})
		})(t, d)
	}},
	{"a client changes whole or not at all", on(changeClient)},
	{"another tenant's client cannot be touched", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullClient("acme", "c1")
		must(t, db.CreateClient(ctx, want, event(postern.ActClientCreated)))
		unchanged(t, db, "other", func() {
			_, err := db.ChangeClient(ctx, "other", "c1", event(postern.ActClientChanged), func(*postern.Client) error { return nil })
			wantCode(t, err, postern.NotFound)
			wantCode(t, db.DeleteClient(ctx, "other", "c1", event(postern.ActClientDeleted)), postern.NotFound)
		})
		got, err := db.Client(ctx, "c1")
		must(t, err)
		same(t, got, want)
	})},
	{"a deleted client is gone", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.CreateClient(ctx, fullClient("acme", "c1"), event(postern.ActClientCreated)))
		unchanged(t, db, "acme", func() {
			err := db.DeleteClient(ctx, "acme", "c1", event(postern.ActClientDeleted), func(c *postern.Client) error {
				return postern.Errorf(postern.Conflict, "not %s", c.Name)
			})
			wantCode(t, err, postern.Conflict)
		})
		_, err := db.Client(ctx, "c1")
		must(t, err)
		must(t, db.DeleteClient(ctx, "acme", "c1", event(postern.ActClientDeleted), func(*postern.Client) error { return nil }))
		acted(t, db, "acme", postern.ActClientDeleted)
		noted(t, db, postern.Change{Kind: postern.ChangeClient, Tenant: "acme", ID: "c1"})
		_, err = db.Client(ctx, "c1")
		wantCode(t, err, postern.NotFound)
		unchanged(t, db, "acme", func() {
			wantCode(t, db.DeleteClient(ctx, "acme", "c1", event(postern.ActClientDeleted)), postern.NotFound)
		})
	})},
	{"changes at once are all kept", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.CreateClient(ctx, postern.Client{ID: "c1", Tenant: "acme"}, event(postern.ActClientCreated)))
		for _, err := range together(10, func(int) error {
			_, err := db.ChangeClient(ctx, "acme", "c1", event(postern.ActClientChanged), func(c *postern.Client) error {
				c.Name += "x"
				return nil
			})
			return err
		}) {
			must(t, err)
		}
		c, err := db.Client(ctx, "c1")
		must(t, err)
		same(t, c.Name, "xxxxxxxxxx")
	})},
	{"many clients are loaded", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) { loadClients(t, db, d.SQL) })(t, d)
	}},
}

func changeClient(t *testing.T, db *store.DB) {
	ctx := t.Context()
	must(t, db.CreateClient(ctx, postern.Client{ID: "c1", Tenant: "acme", Subject: "subjectc1", CreatedAt: at(8)},
		event(postern.ActClientCreated)))
	want := fullClient("acme", "c1")
	ev := event(postern.ActClientChanged)
	ev.At, ev.Tenant = at(77), "other" // the event belongs to the tenant all the same
	got, err := db.ChangeClient(ctx, "acme", "c1", ev, func(c *postern.Client) error {
		*c = want
		c.ID, c.Tenant, c.Subject, c.CreatedAt = "no", "other", "no", at(99)
		return nil
	})
	must(t, err)
	want.UpdatedAt = at(77)
	same(t, got, want)
	acted(t, db, "acme", postern.ActClientChanged)
	noted(t, db, postern.Change{Kind: postern.ChangeClient, Tenant: "acme", ID: "c1"})
	refusal := postern.Errorf(postern.Forbidden, "no")
	unchanged(t, db, "acme", func() {
		_, err := db.ChangeClient(ctx, "acme", "c1", ev, func(c *postern.Client) error { c.Name = "lost"; return refusal })
		wantCode(t, err, postern.Forbidden)
		_, err = db.ChangeClient(ctx, "acme", "c1", ev, func(c *postern.Client) error { c.Name = "a\x00"; return nil })
		wantCode(t, err, postern.Invalid)
	})
	got, err = db.Client(ctx, "c1")
	must(t, err)
	same(t, got, want)
}

func loadClients(t *testing.T, db *store.DB, raw *sql.DB) {
	const n = 1_150 // more than one statement and an odd rest
	var want postern.Client
	err := db.LoadClients(t.Context(), func(yield func(postern.Client) bool) {
		for i := range n {
			if want = fullClient("acme", "c"+string(rune('a'+i%26))+itoa(i)); !yield(want) {
				return
			}
		}
	})
	must(t, err)
	var count int
	must(t, raw.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM clients`).Scan(&count))
	same(t, count, n)
	got, err := db.Client(t.Context(), want.ID)
	must(t, err)
	same(t, got, want)
	wantCode(t, db.LoadClients(t.Context(), func(yield func(postern.Client) bool) { yield(want) }), postern.Conflict)
	must(t, db.LoadClients(t.Context(), func(func(postern.Client) bool) {}))
}
