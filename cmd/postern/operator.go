package main

import (
	"context"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type operatorCmd struct {
	Create  operatorCreateCmd  `cmd:"" help:"Make an operator; prints the one-time link to sign in with."`
	List    operatorListCmd    `cmd:"" help:"List the operators."`
	Show    operatorShowCmd    `cmd:"" help:"Show one operator."`
	Update  operatorUpdateCmd  `cmd:"" help:"Change an operator's name or role, end a lock-out, or take a lost second factor away."`
	Disable operatorDisableCmd `cmd:"" help:"Refuse an operator; the sessions end."`
	Enable  operatorEnableCmd  `cmd:"" help:"Take an operator back."`
	Delete  operatorDeleteCmd  `cmd:"" help:"Delete an operator for good."`
	Invite  operatorInviteCmd  `cmd:"" help:"Give an operator another one-time link, to set a password at."`

	Sessions   operatorSessionsCmd   `cmd:"" help:"List where an operator is signed in."`
	EndSession operatorEndSessionCmd `cmd:"" name:"end-session" help:"Sign an operator out at one browser."`
}

// operatorView is an operator as printed, with the one-time link where it was just made.
type operatorView struct {
	admin.Operator
	SetupURL string `json:"setup_url,omitempty"`
}

// showOperator prints an operator, with the link that a code is for.
func (o *clerk) showOperator(ctx context.Context, op postern.Operator, code postern.Secret, json bool) error {
	v := operatorView{Operator: admin.OperatorOf(op, code, o.now())}
	if !code.Empty() {
		v.SetupURL = setupLink(o.address(ctx), code)
	}
	if json {
		return o.printJSON(v)
	}
	if err := o.pairs("Operator", op.ID, "E-mail", op.Email, "Name", op.Name, "Role", string(op.Role), "For", orDefault(op.Tenant, "every tenant"),
		"State", o.stateOf(op), "Second factor", yesNo(v.TOTP, "yes", "no"), "Locked until", lockedUntil(op.Locked, o.now()),
		"Signed in", stamp(op.SeenAt), "Created", stamp(op.CreatedAt), "Changed", stamp(op.UpdatedAt), "One-time link", v.SetupURL); err != nil {
		return err
	}
	if v.SetupURL != "" {
		o.note("The link works once, within 24 hours: whoever opens it sets the password. It is shown this once.")
	}
	return nil
}

func (a *app) stateOf(op postern.Operator) string {
	switch {
	case op.Disabled:
		return "disabled"
	case op.PasswordHash == "":
		return "invited"
	case a.now().Before(op.Locked):
		return "locked"
	}
	return "active"
}

// operator finds an operator by id or e-mail address.
func (o *clerk) operator(ctx context.Context, idOrEmail string) (found postern.Operator, err error) {
	email := postern.CanonicalEmail(idOrEmail)
	err = everyPage(func(p postern.Paging) (postern.Page[postern.Operator], error) { return o.Operators(ctx, p) }, func(op postern.Operator) {
		if op.ID == strings.TrimSpace(idOrEmail) || op.Email == email {
			found = op
		}
	})
	if err == nil && found.ID == "" {
		err = postern.Errorf(postern.NotFound, "there is no operator %s", postern.Shorten(idOrEmail, postern.MaxEmail)).
			WithHint("`postern operator list` shows them")
	}
	return found, err
}

// withOperator shows the operator that something was done with.
func (a *app) withOperator(ctx context.Context, idOrEmail string, json bool, do func(*clerk, postern.Operator) (postern.Operator, postern.Secret, error)) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	op, err := o.operator(ctx, idOrEmail)
	if err != nil {
		return err
	}
	op, code, err := do(o, op)
	if err != nil {
		return err
	}
	return o.showOperator(ctx, op, code, json)
}

type operatorCreateCmd struct {
	Email  string `arg:"" help:"The address to sign in with."`
	Name   string `help:"What to call them." placeholder:"N"`
	Role   string `default:"owner" enum:"owner,admin,auditor" help:"owner: everything; admin: everything but operators; auditor: looks and changes nothing." placeholder:"R"`
	Tenant string `help:"For the affairs of this tenant alone; of every one if not given." placeholder:"T"`
	asJSON
}

func (operatorCreateCmd) Help() string {
	return "The operator sets the password at the one-time link, which is shown once.\n\n" +
		"Examples:\n  postern operator create ada@acme.test\n  postern operator create bob@acme.test --role admin --tenant acme"
}

func (c *operatorCreateCmd) Run(ctx context.Context, a *app) error {
	o, err := a.openOffice(ctx, true)
	if err != nil {
		return err
	}
	defer o.close()
	op, code, err := o.CreateOperator(ctx, postern.Operator{Email: postern.CanonicalEmail(c.Email), Name: c.Name, Role: postern.Role(c.Role), Tenant: c.Tenant},
		postern.Edit{})
	if err != nil {
		return noTenant(hinted(err, postern.Conflict, "`postern operator invite` gives another link"))
	}
	return o.showOperator(ctx, op, code, c.JSON)
}

type operatorListCmd struct{ asJSON }

func (operatorListCmd) Help() string { return "Example:\n  postern operator list" }

func (c *operatorListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	views, rows := []admin.Operator{}, [][]string{}
	err = everyPage(func(p postern.Paging) (postern.Page[postern.Operator], error) { return o.Operators(ctx, p) }, func(op postern.Operator) {
		views = append(views, admin.OperatorOf(op, postern.Secret{}, a.now()))
		rows = append(rows, []string{op.ID, op.Email, op.Name, string(op.Role), orDefault(op.Tenant, "-"), a.stateOf(op), stamp(op.SeenAt)})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("OPERATOR|E-MAIL|NAME|ROLE|TENANT|STATE|SIGNED IN", rows)
}

type operatorShowCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
	asJSON
}

func (operatorShowCmd) Help() string { return "Example:\n  postern operator show ada@acme.test" }

func (c *operatorShowCmd) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, c.Operator, c.JSON, func(_ *clerk, op postern.Operator) (postern.Operator, postern.Secret, error) {
		return op, postern.Secret{}, nil
	})
}

// switchOperator disables an operator or takes one back.
func (a *app) switchOperator(ctx context.Context, idOrEmail string, disabled, json bool) error {
	return a.withOperator(ctx, idOrEmail, json, func(o *clerk, op postern.Operator) (postern.Operator, postern.Secret, error) {
		op, err := o.ChangeOperator(ctx, op.ID, postern.OperatorChange{Disabled: &disabled}, postern.Edit{})
		return op, postern.Secret{}, err
	})
}

type operatorDisableCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
	asJSON
}

func (operatorDisableCmd) Help() string { return "Example:\n  postern operator disable ada@acme.test" }

func (c *operatorDisableCmd) Run(ctx context.Context, a *app) error {
	return a.switchOperator(ctx, c.Operator, true, c.JSON)
}

type operatorEnableCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
	asJSON
}

func (operatorEnableCmd) Help() string { return "Example:\n  postern operator enable ada@acme.test" }

func (c *operatorEnableCmd) Run(ctx context.Context, a *app) error {
	return a.switchOperator(ctx, c.Operator, false, c.JSON)
}

type operatorDeleteCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
}

func (operatorDeleteCmd) Help() string {
	return "The sessions end. There is always an owner: the last one stays.\n\nExample:\n  postern operator delete ada@acme.test"
}

func (c *operatorDeleteCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	op, err := o.operator(ctx, c.Operator)
	if err == nil {
		err = o.DeleteOperator(ctx, op.ID, postern.Edit{})
	}
	if err != nil {
		return err
	}
	a.note("operator %s is deleted", op.Email)
	return nil
}

type operatorInviteCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
	asJSON
}

func (operatorInviteCmd) Help() string {
	return "For an operator who lost the password, or whose link ran out. The old password works until the link is used.\n\n" +
		"Example:\n  postern operator invite ada@acme.test"
}

func (c *operatorInviteCmd) Run(ctx context.Context, a *app) error {
	return a.withOperator(ctx, c.Operator, c.JSON, func(o *clerk, op postern.Operator) (postern.Operator, postern.Secret, error) {
		desk, ok := o.Office.(postern.Inviter)
		if !ok {
			return op, postern.Secret{}, postern.Errorf(postern.Invalid, "this office gives no other links") // both that there are do
		}
		return desk.InviteOperator(ctx, op.ID)
	})
}
