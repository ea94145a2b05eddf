package main

import (
	"context"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type keyCmd struct {
	List   keyListCmd   `cmd:"" help:"List the keys and where they stand."`
	Rotate keyRotateCmd `cmd:"" help:"Publish a successor that signs later."`
	Retire keyRetireCmd `cmd:"" help:"Remove a key at once; tokens it signed stop working."`
}

type keyListCmd struct{ asJSON }

func (keyListCmd) Help() string { return "Example:\n  postern key list" }

func (c *keyListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	return o.showKeys(ctx, c.JSON)
}

func (o *clerk) showKeys(ctx context.Context, json bool) error {
	keys, err := o.Keys(ctx)
	if err != nil {
		return err
	}
	return o.printKeys(keys, json)
}

func (a *app) printKeys(keys []postern.KeyStanding, json bool) error {
	views, rows := []admin.Key{}, [][]string{}
	for _, k := range keys {
		views = append(views, admin.KeyOf(k))
		rows = append(rows, []string{k.ID, string(k.Alg), string(k.State), stamp(k.SignFrom), stamp(k.RemoveAt)})
	}
	if json {
		return a.printJSON(views)
	}
	return a.table("KID|ALG|STATE|SIGNS FROM|REMOVED AT", rows)
}

type keyRotateCmd struct {
	Alg string `default:"ES256" enum:"${algs}" help:"Which algorithm's key: ${algs}." placeholder:"A"`
	In  string `help:"When the successor signs, counted from now; the configured pause if not given, 17m at least, so that every verifier has heard of it." placeholder:"D"`
	asJSON
}

func (keyRotateCmd) Help() string { return "Example:\n  postern key rotate --alg ES256 --in 24h" }

func (c *keyRotateCmd) Run(ctx context.Context, a *app) error {
	delay := time.Duration(-1) // the configured pause
	if c.In != "" {
		var err error
		if delay, err = parseDuration(c.In); err != nil || delay < 0 {
			return errMisused{postern.Errorf(postern.Invalid, "--in: %q is not a duration such as 24h", postern.Shorten(c.In, 40))}
		}
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	key, err := o.RotateKey(ctx, postern.Alg(c.Alg), delay)
	if err != nil {
		return err
	}
	return a.printKeys([]postern.KeyStanding{key}, c.JSON)
}

type keyRetireCmd struct {
	ID string `arg:"" help:"The key's kid."`
	asJSON
}

func (keyRetireCmd) Help() string {
	return "For a key that may be known to others. Verifiers that remember the key set may trust it for up to 15 minutes more.\n\nExample:\n  postern key retire 0123456789abcdef0123456789abcdef"
}

func (c *keyRetireCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.RetireKey(ctx, c.ID); err != nil {
		return hinted(err, postern.NotFound, "`postern key list` shows them")
	}
	a.note("key %s is removed; tokens it signed no longer work here, and elsewhere within 15 minutes", c.ID)
	return o.showKeys(ctx, c.JSON)
}
