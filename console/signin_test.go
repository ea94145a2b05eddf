package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

func atNoon() time.Time { return noon }

func TestSigningInTakesAPasswordAndTheCodeOfThoseWhoHaveOne(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town)
	b.get("/console/sign-in")
	r := b.post("/console/sign-in", url.Values{"email": {"bob@example.org"}, "password": {goodPassword}})
	if r.status != 200 || !strings.Contains(r.text, "authenticator") || strings.Contains(r.text, goodPassword) || strings.Contains(r.text, `type="password"`) {
		t.Fatalf("no code is asked for, or the password stands there: %d %s", r.status, r.text)
	}
	if step := b.cookies["postern-dev-step"]; step == "" || strings.Contains(step, "unrelated") {
		t.Errorf("what waits is not sealed: %q", step)
	}
	if r := b.post("/console/sign-in", url.Values{"code": {"000000"}}); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, "not the code") {
		t.Errorf("a wrong code: %d", r.status)
	}
	r = b.post("/console/sign-in", url.Values{"code": {goodCode}, "next": {"/console/clients?tenant=globex"}})
	if r.status != http.StatusSeeOther || r.to() != "/console/clients?tenant=globex" {
		t.Fatalf("got %d to %q", r.status, r.to())
	}
	if got := b.get("/console/clients"); !strings.Contains(got.text, "Globex import") {
		t.Errorf("bob does not see his clients: %d", got.status)
	}
}

func TestAWrongPasswordTellsNothingAndTooManyTellHowLong(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newTown(atNoon))
	var pages []string
	for _, email := range []string{"ada@example.org", "nobody@example.org"} {
		r := b.post("/console/sign-in", url.Values{"email": {email}, "password": {"wrong"}})
		if r.status != http.StatusUnprocessableEntity {
			t.Fatalf("%s: got %d", email, r.status)
		}
		pages = append(pages, strings.ReplaceAll(r.text, email, "EMAIL"))
	}
	if pages[0] != pages[1] {
		t.Error("a wrong password and an unknown person look different")
	}
	b.post("/console/sign-in", url.Values{"email": {"ada@example.org"}, "password": {"wrong"}})
	r := b.post("/console/sign-in", url.Values{"email": {"ada@example.org"}, "password": {goodPassword}})
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "90" || !strings.Contains(r.text, "1 minute") {
		t.Errorf("got %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
}

func TestSigningInAndProvingGiveAnotherSessionThanTheBrowserBrought(t *testing.T) {
	t.Parallel()
	now := noon
	town := newTown(func() time.Time { return now })
	b := newBrowser(t, town)
	b.cookies["postern-dev"] = "planted-by-somebody"
	b.cookies["postern-dev-form"] = "planted-too"
	b.as("ada@example.org")
	first := b.cookies["postern-dev"]
	if first == "planted-by-somebody" || b.cookies["postern-dev-form"] != "" {
		t.Fatalf("a planted cookie lives on: %q", first)
	}
	now = now.Add(time.Hour)
	if r := b.get("/console/clients/aaclient/rotate"); r.status != 200 {
		t.Fatalf("got %d", r.status)
	}
	r := b.post("/console/clients/aaclient/rotate", url.Values{"overlap": {"24"}, "ends": {"2027-02-20"}})
	if r.status != 200 || !strings.Contains(r.text, "Is it you?") || !strings.Contains(r.text, `name="overlap" value="24"`) {
		t.Fatalf("it is not asked who it is, or the form is lost: %d %s", r.status, r.text)
	}
	r = b.post("/console/clients/aaclient/rotate", url.Values{"overlap": {"24"}, "ends": {"2027-02-20"}, "proof_password": {"wrong"}})
	if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, "That is not right") || !strings.Contains(r.text, `name="overlap" value="24"`) {
		t.Fatalf("a wrong proof: %d", r.status)
	}
	r = b.post("/console/clients/aaclient/rotate", url.Values{"overlap": {"24"}, "ends": {"2027-02-20"}, "proof_password": {goodPassword}})
	if r.status != 200 || !strings.Contains(r.text, postern.SecretPrefix) {
		t.Fatalf("after the proof it is not done: %d %s", r.status, r.text)
	}
	if b.cookies["postern-dev"] == first {
		t.Error("the session is the same after the proof")
	}
	if _, ok := town.sessions[first]; ok {
		t.Error("the session from before the proof still works")
	}
}

func TestAProofLeadsOnlyBackIntoTheConsole(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"https://evil.example/", "//evil.example/console/", "/\\evil.example", "/console/../evil", "javascript:alert(1)",
		"/console//evil.example", "/elsewhere", "/console/\r\nX: y", "http:/console/", "/console/sign-out", "\t//evil.example"} {
		b := newBrowser(t, newTown(atNoon))
		b.get("/console/sign-in?next=" + url.QueryEscape(next))
		r := b.post("/console/sign-in", url.Values{"email": {"ada@example.org"}, "password": {goodPassword}, "next": {next}})
		if r.to() != "/console/" {
			t.Errorf("sign in with %q: leads to %q", next, r.to())
		}
		if r := b.post("/console/prove", url.Values{"proof_password": {goodPassword}, "next": {next}}); r.to() != "/console/" {
			t.Errorf("prove with %q: leads to %q", next, r.to())
		}
		if r := b.get("/console/sign-in?next=" + url.QueryEscape(next)); r.to() != "/console/" {
			t.Errorf("signed in already, with %q: leads to %q", next, r.to())
		}
	}
}

func TestSomebodyWhoIsNotSignedInComesBackToWhereTheyWere(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newTown(atNoon))
	r := b.get("/console/audit?tenant=acme&action=token.refused")
	if r.status != http.StatusSeeOther || r.to() != "/console/sign-in?next="+url.QueryEscape("/console/audit?tenant=acme&action=token.refused") {
		t.Errorf("got %d to %q", r.status, r.to())
	}
	if r := b.do(http.MethodPost, "/console/clients/aaclient/delete", url.Values{"typed": {"Payroll sync"}}, nil); r.to() != "/console/sign-in" {
		t.Errorf("a form of a session that is over: %d to %q", r.status, r.to())
	}
}

func TestAOneTimeLinkLeavesTheAddressAtOnceAndWorksOnce(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town)
	r := b.get("/console/setup?code=firstcode")
	if r.status != http.StatusSeeOther || r.to() != "/console/setup" || strings.Contains(r.text, "firstcode") {
		t.Fatalf("got %d to %q", r.status, r.to())
	}
	r = b.get("/console/setup")
	if r.status != 200 || !strings.Contains(r.text, "You are the first here") || strings.Contains(r.text, "firstcode") || r.header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	fields := url.Values{"name": {"Zoe"}, "email": {"zoe@example.org"}, "password": {"short"}, "again": {"short"}, "role": {"auditor"}, "tenant": {"acme"}}
	if r := b.post("/console/setup", fields); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, "at least 15") || strings.Contains(r.text, `value="short"`) {
		t.Fatalf("a weak password: %d %s", r.status, r.text)
	}
	fields["password"], fields["again"] = []string{goodPassword}, []string{goodPassword + "!"}
	if r := b.post("/console/setup", fields); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, "not the same") {
		t.Fatalf("two passwords: %d", r.status)
	}
	fields["again"] = fields["password"]
	if r := b.post("/console/setup", fields); r.to() != "/console/" {
		t.Fatalf("got %d to %q %s", r.status, r.to(), r.text)
	}
	if r := b.get("/console/"); r.status != 200 || !strings.Contains(r.text, "Zoe") || !strings.Contains(r.text, "second factor") {
		t.Errorf("the first operator is not signed in: %d", r.status)
	}
	other := newBrowser(t, town)
	other.get("/console/setup?code=firstcode")
	if r := other.get("/console/setup"); !strings.Contains(r.text, "used already") {
		t.Errorf("the link works twice: %s", r.text)
	}
}

// newBrowserBy is newBrowser of a console that is served by TLS, or in clear.
func newBrowserBy(t testing.TB, town *town, secure bool) *browser {
	t.Helper()
	cfg := town.config()
	cfg.Secure = secure
	h, err := console.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, town)
	b.h = h
	return b
}

// In clear the console is for the machine itself: a cookie that crosses a network would
// be anybody's.
func TestWithoutTLSTheConsoleIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		b := newBrowserBy(t, newTown(atNoon), secure)
		for host, here := range map[string]bool{"127.0.0.1:8100": true, "localhost": true, "LOCALHOST:1": true, "[::1]:8100": true,
			"192.0.2.7:8100": false, "gate.example.org": false, "localhost.example.org": false, "": false} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r := b.do(method, "/console/sign-in", nil, func(r *http.Request) { r.Host = host })
				refused := r.status == http.StatusForbidden && strings.Contains(r.text, "machine that it runs on")
				if refused == (secure || here) || refused && (len(r.header.Values("Set-Cookie")) > 0 || strings.Contains(r.text, `class="button"`)) {
					t.Errorf("secure %v, %s %q: got %d %v", secure, method, host, r.status, r.header)
				}
			}
		}
	}
}

func TestCookiesAreForThisHostAloneAndForNoScript(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		b := newBrowserBy(t, newTown(atNoon), secure)
		name := "postern-dev"
		if secure {
			name = "__Host-postern"
		}
		r := b.get("/console/sign-in")
		token, _, _ := strings.Cut(strings.SplitN(r.text, `name="csrf" value="`, 2)[1], `"`)
		r = b.do(http.MethodPost, "/console/sign-in", url.Values{"csrf": {token}, "email": {"ada@example.org"}, "password": {goodPassword}}, nil)
		found := false
		for _, line := range r.header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatal(err)
			}
			found = found || c.Name == name
			if !strings.HasPrefix(c.Name, name) || !c.HttpOnly || c.Secure != secure || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteStrictMode {
				t.Errorf("secure %v: %s", secure, line)
			}
		}
		if !found {
			t.Errorf("secure %v: there is no cookie %s among %q", secure, name, r.header.Values("Set-Cookie"))
		}
		if banner := strings.Contains(b.get("/console/sign-in").text+b.get("/console/").text, "No TLS."); banner == secure {
			t.Errorf("secure %v: the banner is shown: %v", secure, banner)
		}
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	cookie := b.cookies["postern-dev"]
	if r := b.post("/console/sign-out", nil); r.to() != "/console/sign-in" {
		t.Errorf("got %d to %q", r.status, r.to())
	}
	if _, ok := town.sessions[cookie]; ok || b.cookies["postern-dev"] != "" {
		t.Error("the session lives on")
	}
}
