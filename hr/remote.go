package hr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 8 << 20

// Remote is a postern.Directory elsewhere, behind an HR API of this shape. It forgives
// what was seen of such servers; its methods stand beside the handlers that answer them.
type Remote struct {
	base string // without a slash at the end
	hc   *http.Client
}

var _ postern.Directory = (*Remote)(nil)

// Dial gives the Directory behind base, an address such as https://api.example.com, with
// or without a version at the end. Nothing is asked yet. The transport of hc adds the
// token; a Remote never sees one, and follows no redirect, which would carry it
// elsewhere. A nil hc is one without a token. It fails with Invalid for an address that
// is none.
func Dial(base string, hc *http.Client) (*Remote, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, postern.Errorf(postern.Invalid, "the address of an HR API is http or https, a host and at most a path").
			WithHint("write it as https://api.example.com")
	}
	for _, version := range []string{"/v1", "/v2"} {
		u.Path = strings.TrimSuffix(u.Path, version)
	}
	own := http.Client{}
	if hc != nil {
		own = *hc
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Remote{base: u.Scheme + "://" + u.Host + strings.TrimRight(u.Path, "/"), hc: &own}, nil
}

// Balances asks version 1, for version 2 has none.
func (m *Remote) Balances(ctx context.Context, person postern.PersonID) ([]postern.Balance, error) {
	return m.older().Balances(ctx, person)
}

// ask is one call of a Remote.
type ask struct {
	method string // "" is GET
	path   string // its parts escaped
	query  url.Values
	raw    string // the query of a next link, in place of query
	body   any
	write  *postern.Write
}

// do makes the call and gives the body of a good answer.
func (m *Remote) do(ctx context.Context, a ask) ([]byte, error) {
	r, err := m.request(ctx, a)
	if err != nil {
		return nil, err
	}
	host := r.URL.Host
	resp, err := m.hc.Do(r)
	if err != nil {
		return nil, m.unreachable(ctx, host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, refused(resp, a, body)
	case err != nil:
		return nil, &postern.Error{Code: postern.Unavailable, Msg: "the answer of " + host + " broke off", Err: withoutURL(err)}
	case len(body) > maxAnswer:
		return nil, &postern.Error{Code: postern.Unavailable, Msg: fmt.Sprintf("the answer of %s is longer than %d bytes", host, maxAnswer)}
	}
	return body, nil
}

func (m *Remote) request(ctx context.Context, a ask) (*http.Request, error) {
	method, address := a.method, m.base+a.path
	if method == "" {
		method = http.MethodGet
	}
	if a.raw != "" {
		address += "?" + a.raw
	} else if len(a.query) > 0 {
		address += "?" + a.query.Encode()
	}
	var body io.Reader
	if a.body != nil {
		b, err := json.Marshal(a.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, &postern.Error{Code: postern.Invalid, Msg: "the call cannot be written", Err: withoutURL(err)}
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	id := postern.CallFrom(ctx).ID
	if a.write != nil {
		if a.write.Key != "" {
			r.Header.Set(idempotencyKey, a.write.Key)
		}
		if a.write.RequestID != "" {
			id = a.write.RequestID
		}
	}
	if id != "" {
		r.Header.Set("X-Request-Id", id)
	}
	return r, nil
}

// unreachable keeps an Error that the transport made: it knows why there is no token.
func (m *Remote) unreachable(ctx context.Context, host string, err error) error {
	if e, ok := errors.AsType[*postern.Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &postern.Error{Code: postern.Unavailable, Msg: "the HR API at " + host + " could not be reached", Err: withoutURL(err)}
}

// withoutURL takes the address out of an error of net/http: its query may name a person.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// one asks for one object, be it bare, in _data or data, or alone in a list there.
func one[T any](ctx context.Context, m *Remote, a ask) (T, error) {
	var v T
	body, err := m.do(ctx, a)
	if err != nil {
		return v, err
	}
	data := unwrap(body).data
	if many := listIn(data); len(many) == 1 {
		data = many[0]
	}
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &v) != nil {
		return v, notUnderstood(a)
	}
	return v, nil
}

// many asks for a page of a list, and for Paging.After of the one after it.
func many[T any](ctx context.Context, m *Remote, a ask, p postern.Paging) ([]T, string, error) {
	if p.Offset > 0 {
		return nil, "", postern.Errorf(postern.Invalid, "an HR API elsewhere cannot leave out the first %d", p.Offset)
	}
	a.raw = p.After
	body, err := m.do(ctx, a)
	if err != nil {
		return nil, "", err
	}
	w := unwrap(body)
	if len(w.data) > 0 && w.data[0] != '[' && string(w.data) != `""` && string(w.data) != "null" {
		return nil, "", notUnderstood(a)
	}
	items := []T{}
	for _, raw := range listIn(w.data) {
		var v T
		if json.Unmarshal(raw, &v) != nil {
			return nil, "", notUnderstood(a)
		}
		items = append(items, v)
	}
	next, err := m.after(w.next, a)
	return items, next, err
}

// everything walks a list to its end, at most so many pages.
func everything[T any](ctx context.Context, m *Remote, a ask, pages int) ([]T, error) {
	var all []T
	seen := map[string]bool{}
	for p := (postern.Paging{}); ; pages-- {
		items, next, err := many[T](ctx, m, a, p)
		all = append(all, items...)
		switch {
		case err != nil:
			return nil, err
		case next == "":
			return all, nil
		case seen[next] || pages <= 1:
			return nil, endless(a)
		}
		seen[next], p.After = true, next
	}
}

// wrapped is an answer without its envelope.
type wrapped struct {
	data json.RawMessage
	next string // link to the next page
}

// unwrap finds what an answer is about: in _data, in data, or all of it.
func unwrap(body []byte) wrapped {
	body = bytes.TrimSpace(body)
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return wrapped{data: body}
	}
	out := wrapped{data: body}
	switch {
	case top["_data"] != nil:
		out.data = bytes.TrimSpace(top["_data"])
	case top["data"] != nil && top["id"] == nil: // an object of its own may have data
		out.data = bytes.TrimSpace(top["data"])
	}
	for _, meta := range []json.RawMessage{top["_meta"], top["meta"]} {
		var m map[string]json.RawMessage
		if json.Unmarshal(meta, &m) == nil && out.next == "" {
			out.next = nextIn(m["links"])
		}
	}
	if out.next == "" {
		out.next = nextIn(top["links"])
	}
	return out
}

// nextIn finds the next link among links: an object with href, or text.
func nextIn(raw json.RawMessage) string {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return ""
	}
	var link struct{ Href string }
	if json.Unmarshal(all["next"], &link) == nil {
		return link.Href
	}
	var s string
	_ = json.Unmarshal(all["next"], &s) // "" when it is neither
	return s
}

func listIn(data json.RawMessage) []json.RawMessage {
	var out []json.RawMessage
	if len(data) == 0 || data[0] != '[' || json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

// after gives the query of a next link: of ours alone, for the token would follow a
// foreign one, and not the link that was just followed.
func (m *Remote) after(link string, a ask) (string, error) {
	if link == "" {
		return "", nil
	}
	here, err := url.Parse(m.base + a.path)
	if err != nil {
		return "", err // not reached: it was just asked
	}
	to, err := here.Parse(link)
	if err != nil || to.RawQuery == "" {
		return "", &postern.Error{Code: postern.Unavailable, Msg: "the link to the next page cannot be read"}
	}
	if to.Scheme != here.Scheme || to.Host != here.Host {
		return "", postern.Errorf(postern.Unavailable, "the link to the next page leads from %s to %s", origin(here), postern.Shorten(origin(to), 100)).
			WithHint("the token would follow it: check the base address, and tell whoever runs the API")
	}
	if to.RawQuery == a.raw {
		return "", endless(a)
	}
	return to.RawQuery, nil
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func endless(a ask) error {
	return postern.Errorf(postern.Unavailable, "the pages of %s do not end: the next link leads to where it stood", a.path)
}

func notUnderstood(a ask) error {
	return postern.Errorf(postern.Unavailable, "the answer of %s is not of the documented form", a.path).
		WithHint("check that the base address is one of an HR API")
}

// add sets a query parameter that is not empty.
func (a *ask) add(name, value string) {
	if value == "" {
		return
	}
	if a.query == nil {
		a.query = url.Values{}
	}
	a.query.Set(name, value)
}

// limited adds how many items a page is to have, at most what the other side gives.
func (a *ask) limited(p postern.Paging, most int) {
	n := most
	if p.Limit > 0 {
		n = min(p.Limit, most)
	}
	a.add("limit", strconv.Itoa(n))
}

// between adds the filters of a time range; open is how far beyond it their bounds lie
// where those are not included.
func (a *ask) between(t postern.TimeRange, from, to string, open time.Duration) {
	if !t.From.IsZero() {
		a.add(from, stamp(t.From.Add(-open)))
	}
	if !t.To.IsZero() {
		a.add(to, stamp(t.To.Add(open)))
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// idList writes the ids of persons as a list.
func idList(some []postern.PersonID) string {
	var out []string
	for _, id := range some {
		out = append(out, strconv.FormatInt(int64(id), 10))
	}
	return strings.Join(out, ",")
}
