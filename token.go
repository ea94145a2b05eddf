package postern

import (
	"net/netip"
	"time"
)

// The ways a credential can come.
const (
	ViaBasic = "basic" // Authorization: Basic (RFC 6749 section 2.3.1)
	ViaForm  = "form"
	ViaJSON  = "json"
	ViaText  = "text" // JSON without a JSON content type
	ViaQuery = "query"
)

// Request is what is asked at a token endpoint, with its proof, in no provider's
// terms.
type Request struct {
	Dialect   string
	GrantType string
	ClientID  string
	Secret    Secret // empty when none was sent
	Via       string // how the credential came
	Email     string // password grant, as sent
	Password  Secret
	PartnerID string // where the dialect names the tenant by a number
	Scope     Scopes
	Resources []string // RFC 8707
	Source    netip.Addr
	RequestID string
}

// Token is what is given.
type Token struct {
	Value     Secret
	Type      string // "Bearer"
	ID        string // jti
	Scope     Scopes
	IssuedAt  time.Time
	ExpiresAt time.Time
	// ExpiresIn is the life left when it was answered, whole seconds, at least 1.
	ExpiresIn time.Duration
	// RefreshToken is what an upstream may add. We never issue one.
	RefreshToken Secret
}

// Kind parts tokens of machines from tokens of people.
type Kind string

// The kinds. A user token opens no machine API and the other way round.
const (
	Machine Kind = "machine"
	Human   Kind = "user"
)

// Claims are what a token says.
type Claims struct {
	ID        string // jti: 32 hex digits, the first 12 of them milliseconds since 1970
	Issuer    string
	Subject   string
	Audience  []string
	ClientID  string
	Tenant    string
	PartnerID int64
	Kind      Kind
	Scope     Scopes
	IssuedAt  time.Time // whole seconds
	NotBefore time.Time
	ExpiresAt time.Time
	AuthTime  time.Time // of a person
	User      *User     // of a person
	// Client is whom the token was given to, as it is now. It is shared: nobody may
	// change it. Only Verify sets it.
	Client  *Client
	Dialect string // whose format the token has
	KeyID   string
	// Thumbprint is the SHA-1 of the verification key in upper-case hex, for the
	// format that carries one.
	Thumbprint string
}

// Want is what a token must be to be accepted somewhere. Zero fields are not
// checked; a resource server sets Audience and Kind always.
type Want struct {
	Audience []string // at least one of them
	Kind     Kind
	Tenant   string
	Scope    string
}

// Profile is what a dialect's tokens look like and how long they live: the part
// of a dialect that the issuer needs. Encode and Decode are inverses, and Decode
// accepts no other profile's payload.
type Profile struct {
	Dialect string
	// Algs are the algorithms its tokens may have, the default first. A client may
	// choose among them.
	Algs  []Alg
	Type  string // typ of the header
	KeyID bool   // whether the header carries kid
	// TypeFirst writes typ before alg in the header.
	TypeFirst bool
	// SubjectOnly formats name the client by its Client.Subject alone.
	SubjectOnly bool
	IssuerTag   string        // appended to the issuer's URL to make iss
	Life        time.Duration // default life
	// Shared dialects answer the same live token again within its life.
	Shared bool
	Kind   Kind
	Grants []string // the grants it knows, beside those it must name as unknown
	// KnownGrants are grants of the family that are refused as not allowed rather
	// than as unknown.
	KnownGrants []string
	// Audience replaces the default resource as aud; "" means the default.
	Audience string
	// FixedScope is granted whatever was asked, in this order; nil means by request.
	FixedScope []string
	// PerMinute is the documented limit of requests per client; 0 means none.
	PerMinute int
	Encode    func(Claims) ([]byte, error)
	Decode    func(payload []byte) (Claims, error)
}
