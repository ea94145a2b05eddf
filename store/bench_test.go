//go:build unix

package store_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

// BenchmarkAppend is what the record of one token costs: time with the wait for
// the disk, and processor time of the whole process, both for one entry.
func BenchmarkAppend(b *testing.B) {
	engines := map[string]func(b *testing.B) string{
		"sqlite":   func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "postern.db") },
		"postgres": func(b *testing.B) string { return schema(b, postgres(b)) },
	}
	for name, dsn := range engines {
		b.Run(name, func(b *testing.B) {
			db := open(b, dsn(b))
			for _, size := range []int{1, 8, 32, 256} {
				b.Run(fmt.Sprint(size), func(b *testing.B) { appendBatches(b, db, size, false) })
			}
			b.Run("32live", func(b *testing.B) { appendBatches(b, db, 32, true) })
		})
	}
}

func appendBatches(b *testing.B, db *store.DB, size int, live bool) {
	entries, now := make([]*postern.Entry, size), time.Now()
	slot := 0
	b.ReportAllocs()
	before := processorTime(b)
	b.ResetTimer()
	for n := 0; n < b.N; n += size {
		for i := range entries {
			entries[i] = &postern.Entry{Event: postern.Event{
				Tenant: "acme", At: now, Action: postern.ActTokenIssued, Actor: "client:b7c1f02a9d3e", ClientID: "b7c1f02a9d3e",
				Dialect: "oauth2", Grant: postern.GrantClientCredentials, TokenID: "0193550a1b2c7d3e4f5061728394a5b6",
				Scope: "personio:absences:read personio:persons:read", Audience: "https://hr.example.com/api",
				KeyID: "5f3c1a9be2d04877", Via: postern.ViaForm, Source: "192.0.2.17", RequestID: "01j9zq4t7m3k8v5x2c6b1n0d"}}
			if live {
				slot++
				entries[i].Live = &postern.LiveToken{Tenant: "acme", ClientID: "b7c1f02a9d3e", Slot: fmt.Sprint(slot),
					TokenID: "0193550a1b2c7d3e4f5061728394a5b6", Sealed: string(make([]byte, 0, 8)), IssuedAt: now,
					ExpiresAt: now.Add(time.Hour)}
			}
		}
		if err := db.Append(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(time.Microsecond)/float64(b.N), "cpu-µs/op")
}

// BenchmarkVerifyChain is the cost of one entry.
func BenchmarkVerifyChain(b *testing.B) {
	db := open(b, "sqlite:"+filepath.Join(b.TempDir(), "postern.db"))
	entries := make([]*postern.Entry, 256)
	for n := 0; n < b.N; n += len(entries) {
		for i := range entries {
			entries[i] = &postern.Entry{Event: postern.Event{Tenant: "acme", Action: postern.ActTokenIssued,
				ClientID: "b7c1f02a9d3e", TokenID: "0193550a1b2c7d3e4f5061728394a5b6", Source: "192.0.2.17"}}
		}
		if err := db.Append(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	if r, err := db.VerifyChain(b.Context(), "acme", nil); err != nil || r.Problem != "" {
		b.Fatalf("%+v (%v)", r, err)
	}
}

// BenchmarkOpen is what every command pays before it begins.
func BenchmarkOpen(b *testing.B) {
	for name, dsn := range map[string]string{
		"sqlite": "sqlite:" + filepath.Join(b.TempDir(), "postern.db"), "postgres": schema(b, postgres(b))} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				db, err := store.Open(b.Context(), dsn, store.Options{})
				if err == nil {
					err = db.Close()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
