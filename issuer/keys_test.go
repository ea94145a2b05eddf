package issuer_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// keys gives what a command would use beside the server.
func (h *house) keys() *issuer.Keys {
	return &issuer.Keys{Store: h.db, Box: testBox, Now: h.clock.Now, Actor: "cli:test"}
}

func (h *house) allKeys() []postern.Key {
	h.t.Helper()
	keys, err := h.db.Keys(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return keys
}

// states shows the keys of an algorithm by generation.
func (h *house) states(alg postern.Alg) (out []postern.KeyState) {
	h.t.Helper()
	all := h.allKeys()
	for _, k := range all {
		if k.Alg == alg {
			out = append(out, issuer.StateOf(k, all, h.clock.Now()))
		}
	}
	return out
}

func (h *house) maintain() {
	h.t.Helper()
	if err := h.keys().Maintain(h.t.Context()); err != nil {
		h.t.Fatalf("Maintain: %v", err)
	}
	h.settle()
}

func (h *house) rotate(alg postern.Alg) postern.Key {
	h.t.Helper()
	k, err := h.keys().Rotate(h.t.Context(), alg, 0)
	if err != nil {
		h.t.Fatalf("Rotate: %v", err)
	}
	h.settle()
	return k
}

func (h *house) retire(id string) {
	h.t.Helper()
	if err := h.keys().Retire(h.t.Context(), id); err != nil {
		h.t.Fatalf("Retire: %v", err)
	}
	h.settle()
}

func TestAFirstStartMakesAKeyOfEachAlgorithm(t *testing.T) {
	t.Parallel()
	h := openHouse(t, filepath.Join(t.TempDir(), "new.db"), newClock())
	all := h.allKeys()
	var algs []postern.Alg
	for _, k := range all {
		algs = append(algs, k.Alg)
		if issuer.StateOf(k, all, testTime) != postern.KeyActive || k.Generation != 1 || len(k.ID) != 32 {
			t.Errorf("the first %s key: %+v", k.Alg, k)
		}
		if k.Sealed == "" || (k.Public == nil) != (k.Alg == postern.HS256) {
			t.Errorf("the first %s key has the wrong parts", k.Alg)
		}
		if r, ok := k.Public.(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
			t.Errorf("the RS256 key has %d bits", r.N.BitLen())
		}
	}
	slices.Sort(algs)
	diff(t, "algorithms", algs, []postern.Alg{postern.ES256, postern.EdDSA, postern.HS256, postern.RS256}, cmpopts.SortSlices(func(a, b postern.Alg) bool { return a < b }))
	if n := len(h.events(postern.SystemTenant, postern.ActKeyCreated)); n != 4 {
		t.Errorf("%d events for four keys", n)
	}
	public := h.PublicKeys()
	if len(public) != 3 {
		t.Errorf("%d keys are published, want 3: a shared key is no one's to know", len(public))
	}
	for _, k := range public {
		if k.Alg == postern.HS256 || k.Sealed != "" {
			t.Errorf("a published key shows too much: %s", k.Alg)
		}
	}
	// A restart changes nothing.
	h.Close()
	second := h.another()
	diff(t, "keys after a restart", second.allKeys(), all)
}

func TestNodesThatStartTogetherMakeOneSetOfKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new.db")
	dbs := []issuer.KeyStore{openStore(t, path), openStore(t, path), openStore(t, path)}
	var all sync.WaitGroup
	for _, db := range dbs {
		all.Go(func() {
			keys := issuer.Keys{Store: db, Box: testBox, Now: newClock().Now}
			if err := keys.Ensure(t.Context()); err != nil {
				t.Errorf("Ensure: %v", err)
			}
		})
	}
	all.Wait()
	keys, err := dbs[0].Keys(t.Context())
	if err != nil || len(keys) != 4 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestAnotherMasterKeyIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	for _, missing := range []bool{false, true} {
		h := newHouse(t)
		c, s := h.client()
		tok := h.issue(request("personio-v2", c, s))
		if missing { // as after a first start that was cut short
			all := h.allKeys()
			gone := all[slices.IndexFunc(all, func(k postern.Key) bool { return k.Alg == postern.EdDSA })]
			err := errors.Join(h.db.RetireKey(t.Context(), gone.ID, testTime, true, at(testTime, postern.ActKeyRetired)),
				h.db.DeleteKey(t.Context(), gone.ID))
			if err != nil {
				t.Fatal(err)
			}
		}
		before, trail := h.allKeys(), h.events(postern.SystemTenant)
		cfg := h.cfg
		cfg.Box = boxOf('x')
		_, err := issuer.New(t.Context(), cfg)
		e := postern.AsError(err)
		if e == nil || e.Code != postern.Unavailable || !strings.Contains(e.Msg, "master key") || e.Hint == "" {
			t.Errorf("with another master key: %v", err)
		}
		diff(t, "keys", h.allKeys(), before)
		diff(t, "trail", h.events(postern.SystemTenant), trail)
		second := h.another()
		second.valid(tok)
		sameToken(t, "with the right one again", tok, second.issue(request("personio-v2", c, s)))
	}
}

func TestASealedKeyOpensInItsOwnRowOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	cfg := h.cfg
	cfg.KeyStore = swapped{cfg.KeyStore}
	if _, err := issuer.New(t.Context(), cfg); postern.CodeOf(err) != postern.Unavailable {
		t.Errorf("with the private parts of two keys exchanged: %v", err)
	}
}

type swapped struct{ issuer.KeyStore }

func (s swapped) Keys(ctx context.Context) ([]postern.Key, error) {
	keys, err := s.KeyStore.Keys(ctx)
	if len(keys) > 1 {
		keys[0].Sealed, keys[1].Sealed = keys[1].Sealed, keys[0].Sealed
	}
	return keys, err
}

func TestARotatedKeyIsPublishedBeforeItSigns(t *testing.T) {
	t.Parallel()
	for _, alg := range postern.Algs {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			name := "oauth2"
			if alg == postern.HS256 {
				name = "personio-v1"
			}
			signer := func() string { // a new client each time, so that nothing is shared
				c, s := h.client(func(c *postern.Client) { c.Alg = alg })
				return h.valid(h.issue(request(name, c, s))).KeyID
			}
			old := signer()
			next := h.rotate(alg)
			if least := issuer.JWKSMaxAge + 90*time.Second; next.SignFrom.Sub(h.clock.Now()) != least {
				t.Errorf("a rotation at once signs after %v, want the least: %v", next.SignFrom.Sub(h.clock.Now()), least)
			}
			if published := slices.ContainsFunc(h.PublicKeys(), func(k postern.Key) bool { return k.ID == next.ID }); published != (alg != postern.HS256) {
				t.Errorf("the next %s key is published: %v", alg, published)
			}
			diff(t, "states", h.states(alg), []postern.KeyState{postern.KeyActive, postern.KeyNext})
			if _, err := h.keys().Rotate(t.Context(), alg, -1); postern.CodeOf(err) != postern.Conflict {
				t.Errorf("a second rotation: %v", err)
			}
			h.clock.Set(next.SignFrom.Add(-time.Nanosecond))
			if got := signer(); got != old {
				t.Errorf("just before its time key %s signs, want %s", got, old)
			}
			h.clock.Add(time.Nanosecond)
			if got := signer(); got != next.ID {
				t.Errorf("at its time key %s signs, want %s", got, next.ID)
			}
			diff(t, "states", h.states(alg), []postern.KeyState{postern.KeyRetiring, postern.KeyActive})
		})
	}
}

func TestRotationTakesThePolicysDelayOrMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	least := issuer.JWKSMaxAge + 90*time.Second
	for _, x := range []struct {
		alg         postern.Alg
		delay, want time.Duration
	}{{postern.ES256, -1, 24 * time.Hour}, {postern.EdDSA, time.Minute, least}, {postern.HS256, 5 * time.Hour, 5 * time.Hour}} {
		k, err := h.keys().Rotate(t.Context(), x.alg, x.delay)
		if err != nil || k.SignFrom.Sub(h.clock.Now()) != x.want {
			t.Errorf("Rotate(%s, %v) signs after %v, %v, want %v", x.alg, x.delay, k.SignFrom.Sub(h.clock.Now()), err, x.want)
		}
	}
	for _, alg := range []postern.Alg{"", "none", "RS512", "es256"} {
		if _, err := h.keys().Rotate(t.Context(), alg, 0); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("Rotate(%q) = %v", alg, err)
		}
	}
}

func TestTwoWhoRotateAtOnceMakeOneKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		db := openStore(t, h.path)
		all.Go(func() {
			keys := issuer.Keys{Store: db, Box: testBox, Now: h.clock.Now}
			_, errs[i] = keys.Rotate(t.Context(), postern.ES256, 0)
		})
	}
	all.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if postern.CodeOf(err) != postern.Conflict {
			t.Errorf("Rotate: %v", err)
		}
	}
	if got := len(h.states(postern.ES256)); made != 1 || got != 2 {
		t.Errorf("%d rotations succeeded and there are %d keys", made, got)
	}
}

func TestRetiringAKeyEndsItsTokensAndASuccessorSigns(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(h *house){
		"with no other key":     func(*house) {},
		"with one that waits":   func(h *house) { h.rotate(postern.ES256) },
		"with one that retires": func(h *house) { h.clock.Set(h.rotate(postern.ES256).SignFrom.Add(time.Hour)); h.maintain() },
		"with one that retires and one that waits": func(h *house) {
			h.clock.Set(h.rotate(postern.ES256).SignFrom.Add(time.Hour))
			h.maintain()
			h.rotate(postern.ES256)
		},
		"after one that waited was retired": func(h *house) { h.retire(h.rotate(postern.ES256).ID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c, s := h.client()
			before(h)
			tok := h.issue(request("oauth2", c, s))
			rsa, _ := h.client(func(c *postern.Client) { c.Secrets[0] = h.stored(s, time.Time{}); c.Alg = postern.RS256 })
			other := h.issue(request("oauth2", rsa, s))
			bad := h.valid(tok).KeyID
			h.retire(bad)
			if cause := h.invalid(tok.Value.Reveal()); cause != "signature" {
				t.Errorf("its token is refused for %q", cause)
			}
			if slices.ContainsFunc(h.PublicKeys(), func(k postern.Key) bool { return k.ID == bad }) {
				t.Error("the key is still published")
			}
			if now := h.valid(h.issue(request("oauth2", c, s))).KeyID; now == bad {
				t.Error("the key still signs")
			}
			h.valid(other) // other algorithms are untouched
			for _, k := range h.allKeys() {
				if k.ID == bad && k.Sealed != "" {
					t.Error("its private part is still there")
				}
			}
			h.maintain()
			h.valid(h.issue(request("oauth2", c, s)))
		})
	}
	h := newHouse(t)
	if err := h.keys().Retire(t.Context(), "nobody"); postern.CodeOf(err) != postern.NotFound || postern.AsError(err).Hint == "" {
		t.Errorf("Retire of no key: %v", err)
	}
}

func TestRetiringASharedKeyEndsItsTokensToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	tok := h.issue(request("personio-v1", c, s))
	h.retire(h.valid(tok).KeyID)
	h.invalid(tok.Value.Reveal())
	h.valid(h.issue(request("personio-v1", c, s)))
}

// The private part is destroyed by the clock of one node; another that is behind
// signs with the successor rather than with nothing.
func TestANodeWhoseClockIsBehindStillSigns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	slow := h.another(func(c *issuer.Config) { c.Now = func() time.Time { return h.clock.Now().Add(-5 * time.Minute) } })
	c, s := h.client()
	next := h.rotate(postern.ES256)
	h.clock.Set(next.SignFrom.Add(time.Minute))
	h.maintain()
	slow.settle()
	if got := slow.valid(slow.issue(request("oauth2", c, s))).KeyID; got != next.ID {
		t.Errorf("signed with %s, want %s", got, next.ID)
	}
}

func TestWithoutAKeyThereIsAClearRefusal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	for _, k := range h.allKeys() {
		if k.Alg == postern.ES256 { // somebody worked on the database by hand
			if err := h.db.RetireKey(t.Context(), k.ID, h.clock.Now(), true, at(testTime, postern.ActKeyRetired)); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.settle()
	if e := h.refused(request("oauth2", c, s)); e.Code != postern.Unavailable || e.Wait <= 0 || e.Hint == "" {
		t.Errorf("without a key: %v", e)
	}
	h.maintain() // it is made good within a minute
	h.valid(h.issue(request("oauth2", c, s)))
}

func TestMaintainingOnTwoNodesAtOnceIsNoError(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	second := h.another()
	first := h.rotate(postern.ES256)
	for _, moment := range []time.Duration{time.Hour, 3 * 24 * time.Hour, 89 * 24 * time.Hour, 91 * 24 * time.Hour, 95 * 24 * time.Hour} {
		h.clock.Set(first.SignFrom.Add(moment))
		var all sync.WaitGroup
		for _, n := range []*house{h, second} {
			for range 3 {
				all.Go(func() {
					if err := n.keys().Maintain(t.Context()); err != nil {
						t.Errorf("after %v: %v", moment, err)
					}
				})
			}
		}
		all.Wait()
	}
	seen := map[string]int{}
	for _, e := range h.events(postern.SystemTenant, postern.ActKeyCreated) {
		seen[e.KeyID]++
	}
	for _, k := range h.allKeys() {
		if seen[k.ID] > 1 {
			t.Errorf("key %s was made %d times", k.ID, seen[k.ID])
		}
	}
	for _, alg := range postern.Algs {
		active := 0
		for _, s := range h.states(alg) {
			if s == postern.KeyActive {
				active++
			}
		}
		if active != 1 {
			t.Errorf("%s has %d active keys: %v", alg, active, h.states(alg))
		}
	}
}

func TestOneFailureOfTheStoreDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	broken := brokenKeys{h.db, errors.New("disk full")}
	keys := issuer.Keys{Store: broken, Box: testBox, Now: func() time.Time { return testTime.Add(100 * 24 * time.Hour) }}
	if err := keys.Maintain(t.Context()); !errors.Is(err, broken.err) {
		t.Errorf("Maintain hides a failure: %v", err)
	}
	if err := keys.Retire(t.Context(), h.allKeys()[0].ID); !errors.Is(err, broken.err) {
		t.Errorf("Retire hides a failure: %v", err)
	}
	if !cmp.Equal(len(h.allKeys()), 4) {
		t.Error("a failed store has other keys")
	}
}

type brokenKeys struct {
	issuer.KeyStore
	err error
}

func (b brokenKeys) AddKey(context.Context, postern.Key, postern.Event) error { return b.err }
func (b brokenKeys) RetireKey(context.Context, string, time.Time, bool, postern.Event) error {
	return b.err
}
