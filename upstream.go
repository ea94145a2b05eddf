package postern

import (
	"context"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Bounds of an Upstream.
const (
	MaxUpstreamName    = 63 // bytes
	MaxUpstreamTimeout = 5 * time.Minute
	// DefaultUpstreamTimeout bounds one request for a token where nothing else is said.
	DefaultUpstreamTimeout = 30 * time.Second
	// DefaultUpstreamLife is assumed of a token whose server does not say how long it
	// lives: short, since a token asked for too early costs a request and one used too
	// late costs a refusal.
	DefaultUpstreamLife = 5 * time.Minute
)

// SecretSource gives a secret as it is now: it is asked before every request for a
// token, and never in between. It gives up when ctx ends.
type SecretSource func(ctx context.Context) (Secret, error)

// Upstream is a foreign token server that we ask, and what we are there.
type Upstream struct {
	Name    string // what commands and callers call it: a-z, 0-9 and . _ - inside
	Dialect string
	// BaseURL is where the token server is: an origin, a path before the dialect's own,
	// or, where the dialect fixes no path, the token endpoint itself.
	BaseURL string
	// APIURL is where its tokens are used; "" means BaseURL.
	APIURL   string
	ClientID string
	Secret   SecretSource // nil where the dialect asks for none
	// Spare is the other secret while one replaces the other: it is tried once when the
	// server refuses Secret. It may be nil.
	Spare    SecretSource
	Email    string       // of the person, where the dialect asks in a person's name
	Password SecretSource // of the person; nil where there is none
	Scope    Scopes       // empty means what the server gives unasked
	// Resources are the APIs that the token is to be made out to (RFC 8707).
	Resources []string
	TenantID  string        // whose data is wanted, where calls name it
	PartnerID string        // whose server is meant, where the request for a token names it
	Timeout   time.Duration // of one request for a token; 0 means DefaultUpstreamTimeout
	// Margin is how long before its end a token is renewed; 0 means a minute. It is never
	// more than half of the token's life.
	Margin time.Duration
	// Life is assumed where the server does not tell; 0 means DefaultUpstreamLife.
	Life time.Duration
	// PerMinute is how many requests for a token the server takes in a minute; 0 means
	// 60. Fewer are made.
	PerMinute int
}

var upstreamName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// CheckUpstreamName fails with Invalid for what cannot be the name of an upstream.
func CheckUpstreamName(name string) error {
	if len(name) > MaxUpstreamName || !upstreamName.MatchString(name) {
		return Errorf(Invalid, "%q cannot name an upstream", Shorten(name, MaxUpstreamName)).
			WithHint("use up to %d of a-z, 0-9 and . _ - inside", MaxUpstreamName)
	}
	return nil
}

// Check fails with Invalid, Param naming the field, for an upstream that cannot be
// asked. Whether the dialect needs more is the dialect's to say.
func (u *Upstream) Check() error {
	if err := CheckUpstreamName(u.Name); err != nil {
		return err
	}
	fail := func(param, hint, format string, args ...any) error {
		e := Errorf(Invalid, "upstream %q: "+format, append([]any{u.Name}, args...)...).WithHint("%s", hint)
		e.Param = param
		return e
	}
	if err := CheckUpstreamURL(u.BaseURL); err != nil {
		return fail("base_url", AsError(err).Hint, "the base URL %s", AsError(err).Msg)
	}
	if u.APIURL != "" {
		if err := CheckUpstreamURL(u.APIURL); err != nil {
			return fail("api_url", AsError(err).Hint, "the URL of the API %s", AsError(err).Msg)
		}
	}
	switch {
	case u.Dialect == "":
		return fail("dialect", "say which dialect the server speaks", "it has no dialect")
	case u.Timeout < 0 || u.Timeout > MaxUpstreamTimeout:
		return fail("timeout", "use up to "+MaxUpstreamTimeout.String(), "the timeout of %s is out of bounds", u.Timeout)
	case u.Margin < 0 || u.Life < 0 || u.PerMinute < 0:
		return fail("margin", "use 0 or more", "a margin, a life or a pace is negative")
	}
	return nil
}

// CheckUpstreamURL fails with Invalid unless a token may be asked for, and used, at
// address: https, or http to this machine alone, without user, query and fragment.
func CheckUpstreamURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return Errorf(Invalid, "is no address").WithHint("write it as https://api.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Errorf(Invalid, "has a user, a query or a fragment").
			WithHint("write the address alone; credentials have settings of their own and are never part of an address")
	}
	if u.Scheme == "http" && !Loopback(u.Hostname()) {
		return Errorf(Invalid, "would send credentials in clear to %s", Shorten(u.Host, 100)).
			WithHint("use https; http is for 127.0.0.1, [::1] and localhost")
	}
	return nil
}

// Loopback says whether host, a name or an address without a port, is this machine
// and cannot be reached from elsewhere. 0.0.0.0 is every address, not this one.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}

// UpstreamToken is a token of an upstream as it is kept between processes.
type UpstreamToken struct {
	// Key is of everything that makes the token what it is: 32 hex digits.
	Key      string
	Upstream string // the name, for people who look
	// Version counts from 1; what is saved has one more than what was read.
	Version   int64
	Sealed    string    // the token, for whoever has the master key
	ExpiresAt time.Time // when the row is of no use to anyone
}
