package main

import (
	"context"
	"slices"
	"strings"

	"postern.dev/postern"
)

type clientUpdateCmd struct {
	ID          string    `arg:"" help:"The client."`
	Name        *string   `help:"A name for people." placeholder:"N"`
	Scope       *[]string `sep:" " help:"The scopes it may be granted from now on, instead of those it has; repeat for more." placeholder:"S"`
	AddScope    []string  `name:"add-scope" sep:" " help:"A scope beside those it has; repeat for more." placeholder:"S"`
	RemoveScope []string  `name:"remove-scope" sep:" " help:"A scope to take away; its live tokens lose it at once. Repeat for more." placeholder:"S"`
	Dialect     *[]string `help:"The dialects it may use from now on; repeat for more." placeholder:"D"`
	TokenLife   *string   `name:"token-life" help:"How long its new tokens live, 1m to 24h; 0 for the dialect's life." placeholder:"D"`
	IPRange     *[]string `name:"ip-range" help:"The networks it may come from, instead of those it has; 'any' for anywhere." placeholder:"CIDR"`
	CallInto    *[]string `name:"call-into" help:"The other tenants that its calls may name; 'none' for none." placeholder:"T"`
	Attribute   *[]string `help:"The fields of persons that the HR API shows it, instead of those it has; repeat for more." placeholder:"F"`
	AllAttrs    bool      `name:"all-attributes" help:"Show it every field of persons."`
	asJSON
}

func (clientUpdateCmd) Help() string {
	return "Example:\n  postern client update c1ient --add-scope personio:absences:read --ip-range 10.0.0.0/8"
}

// Run checks the wish as if the client were new, and changes it in one piece.
func (c *clientUpdateCmd) Run(ctx context.Context, a *app) error {
	if c.Name == nil && c.Scope == nil && len(c.AddScope)+len(c.RemoveScope) == 0 && c.Dialect == nil &&
		c.TokenLife == nil && c.IPRange == nil && c.CallInto == nil && c.Attribute == nil && !c.AllAttrs {
		return errMisused{postern.Errorf(postern.Invalid, "there is nothing to change").WithHint("try `postern client update --help`")}
	}
	if c.Attribute != nil && c.AllAttrs {
		return errMisused{postern.Errorf(postern.Invalid, "--attribute and --all-attributes exclude each other")}
	}
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	client, err := p.client(ctx, c.ID)
	if err != nil {
		return err
	}
	wish, err := c.wish(ctx, p, client)
	if err != nil {
		return err
	}
	ev := p.event(client.Tenant, postern.ActClientChanged, client.ID, "settings; scopes: "+wish.Scopes.String())
	ev.ClientID = client.ID
	client, err = p.db.ChangeClient(ctx, client.Tenant, client.ID, ev, func(cl *postern.Client) error {
		cl.Name, cl.Scopes, cl.Dialects, cl.Grants = wish.Name, wish.Scopes, wish.Dialects, wish.Grants
		cl.TokenLife, cl.Ranges, cl.Tenants, cl.Attributes = wish.TokenLife, wish.Ranges, wish.Tenants, wish.Attributes
		return nil
	})
	if err != nil {
		return err
	}
	return a.showClient(client, postern.Secret{}, c.JSON)
}

// wish is the client as it is to be.
func (c *clientUpdateCmd) wish(ctx context.Context, p *place, now postern.Client) (postern.Client, error) {
	like := clientCreateCmd{Tenant: now.Tenant, Name: now.Name, Scope: now.Scopes, Dialect: now.Dialects, Public: now.Public,
		CallInto: now.Tenants, Attribute: now.Attributes}
	if now.TokenLife != 0 {
		like.TokenLife = now.TokenLife.String()
	}
	for _, r := range now.Ranges {
		like.IPRange = append(like.IPRange, r.String())
	}
	if c.Name != nil {
		like.Name = *c.Name
	}
	if c.Scope != nil {
		like.Scope = *c.Scope
	}
	like.Scope = slices.DeleteFunc(append(slices.Clone(like.Scope), c.AddScope...), func(s string) bool {
		return slices.Contains(strings.Fields(strings.Join(c.RemoveScope, " ")), s)
	})
	if c.Dialect != nil {
		like.Dialect = *c.Dialect
	}
	if c.TokenLife != nil {
		like.TokenLife = strings.TrimPrefix(*c.TokenLife, "0")
	}
	if c.IPRange != nil {
		like.IPRange = slices.DeleteFunc(*c.IPRange, func(s string) bool { return s == "any" })
	}
	if c.CallInto != nil {
		like.CallInto = slices.DeleteFunc(*c.CallInto, func(s string) bool { return s == "none" })
	}
	if c.Attribute != nil {
		like.Attribute = *c.Attribute
	}
	if c.AllAttrs {
		like.Attribute = nil
	}
	return like.client(ctx, p)
}
