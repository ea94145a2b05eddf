package test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/dialect"
)

// recorded is an answer of a token endpoint as a transcript has it, and what a client
// is to make of it.
type recorded struct {
	Ends, Endpoint    string
	Given, Understood *struct {
		Token string
		Code  postern.Code
	}
}

// meaning gives the token, or the code of the refusal, that the answer stands for.
func (r recorded) meaning() (token string, code postern.Code) {
	switch {
	case r.Understood != nil:
		return r.Understood.Token, r.Understood.Code
	case r.Given != nil:
		return r.Given.Token, r.Given.Code
	}
	return "", ""
}

// The answers that the real services are documented to give are understood through the
// broker as they are by the dialects themselves: the same files, one room further on.
func TestTheBrokerUnderstandsTheAnswersOfTheRealServices(t *testing.T) {
	t.Parallel()
	tokens, refusals := 0, 0
	for _, d := range dialect.All {
		files, err := filepath.Glob("../dialect/testdata/" + d.Name() + "/*.txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no transcripts: %v", d.Name(), err)
		}
		for _, file := range files {
			response, r := readRecorded(t, file)
			token, code := r.meaning()
			if r.Endpoint != "" && r.Endpoint != "token" || token == "" && code == "" {
				continue
			}
			got, err := askRecorded(t, d.Name(), response)
			switch {
			case token != "" && (err != nil || got.Value.Reveal() != token):
				t.Errorf("%s: got %v, %v; want the token %s", file, got, err, token)
			case token == "" && (err == nil || !got.Value.Empty() || postern.AsError(err).Hint == ""):
				t.Errorf("%s: got %v, %v; want a refusal that says what to do", file, got, err)
			case token == "":
				refusals++
			default:
				tokens++
			}
		}
	}
	if tokens < 20 || refusals < 50 {
		t.Errorf("only %d tokens and %d refusals were tried", tokens, refusals)
	}
}

func readRecorded(t testing.TB, file string) (response string, r recorded) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		switch f.Name {
		case "response":
			response = string(f.Data)
		case "want":
			if err := json.Unmarshal(f.Data, &r); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
	return response, r
}

// askRecorded asks a broker whose upstream gives the answer.
func askRecorded(t testing.TB, name, response string) (postern.Token, error) {
	t.Helper()
	head, body, _ := strings.Cut(response, "\n\n")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n")), r)
		if err != nil {
			t.Error(err)
			return
		}
		_ = resp.Body.Close()
		resp.Header.Del("Content-Length")
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		_, _ = io.WriteString(w, strings.TrimSuffix(body, "\n"))
	}))
	defer s.Close()
	up := upstreams(s.URL, credentials{ID: "papi-1", Secret: "papi-s", PublicID: "c1", Email: "ada@firm.test", Password: "secret", Partner: "10000"})
	b := newBroker(t, broker.Config{Upstreams: up, Fetch: &asker{hc: s.Client()}})
	return b.Token(t.Context(), name, 0)
}
