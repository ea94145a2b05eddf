package main

import (
	"postern.dev/postern"
)

// row is one line of the table: a population, what part of it asks, for what, and
// which work the floor does beside it.
type row struct {
	name     string
	people   population
	postgres bool
	// working is how many clients ask, drawn evenly from all; 0 means 1 000 or all.
	working int
	// empty rows get a directory and no database.
	empty bool
	// fresh rows let a client ask once only.
	fresh bool
	ask   ask
	// verify makes the floor verify a signature instead of making one; password makes
	// it hash one with the parameters that Postern has.
	verify, password bool
	conns            int // 0 means the flag's
	// group says which rows take turns: they run at the same time of the day, so to
	// speak, and can be compared with each other.
	group int
}

// groups is the number of groups, measured one after the other. Rows with a million
// clients that need the same file are in different ones.
const groups = 4

const million = 1_000_000

// The rows that required.go asks for, and the one that is no row of the table.
const (
	rowMain      = "oauth2 ES256"
	rowMillion   = "oauth2 ES256, 1 000 000 clients"
	rowColdStart = "cold start"
)

var allRows = []row{
	{name: rowMain, people: machines(1000, postern.ES256), ask: oauth2Ask, group: 0},
	{name: "oauth2 ES256, 1 client", people: machines(1, postern.ES256), ask: oauth2Ask, group: 0},
	{name: rowMillion, people: machines(million, postern.ES256), ask: oauth2Ask, group: 0},
	{name: "oauth2 ES256, PostgreSQL", people: machines(1000, postern.ES256), postgres: true, ask: oauth2Ask, group: 0},
	{name: "oauth2 ES256, 128 connections", people: machines(1000, postern.ES256), ask: oauth2Ask, conns: 128, group: 0},
	{name: "oauth2 ES256, 100 tenants", people: machines(1000, postern.ES256).over(100), ask: oauth2Ask, group: 0},

	{name: "oauth2 ES256, 100 000 of 1 000 000 ask", people: machines(million, postern.ES256), working: 100_000,
		ask: oauth2Ask, group: 1},
	{name: "oauth2 RS256", people: machines(1000, postern.RS256), ask: oauth2Ask, group: 1},
	{name: "oauth2 EdDSA", people: machines(1000, postern.EdDSA), ask: oauth2Ask, group: 1},
	{name: "oauth2 introspection, ES256", people: machines(1000, postern.ES256), ask: introspectAsk, verify: true, group: 1},

	{name: "personify, RS256", people: machines(1000, ""), ask: personifyAsk, group: 2},
	{name: "personio-v1, HS256, answered again", people: machines(1000, ""), ask: personioV1Ask, group: 2},
	{name: "personio-v2, ES256, answered again", people: machines(1000, ""), ask: personioV2Ask, group: 2},
	{name: "personify, RS256, PostgreSQL", people: machines(1000, ""), postgres: true, ask: personifyAsk, group: 2},
	{name: "personio-v1, PostgreSQL, answered again", people: machines(1000, ""), postgres: true, ask: personioV1Ask, group: 2},

	{name: "personio-v1, HS256, first of its client", people: machines(million, postern.ES256), working: million, fresh: true,
		ask: personioV1Ask, group: 3},
	{name: "comm100, RS256 and argon2id", people: agents(), ask: comm100Ask, password: true, conns: 2, group: 3},
}

// asks gives how many clients of the row ask.
func (r row) asks() int {
	if r.working != 0 {
		return r.working
	}
	return min(r.people.size, 1000)
}

// ask is a kind of request.
type ask struct {
	path  string
	basic bool // client_secret_basic; otherwise the body has the credential
	body  func(b []byte, who *credential) []byte
	// before is what stands in an answer before what was asked for.
	before string
}

var (
	oauth2Ask = ask{"/oauth2/token", true, func(b []byte, _ *credential) []byte {
		return append(b, "grant_type=client_credentials&scope=personio%3Apersons%3Aread"...)
	}, `"access_token":"`}

	personifyAsk = ask{"/connect/token", false, func(b []byte, who *credential) []byte {
		return append(who.form(b), "&grant_type=client_credentials&scope=idp_api"...)
	}, `"access_token":"`}

	personioV1Ask = ask{"/v1/auth", false, func(b []byte, who *credential) []byte { return who.form(b) }, `"token":"`}

	personioV2Ask = ask{"/v2/auth/token", false, func(b []byte, who *credential) []byte {
		return append(who.form(append(b, "grant_type=client_credentials&"...)), "&scope=personio%3Apersons%3Aread"...)
	}, `"access_token":"`}

	comm100Ask = ask{"/oauth/token?partnerId=10000", false, func(b []byte, who *credential) []byte {
		b = append(append(b, "client_id="...), who.id...)
		return append(b, "&grant_type=password&email="+agentEmail+"&password="+agentPassword...)
	}, `"access_token":"`}

	introspectAsk = ask{"/oauth2/introspect", true, func(b []byte, who *credential) []byte {
		return append(append(b, "token="...), who.token...)
	}, `"active":true`}
)
