package registrar

import (
	"context"
	"strings"
	"time"

	"postern.dev/postern"
)

func badLink() error {
	return postern.Errorf(postern.NotFound, "this link was used already, or is too old").WithHint("ask for a new one")
}

// Invited looks at a one-time link without using it up.
func (r *Registrar) Invited(ctx context.Context, code postern.Secret) (postern.Operator, error) {
	if code.Empty() || len(code.Reveal()) > maxCookie {
		return postern.Operator{}, badLink()
	}
	id, err := r.cfg.Store.Invite(ctx, r.mark(r.links, code.Reveal()), r.now())
	op := postern.Operator{Role: postern.Owner}
	if err == nil && id != "" {
		op, err = r.cfg.Store.Operator(ctx, id)
	}
	if postern.CodeOf(err) == postern.NotFound || op.Disabled {
		return postern.Operator{}, badLink()
	}
	return seenOperator(op), err
}

// Accept uses a one-time link up and begins a session. The first operator is made, as an
// owner of the whole installation, with the address and the name that o has; for every
// other link o is not looked at. An operator with a second factor has to sign in then:
// the error is Unauthenticated, NeedCode.
func (r *Registrar) Accept(ctx context.Context, code postern.Secret, o postern.Operator, password postern.Secret, b postern.Browser) (postern.Secret, postern.Operator, error) {
	var none postern.Secret
	op, err := r.Invited(ctx, code)
	if err != nil {
		return none, postern.Operator{}, err
	}
	first := op.ID == ""
	if first {
		op = postern.Operator{ID: newGUID(), Email: postern.CanonicalEmail(o.Email), Name: o.Name, Role: postern.Owner}
	}
	if err := checkOperator(&op); err != nil {
		return none, postern.Operator{}, err
	}
	if err := checkOperatorPassword(&op, password); err != nil {
		return none, postern.Operator{}, err
	}
	hash, err := r.cfg.Passwords.Hash(ctx, password)
	if err != nil {
		return none, postern.Operator{}, err
	}
	// From here on the link is used up, and of several at once one gets it.
	id, err := r.cfg.Store.TakeInvite(ctx, r.mark(r.links, code.Reveal()), r.now())
	if err != nil || (id == "") != first || !first && id != op.ID {
		if postern.CodeOf(err) == postern.NotFound || err == nil {
			err = badLink()
		}
		return none, postern.Operator{}, err
	}
	if first {
		op.PasswordHash, op.CreatedAt = hash, r.now()
		op.UpdatedAt = op.CreatedAt
		err = r.cfg.Store.FirstOperator(ctx, op, r.own(&op, b, postern.ActOperatorCreated, op.Email+", the first operator"))
	} else {
		op, err = r.setPassword(ctx, op, hash, b, "password set at a one-time link", "")
	}
	if err != nil {
		return none, postern.Operator{}, err
	}
	if op.TOTP != "" { // a link takes the place of the password, and of nothing else
		return none, postern.Operator{}, postern.Errorf(postern.Unauthenticated, "the password is set; sign in with it and a code of your second factor").
			Because(postern.NeedCode)
	}
	return r.enter(ctx, op, b, "at a one-time link")
}

// checkOperatorPassword fails with Invalid for a password that is not good.
func checkOperatorPassword(op *postern.Operator, password postern.Secret) error {
	local, _, _ := strings.Cut(op.Email, "@")
	words := append(strings.Fields(op.Name), product, op.Tenant, local)
	return named("password", postern.CheckPassword(password.Reveal(), words...))
}

// setPassword gives an operator another password, and ends the sessions but one.
func (r *Registrar) setPassword(ctx context.Context, op postern.Operator, hash string, b postern.Browser, detail, but string) (postern.Operator, error) {
	op, err := r.cfg.Store.ChangeOperator(ctx, op.ID, r.own(&op, b, postern.ActOperatorChanged, detail), func(o *postern.Operator) error {
		o.PasswordHash, o.Failures, o.Locked = hash, 0, time.Time{}
		return nil
	})
	if err != nil {
		return op, err
	}
	return op, r.cfg.Store.DeleteSessions(ctx, op.ID, but)
}
