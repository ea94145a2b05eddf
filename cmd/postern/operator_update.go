package main

import (
	"context"

	"postern.dev/postern"
)

type operatorUpdateCmd struct {
	Operator string  `arg:"" help:"The operator's address, or id."`
	Name     *string `help:"What to call them." placeholder:"N"`
	Role     *string `enum:"owner,admin,auditor" help:"owner: everything; admin: everything but operators; auditor: looks and changes nothing." placeholder:"R"`
	Unlock   bool    `help:"Forget wrong passwords and codes."`
	NoTOTP   bool    `name:"no-second-factor" help:"Take the second factor away, of someone who lost it."`
	asJSON
}

func (operatorUpdateCmd) Help() string {
	return "With another role, or without the second factor, the sessions end.\n\n" +
		"Examples:\n  postern operator update bob@acme.test --role auditor\n  postern operator update ada@acme.test --no-second-factor --unlock"
}

// Run changes an operator in one piece.
func (c *operatorUpdateCmd) Run(ctx context.Context, a *app) error {
	if c.Name == nil && c.Role == nil && !c.Unlock && !c.NoTOTP {
		return errMisused{postern.Errorf(postern.Invalid, "there is nothing to change").WithHint("try `postern operator update --help`")}
	}
	change := postern.OperatorChange{Name: c.Name}
	if c.Role != nil {
		role := postern.Role(*c.Role)
		change.Role = &role
	}
	if c.Unlock {
		change.Unlock = &c.Unlock
	}
	if c.NoTOTP {
		change.NoTOTP = &c.NoTOTP
	}
	return a.withOperator(ctx, c.Operator, c.JSON, func(o *clerk, op postern.Operator) (postern.Operator, postern.Secret, error) {
		op, err := o.ChangeOperator(ctx, op.ID, change, postern.Edit{})
		return op, postern.Secret{}, err
	})
}
