package store_test

import (
	"context"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

func TestAWrongNameOfADatabaseIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]postern.Code{
		"":                                  postern.Invalid,
		"mysql://u:hunter2@h/db":            postern.Invalid,
		"sqlite:":                           postern.Invalid,
		"sqlite::memory:":                   postern.Invalid,
		"postgres://u:hunter2@h:port/db":    postern.Invalid,
		"sqlite:" + dir + "/absent/hunter2": postern.Unavailable,
		"sqlite:" + dir:                     postern.Unavailable,
		"sqlite:" + rubbish:                 postern.Unavailable,
	} {
		db, err := store.Open(t.Context(), dsn, store.Options{})
		if err == nil {
			_ = db.Close()
		}
		e := postern.AsError(err)
		if e == nil || e.Code != want || e.Hint == "" || strings.Contains(e.Msg+e.Hint, "hunter2") {
			t.Errorf("%s: got %v", dsn, err)
		}
		if strings.Contains(dsn, "//u:") && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the password is in the log: %v", dsn, err)
		}
	}
}

func TestADatabaseThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // it accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for _, addr := range []string{l.Addr().String(), gone.Addr().String()} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := store.Open(ctx, "postgres://u@"+addr+"/db?sslmode=disable", store.Options{})
		cancel()
		if e := postern.AsError(err); e == nil || e.Code != postern.Unavailable || e.Wait == 0 || e.Hint == "" {
			t.Errorf("%s: got %v", addr, err)
		}
	}
}

func TestTheFileOfADatabaseIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd name?%20#.db")
	db := open(t, "sqlite:"+path)
	if err := db.Append(t.Context(), []*postern.Entry{{}}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %q (%v), want the database and two beside it", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: mode %o", f, got)
		}
	}
}

func TestADatabaseOfANewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postern.db")
	newer(t, "sqlite:"+path, "sqlite", path)
	dsn := schema(t, postgres(t))
	newer(t, dsn, "pgx", dsn)
}

func newer(t *testing.T, dsn, driver, raw string) {
	d := database(t, dsn, driver, raw)
	if err := d.Open(t).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SQL.ExecContext(t.Context(),
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)`); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), dsn, store.Options{})
	if e := postern.AsError(err); e == nil || e.Code != postern.Conflict || !strings.Contains(e.Msg, "schema 99") || e.Hint == "" {
		t.Errorf("%s: got %v", driver, err)
	}
}

func TestOneServesFromASQLiteFileAndManyFromPostgreSQL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(filepath.Join(dir, "postern.db"), link); err != nil {
		t.Fatal(err)
	}
	first, second := open(t, "sqlite:"+dir+"/postern.db"), open(t, "sqlite:"+link)
	release, err := first.LockServe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.LockServe(); postern.CodeOf(err) != postern.Conflict || postern.AsError(err).Hint == "" {
		t.Errorf("the second one that serves got %v", err)
	}
	if _, err := second.SetMeta(t.Context(), "beside", "yes"); err != nil {
		t.Errorf("a command beside the one that serves: %v", err)
	}
	release()
	release()
	release, err = second.LockServe()
	if err != nil {
		t.Fatal(err)
	}
	release()

	dsn := schema(t, postgres(t))
	for range 2 {
		release, err := open(t, dsn).LockServe()
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
}

func TestALostConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	dsn := schema(t, postgres(t)) + "&application_name=lost" + t.Name()[:20]
	db := open(t, dsn)
	wake := db.Wake(t.Context())
	<-wake
	admin, err := sql.Open("pgx", postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if _, err := admin.ExecContext(t.Context(),
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, "lost"+t.Name()[:20]); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-wake; !ok { // it listens again, and says that it may have missed something
		t.Error("the feed ended")
	}
	err = db.Ping(t.Context())
	if err != nil && postern.CodeOf(err) != postern.Unavailable {
		t.Errorf("got %v", err)
	}
	for range 5 { // each of the pool's dead connections may show once
		if err = db.Ping(t.Context()); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("it stays away: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for range wake { // it ends with the database
	}
}

func TestAClosedDatabaseIsOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postern.db")
	db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Append(t.Context(), []*postern.Entry{{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Events(t.Context(), postern.EventFilter{Tenant: postern.SystemTenant}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 1 || files[0] != path {
		t.Errorf("after a write, a read and a close there are %q (%v), want the database alone: a copy of it must be whole", files, err)
	}
}
