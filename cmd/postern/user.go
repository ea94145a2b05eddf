package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type userCmd struct {
	Create      userCreateCmd   `cmd:"" help:"Make a user."`
	List        userListCmd     `cmd:"" help:"List the users of a tenant."`
	Update      userUpdateCmd   `cmd:"" help:"Change a user's role, agent or site, or end a lock-out."`
	SetPassword userPasswordCmd `cmd:"" name:"set-password" help:"Give a user a new password and unlock the account."`
	Disable     userDisableCmd  `cmd:"" help:"Refuse a user, the live tokens too."`
	Enable      userEnableCmd   `cmd:"" help:"Take a user back."`
}

func (a *app) showUser(u postern.User, password postern.Secret, json bool) error {
	v := admin.UserOf(u, password, a.now())
	if json {
		return a.printJSON(v)
	}
	site := ""
	if v.SiteID != 0 {
		site = strconv.FormatInt(v.SiteID, 10)
	}
	if err := a.pairs("User", v.ID, "Tenant", v.Tenant, "Email", v.Email, "Password", v.Password, "Role", v.Role,
		"Agent", v.AgentID, "Site", site, "State", yesNo(v.Disabled, "disabled", "active"), "Locked until", lockedUntil(u.LockedUntil, a.now()),
		"Created", stamp(u.CreatedAt), "Changed", stamp(u.UpdatedAt)); err != nil {
		return err
	}
	if v.Password != "" {
		a.note("The password is shown this once.")
	}
	return nil
}

// lockedUntil is until when somebody is locked out, "" when they are not.
func lockedUntil(until, now time.Time) string {
	if !now.Before(until) {
		return ""
	}
	return stamp(until)
}

// passwordFlags are the ways a password comes in: asked for, piped in, or made.
type passwordFlags struct {
	PasswordStdin bool `name:"password-stdin" help:"Read the password from the first line of standard input."`
	Generate      bool `help:"Make a password and show it once."`
}

// read gives the password of a user of t, none where one is to be made.
func (f passwordFlags) read(a *app, t postern.Tenant, email string) (p postern.Secret, err error) {
	switch {
	case f.PasswordStdin && f.Generate:
		return p, errMisused{postern.Errorf(postern.Invalid, "--password-stdin and --generate exclude each other")}
	case f.Generate:
		return p, nil
	case f.PasswordStdin:
		line, err := readLine(a.stdin)
		if err != nil {
			return p, err
		}
		p = postern.NewSecret(line)
	default:
		if p, err = a.password("Password: "); err != nil {
			return p, err
		}
		again, err := a.password("Once more: ")
		if err != nil {
			return p, err
		}
		if again.Reveal() != p.Reveal() {
			return p, postern.Errorf(postern.Invalid, "the two passwords differ")
		}
	}
	// Also because an empty one would ask for one to be made.
	local, _, _ := strings.Cut(email, "@")
	return p, postern.CheckPassword(p.Reveal(), "postern", t.ID, t.Name, local)
}

type userCreateCmd struct {
	Email   string `arg:"" help:"The address the user signs in with."`
	Tenant  string `required:"" help:"The tenant." placeholder:"T"`
	Role    string `default:"AGENT" help:"The role as userinfo shows it." placeholder:"R"`
	AgentID string `name:"agent-id" help:"The agent's GUID; made if not given; 'none' for a user who is no agent." placeholder:"GUID"`
	SiteID  int64  `name:"site-id" help:"The agent's site." placeholder:"N"`
	passwordFlags
	asJSON
}

func (userCreateCmd) Help() string {
	return "Example:\n  postern user create ada@acme.test --tenant acme --site-id 10115 --generate"
}

func (c *userCreateCmd) Run(ctx context.Context, a *app) error {
	email := postern.CanonicalEmail(c.Email)
	if err := postern.CheckEmail(email); err != nil {
		return err
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	t, err := o.tenant(ctx, c.Tenant)
	if err != nil {
		return err
	}
	password, err := c.read(a, t, email)
	if err != nil {
		return err
	}
	u, made, err := o.CreateUser(ctx, postern.User{Tenant: t.ID, Email: email, Role: c.Role, AgentID: c.AgentID, SiteID: c.SiteID}, password, postern.Edit{})
	if err != nil {
		return err
	}
	return a.showUser(u, made, c.JSON)
}

type userListCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (userListCmd) Help() string { return "Example:\n  postern user list --tenant demo" }

func (c *userListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	views, rows := []admin.User{}, [][]string{}
	err = everyPage(func(p postern.Paging) (postern.Page[postern.User], error) {
		return o.Users(ctx, postern.UserQuery{Tenant: c.Tenant, Paging: p})
	}, func(u postern.User) {
		views = append(views, admin.UserOf(u, postern.Secret{}, a.now()))
		state := yesNo(u.Disabled, "disabled", yesNo(a.now().Before(u.LockedUntil), "locked", "active"))
		rows = append(rows, []string{u.ID, u.Email, u.Role, state})
	})
	if err != nil {
		return noTenant(err)
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("USER|EMAIL|ROLE|STATE", rows)
}

// switchUser disables a user or takes one back.
func (a *app) switchUser(ctx context.Context, tenant, email string, disabled, json bool) error {
	return a.changeUser(ctx, tenant, email, postern.UserChange{Disabled: &disabled}, json)
}

// changeUser shows the user that was changed.
func (a *app) changeUser(ctx context.Context, tenant, email string, change postern.UserChange, json bool) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if _, err := o.tenant(ctx, tenant); err != nil {
		return err
	}
	u, err := o.ChangeUser(ctx, tenant, postern.CanonicalEmail(email), change, postern.Edit{})
	if err != nil {
		return noUser(err, tenant)
	}
	return a.showUser(u, postern.Secret{}, json)
}

type userPasswordCmd struct {
	Email  string `arg:"" help:"The user's address."`
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	passwordFlags
	asJSON
}

func (userPasswordCmd) Help() string {
	return "Tokens from before stop working.\n\nExample:\n  postern user set-password ada@acme.test --tenant acme --generate"
}

func (c *userPasswordCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	t, err := o.tenant(ctx, c.Tenant)
	if err != nil {
		return err
	}
	u, err := o.User(ctx, t.ID, postern.CanonicalEmail(c.Email))
	if err != nil {
		return noUser(err, t.ID)
	}
	password, err := c.read(a, t, u.Email)
	if err != nil {
		return err
	}
	u, made, err := o.SetPassword(ctx, t.ID, u.ID, password)
	if err != nil {
		return noUser(err, t.ID)
	}
	return a.showUser(u, made, c.JSON)
}

type userDisableCmd struct {
	Email  string `arg:"" help:"The user's address."`
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (userDisableCmd) Help() string {
	return "Example:\n  postern user disable ada@acme.test --tenant acme"
}

func (c *userDisableCmd) Run(ctx context.Context, a *app) error {
	return a.switchUser(ctx, c.Tenant, c.Email, true, c.JSON)
}

type userEnableCmd struct {
	Email  string `arg:"" help:"The user's address."`
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (userEnableCmd) Help() string {
	return "Example:\n  postern user enable ada@acme.test --tenant acme"
}

func (c *userEnableCmd) Run(ctx context.Context, a *app) error {
	return a.switchUser(ctx, c.Tenant, c.Email, false, c.JSON)
}
