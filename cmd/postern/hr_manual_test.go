package main

import (
	"os"
	"strings"
	"testing"

	"postern.dev/postern/hr"
)

func TestTheManualOfTheHRAPINamesEveryColumnSwitchAndFault(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/hr.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	for _, k := range kinds() {
		_, section, found := strings.Cut(manual, "\n### "+k.name+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if !found {
			t.Errorf("docs/hr.md has no section about %s", k.name)
		}
		for _, c := range k.columns {
			if !strings.Contains(section, "`"+c.name+"`") {
				t.Errorf("docs/hr.md does not explain the column %s of %s", c.name, k.name)
			}
		}
	}
	for _, w := range hr.Switches {
		row := "| `" + w.Name + "` | `" + strings.Join(w.Values, "`, `") + "` |"
		if !strings.Contains(manual, row) {
			t.Errorf("docs/hr.md has no row %s", row)
		}
	}
	for _, s := range append(hr.Scopes(), hr.FaultKinds...) {
		if !strings.Contains(manual, "`"+s+"`") {
			t.Errorf("docs/hr.md does not explain %s", s)
		}
	}
}
