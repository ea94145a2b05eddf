package postern

import (
	"context"
	"time"
)

// An Office is where an installation is managed: beside the database, or through the
// operator API of a server. Who asks is the Actor that it was opened for. What the role
// does not allow is Forbidden; what belongs to another tenant is NotFound, like what does
// not exist; a stale Edit.Match is Conflict.
type Office interface {
	Tenancy
	Clientele
	Credentials
	Users
	House
	Operators
}

// House is the part of an Office about what everything stands on.
type House interface {
	Keys
	Resources
	Trail
	Sandboxes
}

// Tenancy is the part of an Office about tenants.
type Tenancy interface {
	// Tenants come in order of their id.
	Tenants(ctx context.Context, p Paging) (Page[Tenant], error)
	Tenant(ctx context.Context, id string) (Tenant, error)
	CreateTenant(ctx context.Context, t Tenant, e Edit) (Tenant, error)
	ChangeTenant(ctx context.Context, id string, c TenantChange, e Edit) (Tenant, error)
	// RevokeTenant ends every token of a tenant.
	RevokeTenant(ctx context.Context, id string) (Tenant, error)
}

// Clientele is the part of an Office about clients.
type Clientele interface {
	Clients(ctx context.Context, q ClientQuery) (Page[Client], error)
	Client(ctx context.Context, id string) (Client, error)
	// CreateClient makes a client and gives its secret, which nobody can see again; a
	// public one has none. life bounds the secret; 0 does not. Of c the id, the subject,
	// the grants and the secrets are made; no dialects means every one of its kind.
	CreateClient(ctx context.Context, c Client, life time.Duration, e Edit) (Client, Secret, error)
	ChangeClient(ctx context.Context, id string, c ClientChange, e Edit) (Client, error)
	DeleteClient(ctx context.Context, id string, e Edit) error
	// Refusals gives the last refusals of a client, newest first, at most 50.
	Refusals(ctx context.Context, id string) ([]Refusal, error)
}

// Credentials is the part of an Office about secrets and tokens of clients.
type Credentials interface {
	// RotateSecret gives a client another secret. The old one works on for overlap, and
	// of more than two the oldest ends. life is as for CreateClient.
	RotateSecret(ctx context.Context, id string, overlap, life time.Duration, e Edit) (Client, Secret, error)
	// EndSecret ends one secret at once.
	EndSecret(ctx context.Context, id, secret string, e Edit) (Client, error)
	// RevokeClient ends every token of a client.
	RevokeClient(ctx context.Context, id string) (Client, error)
}

// Users is the part of an Office about people with a password.
type Users interface {
	Users(ctx context.Context, q UserQuery) (Page[User], error)
	// User finds a user by id or e-mail address.
	User(ctx context.Context, tenant, idOrEmail string) (User, error)
	// CreateUser makes a user. An empty password is made and given back; one that was
	// given is not.
	CreateUser(ctx context.Context, u User, password Secret, e Edit) (User, Secret, error)
	ChangeUser(ctx context.Context, tenant, id string, c UserChange, e Edit) (User, error)
	// SetPassword is as CreateUser about the password; it ends the user's tokens.
	SetPassword(ctx context.Context, tenant, id string, password Secret) (User, Secret, error)
}

// Keys is the part of an Office about what signs tokens.
type Keys interface {
	Keys(ctx context.Context) ([]KeyStanding, error)
	// RotateKey publishes a successor that signs after delay, at most 90 days; a negative
	// one is the configured pause.
	RotateKey(ctx context.Context, alg Alg, delay time.Duration) (KeyStanding, error)
	RetireKey(ctx context.Context, id string) error
}

// Resources is the part of an Office about the APIs that tokens may be made out to, and
// the scopes that mean something.
type Resources interface {
	Resources(ctx context.Context, tenant string) ([]Resource, error)
	CreateResource(ctx context.Context, r Resource, e Edit) (Resource, error)
	DeleteResource(ctx context.Context, tenant, url string) error
	// Scopes lists the scopes that are known, those of the tenant's resources among them.
	Scopes(ctx context.Context, tenant string) (Scopes, error)
}

// Trail is the part of an Office about what happened.
type Trail interface {
	// Events reads an audit trail, which leaves a record itself.
	Events(ctx context.Context, f EventFilter) (EventPage, error)
	// Chains lists the tenants whose trails there are.
	Chains(ctx context.Context) ([]string, error)
	// VerifyChain reads a trail from its start; progress is told how far it is, and may
	// be nil.
	VerifyChain(ctx context.Context, tenant string, progress func(done int64)) (Chain, error)
	Usage(ctx context.Context, q UsageQuery) (Usage, error)
	Health(ctx context.Context) (Health, error)
}

// Sandboxes is the part of an Office about how the HR API of a tenant behaves.
type Sandboxes interface {
	Sandbox(ctx context.Context, tenant string) (Sandbox, error)
	SetSandbox(ctx context.Context, s Sandbox) error
	Visits(ctx context.Context, q VisitQuery) ([]Visit, error)
	// ResetTenant forgets everybody of a tenant; the demo tenant gets its company again.
	// It gives how many persons there are then.
	ResetTenant(ctx context.Context, tenant string) (int, error)
}

// Operators is the part of an Office about those who run it.
type Operators interface {
	Operators(ctx context.Context, p Paging) (Page[Operator], error)
	// CreateOperator makes an operator and gives the code for the one-time link at which
	// the operator sets a password.
	CreateOperator(ctx context.Context, o Operator, e Edit) (Operator, Secret, error)
	ChangeOperator(ctx context.Context, id string, c OperatorChange, e Edit) (Operator, error)
	DeleteOperator(ctx context.Context, id string, e Edit) error
	Sessions(ctx context.Context, operator string) ([]Session, error)
	EndSession(ctx context.Context, operator, session string) error
}

// Inviter is an Office that can give an operator another one-time link: the first one ran
// out, or the password was lost.
type Inviter interface {
	// InviteOperator gives the code for the link. The password and the sessions that the
	// operator has stay until the link is used.
	InviteOperator(ctx context.Context, id string) (Operator, Secret, error)
}
