package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

func problemOf(t *testing.T, body string) admin.Problem {
	t.Helper()
	var p admin.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return p
}

func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, target, body, param string
	}{
		{"POST", "/admin/v1/tenants", ``, ""},
		{"POST", "/admin/v1/tenants", `[]`, ""},
		{"POST", "/admin/v1/tenants", `"x"`, ""},
		{"POST", "/admin/v1/tenants", `{"id":"a"} {}`, ""},
		{"POST", "/admin/v1/tenants", `{"id":"a"`, ""},
		{"POST", "/admin/v1/tenants", "{\"id\":\"\xff\"}", ""},
		{"POST", "/admin/v1/tenants", `{"id":"a","id":"b"}`, "id"},
		{"POST", "/admin/v1/tenants", `{"ID":"a"}`, "ID"},
		{"POST", "/admin/v1/tenants", `{"id":7}`, "id"},
		{"POST", "/admin/v1/tenants", `{"id":null}`, "id"},
		{"POST", "/admin/v1/tenants", `{"id":["a"]}`, "id"},
		{"POST", "/admin/v1/tenants", `{"id":{"a":1}}`, "id"},
		{"POST", "/admin/v1/tenants", `{"id":"a","partner_id":1.5}`, "partner_id"},
		{"POST", "/admin/v1/tenants", `{"id":"a","partner_id":99999999999999999999}`, "partner_id"},
		{"PATCH", "/admin/v1/clients/c2", `{"scopes":"a b"}`, "scopes"},
		{"PATCH", "/admin/v1/clients/c2", `{"scopes":["a b"]}`, "scopes"},
		{"PATCH", "/admin/v1/clients/c2", `{"scopes":[null]}`, "scopes[]"},
		{"PATCH", "/admin/v1/clients/c2", `{"name":null}`, "name"},
		{"PATCH", "/admin/v1/clients/c2", `{"ip_ranges":["nowhere"]}`, "ip_ranges"},
		{"PATCH", "/admin/v1/clients/c2", `{"ip_ranges":["fe80::1%eth0"]}`, "ip_ranges"},
		{"PATCH", "/admin/v1/clients/c2", `{"token_life_seconds":-1}`, "token_life_seconds"},
		{"PATCH", "/admin/v1/clients/c2", `{"token_life_seconds":9999999999}`, "token_life_seconds"},
		{"POST", "/admin/v1/clients/c2/secrets", `{"overlap_seconds":-1}`, "overlap_seconds"},
		{"POST", "/admin/v1/keys", `{"alg":"ES256","delay_seconds":-5}`, "delay_seconds"},
		{"PUT", "/admin/v1/tenants/acme/sandbox", `{"tenant":"blue"}`, "tenant"},
		{"PUT", "/admin/v1/tenants/acme/sandbox", `{"faults":[{"kind":"slow","rate":1,"delay":"soon"}]}`, "faults[].delay"},
		{"PUT", "/admin/v1/tenants/acme/sandbox", `{"faults":[{"kind":"slow","rate":1,"dalay":"2s"}]}`, "faults[].dalay"},
		{"PUT", "/admin/v1/tenants/acme/sandbox", `{"switches":[{"name":"next-link","value":"relative"},{"name":"next-link","value":"relative"}]}`, "switches"},
	} {
		h := newHouse(good())
		w := send(t, h.handler(t), tt.method, tt.target, tt.body, "Content-Type", "", "Content-Type", "application/json")
		p := problemOf(t, w.Body.String())
		if w.Code != 400 || p.Param != tt.param || len(h.desk.asked) != 0 {
			t.Errorf("%s %s %s: got %d %+v, asked %v, want %q to be at fault", tt.method, tt.target, tt.body, w.Code, p, h.desk.asked, tt.param)
		}
	}
}

// Members that are not the caller's to set are refused, and so is everything of a noun
// that a body does not name.
func TestNothingCanBeSetThatIsNotOffered(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		body, ok := bodies[op.Method+" "+op.Path]
		if !ok {
			continue
		}
		for _, member := range []string{"client_id", "client_secret", "subject", "grants", "secrets", "tokens_revoked_until", "created_at", "updated_at", "hash",
			"password_hash", "PasswordHash", "failures", "locked_until", "second_factor", "totp", "seen_at", "setup_code", "actor", "proven_at", "kid", "generation", "state", "__proto__"} {
			h := newHouse(good())
			with := strings.Replace(body, "{", `{"`+member+`":"x",`, 1)
			with = strings.Replace(with, ",}", "}", 1)
			w := send(t, h.handler(t), op.Method, target(op), with)
			if w.Code != 400 || len(h.desk.asked) != 0 {
				t.Errorf("%s %s %s: got %d, asked %v", op.Method, op.Path, with, w.Code, h.desk.asked)
			}
		}
	}
	// A tenant is changed by its path, a client's tenant never.
	for _, tt := range [][2]string{{"/admin/v1/clients/c2", `{"tenant":"blue"}`}, {"/admin/v1/tenants/acme", `{"id":"blue"}`},
		{"/admin/v1/tenants/acme/users/u1", `{"email":"eve@acme.test"}`}, {"/admin/v1/tenants/acme/users/u1", `{"tenant":"blue"}`},
		{"/admin/v1/operators/o1", `{"tenant":""}`}, {"/admin/v1/operators/o1", `{"email":"eve@acme.test"}`}} {
		if w := send(t, newHouse(good()).handler(t), "PATCH", tt[0], tt[1]); w.Code != 400 {
			t.Errorf("PATCH %s %s: got %d", tt[0], tt[1], w.Code)
		}
	}
}

func TestBodiesOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(good())
	handler := h.handler(t)
	for _, tt := range []struct {
		name    string
		body    string
		headers []string
		want    int
	}{
		{"a form", "id=acme", []string{"Content-Type", "", "Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"text", `{"id":"acme"}`, []string{"Content-Type", "", "Content-Type", "text/plain"}, 415},
		{"no kind", `{"id":"acme"}`, []string{"Content-Type", ""}, 415},
		{"another charset", `{"id":"acme"}`, []string{"Content-Type", "", "Content-Type", "application/json; charset=latin1"}, 415},
		{"compressed", `{"id":"acme"}`, []string{"Content-Encoding", "gzip"}, 415},
		{"too long", `{"id":"` + strings.Repeat("a", 64<<10) + `"}`, nil, 413},
		{"too deep", strings.Repeat(`{"id":`, 20) + "1" + strings.Repeat("}", 20), nil, 400},
		{"utf-8", `{"id":"acme"}`, []string{"Content-Type", "", "Content-Type", "application/json; charset=UTF-8"}, 201},
	} {
		if w := send(t, handler, "POST", "/admin/v1/tenants", tt.body, tt.headers...); w.Code != tt.want {
			t.Errorf("%s: got %d, want %d: %s", tt.name, w.Code, tt.want, w.Body)
		}
	}
	if len(h.desk.asked) != 1 {
		t.Errorf("asked %v", h.desk.asked)
	}
}

func TestAListIsOfTheActorsOwnTenantWhenNobodySaysWhose(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/admin/v1/clients", "/admin/v1/audit", "/admin/v1/audit/verify"} {
		h := newHouse(good())
		h.claims.Scope = postern.Scopes{admin.ScopeTenantRead}
		if w := send(t, h.handler(t), "GET", path, ""); w.Code != 200 || len(h.desk.asked) != 1 || !strings.Contains(fmt.Sprintf("%+v", h.desk.asked), "acme") {
			t.Errorf("%s: got %d %s, asked %+v", path, w.Code, w.Body, h.desk.asked)
		}
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for target, param := range map[string]string{
		"/admin/v1/tenants?limit=0":                           "limit",
		"/admin/v1/tenants?limit=501":                         "limit",
		"/admin/v1/tenants?limit=ten":                         "limit",
		"/admin/v1/tenants?limit=1&limit=2":                   "limit",
		"/admin/v1/tenants?Limit=1":                           "Limit",
		"/admin/v1/tenants?offset=1":                          "offset",
		"/admin/v1/tenants?after=not+base64":                  "after",
		"/admin/v1/tenants?after=AA":                          "after", // a NUL
		"/admin/v1/tenants?a;b":                               "query",
		"/admin/v1/tenants?%zz":                               "query",
		"/admin/v1/clients?text=" + strings.Repeat("a", 2000): "text",
		"/admin/v1/audit?tenant=acme&since=yesterday":         "since",
		"/admin/v1/audit?tenant=acme&after=LTE":               "after", // -1
		"/admin/v1/usage?step=minute":                         "step",
		"/admin/v1/audit/verify":                              "tenant",
		"/admin/v1/audit":                                     "tenant",
		"/admin/v1/clients?tenant=":                           "tenant",
		"/admin/v1/keys?x=1":                                  "x",
	} {
		h := newHouse(good())
		w := send(t, h.handler(t), "GET", target, "")
		if p := problemOf(t, w.Body.String()); w.Code >= 500 || w.Code < 400 || p.Param != param || len(h.desk.asked) != 0 {
			t.Errorf("%s: got %d %+v, want %q to be at fault", target[:min(len(target), 80)], w.Code, p, param)
		}
	}
	if w := send(t, newHouse(good()).handler(t), "DELETE", "/admin/v1/tenants/acme/resources", ""); w.Code != 400 {
		t.Errorf("no url: got %d", w.Code)
	}
}

// The ETag of what was read is what a change wants to match, and a change that comes too
// late is 412.
func TestAChangeHoldsOnToWhatWasRead(t *testing.T) {
	t.Parallel()
	version := postern.Version(changed)
	tag := `"` + version + `"`
	w := send(t, newHouse(good()).handler(t), "GET", "/admin/v1/clients/c2", "")
	if got := w.Header().Get("Etag"); got != tag {
		t.Fatalf("ETag: got %q, want %q", got, tag)
	}
	if w := send(t, newHouse(good()).handler(t), "GET", "/admin/v1/clients/c2", "", "If-None-Match", tag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("If-None-Match: got %d %s", w.Code, w.Body)
	}
	for _, op := range admin.Operations() {
		if !op.Match {
			continue
		}
		// A change of another state.
		h := newHouse(func(call string, with []any) (any, error) {
			if strings.HasPrefix(call, "Change") || strings.HasPrefix(call, "Delete") || strings.HasPrefix(call, "Rotate") || strings.HasPrefix(call, "End") {
				return nil, postern.Errorf(postern.Conflict, "it was changed meanwhile")
			}
			return good()(call, with)
		})
		status, _, p := call(t, h.handler(t), op, "If-Match", `"older"`)
		if status != 412 || p.Code != postern.Conflict || p.Reason != "stale" {
			t.Errorf("%s %s with an older version: got %d %+v", op.Method, op.Path, status, p)
		}
		if e := editOf(t, h.desk.asked[0]); e.Match != "older" {
			t.Errorf("%s %s: the office is asked with %+v", op.Method, op.Path, e)
		}
		// A conflict about something else, with the right version, is none of the version.
		if status, _, _ := call(t, h.handler(t), op, "If-Match", tag); status != 409 {
			t.Errorf("%s %s with the right version: got %d", op.Method, op.Path, status)
		}
		if status, _, _ := call(t, h.handler(t), op); status != 409 {
			t.Errorf("%s %s without a version: got %d", op.Method, op.Path, status)
		}
		h = newHouse(good())
		if status, _, p := call(t, h.handler(t), op, "If-Match", "*"); status >= 300 || editOf(t, h.desk.asked[0]).Match != "" {
			t.Errorf("%s %s with any version: got %d %+v", op.Method, op.Path, status, p)
		}
		for _, bad := range []string{`W/"x"`, `x`, `"x", "y"`, `"`, `"` + strings.Repeat("x", 70) + `"`} {
			if status, _, p := call(t, newHouse(good()).handler(t), op, "If-Match", bad); status != 400 || p.Param != "If-Match" {
				t.Errorf("%s %s with %s: got %d %+v", op.Method, op.Path, bad, status, p)
			}
		}
	}
}

func editOf(t *testing.T, a asked) postern.Edit {
	t.Helper()
	for _, v := range a.With {
		if e, ok := v.(postern.Edit); ok {
			return e
		}
	}
	t.Fatalf("%s is asked without an edit", a.Call)
	return postern.Edit{}
}

// What cannot be honoured is refused: whoever sends it relies on it.
func TestHeadersThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		if !op.Write {
			continue
		}
		if status, _, p := call(t, newHouse(good()).handler(t), op, "If-Match", `"x"`); !op.Match && (status != 400 || p.Param != "If-Match") {
			t.Errorf("%s %s with If-Match: got %d", op.Method, op.Path, status)
		}
		h := newHouse(good())
		status, _, p := call(t, h.handler(t), op, "Idempotency-Key", "key-1")
		switch {
		case op.Key:
			if status != 201 || editOf(t, h.desk.asked[0]).Key != "key-1" {
				t.Errorf("%s %s with a key: got %d %+v, asked %+v", op.Method, op.Path, status, p, h.desk.asked)
			}
			for _, bad := range [][]string{{"Idempotency-Key", strings.Repeat("k", 256)}, {"Idempotency-Key", "a", "Idempotency-Key", "b"}} {
				if status, _, _ := call(t, newHouse(good()).handler(t), op, bad...); status != 400 {
					t.Errorf("%s %s with a bad key: got %d", op.Method, op.Path, status)
				}
			}
		case op.Method == http.MethodPost:
			if status != 400 || p.Param != "Idempotency-Key" {
				t.Errorf("%s %s with a key: got %d %+v", op.Method, op.Path, status, p)
			}
		case status >= 300:
			t.Errorf("%s %s with a key: got %d %+v", op.Method, op.Path, status, p)
		}
	}
}

// What was made says where it is, and is there.
func TestWhatWasMadeIsWhereItSays(t *testing.T) {
	t.Parallel()
	for _, op := range admin.Operations() {
		h := newHouse(good()).handler(t)
		status, head, _ := call(t, h, op)
		at, ok := strings.CutPrefix(head.Get("Location"), origin)
		if !ok {
			continue
		}
		if w := send(t, h, "GET", at, ""); status != 201 || w.Code != 200 || w.Header().Get("Etag") != head.Get("Etag") {
			t.Errorf("%s %s: at %s is %d", op.Method, op.Path, at, w.Code)
		}
	}
}

// A sandbox that was read can be sent back, and is then as it was.
func TestWhatWasReadCanBeSentBack(t *testing.T) {
	t.Parallel()
	h := newHouse(good())
	handler := h.handler(t)
	w := send(t, handler, "GET", "/admin/v1/tenants/acme/sandbox", "")
	if again := send(t, handler, "PUT", "/admin/v1/tenants/acme/sandbox", w.Body.String()); again.Code != 200 || again.Body.String() != w.Body.String() {
		t.Errorf("got %d %s, want %s", again.Code, again.Body, w.Body)
	}
	want, _ := good()("Sandbox", nil)
	if diff := cmp.Diff(want, h.desk.asked[1].With[0], sameNouns); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}

// A page of the largest size stays within what the other end reads.
func TestTheLargestPageArrives(t *testing.T) {
	t.Parallel()
	var page postern.Page[postern.Client]
	for i := range postern.MaxPage {
		c := aClient
		c.ID = fmt.Sprintf("c%023d", i)
		c.Name = strings.Repeat("ü", postern.MaxName/2)
		c.Scopes = nil
		for s := range postern.MaxScopes {
			c.Scopes = append(c.Scopes, fmt.Sprintf("%02d%s", s, strings.Repeat("s", 100)))
		}
		page.Items = append(page.Items, c)
	}
	h := newHouse(func(string, []any) (any, error) { return page, nil })
	got, err := h.remote(t).Clients(t.Context(), postern.ClientQuery{Tenant: "acme", Paging: postern.Paging{Limit: postern.MaxPage}})
	if err != nil || len(got.Items) != postern.MaxPage {
		t.Errorf("got %d clients, %v", len(got.Items), err)
	}
}
