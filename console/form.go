package console

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Bounds of what a browser may send.
const (
	maxForm   = 64 << 10 // bytes
	maxFields = 600      // values
	maxText   = 8 << 10  // bytes of one value
)

// form is what somebody typed. Handlers take out of it what they name; what nobody names
// has no effect.
type form struct{ values url.Values }

// text gives a field without the blanks around it, and "" when it is not there.
func (f form) text(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// secret gives a field as it was typed.
func (f form) secret(name string) postern.Secret { return postern.NewSecret(f.values.Get(name)) }

// list gives every value of a field that is not empty.
func (f form) list(name string) (out []string) {
	for _, v := range f.values[name] {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// words gives the words in a field, parted by blanks, commas or lines.
func (f form) words(name string) []string {
	return strings.FieldsFunc(f.values.Get(name), func(r rune) bool { return r == ',' || r == ';' || r <= ' ' })
}

// ticked says whether a box was ticked.
func (f form) ticked(name string) bool { return f.values.Get(name) != "" }

// number gives a field as a number; an empty one is 0.
func (f form) number(name string) (int64, error) {
	text := f.text(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, wrong(name, "%q is not a number", postern.Shorten(text, 40))
	}
	return n, nil
}

// maxLife is how many days a secret may live.
const maxLife = 3650

// until gives how long it is to a day, at the time of day of now; for an empty field it
// is 0. The same form means the same all day long, so that it can be sent twice.
func (f form) until(name string, now time.Time) (time.Duration, error) {
	text := f.text(name)
	if text == "" {
		return 0, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, wrong(name, "%q is not a day; write it as %s", postern.Shorten(text, 40), inAYear(now))
	}
	const oneDay = 24 * time.Hour
	life := day.Sub(now.UTC().Truncate(oneDay))
	if life < oneDay || life > maxLife*oneDay {
		return 0, wrong(name, "it is tomorrow at the soonest, and in %d days at the latest", maxLife)
	}
	return life, nil
}

// inAYear is the day on which a new secret ends when nobody says otherwise.
func inAYear(now time.Time) string { return now.UTC().AddDate(1, 0, 0).Format(time.DateOnly) }

// wrong is about a field that the person can put right.
func wrong(field, format string, args ...any) *postern.Error {
	e := postern.Errorf(postern.Invalid, format, args...)
	e.Param = field
	return e
}

// at says which field an error is about.
func at(field string, err error) error {
	if err == nil {
		return nil
	}
	e := *postern.AsError(err)
	e.Param = field
	return &e
}

// readForm reads the body of a post: a form of bounded size, and nothing else.
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return form{}, postern.Errorf(postern.Invalid, "this is not a form").Because(postern.BadMediaType)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return form{}, postern.Errorf(postern.Invalid, "the form has more than %d bytes", maxForm).Because(postern.TooLarge)
		}
		return form{}, postern.Errorf(postern.Invalid, "the form cannot be read").Because(postern.BadRequest)
	}
	return form{r.PostForm}, checkFields(r.PostForm)
}

func checkFields(values url.Values) error {
	n := 0
	for _, all := range values {
		n += len(all)
		for _, v := range all {
			if len(v) > maxText {
				return postern.Errorf(postern.Invalid, "a field has more than %d bytes", maxText).Because(postern.TooLarge)
			}
		}
	}
	if n > maxFields {
		return postern.Errorf(postern.Invalid, "the form has more than %d fields", maxFields).Because(postern.TooLarge)
	}
	return nil
}
