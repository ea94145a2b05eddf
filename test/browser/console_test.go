package browser

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

const password = "five unrelated words for a gate"

// owner follows the one-time link and becomes the first operator.
func (p *program) owner(t *testing.T, s shape) *window {
	t.Helper()
	w := openWindow(t, p.url, s)
	w.visit(strings.TrimPrefix(p.link, p.url))
	w.see("Welcome to Postern")
	if at := w.where(); strings.Contains(at, "code") {
		t.Errorf("the code stays in the address: %s", at)
	}
	w.fill("Your name", "Ada")
	w.fill("E-mail address", "ada@acme.test")
	w.fill("Password", password)
	w.fill("The same password again", password)
	w.look("setup")
	w.click("Set the password and sign in")
	w.see("Overview")
	return w
}

// demo signs in as the operator that the demo made.
func (p *program) demo(t *testing.T, s shape) *window {
	t.Helper()
	w := openWindow(t, p.url, s)
	w.signIn(p.env("POSTERN_ADMIN_EMAIL"), p.env("POSTERN_ADMIN_PASSWORD"))
	w.see("Overview")
	return w
}

func (w *window) signIn(email, password string) {
	w.Helper()
	w.visit("/console/")
	w.fill("E-mail address", email)
	w.fill("Password", password)
	w.click("Sign in")
}

// look keeps a picture, and holds the page against the window.
func (w *window) look(name string) {
	w.Helper()
	w.fits()
	w.picture(name)
}

func everyShape(t *testing.T, story func(*testing.T, shape)) {
	t.Helper()
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			story(t, s)
		})
	}
}

func TestANewOperatorDoesTheWholeJob(t *testing.T) {
	t.Parallel()
	everyShape(t, func(t *testing.T, s shape) {
		p := serve(t)
		w := p.owner(t, s)
		w.look("overview of nothing")
		w.visit("/console/tenants")
		w.click("New tenant")
		w.fill("Id", "acme")
		w.fill("Name", "Acme GmbH")
		w.fill("Time zone", "Europe/Berlin")
		w.click("Make the tenant")
		w.see("acme is there")
		w.look("a tenant without credentials")
		w.click("Generate new credentials")
		w.fill("Name", "Payroll sync")
		w.tick("Persons: read")
		w.look("new credentials")
		w.click("Generate")
		w.see("Copy the secret now")
		w.see("curl")
		w.look("the secret once")
		id, secret := w.value("#shown-id"), w.value("#shown-secret")
		first, status := p.token(id, secret)
		if status != 200 || p.call(first, "/v2/persons") != 200 {
			t.Fatalf("the new credentials give %d and open %d", status, p.call(first, "/v2/persons"))
		}
		if p.call(first, "/v2/absence-types") != 403 {
			t.Error("a permission that was not ticked is there")
		}
		// On the way back the browser may show the page as it was left.
		if left := get[string](w, `(dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })), document.body.textContent)`); strings.Contains(left, secret) {
			t.Error("the secret stays in a page that was left")
		}
		w.click("I have copied it: go on")
		w.see("Recent use")
		if strings.Contains(w.text(), secret) {
			t.Error("the secret is shown a second time")
		}

		w.click("Rotate the secret")
		w.click("Rotate")
		w.see("New secret of Payroll sync")
		next := w.value("#shown-secret")
		if _, status := p.token(id, secret); status != 200 {
			t.Errorf("within the overlap the old secret gives %d", status)
		}
		eventually(t, "the new secret gives a token", func() bool { _, status := p.token(id, next); return status == 200 })
		w.click("I have copied it: go on")
		w.see("Recent use")
		w.look("client")

		w.click("Revoke all tokens…")
		w.see("Every token that it holds opens nothing")
		w.look("are you sure")
		w.click("Revoke all tokens")
		w.see("Payroll sync")
		eventually(t, "the revoked token is refused", func() bool { return p.call(first, "/v2/persons") == 401 })

		w.visit("/console/audit?tenant=acme")
		for _, happened := range []string{"client.created", "token.issued", "client.secret_added", "client.revoked"} {
			w.see(happened)
		}
		w.look("audit")

		w.visit("/console/clients/" + id)
		w.click("Delete…")
		w.fill("Its name", "something else")
		w.click("Delete for good")
		w.see("One thing needs another look")
		w.fill("Its name", "Payroll sync")
		w.click("Delete for good")
		w.see("No credentials yet")
		eventually(t, "deleted credentials give no token", func() bool { _, status := p.token(id, next); return status != 200 })
	})
}

func TestUsersTenantsAndKeysAreManaged(t *testing.T) {
	t.Parallel()
	everyShape(t, func(t *testing.T, s shape) {
		p := serve(t, "--demo")
		w := p.demo(t, s)
		w.visit("/console/users?tenant=demo")
		w.click("New user")
		w.fill("E-mail address", "grace@harbour.example")
		w.click("Make the user")
		w.see("shown this once")
		w.look("password once")
		w.click("I have copied it: go on")
		w.click("Disable")
		w.see("disabled")
		w.look("a disabled user")
		w.click("Enable")
		w.gone("disabled")
		w.look("user")
		w.visit("/console/keys")
		w.see("ES256")
		w.look("keys")
		w.choose("Algorithm", "ES256")
		w.click("Rotate")
		w.see("next")
		w.visit("/console/tenants/demo")
		w.fill("Name", "Harbour & Sons")
		w.click("Save")
		w.see("Harbour & Sons")
	})
}

func TestTheAuditTrailIsReadFollowedAndVerified(t *testing.T) {
	t.Parallel()
	everyShape(t, func(t *testing.T, s shape) {
		p := serve(t, "--demo")
		w := p.demo(t, s)
		id, secret := p.env("PERSONIO_CLIENT_ID"), p.env("PERSONIO_CLIENT_SECRET")
		w.visit("/console/audit?tenant=demo")
		w.click("Follow live")
		w.see("Stop following")
		if _, status := p.token(id, "wrong"); status == 200 {
			t.Fatal("a wrong secret gives a token")
		}
		w.see("token.refused")
		w.look("following")
		const ask = `document.querySelector("#trail").dispatchEvent(new CustomEvent("htmx:beforeRequest", { bubbles: true, cancelable: true }))`
		if !get[bool](w, ask) {
			t.Error("following waits for nothing")
		}
		if get[bool](w, `(document.querySelector("#trail details").open = true, `+ask+`)`) {
			t.Error("following closes what somebody reads")
		}
		w.visit("/console/audit?tenant=demo")
		w.choose("What", "token.refused")
		w.click("Filter")
		w.see("wrong secret")
		if _, status := p.token(id, secret); status != 200 {
			t.Fatalf("got %d", status)
		}
		w.visit("/console/audit/verify?tenant=demo")
		w.look("verify")
		csv := get[string](w, `fetch("/console/audit/export?tenant=demo&format=csv").then(r => r.text())`)
		if !strings.Contains(csv, "token.refused") {
			t.Errorf("the export is %.300s", csv)
		}
	})
}

func TestTheSandboxIsSeenSwitchedAndReset(t *testing.T) {
	t.Parallel()
	everyShape(t, func(t *testing.T, s shape) {
		p := serve(t, "--demo")
		w := p.demo(t, s)
		token, _ := p.token(p.env("PERSONIO_CLIENT_ID"), p.env("PERSONIO_CLIENT_SECRET"))
		w.visit("/console/sandbox?tenant=demo")
		w.see("Aylin")
		w.look("month")
		w.choose("What", "503")
		w.fill("Of calls whose path begins with", "/v2/persons")
		w.fill("How many of a hundred", "100")
		w.click("Let it go wrong")
		w.see("503")
		eventually(t, "calls go wrong", func() bool { return p.call(token, "/v2/persons") == 503 })
		eventually(t, "the calls are in the request log", func() bool {
			w.visit("/console/sandbox/log?tenant=demo")
			return strings.Contains(w.text(), "/v2/persons")
		})
		w.look("request log")
		w.visit("/console/sandbox/reset?tenant=demo")
		w.fill("Its name", "demo")
		w.look("reset")
	})
}

func TestOperatorsAreInvitedAndKeptToTheirRole(t *testing.T) {
	t.Parallel()
	p := serve(t)
	w := p.owner(t, shapes[0])
	w.visit("/console/operators")
	w.click("New operator")
	w.fill("E-mail address", "eve@acme.test")
	w.tick("auditor")
	w.click("Make the link")
	w.see("Link for eve@acme.test")
	link := w.value("#shown-secret")
	w.click("I have copied it: go on")
	w.see("No token is ever given in their name")
	w.look("operators")

	eve := openWindow(t, p.url, shapes[1])
	eve.visit(strings.TrimPrefix(link, p.url))
	eve.fill("Password", password+" of eve")
	eve.fill("The same password again", password+" of eve")
	eve.click("Set the password and sign in")
	eve.see("Overview")
	eve.visit("/console/tenants")
	if strings.Contains(eve.text(), "New tenant") {
		t.Error("an auditor is offered to make a tenant")
	}
	eve.visit("/console/new-tenant")
	eve.look("forbidden")
	if strings.Contains(eve.text(), "Make the tenant") {
		t.Error("an auditor is given the form for a tenant")
	}
	again := openWindow(t, p.url, shapes[0])
	again.visit(strings.TrimPrefix(link, p.url))
	if strings.Contains(again.text(), "Set the password") {
		t.Error("a one-time link works twice")
	}
}

func TestTheSecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	everyShape(t, func(t *testing.T, s shape) {
		p := serve(t)
		w := p.owner(t, s)
		w.visit("/console/account")
		w.look("account")
		w.click("Set one up")
		w.see("Read this with an authenticator app")
		w.look("second factor")
		secret := strings.ReplaceAll(get[string](w, `document.querySelector("#shown-secret").textContent`), " ", "")
		w.fill("Type the code that it shows", codeOf(t, secret, time.Now()))
		w.click("Keep it")
		w.see("A code is asked for after the password")
		w.signOut()
		w.signIn("ada@acme.test", password)
		w.see("One more step")
		w.fill("Code", codeOf(t, secret, time.Now().Add(30*time.Second))) // each step is good once
		w.click("Go on")
		w.see("Overview")
	})
}

func (w *window) signOut() {
	w.Helper()
	w.do("sign out", submit(`form[action="/console/sign-out"]`))
	w.see("Sign in")
}

func TestACredentialIsTried(t *testing.T) {
	t.Parallel()
	everyShape(t, func(t *testing.T, s shape) {
		p := serve(t, "--demo")
		w := p.demo(t, s)
		w.visit("/console/try")
		w.choose("Dialect", "oauth2")
		w.fill("Client id", p.env("OAUTH2_CLIENT_ID"))
		w.fill("Client secret", p.env("OAUTH2_CLIENT_SECRET"))
		w.click("Get a token")
		w.see("access_token")
		w.see("client_id")
		w.look("tried")
		if strings.Contains(w.where(), p.env("OAUTH2_CLIENT_SECRET")) {
			t.Error("the secret is in the address")
		}
		w.choose("Dialect", "personio-v1") // in JSON, where nothing of this is encoded
		w.fill("Client id", "a$$b$&MARKsecretMARK")
		w.click("Get a token")
		w.see(`"a$$b$&MARKsecretMARK"`)
		w.see("refused")
	})
}

// codeOf gives the code of a second factor (RFC 6238).
func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(secret, "="))
	if err != nil {
		t.Fatalf("the secret %q is not base32: %v", secret, err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30) // never fails
	sum := mac.Sum(nil)
	off := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[off:])&0x7fffffff)%1_000_000)
}

// eventually waits for something outside the browser.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); !done(); {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
