package registrar

import (
	"context"
	"net/netip"
	"time"

	"postern.dev/postern"
)

// Guessing is made slow three ways, on every node alike. From one network at one account
// it is soon: a stranger elsewhere can lock nobody out with it. For an account, wherever
// the guesses come from, it is late, and not at all from where the operator has signed
// in before; at hardStop it is for good. From one network at any account it is so that
// trying one password on everybody leads nowhere.
const (
	nearFree    = 5
	nearUnit    = time.Second
	nearMost    = 15 * time.Minute
	nearForget  = 2 * nearMost
	farFree     = 20
	farUnit     = time.Minute
	farMost     = time.Hour
	hardStop    = 100 // NIST SP 800-63B section 5.2.2
	sourceFree  = 100 // in half an hour, right ones among them
	sourceUnit  = time.Second
	sourceMost  = time.Minute
	knownFor    = 30 * 24 * time.Hour
	maxAccounts = 4 * postern.MaxEmail // bytes of an address that are looked at
)

// lockout is the growing pause after so many guesses: none for the first few, then
// doubling from unit up to most.
func lockout(count, free int, unit, most time.Duration) time.Duration {
	if count < free {
		return 0
	}
	d := unit
	for range min(count-free, 30) {
		if d *= 2; d >= most {
			return most
		}
	}
	return d
}

// after gives when a pause ends, and no time for none.
func after(now time.Time, pause time.Duration) time.Time {
	if pause == 0 {
		return time.Time{}
	}
	return now.Add(pause)
}

// farLock gives until when an account is locked after so many guesses.
func farLock(now time.Time, count int) time.Time {
	if count >= hardStop {
		return now.AddDate(100, 0, 0)
	}
	return after(now, lockout(count, farFree, farUnit, farMost))
}

// network is what addresses are counted by: a /24 of IPv4, a /64 of IPv6, because one
// caller commands a whole one.
func network(a netip.Addr) string {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// guess is an attempt to prove oneself: as whom, and from where.
type guess struct {
	email   string // canonical
	network string
}

func newGuess(email string, b postern.Browser) guess {
	return guess{postern.CanonicalEmail(email[:min(len(email), maxAccounts)]), network(b.Source)}
}

func (r *Registrar) nearKey(g guess) string {
	return r.mark(r.guesses, "near\n"+g.network+"\n"+g.email)
}

func (r *Registrar) knownKey(g guess) string {
	return r.mark(r.guesses, "known\n"+g.network+"\n"+g.email)
}

// count counts a guess before anything of it is looked at, so that none outruns the
// lock, and fails with TooMany when it comes too early. near is how many there were from
// that network at that account.
func (r *Registrar) count(ctx context.Context, g guess, now time.Time) (near int, err error) {
	_, wait, err := r.cfg.Store.Guess(ctx, r.mark(r.guesses, "source\n"+g.network), now, nearForget, func(n int) time.Time {
		return after(now, lockout(n, sourceFree, sourceUnit, sourceMost))
	})
	if err != nil || wait > 0 {
		return 0, tooMany(wait, err)
	}
	near, wait, err = r.cfg.Store.Guess(ctx, r.nearKey(g), now, nearForget, func(n int) time.Time {
		return after(now, lockout(n, nearFree, nearUnit, nearMost))
	})
	return near, tooMany(wait, err)
}

// countFar is count for an account wherever the guesses come from, and gives the
// operator as it is. One that does not exist is counted in the same way.
func (r *Registrar) countFar(ctx context.Context, g guess, now time.Time) (op postern.Operator, err error) {
	op, err = r.cfg.Store.OperatorByEmail(ctx, g.email)
	if postern.CodeOf(err) == postern.NotFound {
		_, wait, err := r.cfg.Store.Guess(ctx, r.mark(r.guesses, "far\n"+g.email), now, 0, func(n int) time.Time { return farLock(now, n) })
		return postern.Operator{}, tooMany(wait, err)
	}
	if err != nil {
		return op, err
	}
	known := false
	if now.Before(op.Locked) {
		if known, err = r.cfg.Store.KnownNetwork(ctx, r.knownKey(g), now); err != nil {
			return op, err
		}
	}
	wait := time.Duration(0)
	op, err = r.cfg.Store.ChangeOperator(ctx, op.ID, postern.Event{At: now}, func(o *postern.Operator) error {
		if now.Before(o.Locked) && !known {
			wait = o.Locked.Sub(now)
			return nil
		}
		o.Failures++
		o.Locked = farLock(now, o.Failures)
		return nil
	})
	return op, tooMany(wait, err)
}

func tooMany(wait time.Duration, err error) error {
	if err != nil || wait == 0 {
		return err
	}
	return &postern.Error{Code: postern.TooMany, Wait: wait, Cause: "wrong too often",
		Msg: "this was wrong too often; try again later"}
}
