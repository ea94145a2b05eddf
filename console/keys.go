package console

import (
	"slices"
	"time"

	"postern.dev/postern"
)

// KeysPage lists what signs tokens.
type KeysPage struct {
	Rows []KeyLife
	Algs []postern.Alg
}

// KeyLife is a key and where it stands.
type KeyLife struct {
	ID         string
	Alg        postern.Alg
	Generation int64
	State      postern.KeyState
	SignFrom   time.Time
	RemoveAt   time.Time // zero while no successor has taken over
}

func (KeysPage) page() head {
	return head{Sheet: "keys", Title: "Signing keys", Section: inKeys, Crumbs: []Crumb{{Title: "Settings"}}}
}

func keysPages() []page {
	return []page{
		{pattern: "GET /console/keys", do: (*call).keysPage},
		{pattern: "POST /console/keys/rotate", do: (*call).keyRotate},
		{pattern: "GET /console/keys/{id}/retire", to: managers, do: (*call).keyRetirePage},
		{pattern: "POST /console/keys/{id}/retire", do: (*call).keyRetire},
	}
}

func (c *call) keysPage() error {
	keys, err := c.office.Keys(c.ctx)
	if err != nil {
		return err
	}
	p := KeysPage{Algs: postern.Algs}
	for _, k := range keys {
		p.Rows = append(p.Rows, KeyLife{k.ID, k.Alg, k.Generation, k.State, k.SignFrom, k.RemoveAt})
	}
	return c.show(p)
}

func (c *call) keyRotate() error {
	alg := postern.Alg(c.form.text("alg"))
	if !slices.Contains(postern.Algs, alg) {
		return postern.Errorf(postern.Invalid, "there is no algorithm %q", postern.Shorten(string(alg), 20))
	}
	k, err := c.office.RotateKey(c.ctx, alg, -1)
	if err != nil {
		return err
	}
	said := "The next key of " + string(alg) + " is published."
	if k.SignFrom.After(c.now()) {
		said += " It signs from " + k.SignFrom.UTC().Format("2 Jan 2006 15:04") + "."
	}
	return c.done("/console/keys", said)
}

func sureOfKey(id string) SurePage {
	return SurePage{
		Section: inKeys, Crumbs: []Crumb{{Title: "Settings"}, {"Signing keys", "/console/keys"}}, Title: "Retire a key at once",
		Text:   "Every token that this key signed is worth nothing from now on, wherever it is checked with keys of ours. Do this when the key may be known to others.",
		Action: "/console/keys/" + id + "/retire", Back: "/console/keys", Button: "Retire it at once", Type: id,
	}
}

// key finds the key that an address names.
func (c *call) key() (string, error) {
	keys, err := c.office.Keys(c.ctx)
	if err != nil {
		return "", err
	}
	id := c.r.PathValue("id")
	if !slices.ContainsFunc(keys, func(k postern.KeyStanding) bool { return k.ID == id }) {
		return "", postern.Errorf(postern.NotFound, "there is no such key")
	}
	return id, nil
}

func (c *call) keyRetirePage() error {
	id, err := c.key()
	if err != nil {
		return err
	}
	return c.show(sureOfKey(id))
}

func (c *call) keyRetire() error {
	id, err := c.key()
	if err != nil {
		return err
	}
	if err := c.typed(id); err != nil {
		return c.again(sureOfKey(id), err)
	}
	if err := c.office.RetireKey(c.ctx, id); err != nil {
		return err
	}
	return c.done("/console/keys", "The key "+id+" is retired.")
}
