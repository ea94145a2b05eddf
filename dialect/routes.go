package dialect

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern"
)

// Config is what the endpoints need to know of this server.
type Config struct {
	// IssuerURL is the public address, without a slash at the end; every URL in the
	// metadata begins with it, never with what a request calls the host.
	IssuerURL string
	// DefaultPartner is taken for a comm100 request that names no partner; "" refuses
	// such requests.
	DefaultPartner string
	// JWKSMaxAge is how long others may keep our keys; 0 means 15 minutes. A new key
	// must be published at least this long before it signs.
	JWKSMaxAge time.Duration
	// Scopes lists what the metadata may show as scopes_supported; nil shows none.
	Scopes func() []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Descriptions are the OpenAPI documents of other packages, served and listed after
	// ours.
	Descriptions []Description
	// Options bound what the handlers read.
	Options Options
}

// Route is one endpoint. Its handler answers every method.
type Route struct {
	Pattern string // a path, exact
	Handler http.Handler
}

// Routes lists every endpoint of the package, each path once.
func Routes(iss postern.Issuer, keys postern.KeySet, cfg Config) []Route {
	var out []Route
	for _, d := range cfg.dialects() {
		out = append(out, Route{d.Path(), Handler(d, iss, cfg.Options)})
		if v, ok := d.(Revoker); ok {
			out = append(out, Route{v.RevokePath(), revokeHandler(d.Name(), v, iss, cfg.Options)})
		}
		if in, ok := d.(Introspector); ok {
			out = append(out, Route{in.IntrospectPath(), introspectHandler(d.Name(), in, iss, cfg.Options)})
		}
		if v, ok := d.(Describer); ok {
			out = append(out, Route{v.DescribePath(), describeHandler(d.Name(), v, wanted(d), iss, cfg.Options)})
		}
	}
	return append(append(out, cfg.metadataRoutes(keys)...), cfg.openapiRoutes()...)
}

// dialects gives All, set up for this server.
func (cfg Config) dialects() []Dialect {
	out := make([]Dialect, len(All))
	for i, d := range All {
		switch d.(type) {
		case personioV2:
			d = personioV2{now: cfg.Now}
		case comm100:
			d = comm100{partner: cfg.DefaultPartner}
		}
		out[i] = d
	}
	return out
}

// wanted is what a token must be to be described by d: one of d's own.
func wanted(d Dialect) postern.Want {
	p, ok := d.(Profiler)
	if !ok {
		return postern.Want{Kind: postern.Human}
	}
	return postern.Want{Kind: p.Profile().Kind, Audience: []string{p.Profile().Audience}}
}

func (cfg Config) metadataRoutes(keys postern.KeySet) []Route {
	standard := document(cfg.maxAge(), func() ([]byte, error) { return cfg.metadata(false) })
	oidc := document(cfg.maxAge(), func() ([]byte, error) { return cfg.metadata(true) })
	jwks := document(cfg.maxAge(), func() ([]byte, error) { return keySet(keys) })
	out := []Route{
		{"/.well-known/oauth-authorization-server", standard},
		{"/.well-known/openid-configuration", oidc},
		{jwksPath, jwks},
		{"/.well-known/openid-configuration/jwks", jwks},
		{authorizePath, cfg.authorize(strings.TrimRight(cfg.IssuerURL, "/") + oauth2{}.Path())},
	}
	// An issuer with a path has its metadata in front of it (RFC 8414 section 3.1) or,
	// by the older rule, behind it.
	if u, err := url.Parse(cfg.IssuerURL); err == nil && strings.Trim(u.Path, "/") != "" {
		path := strings.TrimRight(u.Path, "/")
		out = append(out, Route{"/.well-known/oauth-authorization-server" + path, standard},
			Route{"/.well-known/openid-configuration" + path, oidc}, Route{path + "/.well-known/openid-configuration", oidc})
	}
	return out
}

func (cfg Config) maxAge() time.Duration {
	if cfg.JWKSMaxAge > 0 {
		return cfg.JWKSMaxAge
	}
	return 15 * time.Minute
}
