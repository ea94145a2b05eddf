package main

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type configCmd struct {
	Show configShowCmd `cmd:"" help:"Show every setting and where it comes from, without secrets."`
}

type configShowCmd struct{ asJSON }

func (configShowCmd) Help() string { return "Example:\n  POSTERN_LISTEN=:8081 postern config show" }

type settingView struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"`
	Env   string `json:"env,omitempty"`
}

func (c *configShowCmd) Run(_ context.Context, a *app) error {
	cfg, err := a.load(map[string]string{"data": a.cli.Data, "db": a.cli.DB})
	if err != nil {
		return err
	}
	views, rows := []settingView{}, [][]string{}
	for _, s := range scalars {
		v := settingView{s.key, withoutPassword(*s.at(cfg)), cfg.from[s.key], s.env}
		views = append(views, v)
		rows = append(rows, []string{v.Key, v.Value, v.From, v.Env})
	}
	for _, v := range cfg.fileOnly() {
		views = append(views, v)
		rows = append(rows, []string{v.Key, v.Value, v.From, ""})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	return a.table("SETTING|VALUE|FROM|ENVIRONMENT", rows)
}

// withoutPassword takes the password out of a database URL. It can stand for the
// user or in the query, and one with a bare '@', '/', '?' or '#' can stand anywhere:
// what cannot be read for certain is not shown.
func withoutPassword(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme != "postgres" && scheme != "postgresql" {
		return s
	}
	const hidden = "…"
	u, err := url.Parse(s)
	if err != nil || strings.Count(rest, "@") > 1 || strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") {
		return scheme + "://" + hidden
	}
	q, all := u.Query(), true
	for name := range q {
		if !slices.Contains(shownInQuery, name) {
			q.Del(name)
			all = false
		}
	}
	u.RawQuery, u.Fragment = q.Encode(), ""
	if shown := u.Redacted(); all {
		return shown
	} else if len(q) > 0 {
		return shown + "&" + hidden
	} else {
		return shown + "?" + hidden
	}
}

// shownInQuery are the settings of a database URL that hold no secret.
var shownInQuery = []string{"application_name", "connect_timeout", "dbname", "host", "port", "search_path", "sslcert", "sslkey",
	"sslmode", "sslrootcert", "target_session_attrs", "user"}

// fileOnly lists the settings that only the file can give, where it gives them.
func (c *config) fileOnly() (out []settingView) {
	add := func(key, value string, set bool) {
		from := "default"
		if set {
			from = "file"
		}
		out = append(out, settingView{Key: key, Value: value, From: from})
	}
	add("trusted_proxies", strings.Join(c.TrustedProxies, " "), len(c.TrustedProxies) > 0)
	add("metrics_from", orDefault(strings.Join(c.MetricsFrom, " "), "loopback"), len(c.MetricsFrom) > 0)
	add("upstreams", orDefault(strings.Join(slices.Sorted(maps.Keys(c.Upstreams)), " "), "none"), len(c.Upstreams) > 0)
	add("experimental", orDefault(strings.Join(c.Experimental, " "), "none"), len(c.Experimental) > 0)
	add("mcp_writes", strconv.FormatBool(c.MCPWrites), c.MCPWrites)
	add("tools.time_zone", orDefault(c.Tools.TimeZone, "of the machine"), c.Tools.TimeZone != "")
	add("tools.withhold", orDefault(strings.Join(slices.Sorted(maps.Keys(c.Tools.Withhold)), " "), "built in"), len(c.Tools.Withhold) > 0)
	l := c.Limits
	add("limits.failures_per_source", number(l.FailuresPerSource), l.FailuresPerSource != 0)
	add("limits.failures_per_client", number(l.FailuresPerClient), l.FailuresPerClient != 0)
	add("limits.requests_per_client", number(l.RequestsPerClient), l.RequestsPerClient != 0)
	k := c.Keys
	add("keys.rotate_every", k.RotateEvery.String(), k.RotateEvery != 0)
	add("keys.publish_ahead", k.PublishAhead.String(), k.PublishAhead != 0)
	add("keys.keep_after", k.KeepAfter.String(), k.KeepAfter != 0)
	return out
}
