package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/server"
)

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ h http.Header }

func (w nowhere) Header() http.Header         { return w.h }
func (w nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w nowhere) WriteHeader(int)             {}

// BenchmarkChain is all middleware around a handler that does nothing, with the log
// record written as JSON; "bare" is the same request through a ServeMux alone.
func BenchmarkChain(b *testing.B) {
	answer := []byte(`{"access_token":"x"}`)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := postern.CallFrom(r.Context())
		c.Dialect, c.Tenant, c.ClientID, c.TokenID = "oauth2", "acme", "c0123456789abcdef", "0123456789abcdef0123456789abcdef"
		_, _ = w.Write(answer)
	})
	s, err := server.New(server.Config{
		Listen: "127.0.0.1:0",
		Log:    slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Routes: []server.Route{{Pattern: "POST /oauth2/token", Handler: h}},
	})
	if err != nil {
		b.Fatal(err)
	}
	bare := http.NewServeMux()
	bare.Handle("POST /oauth2/token", h)
	for name, handler := range map[string]http.Handler{"chain": s.Handler(), "bare": bare} {
		b.Run(name, func(b *testing.B) {
			req := httptest.NewRequest(http.MethodPost, "/oauth2/token", http.NoBody)
			req.RemoteAddr = "192.0.2.1:4711"
			for _, f := range []string{"Content-Type", "Accept", "User-Agent", "Authorization", "Accept-Encoding"} {
				req.Header.Set(f, "application/x-www-form-urlencoded")
			}
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				handler.ServeHTTP(w, req)
			}
		})
	}
}
