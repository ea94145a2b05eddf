package main

import (
	"context"
	"net/url"
	"strings"

	"postern.dev/postern"
)

type resourceCmd struct {
	Create resourceCreateCmd `cmd:"" help:"Register an API that clients of a tenant may name as resource."`
	List   resourceListCmd   `cmd:"" help:"List what is registered for a tenant."`
	Delete resourceDeleteCmd `cmd:"" help:"Take a registration away."`
}

type resourceView struct {
	URL       string   `json:"url"`
	Tenant    string   `json:"tenant"`
	Scopes    []string `json:"scopes"`
	CreatedAt string   `json:"created_at"`
}

func viewResource(r postern.Resource) resourceView {
	v := resourceView{r.URL, r.Tenant, r.Scopes, stamp(r.CreatedAt)}
	if v.Scopes == nil {
		v.Scopes = []string{}
	}
	return v
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
	u, err := url.Parse(c.URL)
	if err != nil || !u.IsAbs() || u.Host == "" || strings.Contains(c.URL, "#") || u.RawQuery != "" || len(c.URL) > 512 {
		return postern.Errorf(postern.Invalid, "%q is not an absolute URI without query and fragment", postern.Shorten(c.URL, 120))
	}
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.tenant(ctx, c.Tenant); err != nil {
		return err
	}
	scopes, err := postern.ParseScopes(strings.Join(c.Scope, " "))
	if err != nil {
		return err
	}
	r := postern.Resource{URL: c.URL, Tenant: c.Tenant, Scopes: scopes, CreatedAt: p.now()}
	if err := p.db.AddResource(ctx, r, p.event(c.Tenant, postern.ActResourceAdded, c.URL, "scopes: "+scopes.String())); err != nil {
		if postern.CodeOf(err) == postern.Conflict {
			return postern.Errorf(postern.Conflict, "%s is registered for tenant %s already", c.URL, c.Tenant)
		}
		return err
	}
	if c.JSON {
		return a.printJSON(viewResource(r))
	}
	return a.pairs("Resource", r.URL, "Tenant", r.Tenant, "Scopes", r.Scopes.String(), "Created", stamp(r.CreatedAt))
}

type resourceListCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (resourceListCmd) Help() string { return "Example:\n  postern resource list --tenant acme" }

func (c *resourceListCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.tenant(ctx, c.Tenant); err != nil {
		return err
	}
	list, err := p.db.Resources(ctx, c.Tenant)
	if err != nil {
		return err
	}
	views, rows := []resourceView{}, [][]string{}
	for _, r := range list {
		views = append(views, viewResource(r))
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
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	err = p.db.DeleteResource(ctx, c.Tenant, c.URL, p.event(c.Tenant, postern.ActResourceGone, c.URL, ""))
	if postern.CodeOf(err) == postern.NotFound {
		return postern.Errorf(postern.NotFound, "%q is not registered for tenant %s", postern.Shorten(c.URL, 120), c.Tenant)
	}
	if err == nil {
		a.note("%s is no longer registered for tenant %s", c.URL, c.Tenant)
	}
	return err
}
