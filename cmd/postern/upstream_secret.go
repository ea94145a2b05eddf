package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// Bounds of where secrets come from.
const (
	maxSecret     = 16 << 10         // bytes
	maxSecretWait = 10 * time.Second // for a command or a keyring
)

// keyringService is what secrets in the system's keyring are filed under, unless the
// setting says otherwise.
const keyringService = "postern"

// source gives where one secret of an upstream comes from; nil when there is none. It
// is asked anew whenever a token is fetched, so that a secret which is changed there is
// changed here.
func (u *named) source(s secretSetting, box *seal.Box, now func() time.Time) postern.SecretSource {
	c := &u.upstreamConfig
	var read func(context.Context) (string, error)
	switch {
	case *s.literal(c) != "":
		secret := postern.NewSecret(*s.literal(c))
		return func(context.Context) (postern.Secret, error) { return secret, nil }
	case *s.file(c) != "":
		path := *s.file(c)
		read = func(context.Context) (string, error) { return secretFromFile(path) }
	case len(*s.exec(c)) > 0:
		command := &execSecret{argv: *s.exec(c), now: now}
		read = command.read
	case *s.keyring(c) != "":
		entry := *s.keyring(c)
		read = func(ctx context.Context) (string, error) { return secretFromKeyring(ctx, entry) }
	case u.sealed[s.key] != "":
		sealed := u.sealed[s.key]
		read = func(context.Context) (string, error) {
			plain, err := box.Open(sealContext(u.name, s.key), sealed)
			if err != nil {
				return "", postern.Errorf(postern.Internal, "it was sealed with another master key").
					WithHint("give it again: `postern upstream add %s`", u.name)
			}
			return string(plain), nil
		}
	default:
		return nil
	}
	return func(ctx context.Context) (postern.Secret, error) {
		text, err := read(ctx)
		if err == nil && text == "" {
			err = postern.Errorf(postern.Invalid, "it is empty")
		}
		if err != nil {
			e := *postern.AsError(err)
			e.Msg = s.key + ": " + e.Msg
			return postern.Secret{}, &e
		}
		return postern.NewSecret(text), nil
	}
}

// sealContext binds a sealed secret to its place, so that it opens nowhere else.
func sealContext(upstream, key string) string { return "upstream\x00" + upstream + "\x00" + key }

// secretFromFile reads a secret without the end of its line.
func secretFromFile(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		e := postern.Errorf(postern.Invalid, "the file %s cannot be read", path).WithHint("check that it exists and that this user may read it")
		if errors.Is(err, fs.ErrNotExist) {
			e.Msg = fmt.Sprintf("there is no file %s", path)
		}
		return "", e
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", postern.Errorf(postern.Invalid, "the file %s cannot be read", path)
	}
	if len(raw) > maxSecret {
		return "", postern.Errorf(postern.Invalid, "the file %s is longer than %d bytes; that is no secret", path, maxSecret)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// readableByOthers says that a file with a secret in it can be read by others, "" when
// it cannot, or is not there.
func readableByOthers(path string) string {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o044 == 0 {
		return ""
	}
	return fmt.Sprintf("others can read %s (mode %04o), which holds a secret", path, info.Mode().Perm())
}

// shellLine is a command that the system's shell takes apart.
func shellLine(line string) argv {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	if runtime.GOOS == "windows" {
		return argv{"cmd", "/C", line}
	}
	return argv{"/bin/sh", "-c", line}
}

// execSecret is a secret that a command prints: as text, or as JSON with the time until
// which it need not be asked again.
type execSecret struct {
	argv argv
	now  func() time.Time

	mu    sync.Mutex
	value string
	until time.Time
}

func (s *execSecret) read(ctx context.Context) (string, error) {
	s.mu.Lock()
	value, until := s.value, s.until
	s.mu.Unlock()
	if value != "" && s.now().Before(until) {
		return value, nil
	}
	out, err := runForSecret(ctx, s.argv)
	if err != nil {
		return "", err
	}
	value, until, err = readPrinted(out)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.until = value, until
	return value, err
}

// runForSecret runs a command within maxSecretWait. Its error output is ours: it may
// ask for a touch or a PIN. What it prints is never part of an error.
func runForSecret(ctx context.Context, argv argv) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxSecretWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the operator names it
	out := &bounded{room: maxSecret}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.WaitDelay = time.Second // for what it left behind with our pipe
	err := cmd.Run()
	name := argv[0]
	if len(argv) == 3 && argv[1] == "-c" {
		name = "of the shell"
	}
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", postern.Errorf(postern.Unavailable, "the command %s did not end within %s", name, maxSecretWait).
			WithHint("run it by hand; it must not ask anything")
	case out.over:
		return "", postern.Errorf(postern.Invalid, "the command %s printed more than %d bytes; that is no secret", name, maxSecret)
	case errors.Is(err, exec.ErrWaitDelay):
	case err != nil:
		return "", postern.Errorf(postern.Invalid, "the command %s failed: %v", name, err).WithHint("run it by hand to see why")
	}
	return strings.TrimSpace(out.b.String()), nil
}

// bounded keeps what fits and remembers that there was more.
type bounded struct {
	b    bytes.Buffer
	room int
	over bool
}

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > w.room {
		w.over = true
		return 0, io.ErrShortWrite
	}
	return w.b.Write(p)
}

// printedSecret is what a command may print in place of the bare secret.
type printedSecret struct {
	Secret    string    `json:"secret"`
	Value     string    `json:"value"`
	Password  string    `json:"password"`
	ExpiresAt time.Time `json:"expires_at"`
}

// readPrinted reads what a command printed.
func readPrinted(out string) (value string, until time.Time, err error) {
	if !strings.HasPrefix(out, "{") {
		return out, time.Time{}, nil
	}
	var p printedSecret
	if json.Unmarshal([]byte(out), &p) != nil {
		return "", time.Time{}, postern.Errorf(postern.Invalid, "the command printed JSON that cannot be read").
			WithHint(`print {"secret": "…", "expires_at": "2026-01-31T12:00:00Z"}, or the secret alone`)
	}
	for _, v := range []string{p.Secret, p.Value, p.Password} {
		if v != "" {
			return v, p.ExpiresAt, nil
		}
	}
	return "", time.Time{}, postern.Errorf(postern.Invalid, "the command printed JSON without a secret").
		WithHint(`print {"secret": "…", "expires_at": "2026-01-31T12:00:00Z"}, or the secret alone`)
}

// secretFromKeyring asks the system's keyring, which may ask a person. entry is an
// account of ours, or SERVICE/ACCOUNT.
func secretFromKeyring(ctx context.Context, entry string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxSecretWait)
	defer cancel()
	service, account, ok := strings.Cut(entry, "/")
	if !ok {
		service, account = keyringService, entry
	}
	type answer struct {
		value string
		err   error
	}
	got := make(chan answer, 1)
	go func() { // a keyring knows no context
		v, err := keyring.Get(service, account)
		got <- answer{v, err}
	}()
	select {
	case <-ctx.Done():
		return "", postern.Errorf(postern.Unavailable, "the system's keyring did not answer within %s", maxSecretWait).
			WithHint("unlock the keyring, or keep the secret in a file and name it with client_secret_file")
	case a := <-got:
		if errors.Is(a.err, keyring.ErrNotFound) {
			return "", postern.Errorf(postern.NotFound, "the system's keyring has no entry %s/%s", service, account).
				WithHint("put it there with the keyring's own program, under that service and account")
		}
		if a.err != nil {
			return "", &postern.Error{Code: postern.Unavailable, Msg: "the system's keyring does not answer", Err: a.err,
				Hint: "unlock the keyring, or keep the secret in a file and name it with client_secret_file"}
		}
		return a.value, nil
	}
}
