package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern.dev/postern/console"
)

// A server names the pattern of a route in its log and its metrics, and never a path: so
// every page has a pattern of its own, and what lies between the slashes is not in it.
func TestAServerKnowsAPageByItsPattern(t *testing.T) {
	t.Parallel()
	routes, err := console.Routes(newTown(atNoon).config())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	long := map[string]bool{}
	for _, r := range routes {
		mux.Handle(r.Pattern, r.Handler)
		long[r.Pattern] = r.Timeout > 0
	}
	named := strings.NewReplacer("{id}", "aaclient", "{secret}", "s0", "{tenant}", "acme", "{session}", "s1", "{$}", "", "{name}", "console.css")
	for _, p := range append(console.Patterns(), "GET /console/assets/{name}") {
		method, path, _ := strings.Cut(p, " ")
		if _, got := mux.Handler(httptest.NewRequest(method, named.Replace(path), nil)); got != path {
			t.Errorf("%s is known as %q", p, got)
		}
	}
	for _, path := range []string{"/console/nowhere", "/console/clients/aaclient/nowhere", "/console/clients/"} {
		if _, got := mux.Handler(httptest.NewRequest(http.MethodGet, path, nil)); got != "/console/" {
			t.Errorf("%s is known as %q", path, got)
		}
	}
	if !long["/console/audit/export"] || !long["/console/audit/verify"] || long["/console/audit"] {
		t.Errorf("these may take long: %v", long)
	}
}
