package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/server"
)

// A panic must not tell what the request held, however it holds it.
func TestAPanicTellsNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	const canary = "Kanarie-Geheim-5150"
	d := newDesk(t)
	a := &app{env: d.env, cli: &cli{}}
	p, err := a.openPlace(t.Context(), map[string]string{"listen": "127.0.0.1:0"}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	h, err := p.build(t.Context(), newLog(d.err, "json", "debug"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	defer func() { _ = h.server.Close() }()
	thrown := map[string]any{
		"text":  canary,
		"error": errors.New(canary),
		"ours":  &postern.Error{Code: postern.Internal, Msg: canary, Err: errors.New(canary)},
		"odd":   struct{ secret string }{canary},
		"runtime": func() (v any) {
			defer func() { v = recover() }()
			_ = []string{}[len(canary)]
			return nil
		}(),
		"format": fmt.Errorf("%+v", http.Header{"Authorization": {canary}}),
	}
	for name, value := range thrown {
		err := h.server.Mount(server.Route{Pattern: "/panic/" + name, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) })})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range thrown {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/panic/"+name+"?client_secret="+canary, strings.NewReader("password="+canary))
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
		r.SetBasicAuth("c", canary)
		h.server.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), canary) {
			t.Errorf("%s: got %d %s, want 500 and nothing of the request", name, w.Code, w.Body)
		}
	}
	if log := d.err.String(); strings.Contains(log, canary) || strings.Count(log, `"msg":"panic"`) != len(thrown) {
		t.Errorf("the log holds the canary, or not one record of each of %d panics:\n%s", len(thrown), log)
	}
}
