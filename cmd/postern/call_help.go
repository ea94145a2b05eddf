package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
	"github.com/google/jsonschema-go/jsonschema"

	"postern.dev/postern/mcptool"
)

// help prints the help of a command, and for `postern call TOOL` that of the tool.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if n := ctx.Selected(); n != nil && n.Name == "call" && n.Parent == ctx.Model.Node {
		for _, word := range ctx.Args[slices.Index(ctx.Args, n.Name)+1:] {
			if tool := toolCalled(word); tool != nil {
				return helpOf(ctx.Stdout, tool)
			}
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// toolCalled gives the tool of that name in either spelling, nil if there is none.
func toolCalled(name string) *mcptool.Tool {
	tool, err := toolNamed(name)
	if err != nil {
		return nil
	}
	return tool
}

// helpOf prints what a tool does and takes, from its definition.
func helpOf(w io.Writer, tool *mcptool.Tool) error {
	fmt.Fprintf(w, "Usage: postern call %s [name=value ...] [flags]\n\n%s\n\nIt needs the permission %s.\n", kebab(tool.Name), wrapped(tool.Description, 100), tool.Scope)
	if len(tool.In.Properties) > 0 {
		fmt.Fprint(w, "\nArguments:\n")
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		for _, name := range argumentNames(tool) {
			p := tool.In.Properties[name]
			fmt.Fprintf(t, "  %s=\t%s\t%s%s\n", name, kindOf(p), p.Description, yesNo(slices.Contains(tool.In.Required, name), " (required)", ""))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\nExample:\n  %s\n", exampleOf(tool))
	return err
}

// argumentNames lists the arguments of a tool, those that it needs first.
func argumentNames(tool *mcptool.Tool) []string {
	names := slices.Clone(tool.In.PropertyOrder)
	for _, name := range slices.Sorted(maps.Keys(tool.In.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		rank := func(name string) int { return map[bool]int{true: 0, false: 1}[slices.Contains(tool.In.Required, name)] }
		return rank(a) - rank(b)
	})
	return names
}

// kindOf says in a word what an argument may be.
func kindOf(p *jsonschema.Schema) string {
	switch {
	case len(p.Enum) > 0:
		return strings.Join(texts(p.Enum), "|")
	case p.Type == "boolean":
		return "true|false"
	case p.Type == "integer" && p.Minimum != nil && p.Maximum != nil:
		return fmt.Sprintf("%.0f-%.0f", *p.Minimum, *p.Maximum)
	case p.Type == "integer":
		return "number"
	}
	return "text"
}

func texts(values []any) (all []string) {
	for _, v := range values {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

// samples are values for examples, in the order in which examples take them.
var samples = [...]struct{ name, value string }{
	{"person_id", "12"}, {"email", "aylin.yildiz@harbour.example"}, {"absence_type_id", "$TYPE"}, {"from", "this-week"},
	{"first_day", "2026-12-21"}, {"last_day", "2026-12-23"}, {"skip_approval", "false"},
}

// exampleOf is a call of the tool that would work: with what it needs, or with what is
// asked most.
func exampleOf(tool *mcptool.Tool) string {
	words, spare := []string{"postern call " + kebab(tool.Name)}, ""
	for _, s := range samples {
		switch p := tool.In.Properties[s.name]; {
		case p == nil:
		case slices.Contains(tool.In.Required, s.name) || tool.Write && s.name == "last_day":
			words = append(words, s.name+"="+s.value)
		case spare == "" && s.name != "person_id" && s.name != "absence_type_id":
			spare = s.name + "=" + s.value
		}
	}
	if len(words) == 1 && spare != "" {
		words = append(words, spare)
	}
	return strings.Join(words, " ")
}

// wrapped breaks text into lines of so many characters.
func wrapped(text string, width int) string {
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && len(line)+1+len(word) > width {
				lines, line = append(lines, line), ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// callWords are what may come next on the line of `postern call`: words are those
// before, current is the one under way, as far as the shell tells it.
func callWords(words []string, current string) (next []string) {
	var tool *mcptool.Tool
	given := map[string]bool{}
	for _, word := range joined(words) {
		name, _, isArgument := strings.Cut(word, "=")
		switch {
		case tool == nil:
			tool = toolCalled(word)
		case isArgument:
			given[shortArgument(tool, snake(name))] = true
		}
	}
	if tool == nil {
		for _, t := range mcptool.All() {
			next = append(next, kebab(t.Name))
		}
		return next
	}
	// Bash takes "=" for a word of its own, and the value for another.
	if n := len(words); n > 1 && words[n-1] == "=" {
		return valuesOf(tool, words[n-2])
	}
	if name, _, ok := strings.Cut(current, "="); ok {
		for _, v := range valuesOf(tool, name) {
			next = append(next, name+"="+v)
		}
		return next
	}
	for _, name := range argumentNames(tool) {
		if !given[name] {
			next = append(next, name+"=")
		}
	}
	return next
}

// Arguments that are periods or days, and the words for them.
var (
	periodArguments = [...]string{"from", "to", "updated_from", "updated_to"}
	dayArguments    = [...]string{"first_day", "last_day"}
	dayWords        = [...]string{"today", "yesterday", "tomorrow"}
	periodWords     = [...]string{"this-week", "last-week", "next-week", "this-month", "last-month", "next-month", "this-year", "last-year", "next-year"}
)

// joined puts together what bash took apart at "=".
func joined(words []string) (out []string) {
	for i, word := range words {
		if n := len(out); n > 0 && (word == "=" || i > 0 && words[i-1] == "=") {
			out[n-1] += word
			continue
		}
		out = append(out, word)
	}
	return out
}

// valuesOf are the values of an argument that can be listed.
func valuesOf(tool *mcptool.Tool, name string) []string {
	name = shortArgument(tool, snake(name))
	p := tool.In.Properties[name]
	switch {
	case p == nil:
		return nil
	case len(p.Enum) > 0:
		return texts(p.Enum)
	case p.Type == "boolean":
		return []string{"true", "false"}
	case slices.Contains(periodArguments[:], name):
		return slices.Concat(dayWords[:], periodWords[:])
	case slices.Contains(dayArguments[:], name):
		return dayWords[:]
	}
	return nil
}
