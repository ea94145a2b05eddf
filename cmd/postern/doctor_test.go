package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// odd is a service with a token endpoint that works and an API that a test makes up.
func odd(t testing.TB, api http.HandlerFunc) string {
	t.Helper()
	return gives(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/auth/token" {
			api(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer","expires_in":30,"scope":"personio:persons:read employees:read"}`)
	})
}

// examined is what the doctor finds at base, by check; the last of a name counts.
func examined(t *testing.T, base string, pairs ...string) (map[string]finding, bool) {
	t.Helper()
	o := newOffice(t, append([]string{"ACME_DIALECT", "personio-v2", "ACME_CLIENT_ID", "c", "ACME_CLIENT_SECRET", "pst_hidden"}, pairs...)...)
	o.file(t, "upstreams: {acme: {base_url: '"+base+"'}}")
	run(t.Context(), o.desk.env, []string{"doctor", "acme", "--json"})
	var d diagnosis
	if err := json.Unmarshal([]byte(o.out.String()), &d); err != nil {
		t.Fatalf("%v: %s%s", err, o.out, o.err)
	}
	all := map[string]finding{}
	for _, f := range d.Findings {
		all[f.Check] = f
		if (f.State == wrong || f.State == refused) && f.Do == "" {
			t.Errorf("%s is %s, and nothing says what to do", f.Check, f.State)
		}
	}
	return all, d.Good
}

func TestTheDoctorReadsAnOddAPI(t *testing.T) {
	t.Parallel()
	const people = `{"_data":[{"id":"7","email":"a@b.test","first_name":"A","last_name":"B","gender":null}]}`
	for _, tt := range []struct {
		name  string
		api   http.HandlerFunc
		check string
		want  state
		holds string
		do    string
	}{
		{"a 401 with a fresh token is a missing right", answering(401, "application/problem+json", `{"errors":[{"title":"Unauthorized Request"}]}`),
			"persons", refused, "401 Unauthorized Request", `tick "Employees: Read"`},
		{"a 400 about the token is one as well", answering(400, "application/json", `{"errors":[{"title":"Unauthorized token"}]}`),
			"persons", refused, "400", "tick"},
		{"a page in place of the API", answering(200, "text/html", "<html>"), "persons", wrong, "200 without JSON", "check api_url"},
		{"no such API", answering(404, "application/json", "{}"), "persons", wrong, "404", "has no such API"},
		{"down", answering(503, "application/json", "{}"), "persons", wrong, "503", "try again later"},
		{"too often", answering(429, "application/json", "{}"), "persons", wrong, "429", "wait a minute"},
		{"fields that nobody has", answering(200, "application/json", people), "attributes", withheld, "gender", `"Readable employee attributes"`},
		{"nothing there", answering(200, "application/json", `{"_data":[]}`), "employments", skipped, "nothing is there to ask about", ""},
		{"no calls left", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Ratelimit-Remaining", "0")
			answering(200, "application/json", people)(w, r)
		}, "rate limit", wrong, "0 left", "call less often"},
		{"an end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Sunset", "Sun, 30 Aug 2026 00:00:00 GMT")
			w.Header().Set("Date", time.Now().Format(http.TimeFormat))
			answering(200, "application/json", people)(w, r)
		}, "persons", works, "one read", ""},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.test/", http.StatusFound)
		}, "persons", wrong, "302", "check api_url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all, good := examined(t, odd(t, tt.api), "ACME_SCOPE", "personio:persons:read")
			got := all[tt.check]
			if got.State != tt.want || !strings.Contains(got.Detail, tt.holds) || !strings.Contains(got.Do, tt.do) {
				t.Errorf("got %+v, want %s with %q and %q", got, tt.want, tt.holds, tt.do)
			}
			if bad := tt.want == wrong || tt.want == refused; bad && good {
				t.Error("got good, want bad")
			}
			if s := all["absence types"].State; s != skipped {
				t.Errorf("absence types: got %s, want skipped: its scope was not asked for", s)
			}
		})
	}
}

func TestAClockThatIsAMinuteOffIsAFinding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		off  time.Duration
		want state
		says string
	}{
		{0, works, "within 1s"},
		{50 * time.Second, works, "within"},
		{2 * time.Minute, wrong, "behind the server"},
		{-time.Hour, wrong, "ahead of the server"},
	} {
		base := gives(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(tt.off).UTC().Format(http.TimeFormat))
			answering(400, "application/json", `{"error":"invalid_client"}`)(w, r)
		})
		all, good := examined(t, base)
		if got := all["clock"]; got.State != tt.want || !strings.Contains(got.Detail, tt.says) {
			t.Errorf("%v: got %+v, want %s, %q", tt.off, got, tt.want, tt.says)
		}
		if all["token"].State != wrong || good {
			t.Errorf("%v: got %+v, want a wrong token", tt.off, all["token"])
		}
	}
}

func TestTheDoctorStopsAtWhatKeepsItFromGoingOn(t *testing.T) {
	t.Parallel()
	all, good := examined(t, "http://api.test")
	if got := all["settings"]; got.State != wrong || !strings.Contains(got.Detail, "in clear") || len(all) != 1 || good {
		t.Errorf("got %+v, want the settings alone", all)
	}
	all, _ = examined(t, "https://nobody.invalid")
	if got := all["DNS"]; got.State != wrong || all["token"].Check != "" {
		t.Errorf("got %+v, want DNS and no token", all)
	}
}
