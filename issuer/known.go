package issuer

import (
	"context"
	"slices"
	"strconv"
	"time"

	"postern.dev/postern"
)

// client is a registered client as the token path needs it.
type client struct {
	postern.Client
	secrets  []liveSecret   // decoded
	defaults postern.Scopes // what it gets when it asks for nothing
}

type liveSecret struct {
	mac     mac
	expires time.Time
}

// answer is what the registry said: a value, or that there is none. Absence is
// remembered too, so that asking for what does not exist costs no more.
type answer[V any] struct {
	val    V
	absent error
}

// liveToken is a token that is answered again, open in memory.
type liveToken struct {
	postern.LiveToken
	value postern.Secret
}

// known remembers what the registry said, within bounds.
type known struct {
	reg       Registry
	keys      KeyStore
	clients   *cache[answer[*client]]
	subjects  *cache[string] // subject to client id
	tenants   *cache[answer[*postern.Tenant]]
	partners  *cache[answer[string]] // partner id to tenant id
	users     *cache[answer[*postern.User]]
	resources *cache[[]postern.Resource] // by tenant
	live      *cache[liveToken]          // by client and slot
}

func newKnown(reg Registry, keys KeyStore, size int) *known {
	return &known{reg: reg, keys: keys,
		clients: newCache[answer[*client]](size), subjects: newCache[string](size),
		tenants: newCache[answer[*postern.Tenant]](size), partners: newCache[answer[string]](size),
		users: newCache[answer[*postern.User]](size), resources: newCache[[]postern.Resource](1000),
		live: newCache[liveToken](size)}
}

// recall answers from the cache, or asks and remembers.
func recall[V any](c *cache[answer[V]], key string, ask func() (V, error)) (V, error) {
	if a, ok := c.get(key); ok {
		return a.val, a.absent
	}
	gen := c.generation()
	val, err := ask()
	if err != nil && postern.CodeOf(err) != postern.NotFound {
		return val, err
	}
	c.put(gen, key, answer[V]{val, err})
	return val, err
}

func (k *known) client(ctx context.Context, id string) (*client, error) {
	return recall(k.clients, id, func() (*client, error) {
		c, err := k.reg.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		return newClient(c), nil
	})
}

func newClient(c postern.Client) *client {
	out := &client{Client: c, defaults: slices.DeleteFunc(slices.Clone(c.Scopes), func(s string) bool {
		return slices.Contains(identityScopes, s)
	})}
	for _, s := range c.Secrets {
		if m, ok := decodeHash(s.Hash); ok {
			out.secrets = append(out.secrets, liveSecret{m, s.ExpiresAt})
		}
	}
	for len(out.secrets) < postern.MaxLiveSecrets {
		out.secrets = append(out.secrets, liveSecret{}) // no secret has this MAC
	}
	return out
}

func (k *known) clientBySubject(ctx context.Context, subject string) (*client, error) {
	if id, ok := k.subjects.get(subject); ok {
		return k.client(ctx, id)
	}
	gen := k.subjects.generation()
	c, err := k.reg.ClientBySubject(ctx, subject)
	if err != nil {
		return nil, err
	}
	k.subjects.put(gen, subject, c.ID)
	return k.client(ctx, c.ID)
}

func (k *known) tenant(ctx context.Context, id string) (*postern.Tenant, error) {
	return recall(k.tenants, id, func() (*postern.Tenant, error) {
		t, err := k.reg.Tenant(ctx, id)
		return &t, err
	})
}

// partner gives the id of the tenant with this partner id.
func (k *known) partner(ctx context.Context, partnerID int64) (string, error) {
	return recall(k.partners, strconv.FormatInt(partnerID, 10), func() (string, error) {
		t, err := k.reg.TenantByPartner(ctx, partnerID)
		return t.ID, err
	})
}

// user gives a person as tokens need it: what only a login needs is not kept.
func (k *known) user(ctx context.Context, tenant, id string) (*postern.User, error) {
	return recall(k.users, tenant+"/"+id, func() (*postern.User, error) {
		u, err := k.reg.UserByID(ctx, tenant, id)
		u.PasswordHash, u.Failures, u.LockedUntil = "", 0, time.Time{}
		return &u, err
	})
}

func (k *known) resourcesOf(ctx context.Context, tenant string) ([]postern.Resource, error) {
	if r, ok := k.resources.get(tenant); ok {
		return r, nil
	}
	gen := k.resources.generation()
	r, err := k.keys.Resources(ctx, tenant)
	if err == nil {
		k.resources.put(gen, tenant, r)
	}
	return r, err
}

// forget drops what a change made out of date.
func (k *known) forget(c postern.Change) {
	switch c.Kind {
	case postern.ChangeClient:
		k.clients.dropKey(c.ID)
		k.live.drop(func(_ string, t liveToken) bool { return t.ClientID == c.ID })
	case postern.ChangeTenant:
		k.tenants.dropKey(c.ID)
		k.partners.clear()
		k.live.drop(func(_ string, t liveToken) bool { return t.Tenant == c.ID })
	case postern.ChangeUser:
		k.users.dropKey(c.Tenant + "/" + c.ID)
	case postern.ChangeResource:
		k.resources.clear()
	case postern.ChangeRevoked:
		k.live.drop(func(_ string, t liveToken) bool { return t.TokenID == c.ID })
	}
}

func (k *known) forgetAll() {
	k.clients.clear()
	k.subjects.clear()
	k.tenants.clear()
	k.partners.clear()
	k.users.clear()
	k.resources.clear()
	k.live.clear()
}
