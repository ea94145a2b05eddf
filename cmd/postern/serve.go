package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/logbuf"
)

type serveCmd struct {
	Listen    string `help:"Address to listen on (default 127.0.0.1:8080); port 0 picks one." placeholder:"HOST:PORT"`
	Demo      bool   `help:"Make a tenant with credentials to try everything with, and write them to demo.env."`
	PublicURL string `name:"public-url" help:"The address that callers use, when it is not the one listened on." placeholder:"URL"`
	TLSCert   string `name:"tls-cert" help:"Certificate chain, PEM." placeholder:"FILE"`
	TLSKey    string `name:"tls-key" help:"Its private key, PEM." placeholder:"FILE"`
	LogFormat string `name:"log-format" help:"text or json." placeholder:"F"`
	LogLevel  string `name:"log-level" help:"debug, info, warn or error." placeholder:"L"`

	Experimental []string `help:"Enable what is experimental: tools, for agents at /mcp." placeholder:"NAME"`
	MCPWrites    bool     `name:"mcp-writes" help:"Let agents at /mcp book absences, once a person has confirmed each."`
}

func (serveCmd) Help() string {
	return "Examples:\n  postern serve --demo\n  postern serve --listen 0.0.0.0:443 --tls-cert c.pem --tls-key k.pem --db postgres://postern@db/postern"
}

func (c *serveCmd) flags() map[string]string {
	return map[string]string{"listen": c.Listen, "public_url": c.PublicURL, "tls_cert": c.TLSCert, "tls_key": c.TLSKey,
		"log_format": c.LogFormat, "log_level": c.LogLevel}
}

// Run serves until ctx ends or a signal asks it to stop.
func (c *serveCmd) Run(ctx context.Context, a *app) error {
	defer ballast()()
	if err := checkExperiments(listed(c.Experimental...)); err != nil {
		return errMisused{err}
	}
	p, err := a.openPlace(ctx, c.flags(), true)
	if err != nil {
		return err
	}
	defer p.close()
	p.cfg.Experimental = append(p.cfg.Experimental, listed(c.Experimental...)...)
	p.cfg.MCPWrites = p.cfg.MCPWrites || c.MCPWrites
	release, err := p.db.LockServe()
	if err != nil {
		return err
	}
	defer release()
	logs := logbuf.Open(a.stderr)
	defer func() { _ = logs.Close() }()
	log := slog.New(logbuf.NewHandler(logs, func(w io.Writer) slog.Handler {
		return newLog(w, p.cfg.LogFormat, p.cfg.LogLevel).Handler()
	}))
	h, err := p.build(ctx, log)
	if err != nil {
		return err
	}
	defer h.close()
	h.metrics.LogDropped(logs.Dropped)
	if c.Demo {
		if err := p.demo(ctx, h.url); err != nil {
			return err
		}
	}
	return h.run(ctx, func() {
		// Whatever the level: others wait for this line, and port 0 is told here only.
		newLog(logs.Urgent(), p.cfg.LogFormat, "info").LogAttrs(ctx, slog.LevelInfo, "listening", slog.String("url", h.url),
			slog.String("listen", h.server.Bound()), slog.String("version", version), slog.String("database", p.db.Engine()))
		logs.Flush()
		if c.Demo {
			p.demoTour(h.url)
		}
		if err := h.firstLink(ctx); err != nil {
			log.LogAttrs(ctx, slog.LevelWarn, "there is no link for the first operator", slog.Any("err", err))
		}
	})
}

// run serves and keeps house until ctx ends, and leaves a record of both ends.
func (h *house) run(ctx context.Context, ready func()) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var helpers sync.WaitGroup
	defer helpers.Wait()
	helpers.Go(func() { h.prune(ctx) })
	helpers.Go(func() { h.keeper.run(ctx) })
	helpers.Go(func() { h.reload(ctx) })
	defer context.AfterFunc(ctx, h.tools.Close)()
	if err := h.note(ctx, postern.ActServerStarted); err != nil {
		return err
	}
	ready()
	err := h.server.Serve(ctx)
	stop()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = h.note(last, postern.ActServerStopped) // the database may be why we stop
	h.log.LogAttrs(last, slog.LevelInfo, "stopped", slog.Bool("clean", err == nil))
	return err
}

func (h *house) note(ctx context.Context, action string) error {
	ev := h.place.event(postern.SystemTenant, action, h.url, "version "+version)
	return h.place.db.Append(ctx, []*postern.Entry{{Event: ev}})
}

// prune forgets what has expired, every ten minutes.
func (h *house) prune(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := h.place.db.Prune(ctx, h.place.now()); err != nil && ctx.Err() == nil {
				h.log.LogAttrs(ctx, slog.LevelWarn, "expired records are not removed", slog.Any("err", err))
			}
		}
	}
}

// reload reads the certificate again at SIGHUP.
func (h *house) reload(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			_ = h.server.Reload() // it says in the log what is wrong
		}
	}
}

// ready is the answer of /readyz.
func (h *house) ready(ctx context.Context) error {
	if h.issuer == nil {
		return postern.Errorf(postern.Unavailable, "starting")
	}
	return errors.Join(h.issuer.Ready(), h.place.db.Ping(ctx))
}
