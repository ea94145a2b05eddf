package issuer

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"postern.dev/postern"
)

// MaxToken is the longest token that is looked at, in bytes.
const MaxToken = 8 << 10

// aheadAllowed is how far another node's clock may be ahead.
const aheadAllowed = 10 * time.Second

func badToken(cause string) *postern.Error {
	return &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadToken, Cause: cause,
		Msg: "the token is not valid"}
}

var joseAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA, jose.HS256}

// Verify implements postern.Issuer.
func (s *Issuer) Verify(ctx context.Context, raw string, want postern.Want) (postern.Claims, error) {
	now := s.now()
	c, p, err := s.readOnce(raw, now)
	if err != nil {
		return postern.Claims{}, err
	}
	if err := s.checkTimes(c, now); err != nil {
		return postern.Claims{}, err
	}
	if err := s.checkState(ctx, &c, p); err != nil {
		return postern.Claims{}, err
	}
	if err := checkWant(c, want); err != nil {
		return postern.Claims{}, err
	}
	return c, nil
}

// read is readSigned for whom the key does not matter.
func (s *Issuer) read(raw string, now time.Time) (postern.Claims, *postern.Profile, error) {
	v, err := s.readSigned(raw, now)
	return v.claims, v.profile, err
}

// readSigned checks the form and the signature of a token and decodes it. Nothing of
// the payload is believed before the signature is.
func (s *Issuer) readSigned(raw string, now time.Time) (v verified, err error) {
	if len(raw) > MaxToken || !strictCompact(raw) {
		return v, badToken("not a compact JWS")
	}
	jws, err := jose.ParseSignedCompact(raw, joseAlgs)
	if err != nil {
		return v, badToken("not a JWS of ours")
	}
	signed, payload := s.whoSigned(jws, jws.Signatures[0].Protected, now)
	if signed == nil {
		return v, badToken("signature")
	}
	header, _, _ := strings.Cut(raw, ".")
	for i := range s.cfg.Profiles {
		p := &s.cfg.Profiles[i]
		// The header is the one we write, to the byte: so its type is right, nothing in
		// it is critical, compressed or said twice, and it names its key as it should.
		if !slices.Contains(p.Algs, signed.Alg) || header != b64url.EncodeToString([]byte(signed.header(p))) {
			continue
		}
		c, err := p.Decode(payload)
		if err != nil {
			continue
		}
		if c.Issuer != s.cfg.URL+p.IssuerTag {
			return v, badToken("issuer")
		}
		c.KeyID, c.Kind, c.Dialect = signed.ID, p.Kind, p.Dialect
		if len(c.Audience) == 0 { // a format that carries none
			c.Audience = s.defaultAudience(p)
		}
		return verified{c, p, signed}, nil
	}
	return v, badToken("format")
}

// strictCompact says whether raw is three parts of canonical base64url: the spare
// bits of a last digit are zero, so that no other spelling of a token is valid.
func strictCompact(raw string) bool {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return false
	}
	for _, part := range parts {
		if strings.ContainsAny(part, "\r\n") {
			return false
		}
		if _, err := b64url.Strict().DecodeString(part); err != nil || part == "" {
			return false
		}
	}
	return true
}

// whoSigned gives the key whose signature the token bears. The key's algorithm is
// compared with the token's and decides; the token's alone decides nothing.
func (s *Issuer) whoSigned(jws *jose.JSONWebSignature, h jose.Header, now time.Time) (*signer, []byte) {
	for _, key := range s.rings.candidates(h.KeyID, postern.Alg(h.Algorithm), now) {
		var verifier any = key.Public
		if key.Alg == postern.HS256 {
			verifier = key.secret
		}
		if payload, err := jws.Verify(verifier); err == nil {
			return key, payload
		}
	}
	return nil, nil
}

func (s *Issuer) checkTimes(c postern.Claims, now time.Time) error {
	switch {
	case !now.Before(c.ExpiresAt):
		e := badToken("expired")
		e.Msg = "the token has expired"
		return e
	case c.IssuedAt.After(now.Add(aheadAllowed)) || c.NotBefore.After(now.Add(aheadAllowed)):
		return badToken("not yet valid")
	}
	return nil
}

// checkState looks at everything that may have ended the token since it was
// issued, and narrows its scopes to what its client may still have.
func (s *Issuer) checkState(ctx context.Context, c *postern.Claims, p *postern.Profile) error {
	gone, err := s.revoked.has(ctx, c.ID)
	if err != nil {
		return err
	}
	if gone {
		return badToken("revoked")
	}
	who, err := s.clientOf(ctx, c, p)
	if err != nil {
		return err
	}
	tenant, err := s.known.tenant(ctx, who.Tenant)
	if err != nil {
		return gonePast(err, "tenant is gone")
	}
	at := issuedAt(c.ID)
	switch {
	case who.Disabled:
		return badToken(causeDisabledClient)
	case tenant.Disabled:
		return badToken(causeDisabledTenant)
	case c.Tenant != "" && c.Tenant != who.Tenant:
		return badToken("tenant")
	case cutOff(at, who.NotBefore) || cutOff(at, tenant.NotBefore):
		return badToken("revoked with all others")
	case p.Kind == postern.Human && c.PartnerID != tenant.PartnerID:
		return badToken("partner")
	}
	c.Tenant, c.ClientID, c.Client = who.Tenant, who.ID, &who.Client
	if p.Kind == postern.Human {
		return s.checkUser(ctx, c, at)
	}
	if c.Scope == nil { // a format that carries none
		c.Scope = slices.Clone(who.defaults)
	} else {
		c.Scope = c.Scope.Narrow(who.Scopes)
	}
	return nil
}

func (s *Issuer) clientOf(ctx context.Context, c *postern.Claims, p *postern.Profile) (who *client, err error) {
	if p.SubjectOnly {
		who, err = s.known.clientBySubject(ctx, c.Subject)
	} else {
		who, err = s.known.client(ctx, c.ClientID)
	}
	if err != nil {
		return nil, gonePast(err, "client is gone")
	}
	return who, nil
}

func (s *Issuer) checkUser(ctx context.Context, c *postern.Claims, at int64) error {
	u, err := s.known.user(ctx, c.Tenant, c.Subject)
	if err != nil {
		return gonePast(err, "user is gone")
	}
	switch {
	case u.Disabled:
		return badToken(causeDisabledUser)
	case cutOff(at, u.NotBefore):
		return badToken(causeRevokedUser)
	}
	own := *u // the caller may do with it as it likes
	c.User = &own
	return nil
}

// gonePast turns absence into a bad token and leaves other errors as they are.
func gonePast(err error, cause string) error {
	if postern.CodeOf(err) == postern.NotFound {
		return badToken(cause)
	}
	return err
}

func checkWant(c postern.Claims, want postern.Want) error {
	switch {
	case len(want.Audience) > 0 && !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(want.Audience, a) }):
		return badToken("audience")
	case want.Kind != "" && c.Kind != want.Kind:
		e := postern.Errorf(postern.Forbidden, "a %s token opens nothing here", c.Kind).Because(postern.LowScope)
		e.Cause = "kind"
		return e
	case want.Tenant != "" && c.Tenant != want.Tenant:
		return badToken("tenant")
	case want.Scope != "" && !c.Scope.Has(want.Scope):
		e := postern.Errorf(postern.Forbidden, "the token lacks the scope %s", want.Scope).Because(postern.LowScope)
		e.Param = want.Scope
		return e.WithHint("grant the client the scope %s and get a new token", want.Scope)
	}
	return nil
}
