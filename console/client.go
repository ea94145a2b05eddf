package console

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"postern.dev/postern"
)

// ClientPage is one client: how it is used, why it was refused, and what can be done.
type ClientPage struct {
	ID, Name, Tenant string
	Public, Disabled bool
	Version          string
	Permissions      []string
	Scopes           []string
	Dialects         []string
	Attributes       []string
	Ranges           []string
	Tenants          []string
	TokenLife        string
	NotBefore        time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Secrets          []SecretRow
	Chart            Chart
	Refusals         []postern.Refusal
}

// SecretRow is a secret of a client, of which only its times are known.
type SecretRow struct {
	ID                   string
	CreatedAt, ExpiresAt time.Time
	Live, Soon           bool
}

// crumbsOf lead back to the credentials of a tenant, and to one of them.
func crumbsOf(tenant, id, name string) []Crumb {
	c := []Crumb{{Title: "Settings"}, {Title: "Integrations"}, {"API credentials", "/console/clients?tenant=" + url.QueryEscape(tenant)}}
	if id != "" {
		c = append(c, Crumb{name, clientAt(id)})
	}
	return c
}

func clientAt(id string) string { return "/console/clients/" + url.PathEscape(id) }

func (p ClientPage) page() head {
	return head{Sheet: "client", Title: p.Name, Section: inClients, Crumbs: crumbsOf(p.Tenant, "", "")}
}

func clientPages() []page {
	return []page{
		{pattern: "GET /console/clients/{id}", do: (*call).clientPage},
		{pattern: "POST /console/clients/{id}/disable", do: func(c *call) error { return c.disableClient(true) }},
		{pattern: "POST /console/clients/{id}/enable", do: func(c *call) error { return c.disableClient(false) }},
	}
}

// client finds the client that an address names, and makes its tenant the one that is
// looked at.
func (c *call) client() (postern.Client, error) {
	client, err := c.office.Client(c.ctx, c.r.PathValue("id"))
	if err == nil {
		c.tenant = client.Tenant
	}
	return client, err
}

func (c *call) clientPage() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	when := lately(c.now(), 30)
	usage, err := c.office.Usage(c.ctx, postern.UsageQuery{Tenant: client.Tenant, ClientID: client.ID, Since: when.Since, Step: when.Step})
	if err != nil {
		return err
	}
	refusals, err := c.office.Refusals(c.ctx, client.ID)
	if err != nil {
		return err
	}
	p := ClientPage{
		ID: client.ID, Name: client.Name, Tenant: client.Tenant, Public: client.Public, Disabled: client.Disabled, Version: postern.Version(client.UpdatedAt),
		Permissions: readable(client.Scopes), Scopes: client.Scopes, Attributes: client.Attributes, Tenants: client.Tenants,
		NotBefore: client.NotBefore, CreatedAt: client.CreatedAt, UpdatedAt: client.UpdatedAt,
		Chart: draw("Tokens given and refused", usage, when, c.Dialects), Refusals: refusals,
	}
	for _, d := range c.Dialects {
		if client.MayUse(d.Name) {
			p.Dialects = append(p.Dialects, d.Title)
		}
	}
	for _, r := range client.Ranges {
		p.Ranges = append(p.Ranges, r.String())
	}
	if client.TokenLife > 0 {
		p.TokenLife = span(client.TokenLife)
	}
	for _, s := range client.Secrets {
		p.Secrets = append(p.Secrets, SecretRow{s.ID, s.CreatedAt, s.ExpiresAt, s.Live(c.now()),
			!s.ExpiresAt.IsZero() && s.ExpiresAt.Before(c.now().Add(30*24*time.Hour))})
	}
	return c.show(p)
}

func (c *call) disableClient(off bool) error {
	client, err := c.office.ChangeClient(c.ctx, c.r.PathValue("id"), postern.ClientChange{Disabled: &off}, postern.Edit{Match: c.form.text("version")})
	if err != nil {
		return err
	}
	if off {
		return c.done(clientAt(client.ID), client.Name+" is disabled: it gets no token, and its tokens open nothing.")
	}
	return c.done(clientAt(client.ID), client.Name+" may work again.")
}

// ClientEditPage changes what a client may do.
type ClientEditPage struct {
	ID, Name, Tenant, Version string
	Form                      ClientForm
}

func (p ClientEditPage) page() head {
	return head{Sheet: "client_edit", Title: "Change " + p.Name, Section: inClients, Crumbs: crumbsOf(p.Tenant, p.ID, p.Name)}
}

func clientEditPages() []page {
	return []page{
		{pattern: "GET /console/clients/{id}/edit", to: managers, do: (*call).clientEditPage},
		{pattern: "POST /console/clients/{id}/edit", do: (*call).clientEdit},
	}
}

func (c *call) clientEditPage() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	f, err := c.formOf(client)
	if err != nil {
		return err
	}
	return c.show(ClientEditPage{client.ID, client.Name, client.Tenant, postern.Version(client.UpdatedAt), f})
}

func (c *call) clientEdit() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	was := client.Name
	err = c.readClient(&client)
	if err == nil {
		change := postern.ClientChange{Name: &client.Name, Scopes: &client.Scopes, Dialects: &client.Dialects, Attributes: &client.Attributes,
			TokenLife: &client.TokenLife, Ranges: &client.Ranges}
		if c.operator.Tenant == "" {
			change.Tenants = &client.Tenants
		}
		_, err = c.office.ChangeClient(c.ctx, client.ID, change, postern.Edit{Match: cmp.Or(c.form.text("version"), "none")})
	}
	if err == nil {
		return c.done(clientAt(client.ID), client.Name+" was changed. Tokens that it holds keep what they were given until they end.")
	}
	faults, err := clientFaults(client, err)
	if err != nil {
		return err
	}
	f, err := c.formOf(client)
	if err != nil {
		return err
	}
	f.Faults, f.Ranges, f.TokenLife, f.Some = faults, c.form.text("ranges"), c.form.text("token_life"), c.form.text("shown") == "some"
	return c.showAs(http.StatusUnprocessableEntity, ClientEditPage{client.ID, was, client.Tenant, c.form.text("version"), f})
}
