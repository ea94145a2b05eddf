package interop_test

import (
	"encoding/base64"
	"net/http"
	"testing"
)

// basic is the header of client_secret_basic for ids and secrets without reserved
// characters, as ours are.
func basic(c credentials) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(c.ID+":"+c.Secret))
}

const familyJSON = "application/json; charset=UTF-8"

// The test vectors of the reference, section 9, as far as they ask for a token.
func TestPersonifyAnswersItsTestVectors(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	c := d.newClient(t, "--scope", "idp_api", "--dialect", "personify")
	const invalidClient = `{"error":"invalid_client","error_description":"Invalid client credentials"}`
	documented := func(c credentials, more ...string) string {
		return form(append([]string{"client_id", c.ID, "client_secret", c.Secret, "grant_type", "client_credentials"}, more...)...)
	}
	for _, tt := range []struct {
		name, query, body string
		headers           []string
		refusal           string // "" for a token
	}{
		{"1: as documented", "", documented(c, "scope", "idp_api"), []string{formType}, ""},
		{"2: without scope", "", documented(c), []string{formType}, ""},
		{"2: with a scope named twice", "", documented(c, "scope", "idp_api idp_api"), []string{formType}, ""},
		{"3: with openid", "", documented(c, "scope", "idp_api openid"), []string{formType}, `{"error":"invalid_scope"}`},
		{"4: with offline_access", "", documented(c, "scope", "idp_api offline_access"), []string{formType}, `{"error":"invalid_scope"}`},
		{"5: wrong secret", "", documented(credentials{c.ID, "wrong"}, "scope", "idp_api"), []string{formType}, invalidClient},
		{"6: unknown id", "", documented(credentials{"nobody", c.Secret}, "scope", "idp_api"), []string{formType}, invalidClient},
		{"7: a person's grant", "", form("client_id", c.ID, "client_secret", c.Secret, "grant_type", "password"), []string{formType},
			`{"error":"unauthorized_client"}`},
		{"7: a grant that nobody knows", "", form("client_id", c.ID, "client_secret", c.Secret, "grant_type", "magic"), []string{formType},
			`{"error":"unsupported_grant_type"}`},
		{"8: no grant", "", form("client_id", c.ID, "client_secret", c.Secret), []string{formType}, `{"error":"unsupported_grant_type"}`},
		{"9: everything in the query", "?" + documented(c, "scope", "idp_api"), "", []string{formType}, invalidClient},
		{"10: JSON", "", object("client_id", c.ID, "client_secret", c.Secret, "grant_type", "client_credentials"), []string{jsonType},
			`{"error":"invalid_request"}`},
		{"11: Basic", "", form("grant_type", "client_credentials", "scope", "idp_api"), []string{formType, basic(c)}, ""},
		{"11: Basic wins over the body", "", documented(credentials{"nobody", "wrong"}), []string{formType, basic(c)}, ""},
		{"no secret", "", form("client_id", c.ID, "grant_type", "client_credentials"), []string{formType}, invalidClient},
		{"no id", "", form("client_secret", c.Secret, "grant_type", "client_credentials"), []string{formType}, invalidClient},
		{"names in another case, as ASP.NET reads them", "", form("Client_Id", c.ID, "CLIENT_SECRET", c.Secret, "grant_Type", "client_credentials"),
			[]string{formType}, ""},
		{"a tenant on the token request", "", documented(c), []string{formType, "X-Tenant-Id: nowhere"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := send(t, http.MethodPost, d.env["PERSONIFY_BASE_URL"]+"/connect/token"+tt.query, tt.body, tt.headers...)
			a.has(t, "Cache-Control", "no-store, no-cache, max-age=0")
			a.has(t, "Pragma", "no-cache")
			a.has(t, "WWW-Authenticate", "")
			if tt.refusal != "" {
				a.is(t, http.StatusBadRequest, familyJSON, tt.refusal)
				return
			}
			if a.status != http.StatusOK {
				t.Fatalf("got %d %s, want 200", a.status, a.body)
			}
			a.has(t, "Content-Type", familyJSON)
			got := members(t, a.body)
			if names(got) != "access_token expires_in token_type scope" || as[int](t, got, "expires_in") != 3600 ||
				as[string](t, got, "token_type") != "Bearer" || as[string](t, got, "scope") != "idp_api" {
				t.Errorf("answer: got %s", a.body)
			}
			claims := split(t, as[string](t, got, "access_token")).claims(t)
			if life := as[int64](t, claims, "exp") - as[int64](t, claims, "nbf"); life != 3600 || as[string](t, claims, "client_id") != c.ID {
				t.Errorf("claims: life %d, client %s", life, as[string](t, claims, "client_id"))
			}
			if scope := as[[]string](t, claims, "scope"); len(scope) != 1 || scope[0] != "idp_api" {
				t.Errorf("claim scope: got %v, want an array of idp_api", scope)
			}
		})
	}
	a := send(t, http.MethodGet, d.url+"/connect/token?"+documented(c), "")
	a.is(t, http.StatusBadRequest, familyJSON, `{"error":"invalid_request"}`)
}
