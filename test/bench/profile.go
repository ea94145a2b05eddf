package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// profiled is added to the program, by an overlay of the build, when it is to be
// profiled; the tree does not have it.
const profiled = `package main

import (
	"net/http"
	_ "net/http/pprof"
	"os"
)

func init() {
	if addr := os.Getenv("POSTERN_BENCH_PPROF"); addr != "" {
		go func() { panic(http.ListenAndServe(addr, nil)) }()
	}
}
`

// overlay writes what makes the build add it, and gives the path.
func (h *house) overlay(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "postern.dev/postern/cmd/postern").Output()
	if err != nil {
		return "", fmt.Errorf("find the program: %w", err)
	}
	source := filepath.Join(h.dir, "profiled.go")
	replace := map[string]map[string]string{"Replace": {filepath.Join(strings.TrimSpace(string(out)), "profiled.go"): source}}
	text, err := json.Marshal(replace)
	if err != nil {
		return "", err
	}
	path := filepath.Join(h.dir, "overlay.json")
	return path, errors.Join(os.WriteFile(source, []byte(profiled), 0o600), os.WriteFile(path, text, 0o600))
}

// profile writes what each row spends its time and its memory on: the processor over
// the time of all its runs, what was allocated since the start, and what is held.
func (h *house) profile(ctx context.Context, rows []row) error {
	if err := os.MkdirAll(h.settings.profile, 0o750); err != nil {
		return err
	}
	for _, r := range rows {
		if err := h.profileRow(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

func (h *house) profileRow(ctx context.Context, r row) error {
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	h.pprof = addr
	p, err := h.open(ctx, r)
	if p != nil {
		defer p.end(&report{})
	}
	if err != nil {
		return err
	}
	name := filepath.Join(h.settings.profile, strings.NewReplacer(" ", "-", ",", "").Replace(r.name))
	if err := h.profileServer(ctx, p, p.floor, p.floor.addr, name+".floor"); err != nil {
		return err
	}
	return h.profileServer(ctx, p, p.postern, addr, name)
}

// profileServer profiles one of the two, whose profiles are offered at addr.
func (h *house) profileServer(ctx context.Context, p *pair, server *process, addr, name string) error {
	lasts := time.Duration(h.runs) * h.lasts
	h.say("profiling %s for %v", p.row.name, lasts)
	ended := make(chan error, 1)
	go func() {
		ended <- fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", addr, lasts.Seconds()), name+".cpu")
	}()
	l := load{addr: server.addr, conns: p.conns(h.settings), lasts: lasts + 500*time.Millisecond, inOrder: p.row.fresh && server == p.postern}
	f, err := server.measure(ctx, l, p.crowd)
	err = errors.Join(err, <-ended,
		fetch(ctx, "http://"+addr+"/debug/pprof/allocs", name+".allocs"),
		fetch(ctx, "http://"+addr+"/debug/pprof/heap?gc=1", name+".heap"))
	if err == nil {
		h.note("%d tokens, %.1f µs each, %.1f records a commit: go tool pprof -top %s.cpu", f.Tokens, f.CPU, f.PerCommit, name)
	}
	return err
}

// fetch writes what is at url to a file.
func fetch(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return os.WriteFile(file, body, 0o600)
}
