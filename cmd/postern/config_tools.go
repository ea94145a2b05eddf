package main

import (
	"slices"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
	"postern.dev/postern/mcptool"
)

// experimentTools names the tools among what is experimental.
const experimentTools = "tools"

// experiments lists what is experimental.
var experiments = [...]string{experimentTools}

// toolsConfig is how the tools behave, on every surface.
type toolsConfig struct {
	// TimeZone is that in which words such as today are read.
	TimeZone string `yaml:"time_zone"`
	// Withhold lists fields that are left out of answers, by tool.
	Withhold map[string][]string `yaml:"withhold"`
}

// enabled says whether something experimental is enabled: by the file, by the
// environment, or by a flag of the command.
func (c *config) enabled(name string, flag []string) bool {
	return slices.Contains(c.Experimental, name) || slices.Contains(listed(flag...), name)
}

// listed reads lists whose parts are parted by commas or blanks.
func listed(lists ...string) (all []string) {
	return strings.FieldsFunc(strings.Join(lists, ","), func(r rune) bool { return r == ',' || r == ' ' })
}

// checkExperiments fails with Invalid for a name that means nothing experimental.
func checkExperiments(names []string) error {
	for _, name := range names {
		if slices.Contains(experiments[:], name) {
			continue
		}
		e := postern.Errorf(postern.Invalid, "experimental: there is no %q", postern.Shorten(name, 40))
		if meant := near.Of(name, experiments[:]); meant != "" {
			return e.WithHint("did you mean %s?", meant)
		}
		return e.WithHint("there is %s", strings.Join(experiments[:], ", "))
	}
	return nil
}

// check fails with Invalid for settings of the tools that mean nothing.
func (t *toolsConfig) check() error {
	if t.TimeZone != "" {
		if _, err := postern.ParseZone(t.TimeZone); err != nil {
			return err
		}
	}
	return mcptool.CheckWithhold(t.Withhold)
}

// publicLine is an error with its hint on one line, "" for none.
func publicLine(err error) string {
	if err == nil {
		return ""
	}
	return publicCause(err)
}
