package server

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// conns accepts connections up to a limit in total and per source, and closes the
// others at once: those that are open go on working.
type conns struct {
	net.Listener
	total, perSource int
	exempt           []netip.Prefix // trusted proxies stand for many sources
	metrics          *Metrics
	log              *slog.Logger

	mu      sync.Mutex
	open    int
	sources map[netip.Addr]int
	warned  time.Time
}

func newConns(ln net.Listener, cfg Config) *conns {
	return &conns{
		Listener: ln, total: cfg.MaxConns, perSource: cfg.MaxConnsPerSource, exempt: cfg.TrustedProxies,
		metrics: cfg.Metrics, log: cfg.Log, sources: map[netip.Addr]int{},
	}
}

// Accept gives the next connection within the limits.
func (l *conns) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		key := l.keyOf(c)
		if limit := l.take(key); limit != "" {
			_ = c.Close()
			l.refuse(limit)
			continue
		}
		l.metrics.connections.Inc()
		return counted(c, func() { l.release(key) }), nil
	}
}

// keyOf is whom a connection counts for; the zero address counts for nobody. One
// customer commonly holds a whole /64 of IPv6 (RFC 6177 section 2).
func (l *conns) keyOf(c net.Conn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
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
func (l *conns) take(key netip.Addr) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.open >= l.total:
		return "total"
	case key.IsValid() && l.sources[key] >= l.perSource:
		return "source"
	}
	l.open++
	if key.IsValid() {
		l.sources[key]++
	}
	return ""
}

func (l *conns) release(key netip.Addr) {
	l.metrics.connections.Dec()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if !key.IsValid() {
		return
	}
	if l.sources[key]--; l.sources[key] == 0 {
		delete(l.sources, key)
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

func (l *conns) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// counted wraps c so that its first Close calls release. A TCP connection keeps its
// own methods, which net/http looks for: CloseWrite lets an early answer arrive.
func counted(c net.Conn, release func()) net.Conn {
	once := sync.OnceFunc(release)
	if tcp, ok := c.(*net.TCPConn); ok {
		return &countedTCP{tcp, once}
	}
	return &countedConn{c, once}
}

type countedTCP struct {
	*net.TCPConn
	release func()
}

func (c *countedTCP) Close() error {
	defer c.release()
	return c.TCPConn.Close()
}

type countedConn struct {
	net.Conn
	release func()
}

func (c *countedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
