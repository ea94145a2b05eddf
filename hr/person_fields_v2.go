package hr

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// A person of version 2 as it is read and as it is written, of which persons_v2.go shows
// both ends.

// personV2 is a person on the wire. With none of the options it is what a client sees
// that is shown nothing.
type personV2 struct {
	ID          openText              `json:"id"`
	Email       option[openText]      `json:"email,omitzero"`
	FirstName   option[openText]      `json:"first_name,omitzero"`
	LastName    option[openText]      `json:"last_name,omitzero"`
	Preferred   option[openText]      `json:"preferred_name,omitzero"`
	Gender      option[openText]      `json:"gender,omitzero"`
	Status      option[openText]      `json:"status,omitzero"`
	CreatedAt   option[moment]        `json:"created_at,omitzero"`
	UpdatedAt   option[moment]        `json:"updated_at,omitzero"`
	Picture     option[pictureV2]     `json:"profile_picture,omitzero"`
	Custom      option[[]attributeV2] `json:"custom_attributes,omitzero"`
	Employments option[[]ref]         `json:"employments,omitzero"`
	Meta        *links                `json:"_meta,omitempty"`
}

type pictureV2 struct {
	URL openText `json:"url"`
}

// personWrite is a person to be made or changed.
type personWrite struct {
	Email       option[openText]        `json:"email,omitzero"`
	FirstName   option[openText]        `json:"first_name,omitzero"`
	LastName    option[openText]        `json:"last_name,omitzero"`
	Preferred   option[openText]        `json:"preferred_name,omitzero"`
	Gender      option[openText]        `json:"gender,omitzero"`
	Language    option[openText]        `json:"language_code,omitzero"`
	Custom      option[[]attributeV2]   `json:"custom_attributes,omitzero"`
	Employments option[[]employmentNew] `json:"employments,omitzero"`
}

// encodePerson writes what the client is shown of p.
func (c *call) encodePerson(p *postern.Person) personV2 {
	id := strconv.FormatInt(int64(p.ID), 10)
	w := personV2{ID: openText(id), Meta: linked("employments", c.url(employmentsOf(p.ID)))}
	words := func(to *option[openText], attribute, value string) {
		if c.shows(attribute) {
			*to = some(openText(value))
		}
	}
	if p.Email != "" {
		words(&w.Email, "email", p.Email)
	}
	words(&w.FirstName, "first_name", p.FirstName)
	words(&w.LastName, "last_name", p.LastName)
	words(&w.Preferred, "preferred_name", p.PreferredName)
	words(&w.Gender, "gender", string(cmp.Or(p.Gender, postern.GenderUnspecified)))
	status := personInactive
	if p.Active {
		status = personActive
	}
	words(&w.Status, "status", status)
	if c.shows("created_at") {
		w.CreatedAt = at(p.CreatedAt)
	}
	if c.shows("last_modified_at") {
		w.UpdatedAt = at(p.UpdatedAt)
	}
	if c.shows("profile_picture") {
		w.Picture = some(pictureV2{openText(c.url("/v1/company/employees/" + id + "/profile-picture"))})
	}
	custom := []attributeV2{}
	for i := range p.Custom {
		if a := &p.Custom[i]; c.shows(a.Key) {
			custom = append(custom, encodeAttribute(a, c.is("attribute-type", "upper")))
		}
	}
	if len(custom) == len(p.Custom) || len(custom) > 0 {
		w.Custom = some(custom)
	}
	ids := make([]ref, len(p.Employments))
	for i := range p.Employments {
		ids[i].ID = openText(p.Employments[i].ID)
	}
	w.Employments = some(ids)
	return w
}

// languages are those that a person can be written to in.
var languages = []string{"de", "en", "es", "fi", "fr", "it", "nl", "sv"}

// decodePersonChange reads what is to change; null takes a value away.
func decodePersonChange(w *personWrite) (postern.PersonChange, error) {
	var c postern.PersonChange
	for _, f := range []struct {
		to   **string
		from option[openText]
	}{{&c.Email, w.Email}, {&c.FirstName, w.FirstName}, {&c.LastName, w.LastName}, {&c.PreferredName, w.Preferred}, {&c.Language, w.Language}} {
		if f.from.given() {
			s := string(f.from.v)
			*f.to = &s
		}
	}
	if w.Gender.given() {
		g := postern.Gender(w.Gender.v)
		switch g {
		case "UNKNOWN", "UNDEFINED", "": // words that clients have for it
			g = postern.GenderUnspecified
		}
		c.Gender = &g
	}
	if s := string(w.Language.v); s != "" && !slices.Contains(languages, s) {
		return c, unprocessable(badParam("language_code", "there is no language %q", postern.Shorten(s, 40)).
			WithHint("it is one of %s", strings.Join(languages, ", ")))
	}
	for i := range w.Custom.v {
		if v := w.Custom.v[i].Value; len(v) > 0 && v[0] == '{' {
			return c, badParam("custom_attributes[].value", "the value of %s cannot be an object", postern.Shorten(string(w.Custom.v[i].ID), 40)).
				WithHint("send a text, a number, true or false, or a list of texts")
		}
		a, err := decodeAttribute(&w.Custom.v[i])
		if err != nil {
			return c, err
		}
		c.Custom = append(c.Custom, a)
	}
	return c, nil
}

func (w *personV2) decode() (postern.Person, error) {
	id, ok := personID(string(w.ID))
	if !ok {
		return postern.Person{}, postern.Errorf(postern.Unavailable, "the answer has a person without a number")
	}
	p := postern.Person{
		ID: id, Email: string(w.Email.v), FirstName: string(w.FirstName.v), LastName: string(w.LastName.v),
		PreferredName: string(w.Preferred.v), Gender: postern.Gender(w.Gender.v), Picture: w.Picture.v.URL != "",
		Active: strings.EqualFold(string(w.Status.v), personActive), CreatedAt: w.CreatedAt.v.time(), UpdatedAt: w.UpdatedAt.v.time(),
	}
	for i := range w.Custom.v {
		if a, err := decodeAttribute(&w.Custom.v[i]); err == nil { // an odd one is left out
			p.Custom = append(p.Custom, a)
		}
	}
	for _, e := range w.Employments.v {
		p.Employments = append(p.Employments, postern.Employment{ID: string(e.ID), Person: id})
	}
	return p, nil
}
