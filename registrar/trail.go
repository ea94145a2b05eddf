package registrar

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// Bounds of what is told.
const (
	nodeSeen      = 2 * time.Minute // a node that was not seen for so long is gone
	expiringSoon  = 30 * 24 * time.Hour
	maxExpiring   = 50
	maxEvents     = 1000
	defaultEvents = 100
	usageHours    = 31 * 24 * time.Hour // how far usage by the hour goes back
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
	if err := checkAction(f.Action); err != nil {
		return postern.EventPage{}, err
	}
	if err := o.chain(ctx, f.Tenant); err != nil {
		return postern.EventPage{}, err
	}
	page, err := o.search(ctx, f)
	if err != nil {
		return postern.EventPage{}, err
	}
	key := readingOf(o.actor.Name, f)
	if !o.r.reads.begins(key, o.r.now()) {
		return page, nil
	}
	// What cannot be recorded is not given.
	if err := o.r.tell(ctx, o.event(f.Tenant, postern.ActAuditRead, "", readWords(f, page.Events))); err != nil {
		o.r.reads.forget(key)
		return postern.EventPage{}, err
	}
	return page, nil
}

// checkAction fails with Invalid for an action that is in no trail: whoever misspells one
// should not take it for a thing that never happened. "" is every action.
func checkAction(action string) error {
	if action == "" || slices.Contains(postern.Actions, action) {
		return nil
	}
	e := invalid("action", "there is no action %q", postern.Shorten(action, 60))
	if meant := near.Of(action, postern.Actions); meant != "" {
		return e.WithHint("did you mean %s?", meant)
	}
	return e.WithHint("actions are called as in token.refused or client.created")
}

// search asks the store, for so many at once where it may read much: an export is one
// search after the other.
func (o *office) search(ctx context.Context, f postern.EventFilter) (postern.EventPage, error) {
	if wide(f) {
		leave, err := o.r.searches.enter(ctx, searchPatience, "too many search the audit trails at once")
		if err != nil {
			return postern.EventPage{}, err
		}
		defer leave()
	}
	return o.store().SearchEvents(ctx, f)
}

// readWords says what was read: from which record back, and of which.
func readWords(f postern.EventFilter, events []postern.Event) string {
	var said words
	if len(events) == 0 {
		said = append(said, "nothing found")
	} else {
		said = append(said, "from record "+strconv.FormatInt(events[0].Seq, 10)+" back")
	}
	if f.Action != "" {
		said = append(said, "of "+f.Action)
	}
	switch {
	case strings.Contains(f.ClientID, postern.SecretPrefix): // pasted into the wrong field
		said = append(said, "of client (a secret)")
	case f.ClientID != "":
		said = append(said, "of client "+f.ClientID)
	}
	if !f.Since.IsZero() {
		said = append(said, "since "+f.Since.UTC().Format(time.RFC3339))
	}
	if !f.Until.IsZero() {
		said = append(said, "until "+f.Until.UTC().Format(time.RFC3339))
	}
	return said.String()
}

// Who exports a trail reads page after page of it, and who follows it the newest again
// and again. That is one reading while less than a minute lies between, and is recorded
// when it begins and then once an hour: else there would be little else in the trail.
const (
	readPause = time.Minute
	readAgain = time.Hour
	maxReads  = 1000
)

// reads remembers what is being read, and by whom.
type reads struct {
	mu sync.Mutex
	at map[reading]*readTimes
}

// readTimes is when a reading was recorded, and when it last went on.
type readTimes struct{ told, last time.Time }

// reading is what one actor reads of a trail, whichever page of it.
type reading struct {
	actor  string
	filter postern.EventFilter
}

func readingOf(actor string, f postern.EventFilter) reading {
	f.Before, f.Limit, f.Since, f.Until = 0, 0, f.Since.UTC(), f.Until.UTC()
	return reading{actor, f}
}

// begins says whether a reading is to be recorded now.
func (r *reads) begins(key reading, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := r.at[key]; at != nil && now.Sub(at.last) < readPause && now.Sub(at.told) < readAgain {
		at.last = now
		return false
	}
	if r.at == nil || len(r.at) >= maxReads {
		r.at = map[reading]*readTimes{}
	}
	r.at[key] = &readTimes{now, now}
	return true
}

func (r *reads) forget(key reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.at, key)
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
		return postern.Chain{}, caused(causeForeign, postern.Errorf(postern.NotFound, "there is no audit chain of %q", postern.Shorten(tenant, 100)))
	}
	leave, err := o.r.verifies.enter(ctx, 0, "as many audit trails are being verified as may be at once")
	if err != nil {
		return postern.Chain{}, err
	}
	defer leave()
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
	if oldest := o.r.now().Add(-usageHours); q.Step == time.Hour && q.Since.Before(oldest) {
		if !q.Since.IsZero() && q.Since.Before(oldest.Add(-time.Hour)) { // it may have been said an hour ago
			return postern.Usage{}, invalid("since", "usage by the hour goes back %d days", usageHours/(24*time.Hour)).WithHint("ask for it by the day")
		}
		q.Since = oldest
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
