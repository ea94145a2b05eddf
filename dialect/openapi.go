package dialect

import (
	"embed"
	"encoding/json"
	"net/http"
	"strings"
)

// OpenAPI descriptions of our endpoints, one per dialect. A test holds every
// transcript against them, so they say what the handlers do.

// openapiPath is where the descriptions are listed, and below it they are.
const openapiPath = "/openapi/"

//go:embed openapi/*.json
var openapiFiles embed.FS

// Description is one OpenAPI document of this server.
type Description struct {
	Name  string `json:"name"` // of the file, without .json
	Title string `json:"title"`
	URL   string `json:"url"` // filled in from the name
	// Read gives the document.
	Read func() ([]byte, error) `json:"-"`
}

// descriptions lists our own, in the order of All.
func descriptions() []Description {
	all := []Description{
		{Name: "auth-personio-v1", Title: "Tokens, personio-v1"},
		{Name: "auth-personio-v2", Title: "Tokens, personio-v2"},
		{Name: "auth-personify", Title: "Tokens, personify"},
		{Name: "auth-comm100", Title: "Tokens and userinfo, comm100"},
		{Name: "auth-oauth2", Title: "Tokens, OAuth 2.0"},
	}
	for i := range all {
		name := "openapi/" + all[i].Name + ".json"
		all[i].Read = func() ([]byte, error) { return openapiFiles.ReadFile(name) }
	}
	return all
}

func (cfg Config) openapiRoutes() []Route {
	base := strings.TrimRight(cfg.IssuerURL, "/") + openapiPath
	list := append(descriptions(), cfg.Descriptions...)
	for i := range list {
		list[i].URL = base + list[i].Name + ".json"
	}
	index := document(cfg.maxAge(), func() ([]byte, error) {
		return json.Marshal(map[string][]Description{"documents": list})
	})
	routes := []Route{{openapiPath, only(openapiPath, index)}}
	for _, d := range list {
		routes = append(routes, Route{openapiPath + d.Name + ".json", document(cfg.maxAge(), d.Read)})
	}
	return routes
}

// only serves one path: a mux takes a pattern that ends in a slash for everything
// below it.
func only(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
