package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

type doctorCmd struct {
	Upstream string `arg:"" help:"An upstream by its name."`
	asJSON
}

func (doctorCmd) Help() string {
	return "Reaches the host, looks at TLS and at the clocks, gets a token, and tries one harmless read for each scope. " +
		"The exit status is 1 when anything is wrong; each wrong line says what to do.\n\nExample:\n  postern doctor personio"
}

// state is how it stands with what was looked at.
type state string

// The states. Wrong and refused make the exit status 1.
const (
	works    state = "works"
	wrong    state = "wrong"
	refused  state = "refused"
	withheld state = "withheld" // on purpose, it seems
	ends     state = "ends"     // it works, and has a day on which it stops
	skipped  state = "skipped"
	told     state = "note"
)

// finding is one line of what the doctor says.
type finding struct {
	Check  string `json:"check"`
	State  state  `json:"state"`
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
}

// diagnosis is all of them.
type diagnosis struct {
	Upstream string    `json:"upstream"`
	Dialect  string    `json:"dialect"`
	BaseURL  string    `json:"base_url"`
	APIURL   string    `json:"api_url,omitempty"`
	Good     bool      `json:"good"`
	Findings []finding `json:"findings"`
}

// doctor looks at one upstream.
type doctor struct {
	*outside
	u        *named
	client   *http.Client
	findings []finding
}

func (d *doctor) say(check string, s state, do, format string, args ...any) {
	d.findings = append(d.findings, finding{check, s, postern.Shorten(fmt.Sprintf(format, args...), 400), do})
}

func (d *doctor) fail(check string, err error) {
	e := postern.AsError(err)
	text := strings.TrimPrefix(publicCause(&postern.Error{Code: e.Code, Msg: e.Msg, Err: e.Err}), fmt.Sprintf("upstream %q: ", d.u.name))
	d.say(check, wrong, orDefault(e.Hint, "look at the settings of the upstream"), "%s", text)
}

func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	o, err := a.openOutside(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.close() }()
	i := slices.IndexFunc(o.all, func(u named) bool { return u.name == c.Upstream })
	if i < 0 {
		return o.unknown(c.Upstream)
	}
	d := &doctor{outside: o, u: &o.all[i], client: httpClient()}
	d.examine(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	good := !slices.ContainsFunc(d.findings, func(f finding) bool { return f.State == wrong || f.State == refused })
	if c.JSON {
		err = a.printJSON(diagnosis{d.u.name, d.u.Dialect, shownAddress(d.u.BaseURL), shownAddress(d.u.APIURL), good, d.findings})
	} else {
		err = d.show()
	}
	if err == nil && !good {
		return errShown
	}
	return err
}

// show prints the findings, and under them what to do about those that need it.
func (d *doctor) show() error {
	var rows [][]string
	for _, f := range d.findings {
		rows = append(rows, []string{f.Check, string(f.State), f.Detail})
	}
	if err := d.table("CHECK|STATE|DETAIL", rows); err != nil {
		return err
	}
	first := true
	for _, f := range d.findings {
		if f.Do == "" {
			continue
		}
		if first {
			fmt.Fprintln(d.stdout, "\nWhat to do:")
			first = false
		}
		fmt.Fprintf(d.stdout, "  %s: %s\n", f.Check, printable(f.Do))
	}
	return nil
}

// examine goes from the settings to the API, and no further than it can get.
func (d *doctor) examine(ctx context.Context) {
	problems := d.u.complete()
	for _, p := range problems {
		d.say("settings", wrong, "mend it where the upstream is described: "+strings.Join(d.u.from, ", "), "%s", p)
	}
	if len(problems) > 0 {
		return
	}
	d.say("settings", works, "", "dialect %s, from %s; %s", d.u.Dialect, strings.Join(d.u.from, ", "), orDefault(d.u.secretsFrom(), "no secret"))
	for _, w := range d.warnings() {
		d.say("settings", wrong, "chmod 600 it", "%s", w)
	}
	if !d.reach(ctx) {
		return
	}
	tok, look, err := d.fresh(ctx, d.u)
	d.clock(look)
	if err != nil {
		d.fail("token", err)
		return
	}
	d.token(tok)
	d.scopes(tok)
	d.describe(ctx, tok)
	d.probes(ctx, tok)
	d.ends()
}

// warnings are those that a command tells, and files with secrets that others can read.
func (d *doctor) warnings() []string {
	var all []string
	for _, w := range d.u.warnings(d.cfg.file) {
		before, _, _ := strings.Cut(w, ";")
		all = append(all, before)
	}
	for _, s := range secretSettings {
		if path := *s.file(&d.u.upstreamConfig); path != "" {
			if w := readableByOthers(path); w != "" {
				all = append(all, w)
			}
		}
	}
	return all
}

func (d *doctor) token(tok postern.Token) {
	life := "it does not say for how long"
	if tok.ExpiresIn > 0 {
		life = "it lives for " + tok.ExpiresIn.String()
	}
	d.say("token", works, "", "%s gave one; %s", hostOf(d.u.BaseURL), life)
	if tok.ExpiresIn > 0 && tok.ExpiresIn < time.Minute {
		d.say("token", told, "", "it is short: a new one is asked for every %s or so", (tok.ExpiresIn / 2).Round(time.Second))
	}
}

// scopes holds what was granted against what was asked for.
func (d *doctor) scopes(tok postern.Token) {
	asked, _ := postern.ParseScopes(d.u.Scope)
	if len(tok.Scope) == 0 {
		d.say("scopes", told, "", "the server does not say what it granted")
		return
	}
	if missing := without(asked, tok.Scope); len(missing) > 0 {
		d.say("scopes", refused, "grant the client "+missing.String()+" over there, or take it out of "+d.u.where("scope"),
			"granted %s; not granted %s", tok.Scope, missing)
		return
	}
	d.say("scopes", works, "", "granted %s", tok.Scope)
}

func without(all, some postern.Scopes) (rest postern.Scopes) {
	for _, s := range all {
		if !some.Has(s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// ends tells what stops working, and when.
func (d *doctor) ends() {
	for _, e := range d.u.facts().Ends {
		day := func(t time.Time) string { return t.Format(time.DateOnly) }
		until := day(e.On)
		if !e.New.IsZero() && e.New != e.On {
			until = day(e.New) + " for new credentials and on " + day(e.On) + " for those that were there before"
		}
		verb := yesNo(d.now().Before(e.On), "stop working on ", "were to stop working on ")
		if e.Unused {
			d.say("deprecated", told, "", "%s %s%s; Postern does not use them: %s", e.What, verb, until, e.Do)
			continue
		}
		d.say("deprecated", ends, e.Do, "%s %s%s", e.What, verb, until)
	}
}

// describe asks whose token it is, where the dialect can say: the harmless read of an
// upstream that acts for a person.
func (d *doctor) describe(ctx context.Context, tok postern.Token) {
	dia, _ := dialect.Named(d.u.Dialect)
	who, ok := dia.(dialect.Describer)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	u, err := dialect.Describe(ctx, d.client, who, d.u.BaseURL, tok.Value)
	if err != nil {
		d.say("whose token", refused, "the person may have been switched off, or the base URL is another server's", "%s", postern.Public(err))
		return
	}
	d.say("whose token", works, "", "a person of site %d with the role %s", u.SiteID, orDefault(u.Role, "unknown"))
}
