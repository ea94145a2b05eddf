package storetest

import (
	"errors"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

const actOperator = "operator.changed"

func fullOperator(id string) postern.Operator {
	return postern.Operator{ID: id, Email: "ada." + id + "@example.com", Name: "Ada \"Ü\"", Role: postern.Owner,
		PasswordHash: "$argon2id$" + id, TOTP: "sealed " + id, TOTPStep: 1 << 40, Failures: 3, Locked: at(20), SeenAt: at(21),
		CreatedAt: at(22), UpdatedAt: at(23)}
}

var operatorTests = []test{
	{"an operator comes back whole, by id and by any spelling of the address", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullOperator("o1")
		spelled := want
		spelled.Email = "  ADA.o1@Example.COM"
		must(t, db.CreateOperator(ctx, spelled, event(actOperator)))
		acted(t, db, postern.SystemTenant, actOperator)
		got, err := db.Operator(ctx, "o1")
		must(t, err)
		same(t, got, want)
		got, err = db.OperatorByEmail(ctx, "Ada.O1@EXAMPLE.com ")
		must(t, err)
		same(t, got, want)
		for _, id := range []string{"absent", "", "O1", "o1\x00"} {
			_, err = db.Operator(ctx, id)
			wantCode(t, err, postern.NotFound)
			_, err = db.OperatorByEmail(ctx, id)
			wantCode(t, err, postern.NotFound)
		}
	})},
	{"an operator of a tenant is recorded in the trail of the tenant", on(func(t *testing.T, db *store.DB) {
		ctx, o := t.Context(), fullOperator("o1")
		o.Tenant = "acme"
		must(t, db.CreateOperator(ctx, o, event(actOperator)))
		acted(t, db, "acme", actOperator)
		_, err := db.ChangeOperator(ctx, "o1", event("operator.renamed"), func(o *postern.Operator) error { o.Name = "x"; return nil })
		must(t, err)
		acted(t, db, "acme", "operator.renamed")
		must(t, db.DeleteOperator(ctx, "o1", event("operator.gone")))
		acted(t, db, "acme", "operator.gone")
		o.Tenant = "absent"
		unchanged(t, db, postern.SystemTenant, func() {
			wantCode(t, db.CreateOperator(ctx, o, event(actOperator)), postern.NotFound)
		})
	})},
	{"an id and an address belong to one operator", on(func(t *testing.T, db *store.DB) {
		ctx, ev := t.Context(), event(actOperator)
		must(t, db.CreateOperator(ctx, fullOperator("o1"), ev))
		unchanged(t, db, postern.SystemTenant, func() {
			wantCode(t, db.CreateOperator(ctx, fullOperator("o1"), ev), postern.Conflict)
			twin := fullOperator("o2")
			twin.Email = "ADA.o1@example.com"
			wantCode(t, db.CreateOperator(ctx, twin, ev), postern.Conflict)
		})
	})},
	{"operators are listed in order, page by page", on(func(t *testing.T, db *store.DB) {
		for _, id := range []string{"b", "9", "10", "a"} {
			must(t, db.CreateOperator(t.Context(), fullOperator(id), event(actOperator)))
		}
		same(t, pages(t, db.Operators, func(o postern.Operator) string { return o.ID }), []string{"10", "9", "a", "b"})
	})},
	{"of twenty first operators one is first, whoever asks where", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			nodes := []*store.DB{db, d.Open(t)}
			for range 10 {
				won := 0
				for _, err := range together(20, func(i int) error {
					o := fullOperator(itoa(i))
					o.Tenant, o.Role = []string{"", "acme", "other"}[i%3], postern.Auditor // in trails of their own
					return nodes[i%2].FirstOperator(t.Context(), o, event(actOperator))
				}) {
					if err == nil {
						won++
					} else {
						wantCode(t, err, postern.Conflict)
					}
				}
				all, err := db.Operators(t.Context(), "", 50)
				must(t, err)
				same(t, []int{won, len(all)}, []int{1, 1})
				for _, o := range all {
					must(t, db.DeleteOperator(t.Context(), o.ID, event(actOperator)))
				}
			}
		})(t, d)
	}},
	{"an operator changes whole or not at all", on(changeOperator)},
	{"failures of signing in are counted one by one and leave no version behind", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullOperator("o1")
		must(t, db.CreateOperator(ctx, want, event(actOperator)))
		unchanged(t, db, postern.SystemTenant, func() {
			for _, err := range together(12, func(int) error {
				_, err := db.ChangeOperator(ctx, "o1", postern.Event{At: at(90)}, func(o *postern.Operator) error {
					o.Failures++
					o.Role, o.Name, o.PasswordHash, o.Disabled, o.UpdatedAt = postern.Auditor, "lost", "lost", true, at(91)
					return nil
				})
				return err
			}) {
				must(t, err)
			}
		})
		want.Failures += 12
		got, err := db.Operator(ctx, "o1")
		must(t, err)
		same(t, got, want)
		_, err = db.ChangeOperator(ctx, "absent", postern.Event{}, func(*postern.Operator) error { return nil })
		wantCode(t, err, postern.NotFound)
	})},
	{"there is always an owner of the installation", on(lastOwner)},
	{"a deleted operator is gone with sessions and links", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for _, id := range []string{"o1", "o2"} {
			must(t, db.CreateOperator(ctx, fullOperator(id), event(actOperator)))
			must(t, db.CreateSession(ctx, fullSession(id, "s"+id)))
			must(t, db.SaveInvite(ctx, "h"+id, id, at(100)))
		}
		must(t, db.DeleteOperator(ctx, "o1", event(actOperator)))
		_, err := db.Operator(ctx, "o1")
		wantCode(t, err, postern.NotFound)
		_, err = db.Session(ctx, "so1")
		wantCode(t, err, postern.NotFound)
		_, err = db.Invite(ctx, "ho1", at(0))
		wantCode(t, err, postern.NotFound)
		_, err = db.Session(ctx, "so2")
		must(t, err)
		_, err = db.Invite(ctx, "ho2", at(0))
		must(t, err)
		unchanged(t, db, postern.SystemTenant, func() {
			wantCode(t, db.DeleteOperator(ctx, "o1", event(actOperator)), postern.NotFound)
		})
	})},
}

func changeOperator(t *testing.T, db *store.DB) {
	ctx, want := t.Context(), fullOperator("o1")
	must(t, db.CreateOperator(ctx, postern.Operator{ID: "o1", Email: want.Email, Role: postern.Admin}, event(actOperator)))
	ev := event(actOperator)
	ev.At = at(77)
	got, err := db.ChangeOperator(ctx, "o1", ev, func(o *postern.Operator) error {
		*o = want
		o.ID, o.Email, o.Tenant, o.CreatedAt = "no", "no@example.com", "acme", at(99)
		return nil
	})
	must(t, err)
	want.CreatedAt, want.UpdatedAt = at(1), at(77)
	same(t, got, want)
	acted(t, db, postern.SystemTenant, actOperator)
	refusal := errors.New("no")
	unchanged(t, db, postern.SystemTenant, func() {
		_, err := db.ChangeOperator(ctx, "o1", ev, func(o *postern.Operator) error { o.Name = "lost"; return refusal })
		if err != refusal {
			t.Errorf("got %v, want the refusal itself", err)
		}
		_, err = db.ChangeOperator(ctx, "absent", ev, func(*postern.Operator) error { return nil })
		wantCode(t, err, postern.NotFound)
	})
	got, err = db.ChangeOperator(ctx, "o1", ev, func(*postern.Operator) error { return nil })
	must(t, err)
	want.UpdatedAt = at(78) // the clock stood still
	same(t, got, want)
	got, err = db.Operator(ctx, "o1")
	must(t, err)
	same(t, got, want)
}

func lastOwner(t *testing.T, db *store.DB) {
	ctx, ev := t.Context(), event(actOperator)
	local, off := fullOperator("local"), fullOperator("off")
	local.Tenant, off.Disabled = "acme", true
	for _, o := range []postern.Operator{fullOperator("o1"), fullOperator("o2"), local, off} {
		must(t, db.CreateOperator(ctx, o, ev))
	}
	ways := []func(id string) error{
		func(id string) error { return db.DeleteOperator(ctx, id, ev) },
		func(id string) error {
			_, err := db.ChangeOperator(ctx, id, ev, func(o *postern.Operator) error { o.Disabled = true; return nil })
			return err
		},
		func(id string) error {
			_, err := db.ChangeOperator(ctx, id, ev, func(o *postern.Operator) error { o.Role = postern.Admin; return nil })
			return err
		},
	}
	refused := 0
	for _, err := range together(2, func(i int) error { return ways[i]("o" + itoa(i+1)) }) { // each ends the other, as it were
		if err != nil {
			wantCode(t, err, postern.Conflict)
			refused++
		}
	}
	same(t, refused, 1)
	left := "o1"
	if o, err := db.Operator(ctx, left); err != nil || o.Disabled {
		left = "o2"
	}
	for _, way := range ways {
		unchanged(t, db, postern.SystemTenant, func() { wantCode(t, way(left), postern.Conflict) })
	}
	_, err := db.ChangeOperator(ctx, left, ev, func(o *postern.Operator) error { o.Name = "still"; return nil })
	must(t, err)
	unchanged(t, db, "acme", func() {
		wantCode(t, db.DeleteOperator(ctx, "local", ev, func(o *postern.Operator) error {
			return postern.Errorf(postern.Conflict, "not %s", o.Name)
		}), postern.Conflict)
	})
	must(t, db.DeleteOperator(ctx, "local", ev, func(*postern.Operator) error { return nil }))
	must(t, db.DeleteOperator(ctx, "off", ev))
}

func fullSession(operator, id string) postern.Session {
	return postern.Session{ID: id, Operator: operator, CreatedAt: at(30), SeenAt: at(31), ProvenAt: at(32), ExpiresAt: at(33),
		Source: "2001:db8::1", Agent: "Browser/1"}
}

// onOperator is on, with the operators o1 and o2.
func onOperator(run func(t *testing.T, db *store.DB)) func(t *testing.T, d Database) {
	return on(func(t *testing.T, db *store.DB) {
		for _, id := range []string{"o1", "o2"} {
			must(t, db.CreateOperator(t.Context(), fullOperator(id), event(actOperator)))
		}
		run(t, db)
	})
}

func sessionIDs(t testing.TB, db *store.DB, operator string) (ids []string) {
	t.Helper()
	all, err := db.Sessions(t.Context(), operator)
	must(t, err)
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

var sessionTests = []test{
	{"a session comes back whole, and changes", onOperator(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullSession("o1", "s1")
		unchanged(t, db, postern.SystemTenant, func() {
			must(t, db.CreateSession(ctx, want))
			got, err := db.Session(ctx, "s1")
			must(t, err)
			same(t, got, want)
			got, err = db.TouchSession(ctx, "s1", func(s *postern.Session) {
				*s = postern.Session{ID: "no", Operator: "o2", CreatedAt: at(99), SeenAt: at(41), ProvenAt: at(42), ExpiresAt: at(43),
					Source: "a\x00b", Agent: "x"}
			})
			must(t, err)
			want.SeenAt, want.ProvenAt, want.ExpiresAt, want.Source, want.Agent = at(41), at(42), at(43), "a\uFFFDb", "x"
			same(t, got, want)
		})
		got, err := db.Session(ctx, "s1")
		must(t, err)
		same(t, got, want)
		wantCode(t, db.CreateSession(ctx, want), postern.Conflict)
		wantCode(t, db.CreateSession(ctx, fullSession("absent", "s2")), postern.NotFound)
		_, err = db.Session(ctx, "absent")
		wantCode(t, err, postern.NotFound)
		_, err = db.TouchSession(ctx, "absent", func(*postern.Session) { t.Error("fn is called") })
		wantCode(t, err, postern.NotFound)
	})},
	{"sessions are listed as they were seen last, and end one by one or all but one", onOperator(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for i, id := range []string{"b", "a", "c"} {
			s := fullSession("o1", id)
			s.SeenAt = at(int64(100 - i%2))
			must(t, db.CreateSession(ctx, s))
		}
		must(t, db.CreateSession(ctx, fullSession("o2", "foreign")))
		same(t, sessionIDs(t, db, "o1"), []string{"b", "c", "a"})
		wantCode(t, db.DeleteSession(ctx, "o1", "foreign"), postern.NotFound)
		must(t, db.DeleteSession(ctx, "o1", "c"))
		wantCode(t, db.DeleteSession(ctx, "o1", "c"), postern.NotFound)
		must(t, db.DeleteSessions(ctx, "o1", "a"))
		same(t, sessionIDs(t, db, "o1"), []string{"a"})
		must(t, db.DeleteSessions(ctx, "o1", ""))
		same(t, sessionIDs(t, db, "o1"), []string(nil))
		same(t, sessionIDs(t, db, "o2"), []string{"foreign"})
	})},
	{"an operator has a hundred sessions at most", onOperator(func(t *testing.T, db *store.DB) {
		for i := range 103 {
			s := fullSession("o1", "s"+itoa(1000+i))
			s.SeenAt = at(int64(i))
			must(t, db.CreateSession(t.Context(), s))
		}
		ids := sessionIDs(t, db, "o1")
		same(t, []any{len(ids), ids[0], ids[99]}, []any{100, "s1102", "s1003"})
	})},
	{"sessions and links that are over are pruned", func(t *testing.T, d Database) {
		onOperator(func(t *testing.T, db *store.DB) {
			ctx := t.Context()
			must(t, db.CreateSession(ctx, fullSession("o1", "over")))
			s := fullSession("o1", "lives")
			s.ExpiresAt = at(34)
			must(t, db.CreateSession(ctx, s))
			must(t, db.SaveInvite(ctx, "over", "o1", at(33)))
			must(t, db.SaveInvite(ctx, "lives", "o2", at(34)))
			must(t, db.Prune(ctx, at(33)))
			same(t, sessionIDs(t, db, "o1"), []string{"lives"})
			var left string
			must(t, d.SQL.QueryRowContext(ctx, `SELECT MIN(code) || MAX(code) FROM operator_links`).Scan(&left))
			same(t, left, "liveslives")
		})(t, d)
	}},
	{"a one-time link is good once, for its operator, until it is over", onOperator(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		none := func(code string, now time.Time) {
			t.Helper()
			_, err := db.Invite(ctx, code, now)
			wantCode(t, err, postern.NotFound)
			_, err = db.TakeInvite(ctx, code, now)
			wantCode(t, err, postern.NotFound)
		}
		must(t, db.SaveInvite(ctx, "h1", "o1", at(100)))
		must(t, db.SaveInvite(ctx, "h2", "o2", at(100)))
		none("h3", at(0))
		none("h1", at(100))
		for range 2 {
			who, err := db.Invite(ctx, "h1", at(99))
			must(t, err)
			same(t, who, "o1")
		}
		who, err := db.TakeInvite(ctx, "h1", at(99))
		must(t, err)
		same(t, who, "o1")
		none("h1", at(0))
		must(t, db.SaveInvite(ctx, "h4", "o2", at(100))) // in place of h2
		none("h2", at(0))
		who, err = db.TakeInvite(ctx, "h4", at(0))
		must(t, err)
		same(t, who, "o2")
		wantCode(t, db.SaveInvite(ctx, "h5", "absent", at(100)), postern.NotFound)
	})},
	{"every link of the first operator is good until one is taken", func(t *testing.T, d Database) {
		on(func(t *testing.T, db *store.DB) {
			nodes, won := []*store.DB{db, d.Open(t)}, 0
			for i := range 20 {
				must(t, nodes[i%2].SaveInvite(t.Context(), "h"+itoa(i), "", at(100)))
			}
			wantCode(t, db.SaveInvite(t.Context(), "h1", "", at(100)), postern.Conflict)
			for i := range 20 {
				_, err := db.Invite(t.Context(), "h"+itoa(i), at(0))
				must(t, err)
			}
			for _, err := range together(20, func(i int) error {
				_, err := nodes[i%2].TakeInvite(t.Context(), "h"+itoa(i), at(0))
				return err
			}) {
				if err == nil {
					won++
				} else {
					wantCode(t, err, postern.NotFound)
				}
			}
			same(t, won, 1)
		})(t, d)
	}},
}
