package interop_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The end of an httptest.Server closes the idle connections of http.DefaultTransport, and
// with them now and then a request of a test beside it; of this one it cannot.
func init() { http.DefaultTransport = struct{ http.RoundTripper }{http.DefaultTransport} }

// program is the path of the postern under test. TestMain sets it before any test.
var program string

// TestMain builds the program once, with the flags of the Makefile: what is tried
// here is what is released, and the two share their compiled packages.
func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "postern-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "postern")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "postern.dev/postern/cmd/postern")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "interop: build postern: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
