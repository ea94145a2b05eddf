package broker

import (
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// Kind is what a Happening is.
type Kind string

// The kinds. A token that is given from memory is no happening: Stats counts those.
const (
	Joined     Kind = "joined"      // a caller waits for a request that another began
	Fetched    Kind = "fetched"     // the server gave a token that somebody waited for
	Renewed    Kind = "renewed"     // the server gave a token while the old one lived
	Shared     Kind = "shared"      // another process had asked already
	Refused    Kind = "refused"     // there is no token; whoever waited is told why
	Remembered Kind = "remembered"  // a caller is told an earlier failure again
	Kept       Kind = "kept"        // no new token, and the old one lives on
	Dropped    Kind = "dropped"     // an API refused the token
	Spared     Kind = "spared"      // the spare secret was taken, the other is refused
	StoreLost  Kind = "store_lost"  // the store did not do its part
	OutOfTune  Kind = "out_of_tune" // the clock of the server is another
)

// Kinds lists every kind.
var Kinds = []Kind{Joined, Fetched, Renewed, Shared, Refused, Remembered, Kept, Dropped, Spared, StoreLost, OutOfTune}

// Happening is something that happened to the token of an upstream. It holds no
// token and no secret.
type Happening struct {
	Upstream string
	Kind     Kind
	Took     time.Duration // from the beginning of the request, where there was one
	// ExpiresAt is when the token ends that was got or kept.
	ExpiresAt time.Time
	Token     string        // its fingerprint
	Wait      time.Duration // until it is tried again, after a failure
	Skew      time.Duration // how far the server's clock is ahead of ours
	Err       error
}

// LogValue shows what is not empty.
func (h Happening) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("upstream", h.Upstream), slog.String("what", string(h.Kind))}
	if h.Took > 0 {
		attrs = append(attrs, slog.Duration("took", h.Took))
	}
	if !h.ExpiresAt.IsZero() {
		attrs = append(attrs, slog.Time("expires_at", h.ExpiresAt))
	}
	if h.Token != "" {
		attrs = append(attrs, slog.String("token", h.Token))
	}
	if h.Wait > 0 {
		attrs = append(attrs, slog.Duration("wait", h.Wait))
	}
	if h.Skew != 0 {
		attrs = append(attrs, slog.Duration("skew", h.Skew))
	}
	if h.Err != nil {
		attrs = append(attrs, slog.Any("err", h.Err))
	}
	return slog.GroupValue(attrs...)
}

// Stats is what a Broker knows of an upstream at one moment.
type Stats struct {
	Hits    int64 // callers who were given the token from memory
	Waiting int64 // callers who wait now
	// ExpiresAt is when the token in memory ends, zero when there is none.
	ExpiresAt   time.Time
	LastSuccess time.Time // when a token was last got, from the server or the store
	// Failure is why the last request failed, nil when it did not.
	Failure error
	// Skew is how far the server's clock was ahead of ours when it last told; what is
	// within the exactness of a Date header counts as nothing.
	Skew time.Duration
}

// tell passes a happening on. A failure is for operators, the rest for who looks
// closely.
func (b *Broker) tell(h Happening) {
	if b.observe != nil {
		b.observe(h)
	}
	level := slog.LevelDebug
	if h.Kind == Refused || h.Kind == Kept || h.Kind == StoreLost {
		level = slog.LevelWarn
	}
	if b.log.Enabled(b.life, level) {
		b.log.LogAttrs(b.life, level, "upstream token", slog.Any("token_event", h))
	}
}

// tally counts without making its callers meet: each adds to a shard, on a cache line
// of its own, that chance picks.
type tally [16]struct {
	n atomic.Int64
	_ [120]byte
}

func (t *tally) add() { t[rand.Uint32()%uint32(len(t))].n.Add(1) } //nolint:gosec // it picks a shard

func (t *tally) sum() (n int64) {
	for i := range t {
		n += t[i].n.Load()
	}
	return n
}

// fingerprint names a token without telling it.
func fingerprint(t postern.Token) string { return t.Value.String() }
