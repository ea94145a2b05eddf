package main

import (
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	storyCommands["proxy"], storyCommands["demo"] = storyProxy, storyDemo
}

// withDemo is a command line that a shell runs with the variables of demo.env set, and
// after them those that the words begin with.
func withDemo() []string {
	return []string{"-euc", `set -a; . postern-data/demo.env; set +a; while case $1 in *=*) true;; *) false;; esac; do export "$1"; shift; done; exec "$@"`, "sh"}
}

// storyDemo runs a command with the credentials of demo.env in its environment; STATUS
// is what it ends with:
//
//	demo STATUS [NAME=value …] COMMAND …
func storyDemo(ts *testscript.TestScript, _ bool, args []string) {
	storyExits(ts, false, append([]string{args[0], "sh"}, append(withDemo(), args[1:]...)...))
}

// storyProxy starts a proxy as serve starts a server; its address becomes $PROXY_URL,
// its log proxyserve.log:
//
//	proxy [NAME=value …] UPSTREAM [FLAG …]
func storyProxy(ts *testscript.TestScript, neg bool, args []string) {
	n := 0
	for n < len(args) && strings.Contains(args[n], "=") {
		n++
	}
	words := append(args[:n:n], "postern", "proxy", "--listen", "127.0.0.1:0", "--log-format", "json")
	start(ts, neg, "PROXY", exec.Command("sh", append(withDemo(), append(words, args[n:]...)...)...)) //nolint:gosec // ourselves
}
