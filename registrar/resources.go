package registrar

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"postern.dev/postern"
)

// Bounds of resources. A tenant's are looked through for each token that names one.
const (
	maxURL       = 512 // bytes
	maxResources = 200 // of a tenant
)

func (o *office) Resources(ctx context.Context, tenant string) ([]postern.Resource, error) {
	if err := o.may(ReadResources); err != nil {
		return nil, err
	}
	if _, err := o.tenant(ctx, tenant); err != nil {
		return nil, err
	}
	return o.store().Resources(ctx, tenant)
}

func (o *office) CreateResource(ctx context.Context, r postern.Resource, e postern.Edit) (postern.Resource, error) {
	none := postern.Resource{}
	if err := o.may(CreateResource); err != nil {
		return none, err
	}
	if err := o.r.checkURL(r.URL); err != nil {
		return none, err
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
	r = postern.Resource{URL: r.URL, Tenant: r.Tenant, Scopes: scopes}
	r, _, err = once(ctx, o, CreateResource, e, r, func() (postern.Resource, postern.Secret, error) {
		r, err := o.addResource(ctx, r)
		return r, postern.Secret{}, err
	})
	return r, err
}

// addResource registers an API that was looked at.
func (o *office) addResource(ctx context.Context, r postern.Resource) (postern.Resource, error) {
	none := postern.Resource{}
	has, err := o.store().Resources(ctx, r.Tenant)
	if err != nil {
		return none, err
	}
	if len(has) >= maxResources {
		return none, postern.Errorf(postern.Conflict, "tenant %s has %d resources, which is as many as may be", r.Tenant, len(has)).
			WithHint("delete those that nobody uses")
	}
	r.CreatedAt = o.r.now()
	err = o.store().AddResource(ctx, r, o.event(r.Tenant, postern.ActResourceAdded, r.URL, "scopes: "+r.Scopes.String()), o.mayShare)
	if postern.CodeOf(err) == postern.Conflict {
		err = postern.Errorf(postern.Conflict, "%s is registered for tenant %s already", r.URL, r.Tenant)
	}
	if err != nil {
		return none, err
	}
	return r, nil
}

// checkURL fails with Invalid for what identifies no API, or this server: another way to
// write its address would make tokens that look as if they were for it.
func (r *Registrar) checkURL(text string) error {
	u, err := url.Parse(text)
	strange := func(c rune) bool { return c <= ' ' || c >= 0x7f } // RFC 3986 section 2
	if err != nil || !u.IsAbs() || u.Host == "" || u.User != nil || strings.ContainsAny(text, "?#") || strings.ContainsFunc(text, strange) || len(text) > maxURL {
		return invalid("url", "%q is not an absolute URI without query and fragment", postern.Shorten(text, 120))
	}
	for _, own := range r.cfg.Own {
		if alike(own) == alike(text) {
			return invalid("url", "%s is this server's own, for which every tenant's clients get tokens", own).
				WithHint("ask for a token with resource=%s", own)
		}
	}
	return nil
}

// alike writes the addresses in one way that a reader may take for each other.
func alike(text string) string {
	u, err := url.Parse(strings.ToLower(text))
	if err != nil {
		return text // not reached: it was parsed
	}
	port := u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	return u.Scheme + "://" + strings.TrimRight(u.Hostname(), ".") + ":" + port + strings.TrimRight(u.Path, "/")
}

// mayShare fails with Forbidden when other tenants have the API, unless the actor manages
// those as well. An API that looks at nothing but the audience of a token would take one
// of the actor's clients for one of theirs.
func (o *office) mayShare(others []string) error {
	if o.actor.Tenant == "" || len(others) == 0 {
		return nil
	}
	return postern.Errorf(postern.Forbidden, "this API is registered for another tenant").
		WithHint("ask an operator of the whole installation, who can register it for both")
}

func (o *office) DeleteResource(ctx context.Context, tenant, url string) error {
	if err := o.may(DeleteResource); err != nil {
		return err
	}
	none := postern.Errorf(postern.NotFound, "%q is not registered for tenant %s", postern.Shorten(url, 120), postern.Shorten(tenant, 80))
	if !o.sees(tenant) {
		return caused(causeForeign, none)
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
