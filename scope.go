package postern

import (
	"slices"
	"strings"
)

// MaxScopes bounds how many scopes one request or client may name.
const MaxScopes = 64

// MaxScopeLength bounds the length in bytes of a scope parameter. IdentityServer
// takes 300; ours is wider because our scopes are longer.
const MaxScopeLength = 2048

// Scopes is a set of scopes, sorted and without repetition. Order and repetition
// have no meaning on the wire (RFC 6749 section 3.3). Values are case-sensitive.
type Scopes []string

// NewScopes makes a set from values it does not check.
func NewScopes(values ...string) Scopes {
	s := slices.Clone(values)
	slices.Sort(s)
	return slices.Compact(s)
}

// ParseScopes reads a scope parameter: tokens of %x21 / %x23-5B / %x5D-7E parted
// by single or repeated spaces (RFC 6749 section 3.3). It fails with Invalid,
// BadScope.
func ParseScopes(param string) (Scopes, error) {
	if len(param) > MaxScopeLength {
		return nil, Errorf(Invalid, "the scope parameter is longer than %d bytes", MaxScopeLength).Because(BadScope)
	}
	parts := strings.FieldsFunc(param, func(r rune) bool { return r == ' ' })
	if len(parts) > MaxScopes {
		return nil, Errorf(Invalid, "more than %d scopes were asked for", MaxScopes).Because(BadScope)
	}
	for _, p := range parts {
		if !validScope(p) {
			return nil, Errorf(Invalid, "the scope parameter holds a character that no scope has").Because(BadScope)
		}
	}
	return NewScopes(parts...), nil
}

func validScope(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// String joins the set by single spaces, sorted.
func (s Scopes) String() string { return strings.Join(s, " ") }

// Has says whether scope is in the set.
func (s Scopes) Has(scope string) bool {
	_, ok := slices.BinarySearch(s, scope)
	return ok
}

// Contains says whether every scope of t is in s.
func (s Scopes) Contains(t Scopes) bool {
	for _, v := range t {
		if !s.Has(v) {
			return false
		}
	}
	return true
}

// Narrow gives the scopes that are in both sets.
func (s Scopes) Narrow(t Scopes) Scopes {
	out := make(Scopes, 0, len(s))
	for _, v := range s {
		if t.Has(v) {
			out = append(out, v)
		}
	}
	return out
}
