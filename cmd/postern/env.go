package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"postern.dev/postern"
)

func systemEnv() *env {
	return &env{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv:   os.Getenv,
		environ:  os.Environ,
		now:      time.Now,
		terminal: term.IsTerminal(int(os.Stderr.Fd())), //nolint:gosec // a descriptor fits
		asks:     term.IsTerminal(int(os.Stdin.Fd())),  //nolint:gosec // a descriptor fits
		password: askPassword,
	}
}

// askPassword reads a password from the terminal without showing it.
func askPassword(prompt string) (postern.Secret, error) {
	fd := int(os.Stdin.Fd()) //nolint:gosec // a descriptor fits
	if !term.IsTerminal(fd) {
		return postern.Secret{}, postern.Errorf(postern.Invalid, "there is no terminal to ask for the password").
			WithHint("pipe it in and say --password-stdin, or say --generate")
	}
	fmt.Fprint(os.Stderr, prompt)
	raw, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	return postern.NewSecret(string(raw)), err
}

// readLine reads one line of at most 8 KiB, without its end.
func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 8<<10)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// lineReader reads lines of at most 8 KiB, one after the other.
type lineReader struct {
	r   io.Reader
	buf *bufio.Reader
}

func (l *lineReader) next() (string, error) {
	if l.buf == nil {
		l.buf = bufio.NewReader(io.LimitReader(l.r, 16<<10))
	}
	line, err := l.buf.ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
