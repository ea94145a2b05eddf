package test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Who is refused learns nothing of why: the answers are the same to the byte, in every
// dialect, whether a client is unknown, disabled, out of place, or has a wrong or an
// expired secret; and likewise for people.
func TestRefusedClientsCannotBeToldApart(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	others := suspects(t, p, c)
	n := p.serve(t)
	for _, w := range ways {
		if w.person {
			continue
		}
		mustLookAlike(t, w.dialect, w, n, others)
	}
	// The endpoints beside the token endpoint prove the client in the same way.
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		w := wayOf("oauth2")
		w.path, w.body = path, func(credentials) url.Values { return url.Values{"token": {"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.AA"}} }
		beside := maps.Clone(others)
		delete(beside, "a client of another dialect") // which may look into its own tokens
		mustLookAlike(t, path, w, n, beside)
	}
	n.stop(t)
	mustTellOperators(t, p, []string{"acme", "closed", nowhere}, "address not allowed for this client", "dialect not allowed for this client",
		"disabled client", "disabled tenant", "expired secret", "public client where a secret is needed", "unknown client", "wrong secret")
}

// mustTellOperators wants that the trails tell the causes of refusals apart.
func mustTellOperators(t testing.TB, p place, tenants []string, want ...string) {
	t.Helper()
	causes := map[string]bool{}
	for _, tenant := range tenants {
		for _, e := range p.trail(t, tenant) {
			if e.Action == "token.refused" {
				causes[e.Cause] = true
			}
		}
	}
	if got := slices.Sorted(maps.Keys(causes)); !slices.Equal(got, want) {
		t.Errorf("the trail tells the causes %q, want %q", got, want)
	}
}

// suspects are clients with something wrong, one of each kind.
func suspects(t testing.TB, p place, c credentials) map[string]credentials {
	t.Helper()
	fresh := func(flags ...string) credentials {
		id, secret := newClient(t, p, c.Tenant, flags...)
		return swap(c, func(c *credentials) { c.ID, c.Secret = id, secret })
	}
	wrong := strings.Repeat("A", len(c.Secret)) // as long as a right one
	disabled, expired, afar := fresh(), fresh("--expires", "1ms"), fresh("--ip-range", "192.0.2.0/24")
	p.postern(t, "client", "disable", disabled.ID)
	deleted := fresh()
	p.postern(t, "client", "delete", deleted.ID)
	replaced := fresh()
	p.postern(t, "client", "rotate-secret", replaced.ID, "--overlap", "0s")
	// Its tenant is disabled.
	p.postern(t, "tenant", "create", "closed")
	id, secret := newClient(t, p, "closed")
	p.postern(t, "tenant", "disable", "closed")
	return map[string]credentials{
		"an unknown client":           swap(c, func(c *credentials) { c.ID, c.Secret = strings.Repeat("a", len(c.ID)), wrong }),
		"a deleted client":            deleted,
		"a wrong secret":              swap(c, func(c *credentials) { c.Secret = wrong }),
		"a short secret":              swap(c, func(c *credentials) { c.Secret = "a" }),
		"an expired secret":           expired,
		"a replaced secret":           replaced,
		"a disabled client":           disabled,
		"a disabled client, wrong":    swap(disabled, func(c *credentials) { c.Secret = wrong }),
		"a client from afar":          afar,
		"a client of another dialect": fresh("--dialect", "comm100"),
		"a public client":             swap(c, func(c *credentials) { c.ID, c.Secret = c.PublicID, wrong }),
		"a disabled tenant":           swap(c, func(c *credentials) { c.ID, c.Secret = id, secret }),
	}
}

func TestRefusedPeopleCannotBeToldApart(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c, other := enrol(t, p, "acme", "10000"), enrol(t, p, "blue", "20000")
	for _, email := range []string{"disabled@acme.test", "locked@acme.test"} {
		p.piped(t, c.Password, "user", "create", email, "--tenant", "acme", "--password-stdin")
	}
	p.postern(t, "user", "disable", "disabled@acme.test", "--tenant", "acme")
	n := p.serve(t)
	w := wayOf("comm100")
	wrong := func(c *credentials) { c.Password = strings.Repeat("a", len(c.Password)) }
	locked := swap(c, func(c *credentials) { c.Email = "locked@acme.test" })
	// Each guess that counts doubles the pause, from a second with the fifth on: after the
	// ninth it lasts sixteen, which is longer than the looks at the locked user take. The
	// answers do not tell which guesses counted; the log does.
	for strings.Count(n.log.String(), `"cause":"wrong password"`) < 9 {
		if a := must(t, w.request(n.url, swap(locked, wrong))); a.status != http.StatusBadRequest {
			t.Fatalf("a wrong password: got %v, want 400", a)
		}
	}
	suspects := map[string]credentials{
		"an unknown user":        swap(c, func(c *credentials) { c.Email = "nobody@acme.test" }),
		"a wrong password":       swap(c, wrong),
		"a disabled user":        swap(c, func(c *credentials) { c.Email = "disabled@acme.test" }),
		"a disabled user, wrong": swap(swap(c, func(c *credentials) { c.Email = "disabled@acme.test" }), wrong),
		"a locked user":          locked,
		"a locked user, wrong":   swap(locked, wrong),
		"an unknown partner":     swap(c, func(c *credentials) { c.Partner = "30000" }),
		"another partner":        swap(c, func(c *credentials) { c.Partner = other.Partner }),
		"no number of a partner": swap(c, func(c *credentials) { c.Partner = "acme" }),
	}
	mustLookAlike(t, "comm100", w, n, suspects)
	n.stop(t)
	mustTellOperators(t, p, []string{"acme"}, "client of another partner", "disabled user", "locked user", "unknown partner",
		"unknown user", "wrong password")
}

// mustLookAlike sends a request of every suspect and compares the answers.
func mustLookAlike(t *testing.T, what string, w way, n *node, suspects map[string]credentials) {
	t.Helper()
	var first, name string
	for _, kind := range slices.Sorted(maps.Keys(suspects)) {
		a := must(t, w.request(n.url, suspects[kind]))
		if err := w.refusal(a); err != nil || a.status < 400 || a.status >= 500 {
			t.Errorf("%s, %s: got %v (%v), want a refusal", what, kind, a, err)
		}
		got := likeness(a)
		if first == "" {
			first, name = got, kind
		}
		if got != first {
			t.Errorf("%s: %s is answered with\n%s\nwant what %s is answered with:\n%s", what, kind, got, name, first)
		}
	}
}

var changing = regexp.MustCompile(`"(timestamp|trace_id)":"[^"]*"`)

// likeness is an answer without what differs between any two.
func likeness(a answer) string {
	h := a.header.Clone()
	h.Del("Date")
	h.Del("X-Request-Id")
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	_ = h.Write(&b) // to memory
	return b.String() + changing.ReplaceAllString(string(a.body), `"$1":…`)
}

// The times are told and never judged: this machine has other things to do. The issuer's
// own tests hold the work to be the same; who wants figures runs this test alone.
func TestTheTimesOfRefusalsAreTold(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	all := suspects(t, p, c)
	n := p.serve(t)
	w := wayOf("oauth2")
	kinds := []string{"an unknown client", "a wrong secret", "an expired secret", "a disabled client"}
	own := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	took := map[string][]float64{}
	for i := range 2000 + 2*len(kinds) {
		kind := kinds[i%len(kinds)]
		r := w.request(n.url, all[kind])
		begin := time.Now()
		resp, err := own.Do(r)
		d := time.Since(begin)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s: got %d, want 401", kind, resp.StatusCode)
		}
		if i >= 2*len(kinds) { // the first ones fill the caches
			took[kind] = append(took[kind], float64(d)/float64(time.Microsecond))
		}
	}
	for _, kind := range kinds {
		sorted := slices.Sorted(slices.Values(took[kind]))
		t.Logf("%-18s median %.0f µs of %d; z = %+.2f against %s", kind, sorted[len(sorted)/2], len(sorted),
			rankSum(took[kind], took[kinds[0]]), kinds[0])
	}
	n.stop(t)
}

// rankSum is the statistic of Mann and Whitney in standard deviations: beyond 2 or so
// either way, one sample tends to be greater than the other.
func rankSum(a, b []float64) float64 {
	type obs struct {
		v   float64
		ofA bool
	}
	var all []obs
	for _, v := range a {
		all = append(all, obs{v: v, ofA: true})
	}
	for _, v := range b {
		all = append(all, obs{v: v})
	}
	slices.SortFunc(all, func(x, y obs) int { return cmp.Compare(x.v, y.v) })
	sum := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		for k := i; k < j; k++ { // ties share their mean rank
			if all[k].ofA {
				sum += float64(i+j+1) / 2
			}
		}
		i = j
	}
	na, nb := float64(len(a)), float64(len(b))
	u := sum - na*(na+1)/2
	return (u - na*nb/2) / math.Sqrt(na*nb*(na+nb+1)/12)
}

func TestTheRankStatisticSeesADifference(t *testing.T) {
	t.Parallel()
	var a, b []float64
	for i := range 500 {
		a, b = append(a, float64(i%100)), append(b, float64(i%100+10))
	}
	if same, more := rankSum(a, a), rankSum(b, a); math.Abs(same) > 1e-9 || more < 3 {
		t.Errorf("got %.2f for equal samples and %.2f for a greater one, want 0 and more than 3", same, more)
	}
}
