package admin_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

func TestOnlyAddressesOfServersAreDialled(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "postern.test", "ftp://postern.test", "https://", "https://ada:pw@postern.test", "https://postern.test?x", "https://postern.test#x", "http://[::1"} {
		if _, err := admin.Dial(bad, nil); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Hint == "" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	for _, good := range []string{"https://postern.test", "https://postern.test/", "https://postern.test/admin/v1", "https://postern.test/admin/v1/", "http://127.0.0.1:8080/behind/a/proxy/"} {
		asked := ""
		m, err := admin.Dial(good, &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			return response(r, 200, "application/json", `{"items":[]}`), nil
		})})
		if err == nil {
			_, err = m.Keys(t.Context())
		}
		if want := strings.TrimSuffix(strings.TrimRight(good, "/"), "/admin/v1") + "/admin/v1/keys"; err != nil || asked != want {
			t.Errorf("%q: asked %q, want %q, %v", good, asked, want, err)
		}
	}
}

// answering is a transport that is a function.
type answering func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(r *http.Request, status int, kind, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
	for i := 0; i+1 < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// What answers at an address may be anything.
func TestStrangeAnswersAreNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, kind, body string
		status           int
		code             postern.Code
	}{
		{"a page", "text/html", "<html>", 200, postern.Unavailable},
		{"something else", "application/json", `[1]`, 200, postern.Unavailable},
		{"an empty answer", "application/json", ``, 200, postern.Unavailable},
		{"another server's 404", "text/plain", "404 page not found", 404, postern.NotFound},
		{"a redirect", "text/html", "", 307, postern.Unavailable},
		{"a proxy's 502", "text/html", "<h1>Bad Gateway", 502, postern.Unavailable},
		{"a limit on the way", "text/html", "", 429, postern.TooMany},
		{"a problem of others", "application/problem+json", `{"status":400,"detail":"no"}`, 400, postern.Unavailable},
		{"a code with another status", "application/problem+json", `{"status":404,"code":"invalid","detail":"no"}`, 404, postern.NotFound},
		{"a code of ours", "application/problem+json; charset=utf-8", `{"status":409,"code":"conflict","detail":"no","more":[1]}`, 409, postern.Conflict},
		{"too long", "application/json", `{"items":["` + strings.Repeat("x", 17<<20) + `"]}`, 200, postern.Unavailable},
	} {
		m, err := admin.Dial(origin, &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "postern.test" {
				t.Errorf("%s: went on to %s", tt.name, r.URL)
			}
			return response(r, tt.status, tt.kind, tt.body, "Location", "https://evil.test/"), nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Chains(t.Context())
		if postern.CodeOf(err) != tt.code {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
	}
}

// What no path can name is not there, and no other path is asked for in its place.
func TestIdsThatNoPathCanNameAreNotAskedFor(t *testing.T) {
	t.Parallel()
	m, err := admin.Dial(origin, &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
		t.Errorf("asked for %s", r.URL)
		return nil, errors.New("no")
	})})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, strings.Repeat("a", 2000)} {
		if _, err := m.Client(t.Context(), id); postern.CodeOf(err) != postern.NotFound || !strings.HasPrefix(postern.Public(err), "there is no client ") {
			t.Errorf("%.20q: got %v", id, err)
		}
	}
}

func TestAServerThatCannotBeReachedIsUnavailable(t *testing.T) {
	t.Parallel()
	said := errors.New("connection refused")
	m, _ := admin.Dial(origin, &http.Client{Transport: answering(func(*http.Request) (*http.Response, error) { return nil, said })})
	if _, err := m.Tenant(t.Context(), "acme"); postern.CodeOf(err) != postern.Unavailable || !errors.Is(err, said) || !strings.Contains(err.Error(), "postern.test") {
		t.Errorf("got %v", err)
	}
	// What the transport knows better is kept.
	own := postern.Errorf(postern.Unauthenticated, "the client was refused").WithHint("rotate")
	m, _ = admin.Dial(origin, &http.Client{Transport: answering(func(*http.Request) (*http.Response, error) { return nil, own })})
	if _, err := m.Tenant(t.Context(), "acme"); !errors.Is(err, error(own)) {
		t.Errorf("got %v", err)
	}
	if _, err := m.Tenants(t.Context(), postern.Paging{Offset: 3}); postern.CodeOf(err) != postern.Invalid {
		t.Errorf("an offset: got %v", err)
	}
}
