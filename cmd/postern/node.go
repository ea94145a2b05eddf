package main

import (
	"context"

	"postern.dev/postern/admin"
)

type nodeCmd struct {
	List nodeListCmd `cmd:"" help:"List the processes that serve now."`
}

type nodeListCmd struct{ asJSON }

func (nodeListCmd) Help() string {
	return "Those that were seen within two minutes. What an operator should look at is told beside it: versions that differ, an algorithm " +
		"without a key. Only who manages the whole installation is shown any.\n\nExample:\n  postern node list"
}

// Run prints the nodes.
func (c *nodeListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.office(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	health, err := o.Health(ctx)
	if err != nil {
		return err
	}
	for _, w := range health.Warnings {
		a.note("warning: %s", printable(w))
	}
	if c.JSON {
		return a.printJSON(admin.HealthOf(health).Nodes)
	}
	var rows [][]string
	for _, n := range health.Nodes {
		rows = append(rows, []string{n.Name, n.URL, n.Version, stamp(n.StartedAt), stamp(n.SeenAt)})
	}
	return a.table("NODE|ADDRESS|VERSION|STARTED|SEEN", rows)
}
