package dialect

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Comm100's partner API: a person's e-mail and password, a public client, and the
// partner in the query.
//
//	POST /oauth/token?partnerId=10000    client_id=…&grant_type=password&email=…&password=…
//	200 {"access_token":"…","expires_in":43200,"token_type":"Bearer"}
//	400 {"error":"invalid_grant","error_description":"invalid_username_or_password"}
//
// Documented at developer.comm100.com (partner-api-oauth-open-api); errors follow
// IdentityServer4, which the page betrays to be behind it. Transcripts in
// testdata/comm100. Departures: partnerId is checked for form before the client
// is looked up, repeated parameters are refused, and no refresh token is given.
type comm100 struct {
	partner string // taken where a request names none; "" refuses such requests
}

const (
	maxPartner = 20

	comm100Audience = "ids.resource.1"
	comm100Failed   = "invalid_username_or_password"
)

var comm100Rows = join(bounds("invalid_request"), table{
	{code: postern.Invalid, reason: postern.MissingParameter, param: "partnerId", status: 400, word: "invalid_request", text: "partnerId is missing from the query"},
	{code: postern.Invalid, reason: postern.BadRequest, param: "partnerId", status: 400, word: "invalid_request", text: "partnerId is repeated or too long"},
	{code: postern.Invalid, reason: postern.MissingParameter, param: "grant_type", status: 400, word: "unsupported_grant_type"},
	{code: postern.Invalid, reason: postern.UnknownGrant, status: 400, word: "unsupported_grant_type"},
	{code: postern.Invalid, reason: postern.BadScope, status: 400, word: "invalid_scope"},
	{code: postern.Invalid, status: 400, word: "invalid_request"},
	{code: postern.Unauthenticated, reason: postern.BadGrant, param: "email", status: 400, word: "invalid_grant"},
	{code: postern.Unauthenticated, reason: postern.BadGrant, status: 400, word: "invalid_grant", text: comm100Failed},
	{code: postern.Unauthenticated, status: 400, word: "invalid_client"},
	{code: postern.Forbidden, status: 400, word: "unauthorized_client"},
	{code: postern.NotFound, status: 400, word: "invalid_grant", text: comm100Failed},
	{code: postern.Conflict, status: 400, word: "invalid_request"},
}, faults())

func (comm100) Name() string { return "comm100" }
func (comm100) Path() string { return "/oauth/token" }

// EncodeRequest sends the documented form; the partner is the one thing that
// stands in the URL.
func (d comm100) EncodeRequest(base string, req postern.Request) (*http.Request, error) {
	r, err := formRequest(base, d.Path(), pairs("client_id", req.ClientID, "client_secret", req.Secret.Reveal(),
		"grant_type", postern.GrantPassword, "email", req.Email, "password", req.Password.Reveal()))
	if err != nil {
		return nil, err
	}
	r.URL.RawQuery = pairs("partnerId", req.PartnerID)
	return r, nil
}

// DecodeRequest checks in the order of the family: the client, then the grant, and
// for the password grant the partner and the person. What needs the registry is
// the issuer's.
func (d comm100) DecodeRequest(r *http.Request) (postern.Request, error) {
	req := postern.Request{Via: postern.ViaForm}
	f, err := familyForm(r)
	if err != nil {
		return req, err
	}
	familyClient(r, f, &req)
	req.GrantType = postern.Shorten(f.get("grant_type"), maxGrantType)
	req.Email, req.Password = f.get("email"), postern.NewSecret(f.get("password"))
	if !clientID(req.ClientID) {
		return req, badClient("no client id")
	}
	req.PartnerID, err = d.partnerOf(r.URL.RawQuery)
	if req.GrantType != postern.GrantPassword {
		return req, nil // the issuer's to refuse, before anyone looks at the rest
	}
	if err != nil {
		return req, err
	}
	if req.Email == "" || !fits(req.Email) || !fits(req.Password.Reveal()) {
		e := postern.Errorf(postern.Unauthenticated, "%s", comm100Failed).Because(postern.BadGrant)
		e.Param, e.Cause = "email", "no e-mail, or a value too long"
		req.Email = postern.Shorten(req.Email, postern.MaxEmail)
		return req, e
	}
	return req, nil
}

// partnerOf reads the one parameter of the query that counts, in any letter case
// like the fields of the form.
func (d comm100) partnerOf(query string) (string, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return "", badRequest("the query cannot be read")
	}
	var values []string
	for name, v := range q {
		if strings.EqualFold(name, "partnerId") {
			values = append(values, v...)
		}
	}
	switch {
	case len(values) > 1 || len(values) == 1 && len(values[0]) > maxPartner:
		e := badRequest("partnerId is repeated or too long")
		e.Param = "partnerId"
		return "", e
	case len(values) == 1 && values[0] != "":
		return values[0], nil
	case d.partner != "":
		return d.partner, nil
	}
	return "", missing("partnerId")
}

// EncodeResponse leaves scope out, as the documented answer does.
func (comm100) EncodeResponse(w http.ResponseWriter, tok postern.Token, err error) {
	familyHeaders(w.Header())
	if err != nil {
		writeFamilyError(w, comm100Rows, err)
		return
	}
	b := make([]byte, 0, 1536)
	b = appendText(append(b, `{"access_token":`...), tok.Value.Reveal())
	b = strconv.AppendInt(append(b, `,"expires_in":`...), secondsLeft(tok), 10)
	_, _ = w.Write(append(b, `,"token_type":"Bearer"}`...))
}

// DecodeResponse also reads the errors of the provider's other APIs, which have a
// number of six digits that begins with the status.
func (comm100) DecodeResponse(resp *http.Response) (postern.Token, error) {
	o := answer(resp)
	if resp.StatusCode == http.StatusOK && !o.has("error") && !o.has("code") {
		return tokenOf(o, "access_token")
	}
	word, detail := errorWords(o)
	if n, ok := o.get("code").whole(); ok && word == "" && n >= 400000 && n <= 599999 {
		detail, _ = o.get("message").text()
		if resp.StatusCode == http.StatusOK {
			resp.StatusCode = int(n / 1000)
		}
	}
	return postern.Token{}, comm100Rows.forAnswer(resp, word, detail)
}

// Profile is that of the published sample token: 17 claims, no kid, a scope that
// does not depend on what was asked.
func (comm100) Profile() postern.Profile {
	return postern.Profile{
		Dialect: "comm100", Algs: []postern.Alg{postern.RS256}, Type: "at+jwt",
		Life: 12 * time.Hour, Kind: postern.Human, Grants: []string{postern.GrantPassword},
		KnownGrants: []string{grantCode, postern.GrantClientCredentials, grantDevice},
		Audience:    comm100Audience, FixedScope: comm100Scope(),
		Encode: encodeComm100, Decode: decodeComm100,
	}
}

// comm100Scope is in the family's order: sorted, offline_access last.
func comm100Scope() []string { return []string{"ids.scope", "openid", "profile", "offline_access"} }

func encodeComm100(c postern.Claims) ([]byte, error) {
	if err := complete(c, postern.Human); err != nil {
		return nil, err
	}
	if c.ClientID == "" || c.Subject == "" || len(c.Audience) == 0 || c.PartnerID <= 0 || c.PartnerID > 1e15-1 ||
		!hexDigits(c.Thumbprint, 40) || !dateable(c.AuthTime) {
		return nil, errors.New("payload: no client, user, partner, audience, thumbprint or time of login")
	}
	b := make([]byte, 0, 1024)
	b = appendSeconds(append(b, `{"nbf":`...), notBefore(c))
	b = appendSeconds(append(b, `,"exp":`...), c.ExpiresAt)
	b = appendText(append(b, `,"iss":`...), c.Issuer)
	b = appendAudience(append(b, `,"aud":`...), c.Audience)
	b = appendText(append(b, `,"client_id":`...), c.ClientID)
	b = appendText(append(b, `,"sub":`...), c.Subject)
	b = appendSeconds(append(b, `,"auth_time":`...), c.AuthTime)
	b = appendText(append(b, `,"idp":"local","userId":`...), c.Subject)
	b = strconv.AppendInt(append(b, `,"partnerId":"`...), c.PartnerID, 10)
	b = appendText(append(b, `","thumbprint":`...), strings.ToUpper(c.Thumbprint))
	b = appendText(append(b, `,"success":"True","role":"User","jti":`...), strings.ToUpper(c.ID))
	b = appendSeconds(append(b, `,"iat":`...), c.IssuedAt)
	b = appendTexts(append(b, `,"scope":`...), comm100Scope())
	return append(b, `,"amr":["pwd"]}`...), nil
}

func decodeComm100(data []byte) (postern.Claims, error) {
	p := openPayload(data, "", "nbf", "exp", "iss", "aud", "client_id", "sub", "auth_time", "idp", "userId",
		"partnerId", "thumbprint", "success", "role", "jti", "iat", "scope", "amr")
	c := postern.Claims{
		ID: p.id(true), Issuer: p.text("iss"), Subject: p.text("sub"), Audience: p.audience(),
		ClientID: p.text("client_id"), Kind: postern.Human, Scope: postern.NewScopes(comm100Scope()...),
		IssuedAt: p.time("iat"), NotBefore: p.time("nbf"), ExpiresAt: p.time("exp"), AuthTime: p.time("auth_time"),
		Thumbprint: p.text("thumbprint"), Dialect: "comm100",
	}
	p.is("idp", "local")
	p.is("userId", c.Subject)
	p.is("success", "True")
	p.is("role", "User")
	partner, ok := value(p.text("partnerId")).whole()
	if c.PartnerID = partner; !ok || partner == 0 {
		p.fail("partnerId")
	}
	if !hexDigits(c.Thumbprint, 40) || c.Thumbprint != strings.ToUpper(c.Thumbprint) {
		p.fail("thumbprint")
	}
	if !slices.Equal(p.texts("scope"), comm100Scope()) || !slices.Equal(p.texts("amr"), []string{"pwd"}) {
		p.fail("scope or amr")
	}
	return c, p.err
}
