package interop_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// discovered reads the metadata as go-oidc does.
func discovered(t testing.TB, d *demo) *oidc.Provider {
	t.Helper()
	p, err := oidc.NewProvider(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// issued gives a token of a dialect that speaks client credentials.
func issued(t testing.TB, d *demo, path string, c credentials, scopes ...string) string {
	t.Helper()
	cfg := config(d.url+path, c, oauth2.AuthStyleInParams, scopes...)
	tok, err := cfg.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tok.AccessToken
}

// introspected asks the issuer itself, as the client that demo.env calls OAUTH2.
func introspected(t testing.TB, d *demo, raw string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/oauth2/introspect", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := d.of("OAUTH2")
	r.SetBasicAuth(c.ID, c.Secret)
	return send(t, http.MethodPost, r.URL.String(), form("token", raw), formType, "Authorization: "+r.Header.Get("Authorization"))
}

const inactive = `{"active":false}`

// kind is a format of tokens and what a verifier must know about it.
type kind struct {
	name, alg, audience, claims string
	kid                         bool
	token                       func(t testing.TB, d *demo) string
}

// kinds are the formats that a public key verifies. Of the demo's own, the audience
// is the server's address, here "".
var kinds = []kind{
	{"oauth2 by default", "ES256", "", "iss sub aud exp iat jti client_id scope tenant", true,
		func(t testing.TB, d *demo) string { return issued(t, d, "/oauth2/token", d.of("OAUTH2")) }},
	{"oauth2 with RS256", "RS256", "", "iss sub aud exp iat jti client_id scope tenant", true,
		func(t testing.TB, d *demo) string {
			return issued(t, d, "/oauth2/token", d.newClient(t, "--scope", "orders:read", "--alg", "RS256"))
		}},
	{"oauth2 with EdDSA", "EdDSA", "", "iss sub aud exp iat jti client_id scope tenant", true,
		func(t testing.TB, d *demo) string {
			return issued(t, d, "/oauth2/token", d.newClient(t, "--scope", "orders:read", "--alg", "EdDSA"))
		}},
	{"personio-v2", "ES256", "", "iss sub aud exp iat nbf jti client_id scope tenant", true,
		func(t testing.TB, d *demo) string { return issued(t, d, "/v2/auth/token", d.of("PERSONIO")) }},
	{"personify", "RS256", "idp_api", "nbf exp iss aud client_id jti iat scope", true,
		func(t testing.TB, d *demo) string {
			return issued(t, d, "/connect/token", d.of("PERSONIFY"), "idp_api")
		}},
	{"comm100", "RS256", "ids.resource.1", "nbf exp iss aud client_id sub auth_time idp userId partnerId thumbprint success role jti iat scope amr", false,
		func(t testing.TB, d *demo) string { return agentToken(t, d) }},
}

func (k kind) audienceAt(d *demo) string {
	if k.audience == "" {
		return d.url
	}
	return k.audience
}

func TestDiscoveryFindsEverythingAtTheIssuer(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := discovered(t, d)
	if got := p.Endpoint().TokenURL; got != d.env["OAUTH2_TOKEN_URL"] {
		t.Errorf("token endpoint: got %q, want %q", got, d.env["OAUTH2_TOKEN_URL"])
	}
	// It is there because some clients refuse metadata without it, and signs nobody in.
	if e := p.Endpoint(); e.AuthURL != d.env["POSTERN_URL"]+"/oauth2/authorize" || p.UserInfoEndpoint() != "" {
		t.Errorf("endpoints of people: got %q and %q", e.AuthURL, p.UserInfoEndpoint())
	}
	var m struct {
		JWKS       string   `json:"jwks_uri"`
		Algs       []string `json:"id_token_signing_alg_values_supported"`
		Grants     []string `json:"grant_types_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
		Revoke     string   `json:"revocation_endpoint"`
		Introspect string   `json:"introspection_endpoint"`
	}
	if err := p.Claims(&m); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Algs, []string{"ES256", "RS256", "EdDSA"}) || !slices.Equal(m.Grants, []string{"client_credentials"}) ||
		!slices.Equal(m.Methods, []string{"client_secret_basic", "client_secret_post"}) {
		t.Errorf("metadata: algorithms %v, grants %v, methods %v", m.Algs, m.Grants, m.Methods)
	}
	for name, address := range map[string]string{"jwks_uri": m.JWKS, "revocation_endpoint": m.Revoke, "introspection_endpoint": m.Introspect} {
		if !strings.HasPrefix(address, d.url+"/") {
			t.Errorf("%s: got %q, want an address below %s", name, address, d.url)
		}
	}
	if a, b := send(t, http.MethodGet, m.JWKS, ""), send(t, http.MethodGet, d.url+"/.well-known/openid-configuration/jwks", ""); a.body != b.body {
		t.Error("the two addresses of the key set answer differently")
	}
}

func TestKeySetIsCachedByItsTag(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	first := send(t, http.MethodGet, d.url+"/.well-known/jwks.json", "")
	first.has(t, "Cache-Control", "public, max-age=900")
	first.has(t, "Access-Control-Allow-Origin", "*")
	again := send(t, http.MethodGet, d.url+"/.well-known/jwks.json", "", "If-None-Match: "+first.header.Get("ETag"))
	if again.status != http.StatusNotModified || again.body != "" || first.header.Get("ETag") == "" {
		t.Errorf("asked with its tag %q: got %d %q, want 304 and nothing", first.header.Get("ETag"), again.status, again.body)
	}
}

// A server that is reached by another name than its own must not be trusted.
func TestDiscoveryUnderAnotherNameFails(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	other := strings.Replace(d.url, "127.0.0.1", "localhost", 1)
	_, err := oidc.NewProvider(t.Context(), other)
	if _, ok := errors.AsType[*oidc.IssuerMismatchError](err); !ok {
		t.Errorf("discovery at %s: got %v, want an issuer mismatch", other, err)
	}
}

func TestPublishedKeysVerifyEveryFormat(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p, keys := discovered(t, d), publishedKeys(t, d)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			raw := k.token(t, d)
			good := &oidc.Config{ClientID: k.audienceAt(d), SupportedSigningAlgs: []string{k.alg}}
			verified, err := p.Verifier(good).Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			if verified.Issuer != d.url || !slices.Equal(verified.Audience, []string{k.audienceAt(d)}) {
				t.Errorf("got issuer %q and audience %v, want %q and %q", verified.Issuer, verified.Audience, d.url, k.audienceAt(d))
			}
			if _, err := p.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(t.Context(), raw); err != nil {
				t.Errorf("with the algorithms of the metadata: %v", err)
			}
			if _, err := p.Verifier(&oidc.Config{ClientID: "https://elsewhere.test"}).Verify(t.Context(), raw); err == nil {
				t.Error("another audience was accepted")
			}
			elsewhere := p.Verifier(&oidc.Config{ClientID: k.audienceAt(d), SupportedSigningAlgs: []string{"PS256"}})
			if _, err := elsewhere.Verify(t.Context(), raw); err == nil {
				t.Error("another algorithm was accepted")
			}
			tok := split(t, raw)
			if got := names(tok.claims(t)); got != k.claims {
				t.Errorf("claims:\n got %s\nwant %s", got, k.claims)
			}
			if tok.named(t, "alg") != k.alg || tok.named(t, "typ") != "at+jwt" || (tok.named(t, "kid") != "") != k.kid {
				t.Errorf("header: got %s, want alg %s, typ at+jwt, kid %t", tok.header, k.alg, k.kid)
			}
			by := signers(t, keys, tok)
			if len(by) != 1 || k.kid && by[0] != tok.named(t, "kid") {
				t.Errorf("the reader without a library found the signers %v, want exactly one, named by kid if there is one: %s", by, tok.header)
			}
		})
	}
}

func TestForgedTokensAreRefusedByEveryReader(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	keys := publishedKeys(t, d)
	verifier := discovered(t, d).Verifier(&oidc.Config{ClientID: d.url})
	genuine := issued(t, d, "/oauth2/token", d.of("OAUTH2"))
	if _, err := verifier.Verify(t.Context(), genuine); err != nil {
		t.Fatal(err)
	}
	if got := introspected(t, d, genuine); as[bool](t, members(t, got.body), "active") != true {
		t.Fatalf("introspection of the genuine token: %s", got.body)
	}
	for _, f := range forgeries(t, genuine, keys) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if f.raw == genuine {
				t.Fatal("the forgery is the genuine token")
			}
			if _, err := verifier.Verify(t.Context(), f.raw); err == nil {
				t.Errorf("go-oidc took it for ours: %s", f.raw)
			}
			introspected(t, d, f.raw).is(t, http.StatusOK, "application/json", inactive)
			info := send(t, http.MethodGet, d.url+"/oauth/userinfo", "", "Authorization: Bearer "+f.raw)
			if info.status != http.StatusUnauthorized {
				t.Errorf("userinfo: got %d, want 401", info.status)
			}
		})
	}
}

// The key of HS256 is the issuer's alone, so nobody else can verify these tokens,
// and whoever tries is not talked into it.
func TestSharedKeyTokenIsOpaqueToOthers(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.of("PERSONIO")
	body := send(t, http.MethodPost, d.url+"/v1/auth", object("client_id", c.ID, "client_secret", c.Secret), jsonType).body
	raw := as[string](t, members(t, string(as[json.RawMessage](t, members(t, body), "data"))), "token")
	tok := split(t, raw)
	if tok.header != `{"typ":"JWT","alg":"HS256"}` || names(tok.claims(t)) != "iss iat exp nbf jti sub" {
		t.Errorf("token: got header %s and claims %s", tok.header, names(tok.claims(t)))
	}
	for _, algs := range [][]string{nil, {"HS256"}, {"HS256", "RS256", "ES256"}} {
		v := discovered(t, d).Verifier(&oidc.Config{SkipClientIDCheck: true, SkipIssuerCheck: true, SupportedSigningAlgs: algs})
		if _, err := v.Verify(t.Context(), raw); err == nil {
			t.Errorf("with algorithms %v a token was verified whose key is not published", algs)
		}
	}
	if got := introspected(t, d, raw); as[bool](t, members(t, got.body), "active") != true {
		t.Errorf("its issuer does not know it: %s", got.body)
	}
}

// keyView is a key as the commands print it.
type keyView struct{ Kid, Alg, State string }

func kids(keys []jwk) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k.Kid)
	}
	return out
}

// rotated publishes a successor of the ES256 key and waits until the server does.
func rotated(t testing.TB, d *demo) keyView {
	t.Helper()
	var next []keyView
	if err := json.Unmarshal(d.run(t, "key", "rotate", "--alg", "ES256", "--json"), &next); err != nil || len(next) != 1 {
		t.Fatalf("key rotate: %v, %d keys", err, len(next))
	}
	eventually(t, "the next key is published", func() bool { return slices.Contains(kids(publishedKeys(t, d)), next[0].Kid) })
	return next[0]
}

func TestNextKeyIsPublishedBeforeItSigns(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	before := publishedKeys(t, d)
	old := issued(t, d, "/oauth2/token", d.of("OAUTH2"))
	next := rotated(t, d)
	if next.State != "next" || next.Alg != "ES256" || slices.Contains(kids(before), next.Kid) {
		t.Errorf("key rotate answered %+v, want a new ES256 key in state next", next)
	}
	after := kids(publishedKeys(t, d))
	if len(after) != len(before)+1 {
		t.Errorf("published keys: got %d, want the %d from before and the next one", len(after), len(before))
	}
	for _, k := range kids(before) {
		if !slices.Contains(after, k) {
			t.Errorf("key %s is no longer published", k)
		}
	}
	signing := split(t, old).named(t, "kid")
	fresh := issued(t, d, "/oauth2/token", d.of("OAUTH2"))
	if got := split(t, fresh).named(t, "kid"); got != signing {
		t.Errorf("a token right after the rotation names key %s, want %s still", got, signing)
	}
	newcomer := discovered(t, d).Verifier(&oidc.Config{ClientID: d.url})
	for name, raw := range map[string]string{"from before the rotation": old, "from after it": fresh} {
		if _, err := newcomer.Verify(t.Context(), raw); err != nil {
			t.Errorf("the token %s: %v", name, err)
		}
	}
}

func TestRetiredKeyHandsOverToItsSuccessor(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	old := issued(t, d, "/oauth2/token", d.of("OAUTH2"))
	longStanding := discovered(t, d).Verifier(&oidc.Config{ClientID: d.url})
	if _, err := longStanding.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	next := rotated(t, d)
	d.run(t, "key", "retire", split(t, old).named(t, "kid"))
	fresh := ""
	eventually(t, "the successor signs", func() bool {
		fresh = issued(t, d, "/oauth2/token", d.of("OAUTH2"))
		return split(t, fresh).named(t, "kid") == next.Kid
	})
	if _, err := longStanding.Verify(t.Context(), fresh); err != nil {
		t.Errorf("a verifier that knew only the old key refuses the new token: %v", err)
	}
	if _, err := discovered(t, d).Verifier(&oidc.Config{ClientID: d.url}).Verify(t.Context(), old); err == nil {
		t.Error("a newcomer accepts a token of the retired key")
	}
	introspected(t, d, old).is(t, http.StatusOK, "application/json", inactive)
}

// What one issuer signs means nothing to another with the same code.
func TestTokenOfAnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	ours, theirs := startDemo(t), startDemo(t)
	raw := issued(t, theirs, "/oauth2/token", theirs.of("OAUTH2"))
	introspected(t, ours, raw).is(t, http.StatusOK, "application/json", inactive)
	lax := discovered(t, ours).Verifier(&oidc.Config{SkipClientIDCheck: true, SkipIssuerCheck: true})
	if _, err := lax.Verify(t.Context(), raw); err == nil {
		t.Error("our keys verify a token of another issuer")
	}
	// Even with the right keys the issuer in the token must be the one asked.
	keys := oidc.NewRemoteKeySet(t.Context(), theirs.url+"/.well-known/jwks.json")
	if _, err := oidc.NewVerifier(ours.url, keys, &oidc.Config{SkipClientIDCheck: true}).Verify(t.Context(), raw); err == nil {
		t.Error("a token of another issuer was taken for ours")
	}
}

// An API as a customer writes it: standard middleware in front, the published
// metadata behind, and no code of ours between.
func TestApiOfACustomerOpensForOurTokens(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	verifier := discovered(t, d).Verifier(&oidc.Config{ClientID: d.url})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		tok, err := verifier.Verify(r.Context(), raw)
		if !ok || err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var c struct{ Scope string }
		if err := tok.Claims(&c); err != nil || !slices.Contains(strings.Fields(c.Scope), "orders:read") {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(api.Close)
	for scope, want := range map[string]int{"orders:read": http.StatusOK, "orders:write": http.StatusForbidden} {
		cfg := config(discovered(t, d).Endpoint().TokenURL, d.of("OAUTH2"), oauth2.AuthStyleAutoDetect, scope)
		if got := statusOf(t, cfg.Client(t.Context()), api.URL); got != want {
			t.Errorf("with scope %s: got %d, want %d", scope, got, want)
		}
	}
	if got := statusOf(t, http.DefaultClient, api.URL); got != http.StatusUnauthorized {
		t.Errorf("without a token: got %d, want 401", got)
	}
}

func statusOf(t testing.TB, c *http.Client, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// agentToken gives a token of the demo's agent, by e-mail and password.
func agentToken(t testing.TB, d *demo) string {
	t.Helper()
	a := send(t, http.MethodPost, d.url+"/oauth/token?partnerId="+url.QueryEscape(d.env["COMM100_PARTNER_ID"]),
		form("client_id", d.env["COMM100_CLIENT_ID"], "grant_type", "password", "email", d.env["COMM100_EMAIL"],
			"password", d.env["COMM100_PASSWORD"]), formType)
	if a.status != http.StatusOK {
		t.Fatalf("comm100 token: %d %s", a.status, a.body)
	}
	return as[string](t, members(t, a.body), "access_token")
}
