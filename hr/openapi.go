package hr

import "embed"

// OpenAPI descriptions of both versions. Tests hold the tables of routes and every answer
// of theirs against them, so they say what the handlers do.

//go:embed openapi/*.json
var openapiFiles embed.FS

// Description is one OpenAPI document, to be served under /openapi/.
type Description struct {
	Name  string // of the file, without .json
	Title string
	Read  func() ([]byte, error) // the document
}

// Descriptions lists our documents.
func Descriptions() []Description {
	all := []Description{
		{Name: "hr-v2", Title: "People, version 2"},
		{Name: "hr-v1", Title: "People, version 1"},
	}
	for i := range all {
		name := "openapi/" + all[i].Name + ".json"
		all[i].Read = func() ([]byte, error) { return openapiFiles.ReadFile(name) }
	}
	return all
}
