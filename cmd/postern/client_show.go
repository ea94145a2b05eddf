package main

import (
	"context"
	"strings"

	"postern.dev/postern"
)

// clientView is a client as printed. ClientSecret is there once: in the answer to
// the command that made it.
type clientView struct {
	ID           string       `json:"client_id"`
	ClientSecret string       `json:"client_secret,omitempty"`
	Tenant       string       `json:"tenant"`
	Name         string       `json:"name"`
	Public       bool         `json:"public"`
	Grants       []string     `json:"grants"`
	Scopes       []string     `json:"scopes"`
	Dialects     []string     `json:"dialects"`
	CallInto     []string     `json:"call_into,omitempty"`
	TokenLife    int64        `json:"token_life_seconds,omitempty"`
	Alg          postern.Alg  `json:"alg,omitempty"`
	Ranges       []string     `json:"ip_ranges,omitempty"`
	Attributes   []string     `json:"attributes,omitempty"`
	Secrets      []secretView `json:"secrets"`
	Disabled     bool         `json:"disabled"`
	NotBefore    string       `json:"tokens_revoked_until,omitempty"`
	CreatedAt    string       `json:"created_at"`
	UpdatedAt    string       `json:"updated_at"`
}

type secretView struct {
	ID        string `json:"id"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at,omitempty"`
	Live      bool   `json:"live"`
}

func (a *app) viewClient(c postern.Client) clientView {
	v := clientView{ID: c.ID, Tenant: c.Tenant, Name: c.Name, Public: c.Public, Grants: c.Grants, Scopes: c.Scopes,
		Dialects: c.Dialects, CallInto: c.Tenants, Attributes: c.Attributes, TokenLife: int64(c.TokenLife.Seconds()), Alg: c.Alg,
		Secrets: []secretView{}, Disabled: c.Disabled, NotBefore: stamp(c.NotBefore),
		CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.UpdatedAt)}
	if v.Scopes == nil {
		v.Scopes = []string{}
	}
	for _, r := range c.Ranges {
		v.Ranges = append(v.Ranges, r.String())
	}
	for _, s := range c.Secrets {
		v.Secrets = append(v.Secrets, secretView{s.ID, stamp(s.CreatedAt), stamp(s.ExpiresAt), s.Live(a.now())})
	}
	return v
}

// showClient prints a client, with its secret when it has just been made.
func (a *app) showClient(c postern.Client, secret postern.Secret, json bool) error {
	v := a.viewClient(c)
	v.ClientSecret = secret.Reveal()
	if json {
		return a.printJSON(v)
	}
	var secrets []string
	for _, s := range v.Secrets {
		end := "never expires"
		if s.ExpiresAt != "" {
			end = yesNo(s.Live, "expires ", "expired ") + s.ExpiresAt
		}
		secrets = append(secrets, s.ID+" ("+end+")")
	}
	life := ""
	if c.TokenLife != 0 {
		life = c.TokenLife.String()
	}
	if err := a.pairs("Client id", v.ID, "Client secret", v.ClientSecret, "Tenant", v.Tenant, "Name", v.Name,
		"State", yesNo(v.Disabled, "disabled", "active"), "Kind", yesNo(v.Public, "public", "confidential"),
		"Scopes", strings.Join(v.Scopes, " "), "Dialects", strings.Join(v.Dialects, ", "),
		"Grants", strings.Join(v.Grants, ", "), "May call into", strings.Join(v.CallInto, ", "), "Token life", life,
		"Signed with", string(v.Alg), "From", strings.Join(v.Ranges, ", "), "Attributes", strings.Join(v.Attributes, ", "), "Secrets", strings.Join(secrets, ", "),
		"Tokens revoked until", v.NotBefore, "Created", v.CreatedAt, "Changed", v.UpdatedAt); err != nil {
		return err
	}
	if v.ClientSecret != "" {
		a.note("The secret is shown this once. Keep it where secrets are kept.")
	}
	return nil
}

type clientListCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (clientListCmd) Help() string { return "Example:\n  postern client list --tenant demo" }

func (c *clientListCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.tenant(ctx, c.Tenant); err != nil {
		return err
	}
	views, rows := []clientView{}, [][]string{}
	err = pages(func(after string) (int, string, error) {
		page, err := p.db.Clients(ctx, c.Tenant, after, pageSize)
		for _, cl := range page {
			views = append(views, a.viewClient(cl))
			rows = append(rows, []string{cl.ID, cl.Name, yesNo(cl.Disabled, "disabled", "active"),
				strings.Join(cl.Dialects, ","), cl.Scopes.String()})
			after = cl.ID
		}
		return len(page), after, err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("CLIENT ID|NAME|STATE|DIALECTS|SCOPES", rows)
}

type clientShowCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientShowCmd) Help() string { return "Example:\n  postern client show c1ient" }

func (c *clientShowCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	client, err := p.client(ctx, c.ID)
	if err != nil {
		return err
	}
	return a.showClient(client, postern.Secret{}, c.JSON)
}

// changeClient is what every small change of a client does.
func (a *app) changeClient(ctx context.Context, id, action, detail string, json bool, change func(*postern.Client)) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	client, err := p.client(ctx, id)
	if err != nil {
		return err
	}
	ev := p.event(client.Tenant, action, id, detail)
	ev.ClientID = id
	client, err = p.db.ChangeClient(ctx, client.Tenant, id, ev, func(c *postern.Client) error { change(c); return nil })
	if err != nil {
		return err
	}
	return a.showClient(client, postern.Secret{}, json)
}

type clientDisableCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientDisableCmd) Help() string { return "Example:\n  postern client disable c1ient" }

func (c *clientDisableCmd) Run(ctx context.Context, a *app) error {
	return a.changeClient(ctx, c.ID, postern.ActClientChanged, "disabled", c.JSON, func(cl *postern.Client) { cl.Disabled = true })
}

type clientEnableCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientEnableCmd) Help() string { return "Example:\n  postern client enable c1ient" }

func (c *clientEnableCmd) Run(ctx context.Context, a *app) error {
	return a.changeClient(ctx, c.ID, postern.ActClientChanged, "enabled", c.JSON, func(cl *postern.Client) { cl.Disabled = false })
}

type clientRevokeCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientRevokeCmd) Help() string { return "Example:\n  postern client revoke-tokens c1ient" }

func (c *clientRevokeCmd) Run(ctx context.Context, a *app) error {
	return a.changeClient(ctx, c.ID, postern.ActClientRevoked, "all tokens", c.JSON,
		func(cl *postern.Client) { cl.NotBefore = cutOffNow(a.now()) })
}
