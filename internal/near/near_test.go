package near_test

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/near"
)

func TestTheWordThatWasMeantIsFound(t *testing.T) {
	t.Parallel()
	names := []string{"ends_at", "starts_from", "email", "log", "loop", "Person"}
	for word, want := range map[string]string{
		"end_at": "ends_at", "start_from": "starts_from", "EMAIL": "email", "emial": "email", "person": "Person",
		"foo": "", "": "", "x": "", "something else": "", strings.Repeat("e", 65): "",
	} {
		if got := near.Of(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	if got := near.Of("personio2", []string{"personify", "personio-v1", "personio-v2"}); got != "personio-v2" {
		t.Errorf("of two as near: got %q, want the one that begins most alike", got)
	}
	if got := near.Of("bat", []string{"rat", "cat"}); got != "cat" {
		t.Errorf("of two as near: got %q, want the first by the alphabet", got)
	}
}

func TestEditsAreCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		n    int
	}{{"", "", 0}, {"a", "", 1}, {"kitten", "sitting", 3}, {"emial", "email", 2}, {"email", "email", 0}} {
		if n := near.Distance(c.a, c.b); n != c.n {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, n, c.n)
		}
	}
}
