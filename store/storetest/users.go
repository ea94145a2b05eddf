package storetest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func itoa(i int) string { return strconv.Itoa(i) }

func fullUser(tenant, id string) postern.User {
	return postern.User{ID: id, Tenant: tenant, Email: "ada." + id + "@example.com", Role: "agent", AgentID: "agent" + id,
		SiteID: 1 << 40, Disabled: true, PasswordHash: "$argon2id$" + id, Failures: 3, LockedUntil: at(20),
		NotBefore: at(21), CreatedAt: at(22), UpdatedAt: at(23)}
}

var userTests = []test{
	{"a user comes back whole, by id and by any spelling of the address", on(func(t *testing.T, db *store.DB) {
		ctx, want := t.Context(), fullUser("acme", "u1")
		spelled := want
		spelled.Email = "  ADA.u1@Example.COM"
		must(t, db.CreateUser(ctx, spelled, event(postern.ActUserCreated)))
		acted(t, db, "acme", postern.ActUserCreated)
		noted(t, db, postern.Change{Kind: postern.ChangeUser, Tenant: "acme", ID: "u1"})
		got, err := db.UserByID(ctx, "acme", "u1")
		must(t, err)
		same(t, got, want)
		got, err = db.User(ctx, "acme", "Ada.U1@EXAMPLE.com ")
		must(t, err)
		same(t, got, want)
	})},
	{"users are their tenant's alone", on(func(t *testing.T, db *store.DB) {
		ctx, ev := t.Context(), event(postern.ActUserCreated)
		must(t, db.CreateUser(ctx, fullUser("acme", "u1"), ev))
		must(t, db.CreateUser(ctx, fullUser("other", "u1"), ev)) // both may have the same id and address
		must(t, db.CreateUser(ctx, fullUser("acme", "only"), ev))
		_, err := db.UserByID(ctx, "other", "only")
		wantCode(t, err, postern.NotFound)
		_, err = db.User(ctx, "other", "ada.only@example.com")
		wantCode(t, err, postern.NotFound)
		_, err = db.User(ctx, "acme", "ada.only@example.com\x00")
		wantCode(t, err, postern.NotFound)
		unchanged(t, db, "acme", func() {
			wantCode(t, db.CreateUser(ctx, fullUser("acme", "u1"), ev), postern.Conflict)
			twin := fullUser("acme", "u2")
			twin.Email = "ADA.u1@example.com"
			wantCode(t, db.CreateUser(ctx, twin, ev), postern.Conflict)
		})
		unchanged(t, db, "other", func() {
			_, err := db.ChangeUser(ctx, "other", "only", ev, func(*postern.User) error { return nil })
			wantCode(t, err, postern.NotFound)
			_, err = db.CountFailure(ctx, "other", "only", func(int) time.Time { return at(0) })
			wantCode(t, err, postern.NotFound)
			wantCode(t, db.ClearFailures(ctx, "other", "only"), postern.NotFound)
		})
		wantCode(t, db.CreateUser(ctx, fullUser("absent", "u9"), ev), postern.NotFound)
	})},
	{"users are listed in order, page by page, for their tenant", on(func(t *testing.T, db *store.DB) {
		for _, id := range []string{"b", "9", "10", "a"} {
			must(t, db.CreateUser(t.Context(), fullUser("acme", id), event(postern.ActUserCreated)))
		}
		must(t, db.CreateUser(t.Context(), fullUser("other", "foreign"), event(postern.ActUserCreated)))
		same(t, pages(t, func(ctx context.Context, after string, n int) ([]postern.User, error) {
			return db.Users(ctx, "acme", after, n)
		}, func(u postern.User) string { return u.ID }), []string{"10", "9", "a", "b"})
	})},
	{"a user changes whole or not at all", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.CreateUser(ctx, postern.User{ID: "u1", Tenant: "acme", Email: "x@y", CreatedAt: at(22)},
			event(postern.ActUserCreated)))
		want, ev := fullUser("acme", "u1"), event(postern.ActUserPassword)
		got, err := db.ChangeUser(ctx, "acme", "u1", ev, func(u *postern.User) error {
			*u = want
			u.ID, u.Tenant, u.CreatedAt, u.Email = "no", "other", at(99), "ADA.u1@example.com"
			return nil
		})
		must(t, err)
		want.UpdatedAt = at(2) // at the same time as it was made, and yet later
		same(t, got, want)
		acted(t, db, "acme", postern.ActUserPassword)
		noted(t, db, postern.Change{Kind: postern.ChangeUser, Tenant: "acme", ID: "u1"})
		unchanged(t, db, "acme", func() {
			_, err := db.ChangeUser(ctx, "acme", "u1", ev, func(u *postern.User) error {
				u.Role = "lost"
				return postern.Errorf(postern.Forbidden, "no")
			})
			wantCode(t, err, postern.Forbidden)
		})
		got, err = db.UserByID(ctx, "acme", "u1")
		must(t, err)
		same(t, got, want)
	})},
	{"every wrong password counts, and a lock never moves back", on(countFailures)},
}

func countFailures(t *testing.T, db *store.DB) {
	ctx := t.Context()
	must(t, db.CreateUser(ctx, postern.User{ID: "u1", Tenant: "acme", Email: "x@y"}, event(postern.ActUserCreated)))
	lock := func(failures int) time.Time {
		if failures < 10 {
			return time.Time{}
		}
		return at(int64(failures))
	}
	unchanged(t, db, "acme", func() {
		for range 9 {
			u, err := db.CountFailure(ctx, "acme", "u1", lock)
			must(t, err)
			same(t, u.LockedUntil, time.Time{})
		}
	})
	for _, err := range together(11, func(int) error {
		_, err := db.CountFailure(ctx, "acme", "u1", lock)
		return err
	}) {
		must(t, err)
	}
	u, err := db.UserByID(ctx, "acme", "u1")
	must(t, err)
	if u.Failures != 20 || !u.LockedUntil.Equal(at(20)) {
		t.Errorf("got %d failures and a lock until %v, want 20 and %v", u.Failures, u.LockedUntil, at(20))
	}
	noted(t, db, postern.Change{Kind: postern.ChangeUser, Tenant: "acme", ID: "u1"})
	u, err = db.CountFailure(ctx, "acme", "u1", func(int) time.Time { return at(5) })
	must(t, err)
	same(t, u.LockedUntil, at(20))
	_, before, err := db.Changes(ctx, -1, 1)
	must(t, err)
	must(t, db.ClearFailures(ctx, "acme", "u1"))
	must(t, db.ClearFailures(ctx, "acme", "u1"))
	_, after, err := db.Changes(ctx, -1, 1)
	must(t, err)
	same(t, after-before, int64(1))
	u, err = db.UserByID(ctx, "acme", "u1")
	must(t, err)
	if u.Failures != 0 || !u.LockedUntil.IsZero() {
		t.Errorf("after a clearing: %d failures, locked until %v", u.Failures, u.LockedUntil)
	}
}
