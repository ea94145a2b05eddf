package mcptool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern"
)

// Bounds of a message.
const (
	maxMessage = 1 << 20 // bytes
	maxDepth   = 64      // of lists and objects in each other
	maxMembers = 20_000  // of all objects, and elements of all lists
)

// JSON-RPC's words for a message that is not one (version 2.0, section 5.1).
const (
	notJSON    = -32700
	notMessage = -32600
)

// message is one JSON-RPC message as far as it decides who may send it.
type message struct {
	id     any    // string or json.Number; nil of a notification
	method string // empty of a response
	name   string // of the tool or the prompt that is called
	// progress says that the sender wants to hear how far the call is.
	progress bool
	// body is the message written anew. What is executed is read from it, so that there
	// is nothing that the next reader could understand in another way.
	body []byte
}

// illFormed is why bytes are no message.
type illFormed struct {
	code int
	why  string
}

func (e *illFormed) Error() string { return e.why }

func notAMessage(format string, args ...any) error {
	return &illFormed{notMessage, fmt.Sprintf(format, args...)}
}

// exact are the members that decide something, by where they are. A reader that takes
// another letter case for the same, as encoding/json does, sees another message.
var exact = map[string][]string{
	"":             {"jsonrpc", "id", "method", "params", "result", "error"},
	"params":       {"_meta", "name", "arguments", "uri", "cursor", "inputResponses", "requestState", "protocolVersion", "capabilities", "clientInfo"},
	"params._meta": {"progressToken"},
}

// readMessage reads one message, whole and exactly: members have the names that they are
// to have, none is there twice, and nothing comes after it.
func readMessage(raw []byte) (message, error) {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return message{}, &illFormed{notJSON, "the body is not one JSON value in UTF-8"}
	}
	if bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return message{}, notAMessage("the body is not one JSON-RPC message; batches are not served")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	p := parser{Decoder: d}
	v, err := p.value("", 0)
	if err != nil {
		return message{}, err
	}
	if _, err := d.Token(); err != io.EOF { // not reached: it was valid
		return message{}, &illFormed{notJSON, "something comes after the message"}
	}
	m, err := envelope(v.(map[string]any))
	if err != nil {
		return message{}, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return message{}, err
	}
	m.body = out.Bytes()
	return m, nil
}

// parser reads a value by its tokens, because a decoder says nothing of what it left out.
type parser struct {
	*json.Decoder
	members int
}

func (p *parser) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, notAMessage("the message has more than %d lists and objects in each other", maxDepth)
	}
	if p.members++; p.members > maxMembers {
		return nil, notAMessage("the message has more than %d members", maxMembers)
	}
	t, err := p.Token()
	if err != nil {
		return nil, &illFormed{notJSON, "the body is not one JSON value"} // not reached: it was valid
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return p.object(path, depth)
		}
		return p.list(path, depth)
	case string:
		if strings.ContainsRune(t, 0) {
			return nil, notAMessage("the message holds the character NUL")
		}
	}
	return t, nil
}

func (p *parser) object(path string, depth int) (any, error) {
	out := map[string]any{}
	for p.More() {
		t, err := p.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, &illFormed{notJSON, "the body is not one JSON value"} // not reached: it was valid
		}
		if err := checkName(name, path, out); err != nil {
			return nil, err
		}
		within := "…" // no member of it decides anything
		if depth < 2 {
			within = strings.TrimPrefix(path+"."+name, ".")
		}
		if out[name], err = p.value(within, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := p.Token()
	return out, err
}

func (p *parser) list(path string, depth int) (any, error) {
	out := []any{}
	for p.More() {
		v, err := p.value("…", depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := p.Token()
	return out, err
}

func checkName(name, path string, others map[string]any) error {
	where := "the message"
	if path != "" && path != "…" {
		where = shown(path)
	}
	switch _, twice := others[name]; {
	case twice:
		return notAMessage("%s has a member twice: %q", where, shown(name))
	case strings.ContainsRune(name, 0) || strings.ContainsRune(name, utf8.RuneError):
		return notAMessage("%s has a member whose name is no text", where)
	}
	for _, right := range exact[path] {
		if name != right && strings.EqualFold(name, right) {
			return notAMessage("%s has a member %q, which is written %s", where, shown(name), right)
		}
	}
	return nil
}

// envelope looks at the members of a message (JSON-RPC 2.0, sections 4 and 5).
func envelope(v map[string]any) (m message, err error) {
	if v["jsonrpc"] != "2.0" {
		return m, notAMessage(`the message is not of JSON-RPC 2.0: its member jsonrpc is not "2.0"`)
	}
	id, named := v["id"]
	switch n := id.(type) {
	case string:
	case json.Number:
		if strings.ContainsAny(n.String(), ".eE") {
			return m, notAMessage("the id of the message is no whole number")
		}
	default:
		if named {
			return m, notAMessage("the id of the message is neither text nor a number")
		}
	}
	m.id = id
	method, isText := v["method"].(string)
	if _, there := v["method"]; there && (!isText || method == "") {
		return m, notAMessage("the method of the message is no text")
	}
	if m.method = method; method == "" {
		_, answered := v["result"]
		_, failed := v["error"]
		if !named || answered == failed {
			return m, notAMessage("the message is neither a request nor an answer")
		}
		return m, nil
	}
	params, isObject := v["params"].(map[string]any)
	if p, there := v["params"]; there && p != nil && !isObject {
		return m, notAMessage("the params of the message are no object")
	}
	return m, m.read(params)
}

// read looks at the params.
func (m *message) read(params map[string]any) error {
	if name, there := params["name"]; there && slices.Contains([]string{"tools/call", "prompts/get"}, m.method) {
		text, ok := name.(string)
		if !ok {
			return notAMessage("params.name is no text")
		}
		m.name = text
	}
	if meta, ok := params["_meta"].(map[string]any); ok {
		token := meta["progressToken"]
		m.progress = token != nil && m.id != nil
	}
	return nil
}

// shown is a word of the sender in a sentence of ours.
func shown(s string) string { return postern.Shorten(s, 40) }
