package mcptool

import (
	"net/http"
	"strings"

	"postern.dev/postern"
)

// The errors of a challenge (RFC 6750 section 3.1).
const (
	invalidRequest    = "invalid_request"
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
)

// challenge writes WWW-Authenticate: what was wrong with the token, the scopes that are
// needed, and where it stands who gives tokens (RFC 9728 section 5.1). Who brought none
// is told of no error.
func (h *HTTP) challenge(err string, scopes postern.Scopes) string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+`="`+value+`"`) // scopes, our words and our URL: nothing to escape
		}
	}
	add("error", err)
	if err == insufficientScope {
		add("scope", scopes.String())
		add("resource_metadata", h.metadataURL)
	} else {
		add("resource_metadata", h.metadataURL)
		add("scope", scopes.String())
	}
	return "Bearer " + strings.Join(out, ", ")
}

// bearer reads the token, from the header alone (RFC 6750 section 2.1): one in the query
// is none. It fails with Unauthenticated, NoToken, and with Invalid for a header that
// cannot be read in one way.
func bearer(r *http.Request) (string, error) {
	none := postern.Errorf(postern.Unauthenticated, "the call carries no token").Because(postern.NoToken).
		WithHint("get a token for this address, and send it in the header Authorization: Bearer TOKEN")
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", none
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	switch {
	case len(values) > 1 || strings.ContainsAny(token, " \t,"):
		return "", postern.Errorf(postern.Invalid, "the header Authorization is not one Bearer token").
			WithHint("send the header Authorization: Bearer TOKEN, once")
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", none
	}
	return token, nil
}

// verify gives the claims of the token. A person's token opens nothing here, nor does one
// that was made out to another address.
func (h *HTTP) verify(r *http.Request) (postern.Claims, error) {
	raw, err := bearer(r)
	if err != nil {
		return postern.Claims{}, err
	}
	claims, err := h.Verifier.Verify(r.Context(), raw, postern.Want{Audience: []string{h.URL}, Kind: postern.Machine})
	switch postern.CodeOf(err) {
	case "":
		if claims.Client == nil { // Verify sets it
			return claims, postern.Errorf(postern.Internal, "a verified token without its client")
		}
		return claims, nil
	case postern.Unauthenticated, postern.Forbidden:
		e := postern.Errorf(postern.Unauthenticated, "%s", postern.Public(err)).Because(postern.BadToken)
		e.Cause = postern.AsError(err).Cause
		if e.Cause == "audience" {
			e.Msg = "the token is not made out to this address"
		}
		return claims, e.WithHint("get a machine's token with resource=%s", h.URL)
	}
	return claims, err
}
