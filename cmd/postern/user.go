package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

type userCmd struct {
	Create      userCreateCmd   `cmd:"" help:"Make a user."`
	List        userListCmd     `cmd:"" help:"List the users of a tenant."`
	SetPassword userPasswordCmd `cmd:"" name:"set-password" help:"Give a user a new password and unlock the account."`
	Disable     userDisableCmd  `cmd:"" help:"Refuse a user, the live tokens too."`
	Enable      userEnableCmd   `cmd:"" help:"Take a user back."`
}

// userView is a user as printed. Password is there once: when it was generated.
type userView struct {
	ID          string `json:"id"`
	Tenant      string `json:"tenant"`
	Email       string `json:"email"`
	Password    string `json:"password,omitempty"`
	Role        string `json:"role"`
	AgentID     string `json:"agent_id,omitempty"`
	SiteID      int64  `json:"site_id,omitempty"`
	Disabled    bool   `json:"disabled"`
	Failures    int    `json:"failures"`
	LockedUntil string `json:"locked_until,omitempty"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
}

func (a *app) viewUser(u postern.User) userView {
	v := userView{ID: u.ID, Tenant: u.Tenant, Email: u.Email, Role: u.Role, AgentID: u.AgentID, SiteID: u.SiteID,
		Disabled: u.Disabled, Failures: u.Failures, CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt)}
	if a.now().Before(u.LockedUntil) {
		v.LockedUntil = stamp(u.LockedUntil)
	}
	return v
}

func (a *app) showUser(u postern.User, password postern.Secret, json bool) error {
	v := a.viewUser(u)
	v.Password = password.Reveal()
	if json {
		return a.printJSON(v)
	}
	site := ""
	if v.SiteID != 0 {
		site = strconv.FormatInt(v.SiteID, 10)
	}
	if err := a.pairs("User", v.ID, "Tenant", v.Tenant, "Email", v.Email, "Password", v.Password, "Role", v.Role,
		"Agent", v.AgentID, "Site", site, "State", yesNo(v.Disabled, "disabled", "active"), "Locked until", v.LockedUntil,
		"Created", v.CreatedAt, "Changed", v.UpdatedAt); err != nil {
		return err
	}
	if v.Password != "" {
		a.note("The password is shown this once.")
	}
	return nil
}

// passwordFlags are the ways a password comes in: asked for, piped in, or made.
type passwordFlags struct {
	PasswordStdin bool `name:"password-stdin" help:"Read the password from the first line of standard input."`
	Generate      bool `help:"Make a password and show it once."`
}

// read gives the password of a user of t, and whether it is to be shown.
func (f passwordFlags) read(a *app, t postern.Tenant, email string) (p postern.Secret, made bool, err error) {
	switch {
	case f.PasswordStdin && f.Generate:
		return p, false, errMisused{postern.Errorf(postern.Invalid, "--password-stdin and --generate exclude each other")}
	case f.Generate:
		return generatePassword(), true, nil
	case f.PasswordStdin:
		line, err := readLine(a.stdin)
		if err != nil {
			return p, false, err
		}
		p = postern.NewSecret(line)
	default:
		if p, err = a.password("Password: "); err != nil {
			return p, false, err
		}
		again, err := a.password("Once more: ")
		if err != nil {
			return p, false, err
		}
		if again.Reveal() != p.Reveal() {
			return p, false, postern.Errorf(postern.Invalid, "the two passwords differ")
		}
	}
	local, _, _ := strings.Cut(email, "@")
	return p, false, postern.CheckPassword(p.Reveal(), "postern", t.ID, t.Name, local)
}

// generatePassword makes 24 hex digits in groups: 96 bits that a person can type.
func generatePassword() postern.Secret {
	raw := make([]byte, 12)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	h := hex.EncodeToString(raw)
	return postern.NewSecret(h[:6] + "-" + h[6:12] + "-" + h[12:18] + "-" + h[18:])
}

// newGUID makes a random UUID (RFC 9562 section 5.4).
func newGUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
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
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	t, err := p.tenant(ctx, c.Tenant)
	if err != nil {
		return err
	}
	password, made, err := c.read(a, t, email)
	if err != nil {
		return err
	}
	u, err := p.newUser(ctx, t.ID, email, password)
	if err != nil {
		return err
	}
	u.Role, u.SiteID = postern.Shorten(c.Role, 60), c.SiteID
	if c.AgentID != "" {
		u.AgentID = strings.TrimPrefix(postern.Shorten(c.AgentID, 60), "none")
	}
	ev := p.event(t.ID, postern.ActUserCreated, u.ID, u.Email)
	ev.UserID = u.ID
	if err := p.db.CreateUser(ctx, u, ev); err != nil {
		if postern.CodeOf(err) == postern.Conflict {
			return postern.Errorf(postern.Conflict, "tenant %s has a user %s already", t.ID, u.Email)
		}
		return err
	}
	if !made {
		password = postern.Secret{}
	}
	return a.showUser(u, password, c.JSON)
}

// newUser makes an agent with a hashed password.
func (p *place) newUser(ctx context.Context, tenant, email string, password postern.Secret) (postern.User, error) {
	hash, err := issuer.NewPasswords(p.box).Hash(ctx, password)
	return postern.User{ID: newGUID(), Tenant: tenant, Email: email, Role: "AGENT", AgentID: newGUID(), PasswordHash: hash,
		CreatedAt: p.now(), UpdatedAt: p.now()}, err
}

type userListCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (userListCmd) Help() string { return "Example:\n  postern user list --tenant demo" }

func (c *userListCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.tenant(ctx, c.Tenant); err != nil {
		return err
	}
	views, rows := []userView{}, [][]string{}
	err = pages(func(after string) (int, string, error) {
		page, err := p.db.Users(ctx, c.Tenant, after, pageSize)
		for _, u := range page {
			v := a.viewUser(u)
			views = append(views, v)
			state := yesNo(v.Disabled, "disabled", yesNo(v.LockedUntil != "", "locked", "active"))
			rows = append(rows, []string{u.ID, u.Email, u.Role, state})
			after = u.ID
		}
		return len(page), after, err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("USER|EMAIL|ROLE|STATE", rows)
}

// user looks a user up for a command, with the tenant.
func (p *place) user(ctx context.Context, tenant, email string) (t postern.Tenant, u postern.User, err error) {
	if t, err = p.tenant(ctx, tenant); err != nil {
		return t, u, err
	}
	u, err = p.db.User(ctx, tenant, postern.CanonicalEmail(email))
	if postern.CodeOf(err) == postern.NotFound {
		err = postern.Errorf(postern.NotFound, "tenant %s has no user %s", tenant, postern.Shorten(email, postern.MaxEmail)).
			WithHint("`postern user list --tenant %s` shows them", tenant)
	}
	return t, u, err
}

// changeUser is what every change of a user comes to.
func (p *place) changeUser(ctx context.Context, u postern.User, action, detail string, change func(*postern.User)) (postern.User, error) {
	ev := p.event(u.Tenant, action, u.ID, detail)
	ev.UserID = u.ID
	return p.db.ChangeUser(ctx, u.Tenant, u.ID, ev, func(u *postern.User) error { change(u); return nil })
}

// switchUser disables a user or takes one back.
func (a *app) switchUser(ctx context.Context, tenant, email string, disabled, json bool) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	_, u, err := p.user(ctx, tenant, email)
	if err != nil {
		return err
	}
	u, err = p.changeUser(ctx, u, postern.ActUserChanged, yesNo(disabled, "disabled", "enabled"),
		func(u *postern.User) { u.Disabled = disabled })
	if err != nil {
		return err
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
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	t, u, err := p.user(ctx, c.Tenant, c.Email)
	if err != nil {
		return err
	}
	password, made, err := c.read(a, t, u.Email)
	if err != nil {
		return err
	}
	hash, err := issuer.NewPasswords(p.box).Hash(ctx, password) // before the change, which others wait for
	if err != nil {
		return err
	}
	u, err = p.changeUser(ctx, u, postern.ActUserPassword, "", func(u *postern.User) {
		u.PasswordHash, u.Failures, u.LockedUntil, u.NotBefore = hash, 0, time.Time{}, cutOffNow(p.now())
	})
	if err != nil {
		return err
	}
	if !made {
		password = postern.Secret{}
	}
	return a.showUser(u, password, c.JSON)
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
