package main

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { storyCommands["agent"] = storyAgent }

// storyAgent starts `postern mcp` with the credentials of demo.env, sends it the lines of
// a file, waits for so many answers, closes its stdin and wants a good end:
//
//	agent ANSWERS FILE [NAME=value …] [UPSTREAM] [FLAG …]
func storyAgent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: agent ANSWERS FILE [NAME=value …] [UPSTREAM] [FLAG …]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	n := 2
	for n < len(args) && strings.Contains(args[n], "=") && !strings.HasPrefix(args[n], "-") {
		n++
	}
	words := append(args[2:n:n], "postern", "mcp")
	cmd := exec.Command("sh", append(withDemo(), append(words, args[n:]...)...)...) //nolint:gosec // ourselves
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(environment(ts), "POSTERN_EXPERIMENTAL="+ts.Getenv("POSTERN_EXPERIMENTAL"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill() })
	_, err = io.WriteString(in, ts.ReadFile(args[1]))
	ts.Check(err)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for got := 0; lines.Scan(); {
		_, _ = ts.Stdout().Write(append(lines.Bytes(), '\n'))
		if got++; got == want {
			ts.Check(in.Close())
		}
	}
	err = cmd.Wait()
	_, _ = ts.Stderr().Write(errs.Bytes())
	if err != nil {
		ts.Fatalf("agent: postern mcp ended with %v: %s", err, &errs)
	}
}
