package interop_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Requests as known clients of Personio put them on the wire. Names in capitals are
// those of the reference's list of clients; header values are written out, because
// they are what a strict server could trip over.

// request is what a client sends.
type request struct {
	client  string
	query   string
	body    string
	headers []string
}

// firstTokenRequests are the ways in which clients ask /v1/auth.
func firstTokenRequests(c credentials) []request {
	query := "?" + form("client_id", c.ID, "client_secret", c.Secret)
	asJSON := object("client_id", c.ID, "client_secret", c.Secret)
	return []request{
		{"KRT: query, no body, no headers of its own", query, "", []string{"User-Agent: GuzzleHttp/6.3.3 curl/7.64.0 PHP/7.2.15"}},
		{"PPY 0.2.3: query, only an accept header", query, "", []string{"User-Agent: python-requests/2.31.0", "Accept: application/json"}},
		{"gatsby source plugin: query, from node-fetch", query, "", []string{"User-Agent: node-fetch/1.0", "Accept: application/json"}},
		{"a script with curl and an empty form", query, "", []string{"User-Agent: curl/8.5.0", "Accept: */*", formType}},
		{"PPY main: JSON", "", asJSON, []string{"User-Agent: python-requests/2.32.3", "Accept: application/json", jsonType}},
		{"ING: JSON", "", asJSON, []string{"User-Agent: go-resty/2.16.5", "Accept: application/json", jsonType}},
		{"PSP: JSON with a partner header that is empty", "", asJSON, []string{"Content-Type: application/json; charset=utf-8",
			"X-Personio-Partner-ID: ", "X-Personio-App-ID: POWERSHELL"}},
		{"NANGO: JSON with a grant type that this endpoint does not know", "",
			object("client_id", c.ID, "client_secret", c.Secret, "grant_type", "client_credentials"), []string{jsonType}},
		{"axios: JSON, everything accepted", "", asJSON, []string{jsonType, "Accept: application/json, text/plain, */*", "User-Agent: axios/1.7.9"}},
		{"a page that thinks it needs a CORS header", "", object("client_secret", c.Secret, "client_id", c.ID),
			[]string{jsonType, "Accept: application/json", "Access-Control-Allow-Origin: *"}},
		{"fetch with a text body", "", asJSON, []string{"Content-Type: text/plain;charset=UTF-8", "Accept: */*"}},
		{"curl -d with JSON and no type of its own", "", asJSON, []string{formType, "User-Agent: curl/8.5.0", "Accept: */*"}},
		{"a body without a type", "", asJSON, nil},
		{"RS: form", "", form("client_id", c.ID, "client_secret", c.Secret), []string{formType}},
	}
}

func TestEveryKnownClientOfPersonioV1GetsItsToken(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.of("PERSONIO_READONLY")
	var first string
	for _, r := range firstTokenRequests(c) { // in order: all get the token of the first
		a := send(t, http.MethodPost, d.env["PERSONIO_BASE_URL"]+"/v1/auth"+r.query, r.body, r.headers...)
		if a.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", r.client, a.status, a.body)
			continue
		}
		a.has(t, "Content-Type", "application/json")
		a.has(t, "Cache-Control", "no-store")
		envelope := members(t, a.body)
		data := members(t, string(as[json.RawMessage](t, envelope, "data")))
		if names(envelope) != "success data" || !as[bool](t, envelope, "success") || names(data) != "token expires_in scope" {
			t.Errorf("%s: got members %s with %s", r.client, names(envelope), names(data))
		}
		token, life, scope := as[string](t, data, "token"), as[int](t, data, "expires_in"), as[string](t, data, "scope")
		if life > 86400 || life < 86400-300 || scope != "personio:persons:read" {
			t.Errorf("%s: got expires_in %d and scope %q", r.client, life, scope)
		}
		if first == "" {
			first = token
		}
		if token != first {
			t.Errorf("%s: got another token than the first client within its life", r.client)
		}
	}
}

func TestPersonioV1RefusesInItsEnvelope(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.of("PERSONIO")
	wrong := credentials{c.ID, "papi-" + strings.Repeat("x", 43)}
	const wrongCredentials = `{"success":false,"error":{"code":0,"message":"Wrong credentials"}}`
	for _, refused := range []credentials{wrong, {"papi-nobody", c.Secret}, d.of("OAUTH2")} {
		for _, r := range firstTokenRequests(refused) {
			t.Run(r.client, func(t *testing.T) {
				t.Parallel()
				a := send(t, http.MethodPost, d.url+"/v1/auth"+r.query, r.body, r.headers...)
				a.is(t, http.StatusForbidden, "application/json", wrongCredentials)
			})
		}
	}
}

// The real service switches the query off; a tenant of ours can do so today.
func TestQueryCredentialsCanBeRefused(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.of("PERSONIO")
	ask := func(r request) answer {
		return send(t, http.MethodPost, d.url+"/v1/auth"+r.query, r.body, r.headers...)
	}
	d.run(t, "tenant", "update", "demo", "--refuse-query")
	inQuery := firstTokenRequests(c)[0]
	eventually(t, "credentials in the query are refused", func() bool { return ask(inQuery).status == http.StatusForbidden })
	for _, r := range firstTokenRequests(c) {
		a := ask(r)
		if r.query == "" {
			if a.status != http.StatusOK {
				t.Errorf("%s: got %d %s, want 200", r.client, a.status, a.body)
			}
			continue
		}
		a.is(t, http.StatusForbidden, "application/json",
			`{"success":false,"error":{"code":0,"message":"Credentials in the query string are not accepted. Send client_id and client_secret in the body."}}`)
	}
}

// secondTokenRequests are the ways in which clients ask /v2/auth/token.
func secondTokenRequests(c credentials) []request {
	return []request{
		{"SB9: form with a scope", "", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret, "scope", "personio:persons:read"),
			[]string{formType, "Accept: application/json"}},
		{"PYS: form, beta header", "", form("client_id", c.ID, "client_secret", c.Secret, "grant_type", "client_credentials"),
			[]string{formType, "Accept: application/json", "Beta: true", "User-Agent: python-httpx/0.27.0"}},
		{"DLT: form, application named", "", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret),
			[]string{formType, "Accept: application/json", "X-Personio-App-ID: DLT_SOURCE"}},
		{"N8N: form built by hand, two types accepted", "", form("client_id", c.ID, "client_secret", c.Secret, "grant_type", "client_credentials"),
			[]string{formType, "Accept: application/json, application/problem+json"}},
		{"FIE: form, both headers in lower case", "", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret),
			[]string{formType, "x-personio-partner-id: FIE", "x-personio-app-id: MCP"}},
		{"HelloID: form, an empty partner header", "", form("client_secret", c.Secret, "grant_type", "client_credentials", "client_id", c.ID),
			[]string{formType, "Accept: application/json", "X-Personio-App-ID: HELLOID", "X-Personio-Partner-ID: "}},
		{"HF: form with a charset", "", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret),
			[]string{formType + "; charset=utf-8"}},
		{"a client that still holds an old token", "", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret),
			[]string{formType, "Authorization: Bearer papi-old"}},
		{"a client that sends an empty scope", "", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret, "scope", ""),
			[]string{formType}},
	}
}

func TestEveryKnownClientOfPersonioV2GetsItsToken(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	var first string
	for _, r := range secondTokenRequests(d.of("PERSONIO_READONLY")) {
		a := send(t, http.MethodPost, d.env["PERSONIO_BASE_URL"]+"/v2/auth/token"+r.query, r.body, r.headers...)
		if a.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", r.client, a.status, a.body)
			continue
		}
		a.has(t, "Content-Type", "application/json")
		a.has(t, "Cache-Control", "no-store")
		got := members(t, a.body)
		if names(got) != "access_token token_type expires_in scope" {
			t.Errorf("%s: got members %s", r.client, names(got))
		}
		// PYS and NTR demand an integer; DLT and PYS a scope.
		if life := as[int](t, got, "expires_in"); life > 86400 || life < 86400-300 {
			t.Errorf("%s: got expires_in %d", r.client, life)
		}
		token, kind, scope := as[string](t, got, "access_token"), as[string](t, got, "token_type"), as[string](t, got, "scope")
		if kind != "Bearer" || scope != "personio:persons:read" {
			t.Errorf("%s: got token_type %q and scope %q", r.client, kind, scope)
		}
		if first == "" {
			first = token
		}
		if token != first {
			t.Errorf("%s: got another token than the first client within its life", r.client)
		}
	}
}

// PYS parses a refusal with a strict model: error of a closed list, and timestamp
// and trace_id always.
func TestPersonioV2RefusesAsStrictModelsExpect(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.of("PERSONIO_READONLY")
	const url, meta = "error error_description error_uri timestamp trace_id", " meta"
	for _, tt := range []struct {
		name, body, contentType   string
		members, code, text, link string
		meta                      string
	}{
		{"wrong secret", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", "papi-x"), formType,
			url, "invalid_client", personioClientRefused, "invalid_client", ""},
		{"secret missing", form("grant_type", "client_credentials", "client_id", c.ID), formType,
			url + meta, "invalid_request", "The request has missing or invalid required parameters.",
			"invalid_request.required_parameters_missing", `{"missing_parameters":["client_secret"]}`},
		{"nothing at all", "", formType,
			url + meta, "invalid_request", "The request has missing or invalid required parameters.",
			"invalid_request.required_parameters_missing", `{"missing_parameters":["grant_type"]}`},
		{"a person's grant", form("grant_type", "password", "client_id", c.ID, "client_secret", c.Secret), formType,
			url + meta, "unsupported_grant_type", "The requested authorization grant type is not supported by the server.",
			"unsupported_grant_type", `{"grant_type":"password"}`},
		{"a scope that the credential lacks", form("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret,
			"scope", "personio:absences:read"), formType, url, "invalid_scope", "One of the requested scopes is invalid.", "invalid_scope", ""},
		{"JSON, as on the first endpoint", object("grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret), jsonType,
			"error error_description type timestamp trace_id", "invalid_request",
			`The content type of the request must be "application/x-www-form-urlencoded".`, "invalid_request.invalid_request_content_type", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := send(t, http.MethodPost, d.url+"/v2/auth/token", tt.body, tt.contentType, "Accept: application/json")
			if a.status != http.StatusBadRequest {
				t.Fatalf("got %d %s, want 400", a.status, a.body)
			}
			a.has(t, "Content-Type", "application/problem+json")
			got := members(t, a.body)
			if names(got) != tt.members {
				t.Errorf("members: got %s, want %s", names(got), tt.members)
			}
			link := "error_uri"
			if !strings.Contains(tt.members, link) {
				link = "type"
			}
			if code, text, at := as[string](t, got, "error"), as[string](t, got, "error_description"), as[string](t, got, link); code != tt.code ||
				text != tt.text || at != personioErrors+tt.link {
				t.Errorf("refusal:\n got %q %q %q\nwant %q %q %q", code, text, at, tt.code, tt.text, personioErrors+tt.link)
			}
			if at, err := time.Parse(time.RFC3339, as[string](t, got, "timestamp")); err != nil || time.Since(at).Abs() > patience {
				t.Errorf("timestamp: got %s (%v), want about now", at, err)
			}
			if as[string](t, got, "trace_id") == "" {
				t.Error("trace_id is empty")
			}
			if tt.meta != "" && string(as[json.RawMessage](t, got, "meta")) != tt.meta {
				t.Errorf("meta: got %s, want %s", as[json.RawMessage](t, got, "meta"), tt.meta)
			}
		})
	}
}

func TestPersonioTokenIsRevokedByEitherKindOfClient(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, tt := range []struct {
		client string
		with   func(token string) []string
	}{
		{"FIE: the token in the form alone", func(string) []string { return []string{formType} }},
		{"DLT: the token in the form and as bearer", func(token string) []string { return []string{formType, "Authorization: Bearer " + token} }},
	} {
		t.Run(tt.client, func(t *testing.T) {
			t.Parallel()
			c := d.newClient(t, "--scope", "personio:persons:read", "--dialect", "personio-v2")
			old := issued(t, d, "/v2/auth/token", c)
			for range 2 { // a second time changes nothing and looks the same
				a := send(t, http.MethodPost, d.url+"/v2/auth/revoke", form("token", old), tt.with(old)...)
				if a.status != http.StatusOK || a.body != "" {
					t.Errorf("revoke: got %d %q, want 200 and nothing", a.status, a.body)
				}
			}
			introspected(t, d, old).is(t, http.StatusOK, "application/json", inactive)
			fresh := issued(t, d, "/v2/auth/token", c)
			if fresh == old {
				t.Fatal("the revoked token was answered again")
			}
			if a := introspected(t, d, fresh); !as[bool](t, members(t, a.body), "active") {
				t.Errorf("the new token is not active: %s", a.body)
			}
		})
	}
	unknown := send(t, http.MethodPost, d.url+"/v2/auth/revoke", form("token", "papi-unknown"), formType)
	if unknown.status != http.StatusOK || unknown.body != "" {
		t.Errorf("revoke of an unknown token: got %d %q, want 200 and nothing", unknown.status, unknown.body)
	}
	missing := send(t, http.MethodPost, d.url+"/v2/auth/revoke", "", formType)
	if missing.status != http.StatusBadRequest || missing.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("revoke of nothing: got %d %q, want a problem document with 400", missing.status, missing.header.Get("Content-Type"))
	}
}

// NGM asks the second endpoint and, when that fails, the first: one credential
// serves both, and each answers a token of its own kind.
func TestOneCredentialServesBothPersonioEndpoints(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.of("PERSONIO")
	second := split(t, issued(t, d, "/v2/auth/token", c, "personio:persons:read"))
	body := send(t, http.MethodPost, d.url+"/v1/auth", object("client_id", c.ID, "client_secret", c.Secret), jsonType).body
	data := members(t, string(as[json.RawMessage](t, members(t, body), "data")))
	first := split(t, as[string](t, data, "token"))
	if a, b := first.named(t, "alg"), second.named(t, "alg"); a != "HS256" || b != "ES256" {
		t.Errorf("algorithms: got %s and %s, want HS256 and ES256", a, b)
	}
	claims := first.claims(t)
	if got, want := as[string](t, claims, "iss"), d.url+"/v1/auth"; got != want {
		t.Errorf("claim iss: got %q, want %q", got, want)
	}
	var times []int64
	for _, name := range []string{"iat", "nbf", "exp"} {
		times = append(times, as[int64](t, claims, name))
	}
	if times[0] != times[1] || times[2]-times[0] != 86400 {
		t.Errorf("iat, nbf, exp: got %v, want a day from iat = nbf", times)
	}
	scopes := strings.Fields(as[string](t, data, "scope"))
	want := strings.Fields(hrScopes)
	if !slices.Equal(scopes, want) {
		t.Errorf("scope: got %v, want %v", scopes, want)
	}
}
