package hr_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

const publicV1 = "https://postern.test"

// allScopes are those of the client full.
var allScopes = postern.NewScopes(hr.Scopes()...)

// desk is a tenant with a directory, and who may ask it what: the token says it.
type desk struct {
	dir      postern.Directory
	scopes   postern.Scopes    // of the token
	shown    []string          // attributes that the client may see; nil is all
	switches map[string]string // of the sandbox
	zone     string
	paced    bool
}

// Verify knows one token.
func (d *desk) Verify(_ context.Context, raw string, want postern.Want) (postern.Claims, error) {
	if raw != "t-1" || want.Kind != postern.Machine || len(want.Audience) == 0 {
		return postern.Claims{}, postern.Errorf(postern.Unauthenticated, "the token is not valid").Because(postern.BadToken)
	}
	return postern.Claims{ID: "jti", Tenant: "firm", ClientID: "client", Scope: d.scopes, Dialect: "personio-v1",
		Client: &postern.Client{ID: "client", Tenant: "firm", Scopes: d.scopes, Attributes: d.shown}}, nil
}

// Tenant knows one tenant.
func (d *desk) Tenant(_ context.Context, id string) (postern.Tenant, error) {
	if id != "firm" {
		return postern.Tenant{}, postern.Errorf(postern.NotFound, "there is no tenant %s", id)
	}
	return postern.Tenant{ID: id, Zone: d.zone}, nil
}

// Sandbox gives the switches.
func (d *desk) Sandbox(context.Context, string) (postern.Sandbox, error) {
	return postern.Sandbox{Tenant: "firm", Switches: d.switches}, nil
}

// handler serves the desk, and holds every answer against the description.
func (d *desk) handler(t testing.TB) http.Handler { return described(t, d.undescribed()) }

func (d *desk) undescribed() http.Handler {
	if d.scopes == nil {
		d.scopes = allScopes
	}
	if d.zone == "" {
		d.zone = "Europe/Berlin"
	}
	mux := http.NewServeMux()
	for _, r := range hr.Routes(hr.Config{
		Directory: func(string) postern.Directory { return d.dir }, Verifier: d, Tenants: d, PublicURL: publicV1,
		Audience: []string{publicV1}, Now: func() time.Time { return instant("2026-03-01T10:00:00Z") }, Unpaced: !d.paced,
	}) {
		mux.Handle(r.Pattern, r.Handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(postern.WithCall(r.Context(), &postern.Call{ID: "a1b2"})))
	})
}

// ask sends one request with the token, and a form if there is one.
func (d *desk) ask(t testing.TB, method, target, form string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form))
	r.Header.Set("Authorization", "Bearer t-1")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	d.handler(t).ServeHTTP(w, r)
	return w
}

// wireV1 is a transport that adds the token and hands the request to a handler.
type wireV1 struct{ to http.Handler }

func (w wireV1) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer t-1")
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	w.to.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// dialV1 gives a remote of a handler.
func dialV1(t testing.TB, h http.Handler) *hr.RemoteV1 {
	t.Helper()
	m, err := hr.DialV1(publicV1, &http.Client{Transport: wireV1{h}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
