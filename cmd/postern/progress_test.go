package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestABarIsDrawnOnATerminalAndNowhereElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ok(t, "tenant", "create", "acme")
	file := filepath.Join(t.TempDir(), "people.csv")
	text := "first_name,last_name\n" + strings.Repeat("Ada,Lovelace\n", 900)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said := func(args ...string) string {
		begin := len(d.err.String())
		d.ok(t, args...)
		return d.err.String()[begin:]
	}
	if got := said("hr", "import", "persons", file, "--tenant", "acme"); got != "" {
		t.Errorf("without a terminal: got %q", got)
	}
	d.terminal = true
	if got := said("hr", "import", "persons", file, "--tenant", "acme", "--json"); got != "" {
		t.Errorf("for a program: got %q", got)
	}
	if got := said("hr", "export", "persons", "--tenant", "acme"); got != "" {
		t.Errorf("to standard output: got %q", got)
	}
	for _, args := range [][]string{{"hr", "import", "persons", file, "--tenant", "acme"}, {"hr", "export", "persons", file, "--tenant", "acme"}} {
		got := said(args...)
		if !strings.HasPrefix(got, "\r") || !strings.Contains(got, " persons") || !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("%q: got %q, want a bar that goes away", args, got)
		}
		if args[1] == "import" && !strings.Contains(got, "[######") {
			t.Errorf("%q: got %q, want how much of the file was read", args, got)
		}
	}
}
