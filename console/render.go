package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern.dev/postern"
)

//go:embed templates/*.html
var templates embed.FS

// view is what a page shows.
type view interface{ page() head }

// head is what the frame needs to know of a page.
type head struct {
	Sheet   string // the template, without .html
	Title   string
	Section string // of the navigation
	Crumbs  []Crumb
	Chooses bool // another tenant can be chosen
	All     bool // or all of them
}

// Crumb is a page above.
type Crumb struct{ Title, Href string }

// Frame is everything around a page.
type Frame struct {
	Head     head
	CSRF     string
	Flash    *Flash
	Operator *postern.Operator // nil when nobody is signed in
	May      May
	Tenant   string
	Tenants  []postern.Tenant
	Nav      []NavGroup
	Insecure bool // no TLS
	Now      time.Time
	Page     view
}

// NavGroup is a part of the navigation.
type NavGroup struct {
	Title string
	Items []NavItem
}

// NavItem is a page to go to.
type NavItem struct {
	Title, Href string
	Here        bool
}

// sheets are the templates and assets. A template is read when its page is asked for the
// first time: a server at whose console nobody looks has no room taken by it.
type sheets struct {
	pages  map[string]func() (*template.Template, error)
	assets map[string]asset  // by the name in their address
	hashed map[string]string // addresses by their name
}

func newSheets() (*sheets, error) {
	s := &sheets{pages: map[string]func() (*template.Template, error){}}
	if err := s.readAssets(); err != nil {
		return nil, err
	}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, err
	}
	frame := sync.OnceValues(func() (*template.Template, error) {
		return template.New("frame").Funcs(s.funcs()).ParseFS(templates, "templates/frame.html", "templates/parts.html")
	})
	for _, name := range names {
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = sync.OnceValues(func() (*template.Template, error) {
			f, err := frame()
			if err != nil {
				return nil, err
			}
			t, err := f.Clone()
			if err != nil {
				return nil, err
			}
			return t.ParseFS(templates, name)
		})
	}
	delete(s.pages, "frame")
	delete(s.pages, "parts")
	return s, nil
}

// render writes a page.
func (s *sheets) render(w io.Writer, f Frame) error {
	f.Head = f.Page.page()
	t, err := s.template(f.Head.Sheet)
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, "frame.html", f)
}

// template gives the template of a sheet, with the frame and the parts.
func (s *sheets) template(sheet string) (*template.Template, error) {
	read, ok := s.pages[sheet]
	if !ok {
		return nil, fmt.Errorf("there is no template %q", sheet)
	}
	t, err := read()
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", sheet, err)
	}
	return t, nil
}

func (s *sheets) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": func(name string) (string, error) {
			at, ok := s.hashed[name]
			if !ok {
				return "", fmt.Errorf("there is no asset %q", name)
			}
			return at, nil
		},
		"rfc":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"stamp":  func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04") },
		"second": func(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05") },
		"day":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
		"num":    thousands,
		"ago":    ago,
		"join":   func(list []string) string { return strings.Join(list, ", ") },
		"span":   span,
		"agent":  agentName,
		"in":     input,
		"about":  about,
	}
}

// input gathers what the template of a field needs: pairs of a name and a value. The id
// of the field is its name.
func input(faults []Fault, name string, pairs ...any) (map[string]any, error) {
	m := map[string]any{"name": name, "fault": about(faults, name), "type": "text"}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("the field %s has a name without a value", name)
	}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("the field %s has a name that is none", name)
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// thousands writes a number with narrow blanks between its thousands.
func thousands(n int64) string {
	if n < 0 {
		return "−" + thousands(-n)
	}
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// ago says how far t is from now, either way.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d > -time.Minute && d < time.Minute:
		return "just now"
	case d < 0:
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

// span says how long d is, in its largest unit.
func span(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int64(d / u.unit); n == 1 {
			return "1 " + u.name
		} else if n > 1 {
			return strconv.FormatInt(n, 10) + " " + u.name + "s"
		}
	}
	return "0 seconds"
}

// The names of browsers and of what they run on, by what is in the name that browsers
// give themselves. The first that fits is it: most call themselves by many names.
var (
	agents = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS/", "Chrome"},
		{"Safari/", "Safari"}, {"curl/", "curl"}}
	systems = [][2]string{{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"},
		{"Linux", "Linux"}}
)

// agentName says in a few words what browser it is, as far as that can be told: who looks
// at sessions wants to know the own ones again.
func agentName(agent string) string {
	name := func(list [][2]string) string {
		for _, known := range list {
			if strings.Contains(agent, known[0]) {
				return known[1]
			}
		}
		return ""
	}
	browser, system := name(agents), name(systems)
	switch {
	case browser == "":
		return postern.Shorten(agent, 60)
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// show answers with a page.
func (c *call) show(v view) error { return c.showAs(200, v) }

func (c *call) showAs(status int, v view) error {
	if !c.signedIn && !c.inClear() {
		c.bind()
	}
	f := c.frame(v)
	var b bytes.Buffer
	if err := c.sheets.render(&b, f); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(status)
	_, _ = b.WriteTo(c.w) // the browser may be gone
	return nil
}

func (c *call) frame(v view) Frame {
	f := Frame{CSRF: tokenFor(c.cookie), Insecure: !c.Secure && !c.inClear(), Now: c.now(), Page: v, Flash: c.flashed(), Tenant: c.tenant, Tenants: c.tenants}
	if c.signedIn {
		o := c.operator
		f.Operator, f.May = &o, c.may()
		f.Nav = navigation(f.May, c.tenant, v.page().Section)
	}
	return f
}
