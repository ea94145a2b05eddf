package main

import (
	"context"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type operatorSessionsCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
	asJSON
}

func (operatorSessionsCmd) Help() string {
	return "Example:\n  postern operator sessions ada@acme.test"
}

// Run prints where an operator is signed in.
func (c *operatorSessionsCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	op, err := o.operator(ctx, c.Operator)
	if err != nil {
		return err
	}
	all, err := o.Sessions(ctx, op.ID)
	if err != nil {
		return err
	}
	views, rows := []admin.Session{}, [][]string{}
	for _, s := range all {
		views = append(views, admin.SessionOf(s))
		rows = append(rows, []string{s.ID, stamp(s.CreatedAt), stamp(s.SeenAt), stamp(s.ExpiresAt), s.Source, postern.Shorten(s.Agent, 60)})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("SESSION|SIGNED IN|SEEN|ENDS|FROM|BROWSER", rows)
}

type operatorEndSessionCmd struct {
	Operator string `arg:"" help:"The operator's address, or id."`
	Session  string `arg:"" help:"The session, as 'operator sessions' lists it."`
}

func (operatorEndSessionCmd) Help() string {
	return "To end all of them at once, disable the operator.\n\nExample:\n  postern operator end-session ada@acme.test 0123456789abcdef"
}

// Run signs an operator out at one browser.
func (c *operatorEndSessionCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	op, err := o.operator(ctx, c.Operator)
	if err != nil {
		return err
	}
	if err := o.EndSession(ctx, op.ID, c.Session); err != nil {
		return hinted(err, postern.NotFound, "`postern operator sessions %s` shows them", op.Email)
	}
	a.note("the session of %s is ended", op.Email)
	return nil
}
