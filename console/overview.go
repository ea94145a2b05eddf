package console

import (
	"slices"
	"strconv"
	"time"

	"postern.dev/postern"
)

// OverviewPage is what is going on, at a glance.
type OverviewPage struct {
	Tenant   string // "" is all of them
	Days     int
	Ranges   []int // days that can be chosen
	Chart    Chart
	Clients  []ClientBar
	Through  time.Time // until when it was counted
	Expiring []postern.ExpiringSecret
	Old      []ClientBar // clients that send credentials in the query; Issued has how often
	Unusual  []ClientBar // clients that are refused a lot
	Keys     []KeyRow    // those that sign; nil when they are not the operator's to see
	Nodes    []postern.Node
	Database string
	Version  string
	Warnings []string
}

// KeyRow is the key that signs with an algorithm, and what follows it.
type KeyRow struct {
	Alg   postern.Alg
	ID    string
	Since time.Time
	Next  time.Time // when a successor begins; zero when only somebody makes one
	Made  bool      // the successor is there already
}

func (OverviewPage) page() head {
	return head{Sheet: "overview", Title: "Overview", Section: inOverview, Chooses: true, All: true}
}

func overviewPages() []page {
	return []page{{pattern: "GET /console/{$}", do: (*call).overviewPage}}
}

func (c *call) overviewPage() error {
	days, err := strconv.Atoi(c.query("days"))
	p := OverviewPage{Tenant: c.tenant, Ranges: []int{1, 7, 30, 90}, Days: 7}
	if err == nil && slices.Contains(p.Ranges, days) {
		p.Days = days
	}
	if err := c.anyTenant(); err != nil {
		return err
	}
	when := lately(c.now(), p.Days)
	usage, err := c.office.Usage(c.ctx, postern.UsageQuery{Tenant: c.tenant, Since: when.Since, Step: when.Step})
	if err != nil {
		return err
	}
	names, err := c.namesOf(usage.Clients)
	if err != nil {
		return err
	}
	p.Chart, p.Through = draw("Tokens given and refused", usage, when, c.Dialects), usage.Through
	p.Clients = clientBars(usage.Clients[:min(len(usage.Clients), busyClients)], names)
	for _, u := range usage.Clients {
		bar := ClientBar{ID: u.ClientID, Name: names[u.ClientID], Issued: u.Query, Last: u.Last}
		if u.Query > 0 {
			p.Old = append(p.Old, bar)
		}
		if unusual(u) {
			bar.Issued, bar.Refused = u.Issued, u.Refused
			p.Unusual = append(p.Unusual, bar)
		}
	}
	health, err := c.office.Health(c.ctx)
	if err != nil {
		return err
	}
	p.Nodes, p.Database, p.Version, p.Warnings = health.Nodes, health.Database, health.Version, health.Warnings
	for _, e := range health.Expiring {
		if c.tenant == "" || e.Tenant == c.tenant {
			p.Expiring = append(p.Expiring, e)
		}
	}
	if p.Keys, err = c.signing(); err != nil {
		return err
	}
	return c.show(p)
}

// busyClients is how many clients are shown as the busiest; the others are there because
// something about them is odd.
const busyClients = 20

// unusual says whether a client was refused so often that somebody should look: at
// least ten times, and more than once in five.
func unusual(u postern.ClientUsage) bool { return u.Refused >= 10 && u.Refused*4 > u.Issued }

// anyTenant lets a page be about all tenants.
func (c *call) anyTenant() error {
	if c.operator.Tenant != "" {
		return nil
	}
	all, err := c.office.Tenants(c.ctx, postern.Paging{Limit: maxChoice})
	c.tenants = all.Items
	return err
}

// namesOf gives the names of clients by their id; those that are gone have none.
func (c *call) namesOf(list []postern.ClientUsage) (map[string]string, error) {
	names := map[string]string{}
	for _, u := range list {
		client, err := c.office.Client(c.ctx, u.ClientID)
		switch {
		case err == nil:
			names[u.ClientID] = client.Name
		case postern.CodeOf(err) != postern.NotFound:
			return nil, err
		}
	}
	return names, nil
}

// signing lists the keys that sign and when they are followed, for those who may know.
func (c *call) signing() (out []KeyRow, err error) {
	if !c.may().Everybody {
		return nil, nil
	}
	keys, err := c.office.Keys(c.ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.State != postern.KeyActive {
			continue
		}
		row := KeyRow{Alg: k.Alg, ID: k.ID, Since: k.SignFrom}
		for _, n := range keys {
			if n.Alg == k.Alg && n.State == postern.KeyNext {
				row.Next, row.Made = n.SignFrom, true
			}
		}
		if !row.Made && c.RotateEvery > 0 {
			row.Next = k.SignFrom.Add(c.RotateEvery)
		}
		out = append(out, row)
	}
	return out, nil
}
