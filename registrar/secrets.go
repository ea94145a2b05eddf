package registrar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"postern.dev/postern"
)

// checkLife fails with Invalid for how long a secret cannot live.
func checkLife(life time.Duration) error {
	if life < 0 {
		return invalid("expires", "a secret expires later than now")
	}
	return nil
}

// newSecret is what is kept of a new secret. A life of 0 does not end.
func (o *office) newSecret(secret postern.Secret, life time.Duration) postern.StoredSecret {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails since Go 1.24
	out := postern.StoredSecret{ID: hex.EncodeToString(id), Hash: o.r.cfg.Secrets.Hash(secret), CreatedAt: o.r.now()}
	if life > 0 {
		out.ExpiresAt = out.CreatedAt.Add(life)
	}
	return out
}

func (o *office) RotateSecret(ctx context.Context, id string, overlap, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	var none postern.Secret
	if err := o.may(RotateSecret); err != nil {
		return postern.Client{}, none, err
	}
	old, err := o.client(ctx, id)
	if err != nil {
		return postern.Client{}, none, err
	}
	switch {
	case old.Public:
		return postern.Client{}, none, postern.Errorf(postern.Invalid, "client %s is public and has no secret", old.ID)
	case overlap < 0:
		return postern.Client{}, none, invalid("overlap", "the old secret works on for no less than no time")
	}
	if err := checkLife(life); err != nil {
		return postern.Client{}, none, err
	}
	asked := struct {
		ID            string
		Overlap, Life time.Duration
	}{old.ID, overlap, life}
	return once(ctx, o, RotateSecret, e, asked, func() (postern.Client, postern.Secret, error) {
		secret := postern.GenerateSecret()
		fresh := o.newSecret(secret, life)
		ev := o.event(old.Tenant, postern.ActSecretAdded, old.ID, "the old one works for another "+overlap.String())
		ev.ClientID = old.ID
		c, err := o.store().ChangeClient(ctx, old.Tenant, old.ID, ev, func(c *postern.Client) error {
			if err := match(e, c.UpdatedAt); err != nil {
				return err
			}
			c.Secrets = rotated(c.Secrets, fresh, o.r.now(), overlap)
			return o.mayGive(c.Scopes)
		})
		if err != nil {
			return postern.Client{}, none, err
		}
		return seenClient(c), secret, nil
	})
}

// rotated puts a new secret first, lets the newest old one live for the overlap,
// and drops the rest.
func rotated(old []postern.StoredSecret, fresh postern.StoredSecret, now time.Time, overlap time.Duration) []postern.StoredSecret {
	out := []postern.StoredSecret{fresh}
	for _, s := range old {
		if len(out) == postern.MaxLiveSecrets || !s.Live(now) {
			continue
		}
		if end := now.Add(overlap); s.ExpiresAt.IsZero() || end.Before(s.ExpiresAt) {
			s.ExpiresAt = end
		}
		out = append(out, s)
	}
	return out
}

func (o *office) EndSecret(ctx context.Context, id, secret string, e postern.Edit) (postern.Client, error) {
	if err := o.may(EndSecret); err != nil {
		return postern.Client{}, err
	}
	old, err := o.client(ctx, id)
	if err != nil {
		return postern.Client{}, err
	}
	ev := o.event(old.Tenant, postern.ActSecretEnded, old.ID, "secret "+postern.Shorten(secret, 40))
	ev.ClientID = old.ID
	c, err := o.store().ChangeClient(ctx, old.Tenant, old.ID, ev, func(c *postern.Client) error {
		if err := match(e, c.UpdatedAt); err != nil {
			return err
		}
		if err := o.mayGive(c.Scopes); err != nil {
			return err
		}
		i := slices.IndexFunc(c.Secrets, func(s postern.StoredSecret) bool { return s.ID == secret })
		if i < 0 {
			return postern.Errorf(postern.NotFound, "client %s has no secret %q", c.ID, postern.Shorten(secret, 40))
		}
		now := o.r.now()
		if live := c.LiveSecrets(now); len(live) == 1 && live[0].ID == secret {
			return postern.Errorf(postern.Conflict, "this is the only secret of client %s that works", c.ID).
				WithHint("make a new one with no overlap, or disable the client")
		}
		c.Secrets = slices.Delete(slices.Clone(c.Secrets), i, i+1)
		return nil
	})
	return seenClient(c), err
}

func (o *office) RevokeClient(ctx context.Context, id string) (postern.Client, error) {
	if err := o.may(RevokeClient); err != nil {
		return postern.Client{}, err
	}
	old, err := o.client(ctx, id)
	if err != nil {
		return postern.Client{}, err
	}
	ev := o.event(old.Tenant, postern.ActClientRevoked, old.ID, "all tokens")
	ev.ClientID = old.ID
	c, err := o.store().ChangeClient(ctx, old.Tenant, old.ID, ev, func(c *postern.Client) error {
		c.NotBefore = o.r.now()
		return nil
	})
	return seenClient(c), err
}
