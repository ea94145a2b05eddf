package mcptool_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

func TestMethodsTypesAndSizesHaveBounds(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	padded := func(n int) string {
		const head, end = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":"`, `"}}`
		return head + strings.Repeat("a", n-len(head)-len(end)) + end
	}
	for _, x := range []struct {
		method, body string
		headers      []string
		want         int
	}{
		{"GET", "", nil, 405}, {"HEAD", "", nil, 405}, {"DELETE", "", nil, 405}, {"PUT", listPersonsOld, nil, 405}, {"OPTIONS", "", nil, 204},
		{"GET", "", []string{"Mcp-Session-Id", "x"}, 405},
		{"POST", padded(1 << 20), nil, 200},
		{"POST", padded(1<<20 + 1), nil, 413},
		{"POST", listPersonsOld, []string{"Content-Type", "", "Content-Type", "text/plain"}, 415},
		{"POST", listPersonsOld, []string{"Content-Type", "", "Content-Type", "application/json; charset=utf-8"}, 200},
		{"POST", listPersonsOld, []string{"Content-Type", "", "Content-Type", "application/json; charset=utf-16"}, 415},
		{"POST", listPersonsOld, []string{"Content-Type", ""}, 415},
		{"POST", listPersonsOld, []string{"Content-Encoding", "gzip"}, 415},
		{"POST", listPersonsOld, []string{"Accept", "", "Accept", "application/json"}, 400},
		{"POST", listPersonsOld, []string{"Accept", "", "Accept", "*/*"}, 200},
		{"POST", listPersonsOld, []string{"Accept", ""}, 200},
		{"POST", listPersonsOld, []string{"Last-Event-ID", "3_4", "Mcp-Session-Id", "of somebody else"}, 200},
		{"POST", listPersonsOld, []string{"MCP-Protocol-Version", "1999-01-01"}, 400},
		{"POST", listPersonsOld, modern("tools/call", "list_persons"), 400}, // without its meta
	} {
		s := d.request(t, x.method, "all@acme", x.body, x.headers...)
		if s.StatusCode != x.want {
			t.Errorf("%s %q %d bytes: got %d %.200s, want %d", x.method, x.headers, len(x.body), s.StatusCode, s.body, x.want)
		}
		if got := s.Header.Values("Cache-Control"); !cmp.Equal(got, []string{"no-store"}) {
			t.Errorf("%s %d: Cache-Control is %q, want no-store", x.method, s.StatusCode, got)
		}
		if (x.want == 405 || x.want == 204) && s.Header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("%s: Allow is %q", x.method, s.Header.Get("Allow"))
		}
		if s.StatusCode >= 400 && x.method != "HEAD" {
			if _, why := s.failure(t); why == "" || s.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %d: %q is no error in JSON", x.method, s.StatusCode, s.body)
			}
		}
		if s.Header.Get("Mcp-Session-Id") != "" || s.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %q", x.method, s.Header)
		}
	}
}

func TestAnAnswerStreamsOnlyToWhoWantsToHearOfProgress(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	with := func(meta string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_persons","arguments":{},"_meta":{` + meta + `}}}`
	}
	const version = `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}`
	for _, x := range []struct {
		body    string
		headers []string
		streams bool
	}{
		{with(""), nil, false},
		{with(`"progressToken":"p"`), nil, true},
		{with(`"progressToken":0`), nil, true},
		{with(`"progressToken":null`), nil, false},
		{with(version), modern("tools/call", "list_persons"), false},
		{with(version + `,"progressToken":7`), modern("tools/call", "list_persons"), true},
	} {
		s := d.send(t, "all@acme", x.body, x.headers...)
		want, buffering := "application/json", ""
		if x.streams {
			want, buffering = "text/event-stream", "no"
		}
		if s.StatusCode != 200 || s.Header.Get("Content-Type") != want || s.Header.Get("X-Accel-Buffering") != buffering {
			t.Errorf("%s: got %d %q, want %s", x.body, s.StatusCode, s.Header, want)
		}
		if !strings.Contains(s.body, `"id":"4"`) || s.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %q", x.body, s.body, s.Header)
		}
	}
	s := d.send(t, "all@acme", `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	if s.StatusCode != http.StatusAccepted || s.body != "" || s.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a notification: %d %q, want 202 and nothing", s.StatusCode, s.body)
	}
}

func TestAClientThatSendsTooMuchWaitsAndOthersDoNot(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(_ *mcptool.Config, c *mcptool.HTTPConfig) { c.PerMinute = 3 })
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	for i := range 3 {
		if s := d.send(t, "all@acme", list); s.StatusCode != 200 {
			t.Fatalf("message %d: %d", i, s.StatusCode)
		}
	}
	if s := d.send(t, "none@acme", list); s.StatusCode != 429 || s.Header.Get("Retry-After") != "20" {
		t.Errorf("the fourth of the client: %d, Retry-After %q, want 429 and 20", s.StatusCode, s.Header.Get("Retry-After"))
	}
	if s := d.send(t, "all@other", list); s.StatusCode != 200 {
		t.Errorf("another client: %d", s.StatusCode)
	}
}

func TestAClientHasSoManyCallsAtOnceAndOthersHaveTheirOwn(t *testing.T) {
	t.Parallel()
	const most = 32
	dir := lingering{asked: make(chan struct{}), answer: make(chan struct{})}
	d := openDoor(t, func(c *mcptool.Config, _ *mcptool.HTTPConfig) {
		c.Directory = func(mcptool.Caller) (postern.Directory, error) { return dir, nil }
	})
	var all sync.WaitGroup
	for range most {
		all.Go(func() { // without a network, so that it is over when the handler is
			w, r := httptest.NewRecorder(), httptest.NewRequest("POST", toolsURL, strings.NewReader(listPersonsOld))
			r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer all@acme"}}
			if d.http.ServeHTTP(w, r); w.Code != 200 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
		<-dir.asked
	}
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	s := d.send(t, "all@acme", list)
	if _, why := s.failure(t); s.StatusCode != 429 || s.Header.Get("Retry-After") != "1" || !strings.Contains(why, "at once") {
		t.Errorf("one more: got %d, Retry-After %q, %s, want 429 and 1", s.StatusCode, s.Header.Get("Retry-After"), s.body)
	}
	if s := d.send(t, "all@other", list); s.StatusCode != 200 {
		t.Errorf("another client: got %d %s", s.StatusCode, s.body)
	}
	close(dir.answer)
	all.Wait()
	if s := d.send(t, "all@acme", list); s.StatusCode != 200 {
		t.Errorf("once they are answered: got %d %s", s.StatusCode, s.body)
	}
}

func TestAnEndlessAnswerEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + modernMeta + `}}`
	r, err := http.NewRequestWithContext(t.Context(), "POST", d.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Authorization": {"Bearer all@acme"},
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"subscriptions/listen"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("got %d %s, want a stream", resp.StatusCode, got)
	}
	d.http.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "notifications/subscriptions/acknowledged") {
		t.Errorf("got %q and %v, want the acknowledgement and the end", b, err)
	}
}

func TestThePaceOfManyClientsTakesBoundedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := mcptool.NewPace(60)
		for i := range 50_000 {
			if wait := p.Take(fmt.Sprint(i), time.Now()); wait != 0 {
				t.Fatalf("client %d waits %v at its first message", i, wait)
			}
		}
		if n := p.Known(); n > 10_001 {
			t.Errorf("%d clients are remembered", n)
		}
		for range 60 {
			p.Take("greedy", time.Now())
		}
		if wait := p.Take("greedy", time.Now()); wait != time.Second {
			t.Errorf("the 61st waits %v, want a second", wait)
		}
		time.Sleep(time.Second) // virtual
		if wait := p.Take("greedy", time.Now()); wait != 0 {
			t.Errorf("a second later it waits %v", wait)
		}
		if p := mcptool.NewPace(-1); p.Take("x", time.Now()) != 0 {
			t.Error("a pace that is off holds back")
		}
	})
}
