package dialect

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Personio's OAuth endpoint: client credentials by form, refusals as problem
// documents.
//
//	POST /v2/auth/token          grant_type=client_credentials&client_id=papi-1&client_secret=papi-s
//	200 {"access_token":"…","token_type":"Bearer","expires_in":86399,"scope":"personio:persons:read"}
//	400 application/problem+json {"error":"invalid_client","error_description":"Client authentication …",
//	    "error_uri":"https://developer.personio.de/reference/errors#credentials.oauth2.invalid_client",
//	    "timestamp":"2026-03-01T10:00:00Z","trace_id":"a1b2"}
//	POST /v2/auth/revoke         token=…            200, empty
//
// From the published OpenAPI document of the credentials service; transcripts in
// testdata/personio-v2. Departures: whether the real endpoint reads HTTP Basic is
// not known, so the Authorization header is ignored, as a stale Bearer is.
type personioV2 struct {
	now func() time.Time // nil means time.Now
}

// personioV2Docs is where the descriptions of its errors stand.
const personioV2Docs = "https://developer.personio.de/reference/errors#credentials.oauth2."

const (
	personioV2Missing = "The request has missing or invalid required parameters."
	personioV2Client  = "Client authentication failed (e.g., unknown client, wrong secret, no client authentication included, or unsupported authentication method)."
)

var personioV2Rows = join(bounds("invalid_request"), table{
	{code: postern.Invalid, reason: postern.BadMethod, status: 405, word: "invalid_request", say: true},
	{code: postern.Invalid, reason: postern.BadMediaType, status: 400, word: "invalid_request", text: `The content type of the request must be "application/x-www-form-urlencoded".`},
	{code: postern.Invalid, reason: postern.MissingParameter, status: 400, word: "invalid_request", text: personioV2Missing},
	{code: postern.Invalid, reason: postern.UnknownGrant, status: 400, word: "unsupported_grant_type", text: "The requested authorization grant type is not supported by the server."},
	{code: postern.Invalid, reason: postern.BadScope, status: 400, word: "invalid_scope", text: "One of the requested scopes is invalid."},
	{code: postern.Invalid, reason: postern.BadTarget, status: 400, word: "invalid_target", text: "One of the requested resources is invalid."},
	{code: postern.Invalid, reason: postern.BadRequest, status: 400, word: "invalid_request", say: true},
	{code: postern.Invalid, status: 400, word: "invalid_request", text: personioV2Missing},
	{code: postern.Unauthenticated, reason: postern.BadGrant, status: 400, word: "invalid_grant", text: "The provided authorization grant is invalid."},
	{code: postern.Unauthenticated, status: 400, word: "invalid_client", text: personioV2Client},
	{code: postern.Forbidden, status: 400, word: "unauthorized_client", text: "Client is not allowed to use the specified grant type flow."},
	{code: postern.NotFound, status: 400, word: "invalid_request", text: personioV2Missing},
	{code: postern.Conflict, status: 400, word: "invalid_request", text: personioV2Missing},
	{code: postern.TooMany, status: 429, word: "temporarily_unavailable", text: "Too many requests. Please try again later."},
	{code: postern.Unavailable, status: 503, word: "temporarily_unavailable", text: "The server is temporarily unavailable. Please try again later."},
	{code: postern.Internal, status: 500, word: "server_error", text: "There was a problem while processing this request. Please try again later."},
})

func (personioV2) Name() string { return "personio-v2" }
func (personioV2) Path() string { return "/v2/auth/token" }

// EncodeRequest sends the documented form.
func (d personioV2) EncodeRequest(base string, req postern.Request) (*http.Request, error) {
	body := pairs("grant_type", postern.GrantClientCredentials, "client_id", req.ClientID,
		"client_secret", req.Secret.Reveal(), "scope", req.Scope.String())
	for _, res := range req.Resources {
		body += "&" + pairs("resource", res)
	}
	return d.form(base, d.Path(), body)
}

func (personioV2) form(base, path, body string) (*http.Request, error) {
	r, err := formRequest(base, path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Personio-App-ID", personioApp)
	return r, nil
}

// DecodeRequest names the first missing field, as the published example does. An
// unknown grant type is refused here and not by the issuer, because the answer
// repeats it in meta.
func (personioV2) DecodeRequest(r *http.Request) (postern.Request, error) {
	req := postern.Request{Via: postern.ViaForm}
	f, err := postedForm(r, false)
	if err != nil {
		return req, err
	}
	req.GrantType = postern.Shorten(f.get("grant_type"), maxGrantType)
	req.ClientID = f.get("client_id")
	req.Secret = postern.NewSecret(f.get("client_secret"))
	req.Scope, req.Resources = scopesOf(f.get("scope"), postern.MaxScopeLength), f.resources
	for _, name := range []string{"grant_type", "client_id", "client_secret"} {
		if f.get(name) == "" {
			return req, missing(name)
		}
	}
	if req.GrantType != postern.GrantClientCredentials {
		e := postern.Errorf(postern.Invalid, "the grant type is not supported").Because(postern.UnknownGrant)
		e.Param, e.Cause = req.GrantType, "unknown grant type"
		return req, e
	}
	if !clientID(req.ClientID) {
		return req, badClient("impossible client id")
	}
	return req, nil
}

// EncodeResponse writes the OAuth answer or a problem document.
func (d personioV2) EncodeResponse(w http.ResponseWriter, tok postern.Token, err error) {
	h := w.Header()
	h["Cache-Control"] = []string{"no-store"}
	h["Pragma"] = []string{"no-cache"}
	if err != nil {
		d.problem(w, err)
		return
	}
	h["Content-Type"] = []string{jsonType}
	b := make([]byte, 0, 1024)
	b = appendText(append(b, `{"access_token":`...), tok.Value.Reveal())
	b = strconv.AppendInt(append(b, `,"token_type":"Bearer","expires_in":`...), secondsLeft(tok), 10)
	b = appendText(append(b, `,"scope":`...), tok.Scope.String())
	_, _ = w.Write(append(b, '}'))
}

// problem writes a refusal. timestamp and trace_id are always there: strict
// clients demand them.
func (d personioV2) problem(w http.ResponseWriter, err error) {
	r, e := personioV2Rows.forError(err)
	h := w.Header()
	h["Content-Type"] = []string{"application/problem+json"}
	if s := waitSeconds(e); s != "" {
		h["Retry-After"] = []string{s}
	}
	if r.status == http.StatusMethodNotAllowed {
		h["Allow"] = []string{allowPost}
	}
	closeUnread(h, r.status)
	link, target := "error_uri", r.word
	switch r.reason {
	case postern.MissingParameter:
		target = "invalid_request.required_parameters_missing"
	case postern.BadMediaType: // this one case carries its link under another name
		link, target = "type", "invalid_request.invalid_request_content_type"
	}
	b := make([]byte, 0, 512)
	b = appendText(append(b, `{"error":`...), r.word)
	b = appendText(append(b, `,"error_description":`...), r.description(e))
	b = appendText(append(appendText(append(b, ','), link), ':'), personioV2Docs+target)
	b = appendText(append(b, `,"timestamp":`...), d.time().UTC().Format(time.RFC3339))
	b = appendText(append(b, `,"trace_id":`...), w.Header().Get(requestIDHeader))
	b = appendMeta(b, r, e)
	w.WriteHeader(r.status)
	_, _ = w.Write(append(b, '}'))
}

func appendMeta(b []byte, r row, e *postern.Error) []byte {
	switch {
	case e.Param == "":
	case r.reason == postern.MissingParameter:
		b = append(appendTexts(append(b, `,"meta":{"missing_parameters":`...), []string{e.Param}), '}')
	case r.reason == postern.UnknownGrant && !strings.Contains(e.Param, postern.SecretPrefix): // pasted into the wrong field
		b = append(appendText(append(b, `,"meta":{"grant_type":`...), postern.Shorten(e.Param, maxGrantType)), '}')
	}
	return b
}

func (d personioV2) time() time.Time {
	if d.now == nil {
		return time.Now()
	}
	return d.now()
}

// DecodeResponse reads both answers, tolerantly.
func (personioV2) DecodeResponse(resp *http.Response) (postern.Token, error) {
	return readOAuthToken(resp, personioV2Rows)
}

// RevokePath, EncodeRevoke, DecodeRevoke, EncodeRevoked and DecodeRevoked: the
// token is its own proof. A Bearer header beside it is optional there and ignored
// here.
func (personioV2) RevokePath() string { return "/v2/auth/revoke" }

// EncodeRevoke sends the token as the only field.
func (d personioV2) EncodeRevoke(base string, _ postern.Request, token postern.Secret) (*http.Request, error) {
	return d.form(base, d.RevokePath(), pairs("token", token.Reveal()))
}

// DecodeRevoke reads it.
func (personioV2) DecodeRevoke(r *http.Request) (postern.Request, postern.Secret, error) {
	f, err := postedForm(r, false)
	if err != nil {
		return postern.Request{}, postern.Secret{}, err
	}
	if f.get("token") == "" {
		return postern.Request{}, postern.Secret{}, missing("token")
	}
	return postern.Request{}, postern.NewSecret(f.get("token")), nil // no client: nothing to prove
}

// EncodeRevoked answers 200 and nothing, whether the token was known or not
// (RFC 7009 section 2.2).
func (d personioV2) EncodeRevoked(w http.ResponseWriter, err error) {
	h := w.Header()
	h["Cache-Control"] = []string{"no-store"}
	h["Pragma"] = []string{"no-cache"}
	if err != nil {
		d.problem(w, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// DecodeRevoked reads the answer.
func (personioV2) DecodeRevoked(resp *http.Response) error { return readDone(resp, personioV2Rows) }

// Profile: tokens in the format of RFC 9068, the same one answered for a day.
func (personioV2) Profile() postern.Profile {
	format := standardFormat{dialect: "personio-v2", nbf: true}
	return postern.Profile{
		Dialect: "personio-v2", Algs: []postern.Alg{postern.ES256}, Type: "at+jwt", KeyID: true,
		Life: 24 * time.Hour, Shared: true, Kind: postern.Machine,
		Grants: []string{postern.GrantClientCredentials}, PerMinute: 150,
		Encode: format.encode, Decode: format.decode,
	}
}
