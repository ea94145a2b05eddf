package postern_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The house tests hold the whole tree against the rules it is built by. They share
// one look at it.

const module = "postern.dev/postern"

// pkg is a package of ours, as `go list` tells it.
type pkg struct {
	ImportPath, Name, Doc     string
	Imports, Deps             []string
	TestImports, XTestImports []string
}

// at gives the folder of a package in the tree, "." for the root.
func at(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, module)
	if !ok {
		return importPath // not ours
	}
	return path.Join(".", rest)
}

func ours(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

// file is a Go file of ours, test or not.
type file struct {
	path  string // with slashes, from the root
	lines int
	test  bool
	ast   *ast.File
	fset  *token.FileSet
}

func (f file) dir() string { return path.Dir(f.path) }

// line gives where a position is, for a message.
func (f file) line(p token.Pos) string { return f.fset.Position(p).String() }

// house is what the tests look at.
type house struct {
	pkgs  []pkg
	files []file
	docs  map[string]string // Markdown files by path
}

var look = sync.OnceValues(func() (h house, err error) {
	if h.pkgs, err = listPackages(); err != nil {
		return h, err
	}
	fset := token.NewFileSet()
	h.docs = map[string]string{}
	err = filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(p):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		p = filepath.ToSlash(p)
		switch path.Ext(p) {
		case ".md":
			text, err := os.ReadFile(p)
			h.docs[p] = string(text)
			return err
		case ".go":
			f, err := parse(fset, p)
			h.files = append(h.files, f)
			return err
		}
		return nil
	})
	return h, err
})

// skipped folders hold nothing that is written here.
func skipped(p string) bool {
	base := filepath.Base(p)
	return p != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") ||
		base == "node_modules" || base == "testdata" || p == "bin" || p == "dist" || p == "postern-data")
}

func parse(fset *token.FileSet, p string) (file, error) {
	text, err := os.ReadFile(p) // this also makes the result of a test run depend on the file
	if err != nil {
		return file{}, err
	}
	tree, err := parser.ParseFile(fset, p, text, parser.ParseComments)
	return file{path: p, lines: bytes.Count(text, []byte("\n")), test: strings.HasSuffix(p, "_test.go"), ast: tree, fset: fset}, err
}

func listPackages() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.Join(err, errors.New(stderr.String()))
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if !strings.Contains(p.ImportPath, "/node_modules/") {
			all = append(all, p)
		}
	}
}

func theHouse(t *testing.T) house {
	t.Helper()
	h, err := look()
	if err != nil {
		t.Fatal(err)
	}
	if len(h.pkgs) < 8 || len(h.files) < 50 || len(h.docs) == 0 {
		t.Fatalf("found %d packages, %d files and %d documents: this is not the whole tree", len(h.pkgs), len(h.files), len(h.docs))
	}
	return h
}
