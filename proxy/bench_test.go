package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/proxy"
)

// still is a TokenSource that costs nothing.
type still struct{ token postern.Token }

func (s still) Token(context.Context, string, time.Duration) (postern.Token, error) {
	return s.token, nil
}

func (still) Drop(string, postern.Secret) {}

// BenchmarkProxy measures a call through our proxy beside one through a reverse proxy
// of net/http that does nothing: one caller for what a call takes longer, 64 for how
// many calls there are. The two take turns, so that a neighbour on the machine
// troubles both; x-plain is the median of our time over theirs, turn by turn.
func BenchmarkProxy(b *testing.B) {
	back := httptest.NewServer(http.HandlerFunc(answer4K))
	defer back.Close()
	u, _ := url.Parse(back.URL)
	base := proxy.NewBase()
	defer base.CloseIdleConnections()
	plain := httptest.NewServer(&httputil.ReverseProxy{Transport: base, Rewrite: func(pr *httputil.ProxyRequest) { pr.SetURL(u) }})
	defer plain.Close()
	ours := httptest.NewServer(proxy.NewHandler(proxy.Options{Transport: transport(b, proxy.Config{
		API: back.URL, Base: base, Tokens: still{postern.Token{Value: postern.NewSecret("t1"), Type: "Bearer"}}})}))
	defer ours.Close()
	hc := &http.Transport{MaxIdleConnsPerHost: 64}
	defer hc.CloseIdleConnections()
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			turn := func(at string) float64 { return calls(b, hc, at+"/v2/persons", callers, 128) }
			turn(ours.URL) // connections are made
			turn(plain.URL)
			var we, they, ratio []float64
			for i := 0; b.Loop(); i++ {
				var us, them float64
				if i%2 == 0 { // or one of the two would always come second
					us, them = turn(ours.URL), turn(plain.URL)
				} else {
					them, us = turn(plain.URL), turn(ours.URL)
				}
				we, they, ratio = append(we, us), append(they, them), append(ratio, us/them)
			}
			b.ReportMetric(0, "ns/op") // a turn of each says nothing
			b.ReportMetric(median(we), "µs-postern")
			b.ReportMetric(median(they), "µs-plain")
			b.ReportMetric(median(ratio), "x-plain")
		})
	}
}

var fourK = bytes.Repeat([]byte("x"), 4<<10)

func answer4K(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(fourK)
}

// calls makes n calls among so many callers and gives the µs from the first to the
// last for each of them.
func calls(b *testing.B, hc *http.Transport, at string, callers, n int) float64 {
	b.Helper()
	var wg sync.WaitGroup
	start := time.Now()
	for range callers {
		wg.Go(func() {
			r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, at, nil)
			for range n / callers {
				resp, err := hc.RoundTrip(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Errorf("got %s, %v", resp.Status, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(time.Since(start).Microseconds()) / float64(n)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
