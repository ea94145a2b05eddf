package test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The end of an httptest.Server closes the idle connections of http.DefaultTransport, and
// with them now and then a request of a test beside it; of this one it cannot.
func init() { http.DefaultTransport = struct{ http.RoundTripper }{http.DefaultTransport} }

// binary is the program under test. Tests get it from program.
var binary string

// program gives the program under test.
func program(t testing.TB) string {
	t.Helper()
	if err := lookAtSources(); err != nil {
		t.Fatal(err)
	}
	return binary
}

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "postern-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "postern")
	args := []string{"build", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "../cmd/postern")...) //nolint:gosec // our own arguments
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	flag.Parse()
	// Most of what these tests do is wait for processes: two at a time would waste it.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// lookAtSources makes go test see what the program is made of: it remembers a result as
// long as the files that tests looked at are the same, and the build is no test.
var lookAtSources = sync.OnceValue(func() error {
	const root = ".."
	for _, room := range []string{"go.mod", "go.sum", "admin", "broker", "cmd", "console", "dialect", "hr", "internal", "issuer", "mcptool", "proxy", "registrar",
		"server", "store"} {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	nouns, err := filepath.Glob(filepath.Join(root, "*.go"))
	for _, path := range nouns {
		_, serr := os.Stat(path)
		err = errors.Join(err, serr)
	}
	return err
})

// patience is how long a test waits for what must happen at all.
const patience = 2 * time.Minute

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

// eventually is poll for what a test cannot go on without. It gives the time it took.
func eventually(t testing.TB, limit time.Duration, what string, good func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := poll(limit, good); err != nil {
		t.Fatalf("%s: not within %v: %v", what, limit, err)
	}
	return time.Since(begin)
}
