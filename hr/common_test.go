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

const (
	testTenant = "acme"
	testClient = "client1"
	testOrigin = "https://postern.test"
	testHR     = testOrigin + "/hr"
)

var (
	testNow = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	testKey = [32]byte{1, 2, 3}
)

// doorkeeper stands for the issuer where a test is about what comes after it. It knows
// one token, "test".
type doorkeeper struct {
	claims postern.Claims
	err    error
}

func (d doorkeeper) Verify(_ context.Context, raw string, _ postern.Want) (postern.Claims, error) {
	if d.err != nil {
		return postern.Claims{}, d.err
	}
	if raw != "test" {
		return postern.Claims{}, postern.Errorf(postern.Unauthenticated, "the token is not ours").Because(postern.BadToken)
	}
	return d.claims, nil
}

// register stands for the store's tenants.
type register struct {
	tenants map[string]postern.Tenant
	sandbox postern.Sandbox
}

func (r register) Tenant(_ context.Context, id string) (postern.Tenant, error) {
	if t, ok := r.tenants[id]; ok {
		return t, nil
	}
	return postern.Tenant{}, postern.Errorf(postern.NotFound, "there is no tenant %q", id)
}

func (r register) Sandbox(context.Context, string) (postern.Sandbox, error) { return r.sandbox, nil }

// house is a Config for tests, with what they change most in reach.
type house struct {
	hr.Config
	claims  postern.Claims
	sandbox postern.Sandbox
	refusal error // of every token
}

func newHouse(dir postern.Directory) *house {
	h := &house{claims: postern.Claims{ID: "token1", ClientID: testClient, Tenant: testTenant, Kind: postern.Machine,
		Dialect: "personio-v2", Scope: postern.NewScopes(hr.Scopes()...), Client: &postern.Client{ID: testClient, Tenant: testTenant}}}
	h.Config = hr.Config{
		Directory: func(string) postern.Directory { return dir },
		PublicURL: testOrigin, Audience: []string{testHR}, CursorKey: testKey,
		Now: func() time.Time { return testNow }, Dice: func() float64 { return 0 },
	}
	return h
}

// handler gives the routes as a server has them: with a request id, and held against
// the description.
func (h *house) handler(t testing.TB) http.Handler {
	t.Helper()
	h.Verifier = doorkeeper{h.claims, h.refusal}
	h.Tenants = register{map[string]postern.Tenant{
		testTenant: {ID: testTenant, Zone: "Europe/Berlin"}, "other": {ID: "other"}, "closed": {ID: "closed", Disabled: true},
	}, h.sandbox}
	mux := http.NewServeMux()
	for _, r := range hr.Routes(h.Config) {
		mux.Handle(r.Pattern, r.Handler)
	}
	return described(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if postern.CallFrom(r.Context()).ID == "" {
			r = r.WithContext(postern.WithCall(r.Context(), &postern.Call{ID: "a1b2"}))
		}
		mux.ServeHTTP(w, r)
	}))
}

// sendIn makes one call that lasts as long as ctx.
func sendIn(ctx context.Context, t testing.TB, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, target, nil)
	r.Header.Set("Authorization", "Bearer test")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// send makes one call with the token "test".
func send(t testing.TB, h http.Handler, method, target string, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	var r *http.Request
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	} else {
		r = httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer test")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// transport is a function that answers.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
