package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern"
)

// pair is a row under measurement: Postern with its database, and the floor.
type pair struct {
	row      row
	data     *database
	postern  *process
	floor    *process
	crowd    *crowd
	measured *measured // where the figures go
}

// measure runs a group of rows: all are started, then each in turn is measured once,
// the floor first, until every row has had its runs.
func (h *house) measure(ctx context.Context, rows []row, rep *report) error {
	var pairs []*pair
	defer func() {
		for _, p := range pairs {
			p.end(rep)
		}
	}()
	for _, r := range rows {
		p, err := h.open(ctx, r)
		if p != nil {
			pairs = append(pairs, p)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	for n := range h.runs {
		for _, p := range pairs {
			h.say("run %d of %d: %s", n+1, h.runs, p.row.name)
			if err := p.run(ctx, h.settings); err != nil {
				return fmt.Errorf("%s: %w\n%s", p.row.name, err, p.postern.lastWords())
			}
		}
	}
	return nil
}

// open prepares the database, starts both servers and warms them up.
func (h *house) open(ctx context.Context, r row) (p *pair, err error) {
	p = &pair{row: r, measured: &measured{Name: r.name, Clients: r.people.size, Asking: r.asks()}}
	if p.data, err = h.prepare(ctx, r); err != nil {
		return nil, err
	}
	if p.postern, err = h.serve(ctx, p.data, "127.0.0.1:0"); err != nil {
		return p, err
	}
	h.say("warming up: %s", r.name)
	tokens, err := h.tokens(ctx, p)
	if err != nil {
		return p, err
	}
	p.crowd = newCrowd(r, tokens)
	first, err := p.crowd.next(nil, nil, true)
	if err != nil {
		return p, err
	}
	answer, err := askOnce(ctx, p.postern.addr, first)
	if err != nil {
		return p, fmt.Errorf("%w\n%s", err, p.postern.lastWords())
	}
	cfg, err := floorFor(r, p.data, answer)
	if err != nil {
		return p, err
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return p, err
	}
	if p.floor, err = h.floor(ctx, bytes.NewReader(text)); err != nil {
		return p, err
	}
	return p, p.warmUp(ctx, h.settings)
}

// tokens gets a token for every client that asks about one.
func (h *house) tokens(ctx context.Context, p *pair) (tokens []string, err error) {
	if !p.row.verify {
		return nil, nil
	}
	for _, i := range p.row.people.working(p.row.asks()) {
		who := p.row.people.credential(i)
		answer, err := askOnce(ctx, p.postern.addr, oauth2Ask.request(nil, &who))
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(string(answer), oauth2Ask.before)
		token, _, _ := strings.Cut(rest, `"`)
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// warmUp lets every client ask once or twice, up to what the caches hold, so that runs
// measure a server that has been up for a while.
func (p *pair) warmUp(ctx context.Context, s settings) error {
	for _, server := range []*process{p.postern, p.floor} {
		l := load{addr: server.addr, conns: p.conns(s), lasts: time.Second, inOrder: server == p.postern}
		if !p.row.fresh && !p.row.password {
			l.least = int64(min(2*p.row.asks(), 25_000))
		}
		if _, err := l.run(ctx, p.crowd); err != nil {
			return err
		}
	}
	return nil
}

func (p *pair) conns(s settings) int {
	if p.row.conns != 0 {
		return p.row.conns
	}
	return s.conns
}

// run measures the floor, then Postern.
func (p *pair) run(ctx context.Context, s settings) error {
	var both [2]figures
	for i, server := range []*process{p.floor, p.postern} {
		var err error
		l := load{addr: server.addr, conns: p.conns(s), lasts: s.lasts, inOrder: p.row.fresh && server == p.postern}
		if both[i], err = server.measure(ctx, l, p.crowd); err != nil {
			return err
		}
	}
	p.measured.Floor = append(p.measured.Floor, both[0])
	p.measured.Postern = append(p.measured.Postern, both[1])
	return nil
}

// measure runs a load and gives what it cost the server.
func (p *process) measure(ctx context.Context, l load, c *crowd) (f figures, err error) {
	before, err := p.metrics(ctx)
	if err != nil {
		return f, err
	}
	cpu, err := p.processorTime()
	if err != nil {
		return f, err
	}
	counter, _ := countInstructions(p.cmd.Process.Pid) // without them there is one figure less
	o, err := l.run(ctx, c)
	instructions, ierr := counter.stop()
	if err = errors.Join(err, ierr); err != nil {
		return f, err
	}
	cpuAfter, err := p.processorTime()
	if err != nil {
		return f, err
	}
	m, err := p.memory()
	if err != nil {
		return f, err
	}
	after, err := p.metrics(ctx)
	if err != nil {
		return f, err
	}
	n := float64(o.tokens)
	f = figures{
		Tokens: o.tokens, Rate: o.rate(), CPU: float64((cpuAfter - cpu).Nanoseconds()) / 1e3 / n,
		P50: millis(o.quantile(.50)), P99: millis(o.quantile(.99)),
		Allocations: (after[metricMallocs] - before[metricMallocs]) / n,
		Allocated:   (after[metricBytes] - before[metricBytes]) / n,
		Memory:      m, Instructions: float64(instructions) / 1e3 / n,
	}
	if commits := after[metricCommits] - before[metricCommits]; commits > 0 {
		f.PerCommit = (after[metricEntries] - before[metricEntries]) / commits
	}
	return f, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// end stops the servers, removes the database and hands in the figures.
func (p *pair) end(rep *report) {
	p.floor.stop()
	p.postern.stop()
	p.data.drop()
	if len(p.measured.Postern) > 0 {
		rep.Rows = append(rep.Rows, p.measured)
	}
}

// coldStarts measures the time from the start of the program to the first token, on
// databases that exist.
func (h *house) coldStarts(ctx context.Context, rep *report) error {
	if !h.only.MatchString(rowColdStart) {
		return nil
	}
	for _, size := range []int{1000, million} {
		if h.quick && size > bulk {
			continue
		}
		r := row{name: rowColdStart, people: machines(size, postern.ES256), ask: oauth2Ask}
		d, err := h.prepare(ctx, r)
		if err != nil {
			return err
		}
		defer d.drop()
		c := coldStart{Clients: size}
		for n := range max(5, h.runs) {
			h.say("cold start %d with %s clients", n+1, thousands(size))
			took, err := h.coldStart(ctx, d, r)
			if err != nil {
				return err
			}
			c.Millis = append(c.Millis, millis(took))
		}
		rep.ColdStarts = append(rep.ColdStarts, c)
	}
	return nil
}

// coldStart starts Postern and asks as soon as it accepts connections. The files are
// in the memory of the system, the process is not.
func (h *house) coldStart(ctx context.Context, d *database, r row) (time.Duration, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	who := r.people.credential(0)
	request := r.ask.request(nil, &who)
	start := time.Now()
	p, err := h.serve(ctx, d, addr)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	for {
		_, err := askOnce(ctx, addr, request)
		took := time.Since(start)
		switch {
		case err == nil:
			return took, nil
		case ctx.Err() != nil || took > 10*time.Second:
			return 0, fmt.Errorf("no token: %w\n%s", err, p.lastWords())
		}
		time.Sleep(500 * time.Microsecond)
	}
}
