package test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// posted are all addresses that read a form, with the dialect whose shape they answer
// in.
func posted() map[string]way {
	all := map[string]way{"/oauth2/introspect": wayOf("oauth2"), "/oauth2/revoke": wayOf("oauth2"), "/v2/auth/revoke": wayOf("personio-v2")}
	for _, w := range ways {
		all[w.path] = w
	}
	return all
}

// A body that never ends, or never comes, is given up within its bounds, in the
// dialect's own shape; other callers notice nothing.
func TestABodyThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	n := p.serve(t)
	l := press(t, c, n)
	l.each(t, "tokens", 1, given)
	before := len(l.ids())

	var bad sync.WaitGroup
	for path, w := range posted() {
		for _, b := range []struct {
			name   string
			framed string
			feed   func(net.Conn) // sends until the connection breaks
			status int
		}{
			{"a stream", "Transfer-Encoding: chunked", pour, http.StatusRequestEntityTooLarge},
			{"a promise", "Content-Length: 1000", func(net.Conn) {}, http.StatusRequestTimeout},
			{"a dripping tap", "Content-Length: 60000", drip, http.StatusRequestTimeout},
			{"a dripping stream", "Transfer-Encoding: chunked", dripChunks, http.StatusRequestTimeout},
			{"a lie", "Content-Length: 1000000000000", func(net.Conn) {}, http.StatusRequestEntityTooLarge},
		} {
			bad.Go(func() {
				r := w.request(n.url, c)
				r.URL.Path = path
				conn, err := net.Dial("tcp", r.URL.Host)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				if _, err := io.WriteString(conn, head(r, b.framed)); err != nil {
					t.Errorf("%s, %s: %v", path, b.name, err)
					return
				}
				go b.feed(conn)
				begin := time.Now()
				a, err := readAnswer(conn)
				took := time.Since(begin)
				if err == nil {
					err = w.refusal(a)
				}
				if err != nil || a.status != b.status || took > 20*time.Second {
					t.Errorf("%s, %s: got %v after %v (%v), want %d within 20 s", path, b.name, a, took, err, b.status)
				}
				if err := closed(conn); err != nil {
					t.Errorf("%s, %s: %v", path, b.name, err)
				}
			})
		}
	}
	bad.Go(func() {
		conn := dial(t, n)
		if _, err := io.WriteString(conn, "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			t.Error(err)
		}
		go drip(conn)
		if err := closed(conn); err != nil {
			t.Errorf("a head that never ends: %v", err)
		}
	})
	bad.Wait()

	l.each(t, "tokens meanwhile", 1, given)
	l.end()
	l.mustBeFair(t, 15*time.Second)
	if got := len(l.ids()) - before; got < 20 {
		t.Errorf("other callers got %d tokens meanwhile, want 20 at least", got)
	}
	for _, w := range ways {
		if l.refused[w.dialect] > 0 {
			t.Errorf("%s: %d refusals of other callers, want none", w.dialect, l.refused[w.dialect])
		}
	}
	n.stop(t)
}

// pour sends chunks as fast as they are taken.
func pour(conn net.Conn) {
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 8<<10, strings.Repeat("a", 8<<10))
	for {
		if _, err := io.WriteString(conn, chunk); err != nil {
			return
		}
	}
}

func drip(conn net.Conn) {
	for range time.Tick(200 * time.Millisecond) {
		if _, err := io.WriteString(conn, "a"); err != nil {
			return
		}
	}
}

func dripChunks(conn net.Conn) {
	for range time.Tick(200 * time.Millisecond) {
		if _, err := io.WriteString(conn, "1\r\na\r\n"); err != nil {
			return
		}
	}
}

// closed wants that the other end closes the connection.
func closed(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return errors.New("the connection is still open after 20 s, want it closed")
	}
	return nil
}
