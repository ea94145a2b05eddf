package issuer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

const (
	maxBatch      = 256             // entries committed together
	maxQueue      = 8192            // entries waiting; beyond it requests are refused
	commitTimeout = 5 * time.Second // of one transaction
	maxHold       = 3 * time.Millisecond
	crowd         = 8 // requests at once from which on those just answered are waited for
)

// journal commits the entries of concurrent requests together, so that each pays
// a share of one write to disk (group commit). Whatever arrives while one batch is
// written makes up the next; and a batch is held, for maxHold at most, while
// requests are on their way that will have an entry too, or while a crowd that was
// there a moment ago comes back. A request that is alone waits for nobody.
type journal struct {
	store    Journal
	observe  func(entries int, took time.Duration)
	asking   atomic.Int64  // requests that will have an entry, until they are answered
	wake     chan struct{} // holds one token when the queue is worth a look
	stopped  chan struct{}
	finished chan struct{}
	pendings sync.Pool // of *pending

	mu      sync.Mutex
	queue   []*pending
	writing int // entries taken from the queue and not answered yet
	recent  int // requests there were at once when the last batch had been written
	closed  bool
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

// begin says that a request is on its way which will have an entry; end takes
// that back once it is answered.
func (j *journal) begin() { j.asking.Add(1) }

func (j *journal) end() {
	if j.asking.Add(-1) == 0 {
		j.look() // a batch may have been held for this one
	}
}

// append returns when the entry is durable, or with the reason why it is not. It
// does not return earlier for a caller that gave up: the entry is on its way, the
// wait is bounded by commitTimeout for a batch and the failure of one fails all that
// wait.
func (j *journal) append(e *postern.Entry) error {
	p := j.pendings.Get().(*pending)
	p.entry = e
	if err := j.enqueue(p); err != nil {
		return err
	}
	err := <-p.done
	p.entry = nil
	j.pendings.Put(p)
	return err
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
	if len(j.queue) == 1 || j.enough() {
		j.look()
	}
	return nil
}

func (j *journal) look() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// more says whether requests are on their way that have no entry yet. The mutex is
// held.
func (j *journal) more() bool { return j.asking.Load() > int64(len(j.queue)+j.writing) }

// enough says whether the queue is worth a write: nobody is on the way who will have
// an entry, and as many are here as there were a moment ago. Callers that come back as
// soon as they are answered would otherwise fall into two halves that take turns, and
// every write would be for half of them. The mutex is held.
func (j *journal) enough() bool {
	n := len(j.queue)
	return n >= maxBatch || !j.more() && (j.recent < crowd || n >= j.recent)
}

func (j *journal) run() {
	defer close(j.finished)
	timer := time.NewTimer(maxHold)
	for {
		select {
		case <-j.wake:
			for j.hold(timer) && j.commit() {
			}
		case <-j.stopped:
			for j.commit() {
			}
			return
		}
	}
}

// hold waits for the batch to be worth a write, and says whether there is one.
func (j *journal) hold(timer *time.Timer) bool {
	timer.Reset(maxHold)
	for {
		j.mu.Lock()
		n, enough := len(j.queue), j.enough()
		j.mu.Unlock()
		if n == 0 || enough {
			return n > 0
		}
		select {
		case <-j.wake:
		case <-timer.C:
			return true
		case <-j.stopped:
			return true
		}
	}
}

// commit writes one batch and says whether there was one.
func (j *journal) commit() bool {
	batch := j.take(maxBatch)
	if len(batch) == 0 {
		return false
	}
	entries := make([]*postern.Entry, len(batch))
	for i, p := range batch {
		entries[i] = p.entry
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	start := time.Now()
	err := j.store.Append(ctx, entries)
	cancel()
	j.observe(len(batch), time.Since(start))
	if err != nil {
		// Those who wait would wait for the same. They are told apart before anyone
		// is answered: who asks again thereafter finds a new attempt.
		batch = append(batch, j.take(maxQueue)...)
	}
	j.answer(batch, err)
	return true
}

func (j *journal) take(most int) []*pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.queue), most)
	batch := j.queue[:n:n]
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil
	}
	j.writing += n
	return batch
}

func (j *journal) answer(batch []*pending, err error) {
	j.mu.Lock()
	j.writing -= len(batch)
	j.recent = len(batch) + len(j.queue)
	j.mu.Unlock()
	for _, p := range batch {
		p.done <- err
	}
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
