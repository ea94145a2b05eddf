package admin

import (
	"context"
	"net/http"
	"time"

	"postern.dev/postern"
)

// User is a user on the wire. Password is there once: when it was made.
type User struct {
	ID          string `json:"id"`
	Tenant      string `json:"tenant"`
	Email       string `json:"email"`
	Password    string `json:"password,omitempty"`
	Role        string `json:"role"`
	AgentID     string `json:"agent_id,omitempty"`
	SiteID      int64  `json:"site_id,omitempty"`
	Disabled    bool   `json:"disabled"`
	Failures    int    `json:"failures"`
	LockedUntil string `json:"locked_until,omitempty"`
	NotBefore   string `json:"tokens_revoked_until,omitempty"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
}

// UserOf writes a user as they are at now, with the password where that was just made.
func UserOf(u postern.User, made postern.Secret, now time.Time) User {
	w := User{ID: u.ID, Tenant: u.Tenant, Email: u.Email, Password: made.Reveal(), Role: u.Role, AgentID: u.AgentID, SiteID: u.SiteID,
		Disabled: u.Disabled, Failures: u.Failures, NotBefore: stamp(u.NotBefore), CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt)}
	if now.Before(u.LockedUntil) {
		w.LockedUntil = stamp(u.LockedUntil)
	}
	return w
}

func (u User) noun() postern.User {
	return postern.User{ID: u.ID, Tenant: u.Tenant, Email: u.Email, Role: u.Role, AgentID: u.AgentID, SiteID: u.SiteID, Disabled: u.Disabled,
		Failures: u.Failures, LockedUntil: moment(u.LockedUntil), NotBefore: moment(u.NotBefore), CreatedAt: moment(u.CreatedAt), UpdatedAt: moment(u.UpdatedAt)}
}

// newUser is what a user is made of; without a password one is made.
type newUser struct {
	Email    string `json:"email"`
	Role     string `json:"role,omitempty"`
	AgentID  string `json:"agent_id,omitempty"`
	SiteID   int64  `json:"site_id,omitempty"`
	Password string `json:"password,omitempty"`
}

// newPassword is a password to be; without one it is made.
type newPassword struct {
	Password string `json:"password,omitempty"`
}

// userChange is what can be changed of a user; what is absent stays.
type userChange struct {
	Role     *string `json:"role,omitempty"`
	AgentID  *string `json:"agent_id,omitempty"`
	SiteID   *int64  `json:"site_id,omitempty"`
	Disabled *bool   `json:"disabled,omitempty"`
	Unlock   *bool   `json:"unlock,omitempty"`
}

func userRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/tenants/{tenant}/users", query: append([]string{"text"}, paged...), do: (*call).listUsers},
		{method: http.MethodPost, path: base + "/tenants/{tenant}/users", key: true, do: (*call).createUser},
		{method: http.MethodGet, path: base + "/tenants/{tenant}/users/{user}", do: (*call).getUser},
		{method: http.MethodPatch, path: base + "/tenants/{tenant}/users/{user}", match: true, do: (*call).changeUser},
		{method: http.MethodPost, path: base + "/tenants/{tenant}/users/{user}/password", do: (*call).setPassword},
	}
}

func (c *call) user(u postern.User, made postern.Secret) error {
	return c.noun(http.StatusOK, UserOf(u, made, c.Now()), u.UpdatedAt)
}

func (c *call) listUsers() error {
	p, err := c.paging()
	if err != nil {
		return err
	}
	all, err := c.office.Users(c.ctx, postern.UserQuery{Tenant: c.id("tenant"), Text: c.query.Get("text"), Paging: p})
	if err != nil {
		return err
	}
	now := c.Now()
	return page(c, all, func(u postern.User) User { return UserOf(u, postern.Secret{}, now) })
}

func (c *call) createUser() error {
	var w newUser
	if err := c.read(&w); err != nil {
		return err
	}
	u, made, err := c.office.CreateUser(c.ctx, postern.User{Tenant: c.id("tenant"), Email: w.Email, Role: w.Role, AgentID: w.AgentID, SiteID: w.SiteID},
		secret(w.Password), c.edit)
	if err != nil {
		return err
	}
	return c.made("/tenants/"+u.Tenant+"/users/"+u.ID, UserOf(u, made, c.Now()), u.UpdatedAt)
}

func (c *call) getUser() error {
	u, err := c.office.User(c.ctx, c.id("tenant"), c.id("user"))
	if err != nil {
		return err
	}
	return c.user(u, postern.Secret{})
}

func (c *call) changeUser() error {
	var w userChange
	if err := c.read(&w); err != nil {
		return err
	}
	tenant, id := c.id("tenant"), c.id("user")
	u, err := c.office.ChangeUser(c.ctx, tenant, id, postern.UserChange{Role: w.Role, AgentID: w.AgentID, SiteID: w.SiteID, Disabled: w.Disabled, Unlock: w.Unlock}, c.edit)
	if err != nil {
		return c.changed(err, func() (time.Time, error) { u, err := c.office.User(c.ctx, tenant, id); return u.UpdatedAt, err })
	}
	return c.user(u, postern.Secret{})
}

func (c *call) setPassword() error {
	var w newPassword
	if err := c.read(&w); err != nil {
		return err
	}
	u, made, err := c.office.SetPassword(c.ctx, c.id("tenant"), c.id("user"), secret(w.Password))
	if err != nil {
		return err
	}
	return c.user(u, made)
}

// Users implements postern.Users.
func (m *Remote) Users(ctx context.Context, q postern.UserQuery) (postern.Page[postern.User], error) {
	a := ask{path: at("tenants", q.Tenant, "users")}
	a.set("text", q.Text)
	return many(ctx, m, a, q.Paging, User.noun)
}

// User implements postern.Users.
func (m *Remote) User(ctx context.Context, tenant, idOrEmail string) (postern.User, error) {
	w, err := one[User](ctx, m, ask{path: at("tenants", tenant, "users", idOrEmail)})
	return w.noun(), err
}

// CreateUser implements postern.Users.
func (m *Remote) CreateUser(ctx context.Context, u postern.User, password postern.Secret, e postern.Edit) (postern.User, postern.Secret, error) {
	w, err := one[User](ctx, m, ask{method: http.MethodPost, path: at("tenants", u.Tenant, "users"), edit: e,
		body: newUser{u.Email, u.Role, u.AgentID, u.SiteID, password.Reveal()}})
	return w.noun(), secret(w.Password), err
}

// ChangeUser implements postern.Users.
func (m *Remote) ChangeUser(ctx context.Context, tenant, id string, c postern.UserChange, e postern.Edit) (postern.User, error) {
	w, err := one[User](ctx, m, ask{method: http.MethodPatch, path: at("tenants", tenant, "users", id), edit: e,
		body: userChange{c.Role, c.AgentID, c.SiteID, c.Disabled, c.Unlock}})
	return w.noun(), err
}

// SetPassword implements postern.Users.
func (m *Remote) SetPassword(ctx context.Context, tenant, id string, password postern.Secret) (postern.User, postern.Secret, error) {
	w, err := one[User](ctx, m, ask{method: http.MethodPost, path: at("tenants", tenant, "users", id, "password"), body: newPassword{password.Reveal()}})
	return w.noun(), secret(w.Password), err
}
