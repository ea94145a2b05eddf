package mcptool

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// Withheld gives the fields that are left out of answers where nothing else is
// configured, by tool: what people wrote freely, and what an account added itself.
func Withheld() map[string][]string {
	return map[string][]string{
		"list_persons":            {"custom_attributes"},
		"get_person":              {"custom_attributes"},
		"list_absence_periods":    {"comment"},
		"list_attendance_periods": {"comment"},
	}
}

// frame are the members of an answer that are not about anybody.
var frame = []string{"items", "truncated", "next_cursor", "notes", "withheld", "time_zone", "from", "to", "updated_from", "updated_to",
	"booked", "already_booked", "summary", "confirm", "idempotency_key", "expires_at", "absence"}

// Fields lists the fields that can be withheld from the answers of the tool, sorted:
// those that every part of an answer may do without.
func (t *Tool) Fields() []string {
	found, needed := map[string]bool{}, slices.Clone(frame)
	var look func(s *jsonschema.Schema)
	look = func(s *jsonschema.Schema) {
		if s == nil {
			return
		}
		look(s.Items)
		needed = append(needed, s.Required...)
		for name, p := range s.Properties {
			look(p)
			found[name] = true
		}
	}
	look(t.Out)
	maps.DeleteFunc(found, func(name string, _ bool) bool { return slices.Contains(needed, name) })
	return slices.Sorted(maps.Keys(found))
}

// CheckWithhold holds what is to be withheld against the tools. It fails with Invalid
// for a tool or a field that does not exist, and for a field that no answer can do
// without.
func CheckWithhold(fields map[string][]string) error {
	all := All()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		i := slices.IndexFunc(all, func(t *Tool) bool { return t.Name == name })
		if i < 0 {
			e := postern.Errorf(postern.Invalid, "fields are withheld from the tool %q, which does not exist", postern.Shorten(name, 40))
			if meant := near.Of(name, namesOf(all)); meant != "" {
				return e.WithHint("did you mean %s?", meant)
			}
			return e.WithHint("the tools are %s", strings.Join(namesOf(all), ", "))
		}
		known := all[i].Fields()
		for _, field := range fields[name] {
			if slices.Contains(known, field) {
				continue
			}
			e := postern.Errorf(postern.Invalid, "%s has no field %q that can be withheld", name, postern.Shorten(field, 40))
			if meant := near.Of(field, known); meant != "" {
				return e.WithHint("did you mean %s?", meant)
			}
			return e.WithHint("these can be: %s", strings.Join(known, ", "))
		}
	}
	return nil
}

func namesOf(tools []*Tool) (names []string) {
	for _, t := range tools {
		names = append(names, t.Name)
	}
	return names
}

// withholds says whether the configuration leaves a field out of this tool's answers.
func (c *call) withholds(field string) bool { return slices.Contains(c.withheldFields(), field) }

func (c *call) withheldFields() []string {
	if fields, ok := c.Withhold[c.tool.Name]; ok {
		return fields
	}
	return Withheld()[c.tool.Name]
}

// shows says whether the caller is shown an attribute of persons.
func (c *call) shows(attribute string) bool {
	return len(c.who.Attributes) == 0 || slices.Contains(c.who.Attributes, attribute)
}

// strip empties the fields of an item that belong to an attribute which the caller is
// not shown: their tag names it. The API of the same data does so too, and a tool must
// not be a way around it.
func strip[T any](c *call, item *T) {
	v := reflect.ValueOf(item).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if attribute := f.Tag.Get("attribute"); attribute != "" && !c.shows(attribute) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			v.Field(i).SetZero()
			c.hide(name)
		}
	}
}

// hide remembers a field that an answer does without.
func (c *call) hide(field string) {
	if !slices.Contains(c.hidden, field) {
		c.hidden = append(c.hidden, field)
	}
}

// show makes the answer of a tool: without what is withheld, with the names of that and
// with the notes, and with text that is safe to print.
func (c *call) show(out any) (map[string]any, error) {
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	var data map[string]any
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, err
	}
	known := c.tool.Fields()
	for _, field := range c.withheldFields() {
		if slices.Contains(known, field) { // without a field that it needs an answer would be none
			without(data, field)
			c.hide(field)
		}
	}
	clean(data)
	if len(c.notes) > 0 {
		data["notes"] = anys(c.notes)
	}
	if slices.Sort(c.hidden); len(c.hidden) > 0 {
		data["withheld"] = anys(c.hidden)
	}
	return data, nil
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// without takes a field out of an answer, wherever it is.
func without(v any, field string) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, field)
		for _, inner := range v {
			without(inner, field)
		}
	case []any:
		for _, inner := range v {
			without(inner, field)
		}
	}
}

// clean makes every text of an answer one that is safe to print; values that are ours
// are so already.
func clean(v any) any {
	switch v := v.(type) {
	case string:
		return printable(v)
	case map[string]any:
		for k, inner := range v {
			v[k] = clean(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = clean(inner)
		}
	}
	return v
}
