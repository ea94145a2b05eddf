package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// Remote is a postern.Office elsewhere, behind an operator API. Who manages there is whom
// the transport's token is of. Its methods stand beside the handlers that answer them.
//
// Hashes and keys stay where they are: what a Remote gives has none, and only says where
// there is one.
type Remote struct {
	base string // with /admin/v1
	host string
	hc   *http.Client
}

var (
	_ postern.Office  = (*Remote)(nil)
	_ postern.Inviter = (*Remote)(nil)
)

// Dial gives the Office behind base, the address of a server such as
// https://postern.example.com, with or without /admin/v1 at the end. Nothing is asked yet.
// The transport of hc adds the token; a Remote never sees one, and follows no redirect,
// which would carry it elsewhere. A nil hc is one without a token. It fails with Invalid
// for an address that is none.
func Dial(address string, hc *http.Client) (*Remote, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, postern.Errorf(postern.Invalid, "the address of a server is http or https, a host and at most a path").
			WithHint("write it as https://postern.example.com")
	}
	own := http.Client{}
	if hc != nil {
		own = *hc
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	root := strings.TrimRight(strings.TrimSuffix(u.Path, base), "/")
	return &Remote{base: u.Scheme + "://" + u.Host + root + base, host: u.Host, hc: &own}, nil
}

// ask is one call of a Remote.
type ask struct {
	method string // "" is GET
	path   []string
	query  url.Values
	body   any
	edit   postern.Edit
}

// at names a path below /admin/v1 by its parts.
func at(parts ...string) []string { return parts }

// set adds a parameter that is not empty.
func (a *ask) set(name, value string) {
	if value == "" {
		return
	}
	if a.query == nil {
		a.query = url.Values{}
	}
	a.query.Set(name, value)
}

// since adds a parameter that is a time.
func (a *ask) since(name string, t time.Time) {
	if !t.IsZero() {
		a.set(name, t.UTC().Format(time.RFC3339Nano))
	}
}

// paged adds what part of a list is wanted; the position is as a page before gave it.
func (a *ask) paged(p postern.Paging) error {
	if p.Offset > 0 {
		return postern.Errorf(postern.Invalid, "an office elsewhere cannot leave out the first %d", p.Offset)
	}
	if p.Limit > 0 {
		a.set("limit", strconv.Itoa(min(p.Limit, postern.MaxPage)))
	}
	a.set("after", p.After)
	return nil
}

// do makes the call and reads the answer into v, if v is not nil.
func (m *Remote) do(ctx context.Context, a ask, v any) error {
	r, err := m.request(ctx, a)
	if err != nil {
		return err
	}
	resp, err := m.hc.Do(r)
	if err != nil {
		return m.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return refused(resp, m.host, body)
	case err != nil:
		return &postern.Error{Code: postern.Unavailable, Msg: "the answer of " + m.host + " broke off", Err: withoutURL(err)}
	case len(body) > maxAnswer:
		return &postern.Error{Code: postern.Unavailable, Msg: fmt.Sprintf("the answer of %s is longer than %d bytes", m.host, maxAnswer)}
	case v == nil:
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return postern.Errorf(postern.Unavailable, "the answer of %s is not of the documented form", m.host).
			WithHint("check the address of the server, and that it is not older than this program")
	}
	return nil
}

func (m *Remote) request(ctx context.Context, a ask) (*http.Request, error) {
	address := m.base
	for i, part := range a.path {
		// What no path can name is not there: a server would clean it away.
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\\") || len(part) > maxParam {
			return nil, postern.Errorf(postern.NotFound, "there is no %s %q", strings.TrimSuffix(a.path[max(0, i-1)], "s"), postern.Shorten(part, 80))
		}
		address += "/" + url.PathEscape(part)
	}
	if len(a.query) > 0 {
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
	if a.method == "" {
		a.method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, a.method, address, body)
	if err != nil {
		return nil, &postern.Error{Code: postern.Invalid, Msg: "the call cannot be written", Err: withoutURL(err)}
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range map[string]string{keyHeader: a.edit.Key, matchHeader: quoted(a.edit.Match), "X-Request-Id": postern.CallFrom(ctx).ID} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r, nil
}

func quoted(tag string) string {
	if tag == "" {
		return ""
	}
	return `"` + tag + `"`
}

// unreachable keeps an Error that the transport made: it knows why there is no token, or
// no way.
func (m *Remote) unreachable(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*postern.Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &postern.Error{Code: postern.Unavailable, Msg: "the server at " + m.host + " could not be reached", Err: withoutURL(err)}
}

// withoutURL takes the address out of an error of net/http: it names whom it was about.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// one asks for one thing.
func one[W any](ctx context.Context, m *Remote, a ask) (W, error) {
	var w W
	err := m.do(ctx, a, &w)
	return w, err
}

// many asks for a page of a list.
func many[W, N any](ctx context.Context, m *Remote, a ask, p postern.Paging, noun func(W) N) (postern.Page[N], error) {
	if err := a.paged(p); err != nil {
		return postern.Page[N]{}, err
	}
	w, err := one[List[W]](ctx, m, a)
	if err != nil {
		return postern.Page[N]{}, err
	}
	out := postern.Page[N]{Next: w.Next}
	for _, item := range w.Items {
		out.Items = append(out.Items, noun(item))
	}
	return out, nil
}

// all asks for a list that has one page.
func all[W, N any](ctx context.Context, m *Remote, a ask, noun func(W) N) ([]N, error) {
	p, err := many(ctx, m, a, postern.Paging{}, noun)
	return p.Items, err
}

// secret gives the secret of an answer, which is there once.
func secret(s string) postern.Secret { return postern.NewSecret(s) }

// scopes makes the set of a list.
func scopes(s []string) postern.Scopes {
	if len(s) == 0 {
		return nil
	}
	return postern.NewScopes(slices.Clone(s)...)
}
