package dialect

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern"
)

// Facts are what is known about the real thing behind a dialect, and what a caller of
// it needs to know beside the exchange itself.
type Facts struct {
	// Base is where its tokens are given, as Dialect.EncodeRequest takes it; "" where
	// everybody's is somewhere else.
	Base string
	// API is where its tokens are used, without a path; "" where that is not known.
	API string
	// Env begins the names of its environment variables; "" where another dialect
	// has them.
	Env string
	// Token is the environment variable that programs for it read a token from.
	Token string
	// Needs are the settings without which no token can be asked for.
	Needs []string
	// Person says that a person's e-mail address and password are part of the proof.
	Person bool
	// Scope is asked for where nothing else is configured.
	Scope postern.Scopes
	// Personal says that the API holds data about people: nothing is written to it
	// unless that is asked for.
	Personal bool
	// Tenant says that calls name their tenant.
	Tenant bool
	// Ends are forms of the exchange or of the API that come to an end.
	Ends []End
	// Probes are harmless reads, in an order in which each may use what came before.
	Probes []Probe
	// Settings is where the operator of the real thing ticks permissions.
	Settings string
}

// End is something that stops working on a day.
type End struct {
	What string
	On   time.Time // for everybody
	New  time.Time // for credentials made since it was announced; zero means the same day
	Do   string
	// Unused says that this program does without it; others with the same credential
	// may not.
	Unused bool
}

// Probe is a harmless read of an API, of one thing at most where the API can be told
// so.
type Probe struct {
	Name       string
	Path       string // with {id} for the first id of the probe before
	Query      string
	Scope      string // what the token must have been granted
	Permission string // the same in the words of the settings page
	// Fields are those an answer has unless they are withheld; nil means that nothing
	// can be said. Attribute gives those whose setting has another name.
	Fields    []string
	Attribute map[string]string
}

// endOfQuery is from the official changelog, which announces both days.
var endOfQuery = End{
	What: "credentials in the query of POST /v1/auth",
	New:  time.Date(2026, 12, 4, 0, 0, 0, 0, time.UTC),
	On:   time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC),
	Do:   "other programs with this credential send them in a JSON body from then on",

	Unused: true,
}

// endOfAttendances: the documented day, which clients have seen to be put off.
var endOfAttendances = End{
	What: "attendances of version 1",
	On:   time.Date(2026, 8, 30, 0, 0, 0, 0, time.UTC),
	Do:   "read /v2/attendance-periods instead",
}

const (
	settingsPage      = "Settings > Integrations > API credentials"
	permitPersons     = "Employees: Read"
	permitAbsences    = "Absences: Read"
	permitAttendances = "Attendances: Read"

	scopePersons     = "personio:persons:read"
	scopeAbsences    = "personio:absences:read"
	scopeAttendances = "personio:attendances:read"
)

// FactsOf gives the facts of the dialect of that name; they are empty for one that is
// not known.
func FactsOf(name string) Facts {
	switch name {
	case "personio-v1":
		return personioFacts("", []End{endOfQuery, endOfAttendances}, probesV1())
	case "personio-v2":
		return personioFacts("PERSONIO", []End{endOfQuery}, probesV2())
	case "personify":
		return Facts{
			Base: "https://prod.personifyauth.com", Env: "PERSONIFY", Token: "PERSONIFY_ACCESS_TOKEN",
			Needs: []string{"client_id", "client_secret"}, Scope: postern.NewScopes("idp_api"), Personal: true, Tenant: true,
		}
	case "comm100":
		return Facts{
			Base: "https://partner.comm100.io", API: "https://partnerapi.comm100.io", Env: "COMM100", Token: "COMM100_ACCESS_TOKEN",
			Needs: []string{"client_id", "email", "password", "partner_id"}, Person: true, Personal: true,
		}
	case "oauth2":
		return Facts{Env: "OAUTH2", Token: "OAUTH2_ACCESS_TOKEN", Needs: []string{"base_url", "client_id", "client_secret"}}
	}
	return Facts{}
}

// personioFacts: both versions have one host and one kind of credential.
func personioFacts(env string, ends []End, probes []Probe) Facts {
	const host = "https://api.personio.de"
	return Facts{
		Base: host, API: host, Env: env, Token: "PERSONIO_ACCESS_TOKEN", Needs: []string{"client_id", "client_secret"},
		Personal: true, Ends: ends, Probes: probes, Settings: settingsPage,
	}
}

func probesV2() []Probe {
	return []Probe{
		{Name: "persons", Path: "/v2/persons", Query: "limit=10", Scope: scopePersons, Permission: permitPersons,
			Fields: []string{"email", "first_name", "last_name", "preferred_name", "gender", "status", "created_at", "updated_at",
				"profile_picture", "custom_attributes", "employments"},
			Attribute: map[string]string{"updated_at": "last_modified_at", "custom_attributes": "attributes of your own",
				"employments": "position, department, office, hire_date and the rest of an employment"}},
		{Name: "employments", Path: "/v2/persons/{id}/employments", Query: "limit=1", Scope: scopePersons, Permission: permitPersons},
		{Name: "absence types", Path: "/v2/absence-types", Query: "limit=1", Scope: scopeAbsences, Permission: permitAbsences},
		{Name: "absence periods", Path: "/v2/absence-periods", Query: "limit=1", Scope: scopeAbsences, Permission: permitAbsences},
		{Name: "attendance periods", Path: "/v2/attendance-periods", Query: "limit=1", Scope: scopeAttendances, Permission: permitAttendances},
	}
}

// probesV1: the list of attributes names those that the credential is shown.
func probesV1() []Probe {
	return []Probe{
		{Name: "employees", Path: "/v1/company/employees", Query: "limit=1", Scope: scopePersons, Permission: permitPersons},
		{Name: "attribute list", Path: "/v1/company/employees/attributes", Scope: scopePersons, Permission: permitPersons,
			Fields: []string{"first_name", "last_name", "preferred_name", "email", "gender", "status", "position", "supervisor",
				"employment_type", "weekly_working_hours", "hire_date", "contract_end_date", "termination_date", "department", "office",
				"team", "cost_centers", "holiday_calendar", "absence_entitlement", "work_schedule", "profile_picture"}},
		{Name: "time-off types", Path: "/v1/company/time-off-types", Query: "limit=1", Scope: scopeAbsences, Permission: permitAbsences},
		{Name: "time-offs", Path: "/v1/company/time-offs", Query: "limit=1", Scope: scopeAbsences, Permission: permitAbsences},
		{Name: "attendances", Path: "/v1/company/attendances", Query: "limit=1&start_date=2026-01-01&end_date=2026-01-01",
			Scope: scopeAttendances, Permission: permitAttendances},
	}
}

// needs are the scopes that calls need by the beginning of their path, the longest
// first where one begins another. read and write are what follows the scope.
var needs = []struct{ path, scope string }{
	{"/v2/persons", "personio:persons"}, {"/v1/company/employees", "personio:persons"},
	{"/v2/absence-", "personio:absences"}, {"/v1/company/time-off", "personio:absences"}, {"/v1/company/absence-periods", "personio:absences"},
	{"/v2/attendance-periods", "personio:attendances"}, {"/v1/company/attendances", "personio:attendances"},
	{"/v2/projects", "personio:projects"}, {"/v2/compensations", "personio:compensations"}, {"/v2/recruiting", "personio:recruiting"},
	{"/v2/webhooks", "personio:webhooks"}, {"/v2/org-units", "personio:org-units"}, {"/v2/cost-centers", "personio:cost-centers"},
	{"/v2/reports", "personio:reports"}, {"/v2/jobs", "personio:jobs"}, {"/v2/salary-bands", "personio:salary-bands"},
}

// Need gives the scope that a call of the dialect's API needs, "" when that is not
// known.
func Need(name, method, path string) string {
	if f := FactsOf(name); len(f.Probes) == 0 {
		return ""
	}
	for _, n := range needs {
		if !strings.HasPrefix(path, n.path) {
			continue
		}
		if method == http.MethodGet || method == http.MethodHead {
			return n.scope + ":read"
		}
		return n.scope + ":write"
	}
	return ""
}

// Legacy gives the name that a scope has on older credentials, "" when it has none:
// tokens were seen that carry both kinds.
func Legacy(scope string) string {
	switch scope {
	case scopePersons:
		return "employees:read"
	case scopeAbsences:
		return "absences:read"
	case scopeAttendances:
		return "attendances:read"
	}
	return ""
}

// APIBehind gives where the tokens of an upstream are used when nothing is configured:
// beside a token server of one's own, or where the real thing has its API; "" when that
// is not known.
func APIBehind(name, base string) string {
	f := FactsOf(name)
	if base == "" || base == f.Base {
		return f.API
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return ""
	}
	if d, ok := Named(name); ok { // a proxy may stand before both, at a path
		u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), d.Path())
	}
	if name == "oauth2" {
		u.Path = "" // the standard fixes no path, so what is left tells nothing about the API
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
