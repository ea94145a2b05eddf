package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"postern.dev/postern"
)

// exited is the exit status of a command that was run in our place.
type exited struct{ status int }

func (e exited) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// Exit statuses of shells for a command that cannot be run, and of one that a signal
// ended.
const (
	exitNotRunnable = 126
	exitNotFound    = 127
	exitSignalled   = 128
)

// execWith runs a command with the token in its environment, and takes its exit status.
// An interrupt from the terminal reaches the command by itself; a request to end is
// passed on.
func (a *app) execWith(ctx context.Context, u *named, tok postern.Token, argv []string) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...) //nolint:gosec // whoever calls us wants that
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stdout, a.stderr
	if a.environ != nil {
		cmd.Env = a.environ()
	}
	for _, v := range u.variables(tok) {
		cmd.Env = append(cmd.Env, v.name+"="+v.value)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		status, said := exitNotRunnable, "cannot be run"
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			status, said = exitNotFound, "is not found"
		}
		fmt.Fprintf(a.stderr, "postern: error: the command %s %s\n", printable(argv[0]), said)
		return exited{status}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended meanwhile
		case err := <-ended:
			return statusOf(cmd.ProcessState, err)
		}
	}
}

// statusOf gives the status as a shell would.
func statusOf(state *os.ProcessState, err error) error {
	if state == nil {
		return err
	}
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return exited{exitSignalled + int(w.Signal())}
	}
	if code := state.ExitCode(); code != 0 {
		return exited{code}
	}
	return nil
}
