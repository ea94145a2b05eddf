package admin

import (
	"context"
	"net/http"
	"time"

	"postern.dev/postern"
)

// Operator is an operator on the wire. SetupCode is there once: in the answer to the call
// that made them.
type Operator struct {
	ID          string       `json:"id"`
	Email       string       `json:"email"`
	Name        string       `json:"name,omitempty"`
	Role        postern.Role `json:"role"`
	Tenant      string       `json:"tenant,omitempty"`
	SetupCode   string       `json:"setup_code,omitempty"`
	PasswordSet bool         `json:"password_set"`
	TOTP        bool         `json:"second_factor"`
	Disabled    bool         `json:"disabled"`
	Failures    int          `json:"failures"`
	LockedUntil string       `json:"locked_until,omitempty"`
	SeenAt      string       `json:"seen_at,omitempty"`
	CreatedAt   string       `json:"created_at"`
	UpdatedAt   string       `json:"updated_at"`
}

// OperatorOf writes an operator as they are at now, with the code of the one-time link
// where that was just made.
func OperatorOf(o postern.Operator, code postern.Secret, now time.Time) Operator {
	w := Operator{ID: o.ID, Email: o.Email, Name: o.Name, Role: o.Role, Tenant: o.Tenant, SetupCode: code.Reveal(), PasswordSet: o.PasswordHash != "",
		TOTP: o.TOTP != "", Disabled: o.Disabled, Failures: o.Failures, SeenAt: stamp(o.SeenAt), CreatedAt: stamp(o.CreatedAt), UpdatedAt: stamp(o.UpdatedAt)}
	if now.Before(o.Locked) {
		w.LockedUntil = stamp(o.Locked)
	}
	return w
}

// withheld stands for a hash or a key that is there and not told.
const withheld = "set"

func (o Operator) noun() postern.Operator {
	out := postern.Operator{ID: o.ID, Email: o.Email, Name: o.Name, Role: o.Role, Tenant: o.Tenant, Disabled: o.Disabled, Failures: o.Failures,
		Locked: moment(o.LockedUntil), SeenAt: moment(o.SeenAt), CreatedAt: moment(o.CreatedAt), UpdatedAt: moment(o.UpdatedAt)}
	if o.PasswordSet {
		out.PasswordHash = withheld
	}
	if o.TOTP {
		out.TOTP = withheld
	}
	return out
}

// newOperator is what an operator is made of. The password they set themselves.
type newOperator struct {
	Email  string       `json:"email"`
	Name   string       `json:"name,omitempty"`
	Role   postern.Role `json:"role"`
	Tenant string       `json:"tenant,omitempty"`
}

// operatorChange is what can be changed of one; what is absent stays.
type operatorChange struct {
	Name     *string       `json:"name,omitempty"`
	Role     *postern.Role `json:"role,omitempty"`
	Disabled *bool         `json:"disabled,omitempty"`
	Unlock   *bool         `json:"unlock,omitempty"`
	NoTOTP   *bool         `json:"no_second_factor,omitempty"`
}

// Session is an operator signed in at a browser, on the wire.
type Session struct {
	ID        string `json:"id"`
	CreatedAt string `json:"created_at"`
	SeenAt    string `json:"seen_at"`
	ProvenAt  string `json:"proven_at"`
	ExpiresAt string `json:"expires_at"`
	Source    string `json:"source,omitempty"`
	Agent     string `json:"agent,omitempty"`
}

// SessionOf writes a session.
func SessionOf(s postern.Session) Session {
	return Session{s.ID, stamp(s.CreatedAt), stamp(s.SeenAt), stamp(s.ProvenAt), stamp(s.ExpiresAt), s.Source, s.Agent}
}

func (s Session) noun(operator string) postern.Session {
	return postern.Session{ID: s.ID, Operator: operator, CreatedAt: moment(s.CreatedAt), SeenAt: moment(s.SeenAt), ProvenAt: moment(s.ProvenAt),
		ExpiresAt: moment(s.ExpiresAt), Source: s.Source, Agent: s.Agent}
}

func operatorRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/operators", query: paged, do: (*call).listOperators},
		{method: http.MethodPost, path: base + "/operators", key: true, do: (*call).createOperator},
		{method: http.MethodGet, path: base + "/operators/{operator}", do: (*call).getOperator},
		{method: http.MethodPatch, path: base + "/operators/{operator}", match: true, do: (*call).changeOperator},
		{method: http.MethodDelete, path: base + "/operators/{operator}", match: true, do: (*call).deleteOperator},
		{method: http.MethodPost, path: base + "/operators/{operator}/invite", do: (*call).inviteOperator},
		{method: http.MethodGet, path: base + "/operators/{operator}/sessions", do: (*call).listSessions},
		{method: http.MethodDelete, path: base + "/operators/{operator}/sessions/{session}", do: (*call).endSession},
	}
}

func (c *call) listOperators() error {
	p, err := c.paging()
	if err != nil {
		return err
	}
	all, err := c.office.Operators(c.ctx, p)
	if err != nil {
		return err
	}
	now := c.Now()
	return page(c, all, func(o postern.Operator) Operator { return OperatorOf(o, postern.Secret{}, now) })
}

func (c *call) createOperator() error {
	var w newOperator
	if err := c.read(&w); err != nil {
		return err
	}
	o, code, err := c.office.CreateOperator(c.ctx, postern.Operator{Email: w.Email, Name: w.Name, Role: w.Role, Tenant: w.Tenant}, c.edit)
	if err != nil {
		return err
	}
	return c.made("/operators/"+o.ID, OperatorOf(o, code, c.Now()), o.UpdatedAt)
}

func (c *call) changeOperator() error {
	var w operatorChange
	if err := c.read(&w); err != nil {
		return err
	}
	o, err := c.office.ChangeOperator(c.ctx, c.id("operator"), postern.OperatorChange{Name: w.Name, Role: w.Role, Disabled: w.Disabled, Unlock: w.Unlock, NoTOTP: w.NoTOTP}, c.edit)
	if err != nil {
		return c.changed(err, c.operatorNow)
	}
	return c.noun(http.StatusOK, OperatorOf(o, postern.Secret{}, c.Now()), o.UpdatedAt)
}

func (c *call) deleteOperator() error {
	if err := c.office.DeleteOperator(c.ctx, c.id("operator"), c.edit); err != nil {
		return c.changed(err, c.operatorNow)
	}
	return c.empty()
}

// operatorNow gives when an operator was last changed.
func (c *call) operatorNow() (time.Time, error) {
	o, err := c.findOperator(c.id("operator"))
	return o.UpdatedAt, err
}

func (c *call) getOperator() error {
	o, err := c.findOperator(c.id("operator"))
	if err != nil {
		return err
	}
	return c.noun(http.StatusOK, OperatorOf(o, postern.Secret{}, c.Now()), o.UpdatedAt)
}

// findOperator looks through the pages of operators: an Office finds them no other way,
// and there are few.
func (c *call) findOperator(id string) (postern.Operator, error) {
	for p := (postern.Paging{Limit: postern.MaxPage}); ; {
		all, err := c.office.Operators(c.ctx, p)
		if err != nil {
			return postern.Operator{}, err
		}
		for _, o := range all.Items {
			if o.ID == id {
				return o, nil
			}
		}
		if p.After = all.Next; p.After == "" {
			return postern.Operator{}, postern.Errorf(postern.NotFound, "there is no operator %q", postern.Shorten(id, 80))
		}
	}
}

func (c *call) inviteOperator() error {
	office, ok := c.office.(postern.Inviter)
	if !ok {
		return postern.Errorf(postern.Invalid, "this office gives no other links") // not reached with a registrar
	}
	o, code, err := office.InviteOperator(c.ctx, c.id("operator"))
	if err != nil {
		return err
	}
	return c.noun(http.StatusOK, OperatorOf(o, code, c.Now()), o.UpdatedAt)
}

func (c *call) listSessions() error {
	all, err := c.office.Sessions(c.ctx, c.id("operator"))
	if err != nil {
		return err
	}
	return whole(c, all, SessionOf)
}

func (c *call) endSession() error {
	if err := c.office.EndSession(c.ctx, c.id("operator"), c.id("session")); err != nil {
		return err
	}
	return c.empty()
}

// Operators implements postern.Operators.
func (m *Remote) Operators(ctx context.Context, p postern.Paging) (postern.Page[postern.Operator], error) {
	return many(ctx, m, ask{path: at("operators")}, p, Operator.noun)
}

// CreateOperator implements postern.Operators.
func (m *Remote) CreateOperator(ctx context.Context, o postern.Operator, e postern.Edit) (postern.Operator, postern.Secret, error) {
	w, err := one[Operator](ctx, m, ask{method: http.MethodPost, path: at("operators"), edit: e, body: newOperator{o.Email, o.Name, o.Role, o.Tenant}})
	return w.noun(), secret(w.SetupCode), err
}

// ChangeOperator implements postern.Operators.
func (m *Remote) ChangeOperator(ctx context.Context, id string, c postern.OperatorChange, e postern.Edit) (postern.Operator, error) {
	w, err := one[Operator](ctx, m, ask{method: http.MethodPatch, path: at("operators", id), edit: e,
		body: operatorChange{c.Name, c.Role, c.Disabled, c.Unlock, c.NoTOTP}})
	return w.noun(), err
}

// DeleteOperator implements postern.Operators.
func (m *Remote) DeleteOperator(ctx context.Context, id string, e postern.Edit) error {
	return m.do(ctx, ask{method: http.MethodDelete, path: at("operators", id), edit: e}, nil)
}

// InviteOperator implements postern.Inviter.
func (m *Remote) InviteOperator(ctx context.Context, id string) (postern.Operator, postern.Secret, error) {
	w, err := one[Operator](ctx, m, ask{method: http.MethodPost, path: at("operators", id, "invite")})
	return w.noun(), secret(w.SetupCode), err
}

// Sessions implements postern.Operators.
func (m *Remote) Sessions(ctx context.Context, operator string) ([]postern.Session, error) {
	return all(ctx, m, ask{path: at("operators", operator, "sessions")}, func(s Session) postern.Session { return s.noun(operator) })
}

// EndSession implements postern.Operators.
func (m *Remote) EndSession(ctx context.Context, operator, session string) error {
	return m.do(ctx, ask{method: http.MethodDelete, path: at("operators", operator, "sessions", session)}, nil)
}
