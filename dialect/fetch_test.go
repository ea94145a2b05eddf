package dialect_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// transport is a round tripper of one function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering gives a client whose every request is answered so.
func answering(status int, header http.Header, body string) *http.Client {
	return &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	})}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	for _, d := range dialect.All {
		_, err := dialect.Fetch(t.Context(), srv.Client(), d, srv.URL, requestOf(d))
		if postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Hint == "" || reached {
			t.Errorf("%s: %v, reached the other server: %v", d.Name(), err, reached)
		}
	}
}

func TestLongAnswersAreCapped(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		_, err := dialect.Fetch(t.Context(), answering(200, nil, `{"access_token":"`+strings.Repeat("a", 1<<20)), d, "https://a.test", requestOf(d))
		if postern.CodeOf(err) != postern.Unavailable {
			t.Errorf("%s: %v, want Unavailable", d.Name(), err)
		}
	}
}

func TestErrorsHoldNoCredentialAndNoQuery(t *testing.T) {
	t.Parallel()
	echo := func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		return r.URL.String() + " " + r.Header.Get("Authorization") + " " + string(body)
	}
	servers := map[string]transport{
		"fails with what it was sent": func(r *http.Request) (*http.Response, error) { return nil, errors.New(echo(r)) },
		"answers what it was sent": func(r *http.Request) (*http.Response, error) {
			_ = echo(r)
			b := `{"error":"plain-secret","error_description":"plain-secret plain-password","message":"plain-secret"}`
			return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader(b))}, nil
		},
	}
	for name, rt := range servers {
		for _, d := range dialect.All {
			req := requestOf(d)
			if d.Name() == "comm100" {
				req.Password, req.PartnerID = postern.NewSecret("plain-password"), "the-partner"
			} else {
				req.Secret = postern.NewSecret("plain-secret")
			}
			_, err := dialect.Fetch(t.Context(), &http.Client{Transport: rt}, d, "https://a.test", req)
			if err == nil {
				t.Fatalf("%s: no error", d.Name())
			}
			for _, leak := range []string{req.Secret.Reveal(), req.Password.Reveal(), "partnerId=the-partner"} {
				if leak != "" && strings.Contains(err.Error()+postern.AsError(err).Hint, leak) {
					t.Errorf("%s, a server that %s: the error holds %q: %v", d.Name(), name, leak, err)
				}
			}
		}
	}
}

// A secret that is a word like any other costs the words that hold it, not the code.
func TestAnErrorWithoutItsCauseStillSaysWhatWasAnswered(t *testing.T) {
	t.Parallel()
	const body = `{"error":"invalid_client","error_description":"the secret is wrong"}`
	for secret, want := range map[string]string{"wrong": "answered 400 invalid_client", "invalid_client": "the token server failed"} {
		rt := transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		d, _ := dialect.Named("oauth2")
		req := requestOf(d)
		req.Secret = postern.NewSecret(secret)
		_, err := dialect.Fetch(t.Context(), &http.Client{Transport: rt}, d, "https://a.test", req)
		if e := postern.AsError(err); e == nil || !strings.Contains(e.Msg, want) || strings.Contains(e.Error()+e.Hint, secret) || e.Code != postern.Unauthenticated {
			t.Errorf("%s: got %v, want %q", secret, err, want)
		}
	}
}

func TestAnUnreachableServerIsUnavailableAndItsURLStaysInside(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	base := srv.URL
	srv.Close()
	for _, d := range dialect.All {
		_, err := dialect.Fetch(t.Context(), nil, d, base, requestOf(d))
		if postern.CodeOf(err) != postern.Unavailable || strings.Contains(err.Error(), "http://") || strings.Contains(err.Error(), "partnerId") {
			t.Errorf("%s: %v", d.Name(), err)
		}
	}
}

func TestTheCallersContextEndsAFetch(t *testing.T) {
	t.Parallel()
	hang := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	d := named(t, "oauth2")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dialect.Fetch(ctx, hang, d, "https://a.test", requestOf(d)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	hang.Timeout = time.Millisecond
	if _, err := dialect.Fetch(t.Context(), hang, d, "https://a.test", requestOf(d)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the client's own timeout", err)
	}
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dialect, base, want string }{
		{"personio-v1", "https://api.personio.de", "https://api.personio.de/v1/auth"},
		{"personio-v1", "https://api.personio.de/", "https://api.personio.de/v1/auth"},
		{"personio-v2", "http://localhost:8080", "http://localhost:8080/v2/auth/token"},
		{"personio-v2", "https://a.test/prefix", "https://a.test/prefix/v2/auth/token"},
		{"personify", "https://a.test/connect/token", "https://a.test/connect/token"},
		{"comm100", "https://a.test", "https://a.test/oauth/token?partnerId=10000"},
		{"oauth2", "https://a.test", "https://a.test/oauth2/token"},
		{"oauth2", "https://a.test/oauth2/token", "https://a.test/oauth2/token"},
		{"oauth2", "https://a.test/p/oauth2/token", "https://a.test/p/oauth2/token"},
		{"oauth2", "https://kc.test/realms/r%20x/protocol/token", "https://kc.test/realms/r%20x/protocol/token"},
		{"oauth2", "a.test", ""}, {"oauth2", "ftp://a.test", ""}, {"oauth2", "https://u:p@a.test", ""},
		{"oauth2", "https://a.test?x=1", ""}, {"oauth2", "https://a.test#x", ""}, {"oauth2", "https:///x", ""}, {"oauth2", "://", ""},
		{"comm100", "", ""},
	} {
		d := named(t, c.dialect)
		r, err := d.EncodeRequest(c.base, requestOf(d))
		if (err != nil) != (c.want == "") || err != nil && postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s %q: %v", c.dialect, c.base, err)
		} else if err == nil && r.URL.String() != c.want {
			t.Errorf("%s %q: %s, want %s", c.dialect, c.base, r.URL, c.want)
		}
	}
	o := named(t, "oauth2").(dialect.Revoker)
	if r, err := o.EncodeRevoke("https://a.test/oauth2/token", postern.Request{}, postern.NewSecret("t")); err != nil || r.URL.Path != "/oauth2/revoke" {
		t.Errorf("revocation beside a token endpoint: %v", err)
	}
	if _, err := o.EncodeRevoke("https://kc.test/realms/token", postern.Request{}, postern.NewSecret("t")); postern.CodeOf(err) != postern.Invalid {
		t.Errorf("revocation beside a foreign token endpoint: %v, want Invalid", err)
	}
}

func TestTheClientNeverPutsACredentialIntoAURL(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		r, err := d.EncodeRequest("https://a.test", requestOf(d))
		if err != nil {
			t.Fatal(err)
		}
		if u := r.URL.String(); strings.Contains(u, "secret") || strings.Contains(u, "pass") || strings.Contains(u, "s&e") || strings.Contains(u, "client") {
			t.Errorf("%s: %s", d.Name(), u)
		}
	}
}
