package mcptool

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"postern.dev/postern"
)

// maxText bounds one text of an answer, in bytes: the longest are cursors.
const maxText = 16 << 10

// printable gives text without what could pass for something else: on one line, and
// without characters that control a terminal, cannot be seen, or turn around the order
// of what follows them.
func printable(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if !plain {
		s = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r):
				return ' '
			case r == 0x200c || r == 0x200d: // joiners, which some scripts cannot be read without
				return r
			case r == utf8.RuneError || unicode.In(r, unicode.C):
				return -1
			}
			return r
		}, s)
	}
	if len(s) > maxText {
		return postern.Shorten(s, maxText)
	}
	return s
}

// line gives a sentence as it may stand in an answer.
func line(s string) string {
	const most = 600
	if s = printable(s); len(s) > most {
		return postern.Shorten(s, most) + "…"
	}
	return s
}

// Text gives the answer to be read: what it is, then a line for each item with all of
// its fields, and notes at the end. What people wrote, or may have, stands in quotes and
// on one line: it is data.
func (a *Answer) Text() string {
	if a.Question != nil {
		return a.Question.Text
	}
	var b strings.Builder
	b.WriteString(a.summary())
	b.WriteByte('\n')
	items, isList := a.Data["items"].([]any)
	if isList {
		for _, item := range items {
			if m, ok := item.(map[string]any); ok {
				b.WriteString("- " + fieldsOf(m, a.Tool.Out.Properties["items"].Items) + "\n")
			}
		}
	} else {
		rest := maps.Clone(a.Data)
		for _, name := range []string{"notes", "withheld", "summary"} {
			delete(rest, name)
		}
		b.WriteString(fieldsOf(rest, a.Tool.Out) + "\n")
	}
	if next, ok := a.Data["next_cursor"].(string); ok {
		b.WriteString("next_cursor: " + next + "\n")
	}
	if withheld, ok := a.Data["withheld"].([]any); ok {
		fmt.Fprintf(&b, "withheld: %s\n", joined(withheld, ", "))
	}
	if notes, ok := a.Data["notes"].([]any); ok {
		fmt.Fprintf(&b, "note: %s\n", joined(notes, "\nnote: "))
	}
	return b.String()
}

// summary says in a line what the answer is.
func (a *Answer) summary() string {
	if s, ok := a.Data["summary"].(string); ok {
		return s
	}
	items, isList := a.Data["items"].([]any)
	if !isList {
		return a.Tool.Title + ":"
	}
	s := fmt.Sprintf("%s: %d", a.Tool.Title, len(items))
	for _, p := range [][3]string{{"from", " from ", "to"}, {"to", " to ", ""}} {
		if v, ok := a.Data[p[0]].(string); ok {
			s += p[1] + v
		}
	}
	if zone, ok := a.Data["time_zone"].(string); ok {
		s += " (" + zone + ")"
	}
	if a.Data["truncated"] == true {
		s += "; there is more"
		if a.Data["next_cursor"] != nil {
			s += ": call again with next_cursor as cursor"
		}
	}
	return s
}

// fieldsOf writes the members of an object in the order of its schema.
func fieldsOf(m map[string]any, s *jsonschema.Schema) string {
	var parts []string
	for _, name := range namesIn(m, s) {
		if m[name] != nil {
			parts = append(parts, name+"="+written(name, m[name], inner(s, name)))
		}
	}
	return strings.Join(parts, " ")
}

// namesIn lists the members of an object, those of its schema first and in that order.
func namesIn(m map[string]any, s *jsonschema.Schema) (names []string) {
	if s != nil {
		names = slices.Clone(s.PropertyOrder)
	}
	names = slices.DeleteFunc(names, func(n string) bool { _, ok := m[n]; return !ok })
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func inner(s *jsonschema.Schema, name string) *jsonschema.Schema {
	if s == nil || s.Properties[name] == nil {
		return nil
	}
	if p := s.Properties[name]; p.Items != nil {
		return p.Items
	}
	return s.Properties[name]
}

// written writes a value: text in quotes, unless it is one of our own words.
func written(name string, v any, s *jsonschema.Schema) string {
	switch v := v.(type) {
	case string:
		if ownWord(name, v) {
			return v
		}
		return cited(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		return "{" + fieldsOf(v, s) + "}"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = written(name, v[i], s)
		}
		return "[" + strings.Join(parts, "; ") + "]"
	}
	return ""
}

// ownWord says whether a value may stand without quotes: an id, a date or a word of a
// closed list, and written as one.
func ownWord(name, v string) bool {
	for _, end := range []string{"id", "_id", "_at", "_day", "_date", "day", "status", "type", "unit", "category", "confirm", "idempotency_key", "time_zone"} {
		if name == end || end[0] == '_' && strings.HasSuffix(name, end) {
			return v != "" && !strings.ContainsFunc(v, func(r rune) bool {
				return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("-_:+./", r)
			})
		}
	}
	return false
}

func joined(list []any, sep string) string {
	var parts []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, sep)
}
