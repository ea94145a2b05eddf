package console_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

// ticking is a clock that goes on whenever somebody looks.
func ticking() func() time.Time {
	var mu sync.Mutex
	now := noon
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

// The Office answers the same form twice with the same secret, so that a lost answer is
// not a lost credential for programs. A page shows it once all the same.
func TestAFormThatIsSentTwiceShowsNoSecretAgain(t *testing.T) {
	t.Parallel()
	town := newTown(ticking())
	b := newBrowser(t, town).as("ada@example.org")
	fields := url.Values{"name": {"Fresh"}, "shown": {"all"}, "key": {"a-key-that-is-long-enough"}}
	first := b.post("/console/clients/new?tenant=acme", fields)
	made := town.answers["console:a-key-that-is-long-enough"]
	if first.status != http.StatusOK || !strings.Contains(first.text, made[1]) {
		t.Fatalf("the secret is not shown: %d", first.status)
	}
	again := b.post("/console/clients/new?tenant=acme", fields)
	if again.status != http.StatusSeeOther || again.to() != "/console/clients/"+made[0] || strings.Contains(again.text, made[1]) {
		t.Errorf("sent again: %d to %s", again.status, again.to())
	}
	if r := b.get(again.to()); !strings.Contains(r.text, "is there already") || strings.Contains(r.text, made[1]) {
		t.Error("nobody says what became of it, or the secret is there again")
	}
}

func TestASecretEndsOnADayThatIsToCome(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	if r := b.get("/console/clients/new?tenant=acme"); !strings.Contains(r.text, `name="ends" type="date" value="2027-11-22"`) {
		t.Error("no day is proposed")
	}
	for day, want := range map[string]time.Time{"": {}, "2026-11-23": noon.AddDate(0, 0, 1), "2027-11-22": noon.AddDate(1, 0, 0)} {
		r := b.post("/console/clients/new?tenant=acme", url.Values{"name": {"Fresh"}, "ends": {day}})
		c := town.clients[len(town.clients)-1]
		if got := c.Secrets[0].ExpiresAt; r.status != http.StatusOK || !got.Equal(want) {
			t.Errorf("%q: got %d, %s, want %s", day, r.status, got, want)
		}
	}
	for _, day := range []string{"2026-11-22", "2026-11-21", "2036-11-21", "22.11.2027", "90", "2027-02-30", "0001-01-01"} {
		r := b.post("/console/clients/new?tenant=acme", url.Values{"name": {"Fresh"}, "ends": {day}})
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `id="ends-fault"`) || !strings.Contains(r.text, `value="`+day+`"`) {
			t.Errorf("%q: got %d", day, r.status)
		}
		r = b.post("/console/clients/abclient/rotate", url.Values{"overlap": {"1"}, "ends": {day}})
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `id="ends-fault"`) {
			t.Errorf("rotated, %q: got %d", day, r.status)
		}
	}
}

func TestAPageThatFollowsSaysThatItAsksByItself(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	for at, want := range map[string]bool{
		"/console/": false, "/console/audit?tenant=acme": false, "/console/audit?tenant=acme&live=1": true, "/console/audit?live=1&seen=7&tenant=acme": true,
	} {
		if b.get(at); town.polled != want {
			t.Errorf("%s: polls is %t", at, town.polled)
		}
	}
	if b.post("/console/clients/aaclient/disable?live=1", nil); town.polled {
		t.Error("a form that somebody sends is no poll")
	}
}

func TestAPIsOfATenantAreRegisteredAndTakenAway(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	const at = "/console/tenants/acme/resources"
	if r := b.get(at); r.status != http.StatusOK || !strings.Contains(r.text, "None is registered") {
		t.Errorf("got %d %s", r.status, r.text)
	}
	if r := b.post(at, url.Values{"url": {"no address"}, "scopes": {"orders:read"}}); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `value="no address"`) ||
		!strings.Contains(r.text, `value="orders:read"`) || !strings.Contains(r.text, `id="url-fault"`) {
		t.Errorf("what is wrong is not said, or what was typed is lost: %d", r.status)
	}
	if r := b.follow(at, url.Values{"url": {"https://api.acme.example/a?b"}, "scopes": {"orders:read, orders:write"}, "tenant": {"globex"}}); !strings.Contains(r.text, "orders:write") {
		t.Errorf("it is not there: %s", r.text)
	}
	if got := town.resources; len(got) != 1 || got[0].Tenant != "acme" || !slices.Equal(got[0].Scopes, []string{"orders:read", "orders:write"}) {
		t.Fatalf("got %+v", got)
	}
	drop := at + "/drop?url=" + url.QueryEscape("https://api.acme.example/a?b")
	if r := b.get(drop); r.status != http.StatusOK || !strings.Contains(r.text, "Take it away") || len(town.resources) != 1 {
		t.Errorf("nobody asks first: %d", r.status)
	}
	if r := b.follow(drop, nil); !strings.Contains(r.text, "None is registered") || len(town.resources) != 0 {
		t.Errorf("it is still there: %s", r.text)
	}
	if r := newBrowser(t, town).as("bob@example.org").get("/console/tenants/acme/resources"); r.status != http.StatusNotFound {
		t.Errorf("those of another tenant: %d", r.status)
	}
}

func TestAnOperatorGetsAnotherLink(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	r := b.post("/console/operators/bob/invite", nil)
	_, rest, _ := strings.Cut(r.text, "/console/setup?code=")
	code, _, _ := strings.Cut(rest, "<")
	if r.status != http.StatusOK || town.invites[code] != "bob" {
		t.Errorf("got %d and the code %q", r.status, code)
	}
	if r := newBrowser(t, town).as("eve@example.org").post("/console/operators/bob/invite", nil); r.status != http.StatusForbidden {
		t.Errorf("an auditor makes a link: %d", r.status)
	}
}

// What cannot be sent is not offered either: a form that ends in a refusal wastes what was
// typed.
func TestFormsAreForThoseWhoMaySendThem(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	eve := newBrowser(t, town).as("eve@example.org")
	for _, at := range []string{
		"/console/clients/new?tenant=acme", "/console/clients/aaclient/edit", "/console/clients/aaclient/rotate", "/console/clients/aaclient/secrets/s1/end",
		"/console/clients/aaclient/revoke", "/console/clients/aaclient/delete", "/console/users/acme/new", "/console/users/acme/u1/password", "/console/new-tenant",
		"/console/tenants/acme/revoke", "/console/tenants/acme/resources/drop?url=x", "/console/keys/4f1d2c90ab/retire", "/console/sandbox/reset?tenant=acme",
		"/console/operators/new", "/console/operators/bob/no-factor", "/console/operators/bob/delete",
	} {
		if r := eve.get(at); r.status != http.StatusForbidden || !strings.Contains(r.text, "Not allowed") {
			t.Errorf("%s: an auditor gets %d", at, r.status)
		}
	}
	for _, at := range []string{"/console/clients/aaclient", "/console/tenants/acme/resources", "/console/account", "/console/audit/verify?tenant=acme"} {
		if r := eve.get(at); r.status != http.StatusOK {
			t.Errorf("%s: an auditor gets %d", at, r.status)
		}
	}
}

// InviteOperator implements postern.Inviter.
func (o *office) InviteOperator(_ context.Context, id string) (postern.Operator, postern.Secret, error) {
	if err := o.ask("invite operator", "", true, true); err != nil {
		return postern.Operator{}, postern.Secret{}, err
	}
	p, err := find(o.operators, func(p postern.Operator) bool { return p.ID == id })
	if err != nil {
		return postern.Operator{}, postern.Secret{}, err
	}
	o.invites["another"] = id
	return *p, postern.NewSecret("another"), nil
}

func TestTheOverviewSaysWhenKeysAreFollowed(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]string{90 * 24 * time.Hour: "another signs from", 0: "signs since"} {
		town := newTown(atNoon)
		town.keys = town.keys[2:3] // one that signs, without a successor
		cfg := town.config()
		cfg.RotateEvery = every
		h, err := console.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b := newBrowser(t, town)
		b.h = h
		r := b.as("ada@example.org").get("/console/")
		if date := noon.AddDate(0, -2, 91).Format("2 Jan 2006"); !strings.Contains(r.text, want) || strings.Contains(r.text, date) != (every > 0) {
			t.Errorf("every %s: want %q and %s in %s", every, want, date, r.text)
		}
	}
}

func TestTheTrailNamesOperatorsToThoseWhoMayKnow(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	for i, who := range []string{"ada", "gus", "long-gone"} {
		town.events = append(town.events, postern.Event{Tenant: "acme", Seq: int64(90 + i), At: noon, Action: postern.ActClientChanged, Actor: "operator:" + who})
	}
	for who, want := range map[string][]string{
		"eve@example.org": {"<td>ada@example.org</td>", "<td>gus@example.org</td>", "<td><code>operator:long-gone</code></td>"},
		"gus@example.org": {"<td><code>operator:ada</code></td>", "<td>gus@example.org</td>", "<td><code>operator:long-gone</code></td>"},
	} {
		r := newBrowser(t, town).as(who).get("/console/audit?tenant=acme")
		for _, cell := range want {
			if !strings.Contains(r.text, cell) {
				t.Errorf("%s does not see %s", who, cell)
			}
		}
	}
}
