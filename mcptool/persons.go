package mcptool

import (
	"context"
	"strconv"
	"strings"

	"postern.dev/postern"
)

const (
	personsPage   = 50 // what the API gives at once
	personsLimit  = 50 // of an answer that asks for no other
	profileLimit  = 20 // employments in a profile
	maxAttributes = 100
)

type listPersonsIn struct {
	Email        string `json:"email,omitempty" jsonschema:"the e-mail address of the one person to find; the answer is then their whole profile with employments"`
	Limit        int    `json:"limit,omitempty" jsonschema:"how many persons to answer with at most, 1 to 500; 50 when left out"`
	Cursor       string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before, to get what comes next"`
	IncludeNames *bool  `json:"include_names,omitempty" jsonschema:"whether to look up the names of supervisors; true when left out"`
}

// attributeItem is a field that an account added to its persons.
type attributeItem struct {
	Key    string   `json:"key"`
	Label  string   `json:"label,omitempty"`
	Value  string   `json:"value,omitempty"`
	Values []string `json:"values,omitempty"`
}

// personItem is a person in an answer. Employments are in a profile only.
type personItem struct {
	ID               string           `json:"id" jsonschema:"number of the person, to give as person_id"`
	FirstName        string           `json:"first_name,omitempty" attribute:"first_name"`
	LastName         string           `json:"last_name,omitempty" attribute:"last_name"`
	PreferredName    string           `json:"preferred_name,omitempty" attribute:"preferred_name"`
	Email            string           `json:"email,omitempty" attribute:"email"`
	Status           string           `json:"status,omitempty" attribute:"status" jsonschema:"ACTIVE while the newest employment is active, on leave or onboarding, else INACTIVE"`
	Gender           string           `json:"gender,omitempty" attribute:"gender"`
	Employments      []employmentItem `json:"employments,omitempty" jsonschema:"employments of the person, newest first"`
	CustomAttributes []attributeItem  `json:"custom_attributes,omitempty" jsonschema:"fields that the account added"`
	CreatedAt        string           `json:"created_at,omitempty" attribute:"created_at"`
	UpdatedAt        string           `json:"updated_at,omitempty" attribute:"last_modified_at"`
}

type personList struct {
	Items []personItem `json:"items"`
	listed
}

func personColumns() []Column {
	return []Column{{"ID", "id"}, {"First name", "first_name"}, {"Last name", "last_name"}, {"E-mail", "email"}, {"Status", "status"},
		{"Position", "employments.position"}, {"Department", "employments.department|employments.department_id"}}
}

func listPersons() *Tool {
	return define(Tool{
		Name: "list_persons", Title: "List Persons", Scope: readPersons, Columns: personColumns(),
		Description: "Lists the people of the account, or finds one by e-mail address. With email, one call gives the whole profile: " +
			"names, status and the employments with position, department, team, office and supervisor. Without it each person comes with names, e-mail address and status.",
	}, func(c *call, in listPersonsIn) (*personList, error) {
		q := postern.PersonQuery{}
		if in.Email != "" {
			if !c.shows("email") {
				return nil, argument("email", "this caller is not shown e-mail addresses, and cannot find people by them").
					WithHint("leave email out, or have email added to the attributes of the client")
			}
			in.Email = postern.CanonicalEmail(in.Email)
			if err := postern.CheckEmail(in.Email); err != nil {
				e := *postern.AsError(err)
				e.Param = "email"
				return nil, &e
			}
			q.Emails, q.Detail = []string{in.Email}, true
		}
		in.Limit = limitOf(in.Limit, personsLimit)
		persons, rest, err := walk(c, in.Limit, personsPage, "persons", func(ctx context.Context, p postern.Paging) (postern.Page[postern.Person], error) {
			q.Paging = p
			return c.dir.Persons(ctx, q)
		}, func(p *postern.Person) bool {
			return in.Email == "" || p.Email == "" || postern.CanonicalEmail(p.Email) == in.Email
		})
		if err != nil {
			return nil, err
		}
		if in.Email != "" && len(persons) == 0 && !rest.more {
			c.note("nobody in the account has this e-mail address")
		}
		out := &personList{Items: []personItem{}}
		for i := range persons {
			out.Items = append(out.Items, c.personItem(&persons[i], q.Detail))
		}
		if yes(in.IncludeNames) {
			c.nameSupervisors(employmentsIn(out.Items))
		}
		return out, c.cut(&out.listed, rest, in)
	})
}

type getPersonIn struct {
	PersonID     string `json:"person_id" jsonschema:"number of the person, as in id of list_persons"`
	IncludeNames *bool  `json:"include_names,omitempty" jsonschema:"whether to look up the names of supervisors; true when left out"`
}

type personAnswer struct {
	personItem
	Notes    []string `json:"notes,omitempty" jsonschema:"what has to be known about this answer"`
	Withheld []string `json:"withheld,omitempty" jsonschema:"names of fields that the caller is not shown"`
}

func getPerson() *Tool {
	return define(Tool{
		Name: "get_person", Title: "Get Person", Scope: readPersons, Columns: personColumns(),
		Description: "Gives one person by number: names, e-mail address, status and the employments with position, department, team, office and supervisor. " +
			"To find somebody by e-mail address use list_persons.",
	}, func(c *call, in getPersonIn) (*personAnswer, error) {
		id, err := c.personID("person_id", in.PersonID)
		if err != nil {
			return nil, err
		}
		p, err := again(c, func() (postern.Person, error) { return c.dir.Person(c.ctx, id) })
		if err != nil {
			return nil, missing(err, "there is no person %d", id)
		}
		out := &personAnswer{personItem: c.personItem(&p, true)}
		if yes(in.IncludeNames) {
			c.nameSupervisors(pointers(out.Employments))
		}
		return out, nil
	})
}

// personItem makes the item of a person, as far as the caller is shown it.
func (c *call) personItem(p *postern.Person, whole bool) personItem {
	c.asks(p.ID)
	item := personItem{ID: numberOf(p.ID), FirstName: p.FirstName, LastName: p.LastName, PreferredName: p.PreferredName, Email: p.Email,
		Status: "INACTIVE", Gender: string(p.Gender), CreatedAt: utc(p.CreatedAt), UpdatedAt: utc(p.UpdatedAt)}
	if p.Active {
		item.Status = "ACTIVE"
	}
	if p.Gender == postern.GenderUnspecified {
		item.Gender = ""
	}
	for _, a := range p.Custom[:min(len(p.Custom), maxAttributes)] {
		if !c.shows(a.Key) {
			c.hide("custom_attributes")
			continue
		}
		item.CustomAttributes = append(item.CustomAttributes, attributeItem{a.Key, a.Label, a.Value, a.Values})
	}
	if whole {
		if len(p.Employments) > profileLimit {
			c.note("only the newest " + strconv.Itoa(profileLimit) + " employments are here: list_employments gives all")
		}
		for i := range p.Employments[:min(len(p.Employments), profileLimit)] {
			item.Employments = append(item.Employments, c.employmentItem(&p.Employments[i]))
		}
	}
	strip(c, &item)
	return item
}

func employmentsIn(persons []personItem) (all []*employmentItem) {
	for i := range persons {
		all = append(all, pointers(persons[i].Employments)...)
	}
	return all
}

func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}

func yes(b *bool) bool { return b == nil || *b }

// asPerson reads what numberOf wrote, 0 for nothing.
func asPerson(s string) postern.PersonID {
	n, _ := strconv.ParseInt(s, 10, 64)
	return postern.PersonID(n)
}

func numberOf(id postern.PersonID) string { return strconv.FormatInt(int64(id), 10) }

// personID reads the number of a person whom the call is about. It fails with Invalid
// for anything else.
func (c *call) personID(param, s string) (postern.PersonID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strings.HasPrefix(s, "+") {
		return 0, argument(param, "%s is %q, and is the number of a person", param, postern.Shorten(s, 40)).
			WithHint("list_persons gives it as id; with email it finds one person")
	}
	c.asks(postern.PersonID(n))
	return postern.PersonID(n), nil
}

// missing says what is not there, of an error that only says that something is not.
func missing(err error, format string, args ...any) error {
	if postern.CodeOf(err) != postern.NotFound {
		return err
	}
	e := *postern.AsError(err)
	e.Msg = postern.Errorf(e.Code, format, args...).Msg
	return &e
}
