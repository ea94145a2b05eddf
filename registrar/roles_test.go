package registrar_test

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/registrar"
)

// deed is a method of an Office, done to something of a tenant.
type deed struct {
	name string
	// may is who may: o, a and u are owner, admin and auditor of the installation, in
	// capitals those of the tenant.
	may string
	// base is who may do the like of it, where that is more than may: they are asked for a
	// proof, and told what is not there, before it is looked at what exactly they want.
	base string
	// proof says that it wants a fresh one.
	proof bool
	// spares says that it is not about the tenant, so that somebody of another is spared.
	spares bool
	do     func(ctx context.Context, d *desk, o postern.Office, tenant string) error
}

const (
	all       = "oaOAuU"
	managing  = "oaOA"
	wholeOnly = "oa"
)

var deeds = []deed{
	{"Tenants", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		page, err := o.Tenants(ctx, postern.Paging{})
		for _, t := range page.Items {
			if t.ID == tenant {
				return err
			}
		}
		return otherwise(err)
	}},
	{"Tenant", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Tenant(ctx, tenant))
	}},
	{"CreateTenant", wholeOnly, "", false, false, func(ctx context.Context, d *desk, o postern.Office, _ string) error {
		return second(o.CreateTenant(ctx, postern.Tenant{ID: d.fresh("new")}, postern.Edit{}))
	}},
	{"ChangeTenant", managing, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.ChangeTenant(ctx, tenant, postern.TenantChange{Name: at("new")}, postern.Edit{}))
	}},
	{"ChangeTenant: disable", wholeOnly, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.ChangeTenant(ctx, tenant, postern.TenantChange{Disabled: at(true)}, postern.Edit{}))
	}},
	{"ChangeTenant: partner", wholeOnly, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.ChangeTenant(ctx, tenant, postern.TenantChange{PartnerID: at(d.names.Add(1))}, postern.Edit{}))
	}},
	{"RevokeTenant", managing, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.RevokeTenant(ctx, tenant))
	}},
	{"Clients", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Clients(ctx, postern.ClientQuery{Tenant: tenant}))
	}},
	{"Client", all, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.Client(ctx, d.client(tenant).ID))
	}},
	{"CreateClient", managing, "", true, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		_, _, err := o.CreateClient(ctx, postern.Client{Tenant: tenant, Name: "c"}, 0, postern.Edit{})
		return err
	}},
	{"CreateClient: for the operator API of the tenant", "oO", managing, true, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		_, _, err := o.CreateClient(ctx, postern.Client{Tenant: tenant, Name: "c", Scopes: postern.Scopes{"postern:admin:tenant"}}, 0, postern.Edit{})
		return err
	}},
	{"CreateClient: for the operator API", "o", managing, true, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		_, _, err := o.CreateClient(ctx, postern.Client{Tenant: tenant, Name: "c", Scopes: postern.Scopes{"postern:admin:read"}}, 0, postern.Edit{})
		return err
	}},
	{"ChangeClient", managing, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.ChangeClient(ctx, d.client(tenant).ID, postern.ClientChange{Name: at("new")}, postern.Edit{}))
	}},
	{"ChangeClient: for the operator API", "o", managing, false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.ChangeClient(ctx, d.client(tenant).ID, postern.ClientChange{Scopes: &postern.Scopes{"postern:admin"}}, postern.Edit{}))
	}},
	{"DeleteClient", managing, "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return o.DeleteClient(ctx, d.client(tenant).ID, postern.Edit{})
	}},
	{"Refusals", all, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.Refusals(ctx, d.client(tenant).ID))
	}},
	{"RotateSecret", managing, "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		_, _, err := o.RotateSecret(ctx, d.client(tenant).ID, time.Hour, 0, postern.Edit{})
		return err
	}},
	{"RotateSecret: of a client of the operator API", "o", managing, true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		_, _, err := o.RotateSecret(ctx, d.client(tenant, "postern:admin").ID, time.Hour, 0, postern.Edit{})
		return err
	}},
	{"EndSecret", managing, "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		c, _, err := d.owner().RotateSecret(ctx, d.client(tenant).ID, time.Hour, 0, postern.Edit{})
		must(d.t, err)
		return second(o.EndSecret(ctx, c.ID, c.Secrets[1].ID, postern.Edit{}))
	}},
	{"RevokeClient", managing, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.RevokeClient(ctx, d.client(tenant).ID))
	}},
	{"Users", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Users(ctx, postern.UserQuery{Tenant: tenant}))
	}},
	{"User", all, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.User(ctx, tenant, d.user(tenant).ID))
	}},
	{"CreateUser", managing, "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		_, _, err := o.CreateUser(ctx, postern.User{Tenant: tenant, Email: d.fresh("u") + "@acme.test"}, postern.Secret{}, postern.Edit{})
		return err
	}},
	{"ChangeUser", managing, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.ChangeUser(ctx, tenant, d.user(tenant).ID, postern.UserChange{Disabled: at(true)}, postern.Edit{}))
	}},
	{"SetPassword", managing, "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		_, _, err := o.SetPassword(ctx, tenant, d.user(tenant).ID, postern.Secret{})
		return err
	}},
	{"Keys", "oau", "", false, false, func(ctx context.Context, _ *desk, o postern.Office, _ string) error { return second(o.Keys(ctx)) }},
	{"RotateKey", wholeOnly, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, _ string) error {
		return unless(postern.Conflict, second(o.RotateKey(ctx, postern.ES256, -1))) // a successor waits already
	}},
	{"RetireKey", wholeOnly, "", true, false, func(ctx context.Context, _ *desk, o postern.Office, _ string) error {
		return unless(postern.NotFound, o.RetireKey(ctx, "0123456789abcdef0123456789abcdef"))
	}},
	{"Resources", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Resources(ctx, tenant))
	}},
	{"CreateResource", managing, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.CreateResource(ctx, postern.Resource{Tenant: tenant, URL: "https://" + d.fresh("r") + ".test"}, postern.Edit{}))
	}},
	{"DeleteResource", managing, "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		r, err := d.owner().CreateResource(ctx, postern.Resource{Tenant: tenant, URL: "https://" + d.fresh("r") + ".test"}, postern.Edit{})
		must(d.t, err)
		return o.DeleteResource(ctx, tenant, r.URL)
	}},
	{"Scopes", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Scopes(ctx, tenant))
	}},
	{"Events", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Events(ctx, postern.EventFilter{Tenant: tenant}))
	}},
	{"Chains", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		chains, err := o.Chains(ctx)
		if slices.Contains(chains, tenant) {
			return err
		}
		return otherwise(err)
	}},
	{"VerifyChain", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.VerifyChain(ctx, tenant, nil))
	}},
	{"Usage", all, "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		return second(o.Usage(ctx, postern.UsageQuery{Tenant: tenant, Since: d.now().Add(-time.Hour), Step: time.Hour}))
	}},
	{"Health", all, "", false, true, func(ctx context.Context, _ *desk, o postern.Office, _ string) error { return second(o.Health(ctx)) }},
	{"Sandbox", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Sandbox(ctx, tenant))
	}},
	{"SetSandbox", managing, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return o.SetSandbox(ctx, postern.Sandbox{Tenant: tenant, Log: true})
	}},
	{"Visits", all, "", false, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.Visits(ctx, postern.VisitQuery{Tenant: tenant}))
	}},
	{"ResetTenant", managing, "", true, false, func(ctx context.Context, _ *desk, o postern.Office, tenant string) error {
		return second(o.ResetTenant(ctx, tenant))
	}},
	{"Operators", "oOuU", "", false, true, func(ctx context.Context, _ *desk, o postern.Office, _ string) error {
		return second(o.Operators(ctx, postern.Paging{}))
	}},
	{"CreateOperator", "oO", "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		_, _, err := o.CreateOperator(ctx, postern.Operator{Email: d.fresh("op") + "@ops.test", Role: postern.Owner, Tenant: tenant}, postern.Edit{})
		return err
	}},
	{"CreateOperator: of the installation", "o", "oO", true, true, func(ctx context.Context, d *desk, o postern.Office, _ string) error {
		op, _, err := o.CreateOperator(ctx, postern.Operator{Email: d.fresh("op") + "@ops.test", Role: postern.Owner}, postern.Edit{})
		if err == nil && op.Tenant != "" {
			return postern.Errorf(postern.Forbidden, "it is the tenant's own")
		}
		return err
	}},
	{"ChangeOperator", "oO", "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		op, _ := d.operator(postern.Admin, tenant)
		return second(o.ChangeOperator(ctx, op.ID, postern.OperatorChange{Name: at("new")}, postern.Edit{}))
	}},
	{"DeleteOperator", "oO", "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		op, _ := d.operator(postern.Admin, tenant)
		return o.DeleteOperator(ctx, op.ID, postern.Edit{})
	}},
	{"InviteOperator", "oO", "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		op, _ := d.operator(postern.Admin, tenant)
		_, _, err := o.(postern.Inviter).InviteOperator(ctx, op.ID)
		return err
	}},
	{"Sessions", "oOuU", "", false, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		op, _ := d.operator(postern.Admin, tenant)
		return second(o.Sessions(ctx, op.ID))
	}},
	{"EndSession", "oO", "", true, false, func(ctx context.Context, d *desk, o postern.Office, tenant string) error {
		op, _ := d.operator(postern.Admin, tenant)
		sessions, err := d.db.Sessions(ctx, op.ID)
		must(d.t, err)
		return o.EndSession(ctx, op.ID, sessions[0].ID)
	}},
}

func second[T any](_ T, err error) error { return err }

// otherwise is NotFound for what was not among the things that were shown.
func otherwise(err error) error {
	if err != nil {
		return err
	}
	return postern.Errorf(postern.NotFound, "it is not shown")
}

// unless takes an error that comes after the right was looked at.
func unless(code postern.Code, err error) error {
	if postern.CodeOf(err) == code {
		return nil
	}
	return err
}

// asker is somebody who asks for a deed.
type asker struct {
	letter string // as in deed.may; "-" is nobody
	role   postern.Role
	bound  string // "", "own" or "other"
}

var askers = []asker{
	{"o", postern.Owner, ""}, {"a", postern.Admin, ""}, {"u", postern.Auditor, ""},
	{"O", postern.Owner, "own"}, {"A", postern.Admin, "own"}, {"U", postern.Auditor, "own"},
	{"O", postern.Owner, "other"}, {"A", postern.Admin, "other"}, {"U", postern.Auditor, "other"},
	{"-", "", ""}, {"-", "root", ""}, {"-", "Owner", "own"},
}

// Every method of an Office, by every role, for the installation, the tenant it is about
// and another one, with a fresh proof and a stale one. Whoever may not changes nothing
// and leaves no record, and whoever belongs elsewhere learns nothing.
func TestEveryMethodIsForThoseWhoMayAndForNobodyElse(t *testing.T) {
	t.Parallel()
	for _, m := range deeds {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.tenant("other")
			for _, who := range askers {
				for _, stale := range []bool{false, true} {
					tryDeed(t, d, m, who, stale)
				}
			}
		})
	}
}

func tryDeed(t *testing.T, d *desk, m deed, who asker, stale bool) {
	t.Helper()
	tenant := d.tenant(d.fresh("t")).ID
	bound := strings.NewReplacer("own", tenant, "other", "other").Replace(who.bound)
	actor := d.actor(who.role, bound)
	if stale {
		actor.ProvenAt = actor.ProvenAt.Add(-registrar.ProofLife - time.Second)
	}
	seq := d.last(tenant).Seq
	err := m.do(t.Context(), d, d.reg.Office(actor), tenant)
	want := postern.Code("")
	switch {
	case !strings.Contains(cmp.Or(m.base, m.may), who.letter):
		want = postern.Forbidden
	case stale && m.proof:
		want = postern.Unauthenticated
	case who.bound == "other" && !m.spares:
		want = postern.NotFound
	case !strings.Contains(m.may, who.letter):
		want = postern.Forbidden
	}
	if got := postern.CodeOf(err); got != want {
		t.Errorf("%s by %s of %q, stale %t: got %v, want %q", m.name, who.role, who.bound, stale, err, want)
	}
	// The log says why, and whoever asked does not hear more than that it is not there.
	wants := map[postern.Code][]string{postern.Forbidden: {"role", "role of one tenant", ""}, postern.Unauthenticated: {"stale proof"}, postern.NotFound: {"another tenant's", ""}}
	if e := postern.AsError(err); e != nil && (!slices.Contains(wants[want], e.Cause) || strings.Contains(e.Msg+e.Hint, "another tenant")) {
		t.Errorf("%s by %s of %q: got the cause %q of %q", m.name, who.role, who.bound, e.Cause, e.Msg)
	}
	if want == postern.Unauthenticated && postern.ReasonOf(err) != postern.StaleProof {
		t.Errorf("%s by %s: got the reason %s", m.name, who.role, postern.ReasonOf(err))
	}
	if err != nil && strings.HasPrefix(m.name, "Create") && !m.spares && d.last(tenant).Seq != seq {
		t.Errorf("%s by %s of %q was refused and left a record: %+v", m.name, who.role, who.bound, d.last(tenant))
	}
}

func TestTheMatrixHasEveryMethodOfAnOffice(t *testing.T) {
	t.Parallel()
	for _, office := range []reflect.Type{reflect.TypeFor[postern.Office](), reflect.TypeFor[postern.Inviter]()} {
		for i := range office.NumMethod() {
			name := office.Method(i).Name
			if !slices.ContainsFunc(deeds, func(m deed) bool { return m.name == name }) {
				t.Errorf("%s is in no row of the matrix", name)
			}
		}
	}
}

func TestEveryRuleHasRolesAndWordsAndIsThereOnce(t *testing.T) {
	t.Parallel()
	seen := map[registrar.Action]bool{}
	for _, r := range registrar.Rules {
		if seen[r.Action] || r.Words == "" || len(r.Roles) == 0 || !slices.Contains(r.Roles, postern.Owner) {
			t.Errorf("the rule %+v: twice, without words, or not for owners", r)
		}
		seen[r.Action] = true
		changes := !strings.HasSuffix(string(r.Action), ".read")
		if changes && slices.Contains(r.Roles, postern.Auditor) {
			t.Errorf("an auditor may do %s", r.Action)
		}
	}
}

func TestTheLogTellsWhatIsAnothersFromWhatIsNot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.tenant("other")
	c := d.client("other")
	op, _ := d.operator(postern.Owner, "other")
	o := d.reg.Office(d.actor(postern.Owner, "acme"))
	for name, err := range map[string]error{
		"Tenant": second(o.Tenant(t.Context(), "other")), "Client": second(o.Client(t.Context(), c.ID)), "Sessions": second(o.Sessions(t.Context(), op.ID)),
		"VerifyChain": second(o.VerifyChain(t.Context(), "other", nil)), "DeleteResource": o.DeleteResource(t.Context(), "other", "https://x.test"),
	} {
		if e := postern.AsError(err); e.Code != postern.NotFound || e.Cause != "another tenant's" {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	if e := postern.AsError(second(o.Client(t.Context(), "nobody"))); e.Code != postern.NotFound || e.Cause != "" {
		t.Errorf("what is not there: got %+v", e)
	}
}

func TestARefusalSaysWhoMay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.reg.Office(d.actor(postern.Auditor, "")).CreateTenant(t.Context(), postern.Tenant{ID: "acme"}, postern.Edit{})
	got := fmt.Sprint(postern.AsError(err).Msg, "; ", postern.AsError(err).Hint)
	want := "the role auditor does not allow to make tenants; ask an operator who is owner or admin"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
