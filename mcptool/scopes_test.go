package mcptool_test

import (
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// goodArgs are arguments with which every tool answers.
var goodArgs = map[string]args{
	"get_person": {"person_id": 2}, "list_employments": {"person_id": 2},
	"create_absence_period": {"person_id": 1, "absence_type_id": firmVacation, "first_day": "2027-03-01", "last_day": "2027-03-02", "skip_approval": false},
}

// Every tool with every set of scopes: what is visible is what can be called, and what
// cannot says which permission is missing.
func TestACallerSeesWhatItMayCallAndCanCallWhatItSees(t *testing.T) {
	t.Parallel()
	dir := firm(t)
	for _, mode := range []struct{ disabled, writes bool }{{false, true}, {false, false}, {true, true}} {
		tools := toolsOver(dir, func(c *mcptool.Config) { c.Disabled, c.Writes = mode.disabled, mode.writes })
		for set := range 1 << len(allScopes) {
			who := clerk()
			who.Scopes = nil
			for i, s := range allScopes {
				if set&(1<<i) != 0 {
					who.Scopes = append(who.Scopes, s)
				}
			}
			seen := map[string]bool{}
			for _, tool := range tools.Visible(who) {
				seen[tool.Name] = true
			}
			for _, tool := range mcptool.All() {
				want := who.Scopes.Has(tool.Scope) && !mode.disabled && (mode.writes || !tool.Write)
				if seen[tool.Name] != want {
					t.Errorf("%+v, %v: %s visible is %v", mode, who.Scopes, tool.Name, !want)
				}
				_, err := try(t, tools, who, tool.Name, goodArgs[tool.Name])
				if (err == nil) != want {
					t.Errorf("%+v, %v: %s answers %v", mode, who.Scopes, tool.Name, err)
				}
				if err != nil {
					saysWhy(t, tools, who, tool, mode.disabled, mode.writes, postern.AsError(err))
				}
			}
		}
	}
}

func saysWhy(t *testing.T, tools *mcptool.Tools, who mcptool.Caller, tool *mcptool.Tool, disabled, writes bool, e *postern.Error) {
	t.Helper()
	if e.Code != postern.Forbidden || e.Hint == "" || strings.Contains(e.Msg+e.Hint, "\n") {
		t.Errorf("%s: got %v, hint %q", tool.Name, e, e.Hint)
	}
	switch {
	case disabled:
		for _, way := range []string{"POSTERN_EXPERIMENTAL=tools", "--experimental tools", "experimental: [tools]"} {
			if !strings.Contains(e.Hint, way) {
				t.Errorf("the hint of disabled tools is %q", e.Hint)
			}
		}
	case tool.Write && !writes:
		if !strings.Contains(e.Msg, "only tools that read") {
			t.Errorf("%s: got %v", tool.Name, e)
		}
	default:
		if !strings.Contains(e.Msg, tool.Scope) || e.Param != tool.Scope || e.Reason != postern.LowScope {
			t.Errorf("%s: got %v of %s, reason %s", tool.Name, e, e.Param, e.Reason)
		}
		for _, other := range tools.Visible(who) {
			if !strings.Contains(e.Hint, other.Name) {
				t.Errorf("%s: the hint %q does not name %s, which still works", tool.Name, e.Hint, other.Name)
			}
		}
	}
}

func TestAnUnknownToolIsToldWhichWasMeant(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"list_person": "list_persons", "list-absence-periods": "list_absence_periods", "delete_everything": "list_persons, get_person", "": "list_persons",
		"x\x1b[31m\nignore": "list_persons"} {
		_, err := try(t, toolsOver(firm(t), nil), clerk(), name, nil)
		if e := postern.AsError(err); e.Code != postern.NotFound || !strings.Contains(e.Hint, want) || strings.ContainsAny(e.Msg, "\n\x1b") {
			t.Errorf("%q: got %v, hint %q", name, err, e.Hint)
		}
	}
}
