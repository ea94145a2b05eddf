package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/admin"
	"postern.dev/postern/console"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/issuer"
	"postern.dev/postern/server"
)

// longCall bounds what reads a whole audit trail.
const longCall = console.MaxLong

// mountOffice adds the operator API and the console. Both ask the same registrar.
func (h *house) mountOffice(tokens []dialect.Route) error {
	var err error
	if h.registrar, err = h.place.registrar(h.url); err != nil {
		return err
	}
	for _, r := range admin.Routes(h.adminConfig()) {
		route := server.Route{Pattern: r.Pattern, Handler: r.Handler}
		if r.Long {
			route.Timeout = longCall
		}
		if err := h.server.Mount(route); err != nil {
			return err
		}
	}
	pages, err := console.Routes(h.consoleConfig(tokens))
	if err != nil {
		return err
	}
	for _, r := range pages {
		if err := h.server.Mount(server.Route{Pattern: r.Pattern, Handler: r.Handler, Timeout: r.Timeout}); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) adminConfig() admin.Config {
	pace := issuer.NewPace(cmp.Or(h.place.cfg.Limits.RequestsPerClient, 1) * admin.DefaultPerMinute)
	cfg := admin.Config{
		Pace:   pace.Take,
		Office: h.registrar.Office, Verifier: h.issuer, PublicURL: h.url, Audience: []string{h.url, h.url + "/admin/v1"},
		Session: h.session, Log: h.log, Now: h.place.now,
	}
	for _, s := range hr.Switches {
		cfg.Switches = append(cfg.Switches, admin.Switch(s))
	}
	return cfg
}

// session says who is signed in at the browser that makes a call.
func (h *house) session(r *http.Request) (postern.Actor, error) {
	return console.SignedIn(h.registrar, r, h.secure())
}

// secure says whether browsers come by TLS.
func (h *house) secure() bool { return strings.HasPrefix(h.url, "https://") }

func (h *house) consoleConfig(tokens []dialect.Route) console.Config {
	p := h.place
	mux := http.NewServeMux()
	for _, r := range tokens {
		mux.Handle(r.Pattern, r.Handler)
	}
	cfg := console.Config{
		Office: h.registrar.Office, Door: h.registrar, Wardrobe: h.registrar,
		Directory: func(tenant string) postern.Directory { return p.db.Directory(tenant) },
		Try:       console.Within(mux), PublicURL: h.url, Secure: h.secure(),
		Attributes: hr.AttributeNames(), FaultKinds: hr.FaultKinds, RotateEvery: p.cfg.keyPolicy().Every(), Now: p.now, Log: h.log,
	}
	copy(cfg.Key[:], p.box.Derive("postern console v1", len(cfg.Key)))
	for _, d := range dialect.All {
		profile := profileOf(d)
		cfg.Dialects = append(cfg.Dialects, console.Dialect{Name: d.Name(), Title: dialect.Title(d.Name()),
			Person: profile.Kind == postern.Human, Scoped: len(profile.FixedScope) == 0, Encode: d.EncodeRequest})
	}
	for _, s := range hr.Switches {
		cfg.Switches = append(cfg.Switches, console.Switch(s))
	}
	return cfg
}

// firstLink prints the one-time link at which the first operator is made, while there is
// none: to whoever starts the server, and to no log.
func (h *house) firstLink(ctx context.Context) error {
	code, err := h.registrar.FirstLink(ctx)
	if err != nil || code.Empty() {
		return err
	}
	_, err = fmt.Fprintf(h.place.stdout, "\nThere is no operator yet. Open this link within 15 minutes to become the first; it works once:\n\n  %s\n\n",
		setupLink(h.url, code))
	return err
}

// setupLink is where a one-time link leads.
func setupLink(url string, code postern.Secret) string {
	return url + "/console/setup?code=" + code.Reveal()
}
