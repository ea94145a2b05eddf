package console_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

func TestEveryAnswerForbidsFramesInlineScriptsAndBeingKept(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newTown(atNoon)).as("ada@example.org")
	out := newBrowser(t, b.town)
	for at, who := range map[string]*browser{"/console/": b, "/console/clients/aaclient": b, "/console/nowhere": b, "/console/sign-in": out, "/console": out, "/console/clients": out, "/console/audit/export?format=csv": b} {
		h := who.get(at).header
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", at, name, got, want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'", "style-src 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy has no %s: %s", at, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || strings.Contains(csp, "http") || h.Get("Permissions-Policy") == "" {
			t.Errorf("%s: the policy is %s", at, csp)
		}
	}
	assets, err := console.Assets()
	if err != nil || len(assets) < 4 {
		t.Fatalf("%v %v", assets, err)
	}
	for at := range assets {
		r := out.get(at)
		if r.status != 200 || !strings.Contains(r.header.Get("Cache-Control"), "immutable") || r.header.Get("Content-Security-Policy") == "" || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", at, r.status, r.header)
		}
	}
}

// changing are the posts of the console, with names in their patterns filled in.
func changing() (all []string) {
	for _, p := range console.Patterns() {
		if at, ok := strings.CutPrefix(p, "POST "); ok {
			all = append(all, strings.NewReplacer("{id}", "aaclient", "{secret}", "s0", "{tenant}", "acme", "{session}", "s1").Replace(at))
		}
	}
	return all
}

func TestAFormFromElsewhereDoesNothing(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	other := newBrowser(t, town).as("gus@example.org")
	good, foreign := b.csrf(), other.csrf()
	if good == foreign {
		t.Fatal("two sessions have one token")
	}
	posts := changing()
	if len(posts) < 25 {
		t.Fatalf("found %d posts", len(posts))
	}
	for _, at := range posts {
		town.asked = nil
		for what, try := range map[string]func() reply{
			"no token":             func() reply { return b.do(http.MethodPost, at, url.Values{"typed": {"x"}}, nil) },
			"a wrong token":        func() reply { return b.do(http.MethodPost, at, url.Values{"csrf": {"x"}}, nil) },
			"another session's":    func() reply { return b.do(http.MethodPost, at, url.Values{"csrf": {foreign}}, nil) },
			"the token in the URL": func() reply { return b.do(http.MethodPost, at+"?csrf="+good, nil, nil) },
			"another site": func() reply {
				return b.do(http.MethodPost, at, url.Values{"csrf": {good}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
			},
			"a sister site": func() reply {
				return b.do(http.MethodPost, at, url.Values{"csrf": {good}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") })
			},
			"an old browser at another site": func() reply {
				return b.do(http.MethodPost, at, url.Values{"csrf": {good}}, func(r *http.Request) {
					r.Header.Del("Sec-Fetch-Site")
					r.Header.Set("Origin", "https://evil.example")
				})
			},
		} {
			if r := try(); r.status != http.StatusForbidden {
				t.Errorf("%s with %s: got %d", at, what, r.status)
			}
		}
		for _, call := range town.asked {
			if !strings.HasPrefix(call, "tenants") {
				t.Errorf("%s: the office was asked for %q", at, call)
			}
		}
	}
	if b.get("/console/").status != 200 {
		t.Error("ada is signed out")
	}
}

func TestAFormHasFieldsOfOurKindAndNotTooMany(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newTown(atNoon)).as("ada@example.org")
	token := b.csrf()
	for what, tt := range map[string]struct {
		body   url.Values
		kind   string
		status int
	}{
		"JSON":        {url.Values{"csrf": {token}}, "application/json", 400},
		"multipart":   {url.Values{"csrf": {token}}, "multipart/form-data; boundary=x", 400},
		"too large":   {url.Values{"csrf": {token}, "x": {strings.Repeat("x", 70<<10)}}, "", 413},
		"a long text": {url.Values{"csrf": {token}, "x": {strings.Repeat("x", 9<<10)}}, "", 413},
		"many fields": {url.Values{"csrf": {token}, "x": make([]string, 700)}, "", 413},
	} {
		r := b.do(http.MethodPost, "/console/clients/new?tenant=acme", tt.body, func(r *http.Request) {
			if tt.kind != "" {
				r.Header.Set("Content-Type", tt.kind)
			}
		})
		if r.status != tt.status {
			t.Errorf("%s: got %d, want %d", what, r.status, tt.status)
		}
	}
}

// What a form does not have on its page has no effect.
func TestFieldsThatNoPageHasChangeNothing(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("gus@example.org") // an admin, of everything
	extra := url.Values{
		"id": {"chosen"}, "ID": {"chosen"}, "subject": {"x"}, "tenant": {"globex"}, "Tenant": {"globex"}, "secrets": {"x"}, "hash": {"x"}, "grants": {"password"},
		"not_before": {"2000-01-01"}, "disabled": {"true"}, "role": {"owner"}, "alg": {"HS256"}, "created_at": {"x"}, "password": {"x"}, "public": {"true"},
	}
	fields := func(more url.Values) url.Values {
		all := url.Values{}
		for _, v := range []url.Values{extra, more} {
			for name, values := range v {
				all[name] = values
			}
		}
		return all
	}
	if r := b.post("/console/clients/new?tenant=acme", fields(url.Values{"name": {"Fresh"}, "scope": {"api:persons:read"}})); r.status != 200 {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	c := town.clients[len(town.clients)-1]
	if c.Name != "Fresh" || c.ID == "chosen" || c.Tenant != "acme" || c.Public || c.Disabled || c.Alg != "" || c.Subject != "" || len(c.Grants) != 0 || !c.NotBefore.IsZero() {
		t.Errorf("the form made %+v", c)
	}
	before := town.clients[0]
	if r := b.post("/console/clients/aaclient/edit", fields(url.Values{"name": {"Renamed"}, "version": {postern.Version(before.UpdatedAt)}, "scope": {"api:persons:read"}})); r.status != http.StatusSeeOther {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	after := town.clients[0]
	if after.Name != "Renamed" || after.Tenant != "acme" || after.ID != before.ID || after.Disabled || after.Public || !after.NotBefore.IsZero() || len(after.Secrets) != len(before.Secrets) {
		t.Errorf("the form changed it to %+v", after)
	}
	if r := b.post("/console/users/acme/u1", fields(url.Values{"email": {"new@acme.example"}, "role": {"agent"}})); r.status != http.StatusSeeOther {
		t.Fatalf("got %d", r.status)
	}
	if u := town.users[0]; u.Email != "agent@acme.example" || u.Disabled || u.Tenant != "acme" || u.PasswordHash != "" {
		t.Errorf("the form changed it to %+v", u)
	}
	// Somebody bound to a tenant cannot make operators of another, or of all.
	town.operators[1].Role = postern.Owner
	bob := newBrowser(t, town).as("bob@example.org")
	for _, tenant := range []string{"acme", ""} {
		if r := bob.post("/console/operators/new", url.Values{"email": {"x" + tenant + "@example.org"}, "role": {"owner"}, "tenant": {tenant}}); r.status != 200 {
			t.Fatalf("got %d %s", r.status, r.text)
		}
		if o := town.operators[len(town.operators)-1]; o.Tenant != "globex" {
			t.Errorf("bob made an operator of %q", o.Tenant)
		}
	}
}

// What belongs to another tenant looks like what does not exist.
func TestNothingOfAnotherTenantIsShownOrChanged(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	before := len(town.clients)
	bob := newBrowser(t, town).as("bob@example.org") // an admin of globex
	for _, p := range console.Patterns() {
		method, at, _ := strings.Cut(p, " ")
		if !strings.Contains(at, "clients/{id}") && !strings.Contains(at, "users/{tenant}") && !strings.Contains(at, "tenants/{id}") {
			continue
		}
		id := "aaclient"
		if strings.Contains(at, "tenants/") {
			id = "acme"
		} else if strings.Contains(at, "users/") {
			id = "u1"
		}
		at = strings.NewReplacer("{tenant}", "acme", "{id}", id, "{secret}", "s0").Replace(at)
		r := bob.get(at)
		if method == http.MethodPost {
			r = bob.post(at, url.Values{"name": {"x"}, "email": {"x@example.org"}, "typed": {"Payroll sync"}, "overlap": {"1"}})
		}
		if r.status != http.StatusNotFound || strings.Contains(r.text, "Payroll") || strings.Contains(r.text, "agent@acme") {
			t.Errorf("%s %s: got %d", method, at, r.status)
		}
	}
	for _, at := range []string{"/console/clients", "/console/users", "/console/audit", "/console/audit/export", "/console/audit/verify", "/console/sandbox", "/console/sandbox/log", "/console/sandbox/reset", "/console/", "/console/try"} {
		for _, tenant := range []string{"acme", "-", ""} {
			r := bob.get(at + "?format=csv&client=aaclient&tenant=" + tenant)
			if tenant != "" && r.status != http.StatusNotFound {
				t.Errorf("%s of %q: got %d", at, tenant, r.status)
			}
			if strings.Contains(r.text, "Payroll") || strings.Contains(r.text, "agent@acme") || strings.Contains(r.text, "Acme") || strings.Contains(r.text, "persons:read") {
				t.Errorf("%s of %q shows what is acme's", at, tenant)
			}
		}
	}
	for _, at := range []string{"/console/sandbox/switches", "/console/sandbox/faults", "/console/sandbox/reset", "/console/clients/new"} {
		// Nor is it done to globex instead: the address says of whom.
		if r := bob.post(at+"?tenant=acme", url.Values{"typed": {"globex"}, "name": {"x"}, "kind": {"429"}, "rate": {"100"}}); r.status != http.StatusNotFound {
			t.Errorf("%s: got %d", at, r.status)
		}
	}
	for _, call := range town.asked {
		if strings.HasSuffix(call, " acme") && !strings.HasPrefix(call, "tenant ") && (strings.HasPrefix(call, "set sandbox") || strings.HasPrefix(call, "reset ")) {
			t.Errorf("bob got as far as %q", call)
		}
	}
	if len(town.clients) != before || len(town.sandboxes["globex"].Faults) != 0 || town.sandboxes["acme"].Log != true || len(town.sandboxes["acme"].Faults) != 2 {
		t.Error("bob changed what is acme's")
	}
}

func TestRolesDecideWhatIsShownAndTheOfficeWhatIsDone(t *testing.T) {
	t.Parallel()
	eve := newBrowser(t, newTown(atNoon)).as("eve@example.org") // an auditor
	for _, at := range []string{"/console/clients", "/console/clients/aaclient", "/console/users/acme/u1", "/console/tenants/acme", "/console/keys", "/console/operators/bob", "/console/sandbox"} {
		r := eve.get(at)
		root := parse(t, r.text)
		forms := 0
		each(root, eachPost(func(action string) {
			if action != "/console/sign-out" && action != "/console/sandbox/switches?tenant=acme" {
				forms++
			}
		}))
		if r.status != 200 || forms != 0 || strings.Contains(r.text, "Generate") || strings.Contains(r.text, "Save the") {
			t.Errorf("%s: got %d, %d forms", at, r.status, forms)
		}
	}
	for _, at := range []string{"/console/clients/aaclient/disable", "/console/clients/aaclient/revoke", "/console/keys/rotate", "/console/tenants/acme/disable", "/console/sandbox/switches?tenant=acme"} {
		if r := eve.post(at, url.Values{"alg": {"ES256"}}); r.status != http.StatusForbidden || !strings.Contains(r.text, "Not allowed") {
			t.Errorf("%s: got %d", at, r.status)
		}
	}
}

func TestASecretIsShownOnceAndInNoAddressCookieOrLog(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	var log bytes.Buffer
	cfg := town.config()
	cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := console.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, town)
	b.h = h
	b.as("ada@example.org")
	r := b.post("/console/clients/new?tenant=acme", url.Values{"name": {"Fresh"}, "dialect": {"first", "second", "oauth2"}, "scope": {"api:persons:read"}})
	made := town.clients[len(town.clients)-1]
	secret := ""
	for _, a := range town.answers {
		if a[0] == made.ID {
			secret = a[1]
		}
	}
	if r.status != 200 || secret == "" || strings.Count(r.text, secret) != 4 || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d, the secret %d times: %s", r.status, strings.Count(r.text, secret), r.text)
	}
	for _, want := range []string{"curl -sS -X POST", "/v2/token", "/v1/auth", made.ID} {
		if !strings.Contains(r.text, want) {
			t.Errorf("there is no %q on the page", want)
		}
	}
	for name, values := range r.header {
		if strings.Contains(strings.Join(values, " "), secret) {
			t.Errorf("the secret is in %s", name)
		}
	}
	for _, at := range []string{"/console/clients/" + made.ID, "/console/clients?tenant=acme", "/console/", "/console/audit?tenant=acme", "/console/try?client=" + made.ID, "/console/clients/" + made.ID + "/rotate"} {
		if r := b.get(at); strings.Contains(r.text, secret) || strings.Contains(r.text, postern.SecretPrefix) {
			t.Errorf("%s shows the secret again", at)
		}
	}
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), goodPassword) {
		t.Errorf("the log has it: %s", log.String())
	}
	r = b.post("/console/try", url.Values{"dialect": {"first"}, "client_id": {made.ID}, "client_secret": {secret}})
	if r.status != 200 || strings.Contains(r.text, secret) || !strings.Contains(r.text, "ES256") || !strings.Contains(r.text, "•••") {
		t.Errorf("trying it: %d, or the secret is shown: %s", r.status, r.text)
	}
}

func TestAnInternalErrorSaysNothing(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	town.fail = &postern.Error{Code: postern.Internal, Msg: "MARKER", Hint: "MARKER", Cause: "MARKER", Err: context.DeadlineExceeded}
	for _, p := range console.Patterns() {
		at, ok := strings.CutPrefix(p, "GET ")
		if !ok || strings.Contains(at, "{$}") {
			continue
		}
		at = strings.NewReplacer("{id}", "aaclient", "{secret}", "s0", "{tenant}", "acme").Replace(at)
		if r := b.get(at + "?format=csv"); strings.Contains(r.text, "MARKER") || strings.Contains(r.text, "deadline") {
			t.Errorf("%s tells: %s", at, r.text)
		}
	}
	for _, code := range postern.Codes {
		if console.StatusOf(string(code)) < 400 {
			t.Errorf("%s has no status", code)
		}
		town.fail = &postern.Error{Code: code, Msg: "in words", Wait: 5 * time.Second}
		if r := b.get("/console/clients"); r.status != console.StatusOf(string(code)) || code != postern.Internal && !strings.Contains(r.text, "In words.") {
			t.Errorf("%s: got %d", code, r.status)
		}
	}
}
