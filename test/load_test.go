package test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// load is callers that ask for tokens again and again, in every dialect. They take a
// token or a refusal that says when to come back; anything else is a fault.
type load struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	tokens  map[string]bool // by id
	given   map[string]int  // answers with a token, by dialect
	refused map[string]int  // refusals that say when to come back, by dialect
	slowest time.Duration
	faults  []error
}

// press starts asking the nodes for tokens. The test's end stops it.
func press(t testing.TB, c credentials, nodes ...*node) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop, tokens: map[string]bool{}, given: map[string]int{}, refused: map[string]int{}}
	for _, w := range ways {
		callers := 3
		if w.person {
			callers = 1 // a password is slow to check, on purpose
		}
		for i := range callers {
			l.done.Go(func() { l.caller(ctx, w, c, nodes[i%len(nodes)]) })
		}
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (l *load) caller(ctx context.Context, w way, c credentials, n *node) {
	for ctx.Err() == nil {
		begin := time.Now()
		a, err := send(w.request(n.url, c).WithContext(ctx))
		if ctx.Err() != nil {
			return
		}
		if err := l.note(w, a, err, time.Since(begin)); err != nil {
			return
		}
		if a.status != http.StatusOK { // as Retry-After asks, only sooner
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// note counts an answer; an error ends the caller.
func (l *load) note(w way, a answer, err error, took time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, took)
	if err != nil {
		l.faults = append(l.faults, fmt.Errorf("%s: %w", w.dialect, err))
		return err
	}
	if a.status == http.StatusOK {
		token, err := w.token(a.body)
		if err != nil {
			l.faults = append(l.faults, err)
		}
		l.tokens[tokenID(token)] = true
		l.given[w.dialect]++
		return nil
	}
	if err := comeBack(w, a); err != nil {
		l.faults = append(l.faults, err)
		return nil
	}
	l.refused[w.dialect]++
	return nil
}

// comeBack wants a 503 in the dialect's shape that says when to try again.
func comeBack(w way, a answer) error {
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); a.status != http.StatusServiceUnavailable || err != nil || wait < 1 || wait > 60 {
		return fmt.Errorf("%s: got %v with Retry-After %q, want 503 and seconds to wait", w.dialect, a, a.header.Get("Retry-After"))
	}
	return w.refusal(a)
}

// ids gives the tokens that were received.
func (l *load) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.tokens))
}

// each waits until every dialect has had so many more of what count counts.
func (l *load) each(t testing.TB, what string, more int, count func(*load) map[string]int) {
	t.Helper()
	l.mu.Lock()
	begin := maps.Clone(count(l))
	l.mu.Unlock()
	took := eventually(t, patience, what+" in every dialect", func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, w := range ways {
			if got := count(l)[w.dialect] - begin[w.dialect]; got < more {
				return fmt.Errorf("%s: got %d, want %d; %d faults, such as %w", w.dialect, got, more, len(l.faults), errors.Join(l.faults[:min(3, len(l.faults))]...))
			}
		}
		return nil
	})
	t.Logf("%s in every dialect took %v", what, took.Round(time.Millisecond))
}

func given(l *load) map[string]int   { return l.given }
func refused(l *load) map[string]int { return l.refused }

// mustBeFair wants that nothing but tokens and refusals was answered, each in time.
func (l *load) mustBeFair(t testing.TB, limit time.Duration) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, err := range l.faults {
		if t.Errorf("under load: %v", err); i == 5 {
			t.Errorf("and %d more", len(l.faults)-i)
			break
		}
	}
	if l.slowest > limit {
		t.Errorf("under load: the slowest answer took %v, want %v at most", l.slowest, limit)
	}
}
