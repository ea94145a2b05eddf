package dialect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// posts lists the endpoints that are posted to, with the dialect of each.
func posts() map[string]string {
	out := map[string]string{}
	for _, d := range dialect.All {
		out[d.Path()] = d.Name()
		if v, ok := d.(dialect.Revoker); ok {
			out[v.RevokePath()] = d.Name()
		}
		if in, ok := d.(dialect.Introspector); ok {
			out[in.IntrospectPath()] = d.Name()
		}
	}
	return out
}

func post(path, contentType string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", contentType)
	return r
}

const formType = "application/x-www-form-urlencoded"

func TestLongBodiesAreRefusedInTheDialectsOwnShape(t *testing.T) {
	t.Parallel()
	for path, name := range posts() {
		for _, declared := range []bool{true, false} {
			iss := &scripted{}
			r := post(path, formType, strings.NewReader("x="+strings.Repeat("a", 64<<10)))
			if !declared {
				r.ContentLength = -1
			}
			w := httptest.NewRecorder()
			serve(t, iss, config()).ServeHTTP(w, r)
			if w.Code != http.StatusRequestEntityTooLarge || iss.asked != nil || w.Header().Get("Connection") != "close" {
				t.Errorf("%s, length declared %v: %d, %v", path, declared, w.Code, w.Header())
			}
			if postern.ReasonOf(iss.refused) != postern.TooLarge {
				t.Errorf("%s: the issuer was told %v", path, iss.refused)
			}
			checkShape(t, name, path, w)
		}
	}
}

// checkShape demands that a refusal is in the dialect's own shape.
func checkShape(t *testing.T, name, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	want, kind := `{"error":"`, "application/json"
	switch name {
	case "personio-v1":
		want = `{"success":false,"error":{"code":`
	case "personio-v2":
		kind = "application/problem+json"
	}
	if body := w.Body.String(); !strings.HasPrefix(body, want) || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
		t.Errorf("%s: refusal %s (%s) is not in the shape of %s", path, body, w.Header().Get("Content-Type"), name)
	}
	if cc := w.Header().Get("Cache-Control"); !strings.HasPrefix(cc, "no-store") || w.Header().Get("Pragma") != "no-cache" {
		t.Errorf("%s: Cache-Control %q, Pragma %q", path, cc, w.Header().Get("Pragma"))
	}
}

func TestCompressedBodiesAreNeverExpanded(t *testing.T) {
	t.Parallel()
	for path, name := range posts() {
		iss := &scripted{}
		r := post(path, formType, strings.NewReader("x"))
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		serve(t, iss, config()).ServeHTTP(w, r)
		if w.Code != http.StatusUnsupportedMediaType || iss.asked != nil {
			t.Errorf("%s: %d", path, w.Code)
		}
		checkShape(t, name, path, w)
	}
}

func TestABodyThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Options.BodyTime = 50 * time.Millisecond
	iss := &scripted{}
	srv := httptest.NewServer(serve(t, iss, cfg))
	defer srv.Close()
	for path := range posts() {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\nclient_id=x", path, formType)
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		answer, err := io.ReadAll(conn) // ends because the server closes the connection
		conn.Close()
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) {
			t.Errorf("%s: %v, %.60q, want 408", path, err, answer)
		}
	}
	if iss.asked != nil {
		t.Error("half a request reached the issuer")
	}
}

// A refusal that needs no body leaves the rest of it to the server, which must not
// wait for it forever.
func TestABodyThatNobodyReadsIsCutOffToo(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Options.BodyTime = 50 * time.Millisecond
	srv := httptest.NewServer(serve(t, &scripted{}, cfg))
	defer srv.Close()
	for path := range posts() {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nclient_id=x", path)
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		answer, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 40")) {
			t.Errorf("%s: %v, %.60q, want a refusal and the end of the connection", path, err, answer)
		}
	}
}

func TestASlowIssuerIsNotCancelledByTheBodysDeadline(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Options.BodyTime = 500 * time.Millisecond
	iss := waiting{&scripted{token: postern.Token{Value: postern.NewSecret("t"), ExpiresIn: time.Hour}}}
	srv := httptest.NewServer(serve(t, iss, cfg))
	defer srv.Close()
	d := named(t, "oauth2")
	if _, err := dialect.Fetch(t.Context(), srv.Client(), d, srv.URL, requestOf(d)); err != nil {
		t.Errorf("a request whose body came in time failed: %v", err)
	}
}

// waiting is an issuer that takes longer than a body may.
type waiting struct{ *scripted }

func (s waiting) Issue(ctx context.Context, req postern.Request) (postern.Token, error) {
	select {
	case <-ctx.Done():
		return postern.Token{}, ctx.Err()
	case <-time.After(700 * time.Millisecond):
		return s.scripted.Issue(ctx, req)
	}
}

func TestTheCallIsFilledIn(t *testing.T) {
	t.Parallel()
	for _, d := range dialect.All {
		iss := &scripted{token: postern.Token{Value: postern.NewSecret("t"), ID: "jti-1", ExpiresIn: time.Hour}}
		call := &postern.Call{ID: "id-1", Source: netip.MustParseAddr("192.0.2.7")}
		r, err := d.EncodeRequest("https://postern.test", requestOf(d))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		serve(t, iss, config()).ServeHTTP(w, r.WithContext(postern.WithCall(t.Context(), call)))
		if call.Dialect != d.Name() || call.ClientID != "c: lient+1" || call.TokenID != "jti-1" || call.Code != "" {
			t.Errorf("%s: call is %+v", d.Name(), *call)
		}
		if iss.asked.Source != call.Source || iss.asked.RequestID != "id-1" || w.Header().Get("X-Request-Id") != "id-1" {
			t.Errorf("%s: asked %+v, answered %v", d.Name(), *iss.asked, w.Header())
		}
	}
}

func TestTheCallKnowsWhyARequestWasRefused(t *testing.T) {
	t.Parallel()
	call := &postern.Call{}
	r := post("/oauth2/token", formType, strings.NewReader("grant_type=a&grant_type=b"))
	serve(t, &scripted{}, config()).ServeHTTP(httptest.NewRecorder(), r.WithContext(postern.WithCall(t.Context(), withID(call))))
	if call.Code != postern.Invalid || call.Cause == "" {
		t.Errorf("call is %+v, want a code and a cause", *call)
	}
	secret := postern.GenerateSecret().Reveal()
	call = &postern.Call{}
	r = post("/oauth2/token", formType, strings.NewReader("grant_type=a&client_id="+secret))
	serve(t, &scripted{}, config()).ServeHTTP(httptest.NewRecorder(), r.WithContext(postern.WithCall(t.Context(), withID(call))))
	if strings.Contains(fmt.Sprintf("%+v", *call), secret) {
		t.Error("a secret in the place of the client id reached the log")
	}
}

func withID(c *postern.Call) *postern.Call { c.ID = "id"; return c }

func TestOptionsNamesTheMethodsAndAllowsNoOrigin(t *testing.T) {
	t.Parallel()
	for _, route := range dialect.Routes(&scripted{}, testKeys(), config()) {
		r := httptest.NewRequest(http.MethodOptions, route.Pattern, nil)
		r.Header.Set("Origin", "https://evil.test")
		w := httptest.NewRecorder()
		route.Handler.ServeHTTP(w, r)
		public := strings.HasPrefix(route.Pattern, "/.well-known/") || strings.HasPrefix(route.Pattern, "/openapi/")
		if w.Code != http.StatusNoContent || w.Header().Get("Allow") == "" {
			t.Errorf("%s: %d, Allow %q", route.Pattern, w.Code, w.Header().Get("Allow"))
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); (got == "*") != public {
			t.Errorf("%s: Access-Control-Allow-Origin %q", route.Pattern, got)
		}
	}
}

func TestTheSameAnswerToEveryMethodThatIsNotServed(t *testing.T) {
	t.Parallel()
	for path, name := range posts() {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "PROPFIND"} {
			iss := &scripted{}
			w := httptest.NewRecorder()
			serve(t, iss, config()).ServeHTTP(w, httptest.NewRequest(method, path+"?client_id=a&client_secret=b&grant_type=client_credentials", nil))
			want := http.StatusMethodNotAllowed
			if name == "personify" || name == "comm100" {
				want = http.StatusBadRequest // the family has no 405 here
			}
			if w.Code != want || iss.asked != nil || (want == 405) != (w.Header().Get("Allow") == "POST, OPTIONS") {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

func TestRoutesAreEachListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range dialect.Routes(&scripted{}, testKeys(), config()) {
		if seen[r.Pattern] || r.Handler == nil || !strings.HasPrefix(r.Pattern, "/") || strings.ContainsAny(r.Pattern, " {") {
			t.Errorf("route %q", r.Pattern)
		}
		seen[r.Pattern] = true
	}
	for path := range posts() {
		if !seen[path] {
			t.Errorf("%s is not routed", path)
		}
	}
}

func TestADefaultPartnerStandsInForAMissingOneOnly(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.DefaultPartner = "10000"
	for query, want := range map[string]string{"": "10000", "?partnerId=": "10000", "?partnerId=7": "7"} {
		iss := &scripted{token: postern.Token{Value: postern.NewSecret("t"), ExpiresIn: time.Hour}}
		w := httptest.NewRecorder()
		serve(t, iss, cfg).ServeHTTP(w, post("/oauth/token"+query, formType, strings.NewReader("client_id=a&grant_type=password&email=a%40b&password=c")))
		if w.Code != 200 || iss.asked.PartnerID != want {
			t.Errorf("%q: %d, asked %+v, want partner %s", query, w.Code, iss.asked, want)
		}
	}
}
