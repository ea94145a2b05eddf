// Package server owns everything about HTTP that is not a protocol: the listener and
// its limits, TLS, the order of middleware, request ids, the one log record of a
// request, health, metrics and the graceful stop. Handlers are handed in; it knows
// none of them.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
)

// Server serves the routes of its Config. Its life is New, Listen, Serve.
type Server struct {
	cfg   Config
	chain *chain
	certs *certs // nil without TLS
	http  *http.Server

	mu    sync.Mutex
	conns *conns // nil before Listen
}

// New checks cfg and reads the certificate. It fails with Invalid for a setting that
// cannot work, patterns that conflict among them. It binds nothing.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Server{cfg: cfg, chain: newChain(cfg)}
	s.chain.hsts = strings.HasPrefix(cfg.PublicURL, "https://")
	own := &health{chain: s.chain, ready: cfg.Ready, from: cfg.MetricsFrom, expose: cfg.Metrics.Handler()}
	for _, r := range own.routes() {
		if err := s.mount(r, true); err != nil {
			return nil, err
		}
	}
	for _, r := range cfg.Routes {
		if err := s.mount(r, false); err != nil {
			return nil, err
		}
	}
	if cfg.TLSCert != "" {
		var err error
		if s.certs, err = openCerts(cfg.TLSCert, cfg.TLSKey, cfg.Log); err != nil {
			return nil, err
		}
		cfg.Metrics.Gauge("postern_tls_certificate_not_after_seconds", "When the certificate in use expires, in seconds since 1970.",
			func() float64 { return float64(s.certs.notAfter().Unix()) })
	}
	s.http = s.newHTTP()
	return s, nil
}

// mount puts a route behind the chain. The mux panics for what it cannot take.
func (s *Server) mount(r Route, quiet bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = postern.Errorf(postern.Invalid, "the route %q cannot be served: %v", r.Pattern, p)
		}
	}()
	t := &route{
		pattern: r.Pattern, next: r.Handler, quiet: quiet, timeout: r.Timeout,
		inflight: s.cfg.Metrics.inflight.WithLabelValues(r.Pattern), durations: s.cfg.Metrics.route(r.Pattern),
	}
	if t.next == nil {
		panic("there is no handler")
	}
	if t.timeout == 0 {
		t.timeout = s.cfg.RequestTimeout
	}
	t.longer = t.timeout < 0 || t.timeout > s.cfg.RequestTimeout
	s.chain.mux.Handle(r.Pattern, t)
	return nil
}

func (s *Server) newHTTP() *http.Server {
	h := &http.Server{
		Handler:           s.chain,
		ReadHeaderTimeout: s.cfg.ReadHeaderTimeout,
		ReadTimeout:       s.cfg.ReadTimeout,
		WriteTimeout:      s.cfg.WriteTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		// Beyond both bounds together net/http answers 431 by itself; below it the
		// chain can tell the two apart.
		MaxHeaderBytes:               MaxURI + MaxHeader,
		ConnState:                    noteState,
		ErrorLog:                     errorLog(s.cfg.Log),
		DisableGeneralOptionsHandler: true, // "OPTIONS *" takes the chain like the rest
		Protocols:                    new(http.Protocols),
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: 100},
	}
	h.Protocols.SetHTTP1(true)
	h.Protocols.SetHTTP2(true) // over TLS only; not in clear
	if s.certs != nil {
		h.TLSConfig = s.certs.tlsConfig()
	}
	return h
}

// Handler is the whole chain with its routes, for a test or a bench without a socket.
func (s *Server) Handler() http.Handler { return s.chain }

// Listen binds the address, so that the port is known before Serve. It fails with
// Unavailable when the address cannot be bound.
func (s *Server) Listen(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return &postern.Error{Code: postern.Unavailable, Err: err,
			Msg:  fmt.Sprintf("cannot listen on %s", s.cfg.Listen),
			Hint: "another program may have the port; choose another with host:port, or port 0 for any"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns != nil {
		_ = ln.Close()
		return postern.Errorf(postern.Conflict, "the server listens already")
	}
	s.conns = newConns(ln.(*net.TCPListener), s.cfg) // Listen asks for tcp
	if a := s.addr(); s.certs == nil && !a.Addr().IsLoopback() {
		s.cfg.Log.Warn("tokens are served in clear: give a certificate, or let only a TLS proxy reach this address",
			"listen", a.String())
	}
	return nil
}

func (s *Server) addr() netip.AddrPort {
	tcp := s.conns.Addr().(*net.TCPAddr)
	return netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), tcp.AddrPort().Port())
}

// Bound is the address that Listen bound, with its port; empty before Listen.
func (s *Server) Bound() string {
	if s.bound() == nil {
		return ""
	}
	return s.addr().String()
}

// URL is where callers find the server: the public URL if one is configured, else the
// bound address, with loopback for "any address". It is empty before Listen without a
// public URL. There is no slash at its end.
func (s *Server) URL() string {
	if s.cfg.PublicURL != "" {
		return strings.TrimRight(s.cfg.PublicURL, "/")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return ""
	}
	a := s.addr()
	if a.Addr().IsUnspecified() { // which takes IPv4 too
		a = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	if s.certs != nil {
		return "https://" + a.String()
	}
	return "http://" + a.String()
}

// Reload reads the certificate files again, as for SIGHUP. It fails with Invalid when
// they cannot be used; the certificate in use is then kept. Without TLS it does
// nothing.
func (s *Server) Reload() error {
	if s.certs == nil {
		return nil
	}
	if err := s.certs.reload(); err != nil {
		s.cfg.Log.Error("certificate kept: the new one cannot be used", "err", describe(err))
		return err
	}
	s.cfg.Log.Info("certificate reloaded", "not_after", s.certs.notAfter())
	return nil
}

// Close gives the address back when Serve is not going to be called. After Serve it
// does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return nil
	}
	if err := s.conns.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Serve answers requests until ctx ends, binding first if Listen was not called. Then
// it stops: /readyz says 503, no connection is accepted any more, requests that were
// accepted are finished within Config.Drain, and what is left is broken off. It gives
// nil when nothing was; then no goroutine of the server is left. It can be called
// once.
func (s *Server) Serve(ctx context.Context) error {
	if s.bound() == nil {
		if err := s.Listen(ctx); err != nil {
			return err
		}
	}
	ln := s.bound()
	var helpers sync.WaitGroup
	defer helpers.Wait()
	if s.certs != nil {
		watching, stop := context.WithCancel(ctx)
		defer stop()
		helpers.Go(func() { s.certs.watch(watching, s.cfg.CertPoll) })
	}
	ended := make(chan error, 1)
	helpers.Go(func() {
		if s.certs != nil {
			ended <- s.http.ServeTLS(ln, "", "")
		} else {
			ended <- s.http.Serve(ln)
		}
	})
	select {
	case err := <-ended:
		_ = s.http.Close() // it failed already
		return &postern.Error{Code: postern.Unavailable, Msg: "the server cannot accept connections", Err: err}
	case <-ctx.Done():
		return s.stop(ln)
	}
}

func (s *Server) bound() *conns {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// stop drains. A keep-alive connection that is closed while idle may have a request
// on its way, which its sender cannot safely repeat. So, for a fortieth of the drain
// time, connections go on and are told with each answer that it was the last; only
// those that stayed idle all that time, or never sent a request, are then closed
// under their owners.
func (s *Server) stop(ln *conns) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Drain)
	defer cancel()
	// In this order: who is told to connect anew must not reach a listener that is
	// about to reset what waits in its queue.
	_ = ln.Close() // it can fail only for being closed
	s.chain.draining.Store(true)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(s.cfg.Drain / 40); ln.count() > 0 && time.Now().Before(end); {
		<-tick.C
	}
	ln.closeUnused() // Shutdown would wait five seconds for them
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		left := ln.count()
		_ = s.http.Close() // the stop is reported below
		return postern.Errorf(postern.Unavailable, "%d connections were still busy after %v and were broken off", left, s.cfg.Drain)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
