package dialect_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

var update = flag.Bool("update", false, "write the answers of our server into the transcripts")

// transcript is one exchange as it goes over the wire, and what it means.
//
// Its comment says what it proves and where that is documented. The files are
// request and response, as on the wire, and want: the meaning, as JSON.
type transcript struct {
	path              string
	archive           *txtar.Archive
	request, response string
	want              meaning
}

type meaning struct {
	// Ends: "both" (the default): our client sends this request and our server gives
	// this answer. "server": our client would send something else; it still reads the
	// answer. "client": our server would answer something else.
	Ends string `json:"ends,omitempty"`
	// Endpoint: "token" (the default), "revoke", "introspect" or "describe".
	Endpoint string `json:"endpoint,omitempty"`
	// Asked is what the issuer is asked; absent when the request does not reach it.
	Asked *asked `json:"asked,omitempty"`
	// Given is what the issuer answers.
	Given outcome `json:"given,omitzero"`
	// Understood is what the client makes of the answer, where that is not Given;
	// Why says why not.
	Understood *outcome `json:"understood,omitempty"`
	Why        string   `json:"why,omitempty"`
}

type asked struct {
	Client    string   `json:"client,omitempty"`
	Secret    string   `json:"secret,omitempty"`
	Via       string   `json:"via,omitempty"`
	Grant     string   `json:"grant,omitempty"`
	Email     string   `json:"email,omitempty"`
	Password  string   `json:"password,omitempty"`
	Partner   string   `json:"partner,omitempty"`
	Scope     []string `json:"scope,omitempty"`
	Resources []string `json:"resources,omitempty"`
	About     string   `json:"about,omitempty"` // the token a question is about
}

type outcome struct {
	Token   string `json:"token,omitempty"`
	Scope   string `json:"scope,omitempty"`
	Expires int    `json:"expires,omitempty"`
	Refresh string `json:"refresh,omitempty"`

	Code   postern.Code   `json:"code,omitempty"`
	Reason postern.Reason `json:"reason,omitempty"`
	Param  string         `json:"param,omitempty"`
	Cause  string         `json:"cause,omitempty"`
	Wait   int            `json:"wait,omitempty"`

	Claims *claims `json:"claims,omitempty"`
	User   *user   `json:"user,omitempty"`
}

type claims struct {
	Dialect, ID, Issuer, Subject, Client, Tenant, Scope string
	Audience                                            []string
	Issued, Before, Expires                             int64
	Kind                                                postern.Kind
}

type user struct {
	Agent, Role string
	Site        int64
}

func (a asked) request(dialect string) postern.Request {
	return postern.Request{Dialect: dialect, GrantType: a.Grant, ClientID: a.Client, Secret: postern.NewSecret(a.Secret),
		Via: a.Via, Email: a.Email, Password: postern.NewSecret(a.Password), PartnerID: a.Partner,
		Scope: a.Scope, Resources: a.Resources, RequestID: "a1b2"}
}

func (o outcome) err() error {
	if o.Code == "" {
		return nil
	}
	return &postern.Error{Code: o.Code, Reason: o.Reason, Param: o.Param, Cause: o.Cause,
		Wait: time.Duration(o.Wait) * time.Second, Msg: "a message", Err: errors.New(marker)}
}

func (o outcome) issued() postern.Token {
	return postern.Token{Value: postern.NewSecret(o.Token), Type: "Bearer", Scope: scopes(o.Scope), ID: "jti",
		ExpiresIn: time.Duration(o.Expires) * time.Second, RefreshToken: postern.NewSecret(o.Refresh)}
}

func scopes(s string) postern.Scopes {
	if s == "" {
		return nil
	}
	return postern.NewScopes(strings.Fields(s)...)
}

func date(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

func (o outcome) described() postern.Claims {
	if o.User != nil {
		return postern.Claims{Kind: postern.Human, User: &postern.User{AgentID: o.User.Agent, SiteID: o.User.Site, Role: o.User.Role}}
	}
	if o.Claims == nil {
		return postern.Claims{}
	}
	c := *o.Claims
	return postern.Claims{Dialect: c.Dialect, ID: c.ID, Issuer: c.Issuer, Subject: c.Subject, ClientID: c.Client, Tenant: c.Tenant,
		Scope: scopes(c.Scope), Audience: c.Audience, IssuedAt: date(c.Issued), NotBefore: date(c.Before), ExpiresAt: date(c.Expires), Kind: c.Kind}
}

// transcripts reads those of one dialect.
func transcripts(t testing.TB, name string) []transcript {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", name, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts of %s: %v", name, err)
	}
	var out []transcript
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tr := transcript{path: path, archive: a}
		for _, f := range a.Files {
			switch f.Name {
			case "request":
				tr.request = string(f.Data)
			case "response":
				tr.response = string(f.Data)
			case "want":
				d := json.NewDecoder(bytes.NewReader(f.Data))
				d.DisallowUnknownFields()
				if err := d.Decode(&tr.want); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			}
		}
		if len(bytes.TrimSpace(a.Comment)) < 10 {
			t.Errorf("%s does not say what it proves", path)
		}
		out = append(out, tr)
	}
	return out
}

// wire turns the text of a transcript into bytes of HTTP/1.1. The line end before
// the next section is not part of the body.
func wire(text string) []byte {
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	head = strings.TrimSuffix(head, "\n")
	head += fmt.Sprintf("\nContent-Length: %d", len(body))
	return []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
}

func (tr transcript) httpRequest(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire(tr.request))))
	if err != nil {
		t.Fatalf("%s: %v", tr.path, err)
	}
	return r
}

func (tr transcript) httpResponse(t testing.TB) *http.Response {
	t.Helper()
	method := http.MethodPost
	if strings.HasPrefix(tr.request, "HEAD ") {
		method = http.MethodHead
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(wire(tr.response))), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", tr.path, err)
	}
	return resp
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		for _, tr := range transcripts(t, d.Name()) {
			name := d.Name() + "/" + strings.TrimSuffix(filepath.Base(tr.path), ".txtar")
			if tr.want.Ends != "client" {
				t.Run(name+"/server", func(t *testing.T) { t.Parallel(); serverEnd(t, d, tr) })
			}
			if tr.want.Ends != "server" && tr.want.Asked != nil {
				t.Run(name+"/client-sends", func(t *testing.T) { t.Parallel(); clientSends(t, d, tr) })
			}
			t.Run(name+"/client-reads", func(t *testing.T) { t.Parallel(); clientReads(t, d, tr) })
		}
	}
}

// serverEnd demands exactly the recorded answer for the recorded request.
func serverEnd(t *testing.T, d dialect.Dialect, tr transcript) {
	iss := &scripted{token: tr.want.Given.issued(), claims: tr.want.Given.described(), err: tr.want.Given.err()}
	w := httptest.NewRecorder()
	serve(t, iss, config()).ServeHTTP(w, tr.httpRequest(t))
	got := answerText(w.Result())
	if *update {
		tr.write(t, got)
	} else if diff := cmp.Diff(tr.response, got); diff != "" {
		t.Errorf("%s: answer (-want +got):\n%s", tr.path, diff)
	}
	switch {
	case tr.want.Asked == nil && iss.asked != nil:
		t.Errorf("%s: the issuer was asked %+v, want a refusal before", tr.path, *iss.asked)
	case tr.want.Asked == nil:
	case tr.want.Endpoint == "describe":
		if iss.raw != tr.want.Asked.About {
			t.Errorf("%s: token %q, want %q", tr.path, iss.raw, tr.want.Asked.About)
		}
	case iss.asked == nil:
		t.Errorf("%s: the issuer was not asked; refused: %v", tr.path, iss.refused)
	default:
		if diff := cmp.Diff(tr.want.Asked.request(d.Name()), *iss.asked, secrets, addresses); diff != "" || iss.raw != tr.want.Asked.About {
			t.Errorf("%s: request (-want +got):\n%s\nabout %q", tr.path, diff, iss.raw)
		}
	}
}

var (
	secrets   = cmp.Comparer(func(a, b postern.Secret) bool { return a.Reveal() == b.Reveal() })
	addresses = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Source" }, cmp.Ignore())
)

// answerText writes an answer as the transcripts have it: headers sorted, without
// those that net/http or the server around us adds.
func answerText(resp *http.Response) string {
	body, _ := io.ReadAll(resp.Body)
	if resp.Request != nil && resp.Request.Method == http.MethodHead {
		body = nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		if name == "X-Request-Id" || name == "Content-Length" || name == "Date" {
			continue
		}
		for _, v := range resp.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	fmt.Fprintf(&b, "\n%s", body)
	if len(body) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

func (tr transcript) write(t *testing.T, response string) {
	t.Helper()
	a := *tr.archive
	a.Files = slices.Clone(a.Files)
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "response" })
	if i < 0 {
		a.Files = slices.Insert(a.Files, 1, txtar.File{Name: "response"})
		i = 1
	}
	a.Files[i].Data = []byte(response)
	if err := os.WriteFile(tr.path, txtar.Format(&a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// clientSends demands that our client writes an equivalent request.
func clientSends(t *testing.T, d dialect.Dialect, tr transcript) {
	got, err := tr.encode(d, tr.want.Asked.request(d.Name()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(essence(t, tr.httpRequest(t)), essence(t, got)); diff != "" {
		t.Errorf("%s: request (-want +got):\n%s", tr.path, diff)
	}
}

func (tr transcript) encode(d dialect.Dialect, req postern.Request) (*http.Request, error) {
	const base = "https://postern.test"
	about := postern.NewSecret("")
	if tr.want.Asked != nil {
		about = postern.NewSecret(tr.want.Asked.About)
	}
	switch tr.want.Endpoint {
	case "revoke":
		return d.(dialect.Revoker).EncodeRevoke(base, req, about)
	case "introspect":
		return d.(dialect.Introspector).EncodeIntrospect(base, req, about)
	case "describe":
		return d.(dialect.Describer).EncodeDescribe(base, about)
	}
	return d.EncodeRequest(base, req)
}

// essence is what two requests must share to be equivalent.
func essence(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	out := map[string]any{"method": r.Method, "path": r.URL.Path, "query": r.URL.Query(),
		"type": r.Header.Get("Content-Type"), "authorization": r.Header.Get("Authorization")}
	if r.Header.Get("Content-Type") == "application/json" {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
		out["body"] = v
		return out
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	out["body"] = form
	return out
}

// clientReads demands that our client understands the recorded answer.
func clientReads(t *testing.T, d dialect.Dialect, tr transcript) {
	if *update {
		t.Skip("the answers are being written")
	}
	want := tr.want.Given
	if tr.want.Understood != nil {
		if want = *tr.want.Understood; tr.want.Given != (outcome{}) && tr.want.Why == "" {
			t.Errorf("%s does not say why its meaning is lost", tr.path)
		}
	}
	resp := tr.httpResponse(t)
	var err error
	switch tr.want.Endpoint {
	case "revoke":
		err = d.(dialect.Revoker).DecodeRevoked(resp)
	case "introspect":
		var c postern.Claims
		c, err = d.(dialect.Introspector).DecodeIntrospection(resp)
		if err == nil {
			if diff := cmp.Diff(want.described(), c); diff != "" {
				t.Errorf("%s: claims (-want +got):\n%s", tr.path, diff)
			}
		}
	case "describe":
		if strings.HasPrefix(tr.request, "HEAD ") {
			return // HEAD has no body to understand
		}
		var u postern.User
		if u, err = d.(dialect.Describer).DecodeDescription(resp); err == nil {
			if diff := cmp.Diff(*want.described().User, u); diff != "" {
				t.Errorf("%s: user (-want +got):\n%s", tr.path, diff)
			}
		}
	default:
		var tok postern.Token
		if tok, err = d.DecodeResponse(resp); err == nil {
			issued := want.issued()
			issued.ID = ""
			if diff := cmp.Diff(issued, tok, secrets); diff != "" {
				t.Errorf("%s: token (-want +got):\n%s", tr.path, diff)
			}
		}
	}
	checkUnderstood(t, tr, want, err)
}

func checkUnderstood(t *testing.T, tr transcript, want outcome, err error) {
	t.Helper()
	if postern.CodeOf(err) != want.Code {
		t.Errorf("%s: understood %v, want code %q", tr.path, err, want.Code)
	}
	if tr.want.Understood != nil && want.Reason != "" && postern.ReasonOf(err) != want.Reason {
		t.Errorf("%s: understood reason %q, want %q", tr.path, postern.ReasonOf(err), want.Reason)
	}
	if e := postern.AsError(err); e != nil && want.Wait != 0 && e.Wait != time.Duration(want.Wait)*time.Second {
		t.Errorf("%s: understood wait %v, want %d s", tr.path, e.Wait, want.Wait)
	}
}

// marker stands for what must never leave: a driver's message, a path, a stack.
const marker = "pq: relation secrets_internal_marker"
