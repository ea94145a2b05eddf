package issuer

import (
	"context"
	"time"

	"postern.dev/postern"
)

// Registry knows who is registered. Absence is NotFound.
type Registry interface {
	Client(ctx context.Context, id string) (postern.Client, error)
	ClientBySubject(ctx context.Context, subject string) (postern.Client, error)
	Tenant(ctx context.Context, id string) (postern.Tenant, error)
	TenantByPartner(ctx context.Context, partnerID int64) (postern.Tenant, error)
	User(ctx context.Context, tenant, email string) (postern.User, error)
	UserByID(ctx context.Context, tenant, id string) (postern.User, error)
}

// Journal makes events durable. Append commits all entries in one transaction
// and in order; when it returns nil they survive a crash.
type Journal interface {
	Append(ctx context.Context, entries []*postern.Entry) error
	// LiveToken gives the token that lives in a slot at now, NotFound when none does.
	LiveToken(ctx context.Context, tenant, clientID, slot string, now time.Time) (postern.LiveToken, error)
	// CountFailure adds one wrong password to a user and locks the account until the
	// time that until gives for the new count.
	CountFailure(ctx context.Context, tenant, userID string, until func(failures int) time.Time) (postern.User, error)
	ClearFailures(ctx context.Context, tenant, userID string) error
}

// Revoker ends tokens.
type Revoker interface {
	// Revoke records r and ev in one transaction, and forgets the live token that r
	// names. It answers whether r was new; ev is recorded only then.
	Revoke(ctx context.Context, r postern.Revocation, ev postern.Event) (bool, error)
	// Revoked says whether the token is revoked.
	Revoked(ctx context.Context, tokenID string) (bool, error)
	// Revocations lists those that have not expired at now, in order of token id
	// after the given one.
	Revocations(ctx context.Context, now time.Time, after string, limit int) ([]postern.Revocation, error)
}

// KeyStore keeps signing keys.
type KeyStore interface {
	Keys(ctx context.Context) ([]postern.Key, error)
	// AddKey fails with Conflict when the algorithm has a key of that generation.
	AddKey(ctx context.Context, k postern.Key, ev postern.Event) error
	// RetireKey sets when a key is removed and, with wipe, destroys its private part.
	RetireKey(ctx context.Context, id string, removeAt time.Time, wipe bool, ev postern.Event) error
	// DeleteKey forgets a key whose time of removal has passed.
	DeleteKey(ctx context.Context, id string) error
	Resources(ctx context.Context, tenant string) ([]postern.Resource, error)
}

// Feed tells what changed, so that caches stay true.
type Feed interface {
	// Changes gives those after seq, oldest first, and the newest sequence number.
	// When the feed no longer reaches back to seq it answers Conflict: everything
	// known must be forgotten.
	Changes(ctx context.Context, seq int64, limit int) ([]postern.Change, int64, error)
	// Wake gives a channel that receives when something may have changed; nil when
	// the engine cannot tell. It ends with ctx.
	Wake(ctx context.Context) <-chan struct{}
}
