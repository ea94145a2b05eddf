package dialect

import (
	"encoding/json"

	"github.com/go-jose/go-jose/v4"

	"postern.dev/postern"
)

// jwksPath is where our public keys are.
const jwksPath = "/.well-known/jwks.json"

// keySet writes the public keys as a JWK set (RFC 7517 section 5). Symmetric keys
// have no public part and are left out, whoever may have put them into the list.
func keySet(keys postern.KeySet) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	seen := map[string]bool{}
	for _, k := range keys.PublicKeys() {
		if k.Public == nil || k.Alg == postern.HS256 || seen[k.ID] {
			continue
		}
		jwk := jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: string(k.Alg), Use: "sig"}
		if !jwk.Valid() || !jwk.IsPublic() {
			continue // a private key in the place of a public one must never leave
		}
		seen[k.ID] = true
		set.Keys = append(set.Keys, jwk)
	}
	return json.Marshal(set)
}
