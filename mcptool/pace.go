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

	// atOnce is how many messages of one client are answered at a time, endless ones
	// included: each may hold an answer of some megabytes.
	atOnce = 32

	maxPaced = 10_000 // clients that are remembered
)

// pace counts the messages of clients. A client's bucket holds a minute's worth, and
// loses one again and again. It is safe for concurrent use.
type pace struct {
	every time.Duration // loses one

	mu   sync.Mutex
	full map[string]time.Time // by client: when its bucket is empty again
	busy map[string]int       // by client: messages that are being answered
}

// newPace makes a pace of so many messages a minute; negative bounds nothing.
func newPace(perMinute int) *pace {
	if perMinute == 0 {
		perMinute = DefaultPerMinute
	}
	return &pace{every: time.Minute / time.Duration(perMinute), full: map[string]time.Time{}, busy: map[string]int{}}
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

// begin takes one of a client's places, unless all are taken. Whoever has one calls end.
func (p *pace) begin(client string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[client] >= atOnce {
		return false
	}
	p.busy[client]++
	return true
}

func (p *pace) end(client string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[client]--; p.busy[client] <= 0 {
		delete(p.busy, client)
	}
}

// forget makes room: for whoever is quiet, and if nobody is, for half of all.
func (p *pace) forget(now time.Time) {
	for client, empty := range p.full {
		if !empty.After(now) || len(p.full) > maxPaced/2 {
			delete(p.full, client)
		}
	}
}
