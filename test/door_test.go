package test

import (
	"context"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/registrar"
	"postern.dev/postern/store"
)

const doorPassword = "four unrelated words here"

// doors are the registrars of two nodes on one database, with the real hashes.
func doors(t *testing.T, dsn string) (a, b *registrar.Registrar) {
	t.Helper()
	raw, err := seal.Parse(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	var nodes [2]*registrar.Registrar
	for i := range nodes {
		db, err := store.Open(t.Context(), dsn, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		nodes[i], err = registrar.New(registrar.Config{Store: db, Box: box, Secrets: issuer.NewHasher(box), Passwords: issuer.NewPasswords(box),
			Keys:    func(postern.Actor) registrar.Keyring { return &issuer.Keys{Store: db, Box: box} },
			StateOf: issuer.StateOf, CheckSandbox: func(*postern.Sandbox) error { return nil },
			Reset: func(context.Context, string, postern.Write) (int, error) { return 0, nil }})
		if err != nil {
			t.Fatal(err)
		}
	}
	return nodes[0], nodes[1]
}

// What keeps guessers out, and who is in, is the same at every node.
func TestTheDoorIsOneOnEveryNode(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func() string{
		"SQLite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "postern.db") },
		"PostgreSQL": func() string { return schema(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := doors(t, dsn())
			op, cookie := firstOwner(t, a, b)
			if _, _, err := b.SignedIn(t.Context(), cookie, at("192.0.2.7")); err != nil {
				t.Errorf("signed in at one node, and at the other: %v", err)
			}
			lockedOut(t, a, b, op)
			one, _, err := b.SignIn(t.Context(), op.Email, postern.NewSecret(doorPassword), "", at("192.0.2.7"))
			if err != nil {
				t.Fatalf("from where the operator is at home: %v", err)
			}
			if err := b.SignOut(t.Context(), one, at("192.0.2.7")); err != nil {
				t.Fatal(err)
			}
			if _, _, err := a.SignedIn(t.Context(), one, at("192.0.2.7")); postern.CodeOf(err) != postern.Unauthenticated {
				t.Errorf("signed out at one node, and at the other: %v", err)
			}
			oneAnswer(t, a, b)
		})
	}
}

func at(addr string) postern.Browser { return postern.Browser{Source: netip.MustParseAddr(addr)} }

// firstOwner uses the first link at both nodes at once.
func firstOwner(t *testing.T, a, b *registrar.Registrar) (op postern.Operator, cookie postern.Secret) {
	t.Helper()
	code, err := a.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var won atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, node := range []*registrar.Registrar{a, b, a, b} {
		wg.Go(func() {
			c, o, err := node.Accept(t.Context(), code, postern.Operator{Email: string(rune('a'+i)) + "@ops.test"}, postern.NewSecret(doorPassword), at("192.0.2.7"))
			if err != nil {
				return
			}
			won.Add(1)
			mu.Lock()
			defer mu.Unlock()
			op, cookie = o, c
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d used the first link, want 1", won.Load())
	}
	return op, cookie
}

// lockedOut guesses at both nodes at once, from one network.
func lockedOut(t *testing.T, a, b *registrar.Registrar, op postern.Operator) {
	t.Helper()
	var looked atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		node := []*registrar.Registrar{a, b}[i%2]
		wg.Go(func() {
			_, _, err := node.SignIn(t.Context(), op.Email, postern.NewSecret("another one entirely"), "", at("198.51.100.9"))
			if postern.CodeOf(err) == postern.Unauthenticated {
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	// The fifth begins a pause of a second, and the hashes may take longer than that; on a
	// busy machine some find no room to be looked at.
	if n := looked.Load(); n < 1 || n > 7 {
		t.Errorf("%d guesses were looked at, want 5 or so", n)
	}
}

// oneAnswer makes something at both nodes at once with one key.
func oneAnswer(t *testing.T, a, b *registrar.Registrar) {
	t.Helper()
	actor := postern.Actor{Name: "cli:test", Role: postern.Owner}
	if _, err := a.Office(actor).CreateTenant(t.Context(), postern.Tenant{ID: "acme"}, postern.Edit{}); err != nil {
		t.Fatal(err)
	}
	make := func(node *registrar.Registrar) (postern.Client, postern.Secret, error) {
		return node.Office(actor).CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c"}, time.Hour, postern.Edit{Key: "k"})
	}
	var wg sync.WaitGroup
	for _, node := range []*registrar.Registrar{a, b, a, b} {
		wg.Go(func() { _, _, _ = make(node) })
	}
	wg.Wait()
	c, secret, err := make(a)
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := make(b)
	if err != nil || again.ID != c.ID || same.Reveal() != secret.Reveal() {
		t.Errorf("got %s and %s with one key, %v", c.ID, again.ID, err)
	}
	page, err := a.Office(actor).Clients(t.Context(), postern.ClientQuery{Tenant: "acme"})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d clients were made, %v", len(page.Items), err)
	}
}
