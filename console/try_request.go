package console

import (
	"strconv"

	"postern.dev/postern"
)

// What stands in an example where a person has to put something in.
const (
	putEmail    = "EMAIL"
	putPassword = "PASSWORD"
)

// example is the request of a client for a token, in no dialect's terms.
func (c *call) example(d Dialect, tenant postern.Tenant, client postern.Client, secret postern.Secret) postern.Request {
	req := postern.Request{Dialect: d.Name, ClientID: client.ID, Secret: secret}
	if d.Person {
		req.Email, req.Password = putEmail, postern.NewSecret(putPassword)
		req.PartnerID = strconv.FormatInt(tenant.PartnerID, 10)
	}
	return req
}
