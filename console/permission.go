package console

import (
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// PermissionGroup is the permissions of one API, as a table: a row for each resource and
// a box for what may be done with it.
type PermissionGroup struct {
	Title, Note string
	Verbs       []string // the columns
	Rows        []PermissionRow
}

// PermissionRow is a resource.
type PermissionRow struct {
	Title string
	Boxes []PermissionBox // one for each of the group's verbs; without a scope there is none
}

// PermissionBox is one scope.
type PermissionBox struct {
	ID, Scope, Label string
	On               bool
}

// operatorScopes lead to the operator API, and are ordered by hand.
var operatorScopes = []struct {
	scope, row, verb string
}{
	{"postern:admin:read", "The whole installation", "Read"},
	{"postern:admin", "The whole installation", "Write"},
	{"postern:admin:tenant:read", "This tenant", "Read"},
	{"postern:admin:tenant", "This tenant", "Write"},
}

const operatorAPI = "Operator API"

// verbs are the last words of scopes that say what may be done, in the order of columns.
var verbs = []string{"read", "write", "create", "delete", "use"}

// partsOf takes a scope apart as most are written: api:resource:verb.
func partsOf(scope string) (api, resource, verb string) {
	for _, o := range operatorScopes {
		if o.scope == scope {
			return operatorAPI, o.row, o.verb
		}
	}
	parts := strings.Split(scope, ":")
	verb = "use"
	if n := len(parts); n > 1 && slices.Contains(verbs, parts[n-1]) {
		verb, parts = parts[n-1], parts[:n-1]
	}
	n := len(parts)
	return capital(strings.Join(parts[:n-1], " ")), capital(strings.ReplaceAll(strings.ReplaceAll(parts[n-1], "-", " "), "_", " ")), capital(verb)
}

func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// permissions makes the list of those that are known and those that a client has. The
// operator API is offered to owners only, who alone may grant it.
func permissions(known, has postern.Scopes, owner bool) []PermissionGroup {
	var groups []PermissionGroup
	for i, scope := range postern.NewScopes(slices.Concat(known, has)...) {
		api, resource, verb := partsOf(scope)
		if api == operatorAPI && !owner && !has.Has(scope) {
			continue
		}
		g := slices.IndexFunc(groups, func(g PermissionGroup) bool { return g.Title == api })
		if g < 0 {
			g = len(groups)
			groups = append(groups, PermissionGroup{Title: api})
		}
		groups[g].put(resource, verb, PermissionBox{ID: "scope-" + strconv.Itoa(i), Scope: scope, On: has.Has(scope),
			Label: resource + ": " + strings.ToLower(verb)})
	}
	for i := range groups {
		groups[i].square()
	}
	// Named APIs first, then what stands alone, and the operator API at the end.
	rank := func(g PermissionGroup) int {
		return slices.Index([]string{"", operatorAPI}, g.Title)
	}
	slices.SortStableFunc(groups, func(a, b PermissionGroup) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.Title, b.Title)
	})
	for i := range groups {
		switch groups[i].Title {
		case "":
			groups[i].Title = "Other APIs"
		case operatorAPI:
			groups[i].Note = "A client with one of these manages Postern itself. Give it to no one else."
		}
	}
	return groups
}

// put adds a box to the row of its resource, whose boxes are not in columns yet.
func (g *PermissionGroup) put(resource, verb string, box PermissionBox) {
	if !slices.Contains(g.Verbs, verb) {
		g.Verbs = append(g.Verbs, verb)
	}
	i := slices.IndexFunc(g.Rows, func(r PermissionRow) bool { return r.Title == resource })
	if i < 0 {
		i = len(g.Rows)
		g.Rows = append(g.Rows, PermissionRow{Title: resource})
	}
	g.Rows[i].Boxes = append(g.Rows[i].Boxes, box)
}

// square puts the boxes of every row under the verbs.
func (g *PermissionGroup) square() {
	slices.SortFunc(g.Verbs, func(a, b string) int {
		return slices.Index(verbs, strings.ToLower(a)) - slices.Index(verbs, strings.ToLower(b))
	})
	for i := range g.Rows {
		row := make([]PermissionBox, len(g.Verbs))
		for _, box := range g.Rows[i].Boxes {
			_, _, verb := partsOf(box.Scope)
			row[slices.Index(g.Verbs, verb)] = box
		}
		g.Rows[i].Boxes = row
	}
}

// readable lists what a client may do, in words: one text for each resource.
func readable(scopes postern.Scopes) (out []string) {
	var at []string // the resource of each text
	for _, s := range scopes {
		api, resource, verb := partsOf(s)
		if api == operatorAPI {
			resource = operatorAPI + ": " + strings.ToLower(resource)
		}
		text := resource
		if verb != "Use" {
			text += ": " + strings.ToLower(verb)
		}
		if i := slices.Index(at, api+":"+resource); i >= 0 {
			out[i] += ", " + strings.ToLower(verb)
			continue
		}
		out, at = append(out, text), append(at, api+":"+resource)
	}
	return out
}
