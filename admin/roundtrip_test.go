package admin_test

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

func to[T any](v T) *T { return &v }

var (
	aTenant = postern.Tenant{ID: "acme", Name: "Acme GmbH", PartnerID: 4711, RefuseQuery: true, Zone: "Europe/Berlin", NotBefore: changed.Add(-time.Hour),
		CreatedAt: changed.Add(-24 * time.Hour), UpdatedAt: changed}
	aClient = postern.Client{ID: "c2", Tenant: "acme", Name: "payroll", Grants: []string{"client_credentials"}, Scopes: postern.NewScopes("a", "b"),
		Dialects: []string{"oauth2"}, Tenants: []string{"blue"}, TokenLife: 10 * time.Minute, Alg: postern.RS256,
		Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Attributes: []string{"first_name"},
		Secrets:   []postern.StoredSecret{{ID: "s1", CreatedAt: changed, ExpiresAt: now.Add(time.Hour)}, {ID: "s0", CreatedAt: changed}},
		NotBefore: changed, CreatedAt: changed, UpdatedAt: changed}
	aUser = postern.User{ID: "u1", Tenant: "acme", Email: "ada@acme.test", Role: "AGENT", AgentID: "g", SiteID: 7, Failures: 2,
		LockedUntil: now.Add(time.Minute), NotBefore: changed, CreatedAt: changed, UpdatedAt: changed}
	aKey = postern.KeyStanding{State: postern.KeyActive, Key: postern.Key{ID: "k1", Alg: postern.ES256, Generation: 3, CreatedAt: changed, SignFrom: changed, RemoveAt: now}}
	aRes = postern.Resource{URL: "https://api.acme.test/x?y", Tenant: "acme", Scopes: postern.NewScopes("orders:read"), CreatedAt: changed}
	aOp  = postern.Operator{ID: "o1", Email: "ada@acme.test", Name: "Ada", Role: postern.Admin, Tenant: "acme", PasswordHash: "set", TOTP: "set", Disabled: true,
		Failures: 1, Locked: now.Add(time.Minute), SeenAt: changed, CreatedAt: changed, UpdatedAt: changed}
	anEvent = postern.Event{Seq: 9, At: changed, Tenant: "acme", Action: "token.refused", Actor: "client:c2", ClientID: "c2", UserID: "u", Dialect: "oauth2", Grant: "g",
		TokenID: "t", Scope: "s", Audience: "a", KeyID: "k", Via: "form", Source: "192.0.2.1", RequestID: "r", Code: postern.Unauthenticated, Cause: "wrong secret",
		Object: "o", Detail: "d", Hash: "h"}
	edit = postern.Edit{Match: "lk3x", Key: "key-1"}
)

// method is one method of an Office: a call of it, and what it gives.
type method struct {
	name  string
	call  func(context.Context, postern.Office) (any, error)
	gives any
}

func methods() []method {
	type ctx = context.Context
	p := postern.Paging{Limit: 7}
	return []method{
		{"Tenants", func(c ctx, o postern.Office) (any, error) { return o.Tenants(c, p) }, postern.Page[postern.Tenant]{Items: []postern.Tenant{aTenant, {ID: "blue", Name: "blue", CreatedAt: now, UpdatedAt: now}}, Next: "blue"}},
		{"Tenant", func(c ctx, o postern.Office) (any, error) { return o.Tenant(c, "acme") }, aTenant},
		{"CreateTenant", func(c ctx, o postern.Office) (any, error) {
			return o.CreateTenant(c, postern.Tenant{ID: "acme", Name: "n", PartnerID: 3, RefuseQuery: true, Zone: "UTC"}, postern.Edit{Key: "k"})
		}, aTenant},
		{"ChangeTenant", func(c ctx, o postern.Office) (any, error) {
			return o.ChangeTenant(c, "acme", postern.TenantChange{Name: to(""), PartnerID: to(int64(0)), RefuseQuery: to(false), Zone: to("UTC"), Disabled: to(true)}, postern.Edit{Match: "m"})
		}, aTenant},
		{"RevokeTenant", func(c ctx, o postern.Office) (any, error) { return o.RevokeTenant(c, "acme") }, aTenant},
		{"Clients", func(c ctx, o postern.Office) (any, error) {
			return o.Clients(c, postern.ClientQuery{Tenant: "acme", Text: "pay & roll", Paging: p})
		}, postern.Page[postern.Client]{Items: []postern.Client{aClient}, Next: "ü/2"}},
		{"Client", func(c ctx, o postern.Office) (any, error) { return o.Client(c, "c2") }, aClient},
		{"CreateClient", func(c ctx, o postern.Office) (any, error) {
			got, s, err := o.CreateClient(c, postern.Client{Tenant: "acme", Name: "n", Public: true, Scopes: postern.NewScopes("x"), Dialects: []string{"d"}, Tenants: []string{"t"},
				TokenLife: time.Minute, Alg: "ES256", Ranges: aClient.Ranges, Attributes: []string{"a"}}, 24*time.Hour, postern.Edit{Key: "k"})
			return pair[postern.Client]{got, s.Reveal()}, err
		}, pair[postern.Client]{aClient, "pst_secret"}},
		{"ChangeClient", func(c ctx, o postern.Office) (any, error) {
			return o.ChangeClient(c, "c2", postern.ClientChange{Name: to("n"), Scopes: to(postern.NewScopes("x")), Dialects: to([]string{"d"}), Tenants: to([]string{}),
				Attributes: to([]string{}), TokenLife: to(time.Duration(0)), Ranges: to(aClient.Ranges), Disabled: to(false)}, postern.Edit{Match: "m"})
		}, aClient},
		{"DeleteClient", func(c ctx, o postern.Office) (any, error) {
			return nil, o.DeleteClient(c, "c2", postern.Edit{Match: "m"})
		}, nil},
		{"Refusals", func(c ctx, o postern.Office) (any, error) { return o.Refusals(c, "c2") },
			[]postern.Refusal{{At: changed, Dialect: "oauth2", Cause: "wrong secret", Source: "192.0.2.1", Count: 4}}},
		{"RotateSecret", func(c ctx, o postern.Office) (any, error) {
			got, s, err := o.RotateSecret(c, "c2", time.Hour, 0, edit)
			return pair[postern.Client]{got, s.Reveal()}, err
		}, pair[postern.Client]{aClient, "pst_other"}},
		{"EndSecret", func(c ctx, o postern.Office) (any, error) {
			return o.EndSecret(c, "c2", "s0", postern.Edit{Match: "m"})
		}, aClient},
		{"RevokeClient", func(c ctx, o postern.Office) (any, error) { return o.RevokeClient(c, "c2") }, aClient},
		{"Users", func(c ctx, o postern.Office) (any, error) {
			return o.Users(c, postern.UserQuery{Tenant: "acme", Text: "ada", Paging: p})
		}, postern.Page[postern.User]{Items: []postern.User{aUser}}},
		{"User", func(c ctx, o postern.Office) (any, error) { return o.User(c, "acme", "ada+x@acme.test") }, aUser},
		{"CreateUser", func(c ctx, o postern.Office) (any, error) {
			got, s, err := o.CreateUser(c, postern.User{Tenant: "acme", Email: "e", Role: "R", AgentID: "g", SiteID: 2}, postern.NewSecret("given"), postern.Edit{Key: "k"})
			return pair[postern.User]{got, s.Reveal()}, err
		}, pair[postern.User]{aUser, "made"}},
		{"ChangeUser", func(c ctx, o postern.Office) (any, error) {
			return o.ChangeUser(c, "acme", "u1", postern.UserChange{Role: to("R"), AgentID: to(""), SiteID: to(int64(0)), Disabled: to(true), Unlock: to(true)}, postern.Edit{Match: "m"})
		}, aUser},
		{"SetPassword", func(c ctx, o postern.Office) (any, error) {
			got, s, err := o.SetPassword(c, "acme", "u1", postern.Secret{})
			return pair[postern.User]{got, s.Reveal()}, err
		}, pair[postern.User]{aUser, "made"}},
		{"Keys", func(c ctx, o postern.Office) (any, error) { return o.Keys(c) }, []postern.KeyStanding{aKey}},
		{"RotateKey", func(c ctx, o postern.Office) (any, error) { return o.RotateKey(c, postern.RS256, 0) }, aKey},
		{"RetireKey", func(c ctx, o postern.Office) (any, error) { return nil, o.RetireKey(c, "k1") }, nil},
		{"Resources", func(c ctx, o postern.Office) (any, error) { return o.Resources(c, "-") }, []postern.Resource{aRes}},
		{"CreateResource", func(c ctx, o postern.Office) (any, error) {
			return o.CreateResource(c, postern.Resource{URL: aRes.URL, Tenant: "acme", Scopes: aRes.Scopes}, postern.Edit{Key: "k"})
		}, aRes},
		{"DeleteResource", func(c ctx, o postern.Office) (any, error) { return nil, o.DeleteResource(c, "acme", aRes.URL) }, nil},
		{"Scopes", func(c ctx, o postern.Office) (any, error) { return o.Scopes(c, "acme") }, postern.NewScopes("a", "b")},
		{"Events", func(c ctx, o postern.Office) (any, error) {
			return o.Events(c, postern.EventFilter{Tenant: "-", Action: "a", ClientID: "c", Since: changed, Until: now, Before: 12, Limit: 5})
		}, postern.EventPage{Events: []postern.Event{anEvent}, Next: 8}},
		{"Chains", func(c ctx, o postern.Office) (any, error) { return o.Chains(c) }, []string{"-", "acme"}},
		{"VerifyChain", func(c ctx, o postern.Office) (any, error) { return o.VerifyChain(c, "acme", nil) },
			postern.Chain{Tenant: "acme", Count: 12, Head: "h", BadSeq: 3, Problem: "changed"}},
		{"Usage", func(c ctx, o postern.Office) (any, error) {
			return o.Usage(c, postern.UsageQuery{Tenant: "acme", ClientID: "c2", Since: changed, Step: 24 * time.Hour})
		}, postern.Usage{Steps: []postern.UsageStep{{At: changed, Dialect: "d", Issued: 3, Refused: 1}},
			Clients: []postern.ClientUsage{{ClientID: "c2", Issued: 3, Refused: 1, Query: 2, Last: changed}}, Through: changed}},
		{"Health", func(c ctx, o postern.Office) (any, error) { return o.Health(c) },
			postern.Health{Nodes: []postern.Node{{Name: "n", URL: origin, Version: "v", StartedAt: changed, SeenAt: now}}, Database: "sqlite", Version: "v",
				Expiring: []postern.ExpiringSecret{{Tenant: "acme", ClientID: "c2", Name: "n", ExpiresAt: now}}, Warnings: []string{"w"}}},
		{"Sandbox", func(c ctx, o postern.Office) (any, error) { return o.Sandbox(c, "acme") },
			postern.Sandbox{Tenant: "acme", Switches: map[string]string{"next-link": "relative"}, Faults: []postern.Fault{{Path: "/v2", Kind: "slow", Rate: 0.5, Delay: 2 * time.Second}}, Log: true}},
		{"SetSandbox", func(c ctx, o postern.Office) (any, error) {
			return nil, o.SetSandbox(c, postern.Sandbox{Tenant: "acme", Switches: map[string]string{"next-link": "relative"}, Faults: []postern.Fault{{Kind: "429", Rate: 1}}})
		}, nil},
		{"Visits", func(c ctx, o postern.Office) (any, error) {
			return o.Visits(c, postern.VisitQuery{Tenant: "acme", ClientID: "c2", Before: 30, Limit: 5})
		}, []postern.Visit{{Tenant: "acme", Seq: 29, At: changed, ClientID: "c2", Method: "GET", Path: "/v2/persons", Status: 200, Took: 1234 * time.Microsecond, RequestID: "r", Note: "n"}}},
		{"ResetTenant", func(c ctx, o postern.Office) (any, error) { return o.ResetTenant(c, "demo") }, 120},
		{"Operators", func(c ctx, o postern.Office) (any, error) { return o.Operators(c, p) }, postern.Page[postern.Operator]{Items: []postern.Operator{aOp}, Next: "o1"}},
		{"CreateOperator", func(c ctx, o postern.Office) (any, error) {
			got, s, err := o.CreateOperator(c, postern.Operator{Email: "e@x", Name: "n", Role: postern.Auditor, Tenant: "acme"}, postern.Edit{Key: "k"})
			return pair[postern.Operator]{got, s.Reveal()}, err
		}, pair[postern.Operator]{aOp, "code"}},
		{"ChangeOperator", func(c ctx, o postern.Office) (any, error) {
			return o.ChangeOperator(c, "o1", postern.OperatorChange{Name: to("n"), Role: to(postern.Owner), Disabled: to(false), Unlock: to(true), NoTOTP: to(true)}, postern.Edit{Match: "m"})
		}, aOp},
		{"DeleteOperator", func(c ctx, o postern.Office) (any, error) {
			return nil, o.DeleteOperator(c, "o1", postern.Edit{Match: "m"})
		}, nil},
		{"InviteOperator", func(c ctx, o postern.Office) (any, error) {
			got, s, err := o.(postern.Inviter).InviteOperator(c, "o1")
			return pair[postern.Operator]{got, s.Reveal()}, err
		}, pair[postern.Operator]{aOp, "code"}},
		{"Sessions", func(c ctx, o postern.Office) (any, error) { return o.Sessions(c, "o1") },
			[]postern.Session{{ID: "s", Operator: "o1", CreatedAt: changed, SeenAt: changed, ProvenAt: changed, ExpiresAt: now, Source: "192.0.2.1", Agent: "Firefox"}}},
		{"EndSession", func(c ctx, o postern.Office) (any, error) { return nil, o.EndSession(c, "o1", "s") }, nil},
	}
}

var sameNouns = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	// Positions are closed on the way.
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Next" || p.Last().String() == ".After" }, cmp.Comparer(func(a, b string) bool { return (a == "") == (b == "") }))}

// What is asked of a Remote is asked of the Office behind it, and what that gives comes
// back, for every method there is.
func TestBothEndsUnderstandEachOther(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, m := range methods() {
		tested[m.name] = true
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			gives := func(string, []any) (any, error) { return m.gives, nil }
			near, far := &desk{gives: gives}, newHouse(gives)
			want, err := m.call(t.Context(), near)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.call(t.Context(), far.remote(t))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, sameNouns); diff != "" {
				t.Errorf("what comes back (-near +far):\n%s", diff)
			}
			if diff := cmp.Diff(near.asked, far.desk.asked, sameNouns); diff != "" {
				t.Errorf("what is asked (-near +far):\n%s", diff)
			}
		})
	}
	office := reflect.TypeFor[postern.Office]()
	for i := range office.NumMethod() {
		if !tested[office.Method(i).Name] {
			t.Errorf("%s is not tested", office.Method(i).Name)
		}
	}
}

// Every failure arrives as it was, through every method, except for what is lossy.
func TestFailuresArriveAsTheyWere(t *testing.T) {
	t.Parallel()
	reasons := map[postern.Code][]postern.Reason{
		postern.Invalid: {"", postern.BadScope, postern.TooLarge}, postern.Unauthenticated: {postern.BadToken, postern.StaleProof, postern.NeedCode},
		postern.Forbidden: {"", postern.LowScope},
	}
	for _, m := range methods() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, code := range postern.Codes {
				some := reasons[code]
				if some == nil {
					some = []postern.Reason{""}
				}
				for _, reason := range some {
					want := &postern.Error{Code: code, Reason: reason, Msg: "what happened: ü \"quoted\"", Hint: "what to do", Param: "name",
						Cause: "the true cause", Err: errors.New(marker)}
					if code == postern.TooMany || code == postern.Unavailable {
						want.Wait = 3 * time.Second
					}
					h := newHouse(func(string, []any) (any, error) { return nil, want })
					_, err := m.call(t.Context(), h.remote(t))
					got := postern.AsError(err)
					if got == nil {
						t.Fatalf("%s %s: no error", code, reason)
					}
					if code == postern.Internal { // lossy: the far end's fault is told by its log alone
						if got.Code != code || got.Msg == want.Msg || got.Hint != "its log says why, under the request id "+requestID {
							t.Errorf("%s: got %#v", code, got)
						}
						continue
					}
					want.Cause, want.Err = "", nil
					if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(postern.Error{}, "Err")); diff != "" {
						t.Errorf("%s %s (-want +got):\n%s", code, reason, diff)
					}
				}
			}
		})
	}
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for _, c := range postern.Codes {
		if got := admin.Status(c, ""); got == 500 && c != postern.Internal {
			t.Errorf("%s has no status", c)
		}
	}
}

// More than one page of the API is asked for page by page.
func TestALongListIsGathered(t *testing.T) {
	t.Parallel()
	const there = 1234
	h := newHouse(func(call string, with []any) (any, error) {
		switch q := with[0].(type) {
		case postern.EventFilter:
			from := int64(there + 1)
			if q.Before != 0 {
				from = q.Before
			}
			var out postern.EventPage
			for seq := from - 1; seq > 0 && len(out.Events) < q.Limit; seq-- {
				out.Events = append(out.Events, postern.Event{Seq: seq})
				out.Next = seq
			}
			if len(out.Events) < q.Limit || out.Next == 1 {
				out.Next = 0
			}
			return out, nil
		case postern.VisitQuery:
			from := int64(there + 1)
			if q.Before != 0 {
				from = q.Before
			}
			var out []postern.Visit
			for seq := from - 1; seq > 0 && len(out) < q.Limit; seq-- {
				out = append(out, postern.Visit{Seq: seq})
			}
			return out, nil
		}
		return nil, errors.New(call)
	})
	m := h.remote(t)
	for _, limit := range []int{1, 500, 501, 1000, 2000} {
		want := min(limit, there)
		page, err := m.Events(t.Context(), postern.EventFilter{Tenant: "acme", Limit: limit})
		if err != nil || len(page.Events) != want || page.Events[want-1].Seq != int64(there+1-want) || (page.Next == 0) != (want == there) {
			t.Errorf("%d events: got %d, next %d, %v", limit, len(page.Events), page.Next, err)
		}
		visits, err := m.Visits(t.Context(), postern.VisitQuery{Tenant: "acme", Limit: limit})
		if err != nil || len(visits) != want || visits[want-1].Seq != int64(there+1-want) {
			t.Errorf("%d visits: got %d, %v", limit, len(visits), err)
		}
	}
	for _, a := range h.desk.asked {
		if limit := reflect.ValueOf(a.With[0]).FieldByName("Limit").Int(); limit > postern.MaxPage {
			t.Errorf("%s was asked for %d at once", a.Call, limit)
		}
	}
}

// Walking page by page with what Next says comes by everything once.
func TestAWalkMeetsEverythingOnce(t *testing.T) {
	t.Parallel()
	ids := []string{"a", "b", "ä/ö", "d", "e"}
	h := newHouse(func(_ string, with []any) (any, error) {
		p := with[0].(postern.Paging)
		from := slices.Index(ids, p.After) + 1
		page := postern.Page[postern.Tenant]{}
		for _, id := range ids[from:min(len(ids), from+p.Limit)] {
			page.Items = append(page.Items, postern.Tenant{ID: id, CreatedAt: now, UpdatedAt: now})
		}
		if from+p.Limit < len(ids) {
			page.Next = ids[from+p.Limit-1]
		}
		return page, nil
	})
	m := h.remote(t)
	var met []string
	for p := (postern.Paging{Limit: 2}); ; {
		page, err := m.Tenants(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			met = append(met, item.ID)
		}
		if p.After = page.Next; p.After == "" {
			break
		}
	}
	if diff := cmp.Diff(ids, met); diff != "" {
		t.Errorf("met (-want +got):\n%s", diff)
	}
}
