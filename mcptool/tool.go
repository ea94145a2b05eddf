// Package mcptool offers seven tools over a postern.Directory: to people and scripts at
// a shell, and to agents through the Model Context Protocol (MCP). A tool is defined
// once; the surfaces differ in how arguments come in and answers go out.
package mcptool

import (
	"context"
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"

	"postern.dev/postern"
)

// Tool is one thing that can be asked for. Its definition is what every surface shows.
type Tool struct {
	Name        string // list_persons
	Title       string // List Persons
	Description string // for agents and for `postern call`: what it answers, and how
	// Scope is what a caller needs, as the HR API names it.
	Scope string
	// Write marks the tool that changes something.
	Write bool
	// In describes the arguments, Out the answer (JSON Schema 2020-12, kept plain so that
	// every model provider takes them).
	In, Out *jsonschema.Schema
	// Columns are the answer as a table: keys of its items, or of the answer itself when
	// it has no items.
	Columns []Column

	run func(c *call, args json.RawMessage) (any, error)
}

// Column is a column of an answer that is shown as a table.
type Column struct {
	Head string
	Key  string // of an item; of several, parted by |, the first that is there
}

// define makes a tool of a function from typed arguments to a typed answer. The types
// describe themselves by their tags: In's zero fields are arguments that were not given.
func define[In, Out any](t Tool, run func(c *call, in In) (Out, error)) *Tool {
	t.In, t.Out = schemaFor[In](), schemaFor[Out]()
	bound(t.In)
	t.run = func(c *call, args json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, err
		}
		return run(c, in)
	}
	return &t
}

// All lists the tools in the order in which people are shown them.
func All() []*Tool {
	return []*Tool{listPersons(), getPerson(), listEmployments(), listAbsenceTypes(), listAbsencePeriods(), listAttendancePeriods(),
		createAbsencePeriod()}
}

// Caller is who asks, as the surface found out.
type Caller struct {
	Tenant    string // whose data it is; for an upstream the name of the upstream
	ClientID  string // the agent's
	Actor     string // as in postern.Event.Actor
	RequestID string
	// Scopes are those of the caller's token. With Judged the API behind the Directory
	// checks them itself, and what it has against a call is told.
	Scopes postern.Scopes
	Judged bool
	// Attributes are the fields of persons that the caller is shown, as in
	// postern.Client; empty shows all.
	Attributes []string
	// Agent names the program that asks, as it calls itself; it may be empty.
	Agent string
}

// may says whether the caller has a scope, as far as is known here.
func (c *Caller) may(scope string) bool { return c.Judged || c.Scopes.Has(scope) }

// Answer is what a tool answers.
type Answer struct {
	Tool *Tool
	// Data is the answer; it fits Tool.Out. It is nil when Question is not.
	Data map[string]any
	// Question is what the caller's user has to be asked before anything is changed.
	Question *Question
}

// Question asks the person behind a caller whether a change is what they want.
type Question struct {
	Text string // one sentence with everything that matters
	// State is what comes back to the same call beside the person's answer. It is worth
	// nothing without one.
	State string
}

// ask is how a surface lets a tool ask: not at all, by an answer of kind Question.
type ask struct {
	// can says that the surface can ask its user, so that a Question may be the answer.
	can bool
	// reply is what the user said to the Question that this call had as its answer
	// before; it is nil when none was asked.
	reply *reply
	// progress is told how far a long walk is; it may be nil.
	progress func(ctx context.Context, done int, what string)
}

// reply is the answer of a person to a Question.
type reply struct {
	yes   bool
	state string // of the Question
}
