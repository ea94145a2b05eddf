package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/hr"
	"postern.dev/postern/internal/near"
	"postern.dev/postern/issuer"
)

type clientCmd struct {
	Create  clientCreateCmd  `cmd:"" help:"Make API credentials."`
	List    clientListCmd    `cmd:"" help:"List the clients of a tenant."`
	Show    clientShowCmd    `cmd:"" help:"Show one client."`
	Update  clientUpdateCmd  `cmd:"" help:"Change a client's scopes, dialects, networks, attributes or name."`
	Rotate  clientRotateCmd  `cmd:"" name:"rotate-secret" help:"Give a client a new secret; the old one works on for a while."`
	Disable clientDisableCmd `cmd:"" help:"Refuse a client, its live tokens too."`
	Enable  clientEnableCmd  `cmd:"" help:"Take a client back."`
	Revoke  clientRevokeCmd  `cmd:"" name:"revoke-tokens" help:"End every token of a client."`
	Delete  clientDeleteCmd  `cmd:"" help:"Delete a client for good."`
}

type clientCreateCmd struct {
	Tenant    string   `required:"" help:"Its tenant." placeholder:"T"`
	Name      string   `required:"" help:"A name for people." placeholder:"N"`
	Scope     []string `sep:" " help:"A scope it may be granted; repeat for more." placeholder:"S"`
	Dialect   []string `help:"A dialect it may use; repeat for more. Every machine dialect if not given." placeholder:"D"`
	Public    bool     `help:"A client without secret, for the password grant of people."`
	CallInto  []string `name:"call-into" help:"Another tenant that its calls may name; repeat for more." placeholder:"T"`
	TokenLife string   `name:"token-life" help:"How long its tokens live, 1m to 24h; the dialect's life if not given." placeholder:"D"`
	Alg       string   `help:"What its tokens are signed with where the dialect leaves a choice: ${algs}." placeholder:"A"`
	IPRange   []string `name:"ip-range" help:"A network or address it may come from; repeat for more. Anywhere if not given." placeholder:"CIDR"`
	Attribute []string `help:"A field of persons that the HR API shows it, such as first_name or dynamic_5; repeat for more. All if not given." placeholder:"F"`
	Expires   string   `help:"When its secret expires, counted from now, such as 365d; never if not given." placeholder:"D"`
	asJSON
}

func (clientCreateCmd) Help() string {
	return "The secret is shown once.\n\nExample:\n  postern client create --tenant acme --name payroll --scope personio:persons:read"
}

// Run checks the wish, makes the client and shows its secret once.
func (c *clientCreateCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	client, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	secret := postern.Secret{}
	if !client.Public {
		secret = postern.GenerateSecret()
		stored, err := p.storedSecret(secret, c.Expires)
		if err != nil {
			return err
		}
		client.Secrets = []postern.StoredSecret{stored}
	}
	ev := p.event(client.Tenant, postern.ActClientCreated, client.ID, "scopes: "+client.Scopes.String())
	ev.ClientID = client.ID
	if err := p.db.CreateClient(ctx, client, ev); err != nil {
		return err
	}
	return a.showClient(client, secret, c.JSON)
}

func (c *clientCreateCmd) client(ctx context.Context, p *place) (postern.Client, error) {
	out := postern.Client{ID: newClientID(), Subject: newSubject(), Tenant: c.Tenant, Name: c.Name, Public: c.Public,
		Tenants: c.CallInto, Attributes: c.Attribute, Alg: postern.Alg(c.Alg), CreatedAt: p.now(), UpdatedAt: p.now()}
	for _, t := range append([]string{c.Tenant}, c.CallInto...) {
		if _, err := p.tenant(ctx, t); err != nil {
			return out, err
		}
	}
	if c.Name == "" || len(c.Name) > maxName {
		return out, postern.Errorf(postern.Invalid, "a name has 1 to %d bytes", maxName)
	}
	var err error
	if out.Scopes, err = postern.ParseScopes(strings.Join(c.Scope, " ")); err != nil {
		return out, err
	}
	if err := checkWhitelist(c.Attribute); err != nil {
		return out, err
	}
	if out.Dialects, out.Grants, err = dialectsFor(c.Dialect, c.Public); err != nil {
		return out, err
	}
	if out.Ranges, err = prefixes(c.IPRange); err != nil {
		return out, err
	}
	if c.Alg != "" && !slices.Contains(postern.Algs, out.Alg) {
		return out, postern.Errorf(postern.Invalid, "%q is not an algorithm we sign with", postern.Shorten(c.Alg, 20)).
			WithHint("use one of ES256, RS256, EdDSA")
	}
	if c.TokenLife != "" {
		out.TokenLife, err = parseDuration(c.TokenLife)
		if err == nil && (out.TokenLife < postern.MinTokenLife || out.TokenLife > postern.MaxTokenLife) {
			err = postern.Errorf(postern.Invalid, "a token lives %s to %s", postern.MinTokenLife, postern.MaxTokenLife)
		}
	}
	return out, err
}

// checkWhitelist fails for names of fields that cannot be. One that is not ours may be
// an attribute of the tenant's, unless it looks like a slip.
func checkWhitelist(names []string) error {
	if len(names) > postern.MaxAttributes {
		return postern.Errorf(postern.Invalid, "at most %d attributes can be named", postern.MaxAttributes)
	}
	known := hr.AttributeNames()
	for _, n := range names {
		if n == "" || len(n) > postern.MaxName || strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return postern.Errorf(postern.Invalid, "the name of an attribute has 1 to %d bytes and no blanks", postern.MaxName)
		}
		if slices.Contains(known, n) || strings.HasPrefix(n, "dynamic_") {
			continue
		}
		if meant := near.Of(n, known); meant != "" {
			return postern.Errorf(postern.Invalid, "there is no attribute %q", n).WithHint("did you mean %s?", meant)
		}
	}
	return nil
}

// dialectsFor gives the named dialects, or every one of the client's kind, and the
// grants they need.
func dialectsFor(named []string, public bool) (dialects, grants []string, err error) {
	kind, grants := postern.Machine, []string{postern.GrantClientCredentials}
	if public {
		kind, grants = postern.Human, []string{postern.GrantPassword}
	}
	var names []string
	for _, d := range dialect.All {
		profile := profileOf(d)
		names = append(names, d.Name())
		if len(named) == 0 && profile.Kind == kind {
			dialects = append(dialects, d.Name())
		}
		if slices.Contains(named, d.Name()) {
			dialects = append(dialects, d.Name())
			if profile.Kind == postern.Human && !slices.Contains(grants, postern.GrantPassword) {
				grants = append(grants, postern.GrantPassword)
			}
			if public && profile.Kind == postern.Machine {
				return nil, nil, postern.Errorf(postern.Invalid, "a public client cannot use %s: it has no secret", d.Name())
			}
		}
	}
	for _, n := range named {
		if !slices.Contains(names, n) {
			e := postern.Errorf(postern.Invalid, "there is no dialect %q", postern.Shorten(n, 40))
			return nil, nil, e.WithHint("the dialects are %s", strings.Join(names, ", "))
		}
	}
	return dialects, grants, nil
}

// profileOf gives what the dialect's tokens look like; a zero profile for a dialect
// that we only call.
func profileOf(d dialect.Dialect) postern.Profile {
	if p, ok := d.(dialect.Profiler); ok {
		return p.Profile()
	}
	return postern.Profile{}
}

// newClientID makes an id that orders alike on every engine: 24 of a-z and 2-7.
func newClientID() string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))
}

func newSubject() string {
	raw := make([]byte, 12)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return hex.EncodeToString(raw)
}

// storedSecret is what is kept of a new secret.
func (p *place) storedSecret(secret postern.Secret, expires string) (postern.StoredSecret, error) {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails since Go 1.24
	out := postern.StoredSecret{ID: hex.EncodeToString(id), Hash: issuer.NewHasher(p.box).Hash(secret), CreatedAt: p.now()}
	if expires == "" {
		return out, nil
	}
	life, err := parseDuration(expires)
	if err == nil && life <= 0 {
		err = postern.Errorf(postern.Invalid, "a secret expires later than now")
	}
	out.ExpiresAt = p.now().Add(life)
	return out, err
}

type clientRotateCmd struct {
	ID      string `arg:"" help:"The client."`
	Overlap string `default:"24h" help:"How long the old secret still works." placeholder:"D"`
	Expires string `help:"When the new secret expires, counted from now; never if not given." placeholder:"D"`
	asJSON
}

func (clientRotateCmd) Help() string {
	return "At most two secrets live at once: a third ends the oldest. The new one is shown once.\n\nExample:\n  postern client rotate-secret c1ient --overlap 72h"
}

func (c *clientRotateCmd) Run(ctx context.Context, a *app) error {
	overlap, err := parseDuration(c.Overlap)
	if err != nil || overlap < 0 {
		return errMisused{postern.Errorf(postern.Invalid, "--overlap: %q is not a duration such as 24h", c.Overlap)}
	}
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	client, err := p.client(ctx, c.ID)
	if err != nil {
		return err
	}
	if client.Public {
		return postern.Errorf(postern.Invalid, "client %s is public and has no secret", client.ID)
	}
	secret := postern.GenerateSecret()
	fresh, err := p.storedSecret(secret, c.Expires)
	if err != nil {
		return err
	}
	ev := p.event(client.Tenant, postern.ActSecretAdded, client.ID, "the old one works for another "+c.Overlap)
	ev.ClientID = client.ID
	client, err = p.db.ChangeClient(ctx, client.Tenant, client.ID, ev, func(cl *postern.Client) error {
		cl.Secrets = rotated(cl.Secrets, fresh, p.now(), overlap)
		return nil
	})
	if err != nil {
		return err
	}
	return a.showClient(client, secret, c.JSON)
}

// rotated puts a new secret first, lets the newest old one live for the overlap,
// and drops the rest.
func rotated(old []postern.StoredSecret, fresh postern.StoredSecret, now time.Time, overlap time.Duration) []postern.StoredSecret {
	out := []postern.StoredSecret{fresh}
	for _, s := range old {
		if len(out) == postern.MaxLiveSecrets || !s.Live(now) {
			continue
		}
		if end := now.Add(overlap); s.ExpiresAt.IsZero() || end.Before(s.ExpiresAt) {
			s.ExpiresAt = end
		}
		out = append(out, s)
	}
	return out
}

type clientDeleteCmd struct {
	ID string `arg:"" help:"The client."`
}

func (clientDeleteCmd) Help() string {
	return "Its tokens stop working. Its id is never given again.\n\nExample:\n  postern client delete c1ient"
}

func (c *clientDeleteCmd) Run(ctx context.Context, a *app) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	client, err := p.client(ctx, c.ID)
	if err != nil {
		return err
	}
	ev := p.event(client.Tenant, postern.ActClientDeleted, client.ID, client.Name)
	ev.ClientID = client.ID
	if err := p.db.DeleteClient(ctx, client.Tenant, client.ID, ev); err != nil {
		return err
	}
	a.note("client %s of tenant %s is deleted", client.ID, client.Tenant)
	return nil
}

// client looks a client up for a command.
func (p *place) client(ctx context.Context, id string) (postern.Client, error) {
	c, err := p.db.Client(ctx, id)
	if postern.CodeOf(err) == postern.NotFound {
		return c, postern.Errorf(postern.NotFound, "there is no client %q", postern.Shorten(id, 80)).
			WithHint("`postern client list --tenant T` shows them")
	}
	return c, err
}
