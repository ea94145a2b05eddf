package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"postern.dev/postern"
)

// jsonObjects reads the objects of an array, or one after another, without holding
// more than one of them.
type jsonObjects struct {
	r            *bufio.Reader
	line, column int // of the next byte, from 1; columns are bytes of the line
	inArray      bool
	some         bool // whether there was an object
}

// next gives the text of the next object and where it begins. It fails with io.EOF at
// the end.
func (j *jsonObjects) next() (text []byte, line, column int, err error) {
	for comma := false; ; {
		line, column = j.line, j.column
		ch, err := j.byte()
		switch {
		case errors.Is(err, io.EOF) && !j.inArray:
			return nil, line, column, io.EOF
		case errors.Is(err, io.EOF):
			return nil, line, column, bad("the array is not closed").WithHint("is the file whole?")
		case err != nil:
			return nil, line, column, err
		case ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n':
		case ch == '[' && !j.inArray && !j.some:
			j.inArray = true
		case ch == ',' && j.inArray && j.some && !comma:
			comma = true
		case ch == ']' && j.inArray && !comma:
			return nil, line, column, j.rest()
		case ch == '{' && (!j.inArray || !j.some || comma):
			j.some = true
			text, err := j.object()
			return text, line, column, err
		default:
			return nil, line, column, bad("there is %q where an object should begin", string(rune(ch))).
				WithHint("write an array of objects, or one object after another")
		}
	}
}

// rest wants nothing but blanks after the array.
func (j *jsonObjects) rest() error {
	for {
		ch, err := j.byte()
		if err != nil {
			return err // io.EOF is what is wanted
		}
		if !strings.ContainsRune(" \t\r\n", rune(ch)) {
			return bad("there is something after the end of the array")
		}
	}
}

// object reads up to the brace that closes what has been opened.
func (j *jsonObjects) object() ([]byte, error) {
	text := []byte{'{'}
	inText := false
	for depth := 1; depth > 0; {
		ch, err := j.byte()
		if errors.Is(err, io.EOF) {
			return text, bad("the object is not closed").WithHint("is the file whole?")
		}
		if err != nil {
			return text, err
		}
		if text = append(text, ch); len(text) > maxRow {
			return text, bad("the object is longer than %d MiB", maxRow>>20)
		}
		switch {
		case inText && ch == '\\':
			if ch, err = j.byte(); err == nil {
				text = append(text, ch)
			}
		case ch == '"':
			inText = !inText
		case inText:
		case ch == '{' || ch == '[':
			depth++
		case ch == '}' || ch == ']':
			depth--
		}
	}
	return text, nil
}

func (j *jsonObjects) byte() (byte, error) {
	ch, err := j.r.ReadByte()
	if j.column++; ch == '\n' {
		j.line, j.column = j.line+1, 1
	}
	return ch, err
}

// readJSON reads rows of a kind. What cannot be read is a *rowError and does not end
// it, unless what follows could not be told from it.
func readJSON(k kind, r *bufio.Reader) iter.Seq2[read, error] {
	return func(yield func(read, error) bool) {
		objects := &jsonObjects{r: r, line: 1, column: 1}
		for {
			text, line, column, err := objects.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				e := &rowError{line, column, "", postern.AsError(err)}
				yield(read{line: line}, postern.Errorf(postern.Invalid, "%s", e.Error()).WithHint("%s", e.err.Hint))
				return
			}
			if !yield(decodeObject(k, text, line, column), nil) {
				return
			}
		}
	}
}

// decodeObject reads one object that begins in a line, at one of its bytes.
func decodeObject(k kind, text []byte, line, begin int) read {
	row := read{line: line, draft: &draft{noun: k.blank()}}
	at := func(offset int64) (int, int) {
		before := text[:offset]
		if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
			return line + bytes.Count(before, []byte{'\n'}), len(before) - i
		}
		return line, begin + len(before)
	}
	fail := func(offset int64, name string, err error) {
		l, c := at(offset)
		row.failed = append(row.failed, rowError{l, c, name, postern.AsError(err)})
	}
	if err := checkText(string(text)); err != nil {
		fail(0, "", err)
		return row
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	_, _ = dec.Token() // the brace, which is there
	var there []column
	for dec.More() {
		token, err := dec.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			fail(min(dec.InputOffset(), int64(len(text))), name, bad("this is not JSON: %s", strings.TrimPrefix(err.Error(), "json: ")))
			return row
		}
		offset := dec.InputOffset() - int64(len(value))
		c, problem := k.member(name)
		switch {
		case problem != nil:
			fail(offset, name, problem)
		case slices.ContainsFunc(there, func(o column) bool { return o.name == name }):
			fail(offset, name, bad("%s is there twice", name))
		default:
			there = append(there, c)
			if err := setMember(row.draft, c, value); err != nil {
				fail(offset, name, err)
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		fail(min(dec.InputOffset(), int64(len(text))), "", bad("this is not JSON: %s", err.Error()))
		return row
	}
	if len(row.failed) == 0 {
		if err := k.complete(there); err != nil {
			fail(0, "", err)
		}
	}
	return row
}

// member finds a column by its name in JSON.
func (k kind) member(name string) (column, *postern.Error) {
	if i := slices.IndexFunc(k.columns, func(c column) bool { return c.name == name }); i >= 0 {
		return k.columns[i], nil
	}
	if strings.Contains(name, ":") { // a head of a table
		return column{}, bad("there is no member %q", name).WithHint("attributes are objects in " + attributesName)
	}
	return k.column(name)
}

// setMember reads a value into a row. null is no value.
func setMember(d *draft, c column, raw json.RawMessage) error {
	f, err := memberField(c, raw)
	switch {
	case err != nil:
		return err
	case f.empty() && c.required:
		return bad("%s is missing", c.name)
	case f.empty():
		return nil
	}
	return c.set(d, f)
}

func memberField(c column, raw json.RawMessage) (f field, err error) {
	if c.name == attributesName {
		f.pairs, err = decodePairs(raw)
		return f, err
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return f, err
	}
	if list, ok := v.([]any); ok && c.form == formList {
		for _, item := range list {
			text, ok := plainText(item)
			if !ok {
				return f, bad("%s is a list of texts", c.name)
			}
			f.list = append(f.list, text)
		}
		return f, nil
	}
	text, ok := plainText(v)
	_, isText := v.(string)
	_, isBool := v.(bool)
	switch {
	case v == nil:
		return f, nil
	case c.form == formList:
		return f, bad("%s is a list", c.name).WithHint(`write ["one", "two"]`)
	case !ok, c.form == formBoolean && !isBool, c.form == formText && !isText,
		isBool && c.form != formBoolean, c.form == formNumber && isText:
		return f, bad("%s is %s", c.name, [...]string{"a text", "a whole number", "a number", "true or false", ""}[c.form])
	}
	f.text = text
	return f, nil
}

// plainText writes a text, a number or a truth value.
func plainText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, !strings.ContainsRune(v, 0)
	case json.Number:
		return v.String(), true
	case bool:
		return map[bool]string{true: "true", false: "false"}[v], true
	}
	return "", false
}

// pair is an attribute in JSON.
type pair struct {
	Key   string `json:"key"`
	Label string `json:"label,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Value any    `json:"value"`
}

func decodePairs(raw json.RawMessage) (out []postern.Attribute, err error) {
	var pairs []pair
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(&pairs); err != nil {
		return nil, bad("%s are objects with key, label, kind and value", attributesName)
	}
	for _, p := range pairs {
		k, problem := kindOfAttribute(p.Kind)
		if problem != nil {
			return nil, problem
		}
		a := postern.Attribute{Key: p.Key, Label: p.Label, Kind: k}
		if p.Value == nil {
			continue
		}
		ok := true
		if list, isList := p.Value.([]any); isList && k == postern.AttributeList {
			for _, item := range list {
				text, plain := plainText(item)
				ok = ok && plain
				a.Values = append(a.Values, text)
			}
		} else if a.Value, ok = plainText(p.Value); k == postern.AttributeList {
			ok = false
		}
		if !ok {
			return nil, bad("the attribute %q has no value of the kind %s", p.Key, string(k))
		}
		if err := a.Check(); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// jsonRows writes an array with one object in each line.
type jsonRows struct {
	w       *bufio.Writer
	columns []column
	some    bool
	err     error
}

func newJSON(w io.Writer, columns []column) *jsonRows {
	return &jsonRows{w: bufio.NewWriterSize(w, 64<<10), columns: columns}
}

func (o *jsonRows) write(noun any) error {
	lead := ",\n{"
	if !o.some {
		lead = "[\n{"
	}
	o.some = true
	o.text(lead)
	first := true
	for _, c := range o.columns {
		if c.get == nil {
			continue
		}
		f := c.get(noun)
		if f.empty() {
			continue
		}
		if !first {
			o.text(",")
		}
		first = false
		o.value(c.name)
		o.text(":")
		switch {
		case c.name == attributesName:
			o.value(encodePairs(f.pairs))
		case c.form == formList:
			o.value(f.list)
		case c.form == formText:
			o.value(f.text)
		default:
			o.text(f.text)
		}
	}
	o.text("}")
	return o.err
}

func encodePairs(all []postern.Attribute) (out []pair) {
	for _, a := range all {
		p := pair{a.Key, a.Label, string(a.Kind), a.Value}
		if a.Kind == postern.AttributeList {
			p.Value = a.Values
		}
		out = append(out, p)
	}
	return out
}

func (o *jsonRows) text(s string) {
	if _, err := o.w.WriteString(s); o.err == nil {
		o.err = err
	}
}

// value writes JSON without making < and & unreadable.
func (o *jsonRows) value(v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && o.err == nil {
		o.err = err
	}
	o.text(strings.TrimSuffix(b.String(), "\n"))
}

func (o *jsonRows) close() error {
	if !o.some {
		o.text("[")
	}
	o.text("\n]\n")
	return errors.Join(o.err, o.w.Flush())
}
