package test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// place is where nodes serve from: a data directory, a database and settings.
type place struct {
	dir string
	dsn string   // of PostgreSQL; empty for the SQLite file in dir
	env []string // what programs see beside the place's own settings
}

// unlimited switches off what would stop a test that asks often from one address.
const unlimited = `limits: {failures_per_source: -1, failures_per_client: -1, requests_per_client: -1}`

// newPlace makes a place on SQLite, with settings in YAML.
func newPlace(t testing.TB, settings ...string) place {
	t.Helper()
	p := place{dir: t.TempDir()}
	if err := os.WriteFile(p.file("postern.yaml"), []byte(strings.Join(settings, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// on makes a copy of the place that uses a database of PostgreSQL.
func (p place) on(dsn string) place { p.dsn = dsn; return p }

func (p place) file(name string) string { return filepath.Join(p.dir, name) }

// database is what the program calls the database.
func (p place) database() string {
	if p.dsn != "" {
		return p.dsn
	}
	return "sqlite:" + p.file("postern.db")
}

// engines are the two kinds of place.
var engines = map[string]func(testing.TB) place{
	"SQLite":     func(t testing.TB) place { return newPlace(t, unlimited) },
	"PostgreSQL": func(t testing.TB) place { return newPlace(t, unlimited).on(schema(t)) },
}

var schemas atomic.Int64

// postgres gives the PostgreSQL to test against. Its absence is a failure: a test that
// is skipped proves nothing.
func postgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv("POSTERN_TEST_POSTGRES")
	if base == "" {
		t.Fatal("POSTERN_TEST_POSTGRES names no PostgreSQL: run `make test`, or test/with-postgres go test ./test")
	}
	return base
}

// schema makes an empty schema in it and gives a DSN for that.
func schema(t testing.TB) string {
	t.Helper()
	base := postgres(t)
	name := fmt.Sprintf("w%d_%d", os.Getpid(), schemas.Add(1))
	admin := openSQL(t, "pgx", base)
	execSQL(t, admin, `CREATE SCHEMA `+name)
	t.Cleanup(func() { _, _ = admin.ExecContext(context.Background(), `DROP SCHEMA `+name+` CASCADE`) })
	return withQuery(t, base, "search_path", name)
}

func withQuery(t testing.TB, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func openSQL(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execSQL(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// environment is what the program sees in this place, and nothing else.
func (p place) environment() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + os.TempDir(), "GORACE=atexit_sleep_ms=0",
		"POSTERN_DATA=" + p.dir, "POSTERN_DB=" + p.database(), "POSTERN_CONFIG=" + p.file("postern.yaml")}, p.env...)
}

// try runs a command beside the servers and gives its exit status.
func (p place) try(t testing.TB, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), args...) //nolint:gosec // our own binary
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.dir, p.environment(), strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("postern %q: %v", args, err)
	}
	if raced := raceReport(errs.String()); raced != "" {
		t.Errorf("postern %q: %s", args, raced)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// postern runs a command that must end well and gives what it printed.
func (p place) postern(t testing.TB, args ...string) string {
	t.Helper()
	return p.piped(t, "", args...)
}

// piped is postern with standard input.
func (p place) piped(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	status, stdout, stderr := p.try(t, stdin, args...)
	if status != 0 {
		t.Fatalf("postern %q: got status %d and %s, want 0", args, status, stderr)
	}
	return stdout
}

// ask runs a command with --json and decodes what it printed.
func ask[T any](t testing.TB, p place, args ...string) (v T) {
	t.Helper()
	out := p.postern(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("postern %q: %v in %s", args, err, out)
	}
	return v
}

func raceReport(stderr string) string {
	_, report, found := strings.Cut(stderr, "WARNING: DATA RACE")
	if !found {
		return ""
	}
	return "DATA RACE" + report
}
