package main

import (
	"context"
	"log/slog"
)

type mcpCmd struct {
	Upstream     string   `arg:"" optional:"" help:"Whose people: an upstream by its name, if there are several."`
	ReadOnly     bool     `name:"read-only" help:"Hide the tool that books an absence."`
	Experimental []string `help:"Enable what is experimental: tools." placeholder:"NAME"`
	LogFormat    string   `name:"log-format" help:"text or json." placeholder:"F"`
	LogLevel     string   `name:"log-level" help:"debug, info, warn or error." placeholder:"L"`
}

func (mcpCmd) Help() string {
	return "For a client of the Model Context Protocol, which starts it and speaks to it over stdin and stdout; what it has to say to people goes to stderr.\n\n" +
		"Examples:\n  postern mcp --experimental tools\n  postern mcp personio --read-only"
}

// Run serves until stdin ends or a signal asks it to stop.
func (c *mcpCmd) Run(ctx context.Context, a *app) error {
	b, err := a.openTools(ctx, toolsWanted{upstream: c.Upstream, enabled: c.Experimental, writes: !c.ReadOnly, logged: true,
		logFormat: c.LogFormat, logLevel: c.LogLevel})
	if err != nil {
		return err
	}
	defer b.close()
	b.log.LogAttrs(ctx, slog.LevelInfo, "serving tools over stdio", slog.String("upstream", b.u.name), slog.Bool("read_only", c.ReadOnly),
		slog.String("version", version))
	return b.tools.ServeStdio(ctx, b.who, version, a.stdin, a.stdout)
}
