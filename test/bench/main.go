// Command bench measures what a token of Postern costs. It builds the real program,
// runs it as a process of its own with a database that it has filled, and asks it
// for tokens over keep-alive connections on the loopback; beside it runs the floor, a
// bare net/http handler that does the least any token endpoint can do (see floor.go).
// The two take turns, run by run, and what is quoted is the ratio:
//
//	test/with-postgres go run ./test/bench            everything
//	go run ./test/bench -quick                        a few minutes less, no million clients
//	go run ./test/bench -rows 'ES256' -runs 9         some rows, more runs
//	go run ./test/bench -rows '^hr .* SQLite'         pages of the HR API
//	go run ./test/bench -rows '^office'               what operators look at
//	go run ./test/bench -rows '^tools'                the tools, over the HR API
//	go run ./test/bench -profile DIR -rows '^oauth2 ES256$'
//
// For the HR API the floor serves the bytes of one page, and what is compared besides
// is tenants of different sizes.
//
// The main figure is processor time: user and system time of the server process over
// the tokens it gave. Neighbours on a shared machine distort it less than rates and
// latencies, which also suffer from the disk and from the load generator, on the same
// processors. They distort it all the same, by emptying caches; so where the processor
// lets itself be asked, the instructions executed in user mode stand beside it, which
// are the same every time. It reads /proc and therefore runs on Linux only.
//
// Timings never decide: the exit status is 0 whatever they are, and 1 when something
// could not be measured or an answer was not a token.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	runs     int
	lasts    time.Duration
	conns    int
	only     *regexp.Regexp
	quick    bool
	jsonFile string
	dir      string
	profile  string
	postgres string // DSN; "" when there is none
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == floorCommand {
		if err := serveFloor(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&s.runs, "runs", 0, "runs of each row, the floor's and Postern's in turn (default 5, 3 with -quick)")
	f.DurationVar(&s.lasts, "time", 0, "how long a run lasts (default 3s, 2s with -quick)")
	f.IntVar(&s.conns, "conns", 64, "connections that ask at once")
	only := f.String("rows", "", "measure rows whose name matches this expression")
	f.BoolVar(&s.quick, "quick", false, "fewer and shorter runs, no million clients")
	f.StringVar(&s.jsonFile, "json", "", "write every figure to this file too")
	f.StringVar(&s.dir, "dir", "", "keep the prepared million clients in this directory, for the next time")
	f.StringVar(&s.profile, "profile", "", "measure nothing: write profiles of the rows to this directory")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.only, err = regexp.Compile(*only); err != nil {
		return s, err
	}
	runs, lasts := 5, 3*time.Second
	if s.quick {
		runs, lasts = 3, 2*time.Second
	}
	if s.runs == 0 {
		s.runs = runs
	}
	if s.lasts == 0 {
		s.lasts = lasts
	}
	if s.runs < 1 || s.conns < 1 || s.lasts < 0 || f.NArg() > 0 {
		return s, errors.New("flags out of range, or arguments where there are none")
	}
	s.postgres = os.Getenv("POSTERN_TEST_POSTGRES")
	return s, nil
}

// run measures what the arguments ask for and reports it.
func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("processor time and memory are read from /proc: this runs on Linux only")
	}
	rows := s.chosen()
	if len(rows) == 0 && !s.only.MatchString(rowColdStart) && !s.wantsHR() && !s.wantsOffice() && !s.only.MatchString(rowTools) {
		return errors.New("no row has such a name")
	}
	p := newProgress(os.Stderr)
	defer p.clear()
	h, err := openHouse(ctx, s, p)
	if err != nil {
		return err
	}
	defer h.close()
	if s.profile != "" {
		return h.profile(ctx, rows)
	}
	rep := newReport(s, h.fsync)
	err = h.measureAll(ctx, rows, rep)
	p.clear()
	// What was measured before a failure is worth seeing.
	return errors.Join(rep.write(os.Stdout), err)
}

// measureAll measures group by group, then the cold starts.
func (h *house) measureAll(ctx context.Context, rows []row, rep *report) error {
	for group := range groups {
		part := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.group != group })
		if err := h.measure(ctx, part, rep); err != nil {
			return err
		}
	}
	if err := h.coldStarts(ctx, rep); err != nil {
		return err
	}
	if err := h.measureHR(ctx, rep); err != nil {
		return err
	}
	if err := h.measureTools(ctx, rep); err != nil {
		return err
	}
	return h.measureOffice(ctx, rep)
}

// wantsHR says whether any row of the HR API is to be measured.
func (s settings) wantsHR() bool {
	return slices.ContainsFunc(hrSizes, func(n int) bool {
		return s.only.MatchString(hrName("SQLite", n)) || s.only.MatchString(hrName("PostgreSQL", n))
	})
}

// chosen gives the rows to measure.
func (s settings) chosen() (out []row) {
	for _, r := range allRows {
		if !s.only.MatchString(r.name) || s.quick && r.people.size > bulk || s.postgres == "" && r.postgres {
			continue
		}
		out = append(out, r)
	}
	return out
}
