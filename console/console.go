package console

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern"
)

// Config is what the pages need. Office, Door, Wardrobe and PublicURL are required.
type Config struct {
	// Office opens the office for somebody.
	Office   func(postern.Actor) postern.Office
	Door     postern.Door
	Wardrobe postern.Wardrobe
	// Directory gives the directory of a tenant, for the month view; nil shows none.
	Directory func(tenant string) postern.Directory
	// Try answers requests to the token endpoints of this server, for a browser that does
	// without script; nil leaves only the page with script. See Within.
	Try http.RoundTripper
	// PublicURL is the origin of the server, without a slash at the end.
	PublicURL string
	// Key seals what waits in a browser between two steps of signing in. Every node has
	// the same; zero is one of this process.
	Key [32]byte
	// Secure says that browsers come by TLS. Without it only those are let in that call
	// us by a loopback address.
	Secure bool

	// What the pages know of the rooms beside them.
	Dialects   []Dialect
	Attributes []string // fields of persons that a whitelist can name
	Switches   []Switch // of a sandbox
	FaultKinds []string
	// RotateEvery is the age at which a key is followed by another; 0 or less is when
	// somebody says so.
	RotateEvery time.Duration

	Now func() time.Time // nil is time.Now
	Log *slog.Logger     // nil discards
}

// Dialect is what the pages know of a way to ask for a token.
type Dialect struct {
	Name, Title string
	Person      bool // the proof is a person's e-mail address and password too
	Scoped      bool // requests may name scopes
	// Encode writes the request for a token, as a client would.
	Encode func(base string, req postern.Request) (*http.Request, error)
}

// Switch is a choice of how a sandbox behaves: the first of its values is the default.
type Switch struct {
	Name   string
	Values []string
	Help   string
}

// Route is a pattern of http.ServeMux and what answers it.
type Route struct {
	Pattern string
	Handler http.Handler
	Timeout time.Duration // above what is usual for the server; 0 is usual
}

// MaxLong bounds what reads a whole trail.
const MaxLong = 10 * time.Minute

// house is what every call shares.
type house struct {
	Config
	mux    *http.ServeMux // of every page
	base   *url.URL
	sheets *sheets
	origin *http.CrossOriginProtection
}

// Routes gives the routes of the console. It fails with Invalid for a public URL that is
// no origin.
func Routes(cfg Config) ([]Route, error) {
	h := &house{Config: cfg}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	if h.Key == [32]byte{} {
		_, _ = rand.Read(h.Key[:]) // never fails since Go 1.24
	}
	var err error
	if h.base, err = url.Parse(cfg.PublicURL); err != nil || h.base.Host == "" || strings.HasSuffix(cfg.PublicURL, "/") {
		return nil, postern.Errorf(postern.Invalid, "the public URL of the console is not an origin")
	}
	if h.sheets, err = newSheets(); err != nil {
		return nil, err
	}
	h.origin = http.NewCrossOriginProtection()
	if err := h.origin.AddTrustedOrigin(h.base.Scheme + "://" + h.base.Host); err != nil {
		return nil, postern.Errorf(postern.Invalid, "the public URL of the console is not an origin")
	}
	return h.routes(), nil
}

// New gives the console as one handler, for a server without timeouts of its own.
func New(cfg Config) (http.Handler, error) {
	routes, err := Routes(cfg)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	return mux, nil
}

// routes gives each path of a page as a route of its own, whatever the methods there: the
// server that takes them logs the pattern and never the path.
func (h *house) routes() []Route {
	h.mux = http.NewServeMux()
	out := []Route{{Pattern: "/console", Handler: http.HandlerFunc(h.toOverview)}}
	at := map[string]int{}
	handle := func(pattern string, handler http.Handler) *Route {
		h.mux.Handle(pattern, handler)
		path := pattern[strings.IndexByte(pattern, '/'):]
		i, ok := at[path]
		if !ok {
			i = len(out)
			at[path], out = i, append(out, Route{Pattern: path, Handler: h.mux})
		}
		return &out[i]
	}
	for _, p := range pages() {
		if r := handle(p.pattern, h.serve(p)); p.long {
			r.Timeout = MaxLong
		}
	}
	handle("GET /console/assets/{name}", http.HandlerFunc(h.asset))
	handle("/console/", h.serve(page{open: true, do: (*call).nowhere}))
	return out
}

func (h *house) toOverview(w http.ResponseWriter, r *http.Request) {
	h.guard(w)
	http.Redirect(w, r, "/console/", http.StatusSeeOther)
}
