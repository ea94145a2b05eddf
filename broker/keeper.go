package broker

import (
	"context"
	"crypto/sha256"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// keeper keeps the token of one upstream.
type keeper struct {
	b  *Broker
	up postern.Upstream
	// held is the token in memory. Whoever reads it needs nothing else.
	held    atomic.Pointer[held]
	used    atomic.Bool // since the token came
	hits    tally
	waiting atomic.Int64

	mu      sync.Mutex // guards what follows, and is never held while anything is waited for
	retired bool
	flight  *flight
	trouble *trouble
	fails   int // in a row
	// doubted was dropped, and nothing better was got since.
	doubted *held
	dropped []([sha256.Size]byte) // the newest last
	mints   bucket
	drops   bucket
	timer   *time.Timer // for the renewal of held
	success time.Time
	skew    time.Duration
}

// held is a token with its times on the clock that only goes forward.
type held struct {
	token postern.Token
	proof [sha256.Size]byte // of what it was asked for with
	life  time.Duration     // when it came
	dies  time.Duration
	tryAt atomic.Int64 // when to renew it; MaxInt64 while somebody does
	// easy is the life that is surely left until the timer says otherwise, so that most
	// callers need not look at the clock; below zero they must.
	easy atomic.Int64
	// spare says that it was had for the spare secret.
	spare bool
}

// flight is a request that callers wait for.
type flight struct {
	done    chan struct{}
	goodFor time.Duration
	early   bool  // nobody waits: the old token lives
	old     *held // what was held when it began
	began   time.Duration
	// held and err are read after done.
	held *held
	err  error
}

// trouble is a failure that is remembered.
type trouble struct {
	err   *postern.Error
	until time.Duration
	// proof is what the server refused, which is not shown again before forget.
	proof  [sha256.Size]byte
	forget time.Duration
}

// maxDropped bounds the dropped tokens that are remembered.
const maxDropped = 8

func newKeeper(b *Broker, up postern.Upstream) *keeper {
	return &keeper{b: b, up: up, mints: mints(&up), drops: drops()}
}

// alive says whether h is good for a caller, by the clock, and has it renewed when it
// is time.
func (k *keeper) alive(h *held, goodFor time.Duration) bool {
	now := k.b.clock()
	if h.dies-now <= goodFor {
		return false
	}
	if now >= time.Duration(h.tryAt.Load()) {
		k.renew(h)
	}
	return true
}

// wait is for a caller whom the token in memory does not serve.
func (k *keeper) wait(ctx context.Context, goodFor time.Duration) (postern.Token, error) {
	k.waiting.Add(1)
	defer k.waiting.Add(-1)
	for {
		f, tok, err := k.join(ctx, goodFor)
		if f == nil {
			return tok, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return postern.Token{}, k.left(ctx)
		}
		if f.err != nil {
			return postern.Token{}, f.err
		}
		if f.held.dies-k.b.clock() > goodFor {
			return f.held.token, nil
		}
		if f.goodFor >= goodFor {
			return postern.Token{}, k.tooShort(f.held.life, goodFor)
		}
		// It was begun for somebody who asked for less.
	}
}

// join gives the flight to wait for, or the answer when there is nothing to wait for.
func (k *keeper) join(ctx context.Context, goodFor time.Duration) (*flight, postern.Token, error) {
	var told Happening
	k.mu.Lock()
	defer k.unlock(&told)
	now := k.b.clock()
	h := k.held.Load()
	switch {
	case h != nil && h.dies-now > goodFor:
		return nil, h.token, nil
	case ctx.Err() != nil:
		return nil, postern.Token{}, k.left(ctx)
	case h != nil && h.dies > now && goodFor >= h.life:
		return nil, postern.Token{}, k.tooShort(h.life, goodFor)
	case k.flight != nil:
		told = Happening{Upstream: k.up.Name, Kind: Joined}
		return k.flight, postern.Token{}, nil
	case k.retired:
		return nil, postern.Token{}, k.over()
	case k.trouble != nil && now < k.trouble.until:
		if h := k.revive(now, k.trouble.err, k.trouble.until); h != nil && h.dies-now > goodFor {
			return nil, h.token, nil
		}
		e := *k.trouble.err
		e.Wait = k.trouble.until - now
		told = Happening{Upstream: k.up.Name, Kind: Remembered, Wait: e.Wait, Err: &e}
		return nil, postern.Token{}, &e
	}
	return k.begin(goodFor, false), postern.Token{}, nil
}

// unlock lets others in and then tells what happened, if anything did: whoever is
// told may be slow.
func (k *keeper) unlock(told *Happening) {
	k.mu.Unlock()
	if told.Kind != "" {
		k.b.tell(*told)
	}
}

// begin starts a flight. The lock is held, no flight is under way, and the keeper is
// not retired.
func (k *keeper) begin(goodFor time.Duration, early bool) *flight {
	f := &flight{done: make(chan struct{}), goodFor: goodFor, early: early, old: k.held.Load(), began: k.b.clock()}
	k.flight = f
	if f.old != nil {
		f.old.tryAt.Store(math.MaxInt64)
	}
	k.b.wg.Go(func() { k.fly(f) })
	return f
}

// renew begins to renew h unless somebody did. Nobody waits for it.
func (k *keeper) renew(h *held) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held.Load() == h && k.flight == nil && !k.retired && k.b.clock() >= time.Duration(h.tryAt.Load()) {
		k.begin(0, true)
	}
}

// settle ends a flight: what it brought is there for everybody before those who wait
// are told.
func (k *keeper) settle(f *flight, h *held, err error) {
	var told Happening
	k.mu.Lock()
	k.flight = nil
	if err == nil {
		k.adopt(h)
	} else if h, told = k.fail(f, err); h != nil {
		err = nil
	} else {
		err = postern.AsError(err)
	}
	f.held, f.err = h, err
	close(f.done)
	k.unlock(&told)
}

// adopt makes h the token in memory. The lock is held.
func (k *keeper) adopt(h *held) {
	k.trouble, k.fails, k.doubted = nil, 0, nil
	k.success = k.b.now()
	k.used.Store(false)
	k.held.Store(h)
	k.schedule(h)
}

// schedule sets the timer for the renewal of h. The lock is held.
func (k *keeper) schedule(h *held) {
	if k.timer != nil {
		k.timer.Stop()
	}
	h.easy.Store(-1)
	if k.retired {
		return
	}
	at := time.Duration(h.tryAt.Load())
	wait := at - k.b.clock()
	if wait > 0 && h.dies > at {
		// The other half is for a timer that is late.
		h.easy.Store(int64(h.dies-at) / 2)
	}
	k.timer = time.AfterFunc(wait, func() {
		h.easy.Store(-1)
		// Nobody asked for it since it came: whoever does next begins the renewal.
		if k.used.Load() {
			k.renew(h)
		}
	})
}

// fail remembers why a flight failed, and gives the token that may be used all the
// same, or nil. The lock is held.
func (k *keeper) fail(f *flight, err error) (*held, Happening) {
	e := postern.AsError(err)
	now := k.b.clock()
	k.fails++
	pause := pauseOf(e, k.fails, k.b.dice())
	h := k.held.Load()
	alive := h != nil && h.dies > now
	if alive && e.Wait == 0 && now+pause > h.dies {
		pause = h.dies - now // who finds it dead may ask at once
	}
	if t, ok := err.(*refusal); ok {
		if k.trouble != nil && k.trouble.proof == t.proof && !t.fresh {
			k.trouble.until = now + pause
		} else {
			k.trouble = &trouble{err: e, until: now + pause, proof: t.proof, forget: now + refusedFor}
		}
	} else {
		k.trouble = &trouble{err: e, until: now + pause}
	}
	if !alive {
		h = k.revive(now, e, now+pause)
		alive = h != nil
	}
	if !alive {
		return nil, Happening{Upstream: k.up.Name, Kind: Refused, Took: now - f.began, Wait: pause, Err: e}
	}
	h.tryAt.Store(int64(now + pause))
	k.schedule(h)
	kept := Happening{Upstream: k.up.Name, Kind: Kept, Took: now - f.began, Wait: pause, Err: e,
		Token: fingerprint(h.token), ExpiresAt: h.token.ExpiresAt}
	if h.dies-now > f.goodFor {
		return h, kept
	}
	return nil, kept
}

// revive takes the dropped token back when there is no other to be had: the API may
// have refused it for a missing right, and then it is good for everything else. The
// lock is held.
func (k *keeper) revive(now time.Duration, e *postern.Error, tryAt time.Duration) *held {
	h := k.doubted
	if h == nil || h.dies <= now || e.Code != postern.TooMany && e.Code != postern.Unavailable {
		return nil
	}
	h.tryAt.Store(int64(tryAt))
	k.held.Store(h)
	k.schedule(h)
	return h
}

// drop forgets the token in memory if it is this one.
func (k *keeper) drop(token postern.Secret) {
	var told Happening
	k.mu.Lock()
	defer k.unlock(&told)
	h := k.held.Load()
	if h == nil || token.Empty() || h.token.Value.Reveal() != token.Reveal() {
		return
	}
	now := k.b.clock()
	if k.drops.peek(now) > 0 {
		return
	}
	k.drops.take(now)
	k.held.Store(nil)
	k.doubted = h
	k.dropped = append(k.dropped, sha256.Sum256([]byte(token.Reveal())))
	if len(k.dropped) > maxDropped {
		k.dropped = k.dropped[1:]
	}
	if k.timer != nil {
		k.timer.Stop()
	}
	told = Happening{Upstream: k.up.Name, Kind: Dropped, Token: fingerprint(h.token), ExpiresAt: h.token.ExpiresAt}
}

// wasDropped says whether an API refused this token.
func (k *keeper) wasDropped(token postern.Secret) bool {
	sum := sha256.Sum256([]byte(token.Reveal()))
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.dropped {
		if d == sum {
			return true
		}
	}
	return false
}

// retire ends the renewals. A flight under way is left to those who wait for it.
func (k *keeper) retire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retired = true
	if h := k.held.Load(); h != nil {
		k.schedule(h)
	}
}

// inherit takes over the token of old if it would be the same here. A secret that
// cannot be read now is taken to be what it was: a token that works is not lost for
// that.
func (k *keeper) inherit(ctx context.Context, old *keeper) {
	h := old.held.Load()
	if h == nil {
		return
	}
	if p, err := k.prove(ctx); err == nil && p.sum != h.proof {
		return
	} else if err != nil && k.fixed() != old.fixed() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	again := &held{token: h.token, proof: h.proof, life: h.life, dies: h.dies, spare: h.spare}
	at := h.tryAt.Load()
	if at == math.MaxInt64 { // a renewal that is on its way to the old one
		at = int64(k.b.clock() + shortestPause)
	}
	again.tryAt.Store(at)
	k.held.Store(again)
	k.used.Store(old.used.Load())
	k.schedule(again)
}

func (k *keeper) stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Stats{Hits: k.hits.sum(), Waiting: k.waiting.Load(), LastSuccess: k.success, Skew: k.skew}
	if h := k.held.Load(); h != nil && h.dies > k.b.clock() {
		s.ExpiresAt = h.token.ExpiresAt
	}
	if k.trouble != nil {
		s.Failure = k.trouble.err
	}
	return s
}
