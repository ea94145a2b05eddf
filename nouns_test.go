package postern_test

import (
	"go/ast"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

func TestSpellingsOfOneAddressAreOneAccount(t *testing.T) {
	t.Parallel()
	const want = "ada.lovelace@acme.test"
	for _, s := range []string{want, "Ada.Lovelace@ACME.test", "  ada.lovelace@acme.test\t\n", "ada.lovelace@acme.TEST",
		"ａda.lovelace@acme.test", "ada.lovelace＠acme.test", "ada.lovelace@acme．test"} {
		if got := postern.CanonicalEmail(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	// Composed and decomposed.
	if a, b := postern.CanonicalEmail("zoë@acme.test"), postern.CanonicalEmail("zoe\u0308@acme.test"); a != b {
		t.Errorf("got %q and %q", a, b)
	}
}

func FuzzCanonicalEmail(f *testing.F) {
	for _, s := range []string{"", "a@b", " A@B ", "zoe\u0308@x", "İ@x", "ﬁ@x", "\xff@x", "\u00a0a@b\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := postern.CanonicalEmail(s)
		if postern.CheckEmail(once) != nil {
			return // no account has it
		}
		if twice := postern.CanonicalEmail(once); twice != once {
			t.Errorf("%q: once %q, twice %q", s, once, twice)
		}
	})
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a@b", "ada.lovelace+tag@mail.acme.test", "zoë@acme.test", strings.Repeat("a", 95) + "@b.de"} {
		if err := postern.CheckEmail(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "@", "a@", "@b", "ab", "a@b@c", "a b@c", "a@b\n", "a\x00@b", "a@b\x7f",
		strings.Repeat("a", postern.MaxEmail) + "@b"} {
		if err := postern.CheckEmail(s); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: got %v, want invalid", s, err)
		}
	}
}

func TestPasswordsThatAnyoneWouldTryAreRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"", "short", "fourteen chars", strings.Repeat("a", 40), "abababababababab", "aabbccddaabbccdd",
		"passwordpassword", "PasswordPassword", "password1234567", "Password!Password", "welcomewelcome1", "qwertyuiopqwertyuiop", "12345678901234567890",
		"postern is great really", "my name is ada lovelace", "acme forever and ever",
		strings.Repeat("x1y2z", postern.MaxPassword/5+1)} {
		if err := postern.CheckPassword(p, "postern", "Acme", "Ada Lovelace"); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%.60q: got %v, want invalid", p, err)
		}
	}
	for _, p := range []string{"correct horse battery staple", "fünfzehn zeichen", "日本語のパスフレーズは長いほど良い",
		"0f3a9c-77be12-d04e51-9a6cc8", "the password is long and has more words", strings.Repeat("x1y2z", postern.MaxPassword/5)} {
		if err := postern.CheckPassword(p, "postern", "acme", "ada", ""); err != nil {
			t.Errorf("%.60q: %v", p, err)
		}
	}
}

func TestTheLengthOfAPasswordCountsCharacters(t *testing.T) {
	t.Parallel()
	fifteen := "äöüßéèêàçñøåæþð"
	if err := postern.CheckPassword(fifteen); err != nil {
		t.Errorf("15 characters in 30 bytes: %v", err)
	}
	if err := postern.CheckPassword(fifteen[:len(fifteen)-2]); err == nil {
		t.Error("14 characters in 28 bytes pass")
	}
}

func TestShortNamesDoNotForbidHalfTheLanguage(t *testing.T) {
	t.Parallel()
	if err := postern.CheckPassword("the cat sat on a mat today", "cat", "a", ""); err != nil {
		t.Errorf("a tenant called cat: %v", err)
	}
}

func TestTenantIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "7", "acme", "acme-eu-1", "a--b", strings.Repeat("a", 63)} {
		if err := postern.CheckTenantID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "-", postern.SystemTenant, "-a", "a-", "A", "acme.eu", "acme_eu", "a b", "ä", "acme\n", "\nacme",
		"a/../b", strings.Repeat("a", 64)} {
		err := postern.CheckTenantID(id)
		if postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Hint == "" {
			t.Errorf("%q: got %v, want invalid and a hint", id, err)
		}
	}
}

func TestASecretIsLiveUntilTheInstantItExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	c := postern.Client{Secrets: []postern.StoredSecret{
		{ID: "forever"}, {ID: "later", ExpiresAt: now.Add(time.Nanosecond)}, {ID: "now", ExpiresAt: now},
		{ID: "past", ExpiresAt: now.Add(-time.Hour)},
	}}
	var ids []string
	for _, s := range c.LiveSecrets(now) {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, []string{"forever", "later"}) {
		t.Errorf("got %v", ids)
	}
	if got := (&postern.Client{}).LiveSecrets(now); len(got) != 0 {
		t.Errorf("no secrets: got %v", got)
	}
}

func TestAZeroClientMayNothing(t *testing.T) {
	t.Parallel()
	var c postern.Client
	if c.MayUse("oauth2") || c.MayGrant(postern.GrantClientCredentials) || c.MayUse("") || c.MayGrant("") {
		t.Error("a client without lists may use them")
	}
	c = postern.Client{Dialects: []string{"oauth2"}, Grants: []string{postern.GrantPassword}}
	if !c.MayUse("oauth2") || c.MayUse("OAuth2") || !c.MayGrant(postern.GrantPassword) || c.MayGrant(postern.GrantClientCredentials) {
		t.Error("the lists are not read exactly")
	}
}

func TestAClientMayComeFromItsRangesOnly(t *testing.T) {
	t.Parallel()
	with := func(ranges ...string) *postern.Client {
		c := &postern.Client{}
		for _, r := range ranges {
			c.Ranges = append(c.Ranges, netip.MustParsePrefix(r))
		}
		return c
	}
	for _, tt := range []struct {
		c    *postern.Client
		addr string
		want bool
	}{
		{with(), "192.0.2.1", true},
		{with(), "2001:db8::1", true},
		{with("10.0.0.0/8"), "10.255.255.255", true},
		{with("10.0.0.0/8"), "11.0.0.0", false},
		{with("10.0.0.0/8"), "::ffff:10.1.2.3", true}, // the same address, as a socket for both families names it
		{with("10.0.0.0/8"), "2001:db8::1", false},
		{with("192.0.2.7/32", "2001:db8::/32"), "2001:db8:ffff::1", true},
		{with("192.0.2.7/32", "2001:db8::/32"), "192.0.2.8", false},
	} {
		if got := tt.c.MayComeFrom(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%v from %s: got %v", tt.c.Ranges, tt.addr, got)
		}
	}
	if with("0.0.0.0/0", "::/0").MayComeFrom(netip.Addr{}) {
		t.Error("an unknown address is in every range")
	}
	if !with().MayComeFrom(netip.Addr{}) {
		t.Error("without ranges the address does not matter")
	}
}

// constants gives the values of the string constants in a root file whose name
// begins with prefix.
func constants(t *testing.T, name, prefix string) map[string]string {
	t.Helper()
	return constantsThat(t, name, func(spec *ast.ValueSpec, i int) bool { return strings.HasPrefix(spec.Names[i].Name, prefix) })
}

// constantsOf gives those of a type.
func constantsOf(t *testing.T, name, typ string) map[string]string {
	t.Helper()
	return constantsThat(t, name, func(spec *ast.ValueSpec, _ int) bool {
		id, ok := spec.Type.(*ast.Ident)
		return ok && id.Name == typ
	})
}

func constantsThat(t *testing.T, name string, want func(*ast.ValueSpec, int) bool) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range theHouse(t).files {
		if f.path != name {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, v := range spec.Values {
				lit, ok := v.(*ast.BasicLit)
				if !ok || !want(spec, i) {
					continue
				}
				if s, err := strconv.Unquote(lit.Value); err == nil {
					all[spec.Names[i].Name] = s
				}
			}
			return true
		})
	}
	if len(all) == 0 {
		t.Fatalf("no such constants in %s", name)
	}
	return all
}

func TestTheListOfActionsNamesEveryAction(t *testing.T) {
	t.Parallel()
	declared := constants(t, "event.go", "Act")
	seen := map[string]bool{}
	for _, a := range postern.Actions {
		if seen[a] || !strings.Contains(a, ".") {
			t.Errorf("%q is repeated or has no noun", a)
		}
		seen[a] = true
	}
	for name, value := range declared {
		if !seen[value] {
			t.Errorf("%s is missing in Actions", name)
		}
	}
	if len(seen) != len(declared) {
		t.Errorf("%d actions are listed, %d declared", len(seen), len(declared))
	}
}

func TestTheListsOfTheRootAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[postern.Alg]bool{}
	for _, a := range postern.Algs {
		if seen[a] {
			t.Errorf("%s is listed twice", a)
		}
		seen[a] = true
	}
	kinds := constants(t, "event.go", "Change")
	values := map[string]bool{}
	for _, v := range kinds {
		values[v] = true
	}
	if len(values) != len(kinds) {
		t.Errorf("two kinds of change are one: %v", kinds)
	}
}

func TestTheValueOfAnAttributeIsOfItsKind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a    postern.Attribute
		good bool
	}{
		{postern.Attribute{Key: "a", Value: "anything"}, true},
		{postern.Attribute{Key: "a b", Value: "x"}, false},
		{postern.Attribute{Key: "a:b", Value: "x"}, false},
		{postern.Attribute{Key: "a,b", Value: "x"}, false},
		{postern.Attribute{Key: "a\n", Value: "x"}, false},
		{postern.Attribute{Key: "a", Kind: postern.AttributeInt}, true},
		{postern.Attribute{Key: "a", Kind: postern.AttributeInt, Value: "-5"}, true},
		{postern.Attribute{Key: "a", Kind: postern.AttributeInt, Value: "5.5"}, false},
		{postern.Attribute{Key: "a", Kind: postern.AttributeDouble, Value: "5.5"}, true},
		{postern.Attribute{Key: "a", Kind: postern.AttributeDouble, Value: "NaN"}, false},
		{postern.Attribute{Key: "a", Kind: postern.AttributeDate, Value: "2026-02-28"}, true},
		{postern.Attribute{Key: "a", Kind: postern.AttributeDate, Value: "2026-02-30"}, false},
		{postern.Attribute{Key: "a", Kind: postern.AttributeBool, Value: "true"}, true},
		{postern.Attribute{Key: "a", Kind: postern.AttributeBool, Value: "yes"}, false},
		{postern.Attribute{Key: "a", Kind: postern.AttributeList, Values: []string{"x"}}, true},
		{postern.Attribute{Key: "a", Kind: postern.AttributeList, Value: "x"}, false},
		{postern.Attribute{Key: "a", Kind: postern.AttributeText, Values: []string{"x"}}, false},
		{postern.Attribute{Key: "a", Kind: "colour", Value: "red"}, false},
		{postern.Attribute{Value: "x"}, false},
	} {
		p := postern.Person{FirstName: "Ada", LastName: "Lovelace", Custom: []postern.Attribute{tt.a}}
		if err := p.Check(); (err == nil) != tt.good || err != nil && postern.AsError(err).Param != "custom_attributes" {
			t.Errorf("%+v: got %v, want good %v", tt.a, err, tt.good)
		}
	}
}
