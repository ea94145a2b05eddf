package admin_test

import (
	"context"
	"fmt"
	"time"

	"postern.dev/postern"
)

// asked is one call of an Office.
type asked struct {
	Call string
	With []any
}

// desk is an Office that does what it is told and remembers what it was asked.
type desk struct {
	actor postern.Actor
	asked []asked
	gives func(call string, with []any) (any, error)
}

func (d *desk) do(call string, with ...any) (any, error) {
	d.asked = append(d.asked, asked{call, with})
	return d.gives(call, with)
}

// as gives what a desk gives as a T, its zero value with an error.
func as[T any](v any, err error) (T, error) {
	var zero T
	if err != nil {
		return zero, err
	}
	t, ok := v.(T)
	if !ok {
		return zero, fmt.Errorf("the test gives a %T in place of a %T", v, zero)
	}
	return t, nil
}

// pair is two values.
type pair[T any] struct {
	Noun   T
	Secret string
}

func two[T any](v any, err error) (T, postern.Secret, error) {
	p, err := as[pair[T]](v, err)
	return p.Noun, postern.NewSecret(p.Secret), err
}

func (d *desk) Tenants(_ context.Context, p postern.Paging) (postern.Page[postern.Tenant], error) {
	return as[postern.Page[postern.Tenant]](d.do("Tenants", p))
}
func (d *desk) Tenant(_ context.Context, id string) (postern.Tenant, error) {
	return as[postern.Tenant](d.do("Tenant", id))
}
func (d *desk) CreateTenant(_ context.Context, t postern.Tenant, e postern.Edit) (postern.Tenant, error) {
	return as[postern.Tenant](d.do("CreateTenant", t, e))
}
func (d *desk) ChangeTenant(_ context.Context, id string, c postern.TenantChange, e postern.Edit) (postern.Tenant, error) {
	return as[postern.Tenant](d.do("ChangeTenant", id, c, e))
}
func (d *desk) RevokeTenant(_ context.Context, id string) (postern.Tenant, error) {
	return as[postern.Tenant](d.do("RevokeTenant", id))
}
func (d *desk) Clients(_ context.Context, q postern.ClientQuery) (postern.Page[postern.Client], error) {
	return as[postern.Page[postern.Client]](d.do("Clients", q))
}
func (d *desk) Client(_ context.Context, id string) (postern.Client, error) {
	return as[postern.Client](d.do("Client", id))
}
func (d *desk) CreateClient(_ context.Context, c postern.Client, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	return two[postern.Client](d.do("CreateClient", c, life, e))
}
func (d *desk) ChangeClient(_ context.Context, id string, c postern.ClientChange, e postern.Edit) (postern.Client, error) {
	return as[postern.Client](d.do("ChangeClient", id, c, e))
}
func (d *desk) DeleteClient(_ context.Context, id string, e postern.Edit) error {
	_, err := d.do("DeleteClient", id, e)
	return err
}
func (d *desk) Refusals(_ context.Context, id string) ([]postern.Refusal, error) {
	return as[[]postern.Refusal](d.do("Refusals", id))
}
func (d *desk) RotateSecret(_ context.Context, id string, overlap, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	return two[postern.Client](d.do("RotateSecret", id, overlap, life, e))
}
func (d *desk) EndSecret(_ context.Context, id, secret string, e postern.Edit) (postern.Client, error) {
	return as[postern.Client](d.do("EndSecret", id, secret, e))
}
func (d *desk) RevokeClient(_ context.Context, id string) (postern.Client, error) {
	return as[postern.Client](d.do("RevokeClient", id))
}
func (d *desk) Users(_ context.Context, q postern.UserQuery) (postern.Page[postern.User], error) {
	return as[postern.Page[postern.User]](d.do("Users", q))
}
func (d *desk) User(_ context.Context, tenant, idOrEmail string) (postern.User, error) {
	return as[postern.User](d.do("User", tenant, idOrEmail))
}
func (d *desk) CreateUser(_ context.Context, u postern.User, password postern.Secret, e postern.Edit) (postern.User, postern.Secret, error) {
	return two[postern.User](d.do("CreateUser", u, password.Reveal(), e))
}
func (d *desk) ChangeUser(_ context.Context, tenant, id string, c postern.UserChange, e postern.Edit) (postern.User, error) {
	return as[postern.User](d.do("ChangeUser", tenant, id, c, e))
}
func (d *desk) SetPassword(_ context.Context, tenant, id string, password postern.Secret) (postern.User, postern.Secret, error) {
	return two[postern.User](d.do("SetPassword", tenant, id, password.Reveal()))
}
func (d *desk) Keys(context.Context) ([]postern.KeyStanding, error) {
	return as[[]postern.KeyStanding](d.do("Keys"))
}
func (d *desk) RotateKey(_ context.Context, alg postern.Alg, delay time.Duration) (postern.KeyStanding, error) {
	return as[postern.KeyStanding](d.do("RotateKey", alg, delay))
}
func (d *desk) RetireKey(_ context.Context, id string) error {
	_, err := d.do("RetireKey", id)
	return err
}
func (d *desk) Resources(_ context.Context, tenant string) ([]postern.Resource, error) {
	return as[[]postern.Resource](d.do("Resources", tenant))
}
func (d *desk) CreateResource(_ context.Context, r postern.Resource, e postern.Edit) (postern.Resource, error) {
	return as[postern.Resource](d.do("CreateResource", r, e))
}
func (d *desk) DeleteResource(_ context.Context, tenant, url string) error {
	_, err := d.do("DeleteResource", tenant, url)
	return err
}
func (d *desk) Scopes(_ context.Context, tenant string) (postern.Scopes, error) {
	return as[postern.Scopes](d.do("Scopes", tenant))
}
func (d *desk) Events(_ context.Context, f postern.EventFilter) (postern.EventPage, error) {
	return as[postern.EventPage](d.do("Events", f))
}
func (d *desk) Chains(context.Context) ([]string, error) { return as[[]string](d.do("Chains")) }
func (d *desk) VerifyChain(_ context.Context, tenant string, _ func(int64)) (postern.Chain, error) {
	return as[postern.Chain](d.do("VerifyChain", tenant))
}
func (d *desk) Usage(_ context.Context, q postern.UsageQuery) (postern.Usage, error) {
	return as[postern.Usage](d.do("Usage", q))
}
func (d *desk) Health(context.Context) (postern.Health, error) {
	return as[postern.Health](d.do("Health"))
}
func (d *desk) Sandbox(_ context.Context, tenant string) (postern.Sandbox, error) {
	return as[postern.Sandbox](d.do("Sandbox", tenant))
}
func (d *desk) SetSandbox(_ context.Context, s postern.Sandbox) error {
	_, err := d.do("SetSandbox", s)
	return err
}
func (d *desk) Visits(_ context.Context, q postern.VisitQuery) ([]postern.Visit, error) {
	return as[[]postern.Visit](d.do("Visits", q))
}
func (d *desk) ResetTenant(_ context.Context, tenant string) (int, error) {
	return as[int](d.do("ResetTenant", tenant))
}
func (d *desk) Operators(_ context.Context, p postern.Paging) (postern.Page[postern.Operator], error) {
	return as[postern.Page[postern.Operator]](d.do("Operators", p))
}
func (d *desk) CreateOperator(_ context.Context, o postern.Operator, e postern.Edit) (postern.Operator, postern.Secret, error) {
	return two[postern.Operator](d.do("CreateOperator", o, e))
}
func (d *desk) ChangeOperator(_ context.Context, id string, c postern.OperatorChange, e postern.Edit) (postern.Operator, error) {
	return as[postern.Operator](d.do("ChangeOperator", id, c, e))
}
func (d *desk) DeleteOperator(_ context.Context, id string, e postern.Edit) error {
	_, err := d.do("DeleteOperator", id, e)
	return err
}
func (d *desk) Sessions(_ context.Context, operator string) ([]postern.Session, error) {
	return as[[]postern.Session](d.do("Sessions", operator))
}
func (d *desk) EndSession(_ context.Context, operator, session string) error {
	_, err := d.do("EndSession", operator, session)
	return err
}

func (d *desk) InviteOperator(_ context.Context, id string) (postern.Operator, postern.Secret, error) {
	return two[postern.Operator](d.do("InviteOperator", id))
}

var _ postern.Office = (*desk)(nil)
