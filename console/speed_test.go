package console_test

import "testing"

func BenchmarkPages(b *testing.B) {
	br := newBrowser(b, newTown(atNoon)).as("ada@example.org")
	for _, at := range []string{"/console/", "/console/clients?tenant=acme", "/console/clients/aaclient", "/console/audit?tenant=acme", "/console/sandbox?tenant=acme"} {
		b.Run(at, func(b *testing.B) {
			for b.Loop() {
				if r := br.get(at); r.status != 200 {
					b.Fatal(r.status)
				}
			}
		})
	}
}
