package console

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern"
)

// TryPage gets a token with a credential, and shows what was asked, what was answered and
// what the token says. With a script the browser asks by itself; without one, the server
// asks itself in its name. Either way the token goes nowhere else, and nothing of it is
// logged.
type TryPage struct {
	Dialects []TryDialect
	Chosen   string // name of a dialect
	ClientID string
	Scope    string
	Email    string
	Partner  string
	Alone    bool // can be used without a script
	Result   *TryResult
	Faults   []Fault
}

// TryDialect is a dialect and how a script writes its request.
type TryDialect struct {
	Name, Title string
	Recipe      string // JSON
	On          bool
}

// TryResult is how it came out.
type TryResult struct {
	Request, Answer string
	Good            bool
	Header, Payload string // of the token; "" when it cannot be read
}

func (TryPage) page() head {
	return head{Sheet: "try", Title: "Try it", Section: inTry, Crumbs: []Crumb{{Title: "Settings"}, {Title: "Integrations"}}}
}

func tryPages() []page {
	return []page{
		{pattern: "GET /console/try", do: (*call).tryPage},
		{pattern: "POST /console/try", do: (*call).try},
	}
}

// recipe is a request with marks in it, for a script to put in what was typed.
type recipe struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Basic   string            `json:"basic,omitempty"`
	Body    string            `json:"body"`
}

// marks are what stands in a recipe for each field. No encoding changes them.
var marks = postern.Request{ClientID: "MARKclientMARK", Email: "MARKemailMARK", PartnerID: "MARKpartnerMARK",
	Scope: postern.Scopes{"MARKscopeMARK"}, Secret: postern.NewSecret("MARKsecretMARK"), Password: postern.NewSecret("MARKpasswordMARK")}

func recipeOf(d Dialect, base string) (string, error) {
	req := marks
	req.Dialect = d.Name
	r, err := d.Encode(base, req)
	if err != nil {
		return "", err
	}
	out := recipe{Method: r.Method, Path: r.URL.RequestURI(), Headers: map[string]string{}}
	for name := range r.Header {
		v := r.Header.Get(name)
		if rest, basic := strings.CutPrefix(v, "Basic "); name == "Authorization" && basic {
			pair, err := base64.StdEncoding.DecodeString(rest)
			if err != nil {
				return "", err
			}
			out.Basic = string(pair)
			continue
		}
		out.Headers[name] = v
	}
	if out.Body, err = bodyOf(r); err != nil {
		return "", err
	}
	text, err := json.Marshal(out)
	return string(text), err
}

func (c *call) tryPage() error {
	p := TryPage{ClientID: postern.Shorten(c.query("client"), 100)}
	if p.ClientID != "" { // one that is not theirs to see is as good as any text
		if client, err := c.office.Client(c.ctx, p.ClientID); err == nil && len(client.Dialects) > 0 {
			p.Chosen, c.tenant = client.Dialects[0], client.Tenant
		}
	}
	if c.tenant != "" {
		if t, err := c.office.Tenant(c.ctx, c.tenant); err == nil && t.PartnerID != 0 {
			p.Partner = decimal(t.PartnerID)
		}
	}
	return c.showTry(http.StatusOK, p)
}

func (c *call) showTry(status int, p TryPage) error {
	p.Alone = c.Try != nil
	for _, d := range c.Dialects {
		text, err := recipeOf(d, c.PublicURL)
		if err != nil {
			return err
		}
		p.Dialects = append(p.Dialects, TryDialect{d.Name, d.Title, text, d.Name == p.Chosen})
	}
	return c.showAs(status, p)
}

// try asks for a token without a script.
func (c *call) try() error {
	p := TryPage{Chosen: c.form.text("dialect"), ClientID: c.form.text("client_id"), Scope: c.form.text("scope"), Email: c.form.text("email"), Partner: c.form.text("partner")}
	i := slices.IndexFunc(c.Dialects, func(d Dialect) bool { return d.Name == p.Chosen })
	switch {
	case c.Try == nil:
		return postern.Errorf(postern.Unavailable, "this page needs a script on this server")
	case i < 0:
		p.Faults = []Fault{{"dialect", "Choose a dialect."}}
		return c.showTry(http.StatusUnprocessableEntity, p)
	}
	scope, err := postern.ParseScopes(p.Scope)
	if err != nil {
		e := postern.AsError(err)
		p.Faults = []Fault{{"scope", sentence(postern.Public(e))}}
		return c.showTry(http.StatusUnprocessableEntity, p)
	}
	req := postern.Request{Dialect: p.Chosen, ClientID: p.ClientID, Secret: c.form.secret("client_secret"), Scope: scope, Email: p.Email,
		Password: c.form.secret("password"), PartnerID: p.Partner}
	if p.Result, err = c.ask(c.Dialects[i], req); err != nil {
		return err
	}
	return c.showTry(http.StatusOK, p)
}

// mask stands where a proof was. No encoding changes it.
const mask = "MASKED"

// asked writes a request for a token without what proves the client, which is left out
// before a dialect encodes it: afterwards it could look like anything.
func (c *call) asked(d Dialect, req postern.Request) (string, error) {
	for _, proof := range []*postern.Secret{&req.Secret, &req.Password} {
		if !proof.Empty() {
			*proof = postern.NewSecret(mask)
		}
	}
	r, err := d.Encode(c.PublicURL, req)
	if err != nil {
		return "", err
	}
	body, err := bodyOf(r)
	if err != nil {
		return "", err
	}
	lines := []string{r.Method + " " + r.URL.RequestURI() + " HTTP/1.1", "Host: " + c.base.Host}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		v := r.Header.Get(name)
		if name == "Authorization" {
			v = "Basic " + mask
		}
		lines = append(lines, name+": "+v)
	}
	return strings.ReplaceAll(strings.Join(lines, "\n")+"\n\n"+body, mask, "•••"), nil
}

// ask sends a request to ourselves, and shows it and its answer. What proves the client is
// not shown again.
func (c *call) ask(d Dialect, req postern.Request) (*TryResult, error) {
	asked, err := c.asked(d, req)
	if err != nil {
		return nil, err
	}
	r, err := d.Encode(c.PublicURL, req)
	if err != nil {
		return nil, err
	}
	resp, err := c.Try.RoundTrip(r.WithContext(c.ctx))
	if err != nil {
		return nil, postern.Errorf(postern.Unavailable, "the token endpoint did not answer")
	}
	defer func() { _ = resp.Body.Close() }() // it is read as far as it is wanted
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxForm))
	if err != nil {
		return nil, postern.Errorf(postern.Unavailable, "the token endpoint did not answer in full")
	}
	res := &TryResult{Request: asked, Good: resp.StatusCode < 300, Answer: "HTTP/1.1 " + strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode) + "\n"}
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		if name != "Set-Cookie" {
			res.Answer += name + ": " + strings.Join(resp.Header[name], ", ") + "\n"
		}
	}
	res.Answer += "\n" + pretty(raw)
	res.Header, res.Payload = decoded(raw)
	return res, nil
}

func pretty(raw []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// compact is a compact JWS (RFC 7515 section 7.1) inside an answer.
var compact = regexp.MustCompile(`(eyJ[\w-]+)\.([\w-]+)\.[\w-]*`)

// decoded gives what the token in an answer says.
func decoded(answer []byte) (header, payload string) {
	m := compact.FindSubmatch(answer)
	if m == nil {
		return "", ""
	}
	for i, to := range []*string{&header, &payload} {
		if raw, err := base64.RawURLEncoding.DecodeString(string(m[i+1])); err == nil {
			*to = pretty(raw)
		}
	}
	return header, payload
}
