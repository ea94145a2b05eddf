package hr

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"postern.dev/postern"
)

// RemoteV1 reads version 1 of the API elsewhere, for what version 2 does not have and
// for services that have nothing else. It decides by status first and by success then,
// never by the code in a refusal, which is often 0. Pages come as the endpoint has them:
// a filter that the wire does not have is applied to each page, which may leave few of
// its items or none while Next goes on.
type RemoteV1 struct {
	m *Remote
	// Reach is how many days before and after a window time-offs are looked for, since
	// the service finds only what lies within the dates as a whole: what is longer than
	// Reach may be missed. DialV1 sets it to 400.
	Reach int

	mu    sync.Mutex
	types []postern.AbsenceType // as last read
}

// DialV1 gives a remote for the service at base, its origin, with a path before /v1 or
// without. The transport of hc adds the token; the header in which some answers repeat it
// is not read. It fails with Invalid for a base that is no address; nothing is asked yet.
func DialV1(base string, hc *http.Client) (*RemoteV1, error) {
	m, err := Dial(base, hc)
	if err != nil {
		return nil, err
	}
	return m.older(), nil
}

// older gives the remote of version 1 at the same place.
func (m *Remote) older() *RemoteV1 { return &RemoteV1{m: m, Reach: 400} }

// setDay sets the day of a moment, moved by so many days.
func setDay(query url.Values, name string, at postern.LocalTime, by postern.Date) {
	if at != 0 {
		query.Set(name, (at.Date() + by).String())
	}
}

// setUpdated sets the days of change, a day wider on both sides, since nobody says in
// which zone they are read.
func setUpdated(query url.Values, r postern.TimeRange) {
	if !r.From.IsZero() {
		query.Set("updated_from", (postern.DateOf(r.From.UTC()) - 1).String())
	}
	if !r.To.IsZero() {
		query.Set("updated_to", (postern.DateOf(r.To.UTC()) + 1).String())
	}
}

func setPeople(query url.Values, people []postern.PersonID) {
	for _, id := range people {
		query.Add("employees[]", strconv.FormatInt(int64(id), 10))
	}
}

// pageV1 reads one page of a list and tells how to ask for the next. After is the offset
// of the wire, of items or of pages.
func pageV1[T any](ctx context.Context, r *RemoteV1, path string, query url.Values, p postern.Paging, most int, pages bool) (envelopeV1[looseList[T]], string, error) {
	var e envelopeV1[looseList[T]]
	limit, first := min(p.Limit, most), 0
	if limit < 1 {
		limit = most
	}
	if pages {
		first = 1
	}
	offset, err := first, error(nil)
	if p.After != "" {
		if offset, err = strconv.Atoi(p.After); err != nil || offset < first {
			return e, "", postern.Errorf(postern.Invalid, "%q is not a position in %s", postern.Shorten(p.After, 40), path)
		}
	}
	query.Set("limit", strconv.Itoa(limit))
	query.Set("offset", strconv.Itoa(offset))
	if err := r.get(ctx, path, query, &e); err != nil {
		return e, "", err
	}
	next, more := offset+1, len(e.Data) > 0
	if !pages {
		next = offset + limit
	}
	switch {
	case e.Metadata == nil: // as long as pages are full
		more = len(e.Data) >= limit
	case pages:
		more = more && offset < int(e.Metadata.Pages)
	default:
		more = more && next < int(e.Metadata.Total)
	}
	if !more {
		return e, "", nil
	}
	return e, strconv.Itoa(next), nil
}

// total gives how many there are, 0 when it was not told.
func (e *envelopeV1[T]) total() int {
	if e.Metadata == nil {
		return 0
	}
	return int(e.Metadata.Total)
}

func (r *RemoteV1) get(ctx context.Context, path string, query url.Values, into any) error {
	return r.do(ctx, ask{path: path, query: query}, nil, into)
}

// do makes a call, with a form if there is one, and reads the answer into an envelope.
func (r *RemoteV1) do(ctx context.Context, a ask, form url.Values, into any) error {
	req, err := r.m.request(ctx, a)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if form != nil {
		body := form.Encode()
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		req.Header.Set("Content-Type", formType)
	}
	host := req.URL.Host
	resp, err := r.m.hc.Do(req)
	if err != nil {
		return r.m.unreachable(ctx, host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return &postern.Error{Code: postern.Unavailable, Msg: "the answer of " + host + " broke off or is too long", Err: withoutURL(err)}
	}
	return decodeV1(resp.StatusCode, resp.Header, body, into)
}

// refusalV1 is a refusal as it is read.
type refusalV1 struct {
	Success *looseBool `json:"success"`
	Error   looseObject[struct {
		Code    looseInt                          `json:"code"`
		Message looseText                         `json:"message"`
		Data    looseText                         `json:"error_data"`
		Errors  looseObject[map[string]looseText] `json:"errors"`
	}] `json:"error"`
}

// decodeV1 reads an answer: its status first, then success.
func decodeV1(status int, h http.Header, body []byte, into any) error {
	body = bytes.TrimSpace(body)
	var r refusalV1
	bad := json.Unmarshal(body, &r)
	if status >= 200 && status < 300 {
		switch {
		case bad != nil || len(body) == 0 || body[0] != '{' || json.Unmarshal(body, into) != nil:
			return unreadableV1("it is not one JSON object")
		case r.Success != nil && bool(*r.Success) || r.Success == nil && r.Error.it == nil:
			return nil
		}
	}
	return r.err(status, h)
}

// err gives the error that a refusal is.
func (r *refusalV1) err(status int, h http.Header) error {
	message, number := "", 0
	if e := r.Error.it; e != nil {
		message, number = string(e.Message), int(e.Code)
		if e.Data != "" && e.Data != e.Message {
			message += ": " + string(e.Data)
		}
	}
	if status < 400 && number >= 400 && number <= 599 { // refused with the status of a success
		status = number
	}
	e := &postern.Error{Code: codeV1(status, message), Msg: "the HR API answered " + strconv.Itoa(status)}
	e.Err = fmt.Errorf("%d: %s", status, postern.Shorten(message, 300))
	switch e.Code {
	case postern.Unauthenticated:
		e.Reason = postern.BadToken
	case postern.Forbidden:
		e.Reason = postern.LowScope
		if _, scope, ok := strings.Cut(h.Get("Www-Authenticate"), `scope="`); ok {
			scope, _, _ = strings.Cut(scope, `"`)
			e.Param = postern.Shorten(scope, 100)
			e.Msg += ": the token lacks the scope " + e.Param
		}
		_ = e.WithHint("grant the client the right that the call needs, and get a new token")
	case postern.TooMany, postern.Unavailable:
		e.Wait = retryAfter(h)
	default:
		if message != "" { // it is about the call
			e.Msg += ": " + strconv.Quote(postern.Shorten(message, 300))
		}
	}
	return e
}

// codeV1 gives the code of a refusal. Some are told apart by their message alone.
func codeV1(status int, message string) postern.Code {
	switch {
	case strings.HasPrefix(message, "Provided authorization is not valid"):
		return postern.Unauthenticated
	case strings.HasPrefix(message, periodNotMade):
		return postern.Conflict
	case status == http.StatusUnauthorized:
		return postern.Unauthenticated
	case status == http.StatusForbidden:
		return postern.Forbidden
	case status == http.StatusNotFound, status < 400 && (message == aProblem || strings.HasSuffix(message, "not found.")):
		return postern.NotFound
	case status == http.StatusConflict:
		return postern.Conflict
	case status == http.StatusTooManyRequests:
		return postern.TooMany
	case status >= 500 || status >= 300 && status < 400:
		return postern.Unavailable
	}
	return postern.Invalid
}

// unreadableV1 is an answer that is not what was asked for.
func unreadableV1(why string) error {
	e := postern.Errorf(postern.Unavailable, "the answer of the HR API cannot be read: %s", why)
	return e.WithHint("check that the address is that of the API, and not of a page before it")
}
