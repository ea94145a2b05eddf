package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/mcptool"
)

var update = flag.Bool("update", false, "write the answers to the example questions anew")

// wednesday is when the demo company of these tests was made, and stays.
var wednesday = time.Date(2026, time.November, 18, 10, 0, 0, 0, time.UTC)

// awaited is a writer that says when a text came by.
type awaited struct {
	*writer
	text string
	seen chan struct{}
	done bool
}

func (s *awaited) Write(p []byte) (int, error) {
	n, err := s.writer.Write(p)
	if !s.done && strings.Contains(s.writer.String(), s.text) {
		s.done = true
		close(s.seen)
	}
	return n, err
}

// newDemoOffice starts `serve --demo` in this process, on a clock that stands still, and
// gives an office whose environment has its credentials and the tools enabled.
func newDemoOffice(t testing.TB, now time.Time) *office {
	t.Helper()
	o := newOffice(t, "POSTERN_EXPERIMENTAL", "tools", "TZ", "Europe/Berlin")
	o.env["POSTERN_DATA"] = filepath.Join(o.dir, "postern-data")
	o.now = func() time.Time { return now }
	serving := *o.desk.env
	log := &awaited{writer: &writer{}, text: `"msg":"listening"`, seen: make(chan struct{})}
	serving.stdout, serving.stderr = &writer{}, log
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, &serving, []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--log-format", "json"})
	}()
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != exitDone {
			t.Errorf("postern serve: got status %d and %s", status, log)
		}
	})
	select {
	case <-log.seen:
	case status := <-ended:
		ended <- status
		t.Fatalf("postern serve ended with %d: %s", status, log)
	}
	vars, err := readEnv(filepath.Join(o.env["POSTERN_DATA"], "demo.env"))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range vars {
		o.env[name] = v
	}
	return o
}

// golden holds got against a file, which only -update changes.
func golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		err := os.MkdirAll(filepath.Dir(path), 0o755)                                   //nolint:gosec // for everyone
		if err = errors.Join(err, os.WriteFile(path, []byte(got), 0o644)); err != nil { //nolint:gosec // for everyone
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// both are the questions that the connector is made for, as one call each.
var both = map[string][]string{
	// List the absence periods that overlap with this week and tell me who is out and why.
	"out_this_week": {"list-absence-periods", "from=this-week"},
	// Find an employee by email and show their profile.
	"find_employee": {"list-persons", "email=aylin.yildiz@harbour.example"},
}

func TestTheExampleQuestionsAreOneCallEach(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	for name, words := range both {
		o.out, o.err = &writer{}, &writer{}
		o.stdout, o.stderr = o.out, o.err
		o.ok(t, append([]string{"call"}, words...)...)
		golden(t, name+".table", o.out.String()+"---- and on stderr:\n"+o.err.String())
		asJSON := o.ok(t, append([]string{"call", "--json"}, words...)...)
		asJSON = strings.TrimPrefix(asJSON, o.out.String()[:len(o.out.String())-len(asJSON)])
		golden(t, name+".json", asJSON)
		if !json.Valid([]byte(asJSON)) {
			t.Errorf("%s: --json prints what is no JSON", name)
		}
		golden(t, name+".text", o.text(t, words))
	}
}

// text asks in the same way and gives the answer as an agent reads it.
func (o *office) text(t testing.TB, words []string) string {
	t.Helper()
	a := &app{env: o.desk.env, cli: &cli{}}
	b, err := a.openTools(t.Context(), toolsWanted{agent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	tool, err := toolNamed(words[0])
	if err != nil {
		t.Fatal(err)
	}
	args, err := toolArguments(tool, words[1:])
	if err != nil {
		t.Fatal(err)
	}
	ans, err := b.call(t.Context(), tool, args, true)
	if err != nil {
		t.Fatal(err)
	}
	return ans.Text() + "\n"
}

func TestEveryToolHasHelpWithAnExampleThatIsUnderstood(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	listed := strings.Fields(strings.ReplaceAll(d.ok(t, "call"), "\n", " "))
	for _, tool := range mcptool.All() {
		help := d.ok(t, "call", kebab(tool.Name), "--help")
		for name := range tool.In.Properties {
			if !strings.Contains(help, "\n  "+name+"=") {
				t.Errorf("%s: the help does not name %s:\n%s", tool.Name, name, help)
			}
		}
		example := strings.Fields(exampleOf(tool))[3:]
		if _, err := toolArguments(tool, example); err != nil || !strings.Contains(help, exampleOf(tool)) {
			t.Errorf("%s: got %v for the example %q of %s", tool.Name, err, example, help)
		}
		if !strings.Contains(strings.Join(listed, " "), kebab(tool.Name)) {
			t.Errorf("%s is not listed", tool.Name)
		}
	}
}

func TestAYesAndNothingElseBooks(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	o.asks = true
	var types struct {
		Items []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(o.ok(t, "call", "list-absence-types", "--json")), &types); err != nil || len(types.Items) == 0 {
		t.Fatalf("got %v and %v", types, err)
	}
	booking := []string{"call", "create-absence-period", "person=3", "absence_type_id=" + types.Items[0].ID, "first-day=2027-03-01", "last-day=2027-03-03",
		"skip_approval=false"}
	list := []string{"call", "list-absence-periods", "person=3", "from=2027-03-01", "to=2027-03-03", "--json"}
	booked := func() int {
		var found struct {
			Items []any `json:"items"`
		}
		if err := json.Unmarshal([]byte(o.ok(t, list...)), &found); err != nil {
			t.Fatal(err)
		}
		return len(found.Items)
	}
	for _, no := range []string{"", "\n", "n\n", "N\n", "ja\n", "yep\n", "true\n", " \x00\n"} {
		o.stdin = strings.NewReader(no)
		if said := o.fails(t, booking...); !strings.Contains(said, "Book it? [y/N]") || !strings.Contains(said, "nothing was booked") {
			t.Errorf("%q: got %s", no, said)
		}
		if n := booked(); n != 0 {
			t.Fatalf("%q booked %d", no, n)
		}
	}
	// Nobody is asked when a program reads the answer, or no terminal is there.
	o.stdin = strings.NewReader("y\n")
	o.ok(t, append(booking, "--json")...)
	o.asks = false
	o.ok(t, booking...)
	if n := booked(); n != 0 {
		t.Fatalf("without a terminal %d were booked", n)
	}
	o.asks, o.stdin = true, strings.NewReader("y\n")
	if said := o.ok(t, booking...); !strings.Contains(said, "Booked   yes") || !strings.Contains(said, "Status   PENDING") || !strings.Contains(said, "Absence  ") {
		t.Errorf("a yes is answered with %s, want what was booked", said)
	}
	if n := booked(); n != 1 {
		t.Errorf("a yes booked %d, want 1", n)
	}
}

func TestTheWordsThatAreCompletedAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		words   []string
		current string
		want    string
		not     string
	}{
		{nil, "", "list-absence-periods", "person_id="},
		{[]string{"--json"}, "", "get-person", ""},
		{[]string{"list-absence-periods"}, "", "from=", "list-persons"},
		{[]string{"list-absence-periods", "from=today"}, "", "to=", "from="},
		{[]string{"list_absence_periods", "from", "=", "today", "person", "=", "3"}, "", "to=", "person_id="}, // as bash parts them
		{[]string{"list-absence-periods", "from", "="}, "", "this-week", "from=this-week"},
		{[]string{"list-absence-periods"}, "from=th", "from=this-week", "to="},
		{[]string{"create-absence-period"}, "skip-approval=", "skip-approval=false", ""},
		{[]string{"create-absence-period"}, "first_day=", "first_day=today", "first_day=this-week"},
	} {
		got := "\n" + strings.Join(callWords(tt.words, tt.current), "\n") + "\n"
		if !strings.Contains(got, "\n"+tt.want+"\n") || tt.not != "" && strings.Contains(got, "\n"+tt.not+"\n") {
			t.Errorf("%q %q: got %s, want %q and not %q", tt.words, tt.current, got, tt.want, tt.not)
		}
	}
	o := newDemoOffice(t, wednesday)
	for _, word := range callWords([]string{"list-absence-periods"}, "from=") {
		o.ok(t, "call", "list-absence-periods", word, "limit=1", "include_names=false")
	}
}

func TestArgumentsOfAToolMayStandBesideFlagsInAnyOrder(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"call list-persons limit=1 --json email=x":         "call list-persons --json limit=1 email=x",
		"--data d call --upstream a get-person person=3":   "--data d call --upstream a get-person person=3",
		"--data=d call x a=b --upstream=c d=e":             "--data=d call x --upstream=c a=b d=e",
		"client create --name call --scope a=b --tenant t": "client create --name call --scope a=b --tenant t",
		"call x a=b -- c=d":                                "call x a=b -- c=d",
		"":                                                 "",
		"--data":                                           "--data",
	} {
		if got := strings.Join(argumentsLast(strings.Fields(line)), " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// What is printed to be pasted has to work where it came from.
func TestTheLineThatGoesOnIsOneThatWorks(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	data := o.env["POSTERN_DATA"]
	delete(o.env, "POSTERN_EXPERIMENTAL")
	delete(o.env, "POSTERN_DATA")
	begin := len(o.err.String())
	first := o.ok(t, "call", "list-persons", "--data", data, "--upstream", "personio-readonly", "--experimental", "tools", "limit=2")
	_, line, _ := strings.Cut(o.err.String()[begin:], "there is more: postern ")
	line, _, _ = strings.Cut(line, "\n")
	next := o.ok(t, strings.Fields(line)...)
	if !strings.Contains(line, "--upstream personio-readonly") || !strings.Contains(next, "FIRST NAME") || next == first {
		t.Errorf("%q: got %s", line, next)
	}
	// Without a database nothing goes on, and no line pretends to.
	begin = len(o.err.String())
	o.ok(t, "call", "list-persons", "--data", filepath.Join(o.dir, "nowhere"), "--upstream", "personio-readonly", "--experimental", "tools", "limit=2")
	if said := o.err.String()[begin:]; strings.Contains(said, "cursor=") || !strings.Contains(said, "there is more") || !strings.Contains(said, "limit") {
		t.Errorf("without a database: got %s", said)
	}
}

func TestALongWalkIsShownOnATerminalAndNowhereElse(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	said := func(args ...string) string {
		begin := len(o.err.String())
		o.ok(t, args...)
		return o.err.String()[begin:]
	}
	if got := said("call", "list-persons", "limit=500"); strings.Contains(got, "\r") {
		t.Errorf("without a terminal: got %q", got)
	}
	o.terminal = true
	if got := said("call", "list-persons", "limit=500", "--json"); strings.Contains(got, "\r") {
		t.Errorf("for a program: got %q", got)
	}
	if got := said("call", "list-persons", "limit=500"); !strings.HasPrefix(got, "\r50 persons") || !strings.Contains(got, "\r\x1b[K") {
		t.Errorf("on a terminal: got %q, want how many persons there are so far, and that it goes away", got)
	}
}

// A refusal in the trail says of which tool, and why.
func TestTheTrailSaysWhichToolWasRefusedAndWhy(t *testing.T) {
	t.Parallel()
	o := newDemoOffice(t, wednesday)
	o.fails(t, "call", "create-absence-period", "person=3", "absence_type_id=a", "first_day=2027-03-01", "last_day=2027-03-01", "skip_approval=false", "confirm=abc")
	o.fails(t, "call", "get-person", "person=999")
	trail := o.ok(t, "audit", "list", "--action", "tool.refused")
	for _, want := range []string{"create_absence_period ", ": confirmation", "get_person person_id=999 ", ": not_found"} {
		if !strings.Contains(trail, want) {
			t.Errorf("want %q in\n%s", want, trail)
		}
	}
}
