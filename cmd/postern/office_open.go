package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/admin"
	"postern.dev/postern/proxy"
)

// clerk manages an installation for a command: beside the database, or through the
// operator API of a server.
type clerk struct {
	postern.Office
	*app
	place *place // nil when it is elsewhere
	url   string // of the server that it is behind, "" beside the database
}

// office opens the office that the command line, or the environment, names.
func (a *app) office(ctx context.Context) (*clerk, error) { return a.openOffice(ctx, false) }

// openOffice opens the office; beside the database, with create, it makes one that is
// missing.
func (a *app) openOffice(ctx context.Context, create bool) (*clerk, error) {
	server, err := a.server()
	if err != nil {
		return nil, err
	}
	if server != "" {
		return a.dialOffice(ctx, server)
	}
	p, err := a.openPlace(ctx, nil, create)
	if err != nil {
		return nil, err
	}
	inner, err := p.office(p.commander())
	if err != nil {
		return nil, errors.Join(err, p.db.Close())
	}
	return &clerk{Office: inner, app: a, place: p}, nil
}

func (o *clerk) close() {
	if o.place != nil {
		o.place.close()
	}
}

// serverVariable names the server in the environment.
const serverVariable = "POSTERN_SERVER"

// server gives the address of the server to manage, "" for the database here. A flag
// beats the environment, whichever of the two places it names.
func (a *app) server() (string, error) {
	local := a.cli.DB != "" || a.cli.Data != ""
	switch {
	case a.cli.Server != "" && local:
		return "", errMisused{postern.Errorf(postern.Invalid, "--server manages a server elsewhere, --db and --data the database here: they exclude each other")}
	case a.cli.Server != "":
		return a.cli.Server, nil
	case local:
		return "", nil
	}
	return a.getenv(serverVariable), nil
}

// managing are the commands that work through a server too, by how they begin.
var managing = []string{"tenant ", "client ", "user ", "key ", "resource ", "audit ", "sandbox ", "operator ", "node ", "usage ", "hr reset"}

// fitsServer refuses a server elsewhere for a command that does not work through one.
// Where the environment alone names one, those that read or write data here are refused,
// for they would do it in another place than was meant; the others do not care.
func (a *app) fitsServer(command string) error {
	if slices.ContainsFunc(managing, func(m string) bool { return strings.HasPrefix(command+" ", m) }) {
		return nil
	}
	server := a.cli.Server
	if strings.HasPrefix(command, "hr ") && server == "" {
		var err error
		if server, err = a.server(); err != nil {
			return err
		}
	}
	if server == "" {
		return nil
	}
	words := strings.Fields(command)
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "<") || strings.HasPrefix(w, "[") }); i >= 0 {
		words = words[:i]
	}
	return errMisused{postern.Errorf(postern.Invalid, "`postern %s` works on this machine, and not through a server (%s)", strings.Join(words, " "), shownAddress(server)).
		WithHint("leave out --server and unset %s, or name the database with --db or --data", serverVariable)}
}

// adminUpstream is what the server is called where a token is got from it, and what its
// variables begin with.
const (
	adminUpstream = "server"
	adminPrefix   = "POSTERN_ADMIN"
)

// dialOffice opens the office behind the operator API of a server, with a token that the
// same server gives.
func (a *app) dialOffice(ctx context.Context, address string) (*clerk, error) {
	cfg, err := a.load(nil)
	if err != nil {
		return nil, err
	}
	address = strings.TrimSuffix(strings.TrimRight(address, "/"), "/admin/v1")
	if err := postern.CheckUpstreamURL(address); err != nil {
		e := *postern.AsError(err)
		e.Msg = fmt.Sprintf("the server %s %s", shownAddress(address), e.Msg)
		return nil, &e
	}
	u := &named{name: adminUpstream, prefix: adminPrefix}
	if err := a.overEnvironment(u); err != nil {
		return nil, err
	}
	// The variables of a person who signs in at the same server begin alike.
	secretSettings[1].clear(&u.upstreamConfig)
	u.Email, u.Dialect, u.BaseURL, u.APIURL = "", "oauth2", address+"/oauth2/token", address
	if u.ClientID == "" || len(secretSettings[0].sources(&u.upstreamConfig)) == 0 {
		return nil, postern.Errorf(postern.Unauthenticated, "there is no credential for the server %s", shownAddress(address)).
			WithHint("set %s_CLIENT_ID and %s_CLIENT_SECRET to those of a client with the scope %s", adminPrefix, adminPrefix, admin.ScopeAdmin)
	}
	out := &outside{app: a, cfg: cfg}
	tokens, err := out.broker(out.quietly(), nil, u)
	if err != nil {
		return nil, err
	}
	carrier, err := proxy.New(proxy.Config{Upstream: u.name, API: address, Tokens: tokens, Base: upstreamTransport()})
	if err != nil {
		return nil, err
	}
	remote, err := admin.Dial(address, &http.Client{Transport: &officeWay{carrier, address}})
	if err != nil {
		return nil, err
	}
	return &clerk{Office: remote, app: a, url: address}, nil
}

// officeWay says of a call to a server without an answer what was in its way.
type officeWay struct {
	next   http.RoundTripper
	server string
}

// maxPaced bounds how often a call is made again that was one too many.
const maxPaced = 3

// RoundTrip implements http.RoundTripper. Of a long list some page may be one call too many:
// it is asked for again, for which the next transport waits as long as the server said.
func (w *officeWay) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	for again := 0; err == nil && again < maxPaced && r.Method == http.MethodGet && resp.StatusCode == http.StatusTooManyRequests; again++ {
		_ = resp.Body.Close() // it said no more than that
		resp, err = w.next.RoundTrip(r)
	}
	if err == nil {
		return resp, nil
	}
	e := *postern.AsError(err)
	e.Msg = strings.TrimPrefix(e.Msg, fmt.Sprintf("upstream %q: ", adminUpstream))
	if said, hint := wayFailed(err, r.URL.Host); said != "" {
		e.Code, e.Msg, e.Hint, e.Err = postern.Unavailable, said, strings.ReplaceAll(hint, "BASE", "--server"), nil
	}
	switch e.Code {
	case postern.Unauthenticated:
		e.Msg = fmt.Sprintf("the server %s gives no token: the client id or its secret is wrong, or the client is disabled", w.server)
		e.Hint = fmt.Sprintf("check %s_CLIENT_ID and %s_CLIENT_SECRET; the server's audit trail names the cause", adminPrefix, adminPrefix)
	default:
		e.Hint = strings.ReplaceAll(e.Hint, fmt.Sprintf("base_url (or %s_BASE_URL)", adminPrefix), "--server")
	}
	return nil, &e
}

// hinted adds what to do next to a failure with a code, for an office knows no commands.
func hinted(err error, code postern.Code, format string, args ...any) error {
	if err == nil || postern.CodeOf(err) != code {
		return err
	}
	e := *postern.AsError(err)
	if e.Hint != "" {
		return err
	}
	return e.WithHint(format, args...)
}

func noTenant(err error) error {
	return hinted(err, postern.NotFound, "`postern tenant list` shows them, `postern tenant create` makes one")
}

func noClient(err error) error {
	return hinted(err, postern.NotFound, "`postern client list --tenant T` shows them")
}

func noUser(err error, tenant string) error {
	return hinted(err, postern.NotFound, "`postern user list --tenant %s` shows them", tenant)
}

// tenant looks a tenant up for a command.
func (o *clerk) tenant(ctx context.Context, id string) (postern.Tenant, error) {
	t, err := o.Tenant(ctx, id)
	return t, noTenant(err)
}

// everyPage walks a list to its end. It fails with Unavailable for a list that goes round
// in a circle.
func everyPage[T any](list func(postern.Paging) (postern.Page[T], error), item func(T)) error {
	for p := (postern.Paging{Limit: postern.MaxPage}); ; {
		page, err := list(p)
		if err != nil {
			return err
		}
		for _, v := range page.Items {
			item(v)
		}
		if page.Next == "" {
			return nil
		}
		if page.Next == p.After {
			return postern.Errorf(postern.Unavailable, "the list does not end: a page says that it is followed by itself").
				WithHint("the server may be older or newer than this program")
		}
		p.After = page.Next
	}
}

// address is where people sign in: at the server that was dialled, at the configured
// address, or where a server runs now.
func (o *clerk) address(ctx context.Context) string {
	if o.place == nil {
		return o.url
	}
	if o.place.cfg.PublicURL != "" {
		return strings.TrimRight(o.place.cfg.PublicURL, "/")
	}
	if h, err := o.Health(ctx); err == nil && len(h.Nodes) > 0 {
		return h.Nodes[len(h.Nodes)-1].URL
	}
	scheme := "http"
	if o.place.cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + cmp.Or(o.place.cfg.Listen, defaults().Listen)
}
