package server_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern.dev/postern/server"
)

// FuzzTarget asks for any target by any method: the answer is never a redirect or a
// failure of ours, and the handler of an exact route is reached by its one spelling.
func FuzzTarget(f *testing.F) {
	const token = "token reached"
	s, err := server.New(server.Config{Listen: "127.0.0.1:0", Routes: []server.Route{
		{Pattern: "/token", Handler: text(token)},
		{Pattern: "GET /things/{id}", Handler: text("thing")},
		{Pattern: "/pages/", Handler: text("page")},
	}})
	if err != nil {
		f.Fatal(err)
	}
	for _, target := range []string{"/token", "//token", "/x/../token", "/token/", "/token%2f", "/tok%65n", `/\\token`, "/pages",
		"/things/a%40b", "*", "http://a", "http://a//token", "/token?a=//b", "/%2e%2e/token", "a:80", "/token;x", "/%00", ""} {
		f.Add("GET", target)
		f.Add("CONNECT", target)
		f.Add("OPTIONS", target)
	}
	f.Fuzz(func(t *testing.T, method, target string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")))
		if err != nil {
			return // net/http answers 400
		}
		path := r.RequestURI
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		resp := w.Result()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode >= 500 || resp.StatusCode/100 == 3 || resp.Header.Get("Location") != "" {
			t.Errorf("%q %q: got %d %s", method, target, resp.StatusCode, body)
		}
		path, _, _ = strings.Cut(path, "?")
		if strings.Contains(string(body), token) && path != "/token" && !strings.HasSuffix(path, r.Host+"/token") {
			t.Errorf("%q %q reached /token", method, target)
		}
	})
}
