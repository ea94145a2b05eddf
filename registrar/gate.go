package registrar

import (
	"context"
	"time"

	"postern.dev/postern"
)

// What takes long or reads much is done for so many at once, on each node: whoever asks
// for more of it, in however many windows, keeps the tokens waiting for the database.
const (
	maxVerifies    = 2
	maxResets      = 2
	maxSearches    = 4               // of which each is short
	searchPatience = 5 * time.Second // of who waits for one
	tryAgain       = 30 * time.Second
)

// gate lets so many through at once.
type gate chan struct{}

func newGate(places int) gate { return make(gate, places) }

// enter takes a place, and waits for one for as long as patience, if there is none. It
// fails with Unavailable; else leave has to be called, once.
func (g gate) enter(ctx context.Context, patience time.Duration, busy string) (leave func(), err error) {
	leave = func() { <-g }
	select {
	case g <- struct{}{}:
		return leave, nil
	default:
	}
	if patience > 0 {
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case g <- struct{}{}:
			return leave, nil
		case <-ctx.Done():
			return nil, &postern.Error{Code: postern.Unavailable, Msg: busy, Err: ctx.Err()}
		case <-t.C:
		}
	}
	e := postern.Errorf(postern.Unavailable, "%s", busy).WithHint("try again in a while")
	e.Wait, e.Cause = max(patience, time.Second), "busy"
	if patience == 0 {
		e.Wait = tryAgain
	}
	return nil, e
}

// wide says whether a search may read much: a first page without a filter does not,
// however long the trail is.
func wide(f postern.EventFilter) bool {
	return f.Limit > defaultEvents || f.Action != "" || f.ClientID != "" || !f.Since.IsZero() || !f.Until.IsZero()
}
