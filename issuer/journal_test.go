package issuer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// gate is a journal that a test can hold up or break.
type gate struct {
	issuer.Journal
	mu      sync.Mutex
	held    chan struct{} // commits wait until it is closed
	fail    error
	batches []int
}

func gated(c *issuer.Config) { c.Journal = &gate{Journal: c.Journal} }

func (h *house) gate() *gate { return h.cfg.Journal.(*gate) }

func (g *gate) Append(ctx context.Context, entries []*postern.Entry) error {
	g.mu.Lock()
	held, fail := g.held, g.fail
	g.batches = append(g.batches, len(entries))
	g.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil {
		return fail
	}
	return g.Journal.Append(ctx, entries)
}

// hold makes commits wait until release.
func (g *gate) hold() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := make(chan struct{})
	g.held = held
	return func() {
		g.mu.Lock()
		g.held = nil
		g.mu.Unlock()
		close(held)
	}
}

func (g *gate) breakWith(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail = err
}

func (g *gate) sizes() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.batches
	g.batches = nil
	return out
}

func TestConcurrentRequestsShareCommitsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		release := h.gate().hold()
		const n = issuer.MaxBatch + 50
		var all sync.WaitGroup
		for i := range n {
			req := request("personio-v1", c, s)
			req.RequestID = fmt.Sprintf("r%03d", i)
			all.Go(func() { h.issue(req) })
			synctest.Wait() // one after the other into the queue
		}
		release()
		all.Wait()
		diff(t, "entries committed together", h.gate().sizes(), []int{1, issuer.MaxBatch, n - 1 - issuer.MaxBatch})
		for i, e := range h.events(testTenant, postern.ActTokenIssued, postern.ActTokenReused) {
			if want := fmt.Sprintf("r%03d", i); e.RequestID != want {
				t.Fatalf("event %d is that of %s, want %s", i, e.RequestID, want)
			}
		}
		report, err := h.db.VerifyChain(t.Context(), testTenant, nil)
		if err != nil || report.BadSeq != 0 || report.Count < n {
			t.Errorf("the chain: %+v, %v", report, err)
		}
	})
}

// What is asked, and what its answer is before the record is durable: nothing.
func TestNoAnswerLeavesBeforeItsEventIsDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		issuer.SetDummy(h.Issuer, cheap(""))
		c, s := h.client()
		app, u := h.app(), h.user("ann@example.com")
		asked := map[string]postern.Request{"a wrong secret": request("oauth2", c, postern.GenerateSecret()),
			"a person": login(app, u.Email, rightPassword), "a wrong password": login(app, u.Email, "wrong")}
		for _, d := range machineDialects {
			asked[d] = request(d, c, s)
		}
		for _, d := range sharedDialects {
			asked[d+", again"] = asked[d]
		}
		for name, req := range asked {
			before := len(h.events(testTenant))
			release := h.gate().hold()
			answered := false
			var all sync.WaitGroup
			all.Go(func() {
				_, _ = h.Issue(t.Context(), req)
				answered = true
			})
			synctest.Wait()
			if answered {
				t.Errorf("%s: answered while the commit was under way", name)
			}
			release()
			all.Wait()
			if n := len(h.events(testTenant)) - before; n != 1 {
				t.Errorf("%s: %d events", name, n)
			}
		}
		release := h.gate().hold()
		answered := false
		go func() {
			_ = h.Refuse(t.Context(), asked["oauth2"], postern.Errorf(postern.Invalid, "unreadable").Because(postern.BadRequest))
			answered = true
		}()
		synctest.Wait()
		if answered {
			t.Error("what could not be read: answered while the commit was under way")
		}
		release()
		synctest.Wait()
	})
}

func TestNothingIsDecidedWithoutARecord(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{
		"an error of its own": errors.New("disk full"),
		"unavailable":         &postern.Error{Code: postern.Unavailable, Msg: "the database does not answer"},
		"with a wait":         &postern.Error{Code: postern.Unavailable, Msg: "m", Wait: 3 * time.Second},
		"internal":            &postern.Error{Code: postern.Internal, Err: errors.New("disk image is malformed")},
		"conflict":            &postern.Error{Code: postern.Conflict, Msg: "somebody's secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var seen []postern.Event
			h := newHouse(t, gated, func(c *issuer.Config) {
				c.OnEvent = func(e postern.Event) { mu.Lock(); seen = append(seen, e); mu.Unlock() }
			})
			c, s := h.client()
			before := h.events(testTenant)
			h.gate().breakWith(fail)
			var all sync.WaitGroup
			for i := range 40 { // many wait for the same commit and the same error
				req := request(machineDialects[i%4], c, s)
				if i%5 == 4 {
					req.Secret = postern.GenerateSecret()
				}
				all.Go(func() {
					e := h.refused(req)
					if e.Code != postern.Unavailable || e.Wait < time.Second || postern.Public(e) == "somebody's secret" {
						t.Errorf("without a record: %v, wait %v", e, e.Wait)
					}
				})
			}
			all.Wait()
			if err := h.Refuse(t.Context(), request("oauth2", c, s), postern.Errorf(postern.Invalid, "x")); postern.CodeOf(err) != postern.Unavailable {
				t.Errorf("Refuse without a record: %v", err)
			}
			for _, e := range seen {
				if e.Action != postern.ActTokenRefused || e.Code != postern.Unavailable {
					t.Errorf("metrics hear of %s %s", e.Action, e.Code)
				}
			}
			h.gate().breakWith(nil)
			diff(t, "what is in the trail", h.events(testTenant), before)
			for _, d := range machineDialects {
				h.valid(h.issue(request(d, c, s))) // and service goes on
			}
			if got := len(h.events(testTenant, postern.ActTokenIssued)); got != 4 {
				t.Errorf("%d tokens issued, want 4: none was left behind as a live one", got)
			}
		})
	}
}

func TestTheLogSaysThatTheRecordFailed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, gated)
	c, s := h.client()
	fail := errors.New("disk full")
	h.gate().breakWith(fail)
	for _, secret := range []postern.Secret{s, postern.GenerateSecret()} {
		var call postern.Call
		_, err := h.Issue(postern.WithCall(t.Context(), &call), request("oauth2", c, secret))
		if call.Code != postern.Unavailable || call.Cause != "audit record not durable" || !errors.Is(call.Err, fail) {
			t.Errorf("%v: the log hears of %s, %q, %v", err, call.Code, call.Cause, call.Err)
		}
	}
}

func TestAnEntryWhoseCallerLeftIsStillWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		release := h.gate().hold()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 3 {
			req := request("personio-v2", c, s)
			req.RequestID = fmt.Sprintf("left%d", i)
			all.Go(func() { _, _ = h.Issue(ctx, req) })
		}
		synctest.Wait()
		cancel()
		release()
		all.Wait()
		var ids []string
		for _, e := range h.events(testTenant, postern.ActTokenIssued, postern.ActTokenReused) {
			ids = append(ids, e.RequestID)
		}
		slices.Sort(ids)
		diff(t, "what is in the trail", ids, []string{"left0", "left1", "left2"})
		h.valid(h.issue(request("personio-v2", c, s)))
	})
}

func TestWhoWaitsBehindAFailedCommitFailsWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		h.gate().hold()
		start := time.Now()
		var all sync.WaitGroup
		for range 2 * issuer.MaxBatch {
			all.Go(func() {
				if _, err := h.Issue(t.Context(), request("oauth2", c, s)); postern.CodeOf(err) != postern.Unavailable {
					t.Errorf("got %v, want Unavailable", err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took > issuer.CommitTimeout+time.Second {
			t.Errorf("callers waited %v for one commit that hung", took)
		}
	})
}

// Who was refused for want of a record may ask again at once: a failure is for those
// who waited when the commit failed, and for nobody who came after the first of them
// had been answered.
func TestWhoComesAfterAFailedCommitDoesNotFailWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		unreadable := postern.Errorf(postern.Invalid, "unreadable").Because(postern.BadRequest)
		refuse := func() error { return h.Refuse(t.Context(), request("oauth2", c, s), unreadable) }
		for range 50 {
			var all sync.WaitGroup
			var back atomic.Bool
			release := h.gate().hold()
			all.Go(func() { _ = refuse() }) // under way while the others gather
			synctest.Wait()
			for range issuer.MaxBatch {
				all.Go(func() {
					_ = refuse()
					if back.Swap(true) {
						return
					}
					h.gate().breakWith(nil)
					if err := refuse(); postern.CodeOf(err) != postern.Invalid {
						t.Errorf("the database was back: %v", err)
					}
				})
			}
			synctest.Wait()
			h.gate().breakWith(errors.New("disk full"))
			release()
			all.Wait()
		}
	})
}

func TestABatchIsHeldForRequestsOnTheirWayAndForNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		start := time.Now()
		h.issue(request("oauth2", c, s))
		if took := time.Since(start); took != 0 {
			t.Errorf("a request that was alone waited %v", took)
		}
		release := issuer.OnItsWay(h.Issuer)
		start = time.Now()
		h.issue(request("oauth2", c, s))
		if took := time.Since(start); took != issuer.MaxHold {
			t.Errorf("with another on its way that never came: held for %v, want %v", took, issuer.MaxHold)
		}
		release()
	})
}

// Callers that ask again as soon as they are answered are waited for, once; whoever is
// alone after them is not.
func TestABatchIsHeldForACrowdThatWasThereAMomentAgo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		release := h.gate().hold()
		var all sync.WaitGroup
		for range issuer.Crowd + 1 {
			all.Go(func() { h.issue(request("oauth2", c, s)) })
			synctest.Wait()
		}
		release()
		all.Wait()
		h.gate().sizes()
		for range issuer.Crowd {
			all.Go(func() { h.issue(request("oauth2", c, s)) })
			synctest.Wait()
		}
		all.Wait()
		diff(t, "the crowd's next entries, committed together", h.gate().sizes(), []int{issuer.Crowd})
		for _, want := range []time.Duration{issuer.MaxHold, 0} {
			start := time.Now()
			h.issue(request("oauth2", c, s))
			if took := time.Since(start); took != want {
				t.Errorf("one that was left alone waited %v, want %v", took, want)
			}
		}
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		release := h.gate().hold()
		go func() { _, _ = h.Issue(t.Context(), request("oauth2", c, s)) }()
		synctest.Wait() // this one is being committed
		for i := range issuer.MaxQueue {
			e := &postern.Entry{Event: postern.Event{Tenant: testTenant, Action: postern.ActTokenRefused}}
			if err := issuer.Enqueue(h.Issuer, e); err != nil {
				t.Fatalf("entry %d: %v", i, err)
			}
		}
		start := time.Now()
		e := h.refused(request("oauth2", c, s))
		if e.Code != postern.Unavailable || e.Wait <= 0 || time.Since(start) != 0 {
			t.Errorf("beyond the bound, after %v: %v, wait %v", time.Since(start), e, e.Wait)
		}
		release()
		synctest.Wait()
		h.valid(h.issue(request("oauth2", c, s)))
	})
}

func TestACommitThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		release := h.gate().hold()
		start := time.Now()
		if e := h.refused(request("oauth2", c, s)); e.Code != postern.Unavailable || time.Since(start) != issuer.CommitTimeout {
			t.Errorf("after %v: %v", time.Since(start), e)
		}
		release()
		h.valid(h.issue(request("oauth2", c, s)))
	})
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, gated)
		c, s := h.client()
		release := h.gate().hold()
		const n = 20
		var all sync.WaitGroup
		for range n {
			all.Go(func() { h.valid(h.issue(request("oauth2", c, s))) })
		}
		synctest.Wait()
		closed := false
		all.Go(func() {
			h.Close()
			closed = true
		})
		synctest.Wait()
		if closed {
			t.Error("Close returned before what was accepted was written")
		}
		e := h.refused(request("oauth2", c, s))
		if e.Code != postern.Unavailable || e.Cause == "journal queue full" {
			t.Errorf("while closing: %v", e)
		}
		release()
		all.Wait()
		if got := len(h.events(testTenant, postern.ActTokenIssued)); got != n {
			t.Errorf("%d events, want %d", got, n)
		}
		h.Close() // twice does no harm
		if e := h.refused(request("oauth2", c, s)); e.Code != postern.Unavailable {
			t.Errorf("after Close: %v", e)
		}
	})
}

func TestCommitsAreReported(t *testing.T) {
	t.Parallel()
	var entries []int
	h := newHouse(t, func(c *issuer.Config) { c.OnCommit = func(n int, _ time.Duration) { entries = append(entries, n) } })
	c, s := h.client()
	h.issue(request("oauth2", c, s))
	h.issue(request("oauth2", c, s))
	h.Close()
	diff(t, "commits", entries, []int{1, 1})
}
