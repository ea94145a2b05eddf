package registrar

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// How long a session lives.
const (
	SessionIdle = 15 * time.Minute // unused
	SessionLife = 12 * time.Hour   // at most
)

const (
	maxSessions = 20 // of an operator; of more the one longest unseen ends
	touchEvery  = time.Minute
	maxCookie   = 100 // bytes
	maxAgent    = 200
)

// The causes of a refusal, for the audit trail. Whoever tries is told none of them.
const (
	causeUnknown  = "unknown operator"
	causeDisabled = "disabled operator"
	causeTenant   = "disabled tenant"
	causePassword = "wrong password"
	causeCode     = "wrong code"
	causeChanged  = "changed meanwhile"
)

// newCode makes what a cookie or a one-time link holds: 32 random bytes.
func newCode() postern.Secret {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return postern.NewSecret(base64.RawURLEncoding.EncodeToString(raw))
}

// own begins the record of what an operator does about themselves.
func (r *Registrar) own(op *postern.Operator, b postern.Browser, action, detail string) postern.Event {
	as := office{r: r, actor: postern.Actor{Name: operatorPrefix + op.ID, RequestID: b.RequestID, Source: b.Source}}
	return as.event(chainOf(op), action, op.ID, detail)
}

// tell makes an event durable.
func (r *Registrar) tell(ctx context.Context, ev postern.Event) error {
	return r.cfg.Store.Append(ctx, []*postern.Entry{{Event: ev}})
}

// SignIn begins a session for whoever proves to be an operator. Unknown addresses,
// disabled operators, wrong passwords and wrong codes take the same work and get the
// same answer: Unauthenticated, BadGrant.
func (r *Registrar) SignIn(ctx context.Context, email string, password postern.Secret, code string, b postern.Browser) (postern.Secret, postern.Operator, error) {
	op, err := r.check(ctx, email, password, code, b)
	if err != nil {
		return postern.Secret{}, postern.Operator{}, err
	}
	return r.enter(ctx, op, b, "")
}

// enter begins a session, once that is in the audit trail.
func (r *Registrar) enter(ctx context.Context, op postern.Operator, b postern.Browser, detail string) (postern.Secret, postern.Operator, error) {
	if err := r.tell(ctx, r.own(&op, b, postern.ActOperatorSignedIn, detail)); err != nil {
		return postern.Secret{}, postern.Operator{}, err
	}
	now := r.now()
	cookie, err := r.begin(ctx, op, b, now, now.Add(SessionLife))
	if err != nil {
		return postern.Secret{}, postern.Operator{}, err
	}
	return cookie, seenOperator(op), nil
}

// check proves an operator. The guess is counted first, so that any number of them at
// once are counted before any is looked at.
func (r *Registrar) check(ctx context.Context, email string, password postern.Secret, code string, b postern.Browser) (postern.Operator, error) {
	now, g := r.now(), newGuess(email, b)
	near, err := r.count(ctx, g, now)
	if err != nil {
		return postern.Operator{}, err
	}
	op, err := r.countFar(ctx, g, now)
	if err != nil {
		return postern.Operator{}, err
	}
	shut, err := r.shut(ctx, &op)
	if err != nil {
		return postern.Operator{}, err
	}
	cause, stored := "", op.PasswordHash
	switch {
	case op.ID == "":
		cause = causeUnknown
	case op.Disabled:
		cause, stored = causeDisabled, ""
	case shut:
		cause, stored = causeTenant, ""
	}
	if len(password.Reveal()) > postern.MaxPassword {
		password = postern.Secret{} // as wrong as any other, and no work to hash
	}
	right, err := r.cfg.Passwords.Check(ctx, stored, password)
	switch {
	case err != nil:
		return postern.Operator{}, err
	case cause == "" && !right:
		cause = causePassword
	case cause == "" && op.TOTP != "" && code == "":
		// The guess stays counted: else whoever knows the password could try codes for ever.
		return postern.Operator{}, postern.Errorf(postern.Unauthenticated, "a code of your second factor is needed").Because(postern.NeedCode)
	}
	if cause == "" {
		if op, cause, err = r.accept(ctx, op, stored, code, now); err != nil {
			return postern.Operator{}, err
		}
	}
	if cause != "" {
		return postern.Operator{}, r.refuse(ctx, op, b, cause, near, now)
	}
	if err := r.cfg.Store.ForgetGuesses(ctx, r.nearKey(g)); err != nil {
		return postern.Operator{}, err
	}
	return op, r.cfg.Store.KnowNetwork(ctx, r.knownKey(g), now, now.Add(knownFor))
}

// shut says whether an operator is of a tenant that is disabled, of which everything is
// refused.
func (r *Registrar) shut(ctx context.Context, op *postern.Operator) (bool, error) {
	if op.Tenant == "" {
		return false, nil
	}
	t, err := r.cfg.Store.Tenant(ctx, op.Tenant)
	return t.Disabled, err
}

// accept uses the code up, if one is needed, and forgets wrong guesses. The hash took its
// time: what was changed meanwhile counts.
func (r *Registrar) accept(ctx context.Context, op postern.Operator, stored, code string, now time.Time) (postern.Operator, string, error) {
	cause := ""
	after, err := r.cfg.Store.ChangeOperator(ctx, op.ID, postern.Event{At: now}, func(o *postern.Operator) error {
		cause = ""
		if o.Disabled || o.PasswordHash != stored || o.TOTP != op.TOTP {
			cause = causeChanged
			return nil
		}
		if o.TOTP != "" {
			secret, err := r.cfg.Box.Open(totpContext(o.ID), o.TOTP)
			if err != nil {
				return err
			}
			step, ok := stepOf(secret, code, now, o.TOTPStep)
			if !ok {
				cause = causeCode
				return nil
			}
			o.TOTPStep = step
		}
		o.Failures, o.Locked, o.SeenAt = 0, time.Time{}, now
		return nil
	})
	if postern.CodeOf(err) == postern.NotFound {
		return op, causeChanged, nil
	}
	return after, cause, err
}

// refuse records a refusal, and the lock that it brings about, in one commit: what takes
// longer for an account that exists would tell of it.
func (r *Registrar) refuse(ctx context.Context, op postern.Operator, b postern.Browser, cause string, near int, now time.Time) error {
	ev := r.own(&op, b, postern.ActOperatorRefused, "")
	ev.Actor, ev.Code, ev.Cause = "", postern.Unauthenticated, cause // nobody knows who it was
	entries := []*postern.Entry{{Event: ev}}
	detail := ""
	switch {
	case op.ID == "":
	case now.Before(op.Locked):
		detail = strconv.Itoa(op.Failures) + " wrong proofs; locked until " + op.Locked.UTC().Format(time.RFC3339)
	case near == nearFree:
		detail = strconv.Itoa(near) + " wrong proofs from one network; slower and slower there"
	}
	if detail != "" {
		lock := r.own(&op, b, postern.ActOperatorLocked, detail)
		lock.Actor = "system"
		entries = append(entries, &postern.Entry{Event: lock})
	}
	if err := r.cfg.Store.Append(ctx, entries); err != nil {
		return err
	}
	return &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadGrant, Cause: cause,
		Msg: "the e-mail address, the password or the code is wrong"}
}

// begin keeps a new session and gives what its cookie holds.
func (r *Registrar) begin(ctx context.Context, op postern.Operator, b postern.Browser, now, end time.Time) (postern.Secret, error) {
	cookie := newCode()
	s := postern.Session{ID: r.mark(r.cookies, cookie.Reveal()), Operator: op.ID, CreatedAt: now, SeenAt: now, ProvenAt: now, ExpiresAt: end}
	s.Source, s.Agent = sourceOf(b), postern.Shorten(strings.ToValidUTF8(b.Agent, "?"), maxAgent)
	if err := r.cfg.Store.CreateSession(ctx, s); err != nil {
		return postern.Secret{}, err
	}
	all, err := r.cfg.Store.Sessions(ctx, op.ID)
	if err != nil {
		return postern.Secret{}, err
	}
	live := 1
	for _, old := range all {
		if old.ID == s.ID {
			continue
		}
		if live < maxSessions && r.lives(&old) {
			live++
			continue
		}
		if err := r.cfg.Store.DeleteSession(ctx, op.ID, old.ID); err != nil && postern.CodeOf(err) != postern.NotFound {
			return postern.Secret{}, err
		}
	}
	return cookie, nil
}

func sourceOf(b postern.Browser) string {
	if !b.Source.IsValid() {
		return ""
	}
	return b.Source.Unmap().String()
}

// lives says whether a session may still be used.
func (r *Registrar) lives(s *postern.Session) bool {
	now := r.now()
	return now.Before(s.ExpiresAt) && now.Before(s.SeenAt.Add(SessionIdle))
}

func badSession() error {
	return postern.Errorf(postern.Unauthenticated, "you are not signed in").Because(postern.BadToken).WithHint("sign in")
}

// holder gives who holds a cookie.
func (r *Registrar) holder(ctx context.Context, cookie postern.Secret) (postern.Operator, postern.Session, error) {
	fail := func(err error) (postern.Operator, postern.Session, error) {
		if code := postern.CodeOf(err); code == postern.NotFound || code == "" {
			err = badSession()
		}
		return postern.Operator{}, postern.Session{}, err
	}
	if cookie.Empty() || len(cookie.Reveal()) > maxCookie {
		return fail(nil)
	}
	s, err := r.cfg.Store.Session(ctx, r.mark(r.cookies, cookie.Reveal()))
	if err != nil || !r.lives(&s) {
		return fail(err)
	}
	op, err := r.cfg.Store.Operator(ctx, s.Operator)
	if err != nil || op.Disabled {
		return fail(err)
	}
	if shut, err := r.shut(ctx, &op); err != nil || shut {
		return fail(err)
	}
	return op, s, nil
}

// SignedIn gives who holds a cookie, looked up anew each time: what was changed about the
// operator counts at once. That the session was used is kept once a minute, and never
// for a page that asks by itself: left open, it would keep the session for as long as it
// may last.
func (r *Registrar) SignedIn(ctx context.Context, cookie postern.Secret, b postern.Browser) (postern.Operator, postern.Session, error) {
	op, s, err := r.holder(ctx, cookie)
	if err != nil {
		return postern.Operator{}, postern.Session{}, err
	}
	now, source := r.now(), sourceOf(b)
	if b.Polls {
		return seenOperator(op), s, nil
	}
	if now.Sub(s.SeenAt) >= touchEvery || source != s.Source {
		s, err = r.cfg.Store.TouchSession(ctx, s.ID, func(s *postern.Session) { s.SeenAt, s.Source = now, source })
		if postern.CodeOf(err) == postern.NotFound { // ended meanwhile
			err = badSession()
		}
		if err != nil {
			return postern.Operator{}, postern.Session{}, err
		}
	}
	return seenOperator(op), s, nil
}

// Prove proves the holder of a cookie again and gives another cookie; the one before is
// worth nothing from then on. The session ends when it would have ended.
func (r *Registrar) Prove(ctx context.Context, cookie, password postern.Secret, code string, b postern.Browser) (postern.Secret, error) {
	op, s, err := r.holder(ctx, cookie)
	if err != nil {
		return postern.Secret{}, err
	}
	if op, err = r.check(ctx, op.Email, password, code, b); err != nil {
		return postern.Secret{}, err
	}
	if err := r.tell(ctx, r.own(&op, b, postern.ActOperatorProven, "")); err != nil {
		return postern.Secret{}, err
	}
	// The old session ends first: of two proofs at once one finds it gone.
	if err := r.cfg.Store.DeleteSession(ctx, op.ID, s.ID); err != nil {
		if postern.CodeOf(err) == postern.NotFound {
			err = badSession()
		}
		return postern.Secret{}, err
	}
	return r.begin(ctx, op, b, r.now(), s.ExpiresAt)
}

// SignOut ends the session of a cookie. One that has ended already is no error.
func (r *Registrar) SignOut(ctx context.Context, cookie postern.Secret, b postern.Browser) error {
	op, s, err := r.holder(ctx, cookie)
	if err != nil {
		if postern.CodeOf(err) == postern.Unauthenticated {
			return nil
		}
		return err
	}
	if err := r.tell(ctx, r.own(&op, b, postern.ActOperatorSignedOut, "")); err != nil {
		return err
	}
	if err := r.cfg.Store.DeleteSession(ctx, op.ID, s.ID); postern.CodeOf(err) != postern.NotFound {
		return err
	}
	return nil
}
