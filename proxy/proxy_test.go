package proxy_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/proxy"
)

// through starts an API and a proxy before it, and gives the proxy's address.
func through(t testing.TB, o proxy.Options, s postern.TokenSource, api http.HandlerFunc) string {
	t.Helper()
	back := httptest.NewServer(api)
	t.Cleanup(back.Close)
	base := proxy.NewBase()
	t.Cleanup(base.CloseIdleConnections)
	o.Transport = transport(t, proxy.Config{API: back.URL, Tokens: s, Base: base, Need: func(string, string) string { return "x:read" }})
	front := httptest.NewServer(proxy.NewHandler(o))
	t.Cleanup(front.Close)
	return front.URL
}

func do(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestAProgramThatKnowsOfNoTokenIsServed(t *testing.T) {
	t.Parallel()
	var seen http.Header
	addr := through(t, proxy.Options{}, &tokens{}, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		w.Header().Set("Authorization", r.Header.Get("Authorization")) // as some APIs do
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("X-Ratelimit-Remaining", "7")
		fmt.Fprintf(w, "%s %s", r.Method, r.URL)
	})
	r := request(t, "GET", addr+"/v2/persons?limit=1&email=a%2Bb", nil)
	for name, v := range map[string]string{
		"Authorization": "Bearer forged", "Proxy-Authorization": "Basic x", "DPoP": "x", "Cookie": "x=y", "X_Tenant_Id": "other", "X-Forwarded-For": "10.0.0.1",
		"X-HTTP-Method-Override": "DELETE", "Connection": "Authorization, X-Hop", "X-Hop": "1", "Accept": "application/json", "X-Request-Id": "r1",
	} {
		r.Header[name] = []string{v}
	}
	resp, body := do(t, r)
	if resp.StatusCode != 200 || body != "GET /v2/persons?limit=1&email=a%2Bb" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	if resp.Header.Get("Authorization") != "" || resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("X-Ratelimit-Remaining") != "7" {
		t.Errorf("answered with %v", resp.Header)
	}
	if seen.Get("Authorization") != "Bearer t1" || seen.Get("Accept") != "application/json" || seen.Get("X-Request-Id") != "r1" {
		t.Errorf("the API saw %v", seen)
	}
	for _, name := range []string{"Proxy-Authorization", "Dpop", "Cookie", "X_Tenant_Id", "X_tenant_id", "X-Forwarded-For", "X-Http-Method-Override", "X-Hop"} {
		if seen[name] != nil {
			t.Errorf("the API saw %s: %v", name, seen[name])
		}
	}
}

func TestOnlyWhatIsAllowedIsPassedOn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	api := func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.URL.Path)
		mu.Unlock()
	}
	reading := through(t, proxy.Options{Never: []string{"/v2/auth"}}, &tokens{}, api)
	narrow := through(t, proxy.Options{Methods: []string{"GET", "POST"}, Prefixes: []string{"/v2/persons/", "/v2/auth"}, Never: []string{"/v2/auth"}}, &tokens{}, api)
	for _, tt := range []struct {
		addr, method, path string
		want               int
	}{
		{reading, "GET", "/anything/at/all/", 200},
		{reading, "HEAD", "/", 200},
		{reading, "OPTIONS", "/v2/x", 200},
		{reading, "POST", "/v2/x", 405},
		{reading, "DELETE", "/v2/x", 405},
		{reading, "TRACE", "/v2/x", 405},
		{reading, "BREW", "/v2/x", 405},
		{reading, "GET", "/v2/auth/revoke", 403},
		{reading, "GET", "/v2/auth", 403},
		{reading, "GET", "/v2/authors", 200},
		{narrow, "GET", "/v2/persons", 200},
		{narrow, "POST", "/v2/persons/1/employments", 200},
		{narrow, "GET", "/v2/persons-of-others", 403},
		{narrow, "GET", "/v2", 403},
		{narrow, "PUT", "/v2/persons", 405},
		{narrow, "POST", "/v2/auth/token", 403},
		{narrow, "GET", "/v2/persons/../absences", 400},
		{narrow, "GET", "/v2/persons/%2e%2e/absences", 400},
		{narrow, "GET", "/v2/persons/..%2fabsences", 400},
		{narrow, "GET", "/v2/persons//1", 400},
		{narrow, "GET", "/v2/persons/.", 400},
		{narrow, "GET", "/v2/persons/..\\absences", 400},
		{narrow, "GET", "//evil.test/v2/persons", 403}, // of another host
	} {
		u, _ := url.Parse(tt.addr)
		r := request(t, tt.method, tt.addr, nil)
		r.URL = &url.URL{Scheme: "http", Host: u.Host, Opaque: tt.path}
		mu.Lock()
		before := len(seen)
		mu.Unlock()
		resp, body := do(t, r)
		mu.Lock()
		passed := len(seen) > before
		mu.Unlock()
		if resp.StatusCode != tt.want || passed != (tt.want == 200) {
			t.Errorf("%s %s: got %d, passed on %v, want %d", tt.method, tt.path, resp.StatusCode, passed, tt.want)
		}
		if allow := resp.Header.Get("Allow"); (tt.want == 405) != (allow != "") {
			t.Errorf("%s %s: Allow is %q", tt.method, tt.path, allow)
		}
		if tt.want != 200 && tt.method != "HEAD" {
			var p struct{ Detail, Hint, Code, Upstream string }
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Detail == "" || p.Hint == "" || p.Upstream != "acme" || p.Code == "" {
				t.Errorf("%s %s: told %q", tt.method, tt.path, body)
			}
		}
	}
}

func TestAPageInABrowserIsNoCaller(t *testing.T) {
	t.Parallel()
	addr := through(t, proxy.Options{}, &tokens{}, func(http.ResponseWriter, *http.Request) {})
	for _, tt := range []struct {
		host, name, value string
		want              int
	}{
		{"", "", "", 200},
		{"localhost:1", "", "", 200},
		{"[::1]:80", "", "", 200},
		{"rebound.evil.test", "", "", 403},
		{"0.0.0.0", "", "", 403},
		{"", "Origin", "https://evil.test", 403},
		{"", "Origin", "null", 403},
		{"", "Origin", addr, 200},
		{"", "Sec-Fetch-Site", "cross-site", 403},
		{"", "Sec-Fetch-Site", "same-site", 403},
		{"", "Sec-Fetch-Site", "none", 200},
	} {
		r := request(t, "GET", addr+"/", nil)
		if tt.host != "" {
			r.Host = tt.host
		}
		if tt.name != "" {
			r.Header.Set(tt.name, tt.value)
		}
		if resp, _ := do(t, r); resp.StatusCode != tt.want {
			t.Errorf("%+v: got %d", tt, resp.StatusCode)
		}
	}
}

func TestWhereABearerIsWantedNobodyIsServedWithoutIt(t *testing.T) {
	t.Parallel()
	addr := through(t, proxy.Options{Bearer: postern.NewSecret("local")}, &tokens{}, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t1" {
			t.Errorf("the API saw %v", r.Header)
		}
	})
	for v, want := range map[string]int{"": 401, "Bearer": 401, "Bearer ": 401, "Bearer other": 401, "Basic local": 401, "Bearer local": 200} {
		r := request(t, "GET", addr+"/", nil)
		r.Host = "proxy.acme.test" // any name will do
		if v != "" {
			r.Header.Set("Authorization", v)
		}
		resp, body := do(t, r)
		if resp.StatusCode != want || want == 401 && resp.Header.Get("WWW-Authenticate") == "" || strings.Contains(body, "local\"") {
			t.Errorf("%q: got %d %s", v, resp.StatusCode, body)
		}
	}
}

func TestAMissingRightIsNotTheCallersBadBearer(t *testing.T) {
	t.Parallel()
	addr := through(t, proxy.Options{}, &tokens{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	resp, body := do(t, request(t, "GET", addr+"/v2/persons", nil))
	if resp.StatusCode != 403 || !strings.Contains(body, `"missing_scope":"x:read"`) || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}

func TestARefusalForThePacePassesUnchanged(t *testing.T) {
	t.Parallel()
	calls := 0
	addr := through(t, proxy.Options{}, &tokens{}, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "300")
		w.WriteHeader(429)
		_, _ = io.WriteString(w, "slow down")
	})
	if resp, body := do(t, request(t, "GET", addr+"/v2/persons/1", nil)); resp.StatusCode != 429 || body != "slow down" || resp.Header.Get("Retry-After") != "300" {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	// The next is told by the proxy, with what is left of the pause.
	resp, body := do(t, request(t, "GET", addr+"/v2/persons/2", nil))
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "hint") || calls != 1 {
		t.Errorf("got %d %s after %d calls", resp.StatusCode, body, calls)
	}
}

func TestARefusedCallWithAShortBodyIsMadeAgain(t *testing.T) {
	t.Parallel()
	var bodies []string
	addr := through(t, proxy.Options{Methods: []string{"POST"}, MaxBody: 100 << 10}, &tokens{}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, fmt.Sprintf("%s %d", r.Header.Get("Authorization"), len(b)))
		if r.Header.Get("Authorization") == "Bearer t1" {
			w.WriteHeader(401)
		}
	})
	if resp, _ := do(t, request(t, "POST", addr+"/a", strings.NewReader("abc"))); resp.StatusCode != 200 || fmt.Sprint(bodies) != "[Bearer t1 3 Bearer t2 3]" {
		t.Errorf("got %d, the API saw %v", resp.StatusCode, bodies)
	}
	for _, length := range []int64{101 << 10, -1} { // announced, and not
		r := request(t, "POST", addr+"/a", io.MultiReader(bytes.NewReader(make([]byte, 101<<10))))
		r.ContentLength = length
		if resp, body := do(t, r); resp.StatusCode != 413 {
			t.Errorf("a body that is too long (%d): got %d %s", length, resp.StatusCode, body)
		}
	}
}

// What the API sends is there before it is done, and so is what the caller sends.
func TestBodiesStreamBothWays(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			_ = rc.EnableFullDuplex()
			lines := bufio.NewScanner(r.Body)
			for lines.Scan() {
				fmt.Fprintf(w, "echo %s\n", lines.Text())
				_ = rc.Flush()
			}
			w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
		})
		back := httptest.NewUnstartedServer(api)
		back.EnableHTTP2 = h2
		back.StartTLS()
		defer back.Close()
		base := back.Client().Transport.(*http.Transport).Clone()
		h := proxy.NewHandler(proxy.Options{Methods: []string{"POST"},
			Transport: transport(t, proxy.Config{API: back.URL, Tokens: &tokens{}, Base: base})})
		front := httptest.NewUnstartedServer(h)
		front.EnableHTTP2 = h2
		front.StartTLS()
		defer front.Close()
		pr, pw := io.Pipe()
		r := request(t, "POST", front.URL+"/stream", pr)
		answer := make(chan *http.Response, 1)
		go func() {
			resp, err := front.Client().Transport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				close(answer)
				return
			}
			answer <- resp
		}()
		_, _ = io.WriteString(pw, "one\n")
		resp := <-answer
		if resp == nil {
			return
		}
		lines := bufio.NewReader(resp.Body)
		for _, word := range []string{"one", "two", "three"} {
			if word != "one" {
				_, _ = io.WriteString(pw, word+"\n")
			}
			if got, err := lines.ReadString('\n'); err != nil || got != "echo "+word+"\n" {
				t.Fatalf("HTTP/2 %v: got %q, %v", h2, got, err)
			}
		}
		_ = pw.Close()
		_, _ = io.Copy(io.Discard, lines)
		if (resp.ProtoMajor == 2) != h2 || resp.Trailer.Get("X-Sum") != "42" {
			t.Errorf("HTTP/2 %v: protocol %s, trailers %v", h2, resp.Proto, resp.Trailer)
		}
		_ = resp.Body.Close()
	}
}

func TestAWebSocketPassesWhereItMay(t *testing.T) {
	t.Parallel()
	api := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Authorization") != "Bearer t1" {
			w.WriteHeader(400)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}
	for _, may := range []bool{true, false} {
		said := make(chan string, 1)
		log := slog.New(slog.NewTextHandler(writer(func(b []byte) { said <- string(b) }), nil))
		u, _ := url.Parse(through(t, proxy.Options{Upgrades: may, Log: log}, &tokens{}, api))
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", u.Host)
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !may {
			if resp.StatusCode != 403 {
				t.Errorf("got %d, want 403", resp.StatusCode)
			}
			continue
		}
		if resp.StatusCode != 101 {
			t.Fatalf("got %d", resp.StatusCode)
		}
		fmt.Fprint(conn, "hello\n")
		if got, err := in.ReadString('\n'); got != "echo hello\n" {
			t.Errorf("got %q, %v", got, err)
		}
		_ = conn.Close()
		if line := <-said; !strings.Contains(line, "path=/ws status=101") {
			t.Errorf("the access record is %s", line)
		}
	}
}

func TestARedirectOfTheAPILeadsToTheProxy(t *testing.T) {
	t.Parallel()
	to := ""
	addr := through(t, proxy.Options{}, &tokens{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(to, "HOST", "http://"+r.Host))
		w.WriteHeader(302)
	})
	for in, want := range map[string]string{"HOST/v2/x?a=b": "/v2/x?a=b", "/v2/x": "/v2/x", "https://other.test/y": "https://other.test/y"} {
		to = in
		if resp, _ := do(t, request(t, "GET", addr+"/", nil)); resp.Header.Get("Location") != want {
			t.Errorf("%s: got %s", in, resp.Header.Get("Location"))
		}
	}
}

func TestTheAccessRecordHoldsNoSecretAndNoQuery(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var mu sync.Mutex
	addr := through(t, proxy.Options{Bearer: postern.NewSecret("marker-local"),
		Log: slog.New(slog.NewJSONHandler(writer(func(b []byte) { mu.Lock(); log.Write(b); mu.Unlock() }), nil))},
		&tokens{}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "12345") })
	r := request(t, "GET", addr+"/v2/persons?email=marker-mail", nil)
	r.Header.Set("Authorization", "Bearer marker-local")
	do(t, r)
	r.Header.Set("Authorization", "Bearer marker-guess")
	do(t, r)
	mu.Lock()
	text := log.String()
	mu.Unlock()
	if strings.Contains(text, "marker") || strings.Contains(text, "t1") {
		t.Errorf("the record says %s", text)
	}
	for _, want := range []string{`"path":"/v2/persons"`, `"status":200`, `"bytes":5`, `"status":401`, `"upstream":"acme"`, `"code":"unauthenticated"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the record lacks %s: %s", want, text)
		}
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestMoreCallsThanAreAllowedAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	in, out := make(chan bool), make(chan bool)
	addr := through(t, proxy.Options{MaxCalls: 1}, &tokens{}, func(http.ResponseWriter, *http.Request) { in <- true; <-out })
	done := make(chan int)
	go func() {
		resp, _ := do(t, request(t, "GET", addr+"/", nil))
		done <- resp.StatusCode
	}()
	<-in
	if resp, _ := do(t, request(t, "GET", addr+"/", nil)); resp.StatusCode != 429 {
		t.Errorf("got %d", resp.StatusCode)
	}
	out <- true
	if got := <-done; got != 200 {
		t.Errorf("the first got %d", got)
	}
}

func TestWhatTheBrokerHasAgainstACallIsToldToTheCaller(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  *postern.Error
		want int
	}{
		{&postern.Error{Code: postern.Unauthenticated, Reason: postern.BadClient, Msg: "refused", Hint: "mend it"}, 502},
		{&postern.Error{Code: postern.Unavailable, Msg: "down", Hint: "mend it"}, 502},
		{&postern.Error{Code: postern.TooMany, Msg: "slow", Hint: "mend it", Wait: 1500}, 429},
		{&postern.Error{Code: postern.Forbidden, Msg: "may not", Hint: "mend it"}, 403},
		{&postern.Error{Code: postern.Internal, Msg: "marker", Hint: "mend it"}, 500},
	} {
		addr := through(t, proxy.Options{}, &tokens{err: tt.err}, func(http.ResponseWriter, *http.Request) {})
		resp, body := do(t, request(t, "GET", addr+"/", nil))
		if resp.StatusCode != tt.want || !strings.Contains(body, "mend it") || strings.Contains(body, "marker") {
			t.Errorf("%v: got %d %s", tt.err, resp.StatusCode, body)
		}
	}
}
