package issuer_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// cause gives why a login fails, "" when it succeeds.
func (h *house) cause(req postern.Request) string {
	h.t.Helper()
	_, err := h.Issue(h.t.Context(), req)
	if err == nil {
		return ""
	}
	e := postern.AsError(err)
	if e.Reason != postern.BadGrant {
		h.t.Fatalf("login: %v", err)
	}
	return e.Cause
}

func (h *house) person(u postern.User) postern.User {
	h.t.Helper()
	u, err := h.db.UserByID(h.t.Context(), u.Tenant, u.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// newLockHouse computes a cheap hash for nobody: locked logins are many here.
func newLockHouse(t testing.TB) *house {
	t.Helper()
	h := newHouse(t)
	issuer.SetDummy(h.Issuer, cheap(""))
	return h
}

func from(req postern.Request, addr string) postern.Request {
	req.Source = netip.MustParseAddr(addr)
	return req
}

func TestLockoutsGrowAndStopGrowing(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		failures   int
		near, far  time.Duration
		wantHardly bool
	}{
		{0, 0, 0, false}, {1, 0, 0, false}, {4, 0, 0, false},
		{5, time.Second, 0, false}, {6, 2 * time.Second, 0, false}, {7, 4 * time.Second, 0, false},
		{14, 512 * time.Second, 0, false}, {15, 15 * time.Minute, 0, false}, {19, 15 * time.Minute, 0, false},
		{20, 15 * time.Minute, time.Minute, false}, {21, 15 * time.Minute, 2 * time.Minute, false},
		{25, 15 * time.Minute, 32 * time.Minute, false}, {26, 15 * time.Minute, time.Hour, false},
		{99, 15 * time.Minute, time.Hour, false}, {100, 15 * time.Minute, 0, true}, {1_000_000, 15 * time.Minute, 0, true},
	} {
		if got := issuer.Lockout(x.failures, issuer.NearFree, issuer.NearUnit, issuer.NearMost); got != x.near {
			t.Errorf("%d failures from one network lock for %v, want %v", x.failures, got, x.near)
		}
		until := issuer.FarLock(testTime, x.failures)
		switch {
		case x.wantHardly && until.Sub(testTime) < 50*365*24*time.Hour:
			t.Errorf("%d failures lock until %v, want for good", x.failures, until)
		case !x.wantHardly && x.far == 0 && !until.IsZero():
			t.Errorf("%d failures lock the account until %v, want no lock", x.failures, until)
		case !x.wantHardly && x.far != 0 && until.Sub(testTime) != x.far:
			t.Errorf("%d failures lock the account for %v, want %v", x.failures, until.Sub(testTime), x.far)
		}
	}
}

func TestWrongPasswordsLockTheAccountForTheirNetwork(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	app, u := h.app(), h.user("ann@example.com")
	wrong, right := login(app, u.Email, "wrong"), login(app, u.Email, rightPassword)
	for i := range issuer.NearFree {
		if got := h.cause(wrong); got != "wrong password" {
			t.Fatalf("failure %d: %q", i+1, got)
		}
	}
	for i, lock := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		if got := h.cause(right); got != "locked user" {
			t.Errorf("lock %d: the right password gives %q", i, got)
		}
		h.clock.Add(lock - 1)
		// Asking meanwhile neither tells anything nor makes it longer.
		for range 3 {
			if got := h.cause(right); got != "locked user" {
				t.Errorf("lock %d: just before its end the right password gives %q", i, got)
			}
		}
		h.clock.Add(1)
		if got := h.cause(wrong); got != "wrong password" {
			t.Errorf("lock %d: after its end a wrong password gives %q", i, got)
		}
	}
	if got := h.person(u).Failures; got != issuer.NearFree+3 {
		t.Errorf("the account counts %d failures, want those that were compared: %d", got, issuer.NearFree+3)
	}
	h.clock.Add(8 * time.Second)
	if got := h.cause(right); got != "" {
		t.Fatalf("after the lock the right password gives %q", got)
	}
	// Success clears both counts.
	if got := h.person(u); got.Failures != 0 || !got.LockedUntil.IsZero() {
		t.Errorf("after success the account counts %d failures, locked until %v", got.Failures, got.LockedUntil)
	}
	for range issuer.NearFree - 1 {
		h.cause(wrong)
	}
	if got := h.cause(right); got != "" {
		t.Errorf("after success and %d failures: %q", issuer.NearFree-1, got)
	}
}

func TestAStrangerDoesNotLockOutTheOwner(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	app, u := h.app(), h.user("ann@example.com")
	stranger := from(login(app, u.Email, "guess"), "203.0.113.66")
	// Guessing as fast as the lock allows.
	for n := range issuer.FarFree - 1 {
		if got := h.cause(stranger); got != "wrong password" {
			t.Fatalf("guess %d: %q", n+1, got)
		}
		h.clock.Add(issuer.Lockout(n+1, issuer.NearFree, issuer.NearUnit, issuer.NearMost))
	}
	h.cause(from(stranger, "203.0.113.67")) // one more locks the account for a minute
	h.clock.Add(time.Minute)
	if took := h.clock.Now().Sub(testTime); took < time.Hour {
		t.Errorf("%d guesses from one network took only %v", issuer.FarFree-1, took)
	}
	for _, x := range []struct{ addr, want string }{
		{"203.0.113.66", "locked user"},
		{"203.0.113.1", "locked user"}, // the same /24
		{"203.0.112.66", ""},
		{"2001:db8::1", ""},
	} {
		if got := h.cause(from(login(app, u.Email, rightPassword), x.addr)); got != x.want {
			t.Errorf("the owner from %s: %q, want %q", x.addr, got, x.want)
		}
	}
	// The owner's success from elsewhere does not free the stranger's network.
	if got := h.cause(stranger); got != "locked user" {
		t.Errorf("the stranger after the owner's success: %q", got)
	}
}

func TestIPv6NeighboursShareALock(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	app, u := h.app(), h.user("ann@example.com")
	for i := range issuer.NearFree {
		h.cause(from(login(app, u.Email, "guess"), fmt.Sprintf("2001:db8:0:1::%x", i+1)))
	}
	right := login(app, u.Email, rightPassword)
	if got := h.cause(from(right, "2001:db8:0:1:ffff::")); got != "locked user" {
		t.Errorf("from the same /64: %q", got)
	}
	if got := h.cause(from(right, "2001:db8:0:2::1")); got != "" {
		t.Errorf("from another /64: %q", got)
	}
}

func TestSpellingsOfAnAddressShareOneCount(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	app, u := h.app(), h.user("andré@example.com")
	spellings := []string{
		"andré@example.com", "ANDRÉ@EXAMPLE.COM", " andré@example.com\t", "andre\u0301@example.com",
		"ＡＮＤＲÉ@example.com", "andré@ex\u1d43mple.com", "\u00a0andré@example.com",
	}
	for _, s := range spellings {
		if got := h.cause(login(app, s, rightPassword)); got != "" {
			t.Errorf("%q is not the account: %s", s, got)
		}
	}
	for i := range issuer.NearFree {
		if got := h.cause(login(app, spellings[i%len(spellings)], "wrong")); got != "wrong password" {
			t.Fatalf("%q: %q", spellings[i], got)
		}
	}
	if got := issuer.NearLocks(h.Issuer); got != 1 {
		t.Errorf("%d accounts are counted, want 1", got)
	}
	for _, s := range spellings {
		if got := h.cause(login(app, s, rightPassword)); got != "locked user" {
			t.Errorf("%q is a fresh account: %q", s, got)
		}
	}
	if got := h.person(u).Failures; got != issuer.NearFree {
		t.Errorf("the account counts %d failures, want %d", got, issuer.NearFree)
	}
	// Of nobody's address too: a lock must not tell who exists.
	for i := range issuer.NearFree {
		h.cause(login(app, []string{"no@example.com", "NO@example.com"}[i%2], "wrong"))
	}
	if got := h.cause(login(app, " nO@Example.com", "wrong")); got != "locked user" && got != "unknown user" {
		t.Errorf("an address that nobody has: %q", got)
	}
}

func TestTheAccountLocksEverywhereAfterManyFailures(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	app := h.app()
	u := h.user("ann@example.com", func(u *postern.User) { u.Failures = issuer.FarFree - 1 })
	right := from(login(app, u.Email, rightPassword), "203.0.113.9")
	h.cause(login(app, u.Email, "wrong"))
	ev := h.events(testTenant, postern.ActAccountLocked)
	if len(ev) != 1 || ev[0].UserID != u.ID || ev[0].Detail == "" {
		t.Errorf("the lock is in the trail as %+v", ev)
	}
	if got := h.cause(right); got != "locked user" {
		t.Errorf("from elsewhere: %q", got)
	}
	// The lock is in the database: another node and a restart know it.
	second := h.another()
	if got := second.cause(from(right, "198.51.100.9")); got != "locked user" {
		t.Errorf("at another node: %q", got)
	}
	h.clock.Add(time.Minute - time.Millisecond)
	if got := second.cause(right); got != "locked user" {
		t.Errorf("a millisecond before the end: %q", got)
	}
	h.clock.Add(time.Millisecond)
	if got := second.cause(right); got != "" {
		t.Errorf("at the end: %q", got)
	}
	if got := h.person(u); got.Failures != 0 || !got.LockedUntil.IsZero() {
		t.Errorf("after success: %d failures, locked until %v", got.Failures, got.LockedUntil)
	}
}

func TestTheHundredthFailureIsTheLast(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	app := h.app()
	u := h.user("ann@example.com", func(u *postern.User) { u.Failures = issuer.HardStop - 2 })
	for i, wait := range []time.Duration{time.Hour, 40 * 365 * 24 * time.Hour} {
		if got := h.cause(from(login(app, u.Email, "wrong"), fmt.Sprintf("203.0.%d.1", i))); got != "wrong password" {
			t.Fatalf("failure %d: %q", issuer.HardStop-1+i, got)
		}
		h.clock.Add(wait - time.Second)
		if got := h.cause(login(app, u.Email, rightPassword)); got != "locked user" {
			t.Errorf("%v after failure %d: %q", wait, issuer.HardStop-1+i, got)
		}
		h.clock.Add(time.Second)
	}
	if got := h.cause(login(app, u.Email, rightPassword)); got != "locked user" {
		t.Errorf("forty years after the hundredth failure: %q", got)
	}
	if got := h.person(u).Failures; got != issuer.HardStop {
		t.Errorf("%d failures are counted, want %d", got, issuer.HardStop)
	}
	h.changeUser(u, func(u *postern.User) { u.Failures, u.LockedUntil = 0, time.Time{} }) // the operator
	if got := h.cause(login(app, u.Email, rightPassword)); got != "" {
		t.Errorf("after the operator unlocked it: %q", got)
	}
}

// Guesses that wait for their turn together are counted one by one: when enough of
// those in front were wrong, the right one is refused.
func TestGuessesAtOnceDoNotOutrunTheLock(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name  string
		wrong int
		addr  func(i int) string
		set   func(*postern.User)
	}{
		{"from one network", issuer.NearFree, func(int) string { return "203.0.113.9" }, func(*postern.User) {}},
		{"from many", 3, func(i int) string { return fmt.Sprintf("203.0.%d.1", i) },
			func(u *postern.User) { u.Failures = issuer.FarFree - 3 }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				app, u := h.app(), h.user("ann@example.com", x.set)
				release := issuer.TakeTurns(h.Issuer)
				var all sync.WaitGroup
				// The last ones may still be at it, one for each turn there is.
				for i := range x.wrong + runtime.GOMAXPROCS(0) - 1 {
					all.Go(func() { h.cause(from(login(app, u.Email, "wrong"), x.addr(i))) })
					synctest.Wait() // in this order, whatever happens
				}
				var got string
				all.Go(func() { got = h.cause(from(login(app, u.Email, rightPassword), x.addr(99))) })
				synctest.Wait()
				release()
				all.Wait()
				if got != "locked user" {
					t.Errorf("the right password behind %d wrong ones gives %q, want it locked", x.wrong, got)
				}
			})
		})
	}
}

func TestConcurrentFailuresAreAllCounted(t *testing.T) {
	t.Parallel()
	h := newLockHouse(t)
	second := h.another()
	app, u := h.app(), h.user("ann@example.com")
	var all sync.WaitGroup
	for i := range 10 {
		for _, n := range []*house{h, second} {
			all.Go(func() { n.cause(from(login(app, u.Email, "wrong"), fmt.Sprintf("203.0.%d.1", i))) })
		}
	}
	all.Wait()
	if got := h.person(u).Failures; got != 20 {
		t.Errorf("%d of 20 failures are counted", got)
	}
}

// A password that was changed while the old one was being checked counts.
func TestANewPasswordCountsAgainstLoginsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		app, u := h.app(), h.user("ann@example.com")
		release := issuer.TakeTurns(h.Issuer)
		got := make(chan string, 1)
		go func() { got <- h.cause(login(app, u.Email, rightPassword)) }()
		synctest.Wait()
		h.changeUser(u, func(u *postern.User) { u.PasswordHash, u.NotBefore = cheap("quite another password"), h.clock.Now() })
		release()
		if got := <-got; got != "wrong password" {
			t.Errorf("the old password gives %q", got)
		}
	})
}

// Not a test: time on a shared machine decides nothing. The medians should be
// within a few per cent of each other; see also BenchmarkRefuse.
func BenchmarkRefusePerson(b *testing.B) {
	h := newHouse(b)
	real, err := issuer.NewPasswords(testBox).Hash(b.Context(), postern.NewSecret(rightPassword))
	if err != nil {
		b.Fatal(err)
	}
	app, n := h.app(), 0
	class := func(name string, change func(*postern.User)) timed {
		u := h.user(name+"@example.com", func(u *postern.User) { u.PasswordHash = real; change(u) })
		return timed{name, func() {
			n++
			req := login(app, u.Email, "wrong")
			if name == "unknown" {
				req.Email = "nobody@example.com"
			}
			req.Source = netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1})
			_, _ = h.Issue(b.Context(), req)
		}, func() { _ = h.db.ClearFailures(b.Context(), u.Tenant, u.ID) }}
	}
	interleave(b,
		class("wrong", func(*postern.User) {}),
		class("unknown", func(*postern.User) {}),
		class("locked", func(u *postern.User) { u.LockedUntil = testTime.Add(time.Hour) }),
		class("disabled", func(u *postern.User) { u.Disabled = true }))
}
