package hr_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"postern.dev/postern/hr"
)

// documents reads both descriptions, once.
var documents = sync.OnceValues(func() (map[string]*openapi3.T, error) {
	out := map[string]*openapi3.T{}
	for _, d := range hr.Descriptions() {
		text, err := d.Read()
		if err != nil {
			return nil, err
		}
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, err
		}
		if err := doc.Validate(context.Background()); err != nil {
			return nil, err
		}
		out[d.Name] = doc
	}
	return out, nil
})

func document(t testing.TB, path string) *openapi3.T {
	t.Helper()
	all, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "/v1/") {
		return all["hr-v1"]
	}
	return all["hr-v2"]
}

// operationAt finds what is described for a path of a request.
func operationAt(doc *openapi3.T, path string) (string, *openapi3.PathItem, map[string]string) {
	parts := strings.Split(path, "/")
	best, found := -1, ""
	for described := range doc.Paths.Map() {
		want := strings.Split(described, "/")
		same := 0
		for i := range want {
			switch {
			case len(want) != len(parts):
				same = -1
			case want[i] == parts[i]:
				same++
			case !strings.HasPrefix(want[i], "{") || parts[i] == "":
				same = -len(parts) * 2
			}
		}
		if same > best {
			best, found = same, described
		}
	}
	if found == "" {
		return "", nil, nil
	}
	params := map[string]string{}
	for i, want := range strings.Split(found, "/") {
		if strings.HasPrefix(want, "{") {
			params[strings.Trim(want, "{}")] = parts[i]
		}
	}
	return found, doc.Paths.Value(found), params
}

// described holds every answer of h against the description of its path.
func described(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		holdAnswer(t, r, rec)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

func holdAnswer(t testing.TB, r *http.Request, rec *httptest.ResponseRecorder) {
	t.Helper()
	if !strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/v2/") {
		return
	}
	doc := document(t, r.URL.Path)
	path, item, params := operationAt(doc, r.URL.Path)
	if item == nil {
		if rec.Code != http.StatusNotFound {
			t.Errorf("%s %s is not described and answered with %d", r.Method, r.URL.Path, rec.Code)
		}
		return
	}
	op := item.GetOperation(r.Method)
	if op == nil {
		if r.Method != http.MethodHead && r.Method != http.MethodOptions && rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not described and answered with %d", r.Method, r.URL.Path, rec.Code)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params,
		Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.Code, Header: rec.Header(), Options: in.Options}
	out.SetBodyBytes(rec.Body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		t.Errorf("%s %s: the answer is not as described: %v", r.Method, r.URL, err)
		return
	}
	answer := op.Responses.Status(rec.Code).Value
	if rec.Body.Len() > 0 && len(answer.Content) == 0 {
		t.Errorf("%s %s: answer %d has a body that is not described: %s", r.Method, r.URL, rec.Code, rec.Body)
	}
}

// What is described is what the tables have, with the same scope.
func TestDescriptionsAndTablesNameTheSameOperations(t *testing.T) {
	t.Parallel()
	listed := map[string]string{}
	for _, op := range hr.Operations() {
		listed[op.Method+" "+op.Path] = op.Scope
	}
	docs, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for name, doc := range docs {
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				key := method + " " + path
				seen[key] = true
				scope, ok := listed[key]
				if !ok {
					t.Errorf("%s: %s is described and not served", name, key)
					continue
				}
				if op.Security == nil || len(*op.Security) != 1 {
					t.Errorf("%s: %s does not say what it needs", name, key)
					continue
				}
				for _, scopes := range (*op.Security)[0] {
					if len(scopes) != 1 || scopes[0] != scope {
						t.Errorf("%s: %s needs %v, the table says %s", name, key, scopes, scope)
					}
				}
				if op.Summary == "" || op.OperationID == "" {
					t.Errorf("%s: %s is not explained", name, key)
				}
			}
		}
	}
	for key := range listed {
		if !seen[key] {
			t.Errorf("%s is served and not described", key)
		}
	}
}
