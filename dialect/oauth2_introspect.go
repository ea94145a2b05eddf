package dialect

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"postern.dev/postern"
)

// Introspection (RFC 7662): the client proves itself and asks what a token means.
//
//	POST /oauth2/introspect      token=…
//	200 {"active":true,"scope":"…","client_id":"…","token_type":"Bearer","exp":…,"iat":…,…}
//	200 {"active":false}
//
// The second is the answer for every token that is not active or not the caller's
// to see, byte for byte (section 2.2). GET is not offered: tokens would reach logs.

const inactive = `{"active":false}`

// IntrospectPath, EncodeIntrospect, DecodeIntrospect, EncodeIntrospection and
// DecodeIntrospection are the two ends of it.
func (oauth2) IntrospectPath() string { return "/oauth2/introspect" }

// EncodeIntrospect sends the question of an authenticated client.
func (d oauth2) EncodeIntrospect(base string, req postern.Request, token postern.Secret) (*http.Request, error) {
	return d.beside(base, d.IntrospectPath(), req, token)
}

// DecodeIntrospect reads it.
func (oauth2) DecodeIntrospect(r *http.Request) (postern.Request, postern.Secret, error) {
	return aboutToken(r)
}

// EncodeIntrospection answers with the values that stand in the token.
func (oauth2) EncodeIntrospection(w http.ResponseWriter, c postern.Claims, err error) {
	standardHeaders(w.Header())
	if postern.CodeOf(err) == postern.NotFound {
		_, _ = w.Write([]byte(inactive))
		return
	}
	if err != nil {
		writeStandardError(w, err)
		return
	}
	_, _ = w.Write(appendClaims(make([]byte, 0, 512), c))
}

func appendClaims(b []byte, c postern.Claims) []byte {
	id, sub := asWritten(c)
	b = append(b, `{"active":true`...)
	b = appendMember(b, `,"scope":`, c.Scope.String())
	b = appendMember(b, `,"client_id":`, c.ClientID)
	b = append(b, `,"token_type":"Bearer"`...)
	b = appendDate(b, `,"exp":`, c.ExpiresAt)
	b = appendDate(b, `,"iat":`, c.IssuedAt)
	b = appendDate(b, `,"nbf":`, c.NotBefore)
	b = appendMember(b, `,"sub":`, sub)
	if len(c.Audience) > 0 {
		b = appendAudience(append(b, `,"aud":`...), c.Audience)
	}
	b = appendMember(b, `,"iss":`, c.Issuer)
	b = appendMember(b, `,"jti":`, id)
	b = appendMember(b, `,"tenant":`, c.Tenant)
	return append(b, '}')
}

// asWritten gives jti and sub in the spelling of the token's own format.
func asWritten(c postern.Claims) (id, sub string) {
	switch c.Dialect {
	case "personio-v1":
		return c.ID, base64.StdEncoding.EncodeToString([]byte(c.Subject))
	case "personify":
		return strings.ToUpper(c.ID), "" // its tokens have no sub
	case "comm100":
		return strings.ToUpper(c.ID), c.Subject
	}
	return c.ID, c.Subject
}

func appendMember(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(append(b, name...), s)
}

func appendDate(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendSeconds(append(b, name...), t)
}

// DecodeIntrospection reads the answer. Members it does not know are ignored;
// active must be a Boolean (RFC 7662 section 2.2).
func (oauth2) DecodeIntrospection(resp *http.Response) (postern.Claims, error) {
	o := answer(resp)
	if resp.StatusCode != http.StatusOK || o.has("error") {
		word, detail := errorWords(o)
		return postern.Claims{}, oauth2Rows.forAnswer(resp, word, detail)
	}
	switch o.get("active") {
	case "true":
	case "false":
		return postern.Claims{}, postern.Errorf(postern.NotFound, "the token is not active")
	default:
		return postern.Claims{}, unreadable("active is not a Boolean")
	}
	c := postern.Claims{Scope: grantedScopes(o.get("scope")), ExpiresAt: o.date("exp"), IssuedAt: o.date("iat"), NotBefore: o.date("nbf")}
	for name, to := range map[string]*string{"client_id": &c.ClientID, "sub": &c.Subject, "iss": &c.Issuer, "jti": &c.ID, "tenant": &c.Tenant} {
		*to, _ = o.get(name).text()
	}
	aud := o.get("aud")
	if s, ok := aud.text(); ok {
		c.Audience = []string{s}
	} else {
		c.Audience, _ = aud.texts()
	}
	return c, nil
}

func (o object) date(name string) time.Time {
	n, ok := o.get(name).whole()
	if !ok {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
