package dialect

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Personify (A2Z Events): client credentials in the manner of IdentityServer.
//
//	POST /connect/token          client_id=…&client_secret=…&grant_type=client_credentials&scope=idp_api
//	200 {"access_token":"…","expires_in":3600,"token_type":"Bearer","scope":"idp_api"}
//	400 {"error":"invalid_client","error_description":"Invalid client credentials"}
//
// Documented at developer.a2zinc.io; transcripts in testdata/personify. Every
// refusal is 400 without a challenge, as the family has it. Departures from it:
// repeated parameters are refused instead of the first one being taken, and too
// many requests are 429. Later calls carry X-Tenant-Id.
type personify struct{}

// tenantHeader names the tenant of a call.
const tenantHeader = "X-Tenant-Id"

var personifyRows = join(bounds("invalid_request"), table{
	{code: postern.Invalid, reason: postern.MissingParameter, param: "grant_type", status: 400, word: "unsupported_grant_type"},
	{code: postern.Invalid, reason: postern.UnknownGrant, status: 400, word: "unsupported_grant_type"},
	{code: postern.Invalid, reason: postern.BadScope, status: 400, word: "invalid_scope"},
	{code: postern.Invalid, reason: postern.BadTarget, status: 400, word: "invalid_target"},
	{code: postern.Invalid, status: 400, word: "invalid_request"},
	{code: postern.Unauthenticated, reason: postern.BadGrant, status: 400, word: "invalid_grant"},
	{code: postern.Unauthenticated, status: 400, word: "invalid_client", text: "Invalid client credentials"},
	{code: postern.Forbidden, status: 400, word: "unauthorized_client"},
	{code: postern.NotFound, status: 400, word: "invalid_request"},
	{code: postern.Conflict, status: 400, word: "invalid_request"},
}, faults())

func (personify) Name() string { return "personify" }
func (personify) Path() string { return "/connect/token" }

// EncodeRequest sends the documented form.
func (d personify) EncodeRequest(base string, req postern.Request) (*http.Request, error) {
	return formRequest(base, d.Path(), pairs("client_id", req.ClientID, "client_secret", req.Secret.Reveal(),
		"grant_type", postern.GrantClientCredentials, "scope", req.Scope.String()))
}

// DecodeRequest leaves to the issuer what the family checks after it knows the
// client: the secret, the grant type (also a missing one) and the scope. The query
// is never read.
func (personify) DecodeRequest(r *http.Request) (postern.Request, error) {
	req := postern.Request{Via: postern.ViaForm}
	f, err := familyForm(r)
	if err != nil {
		return req, err
	}
	familyClient(r, f, &req)
	req.GrantType = postern.Shorten(f.get("grant_type"), maxGrantType)
	req.Scope = scopesOf(f.get("scope"), maxFamilyScope)
	if !clientID(req.ClientID) {
		return req, badClient("no client id")
	}
	return req, nil
}

// EncodeResponse writes the members in the family's order.
func (personify) EncodeResponse(w http.ResponseWriter, tok postern.Token, err error) {
	familyHeaders(w.Header())
	if err != nil {
		writeFamilyError(w, personifyRows, err)
		return
	}
	b := make([]byte, 0, 1024)
	b = appendText(append(b, `{"access_token":`...), tok.Value.Reveal())
	b = strconv.AppendInt(append(b, `,"expires_in":`...), secondsLeft(tok), 10)
	b = appendText(append(b, `,"token_type":"Bearer","scope":`...), tok.Scope.String())
	_, _ = w.Write(append(b, '}'))
}

// DecodeResponse reads what the real server and the family answer.
func (personify) DecodeResponse(resp *http.Response) (postern.Token, error) {
	return readOAuthToken(resp, personifyRows)
}

// Carry adds the tenant, which belongs to the call and not to the token.
func (personify) Carry(h http.Header, tok postern.Token, tenant string) {
	h.Set("Authorization", "Bearer "+tok.Value.Reveal())
	if tenant != "" {
		h.Set(tenantHeader, tenant)
	}
}

// Profile is that of a machine token of IdentityServer4: eight claims, no sub.
func (personify) Profile() postern.Profile {
	return postern.Profile{
		Dialect: "personify", Algs: []postern.Alg{postern.RS256}, Type: "at+jwt", KeyID: true,
		Life: time.Hour, Kind: postern.Machine, Grants: []string{postern.GrantClientCredentials},
		KnownGrants: []string{grantCode, postern.GrantPassword, grantDevice}, Audience: "idp_api",
		Encode: encodePersonify, Decode: decodePersonify,
	}
}

func encodePersonify(c postern.Claims) ([]byte, error) {
	if err := complete(c, postern.Machine); err != nil {
		return nil, err
	}
	if c.ClientID == "" || len(c.Audience) == 0 {
		return nil, errors.New("payload: no client or audience")
	}
	b := make([]byte, 0, 512)
	b = appendSeconds(append(b, `{"nbf":`...), notBefore(c))
	b = appendSeconds(append(b, `,"exp":`...), c.ExpiresAt)
	b = appendText(append(b, `,"iss":`...), c.Issuer)
	b = appendAudience(append(b, `,"aud":`...), c.Audience)
	b = appendText(append(b, `,"client_id":`...), c.ClientID)
	b = appendText(append(b, `,"jti":`...), strings.ToUpper(c.ID))
	b = appendSeconds(append(b, `,"iat":`...), c.IssuedAt)
	b = appendTexts(append(b, `,"scope":`...), c.Scope)
	return append(b, '}'), nil
}

func decodePersonify(data []byte) (postern.Claims, error) {
	p := openPayload(data, "", "nbf", "exp", "iss", "aud", "client_id", "jti", "iat", "scope")
	c := postern.Claims{
		ID: p.id(true), Issuer: p.text("iss"), Audience: p.audience(), ClientID: p.text("client_id"),
		Scope: postern.Scopes{}, // none, and not unknown
		Kind:  postern.Machine, IssuedAt: p.time("iat"), NotBefore: p.time("nbf"), ExpiresAt: p.time("exp"),
		Dialect: "personify",
	}
	if list := p.texts("scope"); len(list) > 0 {
		scopes, err := postern.ParseScopes(strings.Join(list, " "))
		if err != nil || !equal(scopes, list) {
			p.fail("scope")
		}
		c.Scope = scopes
	}
	return c, p.err
}

func equal(a postern.Scopes, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
