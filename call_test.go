package postern_test

import (
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"postern.dev/postern"
)

func TestShortenCutsAtACharacter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{
		{"", 0, ""},
		{"", 5, ""},
		{"abc", 0, ""},
		{"abc", 2, "ab"},
		{"abc", 3, "abc"},
		{"abc", 4, "abc"},
		{"äöü", 6, "äöü"},
		{"äöü", 5, "äö"},
		{"äöü", 4, "äö"},
		{"äöü", 1, ""},
		{"a€b", 3, "a"},
		{"a€b", 4, "a€"},
		{"a😀b", 4, "a"},
		{"a😀b", 5, "a😀"},
		{"e\u0301", 2, "e"}, // a combining accent is a character of its own
	} {
		if got := postern.Shorten(tt.s, tt.n); got != tt.want {
			t.Errorf("Shorten(%q, %d): got %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestShortenLeavesNothingThatBreaksALine(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"a\nb":               "a?b",
		"a\r\nb":             "a??b",
		"\x00\x1b[31m\x7f":   "??[31m?",
		"\xff":               "?",
		"a\xc3":              "a?",
		"\xe2\x82":           "??",
		"a\ufffdb":           "a?b", // it stands for something unreadable
		"tab\there":          "tab?here",
		"a\u009b31mb\u0085c": "a?31mb?c", // the controls of eight bits
		"a\u202eb\u2066c":    "a?b?c",    // what turns around what stands beside it
		"plain äöü €, 😀 ok":  "plain äöü €, 😀 ok",
	} {
		if got := postern.Shorten(s, 100); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

// Not parallel: it measures what is allocated.
func TestShortenBoundsItsWork(t *testing.T) {
	huge := strings.Repeat("\n", 10<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := postern.Shorten(huge, 20)
	runtime.ReadMemStats(&after)
	if got != strings.Repeat("?", 20) {
		t.Errorf("got %q", got)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("got %d bytes allocated to keep 20 of a long text", n)
	}
}

func FuzzShorten(f *testing.F) {
	for _, s := range []string{"", "abc", "äöü", "a\xc3", "\xf0\x9f\x98", "a\x00\n\x7f", strings.Repeat("😀", 10)} {
		for _, n := range []int{0, 1, 2, 3, 4, 7, 100} {
			f.Add(s, n)
		}
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 0 || n > 1<<20 {
			t.Skip()
		}
		got := postern.Shorten(s, n)
		if len(got) > n {
			t.Errorf("Shorten(%q, %d): got %d bytes", s, n, len(got))
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return postern.Steers(r) || r == utf8.RuneError }) {
			t.Errorf("Shorten(%q, %d): got %q", s, n, got)
		}
		if again := postern.Shorten(got, n); again != got {
			t.Errorf("Shorten(%q, %d): twice is %q, once %q", s, n, again, got)
		}
		if clean := utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return postern.Steers(r) || r == utf8.RuneError }); clean && !strings.HasPrefix(s, got) {
			t.Errorf("Shorten(%q, %d): got %q, which is no beginning of it", s, n, got)
		}
	})
}

func TestACallRidesInItsContext(t *testing.T) {
	t.Parallel()
	c := &postern.Call{ID: "1"}
	ctx := postern.WithCall(t.Context(), c)
	postern.CallFrom(ctx).Tenant = "acme"
	if got := postern.CallFrom(ctx); got != c || c.Tenant != "acme" {
		t.Errorf("got %+v", got)
	}
	inner := &postern.Call{ID: "2"}
	if got := postern.CallFrom(postern.WithCall(ctx, inner)); got != inner {
		t.Errorf("the innermost call: got %+v", got)
	}
}

func TestAContextWithoutCallGivesOneToWriteInto(t *testing.T) {
	t.Parallel()
	a := postern.CallFrom(t.Context())
	a.ID = "1"
	if b := postern.CallFrom(t.Context()); b == nil || b.ID != "" {
		t.Errorf("got %+v; nobody else's writing is there", b)
	}
}
