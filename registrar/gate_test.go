package registrar_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/registrar"
)

// slowStore knows every tenant, and answers what takes long once it is let.
type slowStore struct {
	registrar.Store
	let chan struct{}
}

func (s *slowStore) wait(ctx context.Context) error {
	select {
	case <-s.let:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowStore) Tenant(_ context.Context, id string) (postern.Tenant, error) {
	return postern.Tenant{ID: id}, nil
}

func (s *slowStore) Append(context.Context, []*postern.Entry) error { return nil }

func (s *slowStore) VerifyChain(ctx context.Context, tenant string, _ func(int64)) (postern.Chain, error) {
	return postern.Chain{Tenant: tenant}, s.wait(ctx)
}

func (s *slowStore) SearchEvents(ctx context.Context, f postern.EventFilter) (postern.EventPage, error) {
	if f.Limit <= 100 && f.Action == "" {
		return postern.EventPage{}, nil // the page that is always quick
	}
	return postern.EventPage{}, s.wait(ctx)
}

// slowOffice is the office of an owner in which what takes long ends when it is let.
func slowOffice(t *testing.T) (postern.Office, *slowStore) {
	t.Helper()
	raw, err := seal.Parse(seal.Generate())
	must(t, err)
	box, err := seal.New(raw)
	must(t, err)
	s := &slowStore{let: make(chan struct{})}
	reg, err := registrar.New(registrar.Config{Store: s, Box: box, Secrets: issuer.NewHasher(box), Passwords: &plainPasswords{},
		Keys: func(postern.Actor) registrar.Keyring { return nil }, StateOf: issuer.StateOf, CheckSandbox: func(*postern.Sandbox) error { return nil },
		Reset: func(ctx context.Context, _ string, _ postern.Write) (int, error) { return 0, s.wait(ctx) }})
	must(t, err)
	return reg.Office(postern.Actor{Name: "cli:test", Role: postern.Owner}), s
}

// What takes minutes is done for two at once. Who comes third is sent away with a time to
// come again, and is let in when one of the two is done, or has left.
func TestWhatTakesLongIsDoneForTwoAtOnce(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, postern.Office) error{
		"VerifyChain": func(ctx context.Context, o postern.Office) error { return second(o.VerifyChain(ctx, "acme", nil)) },
		"ResetTenant": func(ctx context.Context, o postern.Office) error { return second(o.ResetTenant(ctx, "acme")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o, s := slowOffice(t)
				ctx, leave := context.WithCancel(t.Context())
				ends := make(chan error, 3)
				go func() { ends <- do(ctx, o) }()
				go func() { ends <- do(t.Context(), o) }()
				synctest.Wait()
				begun := time.Now()
				e := postern.AsError(do(t.Context(), o))
				if e == nil || e.Code != postern.Unavailable || e.Hint == "" || e.Wait != 30*time.Second || time.Since(begun) != 0 {
					t.Fatalf("the third: got %+v after %s", e, time.Since(begun))
				}
				leave()
				if err := <-ends; err == nil {
					t.Error("who left was given an answer")
				}
				go func() { ends <- do(t.Context(), o) }()
				synctest.Wait()
				wantCode(t, do(t.Context(), o), postern.Unavailable)
				close(s.let)
				must(t, <-ends)
				must(t, <-ends)
				must(t, do(t.Context(), o))
			})
		})
	}
}

// A search waits for its turn, and not for ever; a quick page needs none.
func TestFourSearchTheAuditTrailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, s := slowOffice(t)
		export := postern.EventFilter{Tenant: "acme", Limit: 1000}
		find := postern.EventFilter{Tenant: "acme", Action: postern.ActTokenRefused}
		search := func(ctx context.Context, f postern.EventFilter) error { return second(o.Events(ctx, f)) }
		ends := make(chan error, 5)
		for i := range 4 {
			go func() { ends <- search(t.Context(), []postern.EventFilter{export, find}[i%2]) }()
		}
		synctest.Wait()
		must(t, search(t.Context(), postern.EventFilter{Tenant: "acme"}))
		begun := time.Now()
		e := postern.AsError(search(t.Context(), find))
		if e == nil || e.Code != postern.Unavailable || e.Hint == "" || e.Wait == 0 || time.Since(begun) != 5*time.Second {
			t.Fatalf("the fifth: got %+v after %s", e, time.Since(begun))
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		begun = time.Now()
		wantCode(t, search(ctx, export), postern.Unavailable)
		if time.Since(begun) != time.Second {
			t.Errorf("who left waited for %s", time.Since(begun))
		}
		go func() { ends <- search(t.Context(), export) }()
		synctest.Wait()
		close(s.let) // the one who waits is let in
		for range 5 {
			must(t, <-ends)
		}
	})
}
