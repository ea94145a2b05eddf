package issuer

import (
	"context"
	"strconv"
	"time"

	"postern.dev/postern"
)

// The causes of a refused person, for the audit trail. The caller is told none of
// them apart.
const (
	causeNoPartner     = "unknown partner"
	causeForeignTenant = "client of another partner"
	causeUnknownUser   = "unknown user"
	causeWrongPassword = "wrong password"
	causeLockedUser    = "locked user"
	causeDisabledUser  = "disabled user"
	causeNoEmail       = "no email sent"
	causeLongPassword  = "password longer than any"
	causeRevokedUser   = "user's tokens are revoked"
)

// checkPerson proves the person of a password grant. Whether the partner, the
// user or the password is wrong, or the account is locked or disabled, one password
// hash is computed and one answer given (RFC 6749 section 10.7). Only what the
// request itself shows is refused without one.
func (s *Issuer) checkPerson(ctx context.Context, req postern.Request, who caller, ev *postern.Event, now time.Time) (*postern.User, error) {
	switch {
	case req.Email == "":
		return nil, badGrant(causeNoEmail)
	case len(req.Password.Reveal()) > postern.MaxPassword:
		return nil, badGrant(causeLongPassword)
	}
	// A network that has used up its failures is told so before any hash is computed.
	if wait, first := s.bySource.full(network(req.Source), now); wait > 0 {
		if first {
			ev.Action = postern.ActThrottled
		}
		return nil, tooMany(wait, "failures of the network")
	}
	// The turn covers the look-up, the hash and the count, so that a lock which others
	// bring about meanwhile is seen: as many guesses outrun it as have a turn at once.
	if err := s.passwords.enter(ctx); err != nil {
		return nil, err
	}
	defer s.passwords.leave()
	near := nearKey(req, who)
	user, cause, err := s.findPerson(ctx, req, who, near, now)
	if err != nil {
		return nil, err
	}
	stored := ""
	if cause == "" {
		stored = user.PasswordHash
	}
	right, err := s.passwords.compare(stored, req.Password)
	if err != nil {
		return nil, err
	}
	if right { // the hash took its time: what was changed meanwhile counts
		if user, cause, err = s.findPerson(ctx, req, who, near, now); err != nil {
			return nil, err
		}
	}
	if cause == "" && (!right || user.PasswordHash != stored) {
		cause = causeWrongPassword
		if err := s.countFailure(ctx, req, user, now); err != nil {
			return nil, err
		}
	}
	if cause != "" {
		// What comes during a lock tells nobody anything, so it does not make it longer:
		// a program that keeps asking gets in when its turn comes.
		if cause != causeLockedUser {
			s.near.fail(near, now)
		}
		return nil, badGrant(cause)
	}
	s.near.clear(near)
	if user.Failures > 0 {
		if err := s.cfg.Journal.ClearFailures(ctx, user.Tenant, user.ID); err != nil {
			return nil, err
		}
	}
	return &user, nil
}

// nearKey names an account as seen from a network. It is bounded, because anyone
// can make one.
func nearKey(req postern.Request, who caller) string {
	email := postern.CanonicalEmail(req.Email)
	return who.Tenant + "/" + network(req.Source) + "/" + email[:min(len(email), postern.MaxEmail)]
}

// findPerson looks the person up, fresh from the registry: the count of failures
// and the lock must not be remembered. It answers the cause when there is nobody
// whose password is worth comparing.
func (s *Issuer) findPerson(ctx context.Context, req postern.Request, who caller, near string, now time.Time) (u postern.User, cause string, err error) {
	if req.PartnerID != "" {
		number, perr := strconv.ParseInt(req.PartnerID, 10, 64)
		tenant, err := "", error(nil)
		if perr == nil {
			tenant, err = s.known.partner(ctx, number)
		}
		switch {
		case perr != nil || postern.CodeOf(err) == postern.NotFound:
			return u, causeNoPartner, nil
		case err != nil:
			return u, "", err
		case tenant != who.Tenant:
			return u, causeForeignTenant, nil
		}
	}
	u, err = s.cfg.Registry.User(ctx, who.Tenant, postern.CanonicalEmail(req.Email))
	switch {
	case postern.CodeOf(err) == postern.NotFound:
		return u, causeUnknownUser, nil
	case err != nil:
		return u, "", err
	case u.Disabled:
		return u, causeDisabledUser, nil
	case now.Before(u.LockedUntil) || s.near.locked(near, now):
		return u, causeLockedUser, nil
	}
	return u, "", nil
}

// countFailure keeps the account's own count, which outlives a restart and is
// shared by all nodes.
func (s *Issuer) countFailure(ctx context.Context, req postern.Request, u postern.User, now time.Time) error {
	after, err := s.cfg.Journal.CountFailure(ctx, u.Tenant, u.ID, func(n int) time.Time { return farLock(now, n) })
	if err != nil || !now.Before(after.LockedUntil) {
		return err
	}
	ev := s.event(req, postern.ActAccountLocked, now)
	ev.Tenant, ev.UserID = u.Tenant, u.ID
	ev.Detail = strconv.Itoa(after.Failures) + " wrong passwords; locked until " + after.LockedUntil.UTC().Format(time.RFC3339)
	return s.record(ctx, &postern.Entry{Event: ev})
}

func badGrant(cause string) *postern.Error {
	return &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadGrant, Cause: cause,
		Msg: "the e-mail address or the password is wrong"}
}
