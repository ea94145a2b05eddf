package hr

import (
	"container/list"
	"sync"
	"time"

	"postern.dev/postern"
)

// allowance is how fast a client may ask for one path, with ids folded: so many calls
// a second in the long run, and so many at once.
type allowance struct{ rate, burst int }

// allowances has the paths with an allowance of their own; the rest have the last. Who
// lists employees fetches a picture for each of them, all at once.
var allowances = []struct {
	path string
	allowance
}{
	{"/v2/persons", allowance{30, 100}},
	{"/v2/persons/{id}", allowance{30, 100}},
	{"/v1/company/employees", allowance{5, 15}},
	{"", allowance{10, 100}},
}

func allowanceOf(path string) allowance {
	for _, a := range allowances {
		if a.path == path || a.path == "" {
			return a.allowance
		}
	}
	return allowance{} // not reached: the last fits all
}

// level is what a bucket holds after a call.
type level struct {
	allowance
	left int
	wait time.Duration // until there is one more, when there was none
}

// maxBuckets bounds the memory for buckets: of the least used, a full one is dropped
// first, since nobody can tell it from a new one.
const maxBuckets = 4096

// buckets are the token buckets of clients. They fill when they are looked at, so
// nothing runs between calls.
type buckets struct {
	mu    sync.Mutex
	byKey map[bucketKey]*list.Element
	order *list.List // of *bucket, the last used first
}

type bucketKey struct{ client, path string }

type bucket struct {
	key bucketKey
	allowance
	tokens float64
	at     time.Time // when tokens was true
}

func newBuckets() *buckets { return &buckets{byKey: map[bucketKey]*list.Element{}, order: list.New()} }

// take spends one token, if there is one, and tells what is left.
func (s *buckets) take(client, path string, now time.Time) level {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := bucketKey{client, path}
	at, ok := s.byKey[key]
	if ok {
		s.order.MoveToFront(at)
	} else {
		s.makeRoom(now)
		a := allowanceOf(path)
		at = s.order.PushFront(&bucket{key: key, allowance: a, tokens: float64(a.burst), at: now})
		s.byKey[key] = at
	}
	b := at.Value.(*bucket)
	b.fill(now)
	l := level{allowance: b.allowance}
	if b.tokens >= 1 {
		b.tokens--
	} else {
		l.wait = time.Duration((1 - b.tokens) / float64(b.rate) * float64(time.Second))
	}
	l.left = int(b.tokens)
	return l
}

func (b *bucket) fill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 { // a clock that was set back gives nothing
		b.tokens = min(float64(b.burst), b.tokens+passed.Seconds()*float64(b.rate))
	}
	b.at = now
}

// makeRoom looks at the least used for a full one, and else drops the last of all.
func (s *buckets) makeRoom(now time.Time) {
	if len(s.byKey) < maxBuckets {
		return
	}
	victim := s.order.Back()
	for at, n := victim, 0; at != nil && n < 16; at, n = at.Prev(), n+1 {
		b := at.Value.(*bucket)
		if b.fill(now); b.tokens >= float64(b.burst) {
			victim = at
			break
		}
	}
	delete(s.byKey, s.order.Remove(victim).(*bucket).key)
}

// meter spends one token of the client's bucket for the path. What comes of it is for
// pace to say, after the questions that it would hide.
func (c *call) meter() {
	if c.Unpaced || switchOf(&c.sandbox, "rate-limit") == "off" {
		a := allowanceOf(c.route.path)
		c.level = level{allowance: a, left: a.burst}
		return
	}
	c.level = c.buckets.take(c.claims.ClientID, c.route.path, c.Now())
}

// pace refuses a call that found the bucket empty.
func (c *call) pace() error {
	if c.level.wait == 0 {
		return nil
	}
	e := postern.Errorf(postern.TooMany, "the client may call %s %d times a second", c.route.path, c.level.rate)
	e.Wait, e.Cause = c.level.wait, "pace"
	return e.WithHint("wait a second, and watch x-ratelimit-remaining")
}
