package test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// canary is a value that must not be found anywhere. It holds characters that every
// encoding writes in its own way.
type canary struct{ name, value string }

func newCanary(name string) canary {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return canary{name, fmt.Sprintf(`%s-%x <&"\%%+/>ü`, species, b)}
}

// species begins every canary that was made to be one, so that one look finds any of
// them.
const species = "Kanarienvogel"

// forms are the ways in which the value may be written, by name.
func (c canary) forms() map[string]string {
	v := []byte(c.value)
	quoted, _ := json.Marshal(c.value) // a string always can be
	out := map[string]string{
		"raw": c.value, "URL-encoded": url.QueryEscape(c.value), "path-escaped": url.PathEscape(c.value),
		"hex": hex.EncodeToString(v), "quoted": strings.Trim(fmt.Sprintf("%q", c.value), `"`), "JSON": strings.Trim(string(quoted), `"`),
		"bytes": strings.Trim(fmt.Sprint(v), "[]"), "the heart": c.heart(),
	}
	// Within other text base64 comes in three alignments; the digits at the edges
	// depend on the neighbours.
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			digits := enc.EncodeToString(append(make([]byte, shift), v...))
			out[fmt.Sprint(name, shift)] = digits[(shift*8+5)/6 : len(digits)-2]
		}
	}
	return out
}

// heart is the part that no encoding of text changes.
func (c canary) heart() string {
	at := strings.IndexFunc(c.value, func(r rune) bool { return strings.ContainsRune(` <&"\%+/>ü`, r) })
	if at < 0 {
		return c.value
	}
	return c.value[:at]
}

// find names the forms of the canary that text holds, with a place where one stands.
func (c canary) find(text []byte) (found []string, where string) {
	for name, form := range c.forms() {
		at := bytes.Index(text, []byte(form))
		if name == "hex" && at < 0 {
			at = bytes.Index(text, []byte(strings.ToUpper(form)))
		}
		if at >= 0 {
			found = append(found, name)
			where = fmt.Sprintf("%q", text[max(0, at-150):min(len(text), at+60)])
		}
	}
	slices.Sort(found)
	return found, where
}

// aviary is the canaries of one test.
type aviary struct {
	birds []canary // made to be canaries
	kept  []canary // values that became some
}

// bird makes one more canary.
func (a *aviary) bird(name string) string {
	c := newCanary(name)
	a.birds = append(a.birds, c)
	return c.value
}

// keep makes a canary of a value that was not made to be one.
func (a *aviary) keep(name, value string) { a.kept = append(a.kept, canary{name, value}) }

// search says which canaries text holds, how written and where.
func (a *aviary) search(text []byte) (found []string) {
	say := func(c canary) {
		if forms, where := c.find(text); len(forms) > 0 {
			found = append(found, fmt.Sprintf("%s, as %v: %s", c.name, forms, where))
		}
	}
	for _, c := range a.kept {
		say(c)
	}
	if forms, where := (canary{"any", species}).find(text); len(forms) > 0 {
		found = append(found, fmt.Sprintf("a canary, as %v: %s", forms, where))
		for _, c := range a.birds {
			say(c)
		}
	}
	return found
}

func TestACanaryIsFoundInEveryEncoding(t *testing.T) {
	t.Parallel()
	c := newCanary("x")
	quoted, err := json.Marshal(map[string]string{"a": "b" + c.value + "c"})
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(quoted))
	if err != nil {
		t.Fatal(err)
	}
	for how, text := range map[string]string{
		"raw": "a" + c.value + "b", "URL-encoded": "x=" + url.QueryEscape("a"+c.value+"b"), "JSON": string(quoted), "JSON in JSON": string(twice),
		"hex": hex.EncodeToString([]byte("ab" + c.value)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(c.value))),
		"base64": base64.StdEncoding.EncodeToString([]byte(c.value)), "Basic": base64.StdEncoding.EncodeToString([]byte("ab:" + c.value + "x")),
		"Basic, another id": base64.StdEncoding.EncodeToString([]byte("abc:" + c.value)), "a third": base64.URLEncoding.EncodeToString([]byte("abcd:" + c.value + "xy")),
		"quoted": fmt.Sprintf("%q", "x"+c.value), "bytes": fmt.Sprint([]byte("x" + c.value)), "cut short": c.value[:len(c.heart())],
	} {
		got, _ := c.find([]byte(text))
		if all := (&aviary{birds: []canary{c}}).search([]byte(text)); len(got) == 0 || len(all) < 2 {
			t.Errorf("%s: got %v and %v in %q, want the canary found", how, got, all, text)
		}
	}
	if got, _ := c.find([]byte(newCanary("y").value)); len(got) > 0 {
		t.Errorf("another canary is taken for this one: %v", got)
	}
}
