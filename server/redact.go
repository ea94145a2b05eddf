package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"postern.dev/postern"
)

// Bounds, in bytes, of text in a log record that we did not write ourselves.
const (
	maxMessage = 512
	maxStack   = 8 << 10
)

// confidential finds what must not be logged inside a text: the query of an address,
// its user part, a secret of ours, a compact JWS, and an Authorization value.
var confidential = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`\?[^\s"'<>]*`), "?[query]"},
	{regexp.MustCompile(`://[^/\s"'@]*@`), "://[user]@"},
	{regexp.MustCompile(postern.SecretPrefix + `[0-9A-Za-z]{20,}`), "[secret]"},
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]*\.?[\w-]*`), "[token]"},
	{regexp.MustCompile(`(?i)\b(basic|bearer)\s+[\w.~+/=-]+`), "$1 [credentials]"},
}

// redact makes foreign text fit for the log.
func redact(s string) string {
	for _, c := range confidential {
		s = c.find.ReplaceAllString(s, c.put)
	}
	return postern.Shorten(s, maxMessage)
}

// describe is the text of err for the log.
func describe(err error) string { return redact(err.Error()) }

// recovered answers a panic with 500 and nothing about it. It says whether the
// connection must be broken off, because the answer had begun.
func (x *exchange) recovered(r *http.Request, p any) (abort bool) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true // the handler wants the connection broken off
	}
	rec := slog.New(x.chain.log)
	rec.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("id", x.call.ID),
		slog.String("route", x.route.pattern),
		slog.String("panic", panicText(p)),
		slog.String("stack", stack(debug.Stack())))
	x.call.Code = postern.Internal
	if x.call.Cause == "" {
		x.call.Cause = "panic"
	}
	if x.open && x.status != 0 {
		x.status = http.StatusInternalServerError // for the record; the caller saw another
		return true
	}
	x.status = 0
	clear(x.ResponseWriter.Header())
	x.chain.setHeaders(x, r)
	x.refuse(http.StatusInternalServerError, "server_error", "")
	return false
}

// panicText describes a panic without its value, which may hold what a request held.
// The runtime's own errors name types and indexes only.
func panicText(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return redact(err.Error())
	}
	return fmt.Sprintf("value of type %T", p)
}

// stack bounds a stack trace. It shows no values: arguments are in it as addresses.
func stack(b []byte) string {
	s := string(b[:min(len(b), maxStack)])
	return strings.ToValidUTF8(s, "?")
}

// errorLog gives net/http a log whose lines go to the structured one, redacted.
func errorLog(to *slog.Logger) *log.Logger { return log.New(errorLines{to}, "", 0) }

type errorLines struct{ to *slog.Logger }

func (e errorLines) Write(p []byte) (int, error) {
	text, trace, level := string(p), "", slog.LevelWarn
	switch {
	case strings.Contains(text, "panic serving "):
		// "http: panic serving ADDRESS: VALUE\ngoroutine …": the value must go.
		head, rest, _ := strings.Cut(text, "panic serving ")
		peer, _, _ := strings.Cut(rest, ": ")
		if _, after, ok := strings.Cut(rest, "\ngoroutine "); ok {
			trace = stack([]byte("goroutine " + after))
		}
		text, level = head+"panic serving "+peer, slog.LevelError
	case strings.Contains(text, "TLS handshake error"):
		level = slog.LevelDebug // anyone on the network can cause it
	case strings.Contains(text, "Accept error"):
		level = slog.LevelError
	}
	var attrs []slog.Attr
	if trace != "" {
		attrs = append(attrs, slog.String("stack", trace))
	}
	e.to.LogAttrs(context.Background(), level, redact(strings.TrimSpace(text)), attrs...)
	return len(p), nil
}
