package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// call is one request on its way to be answered.
type call struct {
	*house
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	note   *postern.Call // for the log
	route  *route
	actor  postern.Actor
	office postern.Office
	query  url.Values
	edit   postern.Edit
}

// id gives a part of the path.
func (c *call) id(name string) string { return c.r.PathValue(name) }

// List is a page of something.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // for after; absent when there is no more
}

// whose gives the tenant that a list is asked for, which for an actor of one tenant is that
// one when nobody says so. It fails with Invalid, and the hint, where nobody does.
func (c *call) whose(hint string, args ...any) (string, error) {
	if tenant := cmp.Or(c.query.Get("tenant"), c.actor.Tenant); tenant != "" {
		return tenant, nil
	}
	return "", badParam("tenant", "the parameter tenant is missing").Because(postern.MissingParameter).WithHint(hint, args...)
}

// paging reads limit and after.
func (c *call) paging() (postern.Paging, error) {
	p := postern.Paging{Limit: defaultPage}
	if s := c.query.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > postern.MaxPage {
			return p, badParam("limit", "limit is 1 to %d", postern.MaxPage)
		}
		p.Limit = n
	}
	var err error
	p.After, err = opened(c.query.Get("after"))
	return p, err
}

// defaultPage is how many items a page has that says nothing of it.
const defaultPage = 100

// closed and opened keep a position from being taken for something that callers may
// make up.
func closed(position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(position))
}

func opened(after string) (string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(after)
	if err != nil || strings.ContainsFunc(string(raw), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", badParam("after", "after is not the next of a page").WithHint("send next as the page before has it, or leave after out")
	}
	return string(raw), nil
}

// seq reads after where positions are numbers, 0 when there is none.
func (c *call) seq() (int64, error) {
	p, err := c.paging()
	if err != nil || p.After == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || n < 1 {
		return 0, badParam("after", "after is not the next of a page").WithHint("send next as the page before has it, or leave after out")
	}
	return n, nil
}

// moment reads a parameter that is a time, zero when there is none.
func (c *call) moment(name string) (time.Time, error) {
	s := c.query.Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, badParam(name, "%s is not a time such as 2026-11-22T08:00:00Z", name)
	}
	return t, nil
}

// page answers with a page of wire structs.
func page[N, W any](c *call, p postern.Page[N], wire func(N) W) error {
	out := List[W]{Items: []W{}}
	for _, n := range p.Items {
		out.Items = append(out.Items, wire(n))
	}
	if p.Next != "" {
		out.Next = closed(p.Next)
	}
	return c.answer(http.StatusOK, out)
}

// whole answers with a list that has one page.
func whole[N, W any](c *call, all []N, wire func(N) W) error {
	return page(c, postern.Page[N]{Items: all}, wire)
}

// noun answers with one thing that was last changed at t, under its version.
func (c *call) noun(status int, v any, t time.Time) error {
	tag := `"` + postern.Version(t) + `"`
	c.w.Header().Set("Etag", tag)
	if c.route.method == http.MethodGet && c.r.Header.Get("If-None-Match") == tag {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.answer(status, v)
}

// made answers with what was made, and where it is.
func (c *call) made(path string, v any, t time.Time) error {
	c.w.Header().Set("Location", c.PublicURL+base+path)
	return c.noun(http.StatusCreated, v, t)
}

// answer answers with JSON.
func (c *call) answer(status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	c.send(status, "application/json", body)
	return nil
}

// empty answers with nothing more than that it is done.
func (c *call) empty() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// send answers with a status and a body, which HEAD is only told the length of.
func (c *call) send(status int, contentType string, body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // the caller left, if it fails
	}
}

// encode writes JSON without escaping what only matters in HTML, so that addresses can
// be copied.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// stamp writes a time in UTC, to the millisecond where there is a fraction; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.999Z07:00")
}

// moment reads what stamp wrote; what is no time is none.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// seconds writes how long something is, in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// maxSeconds bounds a duration on the wire: a hundred years.
const maxSeconds = 100 * 366 * 24 * 3600

// duration reads seconds, from 0 up.
func duration(name string, n int64) (time.Duration, error) {
	if n < 0 || n > maxSeconds {
		return 0, badParam(name, "%s is 0 to %d", name, int64(maxSeconds))
	}
	return time.Duration(n) * time.Second, nil
}

// list keeps an empty list from being null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
