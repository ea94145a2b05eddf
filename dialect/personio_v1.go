package dialect

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Personio's first token endpoint. It knows no grant type and wraps every answer
// in an envelope.
//
//	POST /v1/auth                {"client_id":"papi-1","client_secret":"papi-s"}
//	200 {"success":true,"data":{"token":"eyJ…","expires_in":86400,"scope":"…"}}
//	403 {"success":false,"error":{"code":0,"message":"Wrong credentials"}}
//
// Documented at developer.personio.de/reference/auth; transcripts of every habit
// are in testdata/personio-v1. Departures: credentials may stand in the query, as
// the published document asks (a tenant can refuse that), a missing field and a
// wrong method have answers of our own, and scope holds our scope names.
type personioV1 struct{}

// personioApp names us to Personio, which asks every caller for it, in upper snake
// case.
const personioApp = "POSTERN"

// personioV1Rows: the message is the only thing that tells rows of one status
// apart, so it stands where other dialects have their error word.
var personioV1Rows = join(bounds(""), table{
	{code: postern.Invalid, reason: postern.BadMethod, status: 405, say: true},
	{code: postern.Invalid, reason: postern.BadMediaType, status: 415, say: true},
	{code: postern.Invalid, reason: postern.MissingParameter, status: 400, say: true},
	{code: postern.Invalid, reason: postern.BadRequest, status: 400, say: true},
	{code: postern.Invalid, status: 400, word: "The request is not valid."},
	{code: postern.Unauthenticated, status: 403, word: "Wrong credentials"},
	{code: postern.Forbidden, reason: postern.QueryCredentials, status: 403, word: "Credentials in the query string are not accepted. Send client_id and client_secret in the body."},
	{code: postern.Forbidden, status: 403, word: "personio.core.api.exceptions.api.forbidden.http.exception"},
	{code: postern.NotFound, status: 404, word: "Not found."},
	{code: postern.Conflict, status: 400, word: "The request is not valid."},
	{code: postern.TooMany, status: 429, word: "Too many requests. Please try again later."},
	{code: postern.Unavailable, status: 503, word: "The server is temporarily unavailable. Please try again later."},
	{code: postern.Internal, status: 500, word: "There was a problem while processing this request. Please try again later."},
})

func (personioV1) Name() string { return "personio-v1" }
func (personioV1) Path() string { return "/v1/auth" }

// EncodeRequest sends JSON, which the document prefers and every server of this
// dialect reads. Never the query: URLs reach logs.
func (d personioV1) EncodeRequest(base string, req postern.Request) (*http.Request, error) {
	b := appendText([]byte(`{"client_id":`), req.ClientID)
	b = appendText(append(b, `,"client_secret":`...), req.Secret.Reveal())
	r, err := post(base, d.Path(), jsonType, string(append(b, '}')))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Personio-App-ID", personioApp)
	return r, nil
}

// DecodeRequest reads JSON, a form, JSON that calls itself something else, and the
// query, in this order: a body that names a credential excludes the query.
func (personioV1) DecodeRequest(r *http.Request) (postern.Request, error) {
	req := postern.Request{GrantType: postern.GrantClientCredentials}
	if r.Method != http.MethodPost {
		return req, badMethod()
	}
	id, secret, via, err := personioV1Body(r)
	if err != nil {
		return req, err
	}
	query, err := parseForm(r.URL.RawQuery, false)
	if err != nil {
		return req, err
	}
	queryID, querySecret := query.get("client_id"), query.get("client_secret")
	switch {
	case queryID == "" && querySecret == "":
	case id != "" || secret != "":
		return req, badRequest("credentials come both in the query and in the body")
	default:
		id, secret, via = queryID, querySecret, postern.ViaQuery
	}
	req.ClientID, req.Secret, req.Via = id, postern.NewSecret(secret), via
	switch {
	case id == "":
		return req, missing("client_id")
	case !clientID(id):
		return req, badClient("impossible client id")
	case secret == "":
		return req, missing("client_secret")
	}
	return req, nil
}

// personioV1Body reads the credentials of a body, if it has any.
func personioV1Body(r *http.Request) (id, secret, via string, err error) {
	kind, charset, ok := mediaType(r.Header)
	body, err := readBody(r)
	if err != nil {
		return "", "", "", err
	}
	trimmed := strings.TrimLeft(body, " \t\r\n")
	switch {
	case trimmed == "":
		return "", "", "", nil
	case !ok || !utf8Charset(charset) || strings.HasPrefix(kind, "multipart/"):
		return "", "", "", badMediaType("the body must be JSON or " + formType + " in UTF-8")
	case kind == jsonType || strings.HasSuffix(kind, "+json"):
		id, secret, err = personioV1JSON(body)
		return id, secret, postern.ViaJSON, err
	case trimmed[0] == '{': // as fetch and curl -d send it without a type of their own choice
		id, secret, err = personioV1JSON(body)
		return id, secret, postern.ViaText, err
	case kind == formType:
		f, err := parseForm(body, false)
		return f.get("client_id"), f.get("client_secret"), postern.ViaForm, err
	}
	return "", "", "", badMediaType("the body must be JSON or " + formType)
}

func personioV1JSON(body string) (id, secret string, err error) {
	o, err := parseObject(body)
	if err != nil {
		return "", "", badRequest("the body is not one JSON object with each member once")
	}
	for _, m := range []struct {
		name string
		to   *string
	}{{"client_id", &id}, {"client_secret", &secret}} {
		v := o.get(m.name)
		if *m.to, _ = v.text(); v != "" && v[0] != '"' {
			return "", "", badRequest(m.name + " is not a string")
		}
	}
	return id, secret, nil
}

// EncodeResponse writes the envelope. expires_in and scope stand beside the token,
// as the live service has added in 2023.
func (personioV1) EncodeResponse(w http.ResponseWriter, tok postern.Token, err error) {
	h := w.Header()
	h["Content-Type"] = []string{jsonType}
	h["Cache-Control"] = []string{"no-store"}
	h["Pragma"] = []string{"no-cache"}
	if err != nil {
		personioV1Error(w, err)
		return
	}
	b := make([]byte, 0, 1024)
	b = appendText(append(b, `{"success":true,"data":{"token":`...), tok.Value.Reveal())
	b = strconv.AppendInt(append(b, `,"expires_in":`...), secondsLeft(tok), 10)
	b = appendText(append(b, `,"scope":`...), tok.Scope.String())
	_, _ = w.Write(append(b, "}}"...))
}

func personioV1Error(w http.ResponseWriter, err error) {
	r, e := personioV1Rows.forError(err)
	h := w.Header()
	if s := waitSeconds(e); s != "" {
		h["Retry-After"] = []string{s}
	}
	if r.status == http.StatusMethodNotAllowed {
		h["Allow"] = []string{allowPost}
	}
	closeUnread(h, r.status)
	message, number := r.word, r.status
	if r.say {
		message = r.description(e)
	}
	if r.status == http.StatusForbidden {
		number = 0 // as the live service has it for every 403 of this endpoint
	}
	b := strconv.AppendInt([]byte(`{"success":false,"error":{"code":`), int64(number), 10)
	b = appendText(append(b, `,"message":`...), message)
	w.WriteHeader(r.status)
	_, _ = w.Write(append(b, "}}"...))
}

// DecodeResponse decides by status first, then by success, never by error.code,
// which is often 0; messages may be German.
func (personioV1) DecodeResponse(resp *http.Response) (postern.Token, error) {
	o := answer(resp)
	if resp.StatusCode == http.StatusOK && o.get("success") == "true" {
		data, _ := parseObject(string(o.get("data")))
		return tokenOf(data, "token")
	}
	if resp.StatusCode == http.StatusOK && o == nil {
		return postern.Token{}, unreadable("not one JSON object")
	}
	failure, _ := parseObject(string(o.get("error")))
	message, _ := failure.get("message").text()
	err := personioV1Rows.forAnswer(resp, message, "")
	if e, ok := errors.AsType[*postern.Error](err); ok && resp.StatusCode < 500 {
		if resp.StatusCode == http.StatusOK { // some failures arrive as a success
			e.Code = postern.Unauthenticated
		}
		if e.Code == postern.Forbidden && e.Reason == "" && message != personioV1Rows.word(postern.Forbidden) {
			e.Code, e.Reason = postern.Unauthenticated, postern.BadClient // 403 is how a wrong pair is answered
		}
	}
	return postern.Token{}, err
}

// word gives the word of the last row with a code, its most general one.
func (t table) word(code postern.Code) string {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].code == code {
			return t[i].word
		}
	}
	return ""
}

// Profile is that of the published example: HS256, typ before alg, six claims.
func (personioV1) Profile() postern.Profile {
	return postern.Profile{
		Dialect: "personio-v1", Algs: []postern.Alg{postern.HS256}, Type: "JWT", TypeFirst: true,
		IssuerTag: "/v1/auth", Life: 24 * time.Hour, Shared: true, Kind: postern.Machine,
		Grants: []string{postern.GrantClientCredentials}, PerMinute: 60, SubjectOnly: true,
		Encode: encodePersonioV1, Decode: decodePersonioV1,
	}
}

func encodePersonioV1(c postern.Claims) ([]byte, error) {
	if err := complete(c, postern.Machine); err != nil {
		return nil, err
	}
	if !hexDigits(c.Subject, 24) || c.Subject != strings.ToLower(c.Subject) {
		return nil, errors.New("payload: the subject is not 24 hex digits")
	}
	b := make([]byte, 0, 256)
	b = appendText(append(b, `{"iss":`...), c.Issuer)
	b = appendSeconds(append(b, `,"iat":`...), c.IssuedAt)
	b = appendSeconds(append(b, `,"exp":`...), c.ExpiresAt)
	b = appendSeconds(append(b, `,"nbf":`...), notBefore(c))
	b = appendText(append(b, `,"jti":`...), c.ID)
	b = append(b, `,"sub":"`...)
	b = base64.StdEncoding.AppendEncode(b, []byte(c.Subject))
	return append(b, `"}`...), nil
}

func decodePersonioV1(data []byte) (postern.Claims, error) {
	p := openPayload(data, "", "iss", "iat", "exp", "nbf", "jti", "sub")
	c := postern.Claims{
		ID: p.id(false), Issuer: p.text("iss"), Kind: postern.Machine, IssuedAt: p.time("iat"),
		NotBefore: p.time("nbf"), ExpiresAt: p.time("exp"), Dialect: "personio-v1",
	}
	sub, err := base64.StdEncoding.DecodeString(p.text("sub"))
	if c.Subject = string(sub); err != nil || !hexDigits(c.Subject, 24) || c.Subject != strings.ToLower(c.Subject) {
		p.fail("sub")
	}
	return c, p.err
}
