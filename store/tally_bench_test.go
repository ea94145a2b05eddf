//go:build unix

package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// BenchmarkTally is what counting one record costs, of many clients in turn and of some
// that come again, and how long a token waits for its turn to write meanwhile: at the
// median and at most.
func BenchmarkTally(b *testing.B) {
	engines := map[string]func(b *testing.B) string{
		"sqlite":   func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "postern.db") },
		"postgres": func(b *testing.B) string { return schema(b, postgres(b)) },
	}
	for name, dsn := range engines {
		for _, burst := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/burst%d", name, burst), func(b *testing.B) {
				db, now := open(b, dsn(b)), time.Now()
				appendTokens(b, db, b.N, burst, now)
				ctx, stop := context.WithCancel(b.Context())
				waits := waiting(ctx, db)
				before := processorTime(b)
				b.ResetTimer()
				for more := true; more; {
					var err error
					if more, err = db.Tally(b.Context(), now); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				b.ReportMetric(float64(processorTime(b)-before)/float64(time.Microsecond)/float64(b.N), "cpu-µs/op")
				stop()
				if all := slices.Sorted(slices.Values(<-waits)); len(all) > 0 {
					b.ReportMetric(float64(all[len(all)/2])/float64(time.Millisecond), "wait-ms")
					b.ReportMetric(float64(all[len(all)-1])/float64(time.Millisecond), "longest-ms")
				}
			})
		}
	}
}

// appendTokens records so many tokens of 10,000 clients, some in a row for each.
func appendTokens(b *testing.B, db *store.DB, n, burst int, at time.Time) {
	entries := make([]*postern.Entry, 0, 4096)
	for i := range n {
		entries = append(entries, &postern.Entry{Event: postern.Event{
			Tenant: "acme", At: at, Action: postern.ActTokenIssued, ClientID: fmt.Sprintf("b7c1f02a%04d", i/burst%10_000),
			Dialect: "oauth2", Grant: postern.GrantClientCredentials, TokenID: "0193550a1b2c7d3e4f5061728394a5b6",
			Scope: "personio:absences:read personio:persons:read", Audience: "https://hr.example.com/api",
			KeyID: "5f3c1a9be2d04877", Via: postern.ViaForm, Source: "192.0.2.17", RequestID: "01j9zq4t7m3k8v5x2c6b1n0d"}})
		if len(entries) == cap(entries) || i+1 == n {
			if err := db.Append(b.Context(), entries); err != nil {
				b.Fatal(err)
			}
			entries = entries[:0]
		}
	}
}

// waiting records one token after another, a millisecond apart, and gives how long each
// took.
func waiting(ctx context.Context, db *store.DB) <-chan []time.Duration {
	out, tick := make(chan []time.Duration, 1), time.NewTicker(time.Millisecond)
	go func() {
		defer tick.Stop()
		var all []time.Duration
		for ctx.Err() == nil {
			begun := time.Now()
			if err := db.Append(ctx, []*postern.Entry{{Event: postern.Event{Tenant: "other", Action: postern.ActServerStarted}}}); err == nil {
				all = append(all, time.Since(begun))
			}
			<-tick.C
		}
		out <- all
	}()
	return out
}
