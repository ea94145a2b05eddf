package test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// raw is a request as it is written, right or wrong.
type raw struct {
	method, path, query string
	header              http.Header
	body                string
}

// rawOf is a right request with its credentials in the body, in this order.
func rawOf(w way, c credentials) *raw {
	r := &raw{method: http.MethodPost, path: w.path, query: w.query(c).Encode(), header: http.Header{"Content-Type": {form}}}
	v := w.body(c)
	if !w.person {
		v.Set("client_id", c.ID)
		v.Set("client_secret", c.Secret)
	}
	r.body = v.Encode()
	return r
}

const form = "application/x-www-form-urlencoded"

// set gives fields of the form other values, written as they are to stand there; drop
// takes fields away.
func (r *raw) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		r.drop(pairs[i])
		r.add(pairs[i] + "=" + pairs[i+1])
	}
}

func (r *raw) drop(names ...string) {
	fields := slices.DeleteFunc(strings.Split(r.body, "&"), func(f string) bool {
		name, _, _ := strings.Cut(f, "=")
		return slices.Contains(names, name)
	})
	r.body = strings.Join(fields, "&")
}

func (r *raw) add(field string) { r.body = strings.TrimPrefix(r.body+"&"+field, "&") }

func (r *raw) send(base string) (answer, error) {
	req, err := http.NewRequest(r.method, base, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.URL.Opaque = strings.TrimPrefix(base, "http:") + r.path // as it is, not as net/url would have it
	req.URL.RawQuery = r.query
	req.Header = r.header
	return send(req)
}

// wrong is one way in which a request can be wrong.
type wrong struct {
	name   string
	change func(*raw)
	// want is the status and the error word, by dialect, "" for every dialect that is
	// not named; a dialect without an entry is left out. personio-v1 has no words.
	want map[string]string
}

const others = ""

// wordOf gives the error word of a refusal, "" where the dialect has none.
func wordOf(a answer) string {
	var v struct{ Error any }
	_ = json.Unmarshal(a.body, &v) // the shape is checked elsewhere
	word, _ := v.Error.(string)
	return word
}

func TestBadInputIsRefusedInTheDialectsShapeAndChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	n := p.serve(t)
	before, setup := rowsOf(t, p), len(p.trail(t, "acme"))+len(p.trail(t, nowhere))
	refusals := 0
	for _, x := range slices.Concat(wrongFraming, wrongFields, wrongValues, wrongProofs, wrongPartners, wrongJSON) {
		for _, w := range ways {
			want, ok := x.want[w.dialect]
			if !ok {
				want = x.want[others]
			}
			if want == "" {
				continue
			}
			r := rawOf(w, c)
			x.change(r)
			a, err := r.send(n.url)
			if err != nil {
				t.Errorf("%s, %s: %v", w.dialect, x.name, err)
				continue
			}
			refusals++
			if got := strings.TrimSpace(fmt.Sprint(a.status, " ", wordOf(a))); got != want {
				t.Errorf("%s, %s: got %v, want %s", w.dialect, x.name, a, want)
			}
			if err := w.refusal(a); err != nil {
				t.Errorf("%s, %s: %v", w.dialect, x.name, err)
			}
			if allowed := a.header.Get("Allow"); (a.status == http.StatusMethodNotAllowed) != (allowed == "POST, OPTIONS") {
				t.Errorf("%s, %s: got %d with Allow %q, want POST with 405 only", w.dialect, x.name, a.status, allowed)
			}
			mustNotEcho(t, c, a)
		}
	}
	if got := rowsOf(t, p); got != before {
		t.Errorf("the database has changed.\nbefore:\n%s\nafter:\n%s", before, got)
	}
	// Every refusal is in the trail, and nothing else is.
	refused := 0
	for _, e := range append(p.trail(t, "acme"), p.trail(t, nowhere)...) {
		switch e.Action {
		case "token.refused":
			refused++
		case "token.issued", "token.reused", "token.revoked":
			t.Errorf("the trail has %+v, want refusals only", e)
		}
	}
	if refused != refusals || refusals < 200 {
		t.Errorf("the trail has %d refusals beside %d other events, want %d, and 200 at least", refused, setup, refusals)
	}
	// Whoever asks rightly is served. The person is another one: her account is locked
	// for this network by now.
	c.Email = "bob@acme.test"
	p.piped(t, c.Password, "user", "create", c.Email, "--tenant", "acme", "--password-stdin")
	for _, w := range ways {
		if _, err := w.get(n.url, c); err != nil {
			t.Errorf("after all that: %v", err)
		}
	}
	n.stop(t)
}

// mustNotEcho wants that a refusal repeats no credential.
func mustNotEcho(t testing.TB, c credentials, a answer) {
	t.Helper()
	for _, secret := range []string{c.Secret, c.Password, c.Email} {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("the refusal %v repeats a credential", a)
		}
	}
}

// Addresses that only look like a token endpoint are none: nothing is redirected, and no
// credential is read there.
func TestAnAddressHasOneSpelling(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	n := p.serve(t)
	for path := range posted() {
		dir, name := path[:strings.LastIndex(path, "/")], path[strings.LastIndex(path, "/")+1:]
		for _, odd := range []string{"/" + path, path + "/", strings.ToUpper(path), dir + "/./" + name, dir + "/x/../" + name,
			dir + "%2F" + name, dir + "//" + name, dir + "/" + name[:1] + "%" + fmt.Sprintf("%x", name[1]) + name[2:], path + ";a=b", path + "%00", "/v1" + path} {
			r := rawOf(wayOf("oauth2"), c)
			r.path = odd
			a, err := r.send(n.url)
			if err != nil || a.status != http.StatusNotFound && a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
				t.Errorf("POST %s: got %v to %q (%v), want 404 and no redirect", odd, a, a.header.Get("Location"), err)
			}
		}
	}
	for _, x := range []struct {
		what   string
		change func(*raw)
		status int
	}{
		{"a target of 9 KiB", func(r *raw) { r.query = strings.Repeat("a", 9<<10) }, http.StatusRequestURITooLong},
		{"a head of 17 KiB", func(r *raw) { r.header.Set("X-Long", strings.Repeat("a", 17<<10)) }, http.StatusRequestHeaderFieldsTooLarge},
		{"a head of 1 MiB", func(r *raw) { r.header.Set("X-Long", strings.Repeat("a", 1<<20)) }, http.StatusRequestHeaderFieldsTooLarge},
		{"TRACE", func(r *raw) { r.method, r.body = http.MethodTrace, "" }, http.StatusMethodNotAllowed},
		{"a method of its own", func(r *raw) { r.method = "BREW" }, http.StatusMethodNotAllowed},
		{"OPTIONS", func(r *raw) { r.method, r.body = http.MethodOptions, "" }, http.StatusNoContent},
	} {
		r := rawOf(wayOf("oauth2"), c)
		x.change(r)
		if a, err := r.send(n.url); err != nil || a.status != x.status {
			t.Errorf("%s: got %v (%v), want %d", x.what, a, err, x.status)
		}
	}
	n.stop(t)
}

// The endpoints beside the token endpoints have their dialect's shape too.
func TestBadInputBesideTheTokenEndpointsIsRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t, unlimited)
	c := enrol(t, p, "acme", "10000")
	n := p.serve(t)
	token, err := wayOf("oauth2").get(n.url, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name   string
		change func(*raw)
		oauth2 string // "" leaves the standard endpoints out
		v2     string // the same for personio-v2, where the token is its own proof
	}{
		{"GET", func(r *raw) { r.method = http.MethodGet }, "405 invalid_request", "405 invalid_request"},
		{"JSON", func(r *raw) { r.header.Set("Content-Type", "application/json") }, "400 invalid_request", "400 invalid_request"},
		{"no token", func(r *raw) { r.drop("token") }, "400 invalid_request", "400 invalid_request"},
		{"an empty token", func(r *raw) { r.set("token", "") }, "400 invalid_request", "400 invalid_request"},
		{"two tokens", func(r *raw) { r.add("token=a") }, "400 invalid_request", "400 invalid_request"},
		{"a broken escape", func(r *raw) { r.set("token", "%zz") }, "400 invalid_request", "400 invalid_request"},
		{"70 KiB", func(r *raw) { r.add("x=" + strings.Repeat("a", 70<<10)) }, "413 invalid_request", "413 invalid_request"},
		{"no client", func(r *raw) { r.drop("client_id", "client_secret") }, "401 invalid_client", ""},
		{"a wrong secret", func(r *raw) { r.set("client_secret", "wrong") }, "401 invalid_client", ""},
		{"a public client", func(r *raw) { r.set("client_id", c.PublicID); r.drop("client_secret") }, "401 invalid_client", ""},
		{"the token in the query", func(r *raw) { r.query = "token=" + token }, "400 invalid_request", ""},
		{"gzip", func(r *raw) { r.header.Set("Content-Encoding", "gzip") }, "415 invalid_request", "415 invalid_request"},
	} {
		for path, want := range map[string]string{"/oauth2/introspect": x.oauth2, "/oauth2/revoke": x.oauth2, "/v2/auth/revoke": x.v2} {
			if want == "" {
				continue
			}
			w := posted()[path]
			r := &raw{method: http.MethodPost, path: path, header: http.Header{"Content-Type": {form}},
				body: "token=" + token + "&client_id=" + c.ID + "&client_secret=" + c.Secret}
			x.change(r)
			a, err := r.send(n.url)
			if err == nil {
				err = w.refusal(a)
			}
			if got := strings.TrimSpace(fmt.Sprint(a.status, " ", wordOf(a))); err != nil || got != want {
				t.Errorf("%s, %s: got %v (%v), want %s", path, x.name, a, err, want)
			}
		}
	}
	if !active(t, n, c, token) {
		t.Error("a refused revocation has revoked the token")
	}
	for what, header := range map[string]http.Header{
		"no token": {}, "no Bearer": {"Authorization": {"Basic eDp5"}}, "an empty token": {"Authorization": {"Bearer "}},
		"a strange token": {"Authorization": {"Bearer abc"}}, "two tokens": {"Authorization": {"Bearer abc", "Bearer def"}},
		"an unsigned token": {"Authorization": {"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."}},
	} {
		a, err := (&raw{method: http.MethodGet, path: "/oauth/userinfo", header: header}).send(n.url)
		if got := a.header.Get("Www-Authenticate"); err != nil || a.status != http.StatusUnauthorized || len(a.body) > 0 || got != `Bearer realm="IdentityServer",error="invalid_token"` {
			t.Errorf("userinfo with %s: got %v with %q (%v), want 401, a challenge and no body", what, a, got, err)
		}
	}
	if a := fetch(t, n, "/oauth/userinfo", "Authorization", "Bearer "+token); a.status != http.StatusForbidden {
		t.Errorf("userinfo with a machine's token: got %v, want 403", a)
	}
	if a := fetch(t, n, "/oauth/userinfo?access_token="+url.QueryEscape(token)); a.status != http.StatusUnauthorized {
		t.Errorf("userinfo with a token in the query: got %v, want 401", a)
	}
	n.stop(t)
}

// rowsOf is what a refusal must not change: every row but those of the trail, and but
// the count of wrong passwords.
func rowsOf(t testing.TB, p place) string {
	t.Helper()
	db := openSQL(t, "sqlite", "file:"+p.file("postern.db")+"?_pragma=busy_timeout(5000)")
	defer func() { _ = db.Close() }()
	var all []string
	for _, query := range []string{`SELECT * FROM tenants`, `SELECT * FROM clients`, `SELECT * FROM keys`, `SELECT * FROM resources`,
		`SELECT * FROM revocations`, `SELECT * FROM live_tokens`, `SELECT * FROM meta`, `SELECT * FROM changes`,
		`SELECT tenant, id, email, role, agent_id, site_id, disabled, password_hash, not_before, created_at, updated_at FROM users`} {
		all = append(all, query)
		all = append(all, rowsFor(t, db, query)...)
	}
	return strings.Join(all, "\n")
}

func rowsFor(t testing.TB, db *sql.DB, query string) (out []string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		cells, at := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			at[i] = &cells[i]
		}
		if err := found.Scan(at...); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(cells))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
