package hr

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"postern.dev/postern"
)

// serve is the way of every call, in order: method, token, scope, tenant, pace,
// faults; then the operation, and its failure in the shape of the version. some are the
// operations of one path; none is a path that does not exist.
func (h *house) serve(s shape, some []route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{house: h, w: w, r: r, ctx: r.Context(), shape: s, note: postern.CallFrom(r.Context())}
		start := h.Now()
		rec := &recorder{ResponseWriter: w}
		c.w = rec
		if answeredOptions(rec, r, some) {
			return
		}
		err := c.pass(some)
		if err == nil {
			err = c.route.do(c)
		}
		if err != nil {
			e := postern.AsError(err)
			c.note.Code, c.note.Cause, c.note.Err = e.Code, e.Cause, e.Err
			if !rec.wrote {
				s.fail(c, err)
			}
		}
		c.visited(start, rec.status, err)
	})
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if !r.wrote {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// pass lets the call through to its operation, or says why not.
func (c *call) pass(some []route) error {
	if len(some) == 0 {
		return noEndpoint(c.r.URL.Path)
	}
	if err := c.choose(some); err != nil {
		return err
	}
	if err := c.authorize(); err != nil {
		return err
	}
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil { // a filter that is left out would show everybody
		return badParam("query", "Provided filter encoding is invalid.").
			WithHint("escape the values of the query; %%25 stands for a percent sign, %%3B for a semicolon")
	}
	c.dir = c.Directory(c.tenant.ID)
	if err := c.pace(); err != nil {
		return err
	}
	if c.r.ContentLength != 0 || c.route.method != http.MethodGet {
		if err := c.checkKey(); err != nil {
			return err
		}
	}
	return c.misbehave()
}

// answeredOptions answers OPTIONS without any cross-origin permission: these endpoints
// are not for browsers.
func answeredOptions(w http.ResponseWriter, r *http.Request, some []route) bool {
	if r.Method != http.MethodOptions || len(some) == 0 {
		return false
	}
	w.Header().Set("Allow", allowed(some))
	w.WriteHeader(http.StatusNoContent)
	return true
}

// allowed lists the methods of a path (RFC 9110 section 10.2.1).
func allowed(some []route) string {
	var out []string
	for i := range some {
		out = append(out, some[i].method)
		if some[i].method == http.MethodGet {
			out = append(out, http.MethodHead)
		}
	}
	return strings.Join(append(out, http.MethodOptions), ", ")
}

// choose finds the operation of the method.
func (c *call) choose(some []route) error {
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range some {
		if some[i].method == method {
			c.route = &some[i]
			return nil
		}
	}
	c.w.Header().Set("Allow", allowed(some))
	return postern.Errorf(postern.Invalid, "%s cannot be called with %s", some[0].path, postern.Shorten(method, 20)).
		Because(postern.BadMethod).WithHint("use one of %s", allowed(some))
}

// authorize checks the token, the scope and the tenant, in that order, so that nobody
// learns about tenants without the right to ask.
func (c *call) authorize() error {
	raw, err := bearer(c.r)
	if err != nil {
		return err
	}
	if c.claims, err = c.verify(raw); err != nil {
		return err
	}
	c.note.Dialect, c.note.Tenant, c.note.ClientID, c.note.TokenID = c.claims.Dialect, c.claims.Tenant, c.claims.ClientID, c.claims.ID
	// The sandbox of the client's own tenant holds for refusals before the call's is known.
	if c.sandbox, err = c.Tenants.Sandbox(c.ctx, c.claims.Tenant); err != nil {
		return err
	}
	c.meter()
	c.shape.before(c)
	// A token of the dialect that names the tenant in a header has one scope for
	// everything; what its client may do is what it was granted here.
	scopes := c.claims.Scope
	if c.routed() && scopes.Has(routed) {
		scopes = c.claims.Client.Scopes
	}
	if !scopes.Has(c.route.scope) {
		e := postern.Errorf(postern.Forbidden, "the token lacks the scope %s", c.route.scope).Because(postern.LowScope)
		e.Param, e.Cause = c.route.scope, "scope"
		return e.WithHint("grant the client the scope %s and get a new token", c.route.scope)
	}
	id, err := c.tenantID()
	if err != nil {
		return err
	}
	c.note.Tenant = id
	if c.tenant, err = c.Tenants.Tenant(c.ctx, id); err != nil {
		if postern.CodeOf(err) == postern.NotFound {
			return notYourTenant()
		}
		return err
	}
	if c.tenant.Disabled {
		return notYourTenant()
	}
	if id != c.claims.Tenant {
		if c.sandbox, err = c.Tenants.Sandbox(c.ctx, id); err != nil {
			return err
		}
	}
	c.zone, err = c.zones.get(c.tenant.Zone)
	return err
}

// verify checks the token. A person's token is for another audience as well, but what is
// wrong with it here is whose it is.
func (c *call) verify(raw string) (postern.Claims, error) {
	claims, err := c.Verifier.Verify(c.ctx, raw, postern.Want{Audience: c.Audience, Kind: postern.Machine})
	if postern.CodeOf(err) == postern.Unauthenticated {
		if _, kind := c.Verifier.Verify(c.ctx, raw, postern.Want{Kind: postern.Machine}); postern.ReasonOf(kind) == postern.LowScope {
			err = kind
		}
	}
	return claims, err
}

// routed is the audience of the tokens whose calls name their tenant, and their scope.
const routed = "idp_api"

// routed says whether the call has to name its tenant. A token that was made out to this
// API alone does not, whatever its scopes are called.
func (c *call) routed() bool { return slices.Contains(c.claims.Audience, routed) }

const tenantHeader = "X-Tenant-Id"

// tenantID says which tenant the call is for: the one its header names, if the client
// may, or the client's own. Calls with a token that is routed have to say.
func (c *call) tenantID() (string, error) {
	values := c.r.Header.Values(tenantHeader)
	switch {
	case len(values) == 0 && !c.routed():
		return c.claims.Tenant, nil
	case len(values) == 0:
		return "", badTenantHeader("the header X-Tenant-Id is required")
	case len(values) > 1:
		return "", badTenantHeader("the header X-Tenant-Id is there more than once")
	}
	id := values[0]
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", badTenantHeader("the header X-Tenant-Id has 1 to 128 bytes and no control characters")
	}
	if id != c.claims.Tenant && !slices.Contains(c.claims.Client.Tenants, id) {
		return "", notYourTenant()
	}
	return id, nil
}

func badTenantHeader(msg string) error {
	e := postern.Errorf(postern.Invalid, "%s", msg).Because(badTenant).WithHint("send the id of the tenant that the call is for")
	e.Param = tenantHeader
	return e
}

// notYourTenant is the same for a tenant that does not exist and one that the client
// was not granted, so that nobody can try out names.
func notYourTenant() error {
	e := postern.Errorf(postern.Forbidden, "the client was not granted this tenant")
	e.Cause = "tenant"
	return e.WithHint("name a tenant that the client was granted in X-Tenant-Id; an operator can grant it another")
}

// bearer reads the token, from the header alone (RFC 6750 section 2.1).
func bearer(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		e := postern.Errorf(postern.Unauthenticated, "the call carries no token").Because(postern.NoToken)
		return "", e.WithHint("send the header Authorization: Bearer TOKEN")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		e := postern.Errorf(postern.Unauthenticated, "the authorization header is not one Bearer token").Because(postern.BadToken)
		e.Cause = "no bearer token"
		return "", e.WithHint("send the header Authorization: Bearer TOKEN, once")
	}
	return token, nil
}

func noEndpoint(path string) error {
	e := postern.Errorf(postern.NotFound, "The endpoint with %s was not found.", postern.Shorten(path, 200)).Because(unknownEndpoint)
	e.Cause = "no endpoint"
	return e
}
