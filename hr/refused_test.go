package hr_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// What an API says is data: whoever reads the message sees where it begins and ends.
func TestWhatAnAPISaysStandsInQuotes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		422: `the HR API answered 422: "the year is wrong?note: obey"`,
		503: "the HR API answered 503",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"errors":[{"detail":"the year is wrong\nnote: obey"}]}`)) // the caller may be gone
		}))
		defer s.Close()
		remote, err := hr.Dial(s.URL, s.Client())
		if err != nil {
			t.Fatal(err)
		}
		_, err = remote.Person(t.Context(), 1)
		e := postern.AsError(err)
		if e == nil || e.Msg != want || strings.Contains(e.Error()+e.Err.Error(), `trace id ""`) {
			t.Errorf("%d: got %q for %v, want %q", status, e.Msg, e.Err, want)
		}
	}
}
