package mcptool

import (
	"sync"
	"time"
)

// Bounds of what callers may ask over HTTP.
const (
	// DefaultPerMinute is how many messages one client may send in a minute: all of them
	// at once, and one more for each that time has forgiven.
	DefaultPerMinute = 600

	maxPaced = 10_000 // clients that are remembered
)

// pace counts the messages of clients. A client's bucket holds a minute's worth, and
// loses one again and again. It is safe for concurrent use.
type pace struct {
	every time.Duration // loses one

	mu   sync.Mutex
	full map[string]time.Time // by client: when its bucket is empty again
}

// newPace makes a pace of so many messages a minute; negative bounds nothing.
func newPace(perMinute int) *pace {
	if perMinute == 0 {
		perMinute = DefaultPerMinute
	}
	return &pace{every: time.Minute / time.Duration(perMinute), full: map[string]time.Time{}}
}

// take counts one message, or says how long to wait.
func (p *pace) take(client string, now time.Time) (wait time.Duration) {
	if p.every < 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	empty, known := p.full[client]
	if !known && len(p.full) >= maxPaced {
		p.forget(now)
	}
	if empty.Before(now) {
		empty = now
	}
	if over := empty.Add(p.every).Sub(now) - time.Minute; over > 0 {
		return over
	}
	p.full[client] = empty.Add(p.every)
	return 0
}

// forget makes room: for whoever is quiet, and if nobody is, for half of all.
func (p *pace) forget(now time.Time) {
	for client, empty := range p.full {
		if !empty.After(now) || len(p.full) > maxPaced/2 {
			delete(p.full, client)
		}
	}
}
