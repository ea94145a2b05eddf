package issuer_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// The world of these tests: one tenant, one moment, one address.
const (
	testURL     = "https://auth.test"
	testTenant  = "acme"
	testPartner = 10000
)

var (
	testTime   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	testSource = netip.MustParseAddr("192.0.2.10")
	testBox    = boxOf('k')
)

func boxOf(b byte) *seal.Box {
	box, err := seal.New(bytes.Repeat([]byte{b}, seal.KeySize))
	if err != nil {
		panic(err)
	}
	return box
}

// template is a database with its four keys and the tenant, made once: a key for
// RS256 takes longer than most tests.
var template struct {
	once sync.Once
	dir  string
	data []byte
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if template.dir != "" {
		_ = os.RemoveAll(template.dir)
	}
	os.Exit(code)
}

func makeTemplate() (data []byte, err error) {
	if template.dir, err = os.MkdirTemp("", "postern-issuer-test"); err != nil {
		return nil, err
	}
	ctx, path := context.Background(), filepath.Join(template.dir, "t.db")
	db, err := store.Open(ctx, "sqlite:"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	keys := issuer.Keys{Store: db, Box: testBox, Now: func() time.Time { return testTime }}
	if err := keys.Ensure(ctx); err != nil {
		return nil, err
	}
	tenant := postern.Tenant{ID: testTenant, Name: "Acme", PartnerID: testPartner, CreatedAt: testTime}
	if err := db.CreateTenant(ctx, tenant, at(testTime, postern.ActTenantCreated)); err != nil {
		return nil, err
	}
	// One whole file, whatever is still in the log beside it.
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	whole := filepath.Join(template.dir, "whole.db")
	if _, err := raw.Exec("VACUUM INTO ?", whole); err != nil {
		return nil, err
	}
	if err := errors.Join(raw.Close(), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(whole)
}

func at(t time.Time, action string) postern.Event {
	return postern.Event{Tenant: postern.SystemTenant, At: t, Action: action, Actor: "test"}
}

// clock is the time of a house; tests set it.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock               { c := &clock{}; c.Set(testTime); return c }
func (c *clock) Now() time.Time      { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) Set(t time.Time)     { c.nanos.Store(t.UnixNano()) }
func (c *clock) Add(d time.Duration) { c.nanos.Add(int64(d)) }

// house is an issuer over a real database. Its feed is read when the test says so.
type house struct {
	*issuer.Issuer
	t     testing.TB
	path  string
	db    *store.DB
	clock *clock
	feed  *heldFeed
	cfg   issuer.Config
}

// newHouse opens a house on a copy of the template. change adjusts its Config.
func newHouse(t testing.TB, change ...func(*issuer.Config)) *house {
	t.Helper()
	template.once.Do(func() { template.data, template.err = makeTemplate() })
	if template.err != nil {
		t.Fatal(template.err)
	}
	path := filepath.Join(t.TempDir(), "postern.db")
	if err := os.WriteFile(path, template.data, 0o600); err != nil {
		t.Fatal(err)
	}
	return openHouse(t, path, newClock(), change...)
}

// another opens a second issuer on the same database and clock, as another process
// would.
func (h *house) another(change ...func(*issuer.Config)) *house {
	h.t.Helper()
	return openHouse(h.t, h.path, h.clock, change...)
}

func openHouse(t testing.TB, path string, c *clock, change ...func(*issuer.Config)) *house {
	t.Helper()
	h := &house{t: t, path: path, clock: c, db: openStore(t, path)}
	h.feed = &heldFeed{Feed: h.db, wake: make(chan struct{})}
	h.cfg = issuer.Config{
		Registry: h.db, Journal: h.db, Revoker: h.db, KeyStore: h.db, Feed: h.feed, Box: testBox,
		URL: testURL, Profiles: dialect.Profiles(), Resources: []postern.Resource{{URL: testURL, Tenant: postern.SystemTenant}},
		Limits:      issuer.Limits{FailuresPerSource: -1, FailuresPerClient: -1, PerClient: -1},
		FollowEvery: time.Hour, Now: c.Now,
	}
	for _, f := range change {
		f(&h.cfg)
	}
	var err error
	if h.Issuer, err = issuer.New(t.Context(), h.cfg); err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(h.Close)
	return h
}

func openStore(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// heldFeed wakes the issuer when the test says so.
type heldFeed struct {
	issuer.Feed
	wake chan struct{}
}

func (f *heldFeed) Wake(context.Context) <-chan struct{} { return f.wake }

// settle returns when the issuer has applied every change there is. The second
// wake-up is received only when the first has been dealt with.
func (h *house) settle() {
	h.t.Helper()
	for range 2 {
		select {
		case h.feed.wake <- struct{}{}:
		case <-time.After(2 * time.Minute):
			h.t.Fatal("the issuer does not read its feed")
		}
	}
}

var serial atomic.Int64

// allDialects are those of machines.
var machineDialects = []string{"personio-v1", "personio-v2", "personify", "oauth2"}

// client registers a client for every machine dialect with scopes a and b.
func (h *house) client(change ...func(*postern.Client)) (postern.Client, postern.Secret) {
	h.t.Helper()
	n := serial.Add(1)
	secret := postern.GenerateSecret()
	c := postern.Client{
		ID: fmt.Sprintf("c%d", n), Subject: fmt.Sprintf("%024x", n), Tenant: testTenant, Name: "test",
		Grants: []string{postern.GrantClientCredentials}, Scopes: postern.NewScopes("a", "b"),
		Dialects: machineDialects, Secrets: []postern.StoredSecret{h.stored(secret, time.Time{})},
		CreatedAt: testTime, UpdatedAt: testTime,
	}
	for _, f := range change {
		f(&c)
	}
	if err := h.db.CreateClient(h.t.Context(), c, at(h.clock.Now(), postern.ActClientCreated)); err != nil {
		h.t.Fatalf("create client: %v", err)
	}
	return c, secret
}

func (h *house) stored(s postern.Secret, expires time.Time) postern.StoredSecret {
	return postern.StoredSecret{ID: fmt.Sprintf("s%d", serial.Add(1)), Hash: issuer.NewHasher(testBox).Hash(s),
		CreatedAt: testTime, ExpiresAt: expires}
}

// changeClient changes a client and lets the issuer hear of it.
func (h *house) changeClient(c postern.Client, f func(*postern.Client)) {
	h.t.Helper()
	_, err := h.db.ChangeClient(h.t.Context(), c.Tenant, c.ID, at(h.clock.Now(), postern.ActClientChanged),
		func(c *postern.Client) error { f(c); return nil })
	if err != nil {
		h.t.Fatalf("change client: %v", err)
	}
	h.settle()
}

func (h *house) changeTenant(id string, f func(*postern.Tenant)) {
	h.t.Helper()
	_, err := h.db.ChangeTenant(h.t.Context(), id, at(h.clock.Now(), postern.ActTenantChanged),
		func(t *postern.Tenant) error { f(t); return nil })
	if err != nil {
		h.t.Fatalf("change tenant: %v", err)
	}
	h.settle()
}

// tenant adds a tenant.
func (h *house) tenant(change ...func(*postern.Tenant)) postern.Tenant {
	h.t.Helper()
	n := serial.Add(1)
	x := postern.Tenant{ID: fmt.Sprintf("t%d", n), Name: "other", PartnerID: 20000 + n, CreatedAt: testTime}
	for _, f := range change {
		f(&x)
	}
	if err := h.db.CreateTenant(h.t.Context(), x, at(h.clock.Now(), postern.ActTenantCreated)); err != nil {
		h.t.Fatalf("create tenant: %v", err)
	}
	return x
}

// request is a plain request for a token.
func request(name string, c postern.Client, s postern.Secret) postern.Request {
	return postern.Request{Dialect: name, GrantType: postern.GrantClientCredentials, ClientID: c.ID, Secret: s,
		Via: postern.ViaForm, Source: testSource, RequestID: "r1"}
}

func (h *house) issue(req postern.Request) postern.Token {
	h.t.Helper()
	tok, err := h.Issue(h.t.Context(), req)
	if err != nil {
		h.t.Fatalf("Issue(%s): %v", req.Dialect, err)
	}
	return tok
}

func (h *house) refused(req postern.Request) *postern.Error {
	h.t.Helper()
	tok, err := h.Issue(h.t.Context(), req)
	if err == nil {
		h.t.Fatalf("Issue(%s) gave token %s, want a refusal", req.Dialect, tok.ID)
	}
	if !tok.Value.Empty() || tok.ID != "" {
		h.t.Fatalf("a refusal came with a token")
	}
	return postern.AsError(err)
}

// valid fails unless the token verifies.
func (h *house) valid(tok postern.Token) postern.Claims {
	h.t.Helper()
	c, err := h.Verify(h.t.Context(), tok.Value.Reveal(), postern.Want{})
	if err != nil {
		h.t.Fatalf("token %s is not valid: %v", tok.ID, err)
	}
	return c
}

// invalid fails if the token verifies, and gives the cause.
func (h *house) invalid(raw string) string {
	h.t.Helper()
	c, err := h.Verify(h.t.Context(), raw, postern.Want{})
	if err == nil {
		h.t.Fatalf("token %s is accepted with %+v", raw, c)
	}
	if !cmp.Equal(c, postern.Claims{}) {
		h.t.Fatalf("a refused token came with claims %+v", c)
	}
	e := postern.AsError(err)
	if e.Code != postern.Unauthenticated || e.Reason != postern.BadToken {
		h.t.Fatalf("the token is refused with %s %s (%v), want %s %s", e.Code, e.Reason, err,
			postern.Unauthenticated, postern.BadToken)
	}
	return e.Cause
}

// events lists a tenant's events, oldest first.
func (h *house) events(tenant string, actions ...string) []postern.Event {
	h.t.Helper()
	var out []postern.Event
	f := postern.EventFilter{Tenant: tenant, Limit: 1000}
	page, err := h.db.Events(h.t.Context(), f)
	if err != nil {
		h.t.Fatalf("list events: %v", err)
	}
	for _, e := range page {
		if len(actions) == 0 || strings.Contains(" "+strings.Join(actions, " ")+" ", " "+e.Action+" ") {
			out = append([]postern.Event{e}, out...)
		}
	}
	return out
}

// last gives the newest event of a tenant.
func (h *house) last(tenant string) postern.Event {
	h.t.Helper()
	all := h.events(tenant)
	if len(all) == 0 {
		h.t.Fatalf("tenant %s has no events", tenant)
	}
	return all[len(all)-1]
}

// public is what of an error may be told apart by whoever asked.
type public struct {
	Code      postern.Code
	Reason    postern.Reason
	Msg, Hint string
	Param     string
	Wait      time.Duration
	Text      string
}

func publicOf(e *postern.Error) public {
	return public{e.Code, e.Reason, e.Msg, e.Hint, e.Param, e.Wait, postern.Public(e)}
}

// cheap hashes a password with the least argon2id there is: these tests compare
// hundreds.
func cheap(password string) string {
	salt := []byte("0123456789abcdef")
	m := hmac.New(sha256.New, testBox.Derive("postern passwords v1", 32))
	m.Write(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32))
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version, b64.EncodeToString(salt), b64.EncodeToString(m.Sum(nil)))
}

// diff fails when got is not want.
func diff(t testing.TB, what string, got, want any, opts ...cmp.Option) {
	t.Helper()
	if d := cmp.Diff(want, got, opts...); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// agentScope is what a token of a person is granted, whatever was asked.
const agentScope = "ids.scope openid profile offline_access"

const rightPassword = "correct horse battery staple"

// user adds a person with rightPassword.
func (h *house) user(email string, change ...func(*postern.User)) postern.User {
	h.t.Helper()
	u := postern.User{ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", serial.Add(1)), Tenant: testTenant, Email: email,
		Role: "Agent", PasswordHash: cheap(rightPassword), CreatedAt: testTime, UpdatedAt: testTime}
	for _, f := range change {
		f(&u)
	}
	if err := h.db.CreateUser(h.t.Context(), u, at(h.clock.Now(), postern.ActUserCreated)); err != nil {
		h.t.Fatalf("create user: %v", err)
	}
	return u
}

func (h *house) changeUser(u postern.User, f func(*postern.User)) {
	h.t.Helper()
	_, err := h.db.ChangeUser(h.t.Context(), u.Tenant, u.ID, at(h.clock.Now(), postern.ActUserChanged),
		func(u *postern.User) error { f(u); return nil })
	if err != nil {
		h.t.Fatalf("change user: %v", err)
	}
	h.settle()
}

// app registers a public client for people.
func (h *house) app(change ...func(*postern.Client)) postern.Client {
	h.t.Helper()
	c, _ := h.client(append([]func(*postern.Client){func(c *postern.Client) {
		c.Public, c.Secrets, c.Grants, c.Dialects = true, nil, []string{postern.GrantPassword}, []string{"comm100"}
	}}, change...)...)
	return c
}

// login is a person's request for a token.
func login(app postern.Client, email, password string) postern.Request {
	return postern.Request{Dialect: "comm100", GrantType: postern.GrantPassword, ClientID: app.ID, Email: email,
		Password: postern.NewSecret(password), PartnerID: fmt.Sprint(testPartner), Via: postern.ViaForm,
		Source: testSource, RequestID: "r1"}
}
