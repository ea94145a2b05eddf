package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// profile prints one thing with all that is told of it: a line for each of its facts,
// and a table for each list in it.
func (a *app) profile(s *jsonschema.Schema, thing map[string]any) error {
	var pairs []string
	var tables []string
	for _, key := range keysOf(s, thing) {
		switch v := thing[key].(type) {
		case []any:
			if len(v) > 0 && isThing(v[0]) {
				tables = append(tables, key)
			} else if len(v) > 0 {
				pairs = append(pairs, head(key), strings.Join(texts(v), ", "))
			}
		case map[string]any:
		default:
			pairs = append(pairs, head(key), fmt.Sprint(v))
		}
	}
	if err := a.pairs(pairs...); err != nil {
		return err
	}
	for _, key := range tables {
		fmt.Fprintf(a.stdout, "\n%s\n", head(key))
		if err := a.things(itemsOf(s, key), listOf(thing[key])); err != nil {
			return err
		}
	}
	return nil
}

// things prints a list in a thing: what is told of any of them, in columns. When each was
// written down is left out, so that the rest has room.
func (a *app) things(s *jsonschema.Schema, list []any) error {
	every := map[string]any{}
	for _, v := range list {
		thing, _ := v.(map[string]any)
		for key, v := range thing {
			_, deep := v.([]any)
			if when := key == "created_at" || key == "updated_at"; !deep && !when && !isThing(v) {
				every[key] = v
			}
		}
	}
	keys := keysOf(s, every)
	var heads []string
	for _, key := range keys {
		heads = append(heads, strings.ToUpper(head(key)))
	}
	var rows [][]string
	for _, v := range list {
		thing, _ := v.(map[string]any)
		var row []string
		for _, key := range keys {
			if v, ok := thing[key]; ok {
				row = append(row, fmt.Sprint(v))
			} else {
				row = append(row, "")
			}
		}
		rows = append(rows, row)
	}
	return a.table(strings.Join(heads, "|"), rows)
}

func isThing(v any) bool { _, ok := v.(map[string]any); return ok }

// head is the name of a fact as people read it.
func head(key string) string {
	words := strings.ReplaceAll(key, "_", " ")
	if words == "id" {
		return "ID"
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// keysOf are the keys of a thing in the order of its schema.
func keysOf(s *jsonschema.Schema, thing map[string]any) (keys []string) {
	if s != nil {
		for _, key := range s.PropertyOrder {
			if _, ok := thing[key]; ok {
				keys = append(keys, key)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(thing)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// itemsOf is the schema of the things in a list, nil if it has none.
func itemsOf(s *jsonschema.Schema, key string) *jsonschema.Schema {
	if s == nil || s.Properties[key] == nil {
		return nil
	}
	return s.Properties[key].Items
}
