package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser keeps cookies and sends forms as one without a script does.
type browser struct {
	t       testing.TB
	town    *town
	h       http.Handler
	cookies map[string]string
	from    string // Sec-Fetch-Site of posts
}

func newBrowser(t testing.TB, town *town) *browser {
	t.Helper()
	return &browser{t: t, town: town, h: newConsole(t, town), cookies: map[string]string{}, from: "same-origin"}
}

// as signs somebody in.
func (b *browser) as(email string) *browser {
	b.t.Helper()
	b.get("/console/sign-in")
	r := b.post("/console/sign-in", url.Values{"email": {email}, "password": {goodPassword}})
	if strings.Contains(r.text, "authenticator") {
		r = b.post("/console/sign-in", url.Values{"code": {goodCode}})
	}
	if r.status != http.StatusSeeOther || b.cookies["postern-dev"] == "" {
		b.t.Fatalf("%s cannot sign in: %d %s", email, r.status, r.text)
	}
	return b
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
}

func (r reply) to() string { return r.header.Get("Location") }

func (b *browser) do(method, at string, body url.Values, change func(*http.Request)) reply {
	b.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8100"+at, strings.NewReader(body.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", b.from)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return reply{resp.StatusCode, resp.Header, w.Body.String()}
}

func (b *browser) get(at string) reply { b.t.Helper(); return b.do(http.MethodGet, at, nil, nil) }

// csrf takes the value of forms out of a page that has one.
func (b *browser) csrf() string {
	b.t.Helper()
	at := "/console/account"
	if b.cookies["postern-dev"] == "" {
		at = "/console/sign-in"
	}
	step := b.cookies["postern-dev-step"]
	page := b.get(at).text
	if step != "" { // the sign-in page begins anew
		b.cookies["postern-dev-step"] = step
	}
	_, rest, ok := strings.Cut(page, `name="csrf" value="`)
	if !ok {
		b.t.Fatalf("there is no form on %s", at)
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// post sends a form of ours with these fields.
func (b *browser) post(at string, fields url.Values) reply {
	b.t.Helper()
	all := url.Values{"csrf": {b.csrf()}}
	for name, values := range fields {
		all[name] = values
	}
	return b.do(http.MethodPost, at, all, nil)
}

// parse reads a page.
func parse(t testing.TB, text string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// each walks the elements of a page.
func each(n *html.Node, f func(*html.Node)) {
	if n.Type == html.ElementNode {
		f(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, f)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// words is the text inside a node.
func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(words(c))
	}
	return b.String()
}

// eachPost calls f with the action of every post.
func eachPost(f func(action string)) func(*html.Node) {
	return func(n *html.Node) {
		if m, _ := attr(n, "method"); n.Data == "form" && m == "post" {
			action, _ := attr(n, "action")
			f(action)
		}
	}
}
