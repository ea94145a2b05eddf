package dialect_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// Every fuzzer starts from the transcripts: from a poor seed it finds nothing.

func FuzzServerDecodes(f *testing.F) {
	for i, d := range dialect.All {
		for _, tr := range transcripts(f, d.Name()) {
			r := tr.httpRequest(f)
			body := wire(tr.request)
			_, body, _ = bytes.Cut(body, []byte("\r\n\r\n"))
			f.Add(uint8(i), r.Method, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, method, query, contentType, authorization string, body []byte) {
		d := dialect.All[int(which)%len(dialect.All)]
		for _, path := range []string{d.Path(), "/oauth2/introspect", "/oauth2/revoke", "/v2/auth/revoke", "/oauth/userinfo"} {
			iss := &scripted{err: &postern.Error{Code: postern.Unauthenticated, Reason: postern.BadClient}}
			routes := dialect.Routes(iss, testKeys(), config())
			at := slices.IndexFunc(routes, func(r dialect.Route) bool { return r.Pattern == path })
			r := (&http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}, ContentLength: int64(len(body)),
				Body: http.NoBody}).WithContext(context.Background())
			r.Header.Set("Content-Type", contentType)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			r.Body = readCloser{bytes.NewReader(body)}
			w := httptest.NewRecorder()
			routes[at].Handler.ServeHTTP(w, r)
			checkAnswer(t, iss, method, path, w)
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// checkAnswer demands that a request either was refused or was read as something
// bounded that a client could have meant.
func checkAnswer(t *testing.T, iss *scripted, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	if method == http.MethodOptions {
		return
	}
	if (iss.asked == nil) == (iss.refused == nil) && path != "/oauth/userinfo" {
		t.Errorf("%s: asked %v, refused %v: want exactly one", path, iss.asked, iss.refused)
	}
	if w.Code < 400 || w.Code >= 500 {
		t.Errorf("%s: a refusal is answered with %d", path, w.Code)
	}
	if body := w.Body.Bytes(); len(body) > 0 && !json.Valid(body) {
		t.Errorf("%s: answer %q", path, body)
	}
	if a := iss.asked; a != nil {
		if method != http.MethodPost || !utf8.ValidString(a.ClientID) || len(a.ClientID) > 255 || len(a.GrantType) > 100 || strings.ContainsAny(a.ClientID, "\r\n\x00") {
			t.Errorf("%s: the issuer was asked %+v", path, *a)
		}
		if a.Via == postern.ViaQuery && path != "/v1/auth" {
			t.Errorf("%s: credentials were read from the query", path)
		}
	}
}

func FuzzClientDecodes(f *testing.F) {
	for i, d := range dialect.All {
		for _, tr := range transcripts(f, d.Name()) {
			resp := tr.httpResponse(f)
			_, body, _ := bytes.Cut(wire(tr.response), []byte("\r\n\r\n"))
			f.Add(uint8(i), resp.StatusCode, body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, status int, body []byte) {
		d := dialect.All[int(which)%len(dialect.All)]
		answer := func() *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: readCloser{bytes.NewReader(body)}}
		}
		tok, err := d.DecodeResponse(answer())
		if (err == nil) == tok.Value.Empty() {
			t.Errorf("%s: token %v, error %v: want exactly one", d.Name(), tok.Value, err)
		}
		if err == nil && (strings.ContainsAny(tok.Value.Reveal(), " \r\n\x00") || tok.Type != "Bearer" || tok.ExpiresIn < 0) {
			t.Errorf("%s: token %+v cannot be used", d.Name(), tok)
		}
		if err != nil && !slices.Contains(postern.Codes, postern.CodeOf(err)) {
			t.Errorf("%s: code %q", d.Name(), postern.CodeOf(err))
		}
		if v, ok := d.(dialect.Revoker); ok && v.DecodeRevoked(answer()) == nil && (status < 200 || status > 299) {
			t.Errorf("%s: revoked by status %d", d.Name(), status)
		}
		if in, ok := d.(dialect.Introspector); ok {
			if _, err := in.DecodeIntrospection(answer()); err == nil && (status != 200 || !bytes.Contains(body, []byte("active"))) {
				t.Errorf("%s: active by %d %q", d.Name(), status, body)
			}
		}
		if v, ok := d.(dialect.Describer); ok {
			if _, err := v.DecodeDescription(answer()); err == nil && status != 200 {
				t.Errorf("%s: described by status %d", d.Name(), status)
			}
		}
	})
}

func FuzzPayload(f *testing.F) {
	for _, payload := range payloads {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read := map[string]bool{}
		for _, p := range dialect.Profiles() {
			c, err := p.Decode(data)
			if err != nil {
				continue
			}
			read[p.Dialect] = true
			b, err := p.Encode(c)
			if err != nil {
				t.Fatalf("%s reads %q as %+v and cannot write it: %v", p.Dialect, data, c, err)
			}
			back, err := p.Decode(b)
			if err != nil {
				t.Fatalf("%s cannot read its own %s: %v", p.Dialect, b, err)
			}
			if diff := cmp.Diff(c, back); diff != "" {
				t.Errorf("%s: %s", p.Dialect, diff)
			}
		}
		if len(read) > 1 {
			t.Errorf("%q is read as %v", data, read)
		}
	})
}

func FuzzForm(f *testing.F) {
	for _, d := range dialect.All {
		for _, tr := range transcripts(f, d.Name()) {
			_, body, _ := bytes.Cut(wire(tr.request), []byte("\r\n\r\n"))
			f.Add(string(body), false)
			f.Add(string(body), true)
		}
	}
	f.Fuzz(func(t *testing.T, s string, fold bool) {
		got, resources, err := dialect.FormFields(s, fold)
		want, std := url.ParseQuery(s)
		if std != nil && err == nil {
			t.Fatalf("%q: the standard library says %v", s, std)
		}
		if err != nil || fold {
			return
		}
		if len(resources) == 0 {
			delete(want, "resource")
		}
		for name, v := range got {
			if len(want[name]) != 1 || want[name][0] != v {
				t.Errorf("%q: %q is %q, the standard library says %q", s, name, v, want[name])
			}
		}
		delete(want, "resource")
		if len(want) != len(got) {
			t.Errorf("%q: %d fields, the standard library says %d", s, len(got), len(want))
		}
		for name, v := range got {
			if v == "" {
				continue
			}
			back, _, err := dialect.FormFields(dialect.FormBody(name, v), false)
			if err != nil || back[name] != v {
				t.Errorf("%q=%q is read back as %q: %v", name, v, back, err)
			}
		}
	})
}

func FuzzBasic(f *testing.F) {
	f.Add("Basic YTpi", "a", "b")
	f.Add("basic !!", "a:b", "% +ü")
	f.Fuzz(func(t *testing.T, header, id, secret string) {
		if gotID, gotSecret, ok := dialect.BasicAuth(header); ok && (gotID == "" || !utf8.ValidString(gotID+gotSecret)) {
			t.Errorf("%q: %q, %q", header, gotID, gotSecret)
		}
		if id == "" || !utf8.ValidString(id) || !utf8.ValidString(secret) {
			return
		}
		gotID, gotSecret, ok := dialect.BasicAuth(dialect.BasicHeader(id, secret))
		if !ok || gotID != id || gotSecret != secret {
			t.Errorf("%q, %q is read back as %q, %q, %v", id, secret, gotID, gotSecret, ok)
		}
	})
}

// FuzzObject holds our reader of JSON against the standard one: it accepts what
// that accepts, of objects in valid UTF-8 with no member repeated, and nothing else.
func FuzzObject(f *testing.F) {
	for _, payload := range payloads {
		f.Add(payload)
	}
	for _, s := range []string{`{"a":"\u0041\"\\\/\b\f\n\r\t\ud83d\ude00","b":[1,-0.5e+7,{"c":null}],"d":{}}`, `{"a":01}`, `{"a":1,}`, ` {} `, `{"a":1}{`, `{"a":"` + "\x00" + `"}`, `{"a":.5}`, `{"a":tru}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		names, err := dialect.ObjectNames(s)
		var std map[string]json.RawMessage
		stdErr := json.Unmarshal([]byte(s), &std)
		object := stdErr == nil && std != nil && utf8.ValidString(s)
		if err == nil && (!object || len(std) != len(names)) {
			t.Errorf("%q: accepted, the standard library says %v, %d members", s, stdErr, len(std))
		}
		if err != nil && object && !repeats(s) && len(std) <= 100 && nesting(s) < 30 {
			t.Errorf("%q: refused", s)
		}
		if text, back, ok := dialect.Text(s); utf8.ValidString(s) && (!ok || back != s || !json.Valid([]byte(text))) {
			t.Errorf("%q is written as %s and read back as %q", s, text, back)
		}
	})
}

// repeats says whether the outer object of s has a member twice.
func repeats(s string) bool {
	d := json.NewDecoder(bufio.NewReader(strings.NewReader(s)))
	seen := map[string]bool{}
	if _, err := d.Token(); err != nil {
		return false
	}
	for d.More() {
		name, err := d.Token()
		key, ok := name.(string)
		if err != nil || !ok || seen[key] {
			return true
		}
		seen[key] = true
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return true
		}
	}
	return false
}

func nesting(s string) int { return strings.Count(s, "[") + strings.Count(s, "{") }
