package main

import (
	"context"

	"postern.dev/postern"
)

type userUpdateCmd struct {
	Email   string  `arg:"" help:"The user's address."`
	Tenant  string  `required:"" help:"The tenant." placeholder:"T"`
	Role    *string `help:"The role as userinfo shows it." placeholder:"R"`
	AgentID *string `name:"agent-id" help:"The agent's GUID; 'none' for a user who is no agent." placeholder:"GUID"`
	SiteID  *int64  `name:"site-id" help:"The agent's site; 0 takes it away." placeholder:"N"`
	Unlock  bool    `help:"Forget wrong passwords."`
	asJSON
}

func (userUpdateCmd) Help() string {
	return "Example:\n  postern user update ada@acme.test --tenant acme --role ADMIN --unlock"
}

// Run changes a user in one piece.
func (c *userUpdateCmd) Run(ctx context.Context, a *app) error {
	if c.Role == nil && c.AgentID == nil && c.SiteID == nil && !c.Unlock {
		return errMisused{postern.Errorf(postern.Invalid, "there is nothing to change").WithHint("try `postern user update --help`")}
	}
	change := postern.UserChange{Role: c.Role, AgentID: c.AgentID, SiteID: c.SiteID}
	if c.Unlock {
		change.Unlock = &c.Unlock
	}
	return a.changeUser(ctx, c.Tenant, c.Email, change, c.JSON)
}
