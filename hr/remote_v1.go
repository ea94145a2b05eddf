package hr

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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

// Employees gives a page of persons, each with its newest employment. The wire has a
// filter for one e-mail address and for the time of change; at most 100 come at once.
func (r *RemoteV1) Employees(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	if len(q.IDs) > 0 {
		return r.employeesByID(ctx, q)
	}
	query := url.Values{}
	if len(q.Emails) == 1 {
		query.Set("email", q.Emails[0])
	}
	if from := q.Updated.From; !from.IsZero() {
		query.Set("updated_since", from.UTC().Add(-14*time.Hour).Format("2006-01-02T15:04:05")) // in whatever zone it is read
	}
	e, next, err := pageV1[employeeV1](ctx, r, employeesV1Path, query, q.Paging, maxEmployees, false)
	if err != nil {
		return postern.Page[postern.Person]{}, err
	}
	out := postern.Page[postern.Person]{Next: next, Total: e.total()}
	for i := range e.Data {
		if p := personOf(&e.Data[i]); p.ID != 0 && wantsPerson(&q, &p) {
			out.Items = append(out.Items, p)
		}
	}
	return out, nil
}

// employeesByID asks for each one: the wire has no list of some.
func (r *RemoteV1) employeesByID(ctx context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	var out postern.Page[postern.Person]
	for _, id := range q.IDs {
		p, err := r.Employee(ctx, id)
		switch {
		case postern.CodeOf(err) == postern.NotFound:
		case err != nil:
			return out, err
		case wantsPerson(&q, &p):
			out.Items = append(out.Items, p)
		}
	}
	return out, nil
}

// wantsPerson applies the filters to what came.
func wantsPerson(q *postern.PersonQuery, p *postern.Person) bool {
	return (len(q.Emails) == 0 || slices.ContainsFunc(q.Emails, func(s string) bool { return strings.EqualFold(s, p.Email) })) &&
		(q.FirstName == "" || q.FirstName == p.FirstName) && (q.LastName == "" || q.LastName == p.LastName) &&
		(q.PreferredName == "" || q.PreferredName == p.PreferredName) && (q.Active == nil || *q.Active == p.Active) &&
		inRange(q.Updated, p.UpdatedAt) && inRange(q.Created, p.CreatedAt)
}

// inRange says whether a moment lies in a range; one that is not known does.
func inRange(r postern.TimeRange, t time.Time) bool {
	return t.IsZero() || !t.Before(r.From) && (r.To.IsZero() || !t.After(r.To))
}

// Employee gives one person with the newest employment. It fails with NotFound.
func (r *RemoteV1) Employee(ctx context.Context, id postern.PersonID) (postern.Person, error) {
	var e envelopeV1[looseObject[employeeV1]]
	err := r.get(ctx, employeesV1Path+"/"+strconv.FormatInt(int64(id), 10), nil, &e)
	if err != nil {
		return postern.Person{}, err
	}
	if e.Data.it == nil {
		return postern.Person{}, unreadableV1("there is no employee in it")
	}
	p := personOf(e.Data.it)
	if p.ID != id {
		return p, unreadableV1("it is about another employee")
	}
	return p, nil
}

// TimeOffTypes gives every type of absence, of both units.
func (r *RemoteV1) TimeOffTypes(ctx context.Context) ([]postern.AbsenceType, error) {
	var out []postern.AbsenceType
	for {
		query := url.Values{"limit": {strconv.Itoa(maxPageV1)}, "offset": {strconv.Itoa(len(out))}}
		var e envelopeV1[looseList[objectV1[typeV1]]]
		if err := r.get(ctx, typesV1Path, query, &e); err != nil {
			return nil, err
		}
		fresh := 0
		for _, t := range e.Data {
			if n := int64(t.Attributes.ID); !slices.ContainsFunc(out, func(o postern.AbsenceType) bool { return o.Number == n }) {
				out = append(out, t.Attributes.absenceType())
				fresh++
			}
		}
		if len(e.Data) < maxPageV1 || fresh == 0 {
			break
		}
	}
	r.mu.Lock()
	r.types = slices.Clone(out)
	r.mu.Unlock()
	return out, nil
}

// typeBy finds a type, in what was read last or, when it is not there, anew.
func (r *RemoteV1) typeBy(ctx context.Context, is func(*postern.AbsenceType) bool) (*postern.AbsenceType, error) {
	find := func(types []postern.AbsenceType) *postern.AbsenceType {
		for i := range types {
			if is(&types[i]) {
				return &types[i]
			}
		}
		return nil
	}
	r.mu.Lock()
	known := slices.Clone(r.types)
	r.mu.Unlock()
	if t := find(known); t != nil {
		return t, nil
	}
	types, err := r.TimeOffTypes(ctx)
	return find(types), err
}

// TimeOffs gives a page of the absences counted in days, at most 200. Those that overlap
// the window are found by widening it and looking at what comes (Reach), unless the
// query asks for what lies within it.
func (r *RemoteV1) TimeOffs(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	if len(q.Numbers) > 0 {
		return r.timeOffsByNumber(ctx, q)
	}
	query := url.Values{}
	reach := postern.Date(r.Reach)
	if q.Contained {
		reach = 0
	}
	setDay(query, "start_date", q.Within.From, -reach)
	setDay(query, "end_date", q.Within.To, reach)
	setUpdated(query, q.Updated)
	setPeople(query, q.People)
	e, next, err := pageV1[objectV1[timeOffV1]](ctx, r, timeOffsPath, query, q.Paging, maxPageV1, true)
	if err != nil {
		return postern.Page[postern.Absence]{}, err
	}
	out := postern.Page[postern.Absence]{Next: next}
	for i := range e.Data {
		a, err := r.named(ctx, e.Data[i].Attributes.absence())
		if err != nil {
			return out, err
		}
		if a.From != 0 && wantsAbsence(&q, &a) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

func (r *RemoteV1) timeOffsByNumber(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	var out postern.Page[postern.Absence]
	for _, n := range q.Numbers {
		var e envelopeV1[looseObject[objectV1[timeOffV1]]]
		err := r.get(ctx, timeOffsPath+"/"+strconv.FormatInt(n, 10), nil, &e)
		if postern.CodeOf(err) == postern.NotFound {
			continue
		}
		if err == nil && e.Data.it == nil {
			err = unreadableV1("there is no time-off in it")
		}
		if err != nil {
			return out, err
		}
		a, err := r.named(ctx, e.Data.it.Attributes.absence())
		if err != nil {
			return out, err
		}
		if wantsAbsence(&q, &a) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

// named puts the id of a type in the place of its number, where the service has ids.
func (r *RemoteV1) named(ctx context.Context, a postern.Absence) (postern.Absence, error) {
	n := int64(wholeOf(a.Type))
	t, err := r.typeBy(ctx, func(t *postern.AbsenceType) bool { return t.Number == n })
	if err == nil && t != nil && t.ID != "" {
		a.Type = t.ID
	}
	return a, err
}

// wantsAbsence applies the filters to what came.
func wantsAbsence(q *postern.AbsenceQuery, a *postern.Absence) bool {
	within := postern.Span{From: q.Within.From, To: q.Within.To}
	if within.To != 0 {
		within.To++ // the last moment of the range is part of it
	}
	fits := a.Overlaps(within)
	if q.Contained {
		fits = within.Holds(a.Span)
	}
	return fits && inRange(q.Updated, a.UpdatedAt) && (len(q.IDs) == 0 || slices.Contains(q.IDs, a.ID)) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, a.Type)) && (len(q.People) == 0 || slices.Contains(q.People, a.Person))
}

// AbsencePeriods gives a page of the absences counted in hours, at most 200, those that
// overlap the window.
func (r *RemoteV1) AbsencePeriods(ctx context.Context, q postern.AbsenceQuery) (postern.Page[postern.Absence], error) {
	query := url.Values{}
	setDay(query, "start_date", q.Within.From, 0)
	setDay(query, "end_date", q.Within.To, 0)
	setUpdated(query, q.Updated)
	setPeople(query, q.People)
	query["absence_types[]"], query["absence_periods[]"] = q.Types, q.IDs
	e, next, err := pageV1[objectV1[hourlyV1]](ctx, r, hourlyPath, query, q.Paging, maxPageV1, true)
	if err != nil {
		return postern.Page[postern.Absence]{}, err
	}
	out := postern.Page[postern.Absence]{Next: next}
	for i := range e.Data {
		if a := e.Data[i].Attributes.absence(time.UTC); a.From != 0 && wantsAbsence(&q, &a) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

// Attendances gives a page of work, at most 200. Both dates of the query are required;
// it fails with Invalid without them. Breaks are no periods of their own here.
func (r *RemoteV1) Attendances(ctx context.Context, q postern.AttendanceQuery) (postern.Page[postern.Attendance], error) {
	var out postern.Page[postern.Attendance]
	if q.Dates.From == 0 || q.Dates.To == 0 {
		return out, postern.Errorf(postern.Invalid, "attendance can be asked for only between two dates").WithHint("give the first and the last day")
	}
	if q.Type == postern.Break {
		return out, nil
	}
	query := url.Values{"start_date": {q.Dates.From.String()}, "end_date": {q.Dates.To.String()}}
	if len(q.Statuses) != 1 || q.Statuses[0] != postern.Confirmed {
		query.Set("includePending", "true")
	}
	setUpdated(query, q.Updated)
	setPeople(query, q.People)
	e, next, err := pageV1[periodV1](ctx, r, attendancesV1Path, query, q.Paging, maxPageV1, false)
	if err != nil {
		return out, err
	}
	out.Next, out.Total = next, e.total()
	for i := range e.Data {
		a := e.Data[i].attendance()
		if a.From != 0 && inRange(q.Updated, a.UpdatedAt) && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, a.Status)) &&
			(len(q.IDs) == 0 || slices.Contains(q.IDs, a.ID)) && (len(q.People) == 0 || slices.Contains(q.People, a.Person)) {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

// Balances gives what a person has left of every entitlement. It fails with NotFound.
func (r *RemoteV1) Balances(ctx context.Context, person postern.PersonID) ([]postern.Balance, error) {
	var e envelopeV1[looseList[balanceV1]]
	err := r.get(ctx, balancesPath(person), nil, &e)
	return balances(e.Data), err
}

// CreateTimeOff makes an absence counted in days and gives it as it was made. It fails
// with Conflict when it could not be inserted, which is mostly an overlap.
func (r *RemoteV1) CreateTimeOff(ctx context.Context, a postern.Absence, w postern.Write) (postern.Absence, error) {
	t, err := r.typeBy(ctx, func(t *postern.AbsenceType) bool { return t.ID == a.Type || strconv.FormatInt(t.Number, 10) == a.Type })
	if err != nil {
		return a, err
	}
	if t == nil {
		return a, postern.Errorf(postern.NotFound, "there is no absence type %q", postern.Shorten(a.Type, 40))
	}
	if a.To == 0 {
		return a, postern.Errorf(postern.Invalid, "an absence without an end cannot be made by this API").WithHint("give the last day")
	}
	form := url.Values{
		"employee_id": {strconv.FormatInt(int64(a.Person), 10)}, "time_off_type_id": {strconv.FormatInt(t.Number, 10)},
		"start_date": {a.From.Date().String()}, "end_date": {a.Last().String()},
		"half_day_start": {strconv.FormatBool(a.StartHalf())}, "half_day_end": {strconv.FormatBool(a.EndHalf())},
		"skip_approval": {strconv.FormatBool(w.SkipApproval)},
	}
	if a.Comment != "" {
		form.Set("comment", a.Comment)
	}
	var e envelopeV1[looseObject[objectV1[timeOffV1]]]
	if err := r.do(ctx, ask{method: http.MethodPost, path: timeOffsPath, write: &w}, form, &e); err != nil {
		return a, err
	}
	if e.Data.it == nil || e.Data.it.Attributes.ID == 0 {
		return a, unreadableV1("there is no time-off in it")
	}
	return r.named(ctx, e.Data.it.Attributes.absence())
}

// DeleteTimeOff deletes an absence counted in days by its number. It fails with NotFound.
func (r *RemoteV1) DeleteTimeOff(ctx context.Context, n int64, w postern.Write) error {
	var e envelopeV1[json.RawMessage]
	return r.do(ctx, ask{method: http.MethodDelete, path: timeOffsPath + "/" + strconv.FormatInt(n, 10), write: &w}, nil, &e)
}

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
