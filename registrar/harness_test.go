package registrar_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/registrar"
	"postern.dev/postern/store"
)

// desk is a registrar over a database of its own, with a clock that stands.
type desk struct {
	t    testing.TB
	dir  string // of the database's files
	db   *store.DB
	reg  *registrar.Registrar
	hash *issuer.Hasher
	pass *plainPasswords

	mu     sync.Mutex
	clock  time.Time
	resets atomic.Int64
	names  atomic.Int64
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock
}

func (d *desk) pause(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = d.clock.Add(by)
}

// newDesk is on SQLite; storetest sees to it that both engines keep the same promises.
func newDesk(t testing.TB) *desk {
	t.Helper()
	dir := t.TempDir()
	raw, err := empty()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "postern.db"), raw, 0o600))
	d := deskAt(t, "sqlite:"+filepath.Join(dir, "postern.db"))
	d.dir = dir
	return d
}

// empty is a database without a row, made once: to make one takes longer than most tests.
var empty = sync.OnceValues(func() (raw []byte, err error) {
	dir, err := os.MkdirTemp("", "registrar")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "postern.db")
	db, err := store.Open(context.Background(), "sqlite:"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func deskAt(t testing.TB, dsn string) *desk {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	raw, err := seal.Parse(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, db: db, hash: issuer.NewHasher(box), pass: &plainPasswords{}, clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	d.reg, err = registrar.New(d.config(box))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) config(box *seal.Box) registrar.Config {
	cfg := registrar.Config{
		Store: d.db, Box: box, Secrets: d.hash, Passwords: d.pass, StateOf: issuer.StateOf,
		Keys: func(by postern.Actor) registrar.Keyring {
			return &issuer.Keys{Store: d.db, Box: box, Now: d.now, Actor: by.Name, RequestID: by.RequestID, Source: by.Source.String()}
		},
		Scopes: postern.NewScopes(append(hr.Scopes(), "idp_api")...), Attributes: hr.AttributeNames(), CheckSandbox: hr.CheckSandbox,
		Reset: func(context.Context, string, postern.Write) (int, error) {
			d.resets.Add(1)
			return 7, nil
		},
		Own:      []string{"https://tokens.test", "https://tokens.test/mcp"},
		Database: d.db.Engine(), Version: "test", Now: d.now,
	}
	for _, p := range dialect.All {
		dialect := registrar.Dialect{Name: p.Name()}
		for _, profile := range dialectProfiles() {
			if profile.Dialect == p.Name() {
				dialect.Kind = profile.Kind
			}
		}
		cfg.Dialects = append(cfg.Dialects, dialect)
	}
	return cfg
}

func dialectProfiles() []postern.Profile { return dialect.Profiles() }

// plainPasswords compares passwords as they are, so that many can be tried; the real
// work is tested with the real one.
type plainPasswords struct {
	mu     sync.Mutex
	checks []string // the stored forms that were compared
}

func (p *plainPasswords) Hash(_ context.Context, password postern.Secret) (string, error) {
	return "plain:" + password.Reveal(), nil
}

func (p *plainPasswords) Check(_ context.Context, stored string, password postern.Secret) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, stored)
	return stored != "" && stored == "plain:"+password.Reveal(), nil
}

// compared gives what was compared since the last call.
func (p *plainPasswords) compared() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.checks
	p.checks = nil
	return all
}

// actor is somebody who has just proven who they are.
func (d *desk) actor(role postern.Role, tenant string) postern.Actor {
	return postern.Actor{Name: "operator:" + string(role) + "-" + tenant, Role: role, Tenant: tenant, ProvenAt: d.now(),
		RequestID: "req-1", Source: netip.MustParseAddr("192.0.2.7")}
}

// owner is an office in which everything may be done.
func (d *desk) owner() postern.Office { return d.reg.Office(d.actor(postern.Owner, "")) }

// fresh gives a name that nothing has yet.
func (d *desk) fresh(kind string) string { return kind + strconv.FormatInt(d.names.Add(1), 10) }

func (d *desk) tenant(id string) postern.Tenant {
	d.t.Helper()
	t, err := d.owner().CreateTenant(d.t.Context(), postern.Tenant{ID: id}, postern.Edit{})
	must(d.t, err)
	return t
}

func (d *desk) client(tenant string, scopes ...string) postern.Client {
	d.t.Helper()
	c, _, err := d.owner().CreateClient(d.t.Context(), postern.Client{Tenant: tenant, Name: d.fresh("client"), Scopes: scopes}, 0, postern.Edit{})
	must(d.t, err)
	return c
}

func (d *desk) user(tenant string) postern.User {
	d.t.Helper()
	u, _, err := d.owner().CreateUser(d.t.Context(), postern.User{Tenant: tenant, Email: d.fresh("u") + "@acme.test"}, postern.Secret{}, postern.Edit{})
	must(d.t, err)
	return u
}

const goodPassword = "four unrelated words here"

// operator makes an operator who has set a password, and gives the cookie of the session
// that it began.
func (d *desk) operator(role postern.Role, tenant string) (postern.Operator, postern.Secret) {
	d.t.Helper()
	_, code, err := d.owner().CreateOperator(d.t.Context(), postern.Operator{Email: d.fresh("op") + "@ops.test", Role: role, Tenant: tenant}, postern.Edit{})
	must(d.t, err)
	cookie, op, err := d.reg.Accept(d.t.Context(), code, postern.Operator{}, postern.NewSecret(goodPassword), home)
	must(d.t, err)
	return op, cookie
}

// Two networks from which operators come.
var (
	home   = postern.Browser{Source: netip.MustParseAddr("192.0.2.7"), Agent: "browser", RequestID: "req-1"}
	abroad = postern.Browser{Source: netip.MustParseAddr("198.51.100.9"), Agent: "other", RequestID: "req-2"}
)

// last gives the newest record of a trail.
func (d *desk) last(tenant string) postern.Event {
	d.t.Helper()
	all, err := d.db.Events(d.t.Context(), postern.EventFilter{Tenant: tenant, Limit: 1})
	must(d.t, err)
	if len(all) == 0 {
		return postern.Event{}
	}
	return all[0]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code postern.Code) {
	t.Helper()
	if postern.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func wantReason(t testing.TB, err error, code postern.Code, reason postern.Reason) {
	t.Helper()
	if postern.CodeOf(err) != code || postern.ReasonOf(err) != reason {
		t.Errorf("got %v (%s), want %s, %s", err, postern.ReasonOf(err), code, reason)
	}
}

func at[T any](v T) *T { return &v }
