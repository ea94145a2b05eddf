package registrar

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"postern.dev/postern"
)

// What Health tells of.
const (
	nodeSeen      = 2 * time.Minute // a node that was not seen for so long is gone
	expiringSoon  = 30 * 24 * time.Hour
	maxExpiring   = 50
	maxEvents     = 1000
	defaultEvents = 100
)

// chain fails for the audit trail of a tenant that is not the actor's to see. That of the
// system is for actors of the whole installation.
func (o *office) chain(ctx context.Context, tenant string) error {
	if tenant == postern.SystemTenant && o.actor.Tenant == "" {
		return nil
	}
	_, err := o.tenant(ctx, tenant)
	return err
}

func (o *office) Events(ctx context.Context, f postern.EventFilter) (postern.EventPage, error) {
	if err := o.may(ReadTrail); err != nil {
		return postern.EventPage{}, err
	}
	if f.Limit == 0 {
		f.Limit = defaultEvents
	}
	if f.Limit < 1 || f.Limit > maxEvents {
		return postern.EventPage{}, invalid("limit", "records are read 1 to %d at a time", maxEvents)
	}
	if err := o.chain(ctx, f.Tenant); err != nil {
		return postern.EventPage{}, err
	}
	page, err := o.store().SearchEvents(ctx, f)
	if err != nil {
		return postern.EventPage{}, err
	}
	if !o.r.reads.first(o.actor.Name, f, o.r.now()) {
		return page, nil
	}
	// What cannot be recorded is not given.
	read := o.event(f.Tenant, postern.ActAuditRead, "", strconv.Itoa(len(page.Events))+" records")
	if err := o.r.tell(ctx, read); err != nil {
		o.r.reads.forget(o.actor.Name, f)
		return postern.EventPage{}, err
	}
	return page, nil
}

// Who follows a trail reads the same page again and again. That is recorded once a
// minute: else there would be little else to follow.
const (
	readAgain = time.Minute
	maxReads  = 1000
)

// reads remembers what was read lately, and by whom.
type reads struct {
	mu sync.Mutex
	at map[reading]time.Time
}

type reading struct {
	actor  string
	filter postern.EventFilter
}

// first says whether nobody remembers that actor reading so within a minute.
func (r *reads) first(actor string, f postern.EventFilter, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := reading{actor, f}
	if at, ok := r.at[key]; ok && now.Sub(at) < readAgain {
		return false
	}
	if r.at == nil || len(r.at) >= maxReads {
		r.at = map[reading]time.Time{}
	}
	r.at[key] = now
	return true
}

func (r *reads) forget(actor string, f postern.EventFilter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.at, reading{actor, f})
}

func (o *office) Chains(ctx context.Context) ([]string, error) {
	if err := o.may(ReadTrail); err != nil {
		return nil, err
	}
	if o.actor.Tenant != "" {
		return []string{o.actor.Tenant}, nil
	}
	return o.store().Chains(ctx)
}

func (o *office) VerifyChain(ctx context.Context, tenant string, progress func(done int64)) (postern.Chain, error) {
	if err := o.may(ReadTrail); err != nil {
		return postern.Chain{}, err
	}
	if !o.sees(tenant) {
		return postern.Chain{}, postern.Errorf(postern.NotFound, "there is no audit chain of %q", postern.Shorten(tenant, 100))
	}
	return o.store().VerifyChain(ctx, tenant, progress)
}

// Usage of a tenant-bound actor is that of its tenant when nobody says whose.
func (o *office) Usage(ctx context.Context, q postern.UsageQuery) (postern.Usage, error) {
	if err := o.may(ReadHealth); err != nil {
		return postern.Usage{}, err
	}
	if q.Tenant == "" {
		q.Tenant = o.actor.Tenant
	}
	if q.Tenant != "" {
		if err := o.chain(ctx, q.Tenant); err != nil {
			return postern.Usage{}, err
		}
	}
	if q.ClientID != "" && q.Tenant != postern.SystemTenant {
		if _, err := o.client(ctx, q.ClientID); err != nil {
			return postern.Usage{}, err
		}
	}
	if q.Step != time.Hour && q.Step != 24*time.Hour {
		return postern.Usage{}, invalid("step", "usage is counted by the hour or by the day")
	}
	return o.store().Usage(ctx, q)
}

// Health tells an actor of one tenant about its secrets, and nothing of the nodes.
func (o *office) Health(ctx context.Context) (postern.Health, error) {
	h := postern.Health{Database: o.r.cfg.Database, Version: o.r.cfg.Version}
	if err := o.may(ReadHealth); err != nil {
		return postern.Health{}, err
	}
	now := o.r.now()
	var err error
	if h.Expiring, err = o.store().ExpiringSecrets(ctx, o.actor.Tenant, now, now.Add(expiringSoon), maxExpiring); err != nil {
		return postern.Health{}, err
	}
	if o.actor.Tenant != "" {
		return h, nil
	}
	if h.Nodes, err = o.store().Nodes(ctx, now.Add(-nodeSeen)); err != nil {
		return postern.Health{}, err
	}
	versions := map[string]bool{}
	for _, n := range h.Nodes {
		versions[n.Version] = true
	}
	if len(versions) > 1 {
		h.Warnings = append(h.Warnings, "the nodes are not of one version")
	}
	keys, err := o.keys(ctx)
	if err != nil {
		return postern.Health{}, err
	}
	for _, alg := range postern.Algs {
		if !slices.ContainsFunc(keys, func(k postern.KeyStanding) bool { return k.Alg == alg && k.State == postern.KeyActive }) {
			h.Warnings = append(h.Warnings, "no key signs with "+string(alg))
		}
	}
	if o.r.cfg.Warnings != nil {
		h.Warnings = append(h.Warnings, o.r.cfg.Warnings(ctx)...)
	}
	return h, nil
}
