package server

import (
	"context"
	"sync"
	"time"
)

// lateContext is the request's context with a deadline whose timer starts only when
// somebody waits for it: most requests are answered from memory and never do. Its
// parent ends when the caller leaves.
type lateContext struct {
	context.Context
	deadline time.Time

	mu     sync.Mutex
	armed  context.Context // nil until somebody waits
	cancel context.CancelFunc
}

// Deadline implements context.Context.
func (c *lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements context.Context. It starts the timer.
func (c *lateContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed == nil {
		c.armed, c.cancel = context.WithDeadline(c.Context, c.deadline)
	}
	return c.armed.Done()
}

// Err implements context.Context.
func (c *lateContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed != nil {
		return c.armed.Err()
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// end releases the timer if there is one, and ends what waits on it: a handler that
// has answered leaves nothing running.
func (c *lateContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed == nil {
		c.armed, c.cancel = ended, func() {}
	}
	c.cancel()
}

// ended is the context of a request that was answered.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
