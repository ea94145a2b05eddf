package dialect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern"
)

// Payloads of tokens. Every format is read strictly: exactly its members, of
// exactly their types, so that no payload can be taken for one of another format
// (RFC 8725 section 3.12).

// payload is an opened payload; the first fault stays.
type payload struct {
	o   object
	err error
}

// openPayload reads a payload that must hold exactly the named members, and may
// hold the one called optional.
func openPayload(data []byte, optional string, names ...string) *payload {
	o, err := parseObject(string(data))
	p := &payload{o: o, err: err}
	if err != nil {
		return p
	}
	extra := 0
	if optional != "" && o.has(optional) {
		extra = 1
	}
	if len(o) != len(names)+extra {
		p.fail("the members")
	}
	for _, n := range names {
		if !o.has(n) {
			p.fail(n)
		}
	}
	return p
}

func (p *payload) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("payload: %s is not as this format has it", what)
	}
}

func (p *payload) text(name string) string {
	s, ok := p.o.get(name).text()
	if !ok || s == "" {
		p.fail(name)
	}
	return s
}

// is demands a fixed text.
func (p *payload) is(name, want string) {
	if p.text(name) != want {
		p.fail(name)
	}
}

// time reads a NumericDate, for us whole seconds after 1970 (RFC 7519 section 2).
func (p *payload) time(name string) time.Time {
	n, ok := p.o.get(name).whole()
	if !ok || n == 0 || n > maxDate {
		p.fail(name)
	}
	return time.Unix(n, 0).UTC()
}

// maxDate is the end of the year 9999.
const maxDate = 253402300799

// audience reads a string or an array of several (RFC 7519 section 4.1.3).
func (p *payload) audience() []string {
	v := p.o.get("aud")
	if s, ok := v.text(); ok && s != "" {
		return []string{s}
	}
	list, ok := v.texts()
	if !ok || len(list) < 2 {
		p.fail("aud")
	}
	return list
}

// texts demands an array of strings.
func (p *payload) texts(name string) []string {
	list, ok := p.o.get(name).texts()
	if !ok {
		p.fail(name)
	}
	return list
}

// id reads a jti of 32 hex digits in the given case.
func (p *payload) id(upper bool) string {
	s := p.text("jti")
	if upper && s != strings.ToUpper(s) || !upper && s != strings.ToLower(s) || !hexDigits(s, 32) {
		p.fail("jti")
	}
	return strings.ToLower(s)
}

func hexDigits(s string, n int) bool {
	if len(s) != n {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// appendAudience adds aud as a string if there is one value, else as an array.
func appendAudience(b []byte, aud []string) []byte {
	if len(aud) == 1 {
		return appendText(b, aud[0])
	}
	return appendTexts(b, aud)
}

// complete says whether c has what every format of ours needs, so that Encode
// makes nothing that Decode refuses.
func complete(c postern.Claims, kind postern.Kind) error {
	switch {
	case c.Kind != kind:
		return fmt.Errorf("payload: a %s token cannot have this format", c.Kind)
	case c.Issuer == "" || !hexDigits(c.ID, 32) || c.ID != strings.ToLower(c.ID):
		return errors.New("payload: no issuer or no id")
	case !dateable(c.IssuedAt) || !dateable(c.ExpiresAt):
		return errors.New("payload: no times")
	}
	return nil
}

func dateable(t time.Time) bool { return t.Unix() > 0 && t.Unix() <= maxDate }

// notBefore is the start of a token's life; where the issuer leaves it open, it is
// the time of issue.
func notBefore(c postern.Claims) time.Time {
	if c.NotBefore.IsZero() {
		return c.IssuedAt
	}
	return c.NotBefore
}

// A standardFormat is the payload of RFC 9068 section 2.2: iss, sub, aud, exp, iat, jti
// and client_id, with the granted scope as one string and the tenant. sub is the
// client. Two dialects have it; nbf, which only one writes, tells their tokens apart.
type standardFormat struct {
	dialect string
	nbf     bool
}

func (f standardFormat) encode(c postern.Claims) ([]byte, error) {
	if err := complete(c, postern.Machine); err != nil {
		return nil, err
	}
	if c.ClientID == "" || c.Tenant == "" || len(c.Audience) == 0 {
		return nil, errors.New("payload: no client, tenant or audience")
	}
	b := make([]byte, 0, 512)
	b = appendText(append(b, `{"iss":`...), c.Issuer)
	b = appendText(append(b, `,"sub":`...), c.ClientID)
	b = appendAudience(append(b, `,"aud":`...), c.Audience)
	b = appendSeconds(append(b, `,"exp":`...), c.ExpiresAt)
	b = appendSeconds(append(b, `,"iat":`...), c.IssuedAt)
	if f.nbf {
		b = appendSeconds(append(b, `,"nbf":`...), notBefore(c))
	}
	b = appendText(append(b, `,"jti":`...), c.ID)
	b = appendText(append(b, `,"client_id":`...), c.ClientID)
	if len(c.Scope) > 0 {
		b = appendText(append(b, `,"scope":`...), c.Scope.String())
	}
	b = appendText(append(b, `,"tenant":`...), c.Tenant)
	return append(b, '}'), nil
}

func (f standardFormat) decode(data []byte) (postern.Claims, error) {
	names := []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "tenant"}
	if f.nbf {
		names = append(names, "nbf")
	}
	p := openPayload(data, "scope", names...)
	c := postern.Claims{
		ID: p.id(false), Issuer: p.text("iss"), Subject: p.text("sub"), Audience: p.audience(),
		ClientID: p.text("client_id"), Tenant: p.text("tenant"), Kind: postern.Machine,
		Scope:    postern.Scopes{}, // none, and not unknown: nil would stand for all that the client has
		IssuedAt: p.time("iat"), ExpiresAt: p.time("exp"), Dialect: f.dialect,
	}
	if f.nbf {
		c.NotBefore = p.time("nbf")
	}
	if p.o.has("scope") {
		c.Scope = p.scopeText()
	}
	if c.Subject != c.ClientID {
		p.fail("sub")
	}
	return c, p.err
}

// scopeText reads scopes as we write them: sorted, parted by single spaces.
func (p *payload) scopeText() postern.Scopes {
	s := p.text("scope")
	scopes, err := postern.ParseScopes(s)
	if err != nil || scopes.String() != s {
		p.fail("scope")
	}
	return scopes
}
