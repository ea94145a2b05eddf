package registrar

import (
	"context"
	"time"

	"postern.dev/postern"
)

// How long a one-time link is good.
const (
	LinkLife      = 24 * time.Hour
	FirstLinkLife = 15 * time.Minute
)

// isSet is what stands for a proof that is there.
const isSet = "set"

// seenOperator leaves out what proves an operator, and says whether it is there.
func seenOperator(op postern.Operator) postern.Operator {
	op.TOTPStep = 0
	if op.PasswordHash != "" {
		op.PasswordHash = isSet
	}
	if op.TOTP != "" {
		op.TOTP = isSet
	}
	return op
}

// chainOf is the audit trail that an operator is written in.
func chainOf(op *postern.Operator) string {
	if op.Tenant == "" {
		return postern.SystemTenant
	}
	return op.Tenant
}

// Operators of a tenant-bound actor are those of its tenant. A page may have fewer than
// were asked for while there are more.
func (o *office) Operators(ctx context.Context, p postern.Paging) (postern.Page[postern.Operator], error) {
	if err := o.may(ReadOperators); err != nil {
		return postern.Page[postern.Operator]{}, err
	}
	page, err := onePage(p, func(op postern.Operator) string { return op.ID }, func(after string, limit int) ([]postern.Operator, error) {
		return o.store().Operators(ctx, after, limit)
	})
	var seen []postern.Operator
	for _, op := range page.Items {
		if o.sees(op.Tenant) {
			seen = append(seen, seenOperator(op))
		}
	}
	page.Items = seen
	return page, err
}

// operator looks an operator up that the actor may know of.
func (o *office) operator(ctx context.Context, id string) (postern.Operator, error) {
	op, err := o.store().Operator(ctx, id)
	if postern.CodeOf(err) == postern.NotFound || err == nil && !o.sees(op.Tenant) {
		return postern.Operator{}, unseen(err == nil, postern.Errorf(postern.NotFound, "there is no operator %q", postern.Shorten(id, 80)))
	}
	return op, err
}

func (o *office) CreateOperator(ctx context.Context, op postern.Operator, e postern.Edit) (postern.Operator, postern.Secret, error) {
	var none postern.Secret
	if err := o.may(CreateOperator); err != nil {
		return postern.Operator{}, none, err
	}
	op = postern.Operator{Email: postern.CanonicalEmail(op.Email), Name: op.Name, Role: op.Role, Tenant: op.Tenant}
	if op.Tenant == "" {
		op.Tenant = o.actor.Tenant
	}
	if op.Tenant != "" {
		if _, err := o.tenant(ctx, op.Tenant); err != nil {
			return postern.Operator{}, none, err
		}
	}
	if err := checkOperator(&op); err != nil {
		return postern.Operator{}, none, err
	}
	return once(ctx, o, CreateOperator, e, op, func() (postern.Operator, postern.Secret, error) {
		op := op
		op.ID, op.CreatedAt = newGUID(), o.r.now()
		op.UpdatedAt = op.CreatedAt
		ev := o.event(chainOf(&op), postern.ActOperatorCreated, op.ID, op.Email+", "+string(op.Role))
		if err := o.store().CreateOperator(ctx, op, ev); err != nil {
			if postern.CodeOf(err) == postern.Conflict {
				err = postern.Errorf(postern.Conflict, "there is an operator %s already", op.Email)
			}
			return postern.Operator{}, none, err
		}
		code, err := o.r.newLink(ctx, op.ID, LinkLife)
		return seenOperator(op), code, err
	})
}

// checkOperator fails with Invalid for an operator that cannot be.
func checkOperator(op *postern.Operator) error {
	if !oneWord(op.Name) {
		return invalid("name", "a name is one line, without control characters")
	}
	return op.Check()
}

// newLink keeps a one-time link and gives its code.
func (r *Registrar) newLink(ctx context.Context, operator string, life time.Duration) (postern.Secret, error) {
	code := newCode()
	return code, r.cfg.Store.SaveInvite(ctx, r.mark(r.links, code.Reveal()), operator, r.now().Add(life))
}

// FirstLink gives the code of a one-time link at which the first operator is made, good
// for FirstLinkLife, while there is no operator; else an empty one.
func (r *Registrar) FirstLink(ctx context.Context) (postern.Secret, error) {
	some, err := r.cfg.Store.Operators(ctx, "", 1)
	if err != nil || len(some) > 0 {
		return postern.Secret{}, err
	}
	return r.newLink(ctx, "", FirstLinkLife)
}

func (o *office) ChangeOperator(ctx context.Context, id string, c postern.OperatorChange, e postern.Edit) (postern.Operator, error) {
	if err := o.may(ChangeOperator); err != nil {
		return postern.Operator{}, err
	}
	old, err := o.operator(ctx, id)
	if err != nil {
		return postern.Operator{}, err
	}
	unlock, noTOTP := c.Unlock != nil && *c.Unlock, c.NoTOTP != nil && *c.NoTOTP
	var done words
	done.set("name", c.Name != nil)
	if c.Role != nil {
		done = append(done, "role: "+string(*c.Role))
	}
	done.choose(c.Disabled, "disabled", "enabled")
	done.set("unlocked", unlock)
	done.set("second factor taken away", noTOTP)
	if len(done) == 0 {
		return postern.Operator{}, nothingToChange()
	}
	ev := o.event(chainOf(&old), postern.ActOperatorChanged, old.ID, done.String())
	op, err := o.store().ChangeOperator(ctx, old.ID, ev, func(op *postern.Operator) error {
		if err := match(e, op.UpdatedAt); err != nil {
			return err
		}
		set(&op.Name, c.Name)
		set(&op.Role, c.Role)
		set(&op.Disabled, c.Disabled)
		if unlock {
			op.Failures, op.Locked = 0, time.Time{}
		}
		if noTOTP {
			op.TOTP, op.TOTPStep = "", 0
		}
		return checkOperator(op)
	})
	if err != nil {
		return postern.Operator{}, err
	}
	// Who is not trusted as before signs in again.
	if op.Disabled || op.Role != old.Role || noTOTP {
		err = o.store().DeleteSessions(ctx, op.ID, "")
	}
	return seenOperator(op), err
}

func (o *office) DeleteOperator(ctx context.Context, id string, e postern.Edit) error {
	if err := o.may(DeleteOperator); err != nil {
		return err
	}
	op, err := o.operator(ctx, id)
	if err != nil {
		return err
	}
	return o.store().DeleteOperator(ctx, op.ID, o.event(chainOf(&op), postern.ActOperatorDeleted, op.ID, op.Email),
		func(op *postern.Operator) error { return match(e, op.UpdatedAt) })
}

// isSelf says whether the actor is that operator.
func (o *office) isSelf(operator string) bool { return o.actor.Name == operatorPrefix+operator }

func (o *office) Sessions(ctx context.Context, operator string) ([]postern.Session, error) {
	if !o.isSelf(operator) {
		if err := o.may(ReadOperators); err != nil {
			return nil, err
		}
	}
	op, err := o.operator(ctx, operator)
	if err != nil {
		return nil, err
	}
	all, err := o.store().Sessions(ctx, op.ID)
	if err != nil {
		return nil, err
	}
	var live []postern.Session
	for _, s := range all {
		if o.r.lives(&s) {
			live = append(live, s)
		}
	}
	return live, nil
}

func (o *office) EndSession(ctx context.Context, operator, session string) error {
	if !o.isSelf(operator) {
		if err := o.may(EndSession); err != nil {
			return err
		}
	}
	op, err := o.operator(ctx, operator)
	if err != nil {
		return err
	}
	none := postern.Errorf(postern.NotFound, "there is no such session")
	s, err := o.store().Session(ctx, session)
	switch {
	case postern.CodeOf(err) == postern.NotFound || err == nil && s.Operator != op.ID:
		return none
	case err != nil:
		return err
	}
	if err := o.r.tell(ctx, o.event(chainOf(&op), postern.ActSessionEnded, op.ID, "session "+postern.Shorten(session, 8))); err != nil {
		return err
	}
	if err := o.store().DeleteSession(ctx, op.ID, session); postern.CodeOf(err) != postern.NotFound {
		return err
	}
	return none
}
