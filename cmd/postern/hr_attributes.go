package main

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"postern.dev/postern"
)

// attributesName is the member that holds the attributes of a person in JSON. A table
// has a column for each: KEY, or KEY:KIND:LABEL.
const attributesName = "custom_attributes"

// maxAttributeColumns bounds how many columns a table has for attributes.
const maxAttributeColumns = 1000

// attributesColumn holds all attributes of a person.
func attributesColumn() column {
	return column{name: attributesName, form: formList,
		get: func(noun any) field {
			all := slices.Clone(noun.(*person).Custom)
			all = slices.DeleteFunc(all, func(a postern.Attribute) bool { return a.Value == "" && len(a.Values) == 0 })
			slices.SortFunc(all, byKey)
			for i := range all {
				all[i].Kind = cmp.Or(all[i].Kind, postern.AttributeText)
			}
			return field{pairs: all}
		},
		set: func(d *draft, f field) error {
			for _, a := range f.pairs {
				if err := putAttribute(d, a); err != nil {
					return err
				}
			}
			return nil
		}}
}

// byKey orders dynamic_9 before dynamic_10.
func byKey(a, b postern.Attribute) int {
	return cmp.Or(cmp.Compare(len(a.Key), len(b.Key)), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Label, b.Label))
}

// putAttribute adds an attribute that is not empty to a person.
func putAttribute(d *draft, a postern.Attribute) error {
	p := d.noun.(*person)
	if slices.ContainsFunc(p.Custom, func(o postern.Attribute) bool { return o.Key == a.Key }) {
		return bad("the attribute %q is there twice", a.Key)
	}
	if a.Value != "" || len(a.Values) > 0 {
		p.Custom = append(p.Custom, a)
	}
	return nil
}

func kindOfAttribute(s string) (postern.AttributeKind, *postern.Error) {
	if s == "" {
		return postern.AttributeText, nil
	}
	if slices.Contains(postern.AttributeKinds, postern.AttributeKind(s)) {
		return postern.AttributeKind(s), nil
	}
	e := bad("there is no kind of attribute %q", s)
	return "", e.WithHint("write KEY:KIND:LABEL with one of string, int, double, date, boolean, string_list")
}

// attributeColumn is the column of one attribute, by its head: KEY, KEY:KIND or
// KEY:KIND:LABEL. A colon in the key has a backslash before it.
func attributeColumn(head string) (column, *postern.Error) {
	key, rest := head, ""
	for i := 0; i < len(head); i++ {
		if head[i] == '\\' {
			i++
		} else if head[i] == ':' {
			key, rest = head[:i], head[i+1:]
			break
		}
	}
	kindName, label, _ := strings.Cut(rest, ":")
	k, err := kindOfAttribute(kindName)
	if err != nil {
		return column{}, err
	}
	return oneAttribute(postern.Attribute{Key: strings.NewReplacer(`\\`, `\`, `\:`, ":").Replace(key), Kind: k, Label: label}, head), nil
}

// oneAttribute is the column of the attribute that a is an example of.
func oneAttribute(a postern.Attribute, head string) column {
	if head == "" {
		head = strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(a.Key) + ":" + string(a.Kind) + ":" + a.Label
	}
	c := column{name: head,
		get: func(noun any) field {
			for _, o := range noun.(*person).Custom {
				if o.Key == a.Key && cmp.Or(o.Kind, postern.AttributeText) == a.Kind && o.Label == a.Label {
					return field{text: o.Value, list: o.Values}
				}
			}
			return field{}
		},
		set: func(d *draft, f field) error {
			full := a
			full.Value, full.Values = f.text, f.list
			if err := full.Check(); err != nil {
				return err
			}
			return putAttribute(d, full)
		}}
	if a.Kind == postern.AttributeList {
		c.form = formList
	}
	return c
}

// attributeHeads are the attributes that somebody has: key, kind and label.
type attributeHeads struct {
	there map[string]postern.Attribute // without a value, by head
	err   error
}

// attributesOf reads all persons to find them.
func attributesOf(persons iter.Seq2[any, error]) attributeHeads {
	all := attributeHeads{there: map[string]postern.Attribute{}}
	for p, err := range persons {
		if err != nil {
			all.err = err
			return all
		}
		for _, a := range p.(*person).Custom {
			if a.Value != "" || len(a.Values) > 0 {
				a = postern.Attribute{Key: a.Key, Label: a.Label, Kind: cmp.Or(a.Kind, postern.AttributeText)}
				all.there[oneAttribute(a, "").name] = a
			}
		}
		if len(all.there) > maxAttributeColumns {
			all.err = postern.Errorf(postern.Invalid, "the persons have more than %d different attributes", maxAttributeColumns).
				WithHint("a table would be too wide: use --format json")
			return all
		}
	}
	return all
}

// columns gives the columns of a table of persons: those of the kind, and in the place
// of the attributes one for each.
func (all attributeHeads) columns(k kind) ([]column, error) {
	out := slices.DeleteFunc(slices.Clone(k.columns), func(c column) bool { return c.name == attributesName })
	for _, a := range slices.SortedFunc(maps.Values(all.there), byKey) {
		out = append(out, oneAttribute(a, ""))
	}
	return out, all.err
}

// tableColumns gives the columns of a table of the kind. For persons it reads all of
// them.
func tableColumns(ctx context.Context, k kind, dir postern.Directory) ([]column, error) {
	if k.name != personKind().name {
		return k.columns, nil
	}
	return attributesOf(k.rows(ctx, dir)).columns(k)
}
