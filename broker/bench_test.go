package broker_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/broker/oauth2source"
)

// static is a token source of golang.org/x/oauth2 that ReuseTokenSource asks once.
type static struct{}

func (static) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "t1", TokenType: "Bearer", Expiry: time.Now().Add(time.Hour)}, nil
}

// BenchmarkToken measures a token from memory, ours beside golang.org/x/oauth2's, with
// 1, 8 and 64 goroutines.
func BenchmarkToken(b *testing.B) {
	ours := open(b, broker.Config{Fetch: &server{life: time.Hour}})
	theirs := oauth2.ReuseTokenSource(nil, static{})
	ctx := context.Background()
	for _, n := range []int{1, 8, 64} {
		for name, get := range map[string]func() error{
			"postern": func() error { _, err := ours.Token(ctx, "acme", 0); return err },
			"oauth2":  func() error { _, err := theirs.Token(); return err },
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(max(1, n/runtime.GOMAXPROCS(0)))
				if n == 1 {
					for b.Loop() {
						if err := get(); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := get(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
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
