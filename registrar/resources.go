package registrar

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"postern.dev/postern"
)

// maxURL bounds the identifier of a resource, in bytes.
const maxURL = 512

func (o *office) Resources(ctx context.Context, tenant string) ([]postern.Resource, error) {
	if err := o.may(ReadResources); err != nil {
		return nil, err
	}
	if _, err := o.tenant(ctx, tenant); err != nil {
		return nil, err
	}
	return o.store().Resources(ctx, tenant)
}

func (o *office) CreateResource(ctx context.Context, r postern.Resource) (postern.Resource, error) {
	none := postern.Resource{}
	if err := o.may(CreateResource); err != nil {
		return none, err
	}
	u, err := url.Parse(r.URL)
	if err != nil || !u.IsAbs() || u.Host == "" || u.User != nil || strings.Contains(r.URL, "#") || u.RawQuery != "" || len(r.URL) > maxURL {
		return none, invalid("url", "%q is not an absolute URI without query and fragment", postern.Shorten(r.URL, 120))
	}
	if _, err := o.tenant(ctx, r.Tenant); err != nil {
		return none, err
	}
	scopes, err := postern.ParseScopes(strings.Join(r.Scopes, " "))
	if err != nil {
		return none, named("scopes", err)
	}
	if err := o.mayGive(scopes); err != nil { // they are offered to whoever makes clients
		return none, err
	}
	r = postern.Resource{URL: r.URL, Tenant: r.Tenant, Scopes: scopes, CreatedAt: o.r.now()}
	err = o.store().AddResource(ctx, r, o.event(r.Tenant, postern.ActResourceAdded, r.URL, "scopes: "+scopes.String()))
	if postern.CodeOf(err) == postern.Conflict {
		err = postern.Errorf(postern.Conflict, "%s is registered for tenant %s already", r.URL, r.Tenant)
	}
	if err != nil {
		return none, err
	}
	return r, nil
}

func (o *office) DeleteResource(ctx context.Context, tenant, url string) error {
	if err := o.may(DeleteResource); err != nil {
		return err
	}
	none := postern.Errorf(postern.NotFound, "%q is not registered for tenant %s", postern.Shorten(url, 120), postern.Shorten(tenant, 80))
	if !o.sees(tenant) {
		return none
	}
	err := o.store().DeleteResource(ctx, tenant, url, o.event(tenant, postern.ActResourceGone, url, ""))
	if postern.CodeOf(err) == postern.NotFound {
		return none
	}
	return err
}

// operatorScopes open the operator API.
var operatorScopes = []string{"postern:admin", "postern:admin:read", tenantScope, tenantRead}

// Scopes lists those that every tenant knows, those of the tenant's resources, and those
// of the operator API that the actor may give. A tenant of "" has no resources.
func (o *office) Scopes(ctx context.Context, tenant string) (postern.Scopes, error) {
	if err := o.may(ReadResources); err != nil {
		return nil, err
	}
	all := slices.Clone(o.r.cfg.Scopes)
	for _, s := range operatorScopes {
		if o.mayGive(postern.Scopes{s}) == nil {
			all = append(all, s)
		}
	}
	if tenant == "" {
		return postern.NewScopes(all...), nil
	}
	if _, err := o.tenant(ctx, tenant); err != nil {
		return nil, err
	}
	resources, err := o.store().Resources(ctx, tenant)
	for _, r := range resources {
		all = append(all, r.Scopes...)
	}
	return postern.NewScopes(all...), err
}
