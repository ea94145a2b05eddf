package server

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// conns accepts connections up to a limit in total and per source, and closes the
// others at once: those that are open go on working.
type conns struct {
	*net.TCPListener
	total, perSource int
	exempt           []netip.Prefix // trusted proxies stand for many sources
	metrics          *Metrics
	log              *slog.Logger

	mu      sync.Mutex
	open    map[*conn]struct{}
	sources map[netip.Addr]int
	warned  time.Time
}

func newConns(ln *net.TCPListener, cfg Config) *conns {
	return &conns{
		TCPListener: ln, total: cfg.MaxConns, perSource: cfg.MaxConnsPerSource, exempt: cfg.TrustedProxies,
		metrics: cfg.Metrics, log: cfg.Log, open: map[*conn]struct{}{},
		sources: map[netip.Addr]int{},
	}
}

// Accept gives the next connection within the limits.
func (l *conns) Accept() (net.Conn, error) {
	for {
		tcp, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		c := &conn{TCPConn: tcp, owner: l, source: l.sourceOf(tcp)}
		if limit := l.take(c); limit != "" {
			_ = tcp.Close()
			l.refuse(limit)
			continue
		}
		return c, nil
	}
}

// sourceOf is whom a connection counts for; the zero address counts for nobody. One
// customer commonly holds a whole /64 of IPv6 (RFC 6177 section 2).
func (l *conns) sourceOf(c *net.TCPConn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{} // it is gone already
	}
	a := tcp.AddrPort().Addr().Unmap().WithZone("")
	if contains(l.exempt, a) {
		return netip.Addr{}
	}
	if a.Is6() {
		p, _ := a.Prefix(64) // cannot fail: 64 fits
		return p.Addr()
	}
	return a
}

// take counts one more connection, or names the limit that forbids it.
func (l *conns) take(c *conn) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.open) >= l.total:
		return "total"
	case c.source.IsValid() && l.sources[c.source] >= l.perSource:
		return "source"
	}
	l.open[c] = struct{}{}
	if c.source.IsValid() {
		l.sources[c.source]++
	}
	l.metrics.connections.Inc()
	return ""
}

// release forgets c; a second time does nothing.
func (l *conns) release(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; !ok {
		return
	}
	delete(l.open, c)
	l.metrics.connections.Dec()
	if !c.source.IsValid() {
		return
	}
	if l.sources[c.source]--; l.sources[c.source] == 0 {
		delete(l.sources, c.source)
	}
}

// refuse counts a refusal, and logs one in ten seconds at most.
func (l *conns) refuse(limit string) {
	l.metrics.refused.WithLabelValues(limit).Inc()
	l.mu.Lock()
	quiet := time.Since(l.warned) < 10*time.Second
	if !quiet {
		l.warned = time.Now()
	}
	l.mu.Unlock()
	if !quiet {
		l.log.Warn("connections are refused", "limit", limit)
	}
}

// count gives how many connections are open.
func (l *conns) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// closeUnused closes the connections on which no request has arrived.
func (l *conns) closeUnused() {
	l.mu.Lock()
	var unused []*conn
	for c := range l.open {
		if !c.used.Load() {
			unused = append(unused, c)
		}
	}
	l.mu.Unlock()
	for _, c := range unused {
		_ = c.Close() // it can fail only for being closed
	}
}

// conn is a counted connection. It keeps the methods of TCP that net/http looks for:
// CloseWrite lets an answer arrive that was given before the request was read.
type conn struct {
	*net.TCPConn
	owner  *conns
	source netip.Addr
	used   atomic.Bool // a request has arrived
}

// Close closes the connection and makes room for another.
func (c *conn) Close() error {
	defer c.owner.release(c)
	return c.TCPConn.Close()
}

// noteState is the hook of http.Server.
func noteState(nc net.Conn, state http.ConnState) {
	if state != http.StateActive {
		return
	}
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if c, ok := nc.(*conn); ok && !c.used.Load() {
		c.used.Store(true)
	}
}
