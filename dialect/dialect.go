// Package dialect speaks the token exchanges of the providers Postern stands in
// for and calls: one file per provider, the server's end above the client's, so
// that what one end writes the other reads.
//
// [Handler] is the server's pipeline and [Fetch] the client's; steps that belong
// to every dialect live there and nowhere else. [Routes] lists every endpoint of
// the package. Where a dialect departs from its standard or from the real
// provider, its file says so and DIVERGENCES.md gives the reason.
package dialect

import (
	"net/http"

	"postern.dev/postern"
)

// A Dialect is how one provider writes a token exchange: two pairs of inverses.
// What one end encodes, the other decodes. Decoding fails with an
// [postern.Error] that the same dialect can encode.
type Dialect interface {
	Name() string
	Path() string

	EncodeRequest(base string, req postern.Request) (*http.Request, error) // client end
	DecodeRequest(r *http.Request) (postern.Request, error)                // server end

	EncodeResponse(w http.ResponseWriter, tok postern.Token, err error) // server end
	DecodeResponse(r *http.Response) (postern.Token, error)             // client end
}

// A Profiler says what the dialect's tokens look like. Every dialect of ours is
// one; a dialect we only call upstream need not be.
type Profiler interface {
	Profile() postern.Profile
}

// A Revoker can end a token. The request proves the caller where the dialect
// asks for that; otherwise the token proves itself.
type Revoker interface {
	RevokePath() string
	EncodeRevoke(base string, req postern.Request, token postern.Secret) (*http.Request, error)
	DecodeRevoke(r *http.Request) (postern.Request, postern.Secret, error)
	EncodeRevoked(w http.ResponseWriter, err error)
	DecodeRevoked(r *http.Response) error
}

// An Introspector can say what a token means (RFC 7662). A token that is not
// active is NotFound on both sides.
type Introspector interface {
	IntrospectPath() string
	EncodeIntrospect(base string, req postern.Request, token postern.Secret) (*http.Request, error)
	DecodeIntrospect(r *http.Request) (postern.Request, postern.Secret, error)
	EncodeIntrospection(w http.ResponseWriter, c postern.Claims, err error)
	DecodeIntrospection(r *http.Response) (postern.Claims, error)
}

// A Describer can say whose token it is: an endpoint like OpenID's userinfo.
type Describer interface {
	DescribePath() string
	EncodeDescribe(base string, token postern.Secret) (*http.Request, error)
	DecodeDescribe(r *http.Request) (postern.Secret, error)
	EncodeDescription(w http.ResponseWriter, u postern.User, err error)
	DecodeDescription(r *http.Response) (postern.User, error)
}

// A Carrier puts a token on later calls in its own way. Without one a token rides
// as a Bearer header (RFC 6750 section 2.1).
type Carrier interface {
	Carry(h http.Header, tok postern.Token, tenant string)
}

// All lists the dialects, written out.
var All = []Dialect{personioV1{}, personioV2{}, personify{}, comm100{}, oauth2{}}

// Named gives the dialect of that name, and whether there is one.
func Named(name string) (Dialect, bool) {
	for _, d := range All {
		if d.Name() == name {
			return d, true
		}
	}
	return nil, false
}

// Profiles gives the profile of every dialect that issues, in the order of All.
func Profiles() []postern.Profile {
	var out []postern.Profile
	for _, d := range All {
		if p, ok := d.(Profiler); ok {
			out = append(out, p.Profile())
		}
	}
	return out
}

// Carry puts tok on a call that is made in d's world: tenant is the provider's
// name for whose data is wanted, where a provider has one.
func Carry(d Dialect, h http.Header, tok postern.Token, tenant string) {
	if c, ok := d.(Carrier); ok {
		c.Carry(h, tok, tenant)
		return
	}
	h.Set("Authorization", "Bearer "+tok.Value.Reveal())
}
