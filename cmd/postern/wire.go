package main

import (
	"context"
	"errors"
	"log/slog"

	"postern.dev/postern"
	"postern.dev/postern/admin"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/issuer"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/registrar"
	"postern.dev/postern/server"
)

// house is a wired server, in the order it is built.
type house struct {
	place   *place
	log     *slog.Logger
	metrics *server.Metrics
	server  *server.Server
	url     string
	issuer  *issuer.Issuer
	visits  *visits
	keeper  *keeper
	// registrar holds the rules of management; every actor's office is one of its.
	registrar *registrar.Registrar
	tenants   *tenants
	tools     *mcptool.HTTP
}

// build joins the rooms. The address is bound before the issuer is made, because
// the issuer's name is that address unless a public one is configured.
func (p *place) build(ctx context.Context, log *slog.Logger) (*house, error) {
	h := &house{place: p, log: log, metrics: server.NewMetrics()}
	trusted, err := prefixes(p.cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	metricsFrom, err := prefixes(p.cfg.MetricsFrom)
	if err != nil {
		return nil, err
	}
	h.server, err = server.New(server.Config{
		Listen: p.cfg.Listen, TLSCert: p.cfg.TLSCert, TLSKey: p.cfg.TLSKey, Log: log, Metrics: h.metrics,
		Ready: h.ready, TrustedProxies: trusted, MetricsFrom: metricsFrom, PublicURL: p.cfg.PublicURL,
	})
	if err != nil {
		return nil, err
	}
	if err := h.server.Listen(ctx); err != nil {
		return nil, err
	}
	h.url = h.server.URL()
	if h.issuer, err = issuer.New(ctx, h.issuerConfig()); err != nil {
		_ = h.server.Close() // nothing was accepted yet
		return nil, err
	}
	h.visits, h.tenants = newVisits(p.db, log), newTenants(p.db, p.now)
	h.metrics.Counter("postern_visits_dropped_total", "Calls of the HR API that are missing in a request log, because it was not written fast enough.",
		func() float64 { return float64(h.visits.lost.Load()) })
	h.keeper = newKeeper(p.db, log, p.now, postern.Node{Name: nodeName(h.server.Bound()), URL: h.url, Version: version})
	h.metrics.Gauge("postern_usage_behind_seconds", "For how long there was always more to be counted of the audit trails.", h.keeper.behind)
	for name := range h.issuer.Sizes() {
		h.metrics.Gauge("postern_cache_"+name, "Entries held in memory.", func() float64 { return float64(h.issuer.Sizes()[name]) })
	}
	return h, h.mount()
}

func (h *house) close() {
	h.visits.close()
	h.issuer.Close()
}

func (h *house) issuerConfig() issuer.Config {
	p := h.place
	return issuer.Config{
		Registry: p.db, Journal: p.db, Revoker: p.db, KeyStore: p.db, Feed: p.db, Box: p.box,
		URL: h.url, Profiles: dialect.Profiles(), Resources: resources(h.url), Lenient: []string{h.url + mcpPath},
		Limits: p.cfg.limits(), KeyPolicy: p.cfg.keyPolicy(), Now: p.now, Log: h.log,
		OnEvent: h.metrics.Observe, OnCommit: h.metrics.ObserveCommit,
	}
}

// resources are the APIs that every tenant may name: the HR API, which is the
// server itself, the tools for agents, and the operator API.
func resources(url string) []postern.Resource {
	return []postern.Resource{
		{URL: url, Tenant: postern.SystemTenant},
		{URL: url + mcpPath, Tenant: postern.SystemTenant},
		{URL: url + adminPath, Tenant: postern.SystemTenant},
	}
}

func (h *house) mount() error {
	cfg := dialect.Config{
		IssuerURL: h.url, DefaultPartner: h.place.cfg.DefaultPartner, JWKSMaxAge: issuer.JWKSMaxAge, Now: h.place.now, Scopes: knownScopes,
	}
	for _, d := range hr.Descriptions() {
		cfg.Descriptions = append(cfg.Descriptions, dialect.Description{Name: d.Name, Title: d.Title, Read: d.Read})
	}
	for _, d := range admin.Descriptions() {
		cfg.Descriptions = append(cfg.Descriptions, dialect.Description{Name: d.Name, Title: d.Title, Read: d.Read})
	}
	var routes []server.Route
	tokens := dialect.Routes(h.issuer, h.issuer, cfg)
	for _, r := range tokens {
		routes = append(routes, server.Route{Pattern: r.Pattern, Handler: r.Handler})
	}
	for _, r := range hr.Routes(h.hrConfig()) {
		routes = append(routes, server.Route{Pattern: r.Pattern, Handler: r.Handler})
	}
	for _, r := range routes {
		if err := h.server.Mount(r); err != nil {
			return err
		}
	}
	return errors.Join(h.mountTools(), h.mountOffice(tokens))
}
