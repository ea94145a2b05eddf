package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// found gives the ids of all clients that a search finds, two to a page.
func found(t testing.TB, db *store.DB, tenant, text string) (ids []string) {
	t.Helper()
	q := postern.ClientQuery{Tenant: tenant, Text: text, Paging: postern.Paging{Limit: 2}}
	for {
		p, err := db.SearchClients(t.Context(), q)
		must(t, err)
		if len(p.Items) > 2 || len(p.Items) < 2 && p.Next != "" || len(ids) > 100 {
			t.Fatalf("a page of %d after %v, next %q", len(p.Items), ids, p.Next)
		}
		for _, c := range p.Items {
			ids = append(ids, c.ID)
		}
		if q.After = p.Next; q.After == "" {
			return ids
		}
	}
}

var searchTests = []test{
	{"clients are found by a part of name or id, whatever the case", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for id, name := range map[string]string{"a1": "Payroll EXPORT", "b2": "payroll import", "c3": "Übersicht 100%", "d4": "straße_", "e5": "",
			"f6": strings.Repeat("é", 2000) + "tail"} {
			must(t, db.CreateClient(ctx, postern.Client{ID: id, Tenant: "acme", Subject: "s" + id, Name: name}, event(postern.ActClientCreated)))
		}
		must(t, db.CreateClient(ctx, postern.Client{ID: "x", Tenant: "other", Subject: "sx", Name: "payroll"}, event(postern.ActClientCreated)))
		for text, want := range map[string][]string{
			"": {"a1", "b2", "c3", "d4", "e5", "f6"}, "  ": {"a1", "b2", "c3", "d4", "e5", "f6"}, "PayRoll": {"a1", "b2"}, "roll i": {"b2"},
			"üBER": {"c3"}, "U\u0308bersicht": {"c3"}, "%": {"c3"}, "_": {"d4"}, "STRASSE": nil, "straße": {"d4"}, "5": {"e5"}, "E5": {"e5"},
			" d4 ": {"d4"}, "%\nc3": nil, "a\x00": nil, "'": nil, "éé": {"f6"}, "6": {"f6"},
		} {
			if got := found(t, db, "acme", text); !slices.Equal(got, want) {
				t.Errorf("%q: found %v, want %v", text, got, want)
			}
		}
		_, err := db.ChangeClient(ctx, "acme", "b2", event(postern.ActClientChanged), func(c *postern.Client) error { c.Name = "Renamed"; return nil })
		must(t, err)
		same(t, found(t, db, "acme", "payroll"), []string{"a1"})
		same(t, found(t, db, "acme", "rename"), []string{"b2"})
		same(t, found(t, db, "absent", ""), []string(nil))
		for _, limit := range []int{0, -1, postern.MaxPage + 1} {
			_, err := db.SearchClients(ctx, postern.ClientQuery{Tenant: "acme", Paging: postern.Paging{Limit: limit}})
			wantCode(t, err, postern.Invalid)
		}
	})},
	{"a client that is found comes back whole", on(func(t *testing.T, db *store.DB) {
		want := fullClient("acme", "c1")
		must(t, db.CreateClient(t.Context(), want, event(postern.ActClientCreated)))
		p, err := db.SearchClients(t.Context(), postern.ClientQuery{Tenant: "acme", Text: "CLIENT", Paging: postern.Paging{Limit: 1}})
		must(t, err)
		same(t, p, postern.Page[postern.Client]{Items: []postern.Client{want}})
	})},
	{"users are found by a part of their address", on(func(t *testing.T, db *store.DB) {
		for _, id := range []string{"b", "9", "10", "a"} {
			must(t, db.CreateUser(t.Context(), fullUser("acme", id), event(postern.ActUserCreated)))
		}
		must(t, db.CreateUser(t.Context(), fullUser("other", "foreign"), event(postern.ActUserCreated)))
		for text, want := range map[string][]string{"": {"10", "9", "a", "b"}, "ADA.": {"10", "9", "a", "b"}, "a.10@": {"10"}, "foreign": nil, "%": nil} {
			var got []string
			q := postern.UserQuery{Tenant: "acme", Text: text, Paging: postern.Paging{Limit: 3}}
			for more := true; more; more = q.After != "" {
				p, err := db.SearchUsers(t.Context(), q)
				must(t, err)
				for _, u := range p.Items {
					same(t, u, fullUser("acme", u.ID))
					got = append(got, u.ID)
				}
				q.After = p.Next
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: found %v, want %v", text, got, want)
			}
		}
		_, err := db.SearchUsers(t.Context(), postern.UserQuery{Tenant: "acme"})
		wantCode(t, err, postern.Invalid)
	})},
	{"secrets that end soon are those that none follows", on(expiringSecrets)},
	{"clients of an older database are found", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			ctx := t.Context()
			c := postern.Client{ID: "c1", Tenant: "acme", Subject: "s1", Name: "Übersicht",
				Secrets: []postern.StoredSecret{{ID: "x", Hash: "h", ExpiresAt: at(9)}}}
			must(t, db.CreateClient(ctx, c, event(postern.ActClientCreated)))
			must(t, db.Close())
			for _, text := range []string{`UPDATE clients SET search = '', secrets_end = 0`, `DELETE FROM goose_db_version WHERE version_id = 6`} {
				_, err := d.SQL.ExecContext(ctx, text)
				must(t, err)
			}
			db = d.Open(t)
			same(t, found(t, db, "acme", "ÜBER"), []string{"c1"})
			some, err := db.ExpiringSecrets(ctx, "", at(0), at(10), 10)
			must(t, err)
			same(t, len(some), 1)
		})(t, d)
	}},
}

func expiringSecrets(t *testing.T, db *store.DB) {
	ctx := t.Context()
	make := func(tenant, id string, off bool, ends ...int64) {
		c := postern.Client{ID: id, Tenant: tenant, Subject: "s" + id, Name: "N" + id, Disabled: off}
		for i, end := range ends {
			s := postern.StoredSecret{ID: itoa(i), Hash: "h", CreatedAt: at(1)}
			if end > 0 {
				s.ExpiresAt = at(end)
			}
			c.Secrets = append(c.Secrets, s)
		}
		must(t, db.CreateClient(ctx, c, event(postern.ActClientCreated)))
	}
	make("acme", "soon", false, 20)
	make("acme", "sooner", false, 11)
	make("acme", "bound", false, 100)
	make("acme", "ended", false, 10)
	make("acme", "late", false, 101)
	make("acme", "followed", false, 200, 20)
	make("acme", "forever", false, 0, 20)
	make("acme", "both", false, 15, 30)
	make("acme", "off", true, 20)
	make("acme", "none", false)
	make("other", "foreign", false, 12)
	list := func(tenant string, limit int) (out []string) {
		all, err := db.ExpiringSecrets(ctx, tenant, at(10), at(100), limit)
		must(t, err)
		for _, s := range all {
			if s.Name != "N"+s.ClientID || s.Tenant == "" {
				t.Errorf("got %+v", s)
			}
			out = append(out, s.ClientID+" "+itoa(int(s.ExpiresAt.Sub(at(0)).Milliseconds())))
		}
		return out
	}
	same(t, list("acme", 10), []string{"sooner 11", "soon 20", "both 30", "bound 100"})
	same(t, list("", 3), []string{"sooner 11", "foreign 12", "soon 20"})
	_, err := db.ChangeClient(ctx, "acme", "sooner", event(postern.ActSecretAdded), func(c *postern.Client) error {
		c.Secrets = append(c.Secrets, postern.StoredSecret{ID: "next", Hash: "h"})
		return nil
	})
	must(t, err)
	same(t, list("acme", 1), []string{"soon 20"})
}

var officeTests = []test{
	{"a node is known while it is seen", on(func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), postern.Node{Name: "b:8080", URL: "https://b", Version: "v1", StartedAt: at(1), SeenAt: at(20)}
		b := postern.Node{Name: "B:8080", URL: "https://c", Version: "v2", StartedAt: at(2), SeenAt: at(30)}
		nodes := func(since time.Time, want ...postern.Node) {
			t.Helper()
			got, err := db.Nodes(ctx, since)
			must(t, err)
			same(t, got, want)
		}
		unchanged(t, db, postern.SystemTenant, func() {
			must(t, db.Beat(ctx, a))
			must(t, db.Beat(ctx, b))
		})
		nodes(at(20), b, a)
		nodes(at(21), b)
		a.SeenAt, a.StartedAt, a.Version, a.URL = at(40), at(35), "v3", "https://d"
		must(t, db.Beat(ctx, a))
		nodes(at(31), a)
		must(t, db.LeaveNode(ctx, a.Name, at(1))) // the one before, which was slow to go
		must(t, db.LeaveNode(ctx, b.Name, b.StartedAt))
		nodes(at(0), a)
		must(t, db.Prune(ctx, at(40).Add(24*time.Hour)))
		nodes(at(0), a)
		must(t, db.Prune(ctx, at(41).Add(24*time.Hour)))
		nodes(at(0))
	})},
	{"with one key something is made once", on(func(t *testing.T, db *store.DB) {
		ctx, day := t.Context(), 24*time.Hour
		ask := func(actor, key, digest string, now time.Time) (string, error) {
			return db.Once(ctx, actor, key, digest, now)
		}
		free := func(actor, key, digest string, now time.Time) {
			t.Helper()
			got, err := ask(actor, key, digest, now)
			must(t, err)
			same(t, got, "")
		}
		taken := func(actor, key, digest string, now time.Time) {
			t.Helper()
			_, err := ask(actor, key, digest, now)
			wantCode(t, err, postern.Conflict)
		}
		free("a", "k", "d", at(0))
		taken("a", "k", "d", at(1))                    // it is being made
		taken("a", "k", "d", at(0).Add(2*time.Minute)) // or it never was: nobody knows
		free("b", "k", "d", at(1))                     // another actor's
		must(t, db.KeepOnce(ctx, "a", "k", "sealed"))
		must(t, db.KeepOnce(ctx, "a", "k", "other")) // too late
		must(t, db.KeepOnce(ctx, "a", "k", ""))
		got, err := ask("a", "k", "d", at(2).Add(day-time.Hour))
		must(t, err)
		same(t, got, "sealed")
		taken("a", "k", "else", at(2))
		must(t, db.KeepOnce(ctx, "b", "k", "")) // nothing was made
		free("b", "k", "else", at(3))
		must(t, db.KeepOnce(ctx, "b", "k", "sealed too"))
		must(t, db.Prune(ctx, at(2).Add(day)))
		free("a", "k", "d", at(2))
		got, err = ask("b", "k", "else", at(2))
		must(t, err)
		same(t, got, "sealed too")
		free("b", "k", "new", at(4).Add(day)) // a day later
		_, err = ask("a", strings.Repeat("x", 256), "d", at(0))
		wantCode(t, err, postern.Invalid)
		_, err = ask("a", "\x00", "d", at(0))
		wantCode(t, err, postern.Invalid)
	})},
	{"of twenty with one key one makes it", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			nodes, won := []*store.DB{db, d.Open(t)}, 0
			for _, err := range together(20, func(i int) error {
				_, err := nodes[i%2].Once(t.Context(), "a", "k", "d", at(0))
				return err
			}) {
				if err == nil {
					won++
				} else {
					wantCode(t, err, postern.Conflict)
				}
			}
			same(t, won, 1)
		})(t, d)
	}},
	{"no two changes leave the same version", on(func(t *testing.T, db *store.DB) {
		ctx, ev := t.Context(), event(postern.ActClientChanged)
		must(t, db.CreateClient(ctx, postern.Client{ID: "c1", Tenant: "acme", Subject: "s1"}, ev))
		must(t, db.CreateUser(ctx, postern.User{ID: "u1", Tenant: "acme", Email: "a@b"}, ev))
		must(t, db.CreateOperator(ctx, postern.Operator{ID: "o1", Email: "a@b"}, ev))
		for what, change := range map[string]func(ctx context.Context) (time.Time, error){
			"client": func(ctx context.Context) (time.Time, error) {
				v, err := db.ChangeClient(ctx, "acme", "c1", ev, func(*postern.Client) error { return nil })
				return v.UpdatedAt, err
			},
			"tenant": func(ctx context.Context) (time.Time, error) {
				v, err := db.ChangeTenant(ctx, "acme", ev, func(*postern.Tenant) error { return nil })
				return v.UpdatedAt, err
			},
			"user": func(ctx context.Context) (time.Time, error) {
				v, err := db.ChangeUser(ctx, "acme", "u1", ev, func(*postern.User) error { return nil })
				return v.UpdatedAt, err
			},
			"operator": func(ctx context.Context) (time.Time, error) {
				v, err := db.ChangeOperator(ctx, "o1", ev, func(*postern.Operator) error { return nil })
				return v.UpdatedAt, err
			},
		} {
			before := ev.At
			for range 3 {
				now, err := change(ctx)
				must(t, err)
				if !now.After(before) || postern.Version(now) == postern.Version(before) {
					t.Errorf("%s: changed at %v, and before at %v", what, now, before)
				}
				before = now
			}
		}
	})},
}
