package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figures is one run of one server.
type figures struct {
	Tokens int
	Rate   float64 // tokens a second
	CPU    float64 // µs of user and system time a token
	// Instructions are thousands a token, in user mode; 0 where they cannot be counted.
	Instructions float64
	P50, P99     float64 // ms
	Allocations  float64 // a token
	Allocated    float64 // bytes a token
	PerCommit    float64 // records to a commit; 0 for the floor
	Memory       memory
}

// measured is a row with all its runs; the n-th of both belong together.
type measured struct {
	Name           string
	Clients        int // registered
	Asking         int // of them
	Floor, Postern []figures
}

// coldStart is the time from the start of the program to the first token.
type coldStart struct {
	Clients int
	Millis  []float64
}

// report is everything that was measured.
type report struct {
	Date, Machine, Go string
	Runs              int
	Seconds           float64 // of a run
	Connections       int
	Fsync             string `json:",omitempty"` // of PostgreSQL
	Rows              []*measured
	ColdStarts        []coldStart
	Pages             []hrRow       `json:",omitempty"`
	Walks             []walk        `json:",omitempty"`
	Tools             []toolRun     `json:",omitempty"`
	Office            []officeRun   `json:",omitempty"`
	Counts            []officeCount `json:",omitempty"`

	file string
}

func newReport(s settings, fsync string) *report {
	return &report{Date: time.Now().Format(time.DateOnly), Machine: machine(), Go: runtime.Version(), Runs: s.runs,
		Seconds: s.lasts.Seconds(), Connections: s.conns, Fsync: fsync, file: s.jsonFile}
}

// machine describes the processor, not the host.
func machine() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the description is shorter
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return fmt.Sprintf("%d processors, %s", runtime.NumCPU(), strings.TrimSpace(value))
		}
	}
	return fmt.Sprintf("%d processors, %s", runtime.NumCPU(), runtime.GOARCH)
}

func (r *report) row(name string) *measured {
	for _, m := range r.Rows {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// each gives f of every run of both servers.
func (m *measured) each(f func(floor, postern figures) float64) []float64 {
	out := make([]float64, len(m.Postern))
	for i := range out {
		out[i] = f(m.Floor[i], m.Postern[i])
	}
	return out
}

// median gives the middle of f over the runs.
func (m *measured) median(f func(floor, postern figures) float64) float64 { return median(m.each(f)) }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

func cpuRatio(floor, postern figures) float64  { return postern.CPU / floor.CPU }
func rateRatio(floor, postern figures) float64 { return postern.Rate / floor.Rate }

// column is one column of the table.
type column struct {
	head string
	text func(m *measured) string
}

func number(digits int, f func(floor, postern figures) float64) func(*measured) string {
	return func(m *measured) string { return strconv.FormatFloat(m.median(f), 'f', digits, 64) }
}

var columns = []column{
	{"CPU ×", number(2, cpuRatio)},
	{"lowest–highest", func(m *measured) string {
		all := m.each(cpuRatio)
		return fmt.Sprintf("%.2f–%.2f", slices.Min(all), slices.Max(all))
	}},
	{"instr ×", func(m *measured) string {
		if m.median(func(f, _ figures) float64 { return f.Instructions }) == 0 {
			return "–"
		}
		return number(2, func(f, p figures) float64 { return p.Instructions / f.Instructions })(m)
	}},
	{"rate ×", number(2, rateRatio)},
	{"CPU µs", number(1, func(_, p figures) float64 { return p.CPU })},
	{"floor", number(1, func(f, _ figures) float64 { return f.CPU })},
	{"tokens/s", number(0, func(_, p figures) float64 { return p.Rate })},
	{"floor", number(0, func(f, _ figures) float64 { return f.Rate })},
	{"p50 ms", number(2, func(_, p figures) float64 { return p.P50 })},
	{"floor", number(2, func(f, _ figures) float64 { return f.P50 })},
	{"p99 ms", number(2, func(_, p figures) float64 { return p.P99 })},
	{"floor", number(2, func(f, _ figures) float64 { return f.P99 })},
	{"allocs", number(0, func(_, p figures) float64 { return p.Allocations })},
	{"floor", number(0, func(f, _ figures) float64 { return f.Allocations })},
	{"KiB", number(1, func(_, p figures) float64 { return p.Allocated / 1024 })},
	{"floor", number(1, func(f, _ figures) float64 { return f.Allocated / 1024 })},
	{"a commit", number(1, func(_, p figures) float64 { return p.PerCommit })},
	{"peak MiB", func(m *measured) string { return mib(m.peak()) }},
}

// peak is the most memory Postern ever had in the row.
func (m *measured) peak() (peak int64) {
	for _, f := range m.Postern {
		peak = max(peak, f.Memory.Peak)
	}
	return peak
}

func mib(n int64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) }

// write prints the table and what was required, and writes the file.
func (r *report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s. Medians of %d runs of %gs, %d connections; × is Postern over the floor, run by run;\n"+
		"CPU is user and system time of the server, instr what it executes in user mode, which neighbours do not change.\n",
		r.Date, r.Machine, r.Go, r.Runs, r.Seconds, r.Connections)
	if r.Fsync != "" {
		fmt.Fprintf(&b, "PostgreSQL with fsync %s; its own processor time is not counted.\n", r.Fsync)
	}
	b.WriteByte('\n')
	table(&b, r.Rows, columns)
	if len(r.Pages) > 0 {
		b.WriteString("\n")
		r.pages(&b)
	}
	if len(r.Office) > 0 {
		b.WriteString("\n")
		r.office(&b)
	}
	if len(r.Tools) > 0 {
		b.WriteString("\n")
		r.tools(&b)
	}
	for _, c := range r.ColdStarts {
		fmt.Fprintf(&b, "\ncold start to the first token, %s clients: %.0f ms (%.0f–%.0f)", thousands(c.Clients),
			median(c.Millis), slices.Min(c.Millis), slices.Max(c.Millis))
	}
	b.WriteString("\n\n")
	for _, q := range r.required() {
		fmt.Fprintln(&b, q)
	}
	if _, err := io.WriteString(w, b.String()); err != nil || r.file == "" {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.file, append(text, '\n'), 0o644) //nolint:gosec // figures for everyone
}

// table writes a line for each row, names left and figures right.
func table(b *strings.Builder, rows []*measured, columns []column) {
	if len(rows) == 0 {
		return
	}
	lines := [][]string{{""}}
	for _, c := range columns {
		lines[0] = append(lines[0], c.head)
	}
	for _, m := range rows {
		line := []string{m.Name}
		for _, c := range columns {
			line = append(line, c.text(m))
		}
		lines = append(lines, line)
	}
	for _, line := range lines {
		for i, cell := range line {
			width := 0
			for _, other := range lines {
				width = max(width, len([]rune(other[i])))
			}
			if i == 0 {
				fmt.Fprintf(b, "%-*s", width, cell)
			} else {
				fmt.Fprintf(b, "  %*s", width, cell)
			}
		}
		b.WriteByte('\n')
	}
}

// thousands writes n with a space between thousands.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
