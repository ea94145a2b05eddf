package registrar

import (
	"strings"

	"postern.dev/postern"
)

// set puts what is to be where something is to be.
func set[T any](at *T, to *T) {
	if to != nil {
		*at = *to
	}
}

// words says what was changed, for the audit trail.
type words []string

func (w words) String() string { return strings.Join(w, ", ") }

func (w *words) set(word string, changed bool) {
	if changed {
		*w = append(*w, word)
	}
}

func (w *words) choose(v *bool, yes, no string) {
	switch {
	case v == nil:
	case *v:
		*w = append(*w, yes)
	default:
		*w = append(*w, no)
	}
}

func nothingToChange() error {
	return postern.Errorf(postern.Invalid, "there is nothing to change")
}
