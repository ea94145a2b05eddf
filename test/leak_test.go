package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is sent as a secret, a password, a token or an address, in whatever way, right
// or wrong, is found nowhere afterwards: not in what the server and the commands say, not
// in the database and the files beside it, not in metrics, not in the trail.
func TestNothingSecretIsFoundAfterwards(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := engine(t)
			l := &leak{place: p, c: enrol(t, p, "acme", "10000")}
			l.n = p.serve(t, "--log-level", "debug")
			l.right(t)
			l.wrong(t)
			l.broken(t)
			l.commands(t)
			l.metrics = fetch(t, l.n, "/metrics").body
			l.openFiles(t)
			l.n.stop(t)
			l.sweep(t)
		})
	}
}

// leak is a server that is told secrets, and the secrets.
type leak struct {
	place
	n *node
	c credentials
	aviary
	metrics []byte
	said    bytes.Buffer // by commands
	files   map[string][]byte
	sent    int
}

// right asks for tokens with right credentials: these and the tokens are canaries too.
func (l *leak) right(t *testing.T) {
	l.keep("a client's secret", l.c.Secret)
	l.keep("a person's password", l.c.Password)
	var tokens []string
	for _, w := range ways {
		token, err := w.get(l.n.url, l.c)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	// The documented forms of personio-v1: the query, JSON, and JSON that calls itself a form.
	pair := url.Values{"client_id": {l.c.ID}, "client_secret": {l.c.Secret}}.Encode()
	object := fmt.Sprintf(`{"client_id":%q,"client_secret":%q}`, l.c.ID, l.c.Secret)
	for _, r := range []*raw{
		{method: http.MethodPost, path: "/v1/auth", query: pair, header: http.Header{}},
		{method: http.MethodPost, path: "/v1/auth", header: http.Header{"Content-Type": {"application/json"}}, body: object},
		{method: http.MethodPost, path: "/v1/auth", header: http.Header{"Content-Type": {form}}, body: object},
	} {
		a, err := r.send(l.n.url)
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("personio-v1 with %+v: got %v (%v), want a token", r, a, err)
		}
		token, err := inEnvelope(a.body)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	for i, token := range tokens {
		active(t, l.n, l.c, token)
		fetch(t, l.n, "/oauth/userinfo", "Authorization", "Bearer "+token)
		post(t, l.n, []string{"/oauth2/revoke", "/v2/auth/revoke"}[i%2], l.c, "token", token)
		l.keep("a token", token)
		l.keep("a token's signature", token[strings.LastIndex(token, ".")+1:])
	}
}

// wrong sends every kind of credential by every transport to every address.
func (l *leak) wrong(t *testing.T) {
	for path := range posted() {
		for _, header := range []http.Header{{"Content-Type": {form}}, {"Content-Type": {"application/json"}}, {"Content-Type": {"text/plain"}}, {}} {
			l.tell(t, &raw{method: http.MethodPost, path: path, header: header.Clone(), body: l.fields(url.Values{"client_id": {l.c.ID}, "grant_type": {"password"}}).Encode()})
			l.tell(t, &raw{method: http.MethodPost, path: path, header: header.Clone(), body: l.object()})
		}
		l.tell(t, &raw{method: http.MethodPost, path: path, header: http.Header{"Content-Type": {form}},
			body: url.Values{"client_id": {l.bird("as a client id")}, "client_secret": {"x"}, "grant_type": {"client_credentials"}, "token": {"x"}}.Encode()})
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, "BREW"} {
			l.tell(t, &raw{method: method, path: path, query: l.fields(url.Values{"client_id": {l.c.ID}}).Encode(), header: http.Header{"Content-Type": {form}}})
		}
		for _, scheme := range []string{"Basic", "basic", "Bearer", "Digest", "Kanarie"} {
			id, secret := l.c.ID, l.bird("a secret in "+scheme+" to "+path)
			value := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
			if scheme != "Basic" && scheme != "basic" {
				value = secret
			}
			l.tell(t, &raw{method: http.MethodPost, path: path, header: http.Header{"Content-Type": {form}, "Authorization": {scheme + " " + url.QueryEscape(value)}}, body: "grant_type=client_credentials"})
			l.tell(t, &raw{method: http.MethodPost, path: path, header: http.Header{"Content-Type": {form}, "Authorization": {scheme + " " + value}}, body: "grant_type=client_credentials"})
		}
	}
	for _, path := range []string{"/oauth/userinfo", "/", "/nowhere", "/metrics", "/healthz", "/readyz", "/.well-known/jwks.json", "/openapi/", "/v1/auth/", "//v1/auth"} {
		l.tell(t, &raw{method: http.MethodGet, path: path, query: l.fields(url.Values{}).Encode(), header: http.Header{"Authorization": {"Bearer " + url.QueryEscape(l.bird("a token to "+path))}}})
	}
	// Where a person pastes what belongs elsewhere: a secret of ours as a client id, and
	// a canary in the address and in the head.
	pasted := strings.Repeat("Q", 10) + l.c.Secret[len("pst_")+10:]
	l.tell(t, &raw{method: http.MethodPost, path: "/" + url.PathEscape(l.bird("a path")), header: http.Header{"Cookie": {"a=" + url.QueryEscape(l.bird("a cookie"))},
		"User-Agent": {url.QueryEscape(l.bird("a user agent"))}, "X-Request-Id": {url.QueryEscape(l.bird("a request id"))}, "X-Api-Key": {pasted},
		"Proxy-Authorization": {"Basic " + url.QueryEscape(l.bird("a proxy's password"))}, "Referer": {"https://x.test/?p=" + url.QueryEscape(l.bird("a referer"))}}})
	_, generated := newClient(t, l.place, "acme")
	l.keep("a secret sent as something else", generated)
	for _, w := range ways {
		for _, field := range []string{"client_id", "grant_type", "scope", "resource", "email", generated} {
			r := rawOf(w, l.c)
			r.set(field, generated)
			l.tell(t, r)
		}
		r := rawOf(w, l.c)
		r.query = "partnerId=" + generated
		l.tell(t, r)
	}
}

// fields fills every field that holds something secret with a canary of its own.
func (l *leak) fields(v url.Values) url.Values {
	for _, name := range []string{"client_secret", "password", "token", "email", "username", "client_assertion", "access_token", "refresh_token", "code"} {
		v.Set(name, l.bird(name))
	}
	return v
}

func (l *leak) object() string {
	out, _ := json.Marshal(map[string]string{"client_id": l.c.ID, "client_secret": l.bird("client_secret in JSON"), "password": l.bird("password in JSON"),
		"email": l.bird("email in JSON"), "token": l.bird("token in JSON")}) // strings always can be
	return string(out)
}

// tell sends a request; whatever is answered holds nothing secret either.
func (l *leak) tell(t *testing.T, r *raw) {
	t.Helper()
	a, err := r.send(l.n.url)
	if err != nil {
		t.Errorf("%s %s: %v", r.method, r.path, err)
		return
	}
	l.sent++
	var head bytes.Buffer
	_ = a.header.Write(&head) // to memory
	if found := l.aviary.search(append(head.Bytes(), a.body...)); len(found) > 0 {
		t.Errorf("%s %s: the answer %v holds %q", r.method, r.path, a, found)
	}
}

// broken sends what cannot be read, because errors leak most.
func (l *leak) broken(t *testing.T) {
	for path := range posted() {
		for _, body := range []string{
			"client_id=%zz&client_secret=" + url.QueryEscape(l.bird("beside a broken escape")),
			"client_secret=" + url.QueryEscape(l.bird("before a broken escape")) + "%z",
			"client_secret=" + url.QueryEscape(l.bird("repeated")) + "&client_secret=x",
			url.QueryEscape(l.bird("as a name")) + "=1&" + url.QueryEscape(l.bird("as another")) + "=1",
			"x=" + strings.Repeat("a", 70<<10) + "&client_secret=" + url.QueryEscape(l.bird("behind too much")),
			"client_secret=" + l.bird("unescaped"),
			"client_secret=\xff" + l.bird("beside no text"),
			`{"client_id":"x","client_secret":"` + l.bird("in half an object"),
			`{"client_secret":` + l.bird("bare in JSON") + `}`,
			`{"client_secret":{"` + l.bird("as a member's name") + `":1}}`,
			`<xml password="` + l.bird("in XML") + `">`,
			"grant_type=" + url.QueryEscape(strings.Repeat("a", 60)+l.bird("behind a long grant type")),
		} {
			for _, kind := range []string{form, "application/json", form + "; charset=" + url.QueryEscape(l.bird("a charset"))} {
				l.tell(t, &raw{method: http.MethodPost, path: path, header: http.Header{"Content-Type": {kind}}, body: body})
			}
		}
	}
	// Not even HTTP: net/http has words of its own for these.
	for _, text := range []string{
		"POST /oauth2/token?client_secret=" + url.QueryEscape(l.bird("in a request line")) + " HTTP/9.9\r\n\r\n",
		"POST /oauth2/token HTTP/1.1\r\nHost: " + l.bird("a host") + "\r\n\r\n",
		"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nAuthorization " + l.bird("in a header without colon") + "\r\n\r\n",
		"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: " + l.bird("as a length") + "\r\n\r\n",
		"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + l.bird("as an encoding") + "\r\n\r\n",
		"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: " + form + "\r\nTransfer-Encoding: chunked\r\n\r\n" + l.bird("as a chunk") + "\r\n",
		l.bird("as a request") + "\r\n\r\n",
		"\x16\x03\x01" + l.bird("as TLS") + "\r\n\r\n",
	} {
		conn := dial(t, l.n)
		if _, err := io.WriteString(conn, text); err != nil {
			t.Error(err)
		}
		if err := closed(conn); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
		l.sent++
	}
}

// commands are told secrets too.
func (l *leak) commands(t *testing.T) {
	password := l.bird("a password by command")
	l.piped(t, password+"\n", "user", "create", "eve@acme.test", "--tenant", "acme", "--password-stdin")
	l.piped(t, l.bird("another password by command")+"\n", "user", "set-password", "eve@acme.test", "--tenant", "acme", "--password-stdin")
	token := l.bird("a token by command")
	for _, args := range [][]string{
		{"token", "inspect", "-"}, {"token", "revoke", "-"}, {"user", "create", "bad@acme.test", "--tenant", "nobody", "--password-stdin"},
		{"audit", "list", "--tenant", "acme", "--limit", "1000", "--json"}, {"audit", "list", "--limit", "1000", "--json"},
		{"audit", "list", "--tenant", "acme", "--limit", "1000"}, {"audit", "verify"}, {"config", "show"}, {"client", "list", "--tenant", "acme", "--json"},
		{"client", "show", l.c.ID, "--json"}, {"user", "list", "--tenant", "acme", "--json"}, {"key", "list", "--json"}, {"tenant", "list", "--json"},
	} {
		_, out, errs := l.try(t, token+"\n", args...)
		l.said.WriteString(out + errs)
	}
}

// openFiles reads the files of the place while the server runs, the write-ahead log
// among them, and every row of a PostgreSQL.
func (l *leak) openFiles(t *testing.T) {
	l.files = map[string][]byte{}
	found, err := filepath.Glob(l.file("*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		b, err := os.ReadFile(path) //nolint:gosec // our own folder
		if err != nil {
			t.Fatal(err)
		}
		l.files[filepath.Base(path)] = b
	}
	if l.dsn == "" {
		if len(l.files["postern.db-wal"]) == 0 {
			t.Errorf("there is no write-ahead log among %d files", len(found))
		}
		return
	}
	db := openSQL(t, "pgx", l.dsn)
	for _, table := range []string{"meta", "counters", "tenants", "clients", "users", "keys", "resources", "revocations", "live_tokens", "audit", "audit_tails", "changes"} {
		l.files[table] = []byte(strings.Join(rowsFor(t, db, `SELECT * FROM `+table), "\n"))
	}
}

func (l *leak) sweep(t *testing.T) {
	sinks := map[string][]byte{"stderr": []byte(l.n.log.String()), "stdout": []byte(l.n.out.String()), "metrics": l.metrics, "commands": l.said.Bytes()}
	for name, b := range l.files {
		sinks[name] = b
	}
	for _, sink := range []string{"stderr", "metrics", "commands"} {
		if len(sinks[sink]) < 1000 {
			t.Errorf("%s holds %d bytes: nothing was looked at", sink, len(sinks[sink]))
		}
	}
	if n := strings.Count(l.n.log.String(), `"msg":"request"`); n < l.sent/2 || len(l.birds) < 500 {
		t.Errorf("the log has %d records of %d requests with %d canaries: too few", n, l.sent, len(l.birds))
	}
	for name, b := range sinks {
		for _, found := range l.aviary.search(b) {
			t.Errorf("%s holds %s", name, found)
		}
	}
	// Addresses of people we know are kept where people are, and told to nobody else.
	for _, sink := range []string{"stderr", "stdout", "metrics"} {
		if bytes.Contains(sinks[sink], []byte(l.c.Email)) {
			t.Errorf("%s holds the address of a person", sink)
		}
	}
	t.Logf("%d canaries in %d requests, looked for in %d places", len(l.birds)+len(l.kept), l.sent, len(sinks))
}
