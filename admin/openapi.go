package admin

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strconv"

	"postern.dev/postern"
)

// The OpenAPI description. Tests hold the table of routes and every answer of theirs
// against it, so it says what the handlers do.

//go:embed openapi/*.json
var openapiFiles embed.FS

// Description is one OpenAPI document, served under /openapi/.
type Description struct {
	Name  string // of the file, without .json
	Title string
}

// Descriptions lists the documents that Routes serves.
func Descriptions() []Description {
	return []Description{{Name: "admin-v1", Title: "Operators, version 1"}}
}

func openapiRoute() Route {
	return Route{Pattern: "/openapi/admin-v1.json", Handler: description("openapi/admin-v1.json")}
}

// description serves one document, which holds until there is another program.
func description(name string) http.Handler {
	body, err := openapiFiles.ReadFile(name)
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch {
		case err != nil:
			http.NotFound(w, r)
		case r.Method == http.MethodOptions:
			h.Set("Allow", "GET, HEAD, OPTIONS")
			w.WriteHeader(http.StatusNoContent)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			postern.CallFrom(r.Context()).Code = postern.Invalid
			h.Set("Allow", "GET, HEAD, OPTIONS")
			http.Error(w, "this document is read with GET", http.StatusMethodNotAllowed)
		default:
			h.Set("Cache-Control", "public, max-age=3600")
			h.Set("Etag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			h.Set("Content-Type", "application/json")
			h.Set("Content-Length", strconv.Itoa(len(body)))
			if r.Method == http.MethodGet {
				_, _ = w.Write(body) // the caller left, if it fails
			}
		}
	})
}
