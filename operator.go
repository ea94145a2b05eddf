package postern

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Role is what an operator may do.
type Role string

// The roles, from the widest on.
const (
	Owner   Role = "owner"   // everything, operators included
	Admin   Role = "admin"   // everything but operators
	Auditor Role = "auditor" // looks at everything and changes nothing
)

// Roles lists every role.
var Roles = []Role{Owner, Admin, Auditor}

// Operator is a person who runs the installation, or a tenant of it. No token is ever
// given in an operator's name.
type Operator struct {
	ID     string // a GUID
	Email  string // canonical: see CanonicalEmail; unique
	Name   string
	Role   Role
	Tenant string // whose affairs the role is for; "" is everybody's
	// PasswordHash is argon2id in PHC form; empty until the operator has set a password.
	PasswordHash string
	// TOTP is the sealed secret of a second factor (RFC 6238); empty without one.
	TOTP     string
	TOTPStep int64 // the last step that was used: a code is good once
	Disabled bool
	Failures int       // wrong passwords and codes since the last right ones
	Locked   time.Time // nothing is right before it
	SeenAt   time.Time // last signed in
	// CreatedAt and UpdatedAt are to the millisecond.
	CreatedAt, UpdatedAt time.Time
}

// Check fails with Invalid for an operator that cannot be.
func (o *Operator) Check() error {
	if err := CheckEmail(o.Email); err != nil {
		return AsError(err).at("email")
	}
	switch {
	case len(o.Name) > MaxName:
		return Errorf(Invalid, "the name is longer than %d bytes", MaxName).at("name")
	case !slices.Contains(Roles, o.Role):
		return Errorf(Invalid, "there is no role %q", Shorten(string(o.Role), 40)).at("role").WithHint("it is one of %s", listed(Roles))
	}
	return nil
}

// Session is an operator signed in at a browser.
type Session struct {
	ID        string // a hash of what the cookie holds
	Operator  string // Operator.ID
	CreatedAt time.Time
	SeenAt    time.Time
	ProvenAt  time.Time // when the operator last proved who they are
	ExpiresAt time.Time
	Source    string // the address it was last used from
	Agent     string // the browser, as it calls itself, shortened
}

// Actor is who manages: an operator, a client with the right to, or whoever runs a
// command beside the database.
type Actor struct {
	Name   string // as Event.Actor has it: operator:ID, client:ID, cli:NAME
	Role   Role
	Tenant string // whose affairs the role is for; "" is everybody's
	// ProvenAt is when the actor last proved who they are. What cannot be undone wants it
	// to be recent; machines prove it with every call.
	ProvenAt  time.Time
	RequestID string
	Source    netip.Addr
}

// Version names the state of something that was last changed at t; it is its ETag.
func Version(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 36) }

// Edit is how something is changed or made.
type Edit struct {
	// Match is the Version that is to be changed; another one is a Conflict. "" takes any.
	Match string
	// Key makes creating twice with the same key create once; see Write.Key.
	Key string
}

// TenantChange changes what is not nil of a tenant.
type TenantChange struct {
	Name, Zone            *string
	PartnerID             *int64
	RefuseQuery, Disabled *bool
}

// ClientChange changes what is not nil of a client.
type ClientChange struct {
	Name                          *string
	Scopes                        *Scopes
	Dialects, Tenants, Attributes *[]string
	TokenLife                     *time.Duration // zero is the dialect's
	Ranges                        *[]netip.Prefix
	Disabled                      *bool
}

// UserChange changes what is not nil of a user. Unlock forgets wrong passwords.
type UserChange struct {
	Role, AgentID    *string
	SiteID           *int64
	Disabled, Unlock *bool
}

// OperatorChange changes what is not nil of an operator. NoTOTP takes the second factor
// away, of someone who lost it.
type OperatorChange struct {
	Name                     *string
	Role                     *Role
	Disabled, Unlock, NoTOTP *bool
}

// ClientQuery asks for clients of a tenant, in order of their id. Text has to be in the
// name or the id, whatever the case.
type ClientQuery struct {
	Tenant string
	Text   string
	Paging
}

// UserQuery asks for users of a tenant, in order of their id.
type UserQuery struct {
	Tenant string
	Text   string // in the e-mail address
	Paging
}

// VisitQuery asks for calls in a request log, newest first.
type VisitQuery struct {
	Tenant, ClientID string // a ClientID of "" is any
	Before           int64  // only smaller numbers; 0 is from the newest
	Limit            int
}

// KeyStanding is a key and where it stands in its life.
type KeyStanding struct {
	Key
	State KeyState
}

// Chain is how the audit trail of a tenant was found when it was verified.
type Chain struct {
	Tenant  string
	Count   int64
	Head    string // the hash of the last record: keep it, and a later run proves the past
	BadSeq  int64  // the first record that is wrong; 0 when all are right
	Problem string // what is wrong with it
}

// EventPage is a part of an audit trail, newest first.
type EventPage struct {
	Events []Event
	// Next is for EventFilter.Before; 0 when there is nothing before. A search reads a
	// bounded part of a long trail at a time, so Events may be few while Next is not 0.
	Next int64
}

// UsageQuery asks how tokens were given and refused.
type UsageQuery struct {
	Tenant   string // SystemTenant for what belongs to none; "" is all together
	ClientID string // "" is all together
	Since    time.Time
	Step     time.Duration // an hour or a day: how the time is cut
}

// Usage counts tokens.
type Usage struct {
	Steps []UsageStep
	// Clients are the 20 busiest, the busiest first, and behind them up to 10 each of those
	// that were refused most and that sent most credentials in a query. Of a query with a
	// ClientID it is that client.
	Clients []ClientUsage
	// Through is until when the trail has been counted: what is younger is missing.
	Through time.Time
}

// UsageStep is one cut of time.
type UsageStep struct {
	At      time.Time
	Dialect string
	Issued  int64 // or given again
	Refused int64
}

// ClientUsage is what one client did in the time that was asked for.
type ClientUsage struct {
	ClientID        string
	Issued, Refused int64
	// Query counts credentials that came in a query string.
	Query int64
	Last  time.Time
}

// Refusal is why a client was not given a token, or whose tokens were not good.
type Refusal struct {
	At      time.Time
	Dialect string
	Cause   string // for operators
	Source  string
	Count   int64 // how often within the hour
}

// Health is how the installation stands.
type Health struct {
	Nodes    []Node
	Database string // sqlite or postgres
	Version  string // of the program that answers
	// Expiring are the secrets that end within 30 days, the next first, at most 50.
	Expiring []ExpiringSecret
	// Warnings are sentences about what an operator should look at.
	Warnings []string
}

// Node is one process that serves.
type Node struct {
	Name, URL, Version string
	StartedAt, SeenAt  time.Time
}

// ExpiringSecret is a secret of a client that ends soon, without another to follow it.
type ExpiringSecret struct {
	Tenant, ClientID, Name string
	ExpiresAt              time.Time
}

// Browser is what an operator signs in with.
type Browser struct {
	Source    netip.Addr
	Agent     string // as it calls itself
	RequestID string
	// Polls says that a page asks by itself: that nobody touches it does not count as use.
	Polls bool
}

// Door lets operators in. What is wrong with an e-mail address, a password or a code is
// told to nobody: it is Unauthenticated, BadGrant, and TooMany once it was wrong too often.
type Door interface {
	// SignIn begins a session and gives what the cookie holds. It fails with
	// Unauthenticated, NeedCode, when the password is right and a second factor is missing.
	SignIn(ctx context.Context, email string, password Secret, code string, b Browser) (Secret, Operator, error)
	// SignedIn gives who holds a cookie, and lets the session live on, unless the browser
	// only polls. It fails with Unauthenticated, BadToken.
	SignedIn(ctx context.Context, cookie Secret, b Browser) (Operator, Session, error)
	// Prove proves again who holds a cookie, for what cannot be undone, and gives what
	// the cookie holds from now on: what it held before is worth nothing any more.
	Prove(ctx context.Context, cookie, password Secret, code string, b Browser) (Secret, error)
	SignOut(ctx context.Context, cookie Secret, b Browser) error
	// Invited looks at a one-time link without using it up. The operator it is for has no
	// e-mail address yet when it is the first of all. It fails with NotFound.
	Invited(ctx context.Context, code Secret) (Operator, error)
	// Accept uses a one-time link up: it sets the password, makes the first operator
	// where o says who that is, and begins a session. A weak password is Invalid.
	Accept(ctx context.Context, code Secret, o Operator, password Secret, b Browser) (Secret, Operator, error)
}

// Wardrobe is where an operator changes what they prove themselves with. Each of them
// wants a session that was proven lately: else it is Unauthenticated, StaleProof.
type Wardrobe interface {
	ChangePassword(ctx context.Context, cookie, password Secret, b Browser) error
	// NewTOTP makes the secret of a second factor, as the otpauth URI that apps read. It
	// counts for nothing until KeepTOTP is shown a code of it.
	NewTOTP(ctx context.Context, cookie Secret) (uri Secret, err error)
	KeepTOTP(ctx context.Context, cookie, uri Secret, code string, b Browser) error
	DropTOTP(ctx context.Context, cookie Secret, b Browser) error
}
