package proxy

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
)

// The headers by which an API tells how many calls it takes: a bucket of so many
// tokens, filled at so many a second, from which each call takes its cost.
const (
	rateHeader      = "X-Ratelimit-Replenish-Rate"
	burstHeader     = "X-Ratelimit-Burst-Capacity"
	costHeader      = "X-Ratelimit-Requested-Tokens"
	remainingHeader = "X-Ratelimit-Remaining"
)

const (
	shortestPause = time.Second
	longestPause  = time.Minute // unless the API asks for more
	longestWait   = time.Hour   // of what an API asks for
	maxLanes      = 500
	// caution is how much of an API's rate is used: its clock and its way of counting
	// are not ours.
	caution = 0.95
	// Callers who wait for one moment come one after another.
	stagger    = 20 * time.Millisecond
	maxStagger = 5 * time.Second
)

// pace keeps callers below the limits of an API, path by path.
type pace struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is what is known of one path. It is guarded by its pace.
type lane struct {
	rate, burst, cost float64 // rate 0 means that the API told nothing
	level             float64 // of the bucket at the moment at; below zero for who waits
	at                time.Time
	pending           int       // calls let through or waiting, without an answer yet
	shut              time.Time // no call before then
	limited           int       // refusals in a row
}

// turn waits until a call may be made without being refused for its pace. The call's
// answer, or nil, must be given to done.
func (t *Transport) turn(r *http.Request, path string) (done func(*http.Response), err error) {
	wait, l := t.pace.enter(path, time.Now(), t.c.Patience)
	leave := func(resp *http.Response) {
		if limited := t.pace.learn(l, resp, time.Now()); limited > 0 {
			t.tell(Happening{Kind: Limited, Method: r.Method, Path: path, Wait: limited})
		}
	}
	if l == nil {
		return nil, t.tooMany(r, path, wait)
	}
	if wait <= 0 {
		return leave, nil
	}
	if deadline, ok := r.Context().Deadline(); ok && time.Until(deadline) < wait {
		t.pace.cancel(l)
		return nil, t.tooMany(r, path, wait)
	}
	t.tell(Happening{Kind: Held, Method: r.Method, Path: path, Wait: wait})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return leave, nil
	case <-r.Context().Done():
		t.pace.cancel(l)
		return nil, t.unreachable(r, r.Context().Err())
	}
}

func (t *Transport) tooMany(r *http.Request, path string, wait time.Duration) error {
	e := postern.Errorf(postern.TooMany, "upstream %q takes no more calls of %s for %s", t.c.Upstream,
		postern.Shorten(r.Method+" "+path, 200), wait.Round(time.Second)).WithHint("call less often, or wait")
	e.Wait = wait
	return e
}

// enter takes a turn, and gives how long to wait for it. A turn further away than
// patience is not taken, and its lane is nil.
func (p *pace) enter(path string, now time.Time, patience time.Duration) (time.Duration, *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[path]
	if l == nil {
		p.makeRoom(now)
		l = &lane{}
		p.lanes[path] = l
	}
	wait := max(0, l.shut.Sub(now))
	if wait > 0 { // not all at once when it opens
		wait += min(time.Duration(l.pending)*stagger, maxStagger)
	}
	if l.rate > 0 {
		l.fill(now)
		if short := l.cost - l.level; short > 0 {
			wait = max(wait, time.Duration(short/l.rate*float64(time.Second)))
		}
	}
	if wait > patience {
		return wait, nil
	}
	l.level -= l.cost
	l.pending++
	return wait, l
}

// makeRoom forgets lanes that hold nobody back.
func (p *pace) makeRoom(now time.Time) {
	if len(p.lanes) < maxLanes {
		return
	}
	for path, l := range p.lanes {
		l.fill(now)
		if l.pending == 0 && !now.Before(l.shut) && l.level >= l.burst {
			delete(p.lanes, path)
		}
	}
}

// fill adds what has come into the bucket until now.
func (l *lane) fill(now time.Time) {
	if d := now.Sub(l.at); d > 0 {
		l.level = min(l.burst, l.level+l.rate*d.Seconds())
	}
	l.at = now
}

// cancel gives back the turn of a call that was not made.
func (p *pace) cancel(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.pending--
	l.level += l.cost
}

// learn takes what an answer tells about the limits. It gives how long no call is made
// if it was a refusal for its pace.
func (p *pace) learn(l *lane, resp *http.Response, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.pending--
	if resp == nil {
		return 0
	}
	h := resp.Header
	rate, okRate := number(h, rateHeader)
	left, okLeft := number(h, remainingHeader)
	if okRate && okLeft && rate > 0 {
		l.rate, l.at = rate*caution, now
		l.cost, l.burst = 1, max(left, rate)
		if c, ok := number(h, costHeader); ok && c > 0 {
			l.cost = c
		}
		if b, ok := number(h, burstHeader); ok && b > 0 {
			l.burst = b
		}
		l.cost = min(l.cost, l.burst)
		// The others that are under way may or may not be counted in it.
		l.level = min(left, l.burst) - l.cost*float64(l.pending)
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		l.limited = 0
		if resp.StatusCode == http.StatusServiceUnavailable {
			if d := retryAfter(h, now); d > 0 {
				l.shut = now.Add(d)
			}
		}
		return 0
	}
	l.limited++
	pause := retryAfter(h, now)
	if pause == 0 {
		pause = time.Duration(min(float64(shortestPause)*math.Pow(2, float64(min(l.limited, 16)-1)), float64(longestPause)))
	}
	if until := now.Add(max(pause, shortestPause)); until.After(l.shut) {
		l.shut = until
	}
	l.level = min(l.level, 0)
	return l.shut.Sub(now)
}

// number reads a header as a number that is finite and not negative.
func number(h http.Header, name string) (float64, bool) {
	v := h[name]
	if len(v) != 1 || len(v[0]) > 20 {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(v[0]), 64)
	return f, err == nil && f >= 0 && f <= 1e9
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3); 0 means that there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return min(time.Duration(max(0, min(n, 1<<20)))*time.Second, longestWait)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), longestWait)
}

// Fold gives a path with everything that looks like an id as *, so that calls which
// share a limit share a name.
func Fold(path string) string {
	for i := 0; i < len(path); {
		end := strings.IndexByte(path[i:], '/')
		if end < 0 {
			end = len(path) - i
		}
		if looksLikeID(path[i : i+end]) {
			return foldFrom(path, i)
		}
		i += end + 1
	}
	return path
}

func foldFrom(path string, at int) string {
	segments := strings.Split(path[at:], "/")
	for i, s := range segments {
		if looksLikeID(s) {
			segments[i] = "*"
		}
	}
	return path[:at] + strings.Join(segments, "/")
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// looksLikeID says whether a segment is no word: there is a digit in it, and it is not
// v2 or the like, which is a version.
func looksLikeID(s string) bool {
	if strings.IndexFunc(s, isDigit) < 0 {
		return false
	}
	return len(s) > 3 || s[0]|0x20 != 'v'
}
