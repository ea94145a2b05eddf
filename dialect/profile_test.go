package dialect_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// claimsOf gives claims as the issuer has them for a profile.
func claimsOf(p postern.Profile) postern.Claims {
	at := time.Unix(1652939391, 0).UTC()
	c := postern.Claims{ID: "0190aabbccddeeff0011223344556677", Issuer: "https://postern.test" + p.IssuerTag, Kind: p.Kind,
		IssuedAt: at, ExpiresAt: at.Add(p.Life), Dialect: p.Dialect}
	switch p.Dialect {
	case "personio-v1":
		c.Subject, c.NotBefore = "8c11d0cbebd36d9f0e763f9b", at
	case "personify":
		c.ClientID, c.Audience, c.NotBefore, c.Scope = "cl", []string{p.Audience}, at, postern.NewScopes("idp_api", "b")
	case "comm100":
		c.ClientID, c.Audience, c.NotBefore, c.AuthTime = "datasync 10000", []string{p.Audience}, at, at
		c.Subject, c.PartnerID, c.Thumbprint = "bfeb45d7-50dc-416d-b3c8-35db64d288f3", 10000, "96166CA3B34ABF2D04DF96A015BBDDD09B0A7C59"
		c.Scope = postern.NewScopes(p.FixedScope...)
	default:
		c.ClientID, c.Subject, c.Tenant = "cl", "cl", "demo"
		c.Audience, c.Scope = []string{"https://a.test/hr", "https://a.test/mcp"}, postern.NewScopes("a:read", "b:read")
		if p.Dialect == "personio-v2" {
			c.NotBefore = at
		}
	}
	return c
}

// payloads are the published examples, members in their order.
var payloads = map[string]string{
	"personio-v1": `{"iss":"https://postern.test/v1/auth","iat":1652939391,"exp":1653025791,"nbf":1652939391,"jti":"0190aabbccddeeff0011223344556677","sub":"OGMxMWQwY2JlYmQzNmQ5ZjBlNzYzZjli"}`,
	"personify":   `{"nbf":1652939391,"exp":1652942991,"iss":"https://postern.test","aud":"idp_api","client_id":"cl","jti":"0190AABBCCDDEEFF0011223344556677","iat":1652939391,"scope":["b","idp_api"]}`,
	"comm100": `{"nbf":1652939391,"exp":1652982591,"iss":"https://postern.test","aud":"ids.resource.1","client_id":"datasync 10000",` +
		`"sub":"bfeb45d7-50dc-416d-b3c8-35db64d288f3","auth_time":1652939391,"idp":"local","userId":"bfeb45d7-50dc-416d-b3c8-35db64d288f3",` +
		`"partnerId":"10000","thumbprint":"96166CA3B34ABF2D04DF96A015BBDDD09B0A7C59","success":"True","role":"User",` +
		`"jti":"0190AABBCCDDEEFF0011223344556677","iat":1652939391,"scope":["ids.scope","openid","profile","offline_access"],"amr":["pwd"]}`,
	"oauth2": `{"iss":"https://postern.test","sub":"cl","aud":["https://a.test/hr","https://a.test/mcp"],"exp":1652942991,"iat":1652939391,` +
		`"jti":"0190aabbccddeeff0011223344556677","client_id":"cl","scope":"a:read b:read","tenant":"demo"}`,
	"personio-v2": `{"iss":"https://postern.test","sub":"cl","aud":["https://a.test/hr","https://a.test/mcp"],"exp":1653025791,"iat":1652939391,"nbf":1652939391,` +
		`"jti":"0190aabbccddeeff0011223344556677","client_id":"cl","scope":"a:read b:read","tenant":"demo"}`,
}

func TestPayloadsAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	for _, p := range dialect.Profiles() {
		c := claimsOf(p)
		b, err := p.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(payloads[p.Dialect], string(b)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Dialect, diff)
		}
		back, err := p.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", p.Dialect, err)
		}
		if diff := cmp.Diff(c, back); diff != "" {
			t.Errorf("%s: decoded (-want +got):\n%s", p.Dialect, diff)
		}
	}
}

func TestNoFormatIsReadAsAnother(t *testing.T) {
	t.Parallel()
	for _, p := range dialect.Profiles() {
		for name, payload := range payloads {
			if _, err := p.Decode([]byte(payload)); (err == nil) != (name == p.Dialect) {
				t.Errorf("%s reads a payload of %s: %v", p.Dialect, name, err)
			}
		}
	}
}

// Every deviation from a payload makes it no payload: a member gone, repeated,
// added, of another type, in another spelling.
func TestPayloadsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, p := range dialect.Profiles() {
		good := payloads[p.Dialect]
		members := splitMembers(t, good)
		var bad []string
		for i, m := range members {
			name, _, _ := strings.Cut(m, ":")
			without := slices.Delete(slices.Clone(members), i, i+1)
			if name != `"scope"` || p.Dialect != "oauth2" && p.Dialect != "personio-v2" { // optional there
				bad = append(bad, join(without))
			}
			bad = append(bad, join(append(slices.Clone(members), m)))
			for _, v := range []string{"null", `""`, "0", "-1", "1.5", "1e3", "{}", "[]", "[1]", "true", `"1652939391"`, `["x"]`, `"x"`, "99999999999999999999"} {
				if otherValue(p.Dialect, name, v) {
					continue
				}
				bad = append(bad, join(append(slices.Clone(without), name+":"+v)))
			}
		}
		bad = append(bad, join(append(slices.Clone(members), `"extra":1`)), good+" x", "["+good+"]", "", "null", good[:len(good)-1],
			strings.Replace(good, `"jti":"0190`, `"jti":"019g`, 1), strings.Replace(good, `"iss"`, `"ISS"`, 1), strings.Replace(good, "1652939391", "01652939391", 1))
		for _, b := range bad {
			if _, err := p.Decode([]byte(b)); err == nil {
				t.Errorf("%s reads %s", p.Dialect, b)
			}
		}
	}
}

// otherValue says whether v is just another value of the member's own type.
func otherValue(dialect, name, v string) bool {
	text := v[0] == '"' && v != `""`
	standard := dialect == "oauth2" || dialect == "personio-v2"
	switch name {
	case `"iss"`, `"aud"`, `"tenant"`:
		return text
	case `"client_id"`:
		return text && !standard // there it is sub as well
	case `"partnerId"`:
		return v == `"1652939391"`
	case `"scope"`:
		return text && standard || dialect == "personify" && (v == "[]" || v == `["x"]`)
	}
	return false
}

func splitMembers(t *testing.T, object string) []string {
	t.Helper()
	names, err := dialect.ObjectNames(object)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &raw); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range names {
		out = append(out, `"`+n+`":`+string(raw[n]))
	}
	return out
}

func join(members []string) string { return "{" + strings.Join(members, ",") + "}" }

func TestOtherCasesOfPayloads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dialect, old, new string }{
		{"personify", `"jti":"0190AABBCCDDEEFF`, `"jti":"0190aabbccddeeff`},
		{"oauth2", `"jti":"0190aabbccddeeff`, `"jti":"0190AABBCCDDEEFF`},
		{"personify", `["b","idp_api"]`, `["idp_api","b"]`},
		{"personify", `["b","idp_api"]`, `["b","b"]`},
		{"personify", `["b","idp_api"]`, `["b idp_api"]`},
		{"oauth2", `"a:read b:read"`, `"b:read a:read"`},
		{"oauth2", `"a:read b:read"`, `"a:read  b:read"`},
		{"oauth2", `"sub":"cl"`, `"sub":"other"`},
		{"oauth2", `["https://a.test/hr","https://a.test/mcp"]`, `["https://a.test/hr"]`},
		{"comm100", `"success":"True"`, `"success":"true"`},
		{"comm100", `"role":"User"`, `"role":"Admin"`},
		{"comm100", `"userId":"bfeb`, `"userId":"afeb`},
		{"comm100", `"10000"`, `10000`},
		{"comm100", `"10000"`, `"-1"`},
		{"comm100", `["pwd"]`, `["otp"]`},
		{"comm100", `"profile","offline_access"`, `"offline_access","profile"`},
		{"comm100", `96166CA3`, `96166ca3`},
		{"personio-v1", `OGMxMWQwY2JlYmQzNmQ5ZjBlNzYzZjli`, `8c11d0cbebd36d9f0e763f9b`},
		{"personio-v1", `OGMxMWQwY2JlYmQzNmQ5ZjBlNzYzZjli`, `OEMxMWQwY2JlYmQzNmQ5ZjBlNzYzZjli`},
	} {
		p := named(t, c.dialect).(dialect.Profiler).Profile()
		changed := strings.Replace(payloads[c.dialect], c.old, c.new, 1)
		if changed == payloads[c.dialect] {
			t.Fatalf("%s: nothing to change in %s", c.dialect, c.old)
		}
		if _, err := p.Decode([]byte(changed)); err == nil {
			t.Errorf("%s reads %s for %s", c.dialect, c.new, c.old)
		}
	}
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	t.Parallel()
	spoil := map[string]func(*postern.Claims){
		"no issuer": func(c *postern.Claims) { c.Issuer = "" },
		"bad id":    func(c *postern.Claims) { c.ID = "0190" },
		"upper id":  func(c *postern.Claims) { c.ID = strings.ToUpper(c.ID) },
		"no iat":    func(c *postern.Claims) { c.IssuedAt = time.Time{} },
		"no exp":    func(c *postern.Claims) { c.ExpiresAt = time.Time{} },
		"other kind": func(c *postern.Claims) {
			c.Kind = map[postern.Kind]postern.Kind{postern.Machine: postern.Human, postern.Human: postern.Machine}[c.Kind]
		},
	}
	for _, p := range dialect.Profiles() {
		for name, f := range spoil {
			c := claimsOf(p)
			f(&c)
			if b, err := p.Encode(c); err == nil {
				t.Errorf("%s: %s is written: %s", p.Dialect, name, b)
			}
		}
		if p.Dialect == "personio-v1" {
			continue
		}
		for name, f := range map[string]func(*postern.Claims){
			"no client":   func(c *postern.Claims) { c.ClientID = "" },
			"no audience": func(c *postern.Claims) { c.Audience = nil },
		} {
			c := claimsOf(p)
			f(&c)
			if b, err := p.Encode(c); err == nil {
				t.Errorf("%s: %s is written: %s", p.Dialect, name, b)
			}
		}
	}
}

func TestProfilesAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	type facts struct {
		Algs                 []postern.Alg
		Type, Tag, Aud       string
		KeyID, First, Shared bool
		Subject              bool
		Life                 time.Duration
		Kind                 postern.Kind
		Grants, Known, Fixed []string
		PerMinute            int
	}
	cc := []string{"client_credentials"}
	device := "urn:ietf:params:oauth:grant-type:device_code"
	want := map[string]facts{
		"personio-v1": {Algs: []postern.Alg{"HS256"}, Type: "JWT", Tag: "/v1/auth", First: true, Subject: true, Shared: true, Life: 24 * time.Hour, Kind: "machine", Grants: cc, PerMinute: 60},
		"personio-v2": {Algs: []postern.Alg{"ES256"}, Type: "at+jwt", KeyID: true, Shared: true, Life: 24 * time.Hour, Kind: "machine", Grants: cc, PerMinute: 150},
		"personify":   {Algs: []postern.Alg{"RS256"}, Type: "at+jwt", KeyID: true, Life: time.Hour, Kind: "machine", Grants: cc, Known: []string{"authorization_code", "password", device}, Aud: "idp_api"},
		"comm100": {Algs: []postern.Alg{"RS256"}, Type: "at+jwt", Life: 12 * time.Hour, Kind: "user", Grants: []string{"password"}, Known: []string{"authorization_code", "client_credentials", device},
			Aud: "ids.resource.1", Fixed: []string{"ids.scope", "openid", "profile", "offline_access"}},
		"oauth2": {Algs: []postern.Alg{"ES256", "RS256", "EdDSA"}, Type: "at+jwt", KeyID: true, Life: time.Hour, Kind: "machine", Grants: cc},
	}
	for _, p := range dialect.Profiles() {
		got := facts{p.Algs, p.Type, p.IssuerTag, p.Audience, p.KeyID, p.TypeFirst, p.Shared, p.SubjectOnly, p.Life, p.Kind, p.Grants, p.KnownGrants, p.FixedScope, p.PerMinute}
		if diff := cmp.Diff(want[p.Dialect], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Dialect, diff)
		}
	}
	if len(dialect.Profiles()) != len(want) {
		t.Errorf("%d profiles, want %d", len(dialect.Profiles()), len(want))
	}
}

// A format that carries scopes says with an empty list that there are none. Only
// a nil one may mean that the format does not tell.
func TestATokenWithoutScopesHasNone(t *testing.T) {
	t.Parallel()
	for _, p := range dialect.Profiles() {
		if p.Dialect == "comm100" {
			continue // its scope is fixed
		}
		c := claimsOf(p)
		c.Scope = nil
		b, err := p.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := p.Decode(b)
		if err != nil || len(back.Scope) > 0 || (back.Scope == nil) != (p.Dialect == "personio-v1") {
			t.Errorf("%s: scope %#v, %v", p.Dialect, back.Scope, err)
		}
	}
}
