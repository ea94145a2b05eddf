package issuer_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

var (
	_ postern.Issuer = (*issuer.Issuer)(nil)
	_ postern.KeySet = (*issuer.Issuer)(nil)
)

// A bubble does not end while a goroutine of it is left.
func TestCloseEndsWhatRunsInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, followed)
		c, s := h.client()
		h.valid(h.issue(request("oauth2", c, s)))
		time.Sleep(3 * time.Minute)
		h.Close()
		h.Close()
		if err := h.db.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

func TestManyIssuersLeaveNoGoroutines(t *testing.T) {
	h := newHouse(t)
	h.Close()
	before := runtime.NumGoroutine()
	for range 20 {
		n, err := issuer.New(t.Context(), h.cfg)
		if err != nil {
			t.Fatal(err)
		}
		c, s := h.client()
		if _, err := n.Issue(t.Context(), request("oauth2", c, s)); err != nil {
			t.Fatal(err)
		}
		n.Close()
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*issuer.Config){
		"no feed":        func(c *issuer.Config) { c.Feed = deadFeed{c.Feed} },
		"no keys":        func(c *issuer.Config) { c.KeyStore = &flakyKeys{KeyStore: c.KeyStore, fails: 100} },
		"keys at first":  func(c *issuer.Config) { c.KeyStore = &flakyKeys{KeyStore: c.KeyStore, fails: 1} },
		"no revocations": func(c *issuer.Config) { c.Revoker = deadRevoker{c.Revoker} },
		"another key":    func(c *issuer.Config) { c.Box = boxOf('x') },
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			cfg := h.cfg
			change(&cfg)
			if _, err := issuer.New(t.Context(), cfg); postern.CodeOf(err) != postern.Unavailable {
				t.Errorf("%s: New = %v, want unavailable", name, err)
			}
		})
	}
}

type deadFeed struct{ issuer.Feed }

func (deadFeed) Changes(context.Context, int64, int) ([]postern.Change, int64, error) {
	return nil, 0, errBroken
}

type deadRevoker struct{ issuer.Revoker }

func (deadRevoker) Revocations(context.Context, time.Time, string, int) ([]postern.Revocation, error) {
	return nil, errBroken
}

func TestAnIssuerOutlivesTheContextItWasMadeIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	n, err := issuer.New(ctx, h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	cancel()
	c, s := h.client()
	if _, err := n.Issue(t.Context(), request("oauth2", c, s)); err != nil {
		t.Error(err)
	}
}

// hangingFeed answers when its caller gives up.
type hangingFeed struct {
	issuer.Feed
	hang atomic.Bool
}

func (f *hangingFeed) Changes(ctx context.Context, seq int64, limit int) ([]postern.Change, int64, error) {
	if f.hang.Load() {
		<-ctx.Done()
		return nil, 0, context.Cause(ctx)
	}
	return f.Feed.Changes(ctx, seq, limit)
}

func TestAFeedThatHangsDoesNotHoldUpClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hanging := &hangingFeed{}
		h := newHouse(t, followed, func(c *issuer.Config) { hanging.Feed, c.Feed = c.Feed, hanging })
		hanging.hang.Store(true)
		time.Sleep(time.Second)
		start := time.Now()
		h.Close()
		if took := time.Since(start); took > 0 {
			t.Errorf("Close took %v", took)
		}
	})
}

// wokenFeed ends its wake-ups, as a closed database does.
type wokenFeed struct{ issuer.Feed }

func (wokenFeed) Wake(context.Context) <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestWithoutWakeUpsTheFeedIsReadFromTimeToTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, followed, func(c *issuer.Config) { c.Feed = wokenFeed{c.Feed} })
		c, s := h.client()
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		h.issue(request("oauth2", c, s))
		if _, err := h.db.ChangeClient(t.Context(), testTenant, c.ID, at(testTime, postern.ActClientChanged),
			func(c *postern.Client) error { c.Disabled = true; return nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		h.refused(request("oauth2", c, s))
	})
}

func TestARunningIssuerRotatesItsKeysByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := newHouse(t, followed, func(c *issuer.Config) {
			c.Now = func() time.Time { return testTime.Add(time.Since(start)) }
			c.FollowEvery = 10 * time.Second
			c.KeyPolicy = issuer.KeyPolicy{RotateEvery: 2 * time.Hour, PublishAhead: time.Hour}
		})
		first := h.PublicKeys()
		c, s := h.client()
		issue := func() string {
			t.Helper()
			synctest.Wait()
			return h.valid(h.issue(request("oauth2", c, s))).KeyID
		}
		old := issue()
		time.Sleep(time.Hour + 2*time.Minute)
		synctest.Wait()
		if n := len(h.PublicKeys()); n != 2*len(first) {
			t.Errorf("%d keys are published an hour before the rotation, want %d", n, 2*len(first))
		}
		if got := issue(); got != old {
			t.Errorf("key %s signs already, want %s", got, old)
		}
		time.Sleep(time.Hour + 2*time.Minute)
		if got := issue(); got == old {
			t.Error("the old key still signs")
		}
		// A revocation is forgotten once its token has expired.
		raw := h.issue(request("oauth2", c, s)).Value.Reveal()
		if err := h.Revoke(t.Context(), postern.Request{}, raw); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + 2*time.Minute)
		synctest.Wait()
		if n := h.Sizes()["revocations"]; n != 0 {
			t.Errorf("%d revocations are still in memory", n)
		}
	})
}

func TestADialectWithoutAProfileIsOurFault(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	if e := h.refused(request("smoke-signals", c, s)); e.Code != postern.Internal || strings.Contains(postern.Public(e), "smoke") {
		t.Errorf("a dialect that nobody configured: %v", e)
	}
}

// Refuse answers with the error it is given, recorded.
func TestWhatCannotBeReadIsRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, _ := h.client()
	given := postern.Errorf(postern.Invalid, "a parameter is repeated").Because(postern.BadRequest)
	given.Param = "scope"
	req := request("oauth2", c, postern.Secret{})
	var call postern.Call
	if err := h.Refuse(postern.WithCall(t.Context(), &call), req, given); !errors.Is(err, given) {
		t.Errorf("Refuse = %v, want what it was given", err)
	}
	ev := h.last(postern.SystemTenant)
	if ev.Action != postern.ActTokenRefused || ev.Code != postern.Invalid || ev.Cause != "bad_request" || ev.ClientID != c.ID {
		t.Errorf("the event is %+v", ev)
	}
	if call.Code != postern.Invalid || call.Cause != "bad_request" {
		t.Errorf("the log hears of %s, %q", call.Code, call.Cause)
	}
	// Ours, or of the moment: no event, because there would be no place for it.
	before := len(h.events(postern.SystemTenant))
	for _, err := range []error{errors.New("nil map"), &postern.Error{Code: postern.Unavailable}} {
		if got := h.Refuse(t.Context(), req, err); postern.CodeOf(got) != postern.CodeOf(err) {
			t.Errorf("Refuse(%v) = %v", err, got)
		}
	}
	if n := len(h.events(postern.SystemTenant)) - before; n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestSizesNamesEveryCache(t *testing.T) {
	t.Parallel()
	const size = 8
	h := newHouse(t, func(c *issuer.Config) { c.CacheSize = size })
	app := h.app()
	for i := range 3 * size {
		c, s := h.client()
		h.issue(request("personio-v1", c, s))
		u := h.user(strings.Repeat("x", i+1) + "@example.com")
		h.valid(h.issue(login(app, u.Email, rightPassword)))
		h.refused(request("oauth2", postern.Client{ID: "no" + c.ID}, s))
	}
	for what, n := range h.Sizes() {
		if n > size {
			t.Errorf("%d %s are remembered, want at most %d", n, what, size)
		}
		if n == 0 && what != "revocations" {
			t.Errorf("no %s are remembered", what)
		}
	}
}

// readJournal and readKeys count what is read on the way of a token.
type readJournal struct {
	issuer.Journal
	reads *atomic.Int64
}

func (j readJournal) LiveToken(ctx context.Context, tenant, client, slot string, now time.Time) (postern.LiveToken, error) {
	j.reads.Add(1)
	return j.Journal.LiveToken(ctx, tenant, client, slot, now)
}

type readKeys struct {
	issuer.KeyStore
	reads *atomic.Int64
}

func (k readKeys) Resources(ctx context.Context, tenant string) ([]postern.Resource, error) {
	k.reads.Add(1)
	return k.KeyStore.Resources(ctx, tenant)
}

func TestAWarmClientReadsNothingFromTheDatabase(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	h := newHouse(t, counted, func(c *issuer.Config) {
		c.Journal, c.KeyStore = readJournal{c.Journal, &reads}, readKeys{c.KeyStore, &reads}
	})
	c, s := h.client()
	for _, d := range machineDialects {
		req := request(d, c, s)
		req.Scope = postern.NewScopes("a")
		if d == "oauth2" {
			req.Resources = []string{testURL}
		}
		first := h.issue(req)
		h.valid(first)
		reads.Store(0)
		h.lookups()
		for range 10 {
			h.valid(h.issue(req))
		}
		if got := h.lookups(); got != "clients 0, tenants 0" || reads.Load() != 0 {
			t.Errorf("%s: ten tokens of a warm client: %s, others %d", d, got, reads.Load())
		}
	}
}
