package main

import (
	"fmt"
	"slices"
)

// What is required of Postern, as bounds. A figure that misses its bound is said to;
// it decides nothing here, because no timing on a shared machine should.
const (
	maxCPURatio   = 1.4
	minRateRatio  = 0.7
	maxMillion    = 1.10 // of the processor time with a thousand clients
	maxResident   = 64 << 20
	maxFirstToken = 200 // ms
	maxOffice     = 50  // ms of any question of the office
	maxGrowth     = 1.5 // of the time of a page with a million persons, over ten thousand

	maxToolRequests = 25  // for who is out this week
	maxToolAdds     = 1.0 // ms of processor time that the tools add to each of them
)

// verdict is a line about one requirement.
func verdict(ok bool, format string, args ...any) string {
	word := "FAIL"
	if ok {
		word = "PASS"
	}
	return word + "  " + fmt.Sprintf(format, args...)
}

// required compares what was measured with the bounds.
func (r *report) required() (out []string) {
	main, many := r.row(rowMain), r.row(rowMillion)
	if main == nil {
		out = append(out, "----  "+rowMain+" was not measured")
	} else {
		cpu, rate := main.median(cpuRatio), main.median(rateRatio)
		out = append(out,
			verdict(cpu <= maxCPURatio, "%s on SQLite: %.2f times the floor's processor time a token (at most %.1f)", rowMain, cpu, maxCPURatio),
			verdict(rate >= minRateRatio, "%s on SQLite: %.2f of the floor's rate (at least %.1f)", rowMain, rate, minRateRatio))
	}
	if main == nil || many == nil {
		out = append(out, "----  a million clients were not measured")
	} else {
		ratios := make([]float64, len(many.Postern))
		for i := range ratios {
			ratios[i] = many.Postern[i].CPU / main.Postern[i].CPU // they took turns
		}
		ratio := median(ratios)
		out = append(out, verdict(ratio <= maxMillion, "a million clients cost %.2f times the processor time of a thousand (at most %.2f)", ratio, maxMillion))
	}
	if main != nil {
		out = append(out, verdict(main.peak() < maxResident, "resident memory with a thousand clients under load: %s MiB at most (under %d)",
			mib(main.peak()), maxResident>>20))
	}
	for _, c := range r.ColdStarts {
		m := median(c.Millis)
		out = append(out, verdict(m < maxFirstToken, "cold start to the first token with %s clients: %.0f ms (under %d)", thousands(c.Clients), m, maxFirstToken))
	}
	return slices.Concat(out, r.requiredPages(), r.requiredTools(), r.requiredOffice())
}
