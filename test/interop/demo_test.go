package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that happens at once or never.
const patience = 2 * time.Minute

// demo is a running `postern serve --demo` with a data directory of its own.
type demo struct {
	url  string
	data string
	env  map[string]string // what a shell has after sourcing demo.env
	log  record
}

// startDemo starts a server, waits until it says that it listens, and stops it at
// the end of the test, which fails if the server did not stop cleanly or wrote a
// secret into its log.
func startDemo(t testing.TB) *demo {
	t.Helper()
	d := &demo{data: filepath.Join(t.TempDir(), "data")}
	cmd := exec.Command(program, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", d.data, "--log-format", "json")
	cmd.Dir, cmd.Env = t.TempDir(), bareEnv()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		d.log.read(stderr, listening)
	}()
	t.Cleanup(func() { d.stop(t, cmd, ended) })
	select {
	case d.url = <-listening:
	case <-ended:
		t.Fatalf("postern ended before it listened; its log:\n%s", d.log.text())
	case <-time.After(patience):
		t.Fatalf("postern does not listen after %s; its log:\n%s", patience, d.log.text())
	}
	d.env = sourced(t, filepath.Join(d.data, "demo.env"))
	return d
}

// bareEnv is an environment in which postern is told nothing.
func bareEnv() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} }

// sourced gives what a shell makes of an environment file.
func sourced(t testing.TB, path string) map[string]string {
	t.Helper()
	sh := exec.CommandContext(t.Context(), "sh", "-c", `set -a; . "$1"; exec env -0`, "sh", path)
	sh.Env = bareEnv()
	out, err := sh.Output()
	if err != nil {
		t.Fatalf("source %s: %v", path, err)
	}
	vars := map[string]string{}
	for line := range strings.SplitSeq(string(out), "\x00") {
		if name, value, ok := strings.Cut(line, "="); ok {
			vars[name] = value
		}
	}
	return vars
}

func (d *demo) stop(t testing.TB, cmd *exec.Cmd, ended <-chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-ended
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("postern did not stop cleanly: %v; its log:\n%s", err, d.log.text())
	}
	log := d.log.text()
	for name, value := range d.env {
		if (strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_PASSWORD")) && strings.Contains(log, value) {
			t.Errorf("the log holds the value of %s", name)
		}
	}
	if strings.Contains(log, "eyJ") {
		t.Error("the log holds a token, or a part of one")
	}
}

// record is what a server wrote to its standard error.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// read keeps every line until the end and passes on the address that the server
// listens on.
func (r *record) read(from io.Reader, listening chan<- string) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		r.mu.Lock()
		r.buf.Write(line)
		r.mu.Unlock()
		var said struct{ Msg, URL string }
		if json.Unmarshal(line, &said) == nil && said.Msg == "listening" {
			listening <- said.URL
		}
		if err != nil {
			return
		}
	}
}

// run carries out a command beside the running server and gives what it printed.
func (d *demo) run(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--data", d.data}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), bareEnv()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// credentials prove a client.
type credentials struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// of gives the credentials of demo.env whose names begin with prefix.
func (d *demo) of(prefix string) credentials {
	return credentials{d.env[prefix+"_CLIENT_ID"], d.env[prefix+"_CLIENT_SECRET"]}
}

// newClient registers a client of the demo tenant.
func (d *demo) newClient(t testing.TB, flags ...string) credentials {
	t.Helper()
	var c credentials
	args := append([]string{"client", "create", "--tenant", "demo", "--name", t.Name(), "--json"}, flags...)
	if err := json.Unmarshal(d.run(t, args...), &c); err != nil || c.ID == "" || c.Secret == "" {
		t.Fatalf("client create %v: no credentials in the answer (%v)", flags, err)
	}
	return c
}

// eventually asks until the answer is yes: a change made by a command is seen by the
// server within a second.
func eventually(t testing.TB, what string, yes func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for !yes() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("after %s still not: %s", patience, what)
		case <-t.Context().Done():
			t.Fatalf("the test ended before: %s", what)
		}
	}
}

// rotateSecret gives a client a new secret; the old one works on for the overlap.
func (d *demo) rotateSecret(t testing.TB, c credentials, overlap string) credentials {
	t.Helper()
	var fresh credentials
	out := d.run(t, "client", "rotate-secret", c.ID, "--overlap", overlap, "--json")
	if err := json.Unmarshal(out, &fresh); err != nil || fresh.ID != c.ID || fresh.Secret == "" || fresh.Secret == c.Secret {
		t.Fatalf("client rotate-secret: no new secret in the answer (%v)", err)
	}
	return fresh
}
