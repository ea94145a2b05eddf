package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A database that goes away from under a node is a clear 503 in every dialect, and
// service again when it is back, without a restart. No token is given without its
// record.

func TestServiceGoesOnAfterPostgreSQLWasStopped(t *testing.T) {
	t.Parallel()
	postgres(t)
	bin := postgresPrograms()
	if bin == "" {
		t.Skip("there is no initdb here to make a PostgreSQL that can be stopped; the next test breaks the given one's connections")
	}
	c := startCluster(t, bin)
	outage{place: newPlace(t, unlimited).on(c.dsn), begin: c.stop, end: c.start, unready: true}.run(t)
}

func TestServiceGoesOnAfterPostgreSQLRefusedConnections(t *testing.T) {
	t.Parallel()
	base := postgres(t)
	admin := openSQL(t, "pgx", base)
	name := fmt.Sprintf("postern_test_%d", os.Getpid())
	execSQL(t, admin, `CREATE DATABASE `+name)
	t.Cleanup(func() { _, _ = admin.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	outage{
		place: newPlace(t, unlimited).on(u.String()),
		begin: func(t testing.TB) {
			execSQL(t, admin, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS false`)
			execSQL(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+name+`'`)
		},
		end:     func(t testing.TB) { execSQL(t, admin, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS true`) },
		unready: true,
	}.run(t)
}

func TestServiceGoesOnAfterPostgreSQLFellSilent(t *testing.T) {
	t.Parallel()
	dsn := schema(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	wire := tapWire(t, u.Host)
	u.Host = wire.Addr().String()
	outage{place: newPlace(t, unlimited).on(u.String()),
		begin: func(testing.TB) { wire.hold() }, end: func(testing.TB) { wire.release() }, unready: true}.run(t)
}

func TestServiceGoesOnAfterTheDiskWasFull(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prlimit"); err != nil {
		t.Fatal("prlimit (util-linux) is needed to take the room from a running process:", err)
	}
	// A limit on the size of files does to SQLite what a full disk does, and needs no
	// rights.
	var n *node
	limit := func(size string) func(testing.TB) {
		return func(t testing.TB) {
			out, err := exec.Command("prlimit", "--pid", strconv.Itoa(n.cmd.Process.Pid), "--fsize="+size+":unlimited").CombinedOutput() //nolint:gosec // a number
			if err != nil {
				t.Fatalf("prlimit: %v %s", err, out)
			}
		}
	}
	outage{place: newPlace(t, unlimited), begin: limit("1"), end: limit("unlimited"), node: &n}.run(t)
}

func TestServiceGoesOnAfterAFileSystemWasFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir).CombinedOutput(); err != nil { //nolint:gosec // our own folder
		t.Skipf("a file system cannot be mounted here (%v: %s); the test before this one takes the room in another way", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) //nolint:gosec // our own folder
	p := newPlace(t, unlimited)
	if err := os.Rename(p.file("postern.yaml"), filepath.Join(dir, "postern.yaml")); err != nil {
		if err := os.WriteFile(filepath.Join(dir, "postern.yaml"), []byte(unlimited), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.dir = dir
	ballast := filepath.Join(dir, "ballast")
	outage{place: p,
		begin: func(t testing.TB) {
			f, err := os.Create(ballast) //nolint:gosec // our own folder
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			if n, err := io.Copy(f, endless{}); err == nil {
				t.Fatalf("the disk took %d bytes and is not full", n)
			}
		},
		end: func(t testing.TB) {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}}.run(t)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// outage is a database that goes away from under a node and comes back.
type outage struct {
	place      place
	begin, end func(testing.TB)
	unready    bool   // /readyz sees it; a full disk can still be read
	node       **node // where begin and end look for the node
}

func (o outage) run(t *testing.T) {
	c := enrol(t, o.place, "acme", "10000")
	n := o.place.serve(t)
	if o.node != nil {
		*o.node = n
	}
	l := press(t, c, n)
	l.each(t, "tokens", 3, given)
	token, err := wayOf("oauth2").get(n.url, c)
	if err != nil {
		t.Fatal(err)
	}

	o.begin(t)
	l.each(t, "refusals", 1, refused)
	o.mustSayItIsAway(t, n, c, token)

	o.end(t)
	l.each(t, "tokens again", 3, given)
	eventually(t, patience, "readiness", func() error {
		if a := fetch(t, n, "/readyz"); a.status != http.StatusOK {
			return fmt.Errorf("got %v", a)
		}
		return nil
	})
	l.end()
	l.mustBeFair(t, 15*time.Second)
	if err, over := n.ended(); over {
		t.Errorf("the node ended: %v", err)
	}
	if !active(t, n, c, token) {
		t.Error("a token that was refused its revocation is revoked")
	}
	n.stop(t)
	if held, got := o.place.mustHold(t, c.Tenant, l.ids()), len(l.ids()); got < 10 {
		t.Errorf("got %d tokens under load, of %d in the trail; want 10 at least", got, held)
	}
}

// mustSayItIsAway looks at every endpoint while the database is away.
func (o outage) mustSayItIsAway(t *testing.T, n *node, c credentials, token string) {
	t.Helper()
	for path, w := range map[string]way{"/oauth2/revoke": wayOf("oauth2"), "/v2/auth/revoke": wayOf("personio-v2")} {
		a := post(t, n, path, c, "token", token)
		if err := comeBack(w, a); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"/healthz", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/metrics"} {
		if a := fetch(t, n, path); a.status != http.StatusOK {
			t.Errorf("%s: got %d, want 200: it needs no database", path, a.status)
		}
	}
	if !o.unready {
		return
	}
	eventually(t, patience, "/readyz", func() error {
		a := fetch(t, n, "/readyz")
		var v struct{ Status, Reason string }
		err := json.Unmarshal(a.body, &v)
		if err != nil || a.status != http.StatusServiceUnavailable || v.Status != "unavailable" || v.Reason == "" || a.header.Get("Retry-After") == "" {
			return fmt.Errorf("got %v with Retry-After %q, want 503, a reason and when to come back", a, a.header.Get("Retry-After"))
		}
		return nil
	})
}

// wiretap passes bytes on to an address, until it is told to hold them.
type wiretap struct {
	net.Listener
	to   string
	mu   sync.Mutex
	open chan struct{} // closed while bytes pass
}

func tapWire(t testing.TB, to string) *wiretap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{Listener: l, to: to, open: make(chan struct{})}
	close(w.open)
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(near)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); w.release() })
	return w
}

func (w *wiretap) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

func (w *wiretap) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.open:
	default:
		close(w.open)
	}
}

func (w *wiretap) wait() {
	w.mu.Lock()
	open := w.open
	w.mu.Unlock()
	<-open
}

func (w *wiretap) join(near net.Conn) {
	defer func() { _ = near.Close() }()
	w.wait()
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	go w.pass(far, near)
	w.pass(near, far)
}

func (w *wiretap) pass(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		w.wait()
		if n > 0 {
			if _, werr := to.Write(b[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
