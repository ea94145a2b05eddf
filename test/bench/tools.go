package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/proxy"
	"postern.dev/postern/store"
)

// The row of the tools: who is out this week, asked of a company of so many persons.
const (
	rowTools     = "tools: who is out this week"
	toolPeople   = 10_000
	toolAbsences = 500
)

// toolMonday begins the week that is asked about, in which nobody of hrFill is away.
var toolMonday = postern.NewDate(2027, time.June, 14)

// toolRun is the question asked through the tools, and by the calls of the Directory that
// it takes, without them: once of the real program, and then of its answers, remembered,
// because what lies between the two is far less than what a server's answers vary by.
type toolRun struct {
	Requests      int     // of the tools, to the API
	Tools, Direct float64 // ms, of the real program
	// Again is the same question once names are known.
	Again         float64 // ms
	AgainRequests int
	// Medians over the answers remembered, in ms; the processor time is this process's.
	ReplayTools, ReplayDirect       float64
	ReplayToolsCPU, ReplayDirectCPU float64
}

// replays is how often a run asks the answers remembered, each way.
const replays = 40

// added is what the tools add to each call of the API, in ms.
func (r *toolRun) added() float64 { return (r.ReplayTools - r.ReplayDirect) / float64(r.Requests) }
func (r *toolRun) addedCPU() float64 {
	return (r.ReplayToolsCPU - r.ReplayDirectCPU) / float64(r.Requests)
}

// measureTools asks the question through the connector: tools, Directory, transport with
// the broker's token, and the real program with its database.
func (h *house) measureTools(ctx context.Context, rep *report) error {
	if !h.only.MatchString(rowTools) {
		return nil
	}
	people := machines(1, postern.ES256)
	d, err := h.prepare(ctx, row{people: people})
	if err != nil {
		return err
	}
	defer d.drop()
	if err := h.fillTools(ctx, d); err != nil {
		return err
	}
	p, err := h.serve(ctx, d, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer p.stop()
	c, err := connect("http://"+p.addr, people.credential(0))
	if err != nil {
		return err
	}
	defer c.close()
	for n := range h.runs + 1 {
		h.say("run %d of %d: %s", n, h.runs, rowTools)
		r, err := c.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", rowTools, err, p.lastWords())
		}
		if n > 0 { // the first warms up
			rep.Tools = append(rep.Tools, r)
		}
	}
	return nil
}

// fillTools loads the company of the other rows without its attendance, and the absences
// of the week: some within it, some that it lies within, and two that only touch it.
func (h *house) fillTools(ctx context.Context, d *database) error {
	db, err := store.Open(ctx, d.dsn, store.Options{})
	if err != nil {
		return err
	}
	sandbox := postern.Sandbox{Tenant: hrTenant, Switches: map[string]string{"rate-limit": "off"}}
	err = db.SetSandbox(ctx, sandbox, postern.Event{At: time.Now(), Tenant: hrTenant, Action: postern.ActSandbox, Actor: "bench"})
	if err == nil {
		err = db.Directory(hrTenant).Load(ctx, func(yield func(store.Row) bool) {
			for r := range h.company(toolPeople) {
				if _, times := r.(store.AttendanceRow); times {
					break
				}
				if !yield(r) {
					return
				}
			}
			for _, a := range toolWeek() {
				if !yield(store.AbsenceRow{Absence: a}) {
					return
				}
			}
		})
	}
	return errors.Join(err, db.Close())
}

// toolWeek are the absences that overlap the week, and two beside it.
func toolWeek() (all []postern.Absence) {
	for i := range toolAbsences + 2 {
		first, last := toolMonday+postern.Date(i%5), toolMonday+postern.Date(i%5+i%3)
		switch {
		case i == toolAbsences:
			first, last = toolMonday-7, toolMonday-1
		case i == toolAbsences+1:
			first, last = toolMonday+7, toolMonday+9
		case i%10 == 0:
			first, last = toolMonday-20, toolMonday+20
		case i%10 == 1:
			first = toolMonday - 3
		}
		all = append(all, postern.Absence{Person: postern.PersonID(i*toolPeople/(toolAbsences+2) + 1), Type: hrID("type", i%4), Zone: "Europe/Berlin",
			Status: postern.Approved, Span: postern.DaySpan(first, last, false, false), Origin: "web", CreatedBy: "Bench"})
	}
	return all
}

// connector is the tools over the real program, wired as `postern call` wires them.
type connector struct {
	broker *broker.Broker
	count  *counting
	dir    *hr.Remote
}

// upstreamName is what the broker calls the program.
const upstreamName = "bench"

// tokens asks for tokens.
type tokens struct{ hc *http.Client }

// Fetch implements broker.Fetcher.
func (t tokens) Fetch(ctx context.Context, up postern.Upstream, req postern.Request) (broker.Answer, error) {
	d, _ := dialect.Named(up.Dialect)
	tok, err := dialect.Fetch(ctx, t.hc, d, up.BaseURL, req)
	return broker.Answer{Token: tok}, err
}

// counting counts the calls of the API and remembers their answers; with again it gives
// those, and asks nobody.
type counting struct {
	next  http.RoundTripper
	n     atomic.Int64
	again bool

	mu    sync.Mutex
	known map[string]remembered // by URL
}

type remembered struct {
	status int
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	key := r.URL.RequestURI()
	c.mu.Lock()
	was, ok := c.known[key]
	c.mu.Unlock()
	if !c.again || !ok {
		resp, err := c.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return nil, err
		}
		was = remembered{resp.StatusCode, resp.Header, body}
		c.mu.Lock()
		c.known[key] = was
		c.mu.Unlock()
	}
	return &http.Response{Status: http.StatusText(was.status), StatusCode: was.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: was.header.Clone(), Body: io.NopCloser(bytes.NewReader(was.body)), ContentLength: int64(len(was.body)), Request: r}, nil
}

func connect(url string, who credential) (*connector, error) {
	c := &connector{count: &counting{next: proxy.NewBase(), known: map[string]remembered{}}}
	secret := func(context.Context) (postern.Secret, error) { return postern.NewSecret(who.secret), nil }
	var err error
	c.broker, err = broker.New(broker.Config{Fetch: tokens{&http.Client{Timeout: 10 * time.Second}}, Upstreams: []postern.Upstream{
		{Name: upstreamName, Dialect: "oauth2", BaseURL: url + "/oauth2/token", APIURL: url, ClientID: who.id, Secret: secret}}})
	if err != nil {
		return nil, err
	}
	t, err := proxy.New(proxy.Config{Upstream: upstreamName, API: url, Tokens: c.broker, Base: c.count})
	if err == nil {
		c.dir, err = hr.Dial(url, &http.Client{Transport: t, Timeout: time.Minute})
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *connector) close() { _ = c.broker.Close() }

// run asks both ways: the real program, and then its answers, in turns. The tools are new
// each time, so that they know no names, but for once.
func (c *connector) run(ctx context.Context) (r toolRun, err error) {
	c.count.again = false
	bare := func() error { return direct(ctx, c.dir) }
	if r.Direct, _, _, err = c.timed(bare); err != nil {
		return r, err
	}
	tools := c.tools()
	if r.Tools, _, r.Requests, err = c.timed(func() error { return out(ctx, tools) }); err != nil {
		return r, err
	}
	if r.Again, _, r.AgainRequests, err = c.timed(func() error { return out(ctx, tools) }); err != nil {
		return r, err
	}
	c.count.again = true
	var wall, cpu [2][]float64
	for range replays {
		tools := c.tools()
		for i, ask := range []func() error{bare, func() error { return out(ctx, tools) }} {
			runtime.GC() // what one way leaves behind is not the other's to clear away
			w, p, _, err := c.timed(ask)
			if err != nil {
				return r, err
			}
			wall[i], cpu[i] = append(wall[i], w), append(cpu[i], p)
		}
	}
	r.ReplayDirect, r.ReplayTools = median(wall[0]), median(wall[1])
	r.ReplayDirectCPU, r.ReplayToolsCPU = median(cpu[0]), median(cpu[1])
	return r, nil
}

// tools are new ones, in the week that is asked about.
func (c *connector) tools() *mcptool.Tools {
	return mcptool.New(mcptool.Config{
		Directory: func(mcptool.Caller) (postern.Directory, error) { return c.dir, nil },
		Record:    func(context.Context, postern.Event) error { return nil },
		Zone:      func(context.Context, mcptool.Caller) (string, error) { return "Europe/Berlin", nil },
		Now:       func() time.Time { return (toolMonday + 2).At(11 * time.Hour).In(time.UTC) },
	})
}

// timed gives what a question takes: ms, ms of this process's processor time, and
// requests.
func (c *connector) timed(ask func() error) (wall, cpu float64, requests int, err error) {
	n, used, begin := c.count.n.Load(), ownTime(), time.Now()
	err = ask()
	return millis(time.Since(begin)), millis(ownTime() - used), int(c.count.n.Load() - n), err
}

// out asks the tools who is out this week, and looks whether the answer is whole.
func out(ctx context.Context, tools *mcptool.Tools) error {
	answer, err := tools.Call(ctx, mcptool.Caller{Tenant: upstreamName, ClientID: "bench", Judged: true}, "list_absence_periods",
		json.RawMessage(`{"from":"this-week"}`))
	if err != nil {
		return err
	}
	items, _ := answer.Data["items"].([]any)
	whole := func(v any) bool {
		item, _ := v.(map[string]any)
		name, _ := item["person_name"].(string)
		kind, _ := item["absence_type_name"].(string)
		return strings.HasPrefix(name, "First") && strings.HasPrefix(kind, "Type ")
	}
	if len(items) != toolAbsences || answer.Data["truncated"] != false || !slices.ContainsFunc(items, whole) ||
		slices.ContainsFunc(items, func(v any) bool { return !whole(v) }) {
		return fmt.Errorf("the tools answer with %d absences, truncated %v, of %d with names", len(items), answer.Data["truncated"], toolAbsences)
	}
	return nil
}

// direct makes the calls that the question takes at the least, as the tools make them:
// the pages of the absences, the types, and the persons by fifty, four calls at once.
func direct(ctx context.Context, dir postern.Directory) error {
	q := postern.AbsenceQuery{Within: postern.LocalRange{From: toolMonday.At(0), To: (toolMonday + 7).At(0) - 1}, Paging: postern.Paging{Limit: 100}}
	people, found := map[postern.PersonID]bool{}, 0
	for {
		page, err := dir.Absences(ctx, q)
		if err != nil {
			return err
		}
		for i := range page.Items {
			people[page.Items[i].Person] = true
		}
		found += len(page.Items)
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if _, err := dir.AbsenceTypes(ctx, postern.Paging{Limit: 100}); err != nil {
		return err
	}
	var ids []postern.PersonID
	for id := range people {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		failed error
		turns  = make(chan struct{}, 4)
	)
	for batch := range slices.Chunk(ids, 50) {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			_, err := dir.Persons(ctx, postern.PersonQuery{IDs: batch, Paging: postern.Paging{Limit: 50}})
			mu.Lock()
			failed = errors.Join(failed, err)
			mu.Unlock()
		})
	}
	all.Wait()
	if failed == nil && found != toolAbsences {
		failed = fmt.Errorf("the API answers with %d absences of %d", found, toolAbsences)
	}
	return failed
}

// tools writes what the question took.
func (r *report) tools(b *strings.Builder) {
	of := func(f func(*toolRun) float64) float64 { return medianOf(r.Tools, f) }
	fmt.Fprintf(b, "Who is out this week, %s persons, %d absences: %.0f requests, %.1f ms by the tools, %.1f ms by the same calls without them;\n"+
		"asked again, with the names known: %.0f requests, %.1f ms. Of answers that are remembered: %.1f ms by the tools, %.1f ms without;\n"+
		"the tools add %.3f ms to each call (%.3f to %.3f), and %.3f ms of processor time.\n",
		thousands(toolPeople), toolAbsences, of(func(r *toolRun) float64 { return float64(r.Requests) }), of(func(r *toolRun) float64 { return r.Tools }),
		of(func(r *toolRun) float64 { return r.Direct }), of(func(r *toolRun) float64 { return float64(r.AgainRequests) }),
		of(func(r *toolRun) float64 { return r.Again }), of(func(r *toolRun) float64 { return r.ReplayTools }),
		of(func(r *toolRun) float64 { return r.ReplayDirect }), of((*toolRun).added), least(r.Tools, (*toolRun).added),
		-least(r.Tools, func(r *toolRun) float64 { return -r.added() }), of((*toolRun).addedCPU))
}

func medianOf(runs []toolRun, f func(*toolRun) float64) float64 {
	all := make([]float64, len(runs))
	for i := range runs {
		all[i] = f(&runs[i])
	}
	return median(all)
}

func least(runs []toolRun, f func(*toolRun) float64) float64 {
	low := f(&runs[0])
	for i := range runs {
		low = min(low, f(&runs[i]))
	}
	return low
}

// requiredTools holds the tools against their bounds.
func (r *report) requiredTools() []string {
	if len(r.Tools) == 0 {
		return nil
	}
	most := 0
	for i := range r.Tools {
		most = max(most, r.Tools[i].Requests)
	}
	added := medianOf(r.Tools, (*toolRun).addedCPU)
	return []string{
		verdict(most <= maxToolRequests, "%s, %s persons and %d absences: %d requests (at most %d)", rowTools, thousands(toolPeople), toolAbsences, most, maxToolRequests),
		verdict(added < maxToolAdds, "%s: %.3f ms of processor time added to each call of the API (under %g)", rowTools, added, maxToolAdds),
	}
}
