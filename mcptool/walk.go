package mcptool

import (
	"context"
	"time"

	"postern.dev/postern"
)

const (
	// maxPages bounds the pages of one call: a walk whose pages hold next to nothing ends
	// too.
	maxPages = 40
	// patience bounds how long a call waits, in all, for an API that wants fewer calls.
	patience = 10 * time.Second
	// pause is a wait where the API does not say how long.
	pause = time.Second
)

// walk follows the pages of a list from where the call begins until there are limit
// items, and gives those that keep wants, nil for all. what names them, for whoever
// watches.
func walk[T any](c *call, limit, size int, what string, page func(context.Context, postern.Paging) (postern.Page[T], error), keep func(*T) bool) ([]T, beyond, error) {
	items := []T{}
	after, skip := c.at.After, c.at.Skip
	seen := map[string]bool{after: true}
	for n := 1; ; n++ {
		p := postern.Paging{Limit: min(size, limit-len(items)+skip), After: after}
		got, err := again(c, func() (postern.Page[T], error) { return page(c.ctx, p) })
		if err != nil {
			return nil, beyond{}, err
		}
		for i := min(skip, len(got.Items)); i < len(got.Items); i++ {
			switch item := got.Items[i]; {
			case keep != nil && !keep(&item):
			case len(items) == limit: // the page had more than was asked for
				return items, beyond{more: true, after: after, skip: i}, nil
			default:
				items = append(items, item)
			}
		}
		skip = 0
		switch {
		case got.Next == "":
			return items, beyond{}, nil
		case seen[got.Next]:
			c.note("the API leads from one page back to one before it, so the end of the list was not reached")
			return items, beyond{more: true}, nil
		case len(items) == limit:
			return items, beyond{more: true, after: got.Next}, nil
		case n == maxPages:
			c.note("the search went through many pages and was interrupted; next_cursor goes on")
			return items, beyond{more: true, after: got.Next}, nil
		}
		after, seen[got.Next] = got.Next, true
		if c.ask.progress != nil {
			c.ask.progress(c.ctx, len(items), what)
		}
	}
}

// again makes a call of the Directory, and makes it again when it came too early and the
// wait is bearable.
func again[T any](c *call, do func() (T, error)) (T, error) {
	for {
		v, err := do()
		if postern.CodeOf(err) != postern.TooMany {
			return v, err
		}
		wait := postern.AsError(err).Wait
		if wait <= 0 {
			wait = pause
		}
		if !c.wait(wait) {
			return v, err
		}
	}
}

// wait waits, unless that is more than what the call has left of its patience. The names
// of a call are asked for by several at once.
func (c *call) wait(d time.Duration) bool {
	if time.Duration(c.waited.Add(int64(d))) > patience {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}
