package hr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// pictureOf reads the picture of a person.
func pictureOf(t *testing.T, d *desk, path string) image.Image {
	t.Helper()
	w := d.ask(t, "GET", "/v1/company/employees/"+path, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" {
		t.Fatalf("%s: %d %v", path, w.Code, w.Header())
	}
	img, err := png.Decode(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// squaresOf tells which of the seven by seven fields of a picture are filled.
func squaresOf(img image.Image) string {
	var b strings.Builder
	paper, size := img.At(0, 0), img.Bounds().Dx()
	for y := range 7 {
		for x := range 7 {
			if img.At((2*x+1)*size/14, (2*y+1)*size/14) == paper {
				b.WriteByte('.')
			} else {
				b.WriteByte('#')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestAPictureIsTheSameOnEveryMachine(t *testing.T) {
	t.Parallel()
	const want = `.......
..#.#..
.#.#.#.
...#...
..#.#..
.......
.......
`
	if got := squaresOf(pictureOf(t, &desk{dir: aFirm()}, "12/profile-picture")); got != want {
		t.Errorf("the picture of 12:\n%swant\n%s", got, want)
	}
}

func TestAPictureHasTheWidthThatWasAskedForAndTwoEqualHalves(t *testing.T) {
	t.Parallel()
	d := &desk{dir: aFirm()}
	for path, size := range map[string]int{"": 256, "/1": 1, "/2": 2, "/75": 75, "/100": 100, "/999": 999, "/1000": 1000} {
		img := pictureOf(t, d, "12/profile-picture"+path)
		if img.Bounds() != image.Rect(0, 0, size, size) {
			t.Errorf("%q: %v, want %d pixels", path, img.Bounds(), size)
		}
		for y := 0; y < size; y += 1 + size/20 {
			for x := range size {
				if img.At(x, y) != img.At(size-1-x, y) {
					t.Fatalf("%q: the halves differ at %d, %d", path, x, y)
				}
			}
		}
	}
}

func TestEachPersonHasAPictureOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := aFirm()
	for i := range f.persons {
		f.persons[i].Picture = true
	}
	d, seen := &desk{dir: f}, map[string]bool{}
	for _, p := range f.persons {
		b := pictureOf(t, d, fmt.Sprintf("%d/profile-picture/50", p.ID))
		seen[fmt.Sprint(b)] = true
	}
	if len(seen) != len(f.persons) {
		t.Errorf("%d pictures of %d persons", len(seen), len(f.persons))
	}
}

// readsV1 is a request for every operation that reads, and writesV1 one for each that
// writes.
var readsV1 = []string{
	"/v1/company/employees", "/v1/company/employees/attributes", "/v1/company/employees/custom-attributes", "/v1/company/employees/12",
	"/v1/company/employees/12/absences/balance", "/v1/company/employees/12/profile-picture", "/v1/company/employees/12/profile-picture/75",
	"/v1/company/time-off-types", "/v1/company/time-offs", "/v1/company/time-offs/71", "/v1/company/absence-periods",
	"/v1/company/attendances?start_date=2026-03-01&end_date=2026-03-31",
}

const goodForm = "employee_id=12&time_off_type_id=9&start_date=2026-03-16&end_date=2026-03-16&half_day_start=0&half_day_end=0"

func TestEveryOperationRefusesATokenWithoutItsScope(t *testing.T) {
	t.Parallel()
	served := 0
	for _, op := range hr.Operations() {
		if !strings.HasPrefix(op.Path, "/v1/") {
			continue
		}
		served++
		d := &desk{dir: aFirm(), scopes: slices.DeleteFunc(slices.Clone(allScopes), func(s string) bool { return s == op.Scope })}
		path := strings.NewReplacer("{id}", "12", "{width}", "75").Replace(op.Path)
		w := d.ask(t, op.Method, path, "")
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), op.Scope) || !strings.Contains(w.Header().Get("WWW-Authenticate"), op.Scope) ||
			w.Header().Get("Authorization") != "" {
			t.Errorf("%s %s: %d %v %s", op.Method, path, w.Code, w.Header(), w.Body)
		}
	}
	if served != len(readsV1)+4 {
		t.Errorf("%d operations are served; the requests of this file are for %d", served, len(readsV1)+4)
	}
}

func TestEveryCodeIsRefusedWithATraceAndWithoutItsCause(t *testing.T) {
	t.Parallel()
	for _, code := range postern.Codes {
		for _, target := range readsV1 {
			f := aFirm()
			f.fails = &postern.Error{Code: code, Msg: "a message", Err: fmt.Errorf("%s", marker), Cause: marker}
			w := (&desk{dir: f}).ask(t, "GET", target, "")
			var body struct {
				Success *bool
				Error   struct {
					Code    *int
					Message string
					TraceID string `json:"trace_id"`
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Success == nil || *body.Success || body.Error.Code == nil ||
				body.Error.Message == "" || body.Error.TraceID != "a1b2" || w.Code < 400 {
				t.Errorf("%s of %s: %d %s", code, target, w.Code, w.Body)
			}
			if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), marker) {
				t.Errorf("%s of %s: the cause leaked", code, target)
			}
		}
	}
}

// lossyV1 are the codes that the wire of version 1 does not carry, with the reason.
var lossyV1 = map[postern.Code]postern.Code{
	postern.Internal: postern.Unavailable, // a failure elsewhere is not ours
	postern.Conflict: postern.Invalid,     // 400 stands for both, but for the words of a failed insertion
}

func TestEveryCodeArrivesAtTheRemote(t *testing.T) {
	t.Parallel()
	for _, code := range postern.Codes {
		f := aFirm()
		f.fails = &postern.Error{Code: code, Msg: "a message"}
		want := code
		if other, ok := lossyV1[code]; ok {
			want = other
		}
		for _, switches := range []map[string]string{nil, {"failure-status": "ok"}} {
			d := &desk{dir: f, switches: switches}
			_, err := dialV1(t, d.handler(t)).TimeOffTypes(t.Context())
			if postern.CodeOf(err) != want {
				t.Errorf("%s with %v: %v, want %s", code, switches, err, want)
			}
		}
	}
}

func TestNothingIsMadeOfARefusedForm(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"", "employee_id=12", goodForm + "&employee_id=12", strings.Replace(goodForm, "=9", "=10", 1), strings.Replace(goodForm, "=12", "=99", 1),
		goodForm + "&skip_approval=perhaps", strings.Replace(goodForm, "end_date=2026-03-16", "end_date=2026-03-15", 1), goodForm + "&x=%zz", goodForm + "&comment=%ff",
		goodForm + "&comment=" + strings.Repeat("x", postern.MaxComment+1), goodForm + "&comment=" + strings.Repeat("x", 70<<10),
	} {
		f := aFirm()
		if w := (&desk{dir: f}).ask(t, "POST", "/v1/company/time-offs", form); w.Code < 400 || w.Code >= 500 || len(f.made) > 0 {
			t.Errorf("%.100q: %d %s, made %v", form, w.Code, w.Body, f.made)
		}
	}
}

func TestAWriteKnowsWhoMadeItAndHow(t *testing.T) {
	t.Parallel()
	for form, skips := range map[string]bool{goodForm: true, goodForm + "&skip_approval=false": false, goodForm + "&skip_approval=1": true} {
		f := aFirm()
		w := (&desk{dir: f}).ask(t, "POST", "/v1/company/time-offs", form)
		if w.Code != 200 || f.wrote == nil || f.wrote.SkipApproval != skips || f.wrote.Actor != "client:client" || f.wrote.RequestID != "a1b2" {
			t.Errorf("%q: %d, %+v", form, w.Code, f.wrote)
		}
	}
}

func TestHEADIsAnsweredLikeGETWithoutABody(t *testing.T) {
	t.Parallel()
	d := &desk{dir: aFirm()}
	for _, target := range readsV1 {
		get, head := d.ask(t, "GET", target, ""), d.ask(t, "HEAD", target, "")
		if head.Code != get.Code || head.Body.Len() != 0 || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") {
			t.Errorf("HEAD %s: %d, %d bytes", target, head.Code, head.Body.Len())
		}
	}
}

// pacedV1 is the answer to one call more than the burst of employees.
func pacedV1(t *testing.T, switches map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	d := &desk{dir: aFirm(), switches: switches, paced: true}
	h := d.handler(t)
	for range 15 {
		if w := overPace(h); w.Code != 200 {
			t.Fatalf("within the burst: %d %s", w.Code, w.Body)
		}
	}
	return overPace(h)
}

func overPace(h http.Handler) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/v1/company/employees?limit=1", nil)
	r.Header.Set("Authorization", "Bearer t-1")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTooManyCallsAreRefusedAndToldWhenOnlyByASwitch(t *testing.T) {
	t.Parallel()
	if w := pacedV1(t, nil); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "" || !strings.Contains(w.Body.String(), `"code":429`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := pacedV1(t, map[string]string{"retry-after": "on"}); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("with the switch: %d %v", w.Code, w.Header())
	}
}

// answeringV1 is a service that answers everything in one way.
func answeringV1(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// callsV1 are the calls of a remote, with something to ask.
var callsV1 = map[string]argsV1{
	"Employees": {}, "Employee": {ID: 12}, "TimeOffTypes": {}, "TimeOffs": {From: "2026-03-01", To: "2026-03-31"}, "AbsencePeriods": {},
	"Attendances": {From: "2026-03-01", To: "2026-03-31"}, "Balances": {ID: 12}, "DeleteTimeOff": {Number: 71},
	"CreateTimeOff": {ID: 12, Types: []string{"9"}, From: "2026-03-16", To: "2026-03-16"},
}

func TestARemoteGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, args := range callsV1 {
		if _, err := callV1(ctx, dialV1(t, answeringV1(200, `{}`)), name, args); postern.CodeOf(err) != postern.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a service answers, the remote neither panics nor takes a refusal for an answer.
func FuzzAnswersOfVersion1(f *testing.F) {
	for _, x := range exchangesV1(f) {
		if _, body, ok := strings.Cut(x.response, "\n\n"); ok && !strings.Contains(x.response, "image/png") {
			f.Add(x.httpResponse(f).StatusCode, strings.TrimSuffix(body, "\n"))
		}
	}
	f.Add(200, `{"success":"false","data":[{"attributes":{"id":1}}]}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		for name, args := range callsV1 {
			got, err := callV1(t.Context(), dialV1(t, answeringV1(status, body)), name, args)
			if status >= 300 && err == nil {
				t.Errorf("%s: %d was understood as %v", name, status, got)
			}
			var said struct{ Success any }
			if json.Unmarshal([]byte(body), &said) == nil && said.Success == false && err == nil {
				t.Errorf("%s: a failure was understood as %v", name, got)
			}
			if page, ok := got.(postern.Page[postern.Person]); ok && err == nil {
				for _, p := range page.Items {
					if p.ID == 0 {
						t.Errorf("an employee without an id: %+v", p)
					}
				}
			}
		}
	})
}

// Whatever is posted, the answer is of the described form and not our failure, and what
// is refused is not made.
func FuzzFormsOfVersion1(f *testing.F) {
	for _, x := range exchangesV1(f) {
		if _, body, ok := strings.Cut(x.request, "\n\n"); ok && body != "" {
			f.Add(strings.Contains(x.request, "json"), strings.TrimSuffix(body, "\n"))
		}
	}
	d := &desk{}
	served := d.undescribed()
	f.Fuzz(func(t *testing.T, asJSON bool, body string) {
		for _, path := range []string{"/v1/company/time-offs", "/v1/company/absence-periods"} {
			dir := aFirm()
			d.dir = dir
			r := httptest.NewRequest("POST", path, bytes.NewReader([]byte(body)))
			r.Header.Set("Authorization", "Bearer t-1")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if asJSON {
				r.Header.Set("Content-Type", "application/json")
			}
			w := httptest.NewRecorder()
			described(t, served).ServeHTTP(w, r)
			if w.Code >= 500 || w.Code >= 300 && len(dir.made) > 0 {
				t.Errorf("%s: %d %s, made %v", path, w.Code, w.Body, dir.made)
			}
		}
	})
}

// Whatever is asked, the answer is of the described form and not our failure.
func FuzzQueriesOfVersion1(f *testing.F) {
	for _, x := range exchangesV1(f) {
		f.Add(x.httpRequest(f).URL.RawQuery)
	}
	f.Add("limit=200&offset=1000000000&employees[0]=7&employees[1]=12&start_date=1900-01-01&end_date=2199-12-31")
	served := (&desk{dir: aFirm()}).undescribed()
	f.Fuzz(func(t *testing.T, query string) {
		h := described(t, served)
		for _, target := range readsV1 {
			if strings.Contains(target, "12") || strings.Contains(target, "71") { // one thing is asked for without a query
				continue
			}
			r := httptest.NewRequest("GET", target, nil)
			if r.URL.RawQuery = query; strings.HasSuffix(target, "-31") {
				r.URL.RawQuery = "start_date=2026-03-01&end_date=2026-03-31&" + query
			}
			r.Header.Set("Authorization", "Bearer t-1")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s: %d %s", r.URL, w.Code, w.Body)
			}
		}
	})
}
