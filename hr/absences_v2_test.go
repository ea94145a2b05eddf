package hr_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

const bookDays = `{"person":{"id":"12"},"absence_type":{"id":"` + leaveID + `"},"starts_from":%s,"ends_at":%s}`

func TestTheEndOfDaysIsWrittenInclusiveAndReadExclusive(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, start, end, exclusive string // as sent, and the switch
		from, to                    string // as stored
	}{
		{"three days", `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`, `{"date_time":"2026-03-04T00:00:00","type":"SECOND_HALF"}`, "", "2026-03-02T00:00", "2026-03-05T00:00"},
		{"without halves", `{"date_time":"2026-03-02T00:00:00"}`, `{"date_time":"2026-03-04T00:00:00","type":null}`, "", "2026-03-02T00:00", "2026-03-05T00:00"},
		{"half a first day", `{"date_time":"2026-03-02T00:00:00","type":"SECOND_HALF"}`, `{"date_time":"2026-03-04T00:00:00"}`, "", "2026-03-02T12:00", "2026-03-05T00:00"},
		{"half a first day by noon", `{"date_time":"2026-03-02T12:00:00","type":"SECOND_HALF"}`, `{"date_time":"2026-03-04T00:00:00"}`, "", "2026-03-02T12:00", "2026-03-05T00:00"},
		{"half a first day by noon alone", `{"date_time":"2026-03-02T12:00"}`, `{"date_time":"2026-03-04T00:00"}`, "", "2026-03-02T12:00", "2026-03-05T00:00"},
		{"half a last day", `{"date_time":"2026-03-02T00:00:00"}`, `{"date_time":"2026-03-04T00:00:00","type":"FIRST_HALF"}`, "", "2026-03-02T00:00", "2026-03-04T12:00"},
		{"half a last day by noon", `{"date_time":"2026-03-02T00:00:00"}`, `{"date_time":"2026-03-04T12:00:00","type":"FIRST_HALF"}`, "", "2026-03-02T00:00", "2026-03-04T12:00"},
		{"one afternoon", `{"date_time":"2026-03-02T00:00:00","type":"SECOND_HALF"}`, `{"date_time":"2026-03-02T00:00:00","type":"SECOND_HALF"}`, "", "2026-03-02T12:00", "2026-03-03T00:00"},
		{"one morning", `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`, `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`, "", "2026-03-02T00:00", "2026-03-02T12:00"},
		{"to the last minute", `{"date_time":"2026-03-02T00:00:00"}`, `{"date_time":"2026-03-02T23:59:59","type":"SECOND_HALF"}`, "", "2026-03-02T00:00", "2026-03-03T00:00"},
		{"no end known", `{"date_time":"2026-03-02T00:00:00"}`, `null`, "", "2026-03-02T00:00", ""},
		{"exclusive", `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`, `{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"}`, "exclusive", "2026-03-02T00:00", "2026-03-05T00:00"},
		{"exclusive, half a last day", `{"date_time":"2026-03-02T00:00:00"}`, `{"date_time":"2026-03-04T12:00:00","type":"FIRST_HALF"}`, "exclusive", "2026-03-02T00:00", "2026-03-04T12:00"},
		{"exclusive, to the last minute", `{"date_time":"2026-03-02T00:00:00"}`, `{"date_time":"2026-03-04T23:59:00"}`, "exclusive", "2026-03-02T00:00", "2026-03-05T00:00"},
	} {
		dir := aSpy()
		api := behind(t, dir, map[string]string{"absence-end": cmp0(tt.exclusive, "inclusive")})
		if w := send(t, api, http.MethodPost, "/v2/absence-periods", fmt.Sprintf(bookDays, tt.start, tt.end)); w.Code != http.StatusCreated {
			t.Errorf("%s: got %d %s", tt.name, w.Code, w.Body)
			continue
		}
		want := postern.Span{From: clock(t, tt.from), To: clock(t, tt.to)}
		if got := dir.told.(postern.Absence).Span; got != want {
			t.Errorf("%s: got %v, want %v", tt.name, got, want)
		}
		if a, err := remoteOf(t, api).Absence(t.Context(), absenceID); err != nil || a.Span != want {
			t.Errorf("%s: read back as %v, %v, want %v", tt.name, a.Span, err, want)
		}
	}
}

func cmp0(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func TestAnAbsenceIsReadAsDocumented(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	api := behind(t, dir, nil)
	const shape = `{"id":"%s","person":{"id":"12"},"absence_type":{"id":"%s"},"starts_from":%s,"ends_at":%s,"timezone_id":"Europe/Berlin",` +
		`"comment":%s,"approval":{"status":"APPROVED"},"substitute":%s,"created_at":"2026-02-01T08:00:00Z","updated_at":"2026-02-01T08:00:00Z"}`
	check := func(id, want string) {
		t.Helper()
		w := send(t, api, http.MethodGet, "/v2/absence-periods/"+id, "")
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("got %d\n%s\nwant\n%s", w.Code, w.Body, want)
		}
	}
	check(absenceID, fmt.Sprintf(shape, absenceID, leaveID, `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`, `{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"}`, "null", "null"))
	check(strings.ToUpper(absenceID), fmt.Sprintf(shape, absenceID, leaveID, `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`, `{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"}`, "null", "null"))
	check(hourlyID, fmt.Sprintf(shape, hourlyID, errandsID, `{"date_time":"2026-03-02T09:00:00","type":null}`, `{"date_time":"2026-03-02T10:30:00","type":null}`, "null", "null"))
	dir.absence.Span = postern.DaySpan(postern.NewDate(2026, 3, 2), postern.NewDate(2026, 3, 4), true, true)
	dir.absence.Comment, dir.absence.Substitute = "at sea", 14
	check(absenceID, fmt.Sprintf(shape, absenceID, leaveID, `{"date_time":"2026-03-02T12:00:00","type":"SECOND_HALF"}`, `{"date_time":"2026-03-04T12:00:00","type":"FIRST_HALF"}`, `"at sea"`, `{"id":"14"}`))
	dir.absence.To = 0
	check(absenceID, fmt.Sprintf(shape, absenceID, leaveID, `{"date_time":"2026-03-02T12:00:00","type":"SECOND_HALF"}`, "null", `"at sea"`, `{"id":"14"}`))
}

func TestFiltersOfAbsencesAreUnderstood(t *testing.T) {
	t.Parallel()
	within := func(from, to string) postern.AbsenceQuery {
		return postern.AbsenceQuery{Within: postern.LocalRange{From: clock(t, from), To: clock(t, to)}}
	}
	other := "7d0c0000-0000-4000-8000-0000000000ff"
	for _, tt := range []struct {
		query string
		want  postern.AbsenceQuery
	}{
		{"", postern.AbsenceQuery{}},
		{"nothing=known&starts_from.date.gte=2026-03-01&sort=x&status=APPROVED", postern.AbsenceQuery{}},
		{"id=" + absenceID + "," + other, postern.AbsenceQuery{IDs: []string{absenceID, other}}},
		{"id=" + absenceID + "&id=" + strings.ToUpper(other), postern.AbsenceQuery{IDs: []string{absenceID, other}}},
		{"person.id=12,14&person.id=15", postern.AbsenceQuery{People: []postern.PersonID{12, 14, 15}}},
		{"absence_type.id=" + leaveID + "&absence_type.id=" + errandsID, postern.AbsenceQuery{Types: []string{leaveID, errandsID}}},
		{"starts_from.date_time.gte=2026-03-01T00:00:00&ends_at.date_time.lte=2026-03-31T23:59:59", within("2026-03-01T00:00", "2026-03-31T23:59:59")},
		{"starts_from.gte=2026-03-01T00:00:00&ends_at.lte=2026-03-31T23:59:59", within("2026-03-01T00:00", "2026-03-31T23:59:59")},
		{"ends_at.date_time.gte=2026-03-01T00:00&starts_from.date_time.lte=2026-03-31T23:59", within("2026-03-01T00:00", "2026-03-31T23:59")},
		{"starts_from.date_time.gte=2026-03-01&starts_from.date_time.lte=2026-03-31", within("2026-03-01T00:00", "2026-03-31T23:59:59")},
		{"starts_from.date_time.gte=2026-03-01&ends_at.date_time.gte=2026-03-05", within("2026-03-05T00:00", "")},
		{"starts_from.date_time.lte=2026-03-01&ends_at.date_time.lte=2026-03-05", within("", "2026-03-01T23:59:59")},
		{"starts_from.date_time.gte=2026-03-01T00:00:00.000", within("2026-03-01T00:00", "")},
		{"starts_from.date_time.gte=2026-03-01T00:00:00Z", within("2026-03-01T01:00", "")},
		{"starts_from.date_time.gte=2026-07-01T00:00:00.000Z", within("2026-07-01T02:00", "")},
		{"starts_from.date_time.gte=2026-03-01T00:00:00%2B05:00", within("2026-02-28T20:00", "")},
		{"starts_from.date_time.gte=2026-03-01T00:00:00+05:00", within("2026-02-28T20:00", "")},
		{"starts_from.date_time.gte=", postern.AbsenceQuery{}},
		{"updated_at.gte=2026-03-01T00:00:00Z&updated_at.lte=2026-03-02T00:00:00.500Z", postern.AbsenceQuery{Updated: postern.TimeRange{
			From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 2, 0, 0, 0, 5e8, time.UTC)}}},
		{"updated_at.gte=2026-03-01", postern.AbsenceQuery{Updated: postern.TimeRange{From: time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)}}},
	} {
		dir := aSpy()
		w := send(t, behind(t, dir, nil), http.MethodGet, "/v2/absence-periods?"+tt.query, "")
		if w.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", tt.query, w.Code, w.Body)
		} else if diff := cmp.Diff(tt.want, dir.asked); diff != "" || dir.page.Limit != 100 {
			t.Errorf("%s, by %d (-want +got):\n%s", tt.query, dir.page.Limit, diff)
		}
	}
}

func TestARemoteAsksForAbsencesAsItWasAsked(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	m := remoteOf(t, behind(t, dir, nil))
	q := postern.AbsenceQuery{IDs: []string{absenceID, hourlyID}, Types: []string{leaveID}, People: []postern.PersonID{12, 14},
		Within:  postern.LocalRange{From: clock(t, "2026-03-01T00:00"), To: clock(t, "2026-03-31T23:59:59")},
		Updated: postern.TimeRange{From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 2, 0, 0, 0, 1e6, time.UTC)},
		Paging:  postern.Paging{Limit: 1}}
	page, err := m.Absences(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := q
	want.Paging = postern.Paging{}
	if diff := cmp.Diff(want, dir.asked); diff != "" || dir.page.Limit != 1 {
		t.Errorf("by %d (-want +got):\n%s", dir.page.Limit, diff)
	}
	if diff := cmp.Diff([]postern.Absence{dir.absence}, page.Items); diff != "" || page.Next == "" {
		t.Errorf("next %q (-want +got):\n%s", page.Next, diff)
	}
	q.After = page.Next
	if page, err = m.Absences(t.Context(), q); err != nil || page.Next != "" {
		t.Fatal(page.Next, err)
	}
	if diff := cmp.Diff([]postern.Absence{dir.hourly}, page.Items); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, dir.asked); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeAskedIsA400ThatNamesTheParameter(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	api := behind(t, dir, nil)
	for _, tt := range []struct{ target, param string }{
		{"/v2/absence-periods?limit=0", "limit"},
		{"/v2/absence-periods?limit=101", "limit"},
		{"/v2/absence-periods?limit=-1", "limit"},
		{"/v2/absence-periods?limit=99999999999999999999", "limit"},
		{"/v2/absence-periods?limit=", "limit"},
		{"/v2/absence-periods?cursor=cur_forged", "cursor"},
		{"/v2/absence-periods?id=7", "id"},
		{"/v2/absence-periods?id=" + absenceID + ",%00", "id"},
		{"/v2/absence-periods?person.id=ada", "person.id"},
		{"/v2/absence-periods?person.id=-1", "person.id"},
		{"/v2/absence-periods?absence_type.id=leave", "absence_type.id"},
		{"/v2/absence-periods?starts_from.date_time.gte=yesterday", "starts_from.date_time.gte"},
		{"/v2/absence-periods?starts_from.date_time.gte=2026-02-30T00:00:00", "starts_from.date_time.gte"},
		{"/v2/absence-periods?ends_at.lte=2026-03-01T24:00:00", "ends_at.lte"},
		{"/v2/absence-periods?starts_from.date_time.gte=2026-03-01&starts_from.date_time.gte=2026-03-02", "starts_from.date_time.gte"},
		{"/v2/absence-periods?starts_from.date_time.gte=2026-03-05T00:00:00&ends_at.date_time.lte=2026-03-01T00:00:00", "ends_at.date_time.lte"},
		{"/v2/absence-periods?updated_at.gte=2026-03-05&updated_at.lte=2026-03-01", "updated_at"},
		{"/v2/absence-periods?updated_at.gte=now", "updated_at.gte"},
		{"/v2/absence-periods/" + absenceID + "/breakdowns?limit=29", "limit"},
		{"/v2/absence-periods/" + absenceID + "/breakdowns?limit=0", "limit"},
		{"/v2/absence-types?limit=101", "limit"},
		{"/v2/absence-types?cursor=1", "cursor"},
		{"/v2/attendance-periods?limit=101", "limit"},
		{"/v2/attendance-periods?status=confirmed", "status"},
		{"/v2/attendance-periods?sort=-start.date_time", "sort"},
		{"/v2/attendance-periods?start.date_time.gte=2026-03-05T00:00:00&start.date_time.lte=2026-03-01T00:00:00", "start.date_time.lte"},
		{"/v2/attendance-periods?attribution_date.gte=2026-03-05&attribution_date.lte=2026-03-01", "attribution_date.lte"},
		{"/v2/attendance-periods?attribution_date.gte=2026-03-05T00:00:00", "attribution_date.gte"},
		{"/v2/attendance-periods?id=x", "id"},
	} {
		w := send(t, api, http.MethodGet, tt.target, "")
		if got := complaintOf(t, w.Body.Bytes()); w.Code != http.StatusBadRequest || got.param != tt.param {
			t.Errorf("%s: got %d %s, want 400 by %s", tt.target, w.Code, w.Body, tt.param)
		}
	}
	if dir.asked != nil {
		t.Errorf("the directory was asked %v", dir.asked)
	}
}

type said struct{ detail, param string }

// complaintOf reads a problem document, which has to be whole.
func complaintOf(t testing.TB, body []byte) said {
	t.Helper()
	var p struct {
		Trace     string    `json:"personio_trace_id"`
		Timestamp time.Time `json:"timestamp"`
		Errors    []struct {
			Title, Detail, Type string
			Meta                map[string]string `json:"_meta"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Trace == "" || p.Timestamp.IsZero() || len(p.Errors) != 1 || p.Errors[0].Title == "" || p.Errors[0].Detail == "" || p.Errors[0].Type == "" {
		t.Errorf("not a problem document: %s", body)
		return said{}
	}
	return said{p.Errors[0].Detail, p.Errors[0].Meta["parameter"]}
}

func TestAnIDThatIsNoneIsAsUnknownAsAnyOther(t *testing.T) {
	t.Parallel()
	api := behind(t, aSpy(), nil)
	for _, id := range []string{unknownID, "7", "x", "%00", url.PathEscape("../persons"), strings.Repeat("a", 36), absenceID + "0", "{" + absenceID + "}"} {
		for _, tt := range []struct{ method, path, body string }{
			{http.MethodGet, "/v2/absence-periods/" + id, ""},
			{http.MethodPatch, "/v2/absence-periods/" + id, `{"comment":"x"}`},
			{http.MethodDelete, "/v2/absence-periods/" + id, ""},
			{http.MethodGet, "/v2/absence-periods/" + id + "/breakdowns", ""},
			{http.MethodGet, "/v2/absence-types/" + id, ""},
			{http.MethodGet, "/v2/attendance-periods/" + id, ""},
			{http.MethodPatch, "/v2/attendance-periods/" + id, `{"comment":"x"}`},
			{http.MethodDelete, "/v2/attendance-periods/" + id, ""},
		} {
			w := send(t, api, tt.method, tt.path, tt.body)
			if got := complaintOf(t, w.Body.Bytes()); w.Code != http.StatusNotFound || got.detail != "There is no resource for the specified id." {
				t.Errorf("%s %s: got %d %s", tt.method, tt.path, w.Code, w.Body)
			}
		}
	}
}

func TestAnAbsenceThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	day := func(s string) string { return `{"date_time":"` + s + `"}` }
	book := func(start, end string) string { return fmt.Sprintf(bookDays, start, end) }
	hourly := strings.Replace(book(`{"date_time":"2026-03-02T09:00:00","type":"FIRST_HALF"}`, "null"), leaveID, errandsID, 1)
	good := book(day("2026-03-02T00:00:00"), day("2026-03-04T00:00:00"))
	with := func(member string) string { return strings.TrimSuffix(good, "}") + "," + member + "}" }
	for _, tt := range []struct {
		name, body string
		status     int
		param      string
	}{
		{"no JSON", `{`, 400, ""},
		{"a list", `[]`, 400, ""},
		{"no person", strings.Replace(good, `"person":{"id":"12"},`, "", 1), 400, "person"},
		{"null for a person", strings.Replace(good, `{"id":"12"}`, "null", 1), 400, "person"},
		{"a person without number", strings.Replace(good, `"12"`, `"ada"`, 1), 400, "person.id"},
		{"no type", strings.Replace(good, `"absence_type":{"id":"`+leaveID+`"},`, "", 1), 400, "absence_type"},
		{"no start", strings.Replace(good, `"starts_from"`, `"starts_form"`, 1), 400, "starts_form"},
		{"a start without time", book(`{"type":"FIRST_HALF"}`, "null"), 400, "starts_from.date_time"},
		{"null for a start", book("null", "null"), 400, "starts_from"},
		{"a start with Z", book(day("2026-03-02T00:00:00Z"), "null"), 400, "starts_from.date_time"},
		{"a start with an offset", book(day("2026-03-02T00:00:00+01:00"), "null"), 400, "starts_from.date_time"},
		{"a start without time of day", book(day("2026-03-02"), "null"), 400, "starts_from.date_time"},
		{"an end with Z", book(day("2026-03-02T00:00:00"), day("2026-03-02T00:00:00Z")), 400, "ends_at.date_time"},
		{"a day that is none", book(day("2026-02-30T00:00:00"), "null"), 400, "starts_from.date_time"},
		{"24 o'clock", book(day("2026-03-02T00:00:00"), day("2026-03-02T24:00:00")), 400, "ends_at.date_time"},
		{"a half that is none", book(`{"date_time":"2026-03-02T00:00:00","type":"first_half"}`, "null"), 400, "starts_from.type"},
		{"a zone", with(`"timezone_id":"Europe/Berlin"`), 400, "timezone_id"},
		{"a field that is none", with(`"status":"APPROVED"`), 400, "status"},
		{"a field twice", with(`"person":{"id":"13"}`), 400, "person"},
		{"a substitute without number", with(`"substitute":{"id":"x"}`), 400, "substitute.id"},
		{"an end before the start", book(day("2026-03-04T00:00:00"), day("2026-03-02T00:00:00")), 422, "ends_at"},
		{"both halves left out", book(`{"date_time":"2026-03-02T00:00:00","type":"SECOND_HALF"}`, `{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"}`), 422, "ends_at"},
		{"an hour of a day", book(day("2026-03-02T09:00:00"), "null"), 422, "starts_from"},
		{"until an hour of a day", book(day("2026-03-02T00:00:00"), day("2026-03-02T17:00:00")), 422, "ends_at"},
		{"noon of the first half", book(`{"date_time":"2026-03-02T12:00:00","type":"FIRST_HALF"}`, "null"), 422, "starts_from"},
		{"noon to the evening", book(day("2026-03-02T00:00:00"), `{"date_time":"2026-03-02T12:00:00","type":"SECOND_HALF"}`), 422, "ends_at"},
		{"a half of hours", hourly, 422, "starts_from.type"},
		{"an unknown type", strings.Replace(good, leaveID, unknownID, 1), 422, "absence_type"},
		{"a type that is no id", strings.Replace(good, leaveID, "leave", 1), 422, "absence_type"},
		{"a long comment", with(`"comment":"` + strings.Repeat("ü", 2001) + `"`), 422, "comment"},
		{"a comment with NUL", with(`"comment":"\u0000"`), 422, "comment"},
		{"one who stands in for themselves", with(`"substitute":{"id":"12"}`), 409, "substitute"},
	} {
		w := send(t, behind(t, aSpy(), nil), http.MethodPost, "/v2/absence-periods", tt.body)
		if got := complaintOf(t, w.Body.Bytes()); w.Code != tt.status || got.param != tt.param {
			t.Errorf("%s: got %d %s, want %d by %s", tt.name, w.Code, w.Body, tt.status, tt.param)
		}
	}
}

func TestWhatADirectoryRefusesHasItsStatus(t *testing.T) {
	t.Parallel()
	at := func(code postern.Code, param string) error {
		e := postern.Errorf(code, "because")
		e.Param = param
		return e
	}
	for _, tt := range []struct {
		refusal       error
		create, patch int
	}{
		{at(postern.Conflict, "starts_from"), 409, 409},
		{at(postern.Invalid, "ends_at"), 422, 422},
		{at(postern.Invalid, "substitute"), 409, 409},
		{at(postern.NotFound, "substitute"), 409, 409},
		{at(postern.NotFound, "person"), 422, 404},
		{at(postern.NotFound, ""), 422, 404},
		{at(postern.Unavailable, ""), 503, 503},
		{fmt.Errorf("broken"), 500, 500},
	} {
		dir := aSpy()
		api := behind(t, dir, nil)
		dir.refusal = tt.refusal
		body := fmt.Sprintf(bookDays, `{"date_time":"2026-03-02T00:00:00"}`, "null")
		if w := send(t, api, http.MethodPost, "/v2/absence-periods", body); w.Code != tt.create {
			t.Errorf("%v: POST gives %d %s, want %d", tt.refusal, w.Code, w.Body, tt.create)
		}
		dir.refusal = tt.refusal
		if w := send(t, api, http.MethodPatch, "/v2/absence-periods/"+absenceID, `{"comment":"x"}`); w.Code != tt.patch {
			t.Errorf("%v: PATCH gives %d %s, want %d", tt.refusal, w.Code, w.Body, tt.patch)
		}
	}
}

func TestAnAbsenceIsMadeOnceAndWaitsUnlessItNeedNot(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	api := behind(t, dir, nil)
	body := fmt.Sprintf(bookDays, `{"date_time":"2026-03-02T00:00:00"}`, "null")
	for query, skip := range map[string]bool{"": false, "?skip_approval=false": false, "?skip_approval=true": true, "?skip_approval=": false} {
		w := send(t, api, http.MethodPost, "/v2/absence-periods"+query, body, "Idempotency-Key", "k-1")
		want := `{"id":"` + absenceID + `","_meta":{"links":{"self":{"href":"https://postern.test/v2/absence-periods/` + absenceID + `"}}}}`
		if w.Code != http.StatusCreated || w.Body.String() != want {
			t.Errorf("%s: got %d %s, want %s", query, w.Code, w.Body, want)
		}
		if dir.write.SkipApproval != skip || dir.write.Key != "k-1" || dir.write.Actor != "client:"+testClient || dir.write.RequestID != "a1b2" {
			t.Errorf("%s: got %+v", query, dir.write)
		}
	}
	a := dir.told.(postern.Absence)
	if a.Zone != "Europe/Berlin" || a.Origin != "api" || a.CreatedBy != "API" || a.Person != 12 || a.Type != leaveID {
		t.Errorf("got %+v", a)
	}
	dir.told = nil
	if w := send(t, api, http.MethodPost, "/v2/absence-periods?skip_approval=perhaps", body); w.Code != 400 {
		t.Errorf("skip_approval=perhaps: got %d", w.Code)
	}
	if w := send(t, api, http.MethodPost, "/v2/absence-periods", body, "Idempotency-Key", strings.Repeat("k", 256)); w.Code != 400 {
		t.Errorf("a long key: got %d", w.Code)
	}
	if dir.told != nil {
		t.Errorf("something was made: %v", dir.told)
	}
}

func TestAChangeOfAnAbsenceIsWhatTheBodySays(t *testing.T) {
	t.Parallel()
	at := func(s string) *postern.LocalTime { return new(clock(t, s)) }
	for _, tt := range []struct {
		id, body string
		want     postern.AbsenceChange
	}{
		{absenceID, `{}`, postern.AbsenceChange{}},
		{absenceID, `{"comment":"at sea"}`, postern.AbsenceChange{Comment: new("at sea")}},
		{absenceID, `{"comment":null}`, postern.AbsenceChange{Comment: new("")}},
		{absenceID, `{"substitute":{"id":"14"}}`, postern.AbsenceChange{Substitute: new(postern.PersonID(14))}},
		{absenceID, `{"substitute":null}`, postern.AbsenceChange{Substitute: new(postern.PersonID(0))}},
		{absenceID, `{"ends_at":null}`, postern.AbsenceChange{To: at("")}},
		{absenceID, `{"ends_at":{"date_time":"2026-03-06T00:00:00","type":"SECOND_HALF"}}`, postern.AbsenceChange{To: at("2026-03-07T00:00")}},
		{absenceID, `{"starts_from":{"date_time":"2026-03-03T00:00:00","type":"SECOND_HALF"}}`, postern.AbsenceChange{From: at("2026-03-03T12:00")}},
		{hourlyID, `{"starts_from":{"date_time":"2026-03-03T08:15:00"},"ends_at":{"date_time":"2026-03-03T09:00:00","type":null}}`, postern.AbsenceChange{From: at("2026-03-03T08:15"), To: at("2026-03-03T09:00")}},
	} {
		dir := aSpy()
		w := send(t, behind(t, dir, nil), http.MethodPatch, "/v2/absence-periods/"+tt.id+"?skip_approval=true", tt.body)
		if w.Code != http.StatusNoContent || w.Body.Len() > 0 || !dir.write.SkipApproval {
			t.Errorf("%s: got %d %s, %+v", tt.body, w.Code, w.Body, dir.write)
		} else if diff := cmp.Diff(tt.want, dir.told); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.body, diff)
		}
		again := aSpy()
		if err := remoteOf(t, behind(t, again, nil)).ChangeAbsence(t.Context(), tt.id, tt.want, postern.Write{SkipApproval: true}); err != nil {
			t.Errorf("%s by the remote: %v", tt.body, err)
		} else if diff := cmp.Diff(tt.want, again.told); diff != "" || !again.write.SkipApproval {
			t.Errorf("%s by the remote (-want +got):\n%s", tt.body, diff)
		}
	}
	for _, body := range []string{`{"person":{"id":"13"}}`, `{"absence_type":{"id":"` + errandsID + `"}}`, `{"starts_from":null}`, `{"ends_at":{"type":"FIRST_HALF"}}`, `{"id":"x"}`, `{"timezone_id":"UTC"}`, ``} {
		dir := aSpy()
		if w := send(t, behind(t, dir, nil), http.MethodPatch, "/v2/absence-periods/"+absenceID, body); w.Code != 400 && !(body == "" && w.Code == 415) || dir.told != nil {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
	}
}

func TestAnAbsenceIsDeletedByEitherEnd(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	api := behind(t, dir, nil)
	if w := send(t, api, http.MethodDelete, "/v2/absence-periods/"+absenceID, ""); w.Code != http.StatusNoContent || dir.told != absenceID {
		t.Errorf("got %d, %v", w.Code, dir.told)
	}
	m := remoteOf(t, api)
	dir.told = nil
	if err := m.DeleteAbsence(t.Context(), absenceID, postern.Write{}); err != nil || dir.told != absenceID {
		t.Errorf("got %v, %v", err, dir.told)
	}
	if err := m.DeleteAbsence(t.Context(), unknownID, postern.Write{}); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestARemoteBooksWhatItIsGiven(t *testing.T) {
	t.Parallel()
	first := postern.NewDate(2026, 3, 2)
	for _, a := range []postern.Absence{
		{Type: leaveID, Span: postern.DaySpan(first, first, false, false)},
		{Type: leaveID, Span: postern.DaySpan(first, first+4, true, true), Comment: "at sea", Substitute: 14},
		{Type: leaveID, Span: postern.DaySpan(first, first, true, false)},
		{Type: leaveID, Span: postern.DaySpan(first, first, false, true)},
		{Type: leaveID, Span: postern.DaySpan(first, 0, true, false)},
		{Type: leaveID, Span: postern.DaySpan(postern.NewDate(2199, 12, 31), postern.NewDate(2199, 12, 31), false, false)},
		{Type: errandsID, Span: postern.Span{From: first.At(9 * time.Hour), To: first.At(10 * time.Hour)}},
		{Type: errandsID, Span: postern.Span{From: first.At(0), To: first.At(24 * time.Hour)}},
	} {
		dir := aSpy()
		a.Person, a.Zone = 12, "Europe/Berlin"
		got, err := remoteOf(t, behind(t, dir, nil)).CreateAbsence(t.Context(), a, postern.Write{Key: "k-1", RequestID: "r-1"})
		if err != nil {
			t.Errorf("%v: %v", a.Span, err)
			continue
		}
		want := a
		want.ID, want.Status = absenceID, postern.Approved
		if diff := cmp.Diff(want, got); diff != "" || dir.write.Key != "k-1" {
			t.Errorf("%v, key %q (-want +got):\n%s", a.Span, dir.write.Key, diff)
		}
	}
	dir := aSpy()
	dir.refusal = postern.Errorf(postern.Conflict, "the absence overlaps another")
	_, err := remoteOf(t, behind(t, dir, nil)).CreateAbsence(t.Context(), postern.Absence{Person: 12, Type: leaveID, Span: postern.DaySpan(first, 0, false, false)}, postern.Write{})
	if postern.CodeOf(err) != postern.Conflict || !strings.Contains(postern.Public(err), "overlaps") {
		t.Errorf("a conflict: got %v", err)
	}
}
