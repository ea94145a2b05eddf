package main

import (
	"cmp"
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

// Run changes a client in one piece.
func (c *clientUpdateCmd) Run(ctx context.Context, a *app) error {
	if c.Name == nil && c.Scope == nil && len(c.AddScope)+len(c.RemoveScope) == 0 && c.Dialect == nil &&
		c.TokenLife == nil && c.IPRange == nil && c.CallInto == nil && c.Attribute == nil && !c.AllAttrs {
		return errMisused{postern.Errorf(postern.Invalid, "there is nothing to change").WithHint("try `postern client update --help`")}
	}
	if c.Attribute != nil && c.AllAttrs {
		return errMisused{postern.Errorf(postern.Invalid, "--attribute and --all-attributes exclude each other")}
	}
	change, err := c.change()
	if err != nil {
		return err
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	edit := postern.Edit{}
	if len(c.AddScope)+len(c.RemoveScope) > 0 {
		now, err := o.Client(ctx, c.ID)
		if err != nil {
			return noClient(err)
		}
		scopes, err := c.scopes(now.Scopes)
		if err != nil {
			return err
		}
		// Of what it has and what it gets, what it has must be as it was read.
		change.Scopes, edit.Match = &scopes, postern.Version(now.UpdatedAt)
	}
	client, err := o.ChangeClient(ctx, c.ID, change, edit)
	if err != nil {
		return noClient(err)
	}
	return a.showClient(client, postern.Secret{}, c.JSON)
}

// change is what the flags say, without the scopes that depend on those it has.
func (c *clientUpdateCmd) change() (ch postern.ClientChange, err error) {
	ch = postern.ClientChange{Name: c.Name, Dialects: c.Dialect, Attributes: c.Attribute}
	if c.AllAttrs {
		ch.Attributes = &[]string{}
	}
	if c.Scope != nil {
		s, err := c.scopes(nil)
		if err != nil {
			return ch, err
		}
		ch.Scopes = &s
	}
	if c.CallInto != nil {
		into := slices.DeleteFunc(slices.Clone(*c.CallInto), func(s string) bool { return s == "none" })
		ch.Tenants = &into
	}
	if c.IPRange != nil {
		ranges, err := prefixes(slices.DeleteFunc(slices.Clone(*c.IPRange), func(s string) bool { return s == "any" }))
		if err != nil {
			return ch, err
		}
		ch.Ranges = &ranges
	}
	if c.TokenLife != nil {
		life, err := parseDuration(cmp.Or(*c.TokenLife, "0"))
		if err != nil {
			return ch, err
		}
		ch.TokenLife = &life
	}
	return ch, nil
}

// scopes are those that a client is to have that has some.
func (c *clientUpdateCmd) scopes(has postern.Scopes) (postern.Scopes, error) {
	want := slices.Clone(has)
	if c.Scope != nil {
		want = *c.Scope
	}
	all := strings.Fields(strings.Join(append(slices.Clone(want), c.AddScope...), " "))
	gone := strings.Fields(strings.Join(c.RemoveScope, " "))
	return postern.ParseScopes(strings.Join(slices.DeleteFunc(all, func(s string) bool { return slices.Contains(gone, s) }), " "))
}
