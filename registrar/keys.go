package registrar

import (
	"cmp"
	"context"
	"slices"
	"time"

	"postern.dev/postern"
)

// Keys come by algorithm, the newest first.
func (o *office) Keys(ctx context.Context) ([]postern.KeyStanding, error) {
	if err := o.may(ReadKeys); err != nil {
		return nil, err
	}
	return o.keys(ctx)
}

func (o *office) keys(ctx context.Context) ([]postern.KeyStanding, error) {
	all, err := o.store().Keys(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b postern.Key) int {
		return cmp.Or(cmp.Compare(a.Alg, b.Alg), cmp.Compare(b.Generation, a.Generation))
	})
	now, out := o.r.now(), make([]postern.KeyStanding, 0, len(all))
	for _, k := range all {
		s := postern.KeyStanding{Key: k, State: o.r.cfg.StateOf(k, all, now)}
		s.Sealed = "" // nobody outside has a use for it
		out = append(out, s)
	}
	return out, nil
}

// maxDelay bounds how long a new key waits before it signs: as long as it waits, no other
// takes the place of the old one.
const maxDelay = 90 * 24 * time.Hour

func (o *office) RotateKey(ctx context.Context, alg postern.Alg, delay time.Duration) (postern.KeyStanding, error) {
	if err := o.may(RotateKey); err != nil {
		return postern.KeyStanding{}, err
	}
	if !slices.Contains(postern.Algs, alg) {
		return postern.KeyStanding{}, invalid("alg", "%q is not an algorithm we sign with", postern.Shorten(string(alg), 20)).
			WithHint("use one of ES256, RS256, EdDSA, HS256")
	}
	if delay > maxDelay {
		return postern.KeyStanding{}, invalid("delay", "a new key signs within %d days", maxDelay/(24*time.Hour))
	}
	key, err := o.r.cfg.Keys(o.actor).Rotate(ctx, alg, delay)
	if err != nil {
		return postern.KeyStanding{}, err
	}
	all, err := o.keys(ctx)
	if err != nil {
		return postern.KeyStanding{}, err
	}
	i := slices.IndexFunc(all, func(k postern.KeyStanding) bool { return k.ID == key.ID })
	if i < 0 {
		return postern.KeyStanding{}, postern.Errorf(postern.NotFound, "the new key %s is gone already", key.ID)
	}
	return all[i], nil
}

func (o *office) RetireKey(ctx context.Context, id string) error {
	if err := o.may(RetireKey); err != nil {
		return err
	}
	return o.r.cfg.Keys(o.actor).Retire(ctx, id)
}
