package dialect_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// broken is an issuer whose every answer is an internal error with a marker in all
// its private parts.
func broken() *scripted {
	return &scripted{err: &postern.Error{Code: postern.Internal, Msg: marker, Hint: marker, Param: marker, Cause: marker, Err: errors.New(marker)}}
}

// badKeys is a key set with what must never be published.
type badKeys struct{}

func (badKeys) PublicKeys() []postern.Key {
	return append(testKeys(), postern.Key{ID: marker, Alg: postern.HS256, Public: []byte(marker), Sealed: marker},
		postern.Key{ID: marker, Alg: postern.HS256, Sealed: marker})
}

func TestAnInternalErrorLeavesThroughNoRoute(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"/v1/auth": "client_id=a&client_secret=b", "/v2/auth/token": "grant_type=client_credentials&client_id=a&client_secret=b",
		"/connect/token": "client_id=a&client_secret=b", "/oauth/token": "client_id=a&grant_type=password&email=a%40b&password=c",
		"/oauth2/token": "client_id=a&client_secret=b&grant_type=client_credentials",
	}
	for _, route := range dialect.Routes(broken(), badKeys{}, config()) {
		for _, method := range []string{"GET", "POST"} {
			body, ok := bodies[route.Pattern]
			if !ok {
				body = "client_id=a&client_secret=b&token=c"
			}
			r := httptest.NewRequest(method, route.Pattern+"?partnerId=1", strings.NewReader(body))
			r.Header.Set("Content-Type", formType)
			if method == "GET" {
				r.Header.Set("Authorization", "Bearer a")
			}
			w := httptest.NewRecorder()
			route.Handler.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), marker) {
				t.Errorf("%s %s: the marker is in %s", method, route.Pattern, w.Body)
			}
			for name, values := range w.Header() {
				if strings.Contains(strings.Join(values, " "), marker) {
					t.Errorf("%s %s: the marker is in header %s", method, route.Pattern, name)
				}
			}
			private := method == "POST" && !strings.HasPrefix(route.Pattern, "/.well-known") && !strings.HasPrefix(route.Pattern, "/openapi")
			asks := route.Pattern != "/oauth/userinfo" && route.Pattern != "/oauth2/authorize"
			if private && asks && w.Code != 500 {
				t.Errorf("%s %s: %d, want 500: the error was not met", method, route.Pattern, w.Code)
			}
		}
	}
}

// Whatever a request holds, no refusal repeats it: neither in a description (RFC
// 6749 section 5.2) nor in a header.
func TestRefusalsDoNotEcho(t *testing.T) {
	t.Parallel()
	const odd = "zqxv"
	for path := range posts() {
		for _, body := range []string{odd + "=1&" + odd + "=2", "client_id=" + odd + "&x=%zz", "grant_type=client_credentials&client_id=" + odd + "%00&client_secret=" + odd, odd} {
			for _, kind := range []string{formType, "application/json", "text/" + odd} {
				w := httptest.NewRecorder()
				serve(t, &scripted{}, config()).ServeHTTP(w, post(path, kind, strings.NewReader(body)))
				if strings.Contains(w.Body.String(), odd) {
					t.Errorf("%s %s %s: %s", path, kind, body, w.Body)
				}
			}
		}
	}
}
