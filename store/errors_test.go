package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"postern.dev/postern"
)

func TestErrorsOfBothEnginesAreKnownByTheirCodes(t *testing.T) {
	t.Parallel()
	for rc, want := range map[int]postern.Code{
		sqlite3.SQLITE_CONSTRAINT_UNIQUE: postern.Conflict, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: postern.Conflict,
		sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: postern.NotFound, sqlite3.SQLITE_CONSTRAINT_NOTNULL: postern.Internal,
		sqlite3.SQLITE_BUSY: postern.Unavailable, sqlite3.SQLITE_BUSY_SNAPSHOT: postern.Unavailable,
		sqlite3.SQLITE_FULL: postern.Unavailable, sqlite3.SQLITE_IOERR_FSYNC: postern.Unavailable,
		sqlite3.SQLITE_READONLY_DBMOVED: postern.Unavailable, sqlite3.SQLITE_CORRUPT: postern.Unavailable,
		sqlite3.SQLITE_ERROR: postern.Internal, sqlite3.SQLITE_MISUSE: postern.Internal,
	} {
		if got, _, _ := classifySQLite(rc); got != want {
			t.Errorf("SQLite %d: got %s, want %s", rc, got, want)
		}
	}
	for state, want := range map[string]postern.Code{
		"23505": postern.Conflict, "23503": postern.NotFound, "23502": postern.Internal, "22021": postern.Invalid,
		"08006": postern.Unavailable, "53100": postern.Unavailable, "53300": postern.Unavailable, "57P01": postern.Unavailable,
		"57P03": postern.Unavailable, "57014": postern.Unavailable, "40001": postern.Unavailable, "40P01": postern.Unavailable,
		"25006": postern.Unavailable, "58030": postern.Unavailable, "28P01": postern.Unavailable, "3D000": postern.Unavailable,
		"42P01": postern.Internal, "42601": postern.Internal, "": postern.Internal,
	} {
		if got, _, _ := classify(&pgconn.PgError{Code: state}); got != want {
			t.Errorf("PostgreSQL %s: got %s, want %s", state, got, want)
		}
	}
	for err, want := range map[error]postern.Code{
		sql.ErrNoRows: postern.NotFound, io.ErrUnexpectedEOF: postern.Unavailable, context.DeadlineExceeded: postern.Unavailable,
		errors.New("SQLITE_BUSY unique connection refused"): postern.Internal,
	} {
		if got, _, _ := classify(fmt.Errorf("read: %w", err)); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}

func TestAFullDiskRefusesAndTheDatabaseRecovers(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	limit := func(pages int) {
		if err := db.engine.write(t.Context(), func(ctx context.Context, tx session) error {
			_, err := one(ctx, tx, scanInt, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite makes it the present size
	big := &postern.Entry{Event: postern.Event{Detail: string(make([]byte, 100_000))}}
	err = db.Append(t.Context(), []*postern.Entry{big})
	if e := postern.AsError(err); e == nil || e.Code != postern.Unavailable || e.Msg != msgFull || e.Hint != hintFull {
		t.Errorf("got %v", err)
	}
	if big.Event.Seq != 0 || big.Event.Hash != "" {
		t.Errorf("a refused entry is numbered: %+v", big.Event)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("reading a full database: %v", err)
	}
	limit(1 << 20)
	if err := db.Append(t.Context(), []*postern.Entry{big}); err != nil || big.Event.Seq != 1 {
		t.Errorf("after room was made: %v, entry %d", err, big.Event.Seq)
	}
}

func TestAPanicInACallersFunctionLeavesTheDatabaseUsable(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.CreateTenant(t.Context(), postern.Tenant{ID: "acme"}, postern.Event{}); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = db.ChangeTenant(t.Context(), "acme", postern.Event{}, func(*postern.Tenant) error { panic("caller") })
	}()
	if r, err := db.VerifyChain(t.Context(), "acme", nil); err != nil || r.Count != 1 || r.Problem != "" {
		t.Errorf("got %+v (%v), want a chain of one", r, err)
	}
	if _, err := db.SetMeta(t.Context(), "a", "b"); err != nil {
		t.Error(err)
	}
}
