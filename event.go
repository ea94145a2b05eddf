package postern

import "time"

// Event is something that happened, kept in the audit trail of its tenant. It
// never holds a secret, a password or a token. Empty fields are left out.
type Event struct {
	Tenant    string
	Seq       int64 // position in the tenant's chain, from 1; set by the store
	At        time.Time
	Action    string // one of the constants below
	Actor     string // who did it: "client:ID", "cli:NAME", "system"
	ClientID  string
	UserID    string
	Dialect   string
	Grant     string
	TokenID   string // jti
	Scope     string
	Audience  string
	KeyID     string
	Via       string // how the credential came: "basic", "form", "json", "text", "query"
	Source    string // address of the caller
	RequestID string
	Code      Code   // of a refusal
	Cause     string // of a refusal: the true cause, which the caller is not told
	Object    string // what an administrative change was made to
	Detail    string // what was changed, in words
	Hash      string // of this event and the one before; set by the store
}

// The actions.
const (
	ActTokenIssued    = "token.issued"
	ActTokenReused    = "token.reused" // the live token was answered again
	ActTokenRefused   = "token.refused"
	ActTokenRevoked   = "token.revoked"
	ActThrottled      = "token.throttled" // the first of a run of 429s
	ActAccountLocked  = "user.locked"
	ActClientCreated  = "client.created"
	ActClientChanged  = "client.changed"
	ActClientDeleted  = "client.deleted"
	ActClientRevoked  = "client.revoked" // all its tokens
	ActSecretAdded    = "client.secret_added"
	ActSecretEnded    = "client.secret_ended"
	ActTenantCreated  = "tenant.created"
	ActTenantChanged  = "tenant.changed"
	ActTenantRevoked  = "tenant.revoked" // all its tokens
	ActUserCreated    = "user.created"
	ActUserChanged    = "user.changed"
	ActUserPassword   = "user.password_set"
	ActKeyCreated     = "key.created"
	ActKeyRetired     = "key.retired"
	ActResourceAdded  = "resource.created"
	ActResourceGone   = "resource.deleted"
	ActPersonCreated  = "person.created"
	ActPersonChanged  = "person.changed"
	ActPersonDeleted  = "person.deleted"
	ActWorkChanged    = "employment.changed"
	ActAbsenceCreated = "absence.created"
	ActAbsenceChanged = "absence.changed"
	ActAbsenceDeleted = "absence.deleted"
	ActTimeCreated    = "attendance.created"
	ActTimeChanged    = "attendance.changed"
	ActTimeDeleted    = "attendance.deleted"
	ActImported       = "hr.imported"
	ActReset          = "hr.reset"
	ActSandbox        = "sandbox.changed"
	ActUpstreamSaved  = "upstream.saved"
	ActUpstreamGone   = "upstream.deleted"
	ActToolCalled     = "tool.called"
	ActToolRefused    = "tool.refused"
	ActAuditRead      = "audit.read"

	ActOperatorCreated   = "operator.created"
	ActOperatorChanged   = "operator.changed"
	ActOperatorDeleted   = "operator.deleted"
	ActOperatorSignedIn  = "operator.signed_in"
	ActOperatorProven    = "operator.proven" // who they are, again
	ActOperatorSignedOut = "operator.signed_out"
	ActOperatorRefused   = "operator.refused" // at the door
	ActOperatorLocked    = "operator.locked"
	ActSessionEnded      = "session.ended"

	ActServerStarted = "server.started"
	ActServerStopped = "server.stopped"
)

// Actions lists every action.
var Actions = []string{
	ActTokenIssued, ActTokenReused, ActTokenRefused, ActTokenRevoked, ActThrottled, ActAccountLocked,
	ActClientCreated, ActClientChanged, ActClientDeleted, ActClientRevoked, ActSecretAdded, ActSecretEnded,
	ActTenantCreated, ActTenantChanged, ActTenantRevoked, ActUserCreated, ActUserChanged, ActUserPassword,
	ActKeyCreated, ActKeyRetired, ActResourceAdded, ActResourceGone, ActPersonCreated, ActPersonChanged,
	ActPersonDeleted, ActWorkChanged, ActAbsenceCreated, ActAbsenceChanged, ActAbsenceDeleted, ActTimeCreated,
	ActTimeChanged, ActTimeDeleted, ActImported, ActReset, ActSandbox, ActUpstreamSaved, ActUpstreamGone, ActToolCalled, ActToolRefused, ActAuditRead, ActServerStarted,
	ActServerStopped, ActOperatorCreated, ActOperatorChanged, ActOperatorDeleted, ActOperatorSignedIn, ActOperatorProven,
	ActOperatorSignedOut, ActOperatorRefused, ActOperatorLocked, ActSessionEnded,
}

// EventFilter selects events of one tenant. Zero fields select everything.
type EventFilter struct {
	Tenant   string // required; SystemTenant for events of no tenant
	Action   string
	ClientID string
	Since    time.Time // inclusive
	Until    time.Time // exclusive
	Before   int64     // only events with a smaller Seq; 0 means from the newest
	Limit    int       // 1 to 1000; 0 means 100
}

// Change says that cached knowledge is out of date. The store writes one in the
// transaction that makes it so; every node reads them in order.
type Change struct {
	Seq    int64
	Kind   string // one of the constants below
	Tenant string
	ID     string    // client id, tenant id, user id or token id
	Until  time.Time // for ChangeRevoked: when the token would have expired
}

// The kinds of change.
const (
	ChangeClient   = "client"
	ChangeTenant   = "tenant"
	ChangeUser     = "user"
	ChangeKey      = "key"
	ChangeResource = "resource"
	ChangeRevoked  = "revoked" // one token
)
