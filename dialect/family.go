package dialect

import (
	"net/http"
	"unicode/utf8"

	"postern.dev/postern"
)

// What the servers built on IdentityServer have in common (Personify, Comm100).

// Length bounds of the family, in characters.
const (
	maxFamilyField = 100
	maxFamilyScope = 300
)

// The grants of the family that are refused as not allowed, not as unknown.
const (
	grantCode   = "authorization_code"
	grantDevice = "urn:ietf:params:oauth:grant-type:device_code"
)

// familyHeaders sets the headers of every answer, in the family's spelling.
func familyHeaders(h http.Header) {
	h["Content-Type"] = []string{"application/json; charset=UTF-8"}
	h["Cache-Control"] = []string{"no-store, no-cache, max-age=0"}
	h["Pragma"] = []string{"no-cache"}
}

// familyForm reads the body. Names are found in any letter case, as ASP.NET finds
// them, and anything but a POST of a form is one and the same bad request.
func familyForm(r *http.Request) (form, error) { return postedForm(r, true) }

// familyClient finds the client. Basic with a secret wins over the body without
// a word; Basic that cannot be read is no Basic; a half that is too long counts as
// not sent. The order is that of the family's parsers: the first result with a
// secret, else the last with an id.
func familyClient(r *http.Request, f form, req *postern.Request) {
	id, secret, via := "", "", postern.ViaForm
	if headers := r.Header["Authorization"]; len(headers) > 0 {
		if user, password, ok := basicAuth(headers[0]); ok && fits(user) && fits(password) {
			id, secret, via = user, password, postern.ViaBasic
		}
	}
	bodyID, bodySecret := f.get("client_id"), f.get("client_secret")
	if secret == "" && bodyID != "" && fits(bodyID) && fits(bodySecret) {
		id, secret, via = bodyID, bodySecret, postern.ViaForm
	}
	req.ClientID, req.Secret, req.Via = id, postern.NewSecret(secret), via
}

func fits(s string) bool { return utf8.RuneCountInString(s) <= maxFamilyField }

// writeFamilyError writes a refusal; no refusal of the token endpoint carries a
// challenge, and a wrong method is like any other bad request.
func writeFamilyError(w http.ResponseWriter, t table, err error) { writeOAuthError(w, t, err) }
