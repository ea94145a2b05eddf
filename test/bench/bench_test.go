package main

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

func TestProcessorTimeIsReadPastAnyProcessName(t *testing.T) {
	t.Parallel()
	const stat = "4711 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 9 0 123 456 789\n"
	if got, err := parseStat(stat); err != nil || got != 1750*time.Millisecond {
		t.Errorf("parseStat(%q) = %v, %v; want 1.75s", stat, got, err)
	}
	for _, stat := range []string{"", "4711 (a) S 1 2", "4711 (a) S 1 2 3 4 5 6 7 8 9 10 x 25"} {
		if got, err := parseStat(stat); err == nil {
			t.Errorf("parseStat(%q) = %v; want an error", stat, got)
		}
	}
}

func TestAnswersAreReadOneByOneAndOnlyGoodOnes(t *testing.T) {
	t.Parallel()
	in := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ncde" +
		"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"))
	for _, want := range []string{"ab", "cde"} {
		if got, err := readAnswer(in, nil); err != nil || string(got) != want {
			t.Errorf("readAnswer = %q, %v; want %q", got, err, want)
		}
	}
	if _, err := readAnswer(in, nil); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("readAnswer of a refusal: %v; want an error that names the status", err)
	}
	for _, bad := range []string{"", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"} {
		if got, err := readAnswer(bufio.NewReader(strings.NewReader(bad)), nil); err == nil {
			t.Errorf("readAnswer(%q) = %q; want an error", bad, got)
		}
	}
}

// The floor must do the work it is there for: an answer of the same shape and size,
// with a signature in it.
func TestTheFloorAnswersLikeTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	who := machines(1, "").credential(0)
	for _, alg := range postern.Algs {
		header := b64url.EncodeToString([]byte(`{"alg":"` + string(alg) + `"}`))
		sample := `{"access_token":"` + header + `.` + b64url.EncodeToString([]byte(`{"iss":"x"}`)) + `.c2ln","expires_in":3600}`
		cfg, err := floorFor(row{ask: oauth2Ask}, &database{}, []byte(sample))
		if err != nil {
			t.Fatal(err)
		}
		f := &floor{cfg: cfg}
		if err := f.makeKey(); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(oauth2Ask.request(nil, &who))))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		got := w.Body.String()
		before, after, _ := strings.Cut(sample, "c2ln")
		if w.Code != http.StatusOK || !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) || len(got) < len(sample)+30 {
			t.Errorf("%s: %d %s; want %s with a signature", alg, w.Code, got, sample)
		}
	}
}

func TestEveryRowCanBeFoundAndReported(t *testing.T) {
	t.Parallel()
	r := newReport(settings{runs: 2, conns: 1}, "on")
	for _, row := range allRows {
		run := figures{Tokens: 1, Rate: 1, CPU: 1}
		r.Rows = append(r.Rows, &measured{Name: row.name, Floor: []figures{run, run}, Postern: []figures{run, run}})
		if row.group < 0 || row.group >= groups {
			t.Errorf("%s is in group %d of %d: it would never be measured", row.name, row.group, groups)
		}
	}
	for _, line := range r.required() {
		if strings.HasPrefix(line, "----") {
			t.Errorf("with every row measured: %s", line)
		}
	}
	var b strings.Builder
	table(&b, r.Rows, columns)
	if n := strings.Count(b.String(), "\n"); n != len(allRows)+1 {
		t.Errorf("the table has %d lines for %d rows:\n%s", n, len(allRows), b.String())
	}
}

func TestMediansAndThousands(t *testing.T) {
	t.Parallel()
	for want, v := range map[float64][]float64{0: {}, 2: {3, 1, 2}, 2.5: {4, 1, 3, 2}} {
		if got := median(v); got != want {
			t.Errorf("median(%v) = %v, want %v", v, got, want)
		}
	}
	for n, want := range map[int]string{1: "1", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
