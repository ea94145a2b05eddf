package test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pair starts two nodes at once on one empty PostgreSQL. They have nothing else in
// common but the master key and the public address.
func pair(t testing.TB, settings ...string) (a, b *node) {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24
	dsn := schema(t)
	var nodes [2]*node
	for i := range nodes {
		p := newPlace(t, append(settings, unlimited)...).on(dsn)
		p.env = []string{"POSTERN_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key), "POSTERN_PUBLIC_URL=http://postern.test"}
		nodes[i] = p.launch(t)
	}
	for _, n := range nodes {
		n.await(t)
	}
	return nodes[0], nodes[1]
}

// keyView is a key as `postern key list --json` prints it.
type keyView struct {
	KID        string
	Alg        string
	State      string
	Generation int64
}

func (p place) keys(t testing.TB) []keyView { return ask[[]keyView](t, p, "key", "list") }

func TestTwoNodesOnOneDatabaseAreOneServer(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	both := []*node{a, b}

	// Both made keys at their first start, and there is one of each kind.
	keys := a.keys(t)
	if len(keys) != 4 || slices.ContainsFunc(keys, func(k keyView) bool { return k.Generation != 1 || k.State != "active" }) {
		t.Errorf("after both started: got %+v, want one active key of each of four algorithms", keys)
	}
	c := enrol(t, a.place, "acme", "10000")

	// However many ask whichever node at once, they get the same live token.
	for _, w := range []way{wayOf("personio-v1"), wayOf("personio-v2")} {
		live := mustAgree(t, w, c, both)
		if w.dialect == "personio-v1" {
			continue
		}
		if got := post(t, a, "/v2/auth/revoke", credentials{}, "token", live); got.status != http.StatusOK {
			t.Errorf("revoke on one node: got %v, want 200", got)
		}
		gone(t, "a revoked token on the other node", func() bool { return active(t, b, c, live) })
		if next := mustAgree(t, w, c, both); next == live {
			t.Error("a revoked token is given again")
		}
	}

	// What one node or a command ends is refused by every node.
	token, err := wayOf("oauth2").get(b.url, c)
	if err != nil || !active(t, a, c, token) {
		t.Fatalf("the token of one node on the other: got %v, want a good one", err)
	}
	post(t, a, "/oauth2/revoke", c, "token", token)
	gone(t, "a token that was revoked on the other node", func() bool { return active(t, b, c, token) })
	person, err := wayOf("comm100").get(a.url, c)
	if err != nil {
		t.Fatal(err)
	}
	welcome := func(n *node) bool {
		return fetch(t, n, "/oauth/userinfo", "Authorization", "Bearer "+person).status == http.StatusOK
	}
	if !welcome(a) || !welcome(b) {
		t.Fatal("a person's token is not good on both nodes")
	}
	a.postern(t, "user", "disable", c.Email, "--tenant", c.Tenant)
	a.postern(t, "client", "disable", c.ID)
	for _, n := range both {
		gone(t, "a disabled person", func() bool { return welcome(n) })
		gone(t, "a disabled client", func() bool {
			_, err := wayOf("oauth2").get(n.url, c)
			return err == nil
		})
	}
	a.postern(t, "client", "enable", c.ID)
	a.postern(t, "user", "enable", c.Email, "--tenant", c.Tenant)
	mustRotateOnce(t, a, b)

	// Under load on both the chains stay whole.
	eventually(t, patience, "the client is back", func() error {
		_, err1 := wayOf("oauth2").get(a.url, c)
		_, err2 := wayOf("oauth2").get(b.url, c)
		if err1 == nil {
			err1 = err2
		}
		return err1
	})
	l := press(t, c, a, b)
	l.each(t, "tokens", 20, given)
	l.end()
	l.mustBeFair(t, 15*time.Second)
	a.stop(t)
	b.stop(t)
	if got := len(l.ids()); got < 50 {
		t.Errorf("got %d tokens under load, want 50 at least", got)
	}
	a.mustHold(t, c.Tenant, l.ids())
}

// mustAgree asks all nodes at once and wants one and the same token.
func mustAgree(t testing.TB, w way, c credentials, nodes []*node) string {
	t.Helper()
	got := make([]string, 12)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			token, err := w.get(nodes[i%len(nodes)].url, c)
			if err != nil {
				t.Error(err)
			}
			got[i] = token
		})
	}
	all.Wait()
	if same := slices.Compact(slices.Clone(got)); len(same) != 1 {
		t.Errorf("%s: got %d tokens from %d requests at once, want one: %q", w.dialect, len(same), len(got), same)
	}
	return got[0]
}

// gone wants that something ends within a second.
func gone(t testing.TB, what string, there func() bool) {
	t.Helper()
	took := eventually(t, aSecond, what+" is refused", func() error {
		if there() {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	t.Logf("%s was refused after %v", what, took.Round(time.Millisecond))
}

// mustRotateOnce rotates beside both nodes at once, by command. A key for RS256 takes so
// long to make that all of them find that there is no next one yet.
func mustRotateOnce(t testing.TB, a, b *node) {
	t.Helper()
	var status [6]int
	var all sync.WaitGroup
	for i := range status {
		n := []*node{a, b}[i%2]
		all.Go(func() { status[i], _, _ = n.try(t, "", "key", "rotate", "--alg", "RS256") })
	}
	all.Wait()
	next := slices.DeleteFunc(a.keys(t), func(k keyView) bool { return k.Generation == 1 })
	slices.Sort(status[:])
	if status != [6]int{0, 1, 1, 1, 1, 1} || len(next) != 1 || next[0].State != "next" || next[0].Generation != 2 {
		t.Fatalf("six rotations at once: got status %v and %+v, want one done, five refused, one next key", status, next)
	}
	for _, n := range []*node{a, b} {
		took := eventually(t, aSecond, "the next key is published", func() error {
			if jwks := fetch(t, n, "/.well-known/jwks.json"); !strings.Contains(string(jwks.body), next[0].KID) {
				return fmt.Errorf("got %v, want %s in it", jwks, next[0].KID)
			}
			return nil
		})
		t.Logf("the next key was published after %v", took.Round(time.Millisecond))
	}
}

// The keys are looked after every minute, so this story takes one.
func TestTwoNodesRotateOnScheduleOnce(t *testing.T) {
	t.Parallel()
	a, b := pair(t, "keys: {rotate_every: 1s}")
	eventually(t, 2*patience, "a successor of every key", func() error {
		if keys := a.keys(t); len(keys) < 8 {
			return fmt.Errorf("got %+v, want eight", keys)
		}
		return nil
	})
	sets := map[string]bool{}
	for _, n := range []*node{a, b} {
		eventually(t, aSecond, "the next keys are published", func() error {
			jwks := fetch(t, n, "/.well-known/jwks.json")
			if got := strings.Count(string(jwks.body), `"kid"`); got != 6 { // HS256 keys are secret
				return fmt.Errorf("got %d keys, want 6", got)
			}
			sets[string(jwks.body)] = true
			return nil
		})
		n.stop(t)
	}
	if len(sets) != 1 {
		t.Errorf("the nodes publish different keys: %v", sets)
	}
	keys, seen := a.keys(t), map[string]bool{}
	for _, k := range keys {
		name := fmt.Sprint(k.Alg, k.Generation)
		if seen[name] || k.Generation > 2 || (k.Generation == 2) != (k.State == "next") {
			t.Errorf("got %+v, want two generations of each algorithm, the second next", keys)
		}
		seen[name] = true
	}
	created := 0
	for _, e := range a.trail(t, nowhere) {
		if e.Action == "key.created" {
			created++
		}
	}
	if created != 8 {
		t.Errorf("got %d keys created in the trail, want 8", created)
	}
	a.mustVerify(t)
}
