package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// eras are the revisions of the protocol that clients in the field speak.
var eras = []string{"", "2025-11-25", "2025-06-18"}

// program is `postern mcp` as a client would start it, over the demo of an office.
func (o *office) program(args ...string) *exec.Cmd {
	cmd := exec.Command("postern", append([]string{"mcp"}, args...)...) //nolint:gosec // ourselves
	cmd.Dir = o.dir
	cmd.Env = append(o.environ(), "PATH="+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// session is a client with `postern mcp` behind it.
func session(t *testing.T, cmd *exec.Cmd, era string, yes *bool) *mcp.ClientSession {
	t.Helper()
	opts := &mcp.ClientOptions{}
	if yes != nil {
		opts.ElicitationHandler = func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"book": *yes}}, nil
		}
	}
	c := mcp.NewClient(&mcp.Implementation{Name: "story", Version: "1"}, opts)
	s, err := c.Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, &mcp.ClientSessionOptions{ProtocolVersion: era})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func ask(t *testing.T, s *mcp.ClientSession, tool string, args map[string]any) *mcp.CallToolResult {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return res
}

func said(res *mcp.CallToolResult) (text string) {
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			text += t.Text
		}
	}
	return text
}

func TestAgentsAreAnsweredAlikeInEveryEraOverStdio(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	answers := map[string]string{}
	for _, era := range eras {
		s := session(t, o.program(), era, nil)
		tools, err := s.ListTools(t.Context(), nil)
		if err != nil || len(tools.Tools) != 7 {
			t.Fatalf("%q: got %d tools, %v, want 7", era, len(tools.Tools), err)
		}
		res := ask(t, s, "list_persons", map[string]any{"email": "aylin.yildiz@harbour.example"})
		b, err := json.Marshal(res.StructuredContent)
		if err != nil || res.IsError || !strings.Contains(said(res), "Aylin") || !strings.Contains(string(b), `"Aylin`) {
			t.Errorf("%q: got %v %s %s", era, err, said(res), b)
		}
		answers[era] = said(res) + string(b)
		if diff := cmp.Diff(answers[""], answers[era]); diff != "" {
			t.Errorf("%q answers otherwise:\n%s", era, diff)
		}
		if err := s.Close(); err != nil { // which fails when the program does not end well
			t.Errorf("%q: %v", era, err)
		}
	}
}

func TestReadOnlyHidesTheWriteAndTellsWhoTriesIt(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	for _, era := range eras {
		s := session(t, o.program("--read-only"), era, nil)
		tools, err := s.ListTools(t.Context(), nil)
		if err != nil || len(tools.Tools) != 6 || slices.ContainsFunc(tools.Tools, func(t *mcp.Tool) bool { return t.Name == "create_absence_period" }) {
			t.Errorf("%q: got %d tools, %v, want 6 without the write", era, len(tools.Tools), err)
		}
		if res := ask(t, s, "create_absence_period", map[string]any{"person_id": "3"}); !res.IsError {
			t.Errorf("%q: got %s, want a refusal", era, said(res))
		}
	}
}

// Whatever the client can do, what is booked was confirmed by its user or by the value
// that a dry run gave.
func TestNothingIsBookedOverStdioWithoutAYes(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	booked := func(s *mcp.ClientSession, day string) bool {
		res := ask(t, s, "list_absence_periods", map[string]any{"person_id": "3", "from": day, "to": day})
		out, _ := res.StructuredContent.(map[string]any)
		items, ok := out["items"].([]any)
		if !ok || res.IsError {
			t.Fatalf("got %s", said(res))
		}
		return len(items) > 0
	}
	yes, no := true, false
	for i, era := range eras {
		for j, answer := range []*bool{nil, &no, &yes} {
			s := session(t, o.program(), era, answer)
			types, _ := ask(t, s, "list_absence_types", nil).StructuredContent.(map[string]any)
			first, _ := types["items"].([]any)[0].(map[string]any)
			day := inSpring(i*3 + j)
			args := map[string]any{"person_id": "3", "absence_type_id": first["id"], "first_day": day, "last_day": day, "skip_approval": false}
			res := ask(t, s, "create_absence_period", args)
			if want := answer == &yes; booked(s, day) != want {
				t.Errorf("%q, answer %v: booked is %v, want %v: %s", era, j, !want, want, said(res))
			}
			if answer != nil {
				continue
			}
			out, _ := res.StructuredContent.(map[string]any)
			args["confirm"] = out["confirm"]
			if res = ask(t, s, "create_absence_period", args); res.IsError || !booked(s, day) {
				t.Errorf("%q: with the confirmation nothing was booked: %s", era, said(res))
			}
		}
	}
}

// inSpring is a Wednesday on which the person of these tests works.
func inSpring(weeks int) string { return wednesday.AddDate(0, 0, 7*(16+weeks)).Format(time.DateOnly) }

func TestTheToolsOverStdioEndWellAndSayNothingButMessages(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	for _, end := range []os.Signal{nil, syscall.SIGTERM, os.Interrupt} {
		cmd := o.program("--log-level", "debug")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(in, hello+"\n"); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() { // it is up
			t.Errorf("%v: no answer: %v", end, lines.Err())
		}
		if end == nil {
			err = in.Close()
		} else {
			err = cmd.Process.Signal(end)
		}
		if err != nil {
			t.Fatal(err)
		}
		for ok := true; ok; ok = lines.Scan() {
			if !json.Valid(lines.Bytes()) {
				t.Errorf("%v: stdout has %q, which is no message", end, lines.Text())
			}
		}
		if err := cmd.Wait(); err != nil || !strings.Contains(errs.String(), "serving tools over stdio") {
			t.Errorf("%v: ended with %v; %s", end, err, &errs)
		}
	}
}
