package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
)

// ledger is a visitStore that can be slow or broken.
type ledger struct {
	mu      sync.Mutex
	batches []int
	err     error
	gate    chan struct{}
}

func (l *ledger) AddVisits(ctx context.Context, visits []postern.Visit) error {
	if l.gate != nil {
		select {
		case <-l.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches = append(l.batches, len(visits))
	return l.err
}

// sizes gives how many visits were in each batch.
func (l *ledger) sizes() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.batches)
}

func TestVisitsAreWrittenTogetherAndAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		v := newVisits(l, slog.New(slog.DiscardHandler))
		for range 3 {
			v.add(postern.Visit{})
		}
		synctest.Wait()
		if got := l.sizes(); len(got) != 0 {
			t.Errorf("written at once: %v", got)
		}
		time.Sleep(visitEvery) // virtual
		synctest.Wait()
		if got := l.sizes(); !slices.Equal(got, []int{3}) {
			t.Errorf("after %v: got %v, want one batch of 3", visitEvery, got)
		}
		for range visitBatch + 2 {
			v.add(postern.Visit{})
		}
		v.close()
		if got := l.sizes(); !slices.Equal(got, []int{3, visitBatch, 2}) {
			t.Errorf("at the end: got %v, want %d and 2 more", got, visitBatch)
		}
	})
}

func TestACallNeverWaitsForTheRequestLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{gate: make(chan struct{})}
		v := newVisits(l, slog.New(slog.DiscardHandler))
		v.add(postern.Visit{})
		time.Sleep(visitEvery) // virtual
		synctest.Wait()        // it is being written now, and hangs
		for range visitRoom + 7 {
			v.add(postern.Visit{})
		}
		if got := v.lost.Load(); got != 7 {
			t.Errorf("got %d lost, want 7", got)
		}
		close(l.gate)
		v.close()
		if got := v.lost.Load(); got != 7 {
			t.Errorf("got %d lost, want 7", got)
		}
	})
}

func TestVisitsThatCannotBeWrittenAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVisits(&ledger{err: errors.New("no")}, slog.New(slog.DiscardHandler))
		v.add(postern.Visit{})
		v.close()
		if got := v.lost.Load(); got != 1 {
			t.Errorf("got %d lost, want 1", got)
		}
	})
}
