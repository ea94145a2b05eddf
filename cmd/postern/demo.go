package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/admin"
	"postern.dev/postern/hr"
	"postern.dev/postern/internal/holidays"
	"postern.dev/postern/issuer"
)

// The demo tenant.
const (
	demoTenant  = "demo"
	demoPartner = 10000
	demoEmail   = "agent@demo.test"
	demoSite    = 10115
)

// demoClient is a credential that --demo makes, under the names in demo.env.
type demoClient struct {
	prefix   string
	name     string
	dialects []string
	scopes   []string
	public   bool
}

var demoClients = []demoClient{
	{"PERSONIO", "demo: HR, everything", []string{"personio-v1", "personio-v2", "oauth2"}, hr.Scopes(), false},
	{"PERSONIO_READONLY", "demo: HR, persons only", []string{"personio-v1", "personio-v2", "oauth2"}, []string{"personio:persons:read"}, false},
	{"PERSONIFY", "demo: events", []string{"personify"}, append([]string{"idp_api"}, hr.Scopes()...), false},
	{"COMM100", "demo: agents", []string{"comm100"}, nil, true},
	{"OAUTH2", "demo: plain OAuth 2.0", []string{"oauth2"}, []string{"orders:read", "orders:write"}, false},
	{"POSTERN_ADMIN", "demo: operator API, everything", []string{"oauth2"}, []string{admin.ScopeAdmin}, false},
}

func (p *place) demoFile() string { return filepath.Join(p.cfg.Data, "demo.env") }

// demo makes the demo tenant once and writes demo.env. Credentials that the file
// holds and the database knows stay as they are; only addresses are written anew.
func (p *place) demo(ctx context.Context, url string) error {
	tenant, err := p.demoTenant(ctx)
	if err != nil {
		return err
	}
	vars, err := readEnv(p.demoFile())
	if err != nil {
		return err
	}
	page, err := p.db.Directory(demoTenant).Persons(ctx, postern.PersonQuery{Paging: postern.Paging{Limit: 1}})
	if err != nil {
		return err
	}
	first := len(page.Items) == 0
	for _, d := range demoClients {
		if err := p.demoClient(ctx, d, vars, first); err != nil {
			return err
		}
	}
	if err := p.demoUser(ctx, vars); err != nil {
		return err
	}
	if err := p.demoOperator(ctx, vars); err != nil {
		return err
	}
	if first {
		if err := p.demoFirst(ctx); err != nil {
			return err
		}
	}
	for _, name := range []string{"POSTERN_URL", "PERSONIO_BASE_URL", "PERSONIFY_BASE_URL", "COMM100_BASE_URL"} {
		vars[name] = url
	}
	vars["OAUTH2_TOKEN_URL"], vars["MCP_URL"] = url+"/oauth2/token", url+mcpPath
	vars["PERSONIFY_TENANT_ID"] = demoTenant
	vars["COMM100_PARTNER_ID"] = strconv.FormatInt(tenant.PartnerID, 10)
	return writeEnv(p.demoFile(), vars)
}

// demoTenant makes the tenant, or takes the one that is there; one that was made
// without a partner id is given ours, because a dialect needs it.
func (p *place) demoTenant(ctx context.Context) (postern.Tenant, error) {
	t, err := p.db.Tenant(ctx, demoTenant)
	switch {
	case postern.CodeOf(err) == postern.NotFound:
		t = postern.Tenant{ID: demoTenant, Name: "Demo company", PartnerID: demoPartner, Zone: demoZone, CreatedAt: p.now(), UpdatedAt: p.now()}
		err = p.db.CreateTenant(ctx, t, p.event(demoTenant, postern.ActTenantCreated, demoTenant, "--demo"))
	case err == nil && (t.PartnerID == 0 || t.Zone == ""):
		t, err = p.db.ChangeTenant(ctx, demoTenant, p.event(demoTenant, postern.ActTenantChanged, demoTenant, "--demo"),
			func(t *postern.Tenant) error {
				t.PartnerID, t.Zone = cmp.Or(t.PartnerID, demoPartner), cmp.Or(t.Zone, demoZone)
				return nil
			})
	}
	if postern.CodeOf(err) == postern.Conflict {
		err = postern.Errorf(postern.Conflict, "another tenant has the partner id %d, which --demo needs", demoPartner).
			WithHint("serve the demo from a --data of its own, or give that tenant another number: `postern tenant update`")
	}
	return t, err
}

// demoClient keeps the credential that vars holds if it works, or makes one. At the
// first start with a company a kept one gets the scopes that a new one has: it may be
// from before there was an HR API.
func (p *place) demoClient(ctx context.Context, d demoClient, vars map[string]string, first bool) error {
	if id := vars[d.prefix+"_CLIENT_ID"]; id != "" {
		c, err := p.db.Client(ctx, id)
		if err == nil && c.Tenant == demoTenant && (d.public || p.knows(c, vars[d.prefix+"_CLIENT_SECRET"])) {
			if !first || c.Scopes.Contains(postern.NewScopes(d.scopes...)) {
				return nil
			}
			return p.demoScopes(ctx, d, c)
		}
		if err != nil && postern.CodeOf(err) != postern.NotFound {
			return err
		}
	}
	c := postern.Client{ID: newClientID(), Subject: newSubject(), Tenant: demoTenant, Name: d.name, Public: d.public,
		Grants: []string{postern.GrantClientCredentials}, Scopes: postern.NewScopes(d.scopes...), Dialects: d.dialects,
		CreatedAt: p.now(), UpdatedAt: p.now()}
	if d.public {
		c.Grants = []string{postern.GrantPassword}
	} else {
		secret := postern.GenerateSecret()
		c.Secrets = []postern.StoredSecret{p.storedSecret(secret)}
		vars[d.prefix+"_CLIENT_SECRET"] = secret.Reveal()
	}
	vars[d.prefix+"_CLIENT_ID"] = c.ID
	ev := p.event(demoTenant, postern.ActClientCreated, c.ID, "--demo")
	ev.ClientID = c.ID
	return p.db.CreateClient(ctx, c, ev)
}

// demoScopes gives a client the scopes that a new one has.
func (p *place) demoScopes(ctx context.Context, d demoClient, c postern.Client) error {
	ev := p.event(demoTenant, postern.ActClientChanged, c.ID, "--demo")
	ev.ClientID = c.ID
	_, err := p.db.ChangeClient(ctx, demoTenant, c.ID, ev, func(c *postern.Client) error {
		c.Scopes = postern.NewScopes(append(slices.Clone(c.Scopes), d.scopes...)...)
		return nil
	})
	return err
}

// knows says whether secret is a live one of the client.
func (p *place) knows(c postern.Client, secret string) bool {
	hash := issuer.NewHasher(p.box).Hash(postern.NewSecret(secret))
	return slices.ContainsFunc(c.LiveSecrets(p.now()), func(s postern.StoredSecret) bool { return s.Hash == hash })
}

// demoUser keeps the agent whose password vars holds if it is right, or gives a new
// password.
func (p *place) demoUser(ctx context.Context, vars map[string]string) error {
	u, err := p.db.User(ctx, demoTenant, demoEmail)
	absent := postern.CodeOf(err) == postern.NotFound
	if err != nil && !absent {
		return err
	}
	if !absent && vars["COMM100_EMAIL"] == demoEmail {
		right, err := issuer.NewPasswords(p.box).Check(ctx, u.PasswordHash, postern.NewSecret(vars["COMM100_PASSWORD"]))
		if right || err != nil {
			return err
		}
	}
	password := generatePassword()
	fresh, err := p.newUser(ctx, demoTenant, demoEmail, password)
	if err != nil {
		return err
	}
	fresh.SiteID = demoSite
	vars["COMM100_EMAIL"], vars["COMM100_PASSWORD"] = demoEmail, password.Reveal()
	ev := p.event(demoTenant, postern.ActUserCreated, fresh.ID, demoEmail)
	ev.UserID = fresh.ID
	if absent {
		return p.db.CreateUser(ctx, fresh, ev)
	}
	ev.Action, ev.UserID, ev.Object = postern.ActUserPassword, u.ID, u.ID
	_, err = p.db.ChangeUser(ctx, demoTenant, u.ID, ev, func(u *postern.User) error {
		u.PasswordHash, u.Failures, u.LockedUntil = fresh.PasswordHash, 0, time.Time{}
		return nil
	})
	return err
}

// demoFirst makes the company and lets the tenant keep a request log.
func (p *place) demoFirst(ctx context.Context) error {
	if _, err := p.demoCompany(ctx); err != nil {
		return err
	}
	s, err := p.db.Sandbox(ctx, demoTenant)
	if err != nil || s.Log {
		return err
	}
	s.Tenant, s.Log = demoTenant, true
	return p.db.SetSandbox(ctx, s, p.event(demoTenant, postern.ActSandbox, demoTenant, "log=on"))
}

// demoCompany fills the demo tenant, which has nobody, and gives how many persons it
// has then.
func (p *place) demoCompany(ctx context.Context) (int, error) {
	book := holidays.New()
	c, err := newCompany(p.now(), func(calendar string, d postern.Date) bool { return book.Is(calendar, d.At(0).In(time.UTC)) })
	if err != nil {
		return 0, err
	}
	return len(c.staff), p.db.Directory(demoTenant).Load(ctx, c.rows())
}

// demoNames is the order of demo.env.
var demoNames = []string{
	"POSTERN_URL", "POSTERN_ADMIN_CLIENT_ID", "POSTERN_ADMIN_CLIENT_SECRET", "POSTERN_ADMIN_EMAIL", "POSTERN_ADMIN_PASSWORD",
	"PERSONIO_BASE_URL", "PERSONIO_CLIENT_ID", "PERSONIO_CLIENT_SECRET",
	"PERSONIO_READONLY_CLIENT_ID", "PERSONIO_READONLY_CLIENT_SECRET",
	"PERSONIFY_BASE_URL", "PERSONIFY_CLIENT_ID", "PERSONIFY_CLIENT_SECRET", "PERSONIFY_TENANT_ID",
	"COMM100_BASE_URL", "COMM100_PARTNER_ID", "COMM100_CLIENT_ID", "COMM100_EMAIL", "COMM100_PASSWORD",
	"OAUTH2_TOKEN_URL", "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET", "MCP_URL",
}

// readEnv reads NAME='value' lines; a file that is not there is empty.
func readEnv(path string) (map[string]string, error) {
	vars := map[string]string{}
	f, err := os.Open(path) //nolint:gosec // in our own data directory
	if errors.Is(err, fs.ErrNotExist) {
		return vars, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if ok && !strings.HasPrefix(name, "#") {
			vars[name] = strings.Trim(value, "'")
		}
	}
	return vars, lines.Err()
}

// writeEnv writes the file as a whole, so that a shell never sources half of it.
// No value holds a quote: they are addresses, ids and secrets of ours.
func writeEnv(path string, vars map[string]string) error {
	var b strings.Builder
	b.WriteString("# Credentials of the demo tenant. Source it: . " + path + "\n" +
		"# POSTERN_ADMIN_EMAIL and POSTERN_ADMIN_PASSWORD sign in at " + vars["POSTERN_URL"] + "/console/.\n")
	for _, name := range demoNames {
		fmt.Fprintf(&b, "%s='%s'\n", name, vars[name])
	}
	b.WriteString("export " + strings.Join(demoNames, " ") + "\n") // so that programs see them, not only the shell
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in our own data directory
	if err != nil {
		return err
	}
	_, err = f.WriteString(b.String())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// demoTour prints a command for each dialect that works when pasted into a shell, and
// where the console is, without what is secret.
func (p *place) demoTour(url string) {
	path, err := filepath.Abs(p.demoFile())
	if err != nil {
		path = p.demoFile()
	}
	source := ". '" + strings.ReplaceAll(path, "'", `'\''`) + "' && "
	fmt.Fprint(p.stdout, "\nPaste any of these into another shell:\n")
	for _, t := range demoCommands {
		fmt.Fprintf(p.stdout, "\n# %s\n%s%s\n", t.title, source, t.command)
	}
	if p.cfg.enabled(experimentTools, nil) {
		fmt.Fprintf(p.stdout, "\n# MCP: the tools for AI agents, and who is out this week\n%s%s\n", source, demoTools)
	} else {
		fmt.Fprint(p.stdout, "\n# MCP: the tools for AI agents are experimental; --experimental tools enables them\n")
	}
	fmt.Fprintf(p.stdout, "\nThe console is at %s/console/: sign in as %s; the password is POSTERN_ADMIN_PASSWORD in %s.\n", url, demoOperatorEmail, path)
	fmt.Fprint(p.stdout, "\nCtrl-C stops the server; everything it knows stays in "+p.cfg.Data+".\n")
}

var demoCommands = []struct{ title, command string }{
	{"Personio v1: JSON in, {success, data.token} out",
		`curl -sS "$PERSONIO_BASE_URL/v1/auth" -H 'Content-Type: application/json' -d "{\"client_id\":\"$PERSONIO_CLIENT_ID\",\"client_secret\":\"$PERSONIO_CLIENT_SECRET\"}"`},
	{"Personio v2: client credentials by form; ask twice, it is the same token",
		`curl -sS "$PERSONIO_BASE_URL/v2/auth/token" -d grant_type=client_credentials -d "client_id=$PERSONIO_CLIENT_ID" -d "client_secret=$PERSONIO_CLIENT_SECRET"`},
	{"Personify: scope idp_api",
		`curl -sS "$PERSONIFY_BASE_URL/connect/token" -d grant_type=client_credentials -d scope=idp_api -d "client_id=$PERSONIFY_CLIENT_ID" -d "client_secret=$PERSONIFY_CLIENT_SECRET"`},
	{"Comm100: a person's e-mail and password",
		`curl -sS "$COMM100_BASE_URL/oauth/token?partnerId=$COMM100_PARTNER_ID" -d grant_type=password -d "client_id=$COMM100_CLIENT_ID" --data-urlencode "email=$COMM100_EMAIL" --data-urlencode "password=$COMM100_PASSWORD"`},
	{"Plain OAuth 2.0",
		`curl -sS -u "$OAUTH2_CLIENT_ID:$OAUTH2_CLIENT_SECRET" "$OAUTH2_TOKEN_URL" -d grant_type=client_credentials -d scope=orders:read`},
	{"HR v2: a person by e-mail; the token is taken out of the answer to the second command",
		demoToken + `curl -sS "$PERSONIO_BASE_URL/v2/persons?email=aylin.yildiz@harbour.example" -H "Authorization: Bearer $TOKEN"`},
	{"HR v2: who is away today, and until when",
		demoToken + `curl -sS "$PERSONIO_BASE_URL/v2/absence-periods?starts_from.gte=$(date +%F)&ends_at.lte=$(date +%F)" -H "Authorization: Bearer $TOKEN"`},
	{"HR v1: employees, with the token of v2",
		demoToken + `curl -sS "$PERSONIO_BASE_URL/v1/company/employees?limit=2" -H "Authorization: Bearer $TOKEN"`},
	{"HR v2 with a token of Personify, which names the tenant in a header",
		`TOKEN=$(curl -sS "$PERSONIFY_BASE_URL/connect/token" -d grant_type=client_credentials -d scope=idp_api -d "client_id=$PERSONIFY_CLIENT_ID" -d "client_secret=$PERSONIFY_CLIENT_SECRET" | sed -E 's/.*"access_token":"([^"]*)".*/\1/') && ` +
			`curl -sS "$PERSONIO_BASE_URL/v2/absence-types" -H "Authorization: Bearer $TOKEN" -H "X-Tenant-Id: $PERSONIFY_TENANT_ID"`},
}

// demoTools gets a token for the tools (RFC 8707), lists them and calls one.
const demoTools = `TOKEN=$(curl -sS -u "$PERSONIO_CLIENT_ID:$PERSONIO_CLIENT_SECRET" "$OAUTH2_TOKEN_URL" -d grant_type=client_credentials --data-urlencode "resource=$MCP_URL" | sed -E 's/.*"access_token":"([^"]*)".*/\1/') && ` +
	`curl -sS "$MCP_URL" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' && echo && ` +
	`curl -sS "$MCP_URL" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_absence_periods","arguments":{"from":"this-week"}}}'`

// demoToken puts a token for the HR API into TOKEN.
const demoToken = `TOKEN=$(curl -sS "$PERSONIO_BASE_URL/v2/auth/token" -d grant_type=client_credentials -d "client_id=$PERSONIO_CLIENT_ID" -d "client_secret=$PERSONIO_CLIENT_SECRET" | sed -E 's/.*"access_token":"([^"]*)".*/\1/') && `
