package main

import (
	"context"
	"strings"
	"time"

	"postern.dev/postern"
)

type clientCmd struct {
	Create  clientCreateCmd  `cmd:"" help:"Make API credentials."`
	List    clientListCmd    `cmd:"" help:"List the clients of a tenant."`
	Show    clientShowCmd    `cmd:"" help:"Show one client."`
	Update  clientUpdateCmd  `cmd:"" help:"Change a client's scopes, dialects, networks, attributes or name."`
	Rotate  clientRotateCmd  `cmd:"" name:"rotate-secret" help:"Give a client a new secret; the old one works on for a while."`
	End     clientEndCmd     `cmd:"" name:"end-secret" help:"End one secret of a client at once."`
	Disable clientDisableCmd `cmd:"" help:"Refuse a client, its live tokens too."`
	Enable  clientEnableCmd  `cmd:"" help:"Take a client back."`
	Revoke  clientRevokeCmd  `cmd:"" name:"revoke-tokens" help:"End every token of a client."`
	Refused clientRefusedCmd `cmd:"" name:"refusals" help:"Show why a client was refused lately."`
	Delete  clientDeleteCmd  `cmd:"" help:"Delete a client for good."`
}

type clientCreateCmd struct {
	Tenant    string   `required:"" help:"Its tenant." placeholder:"T"`
	Name      string   `required:"" help:"A name for people." placeholder:"N"`
	Scope     []string `sep:" " help:"A scope it may be granted; repeat for more." placeholder:"S"`
	Dialect   []string `help:"A dialect it may use; repeat for more. Every machine dialect if not given." placeholder:"D"`
	Public    bool     `help:"A client without secret, for the password grant of people."`
	CallInto  []string `name:"call-into" help:"Another tenant that its calls may name; repeat for more." placeholder:"T"`
	TokenLife string   `name:"token-life" help:"How long its tokens live, 1m to 24h; the dialect's life if not given." placeholder:"D"`
	Alg       string   `help:"What its tokens are signed with where the dialect leaves a choice: ${algs}." placeholder:"A"`
	IPRange   []string `name:"ip-range" help:"A network or address it may come from; repeat for more. Anywhere if not given." placeholder:"CIDR"`
	Attribute []string `help:"A field of persons that the HR API shows it, such as first_name or dynamic_5; repeat for more. All if not given." placeholder:"F"`
	Expires   string   `help:"When its secret expires, counted from now, such as 365d; never if not given." placeholder:"D"`
	asJSON
}

func (clientCreateCmd) Help() string {
	return "The secret is shown once.\n\nExample:\n  postern client create --tenant acme --name payroll --scope personio:persons:read"
}

// Run makes the client and shows its secret once.
func (c *clientCreateCmd) Run(ctx context.Context, a *app) error {
	client := postern.Client{Tenant: c.Tenant, Name: c.Name, Public: c.Public, Dialects: c.Dialect, Tenants: c.CallInto, Attributes: c.Attribute,
		Alg: postern.Alg(c.Alg)}
	var err error
	if client.Scopes, err = postern.ParseScopes(strings.Join(c.Scope, " ")); err != nil {
		return err
	}
	if client.Ranges, err = prefixes(c.IPRange); err != nil {
		return err
	}
	if c.TokenLife != "" {
		if client.TokenLife, err = parseDuration(c.TokenLife); err != nil {
			return err
		}
	}
	life, err := secretLife(c.Expires)
	if err != nil {
		return err
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	client, secret, err := o.CreateClient(ctx, client, life, postern.Edit{})
	if err != nil {
		return noTenant(err)
	}
	return a.showClient(client, secret, c.JSON)
}

// secretLife reads for how long a secret is good; "" is for ever.
func secretLife(expires string) (time.Duration, error) {
	if expires == "" {
		return 0, nil
	}
	life, err := parseDuration(expires)
	if err == nil && life <= 0 {
		err = postern.Errorf(postern.Invalid, "a secret expires later than now")
	}
	return life, err
}

type clientRotateCmd struct {
	ID      string `arg:"" help:"The client."`
	Overlap string `default:"24h" help:"How long the old secret still works." placeholder:"D"`
	Expires string `help:"When the new secret expires, counted from now; never if not given." placeholder:"D"`
	asJSON
}

func (clientRotateCmd) Help() string {
	return "At most two secrets live at once: a third ends the oldest. The new one is shown once.\n\nExample:\n  postern client rotate-secret c1ient --overlap 72h"
}

func (c *clientRotateCmd) Run(ctx context.Context, a *app) error {
	overlap, err := parseDuration(c.Overlap)
	if err != nil || overlap < 0 {
		return errMisused{postern.Errorf(postern.Invalid, "--overlap: %q is not a duration such as 24h", c.Overlap)}
	}
	life, err := secretLife(c.Expires)
	if err != nil {
		return err
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	client, secret, err := o.RotateSecret(ctx, c.ID, overlap, life, postern.Edit{})
	if err != nil {
		return noClient(err)
	}
	return a.showClient(client, secret, c.JSON)
}

type clientEndCmd struct {
	ID     string `arg:"" help:"The client."`
	Secret string `arg:"" help:"The secret's id, as 'client show' lists it; never the secret itself."`
	asJSON
}

func (clientEndCmd) Help() string {
	return "The only one that works is not ended: make another before, or disable the client.\n\n" +
		"Example:\n  postern client end-secret c1ient 0123456789abcdef"
}

func (c *clientEndCmd) Run(ctx context.Context, a *app) error {
	if strings.HasPrefix(c.Secret, postern.SecretPrefix) {
		return errMisused{postern.Errorf(postern.Invalid, "this is a secret itself, and others see what stands in a command line").
			WithHint("give its id, as `postern client show` lists it, and let nobody use this secret any more")}
	}
	return a.withClient(ctx, c.JSON, func(o *clerk) (postern.Client, error) {
		client, err := o.Client(ctx, c.ID)
		if err != nil {
			return client, err
		}
		client, err = o.EndSecret(ctx, client.ID, c.Secret, postern.Edit{})
		return client, hinted(err, postern.NotFound, "`postern client show %s` shows them", c.ID)
	})
}

type clientDeleteCmd struct {
	ID string `arg:"" help:"The client."`
}

func (clientDeleteCmd) Help() string {
	return "Its tokens stop working. Its id is never given again.\n\nExample:\n  postern client delete c1ient"
}

func (c *clientDeleteCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	client, err := o.Client(ctx, c.ID)
	if err == nil {
		err = o.DeleteClient(ctx, client.ID, postern.Edit{})
	}
	if err != nil {
		return noClient(err)
	}
	a.note("client %s of tenant %s is deleted", client.ID, client.Tenant)
	return nil
}
