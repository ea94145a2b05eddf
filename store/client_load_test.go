package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"postern.dev/postern"
)

func TestALoadThatFailsKeepsTheTransactionsBeforeAndNoPartOfOne(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.CreateTenant(t.Context(), postern.Tenant{ID: "acme"}, postern.Event{}); err != nil {
		t.Fatal(err)
	}
	count := func() int64 {
		n, err := one(t.Context(), db.read, scanInt, `SELECT COUNT(*) FROM clients`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	many := func(prefix string, n int, each func(i int)) func(func(postern.Client) bool) {
		return func(yield func(postern.Client) bool) {
			for i := range n {
				each(i)
				id := fmt.Sprintf("%s%d", prefix, i)
				if !yield(postern.Client{ID: id, Subject: id, Tenant: "acme"}) {
					return
				}
			}
		}
	}
	for _, rows := range []int{1, 7} {
		before := count()
		if err := db.load(t.Context(), many(fmt.Sprint("whole", rows), 45, func(int) {}), rows, 21); err != nil {
			t.Fatal(err)
		}
		if got := count() - before; got != 45 {
			t.Errorf("by %d: %d of 45 were loaded", rows, got)
		}
		before = count()
		ctx, cancel := context.WithCancel(t.Context())
		leave := func(i int) {
			if i == 30 {
				cancel()
			}
		}
		if err := db.load(ctx, many(fmt.Sprint("part", rows), 45, leave), rows, 21); err == nil {
			t.Error("a caller who left got no error")
		}
		if got := count() - before; got != 21 {
			t.Errorf("by %d: %d are there, want one transaction of 21", rows, got)
		}
		cancel()
	}
}
