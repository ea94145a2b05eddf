package postern_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// What may grow how far. Beyond soft a test says so (go test -v shows it), beyond
// hard it fails.
type budget struct{ soft, hard int }

var (
	fileLines     = budget{400, 600}
	testFileLines = budget{500, 1000}
	functionLines = budget{80, 120}
	rootLines     = budget{2000, 3000}
	methods       = budget{4, 6}
)

// grown names what may be longer than its hard limit, with the reason.
var grown = map[string]string{
	"issuer/feed_test.go: TestAChangeMadeElsewhereIsSeenWithinASecond": "a table with what holds before and after each kind of change",
}

func (b budget) hold(t *testing.T, what string, n int, unit string) {
	t.Helper()
	switch {
	case n <= b.soft:
	case n <= b.hard:
		t.Logf("soft limit: %s has %d %s, the aim is %d", what, n, unit, b.soft)
	case grown[what] != "":
		t.Logf("exception: %s has %d %s: %s", what, n, unit, grown[what])
	default:
		t.Errorf("%s has %d %s; the limit is %d", what, n, unit, b.hard)
	}
}

func TestNoFileIsTooLong(t *testing.T) {
	for _, f := range theHouse(t).files {
		if f.test {
			testFileLines.hold(t, f.path, f.lines, "lines")
		} else {
			fileLines.hold(t, f.path, f.lines, "lines")
		}
	}
}

func TestNoFunctionIsTooLong(t *testing.T) {
	for _, f := range theHouse(t).files {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
			functionLines.hold(t, f.path+": "+fn.Name.Name, n, "lines")
		}
	}
}

func TestTheRootPackageStaysSmall(t *testing.T) {
	n := 0
	for _, f := range theHouse(t).files {
		if f.dir() == "." && !f.test {
			n += f.lines
		}
	}
	rootLines.hold(t, "the root package", n, "lines")
}

func TestNoInterfaceHasTooManyMethods(t *testing.T) {
	for _, f := range theHouse(t).files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if i, ok := spec.Type.(*ast.InterfaceType); ok {
				count := 0
				for _, m := range i.Methods.List {
					count += max(1, len(m.Names)) // an embedded interface is at least one
				}
				methods.hold(t, f.dir()+"."+spec.Name.Name, count, "methods")
			}
			return true
		})
	}
}

// State that changes and belongs to nobody, and code that runs because it was
// imported, make it matter who imports whom and in which order tests run.
func TestNothingHappensByImport(t *testing.T) {
	h := theHouse(t)
	vars := packageVars(h.files)
	for _, f := range h.files {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: a func init: say it where it is used", f.line(fn.Pos()))
			}
			for _, p := range changesPackageState(fn, vars[f.dir()]) {
				t.Errorf("%s: %s changes a variable of its package", f.line(p), fn.Name.Name)
			}
		}
	}
}

// packageVars gives the names of the variables of each package, by folder.
func packageVars(files []file) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		if all[f.dir()] == nil {
			all[f.dir()] = map[string]bool{}
		}
		for _, d := range f.ast.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, s := range g.Specs {
					for _, n := range s.(*ast.ValueSpec).Names {
						all[f.dir()][n.Name] = n.Name != "_" // which holds nothing
					}
				}
			}
		}
	}
	return all
}

// changesPackageState finds assignments to variables of the package, to their
// fields and to what they index. A name that the function declares itself is
// another variable.
func changesPackageState(fn *ast.FuncDecl, vars map[string]bool) (at []token.Pos) {
	own := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, l := range n.Lhs {
					own[rootName(l)] = true
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				own[rootName(n.Key)], own[rootName(n.Value)] = true, true
			}
		}
		return true
	})
	changed := func(e ast.Expr) {
		if name := rootName(e); vars[name] && !own[name] {
			at = append(at, e.Pos())
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, l := range n.Lhs {
					changed(l)
				}
			}
		case *ast.IncDecStmt:
			changed(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				changed(n.Key)
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
				changed(n.Args[0])
			}
		}
		return true
	})
	return at
}

// rootName is the variable that an expression leads to: v in v, v.f, v[i] and *v.
func rootName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return rootName(e.X)
	case *ast.IndexExpr:
		return rootName(e.X)
	case *ast.StarExpr:
		return rootName(e.X)
	case *ast.ParenExpr:
		return rootName(e.X)
	}
	return ""
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range theHouse(t).pkgs {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment is %q; it begins with %q", at(p.ImportPath), p.Doc, want)
		}
	}
}

func TestEveryExportedNameIsExplained(t *testing.T) {
	for _, f := range theHouse(t).files {
		if f.test {
			continue
		}
		for _, complaint := range unexplained(f) {
			t.Error(complaint)
		}
	}
}

// unexplained lists the exported names without a comment, and comments of functions
// and types that do not begin with the name.
func unexplained(f file) (complaints []string) {
	say := func(p token.Pos, format string, args ...any) {
		complaints = append(complaints, f.line(p)+": "+fmt.Sprintf(format, args...))
	}
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(receiver(d)) {
				continue // a method of an unexported type is explained by its interface
			}
			if first := firstWord(d.Doc); first == "" {
				say(d.Pos(), "%s has no comment", d.Name.Name)
			} else if first != d.Name.Name && !strings.HasPrefix(first, d.Name.Name+",") && !inList(d.Doc, d.Name.Name) {
				say(d.Pos(), "the comment of %s begins with %q", d.Name.Name, first)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && (d.Doc == nil || len(d.Specs) > 1) {
						say(s.Pos(), "%s has no comment", s.Name.Name)
					}
				case *ast.ValueSpec:
					if s.Names[0].IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
						say(s.Pos(), "%s has no comment", s.Names[0].Name)
					}
				}
			}
		}
	}
	return complaints
}

func receiver(d *ast.FuncDecl) string {
	typ := d.Recv.List[0].Type
	if i, ok := typ.(*ast.IndexExpr); ok {
		typ = i.X
	}
	return rootName(typ)
}

func firstWord(c *ast.CommentGroup) string {
	words := strings.Fields(c.Text())
	if len(words) == 0 {
		return ""
	}
	if a := words[0]; len(words) > 1 && (a == "A" || a == "An" || a == "The") {
		return words[1]
	}
	return words[0]
}

// inList says whether the first sentence names the function in a list with its kin:
// "GoString, Format and MarshalText show …".
func inList(c *ast.CommentGroup, name string) bool {
	first, _, _ := strings.Cut(c.Text(), ".")
	for _, w := range strings.FieldsFunc(first, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		if w == name {
			return true
		}
	}
	return false
}
