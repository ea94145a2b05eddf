package issuer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// verifier is somebody else's resource server: it keeps the published keys exactly
// as long as it may, and knows no other.
type verifier struct {
	h       *house
	fetched time.Time
	kids    map[string]bool
}

func (v *verifier) knows(kid string) bool {
	if now := v.h.clock.Now(); v.kids == nil || now.Sub(v.fetched) >= issuer.JWKSMaxAge {
		v.kids, v.fetched = map[string]bool{}, now
		for _, k := range v.h.PublicKeys() {
			v.kids[k.ID] = true
		}
	}
	return v.kids[kid]
}

// onlyES256 keeps the keys of other algorithms young: RSA takes its time.
type onlyES256 struct {
	issuer.KeyStore
	clock *clock
}

func (o onlyES256) Keys(ctx context.Context) ([]postern.Key, error) {
	keys, err := o.KeyStore.Keys(ctx)
	for i := range keys {
		if keys[i].Alg != postern.ES256 {
			keys[i].SignFrom = o.clock.Now().Add(24 * time.Hour)
		}
	}
	return keys, err
}

// A whole life of keys under load: nobody ever meets a token it cannot verify.
func TestAVerifierThatCachesAsLongAsItMayNeverMeetsAnUnknownKey(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, x := range map[string]struct {
		policy issuer.KeyPolicy
		watch  time.Duration // until the first key is gone
	}{
		"every two days":        {issuer.KeyPolicy{RotateEvery: 2 * day}, 4*day + 3*time.Hour},
		"as fast as can be":     {issuer.KeyPolicy{RotateEvery: time.Minute, PublishAhead: time.Second, KeepAfter: time.Second}, 27 * time.Hour},
		"daily, published late": {issuer.KeyPolicy{RotateEvery: day, PublishAhead: 2 * time.Hour, KeepAfter: 30 * time.Hour}, 3 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(c *issuer.Config) { c.Journal = discard{c.Journal} })
			other := h.another(func(c *issuer.Config) { c.Journal = discard{c.Journal} })
			long, ls := h.client(func(c *postern.Client) { c.TokenLife = postern.MaxTokenLife })
			keys := h.keys()
			keys.Policy, keys.Store = x.policy, onlyES256{h.db, h.clock}
			v := &verifier{h: h}
			seen := map[string]bool{}
			type old struct {
				tok postern.Token
				kid string
			}
			var kept []old
			const step = 13 * time.Minute
			for n := range int(x.watch / step) {
				h.clock.Add(step)
				if err := keys.Maintain(t.Context()); err != nil {
					t.Fatal(err)
				}
				h.settle()
				other.settle()
				tok := h.issue(request("oauth2", long, ls))
				kid := other.valid(tok).KeyID
				seen[kid] = true
				if !v.knows(kid) {
					t.Fatalf("after %v a verifier meets the unknown key %s", h.clock.Now().Sub(testTime), kid)
				}
				if n%20 == 0 {
					kept = append(kept, old{tok, kid})
				}
				for len(kept) > 0 && kept[0].tok.ExpiresAt.Sub(h.clock.Now()) <= step { // its last minutes
					if !h.clock.Now().Before(kept[0].tok.ExpiresAt) {
						kept = kept[1:]
						continue
					}
					other.valid(kept[0].tok)
					if !v.knows(kept[0].kid) {
						t.Fatalf("after %v an old token's key %s is no longer published", h.clock.Now().Sub(testTime), kept[0].kid)
					}
					kept = kept[1:]
				}
			}
			if len(seen) < 2 {
				t.Errorf("only %d keys signed", len(seen))
			}
			if h.allKeys()[0].Generation == 1 {
				t.Error("the first key is not gone")
			}
		})
	}
}

// life is what happened to a key, and when.
type life struct {
	key    postern.Key
	states []postern.KeyState
	since  map[postern.KeyState]time.Time
	wiped  time.Time // first seen without its private part
	gone   time.Time
}

func TestAKeyLivesFromNextToRemoved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	policy := issuer.KeyPolicy{RotateEvery: 5 * 24 * time.Hour}
	keys := h.keys()
	keys.Policy = policy
	lives := map[string]*life{}
	for range 20 * 24 * 2 {
		h.clock.Add(30 * time.Minute)
		now := h.clock.Now()
		if err := keys.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := h.allKeys()
		there := map[string]bool{}
		for _, k := range all {
			there[k.ID] = true
			l := lives[k.ID]
			if l == nil {
				l = &life{key: k, since: map[postern.KeyState]time.Time{}}
				lives[k.ID] = l
			}
			if s := issuer.StateOf(k, all, now); len(l.states) == 0 || l.states[len(l.states)-1] != s {
				l.states, l.since[s] = append(l.states, s), now
			}
			if k.Sealed == "" && l.wiped.IsZero() {
				l.wiped = now
			}
			if k.Sealed == "" && issuer.StateOf(k, all, now) != postern.KeyRetiring {
				t.Errorf("%s key %s is %s without its private part", k.Alg, k.ID, issuer.StateOf(k, all, now))
			}
		}
		for id, l := range lives {
			if !there[id] && l.gone.IsZero() {
				l.gone = now
			}
		}
	}
	generations := map[postern.Alg][]int64{}
	for _, l := range lives {
		generations[l.key.Alg] = append(generations[l.key.Alg], l.key.Generation)
		if l.gone.IsZero() || l.key.Generation == 1 {
			continue
		}
		what := fmt.Sprintf("%s generation %d", l.key.Alg, l.key.Generation)
		order := strings.Trim(fmt.Sprint(l.states), "[]")
		if order != "next active retiring" && order != "next active retiring removed" {
			t.Errorf("%s was %s", what, order)
		}
		if ahead := l.since[postern.KeyActive].Sub(l.since[postern.KeyNext]); ahead < 24*time.Hour {
			t.Errorf("%s was published for %v before it signed", what, ahead)
		}
		signed := l.since[postern.KeyRetiring].Sub(l.since[postern.KeyActive])
		if signed < policy.RotateEvery-time.Hour || signed > policy.RotateEvery+time.Hour {
			t.Errorf("%s signed for %v", what, signed)
		}
		if kept := l.gone.Sub(l.since[postern.KeyRetiring]); kept < 48*time.Hour || kept > 49*time.Hour {
			t.Errorf("%s was kept for %v after it signed", what, kept)
		}
		if wiped := l.wiped.Sub(l.since[postern.KeyRetiring]); l.key.Alg == postern.HS256 {
			if !l.wiped.IsZero() {
				t.Errorf("%s lost the part it verifies with", what)
			}
		} else if l.wiped.IsZero() || wiped > 30*time.Minute {
			t.Errorf("%s kept its private part for %v after it signed", what, wiped)
		}
	}
	for alg, g := range generations {
		slices.Sort(g)
		if len(g) < 4 || g[len(g)-1] != int64(len(g)) {
			t.Errorf("%s has the generations %v, want each once", alg, g)
		}
	}
}

func TestASharedKeyVerifiesUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	next := h.rotate(postern.HS256)
	h.clock.Set(next.SignFrom.Add(-time.Second))
	tok := h.issue(request("personio-v1", c, s))
	for h.clock.Now().Before(tok.ExpiresAt) {
		h.maintain()
		h.valid(tok)
		h.clock.Add(time.Hour)
	}
	if cause := h.invalid(tok.Value.Reveal()); cause != "expired" {
		t.Errorf("after its life the token is refused for %q", cause)
	}
}

func TestKeysAreNotRotatedWhenThePolicySaysNever(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	keys := h.keys()
	keys.Policy.RotateEvery = -1
	h.clock.Add(10 * 365 * 24 * time.Hour)
	if err := keys.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, alg := range postern.Algs {
		diff(t, string(alg), h.states(alg), []postern.KeyState{postern.KeyActive})
	}
}

func TestStatesOfKeys(t *testing.T) {
	t.Parallel()
	now := testTime
	key := func(generation int64, signs, removed time.Duration) postern.Key {
		k := postern.Key{ID: fmt.Sprint(generation), Alg: postern.ES256, Generation: generation, SignFrom: now.Add(signs)}
		if removed != 0 {
			k.RemoveAt = now.Add(removed)
		}
		return k
	}
	const past, soon = -time.Hour, time.Hour
	for _, x := range []struct {
		name string
		keys []postern.Key
		want string
	}{
		{"one", []postern.Key{key(1, past, 0)}, "active"},
		{"one, by a clock that is behind", []postern.Key{key(1, soon, 0)}, "active"},
		{"one and a next", []postern.Key{key(1, past, 0), key(2, soon, 0)}, "active next"},
		{"a next that signs from now", []postern.Key{key(1, past, 0), key(2, 0, 0)}, "retiring active"},
		{"a next that signs in a nanosecond", []postern.Key{key(1, past, 0), key(2, 1, 0)}, "active next"},
		{"replaced, with an end", []postern.Key{key(1, past, soon), key(2, past, 0)}, "retiring active"},
		{"replaced, at its end", []postern.Key{key(1, past, past), key(2, past, 0)}, "removed active"},
		{"three", []postern.Key{key(1, past, soon), key(2, past, 0), key(3, soon, 0)}, "retiring active next"},
		{"the active one retired", []postern.Key{key(1, past, soon), key(2, past, past), key(3, soon, 0)}, "retiring removed active"},
		{"the next one retired", []postern.Key{key(1, past, 0), key(2, soon, past)}, "active removed"},
		{"all retired", []postern.Key{key(1, past, soon), key(2, past, past)}, "retiring removed"},
		{"another node was faster", []postern.Key{key(1, past, soon), key(2, soon, 0)}, "retiring active"},
	} {
		var got []string
		for _, k := range x.keys {
			got = append(got, string(issuer.StateOf(k, x.keys, now)))
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s: %s, want %s", x.name, s, x.want)
		}
		other := postern.Key{ID: "o", Alg: postern.RS256, Generation: 9, SignFrom: now.Add(past)}
		if s := issuer.StateOf(x.keys[0], append([]postern.Key{other}, x.keys...), now); string(s) != got[0] {
			t.Errorf("%s: another algorithm's key makes the first %s", x.name, s)
		}
	}
}
