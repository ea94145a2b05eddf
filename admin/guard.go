package mcptool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"postern.dev/postern"
)

// Bounds of a cursor, in bytes.
const (
	maxCursor  = 12 << 10
	cursorSeal = 16
)

// cursor is where an answer was cut. It carries the arguments of the call that it
// continues, so that a word like today means the same to the end of a walk. Sealed it is
// no secret, and holds for one caller and one tool.
type cursor struct {
	// Given are the arguments as they were given first, Meant as they were understood.
	Given map[string]json.RawMessage `json:"g,omitempty"`
	Meant map[string]json.RawMessage `json:"m,omitempty"`
	After string                     `json:"a,omitempty"` // of the Directory's page
	Skip  int                        `json:"s,omitempty"` // items of it that were given already
}

func (c *call) cursorMAC(body []byte) []byte {
	m := hmac.New(sha256.New, c.Key[:])
	for _, part := range []string{"cursor 1", c.who.Tenant, c.who.ClientID, c.tool.Name} {
		m.Write(binary.AppendUvarint(nil, uint64(len(part)))) // a hash takes everything
		m.Write([]byte(part))
	}
	m.Write(body)
	return m.Sum(nil)[:cursorSeal]
}

// seal writes a cursor, "" when it would be too long to come back.
func (c *call) seal(q cursor) (string, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	s := base64.RawURLEncoding.EncodeToString(append(c.cursorMAC(body), body...))
	if len(s) > maxCursor {
		return "", nil
	}
	return s, nil
}

// open reads a cursor. It fails with Invalid for every one that was not made for this
// caller and tool.
func (c *call) open(s string) (q cursor, err error) {
	bad := argument("cursor", "the cursor is not one that %s gave to this caller", c.tool.Name).
		WithHint("give next_cursor of an answer as it was, or begin again without a cursor")
	if len(s) > maxCursor {
		return q, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < cursorSeal || !hmac.Equal(b[:cursorSeal], c.cursorMAC(b[cursorSeal:])) || json.Unmarshal(b[cursorSeal:], &q) != nil {
		return q, bad
	}
	return q, nil
}

// freely are the arguments that may change from page to page: they do not select.
var freely = []string{"cursor", "limit", "include_names"}

// resume takes the arguments of a call that has a cursor from it. What is given beside
// it has to say the same, as it was written first or as it was understood; then the walk
// is the same to its end.
func (c *call) resume(args json.RawMessage) (json.RawMessage, error) {
	given := map[string]json.RawMessage{}
	if err := json.Unmarshal(args, &given); err != nil {
		return nil, err
	}
	c.given = maps.Clone(given)
	delete(c.given, "cursor")
	sealed, ok := given["cursor"]
	if !ok {
		return args, nil
	}
	var s string
	if err := json.Unmarshal(sealed, &s); err != nil {
		return nil, err
	}
	q, err := c.open(s)
	if err != nil {
		return nil, err
	}
	if q.Meant == nil {
		q.Meant = map[string]json.RawMessage{}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch v := string(given[name]); {
		case name == "cursor":
		case slices.Contains(freely, name):
			q.Meant[name] = given[name]
		case v != string(q.Given[name]) && v != string(q.Meant[name]):
			return nil, argument(name, "%s is another than in the call that the cursor continues", name).
				WithHint("leave %s out beside a cursor, or begin again without the cursor", name)
		}
	}
	c.given, c.at = q.Given, q
	return json.Marshal(q.Meant)
}

// next makes the cursor of what comes after an answer, whose arguments were understood
// as meant.
func (c *call) next(meant any, after string, skip int) (string, error) {
	raw, err := json.Marshal(meant)
	if err != nil {
		return "", err
	}
	q := cursor{Given: c.given, After: after, Skip: skip}
	if err := json.Unmarshal(raw, &q.Meant); err != nil {
		return "", err
	}
	delete(q.Meant, "cursor")
	s, err := c.seal(q)
	if s == "" && err == nil {
		c.note("there is more, and too far in for a cursor: ask with a narrower filter")
	}
	return s, err
}

// beyond is where a walk stopped before the end.
type beyond struct {
	more  bool
	after string
	skip  int
}

// listed is what every answer with items has beside them.
type listed struct {
	Truncated  bool     `json:"truncated" jsonschema:"whether there is more than what is here"`
	NextCursor string   `json:"next_cursor,omitempty" jsonschema:"give it as cursor to get what comes next"`
	Notes      []string `json:"notes,omitempty" jsonschema:"what has to be known about this answer"`
	Withheld   []string `json:"withheld,omitempty" jsonschema:"names of fields that the caller is not shown"`
}

// cut says in an answer whether there is more and how to get it.
func (c *call) cut(l *listed, b beyond, meant any) (err error) {
	if l.Truncated = b.more; b.more && (b.after != "" || b.skip > 0) {
		l.NextCursor, err = c.next(meant, b.after, b.skip)
	}
	return err
}

func (c *call) note(sentence string) {
	if !slices.Contains(c.notes, sentence) {
		c.notes = append(c.notes, sentence)
	}
}

// limitOf gives how many items are wanted.
func limitOf(given, def int) int {
	if given == 0 {
		return def
	}
	return min(given, postern.MaxPage)
}
