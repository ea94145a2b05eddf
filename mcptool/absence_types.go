package mcptool

import (
	"postern.dev/postern"
)

const (
	typesPage  = 100 // what the API gives at once
	typesLimit = 50  // of an answer that asks for no other
)

type listAbsenceTypesIn struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"how many types to answer with at most, 1 to 500; 50 when left out"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before, to get what comes next"`
}

type absenceTypeItem struct {
	ID       string `json:"id" jsonschema:"id of the type, to give as absence_type_id"`
	Name     string `json:"name,omitempty" jsonschema:"what the account calls it"`
	Category string `json:"category,omitempty" jsonschema:"kind of absence, such as paid_vacation or sick_leave"`
	Unit     string `json:"unit,omitempty" jsonschema:"DAY or HOUR: what absences of the type are counted in"`
}

type absenceTypeList struct {
	Items []absenceTypeItem `json:"items"`
	listed
}

func listAbsenceTypes() *Tool {
	return define(Tool{
		Name: "list_absence_types", Title: "List Absence Types", Scope: readAbsences,
		Columns:     []Column{{"ID", "id"}, {"Name", "name"}, {"Category", "category"}, {"Unit", "unit"}},
		Description: "Lists the account's types of absence, such as vacation or sick leave, with the ids that list_absence_periods filters by and that booking an absence needs.",
	}, func(c *call, in listAbsenceTypesIn) (*absenceTypeList, error) {
		in.Limit = limitOf(in.Limit, typesLimit)
		types, rest, err := walk(c, in.Limit, typesPage, "absence types", c.dir.AbsenceTypes, nil)
		if err != nil {
			return nil, err
		}
		out := &absenceTypeList{Items: []absenceTypeItem{}}
		for i := range types {
			out.Items = append(out.Items, typeItem(&types[i]))
		}
		return out, c.cut(&out.listed, rest, in)
	})
}

func typeItem(t *postern.AbsenceType) absenceTypeItem {
	return absenceTypeItem{t.ID, t.Name, t.Category, string(t.Unit)}
}
