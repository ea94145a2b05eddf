package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/server"
)

func TestStopFinishesAcceptedRequestsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, server.Config{Drain: 20 * time.Second, Routes: []server.Route{
		{Pattern: "/slow", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-release
			if err := r.Context().Err(); err != nil {
				t.Errorf("the context of an accepted request has ended: %v", err)
			}
			_, _ = io.WriteString(w, "done")
		})}}})
	busy := s.dial(t)
	_, _ = io.WriteString(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	eventually(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", s.addr())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-ended:
		t.Fatalf("Serve ended with %v while a request was running", err)
	default:
	}
	close(release)
	resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil {
		t.Fatalf("the accepted request was not answered: %v", err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "done" {
		t.Errorf("got %q, want the whole answer", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve gave %v, want nil", err)
	}
}

func TestStopTellsBusyConnectionsThatTheAnswerIsTheLast(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Drain: time.Minute, Routes: tokenRoutes()}) // 1.5 s for connections that are idle
	c := s.dial(t)
	r := bufio.NewReader(c)
	ask := func() *http.Response {
		_, _ = io.WriteString(c, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("not answered: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp
	}
	if resp := ask(); resp.StatusCode != 200 || resp.Close {
		t.Fatalf("before the stop: got %d, close %v", resp.StatusCode, resp.Close)
	}
	go func() { _ = s.stop() }()
	eventually(t, "stopping", func() bool {
		probe, err := net.Dial("tcp", s.addr())
		if err == nil {
			_ = probe.Close()
		}
		return err != nil
	})
	resp := ask()
	for resp.StatusCode == 200 && !resp.Close { // asked between the end of the listener and the word to the connections
		resp = ask()
	}
	if resp.StatusCode != 503 || !resp.Close || resp.Header.Get("Retry-After") == "" {
		t.Errorf("while stopping: got %d, close %v; want 503, the last answer, with Retry-After", resp.StatusCode, resp.Close)
	}
	if err := s.stop(); err != nil {
		t.Errorf("Serve gave %v, want nil", err)
	}
}

func TestStopUnderLoadLosesNoRequest(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Drain: 40 * time.Second, Routes: tokenRoutes()})
	const callers = 20
	warm, ended := make(chan struct{}, callers), make(chan error, callers)
	for range callers {
		c := s.dial(t)
		go func() {
			r := bufio.NewReader(c)
			for i := 0; ; i++ {
				_, _ = io.WriteString(c, "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1")
				resp, err := http.ReadResponse(r, nil)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
				}
				if err != nil || resp.Close {
					ended <- err
					return
				}
				if i == 10 {
					warm <- struct{}{}
				}
			}
		}()
	}
	for range callers {
		<-warm
	}
	if err := s.stop(); err != nil {
		t.Errorf("Serve gave %v, want nil", err)
	}
	for range callers {
		if err := <-ended; err != nil {
			t.Errorf("a request on a busy connection was lost: %v", err)
		}
	}
}

func TestStopBreaksOffWhatOutlastsTheDrain(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := start(t, server.Config{Drain: 50 * time.Millisecond, Routes: []server.Route{
		{Pattern: "/slow", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
		})}}})
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	if err := s.stop(); err == nil || !strings.Contains(err.Error(), "1 connections") {
		t.Errorf("got %v, want an error that counts the connection", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}

// Not parallel: it counts the goroutines of the whole process.
func TestNothingRunsAfterTheStop(t *testing.T) {
	before := runtime.NumGoroutine()
	cert := newCert(t, "one.test", time.Hour)
	for _, cfg := range []server.Config{{}, {TLSCert: cert.cert, TLSKey: cert.key}} {
		cfg.Routes = tokenRoutes()
		s := start(t, cfg)
		for range 20 {
			s.dial(t)
		}
		c := insecureClient()
		resp, err := c.Get(s.URL() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		c.CloseIdleConnections()
		if err := s.stop(); err != nil {
			t.Errorf("Serve gave %v, want nil", err)
		}
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestConnectionsHaveLimits(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]server.Config{
		"total":  {MaxConns: 2, MaxConnsPerSource: 100},
		"source": {MaxConns: 100, MaxConnsPerSource: 2},
	} {
		cfg.Routes = tokenRoutes()
		s := start(t, cfg)
		old := []net.Conn{s.dial(t), s.dial(t)}
		ask := func(c net.Conn) error {
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
			_, err := http.ReadResponse(bufio.NewReader(c), nil)
			return err
		}
		for _, c := range old {
			if err := ask(c); err != nil {
				t.Fatalf("%s: within the limit: %v", name, err)
			}
		}
		if err := ask(s.dial(t)); err == nil {
			t.Errorf("%s: one more than the limit was served", name)
		}
		if err := ask(old[0]); err != nil {
			t.Errorf("%s: an old connection does not work on: %v", name, err)
		}
		if rec := s.log.record(t, "connections are refused", 0); rec["limit"] != name {
			t.Errorf("%s: got record %v", name, rec)
		}
		_ = old[1].Close()
		eventually(t, "room again", func() bool { return ask(s.dial(t)) == nil })
	}
}
