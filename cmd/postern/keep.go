package main

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// How often a node says that it serves, and counts what it and others did.
const (
	beatEvery  = 15 * time.Second
	tallyEvery = 3 * time.Second
	// tallyRest is how many times as long as counting took it waits when there is more, so
	// that a long trail is counted behind the back of the tokens.
	tallyRest  = 19
	tallyPause = 10 * time.Millisecond // at least
	// keepLast bounds the last word of a node that stops.
	keepLast = time.Second
)

// keepStore is where a node is known and tokens are counted; the database does.
type keepStore interface {
	Beat(ctx context.Context, n postern.Node) error
	LeaveNode(ctx context.Context, name string, startedAt time.Time) error
	Tally(ctx context.Context, now time.Time) (more bool, err error)
}

// keeper does what a node does beside serving: it says that it is there, and counts the
// audit trails. The house owns it; run ends with its context.
type keeper struct {
	store keepStore
	log   *slog.Logger
	now   func() time.Time
	node  postern.Node
	// counted is when there was nothing left to be counted the last time, in milliseconds.
	counted atomic.Int64
}

func newKeeper(store keepStore, log *slog.Logger, now func() time.Time, node postern.Node) *keeper {
	k := &keeper{store: store, log: log, now: now, node: node}
	k.node.StartedAt = now()
	k.counted.Store(k.node.StartedAt.UnixMilli())
	return k
}

// nodeName is what a process is called that listens on an address of this host.
func nodeName(listen string) string {
	host, err := os.Hostname()
	if err != nil {
		return listen // it is the only one then that is known
	}
	return host + " " + listen
}

// run keeps until ctx ends, and then says that the node is gone.
func (k *keeper) run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { k.beat(ctx) })
	both.Go(func() { k.tally(ctx) })
	both.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepLast)
	defer cancel()
	_ = k.store.LeaveNode(last, k.node.Name, k.node.StartedAt) // the database may be why it stops
}

func (k *keeper) beat(ctx context.Context) {
	var trouble troubled
	for {
		k.node.SeenAt = k.now()
		trouble.tell(ctx, k.log, "the other nodes are not told that this one serves", k.store.Beat(ctx, k.node))
		if !pause(ctx, beatEvery) {
			return
		}
	}
}

func (k *keeper) tally(ctx context.Context) {
	var trouble troubled
	for {
		begun, now := time.Now(), k.now()
		more, err := k.store.Tally(ctx, now)
		trouble.tell(ctx, k.log, "tokens are not counted", err)
		wait := tallyEvery
		switch {
		case err == nil && more:
			wait = min(max(tallyPause, tallyRest*time.Since(begun)), tallyEvery)
		case err == nil:
			k.counted.Store(now.UnixMilli())
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// behind is for how many seconds there was always more to be counted.
func (k *keeper) behind() float64 {
	return max(0, k.now().Sub(time.UnixMilli(k.counted.Load())).Seconds())
}

// troubled tells of the first of several failures in a row, and of the end of them.
type troubled struct{ now bool }

func (t *troubled) tell(ctx context.Context, log *slog.Logger, what string, err error) {
	switch {
	case err != nil && ctx.Err() != nil: // it stops
	case err != nil && !t.now:
		t.now = true
		log.LogAttrs(ctx, slog.LevelWarn, what, slog.Any("err", err))
	case err == nil && t.now:
		t.now = false
		log.LogAttrs(ctx, slog.LevelInfo, what+": over")
	}
}

// pause waits, and says whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
