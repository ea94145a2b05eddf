package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
)

// registry counts how often it is asked.
type registry struct {
	mu    sync.Mutex
	asked int
	zone  string
	err   error
}

func (r *registry) Tenant(_ context.Context, id string) (postern.Tenant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	return postern.Tenant{ID: id, Zone: r.zone}, r.err
}

func (r *registry) Sandbox(_ context.Context, id string) (postern.Sandbox, error) {
	return postern.Sandbox{Tenant: id}, nil
}

func TestATenantIsReadOnceInHalfASecondAndAChangeIsSeenAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &registry{}
		known := newTenants(r, time.Now)
		zone := func() string {
			got, err := known.Tenant(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			return got.Zone
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { zone() })
		}
		all.Wait()
		if r.asked != 1 {
			t.Errorf("fifty callers asked the database %d times, want once", r.asked)
		}
		r.zone = "Europe/Berlin"
		time.Sleep(tenantFresh - time.Millisecond) // virtual
		if got := zone(); got != "" {
			t.Errorf("got %q before its time", got)
		}
		time.Sleep(time.Millisecond) // virtual
		if got := zone(); got != "Europe/Berlin" {
			t.Errorf("after %v: got %q", tenantFresh, got)
		}
	})
}

func TestAnAbsentTenantIsRememberedAndAFailureIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &registry{err: postern.Errorf(postern.NotFound, "no")}
		known := newTenants(r, time.Now)
		for range 3 {
			if _, err := known.Tenant(t.Context(), "x"); postern.CodeOf(err) != postern.NotFound {
				t.Errorf("got %v, want not found", err)
			}
		}
		if r.asked != 1 {
			t.Errorf("asked %d times, want once", r.asked)
		}
		time.Sleep(tenantFresh) // virtual
		r.err = errors.New("down")
		if _, err := known.Tenant(t.Context(), "x"); postern.CodeOf(err) != postern.Internal {
			t.Errorf("got %v, want what went wrong", err)
		}
		r.err = nil
		if _, err := known.Tenant(t.Context(), "x"); err != nil {
			t.Errorf("got %v once the database answers", err)
		}
	})
}

func TestWhatIsRememberedOfTenantsIsBounded(t *testing.T) {
	t.Parallel()
	known := newTenants(&registry{}, time.Now)
	for i := range tenantRoom + 5 {
		if _, err := known.Tenant(t.Context(), newGUID()+string(rune('a'+i%26))); err != nil {
			t.Fatal(err)
		}
	}
	if len(known.known) > tenantRoom {
		t.Errorf("got %d, want %d at most", len(known.known), tenantRoom)
	}
}
