package mcptool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"sh","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`
	listOne = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_persons","arguments":{"limit":1}}}
`
	modernList = `{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}
`
)

func TestAScriptMayWriteItsCallsAndCloseTheInput(t *testing.T) {
	t.Parallel()
	for input, ids := range map[string]int{"": 0, hello: 1, hello + listOne: 2, modernList: 1, hello + listOne + strings.Replace(listOne, `"id":2`, `"id":4`, 1): 3} {
		var out bytes.Buffer
		if err := over(newLedger(), nil).ServeStdio(t.Context(), agent(), "1", strings.NewReader(input), &out); err != nil {
			t.Errorf("%q: %v", input, err)
		}
		answered := 0
		for line := range strings.Lines(out.String()) {
			var m struct {
				Version string `json:"jsonrpc"`
				ID      any
				Result  any
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil || m.Version != "2.0" || m.ID == nil || m.Result == nil || !strings.HasSuffix(line, "\n") {
				t.Errorf("%q: got the line %q, %v, want a message", input, line, err)
			}
			answered++
		}
		if answered != ids {
			t.Errorf("%q: got %d answers, want %d", input, answered, ids)
		}
	}
}

func TestInputThatIsNoMessageEndsTheServerWithAnError(t *testing.T) {
	t.Parallel()
	for _, input := range []string{"hello\n", hello + "{]\n", `"` + strings.Repeat("a", 2<<20) + `"` + "\n"} {
		var out bytes.Buffer
		if err := over(newLedger(), nil).ServeStdio(t.Context(), agent(), "1", strings.NewReader(input), &out); err == nil {
			t.Errorf("%.40q: got no error", input)
		}
	}
}

func TestACallThatDoesNotEndIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.stuck = make(chan struct{}, 2)
		began := time.Now()
		if err := over(l, nil).ServeStdio(t.Context(), agent(), "1", strings.NewReader(hello+listOne), io.Discard); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v, want 10s", took)
		}
	})
}

func TestACancelledServerEndsAtOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]bool{"while its input is open": true, "after the end of its input": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				l.stuck = make(chan struct{}, 2)
				in, calls := io.Pipe()
				defer calls.Close()
				ctx, cancel := context.WithCancel(t.Context())
				began := time.Now()
				done := make(chan error)
				go func() { done <- over(l, nil).ServeStdio(ctx, agent(), "1", in, io.Discard) }()
				if _, err := io.WriteString(calls, hello+listOne); err != nil {
					t.Fatal(err)
				}
				if !open {
					calls.Close()
				}
				<-l.stuck
				synctest.Wait()
				cancel()
				if err := <-done; err != nil || time.Since(began) != 0 {
					t.Errorf("got %v after %v, want no error at once", err, time.Since(began))
				}
			})
		})
	}
}
