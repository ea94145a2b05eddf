package console

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"postern.dev/postern"
)

// ClientNewPage makes API credentials.
type ClientNewPage struct {
	Tenant string
	Key    string // makes sending it twice make one
	Public bool
	Ends   string // the day on which the secret ends, "" for never
	Form   ClientForm
}

func (p ClientNewPage) page() head {
	return head{Sheet: "client_new", Title: "Generate new credentials", Section: inClients,
		Crumbs: []Crumb{{Title: "Settings"}, {Title: "Integrations"}, {"API credentials", "/console/clients?tenant=" + url.QueryEscape(p.Tenant)}}}
}

// ClientSecretPage shows a secret, once.
type ClientSecretPage struct {
	New    bool
	Name   string
	Tenant string
	ID     string
	Secret string // of a public client there is none
	Ends   time.Time
	Until  time.Time // the secret before works until then
	Lines  []CurlLine
}

func (p ClientSecretPage) page() head {
	title := "New secret"
	if p.New {
		title = "New credentials"
	}
	return head{Sheet: "client_secret", Title: title, Section: inClients,
		Crumbs: []Crumb{{Title: "Settings"}, {Title: "Integrations"}, {"API credentials", "/console/clients?tenant=" + url.QueryEscape(p.Tenant)}}}
}

func clientNewPages() []page {
	return []page{
		{pattern: "GET /console/clients/new", to: managers, do: (*call).clientNewPage},
		{pattern: "POST /console/clients/new", do: (*call).clientNew},
	}
}

func (c *call) clientNewPage() error {
	if err := c.pickTenant(); err != nil {
		return err
	}
	f, err := c.formOf(postern.Client{Tenant: c.tenant})
	if err != nil {
		return err
	}
	return c.show(ClientNewPage{Tenant: c.tenant, Key: rand.Text(), Ends: inAYear(c.now()), Form: f})
}

// clientNew makes a client out of the fields that it names. The answer shows the secret
// and is no redirect: there is no other page on which it could be.
func (c *call) clientNew() error {
	if err := c.pickTenant(); err != nil {
		return err
	}
	client := postern.Client{Tenant: c.tenant, Public: c.form.text("kind") == "public"}
	err := c.readClient(&client)
	var life time.Duration
	if err == nil {
		life, err = c.form.until("ends", c.now())
	}
	var made postern.Client
	var secret postern.Secret
	if err == nil {
		made, secret, err = c.office.CreateClient(c.ctx, client, life, postern.Edit{Key: c.formKey()})
	}
	if err != nil {
		return c.clientNewAgain(client, err)
	}
	if c.already(made.CreatedAt) {
		return c.done(clientAt(made.ID), made.Name+" is there already, and its secret was shown. Whoever did not keep it gives it a new one.")
	}
	return c.showSecret(made, secret, time.Time{}, true)
}

func (c *call) clientNewAgain(client postern.Client, err error) error {
	faults, err := clientFaults(client, err)
	if err != nil {
		return err
	}
	f, err := c.formOf(client)
	if err != nil {
		return err
	}
	f.Faults = faults
	f.Ranges, f.TokenLife = c.form.text("ranges"), c.form.text("token_life")
	f.Some = c.form.text("shown") == "some"
	return c.showAs(http.StatusUnprocessableEntity, ClientNewPage{Tenant: c.tenant, Key: rand.Text(), Public: client.Public,
		Ends: c.form.text("ends"), Form: f})
}

// already says whether something was made before this call: the form was sent twice. The
// Office answers as it did then, but what is shown once is not shown again.
func (c *call) already(made time.Time) bool { return made.Before(c.at) }

// formKey makes creating twice from one form create once.
func (c *call) formKey() string {
	key := c.form.text("key")
	if len(key) < 16 || len(key) > 64 {
		return ""
	}
	return "console:" + key
}

// showSecret shows a secret for the only time.
func (c *call) showSecret(client postern.Client, secret postern.Secret, until time.Time, first bool) error {
	lines, err := c.curlLines(client, secret)
	if err != nil {
		return err
	}
	p := ClientSecretPage{New: first, Name: client.Name, Tenant: client.Tenant, ID: client.ID, Secret: secret.Reveal(), Until: until, Lines: lines}
	if len(client.Secrets) > 0 {
		p.Ends = client.Secrets[0].ExpiresAt
	}
	c.tenant = client.Tenant
	return c.show(p)
}
