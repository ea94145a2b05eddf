// Package registrar manages an installation: its tenants, clients, users, keys and
// operators. Every rule of management is here, whoever asks: a command beside the
// database, the operator API or the console. It decides who may do what by one table
// (Rules), bounds an actor to its tenant, keeps a record of every change, and lets
// operators in.
package registrar

import (
	"context"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// Hasher gives the stored form of a secret that we made.
type Hasher interface {
	Hash(secret postern.Secret) string
}

// Passwords hashes and checks the passwords of people. An empty stored form matches
// nothing and takes as long as any other.
type Passwords interface {
	Hash(ctx context.Context, password postern.Secret) (string, error)
	Check(ctx context.Context, stored string, password postern.Secret) (bool, error)
}

// Keyring rotates and retires keys in an actor's name.
type Keyring interface {
	// Rotate publishes a successor that signs after delay; a negative one is the
	// configured pause.
	Rotate(ctx context.Context, alg postern.Alg, delay time.Duration) (postern.Key, error)
	Retire(ctx context.Context, id string) error
}

// Dialect is what has to be known of a dialect that clients may be given.
type Dialect struct {
	Name string
	Kind postern.Kind // whom it gives tokens; "" for one that we only call
}

// Config is what a Registrar is made of. Every field without a default is needed.
type Config struct {
	Store     Store
	Box       *seal.Box // seals second factors and answers that hold a secret
	Secrets   Hasher
	Passwords Passwords
	Keys      func(by postern.Actor) Keyring
	// StateOf says where a key stands among all keys.
	StateOf func(key postern.Key, keys []postern.Key, now time.Time) postern.KeyState

	Dialects   []Dialect
	Scopes     postern.Scopes // that mean something on every tenant
	Attributes []string       // the fields of persons that a whitelist can name
	Own        []string       // the addresses that every tenant may have tokens made out to
	// CheckSandbox fails with Invalid for a sandbox that cannot be.
	CheckSandbox func(*postern.Sandbox) error
	// Reset forgets everybody of a tenant and gives how many persons there are then.
	Reset func(ctx context.Context, tenant string, w postern.Write) (int, error)

	Database string // as Health.Database has it
	Version  string // of the program
	// Warnings are sentences of the program's own for Health; nil means none.
	Warnings func(ctx context.Context) []string
	Now      func() time.Time // nil means time.Now
}

// Registrar holds the rules of management. It may be used by any number of goroutines.
type Registrar struct {
	cfg Config
	// Keys for what is looked up by its hash, each of its own kind.
	cookies, links, requests, guesses []byte
	reads                             reads
	verifies, resets, searches        gate
}

// New makes a Registrar. It fails with Invalid when a part is missing.
func New(cfg Config) (*Registrar, error) {
	if cfg.Store == nil || cfg.Box == nil || cfg.Secrets == nil || cfg.Passwords == nil || cfg.Keys == nil ||
		cfg.StateOf == nil || cfg.CheckSandbox == nil || cfg.Reset == nil {
		return nil, postern.Errorf(postern.Invalid, "a registrar needs a store, a box, hashes, keys, and the rules of a sandbox")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	key := func(label string) []byte { return cfg.Box.Derive("postern "+label+" v1", 32) }
	return &Registrar{cfg: cfg, cookies: key("operator sessions"), links: key("operator links"),
		requests: key("idempotency keys"), guesses: key("operator guesses"),
		verifies: newGate(maxVerifies), resets: newGate(maxResets), searches: newGate(maxSearches)}, nil
}

// Office opens the office for an actor, whom the caller has made sure of.
func (r *Registrar) Office(actor postern.Actor) postern.Office { return &office{r: r, actor: actor} }

// now is to the millisecond, as what is stored, so that a Version of what is given is
// that of what is kept.
func (r *Registrar) now() time.Time { return r.cfg.Now().UTC().Truncate(time.Millisecond) }

// office is a Registrar in an actor's name.
type office struct {
	r     *Registrar
	actor postern.Actor
}

func (o *office) store() Store { return o.r.cfg.Store }

// event begins the record of a change.
func (o *office) event(tenant, action, object, detail string) postern.Event {
	ev := postern.Event{Tenant: tenant, At: o.r.now(), Action: action, Actor: o.actor.Name, RequestID: o.actor.RequestID,
		Object: postern.Shorten(object, maxTold), Detail: postern.Shorten(detail, maxTold)}
	if o.actor.Source.IsValid() {
		ev.Source = o.actor.Source.String()
	}
	return ev
}

// maxTold bounds what a record tells of a change, in bytes.
const maxTold = 1000

// invalid makes the error for a value that cannot be.
func invalid(param, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = param
	return e
}

// match fails with Conflict for something that changed since the caller saw it.
func match(e postern.Edit, updated time.Time) error {
	if e.Match == "" || e.Match == postern.Version(updated) {
		return nil
	}
	return postern.Errorf(postern.Conflict, "it was changed meanwhile").WithHint("look at it again, then change it")
}

// defaultPage is how many items a page has when nobody says so.
const defaultPage = 100

// paging fails with Invalid for a page that cannot be given.
func paging(p postern.Paging) (postern.Paging, error) {
	if p.Limit == 0 {
		p.Limit = defaultPage
	}
	if p.Limit < 1 || p.Limit > postern.MaxPage {
		return p, invalid("limit", "a page has 1 to %d items", postern.MaxPage)
	}
	if p.Offset != 0 {
		return p, invalid("offset", "pages are found by where the one before ended")
	}
	return p, nil
}

// onePage reads a page, and one item more to know whether there is another.
func onePage[T any](p postern.Paging, id func(T) string, read func(after string, limit int) ([]T, error)) (postern.Page[T], error) {
	p, err := paging(p)
	if err != nil {
		return postern.Page[T]{}, err
	}
	all, err := read(p.After, p.Limit+1)
	if err != nil || len(all) <= p.Limit {
		return postern.Page[T]{Items: all}, err
	}
	return postern.Page[T]{Items: all[:p.Limit], Next: id(all[p.Limit-1])}, nil
}
