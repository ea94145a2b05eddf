package hr

import (
	"net/http"
	"slices"

	"postern.dev/postern"
)

// The list of the attributes that the client may see.
//
//	GET /v1/company/employees/attributes
//	200 {"success":true,"data":[{"key":"first_name","label":"First name","type":"standard","universal_id":"first_name","options":[]},…]}

// attributeInfo is one attribute in the list.
type attributeInfo struct {
	Key         string   `json:"key"`
	Label       string   `json:"label"`
	Type        string   `json:"type"`
	UniversalID *string  `json:"universal_id"`
	Options     []string `json:"options"`
}

func listAttributes(c *call) error {
	out := []attributeInfo{}
	seen := map[string]bool{}
	for _, f := range fieldsV1() {
		seen[f.key] = true
		if f.key == "id" || c.shows(f.key) {
			out = append(out, attributeInfo{Key: f.key, Label: f.label, Type: f.kind, UniversalID: &f.key, Options: []string{}})
		}
	}
	// A tenant's own attributes are written nowhere but in its persons, and the first of
	// them have most of them.
	page, err := c.dir.Persons(c.ctx, postern.PersonQuery{Paging: postern.Paging{Limit: postern.MaxPage}})
	if err != nil {
		return err
	}
	var custom []attributeInfo
	for _, p := range page.Items {
		for _, a := range p.Custom {
			if !seen[a.Key] && c.shows(a.Key) {
				custom = append(custom, attributeInfo{Key: a.Key, Label: a.Label, Type: kindV1(a.Kind), Options: []string{}})
			}
			seen[a.Key] = true
		}
	}
	slices.SortFunc(custom, func(a, b attributeInfo) int { return compareKeys(a.Key, b.Key) })
	return c.answer(http.StatusOK, append(out, custom...))
}
