package dialect_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// described reads the document of a dialect from the server.
func described(t *testing.T, name string) *openapi3.T {
	t.Helper()
	w := get(t, serve(t, &scripted{}, config()), "/openapi/auth-"+name+".json")
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc
}

// beyond lists requests that we read and OpenAPI, or its validator, cannot express.
var beyond = map[string]string{
	"personio-v1/text-without-type": "a body without a media type",
	"comm100/names-in-any-case":     "names in any letter case",
	"personio-v2/unreadable-scope":  "",
}

func TestTranscriptsAgreeWithTheDescriptions(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		doc := described(t, d.Name())
		for _, tr := range transcripts(t, d.Name()) {
			if tr.want.Ends == "client" {
				continue // not our answer
			}
			name := d.Name() + "/" + strings.TrimSuffix(filepath.Base(tr.path), ".txtar")
			t.Run(name, func(t *testing.T) { agree(t, doc, name, tr) })
		}
	}
}

func agree(t *testing.T, doc *openapi3.T, name string, tr transcript) {
	r := tr.httpRequest(t)
	item := doc.Paths.Value(r.URL.Path)
	if item == nil {
		t.Fatalf("%s is not described", r.URL.Path)
	}
	op := item.GetOperation(r.Method)
	resp := tr.httpResponse(t)
	if op == nil {
		if r.Method != http.MethodHead && resp.StatusCode != 405 && resp.StatusCode != 400 {
			t.Errorf("%s is not described and is answered with %d", r.Method, resp.StatusCode)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: r,
		Route:   &routers.Route{Spec: doc, Path: r.URL.Path, PathItem: item, Method: r.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
	if tr.want.Asked != nil && beyond[name] == "" { // what reaches the issuer must be described as acceptable
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("request: %v", err)
		}
	}
	body, _ := io.ReadAll(resp.Body)
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options}
	out.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("answer: %v", err)
	}
	if described := op.Responses.Status(resp.StatusCode).Value; len(body) > 0 && len(described.Content) == 0 {
		t.Errorf("answer %d has a body that is not described", resp.StatusCode)
	}
}

// Every bound and fault of the handlers is described: the statuses that no
// transcript reaches are provoked here.
func TestStatusesWithoutATranscriptAreDescribed(t *testing.T) {
	t.Parallel()
	for path, name := range posts() {
		responses := described(t, name).Paths.Value(path).Post.Responses
		table := dialect.Tables()[name]
		for _, reason := range reasons {
			for _, code := range postern.Codes {
				status, _ := dialect.ForError(table, &postern.Error{Code: code, Reason: reason})
				if responses.Status(status) == nil {
					t.Errorf("%s: %d is not described", path, status)
				}
			}
		}
	}
}

func TestDescriptionsAndRoutesNameTheSameEndpoints(t *testing.T) {
	t.Parallel()
	routes := dialect.Routes(&scripted{}, testKeys(), config())
	var listed []string
	for _, d := range dialect.All {
		doc := described(t, d.Name())
		for path, item := range doc.Paths.Map() {
			listed = append(listed, path)
			i := slices.IndexFunc(routes, func(r dialect.Route) bool { return r.Pattern == path })
			if i < 0 {
				t.Errorf("%s is described and not served", path)
				continue
			}
			for method, op := range item.Operations() {
				w := httptest.NewRecorder()
				routes[i].Handler.ServeHTTP(w, httptest.NewRequest(method, path, nil))
				if w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotFound || op.Summary == "" || op.OperationID == "" {
					t.Errorf("%s %s: %d", method, path, w.Code)
				}
			}
		}
	}
	for _, r := range routes {
		if !strings.HasPrefix(r.Pattern, "/openapi/") && !slices.Contains(listed, r.Pattern) {
			t.Errorf("%s is served and not described", r.Pattern)
		}
	}
}

func TestPublicDocumentsAgreeWithTheirDescription(t *testing.T) {
	t.Parallel()
	doc := described(t, "oauth2")
	for _, path := range documents {
		w := get(t, serve(t, &scripted{}, config()), path)
		item := doc.Paths.Value(path)
		in := &openapi3filter.RequestValidationInput{Request: httptest.NewRequest(http.MethodGet, path, nil),
			Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: http.MethodGet, Operation: item.Get}}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes()))}
		if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTheIndexListsEveryDocument(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Descriptions = []dialect.Description{{Name: "hr", Title: "People", Read: func() ([]byte, error) {
		return []byte(`{"info":{"title":"People"}}`), nil
	}}}
	h := serve(t, &scripted{}, cfg)
	var index struct{ Documents []dialect.Description }
	if err := json.Unmarshal(get(t, h, "/openapi/").Body.Bytes(), &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Documents) != len(dialect.All)+1 {
		t.Errorf("%d documents, want one per dialect and another's", len(index.Documents))
	}
	for _, d := range index.Documents {
		w := get(t, h, strings.TrimPrefix(d.URL, "https://postern.test"))
		var doc struct{ Info struct{ Title string } }
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Info.Title != d.Title {
			t.Errorf("%s: %d, title %q, want %q", d.URL, w.Code, doc.Info.Title, d.Title)
		}
		again := httptest.NewRequest("GET", d.URL, nil)
		again.Header.Set("If-None-Match", w.Header().Get("Etag"))
		if w := httptest.NewRecorder(); !answers(h, w, again, 304) {
			t.Errorf("%s a second time: %d", d.URL, w.Code)
		}
		if w := httptest.NewRecorder(); !answers(h, w, httptest.NewRequest("PUT", d.URL, nil), 405) || w.Header().Get("Allow") == "" {
			t.Errorf("PUT %s: %d %v", d.URL, w.Code, w.Header())
		}
	}
	if w := get(t, h, "/openapi/none.json"); w.Code != 404 {
		t.Errorf("an unknown document: %d", w.Code)
	}
}

func answers(h http.Handler, w *httptest.ResponseRecorder, r *http.Request, status int) bool {
	h.ServeHTTP(w, r)
	return w.Code == status
}
