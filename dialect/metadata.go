package dialect

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Authorization server metadata (RFC 8414), also under the name OpenID clients
// look for. It advertises what works and nothing else: no response types, and not the
// password grant, which the advertised token endpoint does not know. The authorization
// endpoint and its challenge method only stand for clients that demand them (see
// authorize.go).

// metadata is the document. Empty lists are left out, but for the one that
// section 2 requires.
type metadata struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	ScopesSupported          []string `json:"scopes_supported,omitempty"`
	ResponseTypesSupported   []string `json:"response_types_supported"`
	GrantTypesSupported      []string `json:"grant_types_supported"`
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`
	ServiceDocumentation     string   `json:"service_documentation"`
	SubjectTypesSupported    []string `json:"subject_types_supported,omitempty"`
	IDTokenSigningAlgorithms []string `json:"id_token_signing_alg_values_supported,omitempty"`
}

// metadata makes the document. The OpenID one has two members more, which OpenID
// Discovery requires; its signing algorithms are those of our access tokens, since
// there are no id tokens, and so a verifier set up from it accepts what we sign.
func (cfg Config) metadata(oidc bool) ([]byte, error) {
	base := strings.TrimRight(cfg.IssuerURL, "/")
	var o oauth2
	methods := []string{"client_secret_basic", "client_secret_post"}
	m := metadata{
		Issuer:                   cfg.IssuerURL,
		AuthorizationEndpoint:    base + authorizePath,
		TokenEndpoint:            base + o.Path(),
		JWKSURI:                  base + jwksPath,
		ResponseTypesSupported:   []string{},
		GrantTypesSupported:      []string{postern.GrantClientCredentials},
		TokenAuthMethods:         methods,
		RevocationEndpoint:       base + o.RevokePath(),
		RevocationAuthMethods:    methods,
		IntrospectionEndpoint:    base + o.IntrospectPath(),
		IntrospectionAuthMethods: methods,
		CodeChallengeMethods:     []string{"S256"},
		ServiceDocumentation:     base + openapiPath,
	}
	if cfg.Scopes != nil {
		m.ScopesSupported = postern.NewScopes(cfg.Scopes()...)
	}
	if oidc {
		m.SubjectTypesSupported = []string{"public"}
		for _, alg := range o.Profile().Algs {
			m.IDTokenSigningAlgorithms = append(m.IDTokenSigningAlgorithms, string(alg))
		}
	}
	return json.Marshal(m)
}

// document serves a public document: readable from any origin, since it holds no
// secret (RFC 9700 section 2.6), cacheable, and answered by 304 to who has it.
func document(maxAge time.Duration, body func() ([]byte, error)) http.Handler {
	cache := "public, max-age=" + strconv.FormatInt(int64(maxAge/time.Second), 10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Access-Control-Allow-Origin"] = []string{"*"}
		if answeredOptions(w, r, allowGet) {
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h["Allow"] = []string{allowGet}
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		b, err := body()
		if err != nil {
			call := postern.CallFrom(r.Context())
			call.Code, call.Err = postern.Internal, err
			h["Content-Type"] = []string{jsonType}
			h["Cache-Control"] = []string{"no-store"}
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"error":"server_error"}`))
			return
		}
		sum := sha256.Sum256(b)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
		h["Cache-Control"] = []string{cache}
		h["Etag"] = []string{tag}
		if held(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h["Content-Type"] = []string{jsonType}
		h["Content-Length"] = []string{strconv.Itoa(len(b))}
		_, _ = w.Write(b)
	})
}

// held says whether the caller has the document already (RFC 9110 section 13.1.2).
func held(headers []string, tag string) bool {
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			if part == tag || part == "*" {
				return true
			}
		}
	}
	return false
}
