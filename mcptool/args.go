package mcptool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// Bounds of arguments.
const (
	maxArgs   = 64 << 10 // bytes of all of them
	maxString = 4 << 10  // characters of one, unless its schema says otherwise
)

// schemaFor describes a type of ours.
func schemaFor[T any]() *jsonschema.Schema {
	s, err := jsonschema.For[T](nil)
	if err != nil {
		panic(err) // a type of ours that has no schema
	}
	plain(s)
	return s
}

// plain gives every property one type: what may be left out is not null.
func plain(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if len(s.Types) == 2 && slices.Contains(s.Types, "null") {
		s.Type, s.Types = s.Types[(slices.Index(s.Types, "null")+1)%2], nil
	}
	plain(s.Items)
	for _, p := range s.Properties {
		plain(p)
	}
}

// bound puts the bounds that arguments of the same name have in every tool.
func bound(s *jsonschema.Schema) {
	for name, p := range s.Properties {
		switch {
		case strings.HasSuffix(name, "_id") && p.Type == "string":
			p.MinLength, p.MaxLength = jsonschema.Ptr(1), jsonschema.Ptr(64)
		case name == "limit":
			p.Minimum, p.Maximum = jsonschema.Ptr(1.0), jsonschema.Ptr(float64(postern.MaxPage))
		case name == "cursor":
			p.MinLength, p.MaxLength = jsonschema.Ptr(1), jsonschema.Ptr(maxCursor)
		case name == "idempotency_key":
			p.MinLength, p.MaxLength = jsonschema.Ptr(1), jsonschema.Ptr(postern.MaxIdempotencyKey)
		case name == "comment":
			p.MinLength, p.MaxLength = jsonschema.Ptr(1), jsonschema.Ptr(postern.MaxComment)
		case p.Type == "string" && p.MaxLength == nil:
			p.MinLength, p.MaxLength = jsonschema.Ptr(1), jsonschema.Ptr(maxString)
		}
	}
}

// arguments reads what a caller sent for a tool, strictly, but in whichever way callers
// write a value: a number for an id, "true" for true, and person for person_id. What a
// tool does not know is refused: a filter that is left out would show everybody. It
// fails with Invalid, and Param naming the argument.
func arguments(t *Tool, raw json.RawMessage) (json.RawMessage, error) {
	given, err := members(raw)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, written := range slices.Sorted(maps.Keys(given)) {
		name := written
		if t.In.Properties[name] == nil {
			name += "_id" // person=12 is what people write
		}
		p := t.In.Properties[name]
		if p == nil {
			return nil, unknownArgument(t, written)
		}
		if string(given[written]) == "null" {
			continue
		}
		if _, twice := out[name]; twice {
			return nil, argument(name, "%s is given twice, once by its short name", name).WithHint("give it once")
		}
		if out[name], err = value(name, p, given[written]); err != nil {
			return nil, err
		}
	}
	_, goesOn := out["cursor"] // which carries the arguments of the call before
	for _, name := range t.In.Required {
		if _, ok := out[name]; !ok && !goesOn {
			return nil, argument(name, "the argument %s is missing", name).WithHint("%s: %s", name, t.In.Properties[name].Description)
		}
	}
	return json.Marshal(out)
}

// members takes an object apart. Names are exact, and none is there twice: two readers
// of one message that take different ones of them would see different calls.
func members(raw json.RawMessage) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if len(raw) == 0 || string(raw) == "null" {
		return out, nil
	}
	if len(raw) > maxArgs {
		return nil, argument("", "the arguments are longer than %d bytes", maxArgs)
	}
	malformed := argument("", "the arguments are no JSON object").WithHint(`write {"name": value, ...}`)
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed
	}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, malformed
		}
		if _, twice := out[name]; twice {
			return nil, argument(name, "the argument %q is there twice", postern.Shorten(name, 40))
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return nil, malformed
		}
		out[name] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, malformed
	}
	return out, nil
}

func argument(name, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = name
	return e
}

func unknownArgument(t *Tool, name string) error {
	known := slices.Sorted(maps.Keys(t.In.Properties))
	e := argument(name, "%s has no argument %q", t.Name, postern.Shorten(name, 40))
	if meant := near.Of(name, known); meant != "" {
		return e.WithHint("did you mean %s?", meant)
	}
	if len(known) == 0 {
		return e.WithHint("it takes none")
	}
	return e.WithHint("it takes %s", strings.Join(known, ", "))
}

// value reads one argument as its schema has it.
func value(name string, p *jsonschema.Schema, raw json.RawMessage) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, argument(name, "%s cannot be read", name)
	}
	text, isText := v.(string)
	if n, ok := v.(json.Number); ok {
		text = n.String()
		if i, fraction, _ := strings.Cut(text, "."); strings.Trim(fraction, "0") == "" {
			text = i // 5.0, as some programs write 5
		}
	} else if b, ok := v.(bool); ok {
		text = strconv.FormatBool(b)
	} else if !isText {
		return nil, argument(name, "%s is no %s", name, p.Type).WithHint("%s", p.Description)
	}
	switch p.Type {
	case "integer":
		return integer(name, p, text)
	case "boolean":
		if text != "true" && text != "false" {
			return nil, argument(name, "%s is %q, neither true nor false", name, postern.Shorten(text, 40))
		}
		return text == "true", nil
	}
	if _, ok := v.(bool); ok {
		return nil, argument(name, "%s is no text", name).WithHint("%s", p.Description)
	}
	return text, str(name, p, text)
}

func integer(name string, p *jsonschema.Schema, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	low, high := int64(math.MinInt32), int64(math.MaxInt32)
	if p.Minimum != nil {
		low = int64(*p.Minimum)
	}
	if p.Maximum != nil {
		high = int64(*p.Maximum)
	}
	if err != nil || n < low || n > high {
		return 0, argument(name, "%s is %s, and is a whole number from %d to %d", name, postern.Shorten(text, 40), low, high)
	}
	return n, nil
}

func str(name string, p *jsonschema.Schema, text string) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }):
		return argument(name, "%s holds a character that cannot be printed", name)
	case text == "":
		return argument(name, "%s is empty", name).WithHint("leave it out, or give it a value")
	case p.MaxLength != nil && utf8.RuneCountInString(text) > *p.MaxLength:
		return argument(name, "%s is longer than %d characters", name, *p.MaxLength)
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, any(text)):
		return argument(name, "%s is %q", name, postern.Shorten(text, 40)).WithHint("it is one of %s", strings.Trim(fmt.Sprint(p.Enum), "[]"))
	}
	return nil
}
