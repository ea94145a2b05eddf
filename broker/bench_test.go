package broker_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/broker/oauth2source"
)

// source is what both sides look like to a benchmark: the i-th of a number of upstreams.
type source func(i int) error

// asked is a token source of golang.org/x/oauth2 that asks the same server as a broker.
type asked struct{ s *server }

// oauth2Early is how long before its end golang.org/x/oauth2 holds a token to be over.
const oauth2Early = 10 * time.Second

func (a asked) Token() (*oauth2.Token, error) {
	got, err := a.s.Fetch(context.Background(), acme(), postern.Request{})
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: got.Token.Value.Reveal(), TokenType: "Bearer", Expiry: time.Now().Add(got.Token.ExpiresIn + oauth2Early)}, nil
}

func theirs(s *server, n int) source {
	list := make([]oauth2.TokenSource, n)
	for i := range list {
		list[i] = oauth2.ReuseTokenSource(nil, asked{s})
	}
	return func(i int) error { _, err := list[i].Token(); return err }
}

func ours(b *testing.B, s *server, n int) source {
	ups := make([]postern.Upstream, n)
	for i := range ups {
		ups[i] = acme()
		ups[i].Name = fmt.Sprintf("acme-%d", i)
	}
	br := open(b, broker.Config{Upstreams: ups, Fetch: s})
	ctx := context.Background()
	return func(i int) error { _, err := br.Token(ctx, ups[i].Name, 0); return err }
}

// together lets n callers begin at one moment and gives how long it took until the
// last had ended.
func together(b *testing.B, n int, call func(i int) error) time.Duration {
	b.Helper()
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-begin
			if err := call(i); err != nil {
				b.Error(err)
			}
		})
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	done.Wait()
	return time.Since(start)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkToken measures a token from memory, ours beside golang.org/x/oauth2's, with
// 1, 8 and 64 goroutines. The two take turns, so that a neighbour on the machine
// troubles both; faster is the median of theirs over ours, turn by turn.
func BenchmarkToken(b *testing.B) {
	s := &server{life: time.Hour}
	get, other := ours(b, s, 1), theirs(s, 1)
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", n), func(b *testing.B) {
			each := 1 << 18 / n
			turn := func(get source) float64 {
				took := together(b, n, func(int) error {
					for range each {
						if err := get(0); err != nil {
							return err
						}
					}
					return nil
				})
				return float64(took) / float64(each*n)
			}
			var we, they, faster []float64
			for b.Loop() {
				us, them := turn(get), turn(other)
				we, they, faster = append(we, us), append(they, them), append(faster, them/us)
			}
			b.ReportMetric(0, "ns/op") // a turn of each says nothing
			b.ReportMetric(median(we), "ns-postern")
			b.ReportMetric(median(they), "ns-oauth2")
			b.ReportMetric(median(faster), "x-faster")
			b.ReportMetric(testing.AllocsPerRun(1000, func() { _ = get(0) }), "allocs")
		})
	}
}

// BenchmarkStampede measures 10,000 callers who find one token expired: how many
// requests they make, and how long beyond the server's answer the last of them waits.
func BenchmarkStampede(b *testing.B) {
	const callers, takes = 10_000, 50 * time.Millisecond
	for _, name := range []string{"postern", "oauth2"} {
		b.Run(name, func(b *testing.B) {
			requests := 0
			var beyond []float64
			for b.Loop() {
				s := &server{takes: takes}
				s.answer = func(n int, _ postern.Request) (broker.Answer, error) {
					if n == 1 { // the one that will have expired
						return token("t1", 10*time.Millisecond+takes), nil
					}
					return token("t2", time.Hour), nil
				}
				get := theirs(s, 1)
				if name == "postern" {
					get = ours(b, s, 1)
				}
				if err := get(0); err != nil {
					b.Fatal(err)
				}
				<-time.After(2*takes + 10*time.Millisecond)
				took := together(b, callers, func(int) error { return get(0) })
				requests = max(requests, s.asked()-1)
				beyond = append(beyond, float64(took-takes)/1e6)
			}
			if requests != 1 {
				b.Errorf("%d requests", requests)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(requests), "requests")
			b.ReportMetric(median(beyond), "ms-beyond-answer")
		})
	}
}

// BenchmarkRenewal measures the longest that any caller waits while 1,000 tokens are
// renewed by a server that takes half a second. The tokens live for two seconds and
// belong to 200 upstreams, so that it ends soon; 64 callers go round among them, and
// each lets the others have a turn after every token, so that what is measured is not
// the time slice of the scheduler. What the machine itself makes callers wait is seen
// in the row without renewals.
func BenchmarkRenewal(b *testing.B) {
	const takes = 500 * time.Millisecond
	for _, row := range []struct {
		name     string
		renewals int
		life     time.Duration
	}{
		{"postern", 1000, 2 * time.Second},
		{"postern-without-renewals", 0, time.Hour},
		{"oauth2", 100, 2 * time.Second},
	} {
		b.Run(row.name, func(b *testing.B) {
			var sum load
			renewed := 0
			for b.Loop() {
				s := &server{takes: takes, life: row.life}
				get := theirs(s, upstreams)
				if row.name != "oauth2" {
					get = ours(b, s, upstreams)
				}
				together(b, upstreams, get) // the first tokens are waited for
				first, start := s.asked(), time.Now()
				sum.add(underLoad(b, get, func() bool {
					if row.renewals > 0 {
						return s.asked()-first >= row.renewals
					}
					return time.Since(start) > 5*time.Second
				}))
				renewed += s.asked() - first
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(sum.longest), "ns-longest")
			b.ReportMetric(float64(takes), "ns-endpoint")
			b.ReportMetric(float64(sum.late), "waits-over-1ms")
			b.ReportMetric(float64(sum.tokens), "tokens")
			b.ReportMetric(float64(renewed), "renewals")
		})
	}
}

// upstreams is how many there are to be renewed.
const upstreams = 200

// load is what callers met.
type load struct {
	longest      time.Duration // that one of them waited
	tokens, late int           // late took more than a millisecond
}

func (l *load) add(o load) {
	l.longest, l.tokens, l.late = max(l.longest, o.longest), l.tokens+o.tokens, l.late+o.late
}

// underLoad lets 64 callers ask until it is over.
func underLoad(b *testing.B, get source, over func() bool) load {
	b.Helper()
	var mu sync.Mutex
	var sum load
	together(b, 64, func(caller int) error {
		var mine load
		for ; !over(); mine.tokens++ {
			start := time.Now()
			if err := get((mine.tokens + 3*caller) % upstreams); err != nil {
				return err
			}
			took := time.Since(start)
			if mine.longest = max(mine.longest, took); took > time.Millisecond {
				mine.late++
			}
			runtime.Gosched()
		}
		mu.Lock()
		defer mu.Unlock()
		sum.add(mine)
		return nil
	})
	return sum
}

func TestATokenFromMemoryCostsNoAllocation(t *testing.T) {
	b := open(t, broker.Config{Fetch: &server{life: time.Hour}})
	wantToken(t, b, 0, "t1")
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = b.Token(ctx, "acme", time.Minute) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestProgramsWrittenForOAuth2GetTheirTokens(t *testing.T) {
	t.Parallel()
	s := &server{answer: func(int, postern.Request) (broker.Answer, error) {
		a := token("t1", time.Hour)
		a.Token.Scope = postern.NewScopes("a", "b")
		return a, nil
	}}
	src := oauth2source.Source{Tokens: open(t, broker.Config{Fetch: s}), Upstream: "acme"}
	tok, err := src.Token()
	if err != nil || !tok.Valid() || tok.AccessToken != "t1" || tok.Extra("scope") != "a b" || time.Until(tok.Expiry) < 59*time.Minute {
		t.Errorf("got %+v, %v", tok, err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.test", nil)
	if tok.SetAuthHeader(r); r.Header.Get("Authorization") != "Bearer t1" {
		t.Errorf("got %v", r.Header)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src = oauth2source.Source{Context: ctx, Tokens: src.Tokens, Upstream: "nobody"}
	if _, err := src.Token(); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("got %v", err)
	}
}
