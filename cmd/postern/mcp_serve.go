package main

import (
	"cmp"
	"context"
	"fmt"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/server"
)

// mcpPath is where the tools are, for agents.
const mcpPath = "/mcp"

// mountTools adds the tools over HTTP. The address is there also when they are not
// enabled: it says how to enable them, to those who may call it.
func (h *house) mountTools() error {
	p := h.place
	cfg := mcptool.Config{
		Directory: func(who mcptool.Caller) (postern.Directory, error) { return p.db.Directory(who.Tenant), nil },
		Record:    h.recordTool,
		Zone:      h.toolZone,
		Disabled:  !p.cfg.enabled(experimentTools, nil), Writes: p.cfg.MCPWrites, Withhold: p.cfg.Tools.Withhold,
		Grant: "an operator grants it: `postern client update ID --add-scope`", Log: h.log, Now: p.now,
	}
	copy(cfg.Key[:], p.box.Derive("postern tools v1", len(cfg.Key)))
	var err error
	h.tools, err = mcptool.New(cfg).HTTP(mcptool.HTTPConfig{
		URL: h.url + mcpPath, Issuer: h.url, Verifier: h.issuer, PerMinute: p.cfg.Limits.RequestsPerClient * mcptool.DefaultPerMinute,
		Version: version, Log: h.log, Now: p.now,
	})
	if err != nil {
		return err
	}
	for _, r := range h.tools.Routes() {
		if err := h.server.Mount(server.Route{Pattern: r.Pattern, Handler: r.Handler, Timeout: r.Timeout}); err != nil {
			return err
		}
	}
	return nil
}

// recordTool keeps a call of a tool in the chain of its caller's tenant. It is kept also
// when the caller has left: what was asked for was asked for.
func (h *house) recordTool(ctx context.Context, ev postern.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	return h.place.db.Append(ctx, []*postern.Entry{{Event: ev}})
}

// toolZone names the zone of a tenant's walls, or the configured one if it has none.
func (h *house) toolZone(ctx context.Context, who mcptool.Caller) (string, error) {
	t, err := h.tenants.Tenant(ctx, who.Tenant)
	if err != nil {
		return "", fmt.Errorf("the time zone of the tenant: %w", err)
	}
	return cmp.Or(t.Zone, h.place.cfg.Tools.TimeZone, "UTC"), nil
}
