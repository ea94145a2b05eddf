package hr_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/hr"
)

func TestABucketEmptiesAndFills(t *testing.T) {
	t.Parallel()
	b, now := hr.NewBuckets(), testNow
	for i := range 100 {
		rate, burst, left, wait := b.Take("a", "/v2/persons", now)
		if rate != 30 || burst != 100 || left != 99-i || wait != 0 {
			t.Fatalf("call %d: rate %d, burst %d, left %d, wait %v", i, rate, burst, left, wait)
		}
	}
	if _, _, left, wait := b.Take("a", "/v2/persons", now); left != 0 || wait <= 0 || wait > time.Second/30+1 {
		t.Errorf("the call after the last: left %d, wait %v", left, wait)
	}
	if _, _, _, wait := b.Take("b", "/v2/persons", now); wait != 0 {
		t.Errorf("another client waits %v", wait)
	}
	if _, _, _, wait := b.Take("a", "/v2/absence-types", now); wait != 0 {
		t.Errorf("another path waits %v", wait)
	}
	if _, _, left, wait := b.Take("a", "/v2/persons", now.Add(time.Second)); left != 29 || wait != 0 {
		t.Errorf("a second later: left %d, wait %v", left, wait)
	}
	if _, _, left, _ := b.Take("a", "/v2/persons", now.Add(-time.Hour)); left > 28 {
		t.Errorf("a clock that was set back gave tokens: %d", left)
	}
	if _, _, left, _ := b.Take("a", "/v2/persons", now.Add(time.Hour)); left != 99 {
		t.Errorf("an hour later: left %d", left)
	}
}

func TestTheMemoryForBucketsIsBounded(t *testing.T) {
	t.Parallel()
	b := hr.NewBuckets()
	for range 50 {
		b.Take("busy", "/v2/persons", testNow)
	}
	for i := range hr.MaxBuckets + 500 {
		b.Take(fmt.Sprint("c", i), "/v2/persons", testNow.Add(time.Duration(i)*time.Millisecond))
		if i%1000 == 0 {
			b.Take("busy", "/v2/persons", testNow.Add(time.Duration(i)*time.Millisecond))
		}
	}
	if b.Len() > hr.MaxBuckets {
		t.Errorf("%d buckets, want at most %d", b.Len(), hr.MaxBuckets)
	}
}

func TestCallsAtOnceSpendTheSameBucket(t *testing.T) {
	t.Parallel()
	b := hr.NewBuckets()
	var refused, passed int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				_, _, _, wait := b.Take("a", "/v2/absence-types", testNow)
				mu.Lock()
				if wait > 0 {
					refused++
				} else {
					passed++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if passed != 100 || refused != 300 {
		t.Errorf("%d passed and %d were refused, want 100 and 300", passed, refused)
	}
}

// The ids in a path do not make it another path, and a call that is too many is told so
// in the headers and by a 429.
func TestPacingIsByClientAndFoldedPath(t *testing.T) {
	t.Parallel()
	steps := make([]step, 100)
	for i := range steps {
		steps[i] = step{Call: "Person", Gives: map[string]any{"ID": 1.0}}
	}
	house := newHouse(&scripted{t: t, steps: steps})
	house.sandbox.Switches = map[string]string{"retry-after": "on"}
	h := house.handler(t)
	for i := range 100 {
		if w := send(t, h, "GET", fmt.Sprint("/v2/persons/", i+1), ""); w.Code != 200 || w.Header().Get("X-Ratelimit-Remaining") != fmt.Sprint(99-i) {
			t.Fatalf("call %d: %d, %v", i, w.Code, w.Header())
		}
	}
	w := send(t, h, "GET", "/v2/persons/1", "")
	if w.Code != 429 || w.Header().Get("Retry-After") != "1" || w.Header().Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("one too many: %d, %v", w.Code, w.Header())
	}
	if w := send(t, h, "DELETE", "/v2/persons/1", "", "Authorization", "Bearer test"); w.Code != 429 {
		t.Errorf("another method on the same path: %d", w.Code)
	}
}

func TestALoadTestIsNotPacedWhereTheSandboxSaysSo(t *testing.T) {
	t.Parallel()
	steps := make([]step, 120)
	for i := range steps {
		steps[i] = step{Call: "Person", Gives: map[string]any{"ID": 1.0}}
	}
	house := newHouse(&scripted{t: t, steps: steps})
	house.sandbox.Switches = map[string]string{"rate-limit": "off"}
	h := house.handler(t)
	for i := range steps {
		if w := send(t, h, "GET", "/v2/persons/1", ""); w.Code != 200 || w.Header().Get("X-Ratelimit-Remaining") != "100" {
			t.Fatalf("call %d: %d, %v", i, w.Code, w.Header())
		}
	}
}
