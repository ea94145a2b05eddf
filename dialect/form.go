package dialect

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxFields bounds the fields of one form.
const maxFields = 100

// form is a decoded form. Values are found by exact name, or in any letter case
// when the form was read so; names are then kept in lower case.
type form struct {
	fields    []field
	resources []string // the one parameter that may repeat (RFC 8707 section 2)
}

type field struct{ name, value string }

// parseForm decodes a form strictly and in one pass: what cannot be read is
// refused, never skipped, because a reader that drops half of a request answers
// another one. With fold, two spellings of one name count as a repetition.
func parseForm(s string, fold bool) (form, error) {
	var f form
	if s == "" {
		return f, nil
	}
	if strings.IndexByte(s, ';') >= 0 { // once a separator, so it has no one meaning
		return form{}, badRequest("the form holds a bare semicolon")
	}
	f.fields = make([]field, 0, 8)
	for count := 0; s != ""; {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		if count++; count > maxFields {
			return form{}, badRequest("the form holds too many fields")
		}
		if err := f.add(pair, fold); err != nil {
			return form{}, err
		}
	}
	return f, nil
}

func (f *form) add(pair string, fold bool) error {
	name, value, _ := strings.Cut(pair, "=")
	name, ok := unescape(name)
	value, okValue := unescape(value)
	if !ok || !okValue {
		return badRequest("the form holds a broken escape or invalid UTF-8")
	}
	if fold {
		name = strings.ToLower(name)
	}
	if name == "resource" {
		if value != "" {
			f.resources = append(f.resources, value)
		}
		return nil
	}
	for _, have := range f.fields {
		if have.name == name {
			return badRequest("a parameter is repeated") // RFC 6749 section 3.2
		}
	}
	f.fields = append(f.fields, field{name, value})
	return nil
}

// unescape decodes one name or value of a form exactly once, and says whether it
// was well formed and is UTF-8.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, utf8.ValidString(s)
	}
	s, err := url.QueryUnescape(s)
	return s, err == nil && utf8.ValidString(s)
}

// get gives the value of a parameter. One that was sent without a value is absent
// (RFC 6749 section 3.2).
func (f form) get(name string) string {
	for _, have := range f.fields {
		if have.name == name {
			return have.value
		}
	}
	return ""
}

// pairs builds a form body in the order of its arguments, leaving out empty values.
func pairs(nameValue ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(nameValue); i += 2 {
		if nameValue[i+1] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(nameValue[i]))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(nameValue[i+1]))
	}
	return b.String()
}
