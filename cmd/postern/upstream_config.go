package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/internal/near"
)

// upstreamConfig is one of `upstreams` in the file. The environment can give each of
// its settings too, under the upstream's name in capitals: ACME_CLIENT_ID is client_id
// of the upstream acme.
type upstreamConfig struct {
	Dialect             string   `yaml:"dialect" json:"dialect,omitempty"`
	BaseURL             string   `yaml:"base_url" json:"base_url,omitempty"`
	APIURL              string   `yaml:"api_url" json:"api_url,omitempty"`
	ClientID            string   `yaml:"client_id" json:"client_id,omitempty"`
	ClientSecret        string   `yaml:"client_secret" json:"-"`
	ClientSecretFile    string   `yaml:"client_secret_file" json:"-"`
	ClientSecretExec    argv     `yaml:"client_secret_exec" json:"-"`
	ClientSecretKeyring string   `yaml:"client_secret_keyring" json:"-"`
	Email               string   `yaml:"email" json:"email,omitempty"`
	Password            string   `yaml:"password" json:"-"`
	PasswordFile        string   `yaml:"password_file" json:"-"`
	PasswordExec        argv     `yaml:"password_exec" json:"-"`
	PasswordKeyring     string   `yaml:"password_keyring" json:"-"`
	Scope               string   `yaml:"scope" json:"scope,omitempty"`
	Resources           []string `yaml:"resources" json:"resources,omitempty"`
	TenantID            string   `yaml:"tenant_id" json:"tenant_id,omitempty"`
	PartnerID           string   `yaml:"partner_id" json:"partner_id,omitempty"`
	Timeout             duration `yaml:"timeout" json:"timeout,omitempty"`
}

// argv is a command: a list that is run as it is, or a line for the shell.
type argv []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *argv) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*c = shellLine(node.Value)
		return nil
	}
	var list []string
	if err := node.Decode(&list); err != nil {
		return fmt.Errorf("line %d: a command is a line for the shell or a list of its words", node.Line)
	}
	*c = list
	return nil
}

// upstreamSetting is a setting that the environment can give.
type upstreamSetting struct {
	key string
	at  func(*upstreamConfig) *string
	// shared is taken from the family where the upstream has none of its own, as
	// PERSONIO_BASE_URL for the upstream of PERSONIO_READONLY_CLIENT_ID.
	shared bool
}

var upstreamSettings = []upstreamSetting{
	{"dialect", func(c *upstreamConfig) *string { return &c.Dialect }, true},
	{"base_url", func(c *upstreamConfig) *string { return &c.BaseURL }, true},
	{"api_url", func(c *upstreamConfig) *string { return &c.APIURL }, true},
	{"client_id", func(c *upstreamConfig) *string { return &c.ClientID }, false},
	{"email", func(c *upstreamConfig) *string { return &c.Email }, false},
	{"scope", func(c *upstreamConfig) *string { return &c.Scope }, false},
	{"tenant_id", func(c *upstreamConfig) *string { return &c.TenantID }, true},
	{"partner_id", func(c *upstreamConfig) *string { return &c.PartnerID }, true},
}

// secretSetting is one of the two secrets of an upstream with all the places that it
// may be in.
type secretSetting struct {
	key                    string
	literal, file, keyring func(*upstreamConfig) *string
	exec                   func(*upstreamConfig) *argv
}

var secretSettings = []secretSetting{
	{"client_secret", func(c *upstreamConfig) *string { return &c.ClientSecret }, func(c *upstreamConfig) *string { return &c.ClientSecretFile },
		func(c *upstreamConfig) *string { return &c.ClientSecretKeyring }, func(c *upstreamConfig) *argv { return &c.ClientSecretExec }},
	{"password", func(c *upstreamConfig) *string { return &c.Password }, func(c *upstreamConfig) *string { return &c.PasswordFile },
		func(c *upstreamConfig) *string { return &c.PasswordKeyring }, func(c *upstreamConfig) *argv { return &c.PasswordExec }},
}

// sources lists where the secret is said to be: one of them, if all is well.
func (s secretSetting) sources(c *upstreamConfig) (keys []string) {
	for _, v := range []struct {
		suffix string
		set    bool
	}{{"", *s.literal(c) != ""}, {"_file", *s.file(c) != ""}, {"_exec", len(*s.exec(c)) > 0}, {"_keyring", *s.keyring(c) != ""}} {
		if v.set {
			keys = append(keys, s.key+v.suffix)
		}
	}
	return keys
}

// clear forgets every source of the secret: one that comes from elsewhere replaces it
// as a whole.
func (s secretSetting) clear(c *upstreamConfig) {
	*s.literal(c), *s.file(c), *s.keyring(c), *s.exec(c) = "", "", "", nil
}

// named is an upstream with where its settings come from.
type named struct {
	upstreamConfig
	name   string
	from   []string // the layers, the weakest first
	prefix string   // of its variables in the environment
	sealed map[string]string
}

// envPrefix begins the names of an upstream's variables.
func envPrefix(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// family is a dialect whose upstreams may be told by the environment alone.
type family struct{ dialect, env string }

func families() (all []family) {
	for _, d := range dialect.All {
		if f := dialect.FactsOf(d.Name()); f.Env != "" {
			all = append(all, family{d.Name(), f.Env})
		}
	}
	return all
}

// familyOf gives the family whose name a prefix has or begins with.
func familyOf(prefix string) (family, bool) {
	for _, f := range families() {
		if prefix == f.env || strings.HasPrefix(prefix, f.env+"_") {
			return f, true
		}
	}
	return family{}, false
}

// upstreamsIn joins what the file, the database and the environment say: the
// environment beats the file, the file beats the database, setting by setting.
func (a *app) upstreamsIn(file map[string]upstreamConfig, where string, stored []storedUpstream) ([]named, error) {
	all := map[string]*named{}
	at := func(name string) *named {
		if all[name] == nil {
			all[name] = &named{name: name, prefix: envPrefix(name)}
		}
		return all[name]
	}
	for _, s := range stored {
		u := at(s.name)
		u.upstreamConfig, u.sealed = s.config, s.sealed
		u.from = append(u.from, "database")
	}
	for name, c := range file {
		if err := postern.CheckUpstreamName(name); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		u := at(name)
		u.over(c)
		u.from = append(u.from, where)
	}
	for _, name := range a.upstreamsOfEnvironment() {
		known := slices.Collect(func(yield func(string) bool) {
			for other := range all {
				if envPrefix(other) == envPrefix(name) && !yield(other) {
					return
				}
			}
		})
		if len(known) == 0 {
			at(name)
		}
	}
	out := make([]named, 0, len(all))
	for _, u := range all {
		if err := a.overEnvironment(u); err != nil {
			return nil, err
		}
		out = append(out, *u)
	}
	slices.SortFunc(out, func(x, y named) int { return strings.Compare(x.name, y.name) })
	return out, nil
}

// over lays c over what is known: what c does not say stays.
func (u *named) over(c upstreamConfig) {
	for _, s := range upstreamSettings {
		if v := *s.at(&c); v != "" {
			*s.at(&u.upstreamConfig) = v
		}
	}
	for _, s := range secretSettings {
		if len(s.sources(&c)) == 0 {
			continue
		}
		s.clear(&u.upstreamConfig)
		delete(u.sealed, s.key)
		*s.literal(&u.upstreamConfig), *s.file(&u.upstreamConfig) = *s.literal(&c), *s.file(&c)
		*s.keyring(&u.upstreamConfig), *s.exec(&u.upstreamConfig) = *s.keyring(&c), *s.exec(&c)
	}
	if len(c.Resources) > 0 {
		u.Resources = c.Resources
	}
	if c.Timeout != 0 {
		u.Timeout = c.Timeout
	}
}

// upstreamsOfEnvironment names the upstreams that the environment tells of: those of a
// known family with a client id.
func (a *app) upstreamsOfEnvironment() (names []string) {
	for _, variable := range a.variables() {
		prefix, ok := strings.CutSuffix(variable, "_CLIENT_ID")
		if _, known := familyOf(prefix); ok && known && a.getenv(variable) != "" {
			name := strings.ToLower(strings.ReplaceAll(prefix, "_", "-"))
			if postern.CheckUpstreamName(name) == nil {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// overEnvironment lays the variables of an upstream over what is known of it.
func (a *app) overEnvironment(u *named) error {
	var c upstreamConfig
	for _, s := range upstreamSettings {
		*s.at(&c) = a.variable(u, s)
	}
	if text := a.getenv(u.prefix + "_TIMEOUT"); text != "" {
		if err := c.Timeout.UnmarshalText([]byte(text)); err != nil {
			return postern.Errorf(postern.Invalid, "%s_TIMEOUT: %v", u.prefix, err)
		}
	}
	said := c.Timeout != 0
	for _, s := range upstreamSettings {
		said = said || *s.at(&c) != "" && a.getenv(u.prefix+"_"+strings.ToUpper(s.key)) != ""
	}
	for _, s := range secretSettings {
		name := u.prefix + "_" + strings.ToUpper(s.key)
		*s.literal(&c), *s.file(&c) = a.getenv(name), a.getenv(name+"_FILE")
		if *s.literal(&c) != "" && *s.file(&c) != "" {
			return postern.Errorf(postern.Invalid, "both %s and %s_FILE are set", name, name).WithHint("keep the one that is meant")
		}
		said = said || len(s.sources(&c)) > 0
	}
	if f, ok := familyOf(u.prefix); ok && u.Dialect == "" && c.Dialect == "" {
		u.Dialect = f.dialect
	}
	u.over(c)
	if said {
		u.from = append(u.from, "environment")
	}
	return nil
}

// variable gives a setting from the environment: the upstream's own, or where it may be
// shared and nobody has said it more closely, that of its family.
func (a *app) variable(u *named, s upstreamSetting) string {
	prefixes := []string{u.prefix}
	if f, ok := familyOf(u.prefix); ok && s.shared && f.env != u.prefix && *s.at(&u.upstreamConfig) == "" {
		prefixes = append(prefixes, f.env)
	}
	for _, prefix := range prefixes {
		names := []string{prefix + "_" + strings.ToUpper(s.key)}
		if s.key == "base_url" {
			names = append(names, prefix+"_TOKEN_URL")
		}
		for _, name := range names {
			if v := a.getenv(name); v != "" {
				return v
			}
		}
	}
	return ""
}

// facts are those of the upstream's dialect.
func (u *named) facts() dialect.Facts { return dialect.FactsOf(u.Dialect) }

// complete fills in what the dialect knows, and gives everything that is wrong.
func (u *named) complete() (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if _, ok := dialect.Named(u.Dialect); !ok {
		return []string{u.badDialect()}
	}
	f, addresses := u.facts(), map[string]string{"base_url": u.BaseURL, "api_url": u.APIURL}
	if u.APIURL == "" {
		u.APIURL = dialect.APIBehind(u.Dialect, u.BaseURL)
	}
	if u.BaseURL == "" {
		u.BaseURL = f.Base
	}
	if u.Scope == "" {
		u.Scope = f.Scope.String()
	}
	for _, key := range f.Needs {
		if !u.has(key) {
			wrong("%s is missing: set %s, or %s under upstreams.%s in the configuration", key, u.prefix+"_"+strings.ToUpper(key), key, u.name)
		}
	}
	for key, v := range addresses {
		if err := postern.CheckUpstreamURL(v); v != "" && err != nil {
			wrong("%s: %q %s; %s", key, shownAddress(v), postern.Public(err), postern.AsError(err).Hint)
		}
	}
	for _, s := range secretSettings {
		if keys := s.sources(&u.upstreamConfig); len(keys) > 1 {
			wrong("%s are both set; keep the one that is meant", strings.Join(keys, " and "))
		}
	}
	if _, err := postern.ParseScopes(u.Scope); err != nil {
		wrong("scope: %s", postern.Public(err))
	}
	if u.Timeout < 0 || time.Duration(u.Timeout) > postern.MaxUpstreamTimeout {
		wrong("timeout: %s is out of bounds; use up to %s", u.Timeout, postern.MaxUpstreamTimeout)
	}
	slices.Sort(problems)
	return problems
}

func (u *named) badDialect() string {
	var names []string
	for _, d := range dialect.All {
		names = append(names, d.Name())
	}
	if u.Dialect == "" {
		return "dialect is missing: it is one of " + strings.Join(names, ", ")
	}
	if meant := near.Of(u.Dialect, names); meant != "" {
		return fmt.Sprintf("dialect: %q is none; did you mean %s?", postern.Shorten(u.Dialect, 40), meant)
	}
	return fmt.Sprintf("dialect: %q is none of %s", postern.Shorten(u.Dialect, 40), strings.Join(names, ", "))
}

// has says whether a setting that the dialect needs is there.
func (u *named) has(key string) bool {
	for _, s := range upstreamSettings {
		if s.key == key {
			return *s.at(&u.upstreamConfig) != ""
		}
	}
	for _, s := range secretSettings {
		if s.key == key {
			return len(s.sources(&u.upstreamConfig)) > 0 || u.sealed[key] != ""
		}
	}
	return true
}

// shownAddress is an address without what may be a credential in it.
func shownAddress(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "…"
	}
	return postern.Shorten((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), 100)
}
