package admin_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

// good gives for every method what the round trip gives.
func good() func(string, []any) (any, error) {
	by := map[string]any{}
	for _, m := range methods() {
		by[m.name] = m.gives
	}
	return func(call string, _ []any) (any, error) {
		if call == "Tenants" || call == "Clients" || call == "Users" || call == "Operators" { // a page that ends
			switch p := by[call].(type) {
			case postern.Page[postern.Operator]:
				p.Next = ""
				return p, nil
			}
		}
		return by[call], nil
	}
}

// bodies are a body for every operation that takes one.
var bodies = map[string]string{
	"POST /admin/v1/tenants":                                `{"id":"acme"}`,
	"PATCH /admin/v1/tenants/{tenant}":                      `{"name":"n"}`,
	"POST /admin/v1/clients":                                `{"tenant":"acme","name":"n"}`,
	"PATCH /admin/v1/clients/{client}":                      `{"name":"n"}`,
	"POST /admin/v1/clients/{client}/secrets":               `{}`,
	"POST /admin/v1/tenants/{tenant}/users":                 `{"email":"ada@acme.test"}`,
	"PATCH /admin/v1/tenants/{tenant}/users/{user}":         `{"role":"r"}`,
	"POST /admin/v1/tenants/{tenant}/users/{user}/password": `{}`,
	"POST /admin/v1/keys":                                   `{"alg":"ES256"}`,
	"POST /admin/v1/tenants/{tenant}/resources":             `{"url":"https://api.acme.test"}`,
	"PUT /admin/v1/tenants/{tenant}/sandbox":                `{"log":true}`,
	"POST /admin/v1/operators":                              `{"email":"ada@acme.test","role":"auditor"}`,
	"PATCH /admin/v1/operators/{operator}":                  `{"name":"n"}`,
}

// target is a path that is good for an operation.
func target(op admin.Operation) string {
	path := strings.NewReplacer("{tenant}", "acme", "{client}", "c2", "{user}", "u1", "{key}", "k1", "{secret}", "s0", "{operator}", "o1", "{session}", "s").Replace(op.Path)
	switch {
	case op.Method == "GET" && slices.Contains([]string{"/admin/v1/clients", "/admin/v1/audit", "/admin/v1/audit/verify"}, op.Path):
		path += "?tenant=acme"
	case op.Method == "DELETE" && strings.HasSuffix(op.Path, "/resources"):
		path += "?url=https://api.acme.test"
	}
	return path
}

func call(t testing.TB, h http.Handler, op admin.Operation, headers ...string) (int, http.Header, admin.Problem) {
	t.Helper()
	w := send(t, h, op.Method, target(op), bodies[op.Method+" "+op.Path], headers...)
	var p admin.Problem
	if w.Code >= 400 {
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" || p.Status != w.Code {
			t.Errorf("%s %s: %d is no problem: %s", op.Method, op.Path, w.Code, w.Body)
		}
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s: %d may be kept", op.Method, op.Path, w.Code)
	}
	return w.Code, w.Header(), p
}

// Which scopes let which calls in, and as whom, for every operation there is.
func TestEveryOperationAsksForAScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		scope         string
		read, write   postern.Actor // who the office is opened for; no role is nobody
		missing       string        // for reading
		missingToEdit string
	}{
		{scope: "", missing: admin.ScopeRead, missingToEdit: admin.ScopeAdmin},
		{scope: "personio:persons:read idp_api", missing: admin.ScopeRead, missingToEdit: admin.ScopeAdmin},
		{scope: "postern:admin:nonsense postern:admin:", missing: admin.ScopeRead, missingToEdit: admin.ScopeAdmin},
		{scope: admin.ScopeAdmin, read: postern.Actor{Role: postern.Owner}, write: postern.Actor{Role: postern.Owner}},
		{scope: admin.ScopeRead, read: postern.Actor{Role: postern.Auditor}, missingToEdit: admin.ScopeAdmin},
		{scope: admin.ScopeTenant, read: postern.Actor{Role: postern.Admin, Tenant: "acme"}, write: postern.Actor{Role: postern.Admin, Tenant: "acme"}},
		{scope: admin.ScopeTenantRead, read: postern.Actor{Role: postern.Auditor, Tenant: "acme"}, missingToEdit: admin.ScopeTenant},
		{scope: admin.ScopeTenant + " " + admin.ScopeRead, read: postern.Actor{Role: postern.Auditor}, write: postern.Actor{Role: postern.Admin, Tenant: "acme"}},
		{scope: strings.Join(admin.Scopes(), " "), read: postern.Actor{Role: postern.Owner}, write: postern.Actor{Role: postern.Owner}},
	} {
		t.Run(tt.scope, func(t *testing.T) {
			t.Parallel()
			for _, op := range admin.Operations() {
				h := newHouse(good())
				h.claims.Scope = postern.NewScopes(strings.Fields(tt.scope)...)
				status, head, p := call(t, h.handler(t), op)
				want, missing := tt.read, tt.missing
				if op.Write {
					want, missing = tt.write, tt.missingToEdit
				}
				if want.Role == "" {
					if status != 403 || p.Reason != postern.LowScope || p.Param != missing || len(h.desk.asked) != 0 ||
						head.Get("Www-Authenticate") != `Bearer error="insufficient_scope", scope="`+missing+`"` {
						t.Errorf("%s %s: got %d %+v %v, want the scope %s to be missing", op.Method, op.Path, status, p, head, missing)
					}
					continue
				}
				want.Name, want.ProvenAt, want.RequestID, want.Source = "client:c1ient", now, requestID, h.desk.actor.Source
				if status >= 300 || len(h.desk.asked) == 0 {
					t.Errorf("%s %s: got %d %+v", op.Method, op.Path, status, p)
				}
				if h.desk.actor.Source.String() != "192.0.2.7" || !cmp.Equal(want, h.desk.actor, sameNouns, cmp.Comparer(func(a, b postern.Actor) bool { return a == b })) {
					t.Errorf("%s %s: the office is opened for %+v, want %+v", op.Method, op.Path, h.desk.actor, want)
				}
			}
		})
	}
}

// A token without a tenant is nobody's in a tenant: its role must not become everybody's.
func TestATenantScopeWithoutATenantOpensNothing(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{admin.ScopeTenant, admin.ScopeTenantRead} {
		h := newHouse(good())
		h.claims.Tenant, h.claims.Scope = "", postern.NewScopes(scope)
		if w := send(t, h.handler(t), "GET", "/admin/v1/tenants", ""); w.Code != 403 || len(h.desk.asked) != 0 {
			t.Errorf("%s: got %d, asked %v", scope, w.Code, h.desk.asked)
		}
	}
}

func TestWithoutAGoodTokenNothingIsAnswered(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		h := newHouse(good())
		handler := h.handler(t)
		for _, tt := range []struct {
			auth, challenge string
		}{{"", "Bearer"}, {"Basic dGVzdDp0ZXN0", `Bearer error="invalid_token"`}, {"Bearer ", `Bearer error="invalid_token"`}, {"Bearer other", `Bearer error="invalid_token"`}} {
			status, head, _ := call(t, handler, op, "Authorization", "", "Authorization", tt.auth)
			if status != 401 || head.Get("Www-Authenticate") != tt.challenge {
				t.Errorf("%s %s with %q: got %d, %q", op.Method, op.Path, tt.auth, status, head.Get("Www-Authenticate"))
			}
		}
		if len(h.desk.asked) != 0 {
			t.Errorf("%s %s: asked %v", op.Method, op.Path, h.desk.asked)
		}
	}
}

// A person's token is told what is wrong with it, and a token for another API nothing.
func TestTheTokenHasToBeAMachinesAndForThisAPI(t *testing.T) {
	t.Parallel()
	h := newHouse(good())
	h.refusal = postern.Errorf(postern.Forbidden, "the token is a person's").Because(postern.LowScope)
	w := send(t, h.handler(t), "GET", "/admin/v1/tenants", "")
	if w.Code != 403 || w.Header().Get("Www-Authenticate") != `Bearer error="insufficient_scope"` {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	h.refusal = nil
	send(t, h.handler(t), "GET", "/admin/v1/tenants", "")
	if diff := cmp.Diff(postern.Want{Audience: []string{origin, origin + "/admin/v1"}, Kind: postern.Machine}, h.want); diff != "" {
		t.Errorf("verified as (-want +got):\n%s", diff)
	}
}

// A session lets a browser in; a change has to come from a page of ours.
func TestASessionIsNoPermissionForOtherPages(t *testing.T) {
	t.Parallel()
	ada := postern.Actor{Name: "operator:o1", Role: postern.Admin, Tenant: "acme", ProvenAt: changed}
	cookie := []string{"Authorization", "", "Cookie", "__Host-postern=abc"}
	for _, tt := range []struct {
		name    string
		headers []string
		changes bool
	}{
		{"nothing said", nil, false},
		{"the header", []string{"X-Postern-CSRF", "1"}, true},
		{"the same origin", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"another site with the header", []string{"Sec-Fetch-Site", "cross-site", "X-Postern-CSRF", "1"}, false},
		{"a neighbour", []string{"Sec-Fetch-Site", "same-site", "X-Postern-CSRF", "1"}, false},
		{"typed in", []string{"Sec-Fetch-Site", "none"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, op := range admin.Operations() {
				h := newHouse(good())
				h.session = func(r *http.Request) (postern.Actor, error) { return ada, nil }
				status, _, p := call(t, h.handler(t), op, append(cookie, tt.headers...)...)
				if op.Write && !tt.changes {
					if status != 403 || len(h.desk.asked) != 0 {
						t.Errorf("%s %s: got %d %+v", op.Method, op.Path, status, p)
					}
					continue
				}
				if status >= 300 || h.desk.actor.Name != ada.Name || h.desk.actor.Role != ada.Role || h.desk.actor.Tenant != "acme" || !h.desk.actor.ProvenAt.Equal(changed) {
					t.Errorf("%s %s: got %d %+v as %+v", op.Method, op.Path, status, p, h.desk.actor)
				}
			}
		})
	}
}

func TestAnEndedSessionIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(good())
	h.session = func(*http.Request) (postern.Actor, error) {
		return postern.Actor{}, postern.Errorf(postern.Unauthenticated, "the session has ended").Because(postern.BadToken)
	}
	handler := h.handler(t)
	if w := send(t, handler, "GET", "/admin/v1/tenants", "", "Authorization", "", "Cookie", "x=y"); w.Code != 401 {
		t.Errorf("got %d", w.Code)
	}
	// A token is looked at first: a cookie takes nothing from it.
	if w := send(t, handler, "GET", "/admin/v1/tenants", "", "Cookie", "x=y"); w.Code != 200 {
		t.Errorf("with a token beside it: got %d", w.Code)
	}
	// Without the hook a cookie is nothing.
	h.session = nil
	if w := send(t, h.handler(t), "GET", "/admin/v1/tenants", "", "Authorization", "", "Cookie", "x=y"); w.Code != 401 || w.Header().Get("Www-Authenticate") != "Bearer" {
		t.Errorf("without a hook: got %d %v", w.Code, w.Header())
	}
}

// What the role does not allow is a scope that is missing, where one would help.
func TestARoleThatIsTooNarrowNamesTheScope(t *testing.T) {
	t.Parallel()
	refuse := func(string, []any) (any, error) {
		return nil, postern.Errorf(postern.Forbidden, "the role admin does not allow to make operators")
	}
	for scope, want := range map[string]string{
		admin.ScopeTenant: `Bearer error="insufficient_scope", scope="postern:admin"`,
		admin.ScopeAdmin:  "", // it is the widest there is
	} {
		h := newHouse(refuse)
		h.claims.Scope = postern.NewScopes(scope)
		w := send(t, h.handler(t), "GET", "/admin/v1/operators", "")
		if w.Code != 403 || w.Header().Get("Www-Authenticate") != want {
			t.Errorf("%s: got %d %q, want %q", scope, w.Code, w.Header().Get("Www-Authenticate"), want)
		}
	}
	h := newHouse(func(string, []any) (any, error) {
		return nil, postern.Errorf(postern.Unauthenticated, "this wants a fresh proof").Because(postern.StaleProof)
	})
	if w := send(t, h.handler(t), "GET", "/admin/v1/keys", ""); w.Code != 401 || w.Header().Get("Www-Authenticate") != `Bearer error="insufficient_user_authentication"` {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

// What is another tenant's is not there, whatever way it is asked for, and the office
// decides it: every id in a path or a body arrives there as it was sent.
func TestIdsOfOthersGoToTheOfficeAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		if !strings.Contains(op.Path, "{") {
			continue
		}
		h := newHouse(func(string, []any) (any, error) {
			return nil, postern.Errorf(postern.NotFound, "there is none")
		})
		h.claims.Scope = postern.NewScopes(admin.ScopeTenant)
		status, _, p := call(t, h.handler(t), op)
		if status != 404 || p.Detail != "there is none" && !strings.HasPrefix(p.Detail, "there is no operator") {
			t.Errorf("%s %s: got %d %+v", op.Method, op.Path, status, p)
		}
		if h.desk.actor.Tenant != "acme" || h.desk.actor.Role != postern.Admin {
			t.Errorf("%s %s: asked as %+v", op.Method, op.Path, h.desk.actor)
		}
	}
}

func TestTheCauseNeverLeaves(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		h := newHouse(func(string, []any) (any, error) { return nil, errors.New(marker) })
		if status, _, p := call(t, h.handler(t), op); status != 500 || p.Detail != "internal error" || p.RequestID != requestID {
			t.Errorf("%s %s: got %d %+v", op.Method, op.Path, status, p)
		}
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(good()).handler(t)
	for path, want := range map[string]int{"/admin/v1/": 404, "/admin/v1/nothing": 404, "/admin/v1/clients/c2/nothing": 404} {
		if w := send(t, h, "GET", path, ""); w.Code != want {
			t.Errorf("GET %s: got %d, want %d", path, w.Code, want)
		}
	}
	for _, op := range admin.Operations() {
		w := send(t, h, "TRACE", target(op), "")
		if w.Code != 405 || !strings.Contains(w.Header().Get("Allow"), op.Method) {
			t.Errorf("TRACE %s: got %d, Allow %q", op.Path, w.Code, w.Header().Get("Allow"))
		}
		w = send(t, h, "OPTIONS", target(op), "", "Origin", "https://evil.test", "Access-Control-Request-Method", op.Method)
		if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("OPTIONS %s: got %d, %v", op.Path, w.Code, w.Header())
		}
		if op.Method == "GET" {
			if w := send(t, h, "HEAD", target(op), ""); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
				t.Errorf("HEAD %s: got %d with %d bytes", op.Path, w.Code, w.Body.Len())
			}
		}
	}
}

// Clients and operators are counted by their names, once they are known: who is not let in
// uses up nobody's calls.
func TestWhoAsksTooOftenWaits(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		h := newHouse(good())
		h.session = func(*http.Request) (postern.Actor, error) {
			return postern.Actor{Name: "operator:o1", Role: postern.Owner, ProvenAt: now}, nil
		}
		var counted []string
		h.pace = func(actor string, at time.Time) time.Duration {
			if !at.Equal(now) {
				t.Errorf("counted at %s", at)
			}
			counted = append(counted, actor)
			return 1500 * time.Millisecond
		}
		for _, headers := range [][]string{nil, {"Authorization", "", "Cookie", "a=b", "X-Postern-CSRF", "1"}} {
			status, head, p := call(t, h.handler(t), op, headers...)
			if status != 429 || p.Code != postern.TooMany || p.Hint == "" || head.Get("Retry-After") != "2" {
				t.Errorf("%s %s: got %d %+v %v", op.Method, op.Path, status, p, head)
			}
		}
		h.refusal = postern.Errorf(postern.Unauthenticated, "no").Because(postern.BadToken)
		if status, _, _ := call(t, h.handler(t), op); status != 401 {
			t.Errorf("%s %s: got %d for a bad token", op.Method, op.Path, status)
		}
		if diff := cmp.Diff([]string{"client:c1ient", "operator:o1"}, counted); diff != "" {
			t.Errorf("%s %s: counted (-want +got):\n%s", op.Method, op.Path, diff)
		}
		if len(h.desk.asked) != 0 {
			t.Errorf("%s %s: the office was asked", op.Method, op.Path)
		}
	}
}

// A wait is told.
func TestRetryAfterIsToldInWholeSeconds(t *testing.T) {
	t.Parallel()
	h := newHouse(func(string, []any) (any, error) {
		e := postern.Errorf(postern.TooMany, "slow down")
		e.Wait = 1500 * time.Millisecond
		return nil, e
	})
	if w := send(t, h.handler(t), "GET", "/admin/v1/keys", ""); w.Code != 429 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}
