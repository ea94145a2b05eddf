package hr_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// pathFor puts ids of a tenant into the path of an operation.
func pathFor(op hr.Operation, p planted) string {
	path := op.Path
	id := ""
	switch {
	case strings.HasPrefix(path, "/v2/persons"), strings.HasPrefix(path, "/v1/company/employees"):
		id = fmt.Sprint(p.person)
	case strings.HasPrefix(path, "/v2/absence-types"):
		id = p.kind
	case strings.HasPrefix(path, "/v2/absence-periods"), strings.HasPrefix(path, "/v1/company/absence-periods"):
		id = p.absence.ID
	case strings.HasPrefix(path, "/v2/attendance-periods"):
		id = p.attendance.ID
	case strings.HasPrefix(path, "/v1/company/time-offs"):
		id = fmt.Sprint(p.absence.Number)
	case strings.HasPrefix(path, "/v1/company/attendances"):
		id = fmt.Sprint(p.attendance.Number)
	}
	path = strings.Replace(path, "{employment}", p.employment, 1)
	path = strings.Replace(path, "{width}", "75", 1)
	for {
		from := strings.IndexByte(path, '{')
		if from < 0 {
			return path
		}
		path = path[:from] + id + path[from+strings.IndexByte(path[from:], '}')+1:]
	}
}

// try makes one call with a token.
func (h *real) try(op hr.Operation, path, token string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	body := ""
	if op.Method == http.MethodPost || op.Method == http.MethodPatch {
		body = "{}"
	}
	if op.Path == "/v1/company/attendances" {
		path += "?start_date=2026-03-01&end_date=2026-03-31"
	}
	return send(h.t, h.handler, op.Method, path, body, append([]string{"Authorization", token}, headers...)...)
}

func TestEveryOperationNeedsItsScopeAndNoOther(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	tokens := map[string]string{}
	for _, scope := range hr.Scopes() {
		tokens[scope] = "Bearer " + h.token(testTenant, "personio-v2", []string{scope})
	}
	for _, op := range hr.Operations() {
		for scope, token := range tokens {
			w := h.try(op, pathFor(op, h.globex), token) // of the other tenant: nothing is there to be changed
			switch allowed := w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized; {
			case scope == op.Scope && !allowed:
				t.Errorf("%s %s with %s: %d %s", op.Method, op.Path, scope, w.Code, w.Body)
			case scope != op.Scope && (w.Code != http.StatusForbidden || !strings.Contains(w.Header().Get("WWW-Authenticate"), op.Scope) || !strings.Contains(w.Body.String(), op.Scope)):
				t.Errorf("%s %s with %s: %d %v %s, want a 403 that names %s", op.Method, op.Path, scope, w.Code, w.Header(), w.Body, op.Scope)
			}
		}
	}
}

func TestNoOperationIsOpenToTheWrongToken(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	for name, c := range map[string]struct {
		token     string
		status    int
		challenge string
	}{
		"none":             {"", 401, `Bearer`},
		"not a token":      {"Bearer x", 401, `Bearer error="invalid_token"`},
		"another scheme":   {"Basic YTpi", 401, `Bearer error="invalid_token"`},
		"a person's":       {"Bearer " + h.personsToken(), 403, `Bearer error="insufficient_scope"`},
		"another audience": {"Bearer " + h.elsewhereToken(), 401, `Bearer error="invalid_token"`},
		"no scope of ours": {"Bearer " + h.token(testTenant, "personio-v2", []string{"x"}), 403, `Bearer error="insufficient_scope", scope="`},
	} {
		for _, op := range hr.Operations() {
			w := h.try(op, pathFor(op, h.acme), c.token)
			got := w.Header().Get("WWW-Authenticate")
			status := c.status
			if name == "not a token" && strings.HasPrefix(op.Path, "/v1/") && w.Code == 403 { // what the older wire says
				status = 403
			}
			if w.Code != status && !strings.HasPrefix(op.Path, "/v1/") || w.Code != 401 && w.Code != 403 {
				t.Errorf("%s: %s %s: %d %s, want %d", name, op.Method, op.Path, w.Code, w.Body, status)
			}
			if !strings.HasPrefix(op.Path, "/v1/") && (got != c.challenge && !strings.HasSuffix(c.challenge, `scope="`) || !strings.HasPrefix(got, c.challenge)) {
				t.Errorf("%s: %s %s: challenge %q, want %q", name, op.Method, op.Path, got, c.challenge)
			}
		}
	}
}

func (h *real) elsewhereToken() string {
	return h.token(testTenant, "oauth2", hr.Scopes(), func(_ *postern.Client, r *postern.Request) { r.Resources = []string{elsewhere} })
}

// What belongs to another tenant is answered as what does not exist.
func TestIDsOfAnotherTenantAreUnknown(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	token := "Bearer " + h.token(testTenant, "personio-v2", hr.Scopes())
	nowhere := planted{person: 999, employment: "e0000000-0000-4000-8000-000000000999", kind: "a0000000-0000-4000-8000-000000000999"}
	nowhere.absence.ID, nowhere.absence.Number = "b0000000-0000-4000-8000-000000000999", 999
	nowhere.attendance.ID, nowhere.attendance.Number = "c0000000-0000-4000-8000-000000000999", 999
	for _, op := range hr.Operations() {
		if !strings.Contains(op.Path, "{") {
			continue
		}
		foreign, unknown := h.try(op, pathFor(op, h.globex), token), h.try(op, pathFor(op, nowhere), token)
		if foreign.Code != unknown.Code || foreign.Code != http.StatusNotFound && foreign.Code != http.StatusBadRequest {
			t.Errorf("%s %s: %d for another's, %d for none", op.Method, op.Path, foreign.Code, unknown.Code)
		}
		if a, b := withoutTime(foreign), withoutTime(unknown); a != b {
			t.Errorf("%s %s: %s for another's, %s for none", op.Method, op.Path, a, b)
		}
	}
	other := "Bearer " + h.token(otherTenant, "personio-v2", hr.Scopes())
	for _, op := range hr.Operations() {
		if op.Method == http.MethodGet && strings.HasPrefix(op.Path, "/v2/") {
			if w := h.try(op, pathFor(op, h.globex), other); w.Code != 200 {
				t.Errorf("%s: %d %s, want the tenant's own to be still there", op.Path, w.Code, w.Body)
			}
		}
	}
}

// withoutTime gives a body without what differs between any two answers.
func withoutTime(w *httptest.ResponseRecorder) string {
	var m map[string]any
	if json.Unmarshal(w.Body.Bytes(), &m) != nil {
		return w.Body.String()
	}
	delete(m, "timestamp")
	b, _ := json.Marshal(m)
	return string(b)
}

// No list shows a row of another tenant.
func TestListsShowTheTenantsOwn(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	token := "Bearer " + h.token(testTenant, "personio-v2", hr.Scopes())
	for _, op := range hr.Operations() {
		if op.Method != http.MethodGet || strings.Contains(op.Path, "{") {
			continue
		}
		w := h.try(op, op.Path, token)
		if w.Code != 200 {
			t.Errorf("%s: %d %s", op.Path, w.Code, w.Body)
		}
		for _, id := range []string{`"200"`, h.globex.kind, h.globex.absence.ID, h.globex.attendance.ID, "globex"} {
			if strings.Contains(w.Body.String(), id) {
				t.Errorf("%s shows %s: %s", op.Path, id, w.Body)
			}
		}
	}
}

// A token of the family that names the tenant in a header (idp_api) opens what its
// client was granted, for the tenants that it may name.
func TestACallThatNamesItsTenantIsBoundToIt(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	grant := func(scopes []string, tenants ...string) string {
		return "Bearer " + h.token(testTenant, "personify", append(scopes, "idp_api"), func(c *postern.Client, r *postern.Request) {
			c.Tenants = tenants
			r.Scope = postern.NewScopes("idp_api")
		})
	}
	all, own, few := grant(hr.Scopes(), otherTenant), grant(hr.Scopes()), grant([]string{"personio:absences:read"}, otherTenant)
	list := hr.Operation{Method: "GET", Path: "/v2/persons"}
	for name, c := range map[string]struct {
		token  string
		header []string
		status int
		shows  string
	}{
		"another":        {all, []string{"X-Tenant-Id", otherTenant}, 200, `"id":"200"`},
		"its own":        {all, []string{"X-Tenant-Id", testTenant}, 200, `"id":"100"`},
		"none":           {all, nil, 400, "X-Tenant-Id"},
		"not granted":    {own, []string{"X-Tenant-Id", otherTenant}, 403, "was not granted"},
		"does not exist": {own, []string{"X-Tenant-Id", "nowhere"}, 403, "was not granted"},
		"no scope":       {few, []string{"X-Tenant-Id", otherTenant}, 403, "personio:persons:read"},
		"scope first":    {few, nil, 403, "personio:persons:read"},
		"too long":       {all, []string{"X-Tenant-Id", strings.Repeat("a", 129)}, 400, "128"},
	} {
		if w := h.try(list, list.Path, c.token, c.header...); w.Code != c.status || !strings.Contains(w.Body.String(), c.shows) {
			t.Errorf("%s: %d %s, want %d with %s", name, w.Code, w.Body, c.status, c.shows)
		}
	}
	cursor := nextOf(t, h.try(list, "/v2/persons?limit=1", all, "X-Tenant-Id", testTenant))
	if cursor != "" {
		t.Fatalf("one person has a next page %q", cursor)
	}
}

// nextOf gives the link to the next page.
func nextOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Meta struct {
			Links struct{ Next struct{ Href string } }
		} `json:"_meta"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 200 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return body.Meta.Links.Next.Href
}

func TestMethodsThatAPathDoesNotHaveAreNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(nil).handler(t)
	methods := map[string][]string{}
	for _, op := range hr.Operations() {
		methods[op.Path] = append(methods[op.Path], op.Method)
	}
	for path, some := range methods {
		if strings.HasPrefix(path, "/v1/") {
			continue
		}
		path = strings.NewReplacer("{id}", "1", "{employment}", "1").Replace(path)
		for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} {
			if slices.Contains(some, m) {
				continue
			}
			w := send(t, h, m, path, "")
			if w.Code != 405 || !strings.Contains(w.Header().Get("Allow"), some[0]) {
				t.Errorf("%s %s: %d, allow %q", m, path, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := send(t, h, "OPTIONS", path, ""); w.Code != 204 || w.Header().Get("Allow") == "" || w.Body.Len() > 0 {
			t.Errorf("OPTIONS %s: %d %v", path, w.Code, w.Header())
		}
	}
}
