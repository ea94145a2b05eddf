package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/server"
)

func TestReadinessFollowsReady(t *testing.T) {
	t.Parallel()
	var down atomic.Pointer[postern.Error]
	s := start(t, server.Config{Ready: func(context.Context) error {
		if e := down.Load(); e != nil {
			return e
		}
		return nil
	}})
	for _, c := range []struct {
		err    *postern.Error
		status int
		body   string
	}{
		{nil, 200, `{"status":"ok"}`},
		{&postern.Error{Code: postern.Unavailable, Msg: `the "database" is away`, Err: errors.New("dial canary-7")}, 503,
			`{"status":"unavailable","reason":"the \"database\" is away"}`},
		{&postern.Error{Code: postern.Internal, Msg: "canary-7", Err: errors.New("canary-7")}, 503,
			`{"status":"unavailable","reason":"internal error"}`},
		{nil, 200, `{"status":"ok"}`},
	} {
		down.Store(c.err)
		resp, body := get(t, s.URL()+"/readyz")
		if resp.StatusCode != c.status || strings.TrimSpace(body) != c.body {
			t.Errorf("%v: got %d %s, want %d %s", c.err, resp.StatusCode, body, c.status, c.body)
		}
		if (resp.Header.Get("Retry-After") != "") != (c.status == 503) {
			t.Errorf("%v: Retry-After is %q", c.err, resp.Header.Get("Retry-After"))
		}
		if resp, body := get(t, s.URL()+"/healthz"); resp.StatusCode != 200 || strings.TrimSpace(body) != `{"status":"ok"}` {
			t.Errorf("%v: /healthz gave %d %s, want 200", c.err, resp.StatusCode, body)
		}
	}
}

func TestReadyHasTwoSeconds(t *testing.T) {
	t.Parallel()
	left := make(chan time.Duration, 1)
	s := start(t, server.Config{Ready: func(ctx context.Context) error {
		end, _ := ctx.Deadline()
		left <- time.Until(end)
		return nil
	}})
	get(t, s.URL()+"/readyz")
	if got := <-left; got <= 0 || got > 2*time.Second {
		t.Errorf("Ready has %v, want at most two seconds", got)
	}
}

func TestMetricsAreSeenFromTheConfiguredAddressesOnly(t *testing.T) {
	t.Parallel()
	here, there := netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")
	for _, c := range []struct {
		name   string
		cfg    server.Config
		fields string
		method string
		want   int
	}{
		{"default", server.Config{}, "", "GET", 200},
		{"default, posted", server.Config{}, "", "POST", 405},
		{"elsewhere only", server.Config{MetricsFrom: []netip.Prefix{there}}, "", "GET", 404},
		{"nowhere", server.Config{MetricsFrom: []netip.Prefix{}}, "", "GET", 404},
		{"nowhere, posted", server.Config{MetricsFrom: []netip.Prefix{}}, "", "POST", 404},
		{"from outside through a known proxy", server.Config{TrustedProxies: []netip.Prefix{here}}, "X-Forwarded-For: 192.0.2.1\r\n", "GET", 404},
		{"allowed through a known proxy", server.Config{TrustedProxies: []netip.Prefix{here}, MetricsFrom: []netip.Prefix{there}},
			"X-Forwarded-For: 192.0.2.1\r\n", "GET", 200},
		{"through an unknown proxy", server.Config{}, "X-Forwarded-For: 192.0.2.1\r\n", "GET", 404},
		{"through an unknown proxy that pretends", server.Config{}, "X-Forwarded-For: 127.0.0.1\r\n", "GET", 404},
	} {
		s := start(t, c.cfg)
		resp, body := s.answer(t, c.method+" /metrics HTTP/1.1\r\nHost: a\r\n"+c.fields+"\r\n")
		if resp.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", c.name, resp.StatusCode, c.want)
		}
		if c.want == 404 && strings.Contains(body, "postern_") {
			t.Errorf("%s: the answer holds metrics", c.name)
		}
	}
}

func TestMetricsHoldWhatWasObserved(t *testing.T) {
	t.Parallel()
	m := server.NewMetrics()
	for i := range 250 {
		m.Observe(postern.Event{Dialect: "d", Action: postern.ActTokenIssued, ClientID: "c" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), Via: postern.ViaQuery})
	}
	m.Observe(postern.Event{Dialect: "d", Action: postern.ActTokenRefused, Code: postern.Unauthenticated, ClientID: "guess", Via: postern.ViaQuery})
	m.Observe(postern.Event{Dialect: "d", Action: "made up", Code: "made up"})
	m.ObserveCommit(3, time.Millisecond)
	m.Gauge("postern_cache_clients", "Clients held.", func() float64 { return 41 })
	m.Gauge("postern_cache_clients", "Clients held.", func() float64 { return 42 })
	m.LogDropped(func() uint64 { return 7 })
	files := newCert(t, "one.test", time.Hour)
	release := make(chan struct{})
	entered := make(chan struct{})
	s := start(t, server.Config{Metrics: m, TLSCert: files.cert, TLSKey: files.key, Routes: append(tokenRoutes(),
		server.Route{Pattern: "GET /slow", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(entered); <-release })})})
	c := insecureClient()
	fetch := func(path string) string {
		resp, err := c.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var b strings.Builder
		if err := resp.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	fetch("/things/secret-id")
	fetch("/nothing")
	s.log.record(t, "request", 1)
	go func() {
		if resp, err := c.Get(s.URL() + "/slow"); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	body := fetch("/metrics")
	close(release)
	for _, want := range []string{
		`postern_token_events_total{action="token.issued",code="",dialect="d"} 250`,
		`postern_token_events_total{action="token.refused",code="unauthenticated",dialect="d"} 1`,
		`postern_token_events_total{action="other",code="other",dialect="d"} 1`,
		`postern_deprecated_credentials_total{client="other",form="query"} 50`,
		`postern_deprecated_credentials_total{client="unproven",form="query"} 1`,
		`postern_http_request_duration_seconds_count{class="2xx",route="GET /things/{id}"} 1`,
		`postern_http_request_duration_seconds_count{class="4xx",route="unmatched"} 1`,
		`postern_http_requests_in_flight{route="GET /slow"} 1`,
		`postern_journal_batch_size_sum 3`, `postern_journal_commit_seconds_count 1`,
		`postern_cache_clients 42`, `postern_log_records_dropped_total 7`, `postern_build_info{`,
		`postern_tls_certificate_not_after_seconds `, `postern_connections_open `, `go_goroutines `, `process_start_time_seconds `,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if n := strings.Count(body, "postern_deprecated_credentials_total{"); n != 202 {
		t.Errorf("got %d series of deprecated credentials, want 200 clients, other and unproven", n)
	}
	if strings.Contains(body, "secret-id") || strings.Contains(body, "guess") {
		t.Error("a label holds what a caller chose")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	ok := text("ok")
	for name, cfg := range map[string]server.Config{
		"no address":        {},
		"no port":           {Listen: "127.0.0.1"},
		"key without cert":  {Listen: ":0", TLSKey: "key.pem"},
		"no such cert":      {Listen: ":0", TLSKey: "/nonexistent/key", TLSCert: "/nonexistent/cert"},
		"relative URL":      {Listen: ":0", PublicURL: "/here"},
		"URL with a query":  {Listen: ":0", PublicURL: "https://a/?b=c"},
		"negative limit":    {Listen: ":0", MaxConns: -1},
		"conflict":          {Listen: ":0", Routes: []server.Route{{Pattern: "/a", Handler: ok}, {Pattern: "/a", Handler: ok}}},
		"taken by health":   {Listen: ":0", Routes: []server.Route{{Pattern: "GET /healthz", Handler: ok}}},
		"malformed pattern": {Listen: ":0", Routes: []server.Route{{Pattern: "/{", Handler: ok}}},
		"no handler":        {Listen: ":0", Routes: []server.Route{{Pattern: "/a"}}},
	} {
		if _, err := server.New(cfg); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
	s := start(t, server.Config{})
	other, err := server.New(server.Config{Listen: s.addr()})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Serve(t.Context()); postern.CodeOf(err) != postern.Unavailable {
		t.Errorf("a taken port: got %v, want Unavailable", err)
	}
}
