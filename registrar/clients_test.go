package registrar_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern"
)

func TestANewClientHasWhatItIsGivenAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.tenant("branch")
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	asked := postern.Client{Tenant: "acme", Name: "payroll", Scopes: postern.Scopes{"orders:read", "idp_api orders:read"},
		Dialects: []string{"oauth2"}, Tenants: []string{"branch"}, TokenLife: time.Hour, Alg: postern.RS256,
		Ranges:     []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8"), netip.MustParsePrefix("::ffff:192.0.2.0/120")},
		Attributes: []string{"first_name"},
		ID:         "chosen", Subject: "chosen", Grants: []string{"password"}, NotBefore: day, CreatedAt: day, UpdatedAt: day,
		Secrets: []postern.StoredSecret{{ID: "mine", Hash: d.hash.Hash(postern.NewSecret("mine"))}}}
	got, secret, err := d.owner().CreateClient(t.Context(), asked, 48*time.Hour, postern.Edit{})
	must(t, err)
	want := postern.Client{Tenant: "acme", Name: "payroll", Scopes: postern.NewScopes("idp_api", "orders:read"), Dialects: []string{"oauth2"},
		Grants: []string{"client_credentials"}, Tenants: []string{"branch"}, TokenLife: time.Hour, Alg: postern.RS256,
		Ranges:     []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")},
		Attributes: []string{"first_name"}, CreatedAt: d.now(), UpdatedAt: d.now(),
		Secrets: []postern.StoredSecret{{CreatedAt: d.now(), ExpiresAt: d.now().Add(48 * time.Hour)}}}
	made := cmpopts.IgnoreFields(postern.Client{}, "ID", "Subject")
	id := cmpopts.IgnoreFields(postern.StoredSecret{}, "ID")
	same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got, made, id, same, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the client (-want +got):\n%s", diff)
	}
	if len(got.ID) != 24 || len(got.Subject) != 24 || got.Secrets[0].ID == "mine" {
		t.Errorf("the ids are %q, %q and %q", got.ID, got.Subject, got.Secrets[0].ID)
	}
	kept, err := d.db.Client(t.Context(), got.ID)
	must(t, err)
	if !postern.LooksGenerated(secret.Reveal()) || kept.Secrets[0].Hash != d.hash.Hash(secret) {
		t.Error("the secret that was given is not the one that was kept")
	}
	ev := d.last("acme")
	ev.Seq, ev.Hash = 0, ""
	wantEvent := postern.Event{Tenant: "acme", At: d.now(), Action: postern.ActClientCreated, Actor: "operator:owner-", ClientID: got.ID,
		Source: "192.0.2.7", RequestID: "req-1", Object: got.ID, Detail: "scopes: idp_api orders:read"}
	if diff := cmp.Diff(wantEvent, ev); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}

func TestAClientWithoutDialectsGetsThoseOfItsKind(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	for _, tt := range []struct {
		public           bool
		dialects, grants []string
	}{
		{false, []string{"personio-v1", "personio-v2", "personify", "oauth2"}, []string{"client_credentials"}},
		{true, []string{"comm100"}, []string{"password"}},
	} {
		c, secret, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Public: tt.public}, 0, postern.Edit{})
		must(t, err)
		if !slices.Equal(c.Dialects, tt.dialects) || !slices.Equal(c.Grants, tt.grants) || secret.Empty() != tt.public || len(c.Secrets) == 0 != tt.public {
			t.Errorf("public %t: got %v, %v and %d secrets", tt.public, c.Dialects, c.Grants, len(c.Secrets))
		}
	}
}

// What cannot be is refused in the words that the commands use, alike when it is new and
// when it is changed.
func TestClientsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c := d.client("acme")
	for _, tt := range []struct {
		name   string
		change postern.ClientChange
		code   postern.Code
		msg    string
		hint   string
	}{
		{"no name", postern.ClientChange{Name: at("")}, postern.Invalid, "a name has 1 to 200 bytes", ""},
		{"long name", postern.ClientChange{Name: at(strings.Repeat("n", 201))}, postern.Invalid, "a name has 1 to 200 bytes", ""},
		{"name of two lines", postern.ClientChange{Name: at("a\nb")}, postern.Invalid, "a name is one line, without control characters", ""},
		{"scope", postern.ClientChange{Scopes: &postern.Scopes{"a\"b"}}, postern.Invalid, "the scope parameter holds a character that no scope has", ""},
		{"dialect", postern.ClientChange{Dialects: &[]string{"personio"}}, postern.Invalid, `there is no dialect "personio"`,
			"the dialects are personio-v1, personio-v2, personify, comm100, oauth2"},
		{"attribute", postern.ClientChange{Attributes: &[]string{"firstname"}}, postern.Invalid, `there is no attribute "firstname"`, "did you mean first_name?"},
		{"short life", postern.ClientChange{TokenLife: at(time.Second)}, postern.Invalid, "a token lives 1m0s to 24h0m0s", ""},
		{"network", postern.ClientChange{Ranges: &[]netip.Prefix{{}}}, postern.Invalid, `"invalid Prefix" is neither an address nor a network such as 10.0.0.0/8`, ""},
		{"call into", postern.ClientChange{Tenants: &[]string{"red"}}, postern.NotFound, `there is no tenant "red"`, ""},
		{"call into too many", postern.ClientChange{Tenants: at(slices.Repeat([]string{"red"}, 101))}, postern.Invalid,
			"a client may call into at most 100 other tenants", ""}, // before each of them is looked for
		{"nothing", postern.ClientChange{}, postern.Invalid, "there is nothing to change", ""},
	} {
		_, err := d.owner().ChangeClient(t.Context(), c.ID, tt.change, postern.Edit{})
		if e := postern.AsError(err); e == nil || e.Code != tt.code || e.Msg != tt.msg || e.Hint != tt.hint {
			t.Errorf("%s: got %+v", tt.name, e)
		}
		if tt.name == "nothing" || tt.name == "no name" {
			continue
		}
		n := postern.Client{Tenant: "acme", Name: "c"}
		for to, from := range map[*string]*string{&n.Name: tt.change.Name} {
			if from != nil {
				*to = *from
			}
		}
		if tt.change.Scopes != nil {
			n.Scopes = *tt.change.Scopes
		}
		if tt.change.Dialects != nil {
			n.Dialects = *tt.change.Dialects
		}
		if tt.change.Attributes != nil {
			n.Attributes = *tt.change.Attributes
		}
		if tt.change.TokenLife != nil {
			n.TokenLife = *tt.change.TokenLife
		}
		if tt.change.Ranges != nil {
			n.Ranges = *tt.change.Ranges
		}
		if tt.change.Tenants != nil {
			n.Tenants = *tt.change.Tenants
		}
		_, _, err = d.owner().CreateClient(t.Context(), n, 0, postern.Edit{})
		if e := postern.AsError(err); e == nil || e.Msg != tt.msg {
			t.Errorf("new, %s: got %+v", tt.name, e)
		}
	}
	if got, err := d.owner().Client(t.Context(), c.ID); err != nil || !got.UpdatedAt.Equal(c.UpdatedAt) {
		t.Errorf("a refused change changed something: %+v, %v", got, err)
	}
	_, _, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Public: true, Dialects: []string{"oauth2"}}, 0, postern.Edit{})
	wantCode(t, err, postern.Invalid)
	_, _, err = d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c"}, -time.Second, postern.Edit{})
	wantCode(t, err, postern.Invalid)
	_, _, err = d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Alg: "none"}, 0, postern.Edit{})
	wantCode(t, err, postern.Invalid)
}

func TestAChangeChangesWhatItNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c := d.client("acme", "orders:read")
	d.pause(time.Second)
	got, err := d.owner().ChangeClient(t.Context(), c.ID, postern.ClientChange{Name: at("new"), Disabled: at(true)}, postern.Edit{Match: postern.Version(c.UpdatedAt)})
	must(t, err)
	want := c
	want.Name, want.Disabled, want.UpdatedAt = "new", true, d.now()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the client (-want +got):\n%s", diff)
	}
	if ev := d.last("acme"); ev.Action != postern.ActClientChanged || ev.Detail != "name, disabled" || ev.ClientID != c.ID {
		t.Errorf("got the record %+v", ev)
	}
	// Taking every dialect away is not asking for all of them.
	got, err = d.owner().ChangeClient(t.Context(), c.ID, postern.ClientChange{Name: at("newer")}, postern.Edit{})
	must(t, err)
	if !slices.Equal(got.Dialects, c.Dialects) {
		t.Errorf("another name gave it the dialects %v", got.Dialects)
	}
}

func TestAChangeOfSomethingElseIsAConflict(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c := d.client("acme")
	old := postern.Edit{Match: postern.Version(c.UpdatedAt)}
	c, err := d.owner().ChangeClient(t.Context(), c.ID, postern.ClientChange{Name: at("new")}, old)
	must(t, err)
	_, err = d.owner().ChangeClient(t.Context(), c.ID, postern.ClientChange{Name: at("newer")}, old)
	wantCode(t, err, postern.Conflict)
	_, _, err = d.owner().RotateSecret(t.Context(), c.ID, 0, 0, old)
	wantCode(t, err, postern.Conflict)
	_, err = d.owner().EndSecret(t.Context(), c.ID, c.Secrets[0].ID, old)
	wantCode(t, err, postern.Conflict)
	wantCode(t, d.owner().DeleteClient(t.Context(), c.ID, old), postern.Conflict)
	must(t, d.owner().DeleteClient(t.Context(), c.ID, postern.Edit{Match: postern.Version(c.UpdatedAt)}))
	_, err = d.owner().Client(t.Context(), c.ID)
	wantCode(t, err, postern.NotFound)
}

// Whoever could give a client a scope of the operator API, or get hold of the secret of
// one that has it, could do what that scope allows.
func TestNobodyGivesThemselvesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	powerful, local := d.client("acme", "postern:admin", "orders:read"), d.client("acme", "postern:admin:tenant")
	for _, who := range []postern.Actor{d.actor(postern.Admin, ""), d.actor(postern.Admin, "acme"), d.actor(postern.Owner, "acme")} {
		o := d.reg.Office(who)
		for _, scope := range []string{"postern:admin", "postern:admin:read", "postern:everything", "Postern:Admin", "x postern:admin"} {
			_, _, err := o.CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Scopes: postern.Scopes{scope}}, 0, postern.Edit{})
			wantCode(t, err, postern.Forbidden)
			_, err = o.ChangeClient(t.Context(), d.client("acme").ID, postern.ClientChange{Scopes: &postern.Scopes{scope}}, postern.Edit{})
			wantCode(t, err, postern.Forbidden)
			_, err = o.CreateResource(t.Context(), postern.Resource{Tenant: "acme", URL: "https://r.test", Scopes: postern.Scopes{scope}}, postern.Edit{})
			wantCode(t, err, postern.Forbidden)
		}
		_, _, err := o.RotateSecret(t.Context(), powerful.ID, time.Hour, 0, postern.Edit{})
		wantCode(t, err, postern.Forbidden)
		_, err = o.ChangeClient(t.Context(), powerful.ID, postern.ClientChange{Ranges: &[]netip.Prefix{}}, postern.Edit{})
		wantCode(t, err, postern.Forbidden)
		_, err = o.ChangeClient(t.Context(), powerful.ID, postern.ClientChange{Scopes: &postern.Scopes{}}, postern.Edit{})
		wantCode(t, err, postern.Forbidden)
		_, err = o.EndSecret(t.Context(), powerful.ID, powerful.Secrets[0].ID, postern.Edit{})
		wantCode(t, err, postern.Forbidden)
		wantCode(t, o.DeleteClient(t.Context(), powerful.ID, postern.Edit{}), postern.Forbidden)
		want := postern.Forbidden
		if who.Role == postern.Owner {
			want = ""
		}
		_, _, err = o.RotateSecret(t.Context(), local.ID, time.Hour, 0, postern.Edit{})
		wantCode(t, err, want)
		// To stop one is everybody's who manages.
		_, err = o.ChangeClient(t.Context(), powerful.ID, postern.ClientChange{Disabled: at(true)}, postern.Edit{})
		must(t, err)
		_, err = o.ChangeClient(t.Context(), powerful.ID, postern.ClientChange{Disabled: at(false)}, postern.Edit{})
		wantCode(t, err, postern.Forbidden)
		must(t, second(o.RevokeClient(t.Context(), powerful.ID)))
	}
}

func TestATenantsActorCallsIntoNoOtherTenant(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.tenant("other")
	o := d.reg.Office(d.actor(postern.Owner, "acme"))
	_, _, err := o.CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Tenants: []string{"other"}}, 0, postern.Edit{})
	wantCode(t, err, postern.NotFound)
	_, missing := o.ChangeClient(t.Context(), d.client("acme").ID, postern.ClientChange{Tenants: &[]string{"other"}}, postern.Edit{})
	_, absent := o.ChangeClient(t.Context(), d.client("acme").ID, postern.ClientChange{Tenants: &[]string{"otter"}}, postern.Edit{})
	if strings.Replace(postern.Public(missing), "other", "otter", 1) != postern.Public(absent) {
		t.Errorf("a foreign tenant and none differ: %v, %v", missing, absent)
	}
	c, _, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: "acme", Name: "c", Tenants: []string{"other"}}, 0, postern.Edit{})
	must(t, err)
	c, err = o.ChangeClient(t.Context(), c.ID, postern.ClientChange{Name: at("new"), Tenants: &[]string{"other"}}, postern.Edit{})
	must(t, err)
	if !slices.Equal(c.Tenants, []string{"other"}) {
		t.Errorf("got %v, want what an owner gave", c.Tenants)
	}
}

func TestNoHashGoesOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	c := d.client("acme")
	rotated, _, err := d.owner().RotateSecret(t.Context(), c.ID, time.Hour, 0, postern.Edit{})
	must(t, err)
	changed, err := d.owner().ChangeClient(t.Context(), c.ID, postern.ClientChange{Name: at("new")}, postern.Edit{})
	must(t, err)
	got, err := d.owner().Client(t.Context(), c.ID)
	must(t, err)
	page, err := d.owner().Clients(t.Context(), postern.ClientQuery{Tenant: "acme"})
	must(t, err)
	for _, v := range append(page.Items, c, rotated, changed, got) {
		for _, s := range v.Secrets {
			if s.Hash != "" || s.ID == "" {
				t.Errorf("got %+v", s)
			}
		}
	}
	u := d.user("acme")
	users, err := d.owner().Users(t.Context(), postern.UserQuery{Tenant: "acme"})
	must(t, err)
	for _, v := range append(users.Items, u) {
		if v.PasswordHash != "" {
			t.Errorf("got %q", v.PasswordHash)
		}
	}
	d.operator(postern.Admin, "")
	operators, err := d.owner().Operators(t.Context(), postern.Paging{})
	must(t, err)
	for _, v := range operators.Items {
		if v.PasswordHash != "set" {
			t.Errorf("got %q", v.PasswordHash)
		}
	}
}
