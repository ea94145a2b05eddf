package hr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern"
)

// Bounds of a cursor.
const (
	maxCursor     = 4 << 10        // bytes
	cursorLife    = 24 * time.Hour // after which it is stale
	cursorFilters = 2 << 10        // bytes of filters that it carries; more are repeated in the link
	cursorSeal    = 16             // bytes of the seal
	cursorPrefix  = "cur_"
)

// cursor is where a walk through a list goes on, and what it walks through. Sealed it
// is no secret, and nobody but us can make one: it holds for one tenant and one path.
//
//	"cur_" base64url( seal[16] made-at limit position filters )
type cursor struct {
	made     time.Time // whole seconds
	limit    int
	position string // Paging.After
	filters  string // as url.Values.Encode writes them, or the digest of what is too long
	digest   bool   // whether filters is a digest
}

// cursorOf carries short filters and remembers long ones, which the link then repeats.
func cursorOf(made time.Time, limit int, position string, filters url.Values) cursor {
	q := cursor{made: made, limit: limit, position: position, filters: filters.Encode()}
	if q.digest = len(q.filters) > cursorFilters; q.digest {
		q.filters = digestOf(q.filters)
	}
	return q
}

func digestOf(filters string) string {
	sum := sha256.Sum256([]byte(filters))
	return string(sum[:cursorSeal])
}

// seal writes q for one tenant and path.
func (q cursor) seal(key *[32]byte, tenant, path string) string {
	b := binary.AppendUvarint(nil, uint64(q.made.Unix()))
	b = binary.AppendUvarint(b, uint64(q.limit))
	b = appendPart(b, q.position)
	kind := byte('f')
	if q.digest {
		kind = 'd'
	}
	b = append(append(b, kind), q.filters...)
	return cursorPrefix + base64.RawURLEncoding.EncodeToString(append(cursorMAC(key, tenant, path, b), b...))
}

func appendPart(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cursorMAC(key *[32]byte, tenant, path string, body []byte) []byte {
	m := hmac.New(sha256.New, key[:])
	m.Write(appendPart(appendPart([]byte("cursor 1\x00"), tenant), path)) // a hash takes everything
	m.Write(body)
	return m.Sum(nil)[:cursorSeal]
}

// openCursor reads a cursor that was sealed for the tenant and the path. It fails with
// Invalid for everything else, and says so when the cursor is stale.
func openCursor(s string, key *[32]byte, tenant, path string, now time.Time) (cursor, error) {
	var q cursor
	coded, ok := strings.CutPrefix(s, cursorPrefix)
	if !ok || len(s) > maxCursor {
		return q, badCursor()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(coded)
	if err != nil || len(b) < cursorSeal || !hmac.Equal(b[:cursorSeal], cursorMAC(key, tenant, path, b[cursorSeal:])) {
		return q, badCursor()
	}
	made, rest, ok1 := cutUvarint(b[cursorSeal:])
	limit, rest, ok2 := cutUvarint(rest)
	n, rest, ok3 := cutUvarint(rest)
	if !ok1 || !ok2 || !ok3 || n >= uint64(len(rest)) { // not reached: we sealed it
		return q, badCursor()
	}
	q = cursor{made: time.Unix(int64(made), 0), limit: int(limit), position: string(rest[:n]), filters: string(rest[n+1:]), digest: rest[n] == 'd'}
	if age := now.Sub(q.made); age > cursorLife {
		e := postern.Errorf(postern.Invalid, "the cursor is stale: it was made more than %d hours ago", int(cursorLife.Hours()))
		e.Param = "cursor"
		return q, e.WithHint("begin again without a cursor")
	}
	return q, nil
}

func cutUvarint(b []byte) (uint64, []byte, bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, false
	}
	return n, b[size:], true
}

// badCursor is the same for a cursor that was tampered with, is of another tenant or of
// another list.
func badCursor() error {
	e := postern.Errorf(postern.Invalid, "Provided value for cursor is not valid")
	e.Param = "cursor"
	return e.WithHint("follow the next link of an answer as it is, or begin again without a cursor")
}

// paging reads limit and cursor of a list. filters are the query parameters that the
// list reads: with a cursor c.query gets what they were when the walk began, so that
// the readers below need not know; other values beside it are refused.
func (c *call) paging(def, most int, filters ...string) (postern.Paging, error) {
	given := url.Values{}
	for _, name := range filters {
		if v := c.query[name]; len(v) > 0 {
			given[name] = v
		}
	}
	limit, err := c.limit(1, most, def)
	if err != nil {
		return postern.Paging{}, err
	}
	c.page, c.filters = postern.Paging{Limit: limit}, given
	sealed, err := c.text("cursor", maxCursor)
	if err != nil || sealed == "" {
		return c.page, err
	}
	q, err := openCursor(sealed, &c.CursorKey, c.tenant.ID, c.r.URL.Path, c.Now())
	if err != nil {
		return c.page, err
	}
	if q.limit > most {
		return c.page, badCursor()
	}
	if c.query.Has("limit") && limit != q.limit {
		return c.page, otherThanCursor("limit")
	}
	c.page = postern.Paging{Limit: q.limit, After: q.position}
	return c.page, c.resume(q)
}

// resume puts the filters of a cursor into the query and holds those beside it against
// them.
func (c *call) resume(q cursor) error {
	if q.digest {
		if digestOf(c.filters.Encode()) != q.filters {
			return otherThanCursor("the filters")
		}
		return nil
	}
	carried, err := url.ParseQuery(q.filters)
	if err != nil {
		return badCursor() // not reached: we sealed it
	}
	for name, v := range c.filters {
		if !equalValues(v, carried[name]) {
			return otherThanCursor(name)
		}
	}
	for name, v := range carried {
		c.query[name] = v
	}
	c.filters = carried
	return nil
}

func equalValues(a, b []string) bool {
	return strings.Join(a, ",") == strings.Join(b, ",")
}

func otherThanCursor(param string) error {
	e := postern.Errorf(postern.Invalid, "%s is not what it was when the cursor was made", param)
	e.Param = param
	return e.WithHint("send the cursor alone, or begin again without a cursor")
}
