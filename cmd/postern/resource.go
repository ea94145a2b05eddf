package main

import (
	"context"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type resourceCmd struct {
	Create resourceCreateCmd `cmd:"" help:"Register an API that clients of a tenant may name as resource."`
	List   resourceListCmd   `cmd:"" help:"List what is registered for a tenant."`
	Delete resourceDeleteCmd `cmd:"" help:"Take a registration away."`
}

type resourceCreateCmd struct {
	URL    string   `arg:"" help:"Its identifier: an absolute URI without fragment, compared byte for byte."`
	Tenant string   `required:"" help:"The tenant." placeholder:"T"`
	Scope  []string `sep:" " help:"A scope that means something there; repeat for more. All if not given." placeholder:"S"`
	asJSON
}

func (resourceCreateCmd) Help() string {
	return "Example:\n  postern resource create https://api.acme.test --tenant acme --scope orders:read"
}

func (c *resourceCreateCmd) Run(ctx context.Context, a *app) error {
	scopes, err := postern.ParseScopes(strings.Join(c.Scope, " "))
	if err != nil {
		return err
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	r, err := o.CreateResource(ctx, postern.Resource{URL: c.URL, Tenant: c.Tenant, Scopes: scopes}, postern.Edit{})
	if err != nil {
		return noTenant(err)
	}
	if c.JSON {
		return a.printJSON(admin.ResourceOf(r))
	}
	return a.pairs("Resource", r.URL, "Tenant", r.Tenant, "Scopes", r.Scopes.String(), "Created", stamp(r.CreatedAt))
}

type resourceListCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (resourceListCmd) Help() string { return "Example:\n  postern resource list --tenant acme" }

func (c *resourceListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	list, err := o.Resources(ctx, c.Tenant)
	if err != nil {
		return noTenant(err)
	}
	views, rows := []admin.Resource{}, [][]string{}
	for _, r := range list {
		views = append(views, admin.ResourceOf(r))
		rows = append(rows, []string{r.URL, r.Tenant, r.Scopes.String()})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("RESOURCE|TENANT|SCOPES", rows)
}

type resourceDeleteCmd struct {
	URL    string `arg:"" help:"Its identifier."`
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
}

func (resourceDeleteCmd) Help() string {
	return "Example:\n  postern resource delete https://api.acme.test --tenant acme"
}

func (c *resourceDeleteCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.DeleteResource(ctx, c.Tenant, c.URL); err != nil {
		return hinted(err, postern.NotFound, "`postern resource list --tenant %s` shows them", c.Tenant)
	}
	a.note("%s is no longer registered for tenant %s", c.URL, c.Tenant)
	return nil
}
