package issuer

import (
	"context"
	"sync"
	"time"

	"postern.dev/postern"
)

const (
	maxBatch      = 256             // entries committed together
	maxQueue      = 8192            // entries waiting; beyond it requests are refused
	commitTimeout = 5 * time.Second // of one transaction
)

// journal commits the entries of concurrent requests together, so that each pays
// a share of one write to disk (group commit). Whatever arrives while one batch is
// written makes up the next.
type journal struct {
	store    Journal
	observe  func(entries int, took time.Duration)
	wake     chan struct{} // holds one token when the queue is not empty
	stopped  chan struct{}
	finished chan struct{}
	pendings sync.Pool // of *pending

	mu     sync.Mutex
	queue  []*pending
	closed bool
}

type pending struct {
	entry *postern.Entry
	done  chan error
}

func newJournal(store Journal, observe func(int, time.Duration)) *journal {
	j := &journal{store: store, observe: observe,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), finished: make(chan struct{})}
	j.pendings.New = func() any { return &pending{done: make(chan error, 1)} }
	go j.run()
	return j
}

// append returns when the entry is durable, or with the reason why it is not. A
// caller whose context ends leaves at once; its entry is still written.
func (j *journal) append(ctx context.Context, e *postern.Entry) error {
	p := j.pendings.Get().(*pending)
	p.entry = e
	if err := j.enqueue(p); err != nil {
		return err
	}
	select {
	case err := <-p.done:
		p.entry = nil
		j.pendings.Put(p)
		return err
	case <-ctx.Done():
		return &postern.Error{Code: postern.Unavailable, Msg: "the request was given up", Err: context.Cause(ctx)}
	}
}

func (j *journal) enqueue(p *pending) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return &postern.Error{Code: postern.Unavailable, Wait: time.Second,
			Msg: "the server is stopping", Cause: "journal closed"}
	}
	if len(j.queue) >= maxQueue {
		return &postern.Error{Code: postern.Unavailable, Wait: time.Second,
			Msg: "too many requests are waiting to be recorded", Cause: "journal queue full"}
	}
	j.queue = append(j.queue, p)
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return nil
}

func (j *journal) run() {
	defer close(j.finished)
	for {
		select {
		case <-j.wake:
			for j.commit() {
			}
		case <-j.stopped:
			for j.commit() {
			}
			return
		}
	}
}

// commit writes one batch and says whether there was one.
func (j *journal) commit() bool {
	j.mu.Lock()
	n := min(len(j.queue), maxBatch)
	batch := j.queue[:n:n]
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil
	}
	j.mu.Unlock()
	if n == 0 {
		return false
	}
	entries := make([]*postern.Entry, n)
	for i, p := range batch {
		entries[i] = p.entry
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	start := time.Now()
	err := j.store.Append(ctx, entries)
	cancel()
	j.observe(n, time.Since(start))
	for _, p := range batch {
		p.done <- err
	}
	return true
}

// close writes what is queued and stops. Later entries are refused.
func (j *journal) close() {
	j.mu.Lock()
	again := j.closed
	j.closed = true
	j.mu.Unlock()
	if !again {
		close(j.stopped)
	}
	<-j.finished
}
