package console_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

var ada = postern.Operator{ID: "ada", Email: "ada@example.org", Name: "Ada Lovell", Role: postern.Owner}

// inside is the frame around a page for an owner.
func inside(f console.Frame) console.Frame {
	f.Operator, f.CSRF, f.Now, f.Tenant = &ada, "TOKEN", noon, "acme"
	f.May = console.May{Look: true, Change: true, Operators: true, Everybody: true}
	f.Tenants = []postern.Tenant{{ID: "acme", Name: "Acme Tools"}, {ID: "globex"}}
	return f
}

// outside is the frame for somebody who is not signed in.
func outside(f console.Frame) console.Frame {
	f.CSRF, f.Now, f.Insecure = "TOKEN", noon, true
	return f
}

// shown are all pages, as literals.
func shown() map[string]console.Frame {
	form := console.ClientForm{
		Name: "Payroll sync", Some: true, Own: "dynamic_5", Ranges: "192.0.2.0/24", TokenLife: "15", Tenants: "globex",
		Permissions: []console.PermissionGroup{{Title: "Api", Verbs: []string{"Read", "Write"}, Rows: []console.PermissionRow{
			{Title: "Persons", Boxes: []console.PermissionBox{{ID: "scope-0", Scope: "api:persons:read", Label: "Persons: read", On: true}, {}}}}}},
		Dialects:   []console.Choice{{Value: "first", Title: "First", On: true}, {Value: "second", Title: "Second"}},
		Attributes: []console.Choice{{Value: "first_name", Title: "First name", On: true}},
		Faults:     []console.Fault{{Field: "name", Text: "A name has 1 to 200 bytes."}, {Field: "ranges", Text: "That is no network."}},
	}
	usage := postern.Usage{Steps: []postern.UsageStep{{At: noon.Add(-24 * time.Hour).Truncate(24 * time.Hour), Dialect: "first", Issued: 90, Refused: 7}, {At: noon.Truncate(24 * time.Hour), Dialect: "first", Issued: 120}}}
	chart := console.Draw("Tokens given and refused", usage, console.Lately(noon, 7), []console.Dialect{{Name: "first", Title: "First"}})
	bars := []console.ClientBar{{ID: "aaclient", Name: "Payroll sync", Issued: 90, Refused: 7, Good: 150, Bad: 12, Last: noon}, {ID: "gone", Issued: 1}}
	frames := map[string]console.Frame{
		"sign_in":       outside(console.Frame{Page: console.SignInPage{Next: "/console/"}}),
		"sign_in_again": outside(console.Frame{Page: console.SignInPage{Email: "ada@example.org", Next: "/console/", Faults: []console.Fault{{Field: "email", Text: "That is not right."}}}}),
		"sign_in_code":  outside(console.Frame{Page: console.SignInPage{Email: "ada@example.org", Code: true}}),
		"setup":         outside(console.Frame{Page: console.SetupPage{Known: true, First: true}}),
		"setup_other":   outside(console.Frame{Page: console.SetupPage{Known: true, Email: "bob@example.org", Name: "Bob"}}),
		"setup_code":    outside(console.Frame{Page: console.SetupPage{Faults: []console.Fault{{Field: "code", Text: "This link was used already."}}}}),
		"problem":       inside(console.Frame{Page: console.ProblemPage{Title: "Not found", Text: "There is nothing.", Hint: "Look elsewhere.", RequestID: "abc", Back: "/console/", Wait: "2 minutes"}}),
		"prove":         inside(console.Frame{Page: console.ProvePage{Action: "/console/clients/new", Carried: []console.Carry{{Name: "name", Value: "x"}}, Email: "ada@example.org", TOTP: true, Back: "/console/"}}),
		"overview": inside(console.Frame{Page: console.OverviewPage{Tenant: "acme", Days: 7, Ranges: []int{1, 7}, Chart: chart, Clients: bars, Through: noon, Old: bars[:1], Unusual: bars[:1],
			Expiring: []postern.ExpiringSecret{{Tenant: "acme", ClientID: "aaclient", Name: "Payroll sync", ExpiresAt: noon.AddDate(0, 0, 12)}},
			Keys:     []console.KeyRow{{Alg: postern.ES256, ID: "4f1d", Since: noon, Next: noon.AddDate(0, 0, 1), Made: true}, {Alg: postern.EdDSA, ID: "91ab", Since: noon, Next: noon.AddDate(0, 0, 90)}, {Alg: postern.RS256, ID: "77c0", Since: noon}},
			Nodes:    []postern.Node{{Name: "gate-1", Version: "v1", StartedAt: noon, SeenAt: noon}}, Database: "sqlite", Version: "v1", Warnings: []string{"look here"}}, Flash: &console.Flash{Text: "Welcome."}}),
		"overview_empty": inside(console.Frame{Page: console.OverviewPage{Days: 1, Ranges: []int{1, 7}, Chart: console.Draw("Tokens", postern.Usage{}, console.Lately(noon, 1), nil)}}),
		"clients": inside(console.Frame{Page: console.ClientsPage{Tenant: "acme", Text: "pay", Next: "/console/clients?after=x", Rows: []console.ClientRow{
			{ID: "aaclient", Name: "Payroll sync", Scopes: []string{"Persons: read", "b", "c", "d", "e"}, Dialects: []string{"First"}, Live: 2, Ends: noon, Soon: true},
			{ID: "acclient", Name: "Desk", Public: true, Disabled: true}, {ID: "ad", Name: "Ended"}}}}),
		"clients_empty": inside(console.Frame{Page: console.ClientsPage{Tenant: "acme", First: true}}),
		"client_new":    inside(console.Frame{Page: console.ClientNewPage{Tenant: "acme", Key: "KEY", Ends: "2027-11-22", Form: form}}),
		"client_edit":   inside(console.Frame{Page: console.ClientEditPage{ID: "aaclient", Name: "Payroll sync", Tenant: "acme", Version: "v", Form: form}}),
		"client_secret": inside(console.Frame{Page: console.ClientSecretPage{New: true, Name: "Payroll sync", Tenant: "acme", ID: "aaclient", Secret: "SECRET", Ends: noon, Until: noon,
			Lines: []console.CurlLine{{ID: "curl-first", Title: "First", Text: "curl 'x'"}, {ID: "curl-second", Title: "Second", Text: "curl 'y'"}}}}),
		"client": inside(console.Frame{Page: console.ClientPage{ID: "aaclient", Name: "Payroll sync", Tenant: "acme", Version: "v", Permissions: []string{"Persons: read"}, Scopes: []string{"api:persons:read"},
			Dialects: []string{"First"}, Attributes: []string{"first_name"}, Ranges: []string{"192.0.2.0/24"}, Tenants: []string{"globex"}, TokenLife: "15 minutes", NotBefore: noon, CreatedAt: noon, UpdatedAt: noon,
			Secrets: []console.SecretRow{{ID: "s1", CreatedAt: noon, ExpiresAt: noon, Live: true, Soon: true}, {ID: "s0", CreatedAt: noon}}, Chart: chart,
			Refusals: []postern.Refusal{{At: noon, Dialect: "first", Cause: "wrong secret", Source: "192.0.2.9", Count: 3}}}}),
		"rotate": inside(console.Frame{Page: console.RotatePage{ID: "aaclient", Name: "Payroll sync", Tenant: "acme", Version: "v", Key: "KEY", Ends: "2027-11-22", Live: 2}}),
		"sure":   inside(console.Frame{Page: console.SurePage{Section: "clients", Crumbs: []console.Crumb{{Title: "Here", Href: "/console/"}}, Title: "Delete it", Text: "Gone for good.", Action: "/console/x", Back: "/console/", Button: "Delete", Version: "v", Type: "it", Faults: []console.Fault{{Field: "typed", Text: "Type it."}}}}),
	}
	more(frames)
	return frames
}

// more are those behind Settings and What happened.
func more(frames map[string]console.Frame) {
	in := func(name string, f console.Frame) { frames[name] = inside(f) }
	in("users", console.Frame{Page: console.UsersPage{Tenant: "acme", Rows: []console.UserRow{{ID: "u1", Email: "a@acme.example", Role: "agent"}, {ID: "u2", Email: "b@acme.example", Locked: noon}, {ID: "u3", Email: "c@acme.example", Disabled: true}}, Next: "/console/users?after=x"}})
	in("user", console.Frame{Page: console.UserPage{Tenant: "acme", ID: "u1", Version: "v", Email: "a@acme.example", Role: "agent", AgentID: "5b", SiteID: "7", Failures: 3, Locked: noon, CreatedAt: noon, UpdatedAt: noon, Revoked: noon}})
	in("user_new", console.Frame{Page: console.UserPage{Tenant: "acme", Key: "KEY", Faults: []console.Fault{{Field: "email", Text: "That is no address."}}}})
	in("password", console.Frame{Page: console.PasswordPage{Tenant: "acme", ID: "u1", Email: "a@acme.example", Password: "made up"}})
	in("tenants", console.Frame{Page: console.TenantsPage{Rows: []postern.Tenant{{ID: "acme", Name: "Acme", PartnerID: 7, Zone: "Europe/Berlin"}, {ID: "x", Disabled: true}}, Next: "/console/tenants?after=x"}})
	in("tenant", console.Frame{Page: console.TenantPage{ID: "acme", Name: "Acme", Zone: "UTC", PartnerID: "7", RefuseQuery: true, Version: "v", CreatedAt: noon, Revoked: noon}})
	in("tenant_new", console.Frame{Page: console.TenantPage{New: true}})
	in("resources", console.Frame{Page: console.ResourcesPage{Tenant: "acme", URL: "no address", Scopes: "orders:read", Faults: []console.Fault{{Field: "url", Text: "That is no address."}},
		Rows: []console.ResourceRow{{URL: "urn:acme:orders", Scopes: []string{"orders:read", "orders:write"}, CreatedAt: noon}, {URL: "urn:acme:stock", CreatedAt: noon}}}})
	in("keys", console.Frame{Page: console.KeysPage{Algs: slices.Clone(postern.Algs), Rows: []console.KeyLife{{ID: "k1", Alg: postern.ES256, Generation: 2, State: postern.KeyActive, SignFrom: noon}, {ID: "k2", Alg: postern.ES256, Generation: 3, State: postern.KeyNext, SignFrom: noon}, {ID: "k0", Alg: postern.ES256, Generation: 1, State: postern.KeyRetiring, SignFrom: noon, RemoveAt: noon}}}})
	row := console.OperatorRow{ID: "bob", Name: "Bob", Email: "bob@example.org", Tenant: "acme", Role: postern.Admin, Factor: true, Set: true, Locked: noon, SeenAt: noon}
	sessions := []postern.Session{{ID: "s1", Agent: "A browser", Source: "192.0.2.1", CreatedAt: noon, SeenAt: noon}, {ID: "s2", Source: "192.0.2.2", CreatedAt: noon, SeenAt: noon}}
	roles := []console.RoleChoice{{Role: postern.Owner, Text: "everything"}, {Role: postern.Admin, Text: "most", On: true}}
	in("operators", console.Frame{Page: console.OperatorsPage{Me: "bob", Rows: []console.OperatorRow{row, {ID: "eve", Email: "eve@example.org", Role: postern.Auditor, Disabled: true}}}})
	in("operator", console.Frame{Page: console.OperatorPage{OperatorRow: row, Version: "v", Roles: roles, Sessions: sessions}})
	in("operator_new", console.Frame{Page: console.OperatorPage{Key: "KEY", Roles: roles, Tenants: []postern.Tenant{{ID: "acme"}}, Faults: []console.Fault{{Field: "email", Text: "No."}}}})
	in("link", console.Frame{Page: console.LinkPage{Email: "bob@example.org", Link: "http://127.0.0.1:8100/console/setup?code=x"}})
	in("account", console.Frame{Page: console.AccountPage{Email: "ada@example.org", Now: "s1", Sessions: sessions}})
	in("account_factor", console.Frame{Page: console.AccountPage{Email: "ada@example.org", Factor: true, Now: "s1", Sessions: sessions, Faults: []console.Fault{{Field: "password", Text: "Too short."}}}})
	in("factor", console.Frame{Page: console.FactorPage{URI: "otpauth://totp/x?secret=ABC", Secret: "ABC", Code: console.QR{Size: 29, Path: "M4 4h7v1h-7z"}}})
	in("audit", console.Frame{Page: console.AuditPage{Filter: console.AuditFilter{Tenant: "acme", Client: "aaclient", Since: "2026-11-01"}, Tenants: []console.Choice{{Value: "-", Title: "the installation"}, {Value: "acme", Title: "Acme", On: true}}, Actions: []console.Choice{{Value: "token.issued", Title: "token.issued", On: true}},
		Rows: []console.EventRow{{Seq: 7, At: noon, Action: "token.refused", Actor: "client:aaclient", Client: "aaclient", Words: "wrong secret", Bad: true, Fresh: true, Details: []console.Pair{{Name: "source", Value: "192.0.2.1"}}}, {Seq: 6, At: noon, Action: "server.started"}, {Seq: 5, At: noon, Action: "client.created", Actor: "operator:ada", Name: "ada@example.org"}},
		Next: "/console/audit?before=6", Live: true, Poll: "/console/audit?live=1&seen=7", LiveAt: "/console/audit", Fresh: 1, CSV: "/console/audit/export?format=csv", Lines: "/console/audit/export?format=jsonl"}})
	in("verify", console.Frame{Page: console.VerifyPage{Tenant: "-"}})
	month := console.Month{Title: "November 2026", Prev: "/console/sandbox?month=2026-10", Next: "/console/sandbox?month=2026-12", Days: []console.MonthDay{{Number: 1, Weekday: "Su", Rest: true, At: "2026-11-01"}, {Number: 2, Weekday: "Mo", Today: true, At: "2026-11-02"}},
		People: []console.MonthPerson{{Name: "Ada Lovell", Cells: []console.MonthCell{{Rest: true}, {Today: true, Class: "away a1 begin end", Mark: "V", Text: "Vacation"}}}}, Types: []console.MonthType{{Class: "a1", Mark: "V", Name: "Vacation"}}, More: "/console/sandbox?after=x", Cut: true}
	in("sandbox", console.Frame{Page: console.SandboxPage{Tenant: "acme", Month: &month, Switches: []console.SwitchRow{{Name: "rate-limit", Help: "pace", Values: []console.Choice{{Value: "on", On: true}, {Value: "off"}}, Changed: true}}, Log: true,
		Faults: []console.FaultRow{{Index: 0, Key: "429 /v2 0.2", Kind: "429", Path: "/v2", Rate: "20"}, {Index: 1, Kind: "slow", Rate: "100", Delay: "3s"}}, Kinds: []string{"429", "slow"}, Faulty: console.TypedFault{Kind: "slow", Rate: "100"}, Wrong: []console.Fault{{Field: "rate", Text: "Too much."}}}})
	in("visits", console.Frame{Page: console.VisitsPage{Tenant: "acme", Rows: []postern.Visit{{Seq: 9, At: noon, ClientID: "aaclient", Method: "GET", Path: "/v2/persons", Status: 429, Took: time.Millisecond, Note: "fault"}, {Seq: 8, At: noon, Method: "GET", Path: "/", Status: 200}}, Next: "/console/sandbox/log?before=8"}})
	in("try", console.Frame{Page: console.TryPage{Dialects: []console.TryDialect{{Name: "first", Title: "First", Recipe: `{"method":"POST"}`, On: true}}, ClientID: "aaclient", Result: &console.TryResult{Request: "POST /x", Answer: "HTTP/1.1 200 OK", Good: true, Header: "{}", Payload: "{}"}}})
	auditor := inside(console.Frame{Page: frames["client"].Page})
	auditor.May = console.May{Look: true, Everybody: true}
	frames["client_auditor"] = auditor
}

func render(t testing.TB, f console.Frame) string {
	t.Helper()
	var b bytes.Buffer
	if err := console.Render(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hash is the part of an address that changes with each asset.
var hash = regexp.MustCompile(`\.[0-9a-f]{12}\.`)

func TestEveryPageLooksAsItDid(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for name, f := range shown() {
		path := filepath.Join("testdata", name+".html")
		seen[path] = true
		got := hash.ReplaceAllString(render(t, f), ".HASH.")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	files, err := filepath.Glob("testdata/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if !seen[path] {
			t.Errorf("no page is %s any more", path)
		}
	}
}

func TestEveryTemplateHasAPage(t *testing.T) {
	t.Parallel()
	used := map[string]bool{"frame.html": true, "parts.html": true}
	for _, f := range shown() {
		used[console.SheetOf(f)+".html"] = true
	}
	files, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if !used[filepath.Base(path)] {
			t.Errorf("no golden page shows %s", path)
		}
	}
}

func TestABrowserIsCalledByItsName(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36":                         "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36 Edg/156.0":         "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/19.0 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0":                                                          "Firefox on Android",
		"curl/8.5.0": "curl",
		"":           "",
		"something of their own, which goes on for longer than anybody wants to read it": "something of their own, which goes on for longer than anybod",
	} {
		if got := console.AgentName(agent); got != want {
			t.Errorf("%s: got %q, want %q", agent, got, want)
		}
	}
}
