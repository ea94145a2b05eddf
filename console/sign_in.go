package console

import (
	"net/http"
	"time"

	"postern.dev/postern"
)

// SignInPage asks who is there: first the password, and then, of those who have one, the
// code of their second factor.
type SignInPage struct {
	Email  string
	Next   string // where to go then
	Code   bool   // the code is asked for
	Faults []Fault
}

func (SignInPage) page() head { return head{Sheet: "sign_in", Title: "Sign in"} }

func signInPages() []page {
	return []page{
		{pattern: "GET /console/sign-in", do: (*call).signInPage, open: true},
		{pattern: "POST /console/sign-in", do: (*call).signIn, open: true},
		{pattern: "POST /console/sign-out", do: (*call).signOut},
	}
}

func (c *call) signInPage() error {
	next := within(c.query("next"))
	if c.signedIn {
		return c.done(next, "")
	}
	c.drop(stepCookie)
	return c.show(SignInPage{Next: next})
}

// step waits in the browser, sealed, between password and code.
type step struct {
	Email, Password, Form string
	Until                 time.Time
}

// signIn begins a session. It has another cookie than what the browser held before, so
// that nobody can be signed in to a session that somebody else knows.
func (c *call) signIn() error {
	p := SignInPage{Email: c.form.text("email"), Next: within(c.form.text("next"))}
	password := c.form.secret("password")
	code := c.form.text("code")
	if code != "" {
		var s step
		if err := c.unseal("step", c.kept(stepCookie), &s); err != nil || c.now().After(s.Until) || s.Form != tokenFor(c.cookie) {
			p.Faults = []Fault{{"email", "That took too long. Please begin again."}}
			return c.showAs(http.StatusUnprocessableEntity, p)
		}
		p.Email, password = s.Email, postern.NewSecret(s.Password)
	}
	cookie, _, err := c.Door.SignIn(c.ctx, p.Email, password, code, c.browser())
	switch e := postern.AsError(err); {
	case err == nil:
		if c.signedIn {
			_ = c.Door.SignOut(c.ctx, c.cookie, c.browser()) // the session before is replaced; it would end by itself
		}
		if err := c.open(cookie); err != nil {
			return err
		}
		return c.done(p.Next, "")
	case e.Reason == postern.NeedCode:
		sealed, err := c.seal("step", step{p.Email, password.Reveal(), tokenFor(c.cookie), c.now().Add(stepLife)})
		if err != nil {
			return err
		}
		c.keep(stepCookie, sealed, stepLife)
		p.Code = true
		return c.show(p)
	case e.Code != postern.Unauthenticated:
		return err
	case code != "":
		p.Code, p.Faults = true, []Fault{{"code", "That is not the code of now."}}
	default:
		p.Faults = []Fault{{"email", "The e-mail address or the password is not right."}}
	}
	on := postern.CallFrom(c.ctx)
	on.Code, on.Cause = postern.Unauthenticated, postern.AsError(err).Cause
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) signOut() error {
	err := c.Door.SignOut(c.ctx, c.cookie, c.browser())
	if err != nil && postern.CodeOf(err) != postern.Unauthenticated {
		return err
	}
	c.drop(sessionCookie)
	c.drop(flashCookie)
	c.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return c.done("/console/sign-in", "")
}
