package dialect

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of the JSON we read.
const (
	maxMembers = 100
	maxDepth   = 32
)

var errJSON = errors.New("not one JSON object, or a member is repeated")

// member is one member of an object, its value as written.
type member struct {
	name string
	val  value
}

// value is one JSON value as written.
type value string

// object is a parsed JSON object.
type object []member

// parseObject reads exactly one JSON object. The standard decoder matches names in
// any letter case, keeps the last of two equal ones and stops before trailing
// data; here names are exact, and repetition and trailing data are refused, so
// that two readers of one message cannot understand different things.
func parseObject(s string) (object, error) {
	p := scanner{s: s}
	if !utf8.ValidString(s) || !p.skipSpace().eat('{') {
		return nil, errJSON
	}
	o := make(object, 0, 17)
	for first := true; !p.skipSpace().eat('}'); first = false {
		if !first && !p.eat(',') {
			return nil, errJSON
		}
		name, ok := p.skipSpace().str()
		if !ok || !p.skipSpace().eat(':') || len(o) == maxMembers || o.has(name) {
			return nil, errJSON
		}
		from := p.skipSpace().i
		if !p.value(maxDepth) {
			return nil, errJSON
		}
		o = append(o, member{name, value(s[from:p.i])})
	}
	if p.skipSpace().i != len(s) {
		return nil, errJSON
	}
	return o, nil
}

func (o object) has(name string) bool {
	for i := range o {
		if o[i].name == name {
			return true
		}
	}
	return false
}

// get gives the value of a member, "" when there is none or it is null.
func (o object) get(name string) value {
	for i := range o {
		if o[i].name == name && o[i].val != "null" {
			return o[i].val
		}
	}
	return ""
}

// text gives a string, and whether the value is one.
func (v value) text() (string, bool) {
	p := scanner{s: string(v)}
	s, ok := p.str()
	return s, ok
}

// texts gives an array of strings, and whether the value is one.
func (v value) texts() ([]string, bool) {
	p := scanner{s: string(v)}
	if !p.eat('[') {
		return nil, false
	}
	out := []string{}
	for !p.skipSpace().eat(']') {
		if len(out) > 0 && !p.eat(',') {
			return nil, false
		}
		s, ok := p.skipSpace().str()
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// whole gives a number that is written as a plain whole one, not negative.
func (v value) whole() (int64, bool) {
	if v == "" || len(v) > 15 || len(v) > 1 && v[0] == '0' {
		return 0, false
	}
	var n int64
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(v[i]-'0')
	}
	return n, true
}

// scanner walks valid UTF-8 text by the grammar of RFC 8259.
type scanner struct {
	s string
	i int
}

func (p *scanner) skipSpace() *scanner {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t' || p.s[p.i] == '\n' || p.s[p.i] == '\r') {
		p.i++
	}
	return p
}

func (p *scanner) eat(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *scanner) str() (string, bool) {
	if !p.eat('"') {
		return "", false
	}
	from, escaped := p.i, false
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			if !escaped {
				return p.s[from : p.i-1], true
			}
			var out string
			err := json.Unmarshal([]byte(p.s[from-1:p.i]), &out)
			return out, err == nil
		case c == '\\':
			escaped = true
			p.i++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

func (p *scanner) value(depth int) bool {
	if p.i >= len(p.s) || depth == 0 {
		return false
	}
	switch c := p.s[p.i]; {
	case c == '"':
		_, ok := p.str()
		return ok
	case c == '{':
		return p.list('}', depth, true)
	case c == '[':
		return p.list(']', depth, false)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[p.i:], word) {
			p.i += len(word)
			return true
		}
	}
	return false
}

func (p *scanner) list(end byte, depth int, named bool) bool {
	p.i++
	for first := true; !p.skipSpace().eat(end); first = false {
		if !first && !p.eat(',') {
			return false
		}
		if named {
			if _, ok := p.skipSpace().str(); !ok || !p.skipSpace().eat(':') {
				return false
			}
		}
		if p.skipSpace(); !p.value(depth - 1) {
			return false
		}
	}
	return true
}

func (p *scanner) number() bool {
	p.eat('-')
	if !p.eat('0') && !p.digits() {
		return false
	}
	if p.eat('.') && !p.digits() {
		return false
	}
	if p.eat('e') || p.eat('E') {
		_ = p.eat('+') || p.eat('-')
		return p.digits()
	}
	return true
}

func (p *scanner) digits() bool {
	from := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i > from
}

// appendText adds s as a JSON string. Nearly everything we write needs no escape.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendTexts(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, s := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func appendSeconds(b []byte, t time.Time) []byte { return strconv.AppendInt(b, t.Unix(), 10) }
