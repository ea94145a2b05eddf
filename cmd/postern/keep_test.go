package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

// register is a keepStore that remembers what it was told.
type register struct {
	mu      sync.Mutex
	beats   []postern.Node
	left    []string
	tallies []time.Time
	parts   int           // how often there is more
	takes   time.Duration // a part
	err     error
}

func (r *register) Beat(_ context.Context, n postern.Node) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beats = append(r.beats, n)
	return r.err
}

func (r *register) LeaveNode(ctx context.Context, name string, startedAt time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil {
		r.left = append(r.left, name+" since "+startedAt.Format(time.TimeOnly))
	}
	return nil
}

func (r *register) Tally(ctx context.Context, now time.Time) (bool, error) {
	if !pause(ctx, r.takes) {
		return false, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tallies = append(r.tallies, now)
	if r.err != nil {
		return false, r.err
	}
	r.parts--
	return r.parts >= 0, nil
}

// keeping runs a keeper for some time and gives what it logged.
func keeping(t *testing.T, r *register, lasts time.Duration, during func(k *keeper)) string {
	t.Helper()
	var log bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	k := newKeeper(r, slog.New(slog.NewTextHandler(&log, nil)), time.Now, postern.Node{Name: "here", URL: "https://x", Version: "v1"})
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.run(ctx)
	}()
	if during != nil {
		during(k)
	}
	<-done
	return log.String()
}

func TestANodeSaysThatItServesAndThatItStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, r := time.Now(), &register{}
		log := keeping(t, r, 31*time.Second, nil)
		var want []postern.Node
		for _, after := range []time.Duration{0, 15, 30} {
			want = append(want, postern.Node{Name: "here", URL: "https://x", Version: "v1", StartedAt: start, SeenAt: start.Add(after * time.Second)})
		}
		if d := cmp.Diff(want, r.beats); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"here since " + start.Format(time.TimeOnly)}, r.left); d != "" || log != "" {
			t.Error(d, log)
		}
	})
}

func TestCountingRestsBetweenPartsAndComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, r := time.Now(), &register{parts: 3, takes: 10 * time.Millisecond}
		keeping(t, r, 5*time.Second, func(k *keeper) {
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			if got := k.behind(); got != 0.9 { // it began the last part after three of 200 ms
				t.Errorf("it is behind by %v s", got)
			}
		})
		var got []time.Duration
		for _, at := range r.tallies {
			got = append(got, at.Sub(start).Round(time.Millisecond))
		}
		want := []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond, 3610 * time.Millisecond}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestCountingThatFailsIsToldOnceAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &register{err: errors.New("marker")}
		log := keeping(t, r, 20*time.Second, func(k *keeper) {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if got := k.behind(); got != 10 {
				t.Errorf("it is behind by %v s, want 10", got)
			}
			r.mu.Lock()
			r.err = nil
			r.mu.Unlock()
		})
		if n := strings.Count(log, "tokens are not counted\""); n != 1 {
			t.Errorf("told %d times:\n%s", n, log)
		}
		if !strings.Contains(log, "marker") || !strings.Contains(log, "tokens are not counted: over") || len(r.tallies) < 5 {
			t.Errorf("after %d tries:\n%s", len(r.tallies), log)
		}
	})
}
