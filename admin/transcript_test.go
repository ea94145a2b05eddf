package admin_test

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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

var update = flag.Bool("update", false, "write what goes over the wire into the transcripts")

// transcript is one exchange as it goes over the wire, and what it means. Its comment
// says what it proves. The files are request and response, as on the wire, and want: the
// method of the Office that it is about, as in the table of methods, and how that fails,
// if it does.
type transcript struct {
	path              string
	archive           *txtar.Archive
	request, response string
	want              meaning
}

type meaning struct {
	Call  string   `json:"call"`
	Fails *failing `json:"fails,omitempty"`
	// Server is set where only our server is held against the transcript: our remote
	// would not send this.
	Server bool `json:"server_only,omitempty"`
}

type failing struct {
	Code   postern.Code   `json:"code"`
	Reason postern.Reason `json:"reason,omitempty"`
	Msg    string         `json:"msg"`
	Hint   string         `json:"hint,omitempty"`
	Param  string         `json:"param,omitempty"`
	Wait   int            `json:"wait_seconds,omitempty"`
}

func (f *failing) err() error {
	e := postern.Errorf(f.Code, "%s", f.Msg).Because(f.Reason)
	e.Param, e.Hint, e.Wait, e.Err = f.Param, f.Hint, time.Duration(f.Wait)*time.Second, errors.New(marker)
	return e
}

func transcripts(t testing.TB) []transcript {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no transcripts: %v", err)
	}
	var out []transcript
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tr := transcript{path: path, archive: a}
		for _, f := range a.Files {
			switch f.Name {
			case "request":
				tr.request = string(f.Data)
			case "response":
				tr.response = string(f.Data)
			case "want":
				d := json.NewDecoder(bytes.NewReader(f.Data))
				d.DisallowUnknownFields()
				if err := d.Decode(&tr.want); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			}
		}
		if len(bytes.TrimSpace(a.Comment)) < 10 || tr.want.Call == "" {
			t.Errorf("%s does not say what it proves, or what is called", path)
		}
		out = append(out, tr)
	}
	return out
}

// overWire turns the text of a transcript into bytes of HTTP/1.1.
func overWire(text string) *bufio.Reader {
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	head = strings.TrimSuffix(head, "\n") + fmt.Sprintf("\nContent-Length: %d", len(body))
	return bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body))
}

// text writes a head and a body as the transcripts have them, without what net/http adds.
func text(first string, head http.Header, body []byte) string {
	var b strings.Builder
	b.WriteString(first + "\n")
	for _, name := range slices.Sorted(maps.Keys(head)) {
		if name != "Content-Length" && name != "Date" && name != "Accept" {
			for _, v := range head[name] {
				fmt.Fprintf(&b, "%s: %s\n", name, v)
			}
		}
	}
	fmt.Fprintf(&b, "\n%s", body)
	if len(body) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

func requestText(r *http.Request) string {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	return text(r.Method+" "+r.URL.RequestURI()+" HTTP/1.1\nHost: "+r.URL.Host, r.Header, body)
}

func methodNamed(t testing.TB, name string) method {
	t.Helper()
	all := methods()
	i := slices.IndexFunc(all, func(m method) bool { return m.name == name })
	if i < 0 {
		t.Fatalf("there is no method %s", name)
	}
	return all[i]
}

// The recorded request gets the recorded answer from our server, and our remote sends
// that request and understands that answer.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	called := map[string]bool{}
	for _, tr := range transcripts(t) {
		name := strings.TrimSuffix(filepath.Base(tr.path), ".txtar")
		called[tr.want.Call] = called[tr.want.Call] || tr.want.Fails == nil
		if !tr.want.Server {
			t.Run(name+"/client", func(t *testing.T) { tr.clientEnd(t) })
		}
		t.Run(name+"/server", func(t *testing.T) { tr.serverEnd(t) })
		if *update {
			tr.write(t)
		}
	}
	for _, m := range methods() {
		if !called[m.name] {
			t.Errorf("no transcript shows how %s is called", m.name)
		}
	}
}

// clientEnd demands that our remote sends exactly the request, and understands the answer.
func (tr *transcript) clientEnd(t *testing.T) {
	m, sent := methodNamed(t, tr.want.Call), ""
	remote, err := admin.Dial(origin, &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
		r.Header.Set("Authorization", "Bearer test")
		sent = requestText(r)
		if tr.response == "" {
			return nil, errors.New("not recorded yet")
		}
		return http.ReadResponse(overWire(tr.response), r)
	})})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.call(context.Background(), remote)
	if *update {
		tr.request = sent
		return
	}
	if diff := cmp.Diff(tr.request, sent); diff != "" {
		t.Errorf("%s: request (-want +got):\n%s", tr.path, diff)
	}
	if tr.want.Fails != nil {
		want := postern.AsError(tr.want.Fails.err())
		if diff := cmp.Diff(want, postern.AsError(err), cmpopts.IgnoreFields(postern.Error{}, "Err")); diff != "" {
			t.Errorf("%s: failure (-want +got):\n%s", tr.path, diff)
		}
		return
	}
	if diff := cmp.Diff(m.gives, got, sameNouns); err != nil || diff != "" {
		t.Errorf("%s: %v; understood (-want +got):\n%s", tr.path, err, diff)
	}
}

// serverEnd demands exactly the recorded answer for the recorded request.
func (tr *transcript) serverEnd(t *testing.T) {
	m := methodNamed(t, tr.want.Call)
	h := newHouse(func(string, []any) (any, error) { return m.gives, nil })
	if tr.want.Fails != nil {
		h = newHouse(func(string, []any) (any, error) { return nil, tr.want.Fails.err() })
	}
	r, err := http.ReadRequest(overWire(tr.request))
	if err != nil {
		t.Fatalf("%s: %v", tr.path, err)
	}
	w := httptest.NewRecorder()
	h.handler(t).ServeHTTP(w, r)
	got := text(fmt.Sprintf("HTTP/1.1 %d %s", w.Code, http.StatusText(w.Code)), w.Header(), w.Body.Bytes())
	if strings.Contains(got, marker) {
		t.Errorf("%s: the cause leaked: %s", tr.path, got)
	}
	if *update {
		tr.response = got
	} else if diff := cmp.Diff(tr.response, got); diff != "" {
		t.Errorf("%s: answer (-want +got):\n%s", tr.path, diff)
	}
}

func (tr *transcript) write(t *testing.T) {
	a := *tr.archive
	want, err := json.MarshalIndent(tr.want, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	a.Files = []txtar.File{{Name: "request", Data: []byte(tr.request)}, {Name: "response", Data: []byte(tr.response)}, {Name: "want", Data: append(want, '\n')}}
	if err := os.WriteFile(tr.path, txtar.Format(&a), 0o644); err != nil {
		t.Fatal(err)
	}
}
