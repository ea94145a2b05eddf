package admin

import "embed"

// The OpenAPI description. Tests hold the table of routes and every answer of theirs
// against it, so it says what the handlers do.

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
	return []Description{{Name: "admin-v1", Title: "Operators, version 1", Read: func() ([]byte, error) {
		return openapiFiles.ReadFile("openapi/admin-v1.json")
	}}}
}
