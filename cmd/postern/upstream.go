package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

type upstreamCmd struct {
	List   upstreamListCmd   `cmd:"" help:"List the upstreams and where each is described."`
	Check  upstreamCheckCmd  `cmd:"" help:"Ask each upstream for a token and say what is wrong."`
	Add    upstreamAddCmd    `cmd:"" help:"Keep an upstream in the database, its secret sealed."`
	Remove upstreamRemoveCmd `cmd:"" help:"Forget an upstream of the database."`
}

type upstreamListCmd struct{ asJSON }

func (upstreamListCmd) Help() string { return "Example:\n  postern upstream list --json" }

// upstreamView shows an upstream without its secrets.
type upstreamView struct {
	Name      string   `json:"name"`
	Dialect   string   `json:"dialect"`
	BaseURL   string   `json:"base_url"`
	APIURL    string   `json:"api_url,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Secret    string   `json:"secret"` // where it is, never what
	Email     string   `json:"email,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	Resources []string `json:"resources,omitempty"`
	TenantID  string   `json:"tenant_id,omitempty"`
	PartnerID string   `json:"partner_id,omitempty"`
	Timeout   string   `json:"timeout,omitempty"`
	From      []string `json:"from"`
	Problems  []string `json:"problems,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

func (o *outside) view(u *named) upstreamView {
	problems := u.complete()
	v := upstreamView{Name: u.name, Dialect: u.Dialect, BaseURL: shownAddress(u.BaseURL), APIURL: shownAddress(u.APIURL), ClientID: u.ClientID,
		Secret: u.secretsFrom(), Email: u.Email, Scope: u.Scope, Resources: u.Resources, TenantID: u.TenantID, PartnerID: u.PartnerID,
		From: u.from, Problems: problems, Warnings: u.warnings(o.cfg.file)}
	if u.Timeout != 0 {
		v.Timeout = time.Duration(u.Timeout).String()
	}
	return v
}

// secretsFrom names the source of each secret.
func (u *named) secretsFrom() string {
	var all []string
	for _, s := range secretSettings {
		all = append(all, s.sources(&u.upstreamConfig)...)
		if len(s.sources(&u.upstreamConfig)) == 0 && u.sealed[s.key] != "" {
			all = append(all, s.key+" sealed")
		}
	}
	return strings.Join(all, ", ")
}

func (c *upstreamListCmd) Run(ctx context.Context, a *app) error {
	o, err := a.openOutside(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.close() }()
	views, rows := []upstreamView{}, [][]string{}
	for i := range o.all {
		v := o.view(&o.all[i])
		views = append(views, v)
		rows = append(rows, []string{v.Name, v.Dialect, v.BaseURL, v.ClientID, v.Secret, strings.Join(v.From, ", "),
			orDefault(strings.Join(v.Problems, "; "), "-")})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	if len(rows) == 0 {
		a.note("there is no upstream: describe one under upstreams in postern.yaml, or set %s", strings.Join(familyNames(), ", "))
	}
	return a.table("NAME|DIALECT|BASE URL|CLIENT|SECRET|FROM|PROBLEM", rows)
}

type upstreamCheckCmd struct {
	Names []string `arg:"" optional:"" name:"upstream" help:"Which; all of them when none is named."`
	asJSON
}

func (upstreamCheckCmd) Help() string {
	return "Each is asked for a token, past what is kept. `postern doctor` looks closer at one.\n\nExample:\n  postern upstream check"
}

// checkView is what a check found.
type checkView struct {
	Name      string `json:"name"`
	Dialect   string `json:"dialect"`
	Good      bool   `json:"good"`
	ExpiresIn int64  `json:"expires_in,omitempty"` // seconds
	Scope     string `json:"scope,omitempty"`
	Problem   string `json:"problem,omitempty"`
	Hint      string `json:"hint,omitempty"`
}

func (c *upstreamCheckCmd) Run(ctx context.Context, a *app) error {
	o, err := a.openOutside(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.close() }()
	names := c.Names
	if len(names) == 0 {
		for _, u := range o.all {
			names = append(names, u.name)
		}
	}
	views, rows, good := []checkView{}, [][]string{}, true
	for _, name := range names {
		v := o.check(ctx, name)
		good = good && v.Good
		views = append(views, v)
		life := ""
		if v.Good {
			life = orDefault(strings.TrimSuffix((time.Duration(v.ExpiresIn)*time.Second).String(), "0s"), "not said")
		}
		rows = append(rows, []string{v.Name, v.Dialect, yesNo(v.Good, "good", "NOT good"), life, v.Scope, v.Problem})
	}
	if c.JSON {
		err = a.printJSON(views)
	} else {
		err = a.table("NAME|DIALECT|TOKEN|LIVES|SCOPE|PROBLEM", rows)
		for _, v := range views {
			if v.Hint != "" {
				a.note("postern: hint: %s: %s", v.Name, v.Hint)
			}
		}
	}
	if err == nil && !good {
		return errShown
	}
	return err
}

// check asks one upstream for a token.
func (o *outside) check(ctx context.Context, name string) checkView {
	v := checkView{Name: name}
	u, err := o.find(name)
	var tok postern.Token
	if err == nil {
		v.Dialect = u.Dialect
		tok, _, err = o.fresh(ctx, u)
	}
	if err != nil {
		e := postern.AsError(err)
		v.Problem, v.Hint = strings.ReplaceAll(e.Msg, "\n", " "), e.Hint
		return v
	}
	v.Good, v.ExpiresIn, v.Scope = true, int64(tok.ExpiresIn/time.Second), tok.Scope.String()
	return v
}

type upstreamAddCmd struct {
	Name      string   `arg:"" help:"What it is to be called: a-z, 0-9 and . _ - inside."`
	Dialect   string   `help:"Which dialect its token server speaks." placeholder:"D"`
	BaseURL   string   `name:"base-url" help:"Where its tokens are given (default: the real one)." placeholder:"URL"`
	APIURL    string   `name:"api-url" help:"Where they are used." placeholder:"URL"`
	ClientID  string   `name:"client-id" help:"The client id." placeholder:"ID"`
	Email     string   `help:"The person's e-mail address, where the dialect asks for one." placeholder:"E"`
	Scope     string   `help:"The scopes to ask for, parted by spaces." placeholder:"S"`
	TenantID  string   `name:"tenant-id" help:"Whose data is wanted, where calls name it." placeholder:"T"`
	PartnerID string   `name:"partner-id" help:"Whose server is meant, where the request for a token names it." placeholder:"N"`
	Resources []string `name:"resource" help:"An API that tokens are to be made out to; may be repeated." placeholder:"URL"`
	Stdin     bool     `name:"secret-stdin" help:"Read the secret, and after it the password, from standard input, a line each."`
}

func (upstreamAddCmd) Help() string {
	return "The secret is asked for, or read from standard input, and never an argument: other users of the machine see those. " +
		"What the name had before is replaced.\n\nExample:\n  op read op://hr/personio/secret | postern upstream add personio --dialect personio-v2 --client-id papi-1 --secret-stdin"
}

func (c *upstreamAddCmd) config() upstreamConfig {
	return upstreamConfig{Dialect: c.Dialect, BaseURL: c.BaseURL, APIURL: c.APIURL, ClientID: c.ClientID, Email: c.Email, Scope: c.Scope,
		TenantID: c.TenantID, PartnerID: c.PartnerID, Resources: c.Resources}
}

func (c *upstreamAddCmd) Run(ctx context.Context, a *app) error {
	if err := postern.CheckUpstreamName(c.Name); err != nil {
		return errMisused{err}
	}
	o, err := a.openOutside(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.close() }()
	if o.place == nil {
		return postern.Errorf(postern.NotFound, "there is no database to keep it in").
			WithHint("say where one is with --data or --db, or see to it that HOME is set")
	}
	u := &named{name: c.Name, prefix: envPrefix(c.Name), upstreamConfig: c.config(), sealed: map[string]string{}}
	if f, ok := familyOf(u.prefix); ok && u.Dialect == "" {
		u.Dialect = f.dialect
	}
	settings, err := json.Marshal(u.upstreamConfig)
	if err != nil {
		return err
	}
	if err := o.askSecrets(u, c.Stdin); err != nil {
		return err
	}
	probe := *u // complete fills in defaults, which are not to be kept
	if problems := probe.complete(); len(problems) > 0 {
		return errMisused{postern.Errorf(postern.Invalid, "upstream %s cannot be kept:\n  - %s", c.Name, strings.Join(problems, "\n  - "))}
	}
	if u.Dialect != c.Dialect {
		if settings, err = json.Marshal(u.upstreamConfig); err != nil {
			return err
		}
	}
	p := o.place
	row := store.Upstream{Name: c.Name, Settings: string(settings), Sealed: u.sealed}
	if err := p.db.SaveUpstream(ctx, row, p.event(postern.SystemTenant, postern.ActUpstreamSaved, c.Name, u.Dialect)); err != nil {
		return err
	}
	a.note("upstream %s is kept in %s; `postern upstream check %s` tries it", c.Name, p.cfg.Data, c.Name)
	return nil
}

// askSecrets reads the secrets that the dialect needs, and seals them.
func (o *outside) askSecrets(u *named, stdin bool) error {
	lines := &lineReader{r: o.stdin}
	for _, s := range secretSettings {
		needed := false
		for _, key := range u.facts().Needs {
			needed = needed || key == s.key
		}
		if !needed {
			continue
		}
		var secret postern.Secret
		if stdin {
			line, err := lines.next()
			if err != nil {
				return err
			}
			secret = postern.NewSecret(line)
		} else {
			var err error
			if secret, err = o.password(strings.ReplaceAll(s.key, "_", " ") + " of " + u.name + ": "); err != nil {
				if e := postern.AsError(err); e.Code == postern.Invalid {
					return postern.Errorf(postern.Invalid, "there is no terminal to ask for the %s", s.key).WithHint("pipe it in and say --secret-stdin")
				}
				return err
			}
		}
		if secret.Empty() {
			return errMisused{postern.Errorf(postern.Invalid, "the %s is empty", s.key)}
		}
		u.sealed[s.key] = o.place.box.Seal(sealContext(u.name, s.key), []byte(secret.Reveal()))
	}
	return nil
}

type upstreamRemoveCmd struct {
	Name string `arg:"" name:"upstream" help:"Its name."`
}

func (upstreamRemoveCmd) Help() string { return "Example:\n  postern upstream remove personio" }

func (c *upstreamRemoveCmd) Run(ctx context.Context, a *app) error {
	o, err := a.openOutside(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = o.close() }()
	if o.place == nil {
		return o.unknown(c.Name)
	}
	p := o.place
	err = p.db.DeleteUpstream(ctx, c.Name, p.event(postern.SystemTenant, postern.ActUpstreamGone, c.Name, ""))
	if postern.CodeOf(err) == postern.NotFound {
		return postern.Errorf(postern.NotFound, "the database holds no upstream %q", postern.Shorten(c.Name, 60)).
			WithHint("`postern upstream list` says where each is described; those of the file and the environment are removed there")
	}
	if err == nil {
		a.note("upstream %s and its secrets are forgotten", c.Name)
	}
	return err
}
