package dialect_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// discard is a writer that keeps nothing but one header map.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkTokenPath measures what a dialect adds to a token: reading the request,
// writing the payload, writing the answer.
func BenchmarkTokenPath(b *testing.B) {
	for _, d := range dialect.All {
		p := d.(dialect.Profiler).Profile()
		c, req := claimsOf(p), requestOf(d)
		tok := postern.Token{Value: postern.NewSecret(strings.Repeat("x", 700)), Scope: c.Scope, ExpiresIn: time.Hour}
		b.Run(d.Name()+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			r, err := d.EncodeRequest("https://a.test", req)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r.Body, _ = r.GetBody()
				if _, err := d.DecodeRequest(r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(d.Name()+"/payload", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Encode(c); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(d.Name()+"/payload-back", func(b *testing.B) {
			b.ReportAllocs()
			payload, _ := p.Encode(c)
			for b.Loop() {
				if _, err := p.Decode(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(d.Name()+"/answer", func(b *testing.B) {
			b.ReportAllocs()
			w := discard{http.Header{}}
			for b.Loop() {
				d.EncodeResponse(w, tok, nil)
			}
		})
	}
}
