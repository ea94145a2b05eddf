package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"postern.dev/postern"
)

// Bounds of every request, whatever its route.
const (
	MaxURI    = 8 << 10  // bytes of the request target; beyond it 414
	MaxHeader = 16 << 10 // bytes of all header fields; beyond it 431 (RFC 6585 section 5)
)

// Defaults of Config.
const (
	DefaultMaxConns          = 10_000
	DefaultDrain             = 10 * time.Second
	DefaultReadHeaderTimeout = 5 * time.Second
	DefaultReadTimeout       = 10 * time.Second
	DefaultWriteTimeout      = 15 * time.Second
	DefaultIdleTimeout       = 60 * time.Second
	DefaultRequestTimeout    = 10 * time.Second
	DefaultCertPoll          = 5 * time.Second
)

// NoTimeout, as Route.Timeout, lets a route take as long as it likes.
const NoTimeout time.Duration = -1

// Route is one pattern of http.ServeMux and what answers it.
type Route struct {
	// Pattern names the method where only some are served; the server then answers
	// 405 with Allow to others, and 204 with Allow to OPTIONS. Without a method the
	// handler decides.
	Pattern string
	Handler http.Handler
	// Timeout replaces Config.RequestTimeout when it is not zero. Above it, and for
	// NoTimeout, the connection's read and write deadlines move along.
	Timeout time.Duration
}

// Config is what New needs. The zero value of every field but Listen is harmless.
type Config struct {
	Listen  string // "host:port"; port 0 picks one
	TLSCert string // path of a PEM certificate chain; with TLSKey turns TLS on
	TLSKey  string
	Routes  []Route
	Log     *slog.Logger // nil discards
	Metrics *Metrics     // nil makes one
	// Ready says whether requests can be served; it must heed its context, which
	// ends after two seconds. Its error is shown through postern.Public. Nil is
	// always ready.
	Ready func(context.Context) error
	// TrustedProxies are the peers whose X-Forwarded-For and X-Request-Id are
	// believed.
	TrustedProxies []netip.Prefix
	// MetricsFrom are the callers that may see /metrics; nil means loopback only.
	MetricsFrom []netip.Prefix
	// PublicURL is the address callers use, when it is not the one bound.
	PublicURL string
	// MaxConns bounds open connections; 0 means DefaultMaxConns. One more is closed
	// at once.
	MaxConns int
	// MaxConnsPerSource bounds open connections of one address (of one /64 for
	// IPv6) that is no trusted proxy; 0 means a quarter of MaxConns.
	MaxConnsPerSource int
	Drain             time.Duration // how long accepted requests may take at a stop

	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // of header and body
	WriteTimeout      time.Duration // from the end of the header to the end of the answer
	IdleTimeout       time.Duration
	RequestTimeout    time.Duration // deadline of a request's context
	CertPoll          time.Duration // how often the certificate files are looked at
}

// withDefaults fills what was left zero.
func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	if c.MetricsFrom == nil {
		c.MetricsFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if c.MaxConns == 0 {
		c.MaxConns = DefaultMaxConns
	}
	if c.MaxConnsPerSource == 0 {
		c.MaxConnsPerSource = max(1, c.MaxConns/4)
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Drain, DefaultDrain}, {&c.ReadHeaderTimeout, DefaultReadHeaderTimeout},
		{&c.ReadTimeout, DefaultReadTimeout}, {&c.WriteTimeout, DefaultWriteTimeout},
		{&c.IdleTimeout, DefaultIdleTimeout}, {&c.RequestTimeout, DefaultRequestTimeout},
		{&c.CertPoll, DefaultCertPoll},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// check fails with Invalid for what can be known to be wrong before binding.
func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return postern.Errorf(postern.Invalid, "%q is not an address to listen on", postern.Shorten(c.Listen, 100)).
			WithHint("write host:port, such as 127.0.0.1:8080")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return postern.Errorf(postern.Invalid, "a TLS certificate and its key are needed together")
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return postern.Errorf(postern.Invalid, "the public URL is not an absolute http or https address")
		}
	}
	for _, d := range []time.Duration{c.Drain, c.ReadHeaderTimeout, c.ReadTimeout, c.WriteTimeout,
		c.IdleTimeout, c.RequestTimeout, c.CertPoll, time.Duration(c.MaxConns), time.Duration(c.MaxConnsPerSource)} {
		if d < 0 {
			return postern.Errorf(postern.Invalid, "a limit or timeout of the server is negative")
		}
	}
	return nil
}
