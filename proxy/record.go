package proxy

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"postern.dev/postern"
)

// record is an answer on its way out, and what the access record says about it.
type record struct {
	http.ResponseWriter
	began  time.Time
	status int
	bytes  int64
	code   postern.Code // of what the proxy itself had against the call
	err    error
}

// Unwrap lets http.ResponseController flush.
func (w *record) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack notes that the call became another protocol: the answer that says so is
// written past us.
func (w *record) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// WriteHeader notes the status.
func (w *record) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts what is sent.
func (w *record) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// log writes the access record. The query is left out, since it may name a person; so
// are all headers.
func (h *Handler) log(w *record, r *http.Request, broke bool) {
	level := slog.LevelInfo
	if broke {
		level = slog.LevelWarn
	}
	if !h.o.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("upstream", h.o.Transport.c.Upstream),
		slog.String("method", postern.Shorten(r.Method, 20)),
		slog.String("path", postern.Shorten(r.URL.Path, 500)),
		slog.Int("status", w.status),
		slog.Int64("bytes", w.bytes),
		slog.Duration("took", time.Since(w.began)),
	}
	if id := r.Header.Get("X-Request-Id"); id != "" {
		attrs = append(attrs, slog.String("request_id", postern.Shorten(id, 100)))
	}
	if w.code != "" {
		attrs = append(attrs, slog.String("code", string(w.code)), slog.Any("err", w.err))
	}
	if broke {
		attrs = append(attrs, slog.Bool("broke_off", true))
	}
	h.o.Log.LogAttrs(r.Context(), level, "proxied", attrs...)
}

// buffers lends the buffers that bodies are copied with.
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10

// Get lends a buffer.
func (p *buffers) Get() []byte {
	if b, ok := p.pool.Get().(*[bufferSize]byte); ok {
		return b[:]
	}
	return make([]byte, bufferSize)
}

// Put takes it back.
func (p *buffers) Put(b []byte) {
	if len(b) == bufferSize {
		p.pool.Put((*[bufferSize]byte)(b))
	}
}
