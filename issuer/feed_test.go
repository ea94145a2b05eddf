package issuer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// followed lets the issuer read the feed of the database by itself, as it does in
// a server. In a bubble its time is ours.
func followed(c *issuer.Config) {
	c.Feed, c.FollowEvery = c.Feed.(*heldFeed).Feed, 0
}

// A change that another process makes is seen by a running issuer.
func TestAChangeMadeElsewhereIsSeenWithinASecond(t *testing.T) {
	t.Parallel()
	type scene struct {
		h      *house
		beside *store.DB // the command's
		c      postern.Client
		s      postern.Secret
		u      postern.User
		app    postern.Client
		tok    postern.Token
	}
	ctx := context.Background()
	ev := at(testTime, postern.ActClientChanged)
	client := func(x *scene, f func(*postern.Client)) error {
		_, err := x.beside.ChangeClient(ctx, testTenant, x.c.ID, ev, func(c *postern.Client) error { f(c); return nil })
		return err
	}
	works := func(x *scene) bool {
		_, err := x.h.Issue(ctx, request("oauth2", x.c, x.s))
		return err == nil
	}
	verifies := func(x *scene) bool {
		_, err := x.h.Verify(ctx, x.tok.Value.Reveal(), postern.Want{})
		return err == nil
	}
	next := postern.GenerateSecret()
	for name, step := range map[string]struct {
		before func(x *scene) bool // what holds, and is remembered
		change func(x *scene) error
		after  func(x *scene) bool
	}{
		"client disabled": {works, func(x *scene) error { return client(x, disable) }, func(x *scene) bool { return !works(x) && !verifies(x) }},
		"secret rotated": {works, func(x *scene) error {
			return client(x, func(c *postern.Client) { c.Secrets = []postern.StoredSecret{x.h.stored(next, time.Time{})} })
		}, func(x *scene) bool {
			_, err := x.h.Issue(ctx, request("oauth2", x.c, next))
			return err == nil && !works(x)
		}},
		"client deleted": {works, func(x *scene) error { return x.beside.DeleteClient(ctx, testTenant, x.c.ID, ev) },
			func(x *scene) bool { return !works(x) && !verifies(x) }},
		"client made": {func(x *scene) bool {
			_, err := x.h.Issue(ctx, request("oauth2", postern.Client{ID: "new"}, x.s))
			return postern.AsError(err).Cause == "unknown client"
		}, func(x *scene) error {
			c := x.c
			c.ID, c.Subject = "new", strings.Repeat("f", 24)
			return x.beside.CreateClient(ctx, c, ev)
		}, func(x *scene) bool {
			_, err := x.h.Issue(ctx, request("oauth2", postern.Client{ID: "new"}, x.s))
			return err == nil
		}},
		"all tokens of the client revoked": {verifies, func(x *scene) error { return client(x, cutOffAt(x.h.clock.Now())) }, func(x *scene) bool { return !verifies(x) }},
		"tenant disabled": {works, func(x *scene) error {
			_, err := x.beside.ChangeTenant(ctx, testTenant, ev, func(t *postern.Tenant) error { t.Disabled = true; return nil })
			return err
		}, func(x *scene) bool { return !works(x) && !verifies(x) }},
		"token revoked": {verifies, func(x *scene) error {
			_, err := x.beside.Revoke(ctx, postern.Revocation{Tenant: testTenant, ClientID: x.c.ID, TokenID: x.tok.ID, Until: x.tok.ExpiresAt}, ev)
			return err
		}, func(x *scene) bool { return !verifies(x) }},
		"key added": {func(x *scene) bool { return len(x.h.PublicKeys()) == 3 }, func(x *scene) error {
			keys := issuer.Keys{Store: x.beside, Box: testBox, Now: x.h.clock.Now}
			_, err := keys.Rotate(ctx, postern.ES256, 0)
			return err
		}, func(x *scene) bool { return len(x.h.PublicKeys()) == 4 }},
		"key retired": {verifies, func(x *scene) error {
			keys := issuer.Keys{Store: x.beside, Box: testBox, Now: x.h.clock.Now}
			return keys.Retire(ctx, x.h.valid(x.tok).KeyID)
		}, func(x *scene) bool { return !verifies(x) && works(x) }},
		"user disabled": {func(x *scene) bool {
			x.tok = x.h.issue(login(x.app, x.u.Email, rightPassword))
			return verifies(x)
		}, func(x *scene) error {
			_, err := x.beside.ChangeUser(ctx, testTenant, x.u.ID, ev, func(u *postern.User) error { u.Disabled = true; return nil })
			return err
		}, func(x *scene) bool { return !verifies(x) }},
		"resource added": {func(x *scene) bool {
			_, err := x.h.Issue(ctx, aimed(x.c, x.s))
			return postern.ReasonOf(err) == postern.BadTarget
		}, func(x *scene) error {
			return x.beside.AddResource(ctx, postern.Resource{URL: "https://new.test", Tenant: testTenant}, ev)
		}, func(x *scene) bool {
			_, err := x.h.Issue(ctx, aimed(x.c, x.s))
			return err == nil
		}},
		"partner made": {func(x *scene) bool {
			req := login(x.app, x.u.Email, rightPassword)
			req.PartnerID = "777"
			return x.h.cause(req) == "unknown partner"
		}, func(x *scene) error {
			_, err := x.beside.ChangeTenant(ctx, testTenant, ev, func(t *postern.Tenant) error { t.PartnerID = 777; return nil })
			return err
		}, func(x *scene) bool {
			req := login(x.app, x.u.Email, rightPassword)
			req.PartnerID = "777"
			return x.h.cause(req) == ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				x := &scene{h: newHouse(t, followed)}
				issuer.SetDummy(x.h.Issuer, cheap(""))
				x.beside = openStore(t, x.h.path)
				x.c, x.s = x.h.client()
				x.app, x.u = x.h.app(), x.h.user("ann@example.com")
				time.Sleep(time.Second)
				synctest.Wait()
				x.tok = x.h.issue(request("oauth2", x.c, x.s))
				if !step.before(x) {
					t.Fatal("it is so before the change")
				}
				if err := step.change(x); err != nil {
					t.Fatal(err)
				}
				time.Sleep(200 * time.Millisecond) // of the bubble
				synctest.Wait()
				if !step.after(x) {
					t.Error("after a fifth of a second the change is not seen")
				}
			})
		})
	}
}

func aimed(c postern.Client, s postern.Secret) postern.Request {
	req := request("oauth2", c, s)
	req.Resources = []string{"https://new.test"}
	return req
}

// slowRegistry reads a client and hands it over late.
type slowRegistry struct {
	issuer.Registry
	mu   sync.Mutex
	read chan struct{} // closed once the next client has been read
	give chan struct{} // closed when it may be handed over
}

func (r *slowRegistry) Client(ctx context.Context, id string) (postern.Client, error) {
	c, err := r.Registry.Client(ctx, id)
	r.mu.Lock()
	read, give := r.read, r.give
	r.read, r.give = nil, nil
	r.mu.Unlock()
	if read != nil {
		close(read)
		<-give
	}
	return c, err
}

func TestWhatWasReadBeforeAChangeIsNotRemembered(t *testing.T) {
	t.Parallel()
	slow := &slowRegistry{read: make(chan struct{}), give: make(chan struct{})}
	read, give := slow.read, slow.give
	h := newHouse(t, func(c *issuer.Config) { slow.Registry, c.Registry = c.Registry, slow })
	c, s := h.client()
	done := make(chan error)
	go func() {
		_, err := h.Issue(t.Context(), request("oauth2", c, s))
		done <- err
	}()
	<-read // the client as it was
	h.changeClient(c, disable)
	close(give)
	if err := <-done; err != nil {
		t.Logf("the request under way: %v", err) // either is right
	}
	if e := h.refused(request("oauth2", c, s)); e.Cause != "disabled client" {
		t.Errorf("the next request: %v", e)
	}
}

// brokenFeed fails, or has a gap, when told so.
type brokenFeed struct {
	issuer.Feed
	mu  sync.Mutex
	err error
}

func (f *brokenFeed) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *brokenFeed) Changes(ctx context.Context, seq int64, limit int) ([]postern.Change, int64, error) {
	f.mu.Lock()
	err := f.err
	if postern.CodeOf(err) == postern.Conflict && seq >= 0 {
		f.err = nil // a gap is met once
	}
	f.mu.Unlock()
	if err != nil && seq >= 0 {
		return nil, 0, err
	}
	return f.Feed.Changes(ctx, seq, limit)
}

func TestANodeThatWasAwayTooLongForgetsEverything(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	tok := h.issue(request("oauth2", c, s))
	live := h.issue(request("personio-v2", c, s))
	h.issue(request("personio-v1", c, s))
	h.valid(tok)
	for what, n := range h.Sizes() {
		if n == 0 && what != "revocations" && what != "users" {
			t.Errorf("no %s are remembered", what)
		}
	}
	// All that follows happens while the node does not listen, and is then trimmed.
	ctx := t.Context()
	if _, err := h.db.ChangeClient(ctx, testTenant, c.ID, at(testTime, postern.ActClientChanged), func(c *postern.Client) error {
		c.Scopes = postern.NewScopes("b")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.db.Revoke(ctx, postern.Revocation{Tenant: testTenant, ClientID: c.ID, TokenID: tok.ID, Until: tok.ExpiresAt},
		at(testTime, postern.ActTokenRevoked)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.keys().Rotate(ctx, postern.ES256, 0); err != nil {
		t.Fatal(err)
	}
	// The feed counts by the clock of the machine.
	if err := h.db.Prune(ctx, time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	// Pruning so far ahead forgets revocations too; this one is still to be known.
	fresh := time.Now().Add(24 * time.Hour)
	if _, err := h.db.Revoke(ctx, postern.Revocation{Tenant: testTenant, ClientID: c.ID, TokenID: tok.ID, Until: fresh},
		at(testTime, postern.ActTokenRevoked)); err != nil && postern.CodeOf(err) != postern.Conflict {
		t.Fatal(err)
	}
	h.settle()
	for what, n := range h.Sizes() {
		if n != 0 && what != "revocations" {
			t.Errorf("%d %s are still remembered", n, what)
		}
	}
	h.invalid(tok.Value.Reveal())
	if got := h.issue(request("oauth2", c, s)).Scope.String(); got != "b" {
		t.Errorf("the scope is %q, want b", got)
	}
	if n := len(h.PublicKeys()); n != 4 {
		t.Errorf("%d keys are published, want 4", n)
	}
	h.valid(live)
	h.changeClient(c, disable) // and it goes on from there
	h.refused(request("oauth2", c, s))
}

// flakyKeys fails a number of times.
type flakyKeys struct {
	issuer.KeyStore
	mu    sync.Mutex
	fails int
}

func (f *flakyKeys) failing(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = n
}

func (f *flakyKeys) Keys(ctx context.Context) ([]postern.Key, error) {
	f.mu.Lock()
	fail := f.fails > 0
	f.fails--
	f.mu.Unlock()
	if fail {
		return nil, errBroken
	}
	return f.KeyStore.Keys(ctx)
}

// Whatever could not be done is done at the next turn: neither a change nor a gap
// is passed over.
func TestAKeyThatCouldNotBeReadIsReadLater(t *testing.T) {
	t.Parallel()
	for _, gap := range []bool{false, true} {
		flaky, broken := &flakyKeys{}, &brokenFeed{}
		h := newHouse(t, func(c *issuer.Config) {
			flaky.KeyStore, c.KeyStore = c.KeyStore, flaky
			broken.Feed, c.Feed = c.Feed, broken
		})
		if _, err := h.keys().Rotate(t.Context(), postern.ES256, 0); err != nil {
			t.Fatal(err)
		}
		flaky.failing(1)
		if gap {
			broken.set(postern.Errorf(postern.Conflict, "the feed does not reach back"))
		}
		h.settle()
		h.settle() // the first turn fails
		if n := len(h.PublicKeys()); n != 4 {
			t.Errorf("gap %v: %d keys are published, want 4", gap, n)
		}
	}
}

func TestReadinessFollowsTheFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, readinessFollowsTheFeed)
}

func readinessFollowsTheFeed(t *testing.T) {
	var log strings.Builder
	broken := &brokenFeed{}
	h := newHouse(t, func(c *issuer.Config) {
		broken.Feed, c.Feed = c.Feed, broken
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	settle := func() {
		h.settle()
		synctest.Wait()
	}
	h.clock.Add(time.Hour)
	settle()
	if err := h.Ready(); err != nil {
		t.Errorf("with a good feed: %v", err)
	}
	broken.set(errors.New("no connection"))
	h.clock.Add(5 * time.Second)
	settle()
	if err := h.Ready(); err != nil {
		t.Errorf("five seconds after the last success: %v", err)
	}
	h.clock.Add(time.Millisecond)
	settle()
	if e := postern.AsError(h.Ready()); e == nil || e.Code != postern.Unavailable || e.Wait <= 0 || strings.Contains(e.Msg, "no connection") {
		t.Errorf("after more than five seconds: %v", e)
	}
	for range 5 {
		settle()
	}
	if n := strings.Count(log.String(), "no connection"); n != 1 {
		t.Errorf("the failure is logged %d times:\n%s", n, &log)
	}
	broken.set(nil)
	settle()
	if err := h.Ready(); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	if !strings.Contains(log.String(), "followed again") {
		t.Errorf("the log does not say that it came back:\n%s", &log)
	}
}

// pagedFeed has many changes at once.
type pagedFeed struct {
	issuer.Feed
	changes []postern.Change
	calls   atomic.Int64
}

func (f *pagedFeed) Changes(_ context.Context, seq int64, limit int) ([]postern.Change, int64, error) {
	f.calls.Add(1)
	newest := int64(len(f.changes))
	if seq < 0 {
		return nil, 0, nil // the issuer starts before all of them
	}
	return f.changes[seq:min(newest, seq+int64(limit))], newest, nil
}

func TestManyChangesAreReadInPages(t *testing.T) {
	t.Parallel()
	paged := &pagedFeed{}
	for i := range 2500 {
		paged.changes = append(paged.changes, postern.Change{Seq: int64(i + 1), Kind: postern.ChangeRevoked,
			ID: fmt.Sprintf("%032x", i), Until: testTime.Add(time.Hour)})
	}
	h := newHouse(t, func(c *issuer.Config) { paged.Feed, c.Feed = c.Feed, paged })
	h.settle()
	if n := h.Sizes()["revocations"]; n != 2500 {
		t.Errorf("%d of 2500 changes are known", n)
	}
	if n := paged.calls.Load(); n < 4 {
		t.Errorf("read in %d calls", n)
	}
}
