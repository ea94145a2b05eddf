package main

import (
	"context"
	"log/slog"
	"os"

	"postern.dev/postern"
	"postern.dev/postern/broker"
)

// fetcher gives what asks the token servers of us.
func (o *outside) fetcher(us ...*named) *fetcher {
	f := &fetcher{upstreams: map[string]*named{}, transport: upstreamTransport(), now: o.now}
	for _, u := range us {
		f.upstreams[u.name] = u
	}
	return f
}

// broker gets and keeps the tokens of us; they are shared through the database, if
// there is one. observe is told what happens, and may be nil.
func (o *outside) broker(log *slog.Logger, observe func(broker.Happening), us ...*named) (*broker.Broker, error) {
	c := broker.Config{Fetch: o.fetcher(us...), Now: o.now, Log: log, Observe: observe}
	c.Node, _ = os.Hostname() // without a name every machine is the same one
	for _, u := range us {
		c.Upstreams = append(c.Upstreams, o.upstream(u))
	}
	if o.place != nil {
		c.Store, c.Box = o.place.db, o.place.box
	}
	return broker.New(c)
}

// quietly is the log of a command whose failures are told by itself: only who asks for
// more than that sees what happens inside.
func (o *outside) quietly() *slog.Logger {
	if level := logLevel(o.cfg.LogLevel); level != nil && *level <= slog.LevelDebug {
		return o.logAt(o.cfg)
	}
	return slog.New(slog.DiscardHandler)
}

// request is what a broker would ask with, for commands that ask themselves.
func (o *outside) request(ctx context.Context, u *named) (postern.Upstream, postern.Request, error) {
	up := o.upstream(u)
	req := postern.Request{Dialect: up.Dialect, ClientID: up.ClientID, Email: up.Email, PartnerID: up.PartnerID, Scope: up.Scope,
		Resources: up.Resources}
	for _, s := range []struct {
		source postern.SecretSource
		into   *postern.Secret
	}{{up.Secret, &req.Secret}, {up.Password, &req.Password}} {
		if s.source == nil {
			continue
		}
		var err error
		if *s.into, err = s.source(ctx); err != nil {
			return up, req, u.of(err)
		}
	}
	return up, req, nil
}

// fresh asks for a token now, past everything that is kept.
func (o *outside) fresh(ctx context.Context, u *named) (postern.Token, look, error) {
	up, req, err := o.request(ctx, u)
	if err != nil {
		return postern.Token{}, look{}, err
	}
	timeout := up.Timeout
	if timeout == 0 {
		timeout = postern.DefaultUpstreamTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tok, look, err := o.fetcher(u).ask(ctx, up, req)
	return tok, look, u.of(err)
}
