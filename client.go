package postern

import (
	"net/netip"
	"slices"
	"time"
)

// The grants a client may be allowed (RFC 6749 sections 4.3 and 4.4).
const (
	GrantClientCredentials = "client_credentials"
	GrantPassword          = "password"
)

// MaxLiveSecrets is how many secrets of one client may be live at once: the one
// in use and the one that replaces it.
const MaxLiveSecrets = 2

// Client is a machine registered with us (RFC 6749 section 1.1).
type Client struct {
	ID     string // made by us: lower-case letters and digits
	Tenant string
	Name   string
	// Subject stands for the client in token formats that carry no client id: 24
	// lower-case hex digits, unique.
	Subject string
	// Public clients hold no secret and may only use the password grant.
	Public   bool
	Grants   []string // GrantClientCredentials, GrantPassword
	Scopes   Scopes   // what it may be granted; none by default
	Dialects []string // names of the dialects it may use; empty means none
	Tenants  []string // tenants beside its own that its calls may name
	// TokenLife replaces the dialect's token life when it is not zero. It is
	// between MinTokenLife and MaxTokenLife.
	TokenLife time.Duration
	Alg       Alg            // signs its tokens where the dialect leaves a choice; "" means ES256
	Ranges    []netip.Prefix // addresses it may come from; empty means any
	Secrets   []StoredSecret // live and expired ones, newest first
	// Attributes are the fields of persons that the HR API shows it, by their names in
	// the older wire, as first_name or dynamic_5; empty shows all.
	Attributes []string
	Disabled   bool
	// NotBefore revokes every token of the client that was issued at or before
	// it, to the millisecond. Zero revokes nothing.
	NotBefore time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Token lives that a client may be given.
const (
	MinTokenLife = time.Minute
	MaxTokenLife = 24 * time.Hour
)

// StoredSecret is what is kept of a client's secret.
type StoredSecret struct {
	ID        string
	Hash      string // keyed hash, versioned: "v1:" and base64
	CreatedAt time.Time
	ExpiresAt time.Time // zero means it does not expire
}

// Live says whether the secret may be used at t.
func (s StoredSecret) Live(t time.Time) bool {
	return s.ExpiresAt.IsZero() || t.Before(s.ExpiresAt)
}

// LiveSecrets gives the secrets that may be used at t, newest first.
func (c *Client) LiveSecrets(t time.Time) []StoredSecret {
	var live []StoredSecret
	for _, s := range c.Secrets {
		if s.Live(t) {
			live = append(live, s)
		}
	}
	return live
}

// MayUse says whether the client is allowed the named dialect.
func (c *Client) MayUse(dialect string) bool { return slices.Contains(c.Dialects, dialect) }

// MayGrant says whether the client is allowed the named grant.
func (c *Client) MayGrant(grant string) bool { return slices.Contains(c.Grants, grant) }

// MayComeFrom says whether the client may call from addr. A client without
// ranges may call from anywhere.
func (c *Client) MayComeFrom(addr netip.Addr) bool {
	if len(c.Ranges) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Ranges, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}
