package admin

import (
	"context"
	"net/http"
	"time"

	"postern.dev/postern"
)

// Key is a key and where it stands, on the wire.
type Key struct {
	ID         string           `json:"kid"`
	Alg        postern.Alg      `json:"alg"`
	State      postern.KeyState `json:"state"`
	Generation int64            `json:"generation"`
	CreatedAt  string           `json:"created_at"`
	SignFrom   string           `json:"signs_from"`
	RemoveAt   string           `json:"removed_at,omitempty"`
}

// KeyOf writes a key.
func KeyOf(k postern.KeyStanding) Key {
	return Key{k.ID, k.Alg, k.State, k.Generation, stamp(k.CreatedAt), stamp(k.SignFrom), stamp(k.RemoveAt)}
}

func (k Key) noun() postern.KeyStanding {
	return postern.KeyStanding{State: k.State, Key: postern.Key{ID: k.ID, Alg: k.Alg, Generation: k.Generation,
		CreatedAt: moment(k.CreatedAt), SignFrom: moment(k.SignFrom), RemoveAt: moment(k.RemoveAt)}}
}

// newKey asks for a successor that signs after a delay, the configured pause if there is
// none.
type newKey struct {
	Alg   postern.Alg `json:"alg"`
	Delay *int64      `json:"delay_seconds,omitempty"`
}

func keyRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/keys", do: (*call).listKeys},
		{method: http.MethodPost, path: base + "/keys", do: (*call).rotateKey},
		{method: http.MethodDelete, path: base + "/keys/{key}", do: (*call).retireKey},
	}
}

func (c *call) listKeys() error {
	all, err := c.office.Keys(c.ctx)
	if err != nil {
		return err
	}
	return whole(c, all, KeyOf)
}

func (c *call) rotateKey() error {
	var w newKey
	if err := c.read(&w); err != nil {
		return err
	}
	delay := time.Duration(-1)
	if w.Delay != nil {
		var err error
		if delay, err = duration("delay_seconds", *w.Delay); err != nil {
			return err
		}
	}
	k, err := c.office.RotateKey(c.ctx, w.Alg, delay)
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, KeyOf(k))
}

func (c *call) retireKey() error {
	if err := c.office.RetireKey(c.ctx, c.id("key")); err != nil {
		return err
	}
	return c.empty()
}

// Keys implements postern.Keys.
func (m *Remote) Keys(ctx context.Context) ([]postern.KeyStanding, error) {
	return all(ctx, m, ask{path: at("keys")}, Key.noun)
}

// RotateKey implements postern.Keys.
func (m *Remote) RotateKey(ctx context.Context, alg postern.Alg, delay time.Duration) (postern.KeyStanding, error) {
	body := newKey{Alg: alg}
	if delay >= 0 {
		n := seconds(delay)
		body.Delay = &n
	}
	w, err := one[Key](ctx, m, ask{method: http.MethodPost, path: at("keys"), body: body})
	return w.noun(), err
}

// RetireKey implements postern.Keys.
func (m *Remote) RetireKey(ctx context.Context, id string) error {
	return m.do(ctx, ask{method: http.MethodDelete, path: at("keys", id)}, nil)
}
