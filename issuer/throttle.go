package issuer

import (
	"net/netip"
	"sync"
	"time"
)

// Limits are how much guessing and asking is borne. A zero number means the
// default; a negative one switches that limit off. State is per node: with n nodes
// behind one address the effective limits are n times these.
type Limits struct {
	// FailuresPerSource is how many refused requests one network (/24 or /64) may
	// make in a burst before it gets TooMany; one more is forgiven every second.
	FailuresPerSource int
	// FailuresPerClient is the same for one client id, known or not; one more is
	// forgiven every six seconds. A right secret is never refused for it.
	FailuresPerClient int
	// PerClient scales the documented limits of requests per client and minute, which
	// count those that prove their client; negative switches them off.
	PerClient int
}

const (
	defaultFailuresPerSource = 300
	defaultFailuresPerClient = 100
	maxBuckets               = 50_000
)

func (l Limits) orDefault() Limits {
	if l.FailuresPerSource == 0 {
		l.FailuresPerSource = defaultFailuresPerSource
	}
	if l.FailuresPerClient == 0 {
		l.FailuresPerClient = defaultFailuresPerClient
	}
	if l.PerClient == 0 {
		l.PerClient = 1
	}
	return l
}

// buckets counts by key with a leak: a bucket holds up to burst and loses one
// every interval. The map is bounded; when it is full half of it is forgotten,
// which favours the callers and never takes more memory.
type buckets struct {
	burst    time.Duration // in time that it takes to leak
	interval time.Duration

	mu sync.Mutex
	m  map[string]*bucket
}

type bucket struct {
	level time.Duration // time until it is empty
	at    time.Time
	told  bool // the run of refusals is in the audit trail
}

func newBuckets(burst int, interval time.Duration) *buckets {
	return &buckets{burst: time.Duration(burst) * interval, interval: interval, m: map[string]*bucket{}}
}

// add counts one. Beyond the burst it answers how long to wait and whether this is
// the first refusal of a run, which ends when the bucket is empty.
func (b *buckets) add(key string, now time.Time) (wait time.Duration, first bool) {
	if b.burst < 0 {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.m[key]
	if k == nil {
		b.makeRoom(now)
		k = &bucket{at: now}
		b.m[key] = k
	}
	k.leak(now)
	if k.level+b.interval <= b.burst {
		k.level += b.interval
		return 0, false
	}
	return k.refuse(b)
}

// full answers as add does and counts nothing.
func (b *buckets) full(key string, now time.Time) (wait time.Duration, first bool) {
	if b.burst < 0 {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.m[key]
	if k == nil {
		return 0, false
	}
	k.leak(now)
	if k.level+b.interval <= b.burst {
		return 0, false
	}
	return k.refuse(b)
}

func (k *bucket) leak(now time.Time) {
	if d := now.Sub(k.at); d > 0 {
		k.level, k.at = max(0, k.level-d), now
	}
	if k.level == 0 {
		k.told = false
	}
}

func (k *bucket) refuse(b *buckets) (wait time.Duration, first bool) {
	first, k.told = !k.told, true
	return k.level + b.interval - b.burst, first
}

func (b *buckets) makeRoom(now time.Time) {
	if len(b.m) < maxBuckets {
		return
	}
	for key, k := range b.m {
		if now.Sub(k.at) > b.burst || len(b.m) > maxBuckets/2 {
			delete(b.m, key)
		}
	}
}

// Pace bounds how often each of many callers may ask, with the memory of at most 50,000
// of them. It may be used by any number of goroutines.
type Pace struct{ b *buckets }

// NewPace makes a Pace of so many a minute: all of them at once, and one more for each
// that time has forgiven. Zero or less bounds nothing.
func NewPace(perMinute int) *Pace {
	if perMinute <= 0 {
		return &Pace{newBuckets(-1, time.Minute)}
	}
	return &Pace{newBuckets(perMinute, time.Minute/time.Duration(perMinute))}
}

// Take counts one of a caller's, and says how long the caller has to wait when it is one
// too many, which is not counted.
func (p *Pace) Take(caller string, now time.Time) (wait time.Duration) {
	wait, _ = p.b.add(caller, now)
	return wait
}

// windows counts requests by key in windows of one minute that open with the
// first: what a provider means by "n requests per minute, then a pause".
type windows struct {
	mu sync.Mutex
	m  map[string]*window
}

type window struct {
	opened time.Time
	count  int
	told   bool
}

func newWindows() *windows { return &windows{m: map[string]*window{}} }

// add counts one and answers how long to wait when limit is exceeded.
func (w *windows) add(key string, limit int, now time.Time) (wait time.Duration, first bool) {
	if limit <= 0 {
		return 0, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.m[key]
	if k == nil || now.Sub(k.opened) >= time.Minute || now.Before(k.opened) {
		if k == nil && len(w.m) >= maxBuckets {
			w.sweep(now)
		}
		k = &window{opened: now}
		w.m[key] = k
	}
	if k.count < limit {
		k.count++
		return 0, false
	}
	first, k.told = !k.told, true
	return k.opened.Add(time.Minute).Sub(now), first
}

func (w *windows) sweep(now time.Time) {
	for key, k := range w.m {
		if now.Sub(k.opened) >= time.Minute || len(w.m) > maxBuckets/2 {
			delete(w.m, key)
		}
	}
}

// network is what addresses are counted by: a /24 of IPv4, a /64 of IPv6, because
// one caller commands a whole one.
func network(a netip.Addr) string {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// lockout is the growing pause after wrong passwords: none for the first few,
// then doubling from unit up to most.
func lockout(failures, free int, unit, most time.Duration) time.Duration {
	if failures < free {
		return 0
	}
	d := unit
	for range min(failures-free, 30) {
		if d *= 2; d >= most {
			return most
		}
	}
	return d
}

// The two lock-outs of an account. The near one is by account and network, so that
// a stranger cannot lock out the owner; the far one is by account alone, starts
// much later, is kept in the database, and stops for good at hardStop.
const (
	nearFree = 5
	nearUnit = time.Second
	nearMost = 15 * time.Minute
	farFree  = 20
	farUnit  = time.Minute
	farMost  = time.Hour
	hardStop = 100 // NIST SP 800-63B section 5.2.2
)

// farLock gives until when an account is locked after so many wrong passwords.
func farLock(now time.Time, failures int) time.Time {
	if failures >= hardStop {
		return now.AddDate(100, 0, 0)
	}
	if d := lockout(failures, farFree, farUnit, farMost); d > 0 {
		return now.Add(d)
	}
	return time.Time{}
}

// nearLocks are the locks by account and network, in memory and bounded.
type nearLocks struct {
	mu sync.Mutex
	m  map[string]*nearLock
}

type nearLock struct {
	failures int
	last     time.Time
	until    time.Time
}

func newNearLocks() *nearLocks { return &nearLocks{m: map[string]*nearLock{}} }

func (l *nearLocks) locked(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.m[key]
	return k != nil && now.Before(k.until)
}

func (l *nearLocks) fail(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.m[key]
	if k == nil {
		if len(l.m) >= maxBuckets {
			for key, k := range l.m {
				if now.Sub(k.last) > nearMost || len(l.m) > maxBuckets/2 {
					delete(l.m, key)
				}
			}
		}
		k = &nearLock{}
		l.m[key] = k
	}
	if now.Sub(k.last) > 2*nearMost {
		k.failures = 0
	}
	k.failures++
	k.last = now
	if d := lockout(k.failures, nearFree, nearUnit, nearMost); d > 0 {
		k.until = now.Add(d)
	}
}

func (l *nearLocks) clear(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.m, key)
}
