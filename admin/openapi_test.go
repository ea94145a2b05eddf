package admin_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/admin"
)

// What is described is what the table has, with the same scopes, parameters and headers.
func TestTheDescriptionAndTheTableNameTheSameOperations(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]admin.Operation{}
	for _, op := range admin.Operations() {
		listed[op.Method+" "+op.Path] = op
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			key := method + " " + path
			want, ok := listed[key]
			if !ok {
				t.Errorf("%s is described and not served", key)
				continue
			}
			delete(listed, key)
			var scopes, query []string
			session, match, idempotent := false, false, false
			for _, way := range *op.Security {
				scopes = append(scopes, way["oauth2"]...)
				_, browser := way["session"]
				session = session || browser
			}
			for _, p := range op.Parameters {
				switch {
				case p.Value.In == "query":
					query = append(query, p.Value.Name)
				case p.Value.Name == "If-Match":
					match = true
				case p.Value.Name == "Idempotency-Key":
					idempotent = true
				}
			}
			may := slices.Clone(admin.Scopes())
			if want.Write {
				may = slices.DeleteFunc(may, func(s string) bool { return strings.HasSuffix(s, ":read") })
			}
			if !slices.Equal(scopes, may) || !session || match != want.Match || idempotent != want.Key || !cmp.Equal(slices.Sorted(slices.Values(query)), slices.Sorted(slices.Values(want.Query)), sameNouns) {
				t.Errorf("%s: described with %v, session %v, If-Match %v, key %v, query %v; the table says %+v", key, scopes, session, match, idempotent, query, want)
			}
			if op.Summary == "" || op.OperationID == "" {
				t.Errorf("%s is not explained", key)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(listed)) {
		t.Errorf("%s is served and not described", key)
	}
}

// The bodies that are described have the members that are read, and no others.
func TestTheDescribedBodiesAreThoseThatAreRead(t *testing.T) {
	t.Parallel()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	for name, made := range admin.Bodies() {
		schema := doc.Components.Schemas[name]
		if schema == nil {
			t.Errorf("%s is not described", name)
			continue
		}
		for member, of := range schema.Value.Properties {
			body := map[string]string{"string": `"x"`, "integer": "1", "boolean": "true", "array": "[]", "number": "1"}[of.Value.Type.Slice()[0]]
			if err := admin.DecodeStrictly([]byte(`{"`+member+`":`+body+`}`), made()); err != nil {
				t.Errorf("%s.%s is described and not read: %v", name, member, err)
			}
		}
		err := admin.DecodeStrictly([]byte(`{"-":1}`), made())
		if err == nil {
			t.Fatalf("%s takes anything", name)
		}
	}
}
