package console_test

import (
	"io/fs"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"postern.dev/postern/console"
)

// complaints lists what is wrong with the markup of a page, whatever it shows.
func complaints(t testing.TB, text string) (out []string) {
	t.Helper()
	root := parse(t, text)
	say := func(parts ...string) { out = append(out, strings.Join(parts, " ")) }
	ids, labels, refs := map[string]bool{}, map[string]bool{}, []string{}
	level, mains := 0, 0
	each(root, func(n *html.Node) {
		if id, ok := attr(n, "id"); ok {
			if ids[id] || id == "" {
				say("the id", id, "is there twice or empty")
			}
			ids[id] = true
		}
		if f, ok := attr(n, "for"); ok && n.Data == "label" {
			labels[f] = true
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", strings.HasPrefix(a.Key, "hx-on"):
				say("there is an inline", a.Key, "in", n.Data)
			case slices.Contains([]string{"href", "src", "action", "formaction", "poster", "data", "hx-get", "hx-post", "srcset"}, a.Key) && !ours(a.Val):
				say(n.Data, a.Key, "leads elsewhere:", a.Val)
			case slices.Contains([]string{"aria-labelledby", "aria-describedby"}, a.Key):
				refs = append(refs, strings.Fields(a.Val)...)
			case strings.Contains(a.Val, "ZgotmplZ"):
				say("the template engine refused a value of", a.Key)
			}
		}
		switch n.Data {
		case "main":
			mains++
		case "h1", "h2", "h3", "h4":
			if next := int(n.Data[1] - '0'); next > level+1 && !within(n, "nav") {
				say("the heading", words(n), "skips a level")
			} else if !within(n, "nav") {
				level = next
			}
		case "style", "iframe", "object", "embed", "base", "img":
			say("there is an element", n.Data)
		case "script":
			if src, _ := attr(n, "src"); src == "" || words(n) != "" {
				say("there is an inline script")
			}
		case "table":
			if !slices.ContainsFunc(slices.Collect(n.ChildNodes()), func(c *html.Node) bool { return c.Data == "caption" && strings.TrimSpace(words(c)) != "" }) {
				say("a table has no caption")
			}
		case "th":
			if _, ok := attr(n, "scope"); !ok {
				say("a heading of a table has no scope:", words(n))
			}
		case "button", "a":
			if strings.TrimSpace(words(n)) == "" {
				say("a", n.Data, "has no words")
			}
		case "form":
			if m, _ := attr(n, "method"); m == "post" && !carries(n, "csrf") {
				say("a form has no token")
			} else if m != "post" && m != "get" {
				say("a form has no method")
			}
		case "time":
			if v, _ := attr(n, "datetime"); v == "" {
				say("a time has no datetime")
			}
		}
	})
	if mains != 1 || strings.Count(text, "<h1") != 1 {
		say("there is not one main and one h1")
	}
	for _, r := range refs {
		if !ids[r] {
			say("nothing has the id", r)
		}
	}
	each(root, func(n *html.Node) {
		kind, _ := attr(n, "type")
		id, _ := attr(n, "id")
		hidden, _ := attr(n, "aria-hidden") // is for the browser's keeper of passwords
		if hidden != "true" && slices.Contains([]string{"input", "select", "textarea"}, n.Data) && kind != "hidden" && !labels[id] && !within(n, "label") {
			name, _ := attr(n, "name")
			say("the field", name, "has no label")
		}
		if to, _ := attr(n, "href"); strings.HasPrefix(to, "#") && !ids[to[1:]] {
			say("the link", to, "leads to nothing on the page")
		}
	})
	return out
}

// ours says whether an address stays here.
func ours(address string) bool {
	return address == "" || strings.HasPrefix(address, "/console/") || address == "/console" || strings.HasPrefix(address, "#") || strings.HasPrefix(address, "?")
}

func within(n *html.Node, name string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == name {
			return true
		}
	}
	return false
}

func carries(form *html.Node, field string) (found bool) {
	each(form, func(n *html.Node) {
		name, _ := attr(n, "name")
		found = found || n.Data == "input" && name == field
	})
	return found
}

func TestPagesAreWellFormedAndCanBeUsedWithoutSight(t *testing.T) {
	t.Parallel()
	for name, f := range shown() {
		for _, c := range complaints(t, render(t, f)) {
			t.Errorf("%s: %s", name, c)
		}
	}
}

// The complaints have to come when there is something to complain about.
func TestBadMarkupIsComplainedAbout(t *testing.T) {
	t.Parallel()
	const good = `<!doctype html><html><body><main><h1>x</h1></main></body></html>`
	if got := complaints(t, good); len(got) != 0 {
		t.Fatalf("a good page: %q", got)
	}
	for _, bad := range []string{
		`<p id="a"></p><p id="a"></p>`, `<p style="x">`, `<a href="/console/" onclick="x">y</a>`, `<script>x</script>`, `<script src="https://cdn.example/x.js"></script>`,
		`<a href="https://example.org/">x</a>`, `<img src="/console/x">`, `<h3>x</h3>`, `<table><tr><td>x</td></tr></table>`, `<input name="x">`, `<form method="post"></form>`,
		`<button></button>`, `<a href="#gone">x</a>`, `<p aria-labelledby="gone">x</p>`, `<a href="javascript:alert(1)">x</a>`, `<form method="get" action="//evil.example/"></form>`,
	} {
		if got := complaints(t, strings.Replace(good, "</main>", bad+"</main>", 1)); len(got) == 0 {
			t.Errorf("nothing is said about %s", bad)
		}
	}
}

// hostile are values that would do harm if a template let them.
var hostile = []string{
	`"><script>alert(1)</script>`, `'"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `</textarea></title></style><svg onload=alert(1)>`, `{{.CSRF}}`, "https://evil.example/",
	`" autofocus onfocus="alert(1)`, "//evil.example/\\", "<!--", "]]>",
}

// poison puts a value into every text of a view that people or clients may have written.
// Addresses are made by the pages themselves, in fields that end so.
func poison(v reflect.Value, text, field string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && v.Kind() == reflect.Pointer {
			poison(v.Elem(), text, field)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				poison(v.Field(i), text, v.Type().Field(i).Name)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), text, field)
		}
	case reflect.String:
		made := []string{"Next", "Prev", "More", "Href", "Action", "Back", "Poll", "LiveAt", "CSV", "Lines", "Class", "Sheet", "Section", "Field", "State", "Marker"}
		if !slices.Contains(made, field) {
			v.SetString(text)
		}
	}
}

func TestNothingThatIsShownCanDoHarm(t *testing.T) {
	t.Parallel()
	for name, f := range shown() {
		for _, text := range hostile {
			page := reflect.New(reflect.TypeOf(f.Page)).Elem()
			page.Set(reflect.ValueOf(f.Page))
			poison(page, text, "")
			g := f
			g.Flash, g.CSRF = &console.Flash{Text: text}, text
			g.Tenant = text
			if g.Operator != nil {
				o := *g.Operator
				o.Name, o.Email, o.Tenant = text, text, text
				g.Operator = &o
			}
			reflect.ValueOf(&g).Elem().FieldByName("Page").Set(page)
			for _, c := range complaints(t, render(t, g)) {
				// Ids and headings may be odd for such values; what must not be is markup.
				if strings.Contains(c, "inline") || strings.Contains(c, "element") || strings.Contains(c, "elsewhere") {
					t.Errorf("%s with %q: %s", name, text, c)
				}
			}
		}
	}
}

// foreign is an address that something would be loaded from.
var foreign = regexp.MustCompile(`(?i)(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}`)

func TestNoPageAndNoAssetNamesAnotherHost(t *testing.T) {
	t.Parallel()
	for name, f := range shown() {
		if at := foreign.FindString(render(t, f)); at != "" {
			t.Errorf("%s names %s", name, at)
		}
	}
	for _, dir := range []string{"templates", "assets"} {
		err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(p) == ".txt" {
				return err
			}
			text, err := os.ReadFile(path.Join(dir, p))
			body := strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "") // a name, which nothing is loaded from
			if at := foreign.FindString(body); at != "" {
				t.Errorf("%s/%s names %s", dir, p, at)
			}
			if strings.Contains(body, "@import") || path.Ext(p) == ".css" && strings.Contains(body, "url(") {
				t.Errorf("%s/%s loads something", dir, p)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
