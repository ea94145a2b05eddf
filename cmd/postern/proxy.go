package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/dialect"
	"postern.dev/postern/proxy"
	"postern.dev/postern/server"
)

type proxyCmd struct {
	Upstream  string   `arg:"" help:"Whose API: an upstream by its name."`
	Listen    string   `help:"Address to listen on; port 0 picks one." default:"127.0.0.1:9090" placeholder:"HOST:PORT"`
	Allow     []string `help:"What may be called, as METHOD:/path with everything below it, or /path alone; may be repeated." placeholder:"M:/P" sep:"none"`
	Write     bool     `help:"Let calls change something: by default only reads are passed on where there is data about people."`
	TokenFile string   `name:"token-file" help:"Callers must show the bearer in this file." placeholder:"FILE"`
	Expose    bool     `help:"Listen on an address that other machines can reach; needs --token-file."`
	TLSCert   string   `name:"tls-cert" help:"Certificate chain for callers, PEM." placeholder:"FILE"`
	TLSKey    string   `name:"tls-key" help:"Its private key, PEM." placeholder:"FILE"`
	Metrics   string   `help:"Serve metrics on this address of the machine itself." placeholder:"HOST:PORT"`
	LogFormat string   `name:"log-format" help:"text or json." placeholder:"F"`
	LogLevel  string   `name:"log-level" help:"debug, info, warn or error." placeholder:"L"`
}

func (proxyCmd) Help() string {
	return "Adds the token to every call and passes it on. Without --token-file only programs on this machine are served.\n\nExamples:\n" +
		"  postern proxy personio\n  curl http://127.0.0.1:9090/v2/persons\n" +
		"  postern proxy personio --allow GET:/v2/persons --allow POST:/v2/absence-periods"
}

// grace is how long calls that are under way may take when the proxy is to stop.
const grace = 10 * time.Second

func (c *proxyCmd) Run(ctx context.Context, a *app) error {
	o, err := a.openOutside(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.close() }()
	o.cfg.LogFormat, o.cfg.LogLevel = orDefault(c.LogFormat, o.cfg.LogFormat), orDefault(c.LogLevel, o.cfg.LogLevel)
	if err := o.cfg.validate(); err != nil {
		return err
	}
	u, err := o.find(c.Upstream)
	if err != nil {
		return err
	}
	if u.APIURL == "" {
		return postern.Errorf(postern.Invalid, "upstream %q: it is not known where its API is", u.name).WithHint("set %s", u.where("api_url"))
	}
	options, err := c.options(u)
	if err != nil {
		return err
	}
	log := o.logAt(o.cfg)
	seen := newSeen()
	b, err := o.broker(log, seen.token, u)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	if err := c.first(ctx, a, b, u); err != nil {
		return err
	}
	options.Log = log
	options.Transport, err = u.transport(b, seen.call(log))
	if err != nil {
		return err
	}
	rules, err := c.rules(u)
	if err != nil {
		return err
	}
	return c.serve(ctx, o, rules.before(proxy.NewHandler(options), log), seen.metrics(b, u.name))
}

// first asks for a token before the first caller does. A credential that is refused is
// told at once; a server that does not answer now may do so later.
func (c *proxyCmd) first(ctx context.Context, a *app, b *broker.Broker, u *named) error {
	_, err := b.Token(ctx, u.name, 0)
	switch code := postern.CodeOf(err); {
	case err == nil || ctx.Err() != nil:
		return ctx.Err()
	case code == postern.Unavailable || code == postern.TooMany:
		a.warn("there is no token yet: %s", publicCause(err))
		return nil
	}
	return err
}

// options are the rules of the proxy.
func (c *proxyCmd) options(u *named) (proxy.Options, error) {
	o := proxy.Options{}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return o, errMisused{postern.Errorf(postern.Invalid, "--listen: %q is not host:port", postern.Shorten(c.Listen, 80))}
	}
	local := postern.Loopback(host)
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return o, errMisused{postern.Errorf(postern.Invalid, "--tls-cert and --tls-key go together")}
	case !local && !c.Expose:
		return o, errMisused{postern.Errorf(postern.Invalid, "%s can be reached from other machines", c.Listen).
			WithHint("listen on 127.0.0.1, or say --expose and give callers a bearer with --token-file")}
	case !local && c.TokenFile == "":
		return o, errMisused{postern.Errorf(postern.Invalid, "--expose needs --token-file: whoever reaches the proxy has the rights of its credential").
			WithHint("put a long random word into a file: (umask 077; openssl rand -hex 32 >proxy.token)")}
	}
	if c.TokenFile != "" {
		if w := readableByOthers(c.TokenFile); w != "" {
			return o, postern.Errorf(postern.Invalid, "%s", w).WithHint("chmod 600 %s", c.TokenFile)
		}
		text, err := secretFromFile(c.TokenFile)
		if err != nil {
			return o, err
		}
		if text = strings.TrimSpace(text); len(text) < 16 {
			return o, postern.Errorf(postern.Invalid, "the bearer in %s is shorter than 16 characters", c.TokenFile).
				WithHint("put a long random word there: (umask 077; openssl rand -hex 32 >%s)", c.TokenFile)
		}
		o.Bearer = postern.NewSecret(text)
	}
	rules, err := c.rules(u)
	if err != nil {
		return o, err
	}
	o.Methods, o.Upgrades = c.methods(u), c.writes(u)
	for _, r := range rules {
		o.Methods = append(o.Methods, r.methods...)
	}
	o.Never = tokenPaths()
	return o, nil
}

// tokenPaths are those at which tokens are given, ended and told about: the token of
// the proxy is not its callers' to end.
func tokenPaths() (paths []string) {
	for _, d := range dialect.All {
		paths = append(paths, d.Path())
		if r, ok := d.(dialect.Revoker); ok {
			paths = append(paths, r.RevokePath())
		}
		if i, ok := d.(dialect.Introspector); ok {
			paths = append(paths, i.IntrospectPath())
		}
	}
	return paths
}

// writes says whether calls may change something without being named.
func (c *proxyCmd) writes(u *named) bool { return c.Write || !u.facts().Personal }

func (c *proxyCmd) methods(u *named) []string {
	all := []string{http.MethodGet, http.MethodHead, http.MethodOptions}
	if c.writes(u) {
		all = append(all, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)
	}
	return all
}

// rule is one --allow: what may be done with a path and everything below it.
type rule struct {
	methods []string
	prefix  string
}

type rules []rule

// rules reads what --allow says. Naming a method allows it, and only there: who writes
// POST:/path means that. Without one it is what is allowed anyway.
func (c *proxyCmd) rules(u *named) (all rules, err error) {
	for _, text := range c.Allow {
		r := rule{methods: c.methods(u), prefix: text}
		if method, prefix, ok := strings.Cut(text, ":"); ok {
			r = rule{methods: []string{method}, prefix: prefix}
			if method == http.MethodGet {
				r.methods = append(r.methods, http.MethodHead)
			}
		}
		if r.methods[0] == "" || r.methods[0] != strings.ToUpper(r.methods[0]) || !strings.HasPrefix(r.prefix, "/") {
			return nil, errMisused{postern.Errorf(postern.Invalid, "--allow: %q is neither METHOD:/path nor /path", postern.Shorten(text, 80)).
				WithHint("such as GET:/v2/persons")}
		}
		r.prefix = strings.TrimRight(r.prefix, "/")
		all = append(all, r)
	}
	return all, nil
}

func (r rule) fits(method, path string) bool {
	return slices.Contains(r.methods, method) && (path == r.prefix || strings.HasPrefix(path, r.prefix+"/"))
}

// before lets calls through to next that a rule fits. What is ambiguous about a path is
// refused behind it.
func (rs rules) before(next http.Handler, log *slog.Logger) http.Handler {
	if len(rs) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, rule := range rs {
			if rule.fits(r.Method, r.URL.Path) {
				next.ServeHTTP(w, r)
				return
			}
		}
		log.LogAttrs(r.Context(), slog.LevelInfo, "proxied", slog.String("method", postern.Shorten(r.Method, 20)),
			slog.String("path", postern.Shorten(r.URL.Path, 500)), slog.Int("status", http.StatusForbidden), slog.String("code", string(postern.Forbidden)))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"type":"about:blank","title":"Forbidden","status":403,"detail":"the proxy was not started with --allow for this call"}`+"\n")
	})
}

// serve listens until ctx ends, and then lets what is under way come to its end.
func (c *proxyCmd) serve(ctx context.Context, o *outside, h http.Handler, metrics http.Handler) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return &postern.Error{Code: postern.Unavailable, Msg: "cannot listen on " + c.Listen, Err: err,
			Hint: "another program may have the port; choose another with --listen, or port 0 for any"}
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 90 * time.Second, MaxHeaderBytes: 64 << 10,
		Protocols: new(http.Protocols), ErrorLog: slog.NewLogLogger(o.logAt(o.cfg).Handler(), slog.LevelDebug)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(true)
	srv.Protocols.SetUnencryptedHTTP2(c.TLSCert == "")
	measured, stopMetrics, err := c.serveMetrics(ctx, metrics)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer stopMetrics()
	scheme := yesNo(c.TLSCert != "", "https", "http")
	if scheme == "http" && c.Expose {
		o.warn("the bearer of callers can be read on the way: give a certificate with --tls-cert and --tls-key")
	}
	attrs := []slog.Attr{slog.String("url", scheme+"://"+ln.Addr().String()), slog.String("upstream", c.Upstream), slog.String("version", version)}
	if measured != "" {
		attrs = append(attrs, slog.String("metrics", measured))
	}
	// Whatever the level: others wait for this line, and port 0 is told here only.
	newLog(o.stderr, o.cfg.LogFormat, "info").LogAttrs(ctx, slog.LevelInfo, "listening", attrs...)
	ended := make(chan error, 1)
	go func() {
		if c.TLSCert != "" {
			ended <- srv.ServeTLS(ln, c.TLSCert, c.TLSKey)
			return
		}
		ended <- srv.Serve(ln)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(last); err != nil {
		_ = srv.Close()
		return postern.Errorf(postern.Unavailable, "calls that were under way were cut off after %s", grace)
	}
	return nil
}

// serveMetrics answers on an address of the machine itself, if one is wanted, and gives
// the URL.
func (c *proxyCmd) serveMetrics(ctx context.Context, h http.Handler) (at string, stop func(), err error) {
	if c.Metrics == "" {
		return "", func() {}, nil
	}
	if host, _, err := net.SplitHostPort(c.Metrics); err != nil || !postern.Loopback(host) {
		return "", nil, errMisused{postern.Errorf(postern.Invalid, "--metrics: %q is no address of the machine itself", postern.Shorten(c.Metrics, 80))}
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Metrics)
	if err != nil {
		return "", nil, &postern.Error{Code: postern.Unavailable, Msg: "cannot listen on " + c.Metrics, Err: err}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	return "http://" + ln.Addr().String() + "/metrics", func() { _ = srv.Close() }, nil
}

// seen counts what happened to tokens and to calls.
type seen struct {
	tokens map[broker.Kind]*atomic.Int64
	calls  map[proxy.Kind]*atomic.Int64
}

func newSeen() *seen {
	s := &seen{tokens: map[broker.Kind]*atomic.Int64{}, calls: map[proxy.Kind]*atomic.Int64{}}
	for _, k := range broker.Kinds {
		s.tokens[k] = new(atomic.Int64)
	}
	for _, k := range []proxy.Kind{proxy.Held, proxy.Limited, proxy.Repeated, proxy.LowScope} {
		s.calls[k] = new(atomic.Int64)
	}
	return s
}

func (s *seen) token(h broker.Happening) {
	if n := s.tokens[h.Kind]; n != nil {
		n.Add(1)
	}
}

func (s *seen) call(log *slog.Logger) func(proxy.Happening) {
	return func(h proxy.Happening) {
		if n := s.calls[h.Kind]; n != nil {
			n.Add(1)
		}
		log.LogAttrs(context.Background(), slog.LevelDebug, "upstream call", slog.String("upstream", h.Upstream), slog.String("what", string(h.Kind)),
			slog.String("method", h.Method), slog.String("path", h.Path), slog.String("scope", h.Scope), slog.Duration("wait", h.Wait))
	}
}

// metrics gives what was counted, and how it stands with the token.
func (s *seen) metrics(b *broker.Broker, upstream string) http.Handler {
	m := server.NewMetrics()
	counter := func(name, help string, n *atomic.Int64) {
		m.Counter(name, help, func() float64 { return float64(n.Load()) })
	}
	for k, n := range s.tokens {
		counter("postern_upstream_token_"+string(k)+"_total", "Tokens of the upstream: "+string(k)+".", n)
	}
	for k, n := range s.calls {
		counter("postern_upstream_call_"+string(k)+"_total", "Calls of the upstream's API: "+string(k)+".", n)
	}
	stats := func() broker.Stats { st, _ := b.Stats(upstream); return st } // it is the one the broker was made with
	m.Counter("postern_upstream_token_hits_total", "Calls that found the token in memory.", func() float64 { return float64(stats().Hits) })
	m.Gauge("postern_upstream_token_waiting", "Calls that wait for a token.", func() float64 { return float64(stats().Waiting) })
	m.Gauge("postern_upstream_token_expires_seconds", "Seconds until the token ends; below zero when there is none.", func() float64 {
		if at := stats().ExpiresAt; !at.IsZero() {
			return time.Until(at).Seconds()
		}
		return -1
	})
	m.Gauge("postern_upstream_token_age_seconds", "Seconds since a token was last got; below zero when none was.", func() float64 {
		if at := stats().LastSuccess; !at.IsZero() {
			return time.Since(at).Seconds()
		}
		return -1
	})
	return m.Handler()
}
