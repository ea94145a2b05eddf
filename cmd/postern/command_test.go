package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// desk is a world for commands that run in this process, with what they print.
type desk struct {
	*env
	out, err *writer
}

// writer is a buffer that one goroutine reads while another writes.
type writer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *writer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func newDesk(t testing.TB) desk {
	t.Helper()
	d := desk{out: &writer{}, err: &writer{}}
	data := t.TempDir()
	d.env = &env{stdin: strings.NewReader(""), stdout: d.out, stderr: d.err, now: time.Now,
		getenv: func(name string) string {
			if name == "POSTERN_DATA" {
				return data
			}
			return ""
		},
		password: func(string) (postern.Secret, error) { return postern.Secret{}, errors.New("nobody is there to ask") },
	}
	return d
}

// ok runs a command that must end well and gives what it printed.
func (d desk) ok(t testing.TB, args ...string) string {
	t.Helper()
	begin := len(d.out.String())
	if status := run(t.Context(), d.env, args); status != exitDone {
		t.Fatalf("postern %q: got status %d and %s, want 0", args, status, d.err)
	}
	return d.out.String()[begin:]
}

// leaves gives every command that does something, with its words.
func leaves(t testing.TB) map[string]*kong.Node {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Vars{"algs": "ES256,RS256,EdDSA,HS256"})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*kong.Node{}
	for _, n := range parser.Model.Leaves(true) {
		out[strings.TrimPrefix(n.FullPath(), parser.Model.Name+" ")] = n
	}
	if len(out) < 30 {
		t.Fatalf("got %d commands, want 30 at least", len(out))
	}
	return out
}

var example = regexp.MustCompile(`\bpostern ([a-z][^|<>)\n]*)`)

func TestEveryHelpHasAnExampleThatTheProgramUnderstands(t *testing.T) {
	t.Parallel()
	for words := range leaves(t) {
		d := newDesk(t)
		help := d.ok(t, append(strings.Fields(words), "--help")...)
		_, examples, found := strings.Cut(help, "Example")
		examples, _, _ = strings.Cut(examples, "\nFlags:")
		lines := example.FindAllStringSubmatch(examples, -1)
		if !found || len(lines) == 0 {
			t.Errorf("postern %s --help has no example:\n%s", words, help)
		}
		for _, line := range lines {
			parser, err := kong.New(&cli{}, kong.Vars{"algs": "ES256,RS256,EdDSA,HS256"})
			if err != nil {
				t.Fatal(err)
			}
			if k, err := parser.Parse(split(line[1])); err != nil || !strings.HasPrefix(k.Command(), words) {
				t.Errorf("postern %s --help: the example %q: got %v, want a command line of its own", words, line[0], err)
			}
		}
	}
}

// split parts a command line as a shell does, with single quotes.
func split(line string) (args []string) {
	for i, part := range strings.Split(strings.TrimSpace(line), "'") {
		if i%2 == 1 {
			args = append(args, part)
		} else {
			args = append(args, strings.Fields(part)...)
		}
	}
	return args
}

// printsNothing are the commands that give no data: what they have to say goes to
// people, on stderr.
var printsNothing = []string{"serve", "completion", "client delete", "hr reset", "mcp", "operator delete", "operator end-session", "proxy", "resource delete", "token revoke",
	"upstream add", "upstream remove"}

func TestEveryCommandThatPrintsDataTakesJSON(t *testing.T) {
	t.Parallel()
	for words, n := range leaves(t) {
		name, _, _ := strings.Cut(words, " <")
		takes := slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "json" })
		if want := !slices.Contains(printsNothing, name); takes != want {
			t.Errorf("postern %s takes --json: got %v, want %v", words, takes, want)
		}
	}
}

func TestEveryCodeIsToldToTheOperatorWithItsHint(t *testing.T) {
	t.Parallel()
	for _, code := range postern.Codes {
		for _, wrapped := range []bool{false, true} {
			d := newDesk(t)
			e := postern.Errorf(code, "it is so").WithHint("do this")
			e.Err = errors.New("the cause")
			var err error = e
			want := "postern: error: it is so"
			if code == postern.Internal || code == postern.Unavailable {
				want += ": the cause" // whoever runs the command is the operator
			}
			if wrapped {
				err = fmt.Errorf("open the door: %w", e)
				want = "postern: error: open the door: " + e.Error()
			}
			status := fail(d.env, err)
			first, rest, _ := strings.Cut(d.err.String(), "\n")
			if status != exitFailed || !strings.HasPrefix(first, want) || rest != "postern: hint: do this\n" {
				t.Errorf("%s, wrapped %v: got status %d and %q, want 1, %q and the hint", code, wrapped, status, d.err, want)
			}
		}
	}
	d := newDesk(t)
	status := fail(d.env, errMisused{postern.Errorf(postern.Invalid, "no sense").WithHint("try that")})
	if want := "postern: error: no sense\npostern: hint: try that\n"; status != exitMisused || d.err.String() != want {
		t.Errorf("misused: got status %d and %q, want 2 and %q", status, d.err, want)
	}
}

func TestAPasswordIsAskedForTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ok(t, "tenant", "create", "acme")
	var answers []string
	d.password = func(prompt string) (postern.Secret, error) {
		if len(answers) == 0 {
			return postern.Secret{}, io.EOF
		}
		next := answers[0]
		answers = answers[1:]
		return postern.NewSecret(next), nil
	}
	for _, c := range []struct {
		typed  []string
		status int
		says   string
	}{
		{[]string{"Sphinx of quartz", "Sphinx of quarks"}, exitFailed, "the two passwords differ"},
		{[]string{"short", "short"}, exitFailed, "at least 15 are needed"},
		{[]string{"Sphinx of quartz"}, exitFailed, "EOF"},
		{[]string{"Sphinx of quartz", "Sphinx of quartz"}, exitDone, ""},
	} {
		answers = c.typed
		*d.err = writer{}
		status := run(t.Context(), d.env, []string{"user", "create", "ada@acme.test", "--tenant", "acme"})
		if status != c.status || !strings.Contains(d.err.String(), c.says) {
			t.Errorf("typed %q: got status %d and %s, want %d and %q", c.typed, status, d.err, c.status, c.says)
		}
		if all := d.out.String() + d.err.String(); strings.Contains(all, "Sphinx") {
			t.Errorf("typed %q: the password is printed: %s", c.typed, all)
		}
	}
}

func TestVerifyingShowsOnATerminalHowFarItIs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ok(t, "tenant", "create", "acme")
	if got := d.ok(t, "audit", "verify"); strings.Contains(got+d.err.String(), "\r") {
		t.Errorf("without a terminal: got %q and %q, want no progress", got, d.err)
	}
	d.terminal = true
	if got := d.ok(t, "audit", "verify"); strings.Contains(got, "\r") || !strings.Contains(d.err.String(), "\racme: 1 records verified") {
		t.Errorf("with a terminal: got %q and %q, want the progress on stderr", got, d.err)
	}
}

func TestServeSaysInPlainTextWhereItListens(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, d.env, []string{"serve", "--listen", "127.0.0.1:0"}) }()
	line := regexp.MustCompile(`(?m)^time=\S+ level=INFO msg=listening url=http://127\.0\.0\.1:\d+ listen=127\.0\.0\.1:\d+ version=\S+ database=sqlite$`)
	err := poll(patience, func() error {
		if !line.MatchString(d.err.String()) {
			return fmt.Errorf("got %q, want a line that says listening", d.err)
		}
		return nil
	})
	stop()
	if status := <-ended; err != nil || status != exitDone {
		t.Errorf("%v; status %d, want 0", err, status)
	}
}

func TestATableCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ok(t, "tenant", "create", "acme")
	// No command takes such a name; a database from elsewhere may hold one.
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(d.env.getenv("POSTERN_DATA"), "postern.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ev := postern.Event{Tenant: "acme", At: time.Now(), Action: postern.ActTenantChanged, Actor: "test"}
	_, err = db.ChangeTenant(t.Context(), "acme", ev, func(tenant *postern.Tenant) error { tenant.Name = "a\x1b[2Jb\rc\u009bd\u202ee\u2067"; return nil })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"tenant", "list"}, {"tenant", "show", "acme"}} {
		if got := d.ok(t, args...); strings.ContainsAny(got, "\x1b\r\u009b\u202e\u2067") || !strings.Contains(got, "a?[2Jb?c?d?e?") {
			t.Errorf("%q: got %q, want the control characters replaced", args, got)
		}
	}
}
