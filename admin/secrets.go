package admin

import (
	"context"
	"net/http"
	"time"

	"postern.dev/postern"
)

// newSecret is how a client gets another secret. Overlap is how long the old one works
// on, in seconds.
type newSecret struct {
	Overlap    int64 `json:"overlap_seconds,omitempty"`
	SecretLife int64 `json:"secret_life_seconds,omitempty"`
}

func secretRoutes() []route {
	return []route{
		{method: http.MethodPost, path: base + "/clients/{client}/secrets", match: true, key: true, do: (*call).rotateSecret},
		{method: http.MethodDelete, path: base + "/clients/{client}/secrets/{secret}", match: true, do: (*call).endSecret},
		{method: http.MethodPost, path: base + "/clients/{client}/tokens/revoke-all", do: (*call).revokeClient},
	}
}

func (c *call) rotateSecret() error {
	var w newSecret
	if err := c.read(&w); err != nil {
		return err
	}
	overlap, err := duration("overlap_seconds", w.Overlap)
	if err != nil {
		return err
	}
	life, err := duration("secret_life_seconds", w.SecretLife)
	if err != nil {
		return err
	}
	cl, made, err := c.office.RotateSecret(c.ctx, c.id("client"), overlap, life, c.edit)
	if err != nil {
		return c.changed(err, c.clientNow)
	}
	return c.made("/clients/"+cl.ID, ClientOf(cl, made, c.Now()), cl.UpdatedAt)
}

func (c *call) endSecret() error {
	cl, err := c.office.EndSecret(c.ctx, c.id("client"), c.id("secret"), c.edit)
	if err != nil {
		return c.changed(err, c.clientNow)
	}
	return c.client(cl)
}

func (c *call) revokeClient() error {
	cl, err := c.office.RevokeClient(c.ctx, c.id("client"))
	if err != nil {
		return err
	}
	return c.client(cl)
}

// RotateSecret implements postern.Credentials.
func (m *Remote) RotateSecret(ctx context.Context, id string, overlap, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	w, err := one[Client](ctx, m, ask{method: http.MethodPost, path: at("clients", id, "secrets"), edit: e,
		body: newSecret{seconds(overlap), seconds(life)}})
	return w.noun(), secret(w.ClientSecret), err
}

// EndSecret implements postern.Credentials.
func (m *Remote) EndSecret(ctx context.Context, id, secret string, e postern.Edit) (postern.Client, error) {
	w, err := one[Client](ctx, m, ask{method: http.MethodDelete, path: at("clients", id, "secrets", secret), edit: e})
	return w.noun(), err
}

// RevokeClient implements postern.Credentials.
func (m *Remote) RevokeClient(ctx context.Context, id string) (postern.Client, error) {
	w, err := one[Client](ctx, m, ask{method: http.MethodPost, path: at("clients", id, "tokens", "revoke-all")})
	return w.noun(), err
}
