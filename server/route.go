package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"postern.dev/postern"
)

// route is the last of the middleware before a handler: steps 9 and 10 of chain.
type route struct {
	pattern   string
	next      http.Handler
	timeout   time.Duration
	longer    bool // timeout is longer than the connection's
	quiet     bool // successes are logged at debug level: probes come all day
	inflight  prometheus.Gauge
	durations *durations
}

func (t *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange) // the mux passes on what chain gave it
	x.route, x.open = t, true
	t.inflight.Inc()
	ctx := r.Context()
	if t.timeout > 0 {
		late := &lateContext{Context: ctx, deadline: x.start.Add(t.timeout)}
		defer late.end()
		ctx = late
	}
	if t.longer {
		t.extend(x)
	}
	r = r.WithContext(postern.WithCall(ctx, &x.call))
	// The query may hold credentials. Below, it exists in r.URL only, where a handler
	// that reads it must ask for it.
	r.RequestURI, _, _ = strings.Cut(r.RequestURI, "?")
	t.next.ServeHTTP(x, r)
}

// extend moves the deadlines of the connection, which net/http sets again for the
// next request.
func (t *route) extend(x *exchange) {
	var end time.Time // none
	if t.timeout > 0 {
		end = x.start.Add(t.timeout + DefaultWriteTimeout - DefaultRequestTimeout)
	}
	rc := http.NewResponseController(x.ResponseWriter)
	_ = rc.SetReadDeadline(end) // not every test writer can
	_ = rc.SetWriteDeadline(end)
}
