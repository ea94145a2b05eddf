// Package hr is the HR API in the shape of Personio's, versions 1 and 2: handlers
// that serve a postern.Directory, and remotes that are one elsewhere. Each file shows
// one noun of one version from both ends, which share their wire structs.
package hr

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/holidays"
)

// Verifier checks a bearer token; an Issuer does.
type Verifier interface {
	Verify(ctx context.Context, raw string, want postern.Want) (postern.Claims, error)
}

// Tenants knows the tenants and how their sandbox behaves.
type Tenants interface {
	Tenant(ctx context.Context, id string) (postern.Tenant, error)
	Sandbox(ctx context.Context, tenant string) (postern.Sandbox, error)
}

// Config is what the handlers need. The first six are required.
type Config struct {
	// Directory gives the directory of a tenant.
	Directory func(tenant string) postern.Directory
	Verifier  Verifier
	Tenants   Tenants
	// PublicURL is the origin that links begin with, without a slash at the end; never
	// what a request calls the host.
	PublicURL string
	// Audience lists what a token may be made out to, one of them.
	Audience []string
	// CursorKey signs cursors; every node has the same.
	CursorKey [32]byte
	// Visit is told of every call of a tenant whose sandbox keeps a log. It must not wait.
	Visit func(postern.Visit)
	Log   *slog.Logger
	Now   func() time.Time
	// Unpaced lets every call pass however many there are, to measure how fast it is.
	Unpaced bool
	// Dice decides about faults: a number from 0 up to 1.
	Dice func() float64
}

func (cfg Config) withDefaults() Config {
	if cfg.Visit == nil {
		cfg.Visit = func(postern.Visit) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dice == nil {
		cfg.Dice = rand.Float64
	}
	return cfg
}

// Route is one path, or the rest below one. Its handler answers every method.
type Route struct {
	Pattern string // of http.ServeMux, without a method
	Handler http.Handler
}

// Routes lists every path of both versions, and their descriptions.
func Routes(cfg Config) []Route {
	h := &house{Config: cfg.withDefaults(), buckets: newBuckets(), holidays: holidays.New()}
	var out []Route
	for _, v := range []struct {
		shape shape
		table []route
	}{{v2{}, routesV2()}, {v1{}, routesV1()}} {
		byPath := map[string][]route{}
		for _, r := range v.table {
			byPath[r.path] = append(byPath[r.path], r)
		}
		for _, r := range v.table {
			if some := byPath[r.path]; some != nil {
				out = append(out, Route{r.path, h.serve(v.shape, some)})
				delete(byPath, r.path)
			}
		}
		out = append(out, Route{v.shape.rest(), h.serve(v.shape, nil)})
	}
	return out
}

// route is one operation: what it is called by, what it needs and who does it.
type route struct {
	method string
	path   string // of http.ServeMux, as /v2/persons/{id}
	scope  string // that the token needs
	do     func(*call) error
}

// The scopes.
const (
	readPersons      = "personio:persons:read"
	writePersons     = "personio:persons:write"
	readAbsences     = "personio:absences:read"
	writeAbsences    = "personio:absences:write"
	readAttendances  = "personio:attendances:read"
	writeAttendances = "personio:attendances:write"
)

// Scopes lists the scopes of the API.
func Scopes() []string {
	var out []string
	for _, r := range slices.Concat(routesV2(), routesV1()) {
		out = append(out, r.scope)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// routesV2 is the table of version 2. The description in openapi/hr-v2.json is held
// against it.
func routesV2() []route {
	return slices.Concat(personRoutes(), employmentRoutes(), absenceTypeRoutes(), absenceRoutes(), attendanceRoutes())
}

// routesV1 is the table of version 1; openapi/hr-v1.json is held against it.
func routesV1() []route {
	return slices.Concat(employeeRoutes(), timeOffRoutes(), hourlyRoutes(), timeRoutes())
}

// shape is what the versions do differently around a call.
type shape interface {
	// rest is the pattern for paths that are not in the table.
	rest() string
	// fail answers with err.
	fail(c *call, err error)
	// before is called when the caller is known and before anything is answered.
	before(c *call)
}

// house is the Config with what the handlers share.
type house struct {
	Config
	buckets  *buckets
	holidays *holidays.Book
	zones    zoneBook
}
