package strict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"postern.dev/postern/internal/strict"
)

type inner struct {
	Day string `json:"day"`
}

type body struct {
	Base
	Name  *string          `json:"name"`
	Edge  inner            `json:"edge"`
	Edges []inner          `json:"edges"`
	Days  map[string]inner `json:"days"`
	Any   json.RawMessage  `json:"any"`
	Skip  string           `json:"-"`
}

// Base is part of a body.
type Base struct {
	Count int `json:"count"`
}

var rules = strict.Rules{MaxBytes: 200, MaxDepth: 3, Cite: strings.ToUpper,
	StandsFor: func(t reflect.Type) reflect.Type {
		if t == reflect.TypeFor[json.RawMessage]() {
			return nil
		}
		return t
	},
	Value: func(token json.Token, t reflect.Type, path string) error {
		if token == nil {
			return fmt.Errorf("%s is null", path)
		}
		return nil
	},
	Unknown: func(path, name string, known []string) error { return fmt.Errorf("%s, %s, %v", path, name, known) }}

func TestABodyIsWhatIsDocumented(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`: "",
		`{"count":1,"name":"a","edge":{"day":"x"},"edges":[{},{"day":"y"}],"days":{"mo":{"day":"z"}},"any":[{"b":1}]}`: "",
		``:                           "the body is not JSON",
		"{\"name\":\"\xff\"}":        "the body is not JSON",
		`{} {}`:                      "the body is not JSON",
		`[]`:                         "the body is not a JSON object",
		`"a"`:                        "the body is not a JSON object",
		`{"Name":"a"}`:               "NAME, Name, [any count days edge edges name]",
		`{"-":"a"}`:                  "-, -, [any count days edge edges name]",
		`{"name":"a","name":"b"}`:    "NAME is there twice",
		`{"any":{"b":1,"b":2}}`:      "ANY.B is there twice",
		`{"edge":{"dax":"x"}}`:       "EDGE.DAX, dax, [day]",
		`{"edges":[{"dax":"x"}]}`:    "EDGES[].DAX, dax, [day]",
		`{"days":{"mo":{"dax":""}}}`: "DAYS.MO.DAX, dax, [day]",
		`{"name":{}}`:                "NAME cannot be an object",
		`{"edge":[]}`:                "EDGE cannot be a list",
		`{"name":null}`:              "NAME is null",
		`{"edge":{"day":1}}`:         "edge.day cannot be a NUMBER",
		`{"edge":7}`:                 "edge cannot be a NUMBER",
		`{"any":[[[1]]]}`:            "the body has more than 3 lists and objects in each other",
	} {
		err := rules.Decode([]byte(in), new(body))
		if got := fmt.Sprint(err); got != want && (want != "" || err != nil) {
			t.Errorf("%s: got %s, want %q", in, got, want)
		}
	}
}

func TestABodyIsReadInBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, encoding, body string
		want                 strict.Kind
	}{
		{"", "", "{}", strict.MediaType},
		{"text/json", "", "{}", strict.MediaType},
		{"application/json; charset=latin1", "", "{}", strict.MediaType},
		{"application/json", "gzip", "{}", strict.MediaType},
		{"application/json", "", `{"name":"` + strings.Repeat("a", 200) + `"}`, strict.TooLarge},
		{"application/json", "", `{`, strict.Invalid},
	} {
		err := rules.Read(c.kind, c.encoding, &limited{c.body, rules.MaxBytes}, new(body))
		if e, ok := errors.AsType[*strict.Error](err); !ok || e.Kind != c.want {
			t.Errorf("%q, %q, %.20q: got %v, want kind %d", c.kind, c.encoding, c.body, err, c.want)
		}
	}
	var b body
	if err := rules.Read(`application/json; charset="UTF-8"`, "identity", strings.NewReader(`{"count":3}`), &b); err != nil || b.Count != 3 {
		t.Errorf("got %+v, %v", b, err)
	}
	if err := rules.Read("application/json", "", &limited{`{"count":3}`, 5}, &b); err == nil || err.(*strict.Error).Kind != strict.BrokenOff {
		t.Errorf("a body that broke off: got %v", err)
	}
}

// limited fails after so many bytes.
type limited struct {
	left string
	n    int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left == "" {
		return 0, io.EOF
	}
	if l.n == 0 {
		return 0, errors.New("no more")
	}
	n := copy(p[:min(len(p), l.n)], l.left)
	l.left, l.n = l.left[n:], l.n-n
	return n, nil
}
