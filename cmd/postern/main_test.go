package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"
)

// TestMain lets the test binary stand for the program: a script that says
// `postern` starts it again under that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postern": main})
}

// TestStories runs every script of testdata/script. Each is a story that can be read
// aloud; the commands it uses beside testscript's own stand in story_test.go.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params("testdata/script/*.txtar", func(*testscript.Env) error { return nil }))
}

// TestStoriesOnPostgreSQL tells the stories that concern the database again, on the
// other engine.
func TestStoriesOnPostgreSQL(t *testing.T) {
	t.Parallel()
	base := os.Getenv("POSTERN_TEST_POSTGRES")
	if base == "" {
		t.Fatal("POSTERN_TEST_POSTGRES names no PostgreSQL: run `make test`, or test/with-postgres go test ./cmd/postern")
	}
	testscript.Run(t, params("testdata/script/db_*.txtar", func(e *testscript.Env) error {
		dsn, drop, err := newSchema(base)
		if err != nil {
			return err
		}
		e.Defer(drop)
		e.Setenv("POSTERN_DB", dsn)
		return nil
	}))
}

func params(pattern string, setup func(*testscript.Env) error) testscript.Params {
	files, _ := filepath.Glob(pattern) // the pattern is well formed
	return testscript.Params{
		Files: files, Cmds: storyCommands, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Values[serversKey{}] = map[string]*running{}
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // or every command takes a second
			return setup(e)
		},
	}
}

var schemas atomic.Int64

// newSchema makes an empty schema in the PostgreSQL that base names, and gives a DSN
// for it and what drops it.
func newSchema(base string) (dsn string, drop func(), err error) {
	admin, err := sql.Open("pgx", base)
	if err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("c%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := admin.Exec(`CREATE SCHEMA ` + name); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), func() {
		_, _ = admin.Exec(`DROP SCHEMA ` + name + ` CASCADE`)
		_ = admin.Close()
	}, nil
}

// poll asks until good answers nil, and gives its last answer when limit has passed.
// It is the only thing here that waits.
func poll(limit time.Duration, good func() error) error {
	end := time.Now().Add(limit)
	for tick := time.Tick(10 * time.Millisecond); ; <-tick {
		err := good()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
