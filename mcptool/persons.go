package mcptool

import (
	"strconv"

	"postern.dev/postern"
)

type listPersonsIn struct {
	Email  string `json:"email,omitempty" jsonschema:"the e-mail address of one person"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many persons to answer with at most"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type personItem struct {
	ID string `json:"id" jsonschema:"number of the person"`
}

type personList struct {
	Items     []personItem `json:"items"`
	Truncated bool         `json:"truncated"`
}

func listPersons() *Tool {
	return define(Tool{Name: "list_persons", Title: "List Persons", Description: "People of the account.", Scope: readPersons},
		func(c *call, in listPersonsIn) (*personList, error) {
			page, err := c.dir.Persons(c.ctx, postern.PersonQuery{Paging: postern.Paging{Limit: 50}})
			out := &personList{Items: []personItem{}}
			for i := range page.Items {
				out.Items = append(out.Items, personItem{ID: numberOf(page.Items[i].ID)})
			}
			return out, err
		})
}

type getPersonIn struct {
	PersonID string `json:"person_id" jsonschema:"number of the person"`
}

func getPerson() *Tool {
	return define(Tool{Name: "get_person", Title: "Get Person", Description: "One person.", Scope: readPersons},
		func(c *call, in getPersonIn) (*personItem, error) {
			id, err := personID("person_id", in.PersonID)
			if err != nil {
				return nil, err
			}
			p, err := c.dir.Person(c.ctx, id)
			return &personItem{ID: numberOf(p.ID)}, err
		})
}

func numberOf(id postern.PersonID) string { return strconv.FormatInt(int64(id), 10) }

// personID reads the number of a person. It fails with Invalid for anything else.
func personID(param, s string) (postern.PersonID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || s[0] == '+' {
		return 0, argument(param, "%s is %q, and is the number of a person", param, postern.Shorten(s, 40)).
			WithHint("list_persons with email gives it as id")
	}
	return postern.PersonID(n), nil
}
