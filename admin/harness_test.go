package admin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

var (
	now     = time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC)
	changed = time.Date(2026, 11, 21, 9, 8, 7, 654e6, time.UTC)
)

const (
	origin    = "https://postern.test"
	requestID = "req-0123456789"
	// marker stands for what must never leave: a driver's message, a path, a stack.
	marker = "pq: relation admin_internal_marker"
)

var switches = []admin.Switch{
	{Name: "missing-right", Values: []string{"documented", "live"}, Help: "how a missing right is answered"},
	{Name: "next-link", Values: []string{"absolute", "relative"}, Help: "how the next page is named"},
}

// house is a server whose office, tokens and sessions are the test's.
type house struct {
	desk    *desk
	claims  postern.Claims
	refusal error // of every token
	want    postern.Want
	session func(*http.Request) (postern.Actor, error)
	pace    func(string, time.Time) time.Duration
}

func newHouse(gives func(call string, with []any) (any, error)) *house {
	return &house{desk: &desk{gives: gives}, claims: postern.Claims{ID: "jti", ClientID: "c1ient", Tenant: "acme", Kind: postern.Machine,
		Scope: postern.NewScopes(admin.ScopeAdmin)}}
}

// Verify implements admin.Verifier.
func (h *house) Verify(_ context.Context, raw string, want postern.Want) (postern.Claims, error) {
	h.want = want
	if h.refusal != nil {
		return postern.Claims{}, h.refusal
	}
	if raw != "test" {
		return postern.Claims{}, postern.Errorf(postern.Unauthenticated, "the token is not good").Because(postern.BadToken)
	}
	return h.claims, nil
}

func (h *house) config() admin.Config {
	return admin.Config{Office: func(a postern.Actor) postern.Office { h.desk.actor = a; return h.desk }, Verifier: h, PublicURL: origin,
		Audience: []string{origin, origin + "/admin/v1"}, Session: h.session, Pace: h.pace, Switches: switches, Now: func() time.Time { return now }}
}

// handler serves every route as the server does, and holds every exchange against the
// description.
func (h *house) handler(t testing.TB) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range admin.Routes(h.config()) {
		mux.Handle(r.Pattern, r.Handler)
	}
	return described(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := &postern.Call{ID: requestID, Source: netip.MustParseAddr("192.0.2.7")}
		mux.ServeHTTP(w, r.WithContext(postern.WithCall(r.Context(), call)))
	}))
}

// remote gives the other end, over memory.
func (h *house) remote(t testing.TB) *admin.Remote {
	t.Helper()
	m, err := admin.Dial(origin, &http.Client{Transport: inMemory{h.handler(t)}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// inMemory is a transport to a handler, with the token.
type inMemory struct{ h http.Handler }

// RoundTrip implements http.RoundTripper.
func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer test")
	r.RequestURI = r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	m.h.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// send makes a call with a token, unless the headers say otherwise; a header of "" is
// left out.
func send(t testing.TB, h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer test")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), marker) {
		t.Errorf("%s %s: the cause leaked: %s", method, target, w.Body)
	}
	return w
}

// document reads the description, once.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := admin.Descriptions()[0].Read()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

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

// described holds every request that is answered well, and every answer, against the
// description.
func described(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := new(strings.Builder)
		if r.Body != nil {
			r.Body = &teed{r.Body, kept}
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		hold(t, r, kept.String(), rec)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

// teed is a body whose bytes are kept.
type teed struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	kept *strings.Builder
}

// Read implements io.Reader.
func (b *teed) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.kept.Write(p[:n])
	return n, err
}

// Close implements io.Closer.
func (b *teed) Close() error { return b.body.Close() }

func hold(t testing.TB, r *http.Request, body string, rec *httptest.ResponseRecorder) {
	t.Helper()
	if !strings.HasPrefix(r.URL.Path, "/admin/v1") || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return
	}
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	path, item, params := operationAt(doc, r.URL.Path)
	if item == nil || item.GetOperation(r.Method) == nil {
		if rec.Code != http.StatusNotFound && rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not described and answered with %d", r.Method, r.URL.Path, rec.Code)
		}
		return
	}
	op := item.GetOperation(r.Method)
	again := r.Clone(r.Context())
	again.Body = http.NoBody
	if body != "" {
		again.Body = &teed{httptest.NewRequest("POST", "/", strings.NewReader(body)).Body, new(strings.Builder)}
	}
	in := &openapi3filter.RequestValidationInput{Request: again, PathParams: params,
		Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
	if rec.Code < 300 {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			t.Errorf("%s %s %s: the request was taken and is not as described: %v", r.Method, r.URL, body, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.Code, Header: rec.Header(), Options: in.Options}
	out.SetBodyBytes(rec.Body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		t.Errorf("%s %s: the answer is not as described: %v", r.Method, r.URL, err)
		return
	}
	if answer := op.Responses.Status(rec.Code).Value; rec.Body.Len() > 0 && len(answer.Content) == 0 {
		t.Errorf("%s %s: answer %d has a body that is not described: %s", r.Method, r.URL, rec.Code, rec.Body)
	}
}
