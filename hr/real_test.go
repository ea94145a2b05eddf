package hr_test

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// real is the HR API over a real issuer and a real database, with two tenants.
type real struct {
	t       testing.TB
	db      *store.DB
	issuer  *issuer.Issuer
	handler http.Handler
	visits  []postern.Visit
	acme    planted
	globex  planted
}

// planted are the ids of what a tenant has, by the names that paths have for them.
type planted struct {
	person     postern.PersonID
	employment string
	kind       string // an absence type
	absence    postern.Absence
	attendance postern.Attendance
}

const (
	otherTenant = "globex"
	userSecret  = "correct horse battery staple"
	elsewhere   = "https://elsewhere.test/api"
)

var serial atomic.Int64

func newReal(t testing.TB, change ...func(*hr.Config)) *real {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	box, err := seal.New(bytes.Repeat([]byte{'k'}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	h := &real{t: t, db: db}
	for i, id := range []string{testTenant, otherTenant} {
		x := postern.Tenant{ID: id, Name: id, Zone: "Europe/Berlin", PartnerID: 10000 + int64(i), CreatedAt: time.Now()}
		if err := db.CreateTenant(t.Context(), x, event(postern.ActTenantCreated)); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&issuer.Keys{Store: db, Box: box, Now: time.Now}).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.issuer, err = issuer.New(t.Context(), issuer.Config{Registry: db, Journal: db, Revoker: db, KeyStore: db, Feed: db, Box: box,
		URL: testOrigin, Profiles: dialect.Profiles(), Limits: issuer.Limits{FailuresPerSource: -1, FailuresPerClient: -1, PerClient: -1},
		Resources: []postern.Resource{{URL: testOrigin, Tenant: postern.SystemTenant}, {URL: elsewhere, Tenant: postern.SystemTenant}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.issuer.Close)
	cfg := hr.Config{Directory: func(tenant string) postern.Directory { return db.Directory(tenant) }, Verifier: h.issuer, Tenants: db,
		PublicURL: testOrigin, Audience: []string{testOrigin, "idp_api"}, CursorKey: testKey, Unpaced: true,
		Visit: func(v postern.Visit) { h.visits = append(h.visits, v) }}
	for _, f := range change {
		f(&cfg)
	}
	mux := http.NewServeMux()
	for _, r := range hr.Routes(cfg) {
		mux.Handle(r.Pattern, r.Handler)
	}
	h.handler = described(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(postern.WithCall(r.Context(), &postern.Call{ID: "a1b2"})))
	}))
	h.acme, h.globex = h.plant(testTenant, 1), h.plant(otherTenant, 2)
	return h
}

func event(action string) postern.Event {
	return postern.Event{Tenant: postern.SystemTenant, At: time.Now(), Action: action, Actor: "test"}
}

// plant adds one of everything to a tenant, with ids that no other has.
func (h *real) plant(tenant string, n int) planted {
	h.t.Helper()
	id := func(kind string) string { return fmt.Sprintf("%s000000-0000-4000-8000-%012d", kind, n) }
	p := planted{person: postern.PersonID(100 * n), employment: id("e0"), kind: id("a0")}
	march := postern.NewDate(2026, 3, 2)
	p.absence = postern.Absence{ID: id("b0"), Number: int64(100 * n), Person: p.person, Type: p.kind, Zone: "Europe/Berlin", Status: postern.Approved,
		Span: postern.DaySpan(march, march+2, false, false)}
	p.attendance = postern.Attendance{ID: id("c0"), Number: int64(100 * n), Person: p.person, Type: postern.Work, Zone: "Europe/Berlin", Status: postern.Confirmed,
		Span: postern.Span{From: (march + 7).At(9 * time.Hour), To: (march + 7).At(17 * time.Hour)}, Date: march + 7}
	rows := []store.Row{
		store.PersonRow{Person: postern.Person{ID: p.person, Email: fmt.Sprintf("ada%d@%s.test", n, tenant), FirstName: "Ada", LastName: "Test", Gender: postern.GenderFemale,
			Custom:      []postern.Attribute{{Key: "dynamic_5", Label: "Badge", Kind: postern.AttributeText, Value: "B7"}},
			Employments: []postern.Employment{{ID: p.employment, Person: p.person, Position: "Engineer", Status: postern.EmploymentActive, Type: "INTERNAL", Start: march - 800, WeeklyHours: 40, FullTimeHours: 40, Schedule: postern.Schedule{480, 480, 480, 480, 480}}}}},
		store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{ID: p.kind, Number: int64(100 * n), Name: "Leave", Category: "paid_vacation", Unit: postern.Days, HalfDays: true, Entitlement: 28}},
		store.AbsenceRow{Absence: p.absence}, store.AttendanceRow{Attendance: p.attendance},
	}
	report, err := h.db.Directory(tenant).Import(h.t.Context(), numbered(rows), store.ImportOptions{Write: postern.Write{Actor: "test"}})
	if err != nil || report.Bad > 0 {
		h.t.Fatalf("plant: %v, %+v", err, report)
	}
	return p
}

func numbered(rows []store.Row) iter.Seq2[int, store.Row] {
	return func(yield func(int, store.Row) bool) {
		for i, r := range rows {
			if !yield(i+1, r) {
				return
			}
		}
	}
}

// token registers a client and gives a token for it.
func (h *real) token(tenant, dialectName string, scopes []string, change ...func(*postern.Client, *postern.Request)) string {
	h.t.Helper()
	n := serial.Add(1)
	box, err := seal.New(bytes.Repeat([]byte{'k'}, seal.KeySize))
	if err != nil {
		h.t.Fatal(err)
	}
	secret := postern.GenerateSecret()
	c := postern.Client{ID: fmt.Sprintf("c%d", n), Subject: fmt.Sprintf("%024x", n), Tenant: tenant, Name: "test",
		Grants: []string{postern.GrantClientCredentials}, Scopes: postern.NewScopes(scopes...), Dialects: []string{dialectName},
		Secrets: []postern.StoredSecret{{ID: "s", Hash: issuer.NewHasher(box).Hash(secret), CreatedAt: time.Now()}}, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	req := postern.Request{Dialect: dialectName, GrantType: postern.GrantClientCredentials, ClientID: c.ID, Secret: secret, Via: postern.ViaForm,
		Source: netip.MustParseAddr("192.0.2.1"), RequestID: "r1"}
	for _, f := range change {
		f(&c, &req)
	}
	if err := h.db.CreateClient(h.t.Context(), c, event(postern.ActClientCreated)); err != nil {
		h.t.Fatal(err)
	}
	tok, err := h.issuer.Issue(h.t.Context(), req)
	if err != nil {
		h.t.Fatalf("Issue(%s): %v", dialectName, err)
	}
	return tok.Value.Reveal()
}

// personsToken is one that a person got with a password.
func (h *real) personsToken() string {
	h.t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{'k'}, seal.KeySize))
	if err != nil {
		h.t.Fatal(err)
	}
	hash, err := issuer.NewPasswords(box).Hash(h.t.Context(), postern.NewSecret(userSecret))
	if err != nil {
		h.t.Fatal(err)
	}
	u := postern.User{ID: "2b7e0000-0000-4000-8000-000000000001", Tenant: testTenant, Email: "agent@acme.test", Role: "admin", PasswordHash: hash}
	if err := h.db.CreateUser(h.t.Context(), u, event(postern.ActUserCreated)); err != nil {
		h.t.Fatal(err)
	}
	return h.token(testTenant, "comm100", hr.Scopes(), func(c *postern.Client, r *postern.Request) {
		c.Public, c.Secrets, c.Grants = true, nil, []string{postern.GrantPassword}
		*r = postern.Request{Dialect: "comm100", GrantType: postern.GrantPassword, ClientID: c.ID, Email: u.Email, Password: postern.NewSecret(userSecret),
			PartnerID: "10000", Via: postern.ViaForm, Source: r.Source, RequestID: "r1"}
	})
}

// through is a transport to a handler that adds a token.
type through struct {
	h     http.Handler
	token string
	extra http.Header
}

func (w through) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.token)
	maps.Copy(r.Header, w.extra)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// remote dials the API with a token.
func (h *real) remote(token string, extra ...string) *hr.Remote {
	h.t.Helper()
	header := http.Header{}
	for i := 0; i+1 < len(extra); i += 2 {
		header.Set(extra[i], extra[i+1])
	}
	m, err := hr.Dial(testOrigin, &http.Client{Transport: through{h.handler, token, header}})
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}
