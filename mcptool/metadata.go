package mcptool

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"postern.dev/postern"
)

// metadataPath is where a resource says who gives tokens for it; the path of the
// resource comes after it (RFC 9728 section 3.1).
const metadataPath = "/.well-known/oauth-protected-resource"

// basicScopes are what a client asks for that knows nothing: reading. The scope that
// writes is asked for by who needs it.
func basicScopes() postern.Scopes {
	return postern.NewScopes(readPersons, readAbsences, readAttendances)
}

// describe makes the metadata.
func (h *HTTP) describe() ([]byte, error) {
	return json.Marshal(struct {
		Resource string         `json:"resource"`
		Servers  []string       `json:"authorization_servers"`
		Scopes   postern.Scopes `json:"scopes_supported"`
		Methods  []string       `json:"bearer_methods_supported"`
		Title    string         `json:"resource_name"`
	}{h.URL, []string{h.Issuer}, basicScopes(), []string{"header"}, "Postern HR"})
}

// serveMetadata answers a public document: it holds no secret, and any page may read it.
func (h *HTTP) serveMetadata(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		head.Set("Allow", "GET, HEAD, OPTIONS")
		head.Set("Access-Control-Allow-Headers", "MCP-Protocol-Version") // which clients in browsers send
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		head.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	sum := sha256.Sum256(h.metadata)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	head.Set("Cache-Control", "public, max-age=900")
	head.Set("Etag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", "application/json")
	_, _ = w.Write(h.metadata)
}
