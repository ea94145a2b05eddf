package main

import (
	"context"
	"net/netip"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

// showClient prints a client, with its secret when it has just been made.
func (a *app) showClient(c postern.Client, secret postern.Secret, json bool) error {
	v := admin.ClientOf(c, secret, a.now())
	if json {
		return a.printJSON(v)
	}
	var secrets []string
	for _, s := range c.Secrets {
		end := "never expires"
		if !s.ExpiresAt.IsZero() {
			end = yesNo(s.Live(a.now()), "expires ", "expired ") + stamp(s.ExpiresAt)
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
		"Signed with", string(v.Alg), "From", networks(c.Ranges), "Attributes", strings.Join(v.Attributes, ", "), "Secrets", strings.Join(secrets, ", "),
		"Tokens revoked until", stamp(c.NotBefore), "Created", stamp(c.CreatedAt), "Changed", stamp(c.UpdatedAt)); err != nil {
		return err
	}
	if v.ClientSecret != "" {
		a.note("The secret is shown this once. Keep it where secrets are kept.")
	}
	return nil
}

// networks writes networks as a list.
func networks(ranges []netip.Prefix) string {
	var out []string
	for _, r := range ranges {
		out = append(out, r.String())
	}
	return strings.Join(out, ", ")
}

type clientListCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (clientListCmd) Help() string { return "Example:\n  postern client list --tenant demo" }

func (c *clientListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	views, rows := []admin.Client{}, [][]string{}
	err = everyPage(func(p postern.Paging) (postern.Page[postern.Client], error) {
		return o.Clients(ctx, postern.ClientQuery{Tenant: c.Tenant, Paging: p})
	}, func(cl postern.Client) {
		views = append(views, admin.ClientOf(cl, postern.Secret{}, a.now()))
		rows = append(rows, []string{cl.ID, cl.Name, yesNo(cl.Disabled, "disabled", "active"),
			strings.Join(cl.Dialects, ","), cl.Scopes.String()})
	})
	if err != nil {
		return noTenant(err)
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
	return a.withClient(ctx, c.JSON, func(o *clerk) (postern.Client, error) { return o.Client(ctx, c.ID) })
}

// withClient shows the client that something was done with.
func (a *app) withClient(ctx context.Context, json bool, do func(*clerk) (postern.Client, error)) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	client, err := do(o)
	if err != nil {
		return noClient(err)
	}
	return a.showClient(client, postern.Secret{}, json)
}

// switchClient disables a client or takes one back.
func (a *app) switchClient(ctx context.Context, id string, disabled, json bool) error {
	return a.withClient(ctx, json, func(o *clerk) (postern.Client, error) {
		return o.ChangeClient(ctx, id, postern.ClientChange{Disabled: &disabled}, postern.Edit{})
	})
}

type clientDisableCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientDisableCmd) Help() string { return "Example:\n  postern client disable c1ient" }

func (c *clientDisableCmd) Run(ctx context.Context, a *app) error {
	return a.switchClient(ctx, c.ID, true, c.JSON)
}

type clientEnableCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientEnableCmd) Help() string { return "Example:\n  postern client enable c1ient" }

func (c *clientEnableCmd) Run(ctx context.Context, a *app) error {
	return a.switchClient(ctx, c.ID, false, c.JSON)
}

type clientRevokeCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientRevokeCmd) Help() string { return "Example:\n  postern client revoke-tokens c1ient" }

func (c *clientRevokeCmd) Run(ctx context.Context, a *app) error {
	return a.withClient(ctx, c.JSON, func(o *clerk) (postern.Client, error) { return o.RevokeClient(ctx, c.ID) })
}

type clientRefusedCmd struct {
	ID string `arg:"" help:"The client."`
	asJSON
}

func (clientRefusedCmd) Help() string {
	return "Newest first, at most 50. A running server counts them, some seconds later.\n\nExample:\n  postern client refusals c1ient"
}

func (c *clientRefusedCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	all, err := o.Refusals(ctx, c.ID)
	if err != nil {
		return noClient(err)
	}
	views, rows := []admin.Refusal{}, [][]string{}
	for _, r := range all {
		views = append(views, admin.RefusalOf(r))
		rows = append(rows, []string{stamp(r.At), r.Dialect, r.Source, figure(r.Count), r.Cause})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("LAST|DIALECT|FROM|TIMES|CAUSE", rows)
}
