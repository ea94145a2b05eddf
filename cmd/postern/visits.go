package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// Bounds of the request log on its way to the database.
const (
	visitRoom  = 4096 // that wait to be written
	visitBatch = 500  // written together
	visitEvery = 200 * time.Millisecond
)

// visitStore keeps visits; the database does.
type visitStore interface {
	AddVisits(ctx context.Context, visits []postern.Visit) error
}

// visits writes the request log behind the back of the calls it is about: a call never
// waits for it. It is owned by the house, from newVisits to close.
type visits struct {
	store   visitStore
	log     *slog.Logger
	queue   chan postern.Visit
	lost    atomic.Uint64
	closing chan struct{}
	done    sync.WaitGroup
}

func newVisits(store visitStore, log *slog.Logger) *visits {
	v := &visits{store: store, log: log, queue: make(chan postern.Visit, visitRoom), closing: make(chan struct{})}
	v.done.Go(v.run)
	return v
}

// add takes a visit, or drops it when too many wait.
func (v *visits) add(visit postern.Visit) {
	select {
	case v.queue <- visit:
	default:
		v.lost.Add(1)
	}
}

// close writes what waits and ends. Nothing may be added afterwards.
func (v *visits) close() {
	close(v.closing)
	v.done.Wait()
}

func (v *visits) run() {
	tick := time.NewTicker(visitEvery)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-v.closing:
			last = true
		}
		for v.write() {
		}
	}
}

// write takes one batch off the queue, and says whether it was full.
func (v *visits) write() bool {
	var batch []postern.Visit
	for len(batch) < visitBatch {
		select {
		case visit := <-v.queue:
			batch = append(batch, visit)
			continue
		default:
		}
		break
	}
	if len(batch) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := v.store.AddVisits(ctx, batch); err != nil {
		v.lost.Add(uint64(len(batch)))
		v.log.LogAttrs(ctx, slog.LevelWarn, "calls are missing in the request log", slog.Int("calls", len(batch)), slog.Any("err", err))
		return false
	}
	return len(batch) == visitBatch
}
