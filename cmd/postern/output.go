package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"postern.dev/postern"
)

// printJSON writes v with indentation. Secrets that are to be shown once are
// plain strings in a view made for it.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table prints rows under a head, in columns.
func (a *app) table(head string, rows [][]string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.ReplaceAll(head, "|", "\t"))
	for _, r := range rows {
		for i := range r {
			r[i] = printable(r[i])
		}
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// pairs prints names and values under each other.
func (a *app) pairs(pairs ...string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", pairs[i], printable(pairs[i+1]))
		}
	}
	return w.Flush()
}

// printable keeps what others typed from steering the terminal, and from turning around
// the order of what stands beside it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if postern.Steers(r) {
			return '?'
		}
		return r
	}, s)
}

// note says something to people that programs need not read.
func (a *app) note(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func yesNo(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func logLevel(name string) *slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return nil
	}
	return &l
}

func newLog(w io.Writer, format, level string) *slog.Logger {
	opt := &slog.HandlerOptions{Level: *logLevel(level)}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
