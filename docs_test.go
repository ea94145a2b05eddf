package postern_test

import (
	"encoding/json"
	"go/ast"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

var (
	fence  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	ticked = regexp.MustCompile("`([^`\n]+)`")
	// A path as prose writes it, perhaps with what is to be seen there: "issuer/issue.go:
	// Issue".
	pathed = regexp.MustCompile(`^([\w.*-]+(?:/[\w.*-]+)*/?)(?:: (\w+))?$`)
)

// prose is a document without its code blocks, which keep their lines.
func prose(markdown string) string {
	return fence.ReplaceAllStringFunc(markdown, func(block string) string { return strings.Repeat("\n", strings.Count(block, "\n")) })
}

func lineOf(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for name, markdown := range theHouse(t).docs {
		text := prose(markdown)
		for _, m := range link.FindAllStringSubmatchIndex(text, -1) {
			target := text[m[2]:m[3]]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			there := path.Join(path.Dir(name), file)
			if file == "" {
				there = name
			}
			content, err := os.ReadFile(filepath.FromSlash(there))
			if err != nil {
				if info, serr := os.Stat(filepath.FromSlash(there)); serr != nil || !info.IsDir() {
					t.Errorf("%s:%d: %v", name, lineOf(text, m[0]), err)
				}
				continue
			}
			if anchor != "" && !slices.Contains(anchors(string(content)), anchor) {
				t.Errorf("%s:%d: %s has no heading #%s", name, lineOf(text, m[0]), there, anchor)
			}
		}
	}
}

// anchors gives the headings of a document as links name them.
func anchors(markdown string) (all []string) {
	for line := range strings.Lines(prose(markdown)) {
		if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
			slug := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			all = append(all, strings.ReplaceAll(slug, " ", "-"))
		}
	}
	return all
}

// A path in backticks exists, and what is named behind it is in that file.
func TestEveryPathInADocumentExists(t *testing.T) {
	t.Parallel()
	found := 0
	for name, markdown := range theHouse(t).docs {
		text := prose(markdown)
		for _, m := range ticked.FindAllStringSubmatchIndex(text, -1) {
			p := pathed.FindStringSubmatch(text[m[2]:m[3]])
			if p == nil || !ofTheTree(p[1]) || strings.Contains(p[1], "NAME") { // which stands for a name
				continue
			}
			found++
			if complaint := exists(p[1], p[2]); complaint != "" {
				t.Errorf("%s:%d: %s", name, lineOf(text, m[0]), complaint)
			}
		}
	}
	if found < 30 {
		t.Errorf("found %d paths in the documents: the search for them is broken", found)
	}
}

// ofTheTree says whether text means a file or folder of ours: it begins with a
// folder that we have, or it is a file of the root by its extension.
func ofTheTree(text string) bool {
	first, rest, deeper := strings.Cut(text, "/")
	if !deeper {
		return slices.Contains([]string{".go", ".md"}, path.Ext(first)) || first == "Makefile" || first == "LICENSE"
	}
	if slices.Contains([]string{"postern-data", "bin", "dist"}, first) { // made by running something
		return false
	}
	info, err := os.Stat(first)
	return (err == nil && info.IsDir()) || path.Ext(rest) == ".go" || path.Ext(rest) == ".md"
}

func exists(pattern, symbol string) (complaint string) {
	names, err := filepath.Glob(filepath.FromSlash(pattern))
	switch {
	case err != nil || len(names) == 0:
		return pattern + " does not exist"
	case symbol == "":
		return ""
	}
	content, err := os.ReadFile(names[0])
	if err != nil || !regexp.MustCompile(`\b`+symbol+`\b`).Match(content) {
		return symbol + " is not in " + pattern
	}
	return ""
}

// command is a use of the program in a document.
var command = regexp.MustCompile("(?m)(?:^|[`|(;&]\\s*|\\s)(?:bin/)?postern((?: [a-z][a-z0-9-]*)+)((?:[^\n`|;&]*(?:\\\\\n)?)*)")

func TestEveryCommandInADocumentExists(t *testing.T) {
	t.Parallel()
	bin := theBinary(t)
	known := map[string][]string{} // what may follow some words
	next := func(words ...string) []string {
		key := strings.Join(words, " ")
		if _, ok := known[key]; !ok {
			out, err := run(t, ".", bin, append([]string{"complete-words", "--"}, words...)...).Output()
			if err != nil {
				t.Fatalf("what follows %q: %v", key, err)
			}
			known[key] = strings.Fields(string(out))
		}
		return known[key]
	}
	if !slices.Contains(next(), "serve") || !slices.Contains(next("serve"), "--demo") {
		t.Fatalf("the program does not tell its words: %v", next())
	}
	found := 0
	for name, markdown := range theHouse(t).docs {
		for _, m := range command.FindAllStringSubmatchIndex(code(markdown), -1) {
			text := code(markdown)
			words, n := strings.Fields(text[m[2]:m[3]]), 0
			for n < len(words) && slices.Contains(next(words[:n]...), words[n]) {
				n++
			}
			where := name + ":" + "postern " + strings.Join(words, " ")
			if n == 0 || n < len(words) && hasCommands(next(words[:n]...)) {
				t.Errorf("%s: there is no such command", where)
				continue
			}
			found++
			for _, flag := range regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*)`).FindAllStringSubmatch(text[m[4]:m[5]], -1) {
				if !slices.Contains(next(words[:n]...), flag[1]) && !slices.Contains(next(words[:n]...), strings.Replace(flag[1], "--no-", "--", 1)) {
					t.Errorf("%s has no flag %s", where, flag[1])
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("found %d commands in the documents: the search for them is broken", found)
	}
}

func hasCommands(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return !strings.HasPrefix(w, "--") && !strings.HasSuffix(w, "=") })
}

// code keeps what a document sets as code: its blocks and what is in backticks.
func code(markdown string) string {
	var out strings.Builder
	for _, block := range fence.FindAllString(markdown, -1) {
		out.WriteString(block + "\n")
	}
	for _, m := range ticked.FindAllString(prose(markdown), -1) {
		out.WriteString(m + "\n")
	}
	return out.String()
}

func TestEveryMakeTargetInADocumentExists(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):.* ## `).FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	if len(targets) < 8 || len(targets) > 12 {
		t.Errorf("got %d targets with a line of help; the limit is 12", len(targets))
	}
	for name, markdown := range theHouse(t).docs {
		for _, m := range regexp.MustCompile("(?m)(?:^|[`\\s])make ([a-z]+)").FindAllStringSubmatch(code(markdown), -1) {
			if !targets[m[1]] {
				t.Errorf("%s: there is no `make %s`", name, m[1])
			}
		}
	}
}

// Settings, metrics and actions are documented, all of them.
func TestTheOperatorsManualNamesEverything(t *testing.T) {
	t.Parallel()
	h := theHouse(t)
	manual := h.docs["docs/operations.md"]
	names := map[string]string{}
	for _, f := range h.files {
		if f.test || f.dir() != "cmd/postern" && f.dir() != "server" {
			continue
		}
		text, err := os.ReadFile(filepath.FromSlash(f.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []string{`yaml:"([a-z_]+)"`, `"(POSTERN_[A-Z_]+)"`, `Name: "(postern_[a-z_]+)"`, `\("(postern_[a-z_]+)"`} {
			if strings.HasPrefix(path.Base(f.path), "demo") && strings.Contains(pattern, "POSTERN") {
				continue // the names of demo.env are not settings
			}
			for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = f.path
			}
		}
	}
	for name, action := range constants(t, "event.go", "Act") {
		if spoken(h, name) {
			names[action] = "event.go"
		}
	}
	if len(names) < 40 {
		t.Errorf("found %d names: the search for them is broken", len(names))
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !regexp.MustCompile("`" + regexp.QuoteMeta(name)).MatchString(manual) {
			t.Errorf("docs/operations.md does not explain %s of %s", name, names[name])
		}
	}
}

// spoken says whether a name of the root is used outside it, in no test.
func spoken(h house, name string) bool {
	return slices.ContainsFunc(h.files, func(f file) bool {
		found := false
		if !f.test && f.dir() != "." {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				found = found || ok && sel.Sel.Name == name
				return !found
			})
		}
		return found
	})
}

var pasted = regexp.MustCompile(`pst_[0-9A-Za-z]{49}`)

func TestSecretsInDocumentsAreWellFormed(t *testing.T) {
	t.Parallel()
	for name, markdown := range theHouse(t).docs {
		for _, s := range pasted.FindAllString(markdown, -1) {
			if !postern.LooksGenerated(s) {
				t.Errorf("%s: %s has another checksum", name, s)
			}
		}
	}
}

// errorRow is what the table in docs/errors.md says of one kind of failure: the code, the
// reason, and one cell for each dialect.
var errorRow = regexp.MustCompile("(?m)^\\|[^|]*\\| `([a-z_]+)`(?: `([a-z_]+)`)? \\|(.*)\\|$")

func TestTheTablesOfErrorsSayWhatIsSent(t *testing.T) {
	t.Parallel()
	doc := theHouse(t).docs["docs/errors.md"]
	_, table, ok := strings.Cut(doc, "| What is wrong | Code |")
	if !ok {
		t.Fatal("docs/errors.md has no table of what is wrong")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	head, _, _ := strings.Cut(table, "\n")
	columns := strings.Split(strings.TrimSuffix(head, "|"), "|")
	if len(columns) != len(dialect.All) {
		t.Errorf("the table has %d columns, and there are %d dialects", len(columns), len(dialect.All))
	}
	codes, reasons := map[postern.Code]bool{}, map[postern.Reason]bool{}
	for _, m := range errorRow.FindAllStringSubmatch(table, -1) {
		e := &postern.Error{Code: postern.Code(m[1]), Reason: postern.Reason(m[2]), Msg: "said"}
		codes[e.Code], reasons[e.Reason] = true, true
		cells := strings.Split(m[3], "|")
		for i, column := range columns {
			d, ok := dialect.Named(strings.Trim(column, " `"))
			if !ok || i >= len(cells) {
				t.Fatalf("%s %s: no dialect %q, or no cell", m[1], m[2], column)
			}
			if got, want := strings.Trim(cells[i], " "), sent(d, e); got != want {
				t.Errorf("%s %s in %s: the document says %q, the server %q", m[1], m[2], d.Name(), got, want)
			}
		}
	}
	for _, c := range postern.Codes {
		if !codes[c] && c != postern.NotFound && c != postern.Conflict { // a token endpoint has no use for them
			t.Errorf("the table has no row for %s", c)
		}
	}
	for name, r := range constantsOf(t, "error.go", "Reason") {
		if !reasons[postern.Reason(r)] && spoken(theHouse(t), name) && !strings.Contains(doc, "`"+r+"`") {
			t.Errorf("docs/errors.md does not mention the reason %s (%s)", r, name)
		}
	}
}

func TestTheCausesOfRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	doc := strings.Join(strings.Fields(theHouse(t).docs["docs/errors.md"]), " ")
	for _, file := range []string{"issuer/authenticate.go", "issuer/person.go"} {
		for name, cause := range constants(t, file, "cause") {
			if !strings.Contains(doc, "`"+cause+"`") {
				t.Errorf("docs/errors.md does not mention the cause %q (%s)", cause, name)
			}
		}
	}
}

// sent is a cell: the status, and the word of the error where the wire has one.
func sent(d dialect.Dialect, e *postern.Error) string {
	w := httptest.NewRecorder()
	d.EncodeResponse(w, postern.Token{}, e)
	var body struct {
		Error any `json:"error"`
	}
	cell := strings.TrimSpace(strings.Split(w.Result().Status, " ")[0])
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		return cell + " " + err.Error()
	}
	if word, ok := body.Error.(string); ok && word != "" {
		cell += " `" + word + "`"
	}
	return cell
}

// A row of ARCHITECTURE.md's table of dependencies.
var dependency = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (binary|tests) \\| (.+) \\|$")

func TestEveryDependencyIsADecision(t *testing.T) {
	t.Parallel()
	h := theHouse(t)
	used := usedModules(t, h.pkgs)
	explained := map[string]string{}
	for _, m := range dependency.FindAllStringSubmatch(h.docs["ARCHITECTURE.md"], -1) {
		explained[m[1]] = m[2]
	}
	counted := 0
	for _, mod := range slices.Sorted(maps.Keys(used)) {
		if explained[mod] != used[mod] {
			t.Errorf("%s is used by the %s; ARCHITECTURE.md says %q", mod, used[mod], explained[mod])
		}
		if used[mod] == "binary" && !strings.HasPrefix(mod, "golang.org/x/") {
			counted++
		}
	}
	for mod := range explained {
		if used[mod] == "" {
			t.Errorf("ARCHITECTURE.md explains %s, which nothing uses", mod)
		}
	}
	if counted > 15 || counted == 0 {
		t.Errorf("got %d direct dependencies beside golang.org/x; the limit is 15", counted)
	}
}

// usedModules gives the modules that go.mod requires directly, and who uses each:
// the binary, or tests alone.
func usedModules(t *testing.T, pkgs []pkg) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	used := map[string]string{}
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		for _, p := range pkgs {
			where := at(p.ImportPath)
			of := func(i string) bool { return i == r.Path || strings.HasPrefix(i, r.Path+"/") }
			switch {
			case slices.ContainsFunc(p.Imports, of) && !forTests(where):
				used[r.Path] = "binary"
			case used[r.Path] == "" && slices.ContainsFunc(slices.Concat(p.Imports, p.TestImports, p.XTestImports), of):
				used[r.Path] = "tests"
			}
		}
	}
	return used
}
