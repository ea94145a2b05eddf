package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

type tokenGetCmd struct {
	Upstream string        `arg:"" help:"Whose token: an upstream by its name."`
	Cmd      []string      `arg:"" optional:"" name:"command" help:"With --exec: what to run, after --."`
	Header   bool          `help:"Print it as an Authorization header."`
	Exec     bool          `help:"Run a command with the token in its environment; its exit status is ours."`
	Format   string        `help:"For programs that take helpers: exec-credential, credential-process or env." placeholder:"F"`
	GoodFor  time.Duration `name:"good-for" help:"It must live so much longer, such as 5m." placeholder:"D"`
	JSON     bool          `help:"Print JSON, for programs."`
}

func (tokenGetCmd) Help() string {
	return "The token comes from where it is kept, or from the upstream if that has no good one.\n\nExamples:\n" +
		"  curl -H \"$(postern token get personio --header)\" https://api.personio.de/v2/persons\n" +
		"  postern token get personio --good-for 5m --exec -- ./sync\n" +
		"  eval \"$(postern token get personio --format env)\""
}

// tokenVariable is where the command of --exec finds the token, whatever the upstream.
const tokenVariable = "POSTERN_TOKEN"

var tokenFormats = []string{"exec-credential", "credential-process", "env"}

func howMany(all ...bool) (n int) {
	for _, set := range all {
		if set {
			n++
		}
	}
	return n
}

// tokenView is a token for programs.
type tokenView struct {
	Upstream  string `json:"upstream"`
	Token     string `json:"token"`
	Type      string `json:"token_type"`
	ExpiresAt string `json:"expires_at"`
	ExpiresIn int64  `json:"expires_in"` // whole seconds left
	Scope     string `json:"scope"`
	TenantID  string `json:"tenant_id,omitempty"`
}

func (c *tokenGetCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.Exec && len(c.Cmd) == 0:
		return errMisused{postern.Errorf(postern.Invalid, "--exec needs a command").WithHint("postern token get %s --exec -- CMD ARGS", c.Upstream)}
	case !c.Exec && len(c.Cmd) > 0:
		return errMisused{postern.Errorf(postern.Invalid, "a command is run with --exec only").WithHint("postern token get %s --exec -- %s", c.Upstream, c.Cmd[0])}
	case c.Format != "" && !slices.Contains(tokenFormats, c.Format):
		return errMisused{postern.Errorf(postern.Invalid, "--format: %q is none of %s", postern.Shorten(c.Format, 40), strings.Join(tokenFormats, ", "))}
	case howMany(c.Header, c.Exec, c.JSON, c.Format != "") > 1:
		return errMisused{postern.Errorf(postern.Invalid, "--header, --json, --format and --exec exclude each other")}
	case c.GoodFor < 0:
		return errMisused{postern.Errorf(postern.Invalid, "--good-for is not negative")}
	}
	u, tok, err := c.get(ctx, a)
	if err != nil {
		return err
	}
	if c.Exec {
		return a.execWith(ctx, u, tok, c.Cmd)
	}
	out, err := c.written(a, u, tok)
	if err == nil {
		_, err = fmt.Fprintln(a.stdout, out)
	}
	return err
}

// get gives the token, with the database closed again.
func (c *tokenGetCmd) get(ctx context.Context, a *app) (*named, postern.Token, error) {
	o, err := a.openOutside(ctx)
	if err != nil {
		return nil, postern.Token{}, err
	}
	defer func() { _ = o.close() }()
	u, err := o.find(c.Upstream)
	if err != nil {
		return nil, postern.Token{}, err
	}
	b, err := o.broker(o.quietly(), nil, u)
	if err != nil {
		return nil, postern.Token{}, err
	}
	defer func() { _ = b.Close() }()
	tok, err := b.Token(ctx, u.name, c.GoodFor)
	return u, tok, err
}

// written is the token as the flags want it.
func (c *tokenGetCmd) written(a *app, u *named, tok postern.Token) (string, error) {
	switch {
	case c.Header:
		return "Authorization: Bearer " + tok.Value.Reveal(), nil
	case c.JSON:
		return indented(tokenView{Upstream: u.name, Token: tok.Value.Reveal(), Type: "Bearer", ExpiresAt: stamp(tok.ExpiresAt),
			ExpiresIn: int64(max(0, tok.ExpiresAt.Sub(a.now())) / time.Second), Scope: tok.Scope.String(), TenantID: u.TenantID})
	case c.Format == "exec-credential":
		return execCredential(a, tok)
	case c.Format == "credential-process":
		return credentialProcess(u, tok)
	case c.Format == "env":
		var lines []string
		for _, v := range u.variables(tok) {
			lines = append(lines, "export "+v.name+"='"+strings.ReplaceAll(v.value, "'", `'\''`)+"'")
		}
		return strings.Join(lines, "\n"), nil
	}
	return tok.Value.Reveal(), nil
}

func indented(v any) (string, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return string(b), err
}

// variable is a variable of an environment.
type variable struct{ name, value string }

// variables are those in which programs look for the token and what goes with it.
func (u *named) variables(tok postern.Token) []variable {
	all := []variable{{tokenVariable, tok.Value.Reveal()}}
	if name := u.facts().Token; name != "" {
		all = append(all, variable{name, tok.Value.Reveal()})
	}
	if u.TenantID != "" && u.facts().Tenant {
		all = append(all, variable{u.facts().Env + "_TENANT_ID", u.TenantID})
	}
	return all
}

// execCredential writes what kubectl and its kin take from a helper, in the version
// that they ask for.
func execCredential(a *app, tok postern.Token) (string, error) {
	version := "client.authentication.k8s.io/v1"
	var info struct {
		APIVersion string `json:"apiVersion"`
	}
	if json.Unmarshal([]byte(a.getenv("KUBERNETES_EXEC_INFO")), &info) == nil && strings.HasPrefix(info.APIVersion, "client.authentication.k8s.io/") {
		version = info.APIVersion
	}
	type status struct {
		Expires string `json:"expirationTimestamp,omitempty"`
		Token   string `json:"token"`
	}
	return indented(struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Status     status `json:"status"`
	}{version, "ExecCredential", status{stamp(tok.ExpiresAt), tok.Value.Reveal()}})
}

// credentialProcess writes what the AWS tools take from a helper. A bearer token has no
// key id; the client's id stands for it, and the token is the secret and the session.
func credentialProcess(u *named, tok postern.Token) (string, error) {
	return indented(struct {
		Version      int
		AccessKeyID  string `json:"AccessKeyId"`
		SecretKey    string `json:"SecretAccessKey"`
		SessionToken string
		Expiration   string `json:",omitempty"`
	}{1, u.ClientID, tok.Value.Reveal(), tok.Value.Reveal(), stamp(tok.ExpiresAt)})
}
