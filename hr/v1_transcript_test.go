package hr_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// exchangeV1 is one transcript of version 1: its comment says what it shows and where that
// is documented. The files are request and response, as on the wire, want, and understood:
// what our remote makes of the answer.
type exchangeV1 struct {
	path              string
	archive           *txtar.Archive
	request, response string
	want              meaningV1
	understood        string
}

type meaningV1 struct {
	// Ends: "both" (the default): our remote sends this request and our server gives this
	// answer. "server": our remote would send something else; with a Call it still reads
	// the answer. "client": our server would answer something else.
	Ends     string            `json:"ends,omitempty"`
	Scopes   []string          `json:"scopes,omitempty"` // of the token; all by default
	Shown    []string          `json:"shown,omitempty"`  // attributes that the client may see
	Switches map[string]string `json:"switches,omitempty"`
	Fails    postern.Code      `json:"fails,omitempty"` // what the directory answers with
	// Call is the method of the remote, Args what it is given.
	Call string `json:"call,omitempty"`
	Args argsV1 `json:"args,omitzero"`
	// Code is that of the error which the remote gives.
	Code postern.Code `json:"code,omitempty"`
}

type argsV1 struct {
	ID        postern.PersonID   `json:"id,omitempty"`
	Number    int64              `json:"number,omitempty"`
	People    []postern.PersonID `json:"people,omitempty"`
	Emails    []string           `json:"emails,omitempty"`
	IDs       []string           `json:"ids,omitempty"`
	Types     []string           `json:"types,omitempty"`
	From      string             `json:"from,omitempty"` // days
	To        string             `json:"to,omitempty"`
	HalfStart bool               `json:"half_start,omitempty"`
	HalfEnd   bool               `json:"half_end,omitempty"`
	Since     string             `json:"since,omitempty"` // an instant
	Contained bool               `json:"contained,omitempty"`
	Confirmed bool               `json:"confirmed,omitempty"`
	Comment   string             `json:"comment,omitempty"`
	Key       string             `json:"key,omitempty"`
	Skip      bool               `json:"skip,omitempty"`
	Limit     int                `json:"limit,omitempty"`
	After     string             `json:"after,omitempty"`
}

func (a argsV1) within() postern.LocalRange {
	var r postern.LocalRange
	if a.From != "" {
		r.From = dayV1(a.From).At(0)
	}
	if a.To != "" {
		r.To = (dayV1(a.To) + 1).At(0) - 1
	}
	return r
}

func (a argsV1) absences() postern.AbsenceQuery {
	q := postern.AbsenceQuery{Within: a.within(), Contained: a.Contained, People: a.People, IDs: a.IDs, Types: a.Types, Paging: postern.Paging{Limit: a.Limit, After: a.After}}
	if a.Number != 0 {
		q.Numbers = []int64{a.Number}
	}
	if a.Since != "" {
		q.Updated.From = instant(a.Since)
	}
	return q
}

// callV1 makes the call of a transcript.
func callV1(ctx context.Context, r *hr.RemoteV1, name string, a argsV1) (any, error) {
	paging := postern.Paging{Limit: a.Limit, After: a.After}
	switch name {
	case "Employees":
		q := postern.PersonQuery{Emails: a.Emails, Paging: paging}
		if a.Since != "" {
			q.Updated.From = instant(a.Since)
		}
		return r.Employees(ctx, q)
	case "Employee":
		return r.Employee(ctx, a.ID)
	case "TimeOffTypes":
		return r.TimeOffTypes(ctx)
	case "TimeOffs":
		return r.TimeOffs(ctx, a.absences())
	case "AbsencePeriods":
		return r.AbsencePeriods(ctx, a.absences())
	case "Attendances":
		q := postern.AttendanceQuery{Dates: postern.DateRange{From: dayV1(a.From), To: dayV1(a.To)}, People: a.People, Paging: paging}
		if a.Confirmed {
			q.Statuses = []postern.Approval{postern.Confirmed}
		}
		return r.Attendances(ctx, q)
	case "Balances":
		return r.Balances(ctx, a.ID)
	case "CreateTimeOff":
		made := postern.Absence{Person: a.ID, Type: a.Types[0], Comment: a.Comment, Span: postern.DaySpan(dayV1(a.From), dayV1(a.To), a.HalfStart, a.HalfEnd)}
		return r.CreateTimeOff(ctx, made, postern.Write{Key: a.Key, SkipApproval: a.Skip})
	case "DeleteTimeOff":
		return nil, r.DeleteTimeOff(ctx, a.Number, postern.Write{})
	}
	return nil, fmt.Errorf("there is no call %q", name)
}

// toldV1 writes what came of a call, one thing a line.
func toldV1(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case postern.Page[postern.Person]:
		for _, p := range v.Items {
			b.WriteString(toldV1(p))
		}
		fmt.Fprintf(&b, "next %q total %d\n", v.Next, v.Total)
	case postern.Page[postern.Absence]:
		for _, a := range v.Items {
			b.WriteString(toldV1(a))
		}
		fmt.Fprintf(&b, "next %q\n", v.Next)
	case postern.Page[postern.Attendance]:
		for _, a := range v.Items {
			fmt.Fprintf(&b, "%d %s person %d %s %s to %q counts for %s project %q comment %q %s\n", a.Number, a.ID, a.Person, a.Type, a.From, a.To, a.Date, a.Project, a.Comment, a.Status)
		}
		fmt.Fprintf(&b, "next %q total %d\n", v.Next, v.Total)
	case []postern.AbsenceType:
		for _, t := range v {
			fmt.Fprintf(&b, "%+v\n", t)
		}
	case []postern.Balance:
		for _, t := range v {
			fmt.Fprintf(&b, "%d %s %s: %v, %v available\n", t.Type.Number, t.Type.Name, t.Type.Category, t.Balance, t.Available)
		}
	case postern.Person:
		jobs := v.Employments
		v.Employments = nil
		fmt.Fprintf(&b, "%+v\n", v)
		for _, e := range jobs {
			fmt.Fprintf(&b, "  %+v\n", e)
		}
	case postern.Absence:
		fmt.Fprintf(&b, "%d %s person %d type %s %s to %q in %q %s %q by %q via %q made %s changed %s\n", v.Number, v.ID, v.Person, v.Type, v.From, v.To, v.Zone, v.Status,
			v.Comment, v.CreatedBy, v.Origin, v.CreatedAt, v.UpdatedAt)
		for _, d := range v.Days {
			fmt.Fprintf(&b, "  %s %v %s\n", d.Date, d.Amount, d.Unit)
		}
	}
	return b.String()
}

func exchangesV1(t testing.TB) []exchangeV1 {
	t.Helper()
	paths, err := filepath.Glob("testdata/v1/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var out []exchangeV1
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(a.Comment)) < 10 {
			t.Errorf("%s does not say what it shows", path)
		}
		x := exchangeV1{path: path, archive: a}
		for _, f := range a.Files {
			switch f.Name {
			case "request":
				x.request = string(f.Data)
			case "response":
				x.response = string(f.Data)
			case "understood":
				x.understood = string(f.Data)
			case "want":
				d := json.NewDecoder(bytes.NewReader(f.Data))
				d.DisallowUnknownFields()
				if err := d.Decode(&x.want); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			}
		}
		out = append(out, x)
	}
	return out
}

func (x exchangeV1) name() string { return strings.TrimSuffix(filepath.Base(x.path), ".txtar") }

// httpRequest reads the request of the transcript.
func (x exchangeV1) httpRequest(t testing.TB) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(x.request, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	if body != "" {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(strings.TrimSuffix(head, "\n"), "\n", "\r\n") + "\r\n\r\n" + body)))
	if err != nil {
		t.Fatalf("%s: %v", x.path, err)
	}
	return r
}

// httpResponse reads the answer of the transcript.
func (x exchangeV1) httpResponse(t testing.TB) *http.Response {
	t.Helper()
	head, body, _ := strings.Cut(x.response, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n"+
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))), nil)
	if err != nil {
		t.Fatalf("%s: %v", x.path, err)
	}
	return resp
}

// writtenV1 is an answer as a transcript has it; the length goes without saying, and a
// picture is told by its size.
func writtenV1(w *httptest.ResponseRecorder) string {
	h := w.Result().Header
	h.Del("Content-Length")
	body := w.Body.String()
	if h.Get("Content-Type") == "image/png" {
		body = "(a picture)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", w.Code, http.StatusText(w.Code))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	return b.String() + "\n" + body + "\n"
}

// keep writes a part of the transcript, before the part named want or, without one, at
// the end.
func (x *exchangeV1) keep(t *testing.T, name, text string) {
	t.Helper()
	i := slices.IndexFunc(x.archive.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		at := len(x.archive.Files)
		if name == "response" {
			at = 1
		}
		x.archive.Files = slices.Insert(x.archive.Files, at, txtar.File{Name: name})
		i = at
	}
	x.archive.Files[i].Data = []byte(text)
	if err := os.WriteFile(x.path, txtar.Format(x.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// deskOf is the firm as the transcript has it.
func (x exchangeV1) deskOf() *desk {
	f := aFirm()
	if x.want.Fails != "" {
		f.fails = &postern.Error{Code: x.want.Fails, Msg: "a message", Err: fmt.Errorf("a relation is broken")}
	}
	d := &desk{dir: f, switches: x.want.Switches, shown: x.want.Shown}
	if x.want.Scopes != nil {
		d.scopes = postern.NewScopes(x.want.Scopes...)
	}
	return d
}

func TestTranscriptsOfVersion1HoldForBothEnds(t *testing.T) {
	t.Parallel()
	for _, x := range exchangesV1(t) {
		t.Run(x.name(), func(t *testing.T) {
			if x.want.Ends != "client" {
				w := httptest.NewRecorder()
				x.deskOf().handler(t).ServeHTTP(w, x.httpRequest(t))
				if got := writtenV1(w); *update {
					x.response = got
					x.keep(t, "response", got)
				} else if diff := cmp.Diff(x.response, got); diff != "" {
					t.Errorf("%s: answer (-want +got):\n%s", x.path, diff)
				}
			}
			if x.want.Call != "" {
				x.reads(t)
			}
		})
	}
}

// reads demands that our remote sends the request and understands the answer. What else
// it asks for on the way, the types that it names, the firm answers.
func (x *exchangeV1) reads(t *testing.T) {
	t.Helper()
	sent := 0
	firm := x.deskOf().handler(t)
	to := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := x.httpRequest(t)
		if r.URL.Path != want.URL.Path && r.URL.Path == "/v1/company/time-off-types" {
			firm.ServeHTTP(w, r)
			return
		}
		if sent++; x.want.Ends != "server" {
			if diff := cmp.Diff(essenceV1(t, want), essenceV1(t, r)); diff != "" {
				t.Errorf("%s: request (-want +got):\n%s", x.path, diff)
			}
		}
		resp := x.httpResponse(t)
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
	got, err := callV1(t.Context(), dialV1(t, to), x.want.Call, x.want.Args)
	if postern.CodeOf(err) != x.want.Code {
		t.Errorf("%s: understood %v, want code %q", x.path, err, x.want.Code)
	}
	if sent != 1 {
		t.Errorf("%s: %d requests", x.path, sent)
	}
	text := toldV1(got)
	if err != nil {
		e := postern.AsError(err)
		text = fmt.Sprintf("%s %s param %q wait %v: %s\n", e.Code, e.Reason, e.Param, e.Wait, postern.Public(err))
	}
	if *update {
		x.keep(t, "understood", text)
	} else if diff := cmp.Diff(x.understood, text); diff != "" {
		t.Errorf("%s: understood (-want +got):\n%s", x.path, diff)
	}
}

// essenceV1 is what two requests must share to be equivalent.
func essenceV1(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	return map[string]any{"method": r.Method, "path": r.URL.Path, "query": r.URL.Query(), "type": r.Header.Get("Content-Type"),
		"authorization": r.Header.Get("Authorization"), "key": r.Header.Get("Idempotency-Key"), "body": form}
}
