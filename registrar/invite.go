package registrar

import (
	"context"

	"postern.dev/postern"
)

// InviteOperator implements postern.Inviter. Whoever may do it could use the link, so it
// is for who may change operators.
func (o *office) InviteOperator(ctx context.Context, id string) (postern.Operator, postern.Secret, error) {
	var none postern.Secret
	if err := o.may(ChangeOperator); err != nil {
		return postern.Operator{}, none, err
	}
	op, err := o.operator(ctx, id)
	if err != nil {
		return postern.Operator{}, none, err
	}
	if op.Disabled {
		return postern.Operator{}, none, postern.Errorf(postern.Conflict, "operator %s is disabled", op.Email).WithHint("enable the operator first")
	}
	if err := o.r.tell(ctx, o.event(chainOf(&op), postern.ActOperatorChanged, op.ID, "another one-time link")); err != nil {
		return postern.Operator{}, none, err
	}
	code, err := o.r.newLink(ctx, op.ID, LinkLife)
	return seenOperator(op), code, err
}
