package issuer

import (
	"context"
	"time"

	"postern.dev/postern"
)

// caller is a proven client with its tenant.
type caller struct {
	*client
	tenant *postern.Tenant
}

// The causes of a refused client, for the audit trail. The caller is told none of
// them apart.
const (
	causeUnknownClient  = "unknown client"
	causeWrongSecret    = "wrong secret"
	causeNoSecret       = "no secret sent"
	causeExpiredSecret  = "expired secret"
	causeDisabledClient = "disabled client"
	causeDisabledTenant = "disabled tenant"
	causeDialect        = "dialect not allowed for this client"
	causeAddress        = "address not allowed for this client"
	causePublic         = "public client where a secret is needed"
)

// authenticate proves the client of req. Whatever is wrong, the work done and the
// answer given are the same: the client and its tenant are looked up, one MAC is
// computed and compared with as many secrets as a client can have, and there is
// one refusal. When the client is known it is given even with an error, so that the
// refusal reaches its tenant's audit trail.
func (s *Issuer) authenticate(ctx context.Context, req postern.Request, p *postern.Profile) (caller, error) {
	c, err := s.known.client(ctx, req.ClientID)
	known := err == nil
	if err != nil && postern.CodeOf(err) != postern.NotFound {
		return caller{}, err
	}
	if !known {
		c = unknownClient
	}
	secret, expired := s.checkSecret(c, req.Secret)
	tenant, err := s.known.tenant(ctx, c.Tenant)
	if err != nil && (known || postern.CodeOf(err) != postern.NotFound) {
		return caller{}, err
	}
	if !known {
		tenant = unknownTenant
	}
	who := caller{c, tenant}
	if cause := whyNot(who, req, p, known, secret, expired); cause != "" {
		return who, badClient(cause)
	}
	return who, nil
}

// unknownClient stands for every client there is not. Its tenant does not exist
// either.
var (
	unknownClient = newClient(postern.Client{Tenant: postern.SystemTenant})
	unknownTenant = &postern.Tenant{ID: postern.SystemTenant}
)

// whyNot names what keeps the client out, "" when nothing does.
func whyNot(who caller, req postern.Request, p *postern.Profile, known, secret, expired bool) string {
	switch {
	case !known:
		return causeUnknownClient
	case p != nil && !who.MayUse(p.Dialect):
		return causeDialect
	case who.Public && (p == nil || p.Kind != postern.Human):
		return causePublic
	case who.Public:
	case req.Secret.Empty():
		return causeNoSecret
	case expired:
		return causeExpiredSecret
	case !secret:
		return causeWrongSecret
	}
	switch {
	case who.Disabled:
		return causeDisabledClient
	case who.tenant.Disabled:
		return causeDisabledTenant
	case !who.MayComeFrom(req.Source):
		return causeAddress
	}
	return ""
}

// checkSecret compares with every secret and stops at none.
func (s *Issuer) checkSecret(c *client, secret postern.Secret) (live, expired bool) {
	sum, now := s.hasher.sum(secret), s.now()
	for i := range c.secrets {
		if match := equal(&sum, &c.secrets[i].mac); match {
			if e := c.secrets[i].expires; e.IsZero() || now.Before(e) {
				live = true
			} else {
				expired = true
			}
		}
	}
	return live, expired && !live
}

func badClient(cause string) *postern.Error {
	return &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadClient, Cause: cause,
		Msg:  "the client is unknown or its secret is wrong",
		Hint: "the audit trail of the tenant names the cause: `postern audit list`"}
}

// throttled turns a refusal into TooMany when its source or its client has used up
// what is borne. It counts first and applies to refusals alone: a right secret is
// never refused because others guess.
// It answers whether the refusal is to be recorded: of a run of TooMany only the
// first is, or whoever floods the server would fill the audit trail as well.
func (s *Issuer) throttled(req postern.Request, err *postern.Error, paced bool, now time.Time) (*postern.Error, bool) {
	switch err.Code {
	case postern.TooMany:
		return err, paced
	case postern.Unavailable, postern.Internal:
		return err, false
	}
	wait, first := s.bySource.add(network(req.Source), now)
	if wait == 0 && err.Reason == postern.BadClient && req.ClientID != "" {
		wait, first = s.byClient.add(req.ClientID, now)
	}
	if wait == 0 {
		return err, true
	}
	return tooMany(wait, err.Cause), first
}

func tooMany(wait time.Duration, cause string) *postern.Error {
	wait = max(time.Second, (wait + time.Second - 1).Truncate(time.Second))
	return &postern.Error{Code: postern.TooMany, Wait: wait, Cause: cause,
		Msg: "too many requests", Hint: "wait as long as Retry-After says and ask once"}
}
