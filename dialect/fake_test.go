package dialect_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// now is the clock of every test here.
func now() time.Time { return time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC) }

// scripted is an issuer that answers what a test gives it and remembers what it
// was asked.
type scripted struct {
	token  postern.Token
	claims postern.Claims
	err    error

	asked   *postern.Request // by Issue, Introspect or Revoke
	raw     string
	refused error // by Refuse
	want    postern.Want
}

func (s *scripted) Issue(_ context.Context, req postern.Request) (postern.Token, error) {
	s.asked = &req
	return s.token, s.err
}

func (s *scripted) Refuse(_ context.Context, _ postern.Request, err error) error {
	s.refused = err
	return err
}

func (s *scripted) Verify(_ context.Context, raw string, want postern.Want) (postern.Claims, error) {
	s.raw = raw
	if s.claims.Kind == postern.Machine { // as the issuer: another audience, or another kind
		if want.Kind == postern.Human {
			return postern.Claims{}, &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadToken, Cause: "audience"}
		}
		return s.claims, nil
	}
	if s.want.Kind == "" {
		s.want = want
	}
	return s.claims, s.err
}

func (s *scripted) Introspect(_ context.Context, req postern.Request, raw string) (postern.Claims, error) {
	s.asked, s.raw = &req, raw
	return s.claims, s.err
}

func (s *scripted) Revoke(_ context.Context, req postern.Request, raw string) error {
	s.asked, s.raw = &req, raw
	return s.err
}

// keys is a key set.
type keys []postern.Key

func (k keys) PublicKeys() []postern.Key { return k }

// testKeys are one public key of each kind, made once.
var testKeys = sync.OnceValue(func() keys {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	ed, _, _ := ed25519.GenerateKey(rand.Reader)
	return keys{
		{ID: "aa01", Alg: postern.ES256, Public: &ec.PublicKey},
		{ID: "aa02", Alg: postern.RS256, Public: &rs.PublicKey},
		{ID: "aa03", Alg: postern.EdDSA, Public: ed},
	}
})

// config is a server at the address the transcripts use.
func config() dialect.Config {
	return dialect.Config{
		IssuerURL: "https://postern.test",
		Scopes:    func() []string { return []string{"personio:persons:read", "idp_api"} },
		Now:       now,
	}
}

// serve puts the routes behind a mux, with a call as the server makes it.
func serve(t testing.TB, iss postern.Issuer, cfg dialect.Config) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range dialect.Routes(iss, testKeys(), cfg) {
		mux.Handle(r.Pattern, r.Handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if postern.CallFrom(r.Context()).ID == "" {
			r = r.WithContext(postern.WithCall(r.Context(), &postern.Call{ID: "a1b2"}))
		}
		mux.ServeHTTP(w, r)
	})
}

func named(t testing.TB, name string) dialect.Dialect {
	t.Helper()
	d, ok := dialect.Named(name)
	if !ok {
		t.Fatalf("no dialect %q", name)
	}
	return d
}
