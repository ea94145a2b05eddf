package dialect

import (
	"net/http"

	"postern.dev/postern"
)

// Revocation (RFC 7009): the client proves itself and names a token of its own.
//
//	POST /oauth2/revoke          token=…            200, empty
//
// The answer is the same for a token that is unknown, foreign or already revoked
// (section 2.2). token_type_hint is ignored, since a wrong one must not hide a
// token.

// RevokePath, EncodeRevoke, DecodeRevoke, EncodeRevoked and DecodeRevoked are the
// two ends of it.
func (oauth2) RevokePath() string { return "/oauth2/revoke" }

// EncodeRevoke sends the token of an authenticated client.
func (d oauth2) EncodeRevoke(base string, req postern.Request, token postern.Secret) (*http.Request, error) {
	return d.beside(base, d.RevokePath(), req, token)
}

// DecodeRevoke reads it.
func (oauth2) DecodeRevoke(r *http.Request) (postern.Request, postern.Secret, error) {
	return aboutToken(r)
}

// EncodeRevoked answers.
func (oauth2) EncodeRevoked(w http.ResponseWriter, err error) {
	standardHeaders(w.Header())
	if err != nil {
		writeStandardError(w, err)
		return
	}
	delete(w.Header(), "Content-Type")
	w.WriteHeader(http.StatusOK)
}

// DecodeRevoked reads the answer.
func (oauth2) DecodeRevoked(resp *http.Response) error { return readDone(resp, oauth2Rows) }

// aboutToken reads a request about a token: the client, then which token.
func aboutToken(r *http.Request) (postern.Request, postern.Secret, error) {
	f, req, err := standardForm(r)
	if err != nil {
		return req, postern.Secret{}, err
	}
	if f.get("token") == "" {
		return req, postern.Secret{}, missing("token")
	}
	return req, postern.NewSecret(f.get("token")), nil
}
