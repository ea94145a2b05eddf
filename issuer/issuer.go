// Package issuer decides and issues: every rule of the authorization server that
// is not a way of writing it down. It proves clients and people, narrows scopes,
// signs tokens, answers the live one again where a dialect has it so, verifies,
// introspects and revokes, and records all of it.
//
// The path of a token does one signature at most, no password hash for a generated
// secret, no read from the database for a warm client, and no write of its own:
// what must be durable rides in the audit record's commit, which concurrent
// requests share.
package issuer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// Config is what an issuer needs. Store parts, Box, URL and Profiles are required;
// every other zero value is a default.
type Config struct {
	Registry Registry
	Journal  Journal
	Revoker  Revoker
	KeyStore KeyStore
	Feed     Feed
	Box      *seal.Box

	// URL is the issuer identifier (RFC 8414 section 2), without a slash at the end. It
	// is also the default resource that tokens are made out to.
	URL      string
	Profiles []postern.Profile
	// Resources are the APIs every tenant may name beside those it registered.
	Resources []postern.Resource
	// Lenient are URLs of Resources whose clients ask for every scope that is published
	// for them. A request for no other resource is given what its client has of those.
	Lenient []string

	Limits    Limits
	KeyPolicy KeyPolicy
	// CacheSize is how many clients, users and live tokens are remembered, each;
	// default 20 000. A client takes about 1 KiB.
	CacheSize int
	// FollowEvery is how often the feed is read; default 200 ms. A change is seen
	// within it, sooner where the database can wake us.
	FollowEvery time.Duration

	Now      func() time.Time                      // default time.Now
	Log      *slog.Logger                          // default discards
	OnEvent  func(postern.Event)                   // after it is durable; for metrics
	OnCommit func(entries int, took time.Duration) // for metrics
}

// Issuer implements postern.Issuer and postern.KeySet. Make one with New and end
// it with Close.
type Issuer struct {
	cfg      Config
	now      func() time.Time
	log      *slog.Logger
	profiles map[string]*postern.Profile
	limits   Limits

	hasher    *Hasher
	passwords *Passwords
	keys      Keys
	rings     keyrings
	journal   *journal
	known     *known
	revoked   *revokedSet
	verified  *cache[verified] // by the hash of the token

	bySource *buckets
	byClient *buckets
	asked    *windows
	near     *nearLocks

	followed atomic.Int64 // unix milliseconds of the last time the feed was read
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// New opens the keys, making them on a first start, reads what is revoked and
// begins to follow changes. It fails with Unavailable when the database does not
// answer or the master key is another one.
func New(ctx context.Context, cfg Config) (*Issuer, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = 20_000
	}
	if cfg.FollowEvery == 0 {
		cfg.FollowEvery = 200 * time.Millisecond
	}
	if cfg.OnEvent == nil {
		cfg.OnEvent = func(postern.Event) {}
	}
	if cfg.OnCommit == nil {
		cfg.OnCommit = func(int, time.Duration) {}
	}
	s := &Issuer{
		cfg: cfg, now: cfg.Now, log: cfg.Log, limits: cfg.Limits.orDefault(),
		profiles: make(map[string]*postern.Profile, len(cfg.Profiles)),
		hasher:   NewHasher(cfg.Box), passwords: NewPasswords(cfg.Box),
		keys:  Keys{Store: cfg.KeyStore, Box: cfg.Box, Now: cfg.Now, Policy: cfg.KeyPolicy},
		rings: keyrings{box: cfg.Box, now: cfg.Now},
		known: newKnown(cfg.Registry, cfg.KeyStore, cfg.CacheSize),
		asked: newWindows(), near: newNearLocks(),
	}
	for i := range cfg.Profiles {
		s.profiles[cfg.Profiles[i].Dialect] = &cfg.Profiles[i]
	}
	s.bySource = newBuckets(s.limits.FailuresPerSource, time.Second)
	s.byClient = newBuckets(s.limits.FailuresPerClient, 6*time.Second)
	s.revoked = newRevokedSet(cfg.Revoker)
	s.verified = newCache[verified](min(maxVerified, cfg.CacheSize))
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// start reads the feed's position before anything else, so that no change made
// meanwhile is missed.
func (s *Issuer) start(ctx context.Context) error {
	_, seq, err := s.cfg.Feed.Changes(ctx, -1, 0)
	if err != nil {
		return err
	}
	// Before a key is made: with another master key none must be.
	if err := s.reloadKeys(ctx); err != nil {
		return err
	}
	if err := s.keys.Ensure(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.reloadKeys(ctx), s.revoked.load(ctx, s.now())); err != nil {
		return err
	}
	s.followed.Store(s.now().UnixMilli())
	s.journal = newJournal(s.cfg.Journal, s.cfg.OnCommit)
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.done.Go(func() { s.follow(run, seq) })
	s.done.Go(func() { s.maintain(run) })
	return nil
}

// Close writes what is queued and stops what runs in the background. Requests
// after it are refused as Unavailable.
func (s *Issuer) Close() {
	s.journal.close()
	s.stop()
	s.done.Wait()
}

// Ready fails with Unavailable when this node no longer hears of changes, because
// it would then accept what others have revoked.
func (s *Issuer) Ready() error {
	if age := s.now().UnixMilli() - s.followed.Load(); age > 5_000 {
		return &postern.Error{Code: postern.Unavailable, Msg: "the database does not answer", Wait: time.Second,
			Cause: "change feed is stale"}
	}
	return nil
}

// PublicKeys implements postern.KeySet. It answers from memory.
func (s *Issuer) PublicKeys() []postern.Key { return s.rings.public(s.now()) }

// Sizes gives how many entries each cache holds, for metrics.
func (s *Issuer) Sizes() map[string]int {
	return map[string]int{"clients": s.known.clients.len(), "tenants": s.known.tenants.len(),
		"users": s.known.users.len(), "live_tokens": s.known.live.len(), "revocations": s.revoked.len(),
		"verified_tokens": s.verified.len()}
}

func (s *Issuer) reloadKeys(ctx context.Context) error {
	keys, err := s.cfg.KeyStore.Keys(ctx)
	if err != nil {
		return err
	}
	err = s.rings.set(keys)
	s.verified.clear() // one of them may be gone
	return err
}

func (s *Issuer) maintain(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.keys.Maintain(ctx); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "keys are not maintained", slog.Any("err", err))
		}
		s.revoked.forget(s.now())
	}
}

// defaultAudience is what a token is made out to when nothing else is said.
func (s *Issuer) defaultAudience(p *postern.Profile) []string {
	if p.Audience != "" {
		return []string{p.Audience}
	}
	return []string{s.cfg.URL}
}

// alg is what the client's tokens are signed with in this format.
func alg(c *postern.Client, p *postern.Profile) postern.Alg {
	if slices.Contains(p.Algs, c.Alg) {
		return c.Alg
	}
	return p.Algs[0]
}
