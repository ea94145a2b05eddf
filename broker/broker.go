// Package broker gets tokens from foreign token servers, keeps them, renews them
// before they end, and drops them when an API refuses them.
//
// A token comes from memory without waiting. When there is none, one caller's wish
// becomes a request and everybody who wants the same token waits for its answer, be
// it a token or a failure; each leaves when its own context ends, and the request goes
// on. While a token lives nobody waits: it is renewed in the background, and when that
// fails it is kept and the renewal tried again. A failure is remembered for a moment,
// a refused credential until it changes.
//
// A [Store] shares tokens between processes: who wants one takes a lease, looks
// whether another process was faster, asks, saves. Nothing that goes wrong with the
// store keeps a token from its caller.
//
// The life of a token is measured by a clock that only goes forward; the time of day
// matters only for what the store keeps.
package broker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// Config is what a Broker is made of. Upstreams and Fetch are needed, and Box where
// there is a Store; the rest has good zeros.
type Config struct {
	Upstreams []postern.Upstream
	Fetch     Fetcher
	Store     Store // nil means that nothing is shared
	Box       Box
	// Node names whose clock this is, for tokens that are shared between machines.
	Node string
	Now  func() time.Time // the time of day; nil means time.Now
	Dice func() float64   // chance, in [0, 1); nil means math/rand
	// Observe is told what happens, at once and by several goroutines; nil means nobody.
	Observe func(Happening)
	Log     *slog.Logger // nil discards it
}

// Broker keeps the tokens of a set of upstreams. It is a postern.TokenSource, and
// its methods may be called by any number of goroutines.
type Broker struct {
	fetch   Fetcher
	store   Store
	box     Box
	node    string
	now     func() time.Time
	dice    func() float64
	observe func(Happening)
	log     *slog.Logger
	epoch   time.Time // where the clock that only goes forward begins
	owner   string    // of leases
	leases  atomic.Int64

	life    context.Context // ends when the broker is closed
	closing context.CancelFunc
	wg      sync.WaitGroup // of flights and of what they leave to do

	changing sync.Mutex // held by Reload and Close
	keepers  atomic.Pointer[map[string]*keeper]
}

var _ postern.TokenSource = (*Broker)(nil)

// New makes a Broker. Nothing is asked yet. It fails with Invalid for an upstream that
// cannot be asked, or two of one name. It must be closed.
func New(c Config) (*Broker, error) {
	b := &Broker{
		fetch: c.Fetch, store: c.Store, box: c.Box, node: c.Node, now: c.Now, dice: c.Dice,
		observe: c.Observe, log: c.Log, epoch: time.Now(),
	}
	if b.box == nil {
		b.store = nil // a token is not kept in clear
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.dice == nil {
		b.dice = mathrand.Float64
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails since Go 1.24
	b.owner = hex.EncodeToString(id)
	keepers, err := b.keep(c.Upstreams)
	if err != nil {
		return nil, err
	}
	b.keepers.Store(&keepers)
	b.life, b.closing = context.WithCancel(context.Background())
	return b, nil
}

func (b *Broker) keep(ups []postern.Upstream) (map[string]*keeper, error) {
	keepers := make(map[string]*keeper, len(ups))
	for _, up := range ups {
		if err := up.Check(); err != nil {
			return nil, err
		}
		if keepers[up.Name] != nil {
			return nil, postern.Errorf(postern.Invalid, "two upstreams are named %q", up.Name).WithHint("rename one of them")
		}
		keepers[up.Name] = newKeeper(b, up)
	}
	return keepers, nil
}

// clock is the time that only goes forward.
func (b *Broker) clock() time.Duration { return time.Since(b.epoch) }

// Token gives a token of an upstream that lives for goodFor at least, from memory if
// there is one. See postern.TokenSource.
func (b *Broker) Token(ctx context.Context, upstream string, goodFor time.Duration) (postern.Token, error) {
	k := (*b.keepers.Load())[upstream]
	if k == nil {
		return postern.Token{}, b.unknown(upstream)
	}
	goodFor = max(goodFor, 0)
	if h := k.held.Load(); h != nil && (int64(goodFor) <= h.easy.Load() || k.alive(h, goodFor)) {
		if !k.used.Load() {
			k.used.Store(true)
		}
		k.hits.add()
		return h.token, nil
	}
	return k.wait(ctx, goodFor)
}

// Drop forgets token if the broker still holds it: ten callers who were refused with
// one token cost one request. More than a few tokens in a minute are not dropped: an
// API that goes on refusing means something else than that they are over.
func (b *Broker) Drop(upstream string, token postern.Secret) {
	if k := (*b.keepers.Load())[upstream]; k != nil {
		k.drop(token)
	}
}

// Upstream gives the upstream of that name. It fails with NotFound.
func (b *Broker) Upstream(name string) (postern.Upstream, error) {
	if k := (*b.keepers.Load())[name]; k != nil {
		return k.up, nil
	}
	return postern.Upstream{}, b.unknown(name)
}

// Stats tells how it stands with an upstream. It fails with NotFound.
func (b *Broker) Stats(upstream string) (Stats, error) {
	if k := (*b.keepers.Load())[upstream]; k != nil {
		return k.stats(), nil
	}
	return Stats{}, b.unknown(upstream)
}

func (b *Broker) unknown(name string) error {
	var names []string
	for n := range *b.keepers.Load() {
		names = append(names, n)
	}
	slices.Sort(names)
	hint := "no upstream is configured"
	if len(names) > 0 {
		hint = "there are: " + postern.Shorten(strings.Join(names, ", "), 300)
	}
	return postern.Errorf(postern.NotFound, "there is no upstream %q", postern.Shorten(name, postern.MaxUpstreamName)).WithHint("%s", hint)
}

// Reload takes another set of upstreams. A token is kept if everything that made it
// what it is, secrets included, is as before; callers who wait go on waiting for what
// they asked for. It fails as New does, and then changes nothing.
func (b *Broker) Reload(ctx context.Context, ups []postern.Upstream) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	next, err := b.keep(ups)
	if err != nil {
		return err
	}
	before := *b.keepers.Load()
	for name, old := range before {
		if k := next[name]; k != nil {
			k.inherit(ctx, old)
		}
	}
	b.keepers.Store(&next)
	for _, old := range before {
		old.retire()
	}
	if b.life.Err() != nil { // closed
		for _, k := range next {
			k.retire()
		}
	}
	return nil
}

// Close ends every request and waits until what was got is saved. Callers who wait
// are told Unavailable; tokens in memory are still given.
func (b *Broker) Close() error {
	b.closing()
	b.changing.Lock()
	defer b.changing.Unlock()
	for _, k := range *b.keepers.Load() {
		k.retire()
	}
	b.wg.Wait()
	return nil
}
