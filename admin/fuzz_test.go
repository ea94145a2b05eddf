package admin_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

func bodyOf(text string) string {
	_, body, _ := strings.Cut(text, "\n\n")
	return strings.TrimSuffix(body, "\n")
}

// What is taken of a body is all that it says: written again, it is taken as the same.
func FuzzBodies(f *testing.F) {
	names := slices.Sorted(maps.Keys(admin.Bodies()))
	for _, tr := range transcripts(f) {
		for i := range names {
			f.Add(i, []byte(bodyOf(tr.request)))
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		if i < 0 || i >= len(names) {
			return
		}
		made := admin.Bodies()[names[i]]
		first := made()
		if err := admin.DecodeStrictly(body, first); err != nil {
			if postern.CodeOf(err) != postern.Invalid || postern.Public(err) == "" {
				t.Fatalf("%s %q: got %v", names[i], body, err)
			}
			return
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second := made()
		if err := json.Unmarshal(again, second); err != nil {
			t.Fatalf("%s %q: written as %q: %v", names[i], body, again, err)
		}
		if a, b := asText(t, first), asText(t, second); a != b {
			t.Fatalf("%s %q (-first +second):\n%s", names[i], body, cmp.Diff(a, b))
		}
	})
}

func asText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever answers, a Remote says what it makes of it: a status that is no success is an
// error, and an error is one of ours.
func FuzzAnswers(f *testing.F) {
	all := methods()
	for _, tr := range transcripts(f) {
		i := slices.IndexFunc(all, func(m method) bool { return m.name == tr.want.Call })
		resp, err := http.ReadResponse(overWire(tr.response), nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, resp.StatusCode, resp.Header.Get("Content-Type"), bodyOf(tr.response))
	}
	f.Fuzz(func(t *testing.T, i, status int, kind, body string) {
		if i < 0 || i >= len(all) || status < 100 || status > 599 {
			return
		}
		asked := 0
		m, err := admin.Dial(origin, &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			if asked++; asked > 10 {
				t.Fatalf("%s asks again and again", all[i].name)
			}
			return response(r, status, kind, body), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = all[i].call(t.Context(), m)
		if err == nil && (status < 200 || status > 299) {
			t.Fatalf("%s took %d %q for an answer", all[i].name, status, body)
		}
		if err != nil && !slices.Contains(postern.Codes, postern.CodeOf(err)) {
			t.Fatalf("%s: %d %q: got %v", all[i].name, status, body, err)
		}
	})
}
