package console

import (
	"net/url"
	"time"

	"postern.dev/postern"
)

// ClientsPage lists the API credentials of a tenant.
type ClientsPage struct {
	Tenant string
	Text   string // that was searched for
	Rows   []ClientRow
	First  bool   // nothing was left out in front
	Next   string // address of the next page
}

// ClientRow is a client in the list.
type ClientRow struct {
	ID, Name string
	Public   bool
	Scopes   []string // in words
	Dialects []string // their titles
	Live     int      // secrets
	Ends     time.Time
	Soon     bool // ends within 30 days
	Disabled bool
}

func (ClientsPage) page() head {
	return head{Sheet: "clients", Title: "API credentials", Section: inClients, Chooses: true,
		Crumbs: []Crumb{{Title: "Settings"}, {Title: "Integrations"}}}
}

func clientsPages() []page {
	return []page{{pattern: "GET /console/clients", do: (*call).clientsPage}}
}

// perPage is how long lists are.
const perPage = 50

func (c *call) clientsPage() error {
	if err := c.pickTenant(); err != nil {
		return err
	}
	q := postern.ClientQuery{Tenant: c.tenant, Text: postern.Shorten(c.query("q"), 100), Paging: postern.Paging{Limit: perPage, After: c.query("after")}}
	list, err := c.office.Clients(c.ctx, q)
	if err != nil {
		return err
	}
	p := ClientsPage{Tenant: c.tenant, Text: q.Text, First: q.After == ""}
	for i := range list.Items {
		p.Rows = append(p.Rows, c.clientRow(&list.Items[i]))
	}
	if list.Next != "" {
		p.Next = "/console/clients?" + url.Values{"tenant": {c.tenant}, "q": {q.Text}, "after": {list.Next}}.Encode()
	}
	return c.show(p)
}

func (c *call) clientRow(client *postern.Client) ClientRow {
	live := client.LiveSecrets(c.now())
	row := ClientRow{ID: client.ID, Name: client.Name, Public: client.Public, Scopes: readable(client.Scopes), Live: len(live), Disabled: client.Disabled}
	for _, d := range c.Dialects {
		if client.MayUse(d.Name) {
			row.Dialects = append(row.Dialects, d.Title)
		}
	}
	if len(live) > 0 {
		row.Ends = live[0].ExpiresAt // the newest is what replaces the others
		row.Soon = !row.Ends.IsZero() && row.Ends.Before(c.now().Add(30*24*time.Hour))
	}
	return row
}
