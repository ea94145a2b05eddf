package interop_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// counted is the context of an HTTP client that counts its requests.
func counted(t testing.TB) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	c := &http.Client{Transport: tally{n}}
	return context.WithValue(t.Context(), oauth2.HTTPClient, c), n
}

type tally struct{ n *atomic.Int64 }

func (c tally) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// config is a client of golang.org/x/oauth2.
func config(url string, c credentials, style oauth2.AuthStyle, scopes ...string) clientcredentials.Config {
	return clientcredentials.Config{ClientID: c.ID, ClientSecret: c.Secret, TokenURL: url, AuthStyle: style, Scopes: scopes}
}

// bears fails the test unless tok is a bearer token of this scope that lives for at
// most life and at least a minute less.
func bears(t testing.TB, tok *oauth2.Token, scope string, life time.Duration) {
	t.Helper()
	if tok.Type() != "Bearer" || !tok.Valid() || tok.RefreshToken != "" {
		t.Errorf("token type %q, valid %t, refresh token %q; want a valid Bearer token alone", tok.Type(), tok.Valid(), tok.RefreshToken)
	}
	if got := tok.Extra("scope"); got != scope {
		t.Errorf("scope: got %q, want %q", got, scope)
	}
	if left := secondsLeft(t, tok); left > life.Seconds() || left < (life-time.Minute).Seconds() {
		t.Errorf("expires_in: got %v, want %v or a little less", left, life.Seconds())
	}
	if left := time.Until(tok.Expiry); left > life || left < life-2*time.Minute {
		t.Errorf("the client believes that the token lives for %s, want %s or a little less", left, life)
	}
}

// secondsLeft gives expires_in, which must be a number.
func secondsLeft(t testing.TB, tok *oauth2.Token) float64 {
	t.Helper()
	left, ok := tok.Extra("expires_in").(float64)
	if !ok || left != float64(int(left)) {
		t.Fatalf("expires_in is %v, want a whole number", tok.Extra("expires_in"))
	}
	return left
}

// hrScopes are the scopes of the HR API, which the demo's credentials have.
const hrScopes = "personio:absences:read personio:absences:write personio:attendances:read personio:attendances:write " +
	"personio:persons:read personio:persons:write"

func TestStandardClientGetsTokensInEveryAuthStyle(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, tt := range []struct {
		name, path, credential string
		style                  oauth2.AuthStyle
		scope                  string
		life                   time.Duration
		requests               int64
	}{
		{"oauth2 in the header", "/oauth2/token", "OAUTH2", oauth2.AuthStyleInHeader, "orders:read orders:write", time.Hour, 1},
		{"oauth2 in the body", "/oauth2/token", "OAUTH2", oauth2.AuthStyleInParams, "orders:read orders:write", time.Hour, 1},
		{"oauth2 found out", "/oauth2/token", "OAUTH2", oauth2.AuthStyleAutoDetect, "orders:read orders:write", time.Hour, 1},
		{"personio-v2 in the body", "/v2/auth/token", "PERSONIO", oauth2.AuthStyleInParams,
			hrScopes, 24 * time.Hour, 1},
		// The header is not read there, so the client asks once more with a body.
		{"personio-v2 found out", "/v2/auth/token", "PERSONIO_READONLY", oauth2.AuthStyleAutoDetect, "personio:persons:read", 24 * time.Hour, 2},
		{"personify in the body", "/connect/token", "PERSONIFY", oauth2.AuthStyleInParams, "idp_api " + hrScopes, time.Hour, 1},
		{"personify in the header", "/connect/token", "PERSONIFY", oauth2.AuthStyleInHeader, "idp_api " + hrScopes, time.Hour, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, requests := counted(t)
			cfg := config(d.url+tt.path, d.of(tt.credential), tt.style)
			tok, err := cfg.Token(ctx)
			if err != nil {
				t.Fatal(err)
			}
			bears(t, tok, tt.scope, tt.life)
			if got := requests.Load(); got != tt.requests {
				t.Errorf("requests: got %d, want %d", got, tt.requests)
			}
		})
	}
}

func TestTokenSourceAsksOnceForTheLifeOfAToken(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx, requests := counted(t)
	cfg := config(d.env["OAUTH2_TOKEN_URL"], d.of("OAUTH2"), oauth2.AuthStyleInHeader)
	source := cfg.TokenSource(ctx)
	first, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := source.Token()
		if err != nil || again.AccessToken != first.AccessToken {
			t.Fatalf("the source gave another token, or none: %v", err)
		}
	}
	if got := requests.Load(); got != 1 {
		t.Errorf("requests: got %d, want 1", got)
	}
	other, err := cfg.Token(ctx)
	if err != nil || other.AccessToken == first.AccessToken {
		t.Errorf("a second request answered the first token again, or none: %v", err)
	}
}

func TestLiveTokenIsAnsweredAgainWithWhatIsLeftOfItsLife(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	cfg := config(d.url+"/v2/auth/token", d.of("PERSONIO"), oauth2.AuthStyleInParams, "personio:persons:read")
	first, err := cfg.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := cfg.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, after := secondsLeft(t, first), secondsLeft(t, again)
	if again.AccessToken != first.AccessToken || after > before {
		t.Errorf("second request: same token %t, expires_in %v after %v; want the same token and no more life",
			again.AccessToken == first.AccessToken, after, before)
	}
	cfg.Scopes = []string{"personio:absences:read"}
	if other, err := cfg.Token(t.Context()); err != nil || other.AccessToken == first.AccessToken {
		t.Errorf("another scope was answered with the same token, or not at all: %v", err)
	}
}

func TestScopeAndResourceNarrowTheToken(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.run(t, "resource", "create", "https://orders.demo.test", "--tenant", "demo", "--scope", "orders:read")
	cfg := config(d.env["OAUTH2_TOKEN_URL"], d.of("OAUTH2"), oauth2.AuthStyleInHeader)
	for _, tt := range []struct {
		name            string
		scopes          []string
		resource        []string
		scope, audience string
	}{
		{"nothing asked", nil, nil, "orders:read orders:write", `"` + d.url + `"`},
		{"one scope", []string{"orders:write"}, nil, "orders:write", `"` + d.url + `"`},
		{"scopes in any order", []string{"orders:write", "orders:read"}, nil, "orders:read orders:write", `"` + d.url + `"`},
		{"a resource", nil, []string{"https://orders.demo.test"}, "orders:read", `"https://orders.demo.test"`},
		{"two resources", []string{"orders:read"}, []string{"https://orders.demo.test", d.url}, "orders:read",
			`["https://orders.demo.test","` + d.url + `"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.Scopes, cfg.EndpointParams = tt.scopes, map[string][]string{"resource": tt.resource}
			tok, err := cfg.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			bears(t, tok, tt.scope, time.Hour)
			claims := split(t, tok.AccessToken).claims(t)
			if got := as[string](t, claims, "scope"); got != tt.scope {
				t.Errorf("claim scope: got %q, want %q", got, tt.scope)
			}
			for _, m := range claims {
				if m.name == "aud" && string(m.value) != tt.audience {
					t.Errorf("claim aud: got %s, want %s", m.value, tt.audience)
				}
			}
		})
	}
}

// refusedBy gives the error that the client made of a refusal.
func refusedBy(t testing.TB, err error) *oauth2.RetrieveError {
	t.Helper()
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		t.Fatalf("got %v (%T), want an *oauth2.RetrieveError", err, err)
	}
	return e
}

const (
	personioClientRefused = "Client authentication failed (e.g., unknown client, wrong secret, no client authentication included, or unsupported authentication method)."
	personioErrors        = "https://developer.personio.de/reference/errors#credentials.oauth2."
)

func TestStandardClientUnderstandsEveryRefusal(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	wrong := func(c credentials) credentials { c.Secret = strings.Repeat("x", 30); return c }
	unknown := func(c credentials) credentials { c.ID = "nobody"; return c }
	same := func(c credentials) credentials { return c }
	const header, params = oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams
	for _, tt := range []struct {
		name, path, credential string
		with                   func(credentials) credentials
		style                  oauth2.AuthStyle
		scope, resource        string
		status                 int
		code, text, uri        string
	}{
		{"oauth2: wrong secret", "/oauth2/token", "OAUTH2", wrong, header, "", "", 401, "invalid_client", "Client authentication failed", ""},
		{"oauth2: wrong secret in the body", "/oauth2/token", "OAUTH2", wrong, params, "", "", 401, "invalid_client", "Client authentication failed", ""},
		{"oauth2: unknown client", "/oauth2/token", "OAUTH2", unknown, header, "", "", 401, "invalid_client", "Client authentication failed", ""},
		{"oauth2: client of another dialect", "/oauth2/token", "PERSONIFY", same, header, "", "", 401, "invalid_client", "Client authentication failed", ""},
		{"oauth2: scope not granted", "/oauth2/token", "OAUTH2", same, header, "orders:delete", "", 400, "invalid_scope",
			"A requested scope is unknown, malformed or not granted to the client", ""},
		{"oauth2: unknown resource", "/oauth2/token", "OAUTH2", same, header, "", "https://elsewhere.test", 400, "invalid_target",
			"A requested resource is unknown, malformed or not open to the client", ""},
		{"personio-v2: wrong secret", "/v2/auth/token", "PERSONIO", wrong, params, "", "", 400, "invalid_client",
			personioClientRefused, personioErrors + "invalid_client"},
		{"personio-v2: unknown client", "/v2/auth/token", "PERSONIO", unknown, params, "", "", 400, "invalid_client",
			personioClientRefused, personioErrors + "invalid_client"},
		{"personio-v2: nothing in the body", "/v2/auth/token", "PERSONIO", same, header, "", "", 400, "invalid_request",
			"The request has missing or invalid required parameters.", personioErrors + "invalid_request.required_parameters_missing"},
		{"personio-v2: scope not granted", "/v2/auth/token", "PERSONIO_READONLY", same, params, "personio:absences:read", "", 400,
			"invalid_scope", "One of the requested scopes is invalid.", personioErrors + "invalid_scope"},
		{"personify: wrong secret", "/connect/token", "PERSONIFY", wrong, params, "idp_api", "", 400, "invalid_client", "Invalid client credentials", ""},
		{"personify: unknown client", "/connect/token", "PERSONIFY", unknown, params, "idp_api", "", 400, "invalid_client", "Invalid client credentials", ""},
		{"personify: scope of a person", "/connect/token", "PERSONIFY", same, params, "idp_api openid", "", 400, "invalid_scope", "", ""},
		{"comm100: a machine's grant", "/oauth/token?partnerId=10000", "COMM100", same, params, "", "", 400, "unauthorized_client", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(d.url+tt.path, tt.with(d.of(tt.credential)), tt.style)
			cfg.EndpointParams = map[string][]string{}
			if tt.scope != "" {
				cfg.Scopes = strings.Fields(tt.scope)
			}
			if tt.resource != "" {
				cfg.EndpointParams.Set("resource", tt.resource)
			}
			_, err := cfg.Token(t.Context())
			e := refusedBy(t, err)
			if e.Response.StatusCode != tt.status || e.ErrorCode != tt.code || e.ErrorDescription != tt.text || e.ErrorURI != tt.uri {
				t.Errorf("refusal:\n got %d %q %q %q\nwant %d %q %q %q", e.Response.StatusCode, e.ErrorCode, e.ErrorDescription, e.ErrorURI,
					tt.status, tt.code, tt.text, tt.uri)
			}
			challenge := map[bool]string{true: `Basic realm="postern"`}[tt.status == http.StatusUnauthorized]
			if got := e.Response.Header.Get("WWW-Authenticate"); got != challenge {
				t.Errorf("WWW-Authenticate: got %q, want %q", got, challenge)
			}
			if got := e.Response.Header.Get("Cache-Control"); !strings.HasPrefix(got, "no-store") {
				t.Errorf("Cache-Control: got %q, want no-store", got)
			}
		})
	}
}

// The library's password grant names the person username, and Comm100's wire names
// them email: it is refused as a request without a person.
func TestPasswordGrantOfTheStandardClientNamesNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	cfg := oauth2.Config{ClientID: d.env["COMM100_CLIENT_ID"], Endpoint: oauth2.Endpoint{
		TokenURL: d.url + "/oauth/token?partnerId=" + d.env["COMM100_PARTNER_ID"], AuthStyle: oauth2.AuthStyleInParams}}
	_, err := cfg.PasswordCredentialsToken(t.Context(), d.env["COMM100_EMAIL"], d.env["COMM100_PASSWORD"])
	if e := refusedBy(t, err); e.Response.StatusCode != http.StatusBadRequest || string(e.Body) != `{"error":"invalid_grant"}` {
		t.Errorf("refusal: got %d %s, want 400 invalid_grant", e.Response.StatusCode, e.Body)
	}
}

func TestRotatedSecretWorksBesideTheOldOne(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	old := d.newClient(t, "--scope", "orders:read", "--dialect", "oauth2")
	ask := func(c credentials) error {
		cfg := config(d.env["OAUTH2_TOKEN_URL"], c, oauth2.AuthStyleInHeader)
		_, err := cfg.Token(t.Context())
		return err
	}
	if err := ask(old); err != nil {
		t.Fatal(err)
	}
	fresh := d.rotateSecret(t, old, "1h")
	eventually(t, "the new secret works", func() bool { return ask(fresh) == nil })
	if err := ask(old); err != nil {
		t.Errorf("the old secret is refused within the overlap: %v", err)
	}
	last := d.rotateSecret(t, fresh, "0s")
	eventually(t, "the newest secret works", func() bool { return ask(last) == nil })
	for name, c := range map[string]credentials{"first": old, "second": fresh} {
		if e := refusedBy(t, ask(c)); e.ErrorCode != "invalid_client" {
			t.Errorf("the %s secret after its end: got %q, want invalid_client", name, e.ErrorCode)
		}
	}
}
