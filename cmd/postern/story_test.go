package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a story waits for what must happen at all; aSecond for what
// was promised within a second.
const patience = 2 * time.Minute

// storyCommands are what stories say beside testscript's own commands:
//
//	serve [-as NAME] [FLAG …]     start a server and wait until it listens; its address
//	                              becomes $URL ($NAME_URL), its log serve.log (NAME.log)
//	end [-as NAME]                end it by SIGTERM; it must end well
//	exits STATUS COMMAND …        run a command that ends with this status
//	http STATUS METHOD TARGET …   send a request, to $URL when TARGET is a path; the body
//	                              is then stdout, the head stderr. -u ID:SECRET is Basic,
//	                              -H 'NAME: VALUE' a header, -json TEXT and -body TEXT a
//	                              body, name=value a field of a form, and -has TEXT what
//	                              the answer must hold
//	within-a-second http …        the same, again and again until the status is right
//	let NAME FIELD                keep a field of the JSON on stdout, such as a.0.b
//	sql STATEMENT                 change the database behind the program's back
//	remember NAME, unchanged NAME every row of the database, and that each is the same
//	mode MODE FILE                compare a file's permissions, in octal
//
// and tour, silent and certificate of story_demo_test.go.
var storyCommands = map[string]func(*testscript.TestScript, bool, []string){
	"serve": storyServe, "end": storyEnd, "exits": storyExits, "http": storyHTTP, "within-a-second": storyWithin,
	"let": storyLet, "sql": storySQL, "remember": storyRemember, "unchanged": storyUnchanged, "mode": storyMode,
}

// running is a server of a story.
type running struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan error
}

// as splits a name off the arguments.
func as(args []string) (name string, rest []string) {
	if len(args) > 1 && args[0] == "-as" {
		return args[1], args[2:]
	}
	return "", args
}

func storyServe(ts *testscript.TestScript, neg bool, args []string) {
	name, args := as(args)
	program, err := exec.LookPath("postern")
	ts.Check(err)
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--listen") }) {
		args = append([]string{"--listen", "127.0.0.1:0"}, args...)
	}
	start(ts, neg, name, exec.Command(program, append([]string{"serve", "--log-format", "json"}, args...)...)) //nolint:gosec // ourselves
}

// start starts a server and waits until it listens.
func start(ts *testscript.TestScript, neg bool, name string, cmd *exec.Cmd) {
	if neg || servers(ts)[name] != nil {
		ts.Fatalf("serve: the server %q runs already, or is not to run", name)
	}
	log, err := os.OpenFile(ts.MkAbs(strings.ToLower(name+"serve.log")), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	ts.Check(err)
	begin, err := log.Seek(0, io.SeekEnd)
	ts.Check(err)
	cmd.Dir, cmd.Env, cmd.Stderr = ts.MkAbs("."), environment(ts), log
	out, err := os.Create(ts.MkAbs(strings.ToLower(name + "serve.out")))
	ts.Check(err)
	cmd.Stdout = out
	ts.Check(cmd.Start())
	r := &running{cmd: cmd, log: log, ended: make(chan error, 1)}
	go func() { r.ended <- errors.Join(cmd.Wait(), out.Close()) }()
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = log.Close() })
	var address string
	err = poll(patience, func() error {
		select {
		case err := <-r.ended:
			r.ended <- err
			ts.Fatalf("serve: ended (%v) before it listened: %s", err, tail(log, begin))
		default:
		}
		if address = listening(tail(log, begin)); address == "" {
			return errors.New("it does not listen: " + tail(log, begin))
		}
		return nil
	})
	ts.Check(err)
	servers(ts)[name] = r
	ts.Setenv(strings.TrimPrefix(name+"_URL", "_"), address)
}

// servers are the ones that run, by name.
func servers(ts *testscript.TestScript) map[string]*running {
	return ts.Value(serversKey{}).(map[string]*running)
}

type serversKey struct{}

// environment is what the commands of a story see.
func environment(ts *testscript.TestScript) []string {
	var out []string
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "PATH", "TMPDIR", "GORACE", "GOCOVERDIR", "POSTERN_DB", "POSTERN_DATA", "POSTERN_LISTEN",
		"POSTERN_CONFIG", "POSTERN_PUBLIC_URL", "POSTERN_MASTER_KEY", "POSTERN_MASTER_KEY_FILE", "POSTERN_LOG_LEVEL"} {
		if v := ts.Getenv(name); v != "" {
			out = append(out, name+"="+v)
		}
	}
	return out
}

func tail(f *os.File, from int64) string {
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	b := make([]byte, info.Size()-from)
	n, _ := f.ReadAt(b, from)
	return string(b[:n])
}

// listening finds the address in the log.
func listening(log string) string {
	for line := range strings.Lines(log) {
		var rec struct{ Msg, URL string }
		if json.Unmarshal([]byte(line), &rec) == nil && rec.Msg == "listening" {
			return rec.URL
		}
	}
	return ""
}

func storyEnd(ts *testscript.TestScript, _ bool, args []string) {
	name, _ := as(args)
	r := servers(ts)[name]
	if r == nil {
		ts.Fatalf("end: no server %q runs", name)
	}
	ts.Check(r.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-r.ended:
		if err != nil {
			ts.Fatalf("end: the server ended with %v: %s", err, tail(r.log, 0))
		}
	case <-time.After(patience):
		ts.Fatalf("end: the server does not end: %s", tail(r.log, 0))
	}
	delete(servers(ts), name)
}

func storyExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	// A server that starts although it should not would never end.
	err = ts.Exec("timeout", append([]string{"--foreground", fmt.Sprint(patience.Seconds())}, args[1:]...)...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%q ended with %d, want %d", args[1:], got, want)
	}
	if want != 0 && !strings.Contains(ts.ReadFile("stderr"), "postern: error: ") && !strings.Contains(args[1], "sh") {
		ts.Fatalf("%q ended with %d and said no `postern: error:`", args[1:], got)
	}
}

func storyHTTP(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(exchange(ts, args))
}

func storyWithin(ts *testscript.TestScript, _ bool, args []string) {
	begin := time.Now()
	err := poll(aSecond, func() error { return exchange(ts, args[1:]) })
	if err != nil {
		ts.Fatalf("not within %v: %v", aSecond, err)
	}
	ts.Logf("it took %v", time.Since(begin).Round(time.Millisecond))
}

// exchange sends one request as storyCommands says.
func exchange(ts *testscript.TestScript, args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("http STATUS METHOD TARGET …, got %q", args)
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	target, form := args[2], []string{}
	if strings.HasPrefix(target, "/") {
		target = ts.Getenv("URL") + target
	}
	var body, kind string
	head := http.Header{}
	var user, password, has string
	for rest := args[3:]; len(rest) > 0; rest = rest[1:] {
		if !strings.HasPrefix(rest[0], "-") {
			name, value, _ := strings.Cut(rest[0], "=")
			form = append(form, url.QueryEscape(name)+"="+url.QueryEscape(value))
			continue
		}
		if len(rest) < 2 {
			return fmt.Errorf("%s needs a value", rest[0])
		}
		switch rest[0] {
		case "-u":
			user, password, _ = strings.Cut(rest[1], ":")
		case "-H":
			name, value, _ := strings.Cut(rest[1], ": ")
			head.Add(name, value)
		case "-json":
			body, kind = rest[1], "application/json"
		case "-body":
			body = rest[1]
		case "-has":
			has = rest[1]
		default:
			return fmt.Errorf("http has no option %s", rest[0])
		}
		rest = rest[1:]
	}
	if len(form) > 0 {
		body, kind = strings.Join(form, "&"), "application/x-www-form-urlencoded"
	}
	req, err := http.NewRequest(args[1], target, strings.NewReader(body))
	if err != nil {
		return err
	}
	if req.Header = head; kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := client(ts).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	var lines bytes.Buffer
	fmt.Fprintln(&lines, resp.Status)
	_ = resp.Header.Write(&lines) // to memory
	_, _ = ts.Stdout().Write(got)
	_, _ = ts.Stderr().Write(lines.Bytes())
	if err == nil && (resp.StatusCode != want || !strings.Contains(string(got), has)) {
		err = fmt.Errorf("%s %s: got %d %s, want %d and %q", args[1], args[2], resp.StatusCode, got, want, has)
	}
	return err
}

// client trusts the certificate that the story made, if it made one. Every request
// has a connection of its own, as with curl.
func client(ts *testscript.TestScript) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true}
	if pem, err := os.ReadFile(ts.MkAbs("c.pem")); err == nil {
		tr.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		tr.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	return &http.Client{Transport: tr, Timeout: patience}
}

func storyLet(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("let: stdout is not JSON: %v", err)
	}
	for _, step := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("let: no element %s among %d", step, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("let: nothing at %s of %s", step, args[1])
		}
	}
	if v == nil {
		ts.Fatalf("let: stdout has no %s", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

func storyMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", filepath.Base(args[1]), got, args[0])
	}
}
