package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { storyCommands["manage"], storyCommands["manage-as"] = storyManage, storyManageAs }

// through is set in stories whose commands go through the server.
const through = "THROUGH_THE_SERVER"

// TestManagingThroughAServerIsAsBesideTheDatabase tells the story about management again,
// with every command going through the operator API of the server that runs in it.
func TestManagingThroughAServerIsAsBesideTheDatabase(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params("testdata/script/db_manage.txtar", func(e *testscript.Env) error {
		e.Setenv(through, "yes")
		return nil
	}))
}

// storyManage lets the commands from here on manage the server of the story as the client
// of demo.env, where the story is told so:
//
//	manage DEMO.ENV
func storyManage(ts *testscript.TestScript, neg bool, args []string) {
	if ts.Getenv(through) != "" {
		ts.Setenv(serverVariable, ts.Getenv("URL"))
		storyManageAs(ts, neg, args)
	}
}

// storyManageAs puts the client of demo.env that may manage into the environment:
//
//	manage-as DEMO.ENV
func storyManageAs(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.HasPrefix(name, adminPrefix+"_") {
			ts.Setenv(name, strings.Trim(value, "'"))
		}
	}
	if ts.Getenv(adminPrefix+"_CLIENT_ID") == "" || ts.Getenv(adminPrefix+"_CLIENT_SECRET") == "" {
		ts.Fatalf("manage: %s names no client", args[0])
	}
}
