package broker

import (
	"context"
	"time"

	"postern.dev/postern"
)

// A Fetcher asks a token server for a token: the only way of the broker into the
// network.
type Fetcher interface {
	// Fetch makes one request for a token and gives up when ctx ends. What it fails with
	// names no credential; TooMany and Unavailable may say when to ask again, and
	// Unauthenticated means that the credential is refused. Date is filled in whenever
	// the server answered and told.
	Fetch(ctx context.Context, up postern.Upstream, req postern.Request) (Answer, error)
}

// Answer is what a token server says.
type Answer struct {
	Token postern.Token // ExpiresIn is what counts; 0 means that the server did not say
	Date  time.Time     // of the server, when it answered; zero if it did not tell
}

// A Store shares tokens between processes and nodes. Whatever it fails with, the
// broker does without it.
type Store interface {
	// UpstreamToken gives the row of a key, NotFound when there is none.
	UpstreamToken(ctx context.Context, key string) (postern.UpstreamToken, error)
	// SaveUpstreamToken keeps t if what is there has the version before it; otherwise it
	// fails with Conflict.
	SaveUpstreamToken(ctx context.Context, t postern.UpstreamToken) error
	// LeaseUpstream makes owner the only one to ask for the token of key until then, and
	// says whether it did. A lease that ended by now is free.
	LeaseUpstream(ctx context.Context, key, owner string, now, until time.Time) (bool, error)
	// FreeUpstream ends the lease of owner.
	FreeUpstream(ctx context.Context, key, owner string) error
}

// A Box seals what the store keeps, under a key that is not in the store. Open fails
// for what was sealed with another key or in another context. Derive gives n bytes
// that depend on the key and the label.
type Box interface {
	Seal(context string, plain []byte) string
	Open(context, sealed string) ([]byte, error)
	Derive(label string, n int) []byte
}
