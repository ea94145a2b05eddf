package main

import (
	"context"
	"slices"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List the keys and where they stand."`
	Rotate keyRotateCmd `cmd:"" help:"Publish a successor that signs later."`
	Retire keyRetireCmd `cmd:"" help:"Remove a key at once; tokens it signed stop working."`
}

type keyView struct {
	ID         string           `json:"kid"`
	Alg        postern.Alg      `json:"alg"`
	State      postern.KeyState `json:"state"`
	Generation int64            `json:"generation"`
	CreatedAt  string           `json:"created_at"`
	SignFrom   string           `json:"signs_from"`
	RemoveAt   string           `json:"removed_at,omitempty"`
}

type keyListCmd struct{ asJSON }

func (keyListCmd) Help() string { return "Example:\n  postern key list" }

func (c *keyListCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	return p.showKeys(ctx, c.JSON, "")
}

// showKeys prints the keys, or the one with the id.
func (p *place) showKeys(ctx context.Context, json bool, only string) error {
	keys, err := p.db.Keys(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(keys, func(a, b postern.Key) int {
		if c := strings.Compare(string(a.Alg), string(b.Alg)); c != 0 {
			return c
		}
		return int(b.Generation - a.Generation)
	})
	views, rows := []keyView{}, [][]string{}
	for _, k := range keys {
		if only != "" && k.ID != only {
			continue
		}
		v := keyView{k.ID, k.Alg, issuer.StateOf(k, keys, p.now()), k.Generation, stamp(k.CreatedAt), stamp(k.SignFrom), stamp(k.RemoveAt)}
		views = append(views, v)
		rows = append(rows, []string{v.ID, string(v.Alg), string(v.State), v.SignFrom, v.RemoveAt})
	}
	if json {
		return p.printJSON(views)
	}
	return p.table("KID|ALG|STATE|SIGNS FROM|REMOVED AT", rows)
}

type keyRotateCmd struct {
	Alg string `default:"ES256" enum:"${algs}" help:"Which algorithm's key: ${algs}." placeholder:"A"`
	In  string `help:"When the successor signs, counted from now; the configured pause if not given, 17m at least, so that every verifier has heard of it." placeholder:"D"`
	asJSON
}

func (keyRotateCmd) Help() string { return "Example:\n  postern key rotate --alg ES256 --in 24h" }

func (c *keyRotateCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	delay := p.cfg.keyPolicy().PublishAhead
	if delay == 0 {
		delay = -1
	}
	if c.In != "" {
		if delay, err = parseDuration(c.In); err != nil || delay < 0 {
			return errMisused{postern.Errorf(postern.Invalid, "--in: %q is not a duration such as 24h", postern.Shorten(c.In, 40))}
		}
	}
	key, err := p.keys().Rotate(ctx, postern.Alg(c.Alg), delay)
	if err != nil {
		return err
	}
	return p.showKeys(ctx, c.JSON, key.ID)
}

type keyRetireCmd struct {
	ID string `arg:"" help:"The key's kid."`
	asJSON
}

func (keyRetireCmd) Help() string {
	return "For a key that may be known to others. Verifiers that remember the key set may trust it for up to 15 minutes more.\n\nExample:\n  postern key retire 0123456789abcdef0123456789abcdef"
}

func (c *keyRetireCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.keys().Retire(ctx, c.ID); err != nil {
		return err
	}
	a.note("key %s is removed; tokens it signed no longer work here, and elsewhere within 15 minutes", c.ID)
	return p.showKeys(ctx, c.JSON, "")
}
