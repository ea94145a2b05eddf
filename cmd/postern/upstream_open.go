package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/internal/near"
	"postern.dev/postern/internal/seal"
)

// storedUpstream is an upstream that the database holds, its secrets sealed.
type storedUpstream struct {
	name   string
	config upstreamConfig
	sealed map[string]string // by the key of the setting
}

// outside is what commands about upstreams work with.
type outside struct {
	*app
	cfg   *config
	all   []named
	place *place // where tokens are shared; nil when there is none
}

// openOutside reads what is known of upstreams. It makes do without a database: then
// tokens are not shared, and a warning says so where that is not expected.
func (a *app) openOutside(ctx context.Context) (*outside, error) {
	cfg, err := a.load(map[string]string{"data": a.cli.Data, "db": a.cli.DB})
	if err != nil {
		return nil, err
	}
	if err := a.trustConfig(cfg); err != nil {
		return nil, err
	}
	o := &outside{app: a, cfg: cfg}
	o.place, err = a.sharedPlace(ctx, cfg)
	if err != nil {
		a.warn("tokens are not kept between commands: %s", publicCause(err))
	}
	var stored []storedUpstream
	if o.place != nil {
		if stored, err = o.place.storedUpstreams(ctx); err != nil {
			a.warn("the upstreams in the database cannot be read: %s", publicCause(err))
		}
	}
	if o.all, err = a.upstreamsIn(cfg.Upstreams, cfg.file, stored); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func (o *outside) close() error {
	if o.place == nil {
		return nil
	}
	return o.place.db.Close()
}

// warn tells people what does not stop a command.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.stderr, "postern: warning: %s\n", printable(fmt.Sprintf(format, args...)))
}

// publicCause is an error as an operator reads it, on one line.
func publicCause(err error) string {
	e := postern.AsError(err)
	text := e.Msg
	if e.Err != nil && (text == "" || e.Code == postern.Internal || e.Code == postern.Unavailable) {
		text = joinCause(text, e.Err)
	}
	if text == "" {
		text = err.Error()
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// trustConfig refuses upstreams from a file that somebody else may have put there: it
// says where secrets are sent and which commands are run.
func (a *app) trustConfig(cfg *config) error {
	if len(cfg.Upstreams) == 0 {
		return nil
	}
	info, err := os.Stat(cfg.file)
	if err != nil {
		return err
	}
	if foe := writtenByOthers(info); foe != "" {
		return postern.Errorf(postern.Invalid, "%s says where secrets are sent, and %s", cfg.file, foe).
			WithHint("make it yours alone: chown and chmod 600 %s", cfg.file)
	}
	return nil
}

// sharedPlace opens the database in which tokens are shared and secrets of upstreams
// are kept: the one that is configured, or a server's in the working directory, or one
// of the user's own, which is made. It is nil when there is nowhere for one.
func (a *app) sharedPlace(ctx context.Context, cfg *config) (*place, error) {
	path, sqlite := strings.CutPrefix(cfg.DB, "sqlite:")
	_, err := os.Stat(path)
	if !sqlite || err == nil || !errors.Is(err, fs.ErrNotExist) || cfg.from["db"] != "default" || cfg.from["data"] != "default" {
		return a.openAt(ctx, cfg, false)
	}
	dir := a.stateDir()
	if dir == "" {
		return nil, nil //nolint:nilnil // there is nowhere, and that is no mistake
	}
	if err := a.makeState(dir); err != nil {
		return nil, err
	}
	own := *cfg
	own.Data, own.DB, own.MasterKeyFile = dir, "sqlite:"+filepath.Join(dir, "postern.db"), ""
	alone := *a
	alone.env = a.withoutVariable("POSTERN_MASTER_KEY") // which belongs to a server's database
	return alone.openAt(ctx, &own, true)
}

// stateDir is where a user's own database is, "" when the user has no home.
func (a *app) stateDir() string {
	base := a.getenv("XDG_STATE_HOME")
	if runtime.GOOS == "windows" {
		base = a.getenv("LOCALAPPDATA")
	} else if home := a.getenv("HOME"); base == "" && home != "" {
		base = filepath.Join(home, ".local", "state")
	}
	if !filepath.IsAbs(base) {
		return ""
	}
	return filepath.Join(base, "postern")
}

// makeState makes the folder and the master key of the user's own database. The key
// comes into being as a whole: of two commands that make it at the same time, one wins.
func (a *app) makeState(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return postern.Errorf(postern.Invalid, "others can look into %s (mode %04o)", dir, info.Mode().Perm()).WithHint("chmod 700 %s", dir)
	}
	key := filepath.Join(dir, "master.key")
	if _, err := os.Stat(key); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(dir, "master.key.*") // its mode is 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(seal.Generate() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), key); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// find gives an upstream that can be used, or every reason why it cannot.
func (o *outside) find(name string) (*named, error) {
	i := slices.IndexFunc(o.all, func(u named) bool { return u.name == name })
	if i < 0 {
		return nil, o.unknown(name)
	}
	u := o.all[i]
	if problems := u.complete(); len(problems) > 0 {
		return nil, postern.Errorf(postern.Invalid, "upstream %s cannot be used:\n  - %s", name, strings.Join(problems, "\n  - ")).
			WithHint("`postern upstream list` shows what is known of each, and where from")
	}
	for _, w := range u.warnings(o.cfg.file) {
		o.warn("%s", w)
	}
	return &u, nil
}

// unknown says that there is no such upstream, and what there is.
func (o *outside) unknown(name string) error {
	var names []string
	for _, u := range o.all {
		names = append(names, u.name)
	}
	e := postern.Errorf(postern.NotFound, "there is no upstream %q", postern.Shorten(name, 60))
	prefix := envPrefix(name)
	f, known := familyOf(prefix)
	switch meant := near.Of(name, names); {
	case known && o.getenv(prefix+"_CLIENT_ID") == "" && (o.getenv(prefix+"_CLIENT_SECRET") != "" || o.getenv(prefix+"_CLIENT_SECRET_FILE") != ""):
		return e.WithHint("%s_CLIENT_SECRET is set and %s_CLIENT_ID is not", prefix, prefix)
	case meant != "":
		return e.WithHint("did you mean %s?", meant)
	case len(names) > 0:
		return e.WithHint("there is %s; `postern upstream list` shows them", strings.Join(names, ", "))
	case known:
		return e.WithHint("set %s_CLIENT_ID, or describe it under upstreams in postern.yaml", f.env)
	}
	return e.WithHint("describe it under upstreams in postern.yaml, or set the variables of one: %s", strings.Join(familyNames(), ", "))
}

func familyNames() (all []string) {
	for _, f := range families() {
		all = append(all, f.env+"_CLIENT_ID")
	}
	return all
}

// warnings are what does not keep an upstream from being used.
func (u *named) warnings(file string) (all []string) {
	for _, s := range secretSettings {
		if *s.literal(&u.upstreamConfig) != "" && slices.Contains(u.from, file) && file != "" {
			if w := readableByOthers(file); w != "" {
				all = append(all, w+"; chmod 600 "+file)
			}
		}
	}
	return slices.Compact(all)
}

// upstream is what the broker is told.
func (o *outside) upstream(u *named) postern.Upstream {
	scopes, _ := postern.ParseScopes(u.Scope) // complete has seen that it can be read
	up := postern.Upstream{
		Name: u.name, Dialect: u.Dialect, BaseURL: u.BaseURL, APIURL: u.APIURL, ClientID: u.ClientID, Email: u.Email, Scope: scopes,
		Resources: u.Resources, TenantID: u.TenantID, PartnerID: u.PartnerID, Timeout: time.Duration(u.Timeout),
	}
	if d, ok := dialect.Named(u.Dialect); ok {
		up.Life, up.PerMinute = profileOf(d).Life, profileOf(d).PerMinute
	}
	var box *seal.Box
	if o.place != nil {
		box = o.place.box
	}
	up.Secret, up.Password = u.source(secretSettings[0], box, o.now), u.source(secretSettings[1], box, o.now)
	return up
}

// storedUpstreams gives the upstreams that the database holds.
func (p *place) storedUpstreams(ctx context.Context) (out []storedUpstream, err error) {
	rows, err := p.db.Upstreams(ctx)
	for _, r := range rows {
		s := storedUpstream{name: r.Name, sealed: r.Sealed}
		if err := json.Unmarshal([]byte(r.Settings), &s.config); err != nil {
			return nil, postern.Errorf(postern.Internal, "the settings of the upstream %s cannot be read", r.Name)
		}
		out = append(out, s)
	}
	return out, err
}

// logAt is a log for people, on stderr, of what is at least as grave as level.
func (a *app) logAt(cfg *config) *slog.Logger { return newLog(a.stderr, cfg.LogFormat, cfg.LogLevel) }
