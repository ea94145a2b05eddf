package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

// maxProbe bounds what is read of the answer to a probe, in bytes.
const maxProbe = 4 << 20

// reading is what a probe brought.
type reading struct {
	status   int
	header   http.Header
	fields   []string // the names of what the first things have, or of what a list names
	first    string   // the id of the first thing
	count    int
	said     string // of a refusal
	scope    string // that a refusal asks for
	problem  error
	readable bool
}

// probes tries the reads that the dialect knows of.
func (d *doctor) probes(ctx context.Context, tok postern.Token) {
	f := d.u.facts()
	if len(f.Probes) == 0 {
		d.say("reads", skipped, "", "no harmless read is known for the dialect %s", d.u.Dialect)
		return
	}
	asked, _ := postern.ParseScopes(d.u.Scope)
	first, open := "", map[string]bool{}
	for _, p := range f.Probes {
		if len(asked) > 0 && !asked.Has(p.Scope) && !asked.Has(dialect.Legacy(p.Scope)) {
			d.say(p.Name, skipped, "", "%s is not among the scopes that are asked for", p.Scope)
			continue
		}
		if strings.Contains(p.Path, "{id}") && first == "" {
			d.say(p.Name, skipped, "", "nothing is there to ask about")
			continue
		}
		r := d.read(ctx, tok, p, first)
		if r.first != "" && first == "" {
			first = r.first
		}
		d.judge(p, r, f)
		open[p.Scope] = open[p.Scope] || r.problem == nil && r.readable && r.status >= 200 && r.status < 300
		d.limit(p, r.header)
		d.sunset(p, r.header)
	}
	d.tools(open, tok.Scope)
}

// read makes one call. Of what it brings only names, a number and one id are kept.
func (d *doctor) read(ctx context.Context, tok postern.Token, p dialect.Probe, id string) (out reading) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	address := strings.TrimRight(d.u.APIURL, "/") + strings.ReplaceAll(p.Path, "{id}", url.PathEscape(id))
	if p.Query != "" {
		address += "?" + p.Query
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reading{problem: postern.Errorf(postern.Invalid, "the address of the API cannot be used")}
	}
	dia, _ := dialect.Named(d.u.Dialect)
	dialect.Carry(dia, r.Header, tok, d.u.TenantID)
	r.Header.Set("Accept", "application/json, application/problem+json")
	resp, err := d.client.Do(r)
	if err != nil {
		said, hint := wayFailed(err, r.URL.Host)
		e := postern.Errorf(postern.Unavailable, "%s", orDefault(said, "the API could not be reached"))
		return reading{problem: e.WithHint("%s", d.u.named(hint))}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProbe+1))
	if err != nil || len(body) > maxProbe {
		return reading{problem: postern.Errorf(postern.Unavailable, "the answer broke off, or is longer than %d bytes", maxProbe)}
	}
	out.status, out.header = resp.StatusCode, resp.Header
	out.take(body)
	return out
}

// take reads what is wanted of a body, be it a list in data or _data or a refusal of
// whatever shape.
func (r *reading) take(body []byte) {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return
	}
	r.readable = true
	var problems []struct {
		Detail string         `json:"detail"`
		Title  string         `json:"title"`
		Meta   map[string]any `json:"_meta"`
	}
	if json.Unmarshal(top["errors"], &problems) == nil && len(problems) > 0 {
		r.said = orDefault(problems[0].Detail, problems[0].Title)
		r.scope, _ = problems[0].Meta["required_scope"].(string)
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(top["error"], &inner) == nil {
		r.said = orDefault(r.said, inner.Message)
	}
	var items []json.RawMessage
	if json.Unmarshal(top["_data"], &items) != nil && json.Unmarshal(top["data"], &items) != nil {
		return
	}
	r.count = len(items)
	for i, raw := range items {
		var item map[string]json.RawMessage
		if json.Unmarshal(raw, &item) != nil {
			continue
		}
		for name, v := range item {
			if string(v) != "null" && !slices.Contains(r.fields, name) {
				r.fields = append(r.fields, name)
			}
		}
		var key string
		if json.Unmarshal(item["key"], &key) == nil && key != "" {
			r.fields = append(r.fields, key)
		}
		if i == 0 {
			r.first = strings.Trim(string(item["id"]), `"`)
		}
	}
}

// judge says what a probe means.
func (d *doctor) judge(p dialect.Probe, r reading, f dialect.Facts) {
	what := "GET " + p.Path
	switch {
	case r.problem != nil:
		e := postern.AsError(r.problem)
		d.say(p.Name, wrong, orDefault(e.Hint, "try again later"), "%s: %s", what, e.Msg)
	case r.status >= 200 && r.status < 300 && !r.readable:
		d.say(p.Name, wrong, "check api_url: what answers there is not the API", "%s: %d without JSON", what, r.status)
	case r.status >= 200 && r.status < 300:
		d.say(p.Name, works, "", "%s: %d, %s", what, r.status, howManyRead(r.count))
		d.hidden(p, r, f)
	case r.status == http.StatusTooManyRequests:
		d.say(p.Name, wrong, "wait a minute; other programs use this credential's limit up", "%s: 429, too many requests", what)
	case r.status == http.StatusForbidden || r.status == http.StatusUnauthorized || r.status == http.StatusBadRequest && strings.Contains(r.said, "token"):
		// With a token that was got a moment ago, a 401 is a missing right as well.
		d.say(p.Name, refused, fmt.Sprintf("tick %q for this credential in %s (scope %s), and get a new token", p.Permission, f.Settings, orDefault(r.scope, p.Scope)),
			"%s: %d %s", what, r.status, r.said)
	case r.status == http.StatusNotFound:
		d.say(p.Name, wrong, "check api_url: "+shownAddress(d.u.APIURL)+" has no such API", "%s: 404 %s", what, r.said)
	default:
		d.say(p.Name, wrong, yesNo(r.status >= 500, "the trouble is on the other side: try again later", "check api_url, and that it is an API of the dialect "+d.u.Dialect),
			"%s: %d %s", what, r.status, r.said)
	}
}

func howManyRead(n int) string {
	switch n {
	case 0:
		return "there is nothing to read"
	case 1:
		return "one read"
	}
	return strconv.Itoa(n) + " read"
}

// withheldHeader is what a server of ours says about attributes that it left out.
const withheldHeader = "Postern-Withheld"

// hidden tells which attributes the credential is not shown: by the word of the server,
// or because what should be there is in none of the things that were read.
func (d *doctor) hidden(p dialect.Probe, r reading, f dialect.Facts) {
	if len(p.Fields) == 0 || r.count == 0 {
		return
	}
	do := "tick them for this credential under \"Readable employee attributes\" in " + f.Settings + ", if they are needed"
	if names := r.header.Get(withheldHeader); names != "" {
		d.say("attributes", withheld, do, "%s", names)
		return
	}
	var missing []string
	for _, name := range p.Fields {
		if !slices.Contains(r.fields, name) {
			missing = append(missing, orDefault(p.Attribute[name], name))
		}
	}
	if len(missing) > 0 {
		d.say("attributes", withheld, do, "%s (or nobody among those that were read has them)", strings.Join(missing, ", "))
		return
	}
	d.say("attributes", works, "", "none of the usual ones is withheld")
}

// limit tells what is left of a path's limit.
func (d *doctor) limit(p dialect.Probe, h http.Header) {
	left, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	if err != nil {
		return
	}
	text := fmt.Sprintf("%s: %d left", p.Path, left)
	if burst, err := strconv.Atoi(h.Get("X-Ratelimit-Burst-Capacity")); err == nil {
		text += fmt.Sprintf(" of %d", burst)
	}
	if rate, err := strconv.Atoi(h.Get("X-Ratelimit-Replenish-Rate")); err == nil {
		text += fmt.Sprintf(", %d more each second", rate)
	}
	if left == 0 {
		d.say("rate limit", wrong, "call less often: something uses this credential's limit up", "%s", text)
		return
	}
	d.say("rate limit", told, "", "%s", text)
}

// sunset tells what a server says about the end of what was called (RFC 8594, RFC 9745).
func (d *doctor) sunset(p dialect.Probe, h http.Header) {
	if end, since := h.Get("Sunset"), h.Get("Deprecation"); end != "" || since != "" {
		d.say("deprecated", ends, "look for its successor in the documentation: "+orDefault(h.Get("Link"), "no link was given"),
			"%s: the server says that it is deprecated%s", p.Path, yesNo(end != "", " and ends on "+end, ""))
	}
}
