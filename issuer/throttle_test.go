package issuer_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

func limited(l issuer.Limits) func(*issuer.Config) {
	return func(c *issuer.Config) { c.Limits = l }
}

// throttled says whether a request gets TooMany, and how long it is to wait.
func (h *house) throttled(req postern.Request) (time.Duration, bool) {
	h.t.Helper()
	_, err := h.Issue(h.t.Context(), req)
	e := postern.AsError(err)
	if e == nil || e.Code != postern.TooMany {
		return 0, false
	}
	if e.Wait < time.Second || e.Wait%time.Second != 0 {
		h.t.Errorf("the wait is %v", e.Wait)
	}
	return e.Wait, true
}

func TestAFailingSourceIsThrottledAndARightSecretNever(t *testing.T) {
	t.Parallel()
	const burst = 5
	h := newHouse(t, limited(issuer.Limits{FailuresPerSource: burst, FailuresPerClient: -1}))
	c, s := h.client()
	wrong, right := request("oauth2", c, postern.GenerateSecret()), request("oauth2", c, s)
	for i := range burst {
		if _, much := h.throttled(wrong); much {
			t.Fatalf("failure %d of %d is throttled", i+1, burst)
		}
	}
	for _, x := range []struct {
		name string
		req  postern.Request
		much bool
	}{
		{"the same", wrong, true},
		{"another of the network", from(wrong, "192.0.2.200"), true},
		{"the network, mapped into v6", from(wrong, "::ffff:192.0.2.1"), true},
		{"an unknown client", request("oauth2", postern.Client{ID: "nobody"}, s), true},
		{"a forbidden scope", func() postern.Request { r := right; r.Scope = postern.NewScopes("x"); return r }(), true},
		{"another network", from(wrong, "192.0.3.10"), false},
		{"a right secret", right, false},
	} {
		if _, much := h.throttled(x.req); much != x.much {
			t.Errorf("%s: throttled %v, want %v", x.name, much, x.much)
		}
	}
	for range 3 {
		h.issue(right)
	}
	// What cannot be read counts as well.
	err := h.Refuse(t.Context(), right, postern.Errorf(postern.Invalid, "unreadable").Because(postern.BadRequest))
	if postern.CodeOf(err) != postern.TooMany {
		t.Errorf("an unreadable request from a failing source: %v", err)
	}
	if err := h.Revoke(t.Context(), wrong, "x"); postern.CodeOf(err) != postern.TooMany {
		t.Errorf("a revocation from a failing source: %v", err)
	}
	// One failure a second is forgiven.
	h.clock.Add(time.Second)
	if _, much := h.throttled(wrong); much {
		t.Error("after a second one more is not borne")
	}
	if _, much := h.throttled(wrong); !much {
		t.Error("after a second two more are borne")
	}
}

func TestGuessingAtOneClientIsThrottledFromEverywhere(t *testing.T) {
	t.Parallel()
	const burst = 4
	h := newHouse(t, limited(issuer.Limits{FailuresPerSource: -1, FailuresPerClient: burst}))
	known, s := h.client()
	other, _ := h.client()
	for _, c := range []postern.Client{known, {ID: "nobody"}} { // known or not
		wrong := request("oauth2", c, postern.GenerateSecret())
		for i := range burst {
			if _, much := h.throttled(from(wrong, fmt.Sprintf("203.0.%d.1", i))); much {
				t.Fatalf("failure %d of %d is throttled", i+1, burst)
			}
		}
		if _, much := h.throttled(from(wrong, "2001:db8::1")); !much {
			t.Errorf("guessing at %q from many networks is not throttled", c.ID)
		}
		if _, much := h.throttled(request("oauth2", other, postern.GenerateSecret())); much {
			t.Error("another client is throttled too")
		}
	}
	h.issue(request("oauth2", known, s))
	h.clock.Add(6 * time.Second)
	wrong := request("oauth2", known, postern.GenerateSecret())
	if _, much := h.throttled(wrong); much {
		t.Error("after six seconds one more is not borne")
	}
	if _, much := h.throttled(wrong); !much {
		t.Error("after six seconds two more are borne")
	}
}

func TestOfARunOfRefusalsTheFirstIsInTheTrail(t *testing.T) {
	t.Parallel()
	const burst = 3
	h := newHouse(t, limited(issuer.Limits{FailuresPerSource: burst}))
	c, _ := h.client()
	wrong := request("oauth2", c, postern.GenerateSecret())
	run := func() (actions []string) {
		before := len(h.events(testTenant))
		for range burst + 10 {
			h.refused(wrong)
		}
		for _, e := range h.events(testTenant)[before:] {
			actions = append(actions, e.Action+" "+string(e.Code)+" "+e.Cause)
		}
		return actions
	}
	refused, much := "token.refused unauthenticated wrong secret", "token.throttled too_many wrong secret"
	diff(t, "the first run", run(), []string{refused, refused, refused, much})
	h.clock.Add(time.Second)
	diff(t, "while it lasts", run(), []string{refused})
	h.clock.Add(burst * time.Second)
	diff(t, "the next run", run(), []string{refused, refused, refused, much})
}

func TestTheWaitIsNeverShorterThanTheRealOne(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]issuer.Limits{
		"source": {FailuresPerSource: 3, FailuresPerClient: -1, PerClient: -1},
		"client": {FailuresPerSource: -1, FailuresPerClient: 3, PerClient: -1},
		"window": {FailuresPerSource: -1, FailuresPerClient: -1, PerClient: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, limited(l), func(c *issuer.Config) { c.Journal = discard{c.Journal} })
			c, s := h.client()
			req := request("personio-v1", c, s)
			if name != "window" {
				req.Secret = postern.GenerateSecret()
			}
			seen, r := 0, rand.New(rand.NewPCG(1, 2))
			for range 3000 {
				if wait, much := h.throttled(req); much {
					seen++
					h.clock.Add(wait)
					if again, much := h.throttled(req); much {
						t.Fatalf("told to wait %v, and then %v more", wait, again)
					}
				}
				h.clock.Add(time.Duration(r.Int64N(int64(700 * time.Millisecond))))
			}
			if seen == 0 {
				t.Error("nothing was throttled")
			}
		})
	}
}

func TestAClockThatGoesBackThrottlesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, limited(issuer.Limits{FailuresPerSource: 3}))
	c, s := h.client()
	wrong := request("personio-v1", c, postern.GenerateSecret())
	h.throttled(wrong)
	h.issue(request("personio-v1", c, s))
	h.clock.Add(-time.Hour)
	if wait, much := h.throttled(wrong); much {
		t.Errorf("the second of three failures is throttled for %v", wait)
	}
	h.throttled(wrong)
	if wait, much := h.throttled(wrong); !much || wait != time.Second {
		t.Errorf("the fourth failure: throttled %v for %v, want a second", much, wait)
	}
	for range 60 {
		if wait, much := h.throttled(request("personio-v1", c, s)); much {
			t.Fatalf("a client within its limit is throttled for %v", wait)
		}
	}
}

func TestADialectsLimitCountsAWindowOfAMinute(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		dialect string
		scale   int
		limit   int
	}{
		{"personio-v1", 1, 60}, {"personio-v2", 1, 150}, {"personio-v1", 2, 120},
		{"oauth2", 1, 0}, {"personio-v1", -1, 0},
	} {
		t.Run(fmt.Sprint(x.dialect, "×", x.scale), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, limited(issuer.Limits{FailuresPerSource: -1, FailuresPerClient: -1, PerClient: x.scale}))
			c, s := h.client()
			other, otherSecret := h.client()
			req := request(x.dialect, c, s)
			if x.limit == 0 {
				for i := range 400 {
					if _, much := h.throttled(req); much {
						t.Fatalf("request %d is throttled", i+1)
					}
				}
				return
			}
			// Refused requests are not the client's and do not count.
			wrong := req
			wrong.Secret = postern.GenerateSecret()
			for range 10 {
				h.throttled(wrong)
			}
			for minute := range 3 {
				for i := range x.limit {
					if _, much := h.throttled(req); much {
						t.Fatalf("minute %d: request %d of %d is throttled", minute, i+1, x.limit)
					}
					h.clock.Add(100 * time.Millisecond)
				}
				left := time.Minute - time.Duration(x.limit)*100*time.Millisecond
				before := len(h.events(testTenant))
				for range 5 { // asking on does not prolong it
					if wait, much := h.throttled(req); !much || wait != left {
						t.Errorf("minute %d: beyond the limit: throttled %v for %v, want %v", minute, much, wait, left)
					}
				}
				run := h.events(testTenant)[before:]
				if len(run) != 1 || run[0].Action != postern.ActThrottled || run[0].ClientID != c.ID || run[0].Code != postern.TooMany {
					t.Errorf("minute %d: in the trail: %+v", minute, run)
				}
				if _, much := h.throttled(request(x.dialect, other, otherSecret)); much {
					t.Error("another client is throttled too")
				}
				if _, much := h.throttled(request("oauth2", c, s)); much {
					t.Error("another dialect is throttled too")
				}
				h.clock.Add(left - time.Nanosecond)
				if _, much := h.throttled(req); !much {
					t.Error("a nanosecond before the end of the minute it is over")
				}
				h.clock.Add(time.Nanosecond)
			}
		})
	}
}

func TestWhatIsCountedIsBounded(t *testing.T) {
	t.Parallel()
	for what, n := range issuer.SizesAfter(3*issuer.MaxBuckets, testTime) {
		if n > issuer.MaxBuckets || n < issuer.MaxBuckets/2 {
			t.Errorf("%s hold %d keys after %d, want %d to %d", what, n, 3*issuer.MaxBuckets, issuer.MaxBuckets/2, issuer.MaxBuckets)
		}
	}
}

func TestAnUnknownSourceIsOneSource(t *testing.T) {
	t.Parallel()
	h := newHouse(t, limited(issuer.Limits{FailuresPerSource: 2}))
	req := request("oauth2", postern.Client{ID: "nobody"}, postern.GenerateSecret())
	req.Source = netip.Addr{}
	h.throttled(req)
	h.throttled(req)
	if _, much := h.throttled(req); !much {
		t.Error("failures without an address are not counted")
	}
}

func TestAPaceIsForEachCallerAndForgives(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := issuer.NewPace(60)
	for i := range 60 {
		if wait := p.Take("one", now); wait != 0 {
			t.Fatalf("call %d of 60 has to wait %s", i+1, wait)
		}
	}
	for _, x := range []struct {
		caller string
		after  time.Duration
		wait   time.Duration
	}{{"one", 0, time.Second}, {"two", 0, 0}, {"one", 400 * time.Millisecond, 600 * time.Millisecond}, {"one", time.Second, 0}, {"one", time.Second, time.Second}} {
		if wait := p.Take(x.caller, now.Add(x.after)); wait != x.wait {
			t.Errorf("%s after %s: got %s, want %s", x.caller, x.after, wait, x.wait)
		}
	}
	for _, none := range []int{0, -1, -600} {
		p := issuer.NewPace(none)
		for range 1000 {
			if wait := p.Take("one", now); wait != 0 {
				t.Fatalf("a pace of %d bounds", none)
			}
		}
	}
}
