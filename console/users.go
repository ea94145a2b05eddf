package console

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"postern.dev/postern"
)

// UsersPage lists the people of a tenant who sign in with a password.
type UsersPage struct {
	Tenant, Text string
	Rows         []UserRow
	First        bool
	Next         string
}

// UserRow is a person in the list.
type UserRow struct {
	ID, Email, Role string
	Disabled        bool
	Locked          time.Time // until then; zero when not
}

func (UsersPage) page() head {
	return head{Sheet: "users", Title: "Users", Section: inUsers, Chooses: true, Crumbs: []Crumb{{Title: "Settings"}}}
}

// UserPage is one person, and a form to change them. A new one has no ID.
type UserPage struct {
	Tenant, ID, Version, Key      string
	Email, Role, AgentID, SiteID  string
	Disabled                      bool
	Failures                      int
	Locked                        time.Time
	CreatedAt, UpdatedAt, Revoked time.Time
	Faults                        []Fault
}

func (p UserPage) page() head {
	h := head{Sheet: "user", Title: p.Email, Section: inUsers, Crumbs: []Crumb{{Title: "Settings"}, {"Users", usersOf(p.Tenant)}}}
	if p.ID == "" {
		h.Title = "New user"
	}
	return h
}

// PasswordPage shows a password that was made, once.
type PasswordPage struct {
	Tenant, ID, Email string
	Password          string
}

func (p PasswordPage) page() head {
	return head{Sheet: "password", Title: "Password of " + p.Email, Section: inUsers, Crumbs: []Crumb{{Title: "Settings"}, {"Users", usersOf(p.Tenant)}}}
}

func usersOf(tenant string) string { return "/console/users?tenant=" + url.QueryEscape(tenant) }

func userAt(tenant, id string) string {
	return "/console/users/" + url.PathEscape(tenant) + "/" + url.PathEscape(id)
}

func usersPages() []page {
	return []page{
		{pattern: "GET /console/users", do: (*call).usersPage},
		{pattern: "GET /console/users/{tenant}/new", to: managers, do: (*call).userNewPage},
		{pattern: "POST /console/users/{tenant}/new", do: (*call).userNew},
		{pattern: "GET /console/users/{tenant}/{id}", do: (*call).userPage},
		{pattern: "POST /console/users/{tenant}/{id}", do: (*call).userChange},
		{pattern: "POST /console/users/{tenant}/{id}/unlock", do: func(c *call) error { return c.userSet(postern.UserChange{Unlock: new(true)}, "may try again.") }},
		{pattern: "POST /console/users/{tenant}/{id}/disable", do: func(c *call) error {
			return c.userSet(postern.UserChange{Disabled: new(true)}, "is disabled.")
		}},
		{pattern: "POST /console/users/{tenant}/{id}/enable", do: func(c *call) error {
			return c.userSet(postern.UserChange{Disabled: new(false)}, "may sign in again.")
		}},
		{pattern: "GET /console/users/{tenant}/{id}/password", to: managers, do: (*call).passwordPage},
		{pattern: "POST /console/users/{tenant}/{id}/password", do: (*call).passwordSet},
	}
}

func (c *call) usersPage() error {
	if err := c.pickTenant(); err != nil {
		return err
	}
	q := postern.UserQuery{Tenant: c.tenant, Text: postern.Shorten(c.query("q"), 100), Paging: postern.Paging{Limit: perPage, After: c.query("after")}}
	list, err := c.office.Users(c.ctx, q)
	if err != nil {
		return err
	}
	p := UsersPage{Tenant: c.tenant, Text: q.Text, First: q.After == ""}
	for _, u := range list.Items {
		row := UserRow{ID: u.ID, Email: u.Email, Role: u.Role, Disabled: u.Disabled}
		if u.LockedUntil.After(c.now()) {
			row.Locked = u.LockedUntil
		}
		p.Rows = append(p.Rows, row)
	}
	if list.Next != "" {
		p.Next = "/console/users?" + url.Values{"tenant": {c.tenant}, "q": {q.Text}, "after": {list.Next}}.Encode()
	}
	return c.show(p)
}

func (c *call) userNewPage() error {
	c.tenant = c.r.PathValue("tenant")
	if _, err := c.office.Tenant(c.ctx, c.tenant); err != nil {
		return err
	}
	return c.show(UserPage{Tenant: c.tenant, Key: rand.Text()})
}

func (c *call) userNew() error {
	c.tenant = c.r.PathValue("tenant")
	u := postern.User{Tenant: c.tenant, Email: postern.CanonicalEmail(c.form.text("email")), Role: c.form.text("role"), AgentID: c.form.text("agent_id")}
	site, err := c.form.number("site_id")
	u.SiteID = site
	var password postern.Secret
	if err == nil {
		u, password, err = c.office.CreateUser(c.ctx, u, postern.Secret{}, postern.Edit{Key: c.formKey()})
	}
	if err != nil {
		return c.userAgain(UserPage{Tenant: c.tenant, Key: rand.Text(), Email: c.form.text("email")}, err)
	}
	if c.already(u.CreatedAt) {
		return c.done(userAt(u.Tenant, u.ID), u.Email+" is there already, and the password was shown. Whoever did not keep it makes a new one.")
	}
	return c.show(PasswordPage{u.Tenant, u.ID, u.Email, password.Reveal()})
}

// userAgain shows the form with what was typed and what is wrong with it.
func (c *call) userAgain(p UserPage, err error) error {
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p.Faults, p.Role, p.AgentID, p.SiteID = faults, c.form.text("role"), c.form.text("agent_id"), c.form.text("site_id")
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) user() (postern.User, error) {
	c.tenant = c.r.PathValue("tenant")
	return c.office.User(c.ctx, c.tenant, c.r.PathValue("id"))
}

func (c *call) userPage() error {
	u, err := c.user()
	if err != nil {
		return err
	}
	return c.show(c.userOf(u))
}

func (c *call) userOf(u postern.User) UserPage {
	p := UserPage{Tenant: u.Tenant, ID: u.ID, Version: postern.Version(u.UpdatedAt), Email: u.Email, Role: u.Role, AgentID: u.AgentID,
		Disabled: u.Disabled, Failures: u.Failures, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Revoked: u.NotBefore}
	if u.SiteID != 0 {
		p.SiteID = decimal(u.SiteID)
	}
	if u.LockedUntil.After(c.now()) {
		p.Locked = u.LockedUntil
	}
	return p
}

func (c *call) userChange() error {
	u, err := c.user()
	if err != nil {
		return err
	}
	site, err := c.form.number("site_id")
	if err == nil {
		change := postern.UserChange{Role: new(c.form.text("role")), AgentID: new(c.form.text("agent_id")), SiteID: &site}
		_, err = c.office.ChangeUser(c.ctx, u.Tenant, u.ID, change, postern.Edit{Match: c.form.text("version")})
	}
	if err != nil {
		return c.userAgain(c.userOf(u), err)
	}
	return c.done(userAt(u.Tenant, u.ID), u.Email+" was changed.")
}

func (c *call) userSet(change postern.UserChange, said string) error {
	u, err := c.office.ChangeUser(c.ctx, c.r.PathValue("tenant"), c.r.PathValue("id"), change, postern.Edit{Match: c.form.text("version")})
	if err != nil {
		return err
	}
	return c.done(userAt(u.Tenant, u.ID), u.Email+" "+said)
}

func (c *call) passwordPage() error {
	u, err := c.user()
	if err != nil {
		return err
	}
	at := userAt(u.Tenant, u.ID)
	return c.show(SurePage{
		Section: inUsers, Crumbs: []Crumb{{Title: "Settings"}, {"Users", usersOf(u.Tenant)}, {u.Email, at}}, Title: "New password for " + u.Email,
		Text:   "A password is made and shown to you once. The one of now is right no more, and every token of this person ends.",
		Action: at + "/password", Back: at, Button: "Make a new password",
	})
}

func (c *call) passwordSet() error {
	u, password, err := c.office.SetPassword(c.ctx, c.r.PathValue("tenant"), c.r.PathValue("id"), postern.Secret{})
	if err != nil {
		return err
	}
	c.tenant = u.Tenant
	return c.show(PasswordPage{u.Tenant, u.ID, u.Email, password.Reveal()})
}
