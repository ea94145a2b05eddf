package postern

import "time"

// Entry is one unit of the journal: an event, and, where tokens are shared, the
// token to be remembered in the same commit.
type Entry struct {
	Event Event
	// Live asks the journal to remember this token as the live one of its slot,
	// unless the slot holds one that still lives. Then the journal replaces Live by
	// that one, and the event's action by ActTokenReused and its TokenID by that
	// token's.
	Live *LiveToken
}

// LiveToken is a token that is answered again within its life.
type LiveToken struct {
	Tenant    string
	ClientID  string
	Slot      string // dialect, scope and audience; one live token each
	TokenID   string
	Sealed    string // the token under the master key
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Revocation ends one token.
type Revocation struct {
	Tenant   string
	ClientID string
	TokenID  string
	Until    time.Time // when the token expires by itself; it may be forgotten then
}
