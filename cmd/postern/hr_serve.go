package main

import (
	"context"
	"sync"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// Bounds of what is remembered of tenants.
const (
	tenantFresh = 500 * time.Millisecond
	tenantRoom  = 10_000
)

// tenantStore is where tenants and their sandboxes are; the database is.
type tenantStore interface {
	Tenant(ctx context.Context, id string) (postern.Tenant, error)
	Sandbox(ctx context.Context, tenant string) (postern.Sandbox, error)
}

// tenants remembers tenants for a moment, because every call of the HR API asks for one.
// What it says is never older than tenantFresh; sandboxes the store remembers itself. It
// is safe for concurrent use.
type tenants struct {
	tenantStore
	now func() time.Time

	mu    sync.Mutex
	known map[string]*tenantCopy
}

// tenantCopy is what is known of one tenant. Its lock is held while it is read anew, so
// that many callers ask the database once.
type tenantCopy struct {
	mu     sync.Mutex
	at     time.Time
	tenant postern.Tenant
	absent error
}

func newTenants(store tenantStore, now func() time.Time) *tenants {
	return &tenants{tenantStore: store, now: now, known: map[string]*tenantCopy{}}
}

// Tenant gives a tenant. It fails with NotFound.
func (t *tenants) Tenant(ctx context.Context, id string) (postern.Tenant, error) {
	t.mu.Lock()
	c := t.known[id]
	if c == nil {
		if len(t.known) >= tenantRoom {
			clear(t.known)
		}
		c = &tenantCopy{}
		t.known[id] = c
	}
	t.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	// The time before asking: what changes meanwhile is then not taken for fresh.
	now := t.now()
	if age := now.Sub(c.at); age < tenantFresh && age >= 0 {
		return c.tenant, c.absent
	}
	tenant, err := t.tenantStore.Tenant(ctx, id)
	if err != nil && postern.CodeOf(err) != postern.NotFound {
		return tenant, err
	}
	c.at, c.tenant, c.absent = now, tenant, err
	return c.tenant, c.absent
}

// routed is the audience of the tokens whose calls name their tenant in a header. Such
// a token opens the HR API where its client has the scope of the route.
const routed = "idp_api"

// hrConfig is what the HR API needs.
func (h *house) hrConfig() hr.Config {
	p := h.place
	cfg := hr.Config{
		Directory: func(tenant string) postern.Directory { return p.db.Directory(tenant) },
		Verifier:  h.issuer, Tenants: h.tenants,
		PublicURL: h.url, Audience: []string{h.url, routed},
		Visit: h.visits.add, Log: h.log, Now: p.now,
	}
	copy(cfg.CursorKey[:], p.box.Derive("postern hr cursors v1", len(cfg.CursorKey)))
	return cfg
}
