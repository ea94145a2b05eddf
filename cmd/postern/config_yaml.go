package main

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// decodeStrict reads YAML into dst and refuses unknown keys, naming the nearest
// right one: a misspelt setting that is ignored is worse than a refused start.
func decodeStrict(raw []byte, where string, dst any) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return postern.Errorf(postern.Invalid, "%s is not YAML: %v", where, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if bad := unknownKeys(doc.Content[0], reflect.TypeOf(dst).Elem(), ""); len(bad) > 0 {
		return postern.Errorf(postern.Invalid, "%s has keys that mean nothing:\n  - %s", where, strings.Join(bad, "\n  - "))
	}
	if err := doc.Decode(dst); err != nil {
		return postern.Errorf(postern.Invalid, "%s: %v", where, err)
	}
	return nil
}

func unknownKeys(node *yaml.Node, t reflect.Type, path string) (bad []string) {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	if t.Kind() == reflect.Map { // its keys are names that the operator gives
		for i := 0; i+1 < len(node.Content); i += 2 {
			bad = append(bad, unknownKeys(node.Content[i+1], t.Elem(), path+postern.Shorten(node.Content[i].Value, 60)+".")...)
		}
		return bad
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	var names []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = t.Field(i).Type
			names = append(names, name)
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		ft, ok := fields[key.Value]
		if !ok {
			line := fmt.Sprintf("line %d: %s%s", key.Line, path, postern.Shorten(key.Value, 60))
			if meant := near.Of(key.Value, names); meant != "" {
				line += "; did you mean " + path + meant + "?"
			}
			bad = append(bad, line)
			continue
		}
		bad = append(bad, unknownKeys(node.Content[i+1], ft, path+key.Value+".")...)
	}
	return bad
}
