package interop_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// person is what a Comm100 client knows.
type person struct{ client, partner, email, password string }

func agentOf(d *demo) person {
	return person{d.env["COMM100_CLIENT_ID"], d.env["COMM100_PARTNER_ID"], d.env["COMM100_EMAIL"], d.env["COMM100_PASSWORD"]}
}

// documented is the body of the published sample, in its order.
func (p person) documented() string {
	return form("client_id", p.client, "grant_type", "password", "email", p.email, "password", p.password)
}

// curl is what curl sends of itself beside a form.
var curl = []string{"User-Agent: curl/8.5.0", "Accept: */*", formType}

func TestComm100AnswersItsTestVectors(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := agentOf(d)
	partner := "?partnerId=" + p.partner
	stranger, mistyped := p, p
	stranger.email, mistyped.password = "nobody@demo.test", "wrong"
	const failed = `{"error":"invalid_grant","error_description":"invalid_username_or_password"}`
	for _, tt := range []struct {
		name, query, body string
		headers           []string
		refusal           string // "" for a token
	}{
		{"as documented", partner, p.documented(), curl, ""},
		{"client_Id as the agent page writes it", partner,
			form("client_Id", p.client, "Grant_Type", "password", "Email", p.email, "PASSWORD", p.password), curl, ""},
		{"partner in another case", "?partnerid=" + p.partner, p.documented(), curl, ""},
		{"the address in another case", partner, form("client_id", p.client, "grant_type", "password", "email",
			strings.ToUpper(p.email), "password", p.password), curl, ""},
		{"a site beside the partner", partner + "&siteId=10115", p.documented(), curl, ""},
		{"wrong password", partner, mistyped.documented(), curl, failed},
		{"unknown person", partner, stranger.documented(), curl, failed},
		{"unknown partner", "?partnerId=99999", p.documented(), curl, failed},
		{"username for email", partner, form("client_id", p.client, "grant_type", "password", "username", p.email, "password", p.password),
			curl, `{"error":"invalid_grant"}`},
		{"no partner", "", p.documented(), curl, `{"error":"invalid_request","error_description":"partnerId is missing from the query"}`},
		{"partner in the body", "", p.documented() + "&partnerId=" + p.partner, curl,
			`{"error":"invalid_request","error_description":"partnerId is missing from the query"}`},
		{"partner twice", partner + "&partnerId=10001", p.documented(), curl,
			`{"error":"invalid_request","error_description":"partnerId is repeated or too long"}`},
		{"a machine's grant", partner, form("client_id", p.client, "grant_type", "client_credentials"), curl, `{"error":"unauthorized_client"}`},
		{"no grant", partner, form("client_id", p.client, "email", p.email, "password", p.password), curl, `{"error":"unsupported_grant_type"}`},
		{"unknown client", partner, strings.Replace(p.documented(), p.client, "1d29e6d7-18cf-407d-a064-e4f8c4baefab", 1), curl, `{"error":"invalid_client"}`},
		{"JSON", partner, object("client_id", p.client, "grant_type", "password", "email", p.email, "password", p.password),
			[]string{jsonType}, `{"error":"invalid_request"}`},
		{"-D for -d in the published sample: nothing is sent", partner, "", curl, `{"error":"invalid_client"}`},
		{"the media type of the quick start", partner, p.documented(), []string{"Content-Type: x-www-form-urlencoded"}, `{"error":"invalid_request"}`},
		{"everything in the query", partner + "&" + p.documented(), "", curl, `{"error":"invalid_client"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := send(t, http.MethodPost, d.env["COMM100_BASE_URL"]+"/oauth/token"+tt.query, tt.body, tt.headers...)
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
			if names(got) != "access_token expires_in token_type" || as[int](t, got, "expires_in") != 43200 || as[string](t, got, "token_type") != "Bearer" {
				t.Errorf("answer: got %s", a.body)
			}
		})
	}
	a := send(t, http.MethodGet, d.url+"/oauth/token"+partner+"&"+p.documented(), "")
	a.is(t, http.StatusBadRequest, familyJSON, `{"error":"invalid_request"}`)
}

func TestComm100TokenHasTheClaimsOfTheSample(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	tok := split(t, agentToken(t, d))
	if tok.header != `{"alg":"RS256","typ":"at+jwt"}` {
		t.Errorf("header: got %s, want no kid", tok.header)
	}
	if len(tok.signature) != 256 {
		t.Errorf("signature: got %d octets, want the 256 of RSA-2048", len(tok.signature))
	}
	c := tok.claims(t)
	text := func(name string) string { return as[string](t, c, name) }
	number := func(name string) int64 { return as[int64](t, c, name) }
	if number("exp")-number("nbf") != 43200 || number("nbf") != number("iat") || number("nbf") != number("auth_time") {
		t.Errorf("times: nbf %d, exp %d, iat %d, auth_time %d", number("nbf"), number("exp"), number("iat"), number("auth_time"))
	}
	for name, want := range map[string]string{
		"iss": regexp.QuoteMeta(d.url), "aud": `ids\.resource\.1`, "client_id": d.env["COMM100_CLIENT_ID"], "idp": "local",
		"partnerId": d.env["COMM100_PARTNER_ID"], "thumbprint": "[0-9A-F]{40}", "success": "True", "role": "User", "jti": "[0-9A-F]{32}",
		"sub": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "userId": regexp.QuoteMeta(text("sub")),
	} {
		if got := text(name); !regexp.MustCompile("^(?:" + want + ")$").MatchString(got) {
			t.Errorf("claim %s: got %q, want %s", name, got, want)
		}
	}
	if got := as[[]string](t, c, "scope"); !slices.Equal(got, []string{"ids.scope", "openid", "profile", "offline_access"}) {
		t.Errorf("claim scope: got %v", got)
	}
	if got := as[[]string](t, c, "amr"); !slices.Equal(got, []string{"pwd"}) {
		t.Errorf("claim amr: got %v", got)
	}
}

func TestUserinfoTellsWhoseTokenItIs(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	raw := agentToken(t, d)
	for _, query := range []string{"", "?siteId=10115"} { // the second as Comm100's own integration asks
		a := send(t, http.MethodGet, d.url+"/oauth/userinfo"+query, "", "Authorization: Bearer "+raw)
		got := members(t, a.body)
		if a.status != http.StatusOK || names(got) != "agentId siteId role" {
			t.Fatalf("userinfo%s: got %d %s", query, a.status, a.body)
		}
		a.has(t, "Content-Type", familyJSON)
		agent, site, role := as[string](t, got, "agentId"), as[int](t, got, "siteId"), as[string](t, got, "role")
		if !regexp.MustCompile("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").MatchString(agent) || site != 10115 || role != "AGENT" {
			t.Errorf("userinfo%s: got %s", query, a.body)
		}
	}
	machine := issued(t, d, "/oauth2/token", d.of("OAUTH2"))
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		word    string
	}{
		{"no token", nil, http.StatusUnauthorized, "invalid_token"},
		{"nonsense", []string{"Authorization: Bearer nonsense"}, http.StatusUnauthorized, "invalid_token"},
		{"another scheme", []string{"Authorization: Token " + raw}, http.StatusUnauthorized, "invalid_token"},
		{"a machine's token", []string{"Authorization: Bearer " + machine}, http.StatusForbidden, "insufficient_scope"},
	} {
		a := send(t, http.MethodGet, d.url+"/oauth/userinfo", "", tt.headers...)
		if a.status != tt.status || a.body != "" {
			t.Errorf("%s: got %d %q, want %d and nothing", tt.name, a.status, a.body, tt.status)
		}
		a.has(t, "WWW-Authenticate", `Bearer realm="IdentityServer",error="`+tt.word+`"`)
	}
	if a := send(t, http.MethodGet, d.url+"/oauth/userinfo?access_token="+raw, ""); a.status != http.StatusUnauthorized {
		t.Errorf("a token in the query: got %d, want 401", a.status)
	}
}

// A person who is disabled or gets a new password is out at once, with every token.
func TestDisabledAgentIsOut(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	raw, p := agentToken(t, d), agentOf(d)
	d.run(t, "user", "disable", p.email, "--tenant", "demo")
	eventually(t, "userinfo refuses the agent's token", func() bool {
		return send(t, http.MethodGet, d.url+"/oauth/userinfo", "", "Authorization: Bearer "+raw).status == http.StatusUnauthorized
	})
	send(t, http.MethodPost, d.url+"/oauth/token?partnerId="+p.partner, p.documented(), curl...).is(t, http.StatusBadRequest, familyJSON,
		`{"error":"invalid_grant","error_description":"invalid_username_or_password"}`)
	introspected(t, d, raw).is(t, http.StatusOK, "application/json", inactive)
}
