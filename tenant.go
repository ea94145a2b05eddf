package postern

import (
	"regexp"
	"time"
)

// SystemTenant is the chain that events belong to when no tenant is known, such
// as a refusal of an unknown client or a rotation of keys. It cannot be created.
const SystemTenant = "-"

// Tenant is whose data it is.
type Tenant struct {
	ID        string // [a-z0-9-], chosen; the value of X-Tenant-Id
	Name      string
	PartnerID int64 // a number; 0 means none
	Disabled  bool
	// RefuseQuery refuses credentials in a query string, for the dialect that
	// still reads them.
	RefuseQuery bool
	// Zone is the time zone of its wall clocks, by its IANA name; "" is UTC.
	Zone string
	// NotBefore revokes every token of the tenant that was issued at or before it,
	// to the millisecond. Zero revokes nothing.
	NotBefore time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

var tenantID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckTenantID fails with Invalid unless id is 1 to 63 of a-z, 0-9 and "-",
// with neither end a "-".
func CheckTenantID(id string) error {
	if !tenantID.MatchString(id) {
		return Errorf(Invalid, "%q cannot be a tenant id", Shorten(id, 80)).
			WithHint("use 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit")
	}
	return nil
}

// Resource is an API that a token may be made out to (RFC 8707).
type Resource struct {
	URL       string // absolute, without fragment; compared byte for byte
	Tenant    string // SystemTenant when every tenant may name it
	Scopes    Scopes // scopes that mean something there; empty means all
	CreatedAt time.Time
}
