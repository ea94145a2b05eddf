package registrar

import (
	"context"
	"time"

	"postern.dev/postern"
)

// Store is where everything is kept. A change is one transaction with its event. What is
// not there is NotFound; an error of a function that changes a row is given back as it is.
type Store interface {
	TenantStore
	ClientStore
	UserStore
	HouseStore
	TrailStore
	StaffStore
}

// TenantStore keeps tenants.
type TenantStore interface {
	Tenants(ctx context.Context, after string, limit int) ([]postern.Tenant, error)
	Tenant(ctx context.Context, id string) (postern.Tenant, error)
	CreateTenant(ctx context.Context, t postern.Tenant, ev postern.Event) error
	ChangeTenant(ctx context.Context, id string, ev postern.Event, fn func(*postern.Tenant) error) (postern.Tenant, error)
}

// ClientStore keeps clients.
type ClientStore interface {
	SearchClients(ctx context.Context, q postern.ClientQuery) (postern.Page[postern.Client], error)
	Client(ctx context.Context, id string) (postern.Client, error)
	CreateClient(ctx context.Context, c postern.Client, ev postern.Event) error
	ChangeClient(ctx context.Context, tenant, id string, ev postern.Event, fn func(*postern.Client) error) (postern.Client, error)
	// DeleteClient keeps a client that a check does not let go.
	DeleteClient(ctx context.Context, tenant, id string, ev postern.Event, checks ...func(*postern.Client) error) error
	// ExpiringSecrets lists those that end between from and until with none to follow, the
	// next first; of a tenant of "" those of all.
	ExpiringSecrets(ctx context.Context, tenant string, from, until time.Time, limit int) ([]postern.ExpiringSecret, error)
}

// UserStore keeps users.
type UserStore interface {
	SearchUsers(ctx context.Context, q postern.UserQuery) (postern.Page[postern.User], error)
	User(ctx context.Context, tenant, email string) (postern.User, error)
	UserByID(ctx context.Context, tenant, id string) (postern.User, error)
	CreateUser(ctx context.Context, u postern.User, ev postern.Event) error
	ChangeUser(ctx context.Context, tenant, id string, ev postern.Event, fn func(*postern.User) error) (postern.User, error)
}

// HouseStore keeps what belongs to the installation, and how its parts behave.
type HouseStore interface {
	ResourceStore
	SandboxStore
	Keys(ctx context.Context) ([]postern.Key, error)
	// Nodes lists those that were seen since then.
	Nodes(ctx context.Context, since time.Time) ([]postern.Node, error)
}

// ResourceStore keeps resources.
type ResourceStore interface {
	Resources(ctx context.Context, tenant string) ([]postern.Resource, error)
	// AddResource shows a check the other tenants that have the resource, or one that
	// differs in letter case or in slashes at its end. What a check does not let be is not
	// there, and of several at once each sees those before.
	AddResource(ctx context.Context, r postern.Resource, ev postern.Event, checks ...func(others []string) error) error
	DeleteResource(ctx context.Context, tenant, url string, ev postern.Event) error
}

// SandboxStore keeps sandboxes and request logs.
type SandboxStore interface {
	Sandbox(ctx context.Context, tenant string) (postern.Sandbox, error)
	SetSandbox(ctx context.Context, s postern.Sandbox, ev postern.Event) error
	Visits(ctx context.Context, tenant, clientID string, before int64, limit int) ([]postern.Visit, error)
}

// TrailStore keeps what happened, and counts it.
type TrailStore interface {
	SearchEvents(ctx context.Context, f postern.EventFilter) (postern.EventPage, error)
	Append(ctx context.Context, entries []*postern.Entry) error
	Chains(ctx context.Context) ([]string, error)
	VerifyChain(ctx context.Context, tenant string, progress func(done int64)) (postern.Chain, error)
	Usage(ctx context.Context, q postern.UsageQuery) (postern.Usage, error)
	Refusals(ctx context.Context, tenant, clientID string) ([]postern.Refusal, error)
}

// StaffStore keeps operators and how they come in.
type StaffStore interface {
	OperatorStore
	LinkStore
	SessionStore
	GuessStore
	AnswerStore
}

// OperatorStore keeps operators. There is always an owner of the whole installation who
// is not disabled, once there was one: what would take the last one away is a Conflict.
type OperatorStore interface {
	Operators(ctx context.Context, after string, limit int) ([]postern.Operator, error)
	OperatorStaff
}

// OperatorStaff is the part of an OperatorStore about one operator.
type OperatorStaff interface {
	Operator(ctx context.Context, id string) (postern.Operator, error)
	OperatorByEmail(ctx context.Context, email string) (postern.Operator, error)
	CreateOperator(ctx context.Context, o postern.Operator, ev postern.Event) error
	// FirstOperator fails with Conflict when there is one.
	FirstOperator(ctx context.Context, o postern.Operator, ev postern.Event) error
	// ChangeOperator keeps with an event without action only what belongs to signing in,
	// and records nothing.
	ChangeOperator(ctx context.Context, id string, ev postern.Event, fn func(*postern.Operator) error) (postern.Operator, error)
	// DeleteOperator keeps an operator that a check does not let go.
	DeleteOperator(ctx context.Context, id string, ev postern.Event, checks ...func(*postern.Operator) error) error
}

// LinkStore keeps one-time links by a hash of their code. The operator of the first link
// of all is "".
type LinkStore interface {
	SaveInvite(ctx context.Context, codeHash, operator string, until time.Time) error
	Invite(ctx context.Context, codeHash string, now time.Time) (operator string, err error)
	TakeInvite(ctx context.Context, codeHash string, now time.Time) (operator string, err error)
}

// SessionStore keeps sessions by a hash of their cookie.
type SessionStore interface {
	CreateSession(ctx context.Context, s postern.Session) error
	Session(ctx context.Context, id string) (postern.Session, error)
	TouchSession(ctx context.Context, id string, fn func(*postern.Session)) (postern.Session, error)
	// Sessions come last seen first.
	Sessions(ctx context.Context, operator string) ([]postern.Session, error)
	DeleteSession(ctx context.Context, operator, id string) error
	DeleteSessions(ctx context.Context, operator, but string) error
}

// GuessStore counts guesses, and remembers networks, for every node.
type GuessStore interface {
	// Guess counts one under a key and locks the key until the time that until gives for
	// the new count, which begins anew after forget. While it is locked, nothing is
	// counted and wait is for how long.
	Guess(ctx context.Context, key string, now time.Time, forget time.Duration, until func(count int) time.Time) (count int, wait time.Duration, err error)
	ForgetGuesses(ctx context.Context, key string) error
	KnowNetwork(ctx context.Context, key string, now, until time.Time) error
	KnownNetwork(ctx context.Context, key string, now time.Time) (bool, error)
}

// AnswerStore keeps for a day what was made with an idempotency key.
type AnswerStore interface {
	// Once takes a key for a request, or gives the sealed answer that it had. It fails
	// with Conflict when the key was used for another request, or is in use.
	Once(ctx context.Context, actor, key, digest string, now time.Time) (sealed string, err error)
	// KeepOnce keeps the answer; "" gives the key back.
	KeepOnce(ctx context.Context, actor, key, sealed string) error
}
