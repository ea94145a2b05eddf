package dialect

import (
	"net/http"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// Comm100's userinfo: whose token it is.
//
//	GET /oauth/userinfo          Authorization: Bearer …
//	200 {"agentId":"f9683b7b-…","siteId":10115,"role":"AGENT"}
//	401 WWW-Authenticate: Bearer realm="IdentityServer",error="invalid_token"
//
// siteId is a number, as in the published sample, and not a string, as in the
// table beside it; members that do not apply are left out. Refusals have no body.

// A refusal that is not the caller's doing keeps its status; everything else is one
// of the family's two.
var comm100InfoRows = join(bounds(""), table{
	{code: postern.Invalid, reason: postern.BadMethod, status: 405},
	{code: postern.Forbidden, status: 403, word: "insufficient_scope"},
	{code: postern.TooMany, status: 429},
	{code: postern.Unavailable, status: 503},
	{code: postern.Internal, status: 500},
	{code: postern.Unauthenticated, status: 401, word: "invalid_token"},
	{code: postern.Invalid, status: 401, word: "invalid_token"},
	{code: postern.NotFound, status: 401, word: "invalid_token"},
	{code: postern.Conflict, status: 401, word: "invalid_token"},
})

// tokenExpired is the Cause of a BadToken that has merely expired.
const tokenExpired = "expired"

// DescribePath, EncodeDescribe, DecodeDescribe, EncodeDescription and
// DecodeDescription are the two ends of userinfo.
func (comm100) DescribePath() string { return "/oauth/userinfo" }

// EncodeDescribe sends the token as a Bearer header.
func (d comm100) EncodeDescribe(base string, token postern.Secret) (*http.Request, error) {
	target, err := endpoint(strings.TrimSuffix(strings.TrimRight(base, "/"), d.Path()), d.DescribePath())
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return nil, postern.Errorf(postern.Invalid, "the base URL of the token server is not usable")
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	r.Header.Set("Accept", jsonType)
	return r, nil
}

// DecodeDescribe reads the token from the header alone: never from the query (RFC
// 9700 section 4.3.2), and not from two headers.
func (comm100) DecodeDescribe(r *http.Request) (postern.Secret, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return postern.Secret{}, badMethod()
	}
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return postern.Secret{}, badToken("no token")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "bearer") || !printable(token) {
		return postern.Secret{}, badToken("no token")
	}
	return postern.NewSecret(token), nil
}

func badToken(cause string) *postern.Error {
	e := postern.Errorf(postern.Unauthenticated, "the token is not valid").Because(postern.BadToken)
	e.Cause = cause
	return e
}

// EncodeDescription writes what is known of a user.
func (comm100) EncodeDescription(w http.ResponseWriter, u postern.User, err error) {
	h := w.Header()
	familyHeaders(h)
	if err != nil {
		refuseDescription(w, err)
		return
	}
	var b []byte
	if u.AgentID != "" {
		b = appendText(append(b, `,"agentId":`...), u.AgentID)
	}
	if u.SiteID != 0 {
		b = strconv.AppendInt(append(b, `,"siteId":`...), u.SiteID, 10)
	}
	if u.Role != "" {
		b = appendText(append(b, `,"role":`...), u.Role)
	}
	if len(b) == 0 {
		b = []byte{'{'}
	}
	b[0] = '{'
	_, _ = w.Write(append(b, '}'))
}

// refuseDescription writes a challenge in the family's spelling: commas without
// spaces, and an error also where no token came.
func refuseDescription(w http.ResponseWriter, err error) {
	r, e := comm100InfoRows.forError(err)
	h := w.Header()
	delete(h, "Content-Type")
	if s := waitSeconds(e); s != "" {
		h["Retry-After"] = []string{s}
	}
	switch {
	case r.status == http.StatusMethodNotAllowed:
		h["Allow"] = []string{allowGet}
	case r.word != "":
		challenge := `Bearer realm="IdentityServer",error="` + r.word + `"`
		if r.status == http.StatusUnauthorized && e.Cause == tokenExpired {
			challenge += `,error_description="The access token expired"`
		}
		h["Www-Authenticate"] = []string{challenge}
	}
	w.WriteHeader(r.status)
}

// DecodeDescription reads siteId as a number or as text, since the provider's
// document and its sample disagree.
func (comm100) DecodeDescription(resp *http.Response) (postern.User, error) {
	o := answer(resp)
	if resp.StatusCode != http.StatusOK {
		word, detail := errorWords(o)
		if word == "" && strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
			word = "insufficient_scope"
		}
		return postern.User{}, comm100InfoRows.forAnswer(resp, word, detail)
	}
	if o == nil {
		return postern.User{}, unreadable("not one JSON object")
	}
	var u postern.User
	u.AgentID, _ = o.get("agentId").text()
	u.Role, _ = o.get("role").text()
	site := o.get("siteId")
	if s, ok := site.text(); ok {
		site = value(s)
	}
	u.SiteID, _ = site.whole()
	return u, nil
}
