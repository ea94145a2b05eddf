package mcptool

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"postern.dev/postern"
)

// checkSource refuses what a page in a browser may have sent in its reader's name: a
// request under a name that is not ours, which is how a page reaches a machine that it
// cannot see (DNS rebinding), and one from the origin of another page.
func (h *HTTP) checkSource(r *http.Request) error {
	if !h.knownHost(r.Host) {
		e := postern.Errorf(postern.Forbidden, "this server is not called %s", orNothing(postern.Shorten(r.Host, 100)))
		e.Cause = "host"
		return e.WithHint("call %s; an operator can set public_url, and let a proxy pass on the header Host", h.URL)
	}
	err := h.cross.Check(r)
	for _, origin := range r.Header.Values("Origin") {
		if !h.knownOrigin(origin, r.Host) || len(r.Header.Values("Origin")) > 1 {
			err = http.ErrNotSupported // of any method
		}
	}
	if err != nil {
		e := postern.Errorf(postern.Forbidden, "pages of another origin may not call this server")
		e.Cause = "origin"
		return e
	}
	return nil
}

// knownHost says whether a request under this name is meant for us: the configured one,
// or one that leads to this machine and cannot be anybody's.
func (h *HTTP) knownHost(host string) bool {
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if strings.EqualFold(name, h.host) || strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// knownOrigin says whether an origin is ours: as configured, or as the request has it.
func (h *HTTP) knownOrigin(origin, host string) bool {
	if strings.EqualFold(origin, h.origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host) && u.Path == ""
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
