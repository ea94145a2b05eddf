package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// database is a prepared database and what a server needs to serve from it.
type database struct {
	dsn    string
	dir    string // data directory
	config string
	public []byte // the key that ES256 tokens are verified with, PKIX
	drop   func()
}

// config switches off what keeps a single caller from asking this often.
const config = `master_key_file: %q
limits: {failures_per_source: -1, failures_per_client: -1, requests_per_client: -1}
`

// prepare makes a database with a population, its keys and nothing else in it. The
// one of a million is made once and copied.
func (h *house) prepare(ctx context.Context, r row) (d *database, err error) {
	h.made++
	dir := filepath.Join(h.dir, fmt.Sprintf("data-%d", h.made))
	d = &database{dir: dir, dsn: "sqlite:" + filepath.Join(dir, "postern.db"), config: filepath.Join(dir, "postern.yaml"),
		drop: func() { _ = os.RemoveAll(dir) }}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.drop()
		}
	}()
	if err := os.WriteFile(d.config, fmt.Appendf(nil, config, h.keyFile), 0o600); err != nil {
		return nil, err
	}
	switch {
	case r.empty:
	case r.postgres:
		if d.dsn, d.drop, err = h.schema(ctx); err != nil {
			return nil, err
		}
		err = h.fill(ctx, d, r.people)
	case r.people.size >= bulk:
		err = h.copyPristine(ctx, d, r.people)
	default:
		err = h.fill(ctx, d, r.people)
	}
	return d, err
}

// copyPristine copies a large population that nobody has served from yet, and makes
// it first if it is the first time.
func (h *house) copyPristine(ctx context.Context, d *database, p population) error {
	keep := h.dir
	if h.settings.dir != "" {
		keep = h.settings.dir
	}
	pristine := filepath.Join(keep, fmt.Sprintf("pristine-%d", p.size))
	h.say("copying the database of %s clients", thousands(p.size))
	return h.copyKept(d, pristine, func(half *database) error { return h.fill(ctx, half, p) })
}

// copyKept copies the database in a directory, and has it made if it is not there.
func (h *house) copyKept(d *database, pristine string, fill func(*database) error) error {
	if _, err := os.Stat(pristine); errors.Is(err, os.ErrNotExist) {
		half := pristine + ".new"
		// What is there is of a run that was interrupted.
		if err := errors.Join(os.RemoveAll(half), os.Mkdir(half, 0o700)); err != nil {
			return err
		}
		if err := fill(&database{dsn: "sqlite:" + filepath.Join(half, "postern.db")}); err != nil {
			return err
		}
		if err := os.Rename(half, pristine); err != nil {
			return err
		}
	}
	for _, name := range []string{"postern.db", "postern.db-wal"} {
		err := copyFile(filepath.Join(d.dir, name), filepath.Join(pristine, name))
		if err != nil && !(name != "postern.db" && errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from) //nolint:gosec // our own
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // our own
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// What is copied is on the disk before anything is measured.
	return errors.Join(err, out.Sync(), out.Close())
}

// fill writes keys, tenants, clients and the agent into an empty database.
func (h *house) fill(ctx context.Context, d *database, p population) error {
	h.say("registering %s clients", thousands(p.size))
	db, err := store.Open(ctx, d.dsn, store.Options{})
	if err != nil {
		return err
	}
	err = fill(ctx, db, h.box, p)
	if err == nil {
		d.public, err = publicKey(ctx, db)
	}
	return errors.Join(err, db.Close())
}

func fill(ctx context.Context, db *store.DB, box *seal.Box, p population) error {
	now := time.Now()
	if _, err := db.SetMeta(ctx, "master_key", box.Fingerprint()); err != nil {
		return err
	}
	keys := issuer.Keys{Store: db, Box: box, Actor: "bench"}
	if err := keys.Ensure(ctx); err != nil {
		return err
	}
	for i := range min(p.tenants, p.size) {
		t := postern.Tenant{ID: p.tenant(i), Name: "Bench", CreatedAt: now, UpdatedAt: now}
		if p.public {
			t.PartnerID = agentPartner
		}
		if err := db.CreateTenant(ctx, t, postern.Event{At: now, Action: postern.ActTenantCreated, Actor: "bench"}); err != nil {
			return err
		}
	}
	if p.public {
		if err := fillAgent(ctx, db, box, p); err != nil {
			return err
		}
	}
	return db.LoadClients(ctx, p.clients(issuer.NewHasher(box), now))
}

func fillAgent(ctx context.Context, db *store.DB, box *seal.Box, p population) error {
	hash, err := issuer.NewPasswords(box).Hash(ctx, postern.NewSecret(agentPassword))
	if err != nil {
		return err
	}
	u := postern.User{ID: "6f1d2c3b-4a59-4687-8796-a5b4c3d2e1f0", Tenant: p.tenant(0), Email: "agent@bench.test", Role: "AGENT",
		AgentID: "0f1e2d3c-4b5a-4697-8877-665544332211", SiteID: 10115, PasswordHash: hash}
	return db.CreateUser(ctx, u, postern.Event{At: time.Now(), Action: postern.ActUserCreated, Actor: "bench"})
}

func publicKey(ctx context.Context, db *store.DB) ([]byte, error) {
	keys, err := db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Alg == postern.ES256 {
			return base64.StdEncoding.DecodeString(k.PublicDER)
		}
	}
	return nil, errors.New("there is no ES256 key")
}
