package main

import (
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// tools says which tools of `postern call` and of agents the credential opens, as far as
// the reads and the granted scopes show.
func (d *doctor) tools(open map[string]bool, granted postern.Scopes) {
	if len(open) == 0 {
		return // it is no HR API, or nothing was tried
	}
	var yes, no []string
	for _, t := range mcptool.All() {
		switch works, tried := open[t.Scope]; {
		case works || !tried && granted.Has(t.Scope):
			yes = append(yes, kebab(t.Name))
		default:
			no = append(no, kebab(t.Name))
		}
	}
	text := "the credential opens " + orDefault(strings.Join(yes, ", "), "none of them")
	if len(no) > 0 && len(yes) > 0 {
		text += "; not " + strings.Join(no, ", ")
	}
	d.say("tools", told, "", "%s", text)
}
