package issuer

import (
	"sync"
	"sync/atomic"
)

// cache keeps at most max values by key and forgets one that was not used lately
// when it is full (the clock algorithm: a read costs a read lock and one atomic
// store). A value read from the database before an invalidation can never be put
// after it: put takes the generation that the reader saw before it read.
type cache[V any] struct {
	max int
	gen atomic.Uint64

	mu    sync.RWMutex
	slots map[string]*slot[V]
	ring  []*slot[V]
	hand  int
}

type slot[V any] struct {
	key  string
	val  V
	used atomic.Bool
	pos  int
}

func newCache[V any](max int) *cache[V] {
	return &cache[V]{max: max, slots: map[string]*slot[V]{}}
}

// get gives the value of key.
func (c *cache[V]) get(key string) (V, bool) {
	c.mu.RLock()
	s, ok := c.slots[key]
	c.mu.RUnlock()
	if !ok {
		var zero V
		return zero, false
	}
	if !s.used.Load() {
		s.used.Store(true)
	}
	return s.val, true
}

// generation is to be read before the database is.
func (c *cache[V]) generation() uint64 { return c.gen.Load() }

// put keeps a value that was read from the database after gen was taken.
func (c *cache[V]) put(gen uint64, key string, val V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen.Load() != gen {
		return
	}
	if s, ok := c.slots[key]; ok {
		c.replace(s, key, val)
		return
	}
	if len(c.ring) < c.max {
		s := &slot[V]{key: key, val: val, pos: len(c.ring)}
		c.ring = append(c.ring, s)
		c.slots[key] = s
		return
	}
	for c.ring[c.hand].used.Swap(false) {
		c.hand = (c.hand + 1) % len(c.ring)
	}
	victim := c.ring[c.hand]
	delete(c.slots, victim.key)
	c.replace(victim, key, val)
	c.hand = (c.hand + 1) % len(c.ring)
}

// replace puts a new slot where old stood: readers may still hold the old one.
func (c *cache[V]) replace(old *slot[V], key string, val V) {
	s := &slot[V]{key: key, val: val, pos: old.pos}
	c.ring[s.pos] = s
	c.slots[key] = s
}

// drop forgets the keys that match, and everything that is being read now.
func (c *cache[V]) drop(match func(key string, val V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	for key, s := range c.slots {
		if match(key, s.val) {
			c.remove(key, s)
		}
	}
}

// dropKey forgets one key, and everything that is being read now.
func (c *cache[V]) dropKey(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	if s, ok := c.slots[key]; ok {
		c.remove(key, s)
	}
}

func (c *cache[V]) remove(key string, s *slot[V]) {
	last := c.ring[len(c.ring)-1]
	c.ring[s.pos], last.pos = last, s.pos
	c.ring[len(c.ring)-1] = nil // what is forgotten is not held
	c.ring = c.ring[:len(c.ring)-1]
	c.hand = 0
	delete(c.slots, key)
}

// clear forgets everything.
func (c *cache[V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	clear(c.slots)
	clear(c.ring)
	c.ring, c.hand = c.ring[:0], 0
}

func (c *cache[V]) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.slots)
}
