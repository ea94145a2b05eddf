package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement.
type process struct {
	cmd   *exec.Cmd
	addr  string // host:port
	log   string // file of everything it prints
	ended chan struct{}
}

// start starts a server that prints to a file.
func start(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.Create(log) //nolint:gosec // in our own directory
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the process has its own
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(p.ended)
	}()
	return p, nil
}

func (p *process) setAddr(addr string) {
	if p != nil {
		p.addr = addr
	}
}

// await returns when what the process has printed satisfies ready, and stops the
// process when it does not within a minute.
func (p *process) await(ctx context.Context, ready func(log []byte) bool) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		log, err := os.ReadFile(p.log)
		if err != nil || ready(log) {
			return err
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
			err = ctx.Err()
		case <-late:
			err = errors.New("it did not begin to listen within a minute")
		case <-p.ended:
			err = errors.New("it ended")
		}
		p.stop()
		return fmt.Errorf("%s: %w\n%s", p.cmd.Path, err, tail(log))
	}
}

// stop asks the process to end and waits until it has.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// lastWords is what the process printed last, for an error.
func (p *process) lastWords() string {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(tail(log))
}

func tail(log []byte) []byte { return bytes.TrimSpace(log[max(0, len(log)-2000):]) }

// clockTicks a second are what /proc counts processor time in (USER_HZ, which is 100
// on every Linux that Go runs on).
const clockTicks = 100

// processorTime is the user and system time of the process so far.
func (p *process) processorTime() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(stat))
}

// parseStat reads utime and stime, the 14th and 15th field. The second is a name in
// parentheses that may hold anything.
func parseStat(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%q is not /proc/PID/stat", stat)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicks, errors.Join(err1, err2)
}

// memory is resident memory in bytes: the most there ever was, now, and of what is
// there now the part that is not a mapped file such as the program itself.
type memory struct{ Peak, Resident, Anonymous int64 }

func (p *process) memory() (m memory, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(status)) {
		for name, to := range map[string]*int64{"VmHWM:": &m.Peak, "VmRSS:": &m.Resident, "RssAnon:": &m.Anonymous} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				if err != nil {
					return m, err
				}
				*to = kib << 10
			}
		}
	}
	return m, nil
}

// The metrics that are read. The floor has the first two.
const (
	metricMallocs = "go_memstats_mallocs_total"
	metricBytes   = "go_memstats_alloc_bytes_total"
	metricEntries = "postern_journal_batch_size_sum"
	metricCommits = "postern_journal_batch_size_count"
)

// metrics reads those metrics of the process that have no labels.
func (p *process) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET /metrics: %s", resp.Status)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if f, err := strconv.ParseFloat(value, 64); ok && err == nil && !strings.HasPrefix(line, "#") {
			out[name] = f
		}
	}
	return out, nil
}

// freeAddress gives a loopback address that nobody listens on. Another program may
// take it meanwhile; then Postern says so and the bench fails.
func freeAddress(ctx context.Context) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}
