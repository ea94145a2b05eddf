package issuer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// follow keeps the caches true until ctx ends.
func (s *Issuer) follow(ctx context.Context, seq int64) {
	wake := s.cfg.Feed.Wake(ctx)
	tick := time.NewTicker(s.cfg.FollowEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case _, ok := <-wake:
			if !ok {
				wake = nil
			}
		}
		next, err := s.catchUp(ctx, seq)
		seq = next
		switch {
		case err == nil:
			s.followed.Store(s.now().UnixMilli())
			if failing {
				s.log.LogAttrs(ctx, slog.LevelInfo, "changes are followed again")
			}
			failing = false
		case ctx.Err() == nil && !failing:
			failing = true
			s.log.LogAttrs(ctx, slog.LevelError, "changes cannot be followed", slog.Any("err", err))
		}
	}
}

const changesAtOnce = 1000

// catchUp applies what changed after seq and gives the new position.
func (s *Issuer) catchUp(ctx context.Context, seq int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		changes, newest, err := s.cfg.Feed.Changes(ctx, seq, changesAtOnce)
		if postern.CodeOf(err) == postern.Conflict {
			return s.startOver(ctx, seq)
		}
		if err != nil {
			return seq, err
		}
		keysChanged := false
		for _, c := range changes {
			keysChanged = keysChanged || c.Kind == postern.ChangeKey
			if c.Kind == postern.ChangeRevoked {
				s.revoked.add(c.ID, c.Until)
			}
			s.known.forget(c)
		}
		if keysChanged {
			if err := s.reloadKeys(ctx); err != nil {
				return seq, err
			}
		}
		if len(changes) == 0 || changes[len(changes)-1].Seq >= newest {
			return max(seq, newest), nil
		}
		seq = changes[len(changes)-1].Seq
	}
}

// startOver is for a node that was away longer than the feed reaches back.
func (s *Issuer) startOver(ctx context.Context, seq int64) (int64, error) {
	_, newest, err := s.cfg.Feed.Changes(ctx, -1, 0)
	if err != nil {
		return seq, err
	}
	s.known.forgetAll()
	if err := errors.Join(s.revoked.load(ctx, s.now()), s.reloadKeys(ctx)); err != nil {
		return seq, err // and again at the next turn
	}
	return newest, nil
}

// maxRevoked bounds the revocations held in memory, about 100 bytes each. Beyond
// it the set is no longer complete and a token that is not in it is looked up.
const maxRevoked = 200_000

// revokedSet is the revoked tokens that have not expired.
type revokedSet struct {
	store    Revoker
	complete atomic.Bool
	mu       sync.RWMutex
	until    map[string]time.Time
}

func newRevokedSet(store Revoker) *revokedSet {
	return &revokedSet{store: store, until: map[string]time.Time{}}
}

func (r *revokedSet) load(ctx context.Context, now time.Time) error {
	after := ""
	for {
		page, err := r.store.Revocations(ctx, now, after, changesAtOnce)
		if err != nil {
			return err
		}
		for _, rev := range page {
			r.add(rev.TokenID, rev.Until)
			after = rev.TokenID
		}
		if len(page) < changesAtOnce || r.len() >= maxRevoked {
			r.complete.Store(r.len() < maxRevoked)
			return nil
		}
	}
}

func (r *revokedSet) add(id string, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.until) >= maxRevoked {
		r.complete.Store(false)
		return
	}
	r.until[id] = until
}

// has says whether the token is revoked.
func (r *revokedSet) has(ctx context.Context, id string) (bool, error) {
	r.mu.RLock()
	_, ok := r.until[id]
	r.mu.RUnlock()
	if ok || r.complete.Load() {
		return ok, nil
	}
	return r.store.Revoked(ctx, id)
}

// forget drops those whose tokens have expired by themselves.
func (r *revokedSet) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, until := range r.until {
		if now.After(until) {
			delete(r.until, id)
		}
	}
}

func (r *revokedSet) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.until)
}
