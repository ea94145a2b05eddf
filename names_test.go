package postern_test

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

// providers are words that belong to one provider. Code outside dialect/ must not
// know whose wire it serves: an issuing rule with a provider's name in it is a rule
// of that dialect in the wrong place.
var providers = []string{"personio", "personify", "a2z", "comm100", "vincall", "papi-"}

// mayNameProviders is where the names belong, beside tests and comments.
var mayNameProviders = map[string]string{
	"dialect/*.go":          "the wire of each provider",
	"hr/*.go":               "the wire of the HR API, which is one provider's",
	"mcptool/scopes.go":     "the permissions of the HR API, as its page of settings names them",
	"cmd/postern/demo*.go":  "demo data: one credential for each dialect",
	"test/bench/*.go":       "it measures each dialect",
	"test/interop/*.go":     "it tries the clients of each dialect",
	"test/interop/*/*.go":   "it tries the clients of each dialect",
	"test/interop/*/*/*.go": "it tries the clients of each dialect",
}

func TestProvidersAreNamedOnlyWhereTheirWireIs(t *testing.T) {
	for _, f := range theHouse(t).files {
		if f.test || namesProvidersByRight(f.path) {
			continue
		}
		for _, complaint := range providerNames(f) {
			t.Error(complaint)
		}
	}
}

func namesProvidersByRight(p string) bool {
	for pattern := range mayNameProviders {
		if ok, err := path.Match(pattern, p); ok && err == nil {
			return true
		}
	}
	return false
}

// providerNames finds the names in identifiers, strings and imports. Comments may
// cite them, and so may the help of a command: its examples are a document.
func providerNames(f file) (complaints []string) {
	look := func(n ast.Node) bool {
		text := ""
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "Help" && n.Recv != nil {
				return false
			}
		case *ast.Ident:
			text = n.Name
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text = n.Value
			}
		}
		for _, name := range providers {
			if strings.Contains(strings.ToLower(text), name) {
				complaints = append(complaints, f.line(n.Pos())+": "+text+" names a provider outside dialect/")
			}
		}
		return true
	}
	ast.Inspect(f.ast, look)
	return complaints
}
