package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"postern.dev/postern"
)

// serve is the way of every call, in order: method, who asks, how often, what for; then the
// operation, and its failure as a problem. some are the operations of one path; none is
// a path that does not exist.
func (h *house) serve(some []route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Cache-Control", "no-store")
		head.Add("Vary", "Authorization, Cookie")
		c := &call{house: h, w: w, r: r, ctx: r.Context(), note: postern.CallFrom(r.Context())}
		if r.Method == http.MethodOptions && len(some) > 0 { // without any cross-origin permission
			head.Set("Allow", allowed(some))
			w.WriteHeader(http.StatusNoContent)
			return
		}
		err := c.pass(some)
		if err == nil {
			err = c.route.do(c)
		}
		if err == nil {
			return
		}
		e := postern.AsError(err)
		c.note.Code, c.note.Cause, c.note.Err = e.Code, e.Cause, e.Err
		c.fail(e)
	})
}

// pass lets the call through to its operation, or says why not.
func (c *call) pass(some []route) error {
	if len(some) == 0 {
		e := postern.Errorf(postern.NotFound, "there is nothing at %s", postern.Shorten(c.r.URL.Path, 200))
		e.Cause = "no endpoint"
		return e.WithHint("%s/openapi/admin-v1.json lists every path", c.PublicURL)
	}
	if err := c.choose(some); err != nil {
		return err
	}
	if err := c.admit(); err != nil {
		return err
	}
	if err := c.pace(); err != nil {
		return err
	}
	if err := c.readQuery(); err != nil {
		return err
	}
	if err := c.readEdit(); err != nil {
		return err
	}
	c.office = c.Office(c.actor)
	return nil
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

// admit finds out who asks: a client by its token, or an operator by a session.
func (c *call) admit() error {
	if len(c.r.Header.Values("Authorization")) > 0 || c.Session == nil || c.r.Header.Get("Cookie") == "" {
		return c.admitClient()
	}
	actor, err := c.Session(c.r)
	if err != nil {
		return err
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead && !fromOwnPage(c.r.Header) {
		e := postern.Errorf(postern.Forbidden, "the change does not come from a page of this server")
		e.Cause = "cross-site"
		return e.WithHint("send the header %s, which only a page of this server can", csrfHeader)
	}
	c.actor = c.dated(actor)
	c.note.Tenant = actor.Tenant
	return nil
}

// csrfHeader is what a page of ours sends with a change. A page of another origin cannot:
// it would need a permission that no answer of ours gives.
const csrfHeader = "X-Postern-CSRF"

// fromOwnPage says whether a browser's change comes from a page of ours.
func fromOwnPage(h http.Header) bool {
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "": // from a browser that does not say, or no browser
		return h.Get(csrfHeader) != ""
	case "none":
		return h.Get(csrfHeader) != ""
	}
	return false
}

// admitClient checks the token and makes the role of its scopes.
func (c *call) admitClient() error {
	raw, err := bearer(c.r)
	if err != nil {
		return err
	}
	claims, err := c.verify(raw)
	if err != nil {
		return err
	}
	c.note.Dialect, c.note.Tenant, c.note.ClientID, c.note.TokenID = claims.Dialect, claims.Tenant, claims.ClientID, claims.ID
	actor, missing := actorOf(claims, c.route.write())
	if missing != "" {
		e := postern.Errorf(postern.Forbidden, "the token lacks the scope %s", missing).Because(postern.LowScope)
		e.Param, e.Cause = missing, "scope"
		return e.WithHint("grant the client the scope %s and get a new token", missing)
	}
	actor.ProvenAt = c.Now() // a machine proves itself with every call
	c.actor = c.dated(actor)
	return nil
}

// pace refuses a call of an actor who makes too many.
func (c *call) pace() error {
	if c.Pace == nil {
		return nil
	}
	wait := c.Pace(c.actor.Name, c.Now())
	if wait == 0 {
		return nil
	}
	e := postern.Errorf(postern.TooMany, "these are too many calls").WithHint("wait as long as Retry-After says, and make fewer of them at once")
	e.Wait, e.Cause = wait, "pace"
	return e
}

// dated says of the call what an Office writes down.
func (c *call) dated(a postern.Actor) postern.Actor {
	a.RequestID, a.Source = c.note.ID, c.note.Source
	return a
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

// actorOf gives the widest role that the scopes of a token have for a call that changes
// something, or does not; else the scope that is missing.
func actorOf(claims postern.Claims, write bool) (a postern.Actor, missing string) {
	a = postern.Actor{Name: "client:" + claims.ClientID}
	scopes := claims.Scope
	ofTenant := scopes.Has(ScopeTenant) || scopes.Has(ScopeTenantRead)
	switch {
	case scopes.Has(ScopeAdmin):
		a.Role = postern.Owner
	case scopes.Has(ScopeRead) && !write:
		a.Role = postern.Auditor
	case ofTenant && claims.Tenant == "": // a token of no tenant is none of a tenant's
		return a, ScopeAdmin
	case scopes.Has(ScopeTenant):
		a.Role, a.Tenant = postern.Admin, claims.Tenant
	case scopes.Has(ScopeTenantRead) && !write:
		a.Role, a.Tenant = postern.Auditor, claims.Tenant
	case ofTenant:
		return a, ScopeTenant
	case write:
		return a, ScopeAdmin
	default:
		return a, ScopeRead
	}
	return a, ""
}

// bearer reads the token, from the header alone (RFC 6750 section 2.1).
func bearer(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", postern.Errorf(postern.Unauthenticated, "the call carries no token").Because(postern.NoToken).
			WithHint("send the header Authorization: Bearer TOKEN")
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

// readQuery takes the parameters that the operation knows, each once.
func (c *call) readQuery() error {
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil { // a filter that is left out would show more
		return badParam("query", "the query cannot be read").WithHint("escape the values of the query; %%25 stands for a percent sign, %%3B for a semicolon")
	}
	for name, values := range c.query {
		at := postern.Shorten(name, 100)
		switch {
		case !slices.Contains(c.route.query, name):
			e := badParam(at, "there is no parameter %s", at)
			if len(c.route.query) > 0 {
				e = e.WithHint("the parameters are %s", strings.Join(c.route.query, ", "))
			}
			return e
		case len(values) > 1:
			return badParam(at, "the parameter %s is there twice", at)
		case len(values[0]) > maxParam:
			return badParam(at, "the parameter %s is longer than %d bytes", at, maxParam).Because(postern.TooLarge)
		}
	}
	return nil
}

// maxParam bounds one parameter of a query, in bytes.
const maxParam = 1024

const (
	matchHeader = "If-Match"
	keyHeader   = "Idempotency-Key"
)

// readEdit takes the headers about how something is changed. What cannot be honoured is
// refused: whoever sends it relies on it.
func (c *call) readEdit() error {
	if !c.route.write() {
		return nil
	}
	switch tags := c.r.Header.Values(matchHeader); {
	case len(tags) == 0:
	case !c.route.match:
		return badParam(matchHeader, "the header If-Match has no meaning here")
	case len(tags) == 1 && strings.TrimSpace(tags[0]) == "*":
	default:
		tag := strings.TrimSpace(tags[0])
		if len(tags) > 1 || len(tag) < 2 || len(tag) > 64 || tag[0] != '"' || strings.Count(tag, `"`) != 2 || tag[len(tag)-1] != '"' {
			return badParam(matchHeader, "the header If-Match has to be one strong entity tag").
				WithHint("send the ETag of the answer that was read, with its quotes")
		}
		c.edit.Match = strings.Trim(tag, `"`)
	}
	keys := c.r.Header.Values(keyHeader)
	if len(keys) == 0 || c.r.Method != http.MethodPost { // repeating the others changes nothing more
		return nil
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > postern.MaxIdempotencyKey {
		return badParam(keyHeader, "the header Idempotency-Key is there more than once, or has not 1 to %d bytes", postern.MaxIdempotencyKey).
			WithHint("send one short key, such as a UUID, and the same one when the call is repeated")
	}
	if !c.route.key {
		return badParam(keyHeader, "the header Idempotency-Key has no meaning here")
	}
	c.edit.Key = keys[0]
	return nil
}
