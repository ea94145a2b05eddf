package postern_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern"
)

func scopes(t testing.TB, param string) postern.Scopes {
	t.Helper()
	s, err := postern.ParseScopes(param)
	if err != nil {
		t.Fatalf("ParseScopes(%q): %v", param, err)
	}
	return s
}

func TestScopesAreASetWhateverTheirSpelling(t *testing.T) {
	t.Parallel()
	for param, want := range map[string]string{
		"":                         "",
		" ":                        "",
		"a":                        "a",
		"b a":                      "a b",
		"  b   a  ":                "a b",
		"a a a":                    "a",
		"A a":                      "A a",
		"orders:read orders:write": "orders:read orders:write",
		"https://api.test/x.y!~#$": "https://api.test/x.y!~#$",
		strings.Repeat("x", 200):   strings.Repeat("x", 200),
	} {
		if got := scopes(t, param).String(); got != want {
			t.Errorf("%q: got %q, want %q", param, got, want)
		}
	}
}

func TestScopesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	many := strings.TrimSpace(strings.Repeat("a ", postern.MaxScopes+1))
	for name, param := range map[string]string{
		"quote": `a"b`, "backslash": `a\b`, "tab": "a\tb", "newline": "a\nb", "nul": "a\x00", "DEL": "a\x7f",
		"not ASCII": "ä", "broken UTF-8": "\xff", "no-break space": "a\u00a0b",
		"one too long":  strings.Repeat("x", 201),
		"too many":      many,
		"too many, one": strings.Repeat("a ", postern.MaxScopes+1),
		"parameter too long": strings.Repeat(strings.Repeat("x", 99)+" ",
			postern.MaxScopeLength/100+1),
	} {
		s, err := postern.ParseScopes(param)
		if s != nil || postern.CodeOf(err) != postern.Invalid || postern.ReasonOf(err) != postern.BadScope {
			t.Errorf("%s: got %v, %v; want no scopes and invalid, bad_scope", name, s, err)
		}
		if err != nil && strings.Contains(postern.Public(err), param) {
			t.Errorf("%s: the message repeats what was sent: %v", name, err)
		}
	}
}

func TestTheBoundsOfScopesAreBorne(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range postern.MaxScopes {
		names = append(names, strings.Repeat("x", 1+i%10)+string(rune('a'+i%26)))
	}
	if _, err := postern.ParseScopes(strings.Join(names, " ")); err != nil {
		t.Errorf("%d scopes: %v", postern.MaxScopes, err)
	}
	full := strings.Repeat("x ", postern.MaxScopeLength/2)
	if _, err := postern.ParseScopes(full[:len(full)-1]); postern.ReasonOf(err) != postern.BadScope {
		t.Errorf("%d repetitions: got %v; the count is bounded before it is compacted", postern.MaxScopeLength/2, err)
	}
}

// some draws a set from a small alphabet, so that two of them often overlap.
func some(r *rand.Rand) postern.Scopes {
	names := []string{"a", "b", "c", "d:read", "d:write", "D", "z"}
	var out []string
	for range r.IntN(len(names) + 2) {
		out = append(out, names[r.IntN(len(names))])
	}
	return postern.NewScopes(out...)
}

func TestScopesObeyTheLawsOfSets(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b, c := some(r), some(r), some(r)
		both := a.Narrow(b)
		for law, holds := range map[string]bool{
			"sorted and distinct":      slices.IsSorted(a) && len(slices.Compact(slices.Clone(a))) == len(a),
			"a contains itself":        a.Contains(a),
			"a contains nothing":       a.Contains(nil),
			"narrow is in both":        a.Contains(both) && b.Contains(both),
			"narrow commutes":          both.String() == b.Narrow(a).String(),
			"narrow is idempotent":     both.Narrow(b).String() == both.String(),
			"narrow associates":        a.Narrow(b).Narrow(c).String() == a.Narrow(b.Narrow(c)).String(),
			"narrow is the largest":    !a.Contains(c) || !b.Contains(c) || both.Contains(c),
			"contains is transitive":   !a.Contains(b) || !b.Contains(c) || a.Contains(c),
			"contains both: same":      !a.Contains(b) || !b.Contains(a) || a.String() == b.String(),
			"a is in b: narrow is a":   !b.Contains(a) || both.String() == a.String(),
			"String is read back":      scopes(t, a.String()).String() == a.String(),
			"Has is Contains of one":   a.Has("a") == a.Contains(postern.Scopes{"a"}),
			"Has is exact":             !a.Has("") && !a.Has("A") && !a.Has("d:"),
			"narrow leaves a as it is": slices.IsSorted(a),
		} {
			if !holds {
				t.Fatalf("%s: a = %v, b = %v, c = %v", law, a, b, c)
			}
		}
	}
}

func TestNewScopesLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	given := []string{"b", "a", "b"}
	got := postern.NewScopes(given...)
	if !slices.Equal(given, []string{"b", "a", "b"}) || got.String() != "a b" {
		t.Errorf("got %v from %v", got, given)
	}
}

func FuzzParseScopes(f *testing.F) {
	for _, s := range []string{"", "a", "b a b", `"`, "a\x00b", "ä", "orders:read orders:write", strings.Repeat("a ", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, param string) {
		s, err := postern.ParseScopes(param)
		if err != nil {
			if s != nil || postern.CodeOf(err) != postern.Invalid || postern.ReasonOf(err) != postern.BadScope {
				t.Fatalf("%q: got %v with %v", param, s, err)
			}
			return
		}
		again, err := postern.ParseScopes(s.String())
		if err != nil || !slices.Equal(again, s) {
			t.Errorf("%q: %v is read back as %v, %v", param, s, again, err)
		}
		if !slices.IsSorted(s) || len(s) > postern.MaxScopes || len(s.String()) > len(param) {
			t.Errorf("%q: got %q", param, s)
		}
		for _, part := range strings.Fields(param) {
			if !s.Has(part) {
				t.Errorf("%q: %q is lost", param, part)
			}
		}
	})
}
