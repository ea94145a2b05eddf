package hr_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

// answering is a server that gives one answer to everything.
type answering string

func (a answering) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(a))
}

// What was seen of servers of this shape, or is told of them.
func TestARemoteForgivesWhatItMeetsOfAbsences(t *testing.T) {
	t.Parallel()
	days := func(from, to string) postern.Absence {
		return postern.Absence{ID: "a", Person: 12, Type: "t", Status: postern.Approved, Span: postern.Span{From: clock(t, from), To: clock(t, to)}}
	}
	const before = `{"id":"a","person":{"id":"12"},"absence_type":{"id":"t"},"approval":{"status":"APPROVED"},`
	for _, tt := range []struct {
		name, answer string
		want         postern.Absence
	}{
		{"in _data", `{"_data":` + before + `"starts_from":{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"},"ends_at":null}}`, days("2026-03-02T00:00", "")},
		{"in data", `{"data":` + before[:1] + before[1:] + `"starts_from":{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"},"ends_at":null}}`, days("2026-03-02T00:00", "")},
		{"alone in a list", `{"_data":[` + before + `"starts_from":{"date_time":"2026-03-02T00:00:00"}}]}`, days("2026-03-02T00:00", "")},
		{"an exclusive end", before + `"starts_from":{"date_time":"2026-04-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-04-03T00:00:00","type":"SECOND_HALF"}}`, days("2026-04-02T00:00", "2026-04-03T00:00")},
		{"half a last day at midnight", before + `"starts_from":{"date_time":"2026-04-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-04-03T00:00:00","type":"FIRST_HALF"}}`, days("2026-04-02T00:00", "2026-04-03T12:00")},
		{"half a last day at noon", before + `"starts_from":{"date_time":"2026-04-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-04-03T12:00:00","type":"FIRST_HALF"}}`, days("2026-04-02T00:00", "2026-04-03T12:00")},
		{"half a first day at midnight", before + `"starts_from":{"date_time":"2026-04-02T00:00:00","type":"SECOND_HALF"},"ends_at":{"date_time":"2026-04-03T00:00:00","type":"SECOND_HALF"}}`, days("2026-04-02T12:00", "2026-04-03T00:00")},
		{"an end that names the day it starts", before + `"starts_from":{"date_time":"2026-04-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-04-02T00:00:00","type":"SECOND_HALF"}}`, days("2026-04-02T00:00", "2026-04-03T00:00")},
		{"an end in the last second", before + `"starts_from":{"date_time":"2026-04-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-04-02T23:59:59","type":"SECOND_HALF"}}`, days("2026-04-02T00:00", "2026-04-03T00:00")},
		{"hours", before + `"starts_from":{"date_time":"2026-04-02T09:00:00.000","type":null},"ends_at":{"date_time":"2026-04-02T10:30:00","type":null}}`, days("2026-04-02T09:00", "2026-04-02T10:30")},
		{"hours with an offset", before + `"starts_from":{"date_time":"2026-04-02T09:00:00+02:00"},"ends_at":{"date_time":"2026-04-02T10:30:00Z"}}`, days("2026-04-02T09:00", "2026-04-02T10:30")},
		{"dates alone", before + `"starts_from":{"date_time":"2026-04-02","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-04-03","type":"SECOND_HALF"}}`, days("2026-04-02T00:00", "2026-04-03T00:00")},
		{"numbers, lower case, more fields", `{"id":"a","person":{"id":12,"name":"Ada"},"absence_type":{"id":"t"},"approval":{"status":"approved","by":7},"starts_from":{"date_time":"2026-04-02T09:00:00"},"new":{"x":[1]}}`, days("2026-04-02T09:00", "")},
		{"empty things", before + `"starts_from":{"date_time":"2026-04-02T09:00:00"},"ends_at":"","substitute":[],"comment":"","timezone_id":"","created_at":"","updated_at":null}`, days("2026-04-02T09:00", "")},
	} {
		got, err := remoteOf(t, answering(tt.answer)).Absence(t.Context(), "a")
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
	bare, err := remoteOf(t, answering(`{"id":"a"}`)).Absence(t.Context(), "a")
	if diff := cmp.Diff(postern.Absence{ID: "a"}, bare); diff != "" || err != nil {
		t.Errorf("nothing but an id: %v (-want +got):\n%s", err, diff)
	}
	odd, err := remoteOf(t, answering(`{"_data":[{"id":"a","starts_from":{"date_time":"soon"},"approval":{"status":"SUBSTITUTE_REQUESTED"}},{"id":"b"}],"_meta":{"links":{"self":{"href":"x"}}}}`)).
		Absences(t.Context(), postern.AbsenceQuery{})
	if err != nil || len(odd.Items) != 2 || odd.Items[0].Status != "SUBSTITUTE_REQUESTED" || odd.Items[0].From != 0 {
		t.Errorf("odd ones: %+v, %v", odd, err)
	}
}

func TestARemoteForgivesWhatItMeetsOfAttendance(t *testing.T) {
	t.Parallel()
	want := postern.Attendance{ID: "p", Person: 12, Type: postern.Work, Date: postern.NewDate(2026, 3, 6), Status: postern.Confirmed,
		Span: postern.Span{From: clock(t, "2026-03-06T09:00"), To: clock(t, "2026-03-06T12:00")}}
	const at = `"start":{"date_time":"2026-03-06T09:00:00"},"end":{"date_time":"2026-03-06T12:00:00"}`
	for name, answer := range map[string]string{
		"nested":            `{"id":"p","person":{"id":"12"},"type":"WORK",` + at + `,"attribution_date":"2026-03-06","approval":{"status":"CONFIRMED"}}`,
		"beside":            `{"id":"p","person":{"id":12},"type":"work",` + at + `,"attribution_date":"2026-03-06T00:00:00","status":"confirmed"}`,
		"in both":           `{"id":"p","person":{"id":"12"},"type":"WORK",` + at + `,"approval":{"status":"CONFIRMED"},"status":"PENDING","project":""}`,
		"0 for false":       `{"data":{"id":"p","person":{"id":"12"},"type":"WORK",` + at + `,"approval":{"status":"CONFIRMED"},"is_auto_generated":0,"is_holiday":"1"}}`,
		"not said when":     `{"_data":{"id":"p","person":{"id":"12"},"type":"WORK",` + at + `,"status":"CONFIRMED","created_at":"yesterday"}}`,
		"a project as text": `{"id":"p","person":{"id":"12"},"type":"WORK",` + at + `,"status":"CONFIRMED","project":null,"comment":null}`,
	} {
		got, err := remoteOf(t, answering(answer)).Attendance(t.Context(), "p")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestARemoteForgivesWhatItMeetsOfTypesAndDays(t *testing.T) {
	t.Parallel()
	for unit, want := range map[string]postern.Unit{"DAY": postern.Days, "day": postern.Days, "DAILY": postern.Days, "HOUR": postern.Hours, "hourly": postern.Hours, "HOURS": postern.Hours} {
		got, err := remoteOf(t, answering(`{"id":"t","name":"Leave","category":"PAID_VACATION","unit":"`+unit+`"}`)).AbsenceType(t.Context(), "t")
		if err != nil || got.Unit != want || got.Category != "paid_vacation" || got.HalfDays != (want == postern.Days) {
			t.Errorf("%s: got %+v, %v", unit, got, err)
		}
	}
	got, err := remoteOf(t, answering(`{"_data":[{"date":"2026-03-03","effective_duration":{"unit":"day","value":"0.5"}},{"date":"2026-03-02T00:00:00","effective_duration":{"unit":"DAY","value":1}}]}`)).
		Breakdown(t.Context(), "a")
	want := []postern.AbsenceDay{{Date: postern.NewDate(2026, 3, 2), Unit: postern.Days, Amount: 1}, {Date: postern.NewDate(2026, 3, 3), Unit: postern.Days, Amount: 0.5}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestARemoteSaysWhatItCannotAsk(t *testing.T) {
	t.Parallel()
	m := remoteOf(t, answering(`{"_data":[]}`))
	for _, q := range []postern.AbsenceQuery{{Numbers: []int64{7}}, {Unit: postern.Hours}, {Paging: postern.Paging{Offset: 3}}} {
		if _, err := m.Absences(t.Context(), q); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%+v: got %v", q, err)
		}
	}
}

func TestAbsencesWithinAndTheirDaysAreFoundByARemote(t *testing.T) {
	t.Parallel()
	dir := aSpy()
	dir.hourly.ID = absenceID
	dir.days = []postern.AbsenceDay{{Date: postern.NewDate(2026, 3, 2), Unit: postern.Days, Amount: 1}}
	m := remoteOf(t, behind(t, dir, nil))
	for _, tt := range []struct {
		from, to string
		want     int
	}{
		{"2026-03-02T00:00", "2026-03-04T23:59:59", 2}, {"2026-03-02T00:00", "", 2}, {"2026-03-02T00:00", "2026-03-02T23:59:59", 1}, {"2026-03-03T00:00", "", 0},
	} {
		page, err := m.Absences(t.Context(), postern.AbsenceQuery{Contained: true, Detail: true, Within: postern.LocalRange{From: clock(t, tt.from), To: clock(t, tt.to)}})
		if err != nil || len(page.Items) != tt.want {
			t.Errorf("%s to %s: got %v, %v, want %d", tt.from, tt.to, page.Items, err, tt.want)
		}
		for _, a := range page.Items {
			if !cmp.Equal(a.Days, dir.days) {
				t.Errorf("got days %v", a.Days)
			}
		}
	}
}

func FuzzAnAnswerAboutAbsences(f *testing.F) {
	for _, s := range []string{
		`{"id":"a","person":{"id":"12"},"absence_type":{"id":"t"},"starts_from":{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"},"timezone_id":"Europe/Berlin","comment":null,"approval":{"status":"APPROVED"},"created_at":"2026-02-01T08:00:00Z"}`,
		`{"_data":{"id":1,"starts_from":{"date_time":"2026-03-02T12:00:00","type":"SECOND_HALF"},"ends_at":{"date_time":"2026-03-02","type":"FIRST_HALF"},"substitute":{"id":3}}}`,
		`{"id":"a","starts_from":"","ends_at":[],"approval":{}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, err := remoteOf(t, answering(body)).Absence(t.Context(), absenceID)
		if err != nil {
			if postern.CodeOf(err) != postern.Unavailable {
				t.Errorf("got %v", err)
			}
			return
		}
		dir := aSpy()
		a.ID, a.Type = absenceID, leaveID
		if a.Check(&dir.types[0]) != nil || !slices.Contains(postern.AbsenceApprovals, a.Status) {
			return // we would not keep it
		}
		dir.absence = a
		again, err := remoteOf(t, behind(t, dir, nil)).Absence(t.Context(), absenceID)
		again.Zone, a.Zone = "", ""
		if err != nil || again.Span != a.Span || again.Person != a.Person || again.Status != a.Status {
			t.Errorf("read as %+v, then as %+v, %v", a, again, err)
		}
	})
}

func FuzzAnAnswerAboutAttendance(f *testing.F) {
	f.Add(readWork)
	f.Add(`{"_data":[{"id":"p","status":"CONFIRMED","start":{"date_time":"2026-03-06T09:00:00Z"},"end":null,"is_auto_generated":"1"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		m := remoteOf(t, answering(body))
		a, err := m.Attendance(t.Context(), periodID)
		if err != nil {
			return
		}
		dir := aSpy()
		a.ID = periodID
		if a.Check() != nil || !slices.Contains(postern.AttendanceApprovals, a.Status) {
			return // we would not keep it
		}
		dir.attendance = a
		again, err := remoteOf(t, behind(t, dir, nil)).Attendance(t.Context(), periodID)
		if err != nil || again.Span != a.Span || again.Person != a.Person || again.Status != a.Status || again.Date != a.Date || again.Type != a.Type {
			t.Errorf("read as %+v, then as %+v, %v", a, again, err)
		}
	})
}

func FuzzABodyOfAPeriod(f *testing.F) {
	f.Add(recordWork)
	f.Add(`{"person":{"id":"12"},"absence_type":{"id":"` + leaveID + `"},"starts_from":{"date_time":"2026-03-02T00:00:00","type":"FIRST_HALF"},"ends_at":{"date_time":"2026-03-04T00:00:00","type":"SECOND_HALF"},"comment":"x","substitute":{"id":"14"}}`)
	f.Add(`{"starts_from":{"date_time":"2026-03-02T12:00:00"},"ends_at":null,"comment":null,"substitute":null}`)
	f.Add(`{"start":{"date_time":"2026-03-06T09:00"},"end":null,"project":{"id":3}}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/v2/absence-periods", "/v2/attendance-periods"} {
			dir := aSpy()
			w := send(t, behind(t, dir, nil), http.MethodPost, path, body)
			switch w.Code {
			case 201:
			case 400, 409, 413, 415, 422:
				complaintOf(t, w.Body.Bytes())
			default:
				t.Errorf("%s with %q: got %d %s", path, body, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/v2/absence-periods/" + absenceID, "/v2/absence-periods/" + hourlyID, "/v2/attendance-periods/" + periodID} {
			if w := send(t, behind(t, aSpy(), nil), http.MethodPatch, path, body); w.Code != 204 && (w.Code < 400 || w.Code >= 500) {
				t.Errorf("%s with %q: got %d %s", path, body, w.Code, w.Body)
			}
		}
	})
}

func FuzzAFilterOfPeriods(f *testing.F) {
	for _, s := range []string{"2026-03-01", "2026-03-01T00:00:00", "2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00+01:00", "2199-12-31T23:59:59Z", "1900-01-01T00:00:00+14:00"} {
		f.Add(s)
	}
	names := []string{"starts_from.date_time.gte", "ends_at.lte", "updated_at.gte", "updated_at.lt", "start.date_time.gte", "end.date_time.lte", "attribution_date.gte", "id", "person.id", "sort", "status"}
	f.Fuzz(func(t *testing.T, value string) {
		dir := aSpy()
		api := behind(t, dir, map[string]string{"attendance-utc-filter": "accept"})
		for _, name := range names {
			for _, path := range []string{"/v2/absence-periods", "/v2/attendance-periods"} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.URL.RawQuery = name + "=" + strings.NewReplacer("&", "%26", "#", "%23", "%", "%25", ";", "%3B").Replace(value)
				r.Header.Set("Authorization", "Bearer test")
				w := httptest.NewRecorder()
				api.ServeHTTP(w, r)
				if w.Code != 200 && w.Code != 400 {
					t.Errorf("%s=%q: got %d %s", name, value, w.Code, w.Body)
				}
			}
		}
	})
}

// Wherever the walls of the tenant are, a moment in a filter is the time that they show.
func TestAMomentInAFilterIsMovedToTheWallsOfTheTenant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ moment, want string }{
		{"2026-03-29T00:59:59Z", "2026-03-29T01:59:59"}, // clocks go forward
		{"2026-03-29T01:00:00Z", "2026-03-29T03:00:00"},
		{"2026-10-25T00:30:00Z", "2026-10-25T02:30:00"}, // and back: both show the same
		{"2026-10-25T01:30:00Z", "2026-10-25T02:30:00"},
		{"2025-12-31T23:30:00Z", "2026-01-01T00:30:00"},
	} {
		dir := aSpy()
		send(t, behind(t, dir, nil), http.MethodGet, "/v2/absence-periods?starts_from.date_time.gte="+tt.moment, "")
		if got := dir.asked.(postern.AbsenceQuery).Within.From; got.String() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.moment, got, tt.want)
		}
		at, err := time.Parse(time.RFC3339, tt.moment)
		if err != nil || postern.LocalOf(at).String() != strings.TrimSuffix(tt.moment, "Z") {
			t.Fatal(err)
		}
	}
}
