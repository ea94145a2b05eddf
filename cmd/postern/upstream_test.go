package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zalando/go-keyring"

	"postern.dev/postern"
)

// office is a desk with an environment of its own and no working directory in common
// with anything.
type office struct {
	desk
	dir string
	env map[string]string
}

func newOffice(t testing.TB, pairs ...string) *office {
	t.Helper()
	o := &office{desk: newDesk(t), dir: t.TempDir(), env: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.env[pairs[i]] = pairs[i+1]
	}
	o.env["HOME"] = o.dir
	o.getenv = func(name string) string { return o.env[name] }
	o.environ = func() (all []string) {
		for name, v := range o.env {
			all = append(all, name+"="+v)
		}
		return all
	}
	return o
}

// file writes a configuration and has every command read it.
func (o *office) file(t testing.TB, text string) {
	t.Helper()
	path := filepath.Join(o.dir, "postern.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o.env["POSTERN_CONFIG"] = path
}

// fails runs a command that must fail, and gives what it said.
func (o *office) fails(t testing.TB, args ...string) string {
	t.Helper()
	begin := len(o.err.String())
	if status := run(t.Context(), o.desk.env, args); status == exitDone {
		t.Fatalf("postern %q: got status 0 and %s, want a failure", args, o.out)
	}
	return o.err.String()[begin:]
}

func (o *office) list(t testing.TB) map[string]upstreamView {
	t.Helper()
	var views []upstreamView
	if err := json.Unmarshal([]byte(o.ok(t, "upstream", "list", "--json")), &views); err != nil {
		t.Fatal(err)
	}
	all := map[string]upstreamView{}
	for _, v := range views {
		all[v.Name] = v
	}
	return all
}

func TestTwoVariablesMakeAnUpstream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  []string
		want upstreamView
	}{
		{[]string{"PERSONIO_CLIENT_ID", "papi-1", "PERSONIO_CLIENT_SECRET", "s"},
			upstreamView{Name: "personio", Dialect: "personio-v2", BaseURL: "https://api.personio.de", APIURL: "https://api.personio.de",
				ClientID: "papi-1", Secret: "client_secret", From: []string{"environment"}}},
		{[]string{"PERSONIFY_CLIENT_ID", "c", "PERSONIFY_CLIENT_SECRET_FILE", "/run/secret", "PERSONIFY_TENANT_ID", "t1"},
			upstreamView{Name: "personify", Dialect: "personify", BaseURL: "https://prod.personifyauth.com", ClientID: "c", Scope: "idp_api",
				Secret: "client_secret_file", TenantID: "t1", From: []string{"environment"}}},
		{[]string{"COMM100_CLIENT_ID", "c", "COMM100_EMAIL", "e@f.test", "COMM100_PASSWORD", "p", "COMM100_PARTNER_ID", "10000"},
			upstreamView{Name: "comm100", Dialect: "comm100", BaseURL: "https://partner.comm100.io", APIURL: "https://partnerapi.comm100.io", ClientID: "c",
				Email: "e@f.test", Secret: "password", PartnerID: "10000", From: []string{"environment"}}},
		{[]string{"OAUTH2_CLIENT_ID", "c", "OAUTH2_CLIENT_SECRET", "s", "OAUTH2_TOKEN_URL", "https://id.test/oauth/v2/token"},
			upstreamView{Name: "oauth2", Dialect: "oauth2", BaseURL: "https://id.test/oauth/v2/token", APIURL: "https://id.test", ClientID: "c",
				Secret: "client_secret", From: []string{"environment"}}},
		{[]string{"PERSONIO_READONLY_CLIENT_ID", "r", "PERSONIO_READONLY_CLIENT_SECRET", "s", "PERSONIO_BASE_URL", "https://sandbox.test"},
			upstreamView{Name: "personio-readonly", Dialect: "personio-v2", BaseURL: "https://sandbox.test", APIURL: "https://sandbox.test", ClientID: "r",
				Secret: "client_secret", From: []string{"environment"}}},
	} {
		got := newOffice(t, tt.env...).list(t)
		if diff := cmp.Diff(map[string]upstreamView{tt.want.Name: tt.want}, got); diff != "" {
			t.Errorf("%v:\n%s", tt.env, diff)
		}
	}
}

func TestTheEnvironmentBeatsTheFileSettingBySetting(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "ACME_STAGING_CLIENT_SECRET", "from-environment", "ACME_STAGING_SCOPE", "b")
	o.file(t, `
upstreams:
  acme-staging:
    dialect: oauth2
    base_url: https://id.test/token
    client_id: from-file
    client_secret_file: /nowhere
    scope: a
    timeout: 5s
  acme:
    dialect: personio-v1
    client_id: c
    client_secret_exec: [echo, s]
    partner_id: 10000
`)
	got := o.list(t)
	staging := upstreamView{Name: "acme-staging", Dialect: "oauth2", BaseURL: "https://id.test/token", APIURL: "https://id.test", ClientID: "from-file",
		Secret: "client_secret", Scope: "b", Timeout: "5s", From: []string{o.env["POSTERN_CONFIG"], "environment"}}
	if diff := cmp.Diff(staging, got["acme-staging"]); diff != "" {
		t.Errorf("acme-staging:\n%s", diff)
	}
	acme := upstreamView{Name: "acme", Dialect: "personio-v1", BaseURL: "https://api.personio.de", APIURL: "https://api.personio.de", ClientID: "c",
		Secret: "client_secret_exec", PartnerID: "10000", From: []string{o.env["POSTERN_CONFIG"]}}
	if diff := cmp.Diff(acme, got["acme"]); diff != "" {
		t.Errorf("acme:\n%s", diff)
	}
}

func TestWhatIsWrongWithAnUpstreamIsToldAllAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.file(t, `
upstreams:
  acme:
    dialect: personio-v2
    base_url: http://api.test
    client_secret: a
    client_secret_file: b
    timeout: 1h
`)
	said := o.fails(t, "token", "get", "acme")
	for _, want := range []string{`upstream acme cannot be used`, `base_url: "http://api.test" would send credentials in clear to api.test`,
		"client_id is missing: set ACME_CLIENT_ID", "client_secret and client_secret_file are both set", "timeout: 1h0m0s is out of bounds"} {
		if !strings.Contains(said, want) {
			t.Errorf("got %s, want %q in it", said, want)
		}
	}
}

func TestAMisspeltKeyOrDialectNamesTheNearestRightOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"upstreams:\n  acme:\n    cliet_id: c\n", "line 3: upstreams.acme.cliet_id; did you mean upstreams.acme.client_id?"},
		{"upstreams:\n  acme:\n    dialect: personio2\n", `dialect: "personio2" is none; did you mean personio-v2?`},
		{"upstreams:\n  acme:\n    client_id: c\n", "dialect is missing: it is one of personio-v1, personio-v2, personify, comm100, oauth2"},
		{"upstreams:\n  Acme:\n    dialect: oauth2\n", `"Acme" cannot name an upstream`},
		{"upstreams: [acme]\n", "cannot unmarshal"},
		{"upstreams:\n  acme:\n    dialect: oauth2\n    timeout: soon\n", `"soon" is not a duration`},
	} {
		o := newOffice(t)
		o.file(t, tt.text)
		if said := o.fails(t, "token", "get", "acme"); !strings.Contains(said, tt.want) {
			t.Errorf("%q: got %s, want %q in it", tt.text, said, tt.want)
		}
	}
}

func TestAnUnknownUpstreamNamesTheNearestOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "PERSONIO_CLIENT_ID", "c", "PERSONIO_CLIENT_SECRET", "s")
	if said := o.fails(t, "token", "get", "persoino"); !strings.Contains(said, "did you mean personio?") {
		t.Errorf("got %s", said)
	}
	o = newOffice(t, "PERSONIO_CLIENT_SECRET", "s")
	if said := o.fails(t, "token", "get", "personio"); !strings.Contains(said, "PERSONIO_CLIENT_SECRET is set and PERSONIO_CLIENT_ID is not") {
		t.Errorf("got %s", said)
	}
}

// gives starts a token server that answers so, on an address of this machine.
func gives(t testing.TB, answer http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

func answering(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

func TestABadAnswerSaysWhichUpstreamWhatHappenedAndWhatToDo(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(answering(200, "application/json", "{}"))
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	const wrong = `{"error":"invalid_client","error_description":"no"}`
	big := `{"access_token":"` + strings.Repeat("x", 10<<20) + `"}`
	for _, tt := range []struct {
		name, base, timeout string
		said, hint          string
	}{
		{"wrong secret", gives(t, answering(400, "application/json", wrong)), "", "answered 400 invalid_client", "client_id and client_secret (ACME_CLIENT_SECRET)"},
		{"revoked", gives(t, answering(401, "application/json", wrong)), "", "answered 401 invalid_client", "revoked or deleted over there"},
		{"unknown host", "https://nobody.invalid", "", "nobody.invalid", "DNS"},
		{"refused connection", nobody, "", "refused the connection", "check that the server runs"},
		{"no TLS there", strings.Replace(gives(t, answering(200, "text/plain", "x")), "http:", "https:", 1), "", "does not speak TLS", "check the port"},
		{"nobody's certificate", secure.URL, "", "signed by nobody this machine trusts", "SSL_CERT_FILE"},
		{"a page", gives(t, answering(200, "text/html", "<!doctype html><p>Sign in")), "", "answered 200 with a page for people (HTML)", "base_url (or ACME_BASE_URL)"},
		{"a page that says it is JSON", gives(t, answering(200, "application/json", "\n <html>")), "", "with a page for people (HTML)", "website"},
		{"no such page", gives(t, answering(404, "text/html", "<html>")), "", "answered 404 with a page for people", "base_url"},
		{"no token", gives(t, answering(200, "application/json", `{"ok":true}`)), "", "there is no token in it", "speaks the dialect oauth2"},
		{"ten megabytes", gives(t, answering(200, "application/json", big)), "", "far too long for a token", "no token server"},
		{"too often", gives(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "30")
			answering(429, "application/json", `{}`)(w, r)
		}), "", "answered 429", "no request for 30s"},
		{"down", gives(t, answering(503, "text/plain", "")), "", "answered 503", "try again later"},
		{"endless", gives(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, " ")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), "300ms", "did not answer in time", "give it longer with timeout"},
		{"breaks off", gives(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = fmt.Fprint(w, `{"access`)
		}), "", "broke off", "try again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, "ACME_DIALECT", "oauth2", "ACME_CLIENT_ID", "c", "ACME_CLIENT_SECRET", "pst_hidden", "ACME_TIMEOUT", tt.timeout)
			o.file(t, "upstreams: {acme: {base_url: '"+tt.base+"'}}")
			said := o.fails(t, "token", "get", "acme")
			lines := strings.SplitN(said, "\n", 2)
			if !strings.Contains(lines[0], `postern: error: upstream "acme": `) || !strings.Contains(lines[0], tt.said) {
				t.Errorf("got %s, want an error with %q", said, tt.said)
			}
			if len(lines) < 2 || !strings.Contains(lines[1], "postern: hint: ") || !strings.Contains(lines[1], tt.hint) {
				t.Errorf("got %s, want a hint with %q", said, tt.hint)
			}
			if strings.Contains(said, "pst_hidden") {
				t.Errorf("the secret is told: %s", said)
			}
		})
	}
}

func TestASecretComesFromWhereItIsKept(t *testing.T) {
	t.Parallel()
	keyring.MockInit()
	if err := keyring.Set("hr", "acme", "s3"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("s1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		config upstreamConfig
		want   string
	}{
		{"literal", upstreamConfig{ClientSecret: "s0"}, "s0"},
		{"file", upstreamConfig{ClientSecretFile: path}, "s1"},
		{"command", upstreamConfig{ClientSecretExec: argv{"echo", " s2 "}}, "s2"},
		{"line for the shell", upstreamConfig{ClientSecretExec: shellLine("echo s2 | tr 2 4")}, "s4"},
		{"JSON", upstreamConfig{ClientSecretExec: argv{"echo", `{"secret":"s5","expires_at":"2100-01-01T00:00:00Z"}`}}, "s5"},
		{"keyring", upstreamConfig{ClientSecretKeyring: "hr/acme"}, "s3"},
	} {
		u := &named{name: "acme", upstreamConfig: tt.config}
		got, err := u.source(secretSettings[0], nil, time.Now)(t.Context())
		if err != nil || got.Reveal() != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got.Reveal(), err, tt.want)
		}
	}
}

func TestASecretThatIsNotThereSaysWhere(t *testing.T) {
	t.Parallel()
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("x"), maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		config upstreamConfig
		want   string
	}{
		{upstreamConfig{ClientSecretFile: "/nowhere/secret"}, "client_secret: there is no file /nowhere/secret"},
		{upstreamConfig{ClientSecretFile: big}, "is longer than"},
		{upstreamConfig{ClientSecretExec: argv{"false"}}, "the command false failed: exit status 1"},
		{upstreamConfig{ClientSecretExec: argv{"no-such-program"}}, "the command no-such-program failed"},
		{upstreamConfig{ClientSecretExec: shellLine("yes")}, "printed more than"},
		{upstreamConfig{ClientSecretExec: argv{"true"}}, "it is empty"},
		{upstreamConfig{ClientSecretExec: argv{"echo", `{"x":1}`}}, "JSON without a secret"},
		{upstreamConfig{ClientSecretExec: argv{"echo", `{"x`}}, "JSON that cannot be read"},
	} {
		u := &named{name: "acme", upstreamConfig: tt.config}
		_, err := u.source(secretSettings[0], nil, time.Now)(t.Context())
		if !strings.Contains(postern.Public(err), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.config, err, tt.want)
		}
	}
}

func TestACommandThatPrintsATimeIsNotAskedAgainBeforeIt(t *testing.T) {
	t.Parallel()
	count := filepath.Join(t.TempDir(), "count")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &execSecret{argv: shellLine(`echo x >>` + count + `; echo '{"secret":"s","expires_at":"2026-01-01T01:00:00Z"}'`), now: func() time.Time { return now }}
	for i, want := range []int{1, 1, 2} {
		if i == 2 {
			now = now.Add(time.Hour)
		}
		if _, err := s.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(count)
		if got := bytes.Count(raw, []byte("x")); got != want || err != nil {
			t.Errorf("after %d reads: asked %d times, %v, want %d", i+1, got, err, want)
		}
	}
}

func TestACommandEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runForSecret(ctx, argv{"sleep", "60"}); err == nil {
		t.Error("got no error from a command whose caller has left")
	}
}

func TestDotenvIsReadAsShellsReadIt(t *testing.T) {
	t.Parallel()
	got, err := parseDotenv("\ufeff# comment\n\nA=1\nexport B='two words # $A'\nC=\"a\\n\\\"b\\\" $A\" # comment\nD=bare # comment\nE=\n F = x \r\nexport A B\n")
	want := map[string]string{"A": "1", "B": "two words # $A", "C": "a\n\"b\" $A", "D": "bare", "E": "", "F": "x"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, bad := range []string{"A", "A='x", "A=\"x", "=x", "A B=x", "A='x'y"} {
		if _, err := parseDotenv("OK=1\n" + bad); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: got %v, want an error in line 2", bad, err)
		}
	}
}

func TestDotenvGivesWayToTheEnvironmentAndToStrangers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode    os.FileMode
		warning string
		want    string
	}{
		{0o600, "", "from-file"},
		{0o644, "others can read it", "from-file"},
		{0o666, "is not read: anybody can write it", ""},
	} {
		path := filepath.Join(t.TempDir(), ".env")
		if err := errors.Join(os.WriteFile(path, []byte("A=from-file\nB=from-file\nX_CLIENT_SECRET=s\n"), 0o600), os.Chmod(path, tt.mode)); err != nil {
			t.Fatal(err)
		}
		e := newOffice(t, "B", "real").desk.env
		warning, err := e.readDotenv(path)
		if err != nil || !strings.Contains(warning, tt.warning) || (tt.warning == "") != (warning == "") {
			t.Errorf("%o: got %q, %v, want %q", tt.mode, warning, err, tt.warning)
		}
		if a, b := e.getenv("A"), e.getenv("B"); a != tt.want || b != "real" {
			t.Errorf("%o: got A=%q B=%q, want %q and real", tt.mode, a, b, tt.want)
		}
	}
}
