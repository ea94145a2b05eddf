package issuer_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// countedRegistry counts the look-ups that reach the database.
type countedRegistry struct {
	issuer.Registry
	clients, tenants, users atomic.Int64
}

func (r *countedRegistry) Client(ctx context.Context, id string) (postern.Client, error) {
	r.clients.Add(1)
	return r.Registry.Client(ctx, id)
}

func (r *countedRegistry) Tenant(ctx context.Context, id string) (postern.Tenant, error) {
	r.tenants.Add(1)
	return r.Registry.Tenant(ctx, id)
}

func (r *countedRegistry) User(ctx context.Context, tenant, email string) (postern.User, error) {
	r.users.Add(1)
	return r.Registry.User(ctx, tenant, email)
}

func counted(c *issuer.Config) { c.Registry = &countedRegistry{Registry: c.Registry} }

func (h *house) lookups() string {
	r := h.cfg.Registry.(*countedRegistry)
	return fmt.Sprintf("clients %d, tenants %d", r.clients.Swap(0), r.tenants.Swap(0))
}

// outsider is one way of not being the client.
type outsider struct {
	name   string
	cause  string // in the audit trail
	tenant string // whose chain it is in
	req    postern.Request
}

// outsiders makes one of each kind for a dialect of machines.
func outsiders(h *house, name string) []outsider {
	gone := h.tenant(func(t *postern.Tenant) { t.Disabled = true })
	good, secret := h.client()
	expired, expiredSecret := h.client(func(c *postern.Client) { c.Secrets[0].ExpiresAt = h.clock.Now() })
	disabled, disabledSecret := h.client(func(c *postern.Client) { c.Disabled = true })
	homeless, homelessSecret := h.client(func(c *postern.Client) { c.Tenant = gone.ID })
	elsewhere, elsewhereSecret := h.client(func(c *postern.Client) {
		c.Dialects = slices.DeleteFunc(slices.Clone(machineDialects), func(d string) bool { return d == name })
	})
	far, farSecret := h.client(func(c *postern.Client) { c.Ranges = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} })
	bare, bareSecret := h.client(func(c *postern.Client) { c.Secrets = nil })
	public, _ := h.client(func(c *postern.Client) {
		c.Public, c.Secrets, c.Grants = true, nil, []string{postern.GrantPassword, postern.GrantClientCredentials}
	})
	return []outsider{
		{"unknown client", "unknown client", "-", request(name, postern.Client{ID: "nobody"}, secret)},
		{"unknown client, another", "unknown client", "-", request(name, postern.Client{ID: "nobody2"}, postern.NewSecret("x"))},
		{"no client id", "unknown client", "-", request(name, postern.Client{}, secret)},
		{"id in another case", "unknown client", "-", request(name, postern.Client{ID: "C" + good.ID[1:]}, secret)},
		{"wrong secret", "wrong secret", testTenant, request(name, good, postern.GenerateSecret())},
		{"short secret", "wrong secret", testTenant, request(name, good, postern.NewSecret("x"))},
		{"secret with a space", "wrong secret", testTenant, request(name, good, postern.NewSecret(secret.Reveal()+" "))},
		{"stored form as secret", "wrong secret", testTenant, request(name, good, postern.NewSecret(good.Secrets[0].Hash))},
		{"no secret sent", "no secret sent", testTenant, request(name, good, postern.Secret{})},
		{"client without secrets", "wrong secret", testTenant, request(name, bare, bareSecret)},
		{"expired secret", "expired secret", testTenant, request(name, expired, expiredSecret)},
		{"disabled client", "disabled client", testTenant, request(name, disabled, disabledSecret)},
		{"disabled tenant", "disabled tenant", gone.ID, request(name, homeless, homelessSecret)},
		{"wrong dialect", "dialect not allowed for this client", testTenant, request(name, elsewhere, elsewhereSecret)},
		{"wrong address", "address not allowed for this client", testTenant, request(name, far, farSecret)},
		{"public client", "public client where a secret is needed", testTenant, request(name, public, postern.Secret{})},
	}
}

func TestUnknownClientAndWrongSecretLookAlike(t *testing.T) {
	t.Parallel()
	for _, name := range machineDialects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			all := outsiders(h, name)
			want := publicOf(h.refused(all[0].req))
			if want.Code != postern.Unauthenticated || want.Reason != postern.BadClient || want.Msg == "" {
				t.Fatalf("an unknown client is told %+v", want)
			}
			for _, o := range all {
				e := h.refused(o.req)
				diff(t, o.name, publicOf(e), want)
				ev := h.last(o.tenant)
				if ev.Action != postern.ActTokenRefused || ev.Cause != o.cause || ev.Code != postern.Unauthenticated {
					t.Errorf("%s: the trail of %s says %s %s %q, want %s for %q", o.name, o.tenant, ev.Action, ev.Code, ev.Cause,
						postern.ActTokenRefused, o.cause)
				}
				if ev.RequestID != "r1" || ev.Source != testSource.String() || ev.Dialect != name {
					t.Errorf("%s: the event does not say where it came from: %+v", o.name, ev)
				}
			}
		})
	}
}

func TestEveryRefusedClientCostsTheSame(t *testing.T) {
	t.Parallel()
	setup := newHouse(t)
	for _, o := range outsiders(setup, "oauth2") {
		h := setup.another(counted) // knows nobody yet
		macs := issuer.CountMACs(h.Issuer)
		h.refused(o.req)
		if got, want := h.lookups(), "clients 1, tenants 1"; got != want {
			t.Errorf("%s, the first time: %s, want %s", o.name, got, want)
		}
		h.refused(o.req)
		if got, want := h.lookups(), "clients 0, tenants 0"; got != want {
			t.Errorf("%s, again: %s, want %s", o.name, got, want)
		}
		if got := macs.Load(); got != 2 {
			t.Errorf("%s: %d MACs for two requests", o.name, got)
		}
		if got := issuer.Compared(t.Context(), h.Issuer, o.req.ClientID); got != postern.MaxLiveSecrets {
			t.Errorf("%s: compared with %d secrets, want %d", o.name, got, postern.MaxLiveSecrets)
		}
		h.Close()
	}
}

func TestIntrospectionAndRevocationRefuseAlike(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	raw := h.issue(request("oauth2", c, s)).Value.Reveal()
	var want public
	for i, o := range outsiders(h, "oauth2") {
		if o.name == "wrong dialect" {
			continue // any confidential client may ask
		}
		_, err := h.Introspect(t.Context(), o.req, raw)
		got := publicOf(postern.AsError(err))
		if i == 0 {
			want = got
		}
		diff(t, "introspect: "+o.name, got, want)
		diff(t, "revoke: "+o.name, publicOf(postern.AsError(h.Revoke(t.Context(), o.req, raw))), want)
		ev := h.last(o.tenant)
		if ev.Action != postern.ActTokenRefused || ev.Cause != o.cause {
			t.Errorf("%s: the trail of %s says %s %q", o.name, o.tenant, ev.Action, ev.Cause)
		}
	}
	if want.Code != postern.Unauthenticated || want.Reason != postern.BadClient {
		t.Errorf("an unproven caller is told %+v", want)
	}
	if _, err := h.Verify(t.Context(), raw, postern.Want{}); err != nil {
		t.Errorf("an unproven caller ended a token: %v", err)
	}
}

// The refusal that reaches the wire must be a value of its own: a caller that
// writes into it must not write into another's.
func TestRefusalsAreNotShared(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	req := request("oauth2", postern.Client{ID: "nobody"}, postern.GenerateSecret())
	first := h.refused(req)
	first.Msg, first.Wait = "changed", time.Hour
	if second := h.refused(req); second.Msg == "changed" || second.Wait != 0 {
		t.Errorf("two refusals share one error")
	}
}

// Not a test: time on a shared machine decides nothing. The medians should be
// within a few per cent of each other.
func BenchmarkRefuse(b *testing.B) {
	h := newHouse(b, func(c *issuer.Config) { c.Journal = discard{c.Journal} })
	var classes []timed
	for _, o := range outsiders(h, "oauth2") {
		classes = append(classes, timed{o.name, func() { _, _ = h.Issue(b.Context(), o.req) }, func() {}})
	}
	interleave(b, classes...)
}

// timed is a class of requests whose times are compared.
type timed struct {
	name  string
	do    func()
	after func() // not measured
}

// interleave runs the classes in turn and reports the median of each.
func interleave(b *testing.B, classes ...timed) {
	b.Helper()
	took := make([][]time.Duration, len(classes))
	for b.Loop() {
		for i, c := range classes {
			start := time.Now()
			c.do()
			took[i] = append(took[i], time.Since(start))
			c.after()
		}
	}
	for i, c := range classes {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2])/1e3, strings.ReplaceAll(c.name, " ", "-")+"-µs")
	}
}

// discard is a journal that keeps no events.
type discard struct{ issuer.Journal }

func (discard) Append(context.Context, []*postern.Entry) error { return nil }
