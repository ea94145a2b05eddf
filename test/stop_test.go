package test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Whatever ends a node, by a signal or by a power cut, no token that a caller holds is
// missing from the trail.

func TestEveryTokenGivenBeforeAKillIsInTheTrail(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := engine(t)
			c := enrol(t, p, "acme", "10000")
			var received []string
			for range 3 {
				n := p.serve(t) // and the lock of the one before is no obstacle
				l := press(t, c, n)
				l.each(t, "tokens", 5, given)
				n.kill()
				l.end()
				received = append(received, l.ids()...)
				p.mustVerify(t)
			}
			held := p.mustHold(t, c.Tenant, received)
			if len(received) < 50 {
				t.Errorf("got %d tokens before the kills, of %d in the trail; want 50 at least", len(received), held)
			}
			n := p.serve(t)
			if token, err := wayOf("personio-v2").get(n.url, c); err != nil || !active(t, n, c, token) {
				t.Errorf("after the kills: got %v, want a good token", err)
			}
			n.stop(t)
		})
	}
}

func TestNoRequestThatWasAcceptedFailsAtAStop(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	n := p.serve(t)
	d := drain{node: n, cred: c}
	for _, w := range ways {
		callers := 4
		if w.person {
			callers = 1 // a password is slow to check, on purpose, and few are checked at once
		}
		for range callers {
			d.done.Go(func() { d.caller(t.Context(), w) })
		}
	}
	eventually(t, patience, "tokens", func() error {
		if got := d.count(); got < 200 {
			return fmt.Errorf("got %d tokens, want 200", got)
		}
		return nil
	})
	half := make([]*halfSent, len(ways))
	for i, w := range ways {
		half[i] = sendHalf(t, n, w, c)
	}
	idle := dial(t, n)
	if _, err := io.WriteString(idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}

	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the address is given back", func() error {
		conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
		if err == nil {
			_ = conn.Close()
			return errors.New("a connection is accepted")
		}
		return nil
	})
	if err := closed(idle); err != nil { // by then the idle are let go, and only the busy are waited for
		t.Errorf("an idle connection: %v", err)
	}
	for i, w := range ways {
		if a, err := half[i].rest(); err != nil || a.status != http.StatusOK {
			t.Errorf("%s: a request half sent before the stop: got %v (%v), want a token", w.dialect, a, err)
		} else if token, err := w.token(a.body); err != nil {
			t.Error(err)
		} else {
			d.took(token)
		}
	}
	d.done.Wait()
	n.stop(t) // which is under way: it must end well
	for _, err := range d.faults {
		t.Error(err)
	}
	if log := n.log.String(); !strings.Contains(log, `"msg":"stopped","clean":true`) {
		t.Errorf("the log does not say that the stop was clean: %s", last(log, 3))
	}
	p.mustHold(t, c.Tenant, d.tokens)
	// What was accepted is what is in the trail: all of that has been received.
	given := 0
	for _, e := range p.trail(t, c.Tenant) {
		if e.Action == "token.issued" || e.Action == "token.reused" {
			given++
		}
	}
	if given != len(d.tokens) {
		t.Errorf("%d tokens were given and %d received", given, len(d.tokens))
	}
	system := p.trail(t, nowhere)
	if got := system[len(system)-1].Action; got != "server.stopped" && got != "audit.read" {
		t.Errorf("the last event is %s, want server.stopped", got)
	}
}

// drain is callers that go on until the node no longer takes connections.
type drain struct {
	node *node
	cred credentials
	done sync.WaitGroup

	mu     sync.Mutex
	tokens []string
	faults []error
}

func (d *drain) took(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens = append(d.tokens, tokenID(token))
}

func (d *drain) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.tokens)
}

// caller sends one request after the other over a connection of its own.
func (d *drain) caller(ctx context.Context, w way) {
	own := &http.Client{Timeout: patience, Transport: &http.Transport{MaxConnsPerHost: 1}}
	for {
		resp, err := own.Do(w.request(d.node.url, d.cred).WithContext(ctx))
		if err != nil && neverTaken(err) {
			return
		}
		var token string
		if err == nil {
			token, err = readToken(w, resp)
		}
		if err != nil {
			d.mu.Lock()
			d.faults = append(d.faults, fmt.Errorf("%s: %w", w.dialect, err))
			d.mu.Unlock()
			return
		}
		d.took(token)
	}
}

func readToken(w way, resp *http.Response) (string, error) {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("got %d %s (%w), want a token", resp.StatusCode, body, err)
	}
	return w.token(body)
}

// neverTaken says whether a connection was refused, or closed before anything was
// answered: it waited to be accepted when the listener closed, or it had been idle, for
// which net/http has a text and no value. The trail then tells whether the request was
// taken after all.
func neverTaken(err error) bool {
	return strings.HasSuffix(err.Error(), "http: server closed idle connection") || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}

// halfSent is a request of which the node has the head and half of the body.
type halfSent struct {
	conn net.Conn
	left string
}

func sendHalf(t testing.TB, n *node, w way, c credentials) *halfSent {
	t.Helper()
	r := w.request(n.url, c)
	conn := dial(t, n)
	body := w.body(c).Encode()
	if _, err := io.WriteString(conn, head(r, fmt.Sprintf("Content-Length: %d", len(body)))+body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	h := &halfSent{conn, body[len(body)/2:]}
	inFlight(t, n, r.URL.Path)
	return h
}

// inFlight waits until the node works on a request for path.
func inFlight(t testing.TB, n *node, path string) {
	t.Helper()
	want := fmt.Sprintf(`postern_http_requests_in_flight{route="%s"} 0`, path)
	eventually(t, patience, "a request in flight", func() error {
		if a := fetch(t, n, "/metrics"); strings.Contains(string(a.body), want) {
			return errors.New(want)
		}
		return nil
	})
}

func (h *halfSent) rest() (answer, error) {
	defer func() { _ = h.conn.Close() }()
	if _, err := io.WriteString(h.conn, h.left); err != nil {
		return answer{}, err
	}
	return readAnswer(h.conn)
}

// dial opens a connection to a node. The test's end closes it.
func dial(t testing.TB, n *node) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// head writes the head of a request by hand, with more header lines.
func head(r *http.Request, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.URL.Host)
	_ = r.Header.Write(&b) // to memory
	return b.String() + strings.Join(append(lines, "", ""), "\r\n")
}

func readAnswer(conn net.Conn) (answer, error) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodPost})
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}
