package hr_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

var update = flag.Bool("update", false, "write the answers of our server, and what our remote makes of them, into the transcripts")

// transcript is one exchange, or a few, as they go over the wire, and what they mean.
//
// Its comment says what it proves. The files are request and response (request2 and
// response2, and so on), as on the wire, and want: the meaning, as JSON.
type transcript struct {
	path      string
	archive   *txtar.Archive
	exchanges []exchange
	want      meaning
}

type exchange struct{ request, response string }

type meaning struct {
	// Ends: "both" (the default): our remote sends this and our server answers so.
	// "server": our remote would not send it; it reads the answer if Client says how.
	// "client": our server would answer something else.
	Ends string `json:"ends,omitempty"`
	// What the token may, where that is not everything, and how the tenant behaves.
	Scope      string            `json:"scope,omitempty"`
	Attributes []string          `json:"attributes,omitempty"`
	Switches   map[string]string `json:"switches,omitempty"`
	Fault      string            `json:"fault,omitempty"`
	Refuses    *failing          `json:"refuses,omitempty"` // every token
	// Steps are what our server asks its directory.
	Steps []step `json:"steps,omitempty"`
	// Client is what our remote is asked and understands, where that is not the one step.
	Client *step `json:"client,omitempty"`
}

func (f *failing) err() error {
	e := postern.Errorf(f.Code, "%s", f.Msg).Because(f.Reason)
	e.Param, e.Hint, e.Wait, e.Err = f.Param, f.Hint, time.Duration(f.Wait)*time.Second, errors.New(marker)
	return e
}

func failingOf(err error) *failing {
	e := postern.AsError(err)
	return &failing{Code: e.Code, Reason: e.Reason, Param: e.Param, Msg: e.Msg, Hint: e.Hint, Wait: int(e.Wait / time.Second)}
}

// marker stands for what must never leave: a driver's message, a path, a stack.
const marker = "pq: relation hr_internal_marker"

func transcripts(t testing.TB) []transcript {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "v2", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var out []transcript
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tr := transcript{path: path, archive: a}
		for _, f := range a.Files {
			switch {
			case f.Name == "want":
				d := json.NewDecoder(bytes.NewReader(f.Data))
				d.DisallowUnknownFields()
				if err := d.Decode(&tr.want); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			case strings.HasPrefix(f.Name, "request"):
				tr.exchanges = append(tr.exchanges, exchange{request: string(f.Data)})
			case strings.HasPrefix(f.Name, "response"):
				tr.exchanges[len(tr.exchanges)-1].response = string(f.Data)
			}
		}
		if len(bytes.TrimSpace(a.Comment)) < 10 || len(tr.exchanges) == 0 {
			t.Errorf("%s does not say what it proves, or has no request", path)
		}
		out = append(out, tr)
	}
	return out
}

// overWire turns the text of a transcript into bytes of HTTP/1.1. The line end before the
// next section is not part of the body.
func overWire(text string) []byte {
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	head = strings.TrimSuffix(head, "\n") + fmt.Sprintf("\nContent-Length: %d", len(body))
	return []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
}

func (x exchange) httpRequest(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(overWire(x.request))))
	if err != nil {
		t.Fatalf("%s\n%v", x.request, err)
	}
	if r.ContentLength == 0 {
		r.Body = http.NoBody
	}
	return r
}

func (x exchange) httpResponse(t testing.TB, r *http.Request) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(overWire(x.response))), r)
	if err != nil {
		t.Fatalf("%s\n%v", x.response, err)
	}
	return resp
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	for _, tr := range transcripts(t) {
		name := strings.TrimSuffix(filepath.Base(tr.path), ".txtar")
		if tr.want.Ends != "client" {
			t.Run(name+"/server", func(t *testing.T) { serverEnd(t, &tr) })
		}
		if call := tr.clientCall(); call != nil {
			t.Run(name+"/client", func(t *testing.T) { clientEnd(t, &tr, call) })
		}
		if *update {
			tr.write(t)
		}
	}
}

// serverEnd demands exactly the recorded answers for the recorded requests.
func serverEnd(t *testing.T, tr *transcript) {
	dir := &scripted{t: t, steps: tr.want.Steps}
	h := newHouse(dir)
	if tr.want.Scope != "" {
		h.claims.Scope = postern.NewScopes(strings.Fields(tr.want.Scope)...)
		if h.claims.Scope.Has("idp_api") { // its tokens have the audience of that name
			h.claims.Audience = []string{"idp_api"}
		}
	}
	h.claims.Client.Scopes = postern.NewScopes(hr.Scopes()...)
	h.claims.Client.Attributes = tr.want.Attributes
	h.sandbox.Switches = tr.want.Switches
	if tr.want.Fault != "" {
		h.sandbox.Faults = []postern.Fault{{Kind: tr.want.Fault, Rate: 1, Delay: time.Millisecond}}
	}
	if tr.want.Refuses != nil {
		h.refusal = tr.want.Refuses.err()
	}
	handler := h.handler(t)
	for i, x := range tr.exchanges {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, x.httpRequest(t))
		got := answerText(w.Result())
		if *update {
			tr.exchanges[i].response = got
		} else if diff := cmp.Diff(x.response, got); diff != "" {
			t.Errorf("%s: answer (-want +got):\n%s", tr.path, diff)
		}
		if strings.Contains(got, marker) {
			t.Errorf("%s: the cause leaked: %s", tr.path, got)
		}
	}
	if *update {
		for i := range min(len(tr.want.Steps), len(dir.asked)) {
			tr.want.Steps[i].With = dir.asked[i].With
		}
	}
	dir.end()
}

// answerText writes an answer as the transcripts have it: headers sorted, without those
// that are the same everywhere or that net/http adds.
func answerText(resp *http.Response) string {
	body, _ := io.ReadAll(resp.Body)
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		if name == "Content-Length" || name == "Date" {
			continue
		}
		for _, v := range resp.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	fmt.Fprintf(&b, "\n%s", body)
	if len(body) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// write puts what was found into the file.
func (tr *transcript) write(t *testing.T) {
	a := *tr.archive
	a.Files = nil
	for i, x := range tr.exchanges {
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprint(i + 1)
		}
		a.Files = append(a.Files, txtar.File{Name: "request" + suffix, Data: []byte(x.request)}, txtar.File{Name: "response" + suffix, Data: []byte(x.response)})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(tr.want); err != nil {
		t.Fatal(err)
	}
	a.Files = append(a.Files, txtar.File{Name: "want", Data: b.Bytes()})
	if err := os.WriteFile(tr.path, txtar.Format(&a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// clientCall is what our remote is asked.
func (tr *transcript) clientCall() *step {
	switch {
	case tr.want.Client != nil:
		return tr.want.Client
	case tr.want.Ends == "server" || len(tr.want.Steps) != 1:
		return nil
	}
	return &tr.want.Steps[0]
}

// recorded plays the answers of a transcript, and holds the requests against it.
type recorded struct {
	t    *testing.T
	tr   *transcript
	next int
	only bool // answers, whatever was sent
}

func (p *recorded) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.next >= len(p.tr.exchanges) {
		p.t.Errorf("%s: a request too many: %s %s", p.tr.path, r.Method, r.URL)
		return nil, errors.New("no more answers")
	}
	x := p.tr.exchanges[p.next]
	p.next++
	if diff := cmp.Diff(essence(p.t, x.httpRequest(p.t)), essence(p.t, r)); diff != "" && !p.only {
		p.t.Errorf("%s: request (-want +got):\n%s", p.tr.path, diff)
	}
	return x.httpResponse(p.t, r), nil
}

// essence is what two requests must share to be the same.
func essence(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	out := map[string]any{"method": r.Method, "path": r.URL.EscapedPath(), "query": r.URL.Query(), "type": r.Header.Get("Content-Type"), "key": r.Header.Get("Idempotency-Key")}
	if r.Body != nil && r.Body != http.NoBody {
		body, _ := io.ReadAll(r.Body)
		var v any
		if json.Unmarshal(body, &v) == nil {
			out["body"] = v
		} else {
			out["body"] = string(body)
		}
	}
	return out
}

// clientEnd demands that our remote sends the recorded requests and understands the
// recorded answers.
func clientEnd(t *testing.T, tr *transcript, call *step) {
	wire := &recorded{t: t, tr: tr, only: tr.want.Ends == "server"}
	hc := &http.Client{Transport: wire}
	remote, err := hr.Dial(testOrigin, hc)
	if err != nil {
		t.Fatal(err)
	}
	got, failed := callByName(t, remote, call)
	if *update {
		if tr.want.Client == nil && (failed != nil || !same(call.Gives, got)) {
			tr.want.Client = &step{Call: call.Call, With: call.With}
		}
		if c := tr.want.Client; c != nil {
			c.Gives, c.Fails = got, nil
			if failed != nil {
				c.Gives, c.Fails = nil, failingOf(failed)
			}
		}
		return
	}
	if wire.next != len(tr.exchanges) {
		t.Errorf("%s: %d requests were sent, want %d", tr.path, wire.next, len(tr.exchanges))
	}
	if call.Fails != nil || failed != nil {
		want := call.Fails
		if want == nil || failed == nil {
			t.Fatalf("%s: understood %v, want %+v", tr.path, failed, want)
		}
		if diff := cmp.Diff(want, failingOf(failed)); diff != "" {
			t.Errorf("%s: failure (-want +got):\n%s", tr.path, diff)
		}
		return
	}
	if !same(call.Gives, got) {
		t.Errorf("%s: understood (-want +got):\n%s", tr.path, cmp.Diff(call.Gives, got))
	}
}

// same compares what JSON makes of two values.
func same(a, b any) bool {
	if b == nil {
		b = map[string]any{}
	}
	if a == nil {
		a = map[string]any{}
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// callByName calls a method with the arguments of a step.
func callByName(t *testing.T, remote any, call *step) (any, error) {
	t.Helper()
	m := reflect.ValueOf(remote).MethodByName(call.Call)
	if !m.IsValid() {
		t.Fatalf("%T has no method %s", remote, call.Call)
	}
	args := []reflect.Value{reflect.ValueOf(context.Background())}
	for i := 1; i < m.Type().NumIn(); i++ {
		v := reflect.New(m.Type().In(i)).Elem()
		if i-1 < len(call.With) {
			if err := unplainTo(v, call.With[i-1]); err != nil {
				t.Fatalf("argument %d: %v", i, err)
			}
		}
		args = append(args, v)
	}
	out := m.Call(args)
	var err error
	if e := out[len(out)-1]; !e.IsNil() {
		err = e.Interface().(error)
	}
	if len(out) == 1 || err != nil {
		return nil, err
	}
	return plainOf(out[0]), nil
}
