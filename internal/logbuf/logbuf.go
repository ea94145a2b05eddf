// Package logbuf writes log lines in the background, so that a slow reader of the
// log never makes a request wait. What it holds is bounded; what does not fit is
// dropped and counted, lines of lesser weight first.
package logbuf

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of a Writer.
const (
	FlushSize  = 64 << 10              // bytes held that are written at once
	FlushAfter = 50 * time.Millisecond // longest time a line waits for company
	SoftLimit  = 1 << 20               // bytes held; beyond it ordinary lines are dropped
	HardLimit  = 2 << 20               // bytes held; beyond it urgent lines are dropped too
	CloseAfter = 2 * time.Second       // longest time Flush and Close wait for a sink that hangs
)

// Writer collects lines in memory and hands them to a sink from one goroutine,
// which Open starts and Close ends. It is safe for concurrent use. Every Write is
// one line: it is kept or dropped as a whole, and the order of lines is kept.
type Writer struct {
	sink    io.Writer
	dropped atomic.Uint64

	mu     sync.Mutex
	held   []byte // waits for the flusher
	spare  []byte // the flusher's last buffer, empty, to be used again
	taken  int    // bytes the flusher is writing now
	closed bool

	dirty   chan struct{}      // held is no longer empty
	full    chan struct{}      // held is worth writing, or urgent
	flush   chan chan struct{} // somebody waits until all is written
	quit    chan struct{}
	closing sync.Once     // closes quit
	done    chan struct{} // the flusher has ended
}

// Open starts a writer to sink. Close ends it.
func Open(sink io.Writer) *Writer {
	w := &Writer{
		sink:  sink,
		dirty: make(chan struct{}, 1),
		full:  make(chan struct{}, 1),
		flush: make(chan chan struct{}),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	go w.run()
	return w
}

// Write keeps p for the flusher, or drops and counts it when SoftLimit is reached.
// It never waits for the sink and never fails, except after Close: then it writes
// to the sink itself, so that the last words of a program are not lost.
func (w *Writer) Write(p []byte) (int, error) { return w.add(p, SoftLimit, false) }

// Urgent gives a writer for lines that must not be lost: they are kept up to
// HardLimit and written without waiting for company.
func (w *Writer) Urgent() io.Writer { return urgent{w} }

type urgent struct{ w *Writer }

func (u urgent) Write(p []byte) (int, error) { return u.w.add(p, HardLimit, true) }

func (w *Writer) add(p []byte, limit int, now bool) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return w.sink.Write(p)
	}
	if len(w.held)+w.taken+len(p) > limit {
		w.dropped.Add(1)
		return len(p), nil
	}
	first := len(w.held) == 0
	w.held = append(w.held, p...)
	if now || len(w.held) >= FlushSize {
		signal(w.full)
	} else if first {
		signal(w.dirty)
	}
	return len(p), nil
}

// Dropped counts the lines that were lost since Open: for want of room, or because
// the sink failed.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Flush returns when everything written before it has reached the sink, or after
// CloseAfter.
func (w *Writer) Flush() {
	late := time.NewTimer(CloseAfter)
	defer late.Stop()
	ack := make(chan struct{})
	select {
	case w.flush <- ack:
	case <-w.done:
		return
	case <-late.C:
		return
	}
	select {
	case <-ack:
	case <-late.C:
	}
}

// Close writes what is held and ends the flusher. It waits at most CloseAfter for
// the sink; when that is not enough the flusher ends once the sink answers. It
// does not close the sink. A second Close does nothing.
func (w *Writer) Close() error {
	w.closing.Do(func() { close(w.quit) })
	late := time.NewTimer(CloseAfter)
	defer late.Stop()
	select {
	case <-w.done:
	case <-late.C:
	}
	return nil
}

// run is the flusher: the only goroutine, and the only one that touches the sink
// before Close.
func (w *Writer) run() {
	defer close(w.done)
	timer := time.NewTimer(FlushAfter)
	timer.Stop()
	for {
		select {
		case <-w.dirty:
			timer.Reset(FlushAfter)
		case <-w.full:
			w.drain()
		case <-timer.C:
			w.drain()
		case ack := <-w.flush:
			w.drain()
			close(ack)
		case <-w.quit:
			for !w.end() {
				w.drain()
			}
			return
		}
	}
}

// drain writes what is held until nothing is.
func (w *Writer) drain() {
	for {
		w.mu.Lock()
		out := w.held
		w.held, w.taken = w.spare, len(out)
		w.spare = nil
		w.mu.Unlock()
		if len(out) > 0 {
			if _, err := w.sink.Write(out); err != nil {
				w.dropped.Add(lines(out))
			}
		}
		w.mu.Lock()
		w.taken = 0
		if cap(out) <= 4*FlushSize { // a burst does not keep its memory
			w.spare = out[:0]
		}
		empty := len(w.held) == 0
		w.mu.Unlock()
		if empty {
			return
		}
	}
}

// end closes the writer if nothing is held. From then on Write goes to the sink,
// under the lock, and the flusher does not.
func (w *Writer) end() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = len(w.held) == 0
	return w.closed
}

func lines(p []byte) (n uint64) {
	for _, c := range p {
		if c == '\n' {
			n++
		}
	}
	return max(n, 1)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}
