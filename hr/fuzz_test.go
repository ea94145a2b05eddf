package hr_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// Every fuzzer starts from the transcripts: from a poor seed it finds nothing.

// FuzzServerReads holds: whatever is sent is answered as described, and never with a
// fault of ours.
func FuzzServerReads(f *testing.F) {
	for _, tr := range transcripts(f) {
		for _, x := range tr.exchanges {
			r := x.httpRequest(f)
			body, _ := io.ReadAll(r.Body)
			f.Add(r.Method, r.URL.Path, r.URL.RawQuery, body)
		}
	}
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		if !strings.HasPrefix(path, "/v2/") || strings.ContainsAny(method, " \r\n\x00") || method == "" || method == "CONNECT" {
			return
		}
		steps := make([]step, 4)
		for i := range steps {
			steps[i] = step{Fails: &failing{Code: postern.Unavailable}}
		}
		house := newHouse(&scripted{t: t, steps: steps})
		house.Unpaced = true
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Host: "postern.test"}
		r = r.WithContext(t.Context())
		r.Header.Set("Authorization", "Bearer test")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		house.handler(t).ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 503 {
			t.Errorf("%s %s?%s %q: %d %s", method, path, query, body, w.Code, w.Body)
		}
	})
}

// FuzzRemoteReads holds: whatever is answered is an error or something that can be used.
func FuzzRemoteReads(f *testing.F) {
	for _, tr := range transcripts(f) {
		for _, x := range tr.exchanges {
			resp := x.httpResponse(f, x.httpRequest(f))
			_, body, _ := bytes.Cut(overWire(x.response), []byte("\r\n\r\n"))
			f.Add(resp.StatusCode, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		m, err := hr.Dial(testOrigin, &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			resp := reply(status, string(body))
			resp.Request = r
			return resp, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		check := func(what, next string, err error) {
			if err != nil && (postern.AsError(err).Code == postern.Internal || (status < 200 || status > 299) && postern.AsError(err).Err == nil) {
				t.Errorf("%s: %d %q: %v", what, status, body, err)
			}
			if err == nil && (status < 200 || status > 299) {
				t.Errorf("%s: %d %q is no error", what, status, body)
			}
			if u, bad := url.Parse("?" + next); err == nil && next != "" && (bad != nil || u.RawQuery != next) {
				t.Errorf("%s: next %q", what, next)
			}
		}
		persons, err := m.Persons(t.Context(), postern.PersonQuery{})
		check("persons", persons.Next, err)
		for _, p := range persons.Items {
			if p.ID <= 0 {
				t.Errorf("%q: person %d", body, p.ID)
			}
		}
		employments, err := m.Employments(t.Context(), postern.EmploymentQuery{Person: 12})
		check("employments", employments.Next, err)
		_, err = m.Employment(t.Context(), 12, "e")
		check("employment", "", err)
		absences, err := m.Absences(t.Context(), postern.AbsenceQuery{})
		check("absences", absences.Next, err)
		attendances, err := m.Attendances(t.Context(), postern.AttendanceQuery{})
		check("attendances", attendances.Next, err)
		types, err := m.AbsenceTypes(t.Context(), postern.Paging{})
		check("types", types.Next, err)
	})
}

// FuzzCursor holds: what opens was sealed here.
func FuzzCursor(f *testing.F) {
	f.Add(hr.Seal(testNow, 10, "13", url.Values{"id": {"1"}}, &testKey, testTenant, "/v2/persons"), "13", "id", "1", 10)
	f.Add("cur_", "", "", "", 1)
	f.Fuzz(func(t *testing.T, s, position, name, value string, limit int) {
		if _, _, _, err := hr.OpenCursor(s, &testKey, "nobody", "/v2/persons", testNow); err == nil {
			t.Errorf("%q opens for another tenant", s)
		}
		if limit < 1 || limit > postern.MaxPage {
			return
		}
		sealed := hr.Seal(testNow, limit, position, url.Values{name: {value}}, &testKey, testTenant, "/v2/x")
		gotLimit, gotPosition, _, err := hr.OpenCursor(sealed, &testKey, testTenant, "/v2/x", testNow)
		if len(sealed) <= 4096 && (err != nil || gotLimit != limit || gotPosition != position) {
			t.Errorf("%q: %d %q %v", sealed, gotLimit, gotPosition, err)
		}
	})
}

// FuzzBody holds our strict decoder against the standard one: it takes nothing that that
// refuses.
func FuzzBody(f *testing.F) {
	for _, tr := range transcripts(f) {
		for _, x := range tr.exchanges {
			body, _ := io.ReadAll(x.httpRequest(f).Body)
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := hr.DecodePersonBody(body)
		var std map[string]any
		if stdErr := json.Unmarshal(body, &std); err == nil && (stdErr != nil || std == nil) {
			t.Errorf("%q is taken, the standard library says %v", body, stdErr)
		}
		if err != nil {
			if postern.CodeOf(err) != postern.Invalid {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q cannot be written again: %v", body, err)
		}
		if _, err := hr.DecodePersonBody(b); err != nil {
			t.Errorf("%q is written as %s and refused: %v", body, b, err)
		}
	})
}

// FuzzMoments holds: a time that is read has a first moment no later than its last, and
// is read the same when it is written in UTC.
func FuzzMoments(f *testing.F) {
	for _, s := range []string{"2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.123+01:00", "2026-03-29T02:30:00", "2026-03-01T10:00", "2026-03-01T10:00:00 0100", "2026-03-01T10:00:00.5"} {
		f.Add(s)
	}
	berlin, err := postern.ParseZone("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from, to, err := hr.Moments(s, berlin)
		if err != nil {
			return
		}
		if to.Before(from) || to.Sub(from) > 26*time.Hour {
			t.Errorf("%q is from %v to %v", s, from, to)
		}
		again, _, err := hr.Moments(from.UTC().Format("2006-01-02T15:04:05.000Z07:00"), time.UTC)
		if err != nil || !again.Equal(from) {
			if y := from.UTC().Year(); y >= postern.MinYear && y <= postern.MaxYear {
				t.Errorf("%q is %v, and written again %v, %v", s, from, again, err)
			}
		}
	})
}
