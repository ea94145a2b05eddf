package issuer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strconv"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// CountMACs counts the MACs of secrets that s computes from now on. Nothing may be
// under way.
func CountMACs(s *Issuer) *atomic.Int64 {
	n := new(atomic.Int64)
	h := &Hasher{pepper: s.hasher.pepper}
	h.macs.New = func() any { return countedHash{hmac.New(sha256.New, h.pepper), n} }
	s.hasher = h
	return n
}

type countedHash struct {
	hash.Hash
	n *atomic.Int64
}

func (c countedHash) Sum(b []byte) []byte {
	c.n.Add(1)
	return c.Hash.Sum(b)
}

// Compared gives how many stored secrets a secret for this client is compared with.
func Compared(ctx context.Context, s *Issuer, id string) int {
	c, err := s.known.client(ctx, id)
	if err != nil {
		c = unknownClient
	}
	return len(c.secrets)
}

// TakeTurns takes every turn at checking passwords until release is called.
func TakeTurns(s *Issuer) (release func()) {
	for range cap(s.passwords.turns) {
		s.passwords.turns <- struct{}{}
	}
	return func() {
		for range cap(s.passwords.turns) {
			<-s.passwords.turns
		}
	}
}

// SetDummy replaces the hash that is computed for nobody.
func SetDummy(s *Issuer, stored string) { s.passwords.dummy = stored }

// Lockout and the lock-out policies.
var (
	Lockout = lockout
	FarLock = farLock
)

// Lock-out policy.
const (
	NearFree, NearUnit, NearMost = nearFree, nearUnit, nearMost
	FarFree, FarUnit, FarMost    = farFree, farUnit, farMost
	HardStop                     = hardStop
	MaxBuckets                   = maxBuckets
)

// NearLocks gives how many accounts seen from a network are counted.
func NearLocks(s *Issuer) int {
	s.near.mu.Lock()
	defer s.near.mu.Unlock()
	return len(s.near.m)
}

// Enqueue puts an entry in the queue of the journal without waiting for it.
func Enqueue(s *Issuer, e *postern.Entry) error {
	return s.journal.enqueue(&pending{entry: e, done: make(chan error, 1)})
}

// The bounds of the journal.
const (
	MaxBatch      = maxBatch
	MaxQueue      = maxQueue
	CommitTimeout = commitTimeout
	MaxHold       = maxHold
	Crowd         = crowd
)

// OnItsWay begins a request that never has an entry, until release is called.
func OnItsWay(s *Issuer) (release func()) {
	s.journal.begin()
	return s.journal.end
}

// SizesAfter counts n keys in one of each bounded map and gives how many it holds.
func SizesAfter(n int, now time.Time) map[string]int {
	b, w, l := newBuckets(10, time.Second), newWindows(), newNearLocks()
	for i := range n {
		key := strconv.Itoa(i)
		b.add(key, now)
		w.add(key, 1, now)
		l.fail(key, now)
	}
	return map[string]int{"buckets": len(b.m), "windows": len(w.m), "near locks": len(l.m)}
}

// MaxRevoked bounds the revocations in memory.
const MaxRevoked = maxRevoked

// FillRevoked fills the memory of revocations.
func FillRevoked(s *Issuer, until time.Time) {
	for i := range maxRevoked {
		s.revoked.add(strconv.Itoa(i), until)
	}
}

// Forget does what happens every minute.
func Forget(s *Issuer, now time.Time) { s.revoked.forget(now) }

// Cache is a cache as tests use it.
type Cache = cache[int]

// NewCache makes one.
func NewCache(max int) *Cache { return newCache[int](max) }

// Get, Put, Generation, Drop, DropKey, Clear and Len are those of the cache.
func (c *cache[V]) Get(key string) (V, bool)              { return c.get(key) }
func (c *cache[V]) Put(gen uint64, key string, val V)     { c.put(gen, key, val) }
func (c *cache[V]) Generation() uint64                    { return c.generation() }
func (c *cache[V]) Drop(match func(key string, v V) bool) { c.drop(match) }
func (c *cache[V]) DropKey(key string)                    { c.dropKey(key) }
func (c *cache[V]) Clear()                                { c.clear() }
func (c *cache[V]) Len() int                              { return c.len() }

// Sound says what is wrong with the cache's inside, "" when nothing is.
func (c *cache[V]) Sound() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ring) != len(c.slots) || len(c.ring) > c.max {
		return "ring and slots differ in size, or are too many"
	}
	if len(c.ring) > 0 && c.hand >= len(c.ring) {
		return "the hand points beyond the ring"
	}
	for i, s := range c.ring {
		if s.pos != i || c.slots[s.key] != s {
			return "a slot is not where it says"
		}
	}
	for _, s := range c.ring[len(c.ring):cap(c.ring)] {
		if s != nil {
			return "a forgotten value is still held"
		}
	}
	return ""
}
