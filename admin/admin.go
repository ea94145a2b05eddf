// Package admin is the operator API, both ends: handlers of /admin/v1 over a
// postern.Office, and a Remote that is an Office elsewhere. Each file shows one noun from
// both ends, which share their wire structs; commands print the same ones.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"postern.dev/postern"
)

// Verifier checks a bearer token; an Issuer does.
type Verifier interface {
	Verify(ctx context.Context, raw string, want postern.Want) (postern.Claims, error)
}

// Switch is one thing that a sandbox can do otherwise, the default value first.
type Switch struct {
	Name   string
	Values []string
	Help   string
}

// Config is what the handlers need. The first four are required.
type Config struct {
	// Office opens the office for whoever asks.
	Office   func(postern.Actor) postern.Office
	Verifier Verifier
	// PublicURL is the origin that links begin with, without a slash at the end; never
	// what a request calls the host.
	PublicURL string
	// Audience lists what a token may be made out to, one of them.
	Audience []string
	// Session says who is signed in at the browser that sends a cookie. It fails with
	// Unauthenticated for nobody. Nil lets no browser in.
	Session func(*http.Request) (postern.Actor, error)
	// Pace counts a call of an actor, by name, and says how long to wait when it is one too
	// many. Nil bounds nothing.
	Pace func(actor string, now time.Time) (wait time.Duration)
	// Switches are those of every sandbox, in the order they are shown.
	Switches []Switch
	Log      *slog.Logger
	Now      func() time.Time
}

// Route is one path, or the rest below one. Its handler answers every method.
type Route struct {
	Pattern string // of http.ServeMux, without a method
	Handler http.Handler
	Long    bool // it may take minutes
}

// Routes lists every path and the description.
func Routes(cfg Config) []Route {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &house{cfg}
	var out []Route
	byPath, table := map[string][]route{}, routes()
	for _, r := range table {
		byPath[r.path] = append(byPath[r.path], r)
	}
	for _, r := range table {
		if some := byPath[r.path]; some != nil {
			long := slices.ContainsFunc(some, func(r route) bool { return r.long })
			out = append(out, Route{Pattern: r.path, Handler: h.serve(some), Long: long})
			delete(byPath, r.path)
		}
	}
	return append(out, Route{Pattern: base + "/", Handler: h.serve(nil)})
}

// DefaultPerMinute is how many calls one actor may make in a minute: all of them at once,
// and one more for each that time has forgiven. It is what Config.Pace is to be made of.
const DefaultPerMinute = 600

// base is where the API is.
const base = "/admin/v1"

// house is the Config that the handlers share.
type house struct{ Config }

// The scopes of the API, the widest first.
const (
	ScopeAdmin      = "postern:admin"             // everything, everywhere
	ScopeRead       = "postern:admin:read"        // looks at everything
	ScopeTenant     = "postern:admin:tenant"      // everything of the client's own tenant but operators
	ScopeTenantRead = "postern:admin:tenant:read" // looks at everything of it
)

// Scopes lists the scopes of the API.
func Scopes() []string { return []string{ScopeAdmin, ScopeRead, ScopeTenant, ScopeTenantRead} }

// route is one operation: what it is called by and who does it.
type route struct {
	method string
	path   string   // of http.ServeMux
	query  []string // the parameters that it knows
	match  bool     // If-Match has a meaning
	key    bool     // Idempotency-Key has one
	long   bool
	do     func(*call) error
}

// write says whether the operation changes something.
func (r *route) write() bool { return r.method != http.MethodGet }

// routes is the table; openapi/admin-v1.json is held against it.
func routes() []route {
	return slices.Concat(tenantRoutes(), clientRoutes(), secretRoutes(), userRoutes(), keyRoutes(), resourceRoutes(),
		auditRoutes(), usageRoutes(), healthRoutes(), sandboxRoutes(), operatorRoutes())
}

// paged are the parameters of every list.
var paged = []string{"limit", "after"}
