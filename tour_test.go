package postern_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// step is one block of README's tour: commands, and what they print, if the
// document says so. In it "…" stands for anything, and blanks for any blanks.
type step struct {
	line     int
	commands string
	prints   string
}

// tour reads the blocks that are marked "sh tour" and "text tour".
func tour(markdown string) (steps []step, err error) {
	var into *string
	for i, line := range strings.Split(markdown, "\n") {
		switch {
		case line == "```" && into != nil:
			into = nil
		case into != nil:
			*into += line + "\n"
		case line == "```sh tour":
			steps = append(steps, step{line: i + 1})
			into = &steps[len(steps)-1].commands
		case line == "```text tour":
			if len(steps) == 0 || steps[len(steps)-1].prints != "" {
				return nil, fmt.Errorf("line %d: an output without commands", i+1)
			}
			into = &steps[len(steps)-1].prints
		}
	}
	return steps, nil
}

// pattern makes an expression of what a step prints.
func (s step) pattern() *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^\s*`)
	for i, word := range strings.Fields(s.prints) {
		if i > 0 {
			b.WriteString(`\s+`)
		}
		if word == "…" {
			b.WriteString(`.*?`)
			continue
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(word), "…", `.*?`))
	}
	b.WriteString(`\s*$`)
	return regexp.MustCompile(b.String())
}

// built is where the program was built, "" when no test needed it.
var built string

var binary = sync.OnceValues(func() (path string, err error) {
	if built, err = os.MkdirTemp("", "postern-house-test-"); err != nil {
		return "", err
	}
	path = filepath.Join(built, "postern")
	// -buildvcs=false: the tree may belong to another user than the one who tests.
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/postern").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(status)
}

func theBinary(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// run is the environment of a newcomer: nothing of Postern's is set in it, and no
// proxy stands before the loopback.
func run(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	// The limit is for what hangs; nothing here takes a tenth of it.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 20 * time.Second
	for _, v := range os.Environ() {
		key, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(key, "POSTERN_") && !strings.HasSuffix(strings.ToLower(key), "_proxy") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

func TestTheTourOfTheReadmeWorksAsItStands(t *testing.T) {
	t.Parallel()
	steps, err := tour(theHouse(t).docs["README.md"])
	if err != nil || len(steps) < 10 {
		t.Fatalf("got %d steps of the tour, %v", len(steps), err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(theBinary(t), filepath.Join(dir, "bin", "postern")); err != nil {
		t.Fatal(err)
	}
	startDemo(t, dir)

	// One shell walks the whole way, as a reader's would, and each step has an output
	// of its own.
	script := "set -euo pipefail\nexec </dev/null\n"
	for i, s := range steps {
		script += fmt.Sprintf("exec >step%d.out 2>step%d.err\n%s\n", i, i, s.commands)
	}
	walked := run(t, dir, "bash", "-c", script).Run()
	for i, s := range steps {
		out, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("step%d.out", i)))
		said, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("step%d.err", i)))
		if err != nil {
			t.Fatalf("README.md:%d was not reached: %v", s.line, walked)
		}
		if s.prints != "" && !s.pattern().Match(out) {
			t.Errorf("README.md:%d:\n%s\nprinted\n%s%s\nand the document says\n%s", s.line, s.commands, out, said, s.prints)
		}
		if walked != nil {
			t.Logf("README.md:%d printed\n%s%s", s.line, out, said)
		}
	}
	if walked != nil {
		t.Errorf("the tour ends with %v", walked)
	}
}

// startDemo does what `make run` does, on a port that is free, and returns when the
// server listens.
func startDemo(t *testing.T, dir string) {
	t.Helper()
	serve := run(t, dir, filepath.Join(dir, "bin", "postern"), "serve", "--demo", "--listen", "127.0.0.1:0", "--log-format", "json")
	serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
	log, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	var before bytes.Buffer
	for lines.Scan() && !strings.Contains(lines.Text(), `"msg":"listening"`) {
		before.WriteString(lines.Text() + "\n")
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, log)
	}()
	t.Cleanup(func() { // its context has ended by now, which interrupts it
		<-drained
		if err := serve.Wait(); err != nil && serve.ProcessState.ExitCode() != 0 {
			t.Errorf("postern serve ended with %v", err)
		}
	})
	if !strings.Contains(lines.Text(), `"msg":"listening"`) {
		t.Fatalf("postern serve does not listen:\n%s", before.String())
	}
}
