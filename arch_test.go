package postern_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// room is a row of the table of who may import whom. Of ours a package imports the
// root and internal/, and no other: siblings meet in cmd/postern and in tests.
type room struct {
	at string // a folder, or a pattern of path.Match
	// may are the packages of ours that it imports; nil is none.
	may []string
	// not are packages that it must not reach, however indirectly, each with the
	// reason.
	not map[string]string
	// hands are packages that it must not import itself.
	hands map[string]string
}

var (
	root     = []string{".", "internal/*"}
	everyone = []string{".", "*", "*/*", "cmd/*", "internal/*"}
)

const (
	noHTTP  = "a rule that knows HTTP cannot be used from a command, and decides by status instead of by code"
	noSQL   = "what reaches the database past the store reaches it past the audit trail"
	noTests = "test helpers have no place in a binary"
)

var rooms = []room{
	{at: ".", may: nil,
		not:   map[string]string{"net/http": "the nouns are not bound to a surface", "database/sql": "the nouns are not bound to a store"},
		hands: map[string]string{"encoding/json": "a noun with a wire format has somebody else's; wire structs live with their wire"}},
	{at: "issuer", may: root, not: map[string]string{"net/http": noHTTP, "database/sql": noSQL}},
	{at: "broker", may: root, not: map[string]string{"net/http": noHTTP, "database/sql": noSQL}},
	{at: "broker/oauth2source", may: []string{"."}, not: map[string]string{"database/sql": noSQL}},
	{at: "proxy", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "mcptool", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "registrar", may: root, not: map[string]string{"net/http": noHTTP, "database/sql": noSQL}},
	{at: "admin", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "console", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "dialect", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "hr", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "mcptool", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "server", may: root, not: map[string]string{"database/sql": noSQL}},
	{at: "store", may: root, not: map[string]string{"net/http": "storage answers in codes; a status is a surface's word"}},
	{at: "store/storetest", may: []string{".", "store"}},
	{at: "internal/*", may: nil,
		not: map[string]string{"net/http": "a small tool has no surface", "database/sql": "a small tool has no store"}},
	{at: "cmd/postern", may: everyone, not: map[string]string{"testing": noTests, module + "/store/storetest": noTests,
		module + "/broker/oauth2source": "it is for programs that import the broker; ours does without that dependency"}},
	// Stories, and programs for developers, in no release.
	{at: "test", may: everyone},
	{at: "test/*", may: everyone},
	{at: "test/*/*", may: everyone},
}

// roomOf gives the most exact row for a folder.
func roomOf(at string) (room, bool) {
	for _, r := range rooms {
		if r.at == at {
			return r, true
		}
	}
	i := slices.IndexFunc(rooms, func(r room) bool { return matches(r.at, at) })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

func matches(pattern, at string) bool {
	ok, err := path.Match(pattern, at)
	return ok && err == nil
}

func TestPackagesImportOnlyWhatTheirRoomAllows(t *testing.T) {
	for _, p := range theHouse(t).pkgs {
		for _, complaint := range judge(p) {
			t.Error(complaint)
		}
	}
}

// judge holds one package against the table.
func judge(p pkg) (complaints []string) {
	say := func(parts ...string) { complaints = append(complaints, at(p.ImportPath)+" "+strings.Join(parts, " ")) }
	r, ok := roomOf(at(p.ImportPath))
	if !ok {
		say("is not in the table of arch_test.go: adding a package is a decision")
		return complaints
	}
	for _, i := range p.Imports {
		if reason, bad := r.hands[i]; bad {
			say("imports", i+":", reason)
		}
		if ours(i) && !slices.ContainsFunc(r.may, func(m string) bool { return matches(m, at(i)) }) {
			say("imports", at(i)+": of ours it may import", orNothing(r.may)+"; siblings meet in cmd/postern")
		}
	}
	for _, banned := range slices.Sorted(maps.Keys(r.not)) {
		if slices.Contains(p.Deps, banned) {
			say("reaches", banned+":", r.not[banned])
		}
	}
	if slices.Contains(p.Deps, "testing") && !forTests(r.at) {
		say("reaches testing:", noTests)
	}
	return complaints
}

// forTests says whether a folder holds nothing for the binary.
func forTests(at string) bool {
	return at == "test" || strings.HasPrefix(at, "test/") || at == "store/storetest"
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

func TestTheTableOfImportsNamesNoPackageThatIsGone(t *testing.T) {
	pkgs := theHouse(t).pkgs
	for _, r := range rooms {
		if strings.Contains(r.at, "*") {
			continue
		}
		if !slices.ContainsFunc(pkgs, func(p pkg) bool { return at(p.ImportPath) == r.at }) {
			t.Errorf("the table names %s, which does not exist", r.at)
		}
	}
}

// The table must be able to refuse: each of these is a package that breaks one rule.
func TestTheTableOfImportsRefusesWhatItIsThereFor(t *testing.T) {
	t.Parallel()
	m := module
	for _, tt := range []struct {
		breaks string
		p      pkg
	}{
		{"dialect → store", pkg{ImportPath: m + "/dialect", Imports: []string{m, m + "/store"}}},
		{"store → issuer", pkg{ImportPath: m + "/store", Imports: []string{m + "/issuer"}}},
		{"root → internal", pkg{ImportPath: m, Imports: []string{m + "/internal/seal"}}},
		{"root → encoding/json", pkg{ImportPath: m, Imports: []string{"encoding/json"}}},
		{"internal → root", pkg{ImportPath: m + "/internal/seal", Imports: []string{m}}},
		{"issuer ⇒ net/http", pkg{ImportPath: m + "/issuer", Deps: []string{"net/http"}}},
		{"server ⇒ database/sql", pkg{ImportPath: m + "/server", Deps: []string{"database/sql"}}},
		{"binary ⇒ storetest", pkg{ImportPath: m + "/cmd/postern", Deps: []string{m + "/store/storetest"}}},
		{"server ⇒ testing", pkg{ImportPath: m + "/server", Deps: []string{"testing"}}},
		{"unlisted package", pkg{ImportPath: m + "/util"}},
		{"unlisted below a listed one", pkg{ImportPath: m + "/issuer/helpers"}},
	} {
		if len(judge(tt.p)) != 1 {
			t.Errorf("%s: got %q, want one complaint", tt.breaks, judge(tt.p))
		}
	}
	good := pkg{ImportPath: m + "/issuer", Imports: []string{m, m + "/internal/seal", "crypto"}, Deps: []string{"crypto"}}
	if got := judge(good); len(got) != 0 {
		t.Errorf("a package within the rules: got %q", got)
	}
}
