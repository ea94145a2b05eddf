package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// node is a running `postern serve`.
type node struct {
	place
	url  string // where it is found, whatever its public address
	cmd  *exec.Cmd
	log  *logbook // stderr
	out  *logbook // stdout
	done chan error
}

// logbook keeps what a process says.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts a node and waits until it listens. The test's end kills it.
func (p place) serve(t testing.TB, flags ...string) *node {
	t.Helper()
	n := p.launch(t, flags...)
	n.await(t)
	return n
}

// launch starts a node without waiting for it.
func (p place) launch(t testing.TB, flags ...string) *node {
	t.Helper()
	n := &node{place: p, log: &logbook{}, out: &logbook{}, done: make(chan error, 1)}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, flags...)
	n.cmd = exec.Command(program(t), args...) //nolint:gosec // our own binary
	n.cmd.Dir, n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr = p.dir, p.environment(), n.out, n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { n.done <- n.cmd.Wait() }()
	t.Cleanup(func() {
		n.kill()
		if raced := raceReport(n.log.String()); raced != "" {
			t.Errorf("serve: %s", raced)
		}
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", n.url, last(n.log.String(), 20))
		}
	})
	return n
}

// await waits until the node listens.
func (n *node) await(t testing.TB) {
	t.Helper()
	eventually(t, patience, "listening", func() error {
		for line := range strings.Lines(n.log.String()) {
			var rec struct{ Msg, Listen string }
			if json.Unmarshal([]byte(line), &rec) == nil && rec.Msg == "listening" {
				n.url = "http://" + rec.Listen
				return nil
			}
		}
		if err, over := n.ended(); over {
			t.Fatalf("serve ended (%v): %s", err, n.log)
		}
		return errors.New(n.log.String())
	})
}

// ended says whether the node's process is gone, and how it went.
func (n *node) ended() (error, bool) {
	select {
	case err := <-n.done:
		n.done <- err
		return err, true
	default:
		return nil, false
	}
}

// kill ends the node as a power cut would.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // it may be gone
	n.done <- <-n.done
}

// stop asks the node to end, and wants that it does, and well.
func (n *node) stop(t testing.TB) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "stopping", func() error {
		err, over := n.ended()
		if !over {
			return fmt.Errorf("it runs: %s", last(n.log.String(), 5))
		}
		if err != nil {
			t.Fatalf("serve ended with %v: %s", err, last(n.log.String(), 20))
		}
		return nil
	})
}

// last gives the last n lines.
func last(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
