package mcptool_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// counter stands for the issuer and the tenants of an HR API: its one token has the scopes.
type counter struct{ scopes postern.Scopes }

func (d counter) Verify(context.Context, string, postern.Want) (postern.Claims, error) {
	return postern.Claims{ID: "t", Tenant: "firm", ClientID: "c", Kind: postern.Machine, Scope: d.scopes, Client: &postern.Client{ID: "c", Tenant: "firm"}}, nil
}

func (d counter) Tenant(context.Context, string) (postern.Tenant, error) {
	return postern.Tenant{ID: "firm", Zone: "Europe/Berlin"}, nil
}

func (d counter) Sandbox(context.Context, string) (postern.Sandbox, error) {
	return postern.Sandbox{}, nil
}

// tokened adds a token.
type tokened struct{}

func (tokened) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer t")
	return http.DefaultTransport.RoundTrip(r)
}

// elsewhere gives a directory behind the wire of an HR API.
func elsewhere(t *testing.T, dir postern.Directory, scopes postern.Scopes) postern.Directory {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(postern.WithCall(r.Context(), &postern.Call{ID: "a1"})))
	}))
	t.Cleanup(srv.Close)
	for _, r := range hr.Routes(hr.Config{Directory: func(string) postern.Directory { return dir }, Verifier: counter{scopes}, Tenants: counter{}, PublicURL: srv.URL,
		Audience: []string{srv.URL}, Now: func() time.Time { return firmNow }, Unpaced: true}) {
		mux.Handle(r.Pattern, r.Handler)
	}
	m, err := hr.Dial(srv.URL, &http.Client{Transport: tokened{}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What a tool answers does not depend on where the people live.
func TestAnUpstreamAnswersAsTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	dir := firm(t, crowd(120)...)
	near, far := toolsOver(dir, nil), toolsOver(elsewhere(t, dir, allScopes), nil)
	for _, tt := range []struct {
		tool string
		args args
	}{
		{"list_absence_periods", args{"from": "this-week"}}, {"list_absence_periods", args{"from": "today", "to": "today"}}, {"list_absence_periods", args{"person_id": 4}},
		{"list_attendance_periods", args{"from": "this-week"}}, {"list_absence_types", nil},
	} {
		want, got := must(t, near, clerk(), tt.tool, tt.args), must(t, far, judge(), tt.tool, tt.args)
		for _, m := range append(items(t, want), items(t, got)...) {
			delete(m, "updated_at") // in which zone an API means it, nobody says
		}
		if tt.tool == "list_attendance_periods" && strings.Contains(fmt.Sprint(got.Data["notes"]), "which time zone") {
			delete(got.Data, "notes") // nor in which the walls are
		}
		if diff := cmp.Diff(want.Data, got.Data); diff != "" {
			t.Errorf("%s %v (-database +upstream):\n%s", tt.tool, tt.args, diff)
		}
	}
	profile := must(t, far, judge(), "list_persons", args{"email": "bob@firm.example"})
	if job := items(t, profile)[0]["employments"].([]any)[0].(map[string]any); job["position"] != "Engineer" || job["supervisor_name"] != "Ada Lovelace" || job["department_id"] != "7" {
		t.Errorf("got %v", job)
	}
	// The links of the API carry the size of its pages, which is not what is left.
	first := must(t, far, judge(), "list_persons", args{"limit": 60})
	second := must(t, far, judge(), "list_persons", args{"cursor": first.Data["next_cursor"], "limit": 500})
	whole := must(t, near, clerk(), "list_persons", args{"limit": 500})
	if got := append(column(t, first, "id"), column(t, second, "id")...); len(items(t, first)) != 60 || !cmp.Equal(got, column(t, whole, "id")) {
		t.Errorf("got %d and %d persons", len(items(t, first)), len(items(t, second)))
	}
}

func TestAnUpstreamThatLacksAPermissionIsExplained(t *testing.T) {
	t.Parallel()
	tools := toolsOver(elsewhere(t, firm(t), postern.NewScopes("personio:absences:read")), nil)
	_, err := try(t, tools, judge(), "list_persons", nil)
	if e := postern.AsError(err); postern.CodeOf(err) != postern.Forbidden || e.Param != "personio:persons:read" || !strings.Contains(e.Hint, "list_absence_periods") || strings.Contains(e.Hint, "get_person") {
		t.Errorf("got %v, hint %q", err, e.Hint)
	}
	a := must(t, tools, judge(), "list_absence_periods", args{"from": "this-week"})
	if notes, _ := a.Data["notes"].([]any); len(items(t, a)) != 5 || len(notes) != 1 || !strings.Contains(notes[0].(string), "personio:persons:read") {
		t.Errorf("got %s", a.Text())
	}
	_, err = try(t, tools, judge(), "get_person", args{"person_id": 99})
	if postern.CodeOf(err) != postern.Forbidden {
		t.Errorf("got %v", err)
	}
}
