package dialect_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// lossy lists the codes that do not survive a dialect's wire, and why. No issuer
// gives these; a table must still answer something.
var lossy = map[string]map[postern.Code]postern.Code{
	"personio-v1": {postern.Conflict: postern.Invalid}, // the provider has no 409 here
	"personio-v2": {postern.NotFound: postern.Invalid, postern.Conflict: postern.Invalid},
	"personify":   {postern.NotFound: postern.Invalid, postern.Conflict: postern.Invalid},
	// An unknown partner must look like a wrong password.
	"comm100": {postern.NotFound: postern.Unauthenticated, postern.Conflict: postern.Invalid},
	"oauth2":  {postern.NotFound: postern.Invalid, postern.Conflict: postern.Invalid},
}

func grantOf(d dialect.Dialect) string { return d.(dialect.Profiler).Profile().Grants[0] }

func requestOf(d dialect.Dialect) postern.Request {
	req := postern.Request{GrantType: grantOf(d), ClientID: "c: lient+1", Secret: postern.NewSecret("s&e=cret %é"),
		Scope: postern.NewScopes("b:read", "a:read")}
	if d.Name() == "comm100" {
		req.Secret, req.Scope = postern.Secret{}, nil
		req.Email, req.Password, req.PartnerID = "a+b@example.test", postern.NewSecret("pass wörd&"), "10000"
	}
	if d.Name() == "personio-v1" {
		req.Scope = nil // it asks for no scope
	}
	return req
}

func TestRequestAndTokenArriveAtTheOtherEnd(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			given := postern.Token{Value: postern.NewSecret("eyJ.a-b_c.d"), Type: "Bearer", Scope: postern.NewScopes("a:read", "b:read"), ExpiresIn: 90 * time.Second}
			iss := &scripted{token: given}
			srv := httptest.NewServer(serve(t, iss, config()))
			defer srv.Close()
			req := requestOf(d)
			got, err := dialect.Fetch(t.Context(), srv.Client(), d, srv.URL, req)
			if err != nil {
				t.Fatal(err)
			}
			if d.Name() == "comm100" {
				given.Scope = nil // its answer has no member for it
			}
			if got.ExpiresAt.Sub(got.IssuedAt) != given.ExpiresIn {
				t.Errorf("ExpiresAt %v, IssuedAt %v, want %v between them", got.ExpiresAt, got.IssuedAt, given.ExpiresIn)
			}
			got.IssuedAt, got.ExpiresAt = time.Time{}, time.Time{}
			if diff := cmp.Diff(given, got, secrets); diff != "" {
				t.Errorf("token (-want +got):\n%s", diff)
			}
			iss.asked.Via = ""
			req.Dialect, req.RequestID = d.Name(), "a1b2"
			if diff := cmp.Diff(req, *iss.asked, secrets, addresses); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryCodeArrivesAtTheOtherEnd(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		for _, code := range postern.Codes {
			t.Run(d.Name()+"/"+string(code), func(t *testing.T) {
				t.Parallel()
				iss := &scripted{err: &postern.Error{Code: code, Msg: "a message", Wait: 2 * time.Second, Cause: marker, Hint: marker, Err: errors.New(marker)}}
				srv := httptest.NewServer(serve(t, iss, config()))
				defer srv.Close()
				_, err := dialect.Fetch(t.Context(), srv.Client(), d, srv.URL, requestOf(d))
				want := code
				if l, ok := lossy[d.Name()][code]; ok {
					want = l
				}
				if got := postern.CodeOf(err); got != want {
					t.Errorf("arrived as %v, want %s", err, want)
				}
				if retryable := code == postern.TooMany || code == postern.Unavailable; retryable && postern.AsError(err).Wait != 2*time.Second {
					t.Errorf("wait arrived as %v, want 2s", postern.AsError(err).Wait)
				}
				if strings.Contains(err.Error(), marker) {
					t.Errorf("the marker arrived: %v", err)
				}
			})
		}
	}
}

// reasons that a wire tells apart by a word of its own.
func TestReasonsWithAWordArrive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code    postern.Code
		reason  postern.Reason
		without []string // dialects that have no word for it
	}{
		{postern.Invalid, postern.UnknownGrant, []string{"personio-v1"}},
		{postern.Invalid, postern.BadScope, []string{"personio-v1"}},
		{postern.Invalid, postern.BadTarget, []string{"personio-v1", "personio-v2", "comm100"}},
		{postern.Unauthenticated, postern.BadGrant, []string{"personio-v1"}},
		{postern.Forbidden, postern.QueryCredentials, []string{"personio-v2", "personify", "comm100", "oauth2"}},
	} {
		for _, d := range dialect.All {
			if slices.Contains(c.without, d.Name()) {
				continue
			}
			w := httptest.NewRecorder()
			d.EncodeResponse(w, postern.Token{}, &postern.Error{Code: c.code, Reason: c.reason, Msg: "x"})
			_, err := d.DecodeResponse(w.Result())
			got := postern.ReasonOf(err)
			shared := c.reason == postern.UnknownGrant && (d.Name() == "personify" || d.Name() == "comm100")
			if postern.CodeOf(err) != c.code || got != c.reason && !shared {
				t.Errorf("%s: %s/%s arrived as %v (%s)", d.Name(), c.code, c.reason, err, got)
			}
		}
	}
}

func TestRevocationArrives(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		v, ok := d.(dialect.Revoker)
		if !ok {
			continue
		}
		iss := &scripted{}
		srv := httptest.NewServer(serve(t, iss, config()))
		req := postern.Request{ClientID: "c:1", Secret: postern.NewSecret("s +")}
		if err := dialect.Revoke(t.Context(), srv.Client(), v, srv.URL, req, postern.NewSecret("a.b.c+/=")); err != nil {
			t.Errorf("%s: %v", d.Name(), err)
		}
		if iss.raw != "a.b.c+/=" {
			t.Errorf("%s: token arrived as %q", d.Name(), iss.raw)
		}
		iss.err = &postern.Error{Code: postern.Unavailable, Err: errors.New(marker)}
		if err := dialect.Revoke(t.Context(), srv.Client(), v, srv.URL, req, postern.NewSecret("a.b.c")); postern.CodeOf(err) != postern.Unavailable {
			t.Errorf("%s: %v, want Unavailable", d.Name(), err)
		}
		srv.Close()
	}
}

func TestIntrospectionArrives(t *testing.T) {
	t.Parallel()
	d := named(t, "oauth2")
	given := postern.Claims{ID: "0190aabbccddeeff0011223344556677", Issuer: "https://postern.test", Subject: "c1", ClientID: "c1", Tenant: "demo",
		Audience: []string{"https://api.test"}, Scope: postern.NewScopes("a", "b"), IssuedAt: now(), NotBefore: now(), ExpiresAt: now().Add(time.Hour)}
	iss := &scripted{claims: given}
	srv := httptest.NewServer(serve(t, iss, config()))
	defer srv.Close()
	ask := func() (postern.Claims, error) {
		return dialect.Introspect(t.Context(), srv.Client(), d.(dialect.Introspector), srv.URL, postern.Request{ClientID: "c1", Secret: postern.NewSecret("s")}, postern.NewSecret("a.b.c"))
	}
	got, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	iss.err = postern.Errorf(postern.NotFound, "revoked")
	if _, err := ask(); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("inactive arrived as %v, want NotFound", err)
	}
}

func TestDescriptionArrives(t *testing.T) {
	t.Parallel()
	d := named(t, "comm100")
	given := postern.User{AgentID: "f9683b7b-e332-4864-b725-ac6cdc207dbd", SiteID: 10115, Role: "AGENT"}
	iss := &scripted{claims: postern.Claims{Kind: postern.Human, User: &given}}
	srv := httptest.NewServer(serve(t, iss, config()))
	defer srv.Close()
	got, err := dialect.Describe(t.Context(), srv.Client(), d.(dialect.Describer), srv.URL, postern.NewSecret("a.b.c"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	want := postern.Want{Kind: postern.Human, Audience: []string{"ids.resource.1"}}
	if diff := cmp.Diff(want, iss.want); diff != "" {
		t.Errorf("the issuer was asked for another kind of token (-want +got):\n%s", diff)
	}
}

func TestTokensRideAsEachProviderWants(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		h := map[string][]string{}
		dialect.Carry(d, h, postern.Token{Value: postern.NewSecret("t")}, "tenant-1")
		if h["Authorization"][0] != "Bearer t" {
			t.Errorf("%s: Authorization is %q", d.Name(), h["Authorization"])
		}
		if got := len(h["X-Tenant-Id"]); (got == 1) != (d.Name() == "personify") {
			t.Errorf("%s: %d X-Tenant-Id headers", d.Name(), got)
		}
	}
}
