package broker_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/store"
)

func box(t testing.TB) *seal.Box {
	t.Helper()
	key, err := seal.Parse(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// process opens the file of a data directory as one short-lived command would.
func process(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// unhurried is a store that is waited for as long as it takes: on a machine that is busy
// enough a broker goes on without, as it should, and asks for a token more. So that a
// process that is stopped for long keeps its turn, leases last ten minutes longer.
type unhurried struct{ db *store.DB }

func (u unhurried) UpstreamToken(ctx context.Context, key string) (postern.UpstreamToken, error) {
	return u.db.UpstreamToken(context.WithoutCancel(ctx), key)
}

func (u unhurried) SaveUpstreamToken(ctx context.Context, t postern.UpstreamToken) error {
	return u.db.SaveUpstreamToken(context.WithoutCancel(ctx), t)
}

func (u unhurried) LeaseUpstream(ctx context.Context, key, owner string, now, until time.Time) (bool, error) {
	return u.db.LeaseUpstream(context.WithoutCancel(ctx), key, owner, now, until.Add(10*time.Minute))
}

func (u unhurried) FreeUpstream(ctx context.Context, key, owner string) error {
	return u.db.FreeUpstream(context.WithoutCancel(ctx), key, owner)
}

func TestTenCommandsOneAfterAnotherMakeOneRequest(t *testing.T) {
	t.Parallel()
	path, seals := filepath.Join(t.TempDir(), "postern.db"), box(t)
	s := &server{life: time.Hour}
	for range 10 {
		db := process(t, path)
		b := open(t, broker.Config{Fetch: s, Store: unhurried{db}, Box: seals})
		wantToken(t, b, 0, "t1")
		_ = b.Close()
		_ = db.Close()
	}
	wantAsked(t, s, 1)
}

func TestTenCommandsAtOnceMakeOneRequest(t *testing.T) {
	t.Parallel()
	path, seals := filepath.Join(t.TempDir(), "postern.db"), box(t)
	_ = process(t, path).Close()
	s := &server{life: time.Hour, takes: 50 * time.Millisecond}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			db := process(t, path)
			defer db.Close()
			b := open(t, broker.Config{Fetch: s, Store: unhurried{db}, Box: seals})
			defer b.Close()
			if tok, err := b.Token(t.Context(), "acme", 0); err != nil || tok.Value.Reveal() != "t1" {
				t.Errorf("got %v, %v", tok.Value.Reveal(), err)
			}
		})
	}
	wg.Wait()
	wantAsked(t, s, 1)
}

func TestWhatTheStoreHoldsIsSealedAndOnlyForTheSameAsker(t *testing.T) {
	t.Parallel()
	path, seals := filepath.Join(t.TempDir(), "postern.db"), box(t)
	db := process(t, path)
	defer db.Close()
	s := &server{answer: func(n int, _ postern.Request) (broker.Answer, error) {
		return token(fmt.Sprintf("marker-%d", n), time.Hour), nil
	}}
	ask := func(seals broker.Box, up postern.Upstream) {
		t.Helper()
		b := open(t, broker.Config{Fetch: s, Store: unhurried{db}, Box: seals, Upstreams: []postern.Upstream{up}})
		if _, err := b.Token(t.Context(), "acme", 0); err != nil {
			t.Error(err)
		}
		_ = b.Close()
	}
	ask(seals, acme())
	n := s.asked()
	for name, change := range map[string]func(*postern.Upstream){
		"secret":    func(u *postern.Upstream) { u.Secret = secret("s2") },
		"spare":     func(u *postern.Upstream) { u.Spare = secret("s1") },
		"password":  func(u *postern.Upstream) { u.Password = secret("s1") },
		"client":    func(u *postern.Upstream) { u.ClientID = "c2" },
		"server":    func(u *postern.Upstream) { u.BaseURL = "https://other.test" },
		"dialect":   func(u *postern.Upstream) { u.Dialect = "other" },
		"scope":     func(u *postern.Upstream) { u.Scope = postern.NewScopes("a") },
		"resources": func(u *postern.Upstream) { u.Resources = []string{"a"} },
		"partner":   func(u *postern.Upstream) { u.PartnerID = "1" },
		"e-mail":    func(u *postern.Upstream) { u.Email = "a@b" },
	} {
		up := acme()
		change(&up)
		ask(seals, up)
		if s.asked() != n+1 {
			t.Errorf("another %s was given the same token", name)
		}
		n = s.asked()
	}
	tenant := acme()
	tenant.TenantID, tenant.Timeout = "t", time.Minute // belong to the call
	ask(seals, tenant)
	wantAsked(t, s, n)
	ask(box(t), acme()) // another master key: it cannot read, and does not mind
	wantAsked(t, s, n+1)

	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var all string
	if err := raw.QueryRow(`SELECT group_concat(key || sealed || owner || upstream) FROM upstream_tokens`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(all, "marker") || strings.Contains(all, "s1,") {
		t.Error("a token is stored in clear")
	}
}

// Each of these is a row that is of no use. It costs a request and nothing else.
func TestARowThatIsOfNoUseIsIgnored(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{
		"corrupt":           `UPDATE upstream_tokens SET sealed = 's1.' || substr(sealed, 4, 20) || 'AAAA'`,
		"empty":             `UPDATE upstream_tokens SET sealed = ''`,
		"of a newer format": `UPDATE upstream_tokens SET sealed = 's9.' || substr(sealed, 4)`,
		"of another key":    `UPDATE upstream_tokens SET key = substr(key, 2) || 'f'`,
		"leased for ever":   `UPDATE upstream_tokens SET sealed = '', owner = 'x', until = 9000000000000000`,
		"of a huge version": `UPDATE upstream_tokens SET sealed = '', version = 9223372036854775807`,
		"gone":              `DELETE FROM upstream_tokens`,
		"without its table": `DROP TABLE upstream_tokens`,
		"nothing":           `SELECT 1`,
	} {
		path, seals := filepath.Join(t.TempDir(), "postern.db"), box(t)
		s := &server{life: time.Hour}
		ask := func(want string) {
			t.Helper()
			db := process(t, path)
			defer db.Close()
			b := open(t, broker.Config{Fetch: s, Store: unhurried{db}, Box: seals})
			defer b.Close()
			if tok, err := b.Token(t.Context(), "acme", 0); err != nil || tok.Value.Reveal() != want {
				t.Errorf("%s: got %s, %v, want %s", name, tok.Value.Reveal(), err, want)
			}
		}
		ask("t1")
		raw, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.ExecContext(t.Context(), spoil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = raw.Close()
		if name == "nothing" {
			ask("t1")
		} else {
			ask("t2")
		}
	}
}

// memory is a store that fails as it is told, and remembers what it was asked.
type memory struct {
	mu    sync.Mutex
	row   *postern.UpstreamToken
	owner string
	until time.Time
	fail  map[string]error
	hangs bool
	calls []string
}

func (m *memory) enter(ctx context.Context, call string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, call)
	if m.hangs {
		m.mu.Unlock()
		<-ctx.Done()
		m.mu.Lock()
		return ctx.Err()
	}
	return m.fail[call]
}

func (m *memory) UpstreamToken(ctx context.Context, _ string) (postern.UpstreamToken, error) {
	if err := m.enter(ctx, "read"); err != nil {
		return postern.UpstreamToken{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.row == nil {
		return postern.UpstreamToken{}, postern.Errorf(postern.NotFound, "no row")
	}
	return *m.row, nil
}

func (m *memory) SaveUpstreamToken(ctx context.Context, t postern.UpstreamToken) error {
	if err := m.enter(ctx, "save"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.row != nil && m.row.Version != t.Version-1 {
		return postern.Errorf(postern.Conflict, "another version")
	}
	m.row = &t
	return nil
}

func (m *memory) LeaseUpstream(ctx context.Context, _, owner string, now, until time.Time) (bool, error) {
	if err := m.enter(ctx, "lease"); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owner != "" && m.owner != owner && now.Before(m.until) {
		return false, nil
	}
	m.owner, m.until = owner, until
	return true, nil
}

func (m *memory) FreeUpstream(ctx context.Context, _, owner string) error {
	if err := m.enter(ctx, "free"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owner == owner {
		m.owner = ""
	}
	return nil
}

func TestAStoreThatFailsCostsNobodyTheirToken(t *testing.T) {
	t.Parallel()
	full := &postern.Error{Code: postern.Unavailable, Msg: "the database has no room left"}
	for _, part := range []string{"read", "lease", "save", "free"} {
		synctest.Test(t, func(t *testing.T) {
			var seen told
			m := &memory{fail: map[string]error{part: full}}
			s := &server{life: time.Hour}
			b := open(t, broker.Config{Fetch: s, Store: m, Box: box(t), Observe: seen.observe})
			wantToken(t, b, 0, "t1")
			synctest.Wait()
			if seen.count(broker.StoreLost) != 1 {
				t.Errorf("%s: told %v", part, seen.kind)
			}
			time.Sleep(2 * time.Hour)
			wantToken(t, b, 0, "t2")
		})
	}
	synctest.Test(t, func(t *testing.T) { // one that hangs costs two seconds, once
		m := &memory{hangs: true}
		b := open(t, broker.Config{Fetch: &server{life: time.Hour}, Store: m, Box: box(t)})
		start := time.Now()
		wantToken(t, b, 0, "t1")
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestNobodyWaitsForATokenToBeSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &slowSaver{memory: &memory{}}
		b := open(t, broker.Config{Fetch: &server{life: time.Hour}, Store: m, Box: box(t)})
		start := time.Now()
		wantToken(t, b, 0, "t1")
		if d := time.Since(start); d != 0 {
			t.Errorf("a caller waited %v", d)
		}
		_ = b.Close() // but the end of the process does
		if m.row == nil || time.Since(start) != time.Second {
			t.Errorf("row %v after %v", m.row, time.Since(start))
		}
	})
}

type slowSaver struct{ *memory }

func (s *slowSaver) SaveUpstreamToken(ctx context.Context, t postern.UpstreamToken) error {
	time.Sleep(time.Second)
	return s.memory.SaveUpstreamToken(ctx, t)
}

func TestOneProcessAsksAndTheOthersLookAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, seals := &memory{}, box(t)
		s := &server{life: time.Hour, takes: 2 * time.Second}
		var shared told
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			b := open(t, broker.Config{Fetch: s, Store: m, Box: seals, Observe: shared.observe})
			wg.Go(func() {
				if tok, err := b.Token(t.Context(), "acme", 0); err != nil || tok.Value.Reveal() != "t1" {
					t.Errorf("got %v, %v", tok.Value.Reveal(), err)
				}
			})
		}
		wg.Wait()
		wantAsked(t, s, 1)
		if d := time.Since(start); d > 2300*time.Millisecond {
			t.Errorf("the last had it after %v", d)
		}
		if shared.count(broker.Shared) != 9 {
			t.Errorf("got %v", shared.kind)
		}
	})
}

func TestTheLeaseOfAProcessThatDiedEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{owner: "dead", until: time.Now().Add(10 * time.Second)}
		b := open(t, broker.Config{Fetch: &server{life: time.Hour}, Store: m, Box: box(t)})
		start := time.Now()
		wantToken(t, b, 0, "t1")
		if d := time.Since(start); d < 10*time.Second || d > 11*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestTheLeaseOfAProcessThatLivesLastsAsLongAsItsRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, seals := &memory{}, box(t)
		s := &server{life: time.Hour, takes: 29 * time.Second}
		done := make(chan string)
		for range 2 {
			b := open(t, broker.Config{Fetch: s, Store: m, Box: seals})
			go func() {
				tok, _ := b.Token(t.Context(), "acme", 0)
				done <- tok.Value.Reveal()
			}()
		}
		if one, two := <-done, <-done; one != "t1" || two != "t1" {
			t.Errorf("got %s and %s", one, two)
		}
		wantAsked(t, s, 1)
	})
}

func TestAProcessTakesNoTokenFromTheStoreThatItWouldRenewAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, seals := &memory{}, box(t)
		var fail error
		s := &server{}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			return token(fmt.Sprintf("t%d", n), time.Hour), fail
		}
		ask := func(want string) {
			t.Helper()
			b := open(t, broker.Config{Fetch: s, Store: m, Box: seals})
			wantToken(t, b, 0, want)
			_ = b.Close()
		}
		ask("t1")
		time.Sleep(58 * time.Minute)
		ask("t1")
		time.Sleep(90 * time.Second)
		fail = down
		ask("t1") // near its end, and better than nothing
		fail = nil
		ask("t3")
		ask("t3")
		wantAsked(t, s, 3)
	})
}

func TestATokenThatAnAPIRefusedIsNotTakenFromTheStoreAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, seals := &memory{}, box(t)
		s := &server{life: time.Hour}
		one := open(t, broker.Config{Fetch: s, Store: m, Box: seals})
		two := open(t, broker.Config{Fetch: s, Store: m, Box: seals})
		old := wantToken(t, one, 0, "t1")
		wantToken(t, two, 0, "t1")
		one.Drop("acme", old.Value)
		wantToken(t, one, 0, "t2")
		synctest.Wait()
		two.Drop("acme", old.Value) // its own 401, a little later
		wantToken(t, two, 0, "t2")
		wantAsked(t, s, 2)
	})
}

func TestAClockThatIsWrongCostsARequestAndNoMore(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			m, seals := &memory{}, box(t)
			s := &server{life: 30 * time.Minute}
			var off time.Duration
			ask := func(want string) {
				t.Helper()
				b := open(t, broker.Config{Fetch: s, Store: m, Box: seals, Now: func() time.Time { return time.Now().Round(0).Add(off) }})
				wantToken(t, b, 0, want)
				_ = b.Close()
			}
			ask("t1")
			off = jump
			ask("t2")
			ask("t2")
			off = 0
			ask("t3")
		})
	}
}

// Two machines share a database. The clock of one is ten minutes ahead, which it
// knows from the server.
func TestMachinesWithClocksApartAgreeByTheServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, seals := &memory{}, box(t)
		s := &server{}
		s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
			a := token(fmt.Sprintf("t%d", n), 30*time.Minute)
			a.Date = time.Now()
			return a, nil
		}
		fast := open(t, broker.Config{Fetch: s, Store: m, Box: seals, Node: "fast",
			Now: func() time.Time { return time.Now().Round(0).Add(10 * time.Minute) }})
		wantToken(t, fast, 0, "t1")
		synctest.Wait()
		right := open(t, broker.Config{Fetch: s, Store: m, Box: seals, Node: "right"})
		tok := wantToken(t, right, 0, "t1")
		if left := time.Until(tok.ExpiresAt); left != 30*time.Minute {
			t.Errorf("it ends in %v", left)
		}
	})
}

func TestWithoutABoxNothingIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{fail: map[string]error{"read": errors.New("asked")}}
		b := open(t, broker.Config{Fetch: &server{life: time.Hour}, Store: m})
		wantToken(t, b, 0, "t1")
		synctest.Wait()
		if !slices.Equal(m.calls, nil) {
			t.Errorf("the store was asked: %v", m.calls)
		}
	})
}
