package issuer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// counter is a journal that keeps nothing and counts.
type counter struct {
	issuer.Journal
	commits, entries atomic.Int64
}

func (c *counter) Append(_ context.Context, entries []*postern.Entry) error {
	c.commits.Add(1)
	c.entries.Add(int64(len(entries)))
	return nil
}

// real lets time pass: live tokens and caches behave as in a server.
func real(c *issuer.Config) { c.Now = time.Now }

// benched is a house whose journal costs nothing, with a request of each dialect.
func benched(b *testing.B) (*house, *counter, map[string]postern.Request) {
	b.Helper()
	n := &counter{}
	h := newHouse(b, real, func(c *issuer.Config) { n.Journal, c.Journal = c.Journal, n })
	c, s := h.client()
	ed, eds := h.client(func(c *postern.Client) { c.Alg = postern.EdDSA })
	rs, rss := h.client(func(c *postern.Client) { c.Alg = postern.RS256 })
	reqs := map[string]postern.Request{"oauth2-EdDSA": request("oauth2", ed, eds), "oauth2-RS256": request("oauth2", rs, rss)}
	for _, d := range machineDialects {
		reqs[d] = request(d, c, s)
	}
	return h, n, reqs
}

// BenchmarkIssue is one caller at a time; BenchmarkIssueTogether is many, whose
// records share commits.
func BenchmarkIssue(b *testing.B) {
	h, n, reqs := benched(b)
	for name, req := range reqs {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := n.entries.Load()
			for b.Loop() {
				h.issue(req)
			}
			if got := n.entries.Load() - before; got < int64(b.N) {
				b.Errorf("%d events for %d tokens", got, b.N)
			}
		})
	}
}

func BenchmarkIssueTogether(b *testing.B) {
	h, n, reqs := benched(b)
	for name, req := range reqs {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			before, commits := n.entries.Load(), n.commits.Load()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := h.Issue(b.Context(), req); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(n.entries.Load()-before)/float64(n.commits.Load()-commits), "events/commit")
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	h, _, reqs := benched(b)
	for name, req := range reqs {
		raw := h.issue(req).Value.Reveal()
		want := postern.Want{Kind: postern.Machine, Tenant: testTenant, Scope: "a"}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Verify(b.Context(), raw, want); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSign is the part of a token that cannot be saved.
func BenchmarkSign(b *testing.B) {
	h := newHouse(b)
	f := newForger(b, h)
	for _, alg := range postern.Algs {
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.signature(alg, "about as long as a token's header and payload, which is some three hundred bytes")
			}
		})
	}
}
