package dialect_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// documents are the public ones.
var documents = []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
	"/.well-known/jwks.json", "/.well-known/openid-configuration/jwks"}

func get(t *testing.T, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestMetadataSaysWhatWorks(t *testing.T) {
	t.Parallel()
	h := serve(t, &scripted{}, config())
	for i, path := range documents[:2] {
		var got map[string]any
		if err := json.Unmarshal(get(t, h, path, "Host", "evil.test", "X-Forwarded-Host", "evil.test").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		methods := []any{"client_secret_basic", "client_secret_post"}
		want := map[string]any{
			"issuer":                                        "https://postern.test",
			"authorization_endpoint":                        "https://postern.test/oauth2/authorize",
			"token_endpoint":                                "https://postern.test/oauth2/token",
			"jwks_uri":                                      "https://postern.test/.well-known/jwks.json",
			"revocation_endpoint":                           "https://postern.test/oauth2/revoke",
			"introspection_endpoint":                        "https://postern.test/oauth2/introspect",
			"service_documentation":                         "https://postern.test/openapi/",
			"scopes_supported":                              []any{"idp_api", "personio:persons:read"},
			"response_types_supported":                      []any{},
			"grant_types_supported":                         []any{"client_credentials"},
			"code_challenge_methods_supported":              []any{"S256"},
			"token_endpoint_auth_methods_supported":         methods,
			"revocation_endpoint_auth_methods_supported":    methods,
			"introspection_endpoint_auth_methods_supported": methods,
		}
		if i == 1 {
			want["subject_types_supported"] = []any{"public"}
			want["id_token_signing_alg_values_supported"] = []any{"ES256", "RS256", "EdDSA"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestEverythingAdvertisedIsServed(t *testing.T) {
	t.Parallel()
	routes := dialect.Routes(&scripted{}, testKeys(), config())
	var doc map[string]any
	if err := json.Unmarshal(get(t, serve(t, &scripted{}, config()), documents[0]).Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for name, v := range doc {
		url, ok := v.(string)
		if !ok || name == "issuer" {
			continue
		}
		path := strings.TrimPrefix(url, "https://postern.test")
		if !slices.ContainsFunc(routes, func(r dialect.Route) bool { return r.Pattern == path }) {
			t.Errorf("%s is %s, which is not served", name, url)
		}
	}
}

func TestWhoIsSentToSignInIsToldThatNobodyDoes(t *testing.T) {
	t.Parallel()
	h := serve(t, &scripted{}, config())
	const asked = "/oauth2/authorize?response_type=code&client_id=x&redirect_uri=https%3A%2F%2Fevil.test%2F&state=%3Czqxv%3E"
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, asked, nil))
		if w.Code != 400 || w.Header().Get("Location") != "" || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
		if got := w.Body.String(); !strings.Contains(got, `"unsupported_response_type"`) || !strings.Contains(got, "https://postern.test/oauth2/token") ||
			strings.Contains(got, "evil") || strings.Contains(got, "zqxv") {
			t.Errorf("%s: %s", method, got)
		}
	}
}

func TestAnIssuerWithAPathIsFoundByBothRules(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.IssuerURL = "https://postern.test/idp"
	h := serve(t, &scripted{}, cfg)
	for _, path := range []string{"/.well-known/oauth-authorization-server/idp", "/.well-known/openid-configuration/idp", "/idp/.well-known/openid-configuration"} {
		if w := get(t, h, path); w.Code != 200 || !strings.Contains(w.Body.String(), `"issuer":"https://postern.test/idp"`) || !strings.Contains(w.Body.String(), `"https://postern.test/idp/oauth2/token"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAnOpenIDClientDiscoversUs(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	cfg := config()
	cfg.IssuerURL = srv.URL
	for _, r := range dialect.Routes(&scripted{}, testKeys(), cfg) {
		mux.Handle(r.Pattern, r.Handler)
	}
	p, err := oidc.NewProvider(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Endpoint().TokenURL, srv.URL+"/oauth2/token"; got != want {
		t.Errorf("token endpoint %s, want %s", got, want)
	}
}

func TestPublicDocumentsAreCachedAndSafe(t *testing.T) {
	t.Parallel()
	h := serve(t, &scripted{}, config())
	for _, path := range documents {
		w := get(t, h, path)
		tag := w.Header().Get("ETag")
		if w.Code != 200 || tag == "" || w.Header().Get("Cache-Control") != "public, max-age=900" ||
			w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		for _, held := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			w := get(t, h, path, "If-None-Match", held)
			if w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") == "" {
				t.Errorf("%s with If-None-Match %s: %d %v", path, held, w.Code, w.Header())
			}
		}
		if w := get(t, h, path, "If-None-Match", `"other"`); w.Code != 200 {
			t.Errorf("%s with another tag: %d", path, w.Code)
		}
		r := httptest.NewRequest(http.MethodPost, path, nil)
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("POST %s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestHeadAnswersAsGet(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(serve(t, &scripted{claims: postern.Claims{Kind: postern.Human, User: &postern.User{Role: "AGENT"}}}, config()))
	defer srv.Close()
	for _, path := range append([]string{"/oauth/userinfo", "/openapi/"}, documents...) {
		var lengths [2]string
		for i, method := range []string{"GET", "HEAD"} {
			r, _ := http.NewRequestWithContext(t.Context(), method, srv.URL+path, nil)
			r.Header.Set("Authorization", "Bearer a")
			resp, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("%s %s: %d", method, path, resp.StatusCode)
			}
			lengths[i] = resp.Header.Get("Content-Length") + resp.Header.Get("ETag") + resp.Header.Get("Content-Type")
		}
		if lengths[0] != lengths[1] {
			t.Errorf("%s: GET %q, HEAD %q", path, lengths[0], lengths[1])
		}
	}
}

func TestTheKeySetHoldsPublicKeysOnly(t *testing.T) {
	t.Parallel()
	h := http.NewServeMux()
	for _, r := range dialect.Routes(&scripted{}, badKeys{}, config()) {
		h.Handle(r.Pattern, r.Handler)
	}
	body := get(t, h, documents[2]).Body.Bytes()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}
	seen := map[any]bool{}
	for _, k := range set.Keys {
		if k["use"] != "sig" || kinds[k["alg"].(string)] != k["kty"] || k["kid"] == "" || seen[k["kid"]] {
			t.Errorf("key %v", k)
		}
		seen[k["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			if _, ok := k[private]; ok {
				t.Errorf("key %v has %s", k["kid"], private)
			}
		}
	}
	if len(set.Keys) != 3 {
		t.Errorf("%d keys, want 3: %s", len(set.Keys), body)
	}
	var parsed jose.JSONWebKeySet
	if err := json.Unmarshal(body, &parsed); err != nil || len(parsed.Key("aa02")) != 1 {
		t.Errorf("go-jose reads it as %v: %v", parsed, err)
	}
	if other := get(t, h, documents[3]).Body.Bytes(); !slices.Equal(body, other) {
		t.Error("the two addresses give two sets")
	}
}

func TestAnEmptyKeySetIsAnArray(t *testing.T) {
	t.Parallel()
	h := http.NewServeMux()
	cfg := config()
	cfg.JWKSMaxAge, cfg.Scopes = time.Minute, nil
	for _, r := range dialect.Routes(&scripted{}, keys{}, cfg) {
		h.Handle(r.Pattern, r.Handler)
	}
	w := get(t, h, documents[2])
	if w.Body.String() != `{"keys":[]}` || w.Header().Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	if body := get(t, h, documents[0]).Body.String(); strings.Contains(body, "scopes_supported") || strings.Contains(body, "null") {
		t.Errorf("empty members in %s", body)
	}
}
