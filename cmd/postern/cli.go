package main

import "github.com/alecthomas/kong"

// cli is every command, written out. Flags that stand here go with all of them.
type cli struct {
	Config string `help:"Configuration file; postern.yaml in the working directory if there is one." placeholder:"FILE"`
	Data   string `help:"Data directory (default postern-data)." placeholder:"DIR"`
	DB     string `name:"db" help:"Database: sqlite:PATH or postgres://… (default sqlite:DIR/postern.db)." placeholder:"URL"`
	Server string `help:"Manage the server at this address, through its operator API, instead of a database here." placeholder:"URL"`

	Serve    serveCmd    `cmd:"" help:"Issue tokens: run the server."`
	Tenant   tenantCmd   `cmd:"" help:"Tenants: whose data it is."`
	Client   clientCmd   `cmd:"" help:"Clients: machines with API credentials."`
	User     userCmd     `cmd:"" help:"Users: people with a password."`
	Resource resourceCmd `cmd:"" help:"Resources: APIs that a token may be made out to."`
	HR       hrCmd       `cmd:"" name:"hr" help:"The data of the HR API: in, out and anew."`
	Sandbox  sandboxCmd  `cmd:"" help:"How a tenant's HR API behaves, and what goes wrong on purpose."`
	Key      keyCmd      `cmd:"" help:"Keys: what signs tokens."`
	Operator operatorCmd `cmd:"" help:"Operators: people who run this, in a browser."`
	Node     nodeCmd     `cmd:"" help:"Nodes: the processes that serve."`
	Usage    usageCmd    `cmd:"" help:"How many tokens were given and refused, and to whom."`
	Audit    auditCmd    `cmd:"" help:"The audit trail: what happened."`
	Upstream upstreamCmd `cmd:"" help:"Upstreams: the token services that we ask."`
	Doctor   doctorCmd   `cmd:"" help:"What an upstream's credential can do, what it lacks, what is wrong and how to mend it."`
	Proxy    proxyCmd    `cmd:"" help:"Pass calls on to an upstream's API, with its token."`
	Call     callCmd     `cmd:"" help:"Ask one tool of the connector: who is out, whose profile."`
	MCP      mcpCmd      `cmd:"" name:"mcp" help:"Offer the tools to an AI agent, over stdio."`
	Token    tokenCmd    `cmd:"" help:"Tokens: get one, look into one, end one."`
	Conf     configCmd   `cmd:"" name:"config" help:"The configuration and where it comes from."`
	Version  versionCmd  `cmd:"" help:"What this is."`
	Complete completeCmd `cmd:"" name:"completion" help:"A completion script for your shell."`
	Words    wordsCmd    `cmd:"" name:"complete-words" hidden:""`
}

// asJSON goes with every command that prints data.
type asJSON struct {
	JSON bool `help:"Print JSON, for programs."`
}

// app is what a command is run with.
type app struct {
	*env
	cli   *cli
	model *kong.Application
}
