package test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Two tenants share a server, and a person's address. No endpoint answers the one with
// anything of the other's.
func TestNoEndpointAnswersWithTheRowOfAnotherTenant(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := engine(t)
			acme, blue := enrol(t, p, "acme", "10000"), enrol(t, p, "blue", "20000")
			p.postern(t, "resource", "create", "https://api.acme.test", "--tenant", "acme")
			n := p.serve(t)
			s := &sharing{n: n, of: map[string][]string{}}
			s.belongs(acme)
			s.belongs(blue)
			for _, pair := range [][2]credentials{{acme, blue}, {blue, acme}} {
				s.tokens(t, pair[0], pair[1])
				s.people(t, pair[0], pair[1])
			}
			s.resources(t, acme, blue)
			s.strangers(t, acme, blue)
			for _, c := range []credentials{acme, blue} {
				s.commands(t, c)
			}
			n.stop(t)
		})
	}
}

// sharing is a server that two tenants share, with all that belongs to each.
type sharing struct {
	n  *node
	of map[string][]string // what only one tenant may see, by tenant
}

func (s *sharing) belongs(c credentials) {
	s.of[c.Tenant] = append(s.of[c.Tenant], c.ID, c.PublicID, c.Tenant+"-agent")
}

// apart wants that what a tenant was shown holds nothing of another's.
func (s *sharing) apart(t testing.TB, tenant, what string, shown []byte) {
	t.Helper()
	for other, things := range s.of {
		for _, thing := range things {
			if other != tenant && bytes.Contains(shown, []byte(thing)) {
				t.Errorf("%s shows %s what belongs to %s, %q: %s", what, tenant, other, thing, shown)
			}
		}
	}
}

// tokens of one tenant are nothing to the other's machine, in any dialect.
func (s *sharing) tokens(t *testing.T, c, other credentials) {
	unknown := post(t, s.n, "/oauth2/introspect", other, "token", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.AA")
	for _, w := range ways {
		a := must(t, w.request(s.n.url, c))
		token, err := w.token(a.body)
		if err != nil {
			t.Fatal(err)
		}
		s.of[c.Tenant] = append(s.of[c.Tenant], tokenID(token))
		s.apart(t, c.Tenant, w.path, append(a.body, payloadOf(token)...))

		mine := post(t, s.n, "/oauth2/introspect", c, "token", token)
		if !bytes.Contains(mine.body, []byte(`"active":true`)) || !bytes.Contains(mine.body, []byte(`"tenant":"`+c.Tenant+`"`)) {
			t.Errorf("%s: introspection by its own tenant: got %v, want an active token of %s", w.dialect, mine, c.Tenant)
		}
		theirs := post(t, s.n, "/oauth2/introspect", other, "token", token)
		if theirs.status != unknown.status || !bytes.Equal(theirs.body, unknown.body) {
			t.Errorf("%s: introspection by another tenant: got %v, want %v as for an unknown token", w.dialect, theirs, unknown)
		}
		if a := post(t, s.n, "/oauth2/revoke", other, "token", token); a.status != http.StatusOK || len(a.body) > 0 {
			t.Errorf("%s: revocation by another tenant: got %v, want 200 and nothing, as for an unknown token", w.dialect, a)
		}
		if !active(t, s.n, c, token) {
			t.Errorf("%s: another tenant has revoked the token", w.dialect)
		}
	}
}

func payloadOf(token string) []byte {
	out, _ := json.Marshal(strings.Split(token, ".")) // strings always can be
	return append(out, decodePart(strings.Split(token, ".")[1])...)
}

// people of one tenant are unknown in the other, though they share an address.
func (s *sharing) people(t *testing.T, c, other credentials) {
	w := wayOf("comm100")
	token, err := w.get(s.n.url, c)
	if err != nil {
		t.Fatal(err)
	}
	info := fetch(t, s.n, "/oauth/userinfo", "Authorization", "Bearer "+token)
	if info.status != http.StatusOK || !bytes.Contains(info.body, []byte(c.Tenant+"-agent")) || !bytes.Contains(info.body, []byte(c.Partner)) {
		t.Errorf("userinfo: got %v, want the agent of %s", info, c.Tenant)
	}
	s.apart(t, c.Tenant, "/oauth/userinfo", info.body)
	refused := must(t, w.request(s.n.url, swap(c, func(c *credentials) { c.Password = "of nobody at all" })))
	for what, mixed := range map[string]credentials{
		"the other's password":             swap(c, func(c *credentials) { c.Password = other.Password }),
		"the other's partner":              swap(c, func(c *credentials) { c.Partner = other.Partner }),
		"the other's partner and password": swap(c, func(c *credentials) { c.Partner, c.Password = other.Partner, other.Password }),
		"the other's client":               swap(c, func(c *credentials) { c.PublicID = other.PublicID }),
		"the other's client and partner":   swap(c, func(c *credentials) { c.PublicID, c.Partner = other.PublicID, other.Partner }),
	} {
		a := must(t, w.request(s.n.url, mixed))
		if a.status != refused.status || !bytes.Equal(a.body, refused.body) {
			t.Errorf("%s with %s: got %v, want %v as for a wrong password", c.Tenant, what, a, refused)
		}
	}
}

// swap gives credentials with something exchanged.
func swap(c credentials, change func(*credentials)) credentials { change(&c); return c }

// resources that one tenant registered are unknown to the other.
func (s *sharing) resources(t *testing.T, owner, other credentials) {
	named := func(c credentials, resource string) answer {
		return post(t, s.n, "/oauth2/token", c, "grant_type", "client_credentials", "resource", resource)
	}
	if a := named(owner, "https://api.acme.test"); a.status != http.StatusOK {
		t.Errorf("a tenant's own resource: got %v, want a token", a)
	}
	theirs, unknown := named(other, "https://api.acme.test"), named(other, "https://api.nobody.test")
	if theirs.status != http.StatusBadRequest || !bytes.Equal(theirs.body, unknown.body) {
		t.Errorf("another tenant's resource: got %v, want %v as for an unknown one", theirs, unknown)
	}
}

// strangers are callers without a tenant: what everyone may read names nobody.
func (s *sharing) strangers(t *testing.T, tenants ...credentials) {
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/jwks.json",
		"/healthz", "/readyz", "/metrics", "/openapi/", "/oauth/userinfo", "/oauth2/token"} {
		a := fetch(t, s.n, path)
		s.apart(t, "nobody", path, a.body)
		for _, c := range tenants {
			if strings.Contains(string(a.body), c.Tenant) {
				t.Errorf("%s names the tenant %s: %s", path, c.Tenant, a.body)
			}
		}
	}
	refused := must(t, wayOf("oauth2").request(s.n.url, credentials{ID: tenants[0].ID, Secret: tenants[1].Secret}))
	unknown := must(t, wayOf("oauth2").request(s.n.url, credentials{ID: "nobody", Secret: tenants[1].Secret}))
	if refused.status != http.StatusUnauthorized || !bytes.Equal(refused.body, unknown.body) {
		t.Errorf("one tenant's client with the other's secret: got %v, want %v as for an unknown client", refused, unknown)
	}
	mixed := post(t, s.n, "/v2/auth/token", credentials{}, "grant_type", "client_credentials", "client_id", tenants[0].ID, "client_secret", tenants[1].Secret)
	if mixed.status != http.StatusBadRequest {
		t.Errorf("one tenant's client with the other's secret: got %v, want 400", mixed)
	}
}

// commands that name a tenant list nothing of another's.
func (s *sharing) commands(t *testing.T, c credentials) {
	for _, args := range [][]string{
		{"tenant", "show", c.Tenant}, {"client", "list", "--tenant", c.Tenant}, {"client", "show", c.ID},
		{"user", "list", "--tenant", c.Tenant}, {"resource", "list", "--tenant", c.Tenant},
		{"audit", "list", "--tenant", c.Tenant, "--limit", "1000"}, {"audit", "verify", "--tenant", c.Tenant},
	} {
		out := s.n.postern(t, append(args, "--json")...)
		s.apart(t, c.Tenant, strings.Join(args, " "), []byte(out))
	}
	if status, _, _ := s.n.try(t, "", "user", "disable", "nobody@shared.test", "--tenant", c.Tenant); status != 1 {
		t.Errorf("disable a person that %s has not: got status %d, want 1", c.Tenant, status)
	}
}

// A person who is disabled in one tenant goes on in the other.
func TestWhatHappensInOneTenantLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	acme, blue := enrol(t, p, "acme", "10000"), enrol(t, p, "blue", "20000")
	n := p.serve(t)
	held := map[string]string{}
	for _, w := range ways {
		token, err := w.get(n.url, blue)
		if err != nil {
			t.Fatal(err)
		}
		held[w.dialect] = token
	}
	p.postern(t, "user", "disable", acme.Email, "--tenant", "acme")
	p.postern(t, "client", "revoke-tokens", acme.ID)
	p.postern(t, "tenant", "revoke-tokens", "acme")
	p.postern(t, "tenant", "disable", "acme")
	gone(t, "a machine of a disabled tenant", func() bool { _, err := wayOf("oauth2").get(n.url, acme); return err == nil })
	for _, w := range ways {
		if !active(t, n, blue, held[w.dialect]) {
			t.Errorf("%s: what happened in acme has ended a token of blue", w.dialect)
		}
		if _, err := w.get(n.url, blue); err != nil {
			t.Errorf("after acme was disabled, blue: %v", err)
		}
		if a := must(t, w.request(n.url, acme)); a.status == http.StatusOK || w.refusal(a) != nil {
			t.Errorf("%s: a disabled tenant: got %v, want a refusal", w.dialect, a)
		}
	}
	// The tenant of a call is a header in one dialect; it changes nothing of whose token it is.
	r := wayOf("personify").request(n.url, blue)
	r.Header.Set("X-Tenant-Id", "acme")
	r.URL.RawQuery = url.Values{"tenant": {"acme"}}.Encode()
	if token, err := wayOf("personify").token(must(t, r).body); err != nil || !active(t, n, blue, token) {
		t.Errorf("a token asked for with another tenant's name in a header: got %v, want a token of blue", err)
	}
	n.stop(t)
}
