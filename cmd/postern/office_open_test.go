package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern.dev/postern"
)

// answers is a transport that gives one status after the other.
type answers struct{ left []int }

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	if len(a.left) == 0 {
		return nil, errors.New("one call more than was expected")
	}
	status := a.left[0]
	a.left = a.left[1:]
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// What was one call too many is looked for again; a change is never made again by itself.
func TestAPageThatWasOneCallTooManyIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method string
		given  []int
		left   int
		want   int
	}{
		{"GET", []int{200, 200}, 1, 200},
		{"GET", []int{429, 429, 200, 200}, 1, 200},
		{"GET", []int{429, 429, 429, 429, 200}, 1, 429},
		{"GET", []int{503, 200}, 1, 503},
		{"POST", []int{429, 200}, 1, 429},
		{"DELETE", []int{429, 200}, 1, 429},
	} {
		next := &answers{tt.given}
		resp, err := (&officeWay{next, "https://tokens.test"}).RoundTrip(httptest.NewRequest(tt.method, "https://tokens.test/admin/v1/keys", nil))
		if err != nil {
			t.Fatalf("%s %v: %v", tt.method, tt.given, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.want || len(next.left) != tt.left {
			t.Errorf("%s %v: got %d with %d answers left, want %d with %d", tt.method, tt.given, resp.StatusCode, len(next.left), tt.want, tt.left)
		}
	}
}

func TestAListThatGoesRoundInACircleEnds(t *testing.T) {
	t.Parallel()
	var got []int
	err := everyPage(func(p postern.Paging) (postern.Page[int], error) {
		return postern.Page[int]{Items: []int{len(got)}, Next: "the same"}, nil
	}, func(n int) {
		if got = append(got, n); len(got) > 2 {
			t.Fatal("it went on")
		}
	})
	if postern.CodeOf(err) != postern.Unavailable || len(got) != 2 {
		t.Errorf("got %v and %v", got, err)
	}
}
