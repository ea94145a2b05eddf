package console

import (
	"net/http"

	"postern.dev/postern"
)

// SetupPage is where a one-time link leads: somebody sets a password.
type SetupPage struct {
	Known       bool // the code is known and good
	First       bool // it makes the first operator of all
	Name, Email string
	Faults      []Fault
}

func (SetupPage) page() head { return head{Sheet: "setup", Title: "One-time link"} }

func setupPages() []page {
	return []page{
		{pattern: "GET /console/setup", do: (*call).setupPage, open: true},
		{pattern: "POST /console/setup", do: (*call).setup, open: true},
		{pattern: "POST /console/setup/code", do: (*call).setupCode, open: true},
	}
}

// setupPage takes the code out of the address at once: it goes on in a cookie that no
// script can read, so that it stays in no history and no referrer.
func (c *call) setupPage() error {
	if code := c.query("code"); code != "" {
		c.keep(setupCookie, postern.Shorten(code, 200), stepLife)
		return c.done("/console/setup", "")
	}
	p, err := c.invited(postern.NewSecret(c.kept(setupCookie)))
	if err != nil {
		return err
	}
	return c.show(p)
}

// invited gives the page for a code, known or not.
func (c *call) invited(code postern.Secret) (SetupPage, error) {
	if code.Empty() {
		return SetupPage{}, nil
	}
	o, err := c.Door.Invited(c.ctx, code)
	switch {
	case postern.CodeOf(err) == postern.NotFound:
		c.drop(setupCookie)
		return SetupPage{Faults: []Fault{{"code", "This link was used already, or it is too old. Ask for another one."}}}, nil
	case err != nil:
		return SetupPage{}, err
	}
	return SetupPage{Known: true, First: o.Email == "", Name: o.Name, Email: o.Email}, nil
}

func (c *call) setupCode() error {
	if code := c.form.text("code"); code != "" {
		c.keep(setupCookie, postern.Shorten(code, 200), stepLife)
	}
	return c.done("/console/setup", "")
}

func (c *call) setup() error {
	code := postern.NewSecret(c.kept(setupCookie))
	p, err := c.invited(code)
	if err != nil {
		return err
	}
	if !p.Known {
		return c.showAs(http.StatusUnprocessableEntity, p)
	}
	var o postern.Operator
	if p.First {
		p.Name, p.Email = c.form.text("name"), c.form.text("email")
		o.Name, o.Email = p.Name, postern.CanonicalEmail(p.Email)
	}
	password := c.form.secret("password")
	if password.Reveal() != c.form.secret("again").Reveal() {
		p.Faults = []Fault{{"again", "The two passwords are not the same."}}
		return c.showAs(http.StatusUnprocessableEntity, p)
	}
	before, was := c.cookie, c.signedIn
	cookie, _, err := c.Door.Accept(c.ctx, code, o, password, c.browser())
	if err != nil {
		if p.Faults, err = faultsOf(err); err != nil {
			return err
		}
		return c.showAs(http.StatusUnprocessableEntity, p)
	}
	if was {
		_ = c.Door.SignOut(c.ctx, before, c.browser()) // somebody else's session on the same browser; it would end by itself
	}
	c.drop(setupCookie)
	if err := c.open(cookie); err != nil {
		return err
	}
	return c.done("/console/", "Welcome. A second factor makes your account safer: you find it under your name.")
}
