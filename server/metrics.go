package server

import (
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"postern.dev/postern"
)

// Bounds of what callers can add to the metrics.
const (
	maxLabelledClients  = 200
	maxLabelledDialects = 32
)

// Metrics is what operators can watch, on a registry of its own. It is safe for
// concurrent use. No label holds a value that a caller can choose freely.
type Metrics struct {
	registry *prometheus.Registry

	events      *prometheus.CounterVec
	deprecated  *prometheus.CounterVec
	batch       prometheus.Histogram
	commit      prometheus.Histogram
	requests    *prometheus.HistogramVec
	inflight    *prometheus.GaugeVec
	connections prometheus.Gauge
	refused     *prometheus.CounterVec

	mu       sync.RWMutex
	counters map[eventLabels]prometheus.Counter
	clients  map[string]bool // those with a label of their own
	dialects map[string]bool
}

type eventLabels struct {
	dialect, action string
	code            postern.Code
}

// NewMetrics makes the metrics with the collectors of process and runtime.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		counters: map[eventLabels]prometheus.Counter{},
		clients:  map[string]bool{},
		dialects: map[string]bool{},
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_token_events_total", Help: "Events of the audit trail by dialect, action and code of refusal.",
		}, []string{"dialect", "action", "code"}),
		deprecated: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_deprecated_credentials_total", Help: "Credentials that came in a form that should no longer be used.",
		}, []string{"client", "form"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "postern_journal_batch_size", Help: "Entries committed together.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "postern_journal_commit_seconds", Help: "Time of one commit of the journal.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2, 16),
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "postern_http_request_duration_seconds", Help: "Time from the end of the header to the end of the answer.",
			Buckets: []float64{100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "class"}),
		inflight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "postern_http_requests_in_flight", Help: "Requests being answered.",
		}, []string{"route"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postern_connections_open", Help: "Connections accepted and not yet closed.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_connections_refused_total", Help: "Connections closed at once because of a limit.",
		}, []string{"limit"}),
	}
	m.registry.MustRegister(m.events, m.deprecated, m.batch, m.commit, m.requests, m.inflight, m.connections,
		m.refused, buildInfo())
	// The successor of these two, package collectors, imports database/sql, which this
	// package must not reach.
	//lint:ignore SA1019 see above
	m.registry.MustRegister(prometheus.NewGoCollector(), prometheus.NewProcessCollector(prometheus.ProcessCollectorOpts{}))
	return m
}

// buildInfo is 1, and its labels say what runs.
func buildInfo() prometheus.Collector {
	labels := prometheus.Labels{"version": "unknown", "revision": "unknown", "goversion": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["version"] = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postern_build_info", Help: "What runs.", ConstLabels: labels,
	}, func() float64 { return 1 })
}

// Handler exposes the metrics in the formats of Prometheus. The server mounts it at
// /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Observe counts an event. A credential that came in a query is also counted per
// client, so that an operator knows whom to talk to: at most 200 clients by id, the
// rest as "other", and those that did not prove themselves as "unproven".
func (m *Metrics) Observe(e postern.Event) {
	m.counter(e).Inc()
	if e.Via == postern.ViaQuery {
		m.deprecated.WithLabelValues(m.clientLabel(e), e.Via).Inc()
	}
}

func (m *Metrics) counter(e postern.Event) prometheus.Counter {
	key := eventLabels{e.Dialect, e.Action, e.Code}
	m.mu.RLock()
	c, ok := m.counters[key]
	m.mu.RUnlock()
	if ok {
		return c
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := key
	if key.dialect != "" && !admitLabel(m.dialects, key.dialect, maxLabelledDialects) {
		key.dialect = "other"
	}
	if !slices.Contains(postern.Actions, key.action) {
		key.action = "other"
	}
	if key.code != "" && !slices.Contains(postern.Codes, key.code) {
		key.code = "other"
	}
	c = m.events.WithLabelValues(key.dialect, key.action, string(key.code))
	if key == asked { // what is not ours is not remembered: there may be any number
		m.counters[key] = c
	}
	return c
}

func (m *Metrics) clientLabel(e postern.Event) string {
	if e.Code != "" || e.ClientID == "" {
		return "unproven"
	}
	m.mu.RLock()
	known := m.clients[e.ClientID]
	m.mu.RUnlock()
	if known {
		return e.ClientID
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if admitLabel(m.clients, e.ClientID, maxLabelledClients) {
		return e.ClientID
	}
	return "other"
}

// admitLabel says whether value may be a label, and remembers it if there is room.
func admitLabel(seen map[string]bool, value string, limit int) bool {
	if seen[value] {
		return true
	}
	if len(seen) >= limit {
		return false
	}
	seen[value] = true
	return true
}

// ObserveCommit notes that n entries of the journal were committed together in d.
func (m *Metrics) ObserveCommit(n int, d time.Duration) {
	m.batch.Observe(float64(n))
	m.commit.Observe(d.Seconds())
}

// Gauge exposes what f says at the time of asking, such as the size of a cache. f
// must be quick and safe for concurrent use. A later gauge of the same name replaces
// an earlier one. It panics when name is no metric name.
func (m *Metrics) Gauge(name, help string, f func() float64) {
	m.put(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
}

// Counter is Gauge for a number that only grows.
func (m *Metrics) Counter(name, help string, f func() float64) {
	m.put(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f))
}

// LogDropped exposes how many log records were lost.
func (m *Metrics) LogDropped(f func() uint64) {
	m.Counter("postern_log_records_dropped_total", "Log records lost because the log was not read fast enough.",
		func() float64 { return float64(f()) })
}

func (m *Metrics) put(c prometheus.Collector) {
	err := m.registry.Register(c)
	if dup, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		m.registry.Unregister(dup.ExistingCollector)
		err = m.registry.Register(c)
	}
	if err != nil {
		panic(err) // a name or help text of ours is wrong
	}
}

// durations are the histograms of one route by class of status, each made when it is
// first needed.
type durations struct {
	route   string
	vec     *prometheus.HistogramVec
	classes [6]atomic.Pointer[prometheus.Observer]
}

func (m *Metrics) route(name string) *durations { return &durations{route: name, vec: m.requests} }

func (d *durations) observe(status int, took time.Duration) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	o := d.classes[class].Load()
	if o == nil {
		made := d.vec.WithLabelValues(d.route, [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}[class])
		o = &made
		d.classes[class].Store(o)
	}
	(*o).Observe(took.Seconds())
}
