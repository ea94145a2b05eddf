package logbuf

import (
	"context"
	"io"
	"log/slog"
)

// NewHandler gives a slog handler over w. open makes the handler that writes lines,
// such as slog.NewJSONHandler; it is called twice. Records below warning are
// dropped when w is full; warnings and errors are urgent.
func NewHandler(w *Writer, open func(io.Writer) slog.Handler) slog.Handler {
	return handler{plain: open(w), urgent: open(w.Urgent())}
}

type handler struct{ plain, urgent slog.Handler }

func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.plain.Enabled(ctx, l) }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		return h.urgent.Handle(ctx, r)
	}
	return h.plain.Handle(ctx, r)
}

func (h handler) WithAttrs(as []slog.Attr) slog.Handler {
	return handler{h.plain.WithAttrs(as), h.urgent.WithAttrs(as)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.plain.WithGroup(name), h.urgent.WithGroup(name)}
}
