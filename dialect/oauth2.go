package dialect

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// The standard: client credentials of RFC 6749 section 4.4, with resource
// indicators (RFC 8707) and tokens of RFC 9068.
//
//	POST /oauth2/token           grant_type=client_credentials&scope=…&resource=…
//	                             Authorization: Basic …
//	200 {"access_token":"…","token_type":"Bearer","expires_in":3600,"scope":"…"}
//	401 {"error":"invalid_client","error_description":"Client authentication failed"}
//
// Transcripts in testdata/oauth2. Choices where the standard leaves one: a client
// that fails to authenticate gets 401 and a challenge also for body credentials,
// and what cannot be read as a form is 400.
type oauth2 struct{}

// basicChallenge is on every 401 (RFC 9110 section 15.5.2, RFC 7617 section 2).
const basicChallenge = `Basic realm="postern"`

var oauth2Rows = join(bounds("invalid_request"), table{
	{code: postern.Invalid, reason: postern.BadMethod, status: 405, word: "invalid_request", say: true},
	{code: postern.Invalid, reason: postern.BadMediaType, status: 400, word: "invalid_request", say: true},
	{code: postern.Invalid, reason: postern.MissingParameter, status: 400, word: "invalid_request", say: true},
	{code: postern.Invalid, reason: postern.BadRequest, status: 400, word: "invalid_request", say: true},
	{code: postern.Invalid, reason: postern.UnknownGrant, status: 400, word: "unsupported_grant_type", text: "The grant type is not supported"},
	{code: postern.Invalid, reason: postern.BadScope, status: 400, word: "invalid_scope", text: "A requested scope is unknown, malformed or not granted to the client"},
	{code: postern.Invalid, reason: postern.BadTarget, status: 400, word: "invalid_target", text: "A requested resource is unknown, malformed or not open to the client"},
	{code: postern.Invalid, status: 400, word: "invalid_request", text: "The request is not valid"},
	{code: postern.Unauthenticated, reason: postern.BadGrant, status: 400, word: "invalid_grant", text: "The grant is not valid"},
	{code: postern.Unauthenticated, status: 401, word: "invalid_client", text: "Client authentication failed"},
	{code: postern.Forbidden, status: 400, word: "unauthorized_client", text: "The client may not use this grant"},
	{code: postern.NotFound, status: 400, word: "invalid_request", text: "The request is not valid"},
	{code: postern.Conflict, status: 400, word: "invalid_request", text: "The request is not valid"},
}, faults())

func (oauth2) Name() string { return "oauth2" }
func (oauth2) Path() string { return "/oauth2/token" }

// EncodeRequest authenticates by Basic, which every server must accept (RFC 6749
// section 2.3.1). The standard fixes no path: a base with one is taken for the token
// endpoint itself.
func (d oauth2) EncodeRequest(base string, req postern.Request) (*http.Request, error) {
	path := d.Path()
	if d.elsewhere(base) {
		path = ""
	}
	body := pairs("grant_type", postern.GrantClientCredentials, "scope", req.Scope.String())
	for _, res := range req.Resources {
		body += "&" + pairs("resource", res)
	}
	return authenticated(base, path, req, body)
}

// elsewhere says whether base names a token endpoint at a path that is not ours.
func (d oauth2) elsewhere(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false // endpoint says what is wrong with it
	}
	path := strings.TrimRight(u.Path, "/")
	return path != "" && !strings.HasSuffix(path, d.Path())
}

// beside makes a request about a token to an endpoint beside the token endpoint.
func (d oauth2) beside(base, path string, req postern.Request, token postern.Secret) (*http.Request, error) {
	if d.elsewhere(base) {
		return nil, postern.Errorf(postern.Invalid, "the base URL names a token endpoint only, not what stands beside it")
	}
	base = strings.TrimSuffix(strings.TrimRight(base, "/"), d.Path())
	return authenticated(base, path, req, pairs("token", token.Reveal()))
}

func authenticated(base, path string, req postern.Request, body string) (*http.Request, error) {
	r, err := formRequest(base, path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", basicHeader(req.ClientID, req.Secret.Reveal()))
	return r, nil
}

// DecodeRequest reads the standard request. A missing grant type and scopes and
// resources that cannot exist are left for the issuer to refuse, so that the client
// is looked at before the rest and nobody else learns about that.
func (oauth2) DecodeRequest(r *http.Request) (postern.Request, error) {
	f, req, err := standardForm(r)
	if err != nil {
		return req, err
	}
	req.GrantType = postern.Shorten(f.get("grant_type"), maxGrantType)
	req.Scope = scopesOf(f.get("scope"), postern.MaxScopeLength)
	req.Resources = f.resources
	return req, nil
}

// standardForm reads the form and the client of any standard endpoint.
func standardForm(r *http.Request) (form, postern.Request, error) {
	req := postern.Request{Via: postern.ViaForm}
	f, err := postedForm(r, false)
	if err != nil {
		return f, req, err
	}
	if err = urlCredentials(r, f); err != nil {
		return f, req, err
	}
	return f, req, prove(r, f, &req)
}

// EncodeResponse writes the standard answer (RFC 6749 sections 5.1 and 5.2).
func (oauth2) EncodeResponse(w http.ResponseWriter, tok postern.Token, err error) {
	h := w.Header()
	standardHeaders(h)
	if err != nil {
		writeStandardError(w, err)
		return
	}
	b := make([]byte, 0, 1024)
	b = appendText(append(b, `{"access_token":`...), tok.Value.Reveal())
	b = strconv.AppendInt(append(b, `,"token_type":"Bearer","expires_in":`...), secondsLeft(tok), 10)
	if len(tok.Scope) > 0 {
		b = appendText(append(b, `,"scope":`...), tok.Scope.String())
	}
	_, _ = w.Write(append(b, '}'))
}

func standardHeaders(h http.Header) {
	h["Content-Type"] = []string{jsonType}
	h["Cache-Control"] = []string{"no-store"}
	h["Pragma"] = []string{"no-cache"}
}

// writeStandardError adds the challenge that a 401 must carry, and only a 401.
func writeStandardError(w http.ResponseWriter, err error) {
	if r, _ := oauth2Rows.forError(err); r.status == http.StatusUnauthorized {
		w.Header()["Www-Authenticate"] = []string{basicChallenge}
	}
	writeOAuthError(w, oauth2Rows, err)
}

// DecodeResponse reads it.
func (oauth2) DecodeResponse(resp *http.Response) (postern.Token, error) {
	return readOAuthToken(resp, oauth2Rows)
}

// Profile: tokens of RFC 9068 with an algorithm of the client's choice.
func (oauth2) Profile() postern.Profile {
	format := standardFormat{dialect: "oauth2", nbf: false}
	return postern.Profile{
		Dialect: "oauth2", Algs: []postern.Alg{postern.ES256, postern.RS256, postern.EdDSA}, Type: "at+jwt",
		KeyID: true, Life: time.Hour, Kind: postern.Machine, Grants: []string{postern.GrantClientCredentials},
		Encode: format.encode, Decode: format.decode,
	}
}
