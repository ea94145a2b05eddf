package issuer

import (
	"context"

	"postern.dev/postern"
)

// Introspect implements postern.Issuer. A token of any dialect is shown to its own
// client and to confidential clients of the same tenant; for everyone else it is
// not active, as if it did not exist.
func (s *Issuer) Introspect(ctx context.Context, req postern.Request, raw string) (postern.Claims, error) {
	who, err := s.proveCaller(ctx, req)
	if err != nil {
		return postern.Claims{}, err
	}
	if raw == "" {
		return postern.Claims{}, missingToken()
	}
	c, err := s.Verify(ctx, raw, postern.Want{Tenant: who.Tenant})
	switch postern.CodeOf(err) {
	case "":
		return c, nil
	case postern.Unavailable, postern.Internal:
		return postern.Claims{}, err
	}
	e := postern.Errorf(postern.NotFound, "the token is not active")
	e.Cause = postern.AsError(err).Cause
	return postern.Claims{}, e
}

// Revoke implements postern.Issuer.
func (s *Issuer) Revoke(ctx context.Context, req postern.Request, raw string) error {
	who := caller{}
	if req.ClientID != "" || !req.Secret.Empty() || req.Via != "" {
		var err error
		if who, err = s.proveCaller(ctx, req); err != nil {
			return err
		}
	}
	if raw == "" {
		return missingToken()
	}
	now := s.now()
	c, p, err := s.read(raw, now)
	if err != nil || !now.Before(c.ExpiresAt) {
		return nil // nothing of ours, or over anyway (RFC 7009 section 2.2)
	}
	owner, err := s.clientOf(ctx, &c, p)
	if err != nil {
		return passUnavailable(err)
	}
	if who.client != nil && who.ID != owner.ID {
		return nil // another client's: it stays as it is
	}
	c.Tenant, c.ClientID = owner.Tenant, owner.ID
	return s.revoke(ctx, req, c)
}

// revoke makes the end of a token durable, then known here; other nodes hear of
// it through the feed.
func (s *Issuer) revoke(ctx context.Context, req postern.Request, c postern.Claims) error {
	ev := s.event(req, postern.ActTokenRevoked, s.now())
	ev.Tenant, ev.ClientID, ev.TokenID, ev.Actor = c.Tenant, c.ClientID, c.ID, "client:"+c.ClientID
	if c.User != nil || c.Kind == postern.Human {
		ev.UserID = c.Subject
	}
	r := postern.Revocation{Tenant: c.Tenant, ClientID: c.ClientID, TokenID: c.ID, Until: c.ExpiresAt}
	fresh, err := s.cfg.Revoker.Revoke(ctx, r, ev)
	if err != nil {
		return err
	}
	s.revoked.add(c.ID, c.ExpiresAt)
	s.known.forget(postern.Change{Kind: postern.ChangeRevoked, ID: c.ID})
	call := postern.CallFrom(ctx)
	call.Tenant, call.ClientID, call.TokenID = c.Tenant, c.ClientID, c.ID
	if fresh {
		s.cfg.OnEvent(ev)
	}
	return nil
}

// proveCaller authenticates the client of an introspection or revocation and
// records a refusal. Any confidential client may call, whatever its dialects.
func (s *Issuer) proveCaller(ctx context.Context, req postern.Request) (caller, error) {
	who, err := s.authenticate(ctx, req, nil)
	if err == nil {
		call := postern.CallFrom(ctx)
		call.Tenant, call.ClientID = who.Tenant, who.ID
		return who, nil
	}
	now := s.now()
	ev := s.event(req, postern.ActTokenRefused, now)
	if who.client != nil && who.tenant.ID != postern.SystemTenant {
		ev.Tenant, ev.ClientID = who.Tenant, who.ID
	}
	return caller{}, s.refuse(ctx, req, ev, postern.AsError(err), now)
}

func missingToken() error {
	e := postern.Errorf(postern.Invalid, "the parameter token is missing").Because(postern.MissingParameter)
	e.Param = "token"
	return e
}

// passUnavailable keeps the errors that make an answer of "revoked" a lie.
func passUnavailable(err error) error {
	if c := postern.CodeOf(err); c == postern.Unavailable || c == postern.Internal {
		return err
	}
	return nil
}
