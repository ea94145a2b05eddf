package postern

import "context"

// Issuer decides and issues. Every method answers with an *Error that the wire
// can translate; none leaks why a client or a person was not accepted.
type Issuer interface {
	// Issue checks the proof in req and gives the token, once the event is durable.
	Issue(ctx context.Context, req Request) (Token, error)
	// Refuse records that req was refused before Issue could be asked, because it
	// could not be read. It returns the error to answer with: err, or TooMany.
	Refuse(ctx context.Context, req Request, err error) error
	// Verify checks a token of ours: signature, time, revocation, the state of its
	// client, tenant and user, and want. It fails with Unauthenticated (BadToken) or
	// Forbidden (LowScope).
	Verify(ctx context.Context, raw string, want Want) (Claims, error)
	// Introspect answers RFC 7662 for the client that req proves. It fails with
	// NotFound for a token that is not active or not the caller's to see.
	Introspect(ctx context.Context, req Request, raw string) (Claims, error)
	// Revoke ends a token (RFC 7009). The proof is req's client, or, where req
	// names none, the token itself. Unknown and foreign tokens are no error.
	Revoke(ctx context.Context, req Request, raw string) error
}

// KeySet gives the public keys that tokens of ours may be verified with,
// including those that do not sign yet.
type KeySet interface {
	PublicKeys() []Key
}
