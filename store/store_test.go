package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"postern.dev/postern/store"
	"postern.dev/postern/store/storetest"
)

func TestSQLiteKeepsWhatTheStorePromises(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "postern.db")
		return database(t, "sqlite:"+path, "sqlite", "file:"+path+"?_busy_timeout=5000")
	})
}

func TestPostgreSQLKeepsWhatTheStorePromises(t *testing.T) {
	t.Parallel()
	base := postgres(t)
	storetest.Run(t, func(t *testing.T) storetest.Database {
		dsn := schema(t, base)
		return database(t, dsn, "pgx", dsn)
	})
}

// postgres gives the DSN of the PostgreSQL to test against. Its absence is a
// failure: a test that is skipped proves nothing.
func postgres(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("POSTERN_TEST_POSTGRES")
	if dsn == "" {
		t.Fatal("POSTERN_TEST_POSTGRES names no PostgreSQL: run `make test`, or test/with-postgres go test ./store/...")
	}
	return dsn
}

var schemas atomic.Int64

// schema makes an empty schema and gives a DSN for it.
func schema(t testing.TB, base string) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	if _, err := admin.ExecContext(t.Context(), `CREATE SCHEMA `+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = admin.ExecContext(context.Background(), `DROP SCHEMA `+name+` CASCADE`) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func database(t testing.TB, dsn, driver, raw string) storetest.Database {
	t.Helper()
	around, err := sql.Open(driver, raw)
	if err != nil {
		t.Fatal(err)
	}
	around.SetMaxIdleConns(1)
	t.Cleanup(func() { _ = around.Close() })
	return storetest.Database{SQL: around, Open: func(t *testing.T) *store.DB { return open(t, dsn) }}
}

func open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{MaxConns: 4})
	if err != nil {
		t.Error(err)
		t.FailNow()
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close %s: %v", strings.SplitN(dsn, ":", 2)[0], err)
		}
	})
	return db
}
