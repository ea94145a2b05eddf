package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// place is an open database with the master key that belongs to it.
type place struct {
	*app
	cfg *config
	db  *store.DB
	box *seal.Box
}

// open opens the database that a running server uses, for a command beside it. It
// makes none: a mistyped path is to be noticed.
func (a *app) open(ctx context.Context) (*place, error) { return a.openPlace(ctx, nil, false) }

// openPlace opens the database and the master key. With create it makes what is
// missing; it never makes a master key for a database that has seen another.
func (a *app) openPlace(ctx context.Context, flags map[string]string, create bool) (*place, error) {
	if flags == nil {
		flags = map[string]string{}
	}
	flags["data"], flags["db"] = a.cli.Data, a.cli.DB
	cfg, err := a.load(flags)
	if err != nil {
		return nil, err
	}
	return a.openAt(ctx, cfg, create)
}

// openAt opens the database that cfg names.
func (a *app) openAt(ctx context.Context, cfg *config, create bool) (*place, error) {
	if err := prepareData(cfg, create); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, cfg.DB, store.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	p := &place{app: a, cfg: cfg, db: db}
	if p.box, err = a.masterKey(ctx, cfg, db, create); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

func (p *place) close() { _ = p.db.Close() }

// prepareData sees to the data directory, and, for a command that makes nothing,
// to it that there is a database.
func prepareData(cfg *config, create bool) error {
	path, sqlite := strings.CutPrefix(cfg.DB, "sqlite:")
	if create {
		// A directory that is there already is not ours to change: it may be /tmp.
		return os.MkdirAll(cfg.Data, 0o700)
	}
	if !sqlite {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return postern.Errorf(postern.NotFound, "there is no database at %s", path).
			WithHint("start `postern serve` once, or say where it is with --data or --db")
	}
	return nil
}

// masterKeyName is where the database keeps the fingerprint of its master key.
const masterKeyName = "master_key"

// masterKey reads the master key, making it on a first start, and refuses one that
// is not the one the database was made with.
func (a *app) masterKey(ctx context.Context, cfg *config, db *store.DB, create bool) (*seal.Box, error) {
	want, err := db.Meta(ctx, masterKeyName)
	fresh := postern.CodeOf(err) == postern.NotFound
	if err != nil && !fresh {
		return nil, err
	}
	text, where, err := a.masterKeyText(cfg, fresh && create)
	if err != nil {
		return nil, err
	}
	raw, err := seal.Parse(text)
	if err != nil {
		return nil, postern.Errorf(postern.Invalid, "the master key in %s is not 32 bytes in base64 or hex", where)
	}
	box, err := seal.New(raw)
	if err != nil {
		return nil, err
	}
	if fresh {
		if want, err = db.SetMeta(ctx, masterKeyName, box.Fingerprint()); err != nil {
			return nil, err
		}
	}
	if want != box.Fingerprint() {
		return nil, postern.Errorf(postern.Conflict,
			"the master key in %s is not the one this database was made with (it has fingerprint %s, the database asks for %s)",
			where, box.Fingerprint(), want).
			WithHint("bring back the right master.key, or name it with POSTERN_MASTER_KEY_FILE; nothing was changed")
	}
	return box, nil
}

// masterKeyText finds the master key: in the environment, in the file that is
// named, or in the data directory.
func (a *app) masterKeyText(cfg *config, create bool) (text, where string, err error) {
	if v := a.getenv("POSTERN_MASTER_KEY"); v != "" {
		return v, "POSTERN_MASTER_KEY", nil
	}
	path, named := cfg.MasterKeyFile, cfg.MasterKeyFile != ""
	if !named {
		path = filepath.Join(cfg.Data, "master.key")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create && !named:
		text = seal.Generate()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", path, err
		}
		_, err = f.WriteString(text + "\n")
		return text, path, errors.Join(err, f.Sync(), f.Close())
	case errors.Is(err, fs.ErrNotExist):
		return "", path, postern.Errorf(postern.NotFound, "the master key %s is missing, and this database needs it", path).
			WithHint("bring it back from where you keep it, or name it with POSTERN_MASTER_KEY_FILE; nothing was changed")
	case err != nil:
		return "", path, err
	case info.Mode().Perm()&0o077 != 0:
		return "", path, postern.Errorf(postern.Invalid, "others can read the master key %s (mode %04o)", path, info.Mode().Perm()).
			WithHint("chmod 600 %s", path)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the operator names it
	return string(raw), path, err
}

// actor names who runs the command, for the audit trail.
func (a *app) actor() string {
	name := a.getenv("SUDO_USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	if name == "" {
		name = "unknown"
	}
	return "cli:" + postern.Shorten(name, 60)
}

// event begins the record of an administrative change.
func (p *place) event(tenant, action, object, detail string) postern.Event {
	return postern.Event{Tenant: tenant, At: p.now(), Action: action, Actor: p.actor(), Object: object, Detail: detail}
}

func (p *place) keys() *issuer.Keys {
	return &issuer.Keys{Store: p.db, Box: p.box, Now: p.now, Policy: p.cfg.keyPolicy(), Actor: p.actor()}
}

// tenant looks a tenant up for a command on the database here.
func (p *place) tenant(ctx context.Context, id string) (postern.Tenant, error) {
	t, err := p.db.Tenant(ctx, id)
	if postern.CodeOf(err) == postern.NotFound {
		return t, noTenant(postern.Errorf(postern.NotFound, "there is no tenant %q", postern.Shorten(id, 80)))
	}
	return t, err
}
