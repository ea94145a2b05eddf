package main

import (
	"fmt"
	"slices"
	"strings"
)

// pageColumns are the columns for pages of the HR API.
var pageColumns = []column{
	{"CPU ×", number(1, cpuRatio)},
	{"rate ×", number(2, rateRatio)},
	{"CPU µs", number(0, func(_, p figures) float64 { return p.CPU })},
	{"floor", number(0, func(f, _ figures) float64 { return f.CPU })},
	{"pages/s", number(0, func(_, p figures) float64 { return p.Rate })},
	{"floor", number(0, func(f, _ figures) float64 { return f.Rate })},
	{"p50 ms", number(2, func(_, p figures) float64 { return p.P50 })},
	{"p99 ms", number(2, func(_, p figures) float64 { return p.P99 })},
	{"allocs", number(0, func(_, p figures) float64 { return p.Allocations })},
	{"peak MiB", func(m *measured) string { return mib(m.peak()) }},
}

// pages writes the table of pages and the walks.
func (r *report) pages(b *strings.Builder) {
	fmt.Fprintf(b, "The HR API, %d connections; the floor is a bare handler that serves the bytes of one such page.\n\n", hrConns)
	rows := make([]*measured, len(r.Pages))
	for i := range r.Pages {
		rows[i] = r.Pages[i].measured
	}
	table(b, rows, pageColumns)
	b.WriteByte('\n')
	for _, w := range r.Walks {
		fmt.Fprintf(b, "walk over %s persons, %s: %s pages in %.1f s; a page took %.2f ms in the first hundred, %.2f in the last (median)\n",
			thousands(w.People), w.Engine, thousands(w.Pages), w.Whole/1e3, w.First, w.Last)
	}
}

// requiredPages compares a page of the largest tenant with the same of the middle one.
func (r *report) requiredPages() (out []string) {
	for _, m := range r.Pages {
		i := slices.IndexFunc(r.Pages, func(o hrRow) bool { return o.Engine == m.Engine && o.Page == m.Page && o.People == hrSizes[1] })
		if m.People != hrSizes[2] || i < 0 {
			continue
		}
		p50 := func(_, p figures) float64 { return p.P50 }
		large, small := m.median(p50), r.Pages[i].median(p50)
		out = append(out, verdict(large <= maxGrowth*small, "%s, %s: %.2f ms with %s persons, %.2f times that with %s (at most %.1f)",
			m.Page, m.Engine, large, thousands(m.People), large/small, thousands(hrSizes[1]), maxGrowth))
	}
	return out
}
