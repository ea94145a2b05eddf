package console

import (
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// CurlLine is a command that gets a token in one dialect.
type CurlLine struct {
	ID, Title, Text string
}

// curl writes a request as a command for a shell.
func curl(r *http.Request) (string, error) {
	lines := []string{"curl -sS -X " + r.Method + " " + quoted(r.URL.String())}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			switch rest, basic := strings.CutPrefix(v, "Basic "); {
			case name == "Authorization" && basic:
				pair, err := base64.StdEncoding.DecodeString(rest)
				if err != nil {
					return "", err
				}
				lines = append(lines, "-u "+quoted(string(pair)))
			case name == "Content-Type" && strings.HasPrefix(v, "application/x-www-form-urlencoded"), name == "Content-Length", name == "User-Agent":
			default:
				lines = append(lines, "-H "+quoted(name+": "+v))
			}
		}
	}
	body, err := bodyOf(r)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		for pair := range strings.SplitSeq(body, "&") {
			lines = append(lines, "-d "+quoted(pair))
		}
	} else if body != "" {
		lines = append(lines, "-d "+quoted(body))
	}
	return strings.Join(lines, " \\\n  "), nil
}

func bodyOf(r *http.Request) (string, error) {
	if r.GetBody == nil {
		return "", nil
	}
	body, err := r.GetBody()
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }() // it is in memory
	raw, err := io.ReadAll(io.LimitReader(body, maxForm))
	return string(raw), err
}

// quoted makes one word of a shell of anything.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// curlLines writes how a client gets a token, in every dialect that it may use.
func (c *call) curlLines(client postern.Client, secret postern.Secret) ([]CurlLine, error) {
	tenant, err := c.office.Tenant(c.ctx, client.Tenant)
	if err != nil {
		return nil, err
	}
	var out []CurlLine
	for _, d := range c.Dialects {
		if !client.MayUse(d.Name) {
			continue
		}
		r, err := d.Encode(c.PublicURL, c.example(d, tenant, client, secret))
		if err != nil {
			return nil, err
		}
		text, err := curl(r)
		if err != nil {
			return nil, err
		}
		out = append(out, CurlLine{ID: "curl-" + d.Name, Title: d.Title, Text: text})
	}
	return out, nil
}

// What stands in an example where a person has to put something in.
const (
	putEmail    = "EMAIL"
	putPassword = "PASSWORD"
)

// example is the request of a client for a token, in no dialect's terms.
func (c *call) example(d Dialect, tenant postern.Tenant, client postern.Client, secret postern.Secret) postern.Request {
	req := postern.Request{Dialect: d.Name, ClientID: client.ID, Secret: secret}
	if d.Person {
		req.Email, req.Password = putEmail, postern.NewSecret(putPassword)
		req.PartnerID = strconv.FormatInt(tenant.PartnerID, 10)
	}
	return req
}
