package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"postern.dev/postern/internal/seal"
)

// house is where a benchmark takes place: a directory, the programs, the master key
// and, perhaps, a PostgreSQL.
type house struct {
	settings
	*progress
	dir     string // goes when the bench ends
	postern string // the program measured
	bench   string // this program, built like the other, for the floor
	keyFile string
	box     *seal.Box
	admin   *sql.DB // nil without PostgreSQL
	fsync   string  // what PostgreSQL says about waiting for the disk
	made    int     // databases so far
	pprof   string  // where a profiled program is to offer its profiles
}

func openHouse(ctx context.Context, s settings, p *progress) (*house, error) {
	dir, err := os.MkdirTemp("", "postern-bench-")
	if err != nil {
		return nil, err
	}
	h := &house{settings: s, progress: p, dir: dir, postern: filepath.Join(dir, "postern"), bench: filepath.Join(dir, "bench")}
	for _, step := range []func(context.Context) error{h.build, h.masterKey, h.openPostgres} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *house) close() error {
	var err error
	if h.admin != nil {
		err = h.admin.Close()
	}
	return errors.Join(err, os.RemoveAll(h.dir))
}

// build makes both programs alike, as a release is made.
func (h *house) build(ctx context.Context) error {
	h.say("building")
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", h.dir + string(filepath.Separator)}
	if h.settings.profile != "" {
		overlay, err := h.overlay(ctx)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "postern.dev/postern/cmd/postern", "postern.dev/postern/test/bench")...) //nolint:gosec // our own packages
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// masterKey takes the key of the kept directory, or makes one.
func (h *house) masterKey(context.Context) error {
	keep := h.dir
	if h.settings.dir != "" {
		keep = h.settings.dir
		if err := os.MkdirAll(keep, 0o700); err != nil {
			return err
		}
	}
	h.keyFile = filepath.Join(keep, "master.key")
	text, err := os.ReadFile(h.keyFile)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(seal.Generate())
		err = os.WriteFile(h.keyFile, text, 0o600)
	}
	if err != nil {
		return err
	}
	raw, err := seal.Parse(string(text))
	if err != nil {
		return err
	}
	h.box, err = seal.New(raw)
	return err
}

func (h *house) openPostgres(ctx context.Context) (err error) {
	if h.settings.postgres == "" {
		h.note("POSTERN_TEST_POSTGRES names no PostgreSQL: SQLite alone is measured (test/with-postgres provides one)")
		return nil
	}
	if h.admin, err = sql.Open("pgx", h.settings.postgres); err != nil {
		return err
	}
	return h.admin.QueryRowContext(ctx, "SHOW fsync").Scan(&h.fsync)
}

// schema makes an empty schema and gives the DSN that leads into it.
func (h *house) schema(ctx context.Context) (dsn string, drop func(), err error) {
	name := fmt.Sprintf("bench%d_%d", os.Getpid(), h.made)
	if _, err := h.admin.ExecContext(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", nil, err
	}
	sep := "?"
	if strings.Contains(h.settings.postgres, "?") {
		sep = "&"
	}
	return h.settings.postgres + sep + "search_path=" + name, func() {
		// Not with ctx: an interrupted run cleans up too.
		if _, err := h.admin.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+name+" CASCADE"); err != nil {
			h.note("the schema %s is left behind: %v", name, err)
		}
	}, nil
}

var listening = regexp.MustCompile(`msg=listening url=http://([0-9.:]+)`)

// serve starts Postern on the database, on the given address, as `postern serve`
// does on its own: log records go to a file, every request has one. Only the limits
// are off, since a bench is what they are there to stop.
func (h *house) serve(ctx context.Context, d *database, listen string) (*process, error) {
	cmd := exec.Command(h.postern, "serve", "--listen", listen, "--db", d.dsn, "--data", d.dir, //nolint:gosec // our own
		"--config", d.config)
	cmd.Env = append(os.Environ(), "POSTERN_BENCH_PPROF="+h.pprof)
	p, err := start(cmd, filepath.Join(d.dir, "log"))
	if err != nil || !strings.HasSuffix(listen, ":0") {
		p.setAddr(listen)
		return p, err
	}
	err = p.await(ctx, func(log []byte) bool {
		m := listening.FindSubmatch(log)
		if m != nil {
			p.setAddr(string(m[1]))
		}
		return m != nil
	})
	return p, err
}

// floor starts the floor beside the answer it is to give.
func (h *house) floor(ctx context.Context, cfg io.Reader) (*process, error) {
	cmd := exec.Command(h.bench, floorCommand) //nolint:gosec // our own
	cmd.Stdin = cfg
	h.made++
	p, err := start(cmd, filepath.Join(h.dir, fmt.Sprintf("floor-%d.log", h.made)))
	if err != nil {
		return nil, err
	}
	return p, p.await(ctx, func(log []byte) bool {
		addr, rest, ok := strings.Cut(string(log), "\n")
		if ok && rest == "" {
			p.setAddr(addr)
		}
		return ok && rest == ""
	})
}
