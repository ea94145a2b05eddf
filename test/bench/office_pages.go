package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// officePage is a page of the console, as an operator's browser asks for it.
type officePage struct {
	name string
	path func(n int) string
}

const (
	auditFirst   = "page, first of the audit trail"
	operatorName = "operator@bench.test"
	operatorPass = "four unrelated words, or so" //nolint:gosec // of a database that is thrown away
)

func fixed(path string) func(int) string { return func(int) string { return path } }

func ofClient(rest string) func(int) string {
	return func(n int) string { return "/console/clients/" + officeClient(n) + rest }
}

// officePages are the pages of the console, those with most to read first.
func officePages() []officePage {
	t := "tenant=" + hrTenant
	return []officePage{
		{"page, overview of a day", fixed("/console/?days=1")},
		{"page, overview of 7 days", fixed("/console/")},
		{"page, overview of 30 days", fixed("/console/?days=30")},
		{"page, overview of 90 days", fixed("/console/?days=90")},
		{"page, overview of 30 days of a tenant", fixed("/console/?days=30&" + t)},
		{auditFirst, fixed("/console/audit?" + t)},
		{"page, refusals in the audit trail", fixed("/console/audit?action=token.refused&" + t)},
		{"page, a client's records in the audit trail", func(n int) string { return "/console/audit?" + t + "&client=" + officeClient(n) }},
		{"page, a day of the audit trail", func(n int) string {
			day := officeStart().AddDate(0, 0, n%officeDays).Format(time.DateOnly)
			return "/console/audit?action=token.refused&" + t + "&since=" + day + "&until=" + day
		}},
		{"page, clients", fixed("/console/clients?" + t)},
		{"page, clients further on", func(n int) string { return "/console/clients?" + t + "&after=" + officeClient(n) }},
		{"page, clients that a search finds", fixed("/console/clients?q=CLIENT+1&" + t)},
		{"page, a client", ofClient("")},
		{"page, a client to change", ofClient("/edit")},
		{"page, new credentials", fixed("/console/clients/new?" + t)},
		{"page, users", fixed("/console/users?" + t)},
		{"page, tenants", fixed("/console/tenants")},
		{"page, a tenant", fixed("/console/tenants/" + hrTenant)},
		{"page, resources of a tenant", fixed("/console/tenants/" + hrTenant + "/resources")},
		{"page, signing keys", fixed("/console/keys")},
		{"page, operators", fixed("/console/operators")},
		{"page, account", fixed("/console/account")},
		{"page, sandbox", fixed("/console/sandbox?" + t)},
		{"page, request log", fixed("/console/sandbox/log?" + t)},
		{"page, try it", fixed("/console/try")},
	}
}

// askPages asks a real server for pages, as an operator who is signed in.
func (h *house) askPages(ctx context.Context, d *database, engine string, records int, pages []officePage, rep *report) error {
	p, err := h.serve(ctx, d, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer p.stop()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	b := &browser{http.Client{Jar: jar, Transport: &http.Transport{}}, "http://" + p.addr}
	defer b.hc.CloseIdleConnections()
	if err := b.signIn(ctx, p, records == officeBatch); err != nil {
		return fmt.Errorf("signing in: %w\n%s", err, p.lastWords())
	}
	for _, page := range pages {
		h.say("%s: %s", officeName(engine), page.name)
		took := make([]float64, 0, officeAsked)
		size := 0
		for n := range officeAsked + 3 {
			begun := time.Now()
			body, err := b.get(ctx, page.path(n))
			if err != nil {
				return fmt.Errorf("%s: %w", page.name, err)
			}
			if n >= 3 { // warm
				took, size = append(took, millis(time.Since(begun))), max(size, len(body))
			}
		}
		slices.Sort(took)
		rep.Office = append(rep.Office, officeRun{Engine: engine, Ask: page.name, Records: records, Bytes: size, P50: median(took), P99: took[len(took)*99/100]})
	}
	return nil
}

// browser does what a browser does with forms and cookies.
type browser struct {
	hc  http.Client
	url string
}

var (
	setupLink = regexp.MustCompile(`/console/setup\?code=\S+`)
	formToken = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
)

// signIn becomes the first operator, by the link that the server prints while there is
// none, or comes back as that one.
func (b *browser) signIn(ctx context.Context, p *process, first bool) error {
	form, from, to := url.Values{"email": {operatorName}, "password": {operatorPass}}, "/console/sign-in", "/console/sign-in"
	if first {
		if err := p.await(ctx, setupLink.Match); err != nil {
			return err
		}
		from, to = setupLink.FindString(p.lastWords()), "/console/setup"
		form.Set("name", "Bench")
		form.Set("again", operatorPass)
	}
	body, err := b.get(ctx, from)
	if err != nil {
		return err
	}
	token := formToken.FindSubmatch(body)
	if token == nil {
		return errors.New("there is no form")
	}
	form.Set("csrf", string(token[1]))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+to, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.url)
	_, err = b.do(req)
	return err
}

func (b *browser) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return nil, err
	}
	return b.do(req)
}

// do sends a request and wants a page, and not the one at which people sign in.
func (b *browser) do(req *http.Request) ([]byte, error) {
	resp, err := b.hc.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	at := resp.Request.URL.Path
	if resp.StatusCode != http.StatusOK || at != req.URL.Path && at == "/console/sign-in" {
		return nil, fmt.Errorf("%s %s ended at %s with %s:\n%s", req.Method, req.URL.Path, at, resp.Status, postern.Shorten(string(body), 2000))
	}
	return body, nil
}
