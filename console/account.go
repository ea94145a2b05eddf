package console

import (
	"net/http"
	"net/url"

	"postern.dev/postern"
	"postern.dev/postern/internal/qr"
)

// AccountPage is where operators look after themselves.
type AccountPage struct {
	Email    string
	Factor   bool   // there is a second one
	Now      string // the id of the session of this browser
	Sessions []postern.Session
	Faults   []Fault
}

func (AccountPage) page() head {
	return head{Sheet: "account", Title: "My account", Section: inAccount}
}

// FactorPage shows the secret of a second factor, until a code shows that it was taken.
type FactorPage struct {
	URI    string
	Secret string // the same, to be typed
	Code   QR
	Faults []Fault
}

// QR is a code to be read by a camera: a path over a square of Size.
type QR struct {
	Size int
	Path string
}

func (FactorPage) page() head {
	return head{Sheet: "factor", Title: "Second factor", Section: inAccount, Crumbs: []Crumb{{"My account", "/console/account"}}}
}

func accountPages() []page {
	return []page{
		{pattern: "GET /console/account", do: (*call).accountPage},
		{pattern: "POST /console/account/password", do: (*call).accountPassword},
		{pattern: "POST /console/account/factor", do: (*call).factorNew},
		{pattern: "POST /console/account/factor/keep", do: (*call).factorKeep},
		{pattern: "GET /console/account/factor/drop", do: (*call).factorDropPage},
		{pattern: "POST /console/account/factor/drop", do: (*call).factorDrop},
		{pattern: "POST /console/account/sessions/{session}/end", do: (*call).accountEndSession},
	}
}

func (c *call) accountPage() error {
	p, err := c.account()
	if err != nil {
		return err
	}
	return c.show(p)
}

func (c *call) account() (AccountPage, error) {
	sessions, err := c.office.Sessions(c.ctx, c.operator.ID)
	return AccountPage{Email: c.operator.Email, Factor: c.operator.TOTP != "", Now: c.session.ID, Sessions: sessions}, err
}

func (c *call) accountPassword() error {
	password := c.form.secret("password")
	var err error
	switch {
	case password.Empty(): // it is not carried along while the proof is asked for
		err = wrong("password", "type the new password")
	case password.Reveal() != c.form.secret("again_password").Reveal():
		err = wrong("again_password", "the two passwords are not the same")
	default:
		err = c.Wardrobe.ChangePassword(c.ctx, c.cookie, password, c.browser())
	}
	if err == nil {
		return c.done("/console/account", "The password is changed.")
	}
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p, err := c.account()
	if err != nil {
		return err
	}
	p.Faults = faults
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) factorNew() error {
	uri, err := c.Wardrobe.NewTOTP(c.ctx, c.cookie)
	if err != nil {
		return err
	}
	p, err := factorOf(uri)
	if err != nil {
		return err
	}
	return c.show(p)
}

func factorOf(uri postern.Secret) (FactorPage, error) {
	text := uri.Reveal()
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "otpauth" {
		return FactorPage{}, postern.Errorf(postern.Invalid, "this is not the secret of a second factor").WithHint("begin again")
	}
	p := FactorPage{URI: text, Secret: u.Query().Get("secret")}
	if size, path, err := qr.Path(text); err == nil { // one that is too long for a code can be typed
		p.Code = QR{size, path}
	}
	return p, nil
}

func (c *call) factorKeep() error {
	uri := c.form.secret("secret_uri")
	err := c.Wardrobe.KeepTOTP(c.ctx, c.cookie, uri, c.form.text("code"), c.browser())
	if err == nil {
		return c.done("/console/account", "The second factor is set: from now on a code is asked for after the password.")
	}
	if e := postern.AsError(err); e.Code == postern.Unauthenticated && e.Reason == postern.BadGrant {
		err = wrong("code", "that is not the code of now")
	}
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p, err := factorOf(uri)
	if err != nil {
		return err
	}
	p.Faults = faults
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) factorDropPage() error {
	return c.show(SurePage{
		Section: inAccount, Crumbs: []Crumb{{"My account", "/console/account"}}, Title: "Do without a second factor",
		Text:   "Whoever knows your password can sign in as you from then on.",
		Action: "/console/account/factor/drop", Back: "/console/account", Button: "Take it away",
	})
}

func (c *call) factorDrop() error {
	if err := c.Wardrobe.DropTOTP(c.ctx, c.cookie, c.browser()); err != nil {
		return err
	}
	return c.done("/console/account", "The second factor is gone.")
}

func (c *call) accountEndSession() error {
	if err := c.office.EndSession(c.ctx, c.operator.ID, c.r.PathValue("session")); err != nil {
		return err
	}
	return c.done("/console/account", "The session has ended.")
}
