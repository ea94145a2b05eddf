package hr

import (
	"sync"
	"time"

	"postern.dev/postern"
)

// maxZones bounds the zones that are kept; the database of zones has some 600 names.
const maxZones = 1000

// zoneBook keeps the time zones of tenants, because reading one takes longer than the rest
// of the guard. They do not change while the program runs.
type zoneBook struct {
	mu     sync.RWMutex
	byName map[string]*time.Location
}

// get finds a zone by its name; the empty one is UTC.
func (z *zoneBook) get(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	z.mu.RLock()
	loc := z.byName[name]
	z.mu.RUnlock()
	if loc != nil {
		return loc, nil
	}
	loc, err := postern.ParseZone(name)
	if err != nil {
		return nil, err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.byName == nil || len(z.byName) >= maxZones {
		z.byName = map[string]*time.Location{}
	}
	z.byName[name] = loc
	return loc, nil
}
