package console_test

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
)

// town is an installation that lives in memory: an Office, a Door and a Wardrobe with
// just as much behind them as the pages need.
type town struct {
	mu        sync.Mutex
	clock     func() time.Time
	tenants   []postern.Tenant
	clients   []postern.Client
	users     []postern.User
	keys      []postern.KeyStanding
	events    []postern.Event // oldest first
	operators []postern.Operator
	passwords map[string]string // by operator
	sessions  map[string]*session
	invites   map[string]string // operators by code; "" is the first of all
	sandboxes map[string]postern.Sandbox
	visits    []postern.Visit
	resources []postern.Resource
	polled    bool // the last call that showed a cookie was no use of it
	usage     postern.Usage
	refusals  []postern.Refusal
	health    postern.Health
	asked     []string             // every call of an office, in words
	answers   map[string][2]string // what was made with a key: id and secret
	fail      error                // what every call of an office fails with
	refuse    error                // what every change fails with
	wrong     int                  // wrong passwords in a row
}

type session struct {
	postern.Session
	cookie string
}

const (
	goodPassword = "four unrelated words here"
	goodCode     = "123456"
	proofLife    = 10 * time.Minute
)

// office is the town as somebody may see it.
type office struct {
	*town
	actor postern.Actor
}

func (t *town) office(a postern.Actor) postern.Office { return &office{t, a} }

// ask notes a call, and decides as the real one would.
func (o *office) ask(what, tenant string, change, proof bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, what+" "+tenant)
	switch {
	case o.fail != nil:
		return o.fail
	case o.actor.Tenant != "" && tenant != "" && tenant != o.actor.Tenant:
		return postern.Errorf(postern.NotFound, "there is no %s", what)
	case change && o.actor.Role == postern.Auditor:
		return postern.Errorf(postern.Forbidden, "an auditor may not do that: %s", what)
	case proof && o.clock().Sub(o.actor.ProvenAt) > proofLife:
		return postern.Errorf(postern.Unauthenticated, "prove it again").Because(postern.StaleProof)
	case change && o.refuse != nil:
		return o.refuse
	}
	return nil
}

func find[T any](list []T, is func(T) bool) (*T, error) {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return &list[i], nil
	}
	return nil, postern.Errorf(postern.NotFound, "there is no such thing")
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func matches(e postern.Edit, changed time.Time) error {
	if e.Match != "" && e.Match != postern.Version(changed) {
		return postern.Errorf(postern.Conflict, "somebody else changed it meanwhile").WithHint("load the page again")
	}
	return nil
}

func (o *office) Tenants(_ context.Context, p postern.Paging) (postern.Page[postern.Tenant], error) {
	if err := o.ask("tenants", "", false, false); err != nil {
		return postern.Page[postern.Tenant]{}, err
	}
	out := postern.Page[postern.Tenant]{}
	for _, t := range o.tenants {
		if t.ID > p.After && (o.actor.Tenant == "" || o.actor.Tenant == t.ID) && len(out.Items) < p.Limit {
			out.Items = append(out.Items, t)
		}
	}
	return out, nil
}

func (o *office) Tenant(_ context.Context, id string) (postern.Tenant, error) {
	if err := o.ask("tenant", id, false, false); err != nil {
		return postern.Tenant{}, err
	}
	t, err := find(o.tenants, func(t postern.Tenant) bool { return t.ID == id })
	if err != nil {
		return postern.Tenant{}, err
	}
	return *t, nil
}

func (o *office) CreateTenant(_ context.Context, t postern.Tenant, _ postern.Edit) (postern.Tenant, error) {
	if err := o.ask("create tenant", t.ID, true, false); err != nil {
		return t, err
	}
	if err := postern.CheckTenantID(t.ID); err != nil {
		return t, err
	}
	t.UpdatedAt = o.clock()
	o.tenants = append(o.tenants, t)
	return t, nil
}

func (o *office) ChangeTenant(_ context.Context, id string, c postern.TenantChange, e postern.Edit) (postern.Tenant, error) {
	if err := o.ask("change tenant", id, true, false); err != nil {
		return postern.Tenant{}, err
	}
	t, err := find(o.tenants, func(t postern.Tenant) bool { return t.ID == id })
	if err == nil {
		err = matches(e, t.UpdatedAt)
	}
	if err != nil {
		return postern.Tenant{}, err
	}
	set(&t.Name, c.Name)
	set(&t.Zone, c.Zone)
	set(&t.PartnerID, c.PartnerID)
	set(&t.RefuseQuery, c.RefuseQuery)
	set(&t.Disabled, c.Disabled)
	t.UpdatedAt = t.UpdatedAt.Add(time.Millisecond)
	return *t, nil
}

func (o *office) RevokeTenant(ctx context.Context, id string) (postern.Tenant, error) {
	if err := o.ask("revoke tenant", id, true, false); err != nil {
		return postern.Tenant{}, err
	}
	return o.Tenant(ctx, id)
}

func (o *office) Clients(_ context.Context, q postern.ClientQuery) (postern.Page[postern.Client], error) {
	out := postern.Page[postern.Client]{}
	if err := o.ask("clients", q.Tenant, false, false); err != nil {
		return out, err
	}
	for _, c := range o.clients {
		if c.Tenant != q.Tenant || c.ID <= q.After || !strings.Contains(strings.ToLower(c.Name+" "+c.ID), strings.ToLower(q.Text)) {
			continue
		}
		if len(out.Items) == q.Limit {
			out.Next = out.Items[len(out.Items)-1].ID
			break
		}
		out.Items = append(out.Items, c)
	}
	return out, nil
}

// client gives one that the actor may see, to be changed.
func (o *office) client(what, id string, change, proof bool) (*postern.Client, error) {
	c, err := find(o.clients, func(c postern.Client) bool { return c.ID == id })
	if err != nil {
		return nil, err
	}
	return c, o.ask(what, c.Tenant, change, proof)
}

func (o *office) Client(_ context.Context, id string) (postern.Client, error) {
	c, err := o.client("client", id, false, false)
	if err != nil {
		return postern.Client{}, err
	}
	return *c, nil
}

func (o *office) CreateClient(_ context.Context, c postern.Client, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	if err := o.ask("create client", c.Tenant, true, true); err != nil {
		return c, postern.Secret{}, err
	}
	if made, ok := o.answers[e.Key]; ok && e.Key != "" {
		old, err := find(o.clients, func(c postern.Client) bool { return c.ID == made[0] })
		if err != nil {
			return c, postern.Secret{}, err
		}
		return *old, postern.NewSecret(made[1]), nil
	}
	if err := o.into(c.Tenants); err != nil {
		return c, postern.Secret{}, err
	}
	if c.Name == "" {
		e := postern.Errorf(postern.Invalid, "a name has 1 to 200 bytes")
		e.Param = "name"
		return c, postern.Secret{}, e
	}
	if len(c.Dialects) == 0 {
		c.Dialects = []string{"first", "second"}
	}
	c.ID, c.CreatedAt, c.UpdatedAt = "c"+strings.ToLower(rand.Text()[:10]), o.clock(), o.clock()
	secret := postern.GenerateSecret()
	stored := postern.StoredSecret{ID: strings.ToLower(rand.Text()[:8]), CreatedAt: o.clock()}
	if life > 0 {
		stored.ExpiresAt = o.clock().Add(life)
	}
	if c.Public {
		secret = postern.Secret{}
	} else {
		c.Secrets = []postern.StoredSecret{stored}
	}
	o.clients = append(o.clients, c)
	o.answers[e.Key] = [2]string{c.ID, secret.Reveal()}
	return c, secret, nil
}

func (o *office) ChangeClient(_ context.Context, id string, ch postern.ClientChange, e postern.Edit) (postern.Client, error) {
	c, err := o.client("change client", id, true, false)
	if err == nil {
		err = matches(e, c.UpdatedAt)
	}
	if err == nil && ch.Tenants != nil {
		err = o.into(*ch.Tenants)
	}
	if err != nil {
		return postern.Client{}, err
	}
	set(&c.Name, ch.Name)
	set(&c.Scopes, ch.Scopes)
	set(&c.Dialects, ch.Dialects)
	set(&c.Tenants, ch.Tenants)
	set(&c.Attributes, ch.Attributes)
	set(&c.TokenLife, ch.TokenLife)
	set(&c.Ranges, ch.Ranges)
	set(&c.Disabled, ch.Disabled)
	c.UpdatedAt = c.UpdatedAt.Add(time.Millisecond)
	return *c, nil
}

// into fails with NotFound for a tenant that is not there.
func (o *office) into(tenants []string) error {
	for _, id := range tenants {
		if !slices.ContainsFunc(o.tenants, func(t postern.Tenant) bool { return t.ID == id }) {
			return postern.Errorf(postern.NotFound, "there is no tenant %q", id)
		}
	}
	return nil
}

func (o *office) DeleteClient(_ context.Context, id string, e postern.Edit) error {
	c, err := o.client("delete client", id, true, true)
	if err == nil {
		err = matches(e, c.UpdatedAt)
	}
	if err == nil {
		o.clients = slices.DeleteFunc(o.clients, func(c postern.Client) bool { return c.ID == id })
	}
	return err
}

func (o *office) Refusals(_ context.Context, id string) ([]postern.Refusal, error) {
	_, err := o.client("refusals", id, false, false)
	return o.refusals, err
}

func (o *office) RotateSecret(_ context.Context, id string, overlap, life time.Duration, _ postern.Edit) (postern.Client, postern.Secret, error) {
	c, err := o.client("rotate secret", id, true, true)
	if err != nil {
		return postern.Client{}, postern.Secret{}, err
	}
	for i := range c.Secrets {
		c.Secrets[i].ExpiresAt = o.clock().Add(overlap)
	}
	fresh := postern.StoredSecret{ID: strings.ToLower(rand.Text()[:8]), CreatedAt: o.clock()}
	if life > 0 {
		fresh.ExpiresAt = o.clock().Add(life)
	}
	c.Secrets = append([]postern.StoredSecret{fresh}, c.Secrets...)
	return *c, postern.GenerateSecret(), nil
}

func (o *office) EndSecret(_ context.Context, id, secret string, _ postern.Edit) (postern.Client, error) {
	c, err := o.client("end secret", id, true, true)
	if err != nil {
		return postern.Client{}, err
	}
	c.Secrets = slices.DeleteFunc(slices.Clone(c.Secrets), func(s postern.StoredSecret) bool { return s.ID == secret })
	return *c, nil
}

func (o *office) RevokeClient(_ context.Context, id string) (postern.Client, error) {
	c, err := o.client("revoke client", id, true, false)
	if err != nil {
		return postern.Client{}, err
	}
	c.NotBefore = o.clock()
	return *c, nil
}

func (o *office) Resources(_ context.Context, tenant string) ([]postern.Resource, error) {
	return o.resources, o.ask("resources", tenant, false, false)
}

func (o *office) CreateResource(_ context.Context, r postern.Resource, _ postern.Edit) (postern.Resource, error) {
	if err := o.ask("create resource", r.Tenant, true, false); err != nil {
		return r, err
	}
	if !strings.Contains(r.URL, "://") {
		e := postern.Errorf(postern.Invalid, "that is no address")
		e.Param = "url"
		return r, e
	}
	o.resources = append(o.resources, r)
	return r, nil
}

func (o *office) DeleteResource(_ context.Context, tenant, at string) error {
	if err := o.ask("delete resource", tenant, true, true); err != nil {
		return err
	}
	o.resources = slices.DeleteFunc(o.resources, func(r postern.Resource) bool { return r.Tenant == tenant && r.URL == at })
	return nil
}

func (o *office) Scopes(_ context.Context, tenant string) (postern.Scopes, error) {
	return postern.NewScopes("api:persons:read", "api:persons:write", "api:absences:read", "api:absences:write", "api:attendances:read",
		"api:attendances:write", "orders:read", "orders:write", "events", "postern:admin", "postern:admin:read", "postern:admin:tenant",
		"postern:admin:tenant:read"), o.ask("scopes", tenant, false, false)
}
