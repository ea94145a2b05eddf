package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// config is what the program is told. A flag beats the environment, the
// environment beats the file, the file beats the default. Zero fields are harmless.
type config struct {
	Listen         string `yaml:"listen"`
	DB             string `yaml:"db"`
	Data           string `yaml:"data"`
	PublicURL      string `yaml:"public_url"`
	TLSCert        string `yaml:"tls_cert"`
	TLSKey         string `yaml:"tls_key"`
	MasterKeyFile  string `yaml:"master_key_file"`
	LogFormat      string `yaml:"log_format"`
	LogLevel       string `yaml:"log_level"`
	DefaultPartner string `yaml:"default_partner"`

	TrustedProxies []string     `yaml:"trusted_proxies"`
	MetricsFrom    []string     `yaml:"metrics_from"`
	Limits         limitsConfig `yaml:"limits"`
	Keys           keysConfig   `yaml:"keys"`

	Upstreams map[string]upstreamConfig `yaml:"upstreams"`

	Experimental []string    `yaml:"experimental"`
	Tools        toolsConfig `yaml:"tools"`
	MCPWrites    bool        `yaml:"mcp_writes"`

	from map[string]string // key to the source that won
	file string            // the file that was read, "" when there was none
}

// limitsConfig are the limits of issuer.Limits; negative switches one off.
type limitsConfig struct {
	FailuresPerSource int `yaml:"failures_per_source"`
	FailuresPerClient int `yaml:"failures_per_client"`
	RequestsPerClient int `yaml:"requests_per_client"`
}

// keysConfig are durations of issuer.KeyPolicy, such as 2160h.
type keysConfig struct {
	RotateEvery  duration `yaml:"rotate_every"`
	PublishAhead duration `yaml:"publish_ahead"`
	KeepAfter    duration `yaml:"keep_after"`
}

// duration reads what time.ParseDuration does, and days: 90d.
type duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text))
	*d = duration(v)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= -10_000 && n <= 10_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 15m, 24h or 30d", postern.Shorten(s, 40))
	}
	return v, nil
}

// scalar is a setting that a flag or the environment can give too.
type scalar struct {
	key, env string
	at       func(*config) *string
}

var scalars = []scalar{
	{"listen", "POSTERN_LISTEN", func(c *config) *string { return &c.Listen }},
	{"data", "POSTERN_DATA", func(c *config) *string { return &c.Data }},
	{"db", "POSTERN_DB", func(c *config) *string { return &c.DB }},
	{"public_url", "POSTERN_PUBLIC_URL", func(c *config) *string { return &c.PublicURL }},
	{"tls_cert", "POSTERN_TLS_CERT", func(c *config) *string { return &c.TLSCert }},
	{"tls_key", "POSTERN_TLS_KEY", func(c *config) *string { return &c.TLSKey }},
	{"master_key_file", "POSTERN_MASTER_KEY_FILE", func(c *config) *string { return &c.MasterKeyFile }},
	{"log_format", "POSTERN_LOG_FORMAT", func(c *config) *string { return &c.LogFormat }},
	{"log_level", "POSTERN_LOG_LEVEL", func(c *config) *string { return &c.LogLevel }},
	{"default_partner", "POSTERN_DEFAULT_PARTNER", func(c *config) *string { return &c.DefaultPartner }},
}

// defaults are the settings of a program that was told nothing.
func defaults() config {
	return config{Listen: "127.0.0.1:8080", Data: "postern-data", LogFormat: "text", LogLevel: "info"}
}

// load reads the configuration. flags holds what the command line said, by key.
func (a *app) load(flags map[string]string) (*config, error) {
	c := defaults()
	c.from = map[string]string{}
	file, where, err := a.configFile()
	if err != nil {
		return nil, err
	}
	if where != "" {
		c.file, c.Upstreams = where, file.Upstreams
		c.TrustedProxies, c.MetricsFrom, c.Limits, c.Keys = file.TrustedProxies, file.MetricsFrom, file.Limits, file.Keys
		c.Experimental, c.Tools, c.MCPWrites = file.Experimental, file.Tools, file.MCPWrites
	}
	c.Experimental = append(c.Experimental, listed(a.getenv("POSTERN_EXPERIMENTAL"))...)
	for _, s := range scalars {
		c.from[s.key] = "default"
		for _, src := range []struct{ name, value string }{
			{"file " + where, *s.at(&file)}, {"environment " + s.env, a.getenv(s.env)}, {"flag", flags[s.key]},
		} {
			if src.value != "" {
				*s.at(&c), c.from[s.key] = src.value, src.name
			}
		}
	}
	if c.DB == "" {
		c.DB = "sqlite:" + filepath.Join(c.Data, "postern.db")
	}
	return &c, c.validate()
}

func (a *app) configFile() (c config, where string, err error) {
	named := a.cli.Config
	if named == "" {
		named = a.getenv("POSTERN_CONFIG")
	}
	where = named
	if where == "" {
		where = "postern.yaml"
	}
	raw, err := os.ReadFile(where) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return c, "", nil
	}
	if err != nil {
		return c, "", fmt.Errorf("read the configuration: %w", err)
	}
	return c, where, decodeStrict(raw, where, &c)
}

// validate answers every problem at once.
func (c *config) validate() error {
	var bad []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	_, port, err := net.SplitHostPort(c.Listen)
	check(err == nil && port != "", "listen: %q is not host:port", c.Listen)
	check(strings.HasPrefix(c.DB, "sqlite:") || strings.HasPrefix(c.DB, "postgres://") || strings.HasPrefix(c.DB, "postgresql://"),
		"db: it begins with neither sqlite: nor postgres://")
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		check(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" &&
			u.User == nil && !strings.HasSuffix(c.PublicURL, "/") && u.Path == "",
			"public_url: %q is not scheme://host[:port], without path or slash at the end", c.PublicURL)
	}
	check((c.TLSCert == "") == (c.TLSKey == ""), "tls_cert and tls_key go together")
	check(c.LogFormat == "text" || c.LogFormat == "json", "log_format: %q is neither text nor json", c.LogFormat)
	check(logLevel(c.LogLevel) != nil, "log_level: %q is none of debug, info, warn, error", c.LogLevel)
	err = checkExperiments(c.Experimental)
	check(err == nil, "%s", publicLine(err))
	err = c.Tools.check()
	check(err == nil, "tools: %s", publicLine(err))
	for name, list := range map[string][]string{"trusted_proxies": c.TrustedProxies, "metrics_from": c.MetricsFrom} {
		_, err := prefixes(list)
		check(err == nil, "%s: %s", name, postern.Public(err))
	}
	if len(bad) == 0 {
		return nil
	}
	return postern.Errorf(postern.Invalid, "the configuration is wrong:\n  - %s", strings.Join(bad, "\n  - ")).
		WithHint("`postern config show` says where each setting comes from")
}

// prefixes reads networks (10.0.0.0/8) and single addresses.
func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if addr, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, postern.Errorf(postern.Invalid, "%q is neither an address nor a network such as 10.0.0.0/8", postern.Shorten(s, 60))
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// String shows a duration, and what zero stands for.
func (d duration) String() string {
	if d == 0 {
		return "built in"
	}
	return time.Duration(d).String()
}

func number(n int) string {
	switch {
	case n == 0:
		return "built in"
	case n < 0:
		return "off"
	}
	return strconv.Itoa(n)
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func (c *config) keyPolicy() issuer.KeyPolicy {
	return issuer.KeyPolicy{RotateEvery: time.Duration(c.Keys.RotateEvery), PublishAhead: time.Duration(c.Keys.PublishAhead),
		KeepAfter: time.Duration(c.Keys.KeepAfter)}
}

func (c *config) limits() issuer.Limits {
	return issuer.Limits{FailuresPerSource: c.Limits.FailuresPerSource, FailuresPerClient: c.Limits.FailuresPerClient,
		PerClient: c.Limits.RequestsPerClient}
}
