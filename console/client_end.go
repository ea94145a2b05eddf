package console

import (
	"net/url"

	"postern.dev/postern"
)

func clientEndPages() []page {
	return []page{
		{pattern: "GET /console/clients/{id}/revoke", to: managers, do: (*call).revokeClientPage},
		{pattern: "POST /console/clients/{id}/revoke", do: (*call).revokeClient},
		{pattern: "GET /console/clients/{id}/delete", to: managers, do: (*call).deleteClientPage},
		{pattern: "POST /console/clients/{id}/delete", do: (*call).deleteClient},
	}
}

func (c *call) revokeClientPage() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return c.show(SurePage{
		Section: inClients, Crumbs: crumbsOf(client.Tenant, client.ID, client.Name), Title: "Revoke all tokens of " + client.Name,
		Text:   "Every token that it holds opens nothing from now on. It may ask for new ones at once, with the secret that it has: to stop that too, disable it.",
		Action: c.r.URL.Path, Back: clientAt(client.ID), Button: "Revoke all tokens",
	})
}

func (c *call) revokeClient() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if _, err := c.office.RevokeClient(c.ctx, client.ID); err != nil {
		return err
	}
	return c.done(clientAt(client.ID), "Every token of "+client.Name+" is revoked.")
}

func sureOfDelete(client postern.Client) SurePage {
	at := clientAt(client.ID)
	return SurePage{
		Section: inClients, Crumbs: crumbsOf(client.Tenant, client.ID, client.Name), Title: "Delete " + client.Name,
		Text:   "The credentials are gone for good, and every token of theirs opens nothing. What the client did stays in the audit trail.",
		Action: at + "/delete", Back: at, Button: "Delete for good", Version: postern.Version(client.UpdatedAt), Type: client.Name,
	}
}

func (c *call) deleteClientPage() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return c.show(sureOfDelete(client))
}

func (c *call) deleteClient() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := c.typed(client.Name); err != nil {
		return c.again(sureOfDelete(client), err)
	}
	if err := c.office.DeleteClient(c.ctx, client.ID, postern.Edit{Match: c.form.text("version")}); err != nil {
		return err
	}
	return c.done("/console/clients?tenant="+url.QueryEscape(client.Tenant), client.Name+" is deleted.")
}
