package interop_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	formType = "Content-Type: application/x-www-form-urlencoded"
	jsonType = "Content-Type: application/json"
)

// answer is what came back, as it was on the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// send makes one request; headers are written as they stand on the wire.
func send(t testing.TB, method, target, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, r.URL.Path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", method, r.URL.Path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

// form encodes pairs of names and values in their order, as clients do that
// concatenate or keep the order of a map literal.
func form(nameValue ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(nameValue); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(nameValue[i]) + "=" + url.QueryEscape(nameValue[i+1]))
	}
	return b.String()
}

// object writes a JSON object of strings in the order of its arguments.
func object(nameValue ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(nameValue); i += 2 {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		name, _ := json.Marshal(nameValue[i])
		value, _ := json.Marshal(nameValue[i+1])
		b.WriteString(string(name) + ":" + string(value))
	}
	return b.String() + "}"
}

// is fails the test unless the answer has this status, content type and body.
func (a answer) is(t testing.TB, status int, contentType, body string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); a.status != status || got != contentType || a.body != body {
		t.Errorf("answer:\n got %d %q %s\nwant %d %q %s", a.status, got, a.body, status, contentType, body)
	}
}

// has fails the test unless a header has exactly this value.
func (a answer) has(t testing.TB, name, want string) {
	t.Helper()
	if got := strings.Join(a.header.Values(name), "|"); got != want {
		t.Errorf("header %s: got %q, want %q", name, got, want)
	}
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members reads a JSON object, keeping the order of the wire.
func members(t testing.TB, body string) []member {
	t.Helper()
	in := json.NewDecoder(strings.NewReader(body))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		t.Fatalf("not a JSON object: %q", body)
	}
	var out []member
	for in.More() {
		name, err := in.Token()
		m := member{}
		if err == nil {
			m.name, _ = name.(string)
			err = in.Decode(&m.value)
		}
		if err != nil {
			t.Fatalf("not a JSON object: %v in %q", err, body)
		}
		out = append(out, m)
	}
	if _, err := in.Token(); err != nil || len(bytes.TrimSpace([]byte(body[in.InputOffset():]))) > 0 {
		t.Fatalf("not one JSON object: %q", body)
	}
	return out
}

// names joins the names of members in their order.
func names(list []member) string {
	var out []string
	for _, m := range list {
		out = append(out, m.name)
	}
	return strings.Join(out, " ")
}

// as decodes the value of a member, which must be of exactly the type asked for.
func as[T any](t testing.TB, list []member, name string) (v T) {
	t.Helper()
	for _, m := range list {
		if m.name != name {
			continue
		}
		if err := json.Unmarshal(m.value, &v); err != nil || string(m.value) == "null" {
			t.Fatalf("member %s is %s, want a %T", name, m.value, v)
		}
		return v
	}
	t.Fatalf("no member %s among %s", name, names(list))
	return v
}
