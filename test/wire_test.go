package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// credentials are what a tenant's callers hold.
type credentials struct {
	Tenant, Partner string
	ID, Secret      string // a machine's
	PublicID        string // of the client that people sign in through
	Email, Password string
}

// scopes are what the machine of enrol may be granted.
const scopes = "orders:read orders:write"

// enrol makes a tenant with a machine, a public client and a person.
func enrol(t testing.TB, p place, tenant, partner string) credentials {
	t.Helper()
	c := credentials{Tenant: tenant, Partner: partner, Email: "ada@shared.test", Password: "Sphinx of quartz, judge vow " + partner}
	p.postern(t, "tenant", "create", tenant, "--partner-id", partner)
	c.ID, c.Secret = newClient(t, p, tenant)
	c.PublicID, _ = newClient(t, p, tenant, "--public")
	p.piped(t, c.Password+"\n", "user", "create", c.Email, "--tenant", tenant, "--password-stdin", "--site-id", partner, "--agent-id", tenant+"-agent")
	return c
}

// newClient makes one more client.
func newClient(t testing.TB, p place, tenant string, flags ...string) (id, secret string) {
	t.Helper()
	args := append([]string{"client", "create", "--tenant", tenant, "--name", "machine", "--scope", scopes}, flags...)
	v := ask[struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}](t, p, args...)
	return v.ID, v.Secret
}

// way is how a token is asked for in one dialect, and how a refusal looks in it.
type way struct {
	dialect string
	path    string
	person  bool // asks for a person's token
	// query and body are what a right request sends.
	query, body func(c credentials) url.Values
	basic       bool // the machine's credentials stand in the Authorization header
	token       func(body []byte) (string, error)
	refusal     func(a answer) error // what every refusal looks like, whatever its status
}

func none(credentials) url.Values { return nil }

func machine(fields ...string) func(credentials) url.Values {
	return func(c credentials) url.Values {
		v := url.Values{"client_id": {c.ID}, "client_secret": {c.Secret}}
		for i := 0; i < len(fields); i += 2 {
			v.Set(fields[i], fields[i+1])
		}
		return v
	}
}

// ways are the five token endpoints.
var ways = []way{
	{dialect: "personio-v1", path: "/v1/auth", query: none, body: machine(), token: inEnvelope, refusal: envelope},
	{dialect: "personio-v2", path: "/v2/auth/token", query: none, body: machine("grant_type", "client_credentials"), token: inAccessToken, refusal: problem},
	{dialect: "personify", path: "/connect/token", query: none, body: machine("grant_type", "client_credentials"), token: inAccessToken, refusal: family},
	{dialect: "comm100", path: "/oauth/token", person: true,
		query: func(c credentials) url.Values { return url.Values{"partnerId": {c.Partner}} },
		body: func(c credentials) url.Values {
			return url.Values{"client_id": {c.PublicID}, "grant_type": {"password"}, "email": {c.Email}, "password": {c.Password}}
		}, token: inAccessToken, refusal: family},
	{dialect: "oauth2", path: "/oauth2/token", query: none, basic: true,
		body: func(credentials) url.Values { return url.Values{"grant_type": {"client_credentials"}} }, token: inAccessToken, refusal: standard},
}

// wayOf gives one of them.
func wayOf(dialect string) way {
	return ways[slices.IndexFunc(ways, func(w way) bool { return w.dialect == dialect })]
}

// request is a right request.
func (w way) request(base string, c credentials) *http.Request {
	target := base + w.path
	if q := w.query(c); len(q) > 0 {
		target += "?" + q.Encode()
	}
	r, err := http.NewRequest(http.MethodPost, target, strings.NewReader(w.body(c).Encode()))
	if err != nil {
		panic(err) // the address is that of a node
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w.basic {
		r.SetBasicAuth(c.ID, c.Secret)
	}
	return r
}

// get asks for a token and gives it.
func (w way) get(base string, c credentials) (string, error) {
	a, err := send(w.request(base, c))
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", fmt.Errorf("%s: got %v, want a token", w.dialect, a)
	}
	return w.token(a.body)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// caller sends every request. A node answers within ten seconds whatever happens.
var caller = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func send(r *http.Request) (answer, error) {
	resp, err := caller.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

// must is send for what cannot fail.
func must(t testing.TB, r *http.Request) answer {
	t.Helper()
	a, err := send(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return a
}

// fetch reads an address of a node.
func fetch(t testing.TB, n *node, path string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return must(t, r)
}

// post sends a form to a node, as the machine of c when c is not empty.
func post(t testing.TB, n *node, path string, c credentials, fields ...string) answer {
	t.Helper()
	v := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url+path, strings.NewReader(v.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.ID != "" {
		r.SetBasicAuth(c.ID, c.Secret)
	}
	return must(t, r)
}

// active asks a node, as the machine of c, whether a token is good.
func active(t testing.TB, n *node, c credentials, token string) bool {
	t.Helper()
	a := post(t, n, "/oauth2/introspect", c, "token", token)
	var v struct{ Active bool }
	if err := json.Unmarshal(a.body, &v); err != nil || a.status != http.StatusOK {
		t.Fatalf("introspection: got %v, want 200 and JSON", a)
	}
	return v.Active
}

func inAccessToken(body []byte) (string, error) {
	var v struct {
		Token string `json:"access_token"`
	}
	return found(body, &v, &v.Token)
}

func inEnvelope(body []byte) (string, error) {
	var v struct {
		Success bool
		Data    struct{ Token string }
	}
	return found(body, &v, &v.Data.Token)
}

func found(body []byte, v any, token *string) (string, error) {
	if err := json.Unmarshal(body, v); err != nil || strings.Count(*token, ".") != 2 {
		return "", fmt.Errorf("no token (%v) in %s", err, body)
	}
	return *token, nil
}

// tokenID gives the jti of a token as the audit trail spells it.
func tokenID(token string) string {
	var c struct{ JTI string }
	if parts := strings.Split(token, "."); len(parts) == 3 {
		_ = json.Unmarshal(decodePart(parts[1]), &c) // a token without one has the id ""
	}
	return strings.ToLower(c.JTI)
}

// decodePart decodes a part of a token; what cannot be decoded is nothing.
func decodePart(part string) []byte {
	out, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	return out
}
