package admin

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"postern.dev/postern"
)

// Client is a client on the wire. ClientSecret is there once: in the answer to the call
// that made it.
type Client struct {
	ID           string         `json:"client_id"`
	ClientSecret string         `json:"client_secret,omitempty"`
	Tenant       string         `json:"tenant"`
	Name         string         `json:"name"`
	Public       bool           `json:"public"`
	Grants       []string       `json:"grants"`
	Scopes       []string       `json:"scopes"`
	Dialects     []string       `json:"dialects"`
	CallInto     []string       `json:"call_into,omitempty"`
	TokenLife    int64          `json:"token_life_seconds,omitempty"`
	Alg          postern.Alg    `json:"alg,omitempty"`
	Ranges       []netip.Prefix `json:"ip_ranges,omitempty"`
	Attributes   []string       `json:"attributes,omitempty"`
	Secrets      []StoredSecret `json:"secrets"`
	Disabled     bool           `json:"disabled"`
	NotBefore    string         `json:"tokens_revoked_until,omitempty"`
	CreatedAt    string         `json:"created_at"`
	UpdatedAt    string         `json:"updated_at"`
}

// StoredSecret is a secret of a client on the wire, without what it is.
type StoredSecret struct {
	ID        string `json:"id"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at,omitempty"`
	Live      bool   `json:"live"`
}

// ClientOf writes a client as it is at now, with its secret where that was just made.
func ClientOf(c postern.Client, made postern.Secret, now time.Time) Client {
	w := Client{ID: c.ID, ClientSecret: made.Reveal(), Tenant: c.Tenant, Name: c.Name, Public: c.Public, Grants: list(c.Grants),
		Scopes: list(c.Scopes), Dialects: list(c.Dialects), CallInto: c.Tenants, TokenLife: seconds(c.TokenLife), Alg: c.Alg,
		Ranges: c.Ranges, Attributes: c.Attributes, Secrets: []StoredSecret{}, Disabled: c.Disabled, NotBefore: stamp(c.NotBefore),
		CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.UpdatedAt)}
	for _, s := range c.Secrets {
		w.Secrets = append(w.Secrets, StoredSecret{s.ID, stamp(s.CreatedAt), stamp(s.ExpiresAt), s.Live(now)})
	}
	return w
}

func (c Client) noun() postern.Client {
	out := postern.Client{ID: c.ID, Tenant: c.Tenant, Name: c.Name, Public: c.Public, Grants: c.Grants, Scopes: scopes(c.Scopes),
		Dialects: c.Dialects, Tenants: c.CallInto, TokenLife: time.Duration(c.TokenLife) * time.Second, Alg: c.Alg, Ranges: c.Ranges,
		Attributes: c.Attributes, Disabled: c.Disabled, NotBefore: moment(c.NotBefore), CreatedAt: moment(c.CreatedAt), UpdatedAt: moment(c.UpdatedAt)}
	for _, s := range c.Secrets {
		out.Secrets = append(out.Secrets, postern.StoredSecret{ID: s.ID, CreatedAt: moment(s.CreatedAt), ExpiresAt: moment(s.ExpiresAt)})
	}
	return out
}

// newClient is what a client is made of. The id, the subject, the grants and the secret
// are made.
type newClient struct {
	Tenant     string      `json:"tenant"`
	Name       string      `json:"name"`
	Public     bool        `json:"public,omitempty"`
	Scopes     []string    `json:"scopes,omitempty"`
	Dialects   []string    `json:"dialects,omitempty"`
	CallInto   []string    `json:"call_into,omitempty"`
	TokenLife  int64       `json:"token_life_seconds,omitempty"`
	Alg        postern.Alg `json:"alg,omitempty"`
	Ranges     []string    `json:"ip_ranges,omitempty"`
	Attributes []string    `json:"attributes,omitempty"`
	SecretLife int64       `json:"secret_life_seconds,omitempty"`
}

// clientChange is what can be changed of one; what is absent stays, and an empty list
// takes everything away.
type clientChange struct {
	Name       *string   `json:"name,omitempty"`
	Scopes     *[]string `json:"scopes,omitempty"`
	Dialects   *[]string `json:"dialects,omitempty"`
	CallInto   *[]string `json:"call_into,omitempty"`
	TokenLife  *int64    `json:"token_life_seconds,omitempty"`
	Ranges     *[]string `json:"ip_ranges,omitempty"`
	Attributes *[]string `json:"attributes,omitempty"`
	Disabled   *bool     `json:"disabled,omitempty"`
}

// Refusal is why a client was refused, on the wire.
type Refusal struct {
	At      string `json:"at"`
	Dialect string `json:"dialect,omitempty"`
	Cause   string `json:"cause"`
	Source  string `json:"source,omitempty"`
	Count   int64  `json:"count"`
}

// RefusalOf writes a refusal.
func RefusalOf(r postern.Refusal) Refusal {
	return Refusal{stamp(r.At), r.Dialect, r.Cause, r.Source, r.Count}
}

func (r Refusal) noun() postern.Refusal {
	return postern.Refusal{At: moment(r.At), Dialect: r.Dialect, Cause: r.Cause, Source: r.Source, Count: r.Count}
}

func clientRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/clients", query: append([]string{"tenant", "text"}, paged...), do: (*call).listClients},
		{method: http.MethodPost, path: base + "/clients", key: true, do: (*call).createClient},
		{method: http.MethodGet, path: base + "/clients/{client}", do: (*call).getClient},
		{method: http.MethodPatch, path: base + "/clients/{client}", match: true, do: (*call).changeClient},
		{method: http.MethodDelete, path: base + "/clients/{client}", match: true, do: (*call).deleteClient},
		{method: http.MethodGet, path: base + "/clients/{client}/refusals", do: (*call).listRefusals},
	}
}

// client answers with a client, without a secret.
func (c *call) client(cl postern.Client) error {
	return c.noun(http.StatusOK, ClientOf(cl, postern.Secret{}, c.Now()), cl.UpdatedAt)
}

// clientNow gives when a client was last changed.
func (c *call) clientNow() (time.Time, error) {
	cl, err := c.office.Client(c.ctx, c.id("client"))
	return cl.UpdatedAt, err
}

func (c *call) listClients() error {
	p, err := c.paging()
	if err != nil {
		return err
	}
	tenant, err := c.whose("%s/tenants lists them", base)
	if err != nil {
		return err
	}
	all, err := c.office.Clients(c.ctx, postern.ClientQuery{Tenant: tenant, Text: c.query.Get("text"), Paging: p})
	if err != nil {
		return err
	}
	now := c.Now()
	return page(c, all, func(cl postern.Client) Client { return ClientOf(cl, postern.Secret{}, now) })
}

func (c *call) createClient() error {
	var w newClient
	if err := c.read(&w); err != nil {
		return err
	}
	cl := postern.Client{Tenant: w.Tenant, Name: w.Name, Public: w.Public, Dialects: w.Dialects, Tenants: w.CallInto, Alg: w.Alg, Attributes: w.Attributes}
	var err error
	if cl.Scopes, err = scopesIn(w.Scopes); err != nil {
		return err
	}
	if cl.Ranges, err = prefixesIn(w.Ranges); err != nil {
		return err
	}
	if cl.TokenLife, err = duration("token_life_seconds", w.TokenLife); err != nil {
		return err
	}
	life, err := duration("secret_life_seconds", w.SecretLife)
	if err != nil {
		return err
	}
	cl, made, err := c.office.CreateClient(c.ctx, cl, life, c.edit)
	if err != nil {
		return err
	}
	return c.made("/clients/"+cl.ID, ClientOf(cl, made, c.Now()), cl.UpdatedAt)
}

func (c *call) getClient() error {
	cl, err := c.office.Client(c.ctx, c.id("client"))
	if err != nil {
		return err
	}
	return c.client(cl)
}

func (c *call) changeClient() error {
	var w clientChange
	if err := c.read(&w); err != nil {
		return err
	}
	change := postern.ClientChange{Name: w.Name, Dialects: w.Dialects, Tenants: w.CallInto, Attributes: w.Attributes, Disabled: w.Disabled}
	if w.Scopes != nil {
		s, err := scopesIn(*w.Scopes)
		if err != nil {
			return err
		}
		change.Scopes = &s
	}
	if w.Ranges != nil {
		r, err := prefixesIn(*w.Ranges)
		if err != nil {
			return err
		}
		change.Ranges = &r
	}
	if w.TokenLife != nil {
		d, err := duration("token_life_seconds", *w.TokenLife)
		if err != nil {
			return err
		}
		change.TokenLife = &d
	}
	cl, err := c.office.ChangeClient(c.ctx, c.id("client"), change, c.edit)
	if err != nil {
		return c.changed(err, c.clientNow)
	}
	return c.client(cl)
}

func (c *call) deleteClient() error {
	if err := c.office.DeleteClient(c.ctx, c.id("client"), c.edit); err != nil {
		return c.changed(err, c.clientNow)
	}
	return c.empty()
}

func (c *call) listRefusals() error {
	all, err := c.office.Refusals(c.ctx, c.id("client"))
	if err != nil {
		return err
	}
	return whole(c, all, RefusalOf)
}

// scopesIn reads a list of scopes, one in each text.
func scopesIn(all []string) (postern.Scopes, error) {
	if len(all) > postern.MaxScopes {
		return nil, badParam("scopes", "scopes has more than %d", postern.MaxScopes).Because(postern.BadScope)
	}
	for _, s := range all {
		if one, err := postern.ParseScopes(s); err != nil || len(one) != 1 || one[0] != s {
			return nil, badParam("scopes", "%q is not a scope", postern.Shorten(s, 60)).Because(postern.BadScope)
		}
	}
	return postern.NewScopes(all...), nil
}

// prefixesIn reads networks, and addresses as networks of one.
func prefixesIn(all []string) ([]netip.Prefix, error) {
	out := []netip.Prefix{}
	for _, s := range all {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			addr, aerr := netip.ParseAddr(s)
			if aerr != nil || addr.Zone() != "" {
				return nil, badParam("ip_ranges", "%q is neither an address nor a network", postern.Shorten(s, 60)).
					WithHint("write a network as 10.0.0.0/8")
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, p.Masked())
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// Clients implements postern.Clientele.
func (m *Remote) Clients(ctx context.Context, q postern.ClientQuery) (postern.Page[postern.Client], error) {
	a := ask{path: at("clients")}
	a.set("tenant", q.Tenant)
	a.set("text", q.Text)
	return many(ctx, m, a, q.Paging, Client.noun)
}

// Client implements postern.Clientele.
func (m *Remote) Client(ctx context.Context, id string) (postern.Client, error) {
	w, err := one[Client](ctx, m, ask{path: at("clients", id)})
	return w.noun(), err
}

// CreateClient implements postern.Clientele.
func (m *Remote) CreateClient(ctx context.Context, c postern.Client, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	w, err := one[Client](ctx, m, ask{method: http.MethodPost, path: at("clients"), edit: e,
		body: newClient{c.Tenant, c.Name, c.Public, c.Scopes, c.Dialects, c.Tenants, seconds(c.TokenLife), c.Alg, texts(c.Ranges), c.Attributes, seconds(life)}})
	return w.noun(), secret(w.ClientSecret), err
}

// ChangeClient implements postern.Clientele.
func (m *Remote) ChangeClient(ctx context.Context, id string, c postern.ClientChange, e postern.Edit) (postern.Client, error) {
	body := clientChange{Name: c.Name, Dialects: listed(c.Dialects), CallInto: listed(c.Tenants), Attributes: listed(c.Attributes), Disabled: c.Disabled}
	if c.Scopes != nil {
		s := list(*c.Scopes)
		body.Scopes = &s
	}
	if c.Ranges != nil {
		r := list(texts(*c.Ranges))
		body.Ranges = &r
	}
	if c.TokenLife != nil {
		n := seconds(*c.TokenLife)
		body.TokenLife = &n
	}
	w, err := one[Client](ctx, m, ask{method: http.MethodPatch, path: at("clients", id), edit: e, body: body})
	return w.noun(), err
}

// DeleteClient implements postern.Clientele.
func (m *Remote) DeleteClient(ctx context.Context, id string, e postern.Edit) error {
	return m.do(ctx, ask{method: http.MethodDelete, path: at("clients", id), edit: e}, nil)
}

// Refusals implements postern.Clientele.
func (m *Remote) Refusals(ctx context.Context, id string) ([]postern.Refusal, error) {
	return all(ctx, m, ask{path: at("clients", id, "refusals")}, Refusal.noun)
}

// listed keeps an empty list that takes everything away from being null.
func listed(s *[]string) *[]string {
	if s == nil {
		return nil
	}
	out := list(*s)
	return &out
}

func texts(ranges []netip.Prefix) (out []string) {
	for _, r := range ranges {
		out = append(out, r.String())
	}
	return out
}
