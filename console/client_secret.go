package console

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"postern.dev/postern"
)

// RotatePage gives a client another secret.
type RotatePage struct {
	ID, Name, Tenant, Version, Key string
	Ends                           string // the day on which the new one ends, "" for never
	Live                           int    // secrets that work now
	Faults                         []Fault
}

func (p RotatePage) page() head {
	return head{Sheet: "rotate", Title: "Rotate the secret of " + p.Name, Section: inClients, Crumbs: crumbsOf(p.Tenant, p.ID, p.Name)}
}

func clientSecretPages() []page {
	return []page{
		{pattern: "GET /console/clients/{id}/rotate", to: managers, do: (*call).rotatePage},
		{pattern: "POST /console/clients/{id}/rotate", do: (*call).rotate},
		{pattern: "GET /console/clients/{id}/secrets/{secret}/end", to: managers, do: (*call).endSecretPage},
		{pattern: "POST /console/clients/{id}/secrets/{secret}/end", do: (*call).endSecret},
	}
}

func (c *call) rotatePage() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if client.Public {
		return postern.Errorf(postern.Invalid, "client %s is public and holds no secret", client.Name)
	}
	return c.show(c.rotateOf(client))
}

func (c *call) rotateOf(client postern.Client) RotatePage {
	return RotatePage{ID: client.ID, Name: client.Name, Tenant: client.Tenant, Version: postern.Version(client.UpdatedAt), Key: rand.Text(), Ends: inAYear(c.now()),
		Live: len(client.LiveSecrets(c.now()))}
}

// maxOverlap is how long two secrets may work side by side.
const maxOverlap = 90 * 24

func (c *call) rotate() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	hours, err := c.form.number("overlap")
	if err == nil && (hours < 0 || hours > maxOverlap) {
		err = wrong("overlap", "it is at most %d hours", maxOverlap)
	}
	var life time.Duration
	if err == nil {
		life, err = c.form.until("ends", c.now())
	}
	overlap := time.Duration(hours) * time.Hour
	var changed postern.Client
	var secret postern.Secret
	if err == nil {
		changed, secret, err = c.office.RotateSecret(c.ctx, client.ID, overlap, life, postern.Edit{Key: c.formKey(), Match: c.form.text("version")})
	}
	if err != nil {
		faults, err := faultsOf(err)
		if err != nil {
			return err
		}
		p := c.rotateOf(client)
		p.Faults, p.Ends = faults, c.form.text("ends")
		return c.showAs(http.StatusUnprocessableEntity, p)
	}
	if len(changed.Secrets) > 0 && c.already(changed.Secrets[0].CreatedAt) {
		return c.done(clientAt(client.ID), "The new secret of "+client.Name+" is there already, and was shown. Whoever did not keep it makes another.")
	}
	until := c.now().Add(overlap)
	if len(client.LiveSecrets(c.now())) == 0 {
		until = time.Time{}
	}
	return c.showSecret(changed, secret, until, false)
}

// SurePage asks once more before something that cannot be undone. Where Type is set, it
// has to be typed out.
type SurePage struct {
	Section      string
	Crumbs       []Crumb
	Title, Text  string
	Action, Back string
	Button       string
	Version      string
	Type         string
	Faults       []Fault
}

func (p SurePage) page() head {
	return head{Sheet: "sure", Title: p.Title, Section: p.Section, Crumbs: p.Crumbs}
}

// typed fails with Invalid unless what had to be typed out was.
func (c *call) typed(what string) error {
	if c.form.text("typed") != what {
		return wrong("typed", "type “%s” to go on", what)
	}
	return nil
}

// again shows a SurePage once more with what is wrong.
func (c *call) again(p SurePage, err error) error {
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p.Faults = faults
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) endSecretPage() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	id := c.r.PathValue("secret")
	if !slices.ContainsFunc(client.Secrets, func(s postern.StoredSecret) bool { return s.ID == id }) {
		return postern.Errorf(postern.NotFound, "client %s has no such secret", client.Name)
	}
	return c.show(c.sureOfSecret(client))
}

func (c *call) sureOfSecret(client postern.Client) SurePage {
	return SurePage{
		Section: inClients, Crumbs: crumbsOf(client.Tenant, client.ID, client.Name), Title: "End a secret",
		Text:   "A program of " + client.Name + " that still uses it gets no token from now on. Tokens that it has live on until they end.",
		Action: c.r.URL.Path, Back: clientAt(client.ID), Button: "End this secret", Version: postern.Version(client.UpdatedAt),
	}
}

func (c *call) endSecret() error {
	client, err := c.client()
	if err != nil {
		return err
	}
	_, err = c.office.EndSecret(c.ctx, client.ID, c.r.PathValue("secret"), postern.Edit{Match: c.form.text("version")})
	if err != nil {
		return err
	}
	return c.done(clientAt(client.ID), "The secret has ended.")
}
