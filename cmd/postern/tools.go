package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/proxy"
)

// Bounds of what the tools do at an upstream.
const (
	toolPatience   = time.Minute      // for one call of the API, with the wait for its pace
	recordPatience = 10 * time.Second // for the record of a call whose caller has left
)

// toolbox is the tools over an upstream, with what has to be closed after them.
type toolbox struct {
	*outside
	u      *named
	broker *broker.Broker
	tools  *mcptool.Tools
	who    mcptool.Caller
	log    *slog.Logger
}

// toolsWanted is what a command says about the tools that it needs.
type toolsWanted struct {
	upstream string   // "" is the one that is meant
	agent    string   // who asks, for the audit trail
	enabled  []string // of --experimental
	writes   bool
	// logged writes a log for people; else only who asks for debugging sees one.
	logged              bool
	logFormat, logLevel string
}

// openTools readies the tools over an upstream. It fails with Forbidden when they are not
// enabled.
func (a *app) openTools(ctx context.Context, want toolsWanted) (*toolbox, error) {
	if err := checkExperiments(listed(want.enabled...)); err != nil {
		return nil, errMisused{err}
	}
	o, err := a.openOutside(ctx)
	if err != nil {
		return nil, err
	}
	b := &toolbox{outside: o}
	if err := b.open(want); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *toolbox) open(want toolsWanted) (err error) {
	b.cfg.LogFormat, b.cfg.LogLevel = orDefault(want.logFormat, b.cfg.LogFormat), orDefault(want.logLevel, b.cfg.LogLevel)
	if err := b.cfg.validate(); err != nil {
		return err
	}
	if b.log = b.quietly(); want.logged {
		b.log = b.logAt(b.cfg)
	}
	if !b.cfg.enabled(experimentTools, want.enabled) {
		return mcptool.Disabled()
	}
	name := want.upstream
	if name == "" {
		if name, err = b.meant(); err != nil {
			return err
		}
	}
	if b.u, err = b.find(name); err != nil {
		return err
	}
	dir, err := b.directory()
	if err != nil {
		return err
	}
	b.who = mcptool.Caller{Tenant: b.u.name, ClientID: b.u.ClientID, Actor: b.actor(), RequestID: newGUID(), Judged: true, Agent: want.agent}
	cfg := mcptool.Config{
		Directory: func(mcptool.Caller) (postern.Directory, error) { return dir, nil },
		Record:    b.record,
		Zone:      func(context.Context, mcptool.Caller) (string, error) { return b.zone(), nil },
		Writes:    want.writes, Withhold: b.cfg.Tools.Withhold, Grant: orDefault(b.u.facts().Settings, "the settings of the upstream "+b.u.name),
		Log: b.log, Now: b.now,
	}
	if b.place != nil {
		copy(cfg.Key[:], b.place.box.Derive("postern tools of upstreams v1", len(cfg.Key)))
	} else {
		_, _ = rand.Read(cfg.Key[:]) // never fails since Go 1.24
		b.warn("there is no database: calls leave no record, and what this command gives out, another does not take back")
	}
	b.tools = mcptool.New(cfg)
	return nil
}

func (b *toolbox) close() {
	if b.broker != nil {
		_ = b.broker.Close()
	}
	_ = b.outside.close()
}

// speaksHR says whether an upstream has an HR API that the tools know.
func (u *named) speaksHR() bool {
	f := u.facts()
	return len(f.Probes) > 0 || f.Tenant
}

// meant names the upstream that is meant when none is named: the only one with an HR
// API, or the one that is named after its family.
func (b *toolbox) meant() (string, error) {
	var names, plain []string
	for i := range b.all {
		if u := &b.all[i]; u.speaksHR() {
			names = append(names, u.name)
			if f, ok := familyOf(u.prefix); ok && f.env == u.prefix && len(u.facts().Probes) > 0 {
				plain = append(plain, u.name)
			}
		}
	}
	switch {
	case len(names) == 1:
		return names[0], nil
	case len(plain) == 1:
		return plain[0], nil
	case len(names) == 0:
		return "", postern.Errorf(postern.NotFound, "there is no upstream with an HR API").
			WithHint("set the variables of one (%s), or describe it under upstreams in postern.yaml", strings.Join(hrFamilies(), ", "))
	}
	return "", errMisused{postern.Errorf(postern.Invalid, "there are several upstreams: %s", strings.Join(names, ", ")).WithHint("name one of them")}
}

// hrFamilies are the variables that make an upstream with an HR API.
func hrFamilies() (all []string) {
	for _, f := range families() {
		if len(dialect.FactsOf(f.dialect).Probes) > 0 {
			all = append(all, f.env+"_CLIENT_ID and "+f.env+"_CLIENT_SECRET")
		}
	}
	return all
}

// directory gives the people behind the upstream's API; the token is added on the way.
func (b *toolbox) directory() (postern.Directory, error) {
	if !b.u.speaksHR() {
		return nil, postern.Errorf(postern.Invalid, "upstream %q speaks %s, which is not an HR API", b.u.name, b.u.Dialect).
			WithHint("name an upstream with one; `postern upstream list` shows them")
	}
	if b.u.APIURL == "" {
		return nil, postern.Errorf(postern.Invalid, "upstream %q: it is not known where its API is", b.u.name).WithHint("set %s", b.u.where("api_url"))
	}
	var err error
	if b.broker, err = b.outside.broker(b.log, nil, b.u); err != nil {
		return nil, err
	}
	t, err := b.u.transport(b.broker, nil)
	if err != nil {
		return nil, err
	}
	return hr.Dial(b.u.APIURL, &http.Client{Transport: &wayfinder{t, b.u}, Timeout: toolPatience})
}

// transport carries the token of the upstream to its API.
func (u *named) transport(tokens postern.TokenSource, observe func(proxy.Happening)) (*proxy.Transport, error) {
	d, _ := dialect.Named(u.Dialect)
	return proxy.New(proxy.Config{
		Upstream: u.name, API: u.APIURL, Tokens: tokens, Tenant: u.TenantID,
		Carry:   func(h http.Header, tok postern.Token, tenant string) { dialect.Carry(d, h, tok, tenant) },
		Need:    func(method, path string) string { return dialect.Need(u.Dialect, method, path) },
		Observe: observe,
	})
}

// wayfinder says of a call without an answer what was in its way.
type wayfinder struct {
	next http.RoundTripper
	u    *named
}

// RoundTrip implements http.RoundTripper.
func (f *wayfinder) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(r)
	if err == nil {
		return resp, nil
	}
	e := *postern.AsError(err)
	if said, hint := wayFailed(err, r.URL.Host); said != "" && e.Code == postern.Unavailable && e.Err != nil {
		e.Msg, e.Hint, e.Err = fmt.Sprintf("upstream %q: %s", f.u.name, said), strings.ReplaceAll(hint, "BASE", f.u.where("api_url")), nil
	}
	return nil, &e
}

// record keeps an event of the tools in the local database, if there is one. It is kept
// also when the caller has left: what was asked for was asked for.
func (b *toolbox) record(ctx context.Context, ev postern.Event) error {
	if b.place == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	ev.Tenant = postern.SystemTenant
	return b.place.db.Append(ctx, []*postern.Entry{{Event: ev}})
}

// zone names the time zone in which words such as today are read.
func (o *outside) zone() string {
	if o.cfg.Tools.TimeZone != "" {
		return o.cfg.Tools.TimeZone
	}
	return o.machineZone()
}

// machineZone names the time zone of this machine; where it has none that can be named
// it is UTC.
func (a *app) machineZone() string {
	names := []string{strings.TrimPrefix(a.getenv("TZ"), ":"), time.Local.String()}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(target, "zoneinfo/"); ok {
			names = append(names, name)
		}
	}
	i := slices.IndexFunc(names, func(name string) bool {
		_, err := postern.ParseZone(name)
		return err == nil && name != "Local"
	})
	if i < 0 {
		return "UTC"
	}
	return names[i]
}
