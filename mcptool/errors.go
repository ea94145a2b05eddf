package mcptool

import (
	"slices"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// explain says of a call that failed what happened and what to do.
func (c *call) explain(err error) error { return err }

func (t *Tools) unknownTool(name string) error {
	var known []string
	for _, tool := range t.all {
		known = append(known, tool.Name)
	}
	slices.Sort(known)
	e := postern.Errorf(postern.NotFound, "there is no tool %q", postern.Shorten(name, 40))
	if meant := near.Of(name, known); meant != "" {
		return e.WithHint("did you mean %s?", meant)
	}
	return e
}

func writesOff() error {
	return postern.Errorf(postern.Forbidden, "this connector only reads").WithHint("start it with writes on")
}

// Disabled is the error of a connector that is not enabled.
func Disabled() error {
	return postern.Errorf(postern.Forbidden, "the connector is experimental, and not enabled").
		WithHint("set POSTERN_EXPERIMENTAL=tools, pass --experimental tools, or write experimental: [tools] into the configuration")
}
