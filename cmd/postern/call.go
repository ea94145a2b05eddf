package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
	"postern.dev/postern/mcptool"
)

type callCmd struct {
	Tool         string   `arg:"" optional:"" help:"What to ask; without it the tools are listed."`
	Args         []string `arg:"" optional:"" name:"name=value" help:"Arguments of the tool."`
	Upstream     string   `help:"Whose people: an upstream by its name, if there are several." placeholder:"NAME"`
	Experimental []string `help:"Enable what is experimental: tools." placeholder:"NAME"`
	asJSON
}

func (callCmd) Help() string {
	return "One tool of the connector from the shell. `postern call TOOL --help` says what it takes.\n\nExamples:\n" +
		"  postern call list-absence-periods from=this-week\n" +
		"  postern call list-persons email=aylin.yildiz@harbour.example --json\n" +
		"  postern call list-absence-periods person=12 from=2026-11-23 to=2026-11-29"
}

func (c *callCmd) Run(ctx context.Context, a *app) error {
	if c.Tool == "" {
		return c.list(a)
	}
	tool, err := toolNamed(c.Tool)
	if err != nil {
		return err
	}
	args, err := toolArguments(tool, c.Args)
	if err != nil {
		return err
	}
	b, err := a.openTools(ctx, toolsWanted{upstream: c.Upstream, agent: "postern call", enabled: c.Experimental, writes: true})
	if err != nil {
		return err
	}
	defer b.close()
	ans, err := b.call(ctx, tool, args, c.JSON)
	if err != nil {
		return err
	}
	if tool.Write && ans.Data["booked"] == false {
		return c.book(ctx, b, tool, args, ans)
	}
	return c.show(b, ans)
}

// call asks one tool. An argument that it cannot read is a misuse of the command line;
// one that does not fit what is there, such as an old confirmation, is refused. A
// terminal is shown how far a long walk is, unless quiet.
func (b *toolbox) call(ctx context.Context, tool *mcptool.Tool, args map[string]string, quiet bool) (mcptool.Answer, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return mcptool.Answer{}, err
	}
	p := b.newProgress("", 0, quiet)
	ans, err := b.tools.CallWatched(ctx, b.who, tool.Name, raw, func(_ context.Context, done int, what string) {
		p.what = what
		p.at(done)
	})
	p.end()
	if e := postern.AsError(err); e != nil && e.Code == postern.Invalid && e.Param != "confirm" && tool.In.Properties[e.Param] != nil {
		err = errMisused{err}
	}
	return ans, err
}

// argumentsLast moves the arguments of a tool behind the flags on a command line: people
// write them in either order, and the parser takes them in one row only.
func argumentsLast(line []string) []string {
	i := 0
	for i < len(line) && strings.HasPrefix(line[i], "--") { // flags before the command have a value
		if i++; !strings.Contains(line[i-1], "=") {
			i++
		}
	}
	if i >= len(line) || line[i] != "call" || slices.Contains(line, "--") {
		return line
	}
	var first, last []string
	for _, word := range line[i:] {
		if name, _, ok := strings.Cut(word, "="); ok && !strings.HasPrefix(name, "-") {
			last = append(last, word)
		} else {
			first = append(first, word)
		}
	}
	return slices.Concat(line[:i], first, last)
}

// toolView is a tool for programs.
type toolView struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Scope       string             `json:"scope"`
	Write       bool               `json:"write"`
	Input       *jsonschema.Schema `json:"input_schema"`
	Output      *jsonschema.Schema `json:"output_schema"`
}

// list shows the tools. That needs no upstream, and nothing to be enabled.
func (c *callCmd) list(a *app) error {
	views, rows := []toolView{}, [][]string{}
	for _, t := range mcptool.All() {
		views = append(views, toolView{t.Name, t.Title, t.Description, t.Scope, t.Write, t.In, t.Out})
		rows = append(rows, []string{kebab(t.Name), yesNo(t.Write, "write", "read"), firstSentence(t.Description)})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	if err := a.table("TOOL|ACCESS|WHAT IT DOES", rows); err != nil {
		return err
	}
	a.note("`postern call TOOL --help` says what a tool takes")
	if cfg, err := a.load(map[string]string{"data": a.cli.Data, "db": a.cli.DB}); err == nil && !cfg.enabled(experimentTools, c.Experimental) {
		a.note("the tools are experimental and not enabled: %s", postern.AsError(mcptool.Disabled()).Hint)
	}
	return nil
}

// kebab and snake are the two spellings of a name: the shell's, and everybody else's.
func kebab(name string) string { return strings.ReplaceAll(name, "_", "-") }
func snake(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }

func firstSentence(text string) string {
	first, _, more := strings.Cut(text, ". ")
	if more {
		return first + "."
	}
	return text
}

// toolNamed finds a tool in either spelling.
func toolNamed(name string) (*mcptool.Tool, error) {
	var names []string
	for _, t := range mcptool.All() {
		if t.Name == snake(name) {
			return t, nil
		}
		names = append(names, kebab(t.Name))
	}
	e := postern.Errorf(postern.NotFound, "there is no tool %q", postern.Shorten(name, 60))
	if meant := near.Of(kebab(name), names); meant != "" {
		return nil, errMisused{e.WithHint("did you mean %s?", meant)}
	}
	return nil, errMisused{e.WithHint("there is %s", strings.Join(names, ", "))}
}

// shortArgument gives the name of an argument that the shell may spell shorter.
func shortArgument(tool *mcptool.Tool, name string) string {
	if name == "person" && tool.In.Properties["person_id"] != nil {
		return "person_id"
	}
	return name
}

// toolArguments reads name=value words.
func toolArguments(tool *mcptool.Tool, words []string) (map[string]string, error) {
	args := map[string]string{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, errMisused{postern.Errorf(postern.Invalid, "%q is not name=value", postern.Shorten(word, 60)).WithHint("write it as in: %s", exampleOf(tool))}
		}
		name = shortArgument(tool, snake(name))
		if tool.In.Properties[name] == nil {
			return nil, unknownToolArgument(tool, name)
		}
		if _, twice := args[name]; twice {
			return nil, errMisused{postern.Errorf(postern.Invalid, "%s is there twice", name)}
		}
		args[name] = value
	}
	var missing []string
	for _, name := range tool.In.Required {
		if _, ok := args[name]; !ok {
			missing = append(missing, name+" ("+tool.In.Properties[name].Description+")")
		}
	}
	if len(missing) > 0 {
		return nil, errMisused{postern.Errorf(postern.Invalid, "%s needs %s", kebab(tool.Name), strings.Join(missing, ", ")).
			WithHint("such as: %s", exampleOf(tool))}
	}
	return args, nil
}

func unknownToolArgument(tool *mcptool.Tool, name string) error {
	known := slices.Sorted(maps.Keys(tool.In.Properties))
	e := postern.Errorf(postern.Invalid, "%s has no argument %q", kebab(tool.Name), postern.Shorten(name, 60))
	if meant := near.Of(name, known); meant != "" {
		return errMisused{e.WithHint("did you mean %s?", meant)}
	}
	return errMisused{e.WithHint("it takes %s", orDefault(strings.Join(known, ", "), "none"))}
}
