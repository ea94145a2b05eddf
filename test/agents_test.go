package test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// withTools are the settings of a place with tools for agents.
const withTools = "experimental: [tools]\n" + unlimited

// eras are the revisions of MCP that the tools speak; the first is the newest.
var eras = []string{"", "2025-11-25", "2025-06-18"}

// agent is a program that uses the tools on its own.
type agent struct {
	tenant, id, secret string
	person             postern.PersonID // whom its company has
}

// employ makes a tenant with one person, and an agent with these scopes.
func employ(t testing.TB, p place, tenant string, scopes ...string) agent {
	t.Helper()
	p.postern(t, "tenant", "create", tenant)
	db, err := store.Open(t.Context(), p.database(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	a := agent{tenant: tenant}
	for n := range len(tenant) { // so that the numbers of two companies differ
		a.person, err = db.Directory(tenant).CreatePerson(t.Context(), postern.Person{FirstName: "Ada", LastName: tenant + "-person", Email: string(rune('a'+n)) + "@" + tenant + ".test"}, postern.Write{})
		if err != nil {
			t.Fatal(err)
		}
	}
	a.id, a.secret = hire(t, p, tenant, scopes...)
	return a
}

// hire makes one more agent of a tenant.
func hire(t testing.TB, p place, tenant string, scopes ...string) (id, secret string) {
	t.Helper()
	v := ask[struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}](t, p, "client", "create", "--tenant", tenant, "--name", "agent", "--dialect", "oauth2", "--dialect", "personio-v2", "--scope", strings.Join(scopes, " "))
	return v.ID, v.Secret
}

// naming adds the resource to requests for tokens, which the SDK's handler leaves out
// (RFC 8707; MCP authorization wants it).
type naming string

func (n naming) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/token") {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		b = append(b, "&resource="+url.QueryEscape(string(n))...)
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		r.GetBody = nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

// unattended is the SDK's own way for a program to get its token.
func (a agent) unattended(t testing.TB, base string) auth.OAuthHandler {
	t.Helper()
	h, err := extauth.NewClientCredentialsHandler(&extauth.ClientCredentialsHandlerConfig{
		Credentials: &oauthex.ClientCredentials{ClientID: a.id, ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: a.secret}, Issuer: base},
		HTTPClient:  &http.Client{Transport: naming(base + "/mcp")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// static is a token that somebody put into a configuration.
type static string

func (s static) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(s))
	return http.DefaultTransport.RoundTrip(r)
}

// token asks for a token by hand.
func (a agent) token(t testing.TB, base string, form url.Values) (status int, token string) {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(a.id, a.secret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var v struct {
		Token string `json:"access_token"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&v) // the status says
	return resp.StatusCode, v.Token
}

// enter opens a session of an era; over is how its requests are made.
func enter(t testing.TB, base, era string, over *mcp.StreamableClientTransport) (*mcp.ClientSession, error) {
	t.Helper()
	over.Endpoint = base + "/mcp"
	return mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(t.Context(), over, &mcp.ClientSessionOptions{ProtocolVersion: era})
}

func names(t testing.TB, s *mcp.ClientSession) (all []string) {
	t.Helper()
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		all = append(all, tool.Name)
	}
	return all
}

// persons gives the ids of the answer to list_persons, as text.
func persons(t testing.TB, ctx context.Context, s *mcp.ClientSession) string {
	t.Helper()
	r, err := s.CallTool(ctx, &mcp.CallToolParams{Name: "list_persons"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r.StructuredContent)
	if err != nil || r.IsError {
		t.Fatalf("%v %s", err, b)
	}
	return string(b)
}

func TestAnUnattendedAgentGetsItsTokenFromTheSameServerAndAsksInEveryEra(t *testing.T) {
	t.Parallel()
	p := newPlace(t, withTools)
	a := employ(t, p, "acme", "personio:persons:read", "personio:absences:read", "personio:absences:write")
	n := p.serve(t)
	for _, era := range eras {
		s, err := enter(t, n.url, era, &mcp.StreamableClientTransport{OAuthHandler: a.unattended(t, n.url)})
		if err != nil {
			t.Fatalf("%q: %v", era, err)
		}
		// Writes are off, and it has no right to attendance; the challenge asks for it all the same.
		want := []string{"get_person", "list_absence_periods", "list_absence_types", "list_employments", "list_persons"}
		if diff := cmp.Diff(want, names(t, s)); diff != "" {
			t.Errorf("%q: tools (-want +got):\n%s", era, diff)
		}
		if got := persons(t, t.Context(), s); !strings.Contains(got, "a@acme.test") {
			t.Errorf("%q: got %s", era, got)
		}
		if r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_attendance_periods"}); err == nil {
			t.Errorf("%q: a tool beyond its rights: %+v", era, r)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%q: %v", era, err)
		}
	}
	trail := p.postern(t, "audit", "list", "--tenant", "acme", "--action", "tool.called", "--json")
	if got := strings.Count(trail, "list_persons"); got != len(eras) || !strings.Contains(trail, a.id) || strings.Contains(trail, "acme.test") {
		t.Errorf("the trail has %d calls of %s, want %d, with who asked and without what was answered: %s", got, a.id, len(eras), trail)
	}
	n.stop(t)
}

func TestATokenOpensTheToolsOnlyIfItWasMadeOutToThem(t *testing.T) {
	t.Parallel()
	p := newPlace(t, withTools)
	a := employ(t, p, "acme", "personio:persons:read")
	n := p.serve(t)
	tools, here := n.url+"/mcp", n.url
	try := func(token string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tools, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_persons"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
	}
	for name, x := range map[string]struct {
		resources []string
		want      int
	}{
		"none":       {nil, 401},
		"the HR API": {[]string{here}, 401},
		"the tools":  {[]string{tools}, 200},
		"both":       {[]string{here, tools}, 200},
	} {
		_, token := a.token(t, n.url, url.Values{"resource": x.resources})
		status, challenge := try(token)
		if status != x.want || x.want == 401 && !strings.Contains(challenge, `error="invalid_token"`) {
			t.Errorf("made out to %s: got %d %q, want %d", name, status, challenge, x.want)
		}
		if status == 401 && !strings.Contains(challenge, here+"/.well-known/oauth-protected-resource/mcp") {
			t.Errorf("made out to %s: %q does not say where the metadata is", name, challenge)
		}
	}
	// The other endpoint answers the same token again, and each resource its own.
	for range 2 {
		for resource, want := range map[string]int{"": 401, here: 401, tools: 200} {
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.id}, "client_secret": {a.secret}, "resource": {resource}}
			resp, err := http.PostForm(here+"/v2/auth/token", form)
			if err != nil {
				t.Fatal(err)
			}
			var v struct {
				Token string `json:"access_token"`
			}
			err = json.NewDecoder(resp.Body).Decode(&v)
			_ = resp.Body.Close()
			if status, _ := try(v.Token); err != nil || status != want {
				t.Errorf("/v2/auth/token with resource %q: got %d and %v, want %d", resource, status, err, want)
			}
		}
	}
	if status, _ := a.token(t, n.url, url.Values{"resource": {tools + "/"}}); status != 400 {
		t.Errorf("a resource that there is not: got %d, want 400", status)
	}
	_, token := a.token(t, n.url, url.Values{"resource": {tools}})
	if status, _ := try(token); status != 200 {
		t.Fatalf("got %d", status)
	}
	if status := fetch(t, n, "/v2/persons", "Authorization", "Bearer "+token).status; status == 200 {
		t.Error("a token for the tools opens the HR API")
	}
	// What ends a token ends it here, within a second.
	p.postern(t, "client", "disable", a.id)
	end := time.After(patience)
	for status := 200; status != 401; {
		select {
		case <-end:
			t.Fatalf("a disabled client still gets %d", status)
		default:
			status, _ = try(token)
		}
	}
	n.stop(t)
}

func TestAgentsOfTwoTenantsSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := engine(t)
			p.env = append(p.env, "POSTERN_EXPERIMENTAL=tools")
			scopes := []string{"personio:persons:read", "personio:absences:read", "personio:attendances:read"}
			acme, blue := employ(t, p, "acme", scopes...), employ(t, p, "bluebird", scopes...)
			n := p.serve(t)
			for _, pair := range [][2]agent{{acme, blue}, {blue, acme}} {
				a, other := pair[0], pair[1]
				_, token := a.token(t, n.url, url.Values{"resource": {n.url + "/mcp"}})
				for _, era := range eras {
					s, err := enter(t, n.url, era, &mcp.StreamableClientTransport{HTTPClient: &http.Client{Transport: static(token)}})
					if err != nil {
						t.Fatal(err)
					}
					mine := persons(t, t.Context(), s)
					if !strings.Contains(mine, a.tenant+"-person") || strings.Contains(mine, other.tenant) {
						t.Errorf("%s is shown %s", a.tenant, mine)
					}
					// A number that only the longer name's company has, and one that nobody has.
					last, absent := idOf(max(acme.person, blue.person)), idOf(9_999_999)
					r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_person", Arguments: map[string]any{"person_id": last}})
					if err != nil {
						t.Fatal(err)
					}
					text := textOf(t, r)
					if strings.Contains(text, other.tenant) || r.IsError != (a.person < other.person) {
						t.Errorf("%s asks for person %s and gets %s", a.tenant, last, text)
					}
					if r.IsError {
						none, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_person", Arguments: map[string]any{"person_id": absent}})
						if err != nil || strings.ReplaceAll(textOf(t, none), absent, last) != text {
							t.Errorf("somebody else's person looks unlike nobody: %v %s, %s", err, text, textOf(t, none))
						}
					}
					_ = s.Close()
				}
				if trail := p.postern(t, "audit", "list", "--tenant", a.tenant, "--json"); strings.Contains(trail, other.id) || !strings.Contains(trail, "tool.called") {
					t.Errorf("the trail of %s: %s", a.tenant, trail)
				}
			}
			n.stop(t)
		})
	}
}

func idOf(p postern.PersonID) string { b, _ := json.Marshal(int64(p)); return string(b) }

func textOf(t testing.TB, r *mcp.CallToolResult) string {
	t.Helper()
	i := slices.IndexFunc(r.Content, func(c mcp.Content) bool { _, ok := c.(*mcp.TextContent); return ok })
	if i < 0 {
		t.Fatalf("no text in %+v", r)
	}
	return r.Content[i].(*mcp.TextContent).Text
}

func TestToolsThatAreNotEnabledSayHowToEnableThem(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	a := employ(t, p, "acme", "personio:persons:read")
	n := p.serve(t)
	for _, era := range eras {
		s, err := enter(t, n.url, era, &mcp.StreamableClientTransport{OAuthHandler: a.unattended(t, n.url)})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, s); len(got) > 0 {
			t.Errorf("%q: got %v, want none", era, got)
		}
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_persons"})
		if err != nil || !r.IsError || !strings.Contains(textOf(t, r), "--experimental tools") {
			t.Errorf("%q: got %+v %v", era, r, err)
		}
		_ = s.Close()
	}
	n.stop(t)
}
