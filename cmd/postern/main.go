// Command postern issues, obtains and uses machine-to-machine access tokens. This
// package is flags, configuration and wiring; one file per command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // time zones, also where the machine has none

	"github.com/alecthomas/kong"

	"postern.dev/postern"
)

// Exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1 // refused or failed
	exitMisused = 2
)

// env is the world a command runs in, so that tests can give it another.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string   // NAME=value of the whole environment; nil is an empty one
	dotenv         map[string]string // what .env adds to it
	now            func() time.Time
	terminal       bool // stderr is one
	asks           bool // somebody sits at stdin and can be asked
	password       func(prompt string) (postern.Secret, error)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, systemEnv(), os.Args[1:])
	stop()
	os.Exit(status)
}

// run carries out one command line and gives the exit status.
func run(ctx context.Context, e *env, args []string) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("postern"),
		kong.Description("The service entrance: issues, obtains and uses machine-to-machine access tokens."),
		kong.Writers(e.stdout, e.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"algs": "ES256,RS256,EdDSA,HS256"},
	)
	if err != nil {
		fmt.Fprintf(e.stderr, "postern: error: %v\n", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(argumentsLast(args))
	if exited >= 0 {
		return exited // help was shown
	}
	if err != nil {
		return misused(e, err)
	}
	if warning, err := e.readDotenv(dotenvName); err != nil {
		return fail(e, err)
	} else if warning != "" {
		fmt.Fprintf(e.stderr, "postern: warning: %s\n", warning)
	}
	k.BindTo(ctx, (*context.Context)(nil))
	a := &app{env: e, cli: &c, model: parser.Model}
	if err := a.fitsServer(k.Command()); err != nil {
		return fail(e, err)
	}
	if err := k.Run(a); err != nil {
		return fail(e, err)
	}
	return exitDone
}

func misused(e *env, err error) int {
	fmt.Fprintf(e.stderr, "postern: error: %v\n", err)
	var perr *kong.ParseError
	if errors.As(err, &perr) && perr.Context != nil && perr.Context.Selected() != nil {
		fmt.Fprintf(e.stderr, "postern: hint: try `postern %s --help`\n", perr.Context.Selected().Path())
	} else {
		fmt.Fprintln(e.stderr, "postern: hint: try `postern --help`")
	}
	return exitMisused
}

// errMisused marks a command line that is well formed and still makes no sense.
type errMisused struct{ error }

// Unwrap gives the error that says what makes no sense.
func (e errMisused) Unwrap() error { return e.error }

// errShown is a failure that has been shown already.
var errShown = errors.New("shown")

// fail shows an error as people can act on it. The cause of an internal or an
// unavailable error is shown too: whoever runs the command is the operator.
func fail(e *env, err error) int {
	var other exited
	if errors.As(err, &other) {
		return other.status
	}
	if errors.Is(err, errShown) {
		return exitFailed
	}
	var perr *postern.Error
	text, hint := err.Error(), ""
	if errors.As(err, &perr) {
		hint = perr.Hint
		if text == perr.Error() { // not wrapped in words of its own
			text = perr.Msg
		}
		if perr.Err != nil && (perr.Code == postern.Internal || perr.Code == postern.Unavailable) {
			text = joinCause(text, perr.Err)
		}
		if text == "" {
			text = perr.Error()
		}
	}
	fmt.Fprintf(e.stderr, "postern: error: %s\n", text)
	if hint != "" {
		fmt.Fprintf(e.stderr, "postern: hint: %s\n", hint)
	}
	var misuse errMisused
	if errors.As(err, &misuse) {
		return exitMisused
	}
	return exitFailed
}

func joinCause(text string, cause error) string {
	if text == "" {
		return cause.Error()
	}
	return text + ": " + cause.Error()
}
