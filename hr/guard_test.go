package hr_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// lossy are the codes that do not come back over the wire as they were, and why.
var lossy = map[postern.Code]postern.Code{
	postern.Internal: postern.Unavailable, // what fails inside the other side is for us a part that does not answer
}

func TestEveryCodeSurvivesTheWire(t *testing.T) {
	t.Parallel()
	for _, code := range postern.Codes {
		want := code
		if l, ok := lossy[code]; ok {
			want = l
		}
		if status, back := hr.StatusOf(&postern.Error{Code: code}); back != want || status < 400 {
			t.Errorf("%s: status %d comes back as %s, want %s", code, status, back, want)
		}
	}
}

func TestWhatIsWithheldIsListedAsFarAsThereIsRoom(t *testing.T) {
	t.Parallel()
	var custom []any
	for i := range 100 {
		custom = append(custom, map[string]any{"Key": fmt.Sprintf("dynamic_%03d_ü_with_a_long_name", i), "Value": "x"})
	}
	house := newHouse(&scripted{t: t, steps: []step{{Call: "Person", Gives: map[string]any{"ID": 12.0, "Custom": custom}}}})
	house.claims.Client.Attributes = []string{"first_name"}
	var log bytes.Buffer
	house.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := send(t, house.handler(t), "GET", "/v2/persons/12", "")
	got := w.Header().Get("Postern-Withheld")
	if len(got) > 1024 || !strings.HasPrefix(got, "created_at, dynamic_000_") || !strings.HasSuffix(got, ", ...") || strings.ContainsFunc(got, func(r rune) bool { return r > '~' }) {
		t.Errorf("header of %d bytes: %q", len(got), got)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "attributes withheld") {
		t.Errorf("log: %s", log.String())
	}
}

// The request log has every call of a tenant that wants it, and names nobody.
func TestTheRequestLogNamesNobody(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/v2/persons?email=ada@firm.test&limit=2":                               "/v2/persons?email=…&limit=2",
		"/v2/absence-periods?starts_from.gte=2026-11-22&ends_at.lte=2026-11-28": "/v2/absence-periods?ends_at.lte=2026-11-28&starts_from.gte=2026-11-22",
		"/v2/persons?first_name=Ada&last_name=T&preferred_name=A&status=x":      "/v2/persons?first_name=…&last_name=…&preferred_name=…&status=x",
		"/v2/persons?cursor=cur_AAAA&id=12,13&id=14":                            "/v2/persons?cursor=…&id=12%2C13%2C14",
		"/v2/persons?id=ada@firm.test":                                          "/v2/persons?id=…",
		"/v2/persons?new=Ada":                                                   "/v2/persons?new=…",
		"/v2/persons?ada%40firm.test=1":                                         "/v2/persons?…=…",
		"/v2/persons?updated_at.gt=2026-01-01&email.gt=a":                       "/v2/persons?email.gt=…&updated_at.gt=2026-01-01",
		"/v2/persons/ada@firm.test":                                             "/v2/persons/…",
		"/v2/persons/12":                                                        "/v2/persons/12",
	} {
		var visits []postern.Visit
		var gives any
		if target == "/v2/persons/12" {
			gives = map[string]any{"ID": 12.0}
		}
		house := newHouse(&scripted{t: t, steps: []step{{Gives: gives}}})
		house.sandbox.Log = true
		house.Visit = func(v postern.Visit) { visits = append(visits, v) }
		w := send(t, house.handler(t), "GET", target, "")
		if len(visits) != 1 || visits[0].Path != want {
			t.Errorf("%s is kept as %+v, want %s", target, visits, want)
			continue
		}
		v := visits[0]
		if v.Tenant != testTenant || v.ClientID != testClient || v.Method != "GET" || v.Status != int64(w.Code) || v.RequestID != "a1b2" || v.At != testNow {
			t.Errorf("%s: %+v", target, v)
		}
		if (w.Code >= 400) != (v.Note != "") || strings.Contains(v.Note, "@") {
			t.Errorf("%s: %d with the note %q", target, w.Code, v.Note)
		}
	}
}

func TestARefusedCallIsLoggedToo(t *testing.T) {
	t.Parallel()
	var visits []postern.Visit
	house := newHouse(nil)
	house.sandbox.Log = true
	house.Visit = func(v postern.Visit) { visits = append(visits, v) }
	house.claims.Scope = postern.NewScopes("personio:absences:read")
	send(t, house.handler(t), "GET", "/v2/persons", "")
	send(t, house.handler(t), "GET", "/v2/persons", "", "Authorization", "") // of nobody's tenant
	if len(visits) != 1 || visits[0].Tenant != testTenant || visits[0].Status != 403 || visits[0].Note != "forbidden: scope" {
		t.Errorf("%+v", visits)
	}
}

// A slow answer comes late, and not to a caller who left.
func TestASlowAnswerEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := newHouse(&scripted{t: t, steps: []step{{}, {}}})
		house.Unpaced, house.Now = true, time.Now
		house.sandbox.Faults = []postern.Fault{{Path: "/v2/persons", Kind: "slow", Rate: 1, Delay: 3 * time.Second}}
		h := house.handler(t)
		start := time.Now()
		if w := send(t, h, "GET", "/v2/persons", ""); w.Code != 200 || time.Since(start) != 3*time.Second {
			t.Errorf("%d after %v", w.Code, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		w := sendIn(ctx, t, h, "GET", "/v2/persons")
		if w.Code != 503 || time.Since(start) != time.Second {
			t.Errorf("a caller who left: %d after %v", w.Code, time.Since(start))
		}
		if w := send(t, h, "GET", "/v2/absence-types", ""); w.Code == 503 {
			t.Errorf("another path: %d", w.Code)
		}
	})
}

// A fault strikes as often as its rate says.
func TestAFaultStrikesByItsRate(t *testing.T) {
	t.Parallel()
	steps := make([]step, 10)
	house := newHouse(&scripted{t: t, steps: steps})
	house.Unpaced = true
	house.sandbox.Faults = []postern.Fault{{Kind: "502", Rate: 0.3}}
	n := 0
	house.Dice = func() float64 { n++; return float64(n-1) / 10 }
	h, struck := house.handler(t), 0
	for range 10 {
		if send(t, h, "GET", "/v2/persons", "").Code == 502 {
			struck++
		}
	}
	if struck != 3 {
		t.Errorf("%d of 10 calls failed, want 3", struck)
	}
}

func TestABodyIsReadStrictly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		status int
		param  string
	}{
		`{"first_name":"A","last_name":"B"}`:              {201, ""},
		`{"first_name":"A","last_name":"B","email":null}`: {201, ""},
		` {"first_name":"A","last_name":"B"} ` + "\n":     {201, ""},
		`{"first_name":"A","last_name":"B"}{}`:            {400, ""},
		`{"first_name":"A","last_name":"B",}`:             {400, ""},
		"{\"first_name\":\"\xff\",\"last_name\":\"B\"}":   {400, ""},
		`"first_name"`: {400, ""},
		`null`:         {400, ""},
		`{"first_name":"A","last_name":"B","employments":[{"bogus":1}]}`:                                                          {400, "employments[].bogus"},
		`{"first_name":"A","last_name":"B","employments":[{"position":5}]}`:                                                       {400, "employments[].position"},
		`{"first_name":"A","last_name":"B","employments":{}}`:                                                                     {400, "employments"},
		`{"first_name":"A","last_name":"B","employments":[{"office":{"id":"1","name":"x"}}]}`:                                     {400, "employments[].office.name"},
		`{"first_name":"A","last_name":"B","custom_attributes":[{"id":"a","value":[{"deep":[{"x":1}]}]}]}`:                        {201, ""},
		`{"first_name":"A","last_name":"B","custom_attributes":[{"value":"x"}]}`:                                                  {400, "custom_attributes[].id"},
		`{"first_name":"A","last_name":"B","employments":[{"employment_start_date":"2026-01-01","weekly_working_hours":"many"}]}`: {400, "employments[].weekly_working_hours"},
		`{"first_name":"A","last_name":"B","employments":[{"employment_start_date":"2026-01-01","weekly_working_hours":200}]}`:    {422, "weekly_working_hours"},
		`{"first_name":"A","last_name":"B","x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`:                    {400, "x"},
		`{"first_name":"` + strings.Repeat("A", 70000) + `"}`:                                                                     {413, ""},
	} {
		h := newHouse(&scripted{t: t, steps: []step{{Gives: 12.0}}}).handler(t)
		w := send(t, h, "POST", "/v2/persons", body)
		if w.Code != want.status || want.param != "" && !strings.Contains(w.Body.String(), `"parameter":"`+want.param+`"`) {
			t.Errorf("%.120s: %d %s, want %d naming %q", body, w.Code, w.Body, want.status, want.param)
		}
	}
}
