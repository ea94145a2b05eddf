package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The end of an httptest.Server closes the idle connections of http.DefaultTransport, and
// with them now and then a request of a test beside it; of this one it cannot.
func init() { http.DefaultTransport = struct{ http.RoundTripper }{http.DefaultTransport} }

// built is the program under test, built once.
var built string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "postern-browser")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built = filepath.Join(dir, "postern")
	build := exec.Command("go", "build", "-o", built, "../../cmd/postern") //nolint:gosec // our own arguments
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return m.Run()
}

// lookAtSources makes go test see what the program is made of: it remembers a result as
// long as the files that tests looked at are the same, and the build is no test.
var lookAtSources = sync.OnceValue(func() error {
	return filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "../.." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "test" || d.Name() == "postern-data" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
})

// program is a running server.
type program struct {
	*testing.T
	url  string
	dir  string
	link string // for the first operator; "" when there is one
}

var setupLink = regexp.MustCompile(`http://\S+/console/setup\?code=\S+`)

// serve starts the program in a directory of its own and waits until it listens.
func serve(t *testing.T, args ...string) *program {
	t.Helper()
	if err := lookAtSources(); err != nil {
		t.Fatal(err)
	}
	p := &program{T: t, dir: t.TempDir()}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, built, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)...) //nolint:gosec // our own
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Dir, cmd.Env = p.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + os.TempDir()}
	stdout, err1 := cmd.StdoutPipe()
	stderr, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	ended := make(chan struct{})
	printed := make(chan string, 100)
	go func() {
		defer close(printed)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case printed <- lines.Text():
			default: // nobody reads so far
			}
		}
	}()
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var said struct{ Msg, URL string }
			if json.Unmarshal(lines.Bytes(), &said) == nil && said.Msg == "listening" {
				listening <- said.URL
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		for range printed { //nolint:revive // until it has closed its output
		}
		_ = cmd.Wait() // it was asked to end
	})
	select {
	case p.url = <-listening:
	case <-ended:
		t.Fatal("the server ended before it listened")
	}
	if len(args) == 0 {
		for line := range printed {
			if p.link = setupLink.FindString(line); p.link != "" {
				break
			}
		}
	}
	return p
}

// env reads demo.env.
func (p *program) env(name string) string {
	p.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, "postern-data", "demo.env"))
	if err != nil {
		p.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			return strings.Trim(value, "'")
		}
	}
	p.Fatalf("demo.env has no %s", name)
	return ""
}

// token asks for one as a client does, and gives the status with it.
func (p *program) token(id, secret string) (token string, status int) {
	p.Helper()
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.url+"/v2/auth/token", strings.NewReader(body.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	status = p.ask(r, &answer)
	return answer.Token, status
}

// call asks the HR API and gives the status.
func (p *program) call(token, path string) int {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return p.ask(r, nil)
}

func (p *program) ask(r *http.Request, into any) int {
	p.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	if into != nil {
		_ = json.Unmarshal(body, into) // a refusal has another shape
	}
	return resp.StatusCode
}
