package server_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/server"
)

func TestEachRequestHasOneRecord(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: []server.Route{
		{Pattern: "POST /token", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := postern.CallFrom(r.Context())
			c.Dialect, c.Tenant, c.ClientID, c.TokenID, c.Operator = "d", "t", "c", "j", "o"
			c.Code, c.Cause, c.Err = postern.Unauthenticated, "wrong secret", errors.New("not logged")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "four")
		})},
		{Pattern: "GET /down", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := postern.CallFrom(r.Context())
			c.Code, c.Err = postern.Unavailable, errors.New("no database at postgres://u:pw@db/x?password=pw")
			w.WriteHeader(http.StatusServiceUnavailable)
		})},
		{Pattern: "GET /silent", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})},
	}})
	resp, err := client().Post(s.URL()+"/token?client_secret=x", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	s.log.record(t, "request", 0)
	get(t, s.URL()+"/down")
	s.log.record(t, "request", 1)
	get(t, s.URL()+"/silent")
	s.log.record(t, "request", 2)
	get(t, s.URL()+"/unknown/secret-path")
	s.log.record(t, "request", 3)
	_, _ = client().Head(s.URL() + "/healthz")
	s.log.record(t, "request", 4)

	want := []map[string]any{
		{"level": "INFO", "method": "POST", "route": "POST /token", "status": 401.0, "bytes": 4.0, "dialect": "d",
			"tenant": "t", "client": "c", "operator": "o", "token_id": "j", "code": "unauthenticated", "cause": "wrong secret"},
		{"level": "ERROR", "method": "GET", "route": "GET /down", "status": 503.0, "bytes": 0.0, "code": "unavailable",
			"err": "no database at postgres://[user]@db/x?[query]"},
		{"level": "INFO", "method": "GET", "route": "GET /silent", "status": 200.0, "bytes": 0.0},
		{"level": "INFO", "method": "GET", "route": "unmatched", "status": 404.0},
		{"level": "DEBUG", "method": "HEAD", "route": "GET /healthz", "status": 200.0, "bytes": 0.0},
	}
	got := s.log.records(t, "request")
	if len(got) != len(want) {
		t.Fatalf("got %d records, want %d", len(got), len(want))
	}
	for i, rec := range got {
		if _, ok := rec["dur_ms"].(float64); !ok || len(rec["id"].(string)) != 32 {
			t.Errorf("record %d has no id or duration: %v", i, rec)
		}
		if i == 3 {
			delete(rec, "bytes")
		}
		want[i]["msg"], want[i]["source"] = "request", "127.0.0.1"
		delete(rec, "time")
		delete(rec, "id")
		delete(rec, "dur_ms")
		if d := cmp.Diff(want[i], rec); d != "" {
			t.Errorf("record %d: -want +got\n%s", i, d)
		}
	}
}

func TestNoSecretReachesTheLog(t *testing.T) {
	t.Parallel()
	const canary = "canary/+ 9wzk&secret" // its part is no hexadecimal number, as ids in the log are
	secret := postern.GenerateSecret().Reveal()
	jwt := "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
	leaky := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c := postern.CallFrom(r.Context())
		c.ClientID = secret // the caller mixed the fields up
		c.Code = postern.Internal
		_, err := http.Get("http://127.0.0.1:1/auth?client_secret=" + url.QueryEscape(canary))
		c.Err = fmt.Errorf("fetch: %w; header was %s, secret %s, token %s", err, r.Header.Get("Authorization"), secret, jwt)
		w.WriteHeader(http.StatusInternalServerError)
		if r.URL.Path == "/panic" {
			panic(fmt.Errorf("body %s query %s", body, r.URL.RawQuery))
		}
	}
	s := start(t, server.Config{Routes: []server.Route{
		{Pattern: "/auth", Handler: http.HandlerFunc(leaky)}, {Pattern: "/panic", Handler: http.HandlerFunc(leaky)},
	}})
	basic := base64.StdEncoding.EncodeToString([]byte("id:" + canary))
	escaped := url.QueryEscape(canary)
	n := 0
	for _, path := range []string{"/auth", "/panic", "/nothing", "//auth", "/" + escaped, "/auth/../" + escaped} {
		for _, method := range []string{"POST", "TRACE", "BREW"} {
			body := "client_secret=" + escaped
			request := fmt.Sprintf("%s %s?client_secret=%s&x=%%zz HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nCookie: a=%s\r\nReferer: /?a=%s\r\nX-Request-Id: %s\r\nUser-Agent: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
				method, path, escaped, hex.EncodeToString([]byte(canary)), basic, escaped, escaped, escaped, canary, len(body), body)
			s.raw(t, request)
			s.log.record(t, "request", n)
			n++
		}
	}
	s.raw(t, "GET /auth?client_secret="+escaped+" HTTP/1.1\r\nBroken "+canary+"\r\n\r\n")
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	log := s.log.String()
	for name, form := range map[string]string{
		"raw": canary, "part": "9wzk", "url-encoded": escaped, "path-encoded": url.PathEscape(canary), "basic": basic,
		"base64": base64.StdEncoding.EncodeToString([]byte(canary)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(canary)),
		"hex": hex.EncodeToString([]byte(canary)), "generated secret": secret, "token": jwt, "token payload": "eyJzdWIiOiJjYW5hcnkifQ",
	} {
		if i := strings.Index(log, form); i >= 0 {
			t.Errorf("the log holds the canary %s: …%s", name, log[max(0, i-200):min(len(log), i+100)])
		}
	}
}

func TestValuesOfCallersCannotForgeALogLine(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(io.Writer) slog.Handler{
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
	} {
		sink := &logSink{}
		s := start(t, server.Config{Log: slog.New(open(sink)), Routes: []server.Route{
			{Pattern: "/x", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				c := postern.CallFrom(r.Context())
				c.ClientID = "a\nlevel=ERROR msg=forged\r\x1b[31m\xff\u2028" + strings.Repeat("z", 5000)
				c.Cause = `" msg="forged`
			})}}})
		get(t, s.URL()+"/x")
		eventually(t, "record", func() bool { return strings.Contains(sink.String(), "request") })
		_ = s.stop()
		got := sink.String()
		if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b") || strings.Contains(got, "\xff") || len(got) > 1000 {
			t.Errorf("%s: got %q, want one clean line", name, got)
		}
	}
}

// brokenLog fails in the middleware itself, below which nothing recovers but net/http.
type brokenLog struct{ slog.Handler }

func (h brokenLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "request" {
		panic("with canary-9d1e")
	}
	return h.Handler.Handle(ctx, r)
}

func TestPanicInTheMiddlewareIsLoggedWithoutItsValue(t *testing.T) {
	t.Parallel()
	sink := &logSink{}
	s := start(t, server.Config{Log: slog.New(brokenLog{slog.NewJSONHandler(sink, nil)}), Routes: tokenRoutes()})
	_, _ = client().Get(s.URL() + "/things/a")
	eventually(t, "log line", func() bool { return strings.Contains(sink.String(), "panic serving") })
	got := sink.String()
	if strings.Contains(got, "canary") || !strings.Contains(got, "record_test.go") {
		t.Errorf("got %s, want the stack and not the value", got)
	}
}
