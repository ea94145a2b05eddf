package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"postern.dev/postern"
)

// Every call asks for the sandbox of its tenant: it is remembered for a moment, and a
// change made by another node is seen after it.
const (
	sandboxFresh = 500 * time.Millisecond
	sandboxKept  = 1000 // tenants
)

type sandboxes struct {
	mu  sync.RWMutex
	all map[string]sandboxSeen
}

type sandboxSeen struct {
	sandbox postern.Sandbox
	at      time.Time
}

func (c *sandboxes) get(tenant string, now time.Time) (postern.Sandbox, bool) {
	c.mu.RLock()
	seen, ok := c.all[tenant]
	c.mu.RUnlock()
	return seen.sandbox, ok && now.Sub(seen.at) < sandboxFresh
}

func (c *sandboxes) put(s postern.Sandbox, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= sandboxKept {
		c.all = map[string]sandboxSeen{}
	}
	c.all[s.Tenant] = sandboxSeen{s, at}
}

func (c *sandboxes) drop(tenant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, tenant)
}

type sandboxDoc struct {
	Switches map[string]string `json:"switches,omitempty"`
	Faults   []faultDoc        `json:"faults,omitempty"`
	Log      bool              `json:"log,omitempty"`
}

type faultDoc struct {
	Path  string        `json:"path,omitempty"`
	Kind  string        `json:"kind"`
	Rate  float64       `json:"rate,omitempty"`
	Delay time.Duration `json:"delay,omitempty"`
}

// Sandbox gives how the HR API of a tenant behaves: as by default where nothing was set,
// and where there is no such tenant. What another node sets is seen within half a second.
// The caller may change what it gets.
func (db *DB) Sandbox(ctx context.Context, tenant string) (postern.Sandbox, error) {
	now := time.Now()
	s, fresh := db.sandboxes.get(tenant, now)
	if !fresh {
		text, err := one(ctx, db.read, scanText, `SELECT doc FROM sandboxes WHERE tenant = $1`, tenant)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return postern.Sandbox{}, db.fail(err, "sandbox", tenant)
		}
		s = postern.Sandbox{Tenant: tenant}
		if err == nil {
			var doc sandboxDoc
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				return s, db.fail(fmt.Errorf("read the sandbox: %w", err), "sandbox", tenant)
			}
			s.Switches, s.Log = doc.Switches, doc.Log
			for _, f := range doc.Faults {
				s.Faults = append(s.Faults, postern.Fault(f))
			}
		}
		db.sandboxes.put(s, now)
	}
	s.Switches, s.Faults = maps.Clone(s.Switches), slices.Clone(s.Faults)
	return s, nil
}

// SetSandbox sets how the HR API of a tenant behaves. It fails with NotFound when there
// is no such tenant.
func (db *DB) SetSandbox(ctx context.Context, s postern.Sandbox, ev postern.Event) error {
	doc := sandboxDoc{Switches: s.Switches, Log: s.Log}
	for _, f := range s.Faults {
		doc.Faults = append(doc.Faults, faultDoc(f))
	}
	text, err := document(doc)
	if err != nil {
		return db.fail(err, "sandbox", s.Tenant)
	}
	stamp(&ev)
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if err := db.record(ctx, tx, s.Tenant, ev); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO sandboxes (tenant, doc) VALUES ($1, $2)
			ON CONFLICT (tenant) DO UPDATE SET doc = excluded.doc`, s.Tenant, text)
		return err
	})
	db.sandboxes.drop(s.Tenant)
	return db.fail(err, "sandbox", s.Tenant)
}
