package server

import (
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"postern.dev/postern"
)

// maxLogged bounds, in bytes, each value in a record that a caller may have chosen.
const maxLogged = 128

// end is the deferred beginning of every chain: it turns a panic into an answer and
// writes the record.
func (x *exchange) end(r *http.Request) {
	var abort bool
	if p := recover(); p != nil {
		abort = x.recovered(r, p)
	}
	if x.status == 0 {
		x.status = http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	if x.route.inflight != nil {
		x.route.inflight.Dec()
	}
	took := time.Since(x.start)
	x.route.durations.observe(x.status, took)
	x.record(r, took)
	if abort {
		panic(http.ErrAbortHandler) // net/http breaks the connection off, without a log line
	}
}

// record writes the one log record of the request. It names the route and never the
// target or the query, which may hold credentials.
func (x *exchange) record(r *http.Request, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case x.status >= 500:
		level = slog.LevelError
	case x.route.quiet:
		level = slog.LevelDebug
	}
	ctx, h := r.Context(), x.chain.log
	if !h.Enabled(ctx, level) {
		return
	}
	bytes := x.bytes
	if r.Method == http.MethodHead {
		bytes = 0 // counted, not sent
	}
	var room [16]slog.Attr // on the stack
	as := append(room[:0],
		slog.String("id", x.call.ID),
		slog.String("method", knownMethod(r.Method)),
		slog.String("route", x.route.pattern),
		slog.Int("status", x.status),
		slog.Int64("bytes", bytes),
		slog.Float64("dur_ms", math.Round(took.Seconds()*1e6)/1e3),
	)
	if x.call.Source.IsValid() {
		as = append(as, slog.String("source", x.call.Source.String()))
	}
	as = appendValue(as, "dialect", x.call.Dialect)
	as = appendValue(as, "tenant", x.call.Tenant)
	as = appendValue(as, "client", x.call.ClientID)
	as = appendValue(as, "operator", x.call.Operator)
	as = appendValue(as, "token_id", x.call.TokenID)
	as = appendValue(as, "code", string(x.call.Code))
	as = appendValue(as, "cause", x.call.Cause)
	if x.call.Err != nil && (x.call.Code == postern.Internal || x.call.Code == postern.Unavailable) {
		as = append(as, slog.String("err", describe(x.call.Err)))
	}
	rec := slog.NewRecord(x.start.Add(took), level, "request", 0)
	rec.AddAttrs(as...)
	_ = h.Handle(ctx, rec) // there is nowhere to say that a log line was not written
}

// appendValue leaves empty values out, and shortens the others.
func appendValue(as []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return as
	}
	if strings.Contains(value, postern.SecretPrefix) {
		value = "[secret]" // sent where something else belongs
	}
	return append(as, slog.String(key, postern.Shorten(value, maxLogged)))
}

// knownMethod keeps text of the caller's choice out of the record.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return m
	}
	return "other"
}
