package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"postern.dev/postern/mcptool"
)

// show prints an answer: what was found as a table, or as a profile when it is one thing
// with much to it, and below it, for people, what else there is to say.
func (c *callCmd) show(b *toolbox, ans mcptool.Answer) error {
	a := b.app
	if c.JSON {
		return a.printJSON(ans.Data)
	}
	items, list := ans.Data["items"].([]any)
	var err error
	switch {
	case list && len(items) == 0:
	case ans.Tool.Write:
		err = a.facts(ans.Table())
	case !list:
		err = a.profile(ans.Tool.Out, withoutNotes(ans.Data))
	case len(items) == 1 && hasLists(items[0]):
		thing, _ := items[0].(map[string]any)
		err = a.profile(itemsOf(ans.Tool.Out, "items"), thing)
	default:
		head, rows := ans.Table()
		err = a.table(strings.ToUpper(strings.Join(head, "|")), rows)
	}
	if err != nil {
		return err
	}
	if list && len(items) == 0 && len(listOf(ans.Data["notes"])) == 0 {
		a.note("nothing fits")
	}
	c.notes(b, ans)
	return nil
}

// withoutNotes leaves out of a thing what is said about it.
func withoutNotes(data map[string]any) map[string]any {
	thing := maps.Clone(data)
	delete(thing, "notes")
	delete(thing, "withheld")
	return thing
}

// hasLists says whether there is more to a thing than a row of a table has room for.
func hasLists(v any) bool {
	thing, _ := v.(map[string]any)
	for _, v := range thing {
		if list := listOf(v); len(list) > 0 && isThing(list[0]) {
			return true
		}
	}
	return false
}

// facts prints the one row of an answer that is no list, a line for each cell.
func (a *app) facts(head []string, rows [][]string) error {
	var pairs []string
	for _, row := range rows {
		for i := range min(len(head), len(row)) {
			pairs = append(pairs, head[i], row[i])
		}
	}
	return a.pairs(pairs...)
}

// notes says below an answer what it covers, what it leaves out and how to go on.
func (c *callCmd) notes(b *toolbox, ans mcptool.Answer) {
	a := b.app
	text := func(key string) string { s, _ := ans.Data[key].(string); return s }
	words := func(key string) []string { return texts(listOf(ans.Data[key])) }
	if zone := text("time_zone"); zone != "" {
		when := ""
		if from, to := text("from"), text("to"); from != "" || to != "" {
			when = strings.TrimSpace(yesNo(from != "", "from "+from, "")+yesNo(to != "", " to "+to, "")) + ", "
		}
		a.note("%s", printable(when+"in "+zone))
	}
	for _, n := range words("notes") {
		a.note("%s", printable(n))
	}
	if withheld := words("withheld"); len(withheld) > 0 {
		a.note("not shown: %s", printable(strings.Join(withheld, ", ")))
	}
	switch next := text("next_cursor"); {
	case next != "" && b.place == nil: // the key of the cursor ends with this process
		a.note("there is more: raise limit, or say where a database is, without which another command cannot go on")
	case next != "":
		a.note("there is more: %s cursor=%s", c.command(a, ans.Tool), next)
	}
}

// book shows what a dry run found, and asks whether it is to be booked where somebody is
// there to say so; else it says how to.
func (c *callCmd) book(ctx context.Context, b *toolbox, tool *mcptool.Tool, args map[string]string, ans mcptool.Answer) error {
	if c.JSON {
		return b.printJSON(ans.Data)
	}
	confirm, _ := ans.Data["confirm"].(string)
	summary, _ := ans.Data["summary"].(string)
	until, _ := ans.Data["expires_at"].(string)
	shown := []string{"Booked", "no", "Summary", summary}
	if !b.asks && b.place != nil {
		shown = append(shown, "Confirm", confirm, "Until", until)
	}
	if err := b.pairs(shown...); err != nil {
		return err
	}
	for _, n := range texts(listOf(ans.Data["notes"])) {
		if !strings.HasPrefix(n, "Nothing was booked") { // which tells an agent how to go on
			b.note("%s", printable(n))
		}
	}
	switch {
	case !b.asks && b.place == nil: // the key of the confirmation ends with this process
		b.note("nothing is booked, and without a database no other command can book it: say where one is with --data or --db, or run this on a terminal")
		return nil
	case !b.asks:
		b.note("nothing is booked yet; this books it:\n  %s", c.line(b.app, tool, args, confirm))
		return nil
	}
	said, err := b.answer(ctx, "Book it? [y/N] ")
	if err != nil {
		return err
	}
	if said = strings.ToLower(strings.TrimSpace(said)); said != "y" && said != "yes" {
		b.note("nothing was booked")
		return errShown
	}
	args["confirm"] = confirm
	if ans, err = b.call(ctx, tool, args, false); err != nil {
		return err
	}
	return c.show(b, ans)
}

func listOf(v any) []any { list, _ := v.([]any); return list }

// answer asks the person at the terminal. It gives up with ctx, whatever they do.
func (a *app) answer(ctx context.Context, question string) (string, error) {
	fmt.Fprint(a.stderr, question)
	line := make(chan string, 1)
	go func() {
		text, _ := readLine(a.stdin) // what is not there is no answer
		line <- text
	}()
	select {
	case text := <-line:
		return text, nil
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return "", ctx.Err()
	}
}

// command is the command line of a tool up to its arguments, asked in the same way. An
// address of a database that holds a password is not printed.
func (c *callCmd) command(a *app, tool *mcptool.Tool) string {
	words := []string{"postern call", kebab(tool.Name)}
	db := a.cli.DB
	if u, err := url.Parse(db); db != "" && (err != nil || u.User != nil || u.RawQuery != "") {
		db = "URL"
	}
	for _, flag := range [][2]string{{"--config", a.cli.Config}, {"--data", a.cli.Data}, {"--db", db}, {"--upstream", c.Upstream}} {
		if flag[1] != "" {
			words = append(words, flag[0]+" "+quoted(flag[1]))
		}
	}
	for _, name := range c.Experimental {
		words = append(words, "--experimental "+quoted(name))
	}
	return strings.Join(words, " ")
}

// line is the command line that books what a dry run found.
func (c *callCmd) line(a *app, tool *mcptool.Tool, args map[string]string, confirm string) string {
	words := []string{c.command(a, tool)}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		words = append(words, name+"="+quoted(args[name]))
	}
	return strings.Join(append(words, "confirm="+quoted(confirm)), " ")
}

var bare = regexp.MustCompile(`^[A-Za-z0-9@%+:,./_=-]+$`)

// quoted writes a word as a shell takes it for one.
func quoted(word string) string {
	if bare.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
