package issuer

import (
	"crypto/sha256"
	"slices"
	"time"

	"postern.dev/postern"
)

// maxVerified bounds how many tokens are remembered as genuine, some 600 bytes each.
const maxVerified = 4096

// verified is a token whose form and signature were found good. Neither changes; all
// that may end a token is looked at each time it is used.
type verified struct {
	claims  postern.Claims
	profile *postern.Profile
	key     *signer
}

// readOnce is read for tokens that come again: their signature is checked once. What is
// kept is found by a hash, so that no token lies in memory longer than its call.
func (s *Issuer) readOnce(raw string, now time.Time) (postern.Claims, *postern.Profile, error) {
	if len(raw) > MaxToken {
		return s.read(raw, now)
	}
	sum := sha256.Sum256([]byte(raw))
	key := string(sum[:])
	if v, ok := s.verified.get(key); ok && s.rings.holds(v.key, now) {
		return v.own(), v.profile, nil
	}
	gen := s.verified.generation() // before the keys are looked at
	v, err := s.readSigned(raw, now)
	if err != nil {
		return postern.Claims{}, nil, err
	}
	s.verified.put(gen, key, v)
	return v.own(), v.profile, nil
}

// own gives the claims to a caller who may do with them as it likes.
func (v *verified) own() postern.Claims {
	c := v.claims
	c.Audience, c.Scope = slices.Clone(c.Audience), slices.Clone(c.Scope)
	return c
}
