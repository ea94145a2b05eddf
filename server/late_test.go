package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/server"
)

// inHandler runs f with the context a handler gets, and gives that context back after
// the answer.
func inHandler(t *testing.T, parent context.Context, f func(context.Context)) context.Context {
	t.Helper()
	var got context.Context
	s, err := server.New(server.Config{Listen: "127.0.0.1:0", Routes: []server.Route{{Pattern: "/x",
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Context(); f(got) })}}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(parent, http.MethodGet, "http://127.0.0.1/x", nil)
	s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	if got == nil {
		t.Fatal("the handler was not reached")
	}
	return got
}

func TestARequestHasADeadlineWhetherItWaitsForItOrAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		inHandler(t, t.Context(), func(ctx context.Context) {
			if at, ok := ctx.Deadline(); !ok || at.Sub(start) != server.DefaultRequestTimeout {
				t.Errorf("the deadline is %v after the start, %t", at.Sub(start), ok)
			}
			if ctx.Err() != nil {
				t.Errorf("at the start: %v", ctx.Err())
			}
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			<-child.Done()
			if took := time.Since(start); took != server.DefaultRequestTimeout || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("ended after %v with %v", took, ctx.Err())
			}
		})
		inHandler(t, t.Context(), func(ctx context.Context) {
			time.Sleep(server.DefaultRequestTimeout) // virtual, and nobody waits on ctx
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("after the deadline: %v", ctx.Err())
			}
		})
	})
}

func TestAContextEndsWithItsCallerAndWithTheAnswer(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancel(t.Context())
	inHandler(t, parent, func(ctx context.Context) {
		cancel()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("after the caller left: %v", ctx.Err())
		}
	})
	for _, wait := range []bool{true, false} {
		after := inHandler(t, t.Context(), func(ctx context.Context) {
			if wait {
				_ = ctx.Done()
			}
		})
		<-after.Done()
		if !errors.Is(after.Err(), context.Canceled) {
			t.Errorf("after the answer, waited for %t: %v", wait, after.Err())
		}
	}
}
