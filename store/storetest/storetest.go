// Package storetest proves that a database keeps what the store promises. Both
// engines run the same suite, each test in a database of its own.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// Database is an empty database.
type Database struct {
	// Open opens it, each time as another process would. The test closes it.
	Open func(t *testing.T) *store.DB
	// SQL reaches the same tables past the store, to tamper with them.
	SQL *sql.DB
}

// Run runs the suite; fresh makes a database for each test in it.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	for _, part := range [][]test{
		openTests, tenantTests, clientTests, userTests, keyTests, resourceTests, revocationTests,
		liveTests, auditTests, chainTests, changeTests, upstreamTests, settingsTests, personTests, absenceTests,
		attendanceTests, importTests, sandboxTests, operatorTests, sessionTests, guessTests, searchTests, officeTests,
		usageTests,
	} {
		for _, tt := range part {
			t.Run(tt.claim, func(t *testing.T) {
				t.Parallel()
				tt.run(t, fresh(t))
			})
		}
	}
}

type test struct {
	claim string
	run   func(t *testing.T, d Database)
}

// on makes a test of one that needs no more than an open store with two tenants.
func on(run func(t *testing.T, db *store.DB)) func(t *testing.T, d Database) {
	return func(t *testing.T, d Database) {
		db := d.Open(t)
		for _, id := range []string{"acme", "other"} {
			must(t, db.CreateTenant(t.Context(), postern.Tenant{ID: id}, event(postern.ActTenantCreated)))
		}
		run(t, db)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode checks the code of an error, and that its text tells no driver's tale.
func wantCode(t testing.TB, err error, want postern.Code) {
	t.Helper()
	if got := postern.CodeOf(err); got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

func same(t testing.TB, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// at is an instant that the database can keep exactly.
func at(ms int64) time.Time { return time.UnixMilli(1_700_000_000_000 + ms).UTC() }

func event(action string) postern.Event {
	return postern.Event{At: at(1), Action: action, Actor: "cli:test", Object: "thing"}
}

// acted checks that the newest event of a tenant is this action.
func acted(t testing.TB, db *store.DB, tenant, action string) {
	t.Helper()
	evs, err := db.Events(t.Context(), postern.EventFilter{Tenant: tenant, Limit: 1})
	must(t, err)
	if len(evs) != 1 || evs[0].Action != action || evs[0].Actor != "cli:test" {
		t.Errorf("newest event of %s: got %+v, want %s", tenant, evs, action)
	}
}

// noted checks that the newest change is c, whatever its number.
func noted(t testing.TB, db *store.DB, c postern.Change) {
	t.Helper()
	_, newest, err := db.Changes(t.Context(), -1, 1)
	must(t, err)
	got, _, err := db.Changes(t.Context(), newest-1, 10)
	must(t, err)
	c.Seq = newest
	same(t, got, []postern.Change{c})
}

// unchanged runs do and checks that it left no event and no change behind.
func unchanged(t testing.TB, db *store.DB, tenant string, do func()) {
	t.Helper()
	count := func() (int, int64) {
		evs, err := db.Events(t.Context(), postern.EventFilter{Tenant: tenant, Limit: 1000})
		must(t, err)
		_, newest, err := db.Changes(t.Context(), -1, 1)
		must(t, err)
		return len(evs), newest
	}
	events, seq := count()
	do()
	if e, s := count(); e != events || s != seq {
		t.Errorf("it left %d events and %d changes behind", e-events, s-seq)
	}
}

// together calls do in n goroutines at once and gives their errors.
func together(n int, do func(i int) error) []error {
	start, errs := make(chan struct{}), make(chan error, n)
	for i := range n {
		go func() {
			err := errors.New("it ended without an answer") // as a test that fails does
			defer func() { errs <- err }()
			<-start
			err = do(i)
		}()
	}
	close(start)
	all := make([]error, n)
	for i := range all {
		all[i] = <-errs
	}
	return all
}

// pages reads everything through a cursor, two at a time.
func pages[T any](t testing.TB, page func(ctx context.Context, after string, limit int) ([]T, error), id func(T) string) []string {
	t.Helper()
	var ids []string
	for after := ""; ; after = ids[len(ids)-1] {
		got, err := page(t.Context(), after, 2)
		must(t, err)
		if len(got) == 0 {
			return ids
		}
		if len(got) > 2 || len(ids) > 1000 {
			t.Fatalf("page of %d after %d rows", len(got), len(ids))
		}
		for _, v := range got {
			ids = append(ids, id(v))
		}
	}
}

func entries(n int, tenant string) []*postern.Entry {
	all := make([]*postern.Entry, n)
	for i := range all {
		all[i] = &postern.Entry{Event: postern.Event{
			Tenant: tenant, At: at(int64(i)), Action: postern.ActTokenIssued, ClientID: fmt.Sprintf("client%d", i)}}
	}
	return all
}
