package postern

import (
	"crypto"
	"time"
)

// Alg is a JWS algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). A key has
// exactly one, and the algorithm of a token is that of the key, never the one the
// token names.
type Alg string

// The algorithms we sign with.
const (
	ES256 Alg = "ES256"
	RS256 Alg = "RS256"
	EdDSA Alg = "EdDSA"
	HS256 Alg = "HS256"
)

// Algs lists the algorithms; there is always one signing key of each.
var Algs = []Alg{ES256, RS256, EdDSA, HS256}

// KeyState is where a key stands in its life.
type KeyState string

// The states: published but not signing, signing, published for verification
// only, and gone.
const (
	KeyNext     KeyState = "next"
	KeyActive   KeyState = "active"
	KeyRetiring KeyState = "retiring"
	KeyRemoved  KeyState = "removed"
)

// Key signs tokens. Generation counts the keys of one algorithm from 1; the store
// holds each generation once, so that any number of nodes rotate once.
type Key struct {
	ID         string // random, lower-case hex; the kid of a token
	Alg        Alg
	Generation int64
	CreatedAt  time.Time
	SignFrom   time.Time // published before it, signing from it on
	RemoveAt   time.Time // zero while no successor has taken over
	// Public is the verification key; nil for HS256.
	Public crypto.PublicKey
	// Sealed is the private part under the master key; empty once destroyed.
	Sealed string
	// PublicDER is the public part in PKIX form, base64; empty for HS256.
	PublicDER string
}
