package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type auditCmd struct {
	List   auditListCmd   `cmd:"" help:"List what happened, newest first."`
	Verify auditVerifyCmd `cmd:"" help:"Prove that nothing was changed, removed or put in."`
}

type auditListCmd struct {
	Tenant string `default:"-" help:"The tenant; '-' for what belongs to none, such as keys and unknown clients." placeholder:"T"`
	Client string `help:"Only of this client." placeholder:"ID"`
	Action string `help:"Only this action, such as token.refused." placeholder:"A"`
	Since  string `help:"Not before: a time (RFC 3339) or how long ago (24h)." placeholder:"WHEN"`
	Until  string `help:"Before: a time or how long ago." placeholder:"WHEN"`
	Before int64  `help:"Only numbers below this one, to go on where a list ended." placeholder:"SEQ"`
	Limit  int    `default:"50" help:"At most this many, 1 to 1000." placeholder:"N"`
	asJSON
}

func (auditListCmd) Help() string {
	return "Example:\n  postern audit list --tenant demo --action token.refused --since 24h"
}

func (c *auditListCmd) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return errMisused{postern.Errorf(postern.Invalid, "--limit is 1 to 1000")}
	}
	f := postern.EventFilter{Tenant: c.Tenant, Action: c.Action, ClientID: c.Client, Before: c.Before, Limit: c.Limit}
	var err error
	if f.Since, err = when(c.Since, a.now()); err == nil {
		f.Until, err = when(c.Until, a.now())
	}
	if err != nil {
		return errMisused{err}
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	events, err := o.events(ctx, f)
	if err != nil {
		return noTenant(err)
	}
	return a.showEvents(events, c.JSON)
}

// events reads as many records as f wants: a search of a long trail gives them in parts.
func (o *clerk) events(ctx context.Context, f postern.EventFilter) ([]postern.Event, error) {
	var all []postern.Event
	for want := f.Limit; ; {
		page, err := o.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Events...)
		if page.Next == 0 || len(all) >= want {
			return all, nil
		}
		f.Before, f.Limit = page.Next, want-len(all)
	}
}

func (a *app) showEvents(events []postern.Event, json bool) error {
	views, rows := []admin.Event{}, [][]string{}
	for _, e := range events {
		views = append(views, admin.EventOf(e))
		// Who did it, which for a command is not the client it was done to.
		who, what := strings.TrimPrefix(e.Actor, "client:"), e.Cause
		if who == "" {
			who = e.ClientID
		}
		switch {
		case e.Action == postern.ActToolRefused: // of which tool, and why
			what = e.Detail + ": " + orDefault(e.Cause, string(e.Code))
		case what == "":
			what = e.Detail
		}
		if e.Object != "" && e.Object != who {
			what = strings.TrimSuffix(e.Object+": "+what, ": ")
		}
		if what == "" {
			what = e.Scope
		}
		rows = append(rows, []string{strconv.FormatInt(e.Seq, 10), stamp(e.At), e.Action, who, e.Dialect, e.Source, what})
	}
	if json {
		return a.printJSON(views)
	}
	return a.table("SEQ|AT|ACTION|WHO|DIALECT|FROM|WHAT", rows)
}

// when reads a time or how long ago it was; "" is no time.
func when(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	ago, err := parseDuration(s)
	if err != nil {
		return time.Time{}, postern.Errorf(postern.Invalid, "%q is neither a time such as 2026-11-22T08:00:00Z nor a duration such as 24h", postern.Shorten(s, 40))
	}
	return now.Add(-ago), nil
}

type auditVerifyCmd struct {
	Tenant string `help:"Only this tenant's chain; every chain if not given." placeholder:"T"`
	asJSON
}

func (auditVerifyCmd) Help() string {
	return "Prints the head of each chain: keep it elsewhere, and a later run proves that the past is still the same.\n\nExample:\n  postern audit verify --tenant demo"
}

func (c *auditVerifyCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	chains := []string{c.Tenant}
	if c.Tenant == "" {
		if chains, err = o.Chains(ctx); err != nil {
			return err
		}
	}
	views, rows, bad := []admin.Chain{}, [][]string{}, 0
	for _, tenant := range chains {
		r, err := o.verifyChain(ctx, tenant)
		if err != nil {
			return err
		}
		v := admin.ChainOf(r)
		views = append(views, v)
		result := "good"
		if !v.Good {
			bad++
			result = fmt.Sprintf("BAD at %d: %s", v.BadSeq, v.Problem)
		}
		rows = append(rows, []string{v.Tenant, strconv.FormatInt(v.Count, 10), v.Head, result})
	}
	if c.JSON {
		err = a.printJSON(views)
	} else {
		err = a.table("TENANT|RECORDS|HEAD|RESULT", rows)
	}
	if err == nil && bad > 0 {
		err = postern.Errorf(postern.Conflict, "%d of %d chains are broken", bad, len(chains)).
			WithHint("compare with a backup from before the first bad record")
	}
	return err
}

// verifyChain shows on a terminal how far it is.
func (o *clerk) verifyChain(ctx context.Context, tenant string) (postern.Chain, error) {
	r, err := o.VerifyChain(ctx, tenant, func(done int64) {
		if o.terminal {
			fmt.Fprintf(o.stderr, "\r%s: %d records verified", tenant, done)
		}
	})
	if o.terminal {
		fmt.Fprint(o.stderr, "\r\033[K")
	}
	return r, err
}
