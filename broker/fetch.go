package broker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"time"

	"postern.dev/postern"
)

// fly is a flight from beginning to end, on a goroutine of its own. No caller's
// context ends it.
func (k *keeper) fly(f *flight) {
	timeout := k.timeout()
	// Two requests, where the spare secret is tried; the secrets; another's lease.
	ctx, cancel := context.WithTimeout(k.b.life, 4*timeout)
	defer cancel()
	h, after, err := k.obtain(ctx, f)
	k.settle(f, h, err)
	if after != nil {
		after()
	}
}

func (k *keeper) timeout() time.Duration {
	if k.up.Timeout > 0 {
		return k.up.Timeout
	}
	return postern.DefaultUpstreamTimeout
}

// obtain gets a token from another process or from the server. What is left to do with
// the store when the callers have been served is after.
func (k *keeper) obtain(ctx context.Context, f *flight) (h *held, after func(), err error) {
	var s *shelf
	defer func() {
		if p := recover(); p != nil { // in somebody else's code: the callers must be told
			h = nil
			if s != nil {
				after = s.free
			}
			err = k.named(&postern.Error{Code: postern.Internal, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())})
		}
	}()
	p, err := k.prove(ctx)
	if err != nil {
		return nil, nil, err
	}
	if e := k.refused(p); e != nil {
		return nil, nil, e
	}
	s = k.shelf(p)
	if h := s.ready(ctx, f); h != nil {
		return h, nil, nil
	}
	if h := s.take(ctx, f); h != nil {
		return h, s.free, nil
	}
	h, err = k.ask(ctx, f, p)
	if err != nil {
		// What another process left may be near its end and is better than nothing.
		if h := s.rest(f); h != nil {
			k.b.tell(Happening{Upstream: k.up.Name, Kind: Kept, Err: err, Token: fingerprint(h.token), ExpiresAt: h.token.ExpiresAt})
			return h, s.free, nil
		}
		return nil, s.free, err
	}
	return h, func() { s.save(h); s.free() }, nil
}

// proof is what a request shows to the server.
type proof struct {
	secret, spare, password postern.Secret
	sum                     [sha256.Size]byte // of these and all else that makes the token what it is
}

// prove reads the secrets as they are now.
func (k *keeper) prove(ctx context.Context) (p proof, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout())
	defer cancel()
	if p.secret, err = k.read(ctx, "secret", k.up.Secret); err != nil {
		return p, err
	}
	if p.password, err = k.read(ctx, "password", k.up.Password); err != nil {
		return p, err
	}
	if p.spare, err = k.read(ctx, "spare secret", k.up.Spare); err != nil {
		return p, err
	}
	p.sum = sha256.Sum256([]byte(k.fixed() + parts(p.secret.Reveal(), p.spare.Reveal(), p.password.Reveal())))
	return p, nil
}

func (k *keeper) read(ctx context.Context, what string, source postern.SecretSource) (postern.Secret, error) {
	if source == nil {
		return postern.Secret{}, nil
	}
	s, err := source(ctx)
	if err == nil {
		return s, nil
	}
	e := *postern.AsError(err)
	if e.Code == postern.Internal || e.Msg == "" {
		e.Msg, e.Code = "it could not be read", postern.Unavailable
	}
	e.Msg = fmt.Sprintf("upstream %q: its %s: %s", k.up.Name, what, e.Msg)
	if e.Hint == "" {
		e.Hint = "check where the " + what + " of this upstream is to come from"
	}
	if e.Code == postern.Unauthenticated { // that would be the server's word
		e.Code = postern.Unavailable
	}
	return postern.Secret{}, &e
}

// fixed is everything but the secrets that makes a token what it is.
func (k *keeper) fixed() string {
	u := &k.up
	return parts(u.Dialect, u.BaseURL, u.ClientID, u.Email, u.PartnerID, u.Scope.String(), parts(u.Resources...))
}

// parts joins texts so that no two lists look alike.
func parts(values ...string) string {
	var b []byte
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return string(b)
}

// refused gives the failure that is remembered of exactly this proof.
func (k *keeper) refused(p proof) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.trouble
	if t == nil || t.forget == 0 || t.proof != p.sum || k.b.clock() >= t.forget {
		return nil
	}
	return &refusal{err: t.err, proof: p.sum}
}

// ask makes the request, and another with the spare secret if the first is refused.
func (k *keeper) ask(ctx context.Context, f *flight, p proof) (*held, error) {
	h, err := k.once(ctx, f, p, p.secret)
	// A person's password has no spare, and few wires tell more than that a client was
	// refused.
	if postern.CodeOf(err) != postern.Unauthenticated || postern.ReasonOf(err) == postern.BadGrant || p.spare.Empty() {
		return h, k.refuse(err, p)
	}
	h, again := k.once(ctx, f, p, p.spare)
	if again != nil {
		return nil, k.refuse(err, p)
	}
	h.spare = true
	k.b.tell(Happening{Upstream: k.up.Name, Kind: Spared, Err: err})
	return h, nil
}

// refuse marks an error about the credential, which is remembered until it changes.
func (k *keeper) refuse(err error, p proof) error {
	if postern.CodeOf(err) != postern.Unauthenticated {
		return err
	}
	return &refusal{err: postern.AsError(err), proof: p.sum, fresh: true}
}

// once makes one request, at its turn.
func (k *keeper) once(ctx context.Context, f *flight, p proof, secret postern.Secret) (*held, error) {
	if err := k.turn(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, k.timeout())
	defer cancel()
	u := &k.up
	start, at := k.b.clock(), k.b.now()
	a, err := k.b.fetch.Fetch(ctx, *u, postern.Request{
		Dialect: u.Dialect, ClientID: u.ClientID, Secret: secret, Email: u.Email, Password: p.password,
		PartnerID: u.PartnerID, Scope: u.Scope, Resources: u.Resources,
	})
	took := k.b.clock() - start
	k.tune(a.Date, at.Add(took/2))
	if err != nil {
		return nil, k.named(err)
	}
	if a.Token.Value.Empty() {
		return nil, k.named(postern.Errorf(postern.Unavailable, "the token server answered without a token"))
	}
	h := &held{token: a.Token, proof: p.sum, life: lifeOf(a.Token.ExpiresIn, u)}
	h.dies = start + h.life
	if took >= h.life {
		return nil, k.named(postern.Errorf(postern.Unavailable, "the token lives for %s and took %s to come", h.life, took.Round(time.Millisecond)))
	}
	h.token.IssuedAt, h.token.ExpiresAt, h.token.ExpiresIn = at, at.Add(h.life), h.life
	h.tryAt.Store(int64(start + renewalOf(h.life, u, k.b.dice())))
	kind := Fetched
	if f.early {
		kind = Renewed
	}
	k.b.tell(Happening{Upstream: u.Name, Kind: kind, Took: took, ExpiresAt: h.token.ExpiresAt, Token: fingerprint(h.token)})
	return h, nil
}

// turn waits until the pace below the server's limit allows another request.
func (k *keeper) turn(ctx context.Context) error {
	k.mu.Lock()
	now := k.b.clock()
	wait := k.mints.peek(now)
	deadline, ok := ctx.Deadline()
	if tooLong := ok && time.Until(deadline) < wait; !tooLong {
		k.mints.take(now)
	} else {
		k.mu.Unlock()
		e := postern.Errorf(postern.TooMany, "too many tokens were asked for in a short time")
		e.Wait = wait
		return k.named(e)
	}
	k.mu.Unlock()
	if wait > 0 && !sleep(ctx, wait) {
		return k.named(&postern.Error{Code: postern.Unavailable, Msg: "it ended before the request was made", Err: ctx.Err()})
	}
	return nil
}

// sleep waits, and says whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// exactly is how far a Date header may be off without meaning anything: it counts
// whole seconds, and the answer took its time.
const exactly = 2 * time.Second

// tune notes how far the server's clock is ahead of ours.
func (k *keeper) tune(date, ours time.Time) {
	if date.IsZero() {
		return
	}
	skew := date.Sub(ours.Round(0)).Round(time.Second)
	if skew.Abs() <= exactly {
		skew = 0
	}
	k.mu.Lock()
	changed := k.skew != skew
	k.skew = skew
	k.mu.Unlock()
	if changed && skew != 0 {
		k.b.tell(Happening{Upstream: k.up.Name, Kind: OutOfTune, Skew: skew})
	}
}
