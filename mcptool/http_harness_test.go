package mcptool_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// The end of an httptest.Server closes the idle connections of http.DefaultTransport, and
// with them now and then a request of a test beside it; of this one it cannot.
func init() { http.DefaultTransport = struct{ http.RoundTripper }{http.DefaultTransport} }

// The address of the tools in these tests, which is not what the test server is called.
const (
	toolsOrigin = "https://hr.example"
	toolsURL    = toolsOrigin + "/mcp"
)

// readScopes is what a challenge asks for.
const readScopes = "personio:absences:read personio:attendances:read personio:persons:read"

// door is the tools over HTTP, with a company of one person for each tenant.
type door struct {
	*httptest.Server
	http  *mcptool.HTTP
	asked atomic.Int64 // how often a directory was asked
	now   time.Time

	mu     sync.Mutex
	events []postern.Event
}

// openDoor opens a door; change adjusts what it is told.
func openDoor(t testing.TB, change ...func(*mcptool.Config, *mcptool.HTTPConfig)) *door {
	t.Helper()
	d := &door{now: time.Now()}
	cfg := mcptool.Config{
		Directory: func(who mcptool.Caller) (postern.Directory, error) {
			return &hermits{tenant: who.Tenant, asked: &d.asked}, nil
		},
		Record: func(_ context.Context, e postern.Event) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.events = append(d.events, e)
			return nil
		},
		Zone: func(context.Context, mcptool.Caller) (string, error) { return "Europe/Berlin", nil },
		Now:  func() time.Time { return d.now },
	}
	web := mcptool.HTTPConfig{URL: toolsURL, Issuer: toolsOrigin, Verifier: knownTokens{}, Version: "test", Now: cfg.Now}
	for _, f := range change {
		f(&cfg, &web)
	}
	var err error
	if d.http, err = mcptool.New(cfg).HTTP(web); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range d.http.Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	t.Cleanup(d.http.Close)
	return d
}

// hermits is a directory in which each tenant has one person.
type hermits struct {
	postern.Directory // nil: the rest is not asked for here
	tenant            string
	asked             *atomic.Int64
}

func (h *hermits) Persons(context.Context, postern.PersonQuery) (postern.Page[postern.Person], error) {
	h.asked.Add(1)
	return postern.Page[postern.Person]{Items: []postern.Person{h.hermit()}}, nil
}

func (h *hermits) Person(context.Context, postern.PersonID) (postern.Person, error) {
	h.asked.Add(1)
	return h.hermit(), nil
}

func (h *hermits) hermit() postern.Person {
	return postern.Person{ID: postern.PersonID(len(h.tenant)), FirstName: "Of", LastName: h.tenant}
}

// knownTokens verifies what its tokens are named after.
type knownTokens struct{}

func (knownTokens) Verify(_ context.Context, raw string, want postern.Want) (postern.Claims, error) {
	bad := func(cause string) error {
		return &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadToken, Msg: "the token is not valid", Cause: cause}
	}
	name, tenant, _ := strings.Cut(raw, "@")
	c := postern.Claims{ID: "j1", Tenant: tenant, ClientID: "cl" + tenant, Kind: postern.Machine, Audience: []string{toolsURL},
		Client: &postern.Client{ID: "cl" + tenant, Tenant: tenant}, Dialect: "oauth2"}
	switch name {
	case "all":
		c.Scope = postern.NewScopes("personio:persons:read", "personio:absences:read", "personio:absences:write", "personio:attendances:read")
	case "absences":
		c.Scope = postern.NewScopes("personio:absences:read")
	case "none":
	case "expired", "revoked", "signature", "audience":
		return c, bad(name)
	case "user":
		return c, postern.Errorf(postern.Forbidden, "a user token opens nothing here").Because(postern.LowScope)
	case "down":
		return c, &postern.Error{Code: postern.Unavailable, Msg: "the database does not answer", Wait: 3 * time.Second}
	case "broken":
		return c, io.ErrUnexpectedEOF
	default:
		return c, bad("not a JWS of ours")
	}
	if len(want.Audience) != 1 || want.Audience[0] != toolsURL || want.Kind != postern.Machine {
		return c, bad("the test: not asked for the audience and the kind")
	}
	return c, nil
}

// said is an answer, read to its end.
type said struct {
	*http.Response
	body string
}

// send sends a message with a token, as headers has it beside.
func (d *door) send(t testing.TB, token, body string, headers ...string) said {
	t.Helper()
	return d.request(t, http.MethodPost, token, body, headers...)
}

func (d *door) request(t testing.TB, method, token, body string, headers ...string) said {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			r.Host = headers[i+1]
		case headers[i+1] == "":
			r.Header.Del(headers[i])
		default:
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return said{resp, string(b)}
}

// failure gives the error of an answer in JSON-RPC; 0 and "" when it is none.
func (s said) failure(t testing.TB) (code int, message string) {
	t.Helper()
	var m struct {
		Error struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal([]byte(s.body), &m); err != nil {
		t.Fatalf("%d %q is no JSON: %v", s.StatusCode, s.body, err)
	}
	return m.Error.Code, m.Error.Message
}

// Messages of the eras.
const (
	listPersonsOld = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_persons","arguments":{}}}`
	modernMeta     = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
)

// modern are the headers of a call of the newest revision.
func modern(method, name string) []string {
	h := []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method}
	if name != "" {
		h = append(h, "Mcp-Name", name)
	}
	return h
}
