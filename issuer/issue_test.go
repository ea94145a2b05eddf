package issuer_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// want is what a request is answered with: a scope, or a refusal.
type want struct {
	scope  string
	code   postern.Code
	reason postern.Reason
	param  string
}

func (h *house) answer(req postern.Request) want {
	h.t.Helper()
	tok, err := h.Issue(h.t.Context(), req)
	if err != nil {
		e := postern.AsError(err)
		return want{code: e.Code, reason: e.Reason, param: e.Param}
	}
	c := h.valid(tok)
	// The tokens of personio-v1 carry no scope, and its requests ask for none.
	if c.Scope.String() != tok.Scope.String() && (req.Dialect != "personio-v1" || len(req.Scope) == 0) {
		h.t.Errorf("the token says scope %q, the answer %q", c.Scope, tok.Scope)
	}
	return want{scope: tok.Scope.String()}
}

var badScope = want{code: postern.Invalid, reason: postern.BadScope}

func TestScopesAreNarrowedToWhatTheClientMayHave(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client(func(c *postern.Client) { c.Scopes = postern.NewScopes("a", "b", "c:read", "openid") })
	none, noneSecret := h.client(func(c *postern.Client) { c.Scopes = nil })
	for name, x := range map[string]struct {
		asked []string
		want  want
	}{
		"omitted":               {nil, want{scope: "a b c:read"}},
		"one":                   {[]string{"a"}, want{scope: "a"}},
		"all":                   {[]string{"c:read", "b", "a"}, want{scope: "a b c:read"}},
		"unknown":               {[]string{"nobody-has-this"}, badScope},
		"one good, one unknown": {[]string{"a", "zzz"}, badScope},
		"another case":          {[]string{"A"}, badScope},
		"a prefix of one":       {[]string{"c"}, badScope},
		"longer than one":       {[]string{"c:read:all"}, badScope},
		"of a person, allowed":  {[]string{"openid"}, badScope},
		"of a person":           {[]string{"a", "offline_access"}, badScope},
	} {
		for _, d := range machineDialects {
			req := request(d, c, s)
			req.Scope = postern.NewScopes(x.asked...)
			if got := h.answer(req); got != x.want {
				t.Errorf("%s: scope %s (%v) = %+v, want %+v", d, name, x.asked, got, x.want)
			}
		}
	}
	for _, d := range machineDialects {
		if got := h.answer(request(d, none, noneSecret)); got != badScope {
			t.Errorf("%s: a client without scopes gets %+v, want %+v", d, got, badScope)
		}
	}
}

func TestScopeRemovedFromTheClientIsNotGranted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	req := request("oauth2", c, s)
	if got := h.answer(req); got != (want{scope: "a b"}) {
		t.Fatalf("before: %+v", got)
	}
	h.changeClient(c, func(c *postern.Client) { c.Scopes = postern.NewScopes("b") })
	if got := h.answer(req); got != (want{scope: "b"}) {
		t.Errorf("after: %+v, want scope b", got)
	}
	req.Scope = postern.NewScopes("a")
	if got := h.answer(req); got != badScope {
		t.Errorf("asking for what was removed: %+v, want %+v", got, badScope)
	}
}

func TestGrantsAreToldApartAsTheStandardDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	machine, ms := h.client()
	both, bs := h.client(func(c *postern.Client) {
		c.Grants = []string{postern.GrantClientCredentials, postern.GrantPassword}
		c.Dialects = append(slices.Clone(machineDialects), "comm100")
	})
	person, ps := h.client(func(c *postern.Client) {
		c.Grants = []string{postern.GrantPassword}
		c.Dialects = append(slices.Clone(machineDialects), "comm100")
	})
	missing := want{code: postern.Invalid, reason: postern.MissingParameter, param: "grant_type"}
	unknown := want{code: postern.Invalid, reason: postern.UnknownGrant}
	forbidden := want{code: postern.Forbidden, reason: postern.GrantForbidden}
	given := want{scope: "a b"}
	for _, x := range []struct {
		dialect, grant string
		client         postern.Client
		secret         postern.Secret
		want           want
	}{
		{"oauth2", "", machine, ms, missing},
		{"oauth2", "client_credentials", machine, ms, given},
		{"oauth2", "Client_Credentials", machine, ms, unknown},
		{"oauth2", "client_credentials ", machine, ms, unknown},
		{"oauth2", "password", both, bs, unknown},
		{"oauth2", "client_credentials", person, ps, forbidden},
		{"oauth2", strings.Repeat("x", 5000), machine, ms, unknown},
		{"personify", "password", both, bs, forbidden}, // known in the family, not here
		{"personify", "authorization_code", machine, ms, forbidden},
		{"personify", "implicit", machine, ms, unknown},
		{"personio-v2", "refresh_token", machine, ms, unknown},
		{"personio-v1", "", machine, ms, missing},
		{"personio-v1", "client_credentials", person, ps, forbidden},
		{"comm100", "client_credentials", both, bs, forbidden},
		{"comm100", "", both, bs, missing},
		{"comm100", "saml", both, bs, unknown},
	} {
		req := request(x.dialect, x.client, x.secret)
		req.GrantType = x.grant
		if got := h.answer(req); got != x.want {
			t.Errorf("%s grant %.30q = %+v, want %+v", x.dialect, x.grant, got, x.want)
		}
	}
}

// An unproven caller learns nothing of grants, scopes or resources.
func TestTheClientIsProvenBeforeAnythingElseIsChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, _ := h.client()
	req := request("oauth2", c, postern.GenerateSecret())
	plain := publicOf(h.refused(req))
	for name, change := range map[string]func(*postern.Request){
		"no grant":         func(r *postern.Request) { r.GrantType = "" },
		"unknown grant":    func(r *postern.Request) { r.GrantType = "x" },
		"unknown scope":    func(r *postern.Request) { r.Scope = postern.NewScopes("x") },
		"unknown resource": func(r *postern.Request) { r.Resources = []string{"x"} },
		"in the query":     func(r *postern.Request) { r.Via = postern.ViaQuery },
	} {
		r := req
		change(&r)
		diff(t, name, publicOf(h.refused(r)), plain)
	}
}

func TestAddressesDecideWhoMayCome(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ranged := func(ranges ...string) (postern.Client, postern.Secret) {
		return h.client(func(c *postern.Client) {
			for _, r := range ranges {
				c.Ranges = append(c.Ranges, netip.MustParsePrefix(r))
			}
		})
	}
	any, anySecret := ranged()
	v4, v4Secret := ranged("192.0.2.0/24", "198.51.100.7/32")
	v6, v6Secret := ranged("2001:db8:1::/48")
	for _, x := range []struct {
		name   string
		client postern.Client
		secret postern.Secret
		source string
		ok     bool
	}{
		{"no ranges", any, anySecret, "203.0.113.5", true},
		{"no ranges, no address", any, anySecret, "", true},
		{"v4 inside", v4, v4Secret, "192.0.2.255", true},
		{"v4 first", v4, v4Secret, "192.0.2.0", true},
		{"v4 below", v4, v4Secret, "192.0.1.255", false},
		{"v4 above", v4, v4Secret, "192.0.3.0", false},
		{"v4 single", v4, v4Secret, "198.51.100.7", true},
		{"v4 beside single", v4, v4Secret, "198.51.100.8", false},
		{"v4 mapped into v6", v4, v4Secret, "::ffff:192.0.2.9", true},
		{"v4 mapped, outside", v4, v4Secret, "::ffff:203.0.113.9", false},
		{"v6 at a v4 range", v4, v4Secret, "2001:db8:1::1", false},
		{"v6 inside", v6, v6Secret, "2001:db8:1:ffff::9", true},
		{"v6 outside", v6, v6Secret, "2001:db8:2::9", false},
		{"v4 at a v6 range", v6, v6Secret, "192.0.2.1", false},
		{"no address", v4, v4Secret, "", false},
	} {
		req := request("oauth2", x.client, x.secret)
		req.Source = netip.Addr{}
		if x.source != "" {
			req.Source = netip.MustParseAddr(x.source)
		}
		got := h.answer(req)
		want := want{scope: "a b"}
		if !x.ok {
			want.scope, want.code, want.reason = "", postern.Unauthenticated, postern.BadClient
		}
		if got != want {
			t.Errorf("%s: from %q = %+v, want %+v", x.name, x.source, got, want)
		}
	}
	// An address does not give away that the secret was right.
	req := request("oauth2", v6, v6Secret)
	wrong := request("oauth2", v6, postern.GenerateSecret())
	wrong.Source = netip.MustParseAddr("2001:db8:1::1")
	diff(t, "wrong address against wrong secret", publicOf(h.refused(req)), publicOf(h.refused(wrong)))
}

func TestTokensLiveAsLongAsTheClientOrTheDialectSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	plain, ps := h.client()
	short, ss := h.client(func(c *postern.Client) { c.TokenLife = 90 * time.Second })
	h.clock.Add(400 * time.Millisecond) // lives are counted in whole seconds from iat
	for d, life := range map[string]time.Duration{"personio-v1": 24 * time.Hour, "personio-v2": 24 * time.Hour,
		"personify": time.Hour, "oauth2": time.Hour} {
		for _, x := range []struct {
			c    postern.Client
			s    postern.Secret
			want time.Duration
		}{{plain, ps, life}, {short, ss, 90 * time.Second}} {
			tok := h.issue(request(d, x.c, x.s))
			claims := h.valid(tok)
			iat := h.clock.Now().Truncate(time.Second)
			if !claims.IssuedAt.Equal(iat) || !claims.ExpiresAt.Equal(iat.Add(x.want)) {
				t.Errorf("%s: the token lives from %v to %v, want %v and %v after it", d, claims.IssuedAt, claims.ExpiresAt, iat, x.want)
			}
			if !tok.IssuedAt.Equal(claims.IssuedAt) || !tok.ExpiresAt.Equal(claims.ExpiresAt) {
				t.Errorf("%s: the answer says %v to %v, the token %v to %v", d, tok.IssuedAt, tok.ExpiresAt, claims.IssuedAt, claims.ExpiresAt)
			}
			if late := claims.ExpiresAt.Sub(h.clock.Now()) - tok.ExpiresIn; late < -2*time.Second || late > 2*time.Second {
				t.Errorf("%s: ExpiresIn %v is %v off", d, tok.ExpiresIn, late)
			}
		}
	}
}

func TestClientsChooseAmongTheAlgorithmsOfTheDialect(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	used := map[string]postern.Alg{}
	for _, k := range h.PublicKeys() {
		used[k.ID] = k.Alg
	}
	for chosen, wants := range map[postern.Alg]map[string]postern.Alg{
		"":            {"oauth2": postern.ES256, "personio-v2": postern.ES256, "personify": postern.RS256},
		postern.ES256: {"oauth2": postern.ES256, "personio-v2": postern.ES256, "personify": postern.RS256},
		postern.RS256: {"oauth2": postern.RS256, "personio-v2": postern.ES256, "personify": postern.RS256},
		postern.EdDSA: {"oauth2": postern.EdDSA, "personio-v2": postern.ES256, "personify": postern.RS256},
		// No dialect with public keys signs with a shared one.
		postern.HS256: {"oauth2": postern.ES256, "personio-v2": postern.ES256, "personify": postern.RS256},
	} {
		c, s := h.client(func(c *postern.Client) { c.Alg = chosen })
		for d, want := range wants {
			claims := h.valid(h.issue(request(d, c, s)))
			if got := used[claims.KeyID]; got != want {
				t.Errorf("a client that chose %q gets %s tokens signed with %s, want %s", chosen, d, got, want)
			}
		}
		if got := h.valid(h.issue(request("personio-v1", c, s))).KeyID; used[got] != "" {
			t.Errorf("a client that chose %q gets a personio-v1 token signed with a published key", chosen)
		}
	}
}

func TestResourcesDecideAudienceAndScope(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.tenant()
	for _, r := range []postern.Resource{
		{URL: "https://all.test/", Tenant: testTenant},
		{URL: "https://a.test", Tenant: testTenant, Scopes: postern.NewScopes("a")},
		{URL: "https://b.test?x=1", Tenant: testTenant, Scopes: postern.NewScopes("b", "z")},
		{URL: "https://none.test", Tenant: testTenant, Scopes: postern.NewScopes("z")},
		{URL: "https://foreign.test", Tenant: other.ID},
		{URL: "https://system.test", Tenant: postern.SystemTenant},
	} {
		if err := h.db.AddResource(t.Context(), r, at(testTime, postern.ActResourceAdded)); err != nil {
			t.Fatal(err)
		}
	}
	c, s := h.client()
	badTarget := want{code: postern.Invalid, reason: postern.BadTarget}
	for _, x := range []struct {
		named []string
		scope []string
		want  want
		aud   []string
	}{
		{nil, nil, want{scope: "a b"}, []string{testURL}},
		{[]string{testURL}, nil, want{scope: "a b"}, []string{testURL}},
		{[]string{"https://all.test/"}, nil, want{scope: "a b"}, nil},
		{[]string{"https://system.test"}, nil, want{scope: "a b"}, nil},
		{[]string{"https://a.test"}, nil, want{scope: "a"}, nil},
		{[]string{"https://b.test?x=1"}, nil, want{scope: "b"}, nil},
		{[]string{"https://b.test?x=1"}, []string{"a"}, badScope, nil},
		{[]string{"https://none.test"}, nil, badScope, nil},
		{[]string{"https://b.test?x=1", "https://a.test"}, nil, want{scope: "a b"}, nil},
		{[]string{"https://a.test", "https://a.test"}, nil, want{scope: "a"}, []string{"https://a.test"}},
		{[]string{"https://a.test", "https://nowhere.test"}, nil, badTarget, nil},
		{[]string{"https://foreign.test"}, nil, badTarget, nil},
		{[]string{"https://all.test"}, nil, badTarget, nil}, // no normalisation
		{[]string{"HTTPS://all.test/"}, nil, badTarget, nil},
		{[]string{"https://a.test#f"}, nil, badTarget, nil},
		{[]string{"not a url"}, nil, badTarget, nil},
		{[]string{"/relative"}, nil, badTarget, nil},
		{[]string{strings.Repeat("x", 10_000)}, nil, badTarget, nil},
	} {
		req := request("oauth2", c, s)
		req.Resources, req.Scope = x.named, postern.NewScopes(x.scope...)
		if got := h.answer(req); got != x.want {
			t.Errorf("resources %.80q with scope %v = %+v, want %+v", x.named, x.scope, got, x.want)
			continue
		}
		if x.want.code != "" {
			continue
		}
		aud := x.aud
		if aud == nil {
			aud = x.named
		}
		diff(t, "audience of "+strings.Join(x.named, " "), h.valid(h.issue(req)).Audience, aud)
	}
}

func TestQueryCredentialsAreRefusedWhereTheTenantSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	req := request("personio-v1", c, s)
	req.Via = postern.ViaQuery
	tok := h.issue(req)
	if ev := h.last(testTenant); ev.Via != postern.ViaQuery || ev.ClientID != c.ID || ev.TokenID != tok.ID {
		t.Errorf("the audit trail does not say who still uses the query: %+v", ev)
	}
	h.changeTenant(testTenant, func(t *postern.Tenant) { t.RefuseQuery = true })
	if got, want := h.answer(req), (want{code: postern.Forbidden, reason: postern.QueryCredentials}); got != want {
		t.Errorf("with the switch: %+v, want %+v", got, want)
	}
	if ev := h.last(testTenant); ev.Via != postern.ViaQuery || ev.ClientID != c.ID || ev.Code != postern.Forbidden {
		t.Errorf("the refusal is not recorded with its client: %+v", ev)
	}
	wrong := req
	wrong.Secret = postern.GenerateSecret()
	if e := h.refused(wrong); e.Reason != postern.BadClient {
		t.Errorf("the switch shows itself to a wrong secret: %v", e)
	}
	for _, via := range []string{postern.ViaBasic, postern.ViaForm, postern.ViaJSON, postern.ViaText} {
		req.Via = via
		if got := h.answer(req); got != (want{scope: "a b"}) {
			t.Errorf("with the switch, via %s: %+v", via, got)
		}
	}
}

func TestAnEventTellsWhatWasIssued(t *testing.T) {
	t.Parallel()
	var seen []postern.Event
	h := newHouse(t, func(c *issuer.Config) { c.OnEvent = func(e postern.Event) { seen = append(seen, e) } })
	c, s := h.client()
	req := request("oauth2", c, s)
	req.Scope, req.Via = postern.NewScopes("b"), postern.ViaBasic
	tok := h.issue(req)
	ev := h.last(testTenant)
	want := postern.Event{Tenant: testTenant, At: testTime, Action: postern.ActTokenIssued, Actor: "client:" + c.ID,
		ClientID: c.ID, Dialect: "oauth2", Grant: "client_credentials", TokenID: tok.ID, Scope: "b", Audience: testURL,
		KeyID: h.valid(tok).KeyID, Via: "basic", Source: testSource.String(), RequestID: "r1"}
	opt := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Seq" || p.Last().String() == ".Hash" }, cmp.Ignore())
	diff(t, "the event", ev, want, opt)
	diff(t, "the event that metrics hear of", seen, []postern.Event{want}, opt)
}

// People paste secrets into the wrong field.
func TestNoSecretReachesTheTrailThroughTheClientID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	secret := postern.GenerateSecret().Reveal()
	for _, pasted := range []string{secret, " " + secret, secret + "\n", "id:" + secret, secret[:40], secret + secret, "correct horse battery"} {
		req := request("oauth2", postern.Client{ID: pasted}, postern.NewSecret(secret))
		h.refused(req)
		ev := h.last(postern.SystemTenant)
		if ev.Cause != "unknown client" {
			t.Fatalf("client id %q: cause %q", pasted, ev.Cause)
		}
		if strings.Contains(ev.ClientID, secret[4:12]) || strings.Contains(ev.ClientID, "horse") {
			t.Errorf("the trail holds what was pasted as client id: %q", ev.ClientID)
		}
	}
	h.refused(request("oauth2", postern.Client{ID: "c0ffee12"}, postern.NewSecret(secret)))
	if ev := h.last(postern.SystemTenant); ev.ClientID != "c0ffee12" {
		t.Errorf("the trail does not name an unknown id that could be one: %q", ev.ClientID)
	}
}

func TestNoSecretReachesTheTrailThroughAnotherField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	secret := postern.GenerateSecret().Reveal()
	for field, paste := range map[string]func(*postern.Request){
		"grant type": func(r *postern.Request) { r.GrantType = secret },
		"scope":      func(r *postern.Request) { r.Scope = postern.NewScopes("a", secret) },
		"resource":   func(r *postern.Request) { r.Resources = []string{"https://" + secret + ".test"} },
	} {
		req := request("oauth2", c, s)
		paste(&req)
		h.refused(req)
		if ev := h.last(testTenant); strings.Contains(fmt.Sprintf("%+v", ev), secret[4:12]) || ev.Action != postern.ActTokenRefused {
			t.Errorf("the trail holds what was pasted as %s: %+v", field, ev)
		}
	}
}

func TestAtALenientResourceAClientGetsWhatItHasOfTheScopesItAsksFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(cfg *issuer.Config) {
		cfg.Resources = append(cfg.Resources, postern.Resource{URL: "https://tools.test/mcp"}, postern.Resource{URL: "https://strict.test"})
		cfg.Lenient = []string{"https://tools.test/mcp"}
	})
	c, s := h.client()
	for _, x := range []struct {
		named, scope []string
		want         want
	}{
		{[]string{"https://tools.test/mcp"}, []string{"a", "nobody-has-this"}, want{scope: "a"}},
		{[]string{"https://tools.test/mcp"}, []string{"a", "openid"}, want{scope: "a"}},
		{[]string{"https://tools.test/mcp"}, []string{"nobody-has-this"}, badScope},
		{[]string{"https://tools.test/mcp"}, nil, want{scope: "a b"}},
		{[]string{"https://tools.test/mcp", "https://strict.test"}, []string{"a", "nobody-has-this"}, badScope},
		{[]string{"https://strict.test"}, []string{"a", "nobody-has-this"}, badScope},
		{nil, []string{"a", "nobody-has-this"}, badScope},
	} {
		req := request("oauth2", c, s)
		req.Resources, req.Scope = x.named, postern.NewScopes(x.scope...)
		if got := h.answer(req); got != x.want {
			t.Errorf("resources %q with scope %v = %+v, want %+v", x.named, x.scope, got, x.want)
		}
	}
}
