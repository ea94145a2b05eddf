package dialect

import (
	"net/http"

	"postern.dev/postern"
)

// authorizePath is where people would sign in, were there any. RFC 8414 section 2 lets a
// server without such a grant leave the address out; the client of the official
// TypeScript SDK for MCP takes no metadata without it, whatever grant it is about to use,
// and that of the Go SDK none without a code challenge method (RFC 7636), of whatever code.
const authorizePath = "/oauth2/authorize"

// authorize answers whoever is sent there: a person with a browser, for the most part. It
// sends nobody anywhere, because no redirect address is registered that could be trusted
// (RFC 6749 section 4.1.2.1), and looks at nothing of the request.
func (cfg Config) authorize(token string) http.Handler {
	body := []byte(`{"error":"unsupported_response_type","error_description":"Nobody signs in here: this server gives tokens to machines only. ` +
		`A registered client gets one with grant_type=client_credentials at ` + token + `"}` + "\n")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answeredOptions(w, r, allowGet) {
			return
		}
		call := postern.CallFrom(r.Context())
		call.Code, call.Cause = postern.Invalid, "no sign-in"
		h := w.Header()
		h["Content-Type"] = []string{jsonType}
		h["Cache-Control"] = []string{"no-store"}
		w.WriteHeader(http.StatusBadRequest)
		if r.Method != http.MethodHead {
			_, _ = w.Write(body)
		}
	})
}
