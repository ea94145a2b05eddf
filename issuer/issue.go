package issuer

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// Issue implements postern.Issuer.
func (s *Issuer) Issue(ctx context.Context, req postern.Request) (postern.Token, error) {
	s.journal.begin()
	defer s.journal.end()
	now := s.now()
	ev := s.event(req, postern.ActTokenIssued, now)
	tok, err := s.issue(ctx, req, &ev, now)
	if err != nil {
		return postern.Token{}, s.refuse(ctx, req, ev, postern.AsError(err), now)
	}
	call := postern.CallFrom(ctx)
	call.Tenant, call.ClientID, call.TokenID = ev.Tenant, ev.ClientID, ev.TokenID
	return tok, nil
}

// Refuse implements postern.Issuer.
func (s *Issuer) Refuse(ctx context.Context, req postern.Request, err error) error {
	now := s.now()
	return s.refuse(ctx, req, s.event(req, postern.ActTokenRefused, now), postern.AsError(err), now)
}

// event begins the record of a request. Of a client id that nobody has it keeps
// what could be one and no more: people paste secrets into the wrong field.
func (s *Issuer) event(req postern.Request, action string, now time.Time) postern.Event {
	ev := postern.Event{Tenant: postern.SystemTenant, At: now, Action: action, Dialect: req.Dialect,
		Grant: chosen(req.GrantType, 60), Via: req.Via, RequestID: req.RequestID, ClientID: req.ClientID}
	if !couldBeID(req.ClientID) {
		ev.ClientID = "(no id of ours)"
	}
	if req.Source.IsValid() {
		ev.Source = req.Source.String()
	}
	return ev
}

// chosen is what the record says of a value that the caller chose: people paste
// secrets into every field.
func chosen(s string, n int) string {
	if strings.Contains(s, postern.SecretPrefix) {
		return "(a secret)"
	}
	return postern.Shorten(s, n)
}

// couldBeID says whether s looks like a client id of ours, or is empty.
func couldBeID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(s) <= 40
}

// refuse records a refusal and gives the error to answer with. A refusal that
// cannot be recorded is Unavailable: nothing is decided off the record.
func (s *Issuer) refuse(ctx context.Context, req postern.Request, ev postern.Event, err *postern.Error, now time.Time) error {
	paced := ev.Action == postern.ActThrottled
	err, record := s.throttled(req, err, paced, now)
	ev.Action, ev.Code, ev.Cause = postern.ActTokenRefused, err.Code, err.Cause
	if ev.Cause == "" {
		ev.Cause = string(err.Reason)
	}
	call := postern.CallFrom(ctx)
	call.Tenant, call.ClientID, call.Code, call.Cause, call.Err = ev.Tenant, ev.ClientID, err.Code, ev.Cause, err.Err
	switch {
	case err.Code == postern.TooMany:
		ev.Action = postern.ActThrottled
	case err.Code == postern.Unavailable || err.Code == postern.Internal:
		s.cfg.OnEvent(ev)
		return err // most likely the record could not be written either
	}
	if record {
		if jerr := s.record(ctx, &postern.Entry{Event: ev}); jerr != nil {
			return jerr
		}
	}
	s.cfg.OnEvent(ev)
	return err
}

// record makes an entry durable. Its error is the caller's own: that of the journal
// belongs to everyone who waited for the same commit.
func (s *Issuer) record(ctx context.Context, e *postern.Entry) error {
	err := s.journal.append(e)
	if err == nil {
		return nil
	}
	out := postern.Error{Code: postern.Unavailable, Msg: "the request could not be recorded", Err: err}
	if e := postern.AsError(err); e.Code == postern.Unavailable {
		out = *e
	}
	if out.Wait == 0 {
		out.Wait = time.Second
	}
	if out.Cause == "" {
		out.Cause = "audit record not durable"
	}
	call := postern.CallFrom(ctx)
	call.Code, call.Cause, call.Err = out.Code, out.Cause, err
	return &out
}

// issue is the path of a token. It fills ev as it learns.
func (s *Issuer) issue(ctx context.Context, req postern.Request, ev *postern.Event, now time.Time) (postern.Token, error) {
	p := s.profiles[req.Dialect]
	if p == nil {
		return postern.Token{}, postern.Errorf(postern.Internal, "no profile for dialect %s", req.Dialect)
	}
	who, err := s.authenticate(ctx, req, p)
	if who.client != nil && who.tenant.ID != postern.SystemTenant {
		ev.Tenant, ev.ClientID, ev.Actor = who.Tenant, who.ID, "client:"+who.ID
	}
	if err != nil {
		return postern.Token{}, err
	}
	if err := s.checkGrant(req, who, p); err != nil {
		return postern.Token{}, err
	}
	if req.Via == postern.ViaQuery && who.tenant.RefuseQuery {
		return postern.Token{}, postern.Errorf(postern.Forbidden, "credentials in the query string are refused").
			Because(postern.QueryCredentials).WithHint("send client_id and client_secret in the body, as JSON or as a form")
	}
	if err := s.checkPace(who, p, ev, now); err != nil {
		return postern.Token{}, err
	}
	c := postern.Claims{ClientID: who.ID, Subject: who.ID, Tenant: who.Tenant, Kind: p.Kind, Dialect: p.Dialect}
	if p.Kind == postern.Human {
		s.journal.end() // a password takes its time: no machine's record is held for it
		c.User, err = s.checkPerson(ctx, req, who, ev, now)
		s.journal.begin()
		if err != nil {
			return postern.Token{}, err
		}
		ev.UserID, c.Subject, c.AuthTime = c.User.ID, c.User.ID, now
		c.PartnerID = who.tenant.PartnerID
	}
	if err := s.grantScope(ctx, req, who, p, &c); err != nil {
		return postern.Token{}, err
	}
	return s.give(ctx, who, p, c, ev, now)
}

// checkGrant tells an unknown grant from one that this client may not use.
func (s *Issuer) checkGrant(req postern.Request, who caller, p *postern.Profile) error {
	switch {
	case req.GrantType == "":
		e := postern.Errorf(postern.Invalid, "the parameter grant_type is missing").Because(postern.MissingParameter)
		e.Param = "grant_type"
		return e
	case !slices.Contains(p.Grants, req.GrantType) && !slices.Contains(p.KnownGrants, req.GrantType):
		return postern.Errorf(postern.Invalid, "the grant type is not supported here").Because(postern.UnknownGrant)
	case !slices.Contains(p.Grants, req.GrantType) || !who.MayGrant(req.GrantType):
		return postern.Errorf(postern.Forbidden, "the client may not use this grant type").Because(postern.GrantForbidden)
	}
	return nil
}

// checkPace applies the dialect's documented limit of requests per client. The
// first refusal of a run is marked in ev, to be recorded.
func (s *Issuer) checkPace(who caller, p *postern.Profile, ev *postern.Event, now time.Time) error {
	if p.PerMinute == 0 || s.limits.PerClient < 0 {
		return nil
	}
	wait, first := s.asked.add(p.Dialect+"/"+who.ID, p.PerMinute*s.limits.PerClient, now)
	if wait == 0 {
		return nil
	}
	if first {
		ev.Action = postern.ActThrottled
	}
	return tooMany(wait, "rate limit of the client")
}

// identityScopes belong to people. A machine that asks for one is refused rather
// than given less, and one that asks for nothing gets none of them, whatever its
// client has, as the servers of this family do.
var identityScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// grantScope narrows what was asked to what the client may have and what the named
// resources know, and sets the audience.
func (s *Issuer) grantScope(ctx context.Context, req postern.Request, who caller, p *postern.Profile, c *postern.Claims) error {
	c.Audience = s.defaultAudience(p)
	if p.FixedScope != nil {
		c.Scope = p.FixedScope
		return nil
	}
	wanted, err := s.wanted(req, who)
	if err != nil {
		return err
	}
	for _, asked := range wanted {
		if !who.Scopes.Has(asked) || slices.Contains(identityScopes, asked) {
			return badScope("scope " + chosen(asked, 80))
		}
	}
	c.Scope = wanted
	if len(wanted) == 0 {
		c.Scope = who.defaults
	}
	if len(req.Resources) > 0 {
		if c.Scope, c.Audience, err = s.narrow(ctx, c.Scope, req.Resources, who.Tenant); err != nil {
			return err
		}
	}
	if len(c.Scope) == 0 {
		return badScope("no scope left to grant")
	}
	return nil
}

// wanted gives the scopes that a request asks for. At a lenient resource only those
// count that the client has (RFC 6749 section 3.3), of which there has to be one.
func (s *Issuer) wanted(req postern.Request, who caller) (postern.Scopes, error) {
	strict := func(resource string) bool { return !slices.Contains(s.cfg.Lenient, resource) }
	if len(req.Scope) == 0 || len(req.Resources) == 0 || slices.ContainsFunc(req.Resources, strict) {
		return req.Scope, nil
	}
	wanted := req.Scope.Narrow(who.Scopes)
	if len(wanted) == 0 {
		return nil, badScope("no scope left to grant")
	}
	return wanted, nil
}

func badScope(cause string) *postern.Error {
	return &postern.Error{Code: postern.Invalid, Reason: postern.BadScope, Cause: cause,
		Msg: "a scope is unknown or not allowed for this client"}
}

// narrow checks the resources that a request names, keeps the scopes that mean
// something at any of them (RFC 8707 section 2) and gives the audience they make. A
// resource registered without scopes knows them all; one named twice counts once.
func (s *Issuer) narrow(ctx context.Context, scope postern.Scopes, named []string, tenant string) (postern.Scopes, []string, error) {
	registered, err := s.known.resourcesOf(ctx, tenant)
	if err != nil {
		return nil, nil, err
	}
	var kept, audience []string
	for _, name := range named {
		if slices.Contains(audience, name) {
			continue
		}
		is := func(r postern.Resource) bool { return r.URL == name }
		at, all := slices.IndexFunc(registered, is), registered
		if at < 0 {
			at, all = slices.IndexFunc(s.cfg.Resources, is), s.cfg.Resources
		}
		if at < 0 {
			e := postern.Errorf(postern.Invalid, "a resource is not registered for this tenant").Because(postern.BadTarget)
			e.Cause = "resource " + chosen(name, 80)
			return nil, nil, e
		}
		audience = append(audience, name)
		if known := all[at].Scopes; len(known) > 0 {
			kept = append(kept, scope.Narrow(known)...)
		} else {
			kept = append(kept, scope...)
		}
	}
	return postern.NewScopes(kept...), audience, nil
}
