package broker

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"postern.dev/postern"
)

// shelf is a keeper's place in the store, during one flight. A store that fails once
// is not asked again in that flight: the token matters more.
type shelf struct {
	k       *keeper
	p       proof
	key     string // "" when there is no store, or it failed
	owner   string // of the lease, "" while there is none
	relax   func() // ends the prolonging of the lease
	version int64  // of the row that was read
	// found is what the row holds if it lives and nobody refused it.
	found *held
}

const (
	// storeTimeout bounds each thing that is asked of the store.
	storeTimeout = 2 * time.Second
	// afterTimeout bounds what is left to do with it once the callers are served.
	afterTimeout = 5 * time.Second
	// lookAgain is how often a row is read that another process is about to write; it
	// grows to lookSeldom.
	lookAgain  = 20 * time.Millisecond
	lookSeldom = 250 * time.Millisecond
	// leaseFor is how long others wait for a process that died. One that lives prolongs
	// its lease every leaseBeat.
	leaseFor  = 10 * time.Second
	leaseBeat = 3 * time.Second
)

func (k *keeper) shelf(p proof) *shelf {
	s := &shelf{k: k, p: p}
	if k.b.store != nil {
		mac := hmac.New(sha256.New, k.b.box.Derive("postern upstream token v1", 32))
		mac.Write(p.sum[:])
		s.key = hex.EncodeToString(mac.Sum(nil)[:16])
	}
	return s
}

// lost gives the store up for this flight.
func (s *shelf) lost(err error) {
	s.key = ""
	s.k.b.tell(Happening{Upstream: s.k.up.Name, Kind: StoreLost, Err: err})
}

// ready gives the token of another process if it is as good as a new one.
func (s *shelf) ready(ctx context.Context, f *flight) *held {
	if s.key == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	s.found, s.version = nil, 0
	row, err := s.k.b.store.UpstreamToken(ctx, s.key)
	switch {
	case postern.CodeOf(err) == postern.NotFound:
		return nil
	case err != nil:
		s.lost(err)
		return nil
	}
	s.version = row.Version
	h := s.open(row)
	if h == nil || s.k.wasDropped(h.token.Value) {
		return nil
	}
	s.found = h
	now := s.k.b.clock()
	if h.dies-now <= max(f.goodFor, marginOf(h.life, &s.k.up)) {
		return nil // it would have to be renewed at once
	}
	if f.old != nil && h.token.Value.Reveal() == f.old.token.Value.Reveal() {
		return nil
	}
	s.k.b.tell(Happening{Upstream: s.k.up.Name, Kind: Shared, ExpiresAt: h.token.ExpiresAt, Token: fingerprint(h.token)})
	return h
}

// take makes this process the one that asks. While another is, it looks whether that
// one is done.
func (s *shelf) take(ctx context.Context, f *flight) *held {
	pause := lookAgain
	for s.key != "" {
		got, err := s.lease(ctx)
		if err != nil {
			s.lost(err)
			return nil
		}
		// Who has the lease looks again: another may have been faster.
		if h := s.ready(ctx, f); h != nil || got {
			return h
		}
		if !sleep(ctx, pause) {
			return nil
		}
		pause = min(2*pause, lookSeldom)
	}
	return nil
}

func (s *shelf) lease(ctx context.Context) (bool, error) {
	b := s.k.b
	owner := b.owner + "-" + strconv.FormatInt(b.leases.Add(1), 36)
	got, err := s.prolong(ctx, s.key, owner)
	if !got {
		return false, err
	}
	s.owner = owner
	held, relax := context.WithCancel(b.life)
	s.relax = relax
	key := s.key
	b.wg.Go(func() {
		for sleep(held, leaseBeat) {
			_, _ = s.prolong(held, key, owner) // or it ends, and another asks as well
		}
	})
	return true, nil
}

func (s *shelf) prolong(ctx context.Context, key, owner string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	now := s.k.b.now()
	return s.k.b.store.LeaseUpstream(ctx, key, owner, now, now.Add(leaseFor))
}

// rest is what another process left, if it serves this flight until something better
// can be had.
func (s *shelf) rest(f *flight) *held {
	h := s.found
	if h == nil || f.old != nil && f.old.dies >= h.dies {
		return nil
	}
	now := s.k.b.clock()
	if h.dies-now <= f.goodFor {
		return nil
	}
	h.tryAt.Store(int64(min(now+shortestPause, h.dies)))
	return h
}

// save keeps h for others. The callers have it already.
func (s *shelf) save(h *held) {
	if s.key == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.k.b.life), afterTimeout)
	defer cancel()
	err := s.k.b.store.SaveUpstreamToken(ctx, postern.UpstreamToken{
		Key: s.key, Upstream: s.k.up.Name, Version: s.version + 1, Sealed: s.seal(h), ExpiresAt: h.token.ExpiresAt,
	})
	if err != nil && postern.CodeOf(err) != postern.Conflict { // then another's is newer
		s.k.b.tell(Happening{Upstream: s.k.up.Name, Kind: StoreLost, Err: err})
	}
}

// free ends the lease.
func (s *shelf) free() {
	if s.owner == "" {
		return
	}
	s.relax()
	if s.key == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.k.b.life), afterTimeout)
	defer cancel()
	if err := s.k.b.store.FreeUpstream(ctx, s.key, s.owner); err != nil {
		s.k.b.tell(Happening{Upstream: s.k.up.Name, Kind: StoreLost, Err: err})
	}
}

// record is what is sealed: a token, and by whose clock its times are.
type record struct {
	V        int      `json:"v"`
	Token    string   `json:"token"`
	Scope    []string `json:"scope,omitempty"`
	ID       string   `json:"id,omitempty"`
	IssuedAt int64    `json:"issued_at"` // milliseconds since 1970, by the clock of Node
	Life     int64    `json:"life"`      // milliseconds
	Skew     int64    `json:"skew"`      // how far the server's clock was ahead of Node's, in milliseconds
	Node     string   `json:"node"`
	Spare    bool     `json:"spare,omitempty"`
}

const recordVersion = 1

func (s *shelf) seal(h *held) string {
	s.k.mu.Lock()
	skew := s.k.skew
	s.k.mu.Unlock()
	plain, _ := json.Marshal(record{ // of text and numbers, which cannot fail
		V: recordVersion, Token: h.token.Value.Reveal(), Scope: h.token.Scope, ID: h.token.ID,
		IssuedAt: h.token.IssuedAt.UnixMilli(), Life: h.life.Milliseconds(), Skew: skew.Milliseconds(),
		Node: s.k.b.node, Spare: h.spare,
	})
	return s.k.b.box.Seal("upstream/"+s.key, plain)
}

// open reads a row; nil means that it is of no use: damaged, sealed with another key,
// of another version, over, or from a time that is still to come.
func (s *shelf) open(row postern.UpstreamToken) *held {
	plain, err := s.k.b.box.Open("upstream/"+s.key, row.Sealed)
	if err != nil {
		return nil
	}
	var r record
	if json.Unmarshal(plain, &r) != nil || r.V != recordVersion || r.Token == "" {
		return nil
	}
	life := time.Duration(r.Life) * time.Millisecond
	if r.Life <= 0 || r.Life > longestLife.Milliseconds() {
		return nil
	}
	issued := time.UnixMilli(r.IssuedAt)
	if r.Node != s.k.b.node { // another machine's clock: by way of the server's
		s.k.mu.Lock()
		issued = issued.Add(time.Duration(r.Skew)*time.Millisecond - s.k.skew)
		s.k.mu.Unlock()
	}
	now := s.k.b.now()
	age := now.Sub(issued)
	if age < -time.Minute || age >= life { // one of the clocks jumped, or it is over
		return nil
	}
	age = max(age, 0)
	mono := s.k.b.clock()
	h := &held{
		token: postern.Token{Value: postern.NewSecret(r.Token), Type: "Bearer", ID: r.ID, Scope: postern.NewScopes(r.Scope...),
			IssuedAt: issued, ExpiresAt: issued.Add(life), ExpiresIn: life - age},
		proof: s.p.sum, life: life, dies: mono + life - age, spare: r.Spare,
	}
	h.tryAt.Store(int64(max(mono, mono-age+renewalOf(life, &s.k.up, s.k.b.dice()))))
	return h
}
