package hr

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// A custom attribute of a person, as both ends of version 2 write it.

// attributeV2 is a field that a tenant added.
type attributeV2 struct {
	ID       openText         `json:"id"`
	Type     option[openText] `json:"type,omitzero"`
	GlobalID option[openText] `json:"global_id,omitzero"`
	Label    option[openText] `json:"label,omitzero"`
	Value    json.RawMessage  `json:"value"`
}

func encodeAttribute(a *postern.Attribute, upper bool) attributeV2 {
	kind := string(cmp.Or(a.Kind, postern.AttributeText))
	if upper {
		kind = strings.ToUpper(kind)
	}
	w := attributeV2{ID: openText(a.Key), Type: some(openText(kind)), GlobalID: some(openText(a.Key)), Value: encodeValue(a)}
	if a.Label != "" {
		w.Label = some(openText(a.Label))
	}
	return w
}

func encodeAttributes(all []postern.Attribute) option[[]attributeV2] {
	if len(all) == 0 {
		return option[[]attributeV2]{}
	}
	var out []attributeV2
	for i := range all {
		out = append(out, attributeV2{ID: openText(all[i].Key), Value: encodeValue(&all[i])})
	}
	return some(out)
}

// encodeValue writes a value as its kind says, and as text when it is not of its kind.
func encodeValue(a *postern.Attribute) json.RawMessage {
	var v any = a.Value
	switch a.Kind {
	case postern.AttributeList:
		v = slices.Concat([]string{}, a.Values)
	case postern.AttributeInt:
		if n, err := strconv.ParseInt(a.Value, 10, 64); err == nil {
			v = n
		}
	case postern.AttributeDouble:
		var f openNumber
		if a.Value != "" && f.UnmarshalJSON([]byte(a.Value)) == nil {
			v = f
		}
	case postern.AttributeBool:
		if b, err := strconv.ParseBool(a.Value); err == nil {
			v = b
		}
	}
	b, _ := json.Marshal(v) // of scalars and text
	return b
}

// decodeAttribute reads an attribute with a value of any kind.
func decodeAttribute(w *attributeV2) (postern.Attribute, error) {
	a := postern.Attribute{Key: string(w.ID), Label: string(w.Label.v), Kind: postern.AttributeKind(strings.ToLower(string(w.Type.v)))}
	if a.Key == "" {
		return a, missing("custom_attributes[].id")
	}
	var v any
	if len(w.Value) > 0 && json.Unmarshal(w.Value, &v) != nil {
		return a, badParam("custom_attributes[].value", "the value of %s cannot be read", postern.Shorten(a.Key, 40))
	}
	kind := postern.AttributeText
	switch v := v.(type) {
	case nil:
	case string:
		a.Value = v
	case []any:
		kind = postern.AttributeList
		for _, item := range v {
			a.Values = append(a.Values, wordOf(item))
		}
	case bool:
		kind, a.Value = postern.AttributeBool, strconv.FormatBool(v)
	case float64:
		kind, a.Value = postern.AttributeDouble, string(w.Value)
		if _, err := strconv.ParseInt(a.Value, 10, 64); err == nil {
			kind = postern.AttributeInt
		}
	default:
		a.Value = wordOf(v)
	}
	a.Kind = cmp.Or(a.Kind, kind)
	return a, nil
}

// wordOf gives an item of a list as text: what an object calls itself, and else its JSON.
func wordOf(item any) string {
	switch v := item.(type) {
	case string:
		return v
	case map[string]any:
		for _, name := range []string{"value", "name", "label", "id"} {
			if s, ok := v[name].(string); ok {
				return s
			}
		}
	}
	b, _ := json.Marshal(item) // of what was JSON
	return string(b)
}
