package broker_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
)

// Under load nobody waits longer than memory takes, however slow the server is: a
// thousand renewals, a caller every 10 ms.
func TestNobodyWaitsForARenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen told
		s := &server{takes: 500 * time.Millisecond, life: 10 * time.Second}
		b := open(t, broker.Config{Fetch: s, Observe: seen.observe, Dice: dice()})
		wantToken(t, b, 0, "t1")
		var longest time.Duration
		for calls := 0; s.asked() < 1001; calls++ {
			start := time.Now()
			tok, err := b.Token(t.Context(), "acme", 0)
			if err != nil || !tok.ExpiresAt.After(start) {
				t.Fatalf("call %d: %v, and a token until %v at %v", calls, err, tok.ExpiresAt, start)
			}
			longest = max(longest, time.Since(start))
			time.Sleep(10 * time.Millisecond)
		}
		if longest != 0 {
			t.Errorf("a caller waited for %v", longest)
		}
		if r, j := seen.count(broker.Renewed), seen.count(broker.Joined); r < 999 || j != 0 {
			t.Errorf("%d renewals, %d callers joined", r, j)
		}
	})
}

// dice gives a fixed row of chances.
func dice() func() float64 {
	n := uint64(1)
	return func() float64 {
		n = n*6364136223846793005 + 1442695040888963407
		return float64(n>>11) / (1 << 53)
	}
}

func TestATokenIsRenewedAMinuteBeforeItsEndAtMostHalfItsLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		life, margin time.Duration // margin as configured
		dice         float64
		want         time.Duration // from the beginning of its life
	}{
		{time.Hour, 0, 0, 59 * time.Minute},
		{time.Hour, 0, 0.5, 59*time.Minute - 6*time.Second},
		{time.Hour, 5 * time.Minute, 0, 55 * time.Minute},
		{90 * time.Second, 0, 0, 45 * time.Second},
		{90 * time.Second, time.Hour, 0, 45 * time.Second},
		{10 * time.Second, 0, 0, 5 * time.Second},
		{10 * time.Second, 0, 0.999, 5*time.Second - 999*time.Millisecond},
		{2 * time.Second, 0, 0, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{life: tt.life}
			up := acme()
			up.Margin = tt.margin
			b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}, Dice: func() float64 { return tt.dice }})
			wantToken(t, b, 0, "t1")
			wantToken(t, b, 0, "t1") // somebody uses it
			time.Sleep(tt.want - time.Millisecond)
			synctest.Wait()
			wantAsked(t, s, 1)
			time.Sleep(time.Millisecond)
			synctest.Wait()
			wantAsked(t, s, 2)
			wantToken(t, b, 0, "t2")
		})
	}
}

func TestATokenThatNobodyUsesIsNotRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Second, life: time.Hour}
		b := open(t, broker.Config{Fetch: s})
		wantToken(t, b, 0, "t1")
		time.Sleep(59*time.Minute + 30*time.Second)
		wantAsked(t, s, 1)
		// Whoever comes before its end has it, and begins the renewal.
		wantToken(t, b, 0, "t1")
		time.Sleep(2 * time.Second)
		wantAsked(t, s, 2)
		time.Sleep(24 * time.Hour)
		wantAsked(t, s, 2)
		wantToken(t, b, 0, "t3")
	})
}

func TestAFailedRenewalKeepsTheTokenAndIsTriedAgainWithGrowingPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen told
		s := &server{}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			if n == 1 || n > 5 {
				return token(fmt.Sprintf("t%d", n), time.Hour), nil
			}
			return broker.Answer{}, down
		}
		b := open(t, broker.Config{Fetch: s, Observe: seen.observe})
		start := time.Now()
		for time.Since(start) < time.Hour {
			if _, err := b.Token(t.Context(), "acme", 0); err != nil {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		var got []time.Duration
		for _, at := range s.at {
			got = append(got, at.Sub(start))
		}
		m := 59 * time.Minute
		want := fmt.Sprint([]time.Duration{0, m, m + time.Second, m + 3*time.Second, m + 7*time.Second, m + 15*time.Second})
		if fmt.Sprint(got) != want {
			t.Errorf("asked at %v, want %v", got, want)
		}
		if seen.count(broker.Kept) != 4 || seen.count(broker.Refused) != 0 {
			t.Errorf("got %v", seen.kind)
		}
	})
}

func TestWhenEveryRenewalFailsTheTokenIsGivenToItsLastMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			if n == 1 {
				return token("t1", 10*time.Minute), nil
			}
			return broker.Answer{}, badPair // even if the credential is refused
		}
		b := open(t, broker.Config{Fetch: s})
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			wantToken(t, b, 0, "t1")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		_, err := b.Token(t.Context(), "acme", 0)
		wantCode(t, err, postern.Unauthenticated)
		st, _ := b.Stats("acme")
		if st.Failure == nil || !st.ExpiresAt.IsZero() || st.Hits != 599 {
			t.Errorf("got %+v", st)
		}
	})
}

// However a server alternates, a token that lives is given and an answer always comes.
func TestAServerThatAlternatesBetweenSuccessAndFailureIsNotFelt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: 100 * time.Millisecond}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			if n%2 == 0 {
				return broker.Answer{}, down
			}
			return token(fmt.Sprintf("t%d", n), time.Minute), nil
		}
		b := open(t, broker.Config{Fetch: s})
		for start := time.Now(); time.Since(start) < time.Hour; {
			at := time.Now()
			if _, err := b.Token(t.Context(), "acme", 0); err != nil {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			if d := time.Since(at); d > 0 && s.asked() > 1 {
				t.Fatalf("after %v a caller waited %v", time.Since(start), d)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func TestWhatTheServerSaysAboutTheLifeIsReadWithCare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		told, life time.Duration // life as configured
		want       time.Duration
	}{
		{"missing, zero or unreadable", 0, 0, postern.DefaultUpstreamLife},
		{"missing where the life is known", 0, 23 * time.Hour, 23 * time.Hour},
		{"negative", -time.Hour, 0, postern.DefaultUpstreamLife},
		{"one second", time.Second, 0, time.Second},
		{"a day", 24 * time.Hour, time.Hour, 24 * time.Hour},
		{"a hundred years", 100 * 365 * 24 * time.Hour, 0, 10 * 365 * 24 * time.Hour},
		{"the longest there is", 1<<63 - 1, 0, 10 * 365 * 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{life: tt.told, takes: 100 * time.Millisecond}
			up := acme()
			up.Life = tt.life
			b := open(t, broker.Config{Fetch: s, Upstreams: []postern.Upstream{up}})
			before := time.Now() // it counts from before the request
			tok := wantToken(t, b, 0, "t1")
			if got := tok.ExpiresAt.Sub(before); got != tt.want || tok.ExpiresIn != tt.want {
				t.Errorf("%s: lives for %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

func TestATokenThatIsOverWhenItComesIsNotGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{life: time.Second, takes: 2 * time.Second}
		b := open(t, broker.Config{Fetch: s})
		_, err := b.Token(t.Context(), "acme", 0)
		if e := wantCode(t, err, postern.Unavailable); e.Hint == "" {
			t.Errorf("no hint: %v", e)
		}
	})
}

func TestAClockThatJumpsAnHourLosesNoToken(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var off time.Duration
			s := &server{life: 30 * time.Minute}
			b := open(t, broker.Config{Fetch: s, Now: func() time.Time { return time.Now().Round(0).Add(off) }})
			wantToken(t, b, 0, "t1")
			off = jump
			time.Sleep(28 * time.Minute)
			wantToken(t, b, 0, "t1")
			wantAsked(t, s, 1)
			time.Sleep(time.Minute)
			synctest.Wait() // the renewal
			wantToken(t, b, 0, "t2")
			off = 0
			time.Sleep(28 * time.Minute)
			wantToken(t, b, 0, "t2")
			wantAsked(t, s, 2)
		})
	}
}

func TestTheClockOfTheServerIsCompared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen told
		s := &server{takes: 4 * time.Second}
		var off time.Duration
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			a := token(fmt.Sprintf("t%d", n), time.Minute)
			a.Date = time.Now().Add(-2 * time.Second).Add(off).UTC().Truncate(time.Second)
			return a, nil
		}
		b := open(t, broker.Config{Fetch: s, Observe: seen.observe})
		for _, tt := range []struct{ off, want time.Duration }{
			{0, 0}, {time.Second, 0}, {90 * time.Second, 90 * time.Second}, {-5 * time.Hour, -5 * time.Hour},
		} {
			off = tt.off
			if _, err := b.Token(t.Context(), "acme", 0); err != nil {
				t.Fatal(err)
			}
			if st, _ := b.Stats("acme"); st.Skew != tt.want {
				t.Errorf("a server %v ahead: got %v", tt.off, st.Skew)
			}
			time.Sleep(time.Hour)
		}
		if n := seen.count(broker.OutOfTune); n != 2 {
			t.Errorf("told %d times", n)
		}
	})
}
