package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/admin"
	"postern.dev/postern/hr"
	"postern.dev/postern/internal/near"
)

type sandboxCmd struct {
	Show  sandboxShowCmd  `cmd:"" help:"Show every switch, the faults and whether calls are logged."`
	Set   sandboxSetCmd   `cmd:"" help:"Set switches."`
	Fault sandboxFaultCmd `cmd:"" help:"Let calls go wrong."`
	Log   sandboxLogCmd   `cmd:"" help:"Show the last calls."`
}

func (a *app) showSandbox(s postern.Sandbox, json bool) error {
	v := admin.SandboxOf(s, sandboxSwitches())
	if json {
		return a.printJSON(v)
	}
	var rows [][]string
	for _, w := range v.Switches {
		mark := yesNo(w.Default, "", "set")
		rows = append(rows, []string{w.Name, w.Value, mark, strings.Join(w.Values, ", "), w.Help})
	}
	rows = append(rows, []string{logSwitch, yesNo(v.Log, "on", "off"), yesNo(v.Log, "set", ""), "off, on", "the last calls are kept, for `postern sandbox log`"})
	if err := a.table("SWITCH|VALUE||VALUES|WHAT IT IS", rows); err != nil {
		return err
	}
	if len(v.Faults) == 0 {
		return nil
	}
	fmt.Fprintln(a.stdout)
	rows = nil
	for _, f := range v.Faults {
		rows = append(rows, []string{f.Kind, orDefault(f.Path, "every path"), strconv.FormatFloat(f.Rate, 'f', -1, 64), f.Delay})
	}
	return a.table("FAULT|PATH|RATE|DELAY", rows)
}

type sandboxShowCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (sandboxShowCmd) Help() string { return "Example:\n  postern sandbox show --tenant demo" }

func (c *sandboxShowCmd) Run(ctx context.Context, a *app) error {
	return a.changeSandbox(ctx, c.Tenant, c.JSON, nil)
}

// sandboxSwitches lists the switches there are.
func sandboxSwitches() (all []admin.Switch) {
	for _, w := range hr.Switches {
		all = append(all, admin.Switch{Name: w.Name, Values: w.Values, Help: w.Help})
	}
	return all
}

// changeSandbox shows a sandbox, after changing it where there is something to change.
func (a *app) changeSandbox(ctx context.Context, tenant string, json bool, change func(*postern.Sandbox) error) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	s, err := o.Sandbox(ctx, tenant)
	if err != nil {
		return noTenant(err)
	}
	s.Tenant = tenant
	if change != nil {
		if err := change(&s); err != nil {
			return err
		}
		if err := o.SetSandbox(ctx, s); err != nil {
			return err
		}
	}
	return a.showSandbox(s, json)
}

// logSwitch is what `set` calls the request log.
const logSwitch = "log"

type sandboxSetCmd struct {
	Switches []string `arg:"" help:"NAME=VALUE of switches that 'sandbox show' lists, or log=on."`
	Tenant   string   `required:"" help:"The tenant." placeholder:"T"`
	asJSON
}

func (sandboxSetCmd) Help() string {
	return "A running server sees it within a second.\n\nExample:\n  postern sandbox set missing-right=live log=on --tenant demo"
}

func (c *sandboxSetCmd) Run(ctx context.Context, a *app) error {
	return a.changeSandbox(ctx, c.Tenant, c.JSON, func(s *postern.Sandbox) error {
		for _, pair := range c.Switches {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return errMisused{postern.Errorf(postern.Invalid, "%q is not NAME=VALUE", postern.Shorten(pair, 60)).
					WithHint("such as log=on; `postern sandbox show` lists the switches")}
			}
			if err := setSwitch(s, name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

func setSwitch(s *postern.Sandbox, name, value string) error {
	names := []string{logSwitch}
	for _, w := range hr.Switches {
		names = append(names, w.Name)
	}
	if name == logSwitch {
		if err := oneOfWords("log cannot be", value, []string{"on", "off"}); err != nil {
			return err
		}
		s.Log = value == "on"
		return nil
	}
	i := slices.IndexFunc(hr.Switches, func(w hr.Switch) bool { return w.Name == name })
	if i < 0 {
		return oneOfWords("there is no switch", name, names)
	}
	w := hr.Switches[i]
	if err := oneOfWords("the switch "+name+" cannot be", value, w.Values); err != nil {
		return err
	}
	s.Switches = maps.Clone(s.Switches)
	if s.Switches == nil {
		s.Switches = map[string]string{}
	}
	s.Switches[name] = value
	if value == w.Values[0] { // as by default
		delete(s.Switches, name)
	}
	return nil
}

// oneOfWords fails, in words that begin with what, for a word that is not in a list, and
// names the nearest.
func oneOfWords(what, word string, words []string) error {
	if slices.Contains(words, word) {
		return nil
	}
	e := postern.Errorf(postern.Invalid, "%s %q", what, postern.Shorten(word, 40))
	if meant := near.Of(word, words); meant != "" {
		return e.WithHint("did you mean %s?", meant)
	}
	return e.WithHint("it is one of %s", strings.Join(words, ", "))
}

type sandboxFaultCmd struct {
	Add   faultAddCmd   `cmd:"" help:"Let some calls go wrong from now on."`
	Clear faultClearCmd `cmd:"" help:"Let nothing go wrong any more."`
}

type faultAddCmd struct {
	Tenant string  `required:"" help:"The tenant." placeholder:"T"`
	Kind   string  `required:"" help:"What goes wrong: an answer of that status (429, 500, 502, 503), a slow one, an expired token, or a next link that goes round in a loop, is relative or leads to a foreign host." placeholder:"K"`
	Path   string  `help:"Only calls whose path begins so, such as /v2/persons; every call if not given." placeholder:"P"`
	Rate   float64 `default:"1" help:"Which part of the calls, above 0 to 1." placeholder:"R"`
	Delay  string  `help:"How late a slow answer is, up to 20s; 2s if not given." placeholder:"D"`
	asJSON
}

func (faultAddCmd) Help() string {
	return "A running server sees it within a second.\n\n" +
		"Examples:\n  postern sandbox fault add --tenant demo --kind 429 --path /v2/persons --rate 0.2\n  postern sandbox fault add --tenant demo --kind slow --delay 5s"
}

func (c *faultAddCmd) Run(ctx context.Context, a *app) error {
	if err := oneOfWords("there is no fault", c.Kind, hr.FaultKinds); err != nil {
		return err
	}
	f := postern.Fault{Path: c.Path, Kind: c.Kind, Rate: c.Rate}
	if c.Delay != "" {
		var err error
		if f.Delay, err = parseDuration(c.Delay); err != nil {
			return errMisused{postern.Errorf(postern.Invalid, "--delay: %q is not a duration such as 2s", postern.Shorten(c.Delay, 20))}
		}
		if c.Kind != "slow" {
			return errMisused{postern.Errorf(postern.Invalid, "--delay goes with --kind slow")}
		}
	}
	return a.changeSandbox(ctx, c.Tenant, c.JSON, func(s *postern.Sandbox) error {
		s.Faults = append(s.Faults, f)
		return nil
	})
}

type faultClearCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	Path   string `help:"Only the faults of this path." placeholder:"P"`
	asJSON
}

func (faultClearCmd) Help() string { return "Example:\n  postern sandbox fault clear --tenant demo" }

func (c *faultClearCmd) Run(ctx context.Context, a *app) error {
	return a.changeSandbox(ctx, c.Tenant, c.JSON, func(s *postern.Sandbox) error {
		before := len(s.Faults)
		s.Faults = slices.DeleteFunc(slices.Clone(s.Faults), func(f postern.Fault) bool { return c.Path == "" || f.Path == c.Path })
		if c.Path != "" && len(s.Faults) == before {
			return postern.Errorf(postern.NotFound, "there is no fault of the path %q", postern.Shorten(c.Path, 80)).
				WithHint("`postern sandbox show --tenant %s` lists them", c.Tenant)
		}
		return nil
	})
}

type sandboxLogCmd struct {
	Tenant string `required:"" help:"The tenant." placeholder:"T"`
	Client string `help:"Only of this client." placeholder:"ID"`
	Limit  int    `default:"50" help:"At most this many, 1 to 1000." placeholder:"N"`
	Before int64  `help:"Only numbers below this one, to go on where a list ended." placeholder:"SEQ"`
	asJSON
}

func (sandboxLogCmd) Help() string {
	return "Newest first. What could name a person is left out of the paths.\n\nExample:\n  postern sandbox log --tenant demo --limit 20"
}

func (c *sandboxLogCmd) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return errMisused{postern.Errorf(postern.Invalid, "--limit is 1 to 1000")}
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	all, err := o.Visits(ctx, postern.VisitQuery{Tenant: c.Tenant, ClientID: c.Client, Before: c.Before, Limit: c.Limit})
	if err != nil {
		return noTenant(err)
	}
	views, rows := []admin.Visit{}, [][]string{}
	for _, v := range all {
		views = append(views, admin.VisitOf(v))
		rows = append(rows, []string{strconv.FormatInt(v.Seq, 10), stamp(v.At), v.ClientID, v.Method, v.Path, strconv.FormatInt(v.Status, 10),
			v.Took.Round(10 * time.Microsecond).String(), v.Note})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	if err := a.table("SEQ|AT|CLIENT|METHOD|PATH|STATUS|TOOK|NOTE", rows); err != nil || len(rows) > 0 {
		return err
	}
	if s, err := o.Sandbox(ctx, c.Tenant); err == nil && !s.Log {
		a.note("calls are not logged: `postern sandbox set log=on --tenant %s`", c.Tenant)
	}
	return nil
}
