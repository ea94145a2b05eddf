package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress is a bar on a terminal. One that is not shown does nothing.
type progress struct {
	app   *app
	shown bool
	what  string
	total int64 // bytes of the file; 0 is unknown
	read  int64
	rows  int
	drawn time.Time
}

// newProgress makes a bar, which is shown where stderr is a terminal and nobody reads
// the answer by program.
func (a *app) newProgress(what string, total int64, quiet bool) *progress {
	return &progress{app: a, shown: a.terminal && !quiet, what: what, total: total}
}

// reader lets a file pass and counts its bytes.
func (p *progress) reader(r io.Reader) io.Reader {
	return readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		p.read += int64(n)
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

// Read reads as an io.Reader does.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// at draws the bar when so many rows are done, ten times a second at most.
func (p *progress) at(rows int) {
	p.rows = rows
	if now := p.app.now(); p.shown && now.Sub(p.drawn) >= 100*time.Millisecond {
		p.drawn = now
		bar := ""
		if p.total > 0 {
			const width = 24
			done := min(width, int(width*p.read/p.total))
			bar = fmt.Sprintf("[%s%s] %3d%%  ", strings.Repeat("#", done), strings.Repeat("-", width-done), min(100, 100*p.read/p.total))
		}
		fmt.Fprintf(p.app.stderr, "\r%s%d %s", bar, p.rows, p.what)
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.shown && !p.drawn.IsZero() {
		fmt.Fprint(p.app.stderr, "\r\033[K")
	}
}
