package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/server"
)

func tokenRoutes() []server.Route {
	return []server.Route{
		{Pattern: "POST /token", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, "token:"+string(body))
		})},
		{Pattern: "GET /things/{id}", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "thing:"+r.PathValue("id"))
		})},
		{Pattern: "/pages/", Handler: text("page")},
	}
}

func TestMalformedFramingIs400AndClosesTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	for name, request := range map[string]string{
		"missing Host":              "POST /token HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		"two Hosts":                 "POST /token HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
		"two lengths":               "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"signed length":             "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
		"space in the field name":   "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na",
		"control character in path": "POST /to\x01ken HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		answer := s.raw(t, request+"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("%s: got %.60q, want 400", name, answer)
		}
		if n := strings.Count(answer, "HTTP/1.1 "); n != 1 {
			t.Errorf("%s: %d answers, want 1 and then the end", name, n)
		}
	}
}

func TestRequestWithTwoFramingsIsTheLastOfItsConnection(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	const smuggled = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsmuggled"
	for name, request := range map[string]string{
		"both":                    "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"chunked alone":           "POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"HTTP/1.0 kept alive":     "POST /token HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
		"another coding":          "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, chunked\r\n\r\nx",
		"chunked twice":           "POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a coding with a tab":     "POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\nContent-Length: 6\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"a coding in other words": "POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\nx",
	} {
		answer := s.raw(t, request+smuggled) // reads to the end: the server must close
		if strings.Contains(answer, "smuggled") || strings.Count(answer, "HTTP/1.") != 1 {
			t.Errorf("%s: the request behind it was answered too: %q", name, answer)
		}
	}
}

func TestKeepAliveWorksForPlainRequests(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	one := "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
	last := "POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n2"
	if answer := s.raw(t, one+one+last); strings.Count(answer, "HTTP/1.1 200") != 3 {
		t.Errorf("got %q, want three answers", answer)
	}
}

func TestSlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes(), ReadHeaderTimeout: 300 * time.Millisecond})
	c := s.dial(t)
	if _, err := io.WriteString(c, "POST /token HTTP/1.1\r\nHost: a\r\nX-Never"); err != nil {
		t.Fatal(err)
	}
	if answer, _ := io.ReadAll(c); strings.Contains(string(answer), " 200 ") {
		t.Errorf("got %q, want the connection closed", answer)
	}
}

func TestNeverEndingBodyFailsTheReadInTime(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := start(t, server.Config{ReadTimeout: time.Second, Routes: []server.Route{
		{Pattern: "POST /token", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			failed <- err
			w.WriteHeader(http.StatusRequestTimeout)
		})}}})
	resp, _ := s.answer(t, "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this")
	if err := <-failed; err == nil {
		t.Error("the handler read a body that never ended without an error")
	}
	if resp.StatusCode != http.StatusRequestTimeout || !resp.Close {
		t.Errorf("got status %d, close %v; want 408 and the end of the connection", resp.StatusCode, resp.Close)
	}
}

func TestTooLargeAnswerEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: []server.Route{{Pattern: "POST /token", Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10)); err != nil {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		})}}})
	resp, _ := s.answer(t, "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("a", 100))
	if resp.StatusCode != 413 || !resp.Close {
		t.Errorf("got %d, close %v; want 413 without the rest of the body, and the end", resp.StatusCode, resp.Close)
	}
}

func TestSizesHaveBounds(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	post := func(target, fields string) string {
		return "POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + fields + "\r\n"
	}
	field := func(n int) string { return "X-Long: " + strings.Repeat("a", n) + "\r\n" }
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"target at the limit", post("/token?"+strings.Repeat("a", server.MaxURI-len("/token?")), ""), 200},
		{"target above it", post("/token?"+strings.Repeat("a", server.MaxURI), ""), 414},
		{"target far above it", post("/token?"+strings.Repeat("a", 20<<10), ""), 414},
		{"target out of all proportion", post("/token?"+strings.Repeat("a", 200<<10), ""), 431},
		{"header below the limit", post("/token", field(server.MaxHeader-200)), 200},
		{"header above it", post("/token", field(server.MaxHeader)), 431},
		{"header far above it", post("/token", field(100<<10)), 431},
		{"header of many fields", post("/token", strings.Repeat("X-A: b\r\n", 3000)), 431},
	} {
		resp, body := s.answer(t, c.request)
		if resp.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d: %s", c.name, resp.StatusCode, c.want, body)
		}
	}
}

func TestNoPathIsAnsweredByRedirect(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	for _, target := range []string{
		"//token", "/x/../token", "/./token", "/token/", "/token/.", "/token/..", "/TOKEN", "/x//token", "/pages",
		"/token%2f", "/%2ftoken", "/x%2F..%2Ftoken", `/x\..\token`, "/x%5Ctoken", "/token%00", "/tok%65n", "/%2e/token",
		"/x/%2e%2e/token", "/things/a%2Fb", "/token;x", "/token%20", "/nothing", "http://other.example", "http://other.example//token",
		"/token%0a", "/things/", "/things/../token", "/things/a/", "/things/%2e%2e",
	} {
		for _, method := range []string{"POST", "GET"} {
			resp, body := s.answer(t, method+" "+target+" HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			if resp.StatusCode != 404 || resp.Header.Get("Location") != "" {
				t.Errorf("%s %s: got %d %s, want 404", method, target, resp.StatusCode, resp.Header.Get("Location"))
			}
			if !strings.HasPrefix(body, `{"error":"not_found"`) || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s: got %s %q, want JSON", method, target, resp.Header.Get("Content-Type"), body)
			}
		}
	}
}

func TestCleanPathsArrive(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	for target, want := range map[string]string{
		"/things/a":             "thing:a",
		"/things/a%40b":         "thing:a@b",
		"/things/a%20b":         "thing:a b",
		"/things/2026-01-01T00": "thing:2026-01-01T00",
		"/things/a%3Ab":         "thing:a:b",
		"/things/..a":           "thing:..a",
		"/things/%C3%A9":        "thing:é",
		"/things/a?x=//../":     "thing:a",
		"http://a/things/a":     "thing:a",
		"/pages/":               "page",
		"/pages/deep/er":        "page",
	} {
		if resp, body := s.answer(t, "GET "+target+" HTTP/1.1\r\nHost: a\r\n\r\n"); resp.StatusCode != 200 || body != want {
			t.Errorf("GET %s: got %d %q, want %q", target, resp.StatusCode, body, want)
		}
	}
}

func TestMethodsNotServedAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: tokenRoutes()})
	for _, c := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{"GET", "/token", 405, "POST, OPTIONS"},
		{"BREW", "/token", 405, "POST, OPTIONS"},
		{"PUT", "/things/a", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/healthz", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/token", 204, "POST, OPTIONS"},
		{"OPTIONS", "*", 204, "GET, HEAD, POST, OPTIONS"},
		{"OPTIONS", "/nothing", 404, ""},
		{"TRACE", "/token", 405, "GET, HEAD, POST, OPTIONS"},
		{"TRACE", "/pages/", 405, "GET, HEAD, POST, OPTIONS"},
		{"CONNECT", "a:80", 405, "GET, HEAD, POST, OPTIONS"},
		{"HEAD", "/healthz", 200, ""},
	} {
		resp, _ := s.answer(t, c.method+" "+c.target+" HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		if resp.StatusCode != c.status || resp.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: got %d Allow %q, want %d %q", c.method, c.target, resp.StatusCode, resp.Header.Get("Allow"), c.status, c.allow)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || len(resp.Header.Get("X-Request-Id")) != 32 {
			t.Errorf("%s %s: headers of every answer are missing: %v", c.method, c.target, resp.Header)
		}
	}
}

func TestRequestIDIsTakenFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	seen := make(chan postern.Call, 1)
	routes := []server.Route{{Pattern: "GET /id", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- *postern.CallFrom(r.Context())
	})}}
	for _, c := range []struct {
		trusted []netip.Prefix
		id      string
		kept    bool
	}{
		{loopback, "proxy-id_01", true},
		{loopback, strings.Repeat("a", 64), true},
		{loopback, strings.Repeat("a", 65), false},
		{loopback, "short", false},
		{loopback, "with space", false},
		{loopback, `quote"quote`, false},
		{nil, "proxy-id_01", false},
	} {
		s := start(t, server.Config{Routes: routes, TrustedProxies: c.trusted})
		resp, _ := s.answer(t, "GET /id HTTP/1.1\r\nHost: a\r\nX-Request-Id: "+c.id+"\r\n\r\n")
		call, got := <-seen, resp.Header.Get("X-Request-Id")
		if kept := got == c.id; kept != c.kept || call.ID != got {
			t.Errorf("trusted %v, %q: answered %q, call has %q; want kept %v", c.trusted, c.id, got, call.ID, c.kept)
		}
		if !c.kept && len(got) != 32 {
			t.Errorf("%q: got %q, want 32 hex digits", c.id, got)
		}
	}
}

func TestForwardedForIsBelievedFromTrustedPeersOnly(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	seen := make(chan netip.Addr, 1)
	routes := []server.Route{{Pattern: "GET /id", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- postern.CallFrom(r.Context()).Source
	})}}
	near, far := start(t, server.Config{Routes: routes, TrustedProxies: trusted}), start(t, server.Config{Routes: routes})
	for _, c := range []struct {
		s      *running
		fields string
		want   string
	}{
		{far, "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1"},
		{near, "", "127.0.0.1"},
		{near, "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
		{near, "X-Forwarded-For: 198.51.100.7, 192.0.2.1, 10.1.2.3\r\n", "192.0.2.1"},
		{near, "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
		{near, "X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1"},
		{near, "X-Forwarded-For: [2001:db8::1]:4711\r\n", "2001:db8::1"},
		{near, "X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1"},
		{near, "X-Forwarded-For: 10.9.9.9, 10.1.2.3\r\n", "10.9.9.9"},
		{near, "X-Forwarded-For: 192.0.2.1, garbage\r\n", "127.0.0.1"},
		{near, "X-Forwarded-For: 192.0.2.1, garbage, 10.1.2.3\r\n", "10.1.2.3"},
		{near, "X-Forwarded-For: \r\n", "127.0.0.1"},
		{near, "Forwarded: for=192.0.2.1\r\nX-Real-Ip: 192.0.2.1\r\n", "127.0.0.1"},
	} {
		c.s.answer(t, "GET /id HTTP/1.1\r\nHost: a\r\n"+c.fields+"\r\n")
		if got := <-seen; got.String() != c.want {
			t.Errorf("%q: got %v, want %s", c.fields, got, c.want)
		}
	}
}

func TestRequestContextHasADeadlineUnlessTheRouteHasNone(t *testing.T) {
	t.Parallel()
	left := make(chan time.Duration, 1)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if end, ok := r.Context().Deadline(); ok {
			left <- time.Until(end)
		} else {
			left <- 0
		}
	})
	s := start(t, server.Config{Routes: []server.Route{
		{Pattern: "/usual", Handler: h},
		{Pattern: "/long", Handler: h, Timeout: time.Hour},
		{Pattern: "/endless", Handler: h, Timeout: server.NoTimeout},
	}})
	for path, want := range map[string]time.Duration{"/usual": server.DefaultRequestTimeout, "/long": time.Hour, "/endless": 0} {
		get(t, s.URL()+path)
		if got := <-left; got > want || got < want-want/2 {
			t.Errorf("%s: %v left, want about %v", path, got, want)
		}
	}
}

func TestRouteWithoutTimeoutOutlivesTheWriteTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{WriteTimeout: time.Second, ReadTimeout: time.Second,
		Routes: []server.Route{{Pattern: "/stream", Timeout: server.NoTimeout,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for range 5 {
					_, _ = io.WriteString(w, "tick\n")
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Errorf("flush: %v", err)
					}
					pause(r, 250*time.Millisecond)
				}
			})}}})
	if _, body := get(t, s.URL()+"/stream"); strings.Count(body, "tick") != 5 {
		t.Errorf("got %q, want five ticks", body)
	}
}

// pause is what a slow handler does; nothing waits for it but its caller.
func pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func TestQueryIsOutOfRequestURIForHandlers(t *testing.T) {
	t.Parallel()
	seen := make(chan [2]string, 1)
	s := start(t, server.Config{Routes: []server.Route{{Pattern: "/q", Handler: http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) { seen <- [2]string{r.RequestURI, r.URL.Query().Get("a")} })}}})
	get(t, s.URL()+"/q?a=secret")
	if got := <-seen; got != [2]string{"/q", "secret"} {
		t.Errorf("got %q, want the query in r.URL only", got)
	}
}

func TestPanicIs500AndServingGoesOn(t *testing.T) {
	t.Parallel()
	const canary = "canary-panic-71c4"
	s := start(t, server.Config{Routes: []server.Route{
		{Pattern: "/panic", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.Header().Set("X-Own", canary)
			panic("with " + r.URL.RawQuery)
		})},
		{Pattern: "/nil", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			fill(nil)
		})},
		{Pattern: "/ok", Handler: text("ok")},
	}})
	resp, body := get(t, s.URL()+"/panic?client_secret="+canary)
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 500 {
		t.Fatalf("got %d %q, want 500 and JSON", resp.StatusCode, body)
	}
	id := resp.Header.Get("X-Request-Id")
	if len(got) != 2 || got["error"] != "server_error" || got["request_id"] != id || id == "" {
		t.Errorf("got %v, want server_error with the request id %q and nothing else", got, id)
	}
	if resp.Header.Get("X-Own") != "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got headers %v, want those of the handler gone and ours kept", resp.Header)
	}
	rec := s.log.record(t, "panic", 0)
	if rec["id"] != id || rec["panic"] != "value of type string" || !strings.Contains(rec["stack"].(string), "chain_test.go") {
		t.Errorf("got panic record %v", rec)
	}
	if rec := s.log.record(t, "request", 0); rec["level"] != "ERROR" || rec["status"] != 500.0 || rec["code"] != "internal" {
		t.Errorf("got request record %v, want an error with 500", rec)
	}
	get(t, s.URL()+"/nil")
	if rec := s.log.record(t, "panic", 1); !strings.Contains(rec["panic"].(string), "nil map") {
		t.Errorf("got %v, want the text of a runtime error", rec["panic"])
	}
	if _, body := get(t, s.URL()+"/ok"); body != "ok" {
		t.Errorf("after the panics: got %q", body)
	}
	if strings.Contains(s.log.String(), canary) {
		t.Errorf("the log holds the canary: %s", s.log)
	}
}

func TestPanicAfterTheAnswerBeganBreaksTheConnectionOff(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Routes: []server.Route{
		{Pattern: "/panic", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic("half way")
		})}}})
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("got %q and no error, want a broken answer", body)
	}
	if rec := s.log.record(t, "request", 0); rec["status"] != 500.0 {
		t.Errorf("got record %v, want status 500", rec)
	}
	if n := len(s.log.records(t, "panic")); n != 1 {
		t.Errorf("got %d panic records, want 1", n)
	}
}

// fill panics for a nil map.
func fill(m map[string]int) { m["x"] = 1 }
