package mcptool

import "time"

// Pace is pace, for tests.
type Pace struct{ p *pace }

// NewPace is newPace.
func NewPace(perMinute int) Pace { return Pace{newPace(perMinute)} }

// Take is take.
func (p Pace) Take(client string, now time.Time) time.Duration { return p.p.take(client, now) }

// Known says how many clients are remembered.
func (p Pace) Known() int { return len(p.p.full) }

// ReadMessage gives what a message is read as: its method, its name and what is
// executed.
func ReadMessage(raw []byte) (method, name string, progress bool, body []byte, err error) {
	m, err := readMessage(raw)
	return m.method, m.name, m.progress, m.body, err
}
