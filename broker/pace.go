package broker

import (
	"math"
	"time"

	"postern.dev/postern"
)

const (
	// defaultMargin is how long before its end a token is renewed.
	defaultMargin = time.Minute
	// longestLife is believed of a token; what claims more is a mistake.
	longestLife = 10 * 365 * 24 * time.Hour
	// shortestPause lies between two requests after a failure, longestPause too unless
	// the server asks for more, of which longestWait is granted.
	shortestPause = time.Second
	longestPause  = 30 * time.Second
	longestWait   = time.Hour
	// refusedFor is how long a refused credential is not shown again unchanged. It is
	// not for ever, since whoever switched it off may switch it on.
	refusedFor = 10 * time.Minute
)

// lifeOf is how long a token is believed to live, counted from before it was asked
// for.
func lifeOf(told time.Duration, up *postern.Upstream) time.Duration {
	switch {
	case told > longestLife:
		return longestLife
	case told > 0:
		return told
	case up.Life > 0:
		return min(up.Life, longestLife)
	}
	return postern.DefaultUpstreamLife
}

// marginOf is how long before its end a token with so much life is renewed.
func marginOf(life time.Duration, up *postern.Upstream) time.Duration {
	m := up.Margin
	if m == 0 {
		m = defaultMargin
	}
	return min(m, life/2)
}

// renewalOf is when after its beginning a token with so much life is renewed: before
// the margin, by up to a fifth of it, so that not everybody comes at once.
func renewalOf(life time.Duration, up *postern.Upstream, dice float64) time.Duration {
	m := marginOf(life, up)
	at := life - m - time.Duration(float64(m)*0.2*dice)
	// A server that gives the same token again gives one with less life each time. The
	// last seconds are left alone, or there would be no end to asking.
	if life-at < shortestPause/2 {
		return life
	}
	return at
}

// pauseOf is how long nothing is asked after the n-th failure in a row.
func pauseOf(e *postern.Error, n int, dice float64) time.Duration {
	if e.Wait > 0 && (e.Code == postern.TooMany || e.Code == postern.Unavailable) {
		return min(max(e.Wait, shortestPause), longestWait)
	}
	grown := min(float64(shortestPause)*math.Pow(2, float64(min(n, 16)-1)), float64(longestPause))
	return time.Duration(grown * (1 + 0.25*dice))
}

// bucket lets through a few at once and then one every so often. The zero value is
// full. It is guarded by its owner's lock.
type bucket struct {
	size  int
	every time.Duration
	owed  time.Duration // the moment when it is full again
}

// take gives how long to wait for a turn at now; the turn is taken.
func (b *bucket) take(now time.Duration) time.Duration {
	wait := b.peek(now)
	b.owed = max(b.owed, now) + b.every
	return wait
}

// peek gives how long to wait for a turn at now.
func (b *bucket) peek(now time.Duration) time.Duration {
	return max(0, b.owed-now-time.Duration(b.size-1)*b.every)
}

// mints is a bucket for requests for tokens: a fifth below what the server takes.
func mints(up *postern.Upstream) bucket {
	n := up.PerMinute
	if n == 0 {
		n = 60
	}
	return bucket{size: max(2, n/4), every: time.Minute * 5 / time.Duration(4*n)}
}

// drops is a bucket for tokens that are dropped: an API that says 401 for a missing
// right would otherwise cost a token for every call.
func drops() bucket { return bucket{size: 5, every: 10 * time.Second} }
