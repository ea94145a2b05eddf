package console_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

// noon is when everything happens.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newTown(clock func() time.Time) *town {
	t := &town{clock: clock, passwords: map[string]string{"ada": goodPassword, "bob": goodPassword, "eve": goodPassword, "gus": goodPassword},
		sessions: map[string]*session{}, invites: map[string]string{"firstcode": ""}, sandboxes: map[string]postern.Sandbox{}, answers: map[string][2]string{}}
	t.tenants = []postern.Tenant{
		{ID: "acme", Name: "Acme Tools", PartnerID: 10000, Zone: "Europe/Berlin", CreatedAt: noon.AddDate(-1, 0, 0), UpdatedAt: noon.AddDate(0, -1, 0)},
		{ID: "globex", Name: "Globex", CreatedAt: noon.AddDate(0, -2, 0), UpdatedAt: noon.AddDate(0, -2, 0)},
	}
	t.operators = []postern.Operator{
		{ID: "ada", Email: "ada@example.org", Name: "Ada Lovell", Role: postern.Owner, SeenAt: noon.Add(-time.Hour), UpdatedAt: noon.AddDate(0, -1, 0)},
		{ID: "bob", Email: "bob@example.org", Name: "Bob Stone", Role: postern.Admin, Tenant: "globex", TOTP: "set", UpdatedAt: noon.AddDate(0, -1, 0)},
		{ID: "eve", Email: "eve@example.org", Name: "Eve Park", Role: postern.Auditor, UpdatedAt: noon.AddDate(0, -1, 0)},
		{ID: "gus", Email: "gus@example.org", Name: "Gus Holm", Role: postern.Admin, UpdatedAt: noon.AddDate(0, -1, 0)},
	}
	secret := func(id string, days int) postern.StoredSecret {
		s := postern.StoredSecret{ID: id, CreatedAt: noon.AddDate(0, -3, 0)}
		if days != 0 {
			s.ExpiresAt = noon.AddDate(0, 0, days)
		}
		return s
	}
	t.clients = []postern.Client{
		{ID: "aaclient", Tenant: "acme", Name: "Payroll sync", Scopes: postern.NewScopes("api:persons:read", "api:absences:read", "api:absences:write"),
			Dialects: []string{"first", "second"}, Attributes: []string{"first_name", "last_name", "dynamic_5"},
			Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Secrets: []postern.StoredSecret{secret("s1", 12), secret("s0", 2)}, CreatedAt: noon.AddDate(0, -3, 0), UpdatedAt: noon.AddDate(0, -1, 0)},
		{ID: "abclient", Tenant: "acme", Name: "Holiday calendar on the wall", Scopes: postern.NewScopes("api:absences:read"), Dialects: []string{"second"},
			Secrets: []postern.StoredSecret{secret("s2", 0)}, CreatedAt: noon.AddDate(0, -2, 0), UpdatedAt: noon.AddDate(0, -2, 0)},
		{ID: "acclient", Tenant: "acme", Name: "Service desk", Public: true, Scopes: nil, Dialects: []string{"people"}, Disabled: true, UpdatedAt: noon.AddDate(0, -2, 0)},
		{ID: "adclient", Tenant: "acme", Name: "Everything, for the warehouse", TokenLife: 15 * time.Minute, Dialects: []string{"oauth2"},
			Scopes:  postern.NewScopes("api:persons:read", "api:persons:write", "api:absences:read", "api:absences:write", "api:attendances:read", "orders:read"),
			Secrets: []postern.StoredSecret{secret("s3", -4)}, UpdatedAt: noon.AddDate(0, -2, 0)},
		{ID: "zzclient", Tenant: "globex", Name: "Globex import", Dialects: []string{"first"}, Secrets: []postern.StoredSecret{secret("s9", 0)}, UpdatedAt: noon.AddDate(0, -2, 0)},
	}
	t.users = []postern.User{
		{ID: "u1", Tenant: "acme", Email: "agent@acme.example", Role: "agent", AgentID: "5b1c", SiteID: 10115, CreatedAt: noon.AddDate(0, -2, 0), UpdatedAt: noon.AddDate(0, -2, 0)},
		{ID: "u2", Tenant: "acme", Email: "late@acme.example", Role: "admin", Failures: 6, LockedUntil: noon.Add(20 * time.Minute), UpdatedAt: noon.AddDate(0, -2, 0)},
		{ID: "u3", Tenant: "acme", Email: "gone@acme.example", Disabled: true, UpdatedAt: noon.AddDate(0, -2, 0)},
		{ID: "u9", Tenant: "globex", Email: "hank@globex.example", UpdatedAt: noon.AddDate(0, -2, 0)},
	}
	t.furnish()
	return t
}

// config is what the console is made with.
func (t *town) config() console.Config {
	form := func(path string) func(string, postern.Request) (*http.Request, error) {
		return func(base string, req postern.Request) (*http.Request, error) {
			body := url.Values{"grant_type": {"client_credentials"}, "client_id": {req.ClientID}, "client_secret": {req.Secret.Reveal()}}
			if !req.Password.Empty() {
				body.Set("email", req.Email)
				body.Set("password", req.Password.Reveal())
			}
			if len(req.Scope) > 0 {
				body.Set("scope", req.Scope.String())
			}
			r, err := http.NewRequest("POST", base+path, strings.NewReader(body.Encode()))
			if err == nil {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			return r, err
		}
	}
	return console.Config{
		Directory: func(string) postern.Directory { return company{} }, Try: console.Within(http.HandlerFunc(tokens)),
		Office: t.office, Door: t, Wardrobe: t, PublicURL: "http://127.0.0.1:8100", Now: t.clock,
		Dialects: []console.Dialect{
			{Name: "first", Title: "First, in a form", Encode: form("/v2/token")},
			{Name: "second", Title: "Second, in JSON", Encode: func(base string, req postern.Request) (*http.Request, error) {
				r, err := http.NewRequest("POST", base+"/v1/auth", strings.NewReader(fmt.Sprintf(`{"client_id":%q,"client_secret":%q}`, req.ClientID, req.Secret.Reveal())))
				if err == nil {
					r.Header.Set("Content-Type", "application/json")
				}
				return r, err
			}},
			{Name: "people", Title: "People, with a password", Person: true, Encode: form("/oauth/token")},
			{Name: "oauth2", Title: "OAuth 2.0", Scoped: true, Encode: func(base string, req postern.Request) (*http.Request, error) {
				r, err := form("/oauth2/token")(base, postern.Request{Scope: req.Scope})
				if err == nil {
					r.SetBasicAuth(req.ClientID, req.Secret.Reveal())
				}
				return r, err
			}},
		},
		Attributes: []string{"first_name", "last_name", "email", "gender", "position", "department", "office", "team", "hire_date", "supervisor"},
		Switches: []console.Switch{
			{Name: "rate-limit", Values: []string{"on", "off"}, Help: "calls are paced, or answered as fast as they come"},
			{Name: "single-get", Values: []string{"bare", "wrapped"}, Help: "one object is answered bare, or in _data"},
		},
		FaultKinds: []string{"429", "500", "slow"},
	}
}

func newConsole(t testing.TB, town *town) http.Handler {
	t.Helper()
	h, err := town.handler("http://127.0.0.1:8100")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// handler gives the pages at an address.
func (t *town) handler(at string) (http.Handler, error) {
	cfg := t.config()
	cfg.PublicURL = at
	return console.New(cfg)
}
