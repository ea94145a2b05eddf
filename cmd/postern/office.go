package main

import (
	"context"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/issuer"
	"postern.dev/postern/registrar"
)

// registrar gives the rules of management over the database of a place, whose server is
// at that address; "" is one that nobody knows here.
func (p *place) registrar(url string) (*registrar.Registrar, error) {
	var own []string
	if url != "" {
		for _, r := range resources(url) {
			own = append(own, r.URL)
		}
	}
	return registrar.New(registrar.Config{
		Store: p.db, Box: p.box, Secrets: issuer.NewHasher(p.box), Passwords: issuer.NewPasswords(p.box),
		Keys: p.keysOf, StateOf: issuer.StateOf, Dialects: officeDialects(), Scopes: officeScopes(), Attributes: hr.AttributeNames(), Own: own,
		CheckSandbox: hr.CheckSandbox, Reset: p.resetTenant, Database: p.db.Engine(), Version: version, Now: p.now,
	})
}

// office opens the office for an actor. A second call for the same place shares nothing
// with the first but the database; a server keeps one registrar.
func (p *place) office(actor postern.Actor) (postern.Office, error) {
	r, err := p.registrar(p.cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	return r.Office(actor), nil
}

// commander is who runs a command beside the database: with the file and the master key
// they have everything anyway.
func (p *place) commander() postern.Actor {
	return postern.Actor{Name: p.actor(), Role: postern.Owner, ProvenAt: p.now()}
}

// keysOf gives the keys in an actor's name.
func (p *place) keysOf(by postern.Actor) registrar.Keyring {
	k := p.keys()
	k.Actor, k.RequestID = by.Name, by.RequestID
	if by.Source.IsValid() {
		k.Source = by.Source.String()
	}
	return k
}

// officeDialects lists what clients may be given.
func officeDialects() (all []registrar.Dialect) {
	for _, d := range dialect.All {
		all = append(all, registrar.Dialect{Name: d.Name(), Kind: profileOf(d).Kind})
	}
	return all
}

// officeScopes are those that mean something on every tenant.
func officeScopes() postern.Scopes { return postern.NewScopes(append(hr.Scopes(), routed)...) }

// resetTenant forgets everybody of a tenant; the demo company comes back.
func (p *place) resetTenant(ctx context.Context, tenant string, w postern.Write) (int, error) {
	if err := p.db.Directory(tenant).Reset(ctx, w); err != nil || tenant != demoTenant {
		return 0, err
	}
	return p.demoCompany(ctx)
}
