package dialect

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// What RFC 6749 has in common, for the dialects that follow it closely enough.

// maxGrantType bounds a grant type as IdentityServer does; no known one is longer,
// so cutting a longer one cannot turn it into a known one.
const maxGrantType = 100

// unreadableScope is a scope that nobody can hold, since the grammar of RFC 6749
// section 3.3 excludes it. It stands for a scope parameter that could not be read,
// so that the issuer refuses it after it knows the client: nobody learns anything
// about scopes before that.
const unreadableScope = `"`

// scopesOf reads a scope parameter of at most limit bytes.
func scopesOf(param string, limit int) postern.Scopes {
	if param == "" {
		return nil
	}
	s, err := postern.ParseScopes(param)
	if err != nil || len(param) > limit {
		return postern.Scopes{unreadableScope}
	}
	return s
}

// writeOAuthError writes an error of RFC 6749 section 5.2: error, and
// error_description when there is one.
func writeOAuthError(w http.ResponseWriter, t table, err error) {
	r, e := t.forError(err)
	h := w.Header()
	if s := waitSeconds(e); s != "" {
		h["Retry-After"] = []string{s}
	}
	if r.status == http.StatusMethodNotAllowed {
		h["Allow"] = []string{allowPost}
	}
	b := make([]byte, 0, 256)
	b = append(b, `{"error":`...)
	b = appendText(b, r.word)
	if text := r.description(e); text != "" {
		b = append(b, `,"error_description":`...)
		b = appendText(b, text)
	}
	b = append(b, '}')
	closeUnread(h, r.status)
	w.WriteHeader(r.status)
	_, _ = w.Write(b)
}

// closeUnread ends the connection where the rest of a body is not going to be read.
func closeUnread(h http.Header, status int) {
	if status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout {
		h["Connection"] = []string{"close"}
	}
}

// secondsLeft is the expires_in of an answer: whole seconds, at least one.
func secondsLeft(tok postern.Token) int64 {
	return max(1, int64(tok.ExpiresIn/time.Second))
}

// answer reads the bounded body of an answer as a JSON object; nil when it is none.
func answer(resp *http.Response) object {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil
	}
	o, err := parseObject(string(body))
	if err != nil {
		return nil
	}
	return o
}

// unreadable is an answer that claims success and is not one.
func unreadable(what string) error {
	return &postern.Error{Code: postern.Unavailable, Msg: "the token server's answer could not be read",
		Hint: "check that the base URL names a token server of this dialect", Err: fmt.Errorf("answer: %s", what)}
}

// readOAuthToken reads an answer of RFC 6749 section 5.1 or 5.2, tolerating what
// real servers do: numbers as text, any letter case of Bearer, unknown members.
func readOAuthToken(resp *http.Response, t table) (postern.Token, error) {
	o := answer(resp)
	if resp.StatusCode != http.StatusOK || o.has("error") {
		word, detail := errorWords(o)
		return postern.Token{}, t.forAnswer(resp, word, detail)
	}
	return tokenOf(o, "access_token")
}

// errorWords gives the error and what was said about it.
func errorWords(o object) (word, detail string) {
	word, _ = o.get("error").text()
	detail, _ = o.get("error_description").text()
	return word, detail
}

// tokenOf reads the members of a token answer, the token itself under name.
func tokenOf(o object, name string) (postern.Token, error) {
	if o == nil {
		return postern.Token{}, unreadable("not one JSON object")
	}
	raw, _ := o.get(name).text()
	if !printable(raw) {
		return postern.Token{}, unreadable("no usable " + name)
	}
	kind, isText := o.get("token_type").text()
	if o.get("token_type") != "" && !(isText && strings.EqualFold(kind, "bearer")) {
		return postern.Token{}, unreadable("a token type other than Bearer") // RFC 6749 section 7.1
	}
	refresh, _ := o.get("refresh_token").text()
	return postern.Token{
		Value:        postern.NewSecret(raw),
		Type:         "Bearer",
		Scope:        grantedScopes(o.get("scope")),
		ExpiresIn:    lifeOf(o.get("expires_in")),
		RefreshToken: postern.NewSecret(refresh),
	}, nil
}

// printable says whether s can ride in a header as it is (RFC 6750 section 2.1,
// made wider: some providers use other visible characters).
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// lifeOf reads expires_in as a number or a numeric string; 0 means unknown.
func lifeOf(v value) time.Duration {
	s, ok := v.text()
	if !ok {
		s = string(v)
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 1 && n <= 1e9) { // also false for a NaN
		return 0
	}
	return time.Duration(int64(n)) * time.Second
}

// grantedScopes reads a scope member as text or as an array.
func grantedScopes(v value) postern.Scopes {
	parts, ok := v.texts()
	if !ok {
		s, _ := v.text()
		parts = strings.Fields(s)
	}
	if len(parts) == 0 {
		return nil
	}
	return postern.NewScopes(parts...)
}

// endpoint puts path behind base, which may be the origin, an origin with a
// prefix, or the endpoint itself.
func endpoint(base, path string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", postern.Errorf(postern.Invalid, "the base URL of the token server is not usable").
			WithHint("give an http or https URL without user, query or fragment")
	}
	prefix := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), path)
	return u.Scheme + "://" + u.Host + (&url.URL{Path: prefix + path}).EscapedPath(), nil
}

// formRequest makes a POST of a form.
func formRequest(base, path, body string) (*http.Request, error) {
	return post(base, path, formType, body)
}

func post(base, path, contentType, body string) (*http.Request, error) {
	target, err := endpoint(base, path)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return nil, postern.Errorf(postern.Invalid, "the base URL of the token server is not usable")
	}
	r.Header["Content-Type"] = []string{contentType}
	r.Header["Accept"] = []string{jsonType}
	return r, nil
}

// readDone reads the answer of a request that gives nothing back (RFC 7009 section
// 2.2).
func readDone(resp *http.Response, t table) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	word, detail := errorWords(answer(resp))
	return t.forAnswer(resp, word, detail)
}
