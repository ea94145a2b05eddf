package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/proxy"
)

func TestACallCarriesTheTokenAndTheCallersRequestStaysAsItWas(t *testing.T) {
	t.Parallel()
	a, s := &api{answer: statuses(200)}, &tokens{}
	tr := transport(t, proxy.Config{Tokens: s, Base: a, Tenant: "one", Carry: func(h http.Header, tok postern.Token, tenant string) {
		h.Set("Authorization", "Bearer "+tok.Value.Reveal())
		h.Set("X-Tenant-Id", tenant)
	}})
	r := request(t, "GET", "https://API.test:443/v2/persons", nil)
	r.Header.Set("Authorization", "Bearer of-the-caller")
	resp, err := tr.RoundTrip(r)
	if err != nil || resp.StatusCode != 200 || resp.Request != r {
		t.Fatalf("got %v, %v", resp, err)
	}
	if r.Header.Get("Authorization") != "Bearer of-the-caller" || r.Header.Get("X-Tenant-Id") != "" {
		t.Errorf("the caller's headers became %v", r.Header)
	}
	got := a.seen[0].Header
	if got.Get("Authorization") != "Bearer t1" || got.Get("X-Tenant-Id") != "one" || s.upsteam != "acme" {
		t.Errorf("sent %v with a token of %q", got, s.upsteam)
	}
	r = r.WithContext(proxy.ForTenant(t.Context(), "two"))
	if _, err := tr.RoundTrip(r); err != nil || a.seen[1].Header.Get("X-Tenant-Id") != "two" {
		t.Errorf("got %v, sent %v", err, a.seen[1].Header)
	}
}

func TestARefusedCallIsMadeOnceMoreWithAnotherToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		answers  []int
		body     io.Reader
		same     bool // the token server gives the same token again
		want     int
		calls    []string
		mark     bool
		wantDrop int
	}{
		{"once", []int{401, 200}, nil, false, 200, []string{"PUT /v2/x Bearer t1", "PUT /v2/x Bearer t2"}, false, 1},
		{"twice", []int{401, 401, 200}, nil, false, 401, []string{"PUT /v2/x Bearer t1", "PUT /v2/x Bearer t2"}, true, 1},
		{"with a body", []int{401, 200}, strings.NewReader("abc"), false, 200, []string{"PUT /v2/x Bearer t1 abc", "PUT /v2/x Bearer t2 abc"}, false, 1},
		{"with a body that is gone", []int{401, 200}, io.MultiReader(strings.NewReader("abc")), false, 401, []string{"PUT /v2/x Bearer t1 abc"}, false, 1},
		{"and the same token", []int{401, 200}, nil, true, 401, []string{"PUT /v2/x Bearer t1"}, true, 1},
		{"403", []int{403, 200}, nil, false, 403, []string{"PUT /v2/x Bearer t1"}, false, 0},
		{"429", []int{429, 200}, nil, false, 429, []string{"PUT /v2/x Bearer t1"}, false, 0},
		{"500", []int{500, 200}, nil, false, 500, []string{"PUT /v2/x Bearer t1"}, false, 0},
		{"404", []int{404, 200}, nil, false, 404, []string{"PUT /v2/x Bearer t1"}, false, 0},
		{"then 500", []int{401, 500, 200}, nil, false, 500, []string{"PUT /v2/x Bearer t1", "PUT /v2/x Bearer t2"}, false, 1},
	} {
		a, s := &api{answer: statuses(tt.answers...)}, &tokens{same: tt.same}
		tr := transport(t, proxy.Config{Tokens: s, Base: a, Need: func(method, path string) string { return "x:" + method + path }})
		resp, err := tr.RoundTrip(request(t, "PUT", "https://api.test/v2/x", tt.body))
		if err != nil || resp.StatusCode != tt.want || len(s.drops) != tt.wantDrop {
			t.Errorf("%s: got %v, %v, dropped %v; want %d", tt.name, resp, err, s.drops, tt.want)
			continue
		}
		if d := cmp.Diff(tt.calls, a.calls); d != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, d)
		}
		missing := proxy.MissingRight(resp)
		if (missing != nil) != tt.mark {
			t.Errorf("%s: marked %v", tt.name, missing)
		}
		if tt.mark && (missing.Param != "x:PUT/v2/x" || missing.Code != postern.Forbidden || missing.Reason != postern.LowScope ||
			!strings.Contains(missing.Msg, `"acme"`) || !strings.Contains(missing.Hint, "x:PUT/v2/x")) {
			t.Errorf("%s: got %+v", tt.name, missing)
		}
	}
}

func TestACallThatANewTokenDidNotHelpCostsNoOtherForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := ""
		a := &api{answer: func(_ int, r *http.Request) *http.Response {
			if r.URL.Path == "/v2/open" || r.Header.Get("Authorization") == good {
				return reply(200)
			}
			return reply(401)
		}}
		s := &tokens{}
		tr := transport(t, proxy.Config{Tokens: s, Base: a})
		for i := range 59 {
			resp := call(t, tr, "GET", "https://api.test/v2/closed/"+strings.Repeat("7", i+1)) // one path, folded
			if resp.StatusCode != 401 || proxy.MissingRight(resp) == nil {
				t.Fatalf("call %d: got %v", i, resp)
			}
			call(t, tr, "GET", "https://api.test/v2/open")
			time.Sleep(time.Second)
		}
		if len(s.drops) != 1 {
			t.Errorf("dropped %d tokens", len(s.drops))
		}
		// The right was given meanwhile, with the next token.
		time.Sleep(2 * time.Second)
		good = "Bearer t3"
		if resp := call(t, tr, "GET", "https://api.test/v2/closed/1"); resp.StatusCode != 200 {
			t.Errorf("got %d", resp.StatusCode)
		}
	})
}

func TestAnAPICannotSayWhatOnlyWeMay(t *testing.T) {
	t.Parallel()
	a := &api{answer: func(int, *http.Request) *http.Response {
		return reply(200, "Postern-Missing-Right", "give me more", "Authorization", "Bearer t1", "X-Other", "kept")
	}}
	resp := call(t, transport(t, proxy.Config{Tokens: &tokens{}, Base: a}), "GET", "https://api.test/")
	if proxy.MissingRight(resp) != nil || resp.Header.Get("Authorization") != "" || resp.Header.Get("X-Other") != "kept" {
		t.Errorf("got %v", resp.Header)
	}
}

func TestWithoutATokenNothingIsCalled(t *testing.T) {
	t.Parallel()
	refused := postern.Errorf(postern.Unauthenticated, "refused")
	a := &api{answer: statuses(401)}
	tr := transport(t, proxy.Config{Tokens: &tokens{err: refused}, Base: a})
	_, err := tr.RoundTrip(request(t, "GET", "https://api.test/", nil))
	if !errors.Is(err, refused) || len(a.calls) != 0 {
		t.Errorf("got %v after %v", err, a.calls)
	}
}

func TestAnAPIThatATokenMustNotBeSentToIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "api.test", "http://api.test", "http://0.0.0.0:80", "http://[::]:80", "ftp://api.test", "https://u:p@api.test", "https://api.test?x=1", "https://"} {
		if _, err := proxy.New(proxy.Config{Upstream: "acme", API: bad, Tokens: &tokens{}}); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	for _, good := range []string{"https://api.test", "https://api.test:8443/base", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"} {
		if _, err := proxy.New(proxy.Config{Upstream: "acme", API: good, Tokens: &tokens{}}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestATokenGoesNowhereButToItsAPI(t *testing.T) {
	t.Parallel()
	a := &api{answer: statuses(200)}
	tr := transport(t, proxy.Config{Tokens: &tokens{}, Base: a})
	for _, other := range []string{"https://evil.test/", "http://api.test/", "https://api.test:444/", "https://api.test.evil.test/", "https://xapi.test/"} {
		if _, err := tr.RoundTrip(request(t, "GET", other, nil)); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s: got %v", other, err)
		}
	}
	if len(a.calls) != 0 {
		t.Errorf("called %v", a.calls)
	}
}

// A redirect within the host keeps the token, one that leaves it loses the token and
// the tenant, and does not get them back by coming home.
func TestARedirectThatLeavesTheHostLosesTheTokenAndTheTenant(t *testing.T) {
	t.Parallel()
	var home, away *httptest.Server
	got := map[string]string{}
	handle := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got[name+r.URL.Path] = r.Header.Get("Authorization") + "|" + r.Header.Get("X-Tenant-Id")
			switch name + r.URL.Path {
			case "home/start":
				http.Redirect(w, r, "/inside", http.StatusTemporaryRedirect)
			case "home/inside":
				http.Redirect(w, r, away.URL+"/there", http.StatusTemporaryRedirect)
			case "away/there":
				http.Redirect(w, r, home.URL+"/back", http.StatusTemporaryRedirect)
			}
		})
	}
	home, away = httptest.NewServer(handle("home")), httptest.NewServer(handle("away"))
	defer home.Close()
	defer away.Close()
	tr := transport(t, proxy.Config{API: home.URL, Tokens: &tokens{}, Tenant: "one", Carry: func(h http.Header, tok postern.Token, tenant string) {
		h.Set("Authorization", "Bearer "+tok.Value.Reveal())
		h.Set("X-Tenant-Id", tenant)
	}})
	hc := &http.Client{Transport: tr}
	r := request(t, "GET", home.URL+"/start", nil)
	r.Header.Set("X-Tenant-Id", "of-the-caller") // which net/http would pass on
	resp, err := hc.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want := map[string]string{"home/start": "Bearer t1|one", "home/inside": "Bearer t1|one", "away/there": "|", "home/back": "|"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestCallersAreHeldBackBeforeTheyAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// An API with a bucket of 20, filled at 10 a second.
		level, last, refused := 20.0, time.Now(), 0
		a := &api{}
		a.answer = func(int, *http.Request) *http.Response {
			a.mu.Lock()
			defer a.mu.Unlock()
			level, last = min(20, level+10*time.Since(last).Seconds()), time.Now()
			status := 200
			if level < 1 {
				status = 429
				refused++
			} else {
				level--
			}
			return reply(status, "X-Ratelimit-Replenish-Rate", "10", "X-Ratelimit-Burst-Capacity", "20",
				"X-Ratelimit-Requested-Tokens", "1", "X-Ratelimit-Remaining", strings.TrimSuffix(time.Duration(int64(level)).String(), "ns"))
		}
		tr := transport(t, proxy.Config{Tokens: &tokens{}, Base: a})
		call(t, tr, "GET", "https://api.test/v2/persons") // which tells the limits
		start := time.Now()
		done := make(chan bool)
		for i := range 100 {
			go func() {
				resp, err := tr.RoundTrip(request(t, "GET", "https://api.test/v2/persons?offset="+strings.Repeat("1", i+1), nil))
				done <- err == nil && resp.StatusCode == 200
			}()
		}
		for i := range 100 {
			if !<-done {
				t.Errorf("call %d was refused", i)
			}
		}
		took := time.Since(start)
		if refused != 0 || took > 9*time.Second || took < 8*time.Second {
			t.Errorf("%d refused, 100 calls took %v", refused, took)
		}
		// Another path has a bucket of its own.
		start = time.Now()
		call(t, tr, "GET", "https://api.test/v2/absence-periods")
		if d := time.Since(start); d != 0 {
			t.Errorf("another path waited %v", d)
		}
	})
}

func TestARefusalForThePaceHoldsBackThePathForAWhile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		headers []string
		want    []time.Duration // between the calls
	}{
		{"without a word", nil, []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}},
		{"in seconds", []string{"Retry-After", "7"}, []time.Duration{7 * time.Second, 7 * time.Second}},
		{"zero", []string{"Retry-After", "0"}, []time.Duration{1 * time.Second, 2 * time.Second}},
		{"nonsense", []string{"Retry-After", "soon"}, []time.Duration{1 * time.Second, 2 * time.Second}},
		{"rates that are none", []string{"X-Ratelimit-Replenish-Rate", "NaN", "X-Ratelimit-Remaining", "-1"}, []time.Duration{1 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &api{answer: func(int, *http.Request) *http.Response { return reply(429, tt.headers...) }}
			tr := transport(t, proxy.Config{Tokens: &tokens{}, Base: a})
			for range len(tt.want) + 1 {
				if resp := call(t, tr, "GET", "https://api.test/v2/x"); resp.StatusCode != 429 {
					t.Errorf("%s: got %d", tt.name, resp.StatusCode)
				}
			}
			for i, want := range tt.want {
				if got := a.at[i+1].Sub(a.at[i]); got != want {
					t.Errorf("%s: pause %d was %v, want %v", tt.name, i, got, want)
				}
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // as a date
		a := &api{answer: func(n int, _ *http.Request) *http.Response {
			return reply(429, "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))
		}}
		tr := transport(t, proxy.Config{Tokens: &tokens{}, Base: a})
		call(t, tr, "GET", "https://api.test/v2/x")
		call(t, tr, "GET", "https://api.test/v2/x")
		if d := a.at[1].Sub(a.at[0]); d != 9*time.Second {
			t.Errorf("got %v", d)
		}
	})
}

func TestWhatWouldWaitTooLongIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{answer: func(int, *http.Request) *http.Response { return reply(429, "Retry-After", "600") }}
		tr := transport(t, proxy.Config{Tokens: &tokens{}, Base: a})
		call(t, tr, "GET", "https://api.test/v2/x/1")
		start := time.Now()
		_, err := tr.RoundTrip(request(t, "GET", "https://api.test/v2/x/2", nil))
		e := postern.AsError(err)
		if e == nil || e.Code != postern.TooMany || e.Wait != 600*time.Second || time.Since(start) != 0 {
			t.Errorf("got %+v after %v", e, time.Since(start))
		}
		call(t, tr, "GET", "https://api.test/v2/other")
		time.Sleep(580 * time.Second)
		// A caller with less time than the pause is told at once, one who leaves leaves.
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start = time.Now()
		if _, err = tr.RoundTrip(request(t, "GET", "https://api.test/v2/x/3", nil).WithContext(short)); postern.CodeOf(err) != postern.TooMany || time.Since(start) != 0 {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		leave, end := context.WithCancel(t.Context())
		go func() { time.Sleep(5 * time.Second); end() }()
		if _, err = tr.RoundTrip(request(t, "GET", "https://api.test/v2/x/4", nil).WithContext(leave)); !errors.Is(err, context.Canceled) || time.Since(start) != 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestPathsWithIDsShareAName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":                             "",
		"/v2/persons":                  "/v2/persons",
		"/v2/persons/12":               "/v2/persons/*",
		"/v2/persons/12/employments/7": "/v2/persons/*/employments/*",
		"/v2/absence-periods/0b2f6f3c-7f0e-4c42-9d5b-3c4f6a1b2c3d/breakdowns": "/v2/absence-periods/*/breakdowns",
		"/v1/company/employees": "/v1/company/employees",
		"/V10/x9y8z7/":          "/V10/*/",
	} {
		if got := proxy.Fold(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("/v2/persons/12")
	f.Fuzz(func(t *testing.T, path string) {
		once := proxy.Fold(path)
		if twice := proxy.Fold(once); twice != once {
			t.Errorf("%q: once %q, twice %q", path, once, twice)
		}
		if strings.Count(once, "/") != strings.Count(path, "/") {
			t.Errorf("%q became %q", path, once)
		}
	})
}

func TestAnErrorNamesTheUpstreamAndNotTheAddress(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]http.RoundTripper{"refused": failing{&url.Error{Op: "Get", URL: "https://api.test/?email=ada", Err: io.EOF}}} {
		tr := transport(t, proxy.Config{Tokens: &tokens{}, Base: base})
		_, err := tr.RoundTrip(request(t, "GET", "https://api.test/?email=ada", nil))
		e := postern.AsError(err)
		if e.Code != postern.Unavailable || !strings.Contains(e.Msg, `"acme"`) || e.Hint == "" || strings.Contains(e.Msg, "ada") {
			t.Errorf("%s: got %+v", name, e)
		}
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
