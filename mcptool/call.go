package mcptool

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// Config is what the tools need. Directory, Record, Key and Zone are required.
type Config struct {
	// Directory gives the directory that a caller asks.
	Directory func(Caller) (postern.Directory, error)
	// Record keeps an event in the audit trail. A call whose record cannot be kept is
	// refused before it changes anything, and its answer is not given.
	Record func(context.Context, postern.Event) error
	// Key signs what comes back from callers: confirmations and cursors. Processes that
	// have to know each other's have the same.
	Key [32]byte
	// Zone names the time zone in which words like today are read when a call names none.
	Zone func(context.Context, Caller) (string, error)
	// Disabled keeps every tool out of sight: a call says how to enable them.
	Disabled bool
	// Writes shows the tool that changes something.
	Writes bool
	// Withhold lists fields that are left out of answers, by tool; a tool that is not in
	// it leaves out what Withheld says.
	Withhold map[string][]string
	// Grant names the page of settings on which an upstream's permissions are granted, for
	// the error of a call that lacks one.
	Grant string
	Log   *slog.Logger
	Now   func() time.Time
}

// Tools are the seven tools, ready to be called. They are safe for concurrent use.
type Tools struct {
	Config
	all   []*Tool
	names *nameBook
	spent *spent
}

// New makes the tools of cfg.
func New(cfg Config) *Tools {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Tools{Config: cfg, all: All(), names: newNameBook(cfg.Now), spent: newSpent(cfg.Now)}
}

// Visible lists the tools that a caller may call: those whose scope it has, and the one
// that writes only where writes are on. Of disabled tools there are none.
func (t *Tools) Visible(who Caller) []*Tool {
	var out []*Tool
	for _, tool := range t.all {
		if !t.Disabled && (!tool.Write || t.Writes) && who.may(tool.Scope) {
			out = append(out, tool)
		}
	}
	return out
}

// Named gives a tool by its name.
func (t *Tools) Named(name string) (*Tool, bool) {
	i := slices.IndexFunc(t.all, func(tool *Tool) bool { return tool.Name == name })
	if i < 0 {
		return nil, false
	}
	return t.all[i], true
}

// call is one call of a tool on its way.
type call struct {
	*Tools
	ctx  context.Context
	tool *Tool
	who  Caller
	ask  ask
	dir  postern.Directory
	// about are the persons that the answer is about, for the audit trail.
	about []postern.PersonID
	// notes are sentences about the answer, for whoever reads it.
	notes []string
	// hidden names the fields that the answer does without.
	hidden []string
	// given are the arguments as they came, at is where a cursor among them leads.
	given map[string]json.RawMessage
	at    cursor
	// waited is how long the call has waited for an API that wants fewer calls.
	waited atomic.Int64
}

// Call calls a tool with arguments in JSON. Its failures say what happened and what to
// do next, in words for whoever asked; every call leaves a record.
func (t *Tools) Call(ctx context.Context, who Caller, name string, args json.RawMessage) (Answer, error) {
	return t.call(ctx, who, name, args, ask{})
}

// CallWatched is Call that tells progress how far a long walk is: how many items there
// are so far, and what they are. It does so between the pages of one walk, one at a time.
func (t *Tools) CallWatched(ctx context.Context, who Caller, name string, args json.RawMessage, progress func(context.Context, int, string)) (Answer, error) {
	return t.call(ctx, who, name, args, ask{progress: progress})
}

func (t *Tools) call(ctx context.Context, who Caller, name string, args json.RawMessage, how ask) (Answer, error) {
	c := &call{Tools: t, ctx: ctx, who: who, ask: how}
	tool, ok := t.Named(name)
	if !ok {
		err := t.unknownTool(name)
		_ = c.record(err) // what is refused is refused, recorded or not
		return Answer{}, err
	}
	c.tool = tool
	ended := false
	defer func() {
		if !ended { // by a panic, which goes on
			broken := postern.Errorf(postern.Internal, "panic")
			broken.Cause = "panic"
			_ = c.record(broken)
		}
	}()
	out, err := c.pass(args)
	ended = true
	if rerr := c.record(err); rerr != nil && err == nil {
		return Answer{}, unrecorded(rerr)
	}
	if err != nil {
		return Answer{}, c.explain(err)
	}
	if q, ok := out.(*Question); ok {
		return Answer{Tool: tool, Question: q}, nil
	}
	data, err := c.show(out)
	return Answer{Tool: tool, Data: data}, err
}

// pass lets a call through to its tool.
func (c *call) pass(args json.RawMessage) (any, error) {
	if c.Tools.Disabled {
		return nil, Disabled()
	}
	if c.tool.Write && !c.Writes {
		return nil, writesOff()
	}
	if !c.who.may(c.tool.Scope) {
		return nil, lowScope(c.tool.Scope)
	}
	args, err := arguments(c.tool, args)
	if err != nil {
		return nil, err
	}
	if args, err = c.resume(args); err != nil {
		return nil, err
	}
	if c.dir, err = c.Directory(c.who); err != nil {
		return nil, err
	}
	return c.tool.run(c, args)
}

func lowScope(scope string) error {
	e := postern.Errorf(postern.Forbidden, "the credential lacks the permission %s", scope).Because(postern.LowScope)
	e.Param, e.Cause = scope, "scope"
	return e
}
