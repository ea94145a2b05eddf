package postern

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PersonID numbers a person within a tenant, from 1.
type PersonID int64

// Gender is what a person wishes to be called; the list is the wire's.
type Gender string

// The genders.
const (
	GenderUnspecified Gender = "UNSPECIFIED"
	GenderMale        Gender = "MALE"
	GenderFemale      Gender = "FEMALE"
	GenderDiverse     Gender = "DIVERSE"
)

// Genders lists every gender in the order of their declaration.
var Genders = []Gender{GenderUnspecified, GenderMale, GenderFemale, GenderDiverse}

// Person is someone who works, or worked, for a tenant. Optional fields may be empty.
type Person struct {
	ID            PersonID
	Email         string // unique within the tenant, lower case; optional
	FirstName     string
	LastName      string
	PreferredName string
	Gender        Gender
	Language      string // as de, en; optional
	Picture       bool   // whether there is a picture of the person
	Custom        []Attribute
	// Employments are those of the person, newest first. Unless asked for in detail they
	// have nothing but their ID.
	Employments []Employment
	// Active says whether the newest employment is active, on leave or onboarding.
	Active    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Attribute is a field that a tenant added to its persons.
type Attribute struct {
	Key    string // dynamic_5; unique within a person
	Label  string
	Kind   AttributeKind
	Value  string   // as written; a list has Values instead
	Values []string // of a list
}

// AttributeKind is what an attribute's value is.
type AttributeKind string

// The kinds of attributes.
const (
	AttributeText   AttributeKind = "string"
	AttributeInt    AttributeKind = "int"
	AttributeDouble AttributeKind = "double"
	AttributeDate   AttributeKind = "date"
	AttributeBool   AttributeKind = "boolean"
	AttributeList   AttributeKind = "string_list"
)

// AttributeKinds lists every kind.
var AttributeKinds = []AttributeKind{AttributeText, AttributeInt, AttributeDouble, AttributeDate, AttributeBool, AttributeList}

// Check fails with Invalid for an attribute without a name, of a kind that does not
// exist, or with a value that is too long or not of its kind. No kind is AttributeText.
func (a *Attribute) Check() error {
	if a.Key == "" || len(a.Key) > MaxName || len(a.Label) > MaxName || len(a.Value) > MaxValue || len(a.Values) > MaxAttributes {
		return Errorf(Invalid, "the attribute %q has no name or is too long", Shorten(a.Key, 40)).at("custom_attributes")
	}
	if strings.ContainsFunc(a.Key, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' || r == ',' }) {
		return Errorf(Invalid, "the attribute %q has a name with a space, comma, colon or control character", Shorten(a.Key, 40)).at("custom_attributes")
	}
	if a.Kind != "" && !slices.Contains(AttributeKinds, a.Kind) {
		return Errorf(Invalid, "there is no kind of attribute %q", Shorten(string(a.Kind), 40)).at("custom_attributes").WithHint("it is one of %s", listed(AttributeKinds))
	}
	var err error
	switch {
	case a.Kind != AttributeList && len(a.Values) > 0:
		err = Errorf(Invalid, "a list")
	case a.Value == "":
	case a.Kind == AttributeInt:
		_, err = strconv.ParseInt(a.Value, 10, 64)
	case a.Kind == AttributeDouble:
		var v float64
		if v, err = strconv.ParseFloat(a.Value, 64); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			err = Errorf(Invalid, "no number")
		}
	case a.Kind == AttributeDate:
		_, err = ParseDate(a.Value)
	case a.Kind == AttributeBool && a.Value != "true" && a.Value != "false", a.Kind == AttributeList:
		err = Errorf(Invalid, "another kind")
	}
	if err != nil {
		return Errorf(Invalid, "the value of %s is not of the kind %s", Shorten(a.Key, 40), a.Kind).at("custom_attributes")
	}
	return nil
}

// Bounds of a person, in bytes and in counts.
const (
	MaxName       = 200
	MaxAttributes = 100
	MaxValue      = 4000
)

// PersonQuery asks for persons, in order of their number. Filters that are set all
// have to hold; of a list one value has to.
type PersonQuery struct {
	IDs                                []PersonID
	Emails                             []string
	FirstName, LastName, PreferredName string // exact
	Created, Updated                   TimeRange
	Active                             *bool
	// Detail asks for whole employments and not only for their ids.
	Detail bool
	Paging
}

// PersonChange changes what is not nil of a person.
type PersonChange struct {
	Email, FirstName, LastName, PreferredName, Language *string
	Gender                                              *Gender
	Custom                                              []Attribute // by key; an empty value takes it away
}

// Apply changes p and checks it.
func (c *PersonChange) Apply(p *Person) error {
	set(&p.Email, c.Email)
	set(&p.FirstName, c.FirstName)
	set(&p.LastName, c.LastName)
	set(&p.PreferredName, c.PreferredName)
	set(&p.Language, c.Language)
	set(&p.Gender, c.Gender)
	for _, a := range c.Custom {
		p.put(a)
	}
	return p.Check()
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (p *Person) put(a Attribute) {
	for i := range p.Custom {
		if old := &p.Custom[i]; old.Key == a.Key {
			if old.Value, old.Values = a.Value, a.Values; a.Value == "" && len(a.Values) == 0 {
				p.Custom = append(p.Custom[:i:i], p.Custom[i+1:]...)
			}
			return
		}
	}
	if a.Value != "" || len(a.Values) > 0 {
		a.Kind = cmp.Or(a.Kind, AttributeText)
		p.Custom = append(p.Custom, a)
	}
}

// Check fails with Invalid, and Param naming the field, for a person that cannot be:
// without a name, with a field that is too long or an e-mail address that is none.
func (p *Person) Check() error {
	if p.Email != "" {
		p.Email = CanonicalEmail(p.Email)
		if err := CheckEmail(p.Email); err != nil {
			return AsError(err).at("email")
		}
	}
	for _, f := range []struct {
		name, value string
		needed      bool
	}{{"first_name", p.FirstName, true}, {"last_name", p.LastName, true}, {"preferred_name", p.PreferredName, false}, {"language_code", p.Language, false}} {
		switch {
		case f.needed && f.value == "":
			return Errorf(Invalid, "%s is missing", f.name).at(f.name)
		case len(f.value) > MaxName:
			return Errorf(Invalid, "%s is longer than %d bytes", f.name, MaxName).at(f.name)
		}
	}
	if p.Gender = cmp.Or(p.Gender, GenderUnspecified); !slices.Contains(Genders, p.Gender) {
		return Errorf(Invalid, "there is no gender %q", Shorten(string(p.Gender), 40)).at("gender").WithHint("it is one of %s", listed(Genders))
	}
	if len(p.Custom) > MaxAttributes {
		return Errorf(Invalid, "a person has at most %d attributes", MaxAttributes).at("custom_attributes")
	}
	for i := range p.Custom {
		if err := p.Custom[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

// listed gives words as they stand in a sentence.
func listed[T ~string](words []T) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(words), "[]"), " ", ", ")
}

// at sets the parameter at fault and gives e back.
func (e *Error) at(param string) *Error { e.Param = param; return e }
