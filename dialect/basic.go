package dialect

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"postern.dev/postern"
)

// maxClientID bounds a client id; ours have far fewer characters.
const maxClientID = 255

// basicAuth reads Basic credentials: the scheme in any case, base64 of two halves
// that are form-encoded each (RFC 6749 section 2.3.1, RFC 7617 section 2).
func basicAuth(header string) (id, secret string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil || !utf8.Valid(raw) {
		return "", "", false
	}
	user, password, found := strings.Cut(string(raw), ":")
	id, okID := unescape(user)
	secret, okSecret := unescape(password)
	return id, secret, found && okID && okSecret && id != ""
}

// basicHeader is what basicAuth reads.
func basicHeader(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// clientID says whether s can be a client id: no control characters (RFC 6749
// appendix A.1), not longer than any id of ours.
func clientID(s string) bool {
	return s != "" && len(s) <= maxClientID && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// prove puts the client that sent a standard request into req: one method, used
// once, refused when it cannot be read (RFC 6749 section 2.3).
func prove(r *http.Request, f form, req *postern.Request) error {
	headers := r.Header["Authorization"]
	id, secret := f.get("client_id"), f.get("client_secret")
	assertion := f.get("client_assertion") != "" || f.get("client_assertion_type") != ""
	req.ClientID = id
	switch {
	case len(headers) > 1 || len(headers) == 1 && (secret != "" || assertion) || secret != "" && assertion:
		return badRequest("more than one client authentication method is used")
	case assertion: // not offered, and never taken for proof unread
		return badClient("client assertion")
	case len(headers) == 1:
		user, password, ok := basicAuth(headers[0])
		if !ok || !clientID(user) {
			return badClient("unreadable Authorization header")
		}
		if id != "" && id != user {
			return badRequest("client_id differs from the authenticated client")
		}
		req.ClientID, req.Secret, req.Via = user, postern.NewSecret(password), postern.ViaBasic
		return nil
	case id == "":
		return badClient("no client authentication")
	case !clientID(id):
		return badClient("impossible client id")
	}
	req.Secret, req.Via = postern.NewSecret(secret), postern.ViaForm
	return nil
}

// urlCredentials says whether the query holds what must never stand in a URL,
// where it reaches logs and histories (RFC 6749 section 2.3.1), or repeats a
// parameter of the body.
func urlCredentials(r *http.Request, f form) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	for name := range r.URL.Query() {
		switch name {
		case "client_secret", "client_assertion", "username", "password", "token", "access_token", "refresh_token", "code":
			return badRequest("credentials do not belong in the URL")
		}
		for _, have := range f.fields {
			if have.name == name {
				return badRequest("a parameter is repeated")
			}
		}
	}
	return nil
}
