package console

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern"
)

// call is one request on its way through the console.
type call struct {
	*house
	ctx  context.Context
	w    http.ResponseWriter
	r    *http.Request
	form form      // of a post
	at   time.Time // when it began

	// cookie is what the forms of this browser are bound to: the session's, and where
	// nobody is signed in one that says nothing.
	cookie   postern.Secret
	signedIn bool
	operator postern.Operator
	session  postern.Session
	office   postern.Office // nil unless somebody is signed in

	tenant  string           // the one that the page is about
	tenants []postern.Tenant // to choose from
}

// serve makes a handler of a page.
func (h *house) serve(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{house: h, ctx: r.Context(), w: w, r: r}
		c.at = c.now()
		h.guard(w)
		if err := c.enter(p); err != nil {
			c.fail(err)
		}
	})
}

func (c *call) enter(p page) error {
	if c.inClear() {
		return postern.Errorf(postern.Forbidden, "without TLS the console is for the machine that it runs on").
			WithHint("open it there by a loopback address, or serve with TLS: behind a proxy that has it, set public_url to the https address")
	}
	if err := checkFields(c.r.URL.Query()); err != nil {
		return err
	}
	if err := c.identify(); err != nil {
		return err
	}
	if c.r.Method == http.MethodPost {
		var err error
		if c.form, err = readForm(c.w, c.r); err != nil {
			return err
		}
		if !c.signedIn && !p.open { // the form is of a session that is over
			return c.toSignIn()
		}
		if err := c.checkForm(); err != nil {
			return err
		}
		if proven, err := c.proveFirst(); !proven || err != nil {
			return err
		}
	}
	if !c.signedIn && !p.open {
		return c.toSignIn()
	}
	if own, asked := c.operator.Tenant, c.query("tenant"); own != "" && asked != "" && asked != own {
		return postern.Errorf(postern.NotFound, "there is no tenant %q", postern.Shorten(asked, 80))
	}
	if p.to != nil && !p.to(c.may()) {
		return postern.Errorf(postern.Forbidden, "the role %s does not change this", c.operator.Role).WithHint("ask an operator whose role does")
	}
	return p.do(c)
}

// inClear says whether the call came, or could have come, over a network in clear.
func (c *call) inClear() bool {
	return !c.Secure && !postern.Loopback((&url.URL{Host: c.r.Host}).Hostname())
}

// identify finds out who is signed in, and binds a browser where nobody is.
func (c *call) identify() error {
	if value := c.kept(sessionCookie); value != "" {
		cookie := postern.NewSecret(value)
		o, s, err := c.Door.SignedIn(c.ctx, cookie, c.browser())
		switch {
		case err == nil:
			c.enterAs(cookie, o, s)
			return nil
		case postern.CodeOf(err) != postern.Unauthenticated:
			return err
		}
		c.drop(sessionCookie)
	}
	c.cookie = postern.NewSecret(c.kept(formCookie))
	return nil
}

// bind makes sure that forms for those who are not signed in belong to this browser.
func (c *call) bind() {
	if c.cookie.Empty() {
		c.cookie = postern.GenerateSecret()
		c.keep(formCookie, c.cookie.Reveal(), 0)
	}
}

// enterAs goes on in the name of an operator.
func (c *call) enterAs(cookie postern.Secret, o postern.Operator, s postern.Session) {
	c.cookie, c.signedIn, c.operator, c.session = cookie, true, o, s
	c.office = c.Office(c.actor(o, s))
	c.tenant = cmp.Or(o.Tenant, c.query("tenant"))
}

// open begins the session that a cookie holds. Whatever the browser held before is of
// no use from here on.
func (c *call) open(cookie postern.Secret) error {
	o, s, err := c.Door.SignedIn(c.ctx, cookie, c.browser())
	if err != nil {
		return err
	}
	c.keep(sessionCookie, cookie.Reveal(), 0)
	c.drop(formCookie)
	c.drop(stepCookie)
	c.enterAs(cookie, o, s)
	return nil
}

func (c *call) browser() postern.Browser {
	on := postern.CallFrom(c.ctx)
	b := postern.Browser{Source: on.Source, RequestID: on.ID, Agent: postern.Shorten(c.r.UserAgent(), 200), Polls: c.polls()}
	if !b.Source.IsValid() {
		if peer, err := netip.ParseAddrPort(c.r.RemoteAddr); err == nil {
			b.Source = peer.Addr().Unmap()
		}
	}
	return b
}

// polls says whether a page that follows something asks by itself, as it does until it is
// closed.
func (c *call) polls() bool { return c.r.Method == http.MethodGet && c.query(liveField) != "" }

// liveField is the parameter of an address that is asked for again and again.
const liveField = "live"

// query gives a parameter of the address.
func (c *call) query(name string) string { return strings.TrimSpace(c.r.URL.Query().Get(name)) }

// may says what the role of whoever is signed in is good for. The Office decides; this
// is only for what is shown.
func (c *call) may() May {
	o := c.operator
	return May{
		Look:      o.Role != postern.Admin,
		Change:    o.Role == postern.Owner || o.Role == postern.Admin,
		Operators: o.Role == postern.Owner,
		Everybody: o.Tenant == "",
	}
}

// May is what the operator may do.
type May struct {
	Look      bool // at operators
	Change    bool // anything but look
	Operators bool // change operators
	Everybody bool // is not bound to a tenant
}

// done redirects after a change, and lets the next page say what was done.
func (c *call) done(to, said string) error {
	if said != "" {
		c.flash(false, said)
	}
	http.Redirect(c.w, c.r, to, http.StatusSeeOther)
	return nil
}

// toSignIn sends somebody to sign in, and back to where they were.
func (c *call) toSignIn() error {
	to := "/console/sign-in"
	if next := within(c.r.URL.RequestURI()); c.r.Method == http.MethodGet && next != "/console/" {
		to += "?next=" + url.QueryEscape(next)
	}
	if c.r.Header.Get("HX-Request") != "" { // a part of a page would be put in the place of another
		c.w.Header().Set("HX-Redirect", to)
		return nil
	}
	http.Redirect(c.w, c.r, to, http.StatusSeeOther)
	return nil
}

// pickTenant finds the tenant that a page is about: the operator's own, the one in the
// address, or the first there is. It fails with NotFound where there is none.
func (c *call) pickTenant() error {
	if c.operator.Tenant != "" {
		return nil
	}
	p, err := c.office.Tenants(c.ctx, postern.Paging{Limit: maxChoice})
	if err != nil {
		return err
	}
	c.tenants = p.Items
	if c.tenant == "" && len(p.Items) > 0 {
		c.tenant = p.Items[0].ID
	}
	if c.tenant == "" {
		return postern.Errorf(postern.NotFound, "there is no tenant yet").WithHint("make one: everything belongs to a tenant")
	}
	if err := postern.CheckTenantID(c.tenant); err != nil {
		return postern.Errorf(postern.NotFound, "there is no tenant %q", postern.Shorten(c.tenant, 80))
	}
	return nil
}

// maxChoice bounds how many tenants are offered to choose from; others are found by
// their page.
const maxChoice = 200

// now is the time of the call, to the millisecond.
func (c *call) now() time.Time { return c.Now().UTC().Truncate(time.Millisecond) }

// nowhere answers addresses that lead nowhere.
func (c *call) nowhere() error {
	if !c.signedIn {
		return c.toSignIn()
	}
	return postern.Errorf(postern.NotFound, "there is nothing at this address")
}
