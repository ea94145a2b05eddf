package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/admin"
)

type usageCmd struct {
	Tenant string `help:"Only of this tenant; '-' for what belongs to none, such as unknown clients. All together if not given." placeholder:"T"`
	Client string `help:"Only of this client." placeholder:"ID"`
	Since  string `default:"7d" help:"From when on: a time (RFC 3339) or how long ago." placeholder:"WHEN"`
	By     string `default:"day" enum:"day,hour" help:"How the time is cut: day or hour, of UTC. Those of one client are by the day." placeholder:"STEP"`
	asJSON
}

func (usageCmd) Help() string {
	return "A running server counts what is in the audit trail, some seconds later. Of clients there are the busiest, those that were refused " +
		"most, and those that send credentials in a query string.\n\nExamples:\n  postern usage --tenant demo\n  postern usage --since 24h --by hour"
}

// countedLate is how old counts may be before that is said.
const countedLate = time.Minute

// Run prints how tokens were given and refused.
func (c *usageCmd) Run(ctx context.Context, a *app) error {
	since, err := when(c.Since, a.now())
	if err != nil {
		return errMisused{err}
	}
	q := postern.UsageQuery{Tenant: c.Tenant, ClientID: c.Client, Since: since, Step: 24 * time.Hour}
	if c.By == "hour" {
		q.Step = time.Hour
	}
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if c.Tenant != "" && c.Tenant != postern.SystemTenant {
		if _, err := o.tenant(ctx, c.Tenant); err != nil {
			return err
		}
	}
	u, err := o.Usage(ctx, q)
	if err != nil {
		return noClient(err)
	}
	if c.JSON {
		return a.printJSON(admin.UsageOf(u))
	}
	return a.showUsage(u)
}

func (a *app) showUsage(u postern.Usage) error {
	var steps, clients [][]string
	for _, s := range u.Steps {
		steps = append(steps, []string{stamp(s.At), s.Dialect, figure(s.Issued), figure(s.Refused)})
	}
	for _, c := range u.Clients {
		clients = append(clients, []string{c.ClientID, figure(c.Issued), figure(c.Refused), figure(c.Query), stamp(c.Last)})
	}
	if err := a.table("FROM|DIALECT|ISSUED|REFUSED", steps); err != nil {
		return err
	}
	if len(clients) > 0 {
		fmt.Fprintln(a.stdout)
		if err := a.table("CLIENT|ISSUED|REFUSED|IN A QUERY|LAST", clients); err != nil {
			return err
		}
	}
	if a.now().Sub(u.Through) > countedLate {
		a.note("This is counted until %s: a server that runs counts on.", stamp(u.Through))
	}
	return nil
}

func figure(n int64) string { return strconv.FormatInt(n, 10) }
