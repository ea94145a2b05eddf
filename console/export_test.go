package console

import (
	"io"
	"sync"
)

var read = sync.OnceValues(newSheets)

// Render writes a page from a literal.
func Render(w io.Writer, f Frame) error {
	s, err := read()
	if err != nil {
		return err
	}
	f.Head = f.Page.page()
	f.Nav = navigation(f.May, f.Tenant, f.Head.Section)
	return s.render(w, f)
}

// Assets gives the files that pages load, by their address.
func Assets() (map[string]string, error) {
	s, err := read()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, at := range s.hashed {
		out[at] = name
	}
	return out, nil
}

// Patterns lists the routes of the pages.
func Patterns() (out []string) {
	for _, p := range pages() {
		out = append(out, p.pattern)
	}
	return out
}

// Within, Harmless, Curl and StatusOf are for tests alone.
var (
	InConsole = within
	Harmless  = harmless
	Curl      = curl
	Draw      = draw
	Lately    = lately
	AgentName = agentName
)

// StatusOf gives the status of a code.
func StatusOf(code string) int {
	for c, p := range problems {
		if string(c) == code {
			return p.status
		}
	}
	return 0
}

// SheetOf gives the template of a page.
func SheetOf(f Frame) string { return f.Page.page().Sheet }
