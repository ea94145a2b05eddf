package main

import (
	"fmt"
	"os"
	"time"
)

// progress is one line on a terminal that says what is being done; elsewhere only
// notes are printed.
type progress struct {
	out      *os.File
	terminal bool
	start    time.Time
}

func newProgress(out *os.File) *progress {
	info, err := out.Stat()
	return &progress{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, start: time.Now()}
}

// say replaces the line.
func (p *progress) say(format string, args ...any) {
	if p.terminal {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%4.0fs  %s", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
	}
}

// note prints a line that stays.
func (p *progress) note(format string, args ...any) {
	p.clear()
	_, _ = fmt.Fprintf(p.out, "bench: "+format+"\n", args...)
}

// clear removes the line.
func (p *progress) clear() {
	if p.terminal {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}
